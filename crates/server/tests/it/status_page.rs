//! The public status page over the real router: anyone sees what its owner publishes, and nothing else.

mod publishing;

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, TestProject, hit};
use crate::dial::servers::TcpServer;
use crate::watching::{SECOND_US, call, create, pass_until, show, start};

const SETTINGS: &str = "/api/v1/status-page";

async fn change(app: &TestApp, project: &TestProject, body: Value) -> Value {
    let answer = call(app, &project.key, "PATCH", SETTINGS, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Every response that visitors can get. Hashes may contain anything by chance and are left out.
async fn everything(app: &TestApp, slug: &str) -> String {
    let mut all = String::new();
    for part in ["", "/json", "/rss", "/badge.svg", "/badge/orders.svg", "/logo"] {
        let mut answer = app.get(&format!("/status/{slug}{part}")).await;
        answer.headers.remove("etag");
        all.push_str(&format!("{} {:?} {}\n", answer.status, answer.headers, answer.text()));
    }
    all
}

/// Advances the clock until the cached view is outdated.
async fn later(app: &TestApp, path: &str) -> Answer {
    app.set_time(app.time() + 21 * SECOND_US);
    app.get(path).await
}

/// A target with a configurable status, and a monitor of it that is up and on the page as "Orders".
async fn published(app: &TestApp, project: &TestProject) -> (Value, Arc<AtomicU16>, TcpServer) {
    let status = Arc::new(AtomicU16::new(200));
    let said = status.clone();
    let target = TcpServer::http("127.0.0.2:0", move |_| {
        format!("HTTP/1.1 {} X\r\ncontent-length: 0\r\n\r\n", said.load(Ordering::SeqCst))
    })
    .await;
    let url = format!("http://outside.test:{}/needle-path", target.address.port());
    let settings = json!({
        "kind": "http", "url": url, "name": "needle-monitor", "interval_s": 20, "timeout_ms": 5_000, "down_after": 2, "up_after": 2,
    });
    let id = create(app, project, settings).await["id"].clone();
    pass_until(app, "up", async || show(app, project, &id).await["state"] == "up").await;
    change(
        app,
        project,
        json!({
            "enabled": true, "slug": "shop", "title": "Shop status",
            "groups": [{ "name": "API", "services": [{ "monitor": id, "name": "Orders" }] }],
        }),
    )
    .await;
    (id, status, target)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_proposed_shown_hidden_and_deleted() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let proposed = app.get_as(&project.key, SETTINGS).await.json();
    let slug = proposed["slug"].as_str().unwrap().to_owned();
    assert_eq!((&proposed["enabled"], &proposed["title"]), (&json!(false), &json!("Status")));
    assert!(proposed["url"].as_str().unwrap().ends_with(&format!("/status/{slug}")));
    // Nothing is there before its owner enables it.
    for enabled in [None, Some(false)] {
        if let Some(enabled) = enabled {
            change(&app, &project, json!({ "enabled": enabled })).await;
        }
        assert_eq!(app.get(&format!("/status/{slug}")).await.status, 404);
        for part in ["json", "rss", "badge.svg", "badge/orders.svg", "logo"] {
            let refused = app.get(&format!("/status/{slug}/{part}")).await;
            assert_eq!(refused.code(), "unknown_status_page", "{part}");
        }
    }
    let kept = change(&app, &project, json!({ "enabled": true, "title": "Shop status" })).await;
    assert_eq!((&kept["slug"], &kept["enabled"]), (&json!(slug), &json!(true)));
    let page = app.get(&format!("/status/{slug}")).await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert!(page.text().contains("<h1>Shop status</h1>"), "{}", page.text());
    assert!(page.text().contains("No services are listed yet"), "{}", page.text());

    // A new slug replaces the first.
    change(&app, &project, json!({ "slug": "The-Shop" })).await;
    assert_eq!(app.get(&format!("/status/{slug}")).await.status, 404);
    assert_eq!(app.get("/status/the-shop").await.status, 200);
    change(&app, &project, json!({ "enabled": false })).await;
    let hidden = app.get("/status/the-shop").await;
    assert_eq!((hidden.status.as_u16(), hidden.header("cache-control")), (404, "no-store"));
    assert!(hidden.text().contains("There is no status page at this address"));
    assert!(hidden.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(
        hidden.text(),
        app.get("/status/never-there").await.text(),
        "nobody can tell them apart"
    );
    change(&app, &project, json!({ "enabled": true, "slug": null })).await;
    assert_eq!(app.get(&format!("/status/{slug}")).await.status, 200);
    assert_eq!(app.delete_as(&project.key, SETTINGS).await.status, 204);
    assert_eq!(app.get(&format!("/status/{slug}")).await.status, 404);
    assert_eq!(app.delete_as(&project.key, SETTINGS).await.code(), "unknown_status_page");
    assert_eq!(app.get_as(&project.key, SETTINGS).await.json()["title"], "Status");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_is_named_and_nobody_publishes_what_is_another_s() {
    let app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    let settings = json!({ "kind": "tcp", "target": "example.com:9", "paused": true });
    let monitor = create(&app, &project, settings).await["id"].clone();
    for (body, field) in [
        (json!({ "slug": "a b" }), "slug"),
        (json!({ "title": " " }), "title"),
        (json!({ "accent": "green" }), "accent"),
        (json!({ "accent": "#fff;}body{" }), "accent"),
        (json!({ "logo": "PHN2Zy8+" }), "logo"),
        (json!({ "groups": [{ "services": [{ "monitor": 99, "name": "x" }] }] }), "groups"),
        (json!({ "groups": [{ "services": [{ "monitor": monitor, "name": "" }] }] }), "groups"),
    ] {
        let refused = call(&app, &project.key, "PATCH", SETTINGS, body.clone()).await;
        assert_eq!(refused.code(), "invalid_status_page", "{body}");
        assert!(refused.text().contains(&format!("`{field}`")), "{}", refused.text());
    }
    assert_eq!(
        call(&app, &project.key, "PATCH", SETTINGS, json!({ "x": 1 })).await.code(),
        "invalid_json"
    );
    let of_other = json!({ "groups": [{ "services": [{ "monitor": monitor, "name": "x" }] }] });
    let refused = call(&app, &other.key, "PATCH", SETTINGS, of_other.clone()).await;
    assert_eq!(refused.code(), "invalid_status_page");
    change(&app, &project, of_other).await;
    change(&app, &project, json!({ "slug": "shop", "enabled": true })).await;
    assert_eq!(
        call(&app, &other.key, "PATCH", SETTINGS, json!({ "slug": "shop" })).await.code(),
        "slug_taken"
    );
    assert_eq!(app.get("/status/shop/json").await.json()["groups"][0]["services"][0]["name"], "x");
    // Deleting the monitor removes its service, and deleting the project removes the page.
    assert_eq!(
        app.delete_as(&project.key, &format!("/api/v1/monitors/{monitor}")).await.status,
        204
    );
    assert_eq!(app.get("/status/shop/json").await.json()["groups"], json!([]));
    assert_eq!(app.get_as(&project.key, SETTINGS).await.json()["groups"], json!([]));
    assert_eq!(app.delete_as(&project.key, "/api/v1/project").await.status, 200);
    assert_eq!(app.get("/status/shop").await.status, 404);
    change(&app, &other, json!({ "slug": "shop" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_that_was_not_published() {
    let (app, project, _names) = start().await;
    let named = json!({ "name": "needle-project" });
    assert_eq!(call(&app, &project.key, "PATCH", "/api/v1/project", named).await.status, 200);
    let (id, status, _target) = published(&app, &project).await;
    status.store(503, Ordering::SeqCst);
    let users = json!([hit(
        "/needle-endpoint",
        json!({ "hostname": "outside.test", "user_id": "needle-user", "status": 500 })
    )]);
    assert_eq!(app.post_hits(&project.key, users).await.status, 200);
    pass_until(&app, "down", async || show(&app, &project, &id).await["is_down"] == true).await;
    let incident = format!("/api/v1/incidents/{id}-1");
    let body = json!({ "public_title": "Orders fail", "update": "We look.", "note": "needle-note", "acknowledged": true });
    assert_eq!(call(&app, &project.key, "PATCH", &incident, body).await.status, 200);
    change(
        &app,
        &project,
        json!({ "show_requests": true, "logo": "data:image/png;base64,iVBORw0KGgo=" }),
    )
    .await;
    let needles = [
        "needle",
        "outside.test",
        "127.0.0.2",
        "expected 2xx",
        "status 503",
        "failure",
        "confirmed",
        "acknowledged",
        "monitor_",
        "\"monitor\"",
        "project",
        &project.key,
        &project.dashboard_id,
        &format!("\"{id}-1\""),
    ];
    let told = everything(&app, "shop").await;
    assert!(told.contains("Orders fail") && told.contains("image/png"), "{told}");
    for needle in needles {
        assert!(!told.contains(needle), "{needle} is told:\n{told}");
    }
    // The search finds each of them where it is published.
    let text = json!({ "update": needles.join(" ") });
    assert_eq!(call(&app, &project.key, "PATCH", &incident, text).await.status, 200);
    let told = everything(&app, "shop").await.replace("&quot;", "\"");
    for needle in needles {
        assert!(told.contains(needle), "{needle} is not looked for");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_text_is_text_wherever_it_stands() {
    let (app, project, _names) = start().await;
    let (id, status, _target) = published(&app, &project).await;
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>&'";
    change(
        &app,
        &project,
        json!({
            "title": hostile, "accent": "#ffff00",
            "groups": [{ "name": hostile, "services": [{ "monitor": id, "name": hostile }] }],
        }),
    )
    .await;
    status.store(503, Ordering::SeqCst);
    pass_until(&app, "down", async || show(&app, &project, &id).await["is_down"] == true).await;
    let body = json!({ "public_title": hostile, "update": hostile });
    let incident = format!("/api/v1/incidents/{id}-1");
    assert_eq!(call(&app, &project.key, "PATCH", &incident, body).await.status, 200);
    let badge =
        app.get("/status/shop/json").await.json()["groups"][0]["services"][0]["badge_url"].clone();
    let badge = badge.as_str().unwrap().split_once("/status/").unwrap().1.to_owned();
    for path in ["shop", "shop/rss", "shop/badge.svg", &badge] {
        let answer = app.get(&format!("/status/{path}")).await;
        let text = answer.text();
        assert_eq!(answer.status, 200, "{path}");
        assert!(text.contains("&lt;script&gt;"), "{path}: {text}");
        let own = text.matches("<script src=\"/status.js\" defer></script>").count();
        assert_eq!(text.matches("<script").count(), own, "{path}: {text}");
        assert!(!text.contains("<img"), "{path}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_kept_as_long_as_they_are_fresh_and_open_to_other_sites() {
    let app = TestApp::with(&[("public_url", "https://stats.example.com/base")]).await;
    let project = app.project().await;
    change(&app, &project, json!({ "enabled": true, "slug": "shop", "accent": "#3355ff" })).await;
    for (part, open) in [("", false), ("/json", true), ("/rss", true), ("/badge.svg", true)] {
        let path = format!("/base/status/shop{part}");
        let answer = app.get(&path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("cache-control")),
            (200, "public, max-age=20"),
            "{path}"
        );
        assert_eq!(
            answer.header("access-control-allow-origin"),
            if open { "*" } else { "" },
            "{path}"
        );
        assert_eq!(answer.header("vary"), "accept-encoding", "{path}");
        let known = [("if-none-match", answer.header("etag"))];
        let again = app.send(Method::GET, &path, &known, Vec::new()).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{path}");
        let zipped = app.send(Method::GET, &path, &[("accept-encoding", "gzip")], Vec::new()).await;
        let is_large = answer.body.len() >= 1_024;
        assert_eq!(zipped.header("content-encoding"), if is_large { "gzip" } else { "" }, "{path}");
        assert!(zipped.body.len() <= answer.body.len());
        let head = app.send(Method::HEAD, &path, &[], Vec::new()).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "{path}");
    }
    let page = app.get("/base/status/shop").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe") && !page.text().contains(" style="), "{policy}");
    for link in [
        "href=\"/base/status.css?accent=3355ff\"",
        "src=\"/base/status.js\"",
        "href=\"/base/status/shop/rss\"",
    ] {
        assert!(page.text().contains(link), "{link}\n{}", page.text());
    }
    let feed = app.get("/base/status/shop/rss").await.text();
    assert!(feed.contains("<link>https://stats.example.com/base/status/shop</link>"), "{feed}");
    // An older view has less time left; an outdated one is built anew.
    app.set_time(app.time() + 15 * SECOND_US);
    assert_eq!(app.get("/base/status/shop").await.header("cache-control"), "public, max-age=5");
    let fresh = later(&app, "/base/status/shop").await;
    assert_eq!(fresh.header("cache-control"), "public, max-age=20");
    assert_ne!(fresh.header("etag"), page.header("etag"));

    let style = app.get("/base/status.css?accent=3355ff").await;
    assert_eq!(
        (style.status.as_u16(), style.header("content-type")),
        (200, "text/css; charset=utf-8")
    );
    assert!(style.text().contains("--accent:#3355ff"), "{}", style.text());
    assert_eq!(app.get("/base/status.css?accent=x").await.code(), "invalid_parameter");
    let mark = app.get("/base/status.svg?accent=3355ff").await;
    assert!(mark.text().contains("fill=\"#3355ff\""), "{}", mark.text());
    assert_eq!(mark.header("content-type"), "image/svg+xml");
    let script = app.get("/base/status.js").await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    for asset in [&style, &script, &mark] {
        assert_eq!(asset.header("cache-control"), "public, max-age=3600");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_is_sent_as_the_image_that_it_is() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let logo = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let kept =
        change(&app, &project, json!({ "enabled": true, "slug": "shop", "logo": logo })).await;
    assert!(kept["logo_url"].as_str().unwrap().ends_with("/status/shop/logo"), "{kept}");
    let image = app.get("/status/shop/logo").await;
    assert_eq!(
        (image.header("content-type"), image.header("x-content-type-options")),
        ("image/png", "nosniff")
    );
    assert!(image.body.starts_with(b"\x89PNG\r\n"));
    assert!(
        app.get("/status/shop").await.text().contains("<img class=logo src=\"/status/shop/logo?v=")
    );
    // Other changes leave it alone.
    assert!(change(&app, &project, json!({ "title": "Shop" })).await["logo_url"].is_string());
    assert_eq!(change(&app, &project, json!({ "logo": null })).await["logo_url"], json!(null));
    assert_eq!(app.get("/status/shop/logo").await.code(), "not_found");
    assert!(app.get("/status/shop").await.text().contains("<svg class=logo"));
}
