//! `/api/v1/changes`: the rows about two periods, and who sees them. `analytics::changes` tests what counts as a
//! change.

use serde_json::{Value, json};

use crate::app::{TestApp, TestProject, hit};

/// Now is noon. In the hour from 10:00 the app is fine; since 11:00 `/pay` fails, `/slow` is slow, `gone` is silent and
/// `new` calls.
async fn with_changes() -> (TestApp, TestProject) {
    let app = TestApp::start().await;
    let project = app.project().await;
    let mut hits = Vec::new();
    for n in 0..120 {
        for hour in [10, 11] {
            let later = hour == 11;
            let time = format!("2026-11-22T{hour:02}:{:02}:{:02}Z", n / 2, n % 2 * 30);
            let user = match (n % 2 == 0, later) {
                (true, _) => "stays",
                (false, false) => "gone",
                (false, true) => "new",
            };
            let status = if later && n % 5 == 0 { 503 } else { 200 };
            let ms = if later { 300 } else { 30 };
            let more = json!({ "created_at": time, "response_time": 30, "user_id": user });
            let with = |path: &str, extra: Value| {
                let mut hit = hit(path, more.clone());
                extra
                    .as_object()
                    .unwrap()
                    .iter()
                    .for_each(|(name, value)| hit[name] = value.clone());
                hit
            };
            hits.push(with("/pay", json!({ "status": status })));
            hits.push(with("/slow", json!({ "response_time": ms })));
            hits.push(with("/same", json!({})));
            // Identified by their address only.
            let address = if later { "198.51.100.8" } else { "198.51.100.7" };
            hits.push(with("/same", json!({ "user_id": "", "ip_address": address })));
        }
    }
    app.post_hits(&project.key, json!(hits)).await;
    (app, project)
}

const HOUR: &str = "/api/v1/changes?from=2026-11-22T11:00:00Z&to=2026-11-22T12:00:00Z";

/// The subject of each row, and its kind.
fn rows(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = |row: &Value| {
        if row["route"].is_null() { text(&row["key"]) } else { text(&row["route"]) }
    };
    let kind = |row: &Value| {
        if row["verdict"].is_null() { text(&row["news"]) } else { text(&row["verdict"]) }
    };
    answer["rows"].as_array().unwrap().iter().map(|row| (name(row), kind(row))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_is_said_in_at_most_five_rows() {
    let (app, project) = with_changes().await;
    let answer = app.get_as(&project.key, &format!("{HOUR}&compare=previous")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let changes = answer.json();
    let said = rows(&changes);
    let said: Vec<(&str, &str)> = said.iter().map(|(name, kind)| (&**name, &**kind)).collect();
    assert_eq!(
        said,
        [
            ("/pay", "fails_more"),
            ("/slow", "slower"),
            ("u:gone", "quiet"),
            ("a:198.51.100.7", "quiet"),
            ("u:new", "appeared"),
        ]
    );
    let pay = &changes["rows"][0];
    assert_eq!(
        (&pay["after"]["requests"], &pay["after"]["server_errors"]),
        (&json!(120), &json!(24))
    );
    assert_eq!(pay["before"]["server_errors"], 0);
    assert_eq!(
        (&changes["rows"][2]["before"], &changes["rows"][2]["after"]),
        (&json!(180), &json!(0))
    );
    assert_eq!(
        changes["previous"],
        json!({ "from": "2026-11-22T10:00:00Z", "to": "2026-11-22T11:00:00Z" })
    );
    // A filter applies to both periods.
    let slow = app.get_as(&project.key, &format!("{HOUR}&compare=previous&q=path:/slow")).await;
    assert_eq!(rows(&slow.json()).len(), 3, "{}", slow.text());
    assert_eq!(rows(&slow.json())[0].0, "/slow");
    // Nothing is compared without `compare`, for all time, or with a period before the first hit.
    for query in [
        HOUR.to_owned(),
        "/api/v1/changes?period=all&compare=previous".to_owned(),
        "/api/v1/changes?period=24h&compare=previous".to_owned(),
    ] {
        let none = app.get_as(&project.key, &query).await;
        assert_eq!((none.status.as_u16(), rows(&none.json()).len()), (200, 0), "{query}");
    }
    let wrong = app.get_as(&project.key, &format!("{HOUR}&compare=other")).await;
    assert_eq!(wrong.code(), "invalid_parameter");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_like_the_one_before_has_nothing_to_say() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let hits = (0..400).map(|n| {
        let time = format!("2026-11-22T{:02}:{:02}:00Z", 10 + n / 200, n % 60);
        let status = if n % 11 == 0 { 500 } else { 200 };
        hit("/a", json!({ "created_at": time, "status": status, "user_id": format!("u{}", n % 3) }))
    });
    app.post_hits(&project.key, hits.collect()).await;
    let answer = app.get_as(&project.key, &format!("{HOUR}&compare=previous")).await.json();
    assert_eq!(answer["rows"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_called_is_said_to_those_who_may_see_it() {
    let (app, project) = with_changes().await;
    for (link, shown, hidden) in [
        (json!({}), &["/pay", "/slow"][..], &["gone", "u:new", "198.51"][..]),
        (json!({ "hits": true, "addresses": true }), &["/pay"], &["gone", "u:new", "198.51"]),
        (json!({ "consumers": true }), &["/pay", "u:gone", "u:new"], &["198.51"]),
        (json!({ "consumers": true, "addresses": true }), &["u:gone", "198.51.100.7"], &[]),
        (
            json!({ "q": "path:/same", "consumers": true }),
            &["u:gone"],
            &["/pay", "/slow", "198.51"],
        ),
    ] {
        let made = app.post("/api/v1/share-links", &[("x-auth-token", &project.key)], &link).await;
        let token = made.json()["token"].as_str().unwrap().to_owned();
        let answer = app.get_as(&token, &format!("{HOUR}&compare=previous")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        for word in shown {
            assert!(answer.text().contains(word), "{link} {word}: {}", answer.text());
        }
        for word in hidden {
            assert!(!answer.text().contains(word), "{link} {word}: {}", answer.text());
        }
    }
    let ingest = app.ingest_key(&project).await;
    assert_eq!(app.get_as(&ingest, HOUR).await.code(), "ingest_only_key");
}
