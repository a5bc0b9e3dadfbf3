//! `/api/v1/lists/{panel}` for its callers: pages, orders, searches and files, and the parts that a share link leaves
//! out. The store's model test asserts the rows.

use serde_json::{Value, json};

use crate::app::{TestApp, hit};

/// 60 endpoints, the n-th with n + 1 hits from each of several consumers.
async fn app_with_hits() -> (TestApp, String) {
    let app = TestApp::start().await;
    let project = app.project().await;
    for n in 0..60 {
        let hits = (0..=n % 7).map(|m| {
            let user = if m % 2 == 0 { String::new() } else { format!("user-{m}") };
            hit(
                &format!("/v1/things/{n}"),
                json!({
                    "route": format!("/v1/things{n:02}"), "user_id": user, "ip_address": format!("8.8.8.{m}"),
                    "response_time": n, "referrer": format!("=cmd{}", n % 3)
                }),
            )
        });
        app.post_hits(&project.key, hits.collect()).await;
    }
    let headers = [("x-auth-token", project.key.as_str()), ("content-type", "application/json")];
    let name = json!({ "name": "My shop" }).to_string().into_bytes();
    let named = app.send(axum::http::Method::PATCH, "/api/v1/project", &headers, name).await;
    assert_eq!(named.status, 200);
    (app, project.key)
}

