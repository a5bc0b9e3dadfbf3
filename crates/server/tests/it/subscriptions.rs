//! Subscribing to a status page over the real router, with delivered mails: nobody learns who is subscribed, nobody is
//! mailed against their will, and mails match the page.

mod mailbox;
mod telling;

use axum::http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, NOW, TestApp, TestProject};
use crate::watching::{SECOND_US, call};
use mailbox::{Mailbox, Taken};

const SETTINGS: &str = "/api/v1/status-page";
const SUBSCRIBERS: &str = "/api/v1/status-page/subscribers";

/// A server that sends its mails there, with `more` settings.
async fn start_with(more: &[(&str, &str)]) -> (TestApp, Mailbox) {
    let mailbox = Mailbox::start().await;
    let server = mailbox.address.to_string();
    let mut settings = vec![
        ("smtp_server", server.as_str()),
        ("smtp_tls", "off"),
        ("smtp_from", "alerts@example.com"),
        ("public_url", "https://stats.example.com"),
        ("subscriptions_per_hour", "1000"),
    ];
    settings.extend(more);
    (TestApp::with(&settings).await, mailbox)
}

/// A project whose status page takes subscribers at `/status/{slug}`.
async fn page(app: &TestApp, slug: &str) -> TestProject {
    let project = app.project().await;
    let settings =
        json!({ "enabled": true, "slug": slug, "title": "Shop status", "subscriptions": true });
    let answer = call(app, &project.key, "PATCH", SETTINGS, settings).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    project
}

async fn post(app: &TestApp, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let headers: Vec<(&str, &str)> = headers.iter().copied().chain([kind]).collect();
    app.send(Method::POST, path, &headers, body.as_bytes().to_vec()).await
}

async fn ask(app: &TestApp, slug: &str, address: &str) -> Answer {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("email", address);
    post(app, &format!("/status/{slug}/subscribe"), &form.finish(), &[]).await
}

/// Subscribes by form, mail and button. Returns the confirmation.
async fn subscribe(app: &TestApp, mailbox: &Mailbox, slug: &str, address: &str) -> Taken {
    let before = mailbox.taken().len();
    assert_eq!(ask(app, slug, address).await.status, 200);
    let mail = mailbox.wait_for(before + 1).await.remove(before);
    assert_eq!(mail.to, address);
    assert_eq!(post(app, &mail.link("/confirm"), "", &[]).await.status, 200);
    mail
}

async fn list(app: &TestApp, project: &TestProject) -> Value {
    app.get_as(&project.key, SUBSCRIBERS).await.json()
}

