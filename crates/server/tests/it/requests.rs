//! `GET /api/requests/{user_id}`: the original dashboard's raw rows.

use std::io::Read;

use axum::http::Method;
use serde_json::{Value, json};
use server::schema::OriginalRequests;

use crate::app::{TestApp, hit};

#[tokio::test(flavor = "multi_thread")]
async fn rows_name_their_user_agents_by_number() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let hits = json!([
        hit("/a", json!({ "user_agent": "one", "response_time": 0.4 })),
        hit(
            "/b",
            json!({ "user_agent": "two \"quoted\"", "method": "DELETE", "user_id": "alice", "ip_address": "2001:db8::1" })
        ),
        hit("/c", json!({ "user_agent": "one", "hostname": "h" })),
        hit("/d", json!({})),
    ]);
    app.post_hits(&project.key, hits).await;
    let answer = app.get(&format!("/api/requests/{}", project.dashboard_id)).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
    let time = "2026-11-22T11:59:00Z";
    assert_eq!(
        answer.json(),
        json!({
            "user_agents": { "1": "one", "2": "two \"quoted\"", "3": "" },
            "requests": [
                ["", "/a", "", 1, 0, 0, 200, "", "", time],
                ["2001:db8::1", "/b", "", 2, 4, 0, 200, "", "alice", time],
                ["", "/c", "h", 1, 0, 0, 200, "", "", time],
                ["", "/d", "", 3, 0, 0, 200, "", "", time],
            ]
        })
    );
    serde_json::from_slice::<OriginalRequests>(&answer.body).unwrap();
    for path in ["/1", "/0", "?page=1", "?page=0"] {
        let other = app.get(&format!("/api/requests/{}{path}", project.dashboard_id)).await;
        assert_eq!(other.json(), answer.json(), "{path}");
    }
    let empty = json!({ "user_agents": {}, "requests": [] });
    assert_eq!(app.get(&format!("/api/requests/{}/2", project.dashboard_id)).await.json(), empty);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_many_pieces_is_one_and_the_same_with_gzip() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let hits: Vec<Value> = (0..60_000u32)
        .map(|n| json!({ "path": format!("/{n}"), "method": "GET", "status": 200, "user_agent": format!("agent {}", n % 7), "created_at": "2026-11-22T11:59:00Z" }))
        .collect();
    assert_eq!(app.post_hits(&project.key, json!(hits)).await.json()["accepted"], 60_000);
    let path = format!("/api/requests/{}", project.dashboard_id);
    let plain: OriginalRequests = serde_json::from_slice(&app.get(&path).await.body).unwrap();
    assert_eq!((plain.requests.len(), plain.user_agents.len()), (60_000, 7));
    for (index, row) in plain.requests.iter().enumerate() {
        assert_eq!(row.1, format!("/{index}"));
        assert_eq!(plain.user_agents[&row.3.to_string()], format!("agent {}", index % 7));
    }
    let packed = app.send(Method::GET, &path, &[("accept-encoding", "br, gzip")], Vec::new()).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_end(&mut text).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&text).unwrap()["requests"].as_array().unwrap().len(),
        60_000
    );
    assert!(packed.body.len() * 4 < text.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_page_is_refused() {
    let app = TestApp::start().await;
    let project = app.project().await;
    for path in ["/x", "/-1", "?page=x", "?pag=1", "/99999999999999999999", "/9223372036854775807"]
    {
        let refused = app.get(&format!("/api/requests/{}{path}", project.dashboard_id)).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (400, "invalid_parameter"),
            "{path}"
        );
    }
    for id in ["00000000-0000-4000-8000-000000000000", "x", project.key.as_str()] {
        let refused = app.get(&format!("/api/requests/{id}")).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (404, "unknown_dashboard"));
    }
}
