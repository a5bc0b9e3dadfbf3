//! Deleted data is gone: from every answer, from every file, and for holders of its secrets.

use std::path::Path;

use axum::http::Method;
use serde_json::json;

use crate::app::{TestApp, hit};

/// The files of the folder with these bytes. DuckDB's files are compressed, so it is used for SQLite's.
fn files_with(folder: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file()
            && std::fs::read(&path)
                .unwrap()
                .windows(needle.len())
                .any(|bytes| bytes == needle.as_bytes())
        {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_project_is_nowhere() {
    let mut app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    for project in [&project, &other] {
        let hits = json!([
            hit("/a", json!({ "user_id": format!("needle-{}", project.id) })),
            hit("/b", json!({}))
        ]);
        app.post_hits(&project.key, hits).await;
    }
    let needle = format!("needle-{}", project.id);
    assert!(!files_with(&app.data(), &needle).is_empty(), "the search finds what is there");
    let deleted = app.delete_as(&project.key, "/api/v1/project").await;
    assert_eq!((deleted.status.as_u16(), deleted.json()["erased"].clone()), (200, json!(2)));
    assert!(deleted.text().contains("backups"));
    assert_eq!(files_with(&app.data(), &needle), Vec::<String>::new());
    for restarted in [false, true] {
        if restarted {
            app.restart().await;
        }
        assert_eq!(app.get_as(&project.key, "/api/data").await.code(), "unknown_key");
        assert_eq!(app.delete_as(&project.key, "/api/v1/project").await.code(), "unknown_key");
        assert_eq!(
            app.post_hits(&project.key, json!([hit("/a", json!({}))])).await.code(),
            "unknown_key"
        );
        assert_eq!(
            app.get(&format!("/api/requests/{}", project.dashboard_id)).await.code(),
            "unknown_dashboard"
        );
        assert_eq!(
            app.get(&format!("/api/user-id/{}", project.key)).await.code(),
            "unknown_key_in_address"
        );
        // The neighbour keeps everything.
        assert_eq!(app.get_as(&other.key, "/api/data").await.json().as_array().unwrap().len(), 2);
    }
    assert!(app.project().await.id > other.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_by_get_is_off_unless_the_operator_wants_it() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let path = format!("/api/delete/{}", project.key);
    assert_eq!(app.get(&path).await.code(), "get_delete_off");
    // The answer does not reveal which keys exist.
    assert_eq!(
        app.get("/api/delete/00000000-0000-4000-8000-000000000000").await.code(),
        "get_delete_off"
    );
    assert_eq!(app.get_as(&project.key, "/api/data").await.status, 200);

    let app = TestApp::with(&[("get_delete", "on")]).await;
    let project = app.project().await;
    app.post_hits(&project.key, json!([hit("/a", json!({}))])).await;
    let deleted = app.get(&format!("/api/delete/{}", project.key)).await;
    assert_eq!((deleted.status.as_u16(), deleted.json()["erased"].clone()), (200, json!(1)));
    assert_eq!(app.get_as(&project.key, "/api/data").await.code(), "unknown_key");
    assert_eq!(
        app.get(&format!("/api/delete/{}", project.key)).await.code(),
        "unknown_key_in_address"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_s_hits_go_and_others_stay() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let hits = json!([
        hit("/alice", json!({ "user_id": "alice", "ip_address": "203.0.113.9" })),
        hit("/alice2", json!({ "user_id": "alice" })),
        hit("/bob", json!({ "user_id": "bob/ü", "ip_address": "203.0.113.9" })),
        hit("/nobody", json!({ "ip_address": "203.0.113.9" })),
        hit("/other", json!({ "ip_address": "2001:db8::1" })),
    ]);
    app.post_hits(&project.key, hits).await;
    let paths = async || {
        let rows = app.get_as(&project.key, "/api/data").await.json();
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["path"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for (id, erased, left) in [
        ("u:alice", 2, vec!["/bob", "/nobody", "/other"]),
        ("a:2001:DB8:0::1", 1, vec!["/bob", "/nobody"]),
        ("u:bob%2F%C3%BC", 1, vec!["/nobody"]),
        ("a:::ffff:203.0.113.9", 1, vec![]),
    ] {
        let answer = app.delete_as(&project.key, &format!("/api/v1/consumers/{id}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["erased"].clone()),
            (200, json!(erased)),
            "{id}"
        );
        assert_eq!(paths().await, left, "{id}");
    }
    for id in ["u:nobody", "u:alice", "a:203.0.113.77"] {
        let refused = app.delete_as(&project.key, &format!("/api/v1/consumers/{id}")).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (404, "unknown_consumer"));
    }
    for id in ["alice", "x:alice", "u:", "a:", "a:nonsense"] {
        let refused = app.delete_as(&project.key, &format!("/api/v1/consumers/{id}")).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (400, "invalid_consumer"),
            "{id}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_address_takes_hits_with_a_user_id_too() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let hits = json!([
        hit("/a", json!({ "user_id": "alice", "ip_address": "203.0.113.9" })),
        hit("/b", json!({ "ip_address": "203.0.113.9" })),
    ]);
    app.post_hits(&project.key, hits).await;
    let answer = app.delete_as(&project.key, "/api/v1/consumers/a:203.0.113.9").await.json();
    assert_eq!(answer["erased"], 2);
    assert_eq!(app.get_as(&project.key, "/api/data").await.json(), json!([]));
}

/// Longer ids are cut when stored, so they are cut alike in a search.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_id_longer_than_what_is_kept_is_shown_and_erased_by_its_full_text() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let long = "\u{e9}".repeat(400);
    let address = format!("/api/v1/consumers/u:{}", long.replace('\u{e9}', "%C3%A9"));
    let hits = json!([
        hit("/long", json!({ "user_id": long })),
        hit("/other", json!({ "user_id": "other" }))
    ]);
    app.post_hits(&project.key, hits).await;
    assert!(app.get_as(&project.key, &address).await.text().contains("/long"));
    let erased = app.delete_as(&project.key, &address).await;
    assert_eq!((erased.status.as_u16(), erased.json()["erased"].clone()), (200, json!(1)));
    assert_eq!(app.get_as(&project.key, &address).await.code(), "unknown_consumer");
    let left = app.get_as(&project.key, "/api/data").await.text();
    assert!(left.contains("/other") && !left.contains("/long"), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_a_crash_cut_short_is_finished() {
    let mut app = TestApp::start().await;
    let project = app.project().await;
    app.post_hits(&project.key, json!([hit("/a", json!({}))])).await;
    // Only the first half: the state after a crash in between.
    app.shared().meta.begin_delete(analytics::hit::ProjectId(project.id)).await.unwrap();
    app.restart().await;
    assert_eq!(app.get_as(&project.key, "/api/data").await.code(), "unknown_key");
    app.pass_days(1);
    server::jobs::run_due(app.shared()).await;
    assert!(app.shared().meta.projects().is_empty());
    let answer = app.send(Method::GET, "/api/health", &[], Vec::new()).await;
    assert_eq!(answer.json(), json!({ "status": "healthy" }));
}
