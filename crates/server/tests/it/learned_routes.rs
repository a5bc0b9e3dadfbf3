//! Routes of clients that send none: on the dashboard, over a restart, and with the owner's decisions.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Value, json};

use crate::app::{TestApp, TestProject, hit};

async fn endpoints(app: &TestApp, project: &TestProject) -> BTreeMap<String, u64> {
    app.settle().await;
    let path = "/api/v1/dashboard?period=24h&panels=endpoints&rows=500";
    let answer = app.get_as(&project.key, path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let rows = answer.json()["panels"]["endpoints"]["rows"].clone();
    let row = |row: &Value| {
        let route = row["route"].as_str().expect("a route").to_owned();
        (route, row["requests"].as_u64().expect("a count"))
    };
    rows.as_array().expect("rows").iter().map(row).collect()
}

async fn post(app: &TestApp, project: &TestProject, hits: Vec<Value>) {
    for hits in hits.chunks(900) {
        let answer = app.post_hits(&project.key, json!(hits)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

async fn templates(app: &TestApp, key: &str) -> Vec<Value> {
    let answer = app.get_as(key, "/api/v1/routes").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["routes"].as_array().expect("a list").clone()
}

async fn decide(app: &TestApp, project: &TestProject, decision: Value) -> crate::app::Answer {
    let body = decision.to_string().into_bytes();
    app.send(Method::PUT, "/api/v1/routes", &[("x-auth-token", &project.key)], body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_slugs_are_one_endpoint_and_a_scanner_is_one_row() {
    let mut app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    let article = |n: usize| hit(&format!("/articles/the-story-of-{n}"), json!({}));
    post(&app, &project, (0..2_000).map(article).collect()).await;
    let me = (0..40).map(|_| hit("/articles/about", json!({})));
    post(&app, &project, me.collect()).await;
    let scan = |n: usize| hit(&format!("/{n}x/.env"), json!({ "status": 404 }));
    post(&app, &project, (0..500).map(scan).collect()).await;
    // A route sent by its client wins.
    let sent =
        |n: usize| hit(&format!("/articles/x-{n}"), json!({ "route": "/articles/{article}" }));
    post(&app, &project, (0..7).map(sent).collect()).await;
    let mut shown = endpoints(&app, &project).await;
    assert_eq!(shown.remove("/articles/{slug}"), Some(2_040));
    assert_eq!(shown.remove("/articles/{article}"), Some(7));
    assert_eq!(shown.remove("other paths that no route matches"), Some(400));
    assert_eq!(shown.len(), 100, "{shown:?}");

    // A crash would leave the same: the template was on disk before its batch.
    let state = app.shared().meta.learned_routes().await.unwrap();
    assert!(state.iter().any(|row| row.project.0 == project.id && row.state.contains("slug")));
    app.restart().await;
    post(&app, &project, vec![article(5_000), article(5_001)]).await;
    assert_eq!(endpoints(&app, &project).await["/articles/{slug}"], 2_042);
    let expected = json!([{ "template": "/articles/{slug}", "source": "learned", "refused": false, "kept_words": 0 }]);
    assert_eq!(json!(templates(&app, &project.key).await), expected);

    // Another project has learned nothing from it.
    post(&app, &other, vec![article(1)]).await;
    assert!(endpoints(&app, &other).await.contains_key("/articles/the-story-of-1"));
    assert!(templates(&app, &other.key).await.is_empty());
}

/// Requests from before their template was learned get it too.
#[tokio::test(flavor = "multi_thread")]
async fn earlier_requests_join_the_route_that_later_ones_taught() {
    let app = TestApp::with(&[("active_rows", "1000")]).await;
    let project = app.project().await;
    let article = |n: usize| hit(&format!("/articles/the-story-of-{n}"), json!({}));
    post(&app, &project, (0..60).map(article).collect()).await;
    let own = (0..5).map(|_| hit("/articles/of-one", json!({ "route": "/articles/of-one" })));
    post(&app, &project, own.collect()).await;
    assert_eq!(endpoints(&app, &project).await.len(), 61);
    // Fills the file, so that it is sealed.
    post(&app, &project, (60..1_500).map(article).collect()).await;
    let mut shown = endpoints(&app, &project).await;
    for _ in 0..200 {
        if shown.len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        shown = endpoints(&app, &project).await;
    }
    let expected = [("/articles/of-one".to_owned(), 5), ("/articles/{slug}".to_owned(), 1_500)];
    assert_eq!(shown, BTreeMap::from(expected));
}

/// In answers at once. A file that is never merged again is rewritten by itself, once the rules have rested; until then
/// a template that is refused gives its requests back.
#[tokio::test(flavor = "multi_thread")]
async fn requests_in_a_sealed_file_join_a_template_that_comes_later() {
    for quiet in ["1", "600"] {
        let app = TestApp::with(&[("active_rows", "100"), ("routes_quiet_seconds", quiet)]).await;
        let (project, other) = (app.project().await, app.project().await);
        let page = |n: usize| hit(&format!("/pages/the-page-of-{}", n % 50), json!({}));
        post(&app, &project, (0..150).map(page).collect()).await;
        post(&app, &other, (0..10).map(page).collect()).await;
        let sealed = async || app.shared().store.stats().duckdb.unwrap().sealed_rows;
        wait("all is sealed", async || sealed().await >= 100).await;
        assert_eq!(endpoints(&app, &project).await.len(), 50);
        let added = decide(&app, &project, json!({ "template": "/pages/{page}" })).await;
        assert_eq!(added.status, 200, "{}", added.text());
        let of_project = async || endpoints(&app, &project).await;
        assert_eq!(of_project().await, BTreeMap::from([("/pages/{page}".to_owned(), 150)]));
        let refuse = async |refused: bool| {
            let decision = json!({ "template": "/pages/{page}", "refused": refused });
            assert_eq!(decide(&app, &project, decision).await.status, 200);
        };
        let is_rewritten = async || {
            tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
            refuse(true).await;
            let shown = of_project().await;
            refuse(false).await;
            shown.contains_key("/pages/{page}")
        };
        match quiet {
            "1" => wait("the file is rewritten", is_rewritten).await,
            _ => assert!(!is_rewritten().await, "the rules have just changed"),
        }
        assert_eq!(endpoints(&app, &other).await.len(), 10, "another project's rule");
    }
}

async fn wait(what: &str, done: impl AsyncFn() -> bool) {
    for _ in 0..400 {
        if done().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("not within 20 s: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_adds_renames_and_refuses_templates() {
    let mut app = TestApp::start().await;
    let project = app.project().await;
    for (template, message) in [
        ("files", "begins with /"),
        ("/files/{A}", "lower-case letter"),
        ("/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", "at most 16 segments"),
    ] {
        let answer = decide(&app, &project, json!({ "template": template })).await;
        assert_eq!(answer.code(), "invalid_setting");
        assert!(answer.text().contains(message), "{}", answer.text());
    }
    let refused = decide(&app, &project, json!({ "template": "/files", "refused": true })).await;
    assert_eq!(refused.code(), "invalid_setting");

    let added = decide(&app, &project, json!({ "template": "/files/{path}" })).await;
    let row = |template: &str, refused: bool, kept: u32| json!({ "template": template, "source": "owner", "refused": refused, "kept_words": kept });
    assert_eq!(added.json(), json!({ "routes": [row("/files/{path}", false, 0)] }));
    decide(&app, &project, json!({ "template": "/files/health" })).await;
    decide(&app, &project, json!({ "template": "/tags/{tag}", "refused": true })).await;
    app.restart().await;
    let expected = [row("/files/{path}", false, 1), row("/tags/{tag}", true, 0)];
    assert_eq!(templates(&app, &project.key).await, expected);
    let tag = |n: usize| hit(&format!("/tags/tag-{n}"), json!({}));
    let mut hits: Vec<Value> = (0..150).map(tag).collect();
    hits.extend([
        hit("/files/a", json!({})),
        hit("/files/b", json!({})),
        hit("/files/health", json!({})),
    ]);
    post(&app, &project, hits).await;
    let shown = endpoints(&app, &project).await;
    assert_eq!((shown["/files/{path}"], shown["/files/health"], shown.len()), (2, 1, 152));

    // A renamed template, and one that was refused: also for requests from before.
    decide(&app, &project, json!({ "template": "/files/{file}" })).await;
    decide(&app, &project, json!({ "template": "/tags/{tag}" })).await;
    post(&app, &project, vec![hit("/files/c", json!({})), tag(1)]).await;
    let shown = endpoints(&app, &project).await;
    assert_eq!((shown["/files/{file}"], shown["/tags/{tag}"], shown.len()), (3, 151, 3));

    let deleted = app.delete_as(&project.key, "/api/v1/project").await;
    assert!(deleted.status.is_success(), "{}", deleted.text());
    assert!(app.shared().meta.learned_routes().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_paths_go_with_an_erased_consumer_and_come_back_with_requests() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let notes = |user: &str, n: usize| {
        hit(&format!("/of/alice/notes/note-{n}"), json!({ "user_id": user }))
    };
    post(&app, &project, (0..300).map(|n| notes("alice", n)).collect()).await;
    let stored = async || app.shared().meta.learned_routes().await.unwrap()[0].state.clone();
    assert!(stored().await.contains("alice"));
    assert_eq!(templates(&app, &project.key).await[0]["template"], "/of/alice/notes/{slug}");
    let erased = app.delete_as(&project.key, "/api/v1/consumers/u:alice").await;
    assert!(erased.status.is_success(), "{}", erased.text());
    assert!(!stored().await.contains("alice"));
    assert!(templates(&app, &project.key).await.is_empty());
    post(&app, &project, vec![notes("bob", 1)]).await;
    assert_eq!(endpoints(&app, &project).await["/of/alice/notes/{slug}"], 1);
    assert_eq!(templates(&app, &project.key).await[0]["template"], "/of/alice/notes/{slug}");
}