/// Whether one of the data folder's own files holds these bytes.
fn is_kept(app: &TestApp, needle: &str) -> bool {
    let files = std::fs::read_dir(app.data()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).any(|path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|part| part == needle.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_tells_whether_an_address_is_subscribed() {
    let (app, mailbox) = start_with(&[("subscriptions_per_day", "3")]).await;
    let project = page(&app, "shop").await;
    let form = app.get("/status/shop").await;
    assert!(form.text().contains("Get updates by e-mail"), "{}", form.text());
    assert!(form.text().contains("method=post action=\"/status/shop/subscribe\""));
    assert!(form.header("content-security-policy").contains("form-action 'self'"));
    subscribe(&app, &mailbox, "shop", "ann@example.com").await;
    assert_eq!(ask(&app, "shop", "bob@example.com").await.status, 200);
    mailbox.wait_for(2).await;
    // A subscribed address, a requested one, and an unknown one, below and above the limit.
    for status in [200, 429] {
        let mut answers = Vec::new();
        for address in ["ann@example.com", "bob@example.com", "eve@example.com"] {
            let answer = ask(&app, "shop", address).await;
            let mut headers = answer.headers.clone();
            headers.remove("date");
            headers.remove("x-request-id");
            answers.push((answer.status.as_u16(), headers, answer.text()));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(answers[0].0, status);
        if status == 200 {
            mailbox.wait_for(3).await;
            assert_eq!(mailbox.taken()[2].to, "eve@example.com");
        }
        assert_eq!(ask(&app, "shop", "last@example.com").await.status, 429);
    }
    assert_eq!(mailbox.taken().len(), 3, "none is sent twice");
    assert_eq!(list(&app, &project).await["confirmed"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_asks_for_so_many_and_each_mistake_is_told() {
    let (app, mailbox) = start_with(&[("subscriptions_per_hour", "2")]).await;
    page(&app, "shop").await;
    for wrong in ["", "ann", "ann@localhost", "ann@example.com\r\nBcc: eve@example.com"] {
        let refused = ask(&app, "shop", wrong).await;
        assert_eq!(refused.status, 400, "{wrong}");
        assert!(refused.text().contains("This is not an e-mail address"), "{}", refused.text());
    }
    let path = "/status/shop/subscribe";
    let form = "email=ann%40example.com";
    for elsewhere in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://eve.example"),
    ] {
        assert_eq!(post(&app, path, form, &[elsewhere]).await.status, 403, "{elsewhere:?}");
    }
    assert_eq!(app.get_as("", path).await.status, 405);
    // A browser on our own page, with and without the newer header.
    for own in [("sec-fetch-site", "same-origin"), ("origin", "null")] {
        assert_eq!(post(&app, path, form, &[own]).await.status, 200, "{own:?}");
    }
    let refused = post(&app, path, form, &[]).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "3600"));
    assert!(refused.text().contains("try again in 60 min"), "{}", refused.text());
    app.set_time(app.time() + 3_600 * SECOND_US);
    assert_eq!(post(&app, path, form, &[]).await.status, 200);
    assert_eq!(ask(&app, "nowhere", "ann@example.com").await.code(), "unknown_status_page");
    mailbox.wait_for(1).await;
    assert_eq!(mailbox.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing_and_one_click_leaves_without_a_trace() {
    let (mut app, mailbox) = start_with(&[("unknown_keys_per_minute", "8")]).await;
    let project = page(&app, "shop").await;
    assert_eq!(ask(&app, "shop", "needle@example.com").await.status, 200);
    let mail = mailbox.wait_for(1).await.remove(0);
    assert_eq!(mail.header("Subject"), "[Shop status] Confirm your subscription");
    let (confirm, leave) = (mail.link("/confirm"), mail.link("/leave"));
    assert_eq!(mail.header("List-Unsubscribe"), format!("<https://stats.example.com{leave}>"));
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    for path in [&confirm, &leave] {
        let asked = app.get(path).await;
        assert!(asked.status == 200 && asked.text().contains("<form method=post>"), "{path}");
        assert_eq!(asked.header("cache-control"), "no-store");
        assert!(!asked.text().contains("needle"), "{}", asked.text());
    }
    let none = json!({ "confirmed": 0, "unconfirmed": 1, "subscribers": [], "next": null });
    assert_eq!(
        list(&app, &project).await,
        none,
        "a look changes nothing, an unconfirmed one is not listed"
    );
    assert!(post(&app, &confirm, "", &[]).await.text().contains("You are subscribed"));
    assert!(app.get(&confirm).await.text().contains("You are subscribed"));
    app.restart().await;
    let listed = list(&app, &project).await;
    assert_eq!(listed["subscribers"][0]["address"], "needle@example.com");
    assert_eq!(app.get(&leave).await.status, 200);
    assert!(is_kept(&app, "needle@example.com"), "the search finds it");

    // Like a mail program, with only what RFC 8058 prescribes.
    let left = post(&app, &leave, "List-Unsubscribe=One-Click", &[]).await;
    assert!(left.status == 200 && left.text().contains("Unsubscribed"), "{}", left.text());
    assert!(!is_kept(&app, "needle@example.com"));
    assert_eq!(list(&app, &project).await["confirmed"], 0);
    let wrong = leave.replace("/subscription/", "/subscription/0");
    for path in [&leave, &confirm, &wrong] {
        for method in [Method::GET, Method::POST] {
            let gone = app.send(method, path, &[], Vec::new()).await;
            assert_eq!(gone.status, 404, "{path}");
            assert!(gone.text().contains("This link leads nowhere"));
        }
    }
    // Guessing secrets is limited.
    for _ in 0..2 {
        assert_eq!(app.get(&wrong).await.status, 404);
    }
    assert_eq!(app.get(&wrong).await.code(), "too_many_unknown_keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_see_their_own_subscribers_and_delete_them() {
    let (app, mailbox) = start_with(&[]).await;
    let (shop, bank) = (page(&app, "shop").await, page(&app, "bank").await);
    for address in ["ann@example.com", "bob@example.com"] {
        subscribe(&app, &mailbox, "shop", address).await;
    }
    subscribe(&app, &mailbox, "bank", "needle@example.com").await;
    let first = app.get_as(&shop.key, &format!("{SUBSCRIBERS}?limit=1")).await.json();
    assert_eq!(
        (&first["confirmed"], &first["subscribers"][0]["address"]),
        (&json!(2), &json!("ann@example.com"))
    );
    let after = &first["next"];
    let second = app.get_as(&shop.key, &format!("{SUBSCRIBERS}?after={after}")).await.json();
    assert_eq!(
        (&second["subscribers"][0]["address"], &second["next"]),
        (&json!("bob@example.com"), &json!(null))
    );
    assert_eq!(second["subscribers"].as_array().unwrap().len(), 1);
    assert_eq!(
        app.get_as(&shop.key, &format!("{SUBSCRIBERS}?limit=1001")).await.code(),
        "invalid_parameter"
    );
    // Others cannot see or delete the other project's subscribers.
    let of_bank = list(&app, &bank).await["subscribers"][0]["id"].clone();
    assert!(!list(&app, &shop).await.to_string().contains("needle"));
    let path = |id: &Value| format!("{SUBSCRIBERS}/{id}");
    assert_eq!(app.delete_as(&shop.key, &path(&of_bank)).await.code(), "unknown_subscription");
    assert_eq!(
        app.delete_as(&shop.key, &format!("{SUBSCRIBERS}/x")).await.code(),
        "unknown_subscription"
    );
    assert_eq!(list(&app, &bank).await["confirmed"], 1);
    let origin = ("origin", "https://stats.example.com");
    let secret = json!({ "dashboard_id": shop.dashboard_id });
    let signed_in = app.post("/api/v1/session", &[origin], &secret).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap();
    let seen = app.send(Method::GET, SUBSCRIBERS, &[("cookie", cookie)], Vec::new()).await;
    assert_eq!(seen.code(), "view_only", "addresses are for owners");

    assert_eq!(app.delete_as(&shop.key, &path(&first["subscribers"][0]["id"])).await.status, 204);
    assert!(!is_kept(&app, "ann@example.com") && is_kept(&app, "bob@example.com"));
    // They are deleted with the page, and with the project.
    assert_eq!(app.delete_as(&shop.key, SETTINGS).await.status, 204);
    assert!(!is_kept(&app, "bob@example.com") && is_kept(&app, "needle@example.com"));
    assert_eq!(app.delete_as(&bank.key, "/api/v1/project").await.status, 200);
    assert!(!is_kept(&app, "needle@example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_offered_where_the_owner_wants_it_and_the_operator_can() {
    for (settings, missing) in [
        (vec![], "`smtp_server` and `public_url`"),
        (vec![("public_url", "https://stats.example.com")], "`smtp_server`"),
        (vec![("smtp_server", "127.0.0.1:9"), ("smtp_from", "a@example.com")], "`public_url`"),
    ] {
        let app = TestApp::with(&settings).await;
        let project = app.project().await;
        let shown = json!({ "enabled": true, "slug": "shop" });
        let shown = call(&app, &project.key, "PATCH", SETTINGS, shown).await.json();
        let problem = shown["subscriptions_problem"].as_str().unwrap();
        assert!(problem.ends_with(&format!("has set {missing}")), "{problem}");
        let refused =
            call(&app, &project.key, "PATCH", SETTINGS, json!({ "subscriptions": true })).await;
        assert_eq!(refused.code(), "invalid_status_page");
        assert!(refused.text().contains(problem), "{}", refused.text());
        assert!(!app.get("/status/shop").await.text().contains("/subscribe"));
        assert_eq!(ask(&app, "shop", "ann@example.com").await.status, 404);
    }
    let (app, mailbox) = start_with(&[]).await;
    let project = page(&app, "shop").await;
    let settings = app.get_as(&project.key, SETTINGS).await.json();
    assert_eq!(
        (&settings["subscriptions"], &settings["subscriptions_problem"]),
        (&json!(true), &json!(null))
    );
    let mail = subscribe(&app, &mailbox, "shop", "ann@example.com").await;
    let off = call(&app, &project.key, "PATCH", SETTINGS, json!({ "subscriptions": false })).await;
    assert_eq!(off.json()["subscriptions"], false);
    assert!(!app.get("/status/shop").await.text().contains("/subscribe"));
    let refused = ask(&app, "shop", "bob@example.com").await;
    assert!(refused.status == 404 && refused.text().contains("This status page sends no e-mail"));
    // Leaving is always possible.
    assert_eq!(post(&app, &mail.link("/leave"), "", &[]).await.status, 200);
    // A job deletes those who never confirmed.
    call(&app, &project.key, "PATCH", SETTINGS, json!({ "subscriptions": true })).await;
    ask(&app, "shop", "late@example.com").await;
    let late = mailbox.wait_for(2).await.remove(1);
    app.set_time(NOW + 72 * 3_600 * SECOND_US);
    assert_eq!(post(&app, &late.link("/confirm"), "", &[]).await.status, 404, "the link is old");
    server::jobs::run_due(app.shared()).await;
    assert!(!is_kept(&app, "late@example.com"));
}
