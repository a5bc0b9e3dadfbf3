//! The operator's socket, and the commands that use it.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use serde_json::json;

use crate::app::{TestApp, hit};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_api-analytics")).args(arguments).output().unwrap()
}

#[track_caller]
fn ok(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

/// The word after `name` in an answer.
#[track_caller]
fn field(answer: &str, name: &str) -> String {
    let line = answer.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {answer}"))
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned()
}

/// Commands block, so they run on another thread than the server.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_work_beside_the_running_server_and_without_it() {
    let mut app = TestApp::start().await;
    let data = app.data().to_str().unwrap().to_owned();
    let mode = std::fs::metadata(app.data().join("control.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for is_running in [true, false] {
        let folder = data.clone();
        let (key, ingest, id, key_id) = blocking(move || {
            let made = ok(&[
                "project",
                "create",
                "--name",
                "shop",
                "--privacy-level",
                "2",
                "--data",
                &folder,
            ]);
            let id = field(&made, "project");
            let added = ok(&["key", "add", "--project", &id, "--ingest-only", "--data", &folder]);
            let (ingest, key_id) = (field(&added, "key      "), field(&added, "key id"));
            let list = ok(&["project", "list", "--data", &folder]);
            assert!(list.contains("shop"), "{list}");
            let keys = ok(&["key", "list", "--project", &id, "--data", &folder]);
            assert!(
                keys.contains("everything") && keys.contains("ingest") && !keys.contains(&ingest),
                "{keys}"
            );
            (field(&made, "key"), ingest, id, key_id)
        })
        .await;
        if !is_running {
            app.launch_again().await;
        }
        assert_eq!(
            app.post_hits(&ingest, json!([hit("/a", json!({ "ip_address": "8.8.8.8" }))]))
                .await
                .json()["accepted"],
            1
        );
        let row = app.get_as(&key, "/api/data").await.json();
        assert_eq!(
            (row[0]["ip_address"].as_str(), row[0]["location"].as_str()),
            (Some(""), Some(""))
        );
        let folder = data.clone();
        blocking(move || {
            ok(&["key", "revoke", &key_id, "--data", &folder]);
            assert!(
                refused(&["key", "revoke", &key_id, "--data", &folder]).contains("there is no key")
            );
        })
        .await;
        assert_eq!(
            app.post_hits(&ingest, json!([hit("/a", json!({}))])).await.code(),
            "unknown_key"
        );
        let folder = data.clone();
        let said = blocking(move || {
            assert!(refused(&["project", "delete", &id, "--data", &folder]).contains("--yes"));
            ok(&["project", "delete", &id, "--yes", "--data", &folder])
        })
        .await;
        assert!(said.contains("1 hits erased") && said.contains("backups"), "{said}");
        assert_eq!(app.get_as(&key, "/api/data").await.code(), "unknown_key");
        if is_running {
            app.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migrating_operator_registers_a_file_of_keys() {
    let app = TestApp::start().await;
    let data = app.data().to_str().unwrap().to_owned();
    let file = app.folder.path().join("keys.csv");
    let (one, two) =
        ("0b0f5a6e-2a33-4c55-9d1e-0123456789ab", "1b0f5a6e-2a33-4c55-9d1e-0123456789ab");
    let user_id = "2b0f5a6e-2a33-4c55-9d1e-0123456789ab";
    std::fs::write(
        &file,
        format!("# key,user_id\n{one},{user_id}\n\n{}\nnonsense\n{one}\n", two.to_uppercase()),
    )
    .unwrap();
    let output =
        blocking(move || run(&["key", "add", "--file", file.to_str().unwrap(), "--data", &data]))
            .await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success());
    assert!(
        said.contains("line 2: 0b0f5a... is project 1")
            && said.contains("line 4: 1b0f5a... is project 2"),
        "{said}"
    );
    assert!(
        said.contains("line 5: not registered") && said.contains("line 6: not registered"),
        "{said}"
    );
    assert!(said.contains("2 registered, 2 not") && !said.contains(one), "{said}");
    for key in [one, two] {
        assert_eq!(app.post_hits(key, json!([hit("/a", json!({}))])).await.json()["accepted"], 1);
    }
    // The imported user id opens the dashboard, and so does ours.
    assert_eq!(
        app.get(&format!("/api/requests/{user_id}")).await.json()["requests"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let ours = app.get(&format!("/api/user-id/{one}")).await.json().as_str().unwrap().to_owned();
    assert_eq!(app.get(&format!("/api/requests/{ours}")).await.status, 200);
    let regenerate = app
        .send(
            axum::http::Method::POST,
            "/api/regenerate-user-id",
            &[("x-auth-token", one)],
            Vec::new(),
        )
        .await;
    assert_eq!(regenerate.status, 200);
    for old in [user_id, &ours] {
        assert_eq!(app.get(&format!("/api/requests/{old}")).await.code(), "unknown_dashboard");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_while_serving_is_restored_and_equal() {
    let mut app = TestApp::start().await;
    let (project, doomed) = (app.project().await, app.project().await);
    for project in [&project, &doomed] {
        app.post_hits(
            &project.key,
            json!([hit("/a", json!({ "user_id": "alice" })), hit("/b", json!({}))]),
        )
        .await;
    }
    let before = app.get_as(&project.key, "/api/v1/hits").await.json();
    let (data, copy) = (
        app.data().to_str().unwrap().to_owned(),
        app.folder.path().join("copy").to_str().unwrap().to_owned(),
    );
    let (folder, into) = (data.clone(), copy.clone());
    blocking(move || {
        ok(&["backup", &into, "--data", &folder]);
        // It overwrites nothing, and does not restore under a running server.
        assert!(refused(&["backup", &into, "--data", &folder]).contains("is there already"));
        assert!(refused(&["restore", &into, "--data", &folder]).contains("stop it first"));
    })
    .await;
    // After the backup: more hits, and one project is deleted.
    app.post_hits(&project.key, json!([hit("/c", json!({}))])).await;
    assert_eq!(app.delete_as(&doomed.key, "/api/v1/project").await.status, 200);
    app.stop().await;
    let said = blocking(move || ok(&["restore", &copy, "--data", &data])).await;
    assert!(said.contains("is restored from"), "{said}");
    app.launch_again().await;
    assert_eq!(app.get_as(&project.key, "/api/v1/hits").await.json(), before);
    assert_eq!(app.get_as(&doomed.key, "/api/data").await.code(), "unknown_key");
    assert!(app.project().await.id > doomed.id);
}

#[test]
fn help_is_for_strangers_and_versions_are_told() {
    assert!(ok(&["--help"]).contains("api-analytics serve"));
    assert!(ok(&["serve", "--help"]).contains("API_ANALYTICS_PUBLIC_URL"));
    assert!(ok(&["key", "add", "--help"]).contains("--ingest-only"));
    assert!(ok(&["version"]).starts_with("api-analytics 0."));
}

#[test]
fn a_bad_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    std::fs::write(&file, "get_delete = true\nkeep_hits = \"90d\"\n").unwrap();
    let said = ok(&["check-config", "--config", file.to_str().unwrap(), "--listen", "127.0.0.1:1"]);
    assert!(said.contains("get_delete = \"on\"") && said.contains("a.toml"), "{said}");
    assert!(said.contains("listen = \"127.0.0.1:1\"    # from --listen"), "{said}");
    std::fs::write(&file, "trusted_proxy = \"10.0.0.1\"\n").unwrap();
    for command in ["check-config", "serve"] {
        let said = refused(&[command, "--config", file.to_str().unwrap()]);
        assert!(
            said.contains("`trusted_proxy`") && said.contains("did you mean `trusted_proxies`"),
            "{said}"
        );
    }
    let said = refused(&[
        "serve",
        "--public-url",
        "example.com",
        "--data",
        folder.path().to_str().unwrap(),
    ]);
    assert!(said.contains("`public_url` (from --public-url)"), "{said}");
    let said = refused(&["check-config", "--country-database", file.to_str().unwrap()]);
    assert!(said.contains("country_database"), "{said}");
    let nowhere = folder.path().join("nowhere");
    let said = refused(&["project", "list", "--data", nowhere.to_str().unwrap()]);
    assert!(said.contains("--data") && !nowhere.exists(), "{said}");
}
