//! Mails to subscribers: each published incident and each maintenance window, once, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use super::mailbox::{Mailbox, Taken};
use super::{SETTINGS, page, post, start_with, subscribe};
use crate::app::{NOW, TestApp, TestProject};
use crate::dial::servers::{Lookup, NameServer, TcpServer};
use crate::watching::{SECOND_US, call, create, pass_until, show};

/// Two subscribers of a page with a monitor that is down, whose incident is not published.
struct Outage {
    app: TestApp,
    mailbox: Mailbox,
    project: TestProject,
    monitor: Value,
    status: Arc<AtomicU16>,
    _target: TcpServer,
    _names: NameServer,
}

async fn outage() -> Outage {
    let names = NameServer::start(|name, _| match name {
        "needle-host.test." => Lookup::addresses(&["127.0.0.2"]),
        _ => Lookup::NoName,
    })
    .await;
    let name_server = names.address.to_string();
    let more = [("allow_networks", "127.0.0.2/32"), ("name_servers", name_server.as_str())];
    let (app, mailbox) = start_with(&more).await;
    let project = page(&app, "shop").await;
    let status = Arc::new(AtomicU16::new(503));
    let said = status.clone();
    let target = TcpServer::http("127.0.0.2:0", move |_| {
        format!("HTTP/1.1 {} X\r\ncontent-length: 0\r\n\r\n", said.load(Ordering::SeqCst))
    })
    .await;
    let url = format!("http://needle-host.test:{}/needle-path", target.address.port());
    let settings = json!({
        "kind": "http", "url": url, "name": "needle-monitor", "interval_s": 20, "down_after": 1, "up_after": 1,
    });
    let monitor = create(&app, &project, settings).await["id"].clone();
    let groups = json!([{ "name": "API", "services": [{ "monitor": monitor, "name": "Orders" }] }]);
    call(&app, &project.key, "PATCH", SETTINGS, json!({ "groups": groups })).await;
    for address in ["ann@example.com", "bob@example.com"] {
        subscribe(&app, &mailbox, "shop", address).await;
    }
    pass_until(&app, "down", async || show(&app, &project, &monitor).await["is_down"] == true)
        .await;
    Outage { app, mailbox, project, monitor, status, _target: target, _names: names }
}

