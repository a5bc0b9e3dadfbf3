//! Settings of monitors, and verdicts on responses.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::heartbeat::Signal;
use super::*;

const MS: Duration = Duration::from_millis(1);

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn compile(settings: Value) -> Result<Monitor, FieldError> {
    Monitor::compile(MonitorSettings::default().changed(object(settings))?, Some(&[]))
}

fn http(more: Value) -> Result<Monitor, FieldError> {
    let mut settings = object(json!({ "kind": "http", "url": "https://example.com/health" }));
    settings.extend(object(more));
    compile(Value::Object(settings))
}

#[track_caller]
fn assert_refused(compiled: Result<Monitor, FieldError>, field: &str, words: &str) {
    let refused = compiled.expect_err("it was accepted");
    assert_eq!(refused.field, field, "{refused}");
    assert!(refused.message.contains(words), "{refused}");
}

#[test]
fn defaults_are_filled_in() {
    let monitor = http(json!({})).unwrap();
    assert_eq!(
        (monitor.name.as_str(), monitor.interval_ms, monitor.paused),
        ("example.com", 60_000, false)
    );
    assert_eq!((monitor.confirm.down_after, monitor.confirm.up_after), (3, 2));
    let filled = serde_json::to_value(&monitor.settings).unwrap();
    assert_eq!(
        filled,
        json!({
            "kind": "http", "name": "example.com", "paused": false, "interval_s": 60, "timeout_ms": 10_000, "down_after": 3,
            "up_after": 2, "address_family": "any", "url": "https://example.com/health", "method": "GET", "headers": {},
            "body": "", "expected_statuses": ["2xx"], "follow_redirects": true, "verify_certificate": true,
        })
    );
    // The settings with their defaults filled in compile to the same monitor.
    let again = Monitor::compile(monitor.settings.clone(), Some(&[])).unwrap();
    assert_eq!(again.settings, monitor.settings);
    let tcp = compile(json!({ "kind": "tcp", "target": "DB.example.com:5432" })).unwrap();
    assert_eq!(
        (tcp.name.as_str(), tcp.host().as_deref()),
        ("db.example.com:5432", Some("db.example.com"))
    );
    let heartbeat = compile(json!({ "kind": "heartbeat", "period_s": 3_600 })).unwrap();
    assert_eq!((heartbeat.confirm.down_after, heartbeat.confirm.up_after), (1, 1));
}

