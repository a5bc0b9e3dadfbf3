//! Releases of batches: each new one adds one deploy, and an invalid one loses no hits.

use serde_json::{Value, json};

use crate::app::{TestApp, TestProject, hit};

async fn post(app: &TestApp, project: &TestProject, release: Value, time: &str) {
    let hits = json!([hit("/a", json!({ "created_at": time })), hit("/a", json!({}))]);
    let body = json!({ "release": release, "framework": "FastAPI", "requests": hits });
    let answer = app.post("/api/requests", &[("x-auth-token", &project.key)], &body).await;
    assert_eq!(answer.json()["accepted"], 2, "{}", answer.text());
}

/// Version, time and source of each deploy, latest first.
async fn deploys(app: &TestApp, project: &TestProject) -> Vec<[String; 3]> {
    let answer = app.get_as(&project.key, "/api/v1/deploys").await.json();
    let text = |deploy: &Value, field: &str| deploy[field].as_str().unwrap().to_owned();
    let list = answer["deploys"].as_array().unwrap();
    list.iter().map(|one| ["version", "at", "source"].map(|field| text(one, field))).collect()
}

async fn ignored(app: &TestApp, project: &TestProject) -> Value {
    app.get_as(&project.key, "/api/v1/ingest-health").await.json()["releases_ignored"].clone()
}

async fn post_deploy(app: &TestApp, project: &TestProject, version: &str, at: &str) {
    let deploy = json!({ "version": version, "at": at });
    let made = app.post("/api/v1/deploys", &[("x-auth-token", &project.key)], &deploy).await;
    assert_eq!(made.status, 201, "{}", made.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_adds_one_deploy_at_its_earliest_request() {
    let mut app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    post(&app, &project, json!(null), "2026-11-22T10:00:00Z").await;
    assert_eq!(deploys(&app, &project).await, Vec::<[String; 3]>::new());
    // A rolling deploy: both versions run for a while, even across a restart.
    for minute in 0..4 {
        let release = if minute % 2 == 0 { "v1" } else { "v2" };
        post(&app, &project, json!(release), &format!("2026-11-22T10:0{minute}:00.1234Z")).await;
        if minute == 1 {
            app.restart().await;
        }
    }
    post(&app, &other, json!("v1"), "2026-11-22T11:00:00Z").await;
    let seen = |version: &str, at: &str| [version, at, "requests"].map(str::to_owned);
    let v1 = seen("v1", "2026-11-22T10:00:00.123Z");
    let v2 = seen("v2", "2026-11-22T10:01:00.123Z");
    let both = [v2, v1];
    assert_eq!(deploys(&app, &project).await, both);
    assert_eq!(deploys(&app, &other).await, [seen("v1", "2026-11-22T11:00:00Z")]);

    // A deleted deploy doesn't come back.
    assert_eq!(app.delete_as(&project.key, "/api/v1/deploys/2").await.status, 204);
    post(&app, &project, json!("v2"), "2026-11-22T10:20:00Z").await;
    app.restart().await;
    post(&app, &project, json!("v2"), "2026-11-22T10:30:00Z").await;
    assert_eq!(deploys(&app, &project).await, both[1..]);

    // Deleting a project leaves other projects alone.
    assert_eq!(app.delete_as(&project.key, "/api/v1/project").await.status, 200);
    assert_eq!(deploys(&app, &other).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_marked_once_by_the_pipeline_and_requests() {
    let app = TestApp::start().await;
    let project = app.project().await;
    // Posted first: requests add nothing.
    post_deploy(&app, &project, "v1", "2026-11-22T09:00:00Z").await;
    post(&app, &project, json!("v1"), "2026-11-22T09:01:00Z").await;
    let posted = |version: &str, at: &str| [version, at, "posted"].map(str::to_owned);
    let v1 = posted("v1", "2026-11-22T09:00:00Z");
    assert_eq!(deploys(&app, &project).await, std::slice::from_ref(&v1));
    // Seen in requests first: a post soon after replaces that deploy.
    post(&app, &project, json!("v2"), "2026-11-22T10:00:00Z").await;
    assert_eq!(deploys(&app, &project).await.len(), 2);
    post_deploy(&app, &project, "v2", "2026-11-22T10:20:00Z").await;
    let v2 = posted("v2", "2026-11-22T10:20:00Z");
    assert_eq!(deploys(&app, &project).await, [v2.clone(), v1.clone()]);
    // A post long after is another deploy, such as a rollback.
    post(&app, &project, json!("v3"), "2026-11-22T10:30:00Z").await;
    post_deploy(&app, &project, "v3", "2026-11-22T11:50:00Z").await;
    let seen = ["v3", "2026-11-22T10:30:00Z", "requests"].map(str::to_owned);
    let expect = [posted("v3", "2026-11-22T11:50:00Z"), seen, v2, v1];
    assert_eq!(deploys(&app, &project).await, expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_release_is_counted_and_loses_no_hits() {
    let app = TestApp::start().await;
    let project = app.project().await;
    for release in [json!("x".repeat(101)), json!(["v1"]), json!({})] {
        post(&app, &project, release, "2026-11-22T10:00:00Z").await;
    }
    assert_eq!(deploys(&app, &project).await, Vec::<[String; 3]>::new());
    assert_eq!(ignored(&app, &project).await, 3);
    // A release per process: new ones are limited per hour, known ones are still accepted.
    let most = analytics::limits::RELEASES_PER_HOUR;
    for n in 0..most + 2 {
        post(&app, &project, json!(format!("pid-{n}")), "2026-11-22T10:00:00Z").await;
    }
    post(&app, &project, json!("pid-0"), "2026-11-22T10:00:00Z").await;
    assert_eq!(deploys(&app, &project).await.len() as u64, most);
    assert_eq!(ignored(&app, &project).await, 5);
    app.set_time(app.time() + 3_600_000_000);
    post(&app, &project, json!("next"), "2026-11-22T10:00:00Z").await;
    assert_eq!(deploys(&app, &project).await.len() as u64, most + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_do_not_push_out_posted_deploys() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let id = analytics::hit::ProjectId(project.id);
    let meta = &app.shared().meta;
    for n in 0..2 {
        let version = format!("posted-{n}");
        let deploy = analytics::deploy::Deploy { version, at_us: n * 1_000, ..Default::default() };
        meta.add_deploy(id, &deploy, 4).await.unwrap().unwrap();
    }
    for n in 0..5 {
        let deploy =
            analytics::deploy::Deploy::of_release(&format!("seen-{n}"), 10_000 + n * 1_000);
        assert!(meta.see_release(id, &deploy, (4, 3), n).await.unwrap());
        assert!(!meta.see_release(id, &deploy, (4, 3), n).await.unwrap(), "the same one again");
    }
    let versions: Vec<_> = deploys(&app, &project).await.into_iter().map(|[one, ..]| one).collect();
    assert_eq!(versions, ["seen-4", "seen-3", "posted-1", "posted-0"]);
}
