//! A project's own rules: their filters, groups and queries.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_of_its_own_asks_about_what_it_filters_and_groups() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let by_consumer =
        json!({ "q": "path:/v1/*", "metric": "requests", "at_least": 10, "group_by": "consumer" });
    let by_consumer = make(&app, &project, by_consumer).await;
    let slow =
        json!({ "metric": "p95_ms", "at_least": 900, "group_by": "endpoint", "least_requests": 5 });
    let slow = make(&app, &project, slow).await;
    let many = make(&app, &project, json!({ "metric": "consumers", "at_least": 3 })).await;
    let quiet = make(
        &app,
        &project,
        json!({ "q": "path:/none", "metric": "requests", "at_most": 0, "window_minutes": 2 }),
    )
    .await;
    for (user, path, count, ms) in
        [("alice", "/v1/a", 12, 5), ("alice", "/v2/a", 12, 1_000), ("bob", "/v1/a", 9, 5)]
    {
        let more = json!({ "user_id": user, "path": path, "response_time": ms });
        post(&app, &project, NOW, count, more).await;
    }
    pass_minutes(&app, 3).await;
    let alerts = async |id: &Value| {
        let shown = show(&app, &project, id).await;
        let alerts = shown["alerts"].as_array().unwrap().iter();
        alerts.map(|alert| alert["of"].as_str().unwrap().to_owned()).collect::<Vec<String>>()
    };
    assert_eq!(alerts(&by_consumer).await, ["alice"]);
    assert_eq!(alerts(&slow).await, ["GET /v2/a"]);
    assert_eq!(alerts(&many).await, Vec::<String>::new(), "there are two");
    assert_eq!(alerts(&quiet).await, Vec::<String>::new(), "the server was not there before");
    pass_minutes(&app, 3).await;
    assert_eq!(alerts(&quiet).await, [""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_filter_alike_share_a_question() {
    let app = TestApp::start().await;
    let project = app.project().await;
    for (metric, q, window) in [
        ("p95_ms", "path:/v1/*", 5),
        ("server_errors", "path:/v1/*", 5),
        ("consumers", "path:/v1/*", 5),
        ("server_errors", "path:/v2/*", 5),
        ("server_errors", "path:/v1/*", 6),
    ] {
        let rule = json!({ "metric": metric, "q": q, "at_least": 3, "window_minutes": window });
        make(&app, &project, rule).await;
    }
    let more = json!({ "path": "/v1/a", "status": 500, "user_id": "alice", "response_time": 9 });
    post(&app, &project, NOW, 5, more).await;
    app.set_time(NOW + 2 * MINUTE_US);
    let before = questions(&app).await;
    pass_minutes(&app, 1).await;
    let open = incidents(&app, &project, "state=open").await;
    assert_eq!(open.len(), 3, "{open:?}");
    // Three, and two for whom the alerts about errors hit.
    assert_eq!(questions(&app).await - before, 5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_whose_requests_arrive_at_once_is_judged_sooner() {
    let app = TestApp::start().await;
    let mut rules = Vec::new();
    for batches in [1, 30] {
        let project = app.project().await;
        let rule = json!({ "metric": "server_errors", "at_least": 5 });
        let id = make(&app, &project, rule).await;
        for _ in 0..batches {
            post(&app, &project, NOW, 1, json!({ "status": 200 })).await;
        }
        post(&app, &project, NOW, 6, json!({ "status": 500 })).await;
        rules.push((project, id));
    }
    for (minutes, expected) in [(1, ["ok", "ok"]), (1, ["ok", "firing"]), (1, ["firing", "firing"])]
    {
        pass_minutes(&app, minutes).await;
        for ((project, id), expected) in rules.iter().zip(expected) {
            assert_eq!(show(&app, project, id).await["state"], expected);
        }
    }
}
