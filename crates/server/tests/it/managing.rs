//! The dashboard id manages monitoring, as in the original: monitors, maintenance and incidents. Secrets that it is not
//! shown stay where they are.

use axum::http::Method;
use serde_json::{Value, json};

use crate::watching::start;

#[tokio::test(flavor = "multi_thread")]
async fn monitors_and_maintenance_are_managed_with_the_dashboard_id() {
    let (app, project, _names) = start().await;
    let cookie = app.sign_in(None, json!({ "dashboard_id": project.dashboard_id })).await;
    let call = async |method: &str, path: &str, body: Value| {
        app.page_call(&cookie, method.parse().unwrap(), path, body).await
    };
    let job = json!({ "kind": "heartbeat", "name": "Backup", "period_s": 60 });
    let made = call("POST", "/api/v1/monitors", job).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let monitor = made.json();
    let url = monitor["heartbeat_url"].as_str().unwrap();
    let path = format!("/api/v1/monitors/{}", monitor["id"]);
    assert_eq!(call("GET", &path, Value::Null).await.json()["heartbeat_url"], url);
    let renamed = call("PATCH", &path, json!({ "name": "Nightly backup" })).await;
    assert_eq!(renamed.json()["settings"]["name"], "Nightly backup");
    let checked = call("POST", &format!("{path}/check"), Value::Null).await;
    assert_eq!(checked.code(), "invalid_monitor", "a heartbeat cannot be checked");

    let nightly = json!({ "schedule": { "kind": "cron", "cron": "0 3 * * *", "minutes": 30 }, "monitors": [monitor["id"]] });
    let planned = call("POST", "/api/v1/maintenance", nightly).await;
    assert_eq!(planned.status, 201, "{}", planned.text());
    let window = format!("/api/v1/maintenance/{}", planned.json()["id"]);
    let changed = call("PATCH", &window, json!({ "title": "Backups" })).await;
    assert_eq!(changed.json()["title"], "Backups");
    assert_eq!(call("DELETE", &window, Value::Null).await.status, 204);
    let missing = call("PATCH", "/api/v1/incidents/1-1", json!({ "note": "seen" })).await;
    assert_eq!(missing.code(), "unknown_incident");
    assert_eq!(call("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(call("GET", &path, Value::Null).await.code(), "unknown_monitor");

    for (method, path) in [
        ("POST", "/api/v1/channels"),
        ("POST", "/api/v1/rules"),
        ("PATCH", "/api/v1/status-page"),
        ("PATCH", "/api/v1/project"),
        ("GET", "/api/v1/keys"),
    ] {
        assert_eq!(call(method, path, json!({})).await.code(), "view_only", "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_s_value_is_not_sent_to_another_host_by_whoever_cannot_see_it() {
    let (app, project, _names) = start().await;
    let settings = json!({ "kind": "http", "url": "https://outside.test/health", "headers": { "Authorization": "Bearer needle" } });
    let made = crate::watching::create(&app, &project, settings).await;
    let path = format!("/api/v1/monitors/{}", made["id"]);
    let cookie = app.sign_in(None, json!({ "dashboard_id": project.dashboard_id })).await;
    let change = async |body: Value| app.page_call(&cookie, Method::PATCH, &path, body).await;
    for body in [
        json!({ "url": "https://elsewhere.test/health" }),
        json!({ "url": "http://outside.test/health" }),
        json!({ "url": "https://outside.test:8443/health" }),
        json!({ "url": "https://elsewhere.test/", "headers": { "authorization": null } }),
    ] {
        let refused = change(body.clone()).await;
        assert_eq!(refused.code(), "invalid_monitor", "{body}");
        assert!(refused.text().contains("`headers`"), "{}", refused.text());
    }
    for body in [
        json!({ "url": "https://outside.test/ready", "headers": { "authorization": null } }),
        json!({ "url": "https://elsewhere.test/", "headers": { "authorization": "Bearer own" } }),
        json!({ "url": "https://third.test/", "headers": {} }),
        json!({ "url": "https://fourth.test/" }),
    ] {
        let changed = change(body.clone()).await;
        assert_eq!(changed.status, 200, "{body}: {}", changed.text());
    }
    // Its owner knows the value.
    let given = json!({ "headers": { "Authorization": "Bearer needle" } });
    for body in [given, json!({ "url": "https://fifth.test/" })] {
        let changed = crate::watching::call(&app, &project.key, "PATCH", &path, body).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
    }
}
