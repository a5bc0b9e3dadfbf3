//! A project's settings and keys, changed by its owner.

use axum::http::Method;
use serde_json::{Value, json};

use crate::app::{TestApp, TestProject, hit};

async fn change(app: &TestApp, project: &TestProject, body: Value) -> crate::app::Answer {
    let headers = [("x-auth-token", project.key.as_str())];
    app.send(Method::PATCH, "/api/v1/project", &headers, body.to_string().into_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_change_one_by_one_and_outlive_a_restart() {
    let mut app = TestApp::with(&[("keep_hits", "365d")]).await;
    // The first round decides when the next erasure is.
    server::jobs::run_due(app.shared()).await;
    let project = app.project().await;
    let mut expect = app.get_as(&project.key, "/api/v1/project").await.json();
    assert_eq!(
        (&expect["keep_hits_days"], &expect["default_keep_hits_days"]),
        (&json!(null), &json!(365))
    );
    for (name, value) in [
        ("name", json!("shop")),
        ("tz", json!("Asia/Kathmandu")),
        ("keep_hits_days", json!(90)),
        ("keep_hits_days", json!(null)),
        ("apdex_ms", json!(250)),
        ("success_red", json!(0.5)),
        ("success_amber", json!(1.0)),
        ("privacy_level", json!(1)),
        ("privacy_level", json!(0)),
    ] {
        let changed = change(&app, &project, json!({ name: value })).await;
        expect[name] = value;
        assert_eq!((changed.status.as_u16(), changed.json()), (200, expect.clone()), "{name}");
    }
    app.restart().await;
    assert_eq!(app.get_as(&project.key, "/api/v1/project").await.json(), expect);
    assert_eq!(change(&app, &project, json!({})).await.json(), expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_mean_nothing_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    server::jobs::run_due(app.shared()).await;
    let project = app.project().await;
    let before = app.get_as(&project.key, "/api/v1/project").await.json();
    for (body, code) in [
        (json!({ "name": "x".repeat(101), "apdex_ms": 1 }), "invalid_name"),
        (json!({ "tz": "Mars/Olympus" }), "invalid_setting"),
        (json!({ "tz": "" }), "invalid_setting"),
        (json!({ "privacy_level": 3 }), "invalid_setting"),
        (json!({ "keep_hits_days": 0 }), "invalid_setting"),
        (json!({ "keep_hits_days": 36_501 }), "invalid_setting"),
        (json!({ "apdex_ms": 0 }), "invalid_setting"),
        (json!({ "success_amber": 1.01 }), "invalid_setting"),
        (json!({ "success_red": -0.1 }), "invalid_setting"),
        (json!({ "success_red": 0.96 }), "invalid_setting"),
        (json!({ "apdex": 1 }), "invalid_json"),
        (json!({ "apdex_ms": "500" }), "invalid_json"),
        (json!([]), "invalid_json"),
    ] {
        let refused = change(&app, &project, body.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, code), "{body}");
    }
    assert_eq!(app.get_as(&project.key, "/api/v1/project").await.json(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn raising_the_privacy_level_erases_what_it_would_not_have_stored() {
    let app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    let post = async |project: &TestProject| {
        let hits = json!([hit("/a", json!({ "ip_address": "8.8.8.8", "user_id": "u" }))]);
        assert_eq!(app.post_hits(&project.key, hits).await.json()["accepted"], 1);
    };
    let seen = async |project: &TestProject| -> Vec<(Value, Value)> {
        let hits = app.get_as(&project.key, "/api/v1/hits").await.json();
        let hits = hits["hits"].as_array().unwrap().clone();
        hits.iter().map(|hit| (hit["address"].clone(), hit["country"].clone())).collect()
    };
    post(&project).await;
    post(&other).await;
    let (address, country, none) = (json!("8.8.8.8"), json!("US"), json!(null));
    assert_eq!(seen(&project).await, [(address.clone(), country.clone())]);
    assert_eq!(
        change(&app, &project, json!({ "privacy_level": 1 })).await.json()["privacy_level"],
        1
    );
    post(&project).await;
    assert_eq!(seen(&project).await, vec![(none.clone(), country.clone()); 2]);
    assert_eq!(change(&app, &project, json!({ "privacy_level": 2 })).await.status, 200);
    post(&project).await;
    assert_eq!(seen(&project).await, vec![(none.clone(), none.clone()); 3]);
    // Lowering it restores nothing, and raising it again erases the hits in between.
    assert_eq!(change(&app, &project, json!({ "privacy_level": 0 })).await.status, 200);
    post(&project).await;
    assert_eq!(seen(&project).await.iter().filter(|(seen, _)| *seen == address).count(), 1);
    assert_eq!(change(&app, &project, json!({ "privacy_level": 1 })).await.status, 200);
    assert!(seen(&project).await.iter().all(|(address, _)| address.is_null()));
    assert_eq!(seen(&other).await, [(address, country)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raised_level_that_a_crash_cut_short_is_made_true() {
    let mut app = TestApp::start().await;
    let project = app.project().await;
    app.post_hits(&project.key, json!([hit("/a", json!({ "ip_address": "8.8.8.8" }))])).await;
    let id = analytics::hit::ProjectId(project.id);
    // Only the first half.
    let raised = store::meta::ProjectChange { privacy_level: Some(1), ..Default::default() };
    app.shared().meta.change_project(id, raised).await.unwrap();
    app.restart().await;
    app.pass_days(1);
    server::jobs::run_due(app.shared()).await;
    assert_eq!(app.shared().meta.project(id).unwrap().erased_level, 1);
    assert_eq!(
        app.get_as(&project.key, "/api/v1/hits").await.json()["hits"][0]["address"],
        json!(null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_listed_used_and_revoked() {
    let app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    let headers = [("x-auth-token", project.key.as_str())];
    let list = async || {
        app.get_as(&project.key, "/api/v1/keys").await.json()["keys"].as_array().unwrap().clone()
    };
    let first = list().await[0]["id"].clone();
    let made = app.post("/api/v1/keys", &headers, &json!({ "can": "ingest" })).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    let key = made["key"].as_str().unwrap().to_owned();
    assert_eq!(app.get_as(&key, "/api/v1/project").await.code(), "ingest_only_key");
    assert_eq!(app.post_hits(&key, json!([hit("/", json!({}))])).await.status, 200);
    let keys = list().await;
    assert_eq!(
        keys[1],
        json!({ "id": made["id"], "prefix": key[..6], "can": "ingest", "created_at": "2026-11-22T12:00:00Z", "last_used_at": "2026-11-22T12:00:00Z" })
    );
    assert!(!json!(keys).to_string().contains(&key));
    for body in [json!({ "can": "all" }), json!({ "can": "" })] {
        assert_eq!(app.post("/api/v1/keys", &headers, &body).await.code(), "invalid_setting");
    }
    assert_eq!(app.post("/api/v1/keys", &headers, &json!({})).await.code(), "invalid_json");
    // Neither another project's key, nor the last one with full access.
    let path = format!("/api/v1/keys/{}", made["id"]);
    assert_eq!(app.delete_as(&other.key, &path).await.code(), "unknown_key_id");
    let last = app.delete_as(&project.key, &format!("/api/v1/keys/{first}")).await;
    assert_eq!((last.status.as_u16(), last.code().as_str()), (409, "last_key"));
    assert_eq!(app.delete_as(&project.key, &path).await.status, 204);
    assert_eq!(app.delete_as(&project.key, &path).await.code(), "unknown_key_id");
    assert_eq!(app.post_hits(&key, json!([hit("/", json!({}))])).await.code(), "unknown_key");
    assert_eq!(list().await.len(), 1);
    for _ in 1..analytics::limits::KEYS_PER_PROJECT {
        assert_eq!(
            app.post("/api/v1/keys", &headers, &json!({ "can": "ingest" })).await.status,
            201
        );
    }
    let refused = app.post("/api/v1/keys", &headers, &json!({ "can": "ingest" })).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "too_many_keys"));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_kept_about_a_consumer_is_one_file() {
    let app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    let hits = json!([
        hit("/alice", json!({ "user_id": "alice", "ip_address": "203.0.113.9" })),
        hit("/nobody", json!({ "ip_address": "203.0.113.9" })),
        hit("/bob", json!({ "user_id": "bob*", "ip_address": "2001:db8::1" })),
    ]);
    app.post_hits(&project.key, hits.clone()).await;
    app.post_hits(&other.key, hits).await;
    for (id, expect) in [
        ("u:alice", &["/alice"][..]),
        ("u:bob*", &["/bob"]),
        ("a:203.0.113.9", &["/nobody", "/alice"]),
        ("a:2001:DB8:0::1", &["/bob"]),
    ] {
        let answer = app.get_as(&project.key, &format!("/api/v1/consumers/{id}")).await;
        assert_eq!(answer.header("content-type"), "application/x-ndjson");
        assert_eq!(
            answer.header("content-disposition"),
            "attachment; filename=\"consumer.ndjson\""
        );
        let paths: Vec<String> = answer
            .text()
            .lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["path"].as_str().unwrap().to_owned()
            })
            .collect();
        let mut sorted = (paths, expect.to_vec());
        sorted.0.sort();
        sorted.1.sort_unstable();
        assert_eq!(sorted.0, sorted.1, "{id}");
        let csv = app.get_as(&project.key, &format!("/api/v1/consumers/{id}?format=csv")).await;
        assert_eq!(csv.header("content-disposition"), "attachment; filename=\"consumer.csv\"");
        assert_eq!(csv.text().lines().count(), 1 + expect.len());
    }
    // A star is literal here.
    for id in ["u:al*", "u:nobody", "a:198.51.100.1"] {
        let answer = app.get_as(&project.key, &format!("/api/v1/consumers/{id}")).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "unknown_consumer"));
    }
    assert_eq!(
        app.get_as(&project.key, "/api/v1/consumers/alice").await.code(),
        "invalid_consumer"
    );
    assert_eq!(
        app.get_as(&project.key, "/api/v1/consumers/u:alice?format=xml").await.code(),
        "invalid_parameter"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_says_what_it_offers() {
    let app = TestApp::with(&[
        ("public_url", "https://stats.example.com/base"),
        ("registration", "open"),
    ])
    .await;
    let info = app.get("/base/api/v1/server").await.json();
    assert_eq!(
        (&info["base_url"], &info["registration_open"]),
        (&json!("https://stats.example.com/base"), &json!(true))
    );
    for client in info["clients"].as_array().unwrap() {
        let (language, package) =
            (client["language"].as_str().unwrap(), client["package"].as_str().unwrap());
        // Those with a version are names for a tool, not for a file.
        if !package.contains('@') {
            assert_eq!(app.get(&format!("/sdk/{language}/{package}")).await.status, 200);
        }
    }
}
