//! The ready-made rule about consumers that fall silent, with hits of nine days and a test's clock.

use super::*;

const TEN_MINUTES_US: i64 = 10 * MINUTE_US;

/// A request every ten minutes, from one time to before another.
async fn post_regularly(
    app: &TestApp,
    project: &TestProject,
    user: &str,
    from_us: i64,
    to_us: i64,
) {
    let hits: Vec<Value> = (from_us..to_us)
        .step_by(TEN_MINUTES_US as usize)
        .map(|at_us| {
            let at = jiff::Timestamp::from_microsecond(at_us).unwrap().to_string();
            hit("/orders", json!({ "user_id": user, "created_at": at }))
        })
        .collect();
    let answer = app.post_hits(&project.key, json!(hits)).await;
    assert_eq!(answer.json()["accepted"], hits.len(), "{}", answer.text());
}

/// Ten minutes pass, in which these users call.
async fn pass_with(app: &TestApp, project: &TestProject, users: &[&str]) {
    for user in users {
        post_regularly(app, project, user, app.time(), app.time() + 1).await;
    }
    app.set_time(app.time() + 9 * MINUTE_US);
    pass_minutes(app, 1).await;
}

async fn silent(app: &TestApp, project: &TestProject, id: &Value) -> Vec<String> {
    let shown = show(app, project, id).await;
    let alerts = shown["alerts"].as_array().unwrap().iter();
    alerts.map(|alert| alert["of"].as_str().unwrap().to_owned()).collect()
}

/// A project whose two users have called for nine days, among countless strangers.
async fn start() -> (TestApp, TestProject, Value) {
    let app = TestApp::start().await;
    let project = app.project().await;
    for user in ["alice", "bob"] {
        post_regularly(&app, &project, user, NOW - 9 * 24 * HOUR_US, NOW).await;
    }
    let strangers: Vec<Value> = (0..300)
        .map(|number| hit("/", json!({ "user_id": format!("stranger-{number}") })))
        .collect();
    app.post_hits(&project.key, json!(strangers)).await;
    let id = make(&app, &project, json!({ "ready_made": "silent_consumer" })).await;
    (app, project, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_falls_silent_is_told_with_its_usual_gaps_and_so_is_its_next_request() {
    let (mut app, project, id) = start().await;
    let channel = channel(&app, &project).await;
    pass_minutes(&app, 1).await;
    app.set_time(NOW);
    for _ in 0..5 {
        pass_with(&app, &project, &["bob"]).await;
        assert_eq!(silent(&app, &project, &id).await, Vec::<String>::new());
    }
    for _ in 0..2 {
        pass_with(&app, &project, &["bob"]).await;
    }
    assert_eq!(silent(&app, &project, &id).await, ["alice"]);
    let open = incidents(&app, &project, "state=open").await;
    assert_eq!(open.len(), 1, "{open:?}");
    let message = open[0]["message"].as_str().unwrap();
    assert!(message.starts_with("alice: no request for 6"), "{message}");
    assert!(message.ends_with(" minutes, up to 10 minutes is usual"), "{message}");

    // It is one alert over a restart, the night, and the end of the scanned period.
    app.restart().await;
    for _ in 0..4 {
        pass_with(&app, &project, &["bob"]).await;
        assert_eq!(silent(&app, &project, &id).await, ["alice"]);
    }
    post_regularly(&app, &project, "alice", app.time(), app.time() + 1).await;
    pass_minutes(&app, 3).await;
    assert_eq!(silent(&app, &project, &id).await, Vec::<String>::new());
    let told = notices(&app, &channel).await;
    let stages: Vec<&Value> = told.iter().map(|notice| &notice["stage"]).collect();
    assert_eq!(stages, ["opening", "resolved"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_all_requests_makes_nobody_silent() {
    let (mut app, project, id) = start().await;
    pass_minutes(&app, 1).await;
    app.set_time(NOW);
    // Nobody calls, and when they do again bob is the first.
    for users in [&[][..], &["bob"], &["bob", "alice"]] {
        for _ in 0..18 {
            pass_with(&app, &project, users).await;
            assert_eq!(silent(&app, &project, &id).await, Vec::<String>::new(), "{users:?}");
            if !users.is_empty() {
                break;
            }
        }
    }
    // The server is off, and nothing arrives.
    app.set_time(app.time() + 5 * HOUR_US);
    app.restart().await;
    for users in [&["bob"][..], &["bob"], &["bob", "alice"]] {
        pass_with(&app, &project, users).await;
        assert_eq!(silent(&app, &project, &id).await, Vec::<String>::new());
    }
    // Maintenance of the whole project, now over.
    let (from, to) = ("2026-11-22T22:00:00Z", "2026-11-23T02:00:00Z");
    let planned = json!({ "schedule": { "kind": "once", "from": from, "to": to } });
    assert_eq!(call(&app, &project.key, "POST", "/api/v1/maintenance", planned).await.status, 201);
    app.set_time("2026-11-23T02:30:00Z".parse::<jiff::Timestamp>().unwrap().as_microsecond());
    pass_with(&app, &project, &["bob"]).await;
    assert_eq!(silent(&app, &project, &id).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_consumers_is_asked_for_once() {
    let (app, project, id) = start().await;
    let before = questions(&app).await;
    pass_minutes(&app, 1).await;
    let learned = questions(&app).await - before;
    assert!((2.0..=20.0).contains(&learned), "a list and the pieces of nine days: {learned}");
    app.set_time(NOW);
    let before = questions(&app).await;
    pass_minutes(&app, 10).await;
    assert_eq!(questions(&app).await - before, 0.0, "nobody is missed yet");
    pass_minutes(&app, 10).await;
    assert_eq!(questions(&app).await - before, 1.0, "all of them, each quarter of an hour");
    for _ in 0..6 {
        pass_with(&app, &project, &["bob"]).await;
    }
    assert_eq!(silent(&app, &project, &id).await, ["alice"]);
    let before = questions(&app).await;
    post_regularly(&app, &project, "bob", app.time(), app.time() + 1).await;
    pass_minutes(&app, 4).await;
    assert!((4.0..=5.0).contains(&(questions(&app).await - before)), "one a minute for her");
}