#[test]
fn an_error_names_the_field() {
    assert_refused(compile(json!({})), "kind", "is missing");
    assert_refused(compile(json!({ "kind": "ping" })), "kind", "unknown variant");
    assert_refused(compile(json!({ "kind": "http" })), "url", "is missing");
    assert_refused(compile(json!({ "kind": "tcp" })), "target", "is missing");
    assert_refused(compile(json!({ "kind": "heartbeat" })), "period_s", "is missing");
    assert_refused(http(json!({ "colour": "red" })), "colour", "isn't a field");
    assert_refused(http(json!({ "interval_s": "often" })), "interval_s", "cannot be read");
    for (more, field, words) in [
        (json!({ "url": "ftp://example.com" }), "url", "begins with `ftp:`"),
        (json!({ "url": "https://user:secret@example.com/" }), "url", "user name"),
        (json!({ "url": "http://10.0.0.1/" }), "url", "private address"),
        (json!({ "url": "http://0x7f.1/" }), "url", "loopback address"),
        (json!({ "url": "http://[::ffff:169.254.169.254]/" }), "url", "cloud metadata address"),
        (json!({ "name": "n".repeat(101) }), "name", "longer than 100"),
        (json!({ "interval_s": 19 }), "interval_s", "20 s to 1 day"),
        (json!({ "interval_s": 86_401 }), "interval_s", "20 s to 1 day"),
        (
            json!({ "interval_s": 20, "timeout_ms": 20_000 }),
            "timeout_ms",
            "below the interval of 20 s",
        ),
        (json!({ "timeout_ms": 99 }), "timeout_ms", "100 ms to 1 min"),
        (json!({ "degraded_above_ms": 10_001 }), "degraded_above_ms", "1 ms to 10 s"),
        (json!({ "down_after": 0 }), "down_after", "1 to 20"),
        (json!({ "up_after": 21 }), "up_after", "1 to 20"),
        (json!({ "method": "CONNECT" }), "method", "is none of"),
        (json!({ "method": "HEAD", "body_contains": "ok" }), "method", "no body"),
        (json!({ "headers": { "Host": "inner" } }), "headers", "sets itself"),
        (json!({ "headers": { "Content-Length": "5" } }), "headers", "sets itself"),
        (json!({ "headers": { "a b": "c" } }), "headers", "no header can have"),
        (json!({ "headers": { "X-A": "a\r\nHost: inner" } }), "headers", "not ASCII"),
        (json!({ "headers": { "X-A": "1", "x-a": "2" } }), "headers", "twice"),
        (json!({ "headers": { "X-A": null } }), "headers", "none is kept"),
        (json!({ "body": "b".repeat(16_385) }), "body", "16 KiB"),
        (json!({ "expected_statuses": [] }), "expected_statuses", "1 to 20"),
        (json!({ "expected_statuses": ["2xx", "ok"] }), "expected_statuses", "\"ok\""),
        (json!({ "body_contains": "c".repeat(1_025) }), "body_contains", "1024"),
        (json!({ "json": { "path": "status", "operator": "exists" } }), "json", "cannot be read"),
        (
            json!({ "json": { "path": "$.a", "operator": "exists", "value": 1 } }),
            "json",
            "do not take",
        ),
        (
            json!({ "json": { "path": "$.a", "operator": "less", "value": "x" } }),
            "json",
            "needs a number",
        ),
        (json!({ "json": { "path": "$..a..b", "operator": "exists" } }), "json", "too much"),
        (json!({ "json": { "path": "$[*,*][*,*]", "operator": "exists" } }), "json", "too much"),
        (json!({ "target": "a.example:1" }), "target", "kind `http`"),
        (json!({ "cron": "* * * * *" }), "cron", "kind `http`"),
    ] {
        assert_refused(http(more), field, words);
    }
    for (more, field, words) in [
        (json!({ "period_s": 29 }), "period_s", "30 s to 366 days"),
        (json!({ "period_s": 60, "cron": "* * * * *" }), "cron", "choose one"),
        (json!({ "cron": "61 * * * *" }), "cron", "cannot be used"),
        (json!({ "cron": "0 0 30 2 *" }), "cron", "never"),
        (
            json!({ "cron": "* * * * *", "time_zone": "Mars/Base" }),
            "time_zone",
            "unknown time zone",
        ),
        (json!({ "period_s": 60, "time_zone": "UTC" }), "time_zone", "goes with"),
        (json!({ "period_s": 60, "grace_s": 9 }), "grace_s", "10 s to"),
        (json!({ "period_s": 60, "url": "https://example.com" }), "url", "kind `heartbeat`"),
        (json!({ "period_s": 60, "timeout_ms": 1_000 }), "timeout_ms", "kind `heartbeat`"),
    ] {
        let mut settings = object(json!({ "kind": "heartbeat" }));
        settings.extend(object(more));
        assert_refused(compile(Value::Object(settings)), field, words);
    }
    assert_refused(compile(json!({ "kind": "tcp", "target": "127.1:80" })), "target", "loopback");
}

#[test]
fn an_inner_address_is_accepted_where_its_network_is_allowed() {
    let settings = MonitorSettings::default();
    let settings =
        settings.changed(object(json!({ "kind": "http", "url": "http://10.1.2.3/" }))).unwrap();
    assert!(Monitor::compile(settings.clone(), Some(&["10.0.0.0/8".parse().unwrap()])).is_ok());
    // A stored one is only judged at each check.
    assert!(Monitor::compile(settings, None).is_ok());
}

#[test]
fn a_change_leaves_the_rest_and_keeps_secrets() {
    let before = http(
        json!({ "headers": { "Authorization": "Bearer one", "X-B": "two" }, "interval_s": 30 }),
    )
    .unwrap()
    .settings;
    let shown = serde_json::to_value(before.clone().without_secrets()).unwrap();
    assert_eq!(shown["headers"], json!({ "authorization": null, "x-b": null }));
    assert!(!format!("{before:?}").contains("Bearer"), "{before:?}");
    // The settings as shown can be sent back.
    let change = object(
        json!({ "headers": { "AUTHORIZATION": null, "x-c": "three" }, "interval_s": null, "name": "API" }),
    );
    let after = Monitor::compile(before.changed(change).unwrap(), Some(&[])).unwrap();
    let Probe::Http(probe) = &after.probe else { panic!("{after:?}") };
    let headers: Vec<(&str, &str)> =
        probe.headers.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
    assert_eq!(headers, [("authorization", "Bearer one"), ("x-c", "three")]);
    assert_eq!((after.interval_ms, after.name.as_str()), (60_000, "API"));
    assert!(before.changed(object(json!({ "colour": null }))).is_err());
}

fn judge(more: Value, status: u16, body: &str, took: Duration) -> Verdict {
    let monitor = http(more).unwrap();
    let Probe::Http(probe) = &monitor.probe else { panic!("{monitor:?}") };
    probe.judge(status, body.as_bytes(), took)
}

