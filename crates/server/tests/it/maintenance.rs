//! Maintenance windows and monitors that are part of another: what they mute, what they don't, and how they count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use crate::app::{TestApp, TestProject};
use crate::dial::servers::TcpServer;
use crate::watching::{SECOND_US, call, create, pass_until, show, start};

/// A target whose status can be changed.
async fn target() -> (Arc<AtomicU16>, TcpServer) {
    let status = Arc::new(AtomicU16::new(200));
    let said = status.clone();
    let server = TcpServer::http("127.0.0.2:0", move |_| {
        format!("HTTP/1.1 {} X\r\ncontent-length: 0\r\n\r\n", said.load(Ordering::SeqCst))
    })
    .await;
    (status, server)
}

async fn monitor(app: &TestApp, project: &TestProject, server: &TcpServer, more: Value) -> Value {
    let url = format!("http://outside.test:{}/", server.address.port());
    let mut settings = json!({ "kind": "http", "url": url, "interval_s": 20, "timeout_ms": 5_000, "down_after": 1, "up_after": 1 });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    create(app, project, settings).await["id"].clone()
}

fn time(app: &TestApp, seconds: i64) -> String {
    jiff::Timestamp::from_microsecond(app.time() + seconds * SECOND_US).unwrap().to_string()
}

async fn state(app: &TestApp, project: &TestProject, id: &Value) -> Value {
    show(app, project, id).await["state"].clone()
}

