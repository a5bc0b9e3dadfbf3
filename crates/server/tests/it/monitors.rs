//! Monitors, created by their owner and checked: real servers, a real name server, and a test's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::app::{NOW, TestApp};
use crate::dial::certificates::{Authority, https};
use crate::dial::servers::{Lookup, NameServer, TcpServer, ok, redirect_to};
use crate::watching::{SECOND_US, call, create, pass_until, show, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_is_made_shown_changed_and_deleted() {
    let (mut app, project, _names) = start().await;
    let made = create(
        &app,
        &project,
        json!({ "kind": "http", "url": "https://outside.test/health", "headers": { "Authorization": "Bearer needle" } }),
    )
    .await;
    let id = &made["id"];
    assert_eq!(
        (&made["settings"]["name"], &made["settings"]["interval_s"]),
        (&json!("outside.test"), &json!(60))
    );
    assert_eq!(made["settings"]["headers"], json!({ "authorization": null }));
    assert_eq!(
        (&made["state"], &made["last_check"], &made["heartbeat_url"]),
        (&json!("unknown"), &json!(null), &json!(null))
    );
    let next: jiff::Timestamp = made["next_check_at"].as_str().unwrap().parse().unwrap();
    assert!((NOW..NOW + 60 * SECOND_US).contains(&next.as_microsecond()));
    let path = format!("/api/v1/monitors/{id}");
    let change = json!({ "name": "Shop", "interval_s": 20, "timeout_ms": 5_000, "headers": { "authorization": null } });
    let changed = call(&app, &project.key, "PATCH", &path, change).await;
    assert_eq!(
        (changed.status.as_u16(), &changed.json()["settings"]["name"]),
        (200, &json!("Shop"))
    );
    for (body, code) in [
        (json!({ "interval_s": 1 }), "invalid_monitor"),
        (json!({ "colour": "red" }), "invalid_monitor"),
        (json!({ "url": "http://10.0.0.1/" }), "invalid_monitor"),
        (json!({ "target": "outside.test:1" }), "invalid_monitor"),
    ] {
        assert_eq!(call(&app, &project.key, "PATCH", &path, body).await.code(), code);
    }
    let refused = call(
        &app,
        &project.key,
        "POST",
        "/api/v1/monitors",
        json!({ "kind": "heartbeat", "cron": "x" }),
    )
    .await;
    assert_eq!(refused.code(), "invalid_schedule");
    app.restart().await;
    let short = app.get_as(&project.key, "/api/v1/monitors?uptime=false").await.json();
    assert_eq!(
        (&short["monitors"][0]["uptime"], &short["monitors"][0]["bars"]),
        (&json!(null), &json!(null))
    );
    let refused = app.get_as(&project.key, "/api/v1/monitors?uptime=no").await;
    assert_eq!(refused.code(), "invalid_parameter");
    let listed = app.get_as(&project.key, "/api/v1/monitors").await;
    assert!(listed.json()["monitors"][0]["bars"].is_array());
    assert!(!listed.text().contains("needle"), "{}", listed.text());
    let listed = listed.json();
    assert_eq!(listed["monitors"].as_array().unwrap().len(), 1);
    assert_eq!(listed["monitors"][0]["settings"], changed.json()["settings"]);
    // The hidden value is kept, and encrypted in the file.
    let kept = app.shared().meta.all_monitors()[0].settings.headers.clone().unwrap();
    assert!(kept.values().flatten().any(|value| value.reveal() == "Bearer needle"), "{kept:?}");
    let file = |app: &TestApp| -> Vec<u8> {
        let names = ["meta.sqlite", "meta.sqlite-wal"];
        names
            .iter()
            .flat_map(|name| std::fs::read(app.data().join(name)).unwrap_or_default())
            .collect()
    };
    let holds = |bytes: &[u8]| bytes.windows(6).any(|part| part == b"needle");
    assert!(!holds(&file(&app)), "a credential is in the file as it is");
    assert_eq!(app.delete_as(&project.key, &path).await.status, 204);
    assert_eq!(app.delete_as(&project.key, &path).await.code(), "unknown_monitor");
    assert!(!holds(&file(&app)), "and that of a deleted monitor");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_has_so_many_monitors_and_sees_its_own() {
    let (app, project, _names) = start().await;
    let other = app.project().await;
    let settings = json!({ "kind": "tcp", "target": "outside.test:9" });
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(create(&app, &project, settings.clone()).await["id"].clone());
    }
    let refused = call(&app, &project.key, "POST", "/api/v1/monitors", settings).await;
    assert_eq!(refused.code(), "too_many_monitors");
    assert_eq!(app.get_as(&other.key, "/api/v1/monitors").await.json()["monitors"], json!([]));
    for (method, more) in [
        ("GET", ""),
        ("GET", "/checks"),
        ("GET", "/history"),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/check"),
    ] {
        let path = format!("/api/v1/monitors/{}{more}", ids[0]);
        assert_eq!(
            call(&app, &other.key, method, &path, Value::Null).await.code(),
            "unknown_monitor",
            "{method} {path}"
        );
    }
    assert_eq!(show(&app, &project, &ids[0]).await["id"], ids[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_found_confirmed_and_over() {
    let (mut app, project, _names) = start().await;
    let status = Arc::new(AtomicU16::new(200));
    let said = status.clone();
    let target = TcpServer::http("127.0.0.2:0", move |_| {
        format!("HTTP/1.1 {} X\r\ncontent-length: 6\r\n\r\nsecret", said.load(Ordering::SeqCst))
    })
    .await;
    let url = format!("http://outside.test:{}/", target.address.port());
    let settings = json!({ "kind": "http", "url": url, "interval_s": 20, "timeout_ms": 5_000, "down_after": 2, "up_after": 2 });
    let id = create(&app, &project, settings).await["id"].clone();
    let state = async |wanted: &str| show(&app, &project, &id).await["state"] == wanted;
    pass_until(&app, "up", async || state("up").await).await;
    let up = show(&app, &project, &id).await;
    let check = &up["last_check"];
    assert_eq!(
        (&check["outcome"], &check["status"], &check["failure"]),
        (&json!("up"), &json!(200), &json!(null))
    );
    for phase in ["dns_ms", "connect_ms", "first_byte_ms", "body_ms", "total_ms"] {
        assert!(check["times"][phase].is_f64(), "{phase}: {check}");
    }
    assert_eq!(check["times"]["tls_ms"], json!(null));
    status.store(503, Ordering::SeqCst);
    pass_until(&app, "a first failure", async || {
        show(&app, &project, &id).await["unconfirmed"]["results"] == 1
    })
    .await;
    assert_eq!(show(&app, &project, &id).await["is_down"], false);
    pass_until(&app, "down", async || show(&app, &project, &id).await["is_down"] == true).await;
    let down = show(&app, &project, &id).await;
    assert_eq!(
        (&down["state"], &down["last_check"]["failure"]),
        (&json!("down"), &json!("status"))
    );
    assert_eq!(down["last_check"]["message"], "status 503, expected 2xx");
    status.store(200, Ordering::SeqCst);
    pass_until(&app, "recovery", async || show(&app, &project, &id).await["is_down"] == false)
        .await;

    // Results are kept, and checks continue.
    app.restart().await;
    let path = format!("/api/v1/monitors/{id}/checks");
    let all = app.get_as(&project.key, &path).await;
    assert!(!all.text().contains("secret"), "a body is shown");
    let all = all.json()["checks"].as_array().unwrap().clone();
    let outcomes: Vec<&str> =
        all.iter().rev().map(|check| check["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes.first(), Some(&"up"));
    assert!(outcomes.windows(4).any(|run| run == ["down", "down", "up", "up"]), "{outcomes:?}");
    let slots: Vec<i64> = all
        .iter()
        .map(|check| {
            check["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
        })
        .collect();
    assert!(slots.windows(2).all(|pair| pair[0] - pair[1] == 20_000), "{slots:?}");
    let first = app.get_as(&project.key, &format!("{path}?limit=2")).await.json();
    let second = app
        .get_as(&project.key, &format!("{path}?limit=2&before={}", first["next"].as_str().unwrap()))
        .await
        .json();
    assert_eq!(first["checks"].as_array().unwrap()[..], all[..2]);
    assert_eq!(second["checks"].as_array().unwrap()[..], all[2..4]);
    for wrong in ["limit=0", "limit=1001", "before=yesterday", "colour=red"] {
        assert_eq!(
            app.get_as(&project.key, &format!("{path}?{wrong}")).await.code(),
            "invalid_parameter",
            "{wrong}"
        );
    }
    let shown = show(&app, &project, &id).await;
    let day = &shown["uptime"][0];
    assert_eq!(day["period"], "24h");
    // From the first failure to the first success.
    assert_eq!(day["down_ms"], 40_000, "{shown}");

    // And it is deleted with its project.
    assert!(!app.shared().checks.states().await.unwrap().is_empty());
    assert_eq!(app.delete_as(&project.key, "/api/v1/project").await.status, 200);
    assert!(
        app.shared().checks.newest(id.as_i64().unwrap(), i64::MAX, 9).await.unwrap().is_empty()
    );
    assert!(app.shared().checks.states().await.unwrap().is_empty());
    assert_eq!(app.shared().monitors.monitors(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_unknown_and_never_caught_up() {
    let (app, project, _names) = start().await;
    let target = TcpServer::http("127.0.0.2:0", |_| ok("")).await;
    let settings = json!({ "kind": "tcp", "target": target.address.to_string(), "interval_s": 20, "timeout_ms": 1_000 });
    let id = create(&app, &project, settings).await["id"].clone();
    pass_until(&app, "a check", async || target.connections() > 0).await;
    let checked = target.connections();
    // An hour without a round of the planner.
    app.set_time(app.time() + 3_600 * SECOND_US);
    app.shared().monitors.wake();
    let path = format!("/api/v1/monitors/{id}/checks");
    pass_until(&app, "the next check", async || target.connections() > checked).await;
    pass_until(&app, "it is written", async || {
        app.get_as(&project.key, &path).await.json()["checks"][0]["missed"] == 0
    })
    .await;
    let checks = app.get_as(&project.key, &path).await.json()["checks"].as_array().unwrap().clone();
    let gap = checks
        .iter()
        .find(|check| check["outcome"] == "unknown")
        .unwrap_or_else(|| panic!("{checks:?}"));
    assert!((178..=181).contains(&gap["missed"].as_i64().unwrap()), "{gap}");
    assert!(
        target.connections() <= checked + 3,
        "{} checks were made up for",
        target.connections() - checked
    );
    let metrics = app.get("/metrics").await.text();
    let value = |name: &str| -> f64 {
        let line = metrics
            .lines()
            .find(|line| line.starts_with(&format!("api_analytics_{name} ")))
            .unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value("checks_missed_total") >= 178.0);
    assert!(value("check_lateness_seconds_count") >= 2.0);
    assert_eq!(value("monitors"), 1.0);
    assert!(metrics.contains("api_analytics_checks_total{outcome=\"up\"}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_is_expected_and_missed() {
    let (mut app, project, _names) = start().await;
    let settings = json!({ "kind": "heartbeat", "name": "Backup", "period_s": 60, "grace_s": 30, "interval_s": 20 });
    let made = create(&app, &project, settings).await;
    let id = made["id"].clone();
    let url = made["heartbeat_url"].as_str().unwrap().to_owned();
    let address = url.strip_prefix(&app.origin()).unwrap().to_owned();
    assert_eq!(app.get(&format!("{address}/start")).await.json(), json!({ "signal": "start" }));
    app.set_time(app.time() + 2 * SECOND_US);
    assert_eq!(app.post(&address, &[], &json!({})).await.json(), json!({ "signal": "success" }));
    let signals = show(&app, &project, &id).await["signals"].clone();
    assert_eq!((&signals["took_ms"], &signals["failed_at"]), (&json!(2_000), &json!(null)));
    // An acknowledged signal is on disk.
    app.restart().await;
    assert_eq!(show(&app, &project, &id).await["signals"], signals);
    let is = async |state: &str| show(&app, &project, &id).await["state"] == state;
    pass_until(&app, "up", async || is("up").await).await;
    pass_until(&app, "missed", async || is("down").await).await;
    let missed = show(&app, &project, &id).await;
    assert_eq!(
        (&missed["last_check"]["failure"], &missed["is_down"]),
        (&json!("missed"), &json!(true))
    );
    assert_eq!(app.get(&address).await.status, 200);
    pass_until(&app, "up again", async || is("up").await).await;
    assert_eq!(app.post(&format!("{address}/fail"), &[], &json!({})).await.status, 200);
    pass_until(&app, "failed", async || is("down").await).await;
    assert_eq!(show(&app, &project, &id).await["last_check"]["failure"], "reported_failure");

    assert_eq!(app.get(&format!("{address}/sing")).await.code(), "not_found");
    assert_eq!(
        app.get(&format!("/api/heartbeat/{}", "0".repeat(48))).await.code(),
        "unknown_heartbeat"
    );
    assert_eq!(app.send(Method::HEAD, &address, &[], Vec::new()).await.status, 405);
    let checked =
        call(&app, &project.key, "POST", &format!("/api/v1/monitors/{id}/check"), Value::Null)
            .await;
    assert_eq!(checked.code(), "invalid_monitor");
    // A container calls by any name.
    let named = Request::builder().uri(&address).header("host", "stats.internal");
    let named = app.send_request(named.body(Body::empty()).unwrap()).await;
    assert_eq!(named.status, 200, "{}", named.text());
    assert_eq!(app.delete_as(&project.key, &format!("/api/v1/monitors/{id}")).await.status, 204);
    assert_eq!(app.get(&address).await.code(), "unknown_heartbeat");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_now_says_what_came_back_and_nothing_of_the_body() {
    let (app, project, _names) = start().await;
    let target = TcpServer::http("127.0.0.2:0", |head| match head.starts_with("GET /moved") {
        true => redirect_to("/"),
        false => ok("{\"secret\":\"needle\"}"),
    })
    .await;
    let port = target.address.port();
    let check = async |settings: Value| {
        let made = create(&app, &project, settings).await;
        let path = format!("/api/v1/monitors/{}", made["id"]);
        let answer = call(&app, &project.key, "POST", &format!("{path}/check"), Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(
            !answer.text().contains("needle") && !answer.text().contains("127.0.0"),
            "{}",
            answer.text()
        );
        app.delete_as(&project.key, &path).await;
        answer.json()
    };
    let url = format!("http://outside.test:{port}/moved");
    let found = check(json!({ "kind": "http", "url": url })).await;
    assert_eq!(
        (&found["outcome"], &found["status"], &found["redirects"]),
        (&json!("up"), &json!(200), &json!(1))
    );
    let rule = json!({ "path": "$.secret", "operator": "equals", "value": "other" });
    let found = check(json!({ "kind": "http", "url": url, "json": rule })).await;
    assert_eq!((&found["outcome"], &found["failure"]), (&json!("down"), &json!("assertion")));
    let found =
        check(json!({ "kind": "http", "url": format!("http://inside.test:{port}/") })).await;
    assert_eq!(found["failure"], "refused_address");
    assert!(found["message"].as_str().unwrap().contains("allow_networks"), "{found}");
    let found = check(json!({ "kind": "tcp", "target": format!("outside.test:{port}") })).await;
    assert_eq!((&found["outcome"], &found["status"]), (&json!("up"), &json!(null)));
    let found = check(json!({ "kind": "http", "url": "http://missing.test/" })).await;
    assert_eq!(found["failure"], "name_not_found");
    let made = create(&app, &project, json!({ "kind": "http", "url": url })).await;
    let path = format!("/api/v1/monitors/{}/check", made["id"]);
    let mut refused = None;
    for _ in 0..40 {
        let answer = call(&app, &project.key, "POST", &path, Value::Null).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("checks without end");
    assert_eq!(refused.code(), "too_many_checks");
    assert!(!refused.header("retry-after").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_s_calls_add_show_and_delete_by_address() {
    let (app, project, _names) = start().await;
    let target = TcpServer::http("127.0.0.2:0", |_| ok("")).await;
    let port = target.address.port();
    let bare = format!("outside.test:{port}/up");
    let id = project.dashboard_id.replace('-', "");
    let add = async |url: &str, secure: bool, ping: bool| {
        let body = json!({ "user_id": id, "url": url, "secure": secure, "ping": ping });
        app.post("/api/monitor/add", &[], &body).await
    };
    assert_eq!(add(&bare, false, true).await.status, 201);
    assert_eq!(add(&format!("https://{bare}/"), true, false).await.code(), "monitor_taken");
    assert_eq!(add("https://outside.test/x", true, false).await.status, 201);
    assert_eq!(add("10.0.0.1", false, false).await.code(), "invalid_monitor");
    let listed = app.get_as(&project.key, "/api/v1/monitors").await.json();
    let urls: Vec<(&str, &str)> = listed["monitors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|monitor| {
            (
                monitor["settings"]["url"].as_str().unwrap(),
                monitor["settings"]["method"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        urls,
        [(format!("http://{bare}").as_str(), "HEAD"), ("https://outside.test/x", "GET")]
    );
    let pings = format!("/api/monitor/pings/{}", project.dashboard_id);
    pass_until(&app, "checks of both", async || {
        let pings = app.get(&pings).await.json();
        pings.as_object().unwrap().values().all(|checks| !checks.as_array().unwrap().is_empty())
    })
    .await;
    let found = app.get(&pings).await.json();
    let up = &found[&bare][0];
    assert!(
        up["status"] == 200 && up["response_time"].is_u64() && up["created_at"].is_string(),
        "{found}"
    );
    assert_eq!(found["https://outside.test/x"][0]["status"], 0);
    let delete = async |url: &str| {
        app.post("/api/monitor/delete", &[], &json!({ "user_id": id, "url": url })).await
    };
    assert_eq!(delete(&format!("http://{bare}")).await.status, 201);
    assert_eq!(delete(&bare).await.code(), "unknown_monitor");
    let stranger = json!({ "user_id": "0b0f5a6e-2a33-4c55-9d1e-0123456789ab", "url": "https://outside.test/x" });
    assert_eq!(app.post("/api/monitor/delete", &[], &stranger).await.code(), "unknown_dashboard");
    assert_eq!(app.get(&pings).await.json().as_object().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_shown_with_how_soon_it_ends_also_where_it_has_expired() {
    let authority = Authority::new("Test Root");
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("authority.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    let names = NameServer::start(|_, _| Lookup::addresses(&["127.0.0.2"])).await;
    let app = TestApp::with(&[
        ("allow_networks", "127.0.0.2/32"),
        ("name_servers", &names.address.to_string()),
        ("trusted_certificates", file.to_str().unwrap()),
    ])
    .await;
    let project = app.project().await;
    for (to_days, level, failure) in [
        (80, "fine", None),
        (9, "warn", None),
        (2, "critical", None),
        (-1, "expired", Some("tls_expired")),
    ] {
        let identity = authority.issue(&["shop.test"], -90, to_days);
        let target = https("127.0.0.2:0", &identity).await;
        let url = format!("https://shop.test:{}/", target.address.port());
        let made =
            create(&app, &project, json!({ "kind": "http", "url": url, "interval_s": 20 })).await;
        pass_until(&app, "a check", async || {
            show(&app, &project, &made["id"]).await["last_check"].is_object()
        })
        .await;
        let shown = show(&app, &project, &made["id"]).await;
        let certificate = &shown["certificate"];
        assert_eq!(
            (&certificate["level"], &certificate["names"]),
            (&json!(level), &json!(["shop.test"])),
            "{shown}"
        );
        assert_eq!(certificate["issuer"], "Testers, Test Root");
        assert_eq!(shown["last_check"]["failure"], json!(failure), "{shown}");
        assert!(shown["last_check"]["times"]["tls_ms"].is_f64());
        // Another address has another certificate.
        let change = json!({ "url": "http://shop.test/" });
        let path = format!("/api/v1/monitors/{}", made["id"]);
        let changed = call(&app, &project.key, "PATCH", &path, change).await.json();
        assert_eq!(changed["certificate"], json!(null));
        assert_eq!(app.delete_as(&project.key, &path).await.status, 204);
    }
}
