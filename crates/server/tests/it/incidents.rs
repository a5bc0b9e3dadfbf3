//! Incidents opened by checks, and their owner's additions: real servers, and a test's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use crate::app::{TestApp, TestProject, hit};
use crate::dial::servers::TcpServer;
use crate::watching::{call, create, pass_until, show, start};

/// A target with a configurable status, and a monitor of it that is up.
async fn up(
    app: &TestApp,
    project: &TestProject,
    more: Value,
) -> (Value, Arc<AtomicU16>, TcpServer) {
    let status = Arc::new(AtomicU16::new(200));
    let said = status.clone();
    let target = TcpServer::http("127.0.0.2:0", move |_| {
        format!("HTTP/1.1 {} X\r\ncontent-length: 0\r\n\r\n", said.load(Ordering::SeqCst))
    })
    .await;
    let url = format!("http://outside.test:{}/", target.address.port());
    let mut settings = json!({ "kind": "http", "url": url, "name": "Shop", "interval_s": 20, "timeout_ms": 5_000, "down_after": 2, "up_after": 2 });
    for (field, value) in more.as_object().unwrap() {
        settings[field] = value.clone();
    }
    let id = create(app, project, settings).await["id"].clone();
    pass_until(app, "up", async || show(app, project, &id).await["state"] == "up").await;
    (id, status, target)
}