/// The transitions of the monitor's first incident: the change, and why it was muted.
async fn transitions(app: &TestApp, project: &TestProject, id: &Value) -> Vec<(Value, Value)> {
    let answer = app.get_as(&project.key, &format!("/api/v1/incidents/{id}-1")).await.json();
    let transitions = answer["transitions"].as_array().cloned().unwrap_or_default();
    transitions.iter().map(|one| (one["change"].clone(), one["muted"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_in_maintenance_is_told_to_nobody_until_it_outlasts_it() {
    let (app, project, _names) = start().await;
    let (status, server) = target().await;
    let id = monitor(&app, &project, &server, json!({})).await;
    pass_until(&app, "up", async || state(&app, &project, &id).await == "up").await;
    let planned = call(
        &app,
        &project.key,
        "POST",
        "/api/v1/maintenance",
        json!({ "title": "Upgrade", "monitors": [id], "schedule": { "kind": "once", "from": time(&app, 30), "to": time(&app, 330) } }),
    )
    .await;
    assert_eq!(planned.status, 201, "{}", planned.text());
    assert_eq!(planned.json()["current"], json!(null));
    assert_eq!(state(&app, &project, &id).await, "up", "it has not begun");
    pass_until(&app, "maintenance", async || state(&app, &project, &id).await == "maintenance")
        .await;
    let path = format!("/api/v1/maintenance/{}", planned.json()["id"]);
    assert!(app.get_as(&project.key, &path).await.json()["current"]["to"].is_string());
    status.store(503, Ordering::SeqCst);
    pass_until(&app, "an incident", async || show(&app, &project, &id).await["is_down"] == true)
        .await;
    assert_eq!(transitions(&app, &project, &id).await, [(json!("opened"), json!("maintenance"))]);
    assert_eq!(state(&app, &project, &id).await, "maintenance");
    // The outage outlasts the window: now it is announced, and counts.
    pass_until(&app, "down", async || state(&app, &project, &id).await == "down").await;
    pass_until(&app, "the notice", async || transitions(&app, &project, &id).await.len() == 2)
        .await;
    assert_eq!(transitions(&app, &project, &id).await[1], (json!("announced"), json!(null)));
    let day = show(&app, &project, &id).await["bars"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(day["maintenance_ms"], 300_000, "{day}");
    assert!((1..100_000).contains(&day["down_ms"].as_i64().unwrap()), "{day}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_what_is_down_is_down_untold() {
    let (app, project, _names) = start().await;
    let (status, server) = target().await;
    let parent = monitor(&app, &project, &server, json!({ "name": "Host" })).await;
    pass_until(&app, "up", async || state(&app, &project, &parent).await == "up").await;
    status.store(503, Ordering::SeqCst);
    pass_until(&app, "down", async || state(&app, &project, &parent).await == "down").await;
    let child = monitor(&app, &project, &server, json!({ "part_of": parent })).await;
    pass_until(&app, "down", async || state(&app, &project, &child).await == "down").await;
    assert_eq!(transitions(&app, &project, &parent).await, [(json!("opened"), json!(null))]);
    assert_eq!(transitions(&app, &project, &child).await, [(json!("opened"), json!("parent"))]);

    for (id, parent, words) in [
        (&parent, &child, "a part of itself"),
        (&parent, &parent, "a part of itself"),
        (&child, &json!(999), "doesn't have"),
    ] {
        let path = format!("/api/v1/monitors/{id}");
        let refused = call(&app, &project.key, "PATCH", &path, json!({ "part_of": parent })).await;
        assert_eq!(refused.code(), "invalid_monitor");
        assert!(refused.text().contains(words), "{}", refused.text());
    }
    // A deleted parent mutes nothing, and other settings can be changed.
    let path = format!("/api/v1/monitors/{parent}");
    assert_eq!(call(&app, &project.key, "DELETE", &path, json!(null)).await.status, 204);
    let path = format!("/api/v1/monitors/{child}");
    let renamed = call(&app, &project.key, "PATCH", &path, json!({ "name": "Shop" })).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text());
    pass_until(&app, "the notice", async || transitions(&app, &project, &child).await.len() == 2)
        .await;
    assert_eq!(transitions(&app, &project, &child).await[1], (json!("announced"), json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_planned_changed_and_gone_by_its_owner_alone() {
    let (mut app, project, _names) = start().await;
    let other = app.project().await;
    let schedule = json!({ "kind": "weekly", "weekdays": ["sunday"], "from": "02:00", "to": "04:00", "time_zone": "Europe/Berlin" });
    let planned =
        call(&app, &project.key, "POST", "/api/v1/maintenance", json!({ "schedule": schedule }))
            .await;
    assert_eq!(planned.status, 201, "{}", planned.text());
    let path = format!("/api/v1/maintenance/{}", planned.json()["id"]);
    let change = json!({ "title": "Backups", "published": true, "text": "Reading works." });
    assert_eq!(call(&app, &project.key, "PATCH", &path, change).await.status, 200);
    app.restart().await;
    let shown = app.get_as(&project.key, &path).await.json();
    assert_eq!(
        (&shown["title"], &shown["published"], &shown["schedule"], &shown["monitors"]),
        (&json!("Backups"), &json!(true), &schedule, &json!(null))
    );
    assert_eq!(shown["upcoming"].as_array().map(Vec::len), Some(3));
    // The preview says the same about an unsaved schedule.
    let preview = "/api/v1/maintenance/preview";
    let asked = call(&app, &project.key, "POST", preview, json!({ "schedule": schedule })).await;
    assert_eq!(
        (asked.status.as_u16(), asked.json()),
        (200, json!({ "current": null, "upcoming": shown["upcoming"] }))
    );
    let past =
        json!({ "kind": "once", "from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z" });
    let asked = call(&app, &project.key, "POST", preview, json!({ "schedule": past })).await;
    assert_eq!(asked.json(), json!({ "current": null, "upcoming": [] }));
    let unnamed =
        json!({ "schedule": { "kind": "weekly", "weekdays": [], "from": "1:00", "to": "2:00" } });
    let refused = call(&app, &project.key, "POST", preview, unnamed).await;
    assert_eq!(refused.code(), "invalid_maintenance");
    assert!(refused.text().contains("`schedule.weekdays`"), "{}", refused.text());
    let kept = app.get_as(&project.key, "/api/v1/maintenance").await.json();
    assert_eq!(kept["maintenance"].as_array().map(Vec::len), Some(1));
    for (body, words) in [
        (json!({ "schedule": null }), "`schedule` is missing"),
        (json!({ "schedule": { "kind": "yearly" } }), "`schedule` cannot be read"),
        (
            json!({ "schedule": { "kind": "once", "from": "tomorrow", "to": "2027-01-01T00:00:00Z" } }),
            "2027-01-31T22:00:00Z",
        ),
        (
            json!({ "schedule": { "kind": "once", "from": "2027-01-02T00:00:00Z", "to": "2027-01-01T00:00:00Z" } }),
            "ends before it begins",
        ),
        (json!({ "schedule": { "kind": "cron", "cron": "* * * * *", "minutes": 1 } }), "a year"),
        (
            json!({ "schedule": { "kind": "cron", "cron": "0 1 * * *", "minutes": 10_081 } }),
            "10080",
        ),
        (json!({ "monitors": [77] }), "monitor 77"),
        (json!({ "monitors": [] }), "names no monitor"),
        (json!({ "title": "x".repeat(101) }), "100 characters"),
        (json!({ "colour": 1 }), "`colour` isn't a field of a maintenance window"),
    ] {
        let refused = call(&app, &project.key, "PATCH", &path, body.clone()).await;
        assert_eq!(refused.code(), "invalid_maintenance", "{body}");
        assert!(refused.text().contains(words), "{}", refused.text());
    }
    for method in ["PATCH", "DELETE"] {
        let refused = call(&app, &other.key, method, &path, json!({})).await;
        assert_eq!(refused.code(), "unknown_maintenance");
    }
    assert_eq!(
        app.get_as(&other.key, "/api/v1/maintenance").await.json(),
        json!({ "maintenance": [] })
    );
    assert_eq!(call(&app, &project.key, "DELETE", &path, json!(null)).await.status, 204);
    assert_eq!(app.get_as(&project.key, &path).await.code(), "unknown_maintenance");
}