impl Outage {
    async fn change(&self, body: Value) {
        let path = format!("/api/v1/incidents/{}-1", self.monitor);
        let answer = call(&self.app, &self.project.key, "PATCH", &path, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Those of the newest `count` mails that Ann got, without the two confirmations.
    async fn told(&self, count: usize) -> Vec<Taken> {
        let mut taken = self.mailbox.wait_for(2 + 2 * count).await;
        assert_eq!(taken.len(), 2 + 2 * count, "one for each subscriber and event: {taken:?}");
        taken.drain(..2);
        taken.retain(|mail| mail.to == "ann@example.com");
        taken
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_told_as_it_is_published_until_the_checks_succeed() {
    let outage = outage().await;
    // Not published: for the project's people only.
    outage
        .change(json!({ "note": "needle-note", "update": "Requests fail.", "acknowledged": true }))
        .await;
    outage.change(json!({ "public_title": "Orders cannot be placed" })).await;
    let opening = outage.told(1).await.remove(0);
    assert_eq!(opening.header("Subject"), "[Shop status] Investigating: Orders cannot be placed");
    assert!(opening.text.contains("Requests fail."), "{}", opening.text);
    // A change of its severity appears on the page and is no news.
    outage.change(json!({ "severity": "minor" })).await;
    outage.change(json!({ "stage": "identified", "update": "A failover.\nIt takes long." })).await;
    let update = outage.told(2).await.remove(1);
    assert_eq!(update.header("Subject"), "[Shop status] Identified: Orders cannot be placed");
    assert!(update.text.contains("A failover.\r\nIt takes long."), "{}", update.text);
    outage.status.store(200, Ordering::SeqCst);
    let (app, project, monitor) = (&outage.app, &outage.project, &outage.monitor);
    pass_until(app, "up", async || show(app, project, monitor).await["state"] == "up").await;
    app.shared().monitors.write_all(&app.shared().checks).await;
    app.shared().subscriber_mail.wake();
    let told = outage.told(3).await;
    assert_eq!(told[2].header("Subject"), "[Shop status] Resolved: Orders cannot be placed");
    let thread = opening.header("Message-ID");
    let ids: Vec<String> = told.iter().map(|mail| mail.header("Message-ID")).collect();
    assert!(
        ids[0] != ids[1]
            && ids[1] != ids[2]
            && ids.iter().all(|id| id.ends_with("@stats.example.com>"))
    );
    for (mail, replies_to) in told.iter().zip(["", &thread, &thread]) {
        assert_eq!(mail.header("In-Reply-To"), replies_to);
        assert_eq!(mail.header("References"), replies_to);
        // The search finds our own host, and none of the monitored ones.
        assert!(mail.text.contains("https://stats.example.com/status/shop"), "{}", mail.text);
        for hidden in ["needle", "127.0.0.", &project.key, "monitor"] {
            assert!(!mail.text.contains(hidden), "{hidden} is told:\n{}", mail.text);
        }
        // As a word: a link may have these digits by chance.
        let mut words = mail.text.split(|one: char| !one.is_ascii_alphanumeric());
        assert!(words.all(|word| word != "503"), "the status is told:\n{}", mail.text);
    }
    let other = outage.mailbox.taken().into_iter().filter(|mail| mail.to == "bob@example.com");
    let other: Vec<Taken> = other.collect();
    assert_ne!(other[1].header("Message-ID"), thread, "each mail has an id of its own");
    assert_ne!(other[1].link("/leave"), opening.link("/leave"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_left_and_a_page_that_is_hidden_tell_nothing() {
    let outage = outage().await;
    let leave = outage.mailbox.taken()[1].link("/leave");
    assert_eq!(post(&outage.app, &leave, "", &[]).await.status, 200);
    let switch = async |body: Value| {
        call(&outage.app, &outage.project.key, "PATCH", SETTINGS, body).await;
    };
    let waits = async || outage.app.shared().checks.bulletins_to_spread(9).await.unwrap().len();
    for (off, on) in [
        (json!({ "enabled": false }), json!({ "enabled": true })),
        (json!({ "subscriptions": false }), json!({ "subscriptions": true })),
    ] {
        switch(off).await;
        outage.change(json!({ "public_title": "Hidden", "update": "Hidden." })).await;
        pass_until(&outage.app, "that it was looked at", async || waits().await == 0).await;
        switch(on).await;
    }
    outage.change(json!({ "update": "Shown.", "stage": "resolved" })).await;
    let taken = outage.mailbox.wait_for(3).await;
    assert_eq!((taken.len(), taken[2].to.as_str()), (3, "ann@example.com"));
    assert_eq!(taken[2].header("Subject"), "[Shop status] Resolved: Hidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_is_told_when_it_appears_on_the_page() {
    let (app, mailbox) = start_with(&[]).await;
    let project = page(&app, "shop").await;
    let window = |day: i64, published: bool, title: &str| {
        let at = |hour: i64| {
            let us = NOW + day * 86_400 * SECOND_US + hour * 3_600 * SECOND_US;
            server::pieces::to_rfc3339(us)
        };
        let schedule = json!({ "kind": "once", "from": at(0), "to": at(1) });
        json!({ "title": title, "text": "A minute of errors.", "published": published, "schedule": schedule })
    };
    let plan = async |body: Value| {
        let made = call(&app, &project.key, "POST", "/api/v1/maintenance", body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["id"].clone()
    };
    plan(window(2, true, "Known before")).await;
    server::jobs::run_due(app.shared()).await;
    app.set_time(NOW + 60 * SECOND_US);
    subscribe(&app, &mailbox, "shop", "ann@example.com").await;
    plan(window(3, false, "needle-secret")).await;
    let upgrade = plan(window(4, true, "Database upgrade")).await;
    plan(window(20, true, "Far away")).await;
    app.set_time(NOW + 120 * SECOND_US);
    for _ in 0..2 {
        server::jobs::run_due(app.shared()).await;
    }
    let told = mailbox.wait_for(2).await;
    assert_eq!(told[1].header("Subject"), "[Shop status] Maintenance: Database upgrade");
    for part in ["2026-11-26 12:00 UTC to 2026-11-26 13:00 UTC", "A minute of errors."] {
        assert!(told[1].text.contains(part), "{part}\n{}", told[1].text);
    }
    // Moved, it is news; the far one is once it is near.
    let path = format!("/api/v1/maintenance/{upgrade}");
    let moved = call(&app, &project.key, "PATCH", &path, window(5, true, "Database upgrade")).await;
    assert_eq!(moved.status, 200);
    server::jobs::run_due(app.shared()).await;
    let told = mailbox.wait_for(3).await;
    assert!(told[2].text.contains("2026-11-27 12:00 UTC to"), "{}", told[2].text);
    app.set_time(NOW + 8 * 86_400 * SECOND_US);
    server::jobs::run_due(app.shared()).await;
    let told = mailbox.wait_for(4).await;
    assert_eq!(told.len(), 4);
    assert_eq!(told[3].header("Subject"), "[Shop status] Maintenance: Far away");
}
