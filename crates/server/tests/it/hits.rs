//! `GET /api/v1/hits`: pages, streams, filters.

use serde_json::{Value, json};

use crate::app::{TestApp, TestProject, hit};

/// 25 hits, /0 the oldest, two of them at the same time.
async fn filled() -> (TestApp, TestProject) {
    let app = TestApp::start().await;
    let project = app.project().await;
    let hits: Vec<Value> = (0..25)
        .map(|n| {
            let minute = if n == 13 { 12 } else { n };
            hit(&format!("/{n}"), json!({ "created_at": format!("2026-11-22T11:{minute:02}:00Z"), "status": 200 + n }))
        })
        .collect();
    assert_eq!(app.post_hits(&project.key, json!(hits)).await.json()["accepted"], 25);
    (app, project)
}

fn paths(page: &Value) -> Vec<String> {
    page["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["path"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_has_all_that_is_known_of_it() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let posted = hit(
        "/v1/users/42?x=1",
        json!({
            "hostname": "API.example.com:443", "ip_address": "8.8.8.8", "method": "post", "status": 201, "response_time": 12.345,
            "user_id": "alice", "referrer": "https://example.com/", "request_size": 5, "response_size": 7, "request_id": "7f3c", "cache": "hit",
            "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
        }),
    );
    app.post_hits(&project.key, json!([posted, hit("/", json!({}))])).await;
    let page = app.get_as(&project.key, "/api/v1/hits").await.json();
    let (bare, full) = (&page["hits"][0], &page["hits"][1]);
    assert_eq!(
        *full,
        json!({
            "hit_id": full["hit_id"], "time": "2026-11-22T11:59:00Z", "method": "POST", "host": "api.example.com",
            "path": "/v1/users/42", "route": "/v1/users/{id}", "version": "v1", "status": 201, "duration_ms": 12.345,
            "country": "US", "address": "8.8.8.8", "user_id": "alice",
            "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
            "client": "Chrome", "os": "Windows", "device": "desktop", "referrer": "https://example.com/", "framework": "FastAPI",
            "request_size": 5, "response_size": 7, "request_id": "7f3c", "cache": "hit"
        })
    );
    assert_eq!(
        *bare,
        json!({
            "hit_id": bare["hit_id"], "time": "2026-11-22T11:59:00Z", "method": "GET", "host": null, "path": "/", "route": "/",
            "version": null, "status": 200, "duration_ms": null, "country": null, "address": null, "user_id": null,
            "user_agent": null, "client": null, "os": null, "device": null, "referrer": null, "framework": "FastAPI",
            "request_size": null, "response_size": null, "request_id": null, "cache": null
        })
    );
    let id = |hit: &Value| hit["hit_id"].as_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(id(bare), id(full) + 1);
    assert_eq!(page["next"], Value::Null);
    for (q, found) in [
        ("request_id:7f3c", vec!["/v1/users/42"]),
        ("request_id:7f*", vec!["/v1/users/42"]),
        ("request_id:%22%22", vec!["/"]),
        ("request_id:7f3", vec![]),
        ("cache:hit", vec!["/v1/users/42"]),
        ("-cache:hit", vec!["/"]),
        ("cache:miss", vec![]),
    ] {
        let page = app.get_as(&project.key, &format!("/api/v1/hits?q={q}")).await.json();
        assert_eq!(paths(&page), found, "{q}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_join_without_a_gap_also_where_times_are_equal() {
    let (app, project) = filled().await;
    let expect: Vec<String> = (0..25).rev().map(|n| format!("/{n}")).collect();
    for limit in [1, 2, 6, 12, 13, 24, 25, 100] {
        let (mut all, mut after, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = app
                .get_as(&project.key, &format!("/api/v1/hits?limit={limit}{after}"))
                .await
                .json();
            all.extend(paths(&page));
            pages += 1;
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(all, expect, "limit {limit}");
        assert_eq!(pages, 25_usize.div_ceil(limit), "limit {limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_and_a_query_choose() {
    let (app, project) = filled().await;
    for (query, expect) in [
        ("from=2026-11-22T11:20:00Z", vec!["/24", "/23", "/22", "/21", "/20"]),
        ("to=2026-11-22T11:02:00Z", vec!["/1", "/0"]),
        ("from=2026-11-22T16:46:00%2B05:45&to=2026-11-22T11:03:00Z", vec!["/2", "/1"]),
        ("period=all&q=status:200..201", vec!["/1", "/0"]),
        ("period=24h&q=path:/2*&limit=2", vec!["/24", "/23"]),
        ("q=path:/1+method:POST", vec![]),
        ("q=path:/1,/2+method:get", vec!["/2", "/1"]),
        ("q=-path:/1*+-path:/2*", vec!["/9", "/8", "/7", "/6", "/5", "/4", "/3", "/0"]),
        ("q=&period=&limit=1", vec!["/24"]),
        ("tz=Asia/Kathmandu&period=7d&limit=1", vec!["/24"]),
    ] {
        let page = app.get_as(&project.key, &format!("/api/v1/hits?{query}")).await.json();
        assert_eq!(paths(&page), expect, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_parameter_is_refused_with_its_code_and_name() {
    let (app, project) = filled().await;
    for (query, code, named) in [
        ("period=yesterday", "invalid_parameter", "`period`"),
        ("from=yesterday", "invalid_parameter", "`from`"),
        ("to=2026-11-22", "invalid_parameter", "`to`"),
        ("tz=Mars/Olympus", "invalid_parameter", "`tz`"),
        ("q=colour:red", "invalid_query", "`q`"),
        ("q=status:", "invalid_query", "`q`"),
        ("limit=0", "invalid_limit", "`limit`"),
        ("limit=10001", "invalid_limit", "`limit`"),
        ("limit=all", "invalid_limit", "`limit`"),
        ("after=abc", "invalid_cursor", "`after`"),
        ("format=xml", "invalid_parameter", "`format`"),
        ("lmit=3", "invalid_parameter", "`lmit`"),
    ] {
        let refused = app.get_as(&project.key, &format!("/api/v1/hits?{query}")).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, code), "{query}");
        assert!(
            refused.json()["message"].as_str().unwrap().contains(named),
            "{query}: {}",
            refused.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_stream_everything_or_as_many_as_asked() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let hits: Vec<Value> =
        (0..25_000).map(|n| hit(&format!("/{n}"), json!({ "user_id": "=1+1" }))).collect();
    assert_eq!(app.post_hits(&project.key, json!(hits)).await.json()["accepted"], 25_000);
    let lines = app.get_as(&project.key, "/api/v1/hits?format=ndjson").await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let all: Vec<Value> =
        lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(all.len(), 25_000);
    for (index, hit) in all.iter().enumerate() {
        assert_eq!(hit["path"], format!("/{}", 24_999 - index));
    }
    let some =
        app.get_as(&project.key, "/api/v1/hits?format=ndjson&limit=7&q=path:/1*").await.text();
    assert_eq!(some.lines().count(), 7);
    let sheet = app.get_as(&project.key, "/api/v1/hits?format=csv").await;
    assert!(sheet.header("content-type").starts_with("text/csv"));
    assert!(sheet.header("content-disposition").starts_with("attachment"));
    let mut reader = csv::Reader::from_reader(sheet.body.as_slice());
    let column = reader.headers().unwrap().iter().position(|name| name == "user_id").unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 25_000);
    assert!(rows.iter().all(|row| &row[column] == "'=1+1"));
    let empty = app.get_as(&project.key, "/api/v1/hits?format=csv&q=path:/none").await.text();
    assert_eq!(empty.lines().count(), 1);
    assert_eq!(
        app.get_as(&project.key, "/api/v1/hits?format=ndjson&q=path:/none").await.text(),
        ""
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_is_found_by_its_id_alone() {
    let (app, project) = filled().await;
    let page = app.get_as(&project.key, "/api/v1/hits").await.json();
    for hit in page["hits"].as_array().unwrap() {
        let path = format!("/api/v1/hits/{}", hit["hit_id"].as_str().unwrap());
        assert_eq!(app.get_as(&project.key, &path).await.json(), *hit);
    }
    let newest: i64 = page["hits"][0]["hit_id"].as_str().unwrap().parse().unwrap();
    let oldest = page["hits"][24]["hit_id"].as_str().unwrap();
    let other = app.project().await;
    let unknown = [(newest + 1).to_string(), "-1".into(), i64::MIN.to_string(), "x".into()];
    let unknown =
        unknown.iter().map(|id| (&project.key, id.as_str())).chain([(&other.key, oldest)]);
    for (key, id) in unknown {
        let refused = app.get_as(key, &format!("/api/v1/hits/{id}")).await;
        let said = (refused.status.as_u16(), refused.code());
        assert_eq!(said, (404, "unknown_hit".to_owned()), "{id}");
    }
    // A share link finds the fields that it shows.
    let link = async |settings: Value| {
        let headers = [("x-auth-token", project.key.as_str())];
        let made = app.post("/api/v1/share-links", &headers, &settings).await;
        made.json()["token"].as_str().unwrap().to_owned()
    };
    let open = link(json!({ "hits": true, "q": "status:<224" })).await;
    assert_eq!(app.get_as(&open, &format!("/api/v1/hits/{oldest}")).await.json()["path"], "/0");
    let hidden = app.get_as(&open, &format!("/api/v1/hits/{newest}")).await;
    assert_eq!(hidden.code(), "unknown_hit");
    let closed = link(json!({})).await;
    let refused = app.get_as(&closed, &format!("/api/v1/hits/{oldest}")).await;
    assert_eq!(refused.code(), "hidden_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slowest_come_first_and_those_without_a_duration_last() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let of = |path: &str, more: Value| hit(path, more);
    let hits = json!([
        of("/c", json!({ "response_time": 5 })),
        of("/none", json!({})),
        of("/a", json!({ "response_time": 900.5, "user_id": "alice" })),
        of("/d", json!({ "response_time": 0 })),
        of("/b", json!({ "response_time": 5, "created_at": "2026-11-22T11:59:01Z" })),
        of("/e", json!({ "response_time": 0, "created_at": "2026-11-22T11:00:00Z" })),
    ]);
    app.post_hits(&project.key, hits).await;
    let mut found = Vec::new();
    let mut next = String::new();
    loop {
        let path = format!("/api/v1/hits?sort=duration&limit=2{next}");
        let page = app.get_as(&project.key, &path).await.json();
        found.extend(paths(&page));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&after={cursor}"),
            None => break,
        }
        // Hits that arrive meanwhile change nothing.
        app.post_hits(&project.key, json!([of("/slower", json!({ "response_time": 5_000 }))]))
            .await;
    }
    assert_eq!(found, ["/a", "/b", "/c", "/d", "/e", "/none"]);
    let newest = app.get_as(&project.key, "/api/v1/hits?sort=time&q=-path:/slower").await.json();
    assert_eq!(paths(&newest), ["/b", "/d", "/a", "/none", "/c", "/e"]);
    let filtered = app.get_as(&project.key, "/api/v1/hits?sort=duration&q=duration:0..100ms").await;
    assert_eq!(paths(&filtered.json()), ["/b", "/c", "/d", "/e"]);
    let headers = [("x-auth-token", project.key.as_str())];
    let link = app.post("/api/v1/share-links", &headers, &json!({ "hits": true })).await.json();
    let token = link["token"].as_str().unwrap();
    let page = app.get_as(token, "/api/v1/hits?sort=duration&q=path:/a").await.json();
    assert_eq!(
        (&page["hits"][0]["path"], &page["hits"][0]["user_id"]),
        (&json!("/a"), &json!(null))
    );
    for (more, code) in [
        ("&format=csv", "invalid_parameter"),
        ("&limit=201", "invalid_limit"),
        ("&after=00000000000000000000000000000000", "invalid_cursor"),
        ("x", "invalid_parameter"),
    ] {
        let refused = app.get_as(&project.key, &format!("/api/v1/hits?sort=duration{more}")).await;
        assert_eq!(refused.code(), code, "{more}");
    }
}
