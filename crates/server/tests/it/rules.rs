//! Alert rules over the real router and store: posted hits, rounds of a test's clock, minute by minute, and the
//! resulting incidents and notices.

mod kills;
mod links;
mod own;
mod silence;

use serde_json::{Value, json};
use server::judging::judge;

use crate::app::{NOW, TestApp, TestProject, hit};
use crate::watching::{SECOND_US, call};

const MINUTE_US: i64 = 60 * SECOND_US;
const HOUR_US: i64 = 60 * MINUTE_US;
const WEEK_US: i64 = 7 * 24 * HOUR_US;

async fn make(app: &TestApp, project: &TestProject, settings: Value) -> Value {
    let made = call(app, &project.key, "POST", "/api/v1/rules", settings).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["id"].clone()
}

async fn show(app: &TestApp, project: &TestProject, id: &Value) -> Value {
    app.get_as(&project.key, &format!("/api/v1/rules/{id}")).await.json()
}

/// A channel without a receiver: its notices wait, because real time stands still.
async fn channel(app: &TestApp, project: &TestProject) -> Value {
    let config = json!({ "kind": "webhook", "url": "https://hooks.example/" });
    let made =
        call(app, &project.key, "POST", "/api/v1/channels", json!({ "config": config })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["channel"]["id"].clone()
}

/// All notices waiting for a channel, oldest first.
async fn notices(app: &TestApp, channel: &Value) -> Vec<Value> {
    let channel = channel.as_i64().unwrap();
    let deliveries = app.shared().checks.deliveries(channel, i64::MAX, 50).await.unwrap();
    deliveries.iter().rev().map(|one| serde_json::to_value(&one.notice).unwrap()).collect()
}

async fn incidents(app: &TestApp, project: &TestProject, query: &str) -> Vec<Value> {
    let answer = app.get_as(&project.key, &format!("/api/v1/incidents?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["incidents"].as_array().unwrap().clone()
}

/// Posts `count` hits of one minute.
async fn post(app: &TestApp, project: &TestProject, at_us: i64, count: usize, more: Value) {
    let mut more = more;
    more["created_at"] = json!(jiff::Timestamp::from_microsecond(at_us).unwrap().to_string());
    let path = more["path"].as_str().unwrap_or("/orders").to_owned();
    let hits: Vec<Value> = (0..count).map(|_| hit(&path, more.clone())).collect();
    let answer = app.post_hits(&project.key, json!(hits)).await;
    assert_eq!(answer.json()["accepted"], count, "{}", answer.text());
}

/// The same number of hits each minute, in one batch.
async fn post_steadily(
    app: &TestApp,
    project: &TestProject,
    (from_us, to_us): (i64, i64),
    each_minute: usize,
    more: Value,
) {
    let minutes = (from_us..to_us).step_by(MINUTE_US as usize);
    let hits: Vec<Value> = minutes
        .flat_map(|at_us| {
            let mut more = more.clone();
            let at = jiff::Timestamp::from_microsecond(at_us + 1_000).unwrap().to_string();
            more["created_at"] = json!(at);
            std::iter::repeat_n(hit("/orders", more), each_minute)
        })
        .collect();
    let answer = app.post_hits(&project.key, json!(hits)).await;
    assert_eq!(answer.json()["accepted"], hits.len(), "{}", answer.text());
}

/// The number of queries since the start.
async fn questions(app: &TestApp) -> f64 {
    let text = app.get("/metrics").await.text();
    let line = text.lines().find(|line| line.starts_with("api_analytics_query_seconds_count"));
    line.and_then(|line| line.rsplit(' ').next()).unwrap().parse().unwrap()
}

/// Minutes pass, and rules are judged.
async fn pass_minutes(app: &TestApp, minutes: i64) {
    for _ in 0..minutes {
        app.set_time(app.time() + MINUTE_US);
        judge(app.shared(), false).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_fires_with_whom_it_hits_and_ends_after_a_restart() {
    let mut app = TestApp::start().await;
    let project = app.project().await;
    let channel = channel(&app, &project).await;
    let own = json!({
        "name": "Failing orders", "metric": "server_errors", "at_least": 5, "window_minutes": 5, "severity": "critical"
    });
    let id = make(&app, &project, own).await;
    let failed = json!({ "status": 503, "user_id": "alice", "route": "/orders/{id}" });
    post(&app, &project, NOW, 6, failed).await;
    post(&app, &project, NOW, 9, json!({ "user_id": "bob" })).await;
    pass_minutes(&app, 1).await;
    assert_eq!(show(&app, &project, &id).await["state"], "ok", "the window ends before them");
    pass_minutes(&app, 2).await;
    let open = incidents(&app, &project, "state=open").await;
    assert_eq!(open.len(), 1, "{open:?}");
    let number = format!("r{id}-1");
    for (field, expected) in [
        ("id", json!(number)),
        ("rule", id.clone()),
        ("rule_name", json!("Failing orders")),
        ("monitor", json!(null)),
        ("cause", json!("rule")),
        ("state", json!("open")),
        ("message", json!("server errors: 6 in 5 minutes")),
        (
            "hit",
            json!({
                "requests": 6,
                "endpoints": [{ "name": "GET /orders/{id}", "requests": 6 }], "endpoints_total": 1,
                "consumers": [{ "name": "alice", "requests": 6 }], "consumers_total": 1,
            }),
        ),
    ] {
        assert_eq!(open[0][field], expected, "{field}");
    }
    let shown = show(&app, &project, &id).await;
    assert_eq!((&shown["state"], &shown["alerts"][0]["of"]), (&json!("firing"), &json!("")));
    let told = notices(&app, &channel).await;
    assert_eq!(told.len(), 1, "{told:?}");
    for (field, expected) in [
        ("stage", json!("opening")),
        ("topic", json!("rule")),
        ("severity", json!("critical")),
        ("subject", json!("Failing orders")),
        ("cause", json!("server errors: 6 in 5 minutes")),
    ] {
        assert_eq!(told[0][field], expected, "{field}");
    }
    assert_eq!(told[0]["hit"]["requests"], 6);

    // Another round and a restart send nothing twice.
    pass_minutes(&app, 1).await;
    app.restart().await;
    assert_eq!(show(&app, &project, &id).await["state"], "firing");
    pass_minutes(&app, 1).await;
    assert_eq!(incidents(&app, &project, "").await.len(), 1);
    pass_minutes(&app, 3).await;
    let closed = app.get_as(&project.key, &format!("/api/v1/incidents/{number}")).await.json();
    assert_eq!(closed["incident"]["state"], "closed");
    let changes: Vec<&Value> =
        closed["transitions"].as_array().unwrap().iter().map(|one| &one["change"]).collect();
    assert_eq!(changes, ["opened", "closed"]);
    assert_eq!(closed["incident"]["hit"]["requests"], 6, "kept from when it fired");
    let told = notices(&app, &channel).await;
    let stages: Vec<&Value> = told.iter().map(|notice| &notice["stage"]).collect();
    assert_eq!(stages, ["opening", "resolved"]);
    assert_eq!(told[0]["thread"], told[1]["thread"]);
    assert_eq!(show(&app, &project, &id).await["state"], "ok");

    // Numbers continue: the next alert is another incident.
    post(&app, &project, app.time(), 6, json!({ "status": 500 })).await;
    pass_minutes(&app, 3).await;
    assert_eq!(incidents(&app, &project, "state=open").await[0]["id"], format!("r{id}-2"));
    assert_eq!(incidents(&app, &project, &format!("rule={id}")).await.len(), 2);

    // Other projects don't see it.
    let other = app.project().await;
    assert_eq!(incidents(&app, &other, "").await, Vec::<Value>::new());
    assert_eq!(incidents(&app, &other, &format!("rule={id}")).await, Vec::<Value>::new());
    let path = format!("/api/v1/incidents/{number}");
    assert_eq!(app.get_as(&other.key, &path).await.code(), "unknown_incident");
    for forged in [format!("-{id}-1"), format!("r-{id}-1"), format!("r{id}--1"), "r-1".to_owned()] {
        let path = format!("/api/v1/incidents/{forged}");
        assert_eq!(app.get_as(&project.key, &path).await.code(), "unknown_incident", "{forged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_changed_paused_or_deleted_ends_its_alerts_and_tells_nobody() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let channel = channel(&app, &project).await;
    let id = make(&app, &project, json!({ "metric": "server_errors", "at_least": 5 })).await;
    let path = format!("/api/v1/rules/{id}");
    post(&app, &project, NOW, 6, json!({ "status": 500 })).await;
    let (from, to) = ("2026-11-22T12:00:00Z", "2026-11-22T12:01:00Z");
    let planned = json!({ "schedule": { "kind": "once", "from": from, "to": to } });
    let planned = call(&app, &project.key, "POST", "/api/v1/maintenance", planned).await;
    assert_eq!(planned.status, 201, "{}", planned.text());
    pass_minutes(&app, 4).await;
    assert_eq!(show(&app, &project, &id).await["state"], "ok", "in maintenance it rests");
    let planned = format!("/api/v1/maintenance/{}", planned.json()["id"]);
    assert_eq!(app.delete_as(&project.key, &planned).await.status, 204);
    pass_minutes(&app, 1).await;
    let change = async |change: Value| {
        let changed = call(&app, &project.key, "PATCH", &path, change).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        changed.json()
    };
    assert_eq!(change(json!({ "name": "Errors" })).await["state"], "firing");
    assert_eq!(change(json!({ "paused": true })).await["state"], "paused");
    let closed = app.get_as(&project.key, &format!("/api/v1/incidents/r{id}-1")).await.json();
    assert_eq!(closed["transitions"][1]["muted"], "stopped");
    assert_eq!(notices(&app, &channel).await.len(), 1, "of the opening alone");
    pass_minutes(&app, 1).await;
    assert_eq!(incidents(&app, &project, "").await.len(), 1, "a paused rule is not judged");
    change(json!({ "paused": false, "at_least": 6 })).await;
    pass_minutes(&app, 1).await;
    assert_eq!(incidents(&app, &project, "state=open").await[0]["id"], format!("r{id}-2"));
    assert_eq!(app.delete_as(&project.key, &path).await.status, 204);
    pass_minutes(&app, 1).await;
    assert_eq!(incidents(&app, &project, "").await, Vec::<Value>::new());
    assert_eq!(notices(&app, &channel).await, Vec::<Value>::new());
    assert_eq!(app.delete_as(&project.key, &path).await.code(), "unknown_rule");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_requests_are_late_nothing_fires_and_that_is_told_once() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let channel = channel(&app, &project).await;
    let silence = json!({ "metric": "requests", "at_most": 0, "window_minutes": 1 });
    let id = make(&app, &project, silence).await;
    assert!(!server::judging::is_late(app.shared()));
    let late = async |minutes: i64| {
        for _ in 0..minutes {
            app.set_time(app.time() + MINUTE_US);
            judge(app.shared(), true).await.unwrap();
        }
    };
    late(4).await;
    assert_eq!(notices(&app, &channel).await, Vec::<Value>::new());
    late(4).await;
    let told = notices(&app, &channel).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["topic"], &told[0]["stage"]),
        (&json!("rules_unjudged"), &json!("opening"))
    );
    assert_eq!(show(&app, &project, &id).await["state"], "ok");
    assert_eq!(incidents(&app, &project, "").await, Vec::<Value>::new());
    // The same silence fires once the clock is trusted.
    pass_minutes(&app, 1).await;
    assert_eq!(incidents(&app, &project, "state=open").await.len(), 1);
    let told = notices(&app, &channel).await;
    let stages: Vec<(&Value, &Value)> =
        told.iter().map(|notice| (&notice["topic"], &notice["stage"])).collect();
    let (late, rule) = (json!("rules_unjudged"), json!("rule"));
    let (opening, resolved) = (json!("opening"), json!("resolved"));
    assert_eq!(stages.len(), 3, "{stages:?}");
    for expected in [(&late, &opening), (&late, &resolved), (&rule, &opening)] {
        assert!(stages.contains(&expected), "{stages:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_that_stops_is_noticed_but_not_the_time_in_which_the_server_was_off() {
    let mut app = TestApp::start().await;
    let project = app.project().await;
    let id = make(&app, &project, json!({ "ready_made": "traffic_stopped" })).await;
    // Ten a minute at this time in three weeks, and today until an hour from now.
    for week in 1..=3 {
        let then_us = NOW - week * WEEK_US;
        post_steadily(&app, &project, (then_us - HOUR_US, then_us + 3 * HOUR_US), 10, json!({}))
            .await;
    }
    let stopped_us = NOW + HOUR_US;
    app.set_time(stopped_us);
    post_steadily(&app, &project, (NOW - HOUR_US, stopped_us), 10, json!({})).await;
    pass_minutes(&app, 2).await;
    assert_eq!(show(&app, &project, &id).await["state"], "ok");
    // A restart: the time in which the server was off is not silence.
    app.restart().await;
    pass_minutes(&app, 5).await;
    assert_eq!(show(&app, &project, &id).await["state"], "ok");
    pass_minutes(&app, 5).await;
    assert_eq!(show(&app, &project, &id).await["state"], "pending");
    assert_eq!(incidents(&app, &project, "").await, Vec::<Value>::new());
    pass_minutes(&app, 10).await;
    let open = incidents(&app, &project, "state=open").await;
    assert_eq!(open[0]["message"], "0 requests in 5 minutes, about 50 are usual");
    // Requests arrive again.
    let again_us = app.time();
    for _ in 0..12 {
        post(&app, &project, app.time(), 10, json!({})).await;
        pass_minutes(&app, 1).await;
    }
    assert!(app.time() > again_us);
    assert_eq!(incidents(&app, &project, "state=open").await, Vec::<Value>::new());
    assert_eq!(show(&app, &project, &id).await["state"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_fire_by_themselves_where_they_did_not_fail_before() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let id = make(&app, &project, json!({ "ready_made": "new_failing_endpoint" })).await;
    let failing =
        |path: &str, status: u16| json!({ "path": path, "status": status, "user_id": "alice" });
    // One endpoint that fails for days, one that is known and was fine, and one that is neither.
    post(&app, &project, NOW - 50 * HOUR_US, 3, failing("/old", 500)).await;
    post(&app, &project, NOW - 50 * HOUR_US, 3, failing("/known", 200)).await;
    for path in ["/old", "/known", "/stranger"] {
        post(&app, &project, NOW, 6, failing(path, 502)).await;
    }
    post(&app, &project, NOW, 300, failing("/fine", 200)).await;
    pass_minutes(&app, 3).await;
    let open = incidents(&app, &project, "state=open").await;
    let messages: Vec<&Value> = open.iter().map(|incident| &incident["message"]).collect();
    assert_eq!(messages, ["GET /known: 6 of 6 requests failed in 10 minutes"]);
    assert_eq!(open[0]["hit"]["endpoints"], json!([{ "name": "GET /known", "requests": 6 }]));
    assert_eq!(show(&app, &project, &id).await["alerts"][0]["of"], "GET /known");
    // It continues in the next hour, whose week includes these failures.
    app.set_time(NOW + HOUR_US - 5 * MINUTE_US);
    for _ in 0..10 {
        post(&app, &project, app.time(), 6, failing("/known", 502)).await;
        pass_minutes(&app, 1).await;
    }
    assert_eq!(incidents(&app, &project, "").await.len(), 1);
    assert_eq!(show(&app, &project, &id).await["state"], "firing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_compared_with_its_own_response_times() {
    let app = TestApp::start().await;
    let project = app.project().await;
    make(&app, &project, json!({ "ready_made": "slower_than_usual" })).await;
    let took = |ms: u32| json!({ "response_time": ms });
    for week in 1..=3 {
        let then_us = NOW - week * WEEK_US;
        post_steadily(&app, &project, (then_us - HOUR_US, then_us + 2 * HOUR_US), 20, took(100))
            .await;
    }
    post_steadily(&app, &project, (NOW - 16 * MINUTE_US, NOW), 20, took(110)).await;
    pass_minutes(&app, 1).await;
    app.set_time(NOW + 20 * MINUTE_US);
    post_steadily(&app, &project, (NOW, NOW + 20 * MINUTE_US), 20, took(400)).await;
    pass_minutes(&app, 1).await;
    assert_eq!(
        incidents(&app, &project, "").await,
        Vec::<Value>::new(),
        "it must hold for a while"
    );
    for _ in 0..10 {
        post_steadily(&app, &project, (app.time(), app.time() + MINUTE_US), 20, took(400)).await;
        pass_minutes(&app, 1).await;
    }
    let open = incidents(&app, &project, "state=open").await;
    assert_eq!(open.len(), 1, "{open:?}");
    let message = open[0]["message"].as_str().unwrap();
    assert!(message.starts_with("GET /orders: 95th percentile 40"), "{message}");
    assert!(message.ends_with(" ms is usual"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_burns_fires_at_each_of_its_rates() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let goal = json!({ "ready_made": "burn_rate", "goal_percent": 99.9 });
    let id = make(&app, &project, goal).await;
    // Two days ago, which only the slow rate sees, and now.
    post(&app, &project, NOW - 48 * HOUR_US, 900, json!({})).await;
    post(&app, &project, NOW, 20, json!({ "status": 500 })).await;
    post(&app, &project, NOW, 80, json!({})).await;
    pass_minutes(&app, 3).await;
    let shown = show(&app, &project, &id).await;
    let of: Vec<&Value> =
        shown["alerts"].as_array().unwrap().iter().map(|one| &one["of"]).collect();
    assert_eq!(of, ["burn_fast", "burn_medium", "burn_slow"]);
    let open = incidents(&app, &project, "").await;
    let messages: Vec<&str> =
        open.iter().map(|incident| incident["message"].as_str().unwrap()).collect();
    for expected in [
        "20 of 100 requests failed in 1 hour, 200.0 times as many as the goal allows",
        "20 of 1000 requests failed in 3 days, 20.0 times as many as the goal allows",
    ] {
        assert!(messages.contains(&expected), "{messages:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_projects_are_judged_by_few_questions() {
    let app = TestApp::with(&[("project_creations_per_hour", "1000")]).await;
    let mut projects = Vec::new();
    app.set_time(NOW + 10 * MINUTE_US);
    for _ in 0..12 {
        let project = app.project().await;
        for ready_made in
            ["server_error_spike", "traffic_stopped", "slower_than_usual", "new_failing_endpoint"]
        {
            make(&app, &project, json!({ "ready_made": ready_made })).await;
        }
        make(&app, &project, json!({ "ready_made": "burn_rate", "goal_percent": 99 })).await;
        post(&app, &project, NOW, 5, json!({ "status": 200 })).await;
        projects.push(project);
    }
    let before = questions(&app).await;
    pass_minutes(&app, 1).await;
    // Minutes, hours, and three weeks.
    assert_eq!(questions(&app).await - before, 5.0);
    let before = questions(&app).await;
    pass_minutes(&app, 3).await;
    assert_eq!(questions(&app).await - before, 3.0, "one a minute");
    // A project with failures has its own query, and no other has.
    for status in [500, 500, 200] {
        post(&app, &projects[7], app.time(), 10, json!({ "status": status })).await;
    }
    pass_minutes(&app, 3).await;
    let open = incidents(&app, &projects[7], "state=open").await;
    assert!(open.len() >= 3, "{open:?}");
    assert_eq!(incidents(&app, &projects[6], "").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_listed_bounded_and_nobody_else_s() {
    let app = TestApp::with(&[("rules_per_project", "2")]).await;
    let project = app.project().await;
    let listed = app.get_as(&project.key, "/api/v1/rules").await.json();
    assert_eq!(listed["rules"], json!([]));
    let ready_made = listed["ready_made"].as_array().unwrap();
    let spike = ready_made.iter().find(|row| row["name"] == "server_error_spike").unwrap();
    assert_eq!((&spike["for_minutes"], &spike["recommended"]), (&json!(2), &json!(true)));
    assert!(spike["condition"].as_str().unwrap().contains("at least 20 requests and 5 %"));
    let id = make(&app, &project, json!({ "ready_made": "server_error_spike" })).await;
    make(&app, &project, json!({ "metric": "p95_ms", "at_least": 250 })).await;
    let third = json!({ "ready_made": "traffic_burst" });
    let refused = call(&app, &project.key, "POST", "/api/v1/rules", third).await;
    assert_eq!(refused.code(), "too_many_rules");
    let path = format!("/api/v1/rules/{id}");
    for (body, field) in [
        (json!({ "at_least": 5 }), "`at_least`"),
        (json!({ "colour": "red" }), "`colour`"),
        (json!({ "ready_made": "other" }), "`ready_made`"),
    ] {
        let refused = call(&app, &project.key, "PATCH", &path, body).await;
        assert_eq!(refused.code(), "invalid_rule");
        assert!(
            refused.json()["message"].as_str().unwrap().starts_with(field),
            "{}",
            refused.text()
        );
    }
    let listed = app.get_as(&project.key, "/api/v1/rules").await.json();
    let labels: Vec<&Value> =
        listed["rules"].as_array().unwrap().iter().map(|rule| &rule["label"]).collect();
    assert_eq!(
        labels,
        ["more server errors than usual", "95th percentile of response times: at least 250 ms"]
    );
    let other = app.project().await;
    assert_eq!(app.get_as(&other.key, "/api/v1/rules").await.json()["rules"], json!([]));
    for method in ["GET", "PATCH", "DELETE"] {
        let refused = call(&app, &other.key, method, &path, json!({})).await;
        assert_eq!(refused.code(), "unknown_rule", "{method}");
    }
    // Rules are deleted with their project.
    assert_eq!(app.delete_as(&project.key, "/api/v1/project").await.status, 200);
    assert!(app.shared().meta.all_rules().is_empty());
}
