//! `GET /api/data`, as users of the original call it.

use serde_json::{Value, json};

use crate::app::{TestApp, TestProject, hit};

async fn filled() -> (TestApp, TestProject) {
    let app = TestApp::start().await;
    let project = app.project().await;
    let hits = json!([
        hit(
            "/a",
            json!({
                "hostname": "API.example.com:443", "ip_address": "::ffff:203.0.113.9", "user_agent": "it's; --", "method": "post",
                "status": 201, "response_time": 12.5, "user_id": "alice", "created_at": "2026-11-20T10:00:00.123456Z"
            })
        ),
        hit(
            "/b?q=1",
            json!({ "ip_address": "198.51.100.7, 10.0.0.1", "status": 404, "response_time": 40000, "created_at": "2026-11-21T23:59:59.999999Z" })
        ),
        hit(
            "/update",
            json!({ "user_id": "bob", "method": "PURGE", "created_at": "2026-11-22T00:00:00Z" })
        ),
    ]);
    assert_eq!(app.post_hits(&project.key, hits).await.json()["accepted"], 3);
    (app, project)
}

fn paths(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_have_the_original_s_fields_in_order_of_arrival() {
    let (app, project) = filled().await;
    let answer = app.get_as(&project.key, "/api/data").await;
    assert_eq!(answer.header("content-type"), "application/json");
    // As text: the order of fields matters.
    assert_eq!(
        answer.text(),
        concat!(
            r#"[{"hostname":"api.example.com","ip_address":"203.0.113.9","path":"/a","user_agent":"it's; --","method":1,"status":201,"#,
            r#""response_time":13,"location":"","user_id":"alice","created_at":"2026-11-20T10:00:00.123456Z"},"#,
            r#"{"hostname":"","ip_address":"198.51.100.7","path":"/b","user_agent":"","method":0,"status":404,"#,
            r#""response_time":40000,"location":"","user_id":"","created_at":"2026-11-21T23:59:59.999999Z"},"#,
            r#"{"hostname":"","ip_address":"","path":"/update","user_agent":"","method":9,"status":200,"#,
            r#""response_time":0,"location":"","user_id":"bob","created_at":"2026-11-22T00:00:00Z"}]"#
        )
    );
    let typed: Vec<server::schema::OriginalHit> = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(typed.len(), 3);
    let compact = app.get_as(&project.key, "/api/data?compact=true&user_id=alice").await.json();
    assert_eq!(
        compact,
        json!([
            [
                "ip_address",
                "path",
                "hostname",
                "user_agent",
                "method",
                "response_time",
                "status",
                "location",
                "user_id",
                "created_at"
            ],
            [
                "203.0.113.9",
                "/a",
                "api.example.com",
                "it's; --",
                1,
                13,
                201,
                "",
                "alice",
                "2026-11-20T10:00:00.123456Z"
            ],
        ])
    );
    assert_eq!(app.get_as(&project.key, "/api/data?compact=false&page=2").await.json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_parameter_chooses_under_each_of_its_names() {
    let (app, project) = filled().await;
    for (query, expect) in [
        ("", vec!["/a", "/b", "/update"]),
        ("page=1", vec!["/a", "/b", "/update"]),
        ("page=2", vec![]),
        ("date=2026-11-21", vec!["/b"]),
        ("date=2026-11-21&dateFrom=2020-01-01&dateTo=2020-01-02", vec!["/b"]),
        ("dateFrom=2026-11-21", vec!["/b", "/update"]),
        ("dateTo=2026-11-21", vec!["/a", "/b"]),
        ("dateFrom=2026-11-20&dateTo=2026-11-20", vec!["/a"]),
        ("hostname=api.example.com", vec!["/a"]),
        ("hostname=API.example.com", vec!["/a"]),
        ("hostname=api", vec![]),
        ("ipAddress=203.0.113.9", vec!["/a"]),
        ("ip=::ffff:203.0.113.9", vec!["/a"]),
        ("ip_address=198.51.100.7", vec!["/b"]),
        ("ip_address=10.0.0.1", vec![]),
        ("status=404", vec!["/b"]),
        ("location=NP", vec![]),
        ("user_id=alice", vec!["/a"]),
        ("userId=bob", vec!["/update"]),
        ("userID=bob&status=200", vec!["/update"]),
        ("userID=bob&status=404", vec![]),
        ("user_id=", vec!["/a", "/b", "/update"]),
        ("user_id=%27%20OR%201%3D1%20--", vec![]),
        ("hostname=%25", vec![]),
    ] {
        let rows = app.get_as(&project.key, &format!("/api/data?{query}")).await.json();
        assert_eq!(paths(&rows), expect, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_parameter_is_refused_by_its_name() {
    let (app, project) = filled().await;
    for (query, name) in [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=one", "page"),
        ("page=99999999999999999999", "page"),
        ("date=yesterday", "date"),
        ("dateFrom=2026-13-01", "dateFrom"),
        ("dateTo=22.11.2026", "dateTo"),
        ("ip=nonsense", "ip"),
        ("ipAddress=1.2.3", "ipAddress"),
        ("status=ok", "status"),
        ("status=99", "status"),
        ("location=Nepal", "location"),
        ("compact=maybe", "compact"),
        ("hostnam=x", "hostnam"),
        ("user_id=a&userId=b", "userId"),
    ] {
        let refused = app.get_as(&project.key, &format!("/api/data?{query}")).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (400, "invalid_parameter"),
            "{query}"
        );
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("`{name}`")), "{query}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_comes_in_any_of_its_headers() {
    let (app, project) = filled().await;
    let bearer = format!("Bearer {}", project.key);
    for header in [
        ("X-AUTH-TOKEN", project.key.as_str()),
        ("API-Key", &project.key),
        ("Authorization", &bearer),
    ] {
        let answer = app.send(axum::http::Method::GET, "/api/data", &[header], Vec::new()).await;
        assert_eq!(answer.json().as_array().unwrap().len(), 3, "{}", header.0);
    }
    assert_eq!(app.get("/api/data").await.code(), "missing_key");
    assert_eq!(app.get_as("nonsense", "/api/data").await.code(), "unknown_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_50_000_rows_and_join_without_a_gap() {
    let app = TestApp::start().await;
    let project = app.project().await;
    for batch in 0..2u32 {
        let hits: Vec<Value> =
            (0..25_100u32).map(|n| hit(&format!("/{}", batch * 25_100 + n), json!({}))).collect();
        assert_eq!(app.post_hits(&project.key, json!(hits)).await.json()["accepted"], 25_100);
    }
    let (first, second) = (
        app.get_as(&project.key, "/api/data?page=1").await.json(),
        app.get_as(&project.key, "/api/data?page=2").await.json(),
    );
    let all: Vec<String> =
        paths(&first).into_iter().chain(paths(&second)).map(str::to_owned).collect();
    assert_eq!((paths(&first).len(), all.len()), (50_000, 50_200));
    assert!(all.iter().enumerate().all(|(index, path)| *path == format!("/{index}")));
}