fn routes(page: &Value) -> Vec<String> {
    let rows = page["rows"].as_array().unwrap();
    rows.iter().map(|row| row["route"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_of_one_list_while_hits_arrive() {
    let (app, key) = app_with_hits().await;
    let all = app.get_as(&key, "/api/v1/lists/endpoints?limit=500").await.json();
    assert_eq!((&all["total_rows"], &all["matching_rows"]), (&json!(60), &json!(60)));
    assert_eq!((&all["most_requests"], &all["rows"][0]["requests"]), (&json!(7), &json!(7)));
    let first = app.get_as(&key, "/api/v1/lists/endpoints").await.json();
    assert_eq!(routes(&first), routes(&all)[..50]);
    // Later hits would come first.
    let new = (0..9).map(|_| hit("/new", json!({ "route": "/new" })));
    app.post_hits(&key, new.collect()).await;
    let as_of = first["as_of"].as_str().unwrap();
    let next = format!("/api/v1/lists/endpoints?offset=50&as_of={as_of}");
    let next = app.get_as(&key, &next).await.json();
    assert_eq!((routes(&next), &next["as_of"]), (routes(&all)[50..].to_vec(), &first["as_of"]));
    let now = app.get_as(&key, "/api/v1/lists/endpoints").await.json();
    assert_eq!((routes(&now)[0].as_str(), &now["total_rows"]), ("/new", &json!(61)));
    // An `as_of` of another period is invalid here.
    let other = format!("/api/v1/lists/endpoints?period=24h&as_of={as_of}");
    assert_eq!(app.get_as(&key, &other).await.json()["total_rows"], 61);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_erased_between_two_pages_is_gone_from_pages_and_searches() {
    let (app, key) = app_with_hits().await;
    let ask = async |query: &str| {
        app.get_as(&key, &format!("/api/v1/lists/top_consumers?{query}")).await.json()
    };
    let first = ask("limit=2").await;
    let as_of = first["as_of"].as_str().unwrap();
    let searched = format!("search=user-3&as_of={as_of}");
    assert_eq!(ask(&searched).await["rows"][0]["user"], "user-3");
    let whole = format!("as_of={as_of}");
    assert!(ask(&whole).await.to_string().contains("user-3"));
    assert_eq!(app.delete_as(&key, "/api/v1/consumers/u:user-3").await.status, 200);
    let next = ask(&whole).await;
    assert_eq!(next["total_rows"].as_u64(), first["total_rows"].as_u64().map(|rows| rows - 1));
    for page in [next, ask(&searched).await, ask(&format!("offset=2&sort=name&{whole}")).await] {
        assert!(!page.to_string().contains("user-3"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_and_both_ends_of_an_order_look_at_all_rows() {
    let (app, key) = app_with_hits().await;
    let ask = async |query: &str| {
        app.get_as(&key, &format!("/api/v1/lists/endpoints?limit=3&{query}")).await.json()
    };
    let found = ask("search=THINGS4+get").await;
    assert_eq!((&found["matching_rows"], &found["total_rows"]), (&json!(10), &json!(60)));
    assert!(routes(&found).iter().all(|route| route.starts_with("/v1/things4")));
    let slow = ask("sort=p95_ms").await;
    assert_eq!(routes(&slow), ["/v1/things59", "/v1/things58", "/v1/things57"]);
    let quick = ask("sort=p95_ms&order=asc").await;
    assert_eq!(routes(&quick), ["/v1/things00", "/v1/things01", "/v1/things02"]);
    let by_name = ask("sort=name&order=asc&offset=57").await;
    assert_eq!(routes(&by_name), ["/v1/things57", "/v1/things58", "/v1/things59"]);
    let nothing = ask("search=nowhere").await;
    assert_eq!((&nothing["matching_rows"], &nothing["rows"]), (&json!(0), &json!([])));
    assert_eq!(ask("offset=60").await["rows"], json!([]));
    for wrong in ["sort=colour", "order=up", "limit=501", "offset=-1", "format=xml"] {
        let answer = app.get_as(&key, &format!("/api/v1/lists/endpoints?{wrong}")).await;
        assert_eq!(answer.code(), "invalid_parameter", "{wrong}");
    }
    let long = "a".repeat(201);
    for wrong in [format!("search={long}"), format!("search={}", "a+".repeat(17))] {
        let answer = app.get_as(&key, &format!("/api/v1/lists/endpoints?{wrong}")).await;
        assert_eq!(answer.code(), "invalid_parameter", "{wrong}");
    }
    // Values have no durations.
    let answer = app.get_as(&key, "/api/v1/lists/hosts?sort=p95_ms").await;
    assert_eq!(answer.code(), "invalid_parameter");
    assert_eq!(app.get_as(&key, "/api/v1/lists/latency").await.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_all_rows_that_match_and_no_formulas() {
    let (app, key) = app_with_hits().await;
    let file = app.get_as(&key, "/api/v1/lists/endpoints?format=csv&sort=name&order=asc").await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"My-shop-endpoints-2026-11-15-to-2026-11-22.csv\""
    );
    let text = file.text();
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 61);
    assert_eq!(
        lines[0],
        "method,route,requests,client_errors,server_errors,p50_ms,p95_ms,p99_ms,last_seen"
    );
    assert!(lines[60].starts_with("GET,/v1/things59,4,0,0,"), "{}", lines[60]);
    let few = app.get_as(&key, "/api/v1/lists/endpoints?format=csv&search=things5&limit=4").await;
    assert_eq!(few.text().split_terminator("\r\n").count(), 5);
    let hostile = app.get_as(&key, "/api/v1/lists/referrers?format=csv").await;
    assert!(hostile.text().contains("\r\n'=cmd0,"), "{}", hostile.text());
    let lines = app.get_as(&key, "/api/v1/lists/referrers?format=ndjson&search=cmd1").await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let row: Value = serde_json::from_str(&lines.text()).unwrap();
    assert_eq!((&row["key"], &row["errors"]), (&json!("=cmd1"), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_has_the_rows_of_its_panel() {
    let (app, key) = app_with_hits().await;
    let dashboard = app.get_as(&key, "/api/v1/dashboard?rows=500").await.json();
    for name in [
        "endpoints",
        "top_consumers",
        "statuses",
        "versions",
        "countries",
        "clients",
        "operating_systems",
        "devices",
        "referrers",
        "hosts",
        "frameworks",
        "sdks",
    ] {
        let list = app.get_as(&key, &format!("/api/v1/lists/{name}?limit=500")).await.json();
        let panel = &dashboard["panels"][name];
        assert_eq!((&list["rows"], &list["total_rows"]), (&panel["rows"], &panel["total_rows"]));
        assert!(!list["rows"].as_array().unwrap().is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_link_lists_what_it_shows() {
    let (app, key) = app_with_hits().await;
    let share = async |link| {
        let answer = app.post("/api/v1/share-links", &[("x-auth-token", &key)], &link).await;
        answer.json()["token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
    };
    let consumers = "/api/v1/lists/top_consumers";
    let all = app.get_as(&key, consumers).await;
    assert!(all.text().contains("8.8.8.2") && all.text().contains("user-1"));
    let token = share(json!({ "q": "route:/v1/things4*" })).await;
    for format in ["json", "csv", "ndjson"] {
        let hidden = app.get_as(&token, &format!("{consumers}?format={format}")).await;
        assert_eq!(hidden.code(), "hidden_field", "{format}");
        let part = app.get_as(&token, &format!("/api/v1/lists/endpoints?format={format}")).await;
        assert!(part.text().contains("/v1/things41") && !part.text().contains("/v1/things5"));
    }
    // An `as_of` of its owner shows a guest no more.
    let as_of = all.json()["as_of"].as_str().unwrap().to_owned();
    let around = format!("/api/v1/lists/endpoints?limit=500&as_of={as_of}");
    assert_eq!(app.get_as(&token, &around).await.json()["total_rows"], 10);
    assert_eq!(
        app.get_as(&token, "/api/v1/lists/endpoints?q=user:user-1").await.code(),
        "hidden_field"
    );
    let token = share(json!({ "consumers": true })).await;
    let users = app.get_as(&token, &format!("{consumers}?as_of={as_of}")).await;
    assert!(!users.text().contains("8.8.8.") && users.text().contains("user-1"));
    let searched = app.get_as(&token, &format!("{consumers}?search=8.8")).await;
    assert_eq!(searched.json()["matching_rows"], 0);
}
