//! Channels: created, changed, tested, and deleted; their secrets are in no answer and in no file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::dial::servers::TcpServer;
use crate::watching::{call, create, pass_until, start};

const NEEDLE: &str = "whsec_bmVlZGxlbmVlZGxlbmVlZGxlbmVlZGxl";

fn files(app: &TestApp) -> Vec<u8> {
    let files = std::fs::read_dir(app.data()).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.is_file()).flat_map(|path| std::fs::read(path).unwrap()).collect()
}

fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|part| part == needle.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_s_secrets_are_shown_to_nobody() {
    let (mut app, project, _names) = start().await;
    let config =
        json!({ "kind": "webhook", "url": "https://outside.test/path-needle", "secret": NEEDLE });
    let made = call(
        &app,
        &project.key,
        "POST",
        "/api/v1/channels",
        json!({ "name": "name-needle", "config": config }),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.json()["secret"], json!(null), "its owner has it");
    let id = made.json()["channel"]["id"].clone();
    let path = format!("/api/v1/channels/{id}");
    app.restart().await;
    let shown = app.get_as(&project.key, &path).await;
    let listed = app.get_as(&project.key, "/api/v1/channels").await;
    for answer in [&made, &shown, &listed] {
        assert!(!holds(&answer.body, NEEDLE) && !holds(&answer.body, "path-needle"));
        assert!(holds(&answer.body, "name-needle"));
    }
    assert_eq!(shown.json()["config"], json!({ "kind": "webhook", "url": null, "secret": null }));
    // The search finds unencrypted text.
    let bytes = files(&app);
    assert!(
        holds(&bytes, "name-needle") && !holds(&bytes, NEEDLE) && !holds(&bytes, "path-needle")
    );

    let quiet = json!({ "from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin" });
    let changed = call(&app, &project.key, "PATCH", &path, json!({ "quiet_hours": quiet })).await;
    assert_eq!(changed.json()["quiet_hours"], quiet, "{}", changed.text());
    let refused = json!({ "quiet_hours": { "from": "08:00", "to": "08:00" } });
    let refused = call(&app, &project.key, "PATCH", &path, refused).await;
    assert_eq!(refused.code(), "invalid_channel");
    app.restart().await;
    assert_eq!(app.get_as(&project.key, &path).await.json()["quiet_hours"], quiet);

    // Null keeps a secret; so does changing another field.
    let change = json!({ "name": "Ops", "config": { "url": null } });
    let changed = call(&app, &project.key, "PATCH", &path, change).await;
    assert_eq!((changed.status.as_u16(), &changed.json()["name"]), (200, &json!("Ops")));
    for (body, code) in [
        (json!({ "config": { "kind": "slack" } }), "invalid_channel"),
        (json!({ "config": { "secret": "short" } }), "invalid_channel"),
        (json!({ "config": { "url": "https://10.0.0.1/" } }), "invalid_channel"),
        (json!({ "config": { "url": "ftp://outside.test/" } }), "invalid_channel"),
        (json!({ "colour": "red" }), "invalid_json"),
    ] {
        let refused = call(&app, &project.key, "PATCH", &path, body.clone()).await;
        assert_eq!(refused.code(), code, "{body}");
    }
    for config in
        [json!({}), json!({ "kind": "pigeon" }), json!({ "kind": "email", "to": ["a@b.example"] })]
    {
        let refused =
            call(&app, &project.key, "POST", "/api/v1/channels", json!({ "config": config })).await;
        assert_eq!(refused.code(), "invalid_channel", "{config}");
    }
    let given = json!({ "config": { "kind": "webhook", "url": "https://outside.test/" } });
    let given = call(&app, &project.key, "POST", "/api/v1/channels", given).await.json();
    assert!(given["secret"].as_str().unwrap().starts_with("whsec_"), "{given}");

    let other = app.project().await;
    for (method, more) in
        [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")]
    {
        let path = format!("{path}{more}");
        let refused = call(&app, &other.key, method, &path, Value::Null).await;
        assert_eq!(refused.code(), "unknown_channel", "{method} {path}");
    }
    assert_eq!(app.delete_as(&project.key, &path).await.status, 204);
    assert_eq!(app.delete_as(&project.key, &path).await.code(), "unknown_channel");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_shows_a_line_of_the_answer_without_the_secret() {
    let (app, project, _names) = start().await;
    let receiver = TcpServer::http("127.0.0.2:0", |_| {
        let body = format!("no/room for\n{NEEDLE} {}", "x".repeat(500));
        format!("HTTP/1.1 507 Full\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    })
    .await;
    let url = format!("http://outside.test:{}/hook", receiver.address.port());
    let config = json!({ "kind": "webhook", "url": url, "secret": NEEDLE });
    let made =
        call(&app, &project.key, "POST", "/api/v1/channels", json!({ "config": config })).await;
    let path = format!("/api/v1/channels/{}/test", made.json()["channel"]["id"]);
    let tested = call(&app, &project.key, "POST", &path, Value::Null).await.json();
    assert_eq!((&tested["delivered"], &tested["status"]), (&json!(false), &json!(507)), "{tested}");
    let answer = tested["answer"].as_str().unwrap();
    assert!(answer.starts_with("no/room for ") && answer.chars().count() <= 200, "{answer}");
    assert!(!tested.to_string().contains(NEEDLE), "{tested}");
    let head = receiver.heads.lock().unwrap()[0].to_lowercase();
    for part in ["post /hook ", "webhook-id: test-", "webhook-signature: v1,"] {
        assert!(head.contains(part), "{head}");
    }
    for _ in 0..9 {
        assert_eq!(call(&app, &project.key, "POST", &path, Value::Null).await.status, 200);
    }
    let refused = call(&app, &project.key, "POST", &path, Value::Null).await;
    assert_eq!(refused.code(), "too_many_tests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_gone_is_switched_off_until_its_owner_says_otherwise() {
    let (app, project, _names) = start().await;
    let status = Arc::new(AtomicU16::new(410));
    let said = status.clone();
    let receiver = TcpServer::http("127.0.0.2:0", move |_| {
        format!("HTTP/1.1 {} X\r\ncontent-length: 0\r\n\r\n", said.load(Ordering::SeqCst))
    })
    .await;
    let url = format!("http://outside.test:{}/hook", receiver.address.port());
    let config = json!({ "kind": "webhook", "url": url });
    let made =
        call(&app, &project.key, "POST", "/api/v1/channels", json!({ "config": config })).await;
    let path = format!("/api/v1/channels/{}", made.json()["channel"]["id"]);
    let monitor = json!({ "kind": "tcp", "target": "127.0.0.2:1", "interval_s": 20, "timeout_ms": 1_000, "down_after": 1, "up_after": 1 });
    create(&app, &project, monitor.clone()).await;
    let enabled = async || app.get_as(&project.key, &path).await.json()["enabled"].clone();
    pass_until(&app, "the channel is off", async || enabled().await == false).await;
    let channel = app.get_as(&project.key, &path).await.json();
    assert!(channel["problem"].as_str().unwrap().contains("410"), "{channel}");
    let deliveries = app.get_as(&project.key, &format!("{path}/deliveries")).await.json();
    let delivery = &deliveries["deliveries"][0];
    assert_eq!(
        (&delivery["state"], &delivery["tries"][0]["status"], &delivery["stage"]),
        (&json!("failed"), &json!(410), &json!("opening"))
    );
    // Changes while the channel is off are not kept for it.
    create(&app, &project, monitor.clone()).await;
    pass_until(&app, "another incident", async || {
        app.get_as(&project.key, "/api/v1/incidents").await.json()["incidents"][1].is_object()
    })
    .await;
    status.store(200, Ordering::SeqCst);
    let again = call(&app, &project.key, "PATCH", &path, json!({ "enabled": true })).await.json();
    assert_eq!((&again["enabled"], &again["problem"]), (&json!(true), &json!(null)));
    create(&app, &project, monitor).await;
    let states = async || {
        let page = app.get_as(&project.key, &format!("{path}/deliveries")).await.json();
        let all = page["deliveries"].as_array().unwrap().clone();
        all.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    pass_until(&app, "the third is delivered", async || states().await == ["delivered", "failed"])
        .await;
    assert_eq!(receiver.connections(), 2);
}
