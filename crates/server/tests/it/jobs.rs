//! Periodic jobs, with a test's clock.

use analytics::hit::ProjectId;
use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use server::jobs::run_due;
use store::meta::NewProject;

use crate::app::{NOW, TestApp, hit};

const DAY: i64 = 86_400_000_000;

/// The server runs on each of these days.
async fn run_for_days(app: &TestApp, days: i64) {
    for _ in 0..days {
        app.pass_days(1);
        run_due(app.shared()).await;
    }
}

fn exists(app: &TestApp, project: u32) -> bool {
    app.shared().meta.project(ProjectId(project)).is_some()
}

fn is_warned(app: &TestApp, project: u32) -> bool {
    app.shared().meta.project(ProjectId(project)).unwrap().warned_day.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inactive_project_is_warned_of_and_then_erased() {
    let app = TestApp::with(&[("inactive_after", "10d")]).await;
    let project = app.project().await;
    run_due(app.shared()).await;
    run_for_days(&app, 10).await;
    assert!(!is_warned(&app, project.id));
    run_for_days(&app, 1).await;
    assert!(is_warned(&app, project.id));
    let page = server::web::plain::to_page(app.shared(), &HeaderMap::new());
    assert!(page.contains(&format!("project {}", project.id)));
    let settings = app.shared().meta.project(ProjectId(project.id)).unwrap();
    assert!(settings.warned_day.is_some());
    run_for_days(&app, 13).await;
    assert!(exists(&app, project.id));
    run_for_days(&app, 1).await;
    assert!(!exists(&app, project.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_or_a_hit_makes_a_project_active_again() {
    let app = TestApp::with(&[("inactive_after", "10d")]).await;
    let (looked, posted, ignored) = (app.project().await, app.project().await, app.project().await);
    run_due(app.shared()).await;
    run_for_days(&app, 12).await;
    for project in [&looked, &posted, &ignored] {
        assert!(is_warned(&app, project.id));
    }
    assert_eq!(app.get_as(&looked.key, "/api/v1/project").await.json()["inactive"], true);
    let body = json!({ "requests": [{ "path": "/", "method": "GET", "status": 200 }] });
    assert_eq!(
        app.post("/api/requests", &[("x-auth-token", &posted.key)], &body).await.status,
        200
    );
    app.settle().await;
    run_for_days(&app, 1).await;
    assert_eq!(
        [&looked, &posted, &ignored].map(|project| is_warned(&app, project.id)),
        [false, false, true]
    );
    run_for_days(&app, 10).await;
    assert_eq!([&looked, &posted].map(|project| is_warned(&app, project.id)), [true, true]);
    run_for_days(&app, 3).await;
    assert_eq!(
        [&looked, &posted, &ignored].map(|project| exists(&app, project.id)),
        [true, true, false]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn days_on_which_the_server_did_not_run_do_not_count() {
    let mut app = TestApp::with(&[("inactive_after", "10d")]).await;
    let project = app.project().await;
    run_due(app.shared()).await;
    // A year off.
    app.stop().await;
    app.pass_days(365);
    app.launch_again().await;
    run_for_days(&app, 8).await;
    assert!(!is_warned(&app, project.id));
    run_for_days(&app, 3).await;
    assert!(is_warned(&app, project.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_inactivity_can_be_off() {
    let app = TestApp::with(&[("inactive_after", "off")]).await;
    let project = app.project().await;
    run_for_days(&app, 60).await;
    assert!(exists(&app, project.id) && !is_warned(&app, project.id));
}

/// Expired hits are shown until then, so someone who lowers the number must learn when.
#[tokio::test(flavor = "multi_thread")]
async fn lowered_retention_says_when_old_hits_go() {
    let app = TestApp::start().await;
    let project = app.project().await;
    run_due(app.shared()).await;
    let old = json!({ "created_at": server::pieces::to_rfc3339(NOW - 20 * DAY) });
    app.post_hits(&project.key, json!([hit("/old", old)])).await;
    app.set_time(NOW + 3_600_000_000);
    let change = json!({ "keep_hits_days": 10 }).to_string().into_bytes();
    let headers = [("x-auth-token", project.key.as_str())];
    let changed = app.send(Method::PATCH, "/api/v1/project", &headers, change).await.json();
    assert_eq!(changed["next_erasure_at"], "2026-11-23T12:00:00Z");
    let hits = async || app.get_as(&project.key, "/api/data").await.json();
    run_due(app.shared()).await;
    assert_eq!(hits().await.as_array().unwrap().len(), 1, "not yet");
    app.set_time(NOW + DAY);
    run_due(app.shared()).await;
    assert_eq!(hits().await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_expire_as_their_project_says_or_else_the_server() {
    let app = TestApp::with(&[("keep_hits", "30d")]).await;
    let own = app
        .project_with(NewProject { keep_hits_days: Some(5), ..NewProject::default() }, None)
        .await;
    let default = app.project().await;
    for project in [&own, &default] {
        let hits: Vec<Value> = [0, 4, 20, 29]
            .iter()
            .map(|days| hit(&format!("/{days}"), json!({ "created_at": server::pieces::to_rfc3339(NOW - days * DAY - 60_000_000) })))
            .collect();
        app.post_hits(&project.key, json!(hits)).await;
    }
    let paths = async |key: &str| {
        let rows = app.get_as(key, "/api/data").await.json();
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["path"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    // Hits older than the retention are not even accepted.
    assert_eq!(paths(&own.key).await, ["/0", "/4"]);
    assert_eq!(paths(&default.key).await, ["/0", "/4", "/20", "/29"]);
    run_for_days(&app, 2).await;
    assert_eq!(paths(&own.key).await, ["/0"]);
    assert_eq!(paths(&default.key).await, ["/0", "/4", "/20"]);
}

/// A dead battery or a typo in the date must not look like a year in which everything expired.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_leaps_erases_nothing_until_it_has_run_for_days() {
    let mut app = TestApp::with(&[("keep_hits", "30d"), ("inactive_after", "10d")]).await;
    let project = app.project().await;
    app.post_hits(&project.key, json!([hit("/kept", json!({}))])).await;
    run_due(app.shared()).await;
    app.stop().await;
    app.pass_days(400);
    app.launch_again().await;
    run_due(app.shared()).await;
    let count = async |app: &TestApp| {
        app.get_as(&project.key, "/api/data").await.json().as_array().unwrap().len()
    };
    assert_eq!(count(&app).await, 1);
    assert!(app.shared().clock_watch.note().unwrap().contains("400 days ahead"));
    // Corrected before it is trusted: nothing has happened.
    app.pass_days(-400);
    run_due(app.shared()).await;
    assert!(app.shared().clock_watch.is_believed());
    app.stop().await;
    app.pass_days(400);
    app.launch_again().await;
    for hours in 1..=72 {
        assert_eq!(count(&app).await, 1, "erased after {hours} h");
        app.set_time(app.time() + DAY / 24);
        run_due(app.shared()).await;
    }
    run_for_days(&app, 1).await;
    assert!(app.shared().clock_watch.is_believed());
    assert_eq!(count(&app).await, 0, "a clock that goes on like that is right");
}
