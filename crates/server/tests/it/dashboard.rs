//! `/api/v1/dashboard` for its callers: caching, compression, and the parts that a share link leaves out.
//! `scenarios/panels-*.json` and the store's model test assert the numbers.

use std::io::Read;

use axum::http::Method;
use serde_json::json;

use crate::app::{TestApp, hit};

async fn app_with_hits() -> (TestApp, String) {
    let app = TestApp::start().await;
    let project = app.project().await;
    let hits = (0..40).map(|n| {
        let user = if n % 4 == 0 { String::new() } else { format!("user-{}", n % 3) };
        hit(
            &format!("/v1/things/{n}"),
            json!({ "user_id": user, "ip_address": format!("8.8.8.{n}"), "response_time": n }),
        )
    });
    app.post_hits(&project.key, hits.collect()).await;
    (app, project.key)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_did_not_change_is_not_sent_again() {
    let (app, key) = app_with_hits().await;
    let first = app.get_as(&key, "/api/v1/dashboard").await;
    assert_eq!((first.status.as_u16(), first.header("cache-control")), (200, "private, no-cache"));
    let etag = first.header("etag").to_owned();
    let headers = [("x-auth-token", key.as_str()), ("if-none-match", etag.as_str())];
    let again = app.send(Method::GET, "/api/v1/dashboard", &headers, Vec::new()).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    app.post_hits(&key, json!([hit("/new", json!({}))])).await;
    let changed = app.send(Method::GET, "/api/v1/dashboard", &headers, Vec::new()).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), etag);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_is_compressed_for_those_who_take_it() {
    let (app, key) = app_with_hits().await;
    let plain = app.get_as(&key, "/api/v1/dashboard").await;
    assert_eq!(plain.header("content-encoding"), "");
    let headers = [("x-auth-token", key.as_str()), ("accept-encoding", "gzip")];
    let packed = app.send(Method::GET, "/api/v1/dashboard", &headers, Vec::new()).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain.text());
    assert!(packed.body.len() * 3 < plain.body.len(), "{} {}", packed.body.len(), plain.body.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_link_shows_its_part_and_no_names() {
    let (app, key) = app_with_hits().await;
    let share = async |link| {
        let answer = app.post("/api/v1/share-links", &[("x-auth-token", &key)], &link).await;
        answer.json()["token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
    };
    let all = app.get_as(&key, "/api/v1/dashboard").await;
    assert_eq!(all.json()["panels"]["requests"]["value"], 40.0);
    assert!(all.text().contains("8.8.8.4") && all.text().contains("user-1"));

    let token = share(json!({ "q": "user:user-1" })).await;
    let part = app.get_as(&token, "/api/v1/dashboard").await;
    assert!((part.json()["panels"]["requests"]["value"].as_f64().unwrap() - 10.0).abs() < 1e-9);
    assert_eq!(
        part.json()["panels"]["top_consumers"],
        json!({ "rows": [], "total_rows": 1, "hidden": true })
    );
    assert!(!part.text().contains("8.8.8.") && !part.text().contains("user-"));
    // A locked filter cannot be bypassed: hits outside it don't exist.
    let others = app.get_as(&token, "/api/v1/dashboard?q=path:/v1/things/4").await;
    assert_eq!(others.json()["panels"]["requests"]["value"], 0.0);
    for path in [
        "/api/v1/dashboard?q=user:user-2",
        "/api/v1/fields/user/values",
        "/api/v1/fields/address/values",
        "/api/v1/fields/consumer/values",
    ] {
        assert_eq!(app.get_as(&token, path).await.code(), "hidden_field", "{path}");
    }

    let token = share(json!({ "consumers": true })).await;
    let users = app.get_as(&token, "/api/v1/dashboard").await;
    assert!(!users.text().contains("8.8.8.") && users.text().contains("user-1"));
    let token = share(json!({ "consumers": true, "addresses": true })).await;
    assert!(app.get_as(&token, "/api/v1/dashboard").await.text().contains("8.8.8.4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_projects_shows_their_last_day() {
    let (app, key) = app_with_hits().await;
    app.post_hits(
        &key,
        json!([
            hit("/old", json!({ "created_at": "2026-11-21T11:30:00Z", "status": 500 })),
            // Today's same hour is not over yet.
            hit("/old", json!({ "created_at": "2026-11-21T12:30:00Z" })),
        ]),
    )
    .await;
    let list = app.get_as(&key, "/api/v1/projects").await.json();
    let project = &list["projects"][0];
    assert_eq!(
        (&project["requests"], &project["errors"], &project["previous_requests"]),
        (&json!(40), &json!(0), &json!(1))
    );
    let series: Vec<u64> = serde_json::from_value(project["series"].clone()).unwrap();
    assert_eq!((series.len(), series[22] + series[23]), (24, 40));
    assert!((project["p95_ms"].as_f64().unwrap() - 37.0).abs() < 0.5, "{project}");
}