#[track_caller]
fn check(more: Value, status: u16, body: &str, expected: Option<Failure>) {
    let verdict = judge(more, status, body, MS);
    assert_eq!(verdict.failure, expected, "{verdict:?}");
    assert_eq!(verdict.outcome == Outcome::Up, expected.is_none());
}

#[test]
fn statuses_are_expected_one_by_one_and_by_class() {
    for (statuses, status, fits) in [
        (json!(["2xx"]), 200, true),
        (json!(["2xx"]), 299, true),
        (json!(["2xx"]), 301, false),
        (json!(["204"]), 204, true),
        (json!(["204"]), 200, false),
        (json!(["200-204", "4XX"]), 203, true),
        (json!(["200-204", "4XX"]), 404, true),
        (json!(["200-204", "4XX"]), 500, false),
    ] {
        let expected = (!fits).then_some(Failure::Status);
        check(json!({ "expected_statuses": statuses }), status, "", expected);
    }
    let verdict = judge(json!({ "expected_statuses": ["200-204", "3xx", "418"] }), 503, "", MS);
    assert_eq!(verdict.detail.as_deref(), Some("status 503, expected 200-204, 3xx, 418"));
    for text in ["", "xx", "6xx", "20", "2000", "300-200", "abc", "2xx-3xx", "+20"] {
        assert_eq!(StatusRange::parse(text), None, "{text}");
    }
}

#[test]
fn bodies_contain_and_do_not_contain() {
    check(json!({ "body_contains": "ok" }), 200, "all ok", None);
    check(json!({ "body_contains": "ok" }), 200, "all bad", Some(Failure::Assertion));
    check(json!({ "body_excludes": "error" }), 200, "all ok", None);
    check(json!({ "body_excludes": "error" }), 200, "an error", Some(Failure::Assertion));
    check(json!({ "body_contains": "" }), 200, "", None);
    let verdict = judge(json!({ "body_contains": "needle" }), 200, "secret of the host", MS);
    assert!(!format!("{verdict:?}").contains("secret"), "{verdict:?}");
}

#[test]
fn json_values_are_compared() {
    let body = r#"{"status":"ok","count":5,"ready":true,"list":[{"n":1},{"n":9}],"none":null}"#;
    for (path, operator, value, fits) in [
        ("$.status", "equals", json!("ok"), true),
        ("$.status", "equals", json!("bad"), false),
        ("$.status", "not_equals", json!("bad"), true),
        ("$.status", "not_equals", json!("ok"), false),
        ("$.status", "contains", json!("o"), true),
        ("$.count", "equals", json!("5"), true),
        ("$.count", "equals", json!(5), true),
        ("$.count", "less", json!(6), true),
        ("$.count", "less", json!(5), false),
        ("$.count", "greater", json!("4.5"), true),
        ("$.ready", "equals", json!("true"), true),
        ("$.ready", "equals", json!(true), true),
        ("$.list[*].n", "greater", json!(8), true),
        ("$.list[*].n", "not_equals", json!(9), false),
        ("$.list[?@.n > 5].n", "equals", json!(9), true),
        ("$..n", "equals", json!(1), true),
        ("$.missing", "missing", json!(null), true),
        ("$.missing", "exists", json!(null), false),
        ("$.missing", "not_equals", json!(1), false),
        ("$.none", "exists", json!(null), true),
        ("$.none", "equals", json!(null), true),
    ] {
        let mut rule = json!({ "path": path, "operator": operator });
        if !value.is_null() {
            rule["value"] = value.clone();
        }
        let expected = (!fits).then_some(Failure::Assertion);
        let verdict = judge(json!({ "json": rule }), 200, body, MS);
        assert_eq!(verdict.failure, expected, "{path} {operator} {value}: {verdict:?}");
    }
    check(
        json!({ "json": { "path": "$.a", "operator": "exists" } }),
        200,
        "<html>",
        Some(Failure::Assertion),
    );
    check(
        json!({ "json": { "path": "$.a", "operator": "exists" } }),
        200,
        &"[".repeat(1 << 20),
        Some(Failure::Assertion),
    );
}