async fn incidents(app: &TestApp, project: &TestProject, query: &str) -> Vec<Value> {
    let answer = app.get_as(&project.key, &format!("/api/v1/incidents?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["incidents"].as_array().unwrap().clone()
}

async fn one(app: &TestApp, project: &TestProject, id: &str) -> Value {
    app.get_as(&project.key, &format!("/api/v1/incidents/{id}")).await.json()
}

fn changes(incident: &Value) -> Vec<(String, Value)> {
    let transitions = incident["transitions"].as_array().unwrap();
    transitions
        .iter()
        .map(|one| (one["change"].as_str().unwrap().to_owned(), one["muted"].clone()))
        .collect()
}

async fn post_from(app: &TestApp, project: &TestProject, users: &[&str], status: u16) {
    let at = jiff::Timestamp::from_microsecond(app.time()).unwrap().to_string();
    let hits: Vec<Value> = users
        .iter()
        .map(|user| {
            hit("/buy", json!({ "hostname": "outside.test", "user_id": user, "status": status, "created_at": at }))
        })
        .collect();
    assert_eq!(app.post_hits(&project.key, json!(hits)).await.status, 200);
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_an_incident_with_whom_it_hits() {
    let (mut app, project, _names) = start().await;
    let (id, status, target) = up(&app, &project, json!({})).await;
    assert_eq!(incidents(&app, &project, "").await, Vec::<Value>::new());
    let url = format!("http://outside.test:{}/", target.address.port());
    let channel = json!({ "name": "On call", "config": { "kind": "webhook", "url": url } });
    let channel = call(&app, &project.key, "POST", "/api/v1/channels", channel).await.json();
    status.store(503, Ordering::SeqCst);
    pass_until(&app, "a first failure", async || {
        show(&app, &project, &id).await["unconfirmed"]["results"] == 1
    })
    .await;
    app.set_time(app.time() + 1_000);
    post_from(&app, &project, &["alice", "alice", "bob"], 500).await;
    pass_until(&app, "an incident", async || incidents(&app, &project, "").await.len() == 1).await;
    let open = incidents(&app, &project, "state=open").await.remove(0);
    let number = open["id"].as_str().unwrap().to_owned();
    assert_eq!(number, format!("{id}-1"));
    for (field, expected) in [
        ("state", json!("open")),
        ("cause", json!("down")),
        ("monitor_name", json!("Shop")),
        ("failure", json!("status")),
        ("message", json!("status 503, expected 2xx")),
        ("status", json!(503)),
        ("unconfirmed", json!(false)),
        ("ended_at", json!(null)),
    ] {
        assert_eq!(open[field], expected, "{field}");
    }
    assert_eq!(
        open["hit"],
        json!({
            "requests": 3,
            "endpoints": [{ "name": "GET /buy", "requests": 3 }], "endpoints_total": 1,
            "consumers": [{ "name": "alice", "requests": 2 }, { "name": "bob", "requests": 1 }], "consumers_total": 2,
        })
    );
    let time = |field: &str| open[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!((time("confirmed_at") - time("began_at")).get_seconds(), 20);
    assert_eq!((time("began_at") - time("last_good_at")).get_seconds(), 20);
    assert!(open["times"]["total_ms"].is_f64());

    // It continues over a restart, and its owner's texts stay when it is over.
    let path = format!("/api/v1/incidents/{number}");
    let change =
        json!({ "acknowledged": true, "note": "the database", "update": "We look into it." });
    let changed = call(&app, &project.key, "PATCH", &path, change).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    app.restart().await;
    status.store(200, Ordering::SeqCst);
    pass_until(&app, "its end", async || incidents(&app, &project, "state=open").await.is_empty())
        .await;
    let closed = one(&app, &project, &number).await;
    assert_eq!(
        changes(&closed),
        [("opened".to_owned(), json!(null)), ("closed".to_owned(), json!(null))]
    );
    let notices = closed["notices"].as_array().unwrap();
    let stages: Vec<&Value> = notices.iter().map(|notice| &notice["stage"]).collect();
    assert_eq!(stages, [&json!("opening"), &json!("resolved")]);
    for notice in notices {
        assert_eq!(notice["channel"], channel["channel"]["id"]);
        assert_eq!(notice["channel_name"], "On call");
    }
    let incident = &closed["incident"];
    assert_eq!(
        (&incident["state"], &incident["failure"], &incident["note"]),
        (&json!("closed"), &json!("status"), &json!("the database"))
    );
    assert!(
        incident["duration_ms"].as_i64().unwrap() >= 40_000
            && incident["acknowledged_at"].is_string()
    );
    assert_eq!(incident["hit"]["requests"], 3);
    assert_eq!(closed["updates"][0]["text"], "We look into it.");
    let down_ms = &show(&app, &project, &id).await["uptime"][0]["down_ms"];
    assert_eq!(down_ms, &incident["duration_ms"]);
    let bars = show(&app, &project, &id).await["bars"].as_array().unwrap().clone();
    assert_eq!((bars.len(), &bars[89]["down_ms"]), (90, down_ms));
    let listed = app.get_as(&project.key, "/api/v1/monitors").await.json();
    assert_eq!(&listed["monitors"][0]["uptime"][0]["down_ms"], down_ms);

    // Other projects don't see it.
    let other = app.project().await;
    assert_eq!(incidents(&app, &other, "").await, Vec::<Value>::new());
    for method in ["GET", "PATCH"] {
        let refused = call(&app, &other.key, method, &path, json!({})).await;
        assert_eq!(refused.code(), "unknown_incident", "{method}");
    }
    for body in [json!({ "update": " " }), json!({ "note": "x".repeat(2_001) })] {
        assert_eq!(call(&app, &project.key, "PATCH", &path, body).await.code(), "invalid_incident");
    }
    for wrong in ["state=shut", "limit=0", "before=x", "monitor=x"] {
        let refused = app.get_as(&project.key, &format!("/api/v1/incidents?{wrong}")).await;
        assert_eq!(refused.code(), "invalid_parameter", "{wrong}");
    }
    let taken_back = json!({ "acknowledged": false, "note": null });
    let taken_back = call(&app, &project.key, "PATCH", &path, taken_back).await.json();
    let incident = &taken_back["incident"];
    assert_eq!((&incident["acknowledged_at"], &incident["note"]), (&json!(null), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_who_succeed_make_an_outage_unconfirmed_for_one_more_check() {
    let (app, project, _names) = start().await;
    let (id, status, _target) = up(&app, &project, json!({})).await;
    status.store(503, Ordering::SeqCst);
    pass_until(&app, "a first failure", async || {
        show(&app, &project, &id).await["unconfirmed"]["results"] == 1
    })
    .await;
    app.set_time(app.time() + 1_000);
    post_from(&app, &project, &["alice", "alice", "bob", "bob", "bob"], 200).await;
    let number = format!("{id}-1");
    pass_until(&app, "a notice", async || {
        let incident = one(&app, &project, &number).await;
        incident["transitions"].as_array().is_some_and(|changes| changes.len() == 2)
    })
    .await;
    let told = one(&app, &project, &number).await;
    assert_eq!(told["incident"]["unconfirmed"], true);
    assert_eq!(
        changes(&told),
        [("opened".to_owned(), json!("unconfirmed")), ("announced".to_owned(), json!(null))]
    );
    let at = |place: usize| -> jiff::Timestamp {
        told["transitions"][place]["at"].as_str().unwrap().parse().unwrap()
    };
    assert_eq!((at(1) - at(0)).get_seconds(), 20, "the very next check");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_ends_an_incident_and_what_is_known() {
    let (mut app, project, _names) = start().await;
    let (id, status, _target) = up(&app, &project, json!({ "down_after": 1 })).await;
    status.store(503, Ordering::SeqCst);
    pass_until(&app, "an incident", async || incidents(&app, &project, "").await.len() == 1).await;
    let path = format!("/api/v1/monitors/{id}");
    let paused = call(&app, &project.key, "PATCH", &path, json!({ "paused": true })).await.json();
    assert_eq!((&paused["state"], &paused["is_down"]), (&json!("unknown"), &json!(false)));
    app.restart().await;
    let closed = one(&app, &project, &format!("{id}-1")).await;
    assert_eq!(changes(&closed)[1], ("closed".to_owned(), json!("stopped")));
    let down_ms = show(&app, &project, &id).await["uptime"][0]["down_ms"].clone();
    app.set_time(app.time() + 3_600_000_000);
    assert_eq!(show(&app, &project, &id).await["uptime"][0]["down_ms"], down_ms);
    // It still fails: that is another incident.
    call(&app, &project.key, "PATCH", &path, json!({ "paused": false })).await;
    pass_until(&app, "another incident", async || incidents(&app, &project, "").await.len() == 2)
        .await;
    assert_eq!(incidents(&app, &project, "state=open").await[0]["id"], format!("{id}-2"));
}
