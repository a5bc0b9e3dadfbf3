//! The demo: present without any setup, always current, and read-only for everyone.

use analytics::hit::ProjectId;
use axum::http::Method;
use serde_json::{Value, json};
use server::jobs::run_due;
use server::router::Access;

use crate::app::{NOW, TestApp};

const DAY: i64 = 86_400_000_000;

async fn with_demo() -> TestApp {
    let app = TestApp::with(&[("demo", "on")]).await;
    run_due(app.shared()).await;
    app.settle().await;
    app
}

fn id(app: &TestApp) -> ProjectId {
    app.shared().meta.demo_project().unwrap().id
}

/// Times of all hits, oldest first.
async fn times(app: &TestApp) -> Vec<String> {
    let text = app.get("/api/v1/hits?project=demo&format=ndjson").await.text();
    let times = text.lines().map(|line| {
        serde_json::from_str::<Value>(line).unwrap()["time"].as_str().unwrap().to_owned()
    });
    let mut times: Vec<String> = times.collect();
    times.sort();
    times
}

fn hits(app: &TestApp) -> u64 {
    let stats = app.shared().store.stats();
    stats.rows
}

async fn keep_up(app: &TestApp) -> u64 {
    run_due(app.shared()).await;
    app.settle().await;
    hits(app)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_full_keeps_up_and_doubles_nothing() {
    let mut app = with_demo().await;
    let first = times(&app).await;
    assert!((150_000..220_000).contains(&first.len()), "{}", first.len());
    let day = |time_us: i64| server::pieces::to_rfc3339(time_us)[..10].to_owned();
    assert_eq!(first[0][..10], day(NOW - 60 * DAY));
    assert!(first.last().unwrap().as_str() > "2026-11-22T11:45", "{:?}", first.last());
    let before = first.len() as u64;
    assert_eq!(hits(&app), before);
    // At the same time nothing is added, even after a restart.
    assert_eq!(keep_up(&app).await, before);
    app.restart().await;
    assert_eq!(keep_up(&app).await, before);
    app.set_time(NOW + 30 * 60_000_000);
    let later = keep_up(&app).await;
    assert!((before + 10..before + 400).contains(&later), "{before} {later}");
    // The state after a crash: a day was stored, but not noted.
    let until_us = NOW + 30 * 60_000_000;
    app.set_time(until_us + DAY);
    let since = async || {
        keep_up(&app).await;
        let path = "/api/v1/hits?project=demo&from=2026-11-22T12:30:00Z&limit=10000";
        app.get(path).await.json()["hits"].as_array().unwrap().len()
    };
    let whole = since().await;
    assert!((1_500..5_000).contains(&whole), "{whole}");
    app.shared().meta.set_demo_until(id(&app), until_us).await.unwrap();
    assert_eq!(since().await, whole);
    assert_eq!(app.shared().meta.demo_project().unwrap().demo_until_us, Some(until_us + DAY));
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_may_look_at_the_demo_and_nobody_may_change_it() {
    let app = with_demo().await;
    let settings = app.get("/api/v1/project?project=demo").await.json();
    assert_eq!((&settings["access"], &settings["name"]), (&json!("demo"), &json!("Demo shop")));
    assert_eq!(settings["shows"], json!({ "addresses": true, "consumers": true, "hits": true }));
    assert_eq!((&settings["dashboard_id"], &settings["inactive"]), (&json!(null), &json!(false)));
    let hits = app.get("/api/v1/hits?project=demo&q=user:warehouse-sync&limit=1000").await.json();
    let hits = hits["hits"].as_array().unwrap();
    assert!(hits.len() > 100 && hits.iter().all(|hit| hit["user_id"] == "warehouse-sync"));
    assert!(hits.iter().all(|hit| hit["country"].is_string() && hit["address"].is_string()));
    assert_eq!(app.get("/api/v1/server").await.json()["demo"], true);
    let session = app.project().await;
    let cookie = app.sign_in(None, json!({ "key": session.key })).await;
    for route in server::router::routes() {
        if !matches!(route.access, Access::Owner | Access::Manager | Access::Holder) {
            continue;
        }
        let method: Method = route.method.parse().unwrap();
        let path = format!("{}?project=demo", route.path.replace("{id}", "u:alice-1"));
        let refused = app.send(method.clone(), &path, &[], b"{}".to_vec()).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (403, "view_only"),
            "{path}"
        );
        // Nor through a session, or by the demo's number.
        let refused = app.page_call(&cookie, method.clone(), &path, json!({})).await;
        assert_eq!(refused.code(), "view_only", "{path}");
        let path = path.replace("=demo", &format!("={}", id(&app).0));
        assert_eq!(app.page_call(&cookie, method, &path, json!({})).await.code(), "not_signed_in");
    }
    assert_eq!(app.get("/api/v1/projects").await.json(), json!({ "projects": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_never_inactive_and_goes_when_it_is_switched_off() {
    let app = TestApp::with(&[("demo", "on"), ("inactive_after", "10d")]).await;
    run_due(app.shared()).await;
    let demo = id(&app);
    for _ in 0..30 {
        app.pass_days(1);
        app.shared().meta.note_running_day(app.shared().clock.today()).await.unwrap();
    }
    // Its own hits keep it active in any case; this looks at the time after the last ones.
    run_due(app.shared()).await;
    assert_eq!(app.shared().meta.project(demo).unwrap().warned_day, None);
    assert!(app.get("/api/v1/hits?project=demo").await.status == 200);

    let mut app = app;
    app.stop().await;
    app.change("demo", "off");
    app.launch_again().await;
    run_due(app.shared()).await;
    assert!(app.shared().meta.projects().is_empty());
    let refused = app.get("/api/v1/hits?project=demo").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (404, "no_demo"));
    assert_eq!(app.get("/api/v1/server").await.json()["demo"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_demo_where_anyone_may_register() {
    for (settings, expect) in [
        (&[("demo", "auto")][..], true),
        (&[("demo", "auto"), ("registration", "closed")], false),
        (&[("demo", "on"), ("registration", "closed")], true),
        (&[("demo", "auto"), ("public_url", "https://stats.example.com")], false),
    ] {
        let app = TestApp::with(settings).await;
        assert_eq!(app.shared().offers_demo, expect, "{settings:?}");
    }
}