#[test]
fn the_widest_path_over_the_deepest_body_ends_soon() {
    // As many values as fit, nested as deep as a body may be.
    let body = format!("{}{}{}", "[".repeat(100), "1,".repeat(500_000) + "1", "]".repeat(100));
    let began = std::time::Instant::now();
    for path in ["$..[*,*]", "$..[?@.a || @.b]", "$[*][*][*][*]", "$..[?@[?@ > 1]]"] {
        let rule = json!({ "path": path, "operator": "equals", "value": "x" });
        check(json!({ "json": rule }), 200, &body, Some(Failure::Assertion));
    }
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn slower_than_so_much_is_degraded() {
    let took = |ms: u32| judge(json!({ "degraded_above_ms": 500 }), 200, "", MS * ms).outcome;
    assert_eq!((took(500), took(501)), (Outcome::Up, Outcome::Degraded));
    // A wrong answer is down, however slow.
    assert_eq!(
        judge(json!({ "degraded_above_ms": 500 }), 500, "", MS * 900).outcome,
        Outcome::Down
    );
    assert_eq!(Verdict::of(Failure::Ours).outcome, Outcome::Unknown);
}

const MINUTE_MS: i64 = 60_000;

#[test]
fn a_heartbeat_is_missed_after_its_period_and_grace() {
    let monitor = compile(json!({ "kind": "heartbeat", "period_s": 600, "grace_s": 60 })).unwrap();
    let Probe::Heartbeat(heartbeat) = &monitor.probe else { panic!("{monitor:?}") };
    let mut signals = Signals::default();
    let judged = |signals: &Signals, minute: i64| {
        let verdict = heartbeat.judge(signals, minute * MINUTE_MS);
        (verdict.outcome, verdict.failure)
    };
    assert_eq!(judged(&signals, 1_000), (Outcome::Unknown, None));
    signals.note(Signal::Success, 0);
    assert_eq!(judged(&signals, 11), (Outcome::Up, None));
    assert_eq!(judged(&signals, 12), (Outcome::Down, Some(Failure::Missed)));
    // A job that began has not succeeded yet.
    signals.note(Signal::Start, 11 * MINUTE_MS);
    assert_eq!(judged(&signals, 12), (Outcome::Down, Some(Failure::Missed)));
    signals.note(Signal::Success, 13 * MINUTE_MS);
    assert_eq!((judged(&signals, 13), signals.took_ms), ((Outcome::Up, None), Some(2 * MINUTE_MS)));
    signals.note(Signal::Fail, 14 * MINUTE_MS);
    assert_eq!(judged(&signals, 14), (Outcome::Down, Some(Failure::ReportedFailure)));
    // Without a start the duration is unknown.
    assert_eq!(signals.took_ms, None);
    signals.note(Signal::Success, 15 * MINUTE_MS);
    assert_eq!(judged(&signals, 15), (Outcome::Up, None));
    let mut begun = Signals::default();
    begun.note(Signal::Start, 0);
    assert_eq!(
        (judged(&begun, 11), judged(&begun, 12)),
        ((Outcome::Unknown, None), (Outcome::Down, Some(Failure::Missed)))
    );
}

#[test]
fn a_heartbeat_by_cron_is_due_at_local_times() {
    let settings = json!({ "kind": "heartbeat", "cron": "30 2 * * *", "time_zone": "Europe/Berlin", "grace_s": 600 });
    let monitor = compile(settings).unwrap();
    let Probe::Heartbeat(heartbeat) = &monitor.probe else { panic!("{monitor:?}") };
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let mut signals = Signals::default();
    signals.note(Signal::Success, at("2026-10-24T00:30:05Z"));
    // The clocks go back on the 25th: half past two is first 00:30 UTC, and not due twice.
    assert_eq!(heartbeat.deadline_ms(&signals), Some(at("2026-10-25T00:40:00Z")));
    signals.note(Signal::Success, at("2026-10-25T00:30:05Z"));
    assert_eq!(heartbeat.deadline_ms(&signals), Some(at("2026-10-26T01:40:00Z")));
}

#[test]
fn slots_are_spread_and_stay_where_they_are() {
    let interval_ms = 60_000;
    let mut seconds = [0; 60];
    for id in 0..6_000 {
        let slot_ms = next_slot_ms(id, interval_ms, 1_795_348_800_000);
        assert!(slot_ms > 1_795_348_800_000 && slot_ms <= 1_795_348_860_000);
        assert_eq!(next_slot_ms(id, interval_ms, slot_ms), slot_ms + interval_ms);
        assert_eq!(next_slot_ms(id, interval_ms, slot_ms - 1), slot_ms);
        assert_eq!(slot_ms.rem_euclid(interval_ms), slot_offset_ms(id, interval_ms));
        seconds[(slot_ms / 1_000 % 60) as usize] += 1;
    }
    assert!(seconds.iter().all(|checks| (50..160).contains(checks)), "{seconds:?}");
    assert_eq!(next_slot_ms(7, 20_000, -5_000) - next_slot_ms(7, 20_000, -25_000), 20_000);
}
