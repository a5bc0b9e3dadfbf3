//! Saved views: who may save and open them, their limits, and that they are erased with their project.

use axum::http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, TestProject};

async fn post(app: &TestApp, key: &str, body: Value) -> Answer {
    app.post("/api/v1/views", &[("x-auth-token", key)], &body).await
}

async fn patch(app: &TestApp, key: &str, id: &Value, body: Value) -> Answer {
    let path = format!("/api/v1/views/{id}");
    let body = body.to_string().into_bytes();
    app.send(Method::PATCH, &path, &[("x-auth-token", key)], body).await
}

async fn names(app: &TestApp, key: &str) -> Vec<String> {
    let answer = app.get_as(key, "/api/v1/views").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let views = answer.json()["views"].as_array().unwrap().clone();
    views.iter().map(|view| view["name"].as_str().unwrap().to_owned()).collect()
}

fn view(name: &str) -> Value {
    json!({ "name": name, "page": "dashboard", "query": "q=status:5xx" })
}

async fn share(app: &TestApp, project: &TestProject, link: Value) -> String {
    let made = app.post("/api/v1/share-links", &[("x-auth-token", &project.key)], &link).await;
    made.json()["token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_saved_renamed_overwritten_and_deleted() {
    let mut app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    let new = json!({ "name": "Failing", "page": "requests", "query": "period=24h&q=status:5xx&tab.live=on" });
    let made = post(&app, &project.key, new).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(
        made.json(),
        json!({
            "id": 1, "name": "Failing", "page": "requests",
            "query": "period=24h&q=status%3A5xx&tab.live=on", "created_at": "2026-11-22T12:00:00Z"
        })
    );
    assert_eq!(post(&app, &project.key, view("busiest")).await.status, 201);
    assert_eq!(post(&app, &other.key, view("theirs")).await.status, 201);
    // Names are unique within a project, regardless of case.
    assert_eq!(post(&app, &project.key, view(" BUSIEST ")).await.code(), "view_taken");
    assert_eq!(post(&app, &other.key, view("busiest")).await.status, 201);
    for _ in 0..2 {
        assert_eq!(names(&app, &project.key).await, ["busiest", "Failing"]);
        app.restart().await;
    }

    let id = json!(1);
    let renamed = patch(&app, &project.key, &id, json!({ "name": "Failing now" })).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text());
    assert_eq!(renamed.json()["query"], "period=24h&q=status%3A5xx&tab.live=on");
    let over = json!({ "page": "consumer", "query": "consumer=u:ann" });
    let over = patch(&app, &project.key, &id, over).await.json();
    assert_eq!(
        (&over["name"], &over["page"], &over["query"]),
        (&json!("Failing now"), &json!("consumer"), &json!("consumer=u%3Aann"))
    );
    let taken = patch(&app, &project.key, &id, json!({ "name": "Busiest" })).await;
    assert_eq!(taken.code(), "view_taken");
    // A view may change the case of its own name.
    let own = patch(&app, &project.key, &id, json!({ "name": "FAILING NOW" })).await;
    assert_eq!(own.status, 200, "{}", own.text());
    for (body, code) in [
        (json!({ "query": "project=2" }), "invalid_view"),
        (json!({ "page": "settings" }), "invalid_view"),
        (json!({ "name": "x".repeat(101) }), "invalid_view"),
        (json!({ "address": "https://evil.example" }), "invalid_json"),
    ] {
        assert_eq!(patch(&app, &project.key, &id, body.clone()).await.code(), code, "{body}");
        assert_eq!(post(&app, &project.key, body.clone()).await.code(), code, "{body}");
    }
    assert_eq!(names(&app, &project.key).await, ["busiest", "FAILING NOW"]);

    assert_eq!(patch(&app, &other.key, &id, json!({ "name": "a" })).await.code(), "unknown_view");
    assert_eq!(app.delete_as(&other.key, "/api/v1/views/1").await.code(), "unknown_view");
    assert_eq!(app.delete_as(&project.key, "/api/v1/views/one").await.code(), "unknown_view");
    assert_eq!(app.delete_as(&project.key, "/api/v1/views/1").await.status, 204);
    assert_eq!(app.delete_as(&project.key, "/api/v1/views/1").await.code(), "unknown_view");
    assert_eq!(names(&app, &project.key).await, ["busiest"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_people_signed_in_to_the_project_see_views() {
    let app = TestApp::with(&[("demo", "on")]).await;
    let project = app.project().await;
    let made = post(&app, &project.key, view("needle")).await.json();
    // A dashboard id may open views, but not change them.
    let cookie = app.sign_in(None, json!({ "dashboard_id": project.dashboard_id })).await;
    let seen = app.page_call(&cookie, Method::GET, "/api/v1/views", json!(null)).await;
    assert_eq!(seen.json()["views"][0]["name"], "needle");
    let path = format!("/api/v1/views/{}", made["id"]);
    let calls = [
        (Method::POST, "/api/v1/views", view("b")),
        (Method::PATCH, &*path, json!({ "name": "b" })),
        (Method::DELETE, &*path, json!({})),
    ];
    for (method, path, body) in &calls {
        let refused = app.page_call(&cookie, method.clone(), path, body.clone()).await;
        assert_eq!(refused.code(), "view_only", "{method}");
    }
    // The owner's session may do everything.
    let cookie = app.sign_in(None, json!({ "key": project.key })).await;
    for (method, path, body) in calls {
        let done = app.page_call(&cookie, method, path, body).await;
        assert!(done.status.is_success() || done.code() == "view_taken", "{}", done.text());
    }
    // Nobody else sees any, since a filter may name consumers.
    post(&app, &project.key, view("needle")).await;
    let ingest = app.ingest_key(&project).await;
    let all = json!({ "addresses": true, "consumers": true, "hits": true });
    let link = share(&app, &project, all).await;
    for (key, code) in [(&ingest, "ingest_only_key"), (&link, "view_only")] {
        assert_eq!(app.get_as(key, "/api/v1/views").await.code(), code);
        assert_eq!(post(&app, key, view("b")).await.code(), code);
    }
    assert_eq!(app.get("/api/v1/views?project=demo").await.code(), "view_only");
    assert_eq!(app.get("/api/v1/views").await.code(), "missing_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_limited_and_erased_with_their_project() {
    let app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    for n in 0..analytics::limits::VIEWS_PER_PROJECT {
        assert_eq!(post(&app, &project.key, view(&format!("v{n}"))).await.status, 201);
    }
    assert_eq!(post(&app, &project.key, view("more")).await.code(), "too_many_views");
    assert_eq!(app.delete_as(&project.key, "/api/v1/views/7").await.status, 204);
    assert_eq!(post(&app, &project.key, view("needle-of-the-deleted")).await.status, 201);
    assert_eq!(post(&app, &other.key, view("kept")).await.status, 201);
    let holds = |needle: &str| {
        let files = std::fs::read_dir(app.data()).unwrap().flatten();
        let bytes = files.filter_map(|file| std::fs::read(file.path()).ok());
        bytes
            .into_iter()
            .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
    };
    assert!(holds("needle-of-the-deleted"));
    assert_eq!(app.delete_as(&project.key, "/api/v1/project").await.status, 200);
    assert_eq!(names(&app, &other.key).await, ["kept"]);
    assert!(holds("kept") && !holds("needle-of-the-deleted"));
}
