//! No access to other projects: whatever project A sends, through any route, it gets no hit of B. The calls are made
//! from the router's own table, so they include new routes.

use axum::http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use server::router::{Access, Route, routes};

use crate::app::{TestApp, TestProject, hit};
use crate::clickhouse;

/// Every text of B's hits contains this.
const NEEDLE: &str = "bsecret";

async fn two_projects(more: &[(&str, &str)]) -> (TestApp, TestProject, TestProject) {
    let settings = [
        ("get_delete", "on"),
        ("unknown_keys_per_minute", "1000000"),
        ("project_creations_per_hour", "1000000"),
    ];
    let app = TestApp::with(&[&settings, more].concat()).await;
    let (a, b) = (app.project().await, app.project().await);
    for (project, word) in [(&a, "afine"), (&b, NEEDLE)] {
        let hits: Vec<Value> = (0..20)
            .map(|n| {
                hit(&format!("/{word}/{n}"), json!({
                    "hostname": format!("{word}.example"), "user_agent": word, "user_id": word, "ip_address": "203.0.113.9",
                    "referrer": word, "route": format!("/{word}"), "created_at": format!("2026-11-22T11:{n:02}:00Z")
                }))
            })
            .collect();
        assert_eq!(app.post_hits(&project.key, json!(hits)).await.json()["accepted"], 20);
    }
    (app, a, b)
}

/// A call of the route as A would make it, with parameters that might reach elsewhere.
fn path_for(route: &Route, a: &TestProject, parameters: &[(&str, String)]) -> String {
    let path = route
        .path
        .replace("{api_key}", &a.key)
        .replace("{user_id}", &a.dashboard_id)
        .replace("{id}", "u:bsecret")
        .replace("{field}", "path")
        .replace("{panel}", "endpoints")
        .replace("{page}", "0")
        .replace("{file}", "x")
        .replace("{slug}", "x")
        .replace("{token}", "x");
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        query.append_pair(name, value);
    }
    format!("{path}?{}", query.finish())
}

/// Whether it leaves A's project as it is.
fn is_harmless(route: &Route) -> bool {
    route.method == "GET" && !route.path.starts_with("/api/delete")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_shows_another_project_s_hits() {
    look_everywhere(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_with_hits_in_clickhouse() {
    look_everywhere(&[("hits", &clickhouse::new_database())]).await;
}

async fn look_everywhere(settings: &[(&str, &str)]) {
    let (app, a, b) = two_projects(settings).await;
    // The search finds the needle where it is allowed.
    assert!(app.get_as(&b.key, "/api/v1/hits").await.text().contains(NEEDLE));
    assert!(app.get(&format!("/api/requests/{}", b.dashboard_id)).await.text().contains(NEEDLE));
    let mut own = 0;
    for route in routes().iter().filter(|route| is_harmless(route)) {
        let answer = app.get_as(&a.key, &path_for(route, &a, &[])).await;
        assert!(!answer.text().contains(NEEDLE), "{} {}", route.method, route.path);
        own += usize::from(answer.text().contains("afine"));
    }
    assert_eq!(
        own, 8,
        "data, hits, dashboard, lists, values, both addresses of requests, and ingest health show A its own"
    );
    // With only another kind of secret in the place of the key, a dashboard id opens no data.
    let of_a_project = |route: &&Route| {
        matches!(route.access, Access::Owner | Access::Manager | Access::Holder | Access::Viewer)
    };
    for route in routes().iter().filter(of_a_project) {
        let method: Method = route.method.parse().unwrap();
        let answer = app
            .send(
                method,
                &path_for(route, &a, &[]),
                &[("x-auth-token", &b.dashboard_id)],
                Vec::new(),
            )
            .await;
        assert_eq!(answer.code(), "unknown_key", "{} {}", route.method, route.path);
    }
    // A session and a share link of A name B in vain.
    let cookie = app.sign_in(None, json!({ "key": a.key })).await;
    let link = app
        .post("/api/v1/share-links", &[("x-auth-token", &a.key)], &json!({ "hits": true }))
        .await;
    let link = link.json()["token"].as_str().unwrap().to_owned();
    let origin = app.origin();
    for route in routes().iter().filter(of_a_project) {
        let method: Method = route.method.parse().unwrap();
        let path = path_for(route, &a, &[("project", b.id.to_string())]);
        let headers = [("cookie", cookie.as_str()), ("origin", origin.as_str())];
        let answer = app.send(method.clone(), &path, &headers, Vec::new()).await;
        assert_eq!(answer.code(), "not_signed_in", "{} {}", route.method, route.path);
        let answer = app.send(method, &path, &[("x-auth-token", &link)], Vec::new()).await;
        assert_eq!(answer.code(), "invalid_parameter", "{} {}", route.method, route.path);
    }
    // A's changes leave B alone.
    for route in routes().iter().filter(|route| !is_harmless(route)) {
        let method: Method = route.method.parse().unwrap();
        app.send(method, &path_for(route, &a, &[]), &[("x-auth-token", &a.key)], b"{}".to_vec())
            .await;
    }
    assert_eq!(app.get_as(&b.key, "/api/data").await.json().as_array().unwrap().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_project_is_only_a_place_in_time() {
    let (app, a, b) = two_projects(&[]).await;
    let cursor = app.get_as(&b.key, "/api/v1/hits?limit=3").await.json()["next"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = app.get_as(&a.key, &format!("/api/v1/hits?after={cursor}")).await;
    assert!(page.status == 200 && !page.text().contains(NEEDLE) && page.text().contains("afine"));
}

#[test]
fn no_parameters_reach_another_project() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (app, a, _b) = runtime.block_on(two_projects(&[]));
    let names = prop::sample::select(vec![
        "q", "page", "hostname", "user_id", "ip", "date", "dateFrom", "status", "location",
        "compact", "from", "to", "period", "limit", "after", "format", "tz", "project", "scope",
        "prefix", "panels", "rows", "sort", "compare", "search", "order", "offset", "as_of",
    ]);
    let values = prop_oneof![
        Just("bsecret".to_owned()),
        Just("host:bsecret.example".to_owned()),
        Just("' OR 1=1 --".to_owned()),
        Just("*".to_owned()),
        Just("path:/*".to_owned()),
        Just("-path:/afine/*".to_owned()),
        Just("user:\"' OR project=2 --\"".to_owned()),
        Just("203.0.113.9".to_owned()),
        Just("ndjson".to_owned()),
        Just("csv".to_owned()),
        Just("0".repeat(32)),
        Just("f".repeat(32)),
        (0u32..3).prop_map(|number| number.to_string()),
        "\\PC{0,12}",
    ];
    // The documentation shows the searched text, and knows no project.
    let asks = |route: &Route| is_harmless(route) && !route.path.starts_with("/docs");
    let harmless: Vec<usize> =
        (0..routes().len()).filter(|index| asks(&routes()[*index])).collect();
    let calls = (prop::sample::select(harmless), prop::collection::vec((names, values), 0..4));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 300,
        ..ProptestConfig::default()
    });
    runner
        .run(&calls, |(index, parameters)| {
            let path = path_for(&routes()[index], &a, &parameters);
            let answer = runtime.block_on(app.get_as(&a.key, &path));
            // A message may repeat A's own parameters, so the needle is searched in answers with hits.
            let shows = answer.status == 200 && answer.text().contains(NEEDLE);
            prop_assert!(!shows, "{}", path);
            prop_assert!(answer.status.as_u16() < 500, "{}: {}", path, answer.text());
            Ok(())
        })
        .unwrap();
    drop(app);
}
