//! Ingest health as a project's owner sees it.

use analytics::clients::CHANGES;
use axum::http::Method;
use serde_json::{Value, json};

use crate::app::{NOW, TestApp, TestProject, hit};

async fn health(app: &TestApp, project: &TestProject) -> Value {
    let answer = app.get_as(&project.key, "/api/v1/ingest-health").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn post(app: &TestApp, project: &TestProject, body: Value) -> crate::app::Answer {
    app.post("/api/requests", &[("x-auth-token", &project.key)], &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_and_rejections_are_counted_also_over_a_restart() {
    let mut app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    assert_eq!(
        health(&app, &project).await,
        json!({ "since": null, "last_batch_at": null, "sources": [], "upgrades": [], "rejected": [], "refused": [], "repeated": 0,
                "truncated": 0, "bad_utf8": 0, "invalid_privacy_level": 0, "releases_ignored": 0 })
    );
    let batch = |host: &str| {
        json!({ "sdk": "python/1.0.0", "framework": "FastAPI", "sent_at": "2026-11-22T12:00:02Z", "dropped": 3,
                "privacy_level": 7, "requests": [
            hit("/a", json!({ "hostname": host })), hit("/b", json!({ "hostname": host, "status": 99 })),
            hit("/c", json!({ "status": 98 })), hit("/d", json!({ "created_at": "2020-01-01T00:00:00Z" })),
            hit(&"x".repeat(3000), json!({ "hostname": host }))
        ] })
    };
    assert_eq!(post(&app, &project, batch("one.example")).await.status, 200);
    app.set_time(NOW + 60_000_000);
    assert_eq!(post(&app, &project, batch("two.example")).await.status, 200);
    assert_eq!(post(&app, &project, batch("one.example")).await.status, 200);
    let naive = json!({ "framework": "Flask", "requests": [hit("/", json!({ "created_at": "2026-11-22T12:01:00" }))] });
    assert_eq!(post(&app, &project, naive).await.status, 200);
    let all_bad = json!({ "framework": "Gin", "requests": [7] });
    assert_eq!(post(&app, &project, all_bad).await.code(), "every_hit_rejected");
    let expect = json!({
        "since": "2026-11-22T12:00:00Z", "last_batch_at": "2026-11-22T12:01:00Z",
        "sources": [
            { "sdk": "", "framework": "Gin", "client": "original", "host": "", "first_at": "2026-11-22T12:01:00Z", "last_at": "2026-11-22T12:01:00Z",
              "batches": 1, "accepted": 0, "rejected": 1, "dropped": 0, "clock_skew_ms": null, "naive_times": false },
            { "sdk": "", "framework": "Flask", "client": "original", "host": "", "first_at": "2026-11-22T12:01:00Z", "last_at": "2026-11-22T12:01:00Z",
              "batches": 1, "accepted": 1, "rejected": 0, "dropped": 0, "clock_skew_ms": null, "naive_times": true },
            { "sdk": "python/1.0.0", "framework": "FastAPI", "client": "own", "host": "one.example", "first_at": "2026-11-22T12:00:00Z",
              "last_at": "2026-11-22T12:01:00Z", "batches": 2, "accepted": 4, "rejected": 6, "dropped": 6,
              "clock_skew_ms": -58000, "naive_times": false },
            { "sdk": "python/1.0.0", "framework": "FastAPI", "client": "own", "host": "two.example", "first_at": "2026-11-22T12:01:00Z",
              "last_at": "2026-11-22T12:01:00Z", "batches": 1, "accepted": 2, "rejected": 3, "dropped": 3,
              "clock_skew_ms": -58000, "naive_times": false },
        ],
        "rejected": [
            // An invalid level counts as 2, so only the shape of numbers is left.
            { "reason": "invalid_status", "hits": 6, "last_at": "2026-11-22T12:01:00Z", "sample": { "index": 1, "field": "status", "value": "00" } },
            { "reason": "too_old", "hits": 3, "last_at": "2026-11-22T12:01:00Z", "sample": { "index": 3, "field": "created_at", "value": "0000-00-00a00:00:00a" } },
            { "reason": "not_an_object", "hits": 1, "last_at": "2026-11-22T12:01:00Z", "sample": { "index": 0, "field": "", "value": "" } },
        ],
        "refused": [], "repeated": 0, "truncated": 3, "bad_utf8": 0, "invalid_privacy_level": 3, "releases_ignored": 0
    });
    let counts = async |app: &TestApp| {
        let mut found = health(app, &project).await;
        found.as_object_mut().unwrap().remove("upgrades");
        found
    };
    assert_eq!(counts(&app).await, expect);
    app.restart().await;
    assert_eq!(counts(&app).await, expect);
    // Later counts are added after a restart.
    post(&app, &project, json!({ "framework": "Gin", "requests": [7] })).await;
    app.pass_days(1);
    server::jobs::run_due(app.shared()).await;
    post(&app, &project, json!({ "framework": "Gin", "requests": [7] })).await;
    let now = health(&app, &project).await;
    assert_eq!(
        (&now["rejected"][2]["hits"], &now["sources"][0]["batches"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(now["since"], expect["since"]);
    assert_eq!(health(&app, &other).await["sources"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_the_original_are_told_what_ours_give() {
    let app = TestApp::start().await;
    let project = app.project().await;
    for (sdk, framework) in
        [("", "Flask"), ("", "FastAPI"), ("", "Flask"), ("python/0.1.0", "Django"), ("", "curl")]
    {
        let batch =
            json!({ "sdk": sdk, "framework": framework, "requests": [hit("/", json!({}))] });
        assert_eq!(post(&app, &project, batch).await.status, 200);
    }
    let upgrades = health(&app, &project).await["upgrades"].clone();
    // A build without the Python client has nothing to offer.
    let Some(version) = server::web::packages::find_version("python") else {
        assert_eq!(upgrades, json!([]));
        return;
    };
    let original = &upgrades[0];
    assert_eq!(
        (&original["language"], &original["from"], &original["to"], &original["page"]),
        (&json!("python"), &Value::Null, &json!(version), &json!("/docs/clients/python"))
    );
    assert_eq!(original["frameworks"], json!(["Flask", "FastAPI"]), "each once, latest first");
    assert_eq!(original["gains"].as_array().unwrap().len(), 4);
    assert_eq!(app.get(original["page"].as_str().unwrap()).await.status, 200);
}

/// Who raises a client's version says what that gives.
#[test]
fn every_version_of_a_client_after_its_first_says_what_it_gives() {
    for language in server::web::packages::LANGUAGES {
        let Some(version) = server::web::packages::find_version(language) else { continue };
        let is_listed =
            CHANGES.iter().any(|change| change.language == *language && change.version == version);
        assert!(is_listed || version == "0.1.0", "{language} {version} is missing in CHANGES");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_was_answered_before_counts_once() {
    let app = TestApp::start().await;
    let project = app.project().await;
    for _ in 0..3 {
        let batch =
            json!({ "batch_id": "b1", "framework": "FastAPI", "requests": [hit("/", json!({}))] });
        assert_eq!(post(&app, &project, batch).await.status, 200);
    }
    let health = health(&app, &project).await;
    assert_eq!(
        (&health["sources"][0]["batches"], &health["sources"][0]["accepted"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_posts_that_are_refused_are_told_to_whom_the_key_belongs() {
    let app = TestApp::with(&[("body_bytes", "1000")]).await;
    let project = app.project().await;
    let key = [("x-auth-token", project.key.as_str())];
    let large = json!({ "requests": [], "more": "x".repeat(2000) });
    assert_eq!(post(&app, &project, large.clone()).await.code(), "body_too_large");
    assert_eq!(post(&app, &project, large).await.code(), "body_too_large");
    assert_eq!(
        app.send(Method::POST, "/api/requests", &key, b"{".to_vec()).await.code(),
        "invalid_json"
    );
    // No project: no key is known.
    app.post("/api/requests", &[], &json!({ "requests": [] })).await;
    let refused = health(&app, &project).await["refused"].clone();
    assert_eq!(
        refused,
        json!([
            { "code": "body_too_large", "posts": 2, "last_at": "2026-11-22T12:00:00Z" },
            { "code": "invalid_json", "posts": 1, "last_at": "2026-11-22T12:00:00Z" }
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sample_holds_an_address_or_a_user() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let bad = |name: &str, value: Value| hit("/", json!({ name: value }));
    let batch = json!({ "requests": [
        bad("status", json!("203.0.113.9")), bad("user_id", json!(["alice"])), bad("created_at", json!("alice@example.com")),
        bad("method", json!("not a method"))
    ] });
    post(&app, &project, batch).await;
    let text = health(&app, &project).await.to_string();
    assert!(!text.contains("203.0") && !text.contains("alice"), "{text}");
    assert!(text.contains("not a method"));
    // Raising the level deletes samples from the lower one, even from the file.
    app.shared().ingest_health.write(&app.shared().meta).await.unwrap();
    let headers = [("x-auth-token", project.key.as_str())];
    let raise = br#"{"privacy_level":1}"#.to_vec();
    assert_eq!(app.send(Method::PATCH, "/api/v1/project", &headers, raise).await.status, 200);
    let raised = health(&app, &project).await;
    assert!(!raised.to_string().contains("not a method"), "{raised}");
    assert_eq!(raised["rejected"].as_array().unwrap().len(), 4);
    let file = std::fs::read(app.data().join("meta.sqlite")).unwrap();
    assert!(!file.windows(12).any(|bytes| bytes == b"not a method"));
}
