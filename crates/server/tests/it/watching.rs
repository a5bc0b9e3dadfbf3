//! Helpers for tests of monitors: a server that may call one loopback address, a name server that knows it, and a clock
//! that advances as fast as checks follow.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::app::{Answer, TestApp, TestProject};
use crate::dial::servers::{Lookup, NameServer};

pub const SECOND_US: i64 = 1_000_000;

/// May call 127.0.0.2, and knows `outside.test`.
pub async fn start() -> (TestApp, TestProject, NameServer) {
    let names = NameServer::start(|name, _| match name {
        "outside.test." => Lookup::addresses(&["127.0.0.2"]),
        "inside.test." => Lookup::addresses(&["127.0.0.1"]),
        _ => Lookup::NoName,
    })
    .await;
    let server = names.address.to_string();
    let app = TestApp::with(&[
        ("allow_networks", "127.0.0.2/32"),
        ("name_servers", &server),
        ("monitors_per_project", "5"),
    ])
    .await;
    let project = app.project().await;
    (app, project, names)
}

pub async fn call(app: &TestApp, key: &str, method: &str, path: &str, body: Value) -> Answer {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    app.send(method.parse().unwrap(), path, &[("x-auth-token", key)], body).await
}

pub async fn create(app: &TestApp, project: &TestProject, settings: Value) -> Value {
    let made = call(app, &project.key, "POST", "/api/v1/monitors", settings).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

pub async fn show(app: &TestApp, project: &TestProject, id: &Value) -> Value {
    let answer = app.get_as(&project.key, &format!("/api/v1/monitors/{id}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Advances the clock second by second, as fast as checks follow, until `holds`.
pub async fn pass_until(app: &TestApp, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(60), "{what} does not come to be");
        app.set_time(app.time() + SECOND_US);
        app.shared().monitors.wake();
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}
