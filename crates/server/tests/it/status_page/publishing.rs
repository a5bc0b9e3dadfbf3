//! Incidents, maintenance and the success of real users on a status page, as their owner publishes them.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{change, everything, later, published};
use crate::app::hit;
use crate::watching::{SECOND_US, call, pass_until, show, start};

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_as_its_owner_publishes_it() {
    let (mut app, project, _names) = start().await;
    let (id, status, _target) = published(&app, &project).await;
    let up = app.get("/status/shop/json").await.json();
    assert_eq!((&up["state"], &up["title"]), (&json!("operational"), &json!("Shop status")));
    let service = &up["groups"][0]["services"][0];
    assert_eq!((&service["name"], &service["state"]), (&json!("Orders"), &json!("up")));
    let days = service["days"].as_array().unwrap();
    assert_eq!((days.len(), &days[0]["state"]), (90, &json!("unknown")), "never green");
    assert_eq!(service["uptime_percent"], json!(null), "too little is known of 90 days");
    let page = app.get("/status/shop").await.text();
    assert!(page.contains("All services are operational") && page.contains("– over 90 days"));
    assert!(page.contains("No incident was reported") && !page.contains("<h2 id=now>"), "{page}");
    assert!(app.get("/status/shop/badge/orders.svg").await.text().contains(">operational</text>"));

    status.store(503, Ordering::SeqCst);
    pass_until(&app, "down", async || show(&app, &project, &id).await["is_down"] == true).await;
    let page = later(&app, "/status/shop").await.text();
    assert!(page.contains("All services are down") && !page.contains("<h2 id=now>"), "{page}");
    assert!(app.get("/status/shop/badge.svg").await.text().contains(">down</text>"));
    // Its owner's texts appear at once; without a title they are not shown.
    let incident = format!("/api/v1/incidents/{id}-1");
    let first = json!({ "update": "Requests fail.", "note": "needle-note" });
    assert_eq!(call(&app, &project.key, "PATCH", &incident, first).await.status, 200);
    assert!(!everything(&app, "shop").await.contains("Requests fail."));
    let publish = json!({ "public_title": "Orders cannot be placed", "update": "A database <b>fails</b>\nover.", "stage": "identified" });
    let told = call(&app, &project.key, "PATCH", &incident, publish).await.json();
    assert_eq!(told["incident"]["severity"], "major");
    assert_eq!(
        (&told["updates"][0]["stage"], &told["updates"][1]["stage"]),
        (&json!("investigating"), &json!("identified"))
    );
    let page = app.get("/status/shop").await.text();
    for part in [
        "<h2 id=now>Now</h2>",
        "Orders cannot be placed",
        ">major</span>",
        "<b>Identified</b>",
        "<p>A database &lt;b&gt;fails&lt;/b&gt;<br>over.</p>",
        "Requests fail.",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(page.find("Identified").unwrap() < page.find("Investigating").unwrap(), "newest first");
    let feed = app.get("/status/shop/rss").await;
    assert_eq!(feed.header("content-type"), "application/rss+xml; charset=utf-8");
    for part in [
        "<title>Identified: Orders cannot be placed</title>",
        "<title>Investigating: Orders cannot be placed</title>",
        "<description>A database &lt;b&gt;fails&lt;/b&gt;\nover.</description>",
    ] {
        assert!(feed.text().contains(part), "{part}\n{}", feed.text());
    }
    let answer = app.get("/status/shop/json").await.json();
    let open = answer["incidents"][0].clone();
    assert_eq!(
        (&open["title"], &open["ended_at"]),
        (&json!("Orders cannot be placed"), &json!(null))
    );
    assert!(feed.text().contains(&format!("#{}</link>", open["id"].as_str().unwrap())));

    // It ends by itself, with the checks, and survives a restart.
    status.store(200, Ordering::SeqCst);
    pass_until(&app, "up", async || show(&app, &project, &id).await["state"] == "up").await;
    app.restart().await;
    let answer = later(&app, "/status/shop/json").await.json();
    assert_eq!((&answer["state"], &answer["incidents"]), (&json!("operational"), &json!([])));
    let over = &answer["earlier"][0];
    assert_eq!((&over["id"], &over["updates"][2]["stage"]), (&open["id"], &json!("resolved")));
    let down_ms = &answer["groups"][0]["services"][0]["days"][89]["down_ms"];
    assert!(down_ms.as_i64().unwrap() >= 40_000, "{down_ms}");
    let page = app.get("/status/shop").await.text();
    assert!(page.contains("2 earlier updates") && !page.contains("<h2 id=now>"), "{page}");

    // Removed from the page, it is gone.
    let off = json!({ "public_title": null });
    assert_eq!(call(&app, &project.key, "PATCH", &incident, off).await.status, 200);
    assert!(!everything(&app, "shop").await.contains("cannot be placed"));
    for wrong in [
        json!({ "severity": "minor" }),
        json!({ "public_title": " " }),
        json!({ "public_title": "x".repeat(101) }),
    ] {
        assert_eq!(
            call(&app, &project.key, "PATCH", &incident, wrong).await.code(),
            "invalid_incident"
        );
    }
    assert_eq!(
        call(&app, &project.key, "PATCH", &incident, json!({ "stage": "done" })).await.code(),
        "invalid_json"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_ends_for_visitors_when_its_owner_says_so() {
    let (app, project, _names) = start().await;
    let (id, status, _target) = published(&app, &project).await;
    status.store(503, Ordering::SeqCst);
    pass_until(&app, "down", async || show(&app, &project, &id).await["is_down"] == true).await;
    let incident = format!("/api/v1/incidents/{id}-1");
    let publish = json!({ "public_title": "Trouble", "severity": "minor" });
    assert_eq!(call(&app, &project.key, "PATCH", &incident, publish).await.status, 200);
    let page = app.get("/status/shop").await.text();
    assert!(page.contains(">minor</span>") && page.contains("<p>Since <time"), "{page}");
    assert!(app.get("/status/shop/rss").await.text().contains("<title>Trouble</title>"));
    let resolved = json!({ "stage": "resolved" });
    assert_eq!(call(&app, &project.key, "PATCH", &incident, resolved).await.status, 200);
    let answer = app.get("/status/shop/json").await.json();
    assert_eq!(
        (
            answer["incidents"].as_array().unwrap().len(),
            &answer["earlier"][0]["updates"][0]["text"]
        ),
        (0, &json!(""))
    );
    // The checks still show their results.
    assert_eq!(answer["state"], "down");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_success_of_real_users_stands_beside_the_bars_where_its_owner_wants_it() {
    let (app, project, _names) = start().await;
    let (_, _status, _target) = published(&app, &project).await;
    let at = jiff::Timestamp::from_microsecond(app.time() - SECOND_US).unwrap().to_string();
    let of = |host: &str, status: u16| {
        hit("/buy", json!({ "hostname": host, "status": status, "created_at": at }))
    };
    let mut hits = vec![of("outside.test", 500), of("other.test", 500), of("other.test", 502)];
    hits.extend((0..7).map(|_| of("Outside.test", 404)));
    assert_eq!(app.post_hits(&project.key, json!(hits)).await.json()["accepted"], 10);
    app.settle().await;
    let requests = async || {
        let answer = later(&app, "/status/shop/json").await.json();
        answer["groups"][0]["services"][0]["requests_percent"].clone()
    };
    assert_eq!(requests().await, json!(null), "not without its owner's will");
    change(&app, &project, json!({ "show_requests": true })).await;
    assert_eq!(requests().await, "87.50", "7 of 8; only those of its host");
    assert!(app.get("/status/shop").await.text().contains("87.50\u{a0}% of requests"));
}

#[tokio::test(flavor = "multi_thread")]
async fn published_maintenance_is_announced_and_shown_while_it_takes_place() {
    let (app, project, _names) = start().await;
    let (id, _status, _target) = published(&app, &project).await;
    let time = |seconds: i64| {
        jiff::Timestamp::from_microsecond(app.time() + seconds * SECOND_US).unwrap().to_string()
    };
    let path = "/api/v1/maintenance";
    let schedule = json!({ "kind": "once", "from": time(3_600), "to": time(7_200) });
    let window = json!({ "title": "Upgrade <1>", "text": "The database.", "monitors": [id], "schedule": schedule });
    let planned = call(&app, &project.key, "POST", path, window).await;
    assert_eq!(planned.status, 201, "{}", planned.text());
    assert!(!everything(&app, "shop").await.contains("Upgrade"), "it is not published");
    let path = format!("{path}/{}", planned.json()["id"]);
    let publish = json!({ "published": true });
    assert_eq!(call(&app, &project.key, "PATCH", &path, publish).await.status, 200);
    let announced = app.get("/status/shop/json").await.json();
    let window = &announced["maintenance"][0];
    assert_eq!((&window["title"], &window["current"]), (&json!("Upgrade <1>"), &json!(false)));
    assert_eq!(window["services"], json!([]), "all of the page");
    assert_eq!(announced["state"], "operational");
    let page = app.get("/status/shop").await.text();
    let planned = page.split_once("<h2 id=planned>Planned</h2>").unwrap().1;
    assert!(planned.contains("Upgrade &lt;1&gt;") && planned.contains("The database."), "{page}");
    assert!(app.get("/status/shop/rss").await.text().contains("Maintenance: Upgrade &lt;1&gt;"));

    app.set_time(app.time() + 3_601 * SECOND_US);
    pass_until(&app, "maintenance", async || {
        show(&app, &project, &id).await["state"] == "maintenance"
    })
    .await;
    let during = later(&app, "/status/shop/json").await.json();
    assert_eq!(
        (&during["state"], &during["maintenance"][0]["current"]),
        (&json!("maintenance"), &json!(true))
    );
    let page = app.get("/status/shop").await.text();
    assert!(page.contains("<h2 id=now>Now</h2>") && !page.contains("<h2 id=planned>"), "{page}");
    assert!(app.get("/status/shop/badge/orders.svg").await.text().contains(">maintenance</text>"));
    assert_eq!(app.delete_as(&project.key, &path).await.status, 204);
    assert_eq!(app.get("/status/shop/json").await.json()["maintenance"], Value::Array(vec![]));
}
