//! A monitor over time: response times and states in buckets, from a quarter of an hour to 13 months, and the start of
//! its current state.

use std::collections::BTreeMap;
use std::time::Duration;

use analytics::check::{Phase, Phases};
use analytics::uptime::{Millis, Outcome};
use serde_json::{Value, json};
use store::checks::{CheckRow, KeptState, MonitorState, Record};

use crate::app::{TestApp, TestProject};
use crate::dial::servers::TcpServer;
use crate::watching::{SECOND_US, create, pass_until, show, start};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1_440 * MINUTE_MS;

async fn history(app: &TestApp, project: &TestProject, id: &Value, query: &str) -> Value {
    let answer = app.get_as(&project.key, &format!("/api/v1/monitors/{id}/history{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn sum(values: &Value) -> i64 {
    values.as_array().unwrap().iter().filter_map(Value::as_i64).sum()
}

/// A check of 30 ms that was up for 5 minutes, or failed and was down for 5 minutes.
fn record(id: i64, created_us: i64, at_ms: i64, is_up: bool) -> Record {
    let mut phases = Phases::default();
    phases.add(Phase::Connect, Duration::from_millis(10));
    phases.add(Phase::FirstByte, Duration::from_millis(20));
    let five = 5 * MINUTE_MS;
    let millis = match is_up {
        true => Millis { up: five, ..Millis::default() },
        false => Millis { down: five, ..Millis::default() },
    };
    let check = CheckRow {
        monitor: id,
        at_ms,
        outcome: if is_up { Outcome::Up } else { Outcome::Down },
        failure: None,
        detail: None,
        status: None,
        missed: 0,
        late_ms: 0,
        phases,
    };
    Record {
        check: Some(check),
        changes: BTreeMap::from([(at_ms, millis)]),
        state: MonitorState { id, created_us, kept: KeptState::default() },
        ..Record::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_and_states_of_any_period_come_in_at_most_200_buckets() {
    let (app, project, _names) = start().await;
    let made = create(
        &app,
        &project,
        json!({ "kind": "tcp", "target": "outside.test:9", "paused": true }),
    )
    .await;
    let id = made["id"].as_i64().unwrap();
    let created_us = app.shared().meta.any_monitor(id).unwrap().created_us;
    let now_ms = app.time() / 1_000;
    // A year, four rows per day; the one at noon of every tenth day failed.
    let today_ms = now_ms - now_ms.rem_euclid(DAY_MS);
    let mut records = Vec::new();
    for day in 1..=365 {
        for hour in [0, 6, 12, 18] {
            let at_ms = today_ms - day * DAY_MS + hour * 60 * MINUTE_MS;
            records.push(record(id, created_us, at_ms, day % 10 > 0 || hour != 12));
        }
    }
    app.shared().checks.write(&records).await.unwrap();
    let from = |days: i64| {
        let from = jiff::Timestamp::from_millisecond(now_ms - days * DAY_MS).unwrap();
        format!("?from={from}")
    };
    for (query, step, days) in [
        ("?period=24h".to_owned(), "15m", 1),
        ("?period=7d".to_owned(), "1h", 7),
        ("?period=30d".to_owned(), "6h", 30),
        (from(90), "1d", 90),
        ("?period=12mo".to_owned(), "1w", 365),
    ] {
        let answer = history(&app, &project, &json!(id), &query).await;
        assert_eq!(answer["step"], step, "{query}");
        let series = &answer["series"];
        let edges = answer["edges"].as_array().unwrap();
        assert!(edges.len() <= 201 && edges[0].as_i64().unwrap() <= now_ms - days * DAY_MS);
        for values in series.as_object().unwrap().values() {
            assert_eq!(values.as_array().unwrap().len(), edges.len() - 1, "{query}");
        }
        let (checks, failures) = (sum(&series["checks"]), sum(&series["failures"]));
        let about = (4 * days - 6..=4 * days).contains(&checks);
        assert!(about || days == 365 && checks == 1_460, "{query}: {checks}");
        assert!((failures - days / 10).abs() <= 1, "{query}: {failures}");
        assert_eq!(sum(&series["down_ms"]), failures * 5 * MINUTE_MS);
        assert_eq!(sum(&series["up_ms"]), (checks - failures) * 5 * MINUTE_MS);
        let timed =
            series["checks"].as_array().unwrap().iter().zip(series["total_ms"].as_array().unwrap());
        for (place, (checks, total)) in timed.enumerate() {
            let failures = &series["failures"][place];
            let expected = if checks == failures { json!(null) } else { json!(30.0) };
            assert_eq!(*total, expected, "{query} {place}");
            assert!(series["tls_ms"][place].is_null() || series["tls_ms"][place] == 0.0);
        }
        assert!(series["first_byte_ms"].as_array().unwrap().contains(&json!(20.0)));
    }
    let all = history(&app, &project, &json!(id), "?period=all").await;
    assert_eq!((sum(&all["series"]["checks"]), &all["step"]), (1_460, &json!("1w")));
    for query in ["?period=9d", "?from=x", "?colour=red", "?period=24h&from=2026-01-01T00:00:00Z"] {
        let path = format!("/api/v1/monitors/{id}/history{query}");
        assert_eq!(app.get_as(&project.key, &path).await.code(), "invalid_parameter", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_says_since_when_it_lasts_and_counts_up_to_now() {
    let (mut app, project, _names) = start().await;
    let server = TcpServer::http("127.0.0.2:0", |_| {
        "HTTP/1.1 200 X\r\ncontent-length: 0\r\n\r\n".to_owned()
    })
    .await;
    let url = format!("http://outside.test:{}/", server.address.port());
    let settings = json!({ "kind": "http", "url": url, "interval_s": 20, "timeout_ms": 5_000 });
    let made = create(&app, &project, settings).await;
    let id = &made["id"];
    assert_eq!((&made["state"], &made["since"]), (&json!("unknown"), &json!(null)));
    pass_until(&app, "up", async || show(&app, &project, id).await["state"] == "up").await;
    let first = show(&app, &project, id).await;
    assert_eq!(first["since"], first["last_check"]["at"]);
    let checked =
        async || show(&app, &project, id).await["last_check"]["at"] != first["last_check"]["at"];
    pass_until(&app, "another check", checked).await;
    app.restart().await;
    let later = show(&app, &project, id).await;
    assert_eq!((&later["state"], &later["since"]), (&first["state"], &first["since"]));
    // The time since the newest result is in no row yet, but counts.
    let since: jiff::Timestamp = first["since"].as_str().unwrap().parse().unwrap();
    let answer = history(&app, &project, id, "").await;
    let up_ms = sum(&answer["series"]["up_ms"]);
    assert_eq!(up_ms, app.time() / 1_000 - since.as_millisecond());
    app.set_time(app.time() + 3_600 * SECOND_US);
    let list = app.get_as(&project.key, "/api/v1/monitors?uptime=false").await.json();
    assert_eq!(list["monitors"][0]["state"], "unknown");
    assert_ne!(list["monitors"][0]["since"], first["since"]);
}
