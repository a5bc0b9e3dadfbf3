//! Deploys: who may post and see them, how many are kept, and the comparison before and after one.

use axum::http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, TestProject, hit};

async fn post(app: &TestApp, key: &str, body: Value) -> Answer {
    app.post("/api/v1/deploys", &[("x-auth-token", key)], &body).await
}

async fn list(app: &TestApp, key: &str, query: &str) -> Vec<Value> {
    let answer = app.get_as(key, &format!("/api/v1/deploys{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["deploys"].as_array().unwrap().clone()
}

fn versions(deploys: &[Value]) -> Vec<&str> {
    deploys.iter().map(|deploy| deploy["version"].as_str().unwrap()).collect()
}

async fn share(app: &TestApp, project: &TestProject, link: Value) -> String {
    let made = app.post("/api/v1/share-links", &[("x-auth-token", &project.key)], &link).await;
    made.json()["token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_key_of_the_project_posts_a_deploy_and_once() {
    let mut app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    let ingest = app.ingest_key(&project).await;
    let deploy = json!({ "version": "v1", "at": "2026-11-22T11:00:00+01:00", "text": "needle" });
    let made = post(&app, &ingest, deploy.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(
        made.json(),
        json!({ "id": 1, "version": "v1", "at": "2026-11-22T10:00:00Z", "text": "needle", "source": "posted" })
    );
    let again = post(&app, &ingest, deploy).await;
    assert_eq!((again.status.as_u16(), &again.json()["id"]), (200, &json!(1)));
    assert!(!again.text().contains("needle"), "a key that only posts reads nothing");
    // Without a time it is now.
    assert_eq!(post(&app, &project.key, json!({ "version": "v2" })).await.status, 201);
    assert_eq!(post(&app, &other.key, json!({ "version": "theirs" })).await.status, 201);
    for _ in 0..2 {
        let own = list(&app, &project.key, "").await;
        assert_eq!(versions(&own), ["v2", "v1"]);
        assert_eq!((&own[0]["text"], &own[1]["text"]), (&json!(null), &json!("needle")));
        app.restart().await;
    }
    let early = list(&app, &project.key, "?to=2026-11-22T10:30:00Z&tz=Europe/Berlin").await;
    assert_eq!(versions(&early), ["v1"]);
    assert_eq!(versions(&list(&app, &project.key, "?period=24h").await), ["v2", "v1"]);
    assert_eq!(app.get_as(&ingest, "/api/v1/deploys").await.code(), "ingest_only_key");

    for (body, code) in [
        (json!({}), "invalid_deploy"),
        (json!({ "version": " " }), "invalid_deploy"),
        (json!({ "version": "v", "at": "2026-11-23T12:00:00Z" }), "invalid_deploy"),
        (json!({ "version": "v", "text": "x".repeat(1_001) }), "invalid_deploy"),
        (json!({ "version": "v", "when": "now" }), "invalid_json"),
    ] {
        assert_eq!(post(&app, &project.key, body.clone()).await.code(), code, "{body}");
    }
    assert_eq!(post(&app, "nobody", json!({ "version": "v" })).await.code(), "unknown_key");
    let nobody = app.post("/api/v1/deploys", &[], &json!({ "version": "v" })).await;
    assert_eq!(nobody.code(), "missing_key");
    // So may a session signed in with a key; one signed in with the dashboard id may only look.
    let cookie = app.sign_in(None, json!({ "key": project.key })).await;
    let body = json!({ "version": "v3" });
    let made = app.page_call(&cookie, Method::POST, "/api/v1/deploys", body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let cookie = app.sign_in(None, json!({ "dashboard_id": project.dashboard_id })).await;
    let refused = app.page_call(&cookie, Method::POST, "/api/v1/deploys", body).await;
    assert_eq!(refused.code(), "view_only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_is_deleted_by_its_owner_and_with_its_project() {
    let app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    let made = post(&app, &project.key, json!({ "version": "v1" })).await.json();
    let path = format!("/api/v1/deploys/{}", made["id"]);
    assert_eq!(app.delete_as(&other.key, &path).await.code(), "unknown_deploy");
    let ingest = app.ingest_key(&project).await;
    assert_eq!(app.delete_as(&ingest, &path).await.code(), "ingest_only_key");
    assert_eq!(app.delete_as(&project.key, &path).await.status, 204);
    assert_eq!(app.delete_as(&project.key, &path).await.code(), "unknown_deploy");
    let effect = app.get_as(&other.key, &format!("{path}/effect")).await;
    assert_eq!(effect.code(), "unknown_deploy");

    post(&app, &project.key, json!({ "version": "needle-of-the-deleted" })).await;
    post(&app, &other.key, json!({ "version": "kept" })).await;
    assert_eq!(app.delete_as(&project.key, "/api/v1/project").await.status, 200);
    assert_eq!(versions(&list(&app, &other.key, "").await), ["kept"]);
    let holds = |needle: &str| {
        let files = std::fs::read_dir(app.data()).unwrap().flatten();
        let bytes = files.filter_map(|file| std::fs::read(file.path()).ok());
        bytes
            .into_iter()
            .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
    };
    assert!(holds("kept") && !holds("needle-of-the-deleted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_deploys_make_room() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let id = analytics::hit::ProjectId(project.id);
    for n in 0..6 {
        let deploy = analytics::deploy::Deploy {
            version: format!("v{n}"),
            at_us: (10 - n) * 1_000,
            text: String::new(),
            from_requests: false,
        };
        app.shared().meta.add_deploy(id, &deploy, 4).await.unwrap().unwrap();
    }
    // The last one posted is the oldest of all, and is kept anyway.
    assert_eq!(versions(&list(&app, &project.key, "").await), ["v0", "v1", "v2", "v5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_that_runs_wild_is_told_to_wait() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let deploy = json!({ "version": "v1" });
    for _ in 0..analytics::limits::DEPLOYS_PER_MINUTE {
        assert!(post(&app, &project.key, deploy.clone()).await.status.is_success());
    }
    let refused = post(&app, &project.key, deploy.clone()).await;
    assert_eq!(
        (refused.code().as_str(), refused.header("retry-after")),
        ("too_many_deploys", "60")
    );
    app.set_time(app.time() + 60_000_000);
    assert_eq!(post(&app, &project.key, deploy).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_link_shows_versions_and_a_note_only_with_requests() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let deploy = json!({ "version": "v1", "at": "2026-11-22T11:00:00Z", "text": "needle" });
    let id = post(&app, &project.key, deploy).await.json()["id"].clone();
    let some = share(&app, &project, json!({ "q": "path:/shown" })).await;
    let more = share(&app, &project, json!({ "hits": true })).await;
    let hits = (0..120).map(|n| {
        let path = if n % 2 == 0 { "/shown" } else { "/hidden" };
        let time = if n < 60 { "10:45" } else { "11:15" };
        hit(path, json!({ "created_at": format!("2026-11-22T{time}:00Z") }))
    });
    app.post_hits(&project.key, hits.collect()).await;
    for (token, shows) in [(&some, false), (&more, true)] {
        for path in ["/api/v1/deploys".to_owned(), format!("/api/v1/deploys/{id}/effect")] {
            let answer = app.get_as(token, &path).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.text().contains("v1"));
            assert_eq!(answer.text().contains("needle"), shows, "{path}");
        }
        let deploy = json!({ "version": "v" });
        assert_eq!(post(&app, token, deploy).await.code(), "view_only");
        let path = format!("/api/v1/deploys/{id}");
        assert_eq!(app.delete_as(token, &path).await.code(), "view_only");
    }
    // Its filter applies to the effect too.
    let effect = format!("/api/v1/deploys/{id}/effect");
    let (part, all) = (app.get_as(&some, &effect).await, app.get_as(&more, &effect).await);
    assert_eq!(
        (&part.json()["after"]["requests"], &all.json()["after"]["requests"]),
        (&json!(30), &json!(60))
    );
    assert!(!part.text().contains("/hidden"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_compares_equal_times_until_the_next_deploy() {
    let app = TestApp::start().await;
    let project = app.project().await;
    // Now is 12:00. From 10:00 to 11:00 the first deploy is compared with the hour before.
    for (version, at) in [("v1", "10:00"), ("v2", "11:00")] {
        let deploy = json!({ "version": version, "at": format!("2026-11-22T{at}:00Z") });
        post(&app, &project.key, deploy).await;
    }
    let mut hits = Vec::new();
    for n in 0..100 {
        for (hour, fails) in [(8, true), (9, n % 50 == 0), (10, n % 4 == 0), (11, true)] {
            let status = if fails { 500 } else { 200 };
            let time = format!("2026-11-22T{hour:02}:{:02}:{:02}Z", n / 2, n % 2 * 30);
            let ms = if hour == 10 { 400 } else { 20 };
            hits.push(hit(
                "/pay",
                json!({ "status": status, "created_at": time, "response_time": ms }),
            ));
            hits.push(hit("/slow", json!({ "created_at": time, "response_time": ms })));
            hits.push(hit("/same", json!({ "created_at": time, "response_time": 20 })));
        }
        let few = format!("2026-11-22T09:{:02}:00Z", n / 2);
        hits.push(hit("/only-before", json!({ "created_at": few })));
    }
    app.post_hits(&project.key, json!(hits)).await;
    let effect = app.get_as(&project.key, "/api/v1/deploys/1/effect").await.json();
    assert_eq!(
        effect["compared"],
        json!({ "from": "2026-11-22T09:00:00Z", "at": "2026-11-22T10:00:00Z", "to": "2026-11-22T11:00:00Z" })
    );
    assert_eq!(
        (&effect["before"]["requests"], &effect["after"]["requests"]),
        (&json!(400), &json!(300))
    );
    assert_eq!(effect["after"]["server_errors"], 25);
    let rows = effect["endpoints"].as_array().unwrap();
    let row = |n: usize| (rows[n]["route"].as_str().unwrap(), rows[n]["verdict"].as_str().unwrap());
    assert_eq!(rows.len(), 3);
    assert_eq!(
        [row(0), row(1), row(2)],
        [("/pay", "fails_more"), ("/slow", "slower"), ("/same", "steady")]
    );
    assert_eq!(
        (&rows[0]["before"]["server_errors"], &rows[0]["after"]["server_errors"]),
        (&json!(2), &json!(25))
    );
    let p95 = |side: &str| rows[1][side]["p95_ms"].as_f64().unwrap();
    assert!((p95("before") - 20.0).abs() < 0.3 && (p95("after") - 400.0).abs() < 5.0);
    // The second one ends at noon, which is now.
    let second = app.get_as(&project.key, "/api/v1/deploys/2/effect").await.json();
    assert_eq!(second["compared"]["to"], "2026-11-22T12:00:00Z");
    // One that has just begun has nothing to compare.
    let now = post(&app, &project.key, json!({ "version": "v3" })).await.json();
    let path = format!("/api/v1/deploys/{}/effect", now["id"]);
    let begun = app.get_as(&project.key, &path).await.json();
    assert_eq!((&begun["compared"], &begun["endpoints"]), (&json!(null), &json!([])));
}
