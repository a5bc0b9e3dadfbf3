//! Settings as an owner writes them: their meaning, and the ones that are refused.

use serde_json::{Map, Value, json};

use super::*;
use crate::alert::Finding;
use crate::alert::Silence;

fn settings(fields: Value) -> Result<RuleSettings, RuleFieldError> {
    let Value::Object(fields) = fields else { return RuleSettings::default().changed(Map::new()) };
    RuleSettings::default().changed(fields)
}

fn compiled(fields: Value) -> AnyRule {
    settings(fields).unwrap().compile().unwrap()
}

#[test]
fn a_rule_is_ready_made_or_its_own() {
    let spike = compiled(json!({ "ready_made": "server_error_spike" }));
    assert_eq!(spike, AnyRule::ReadyMade(ReadyMade::ServerErrorSpike));
    assert_eq!(
        (spike.label().as_str(), spike.severity("")),
        ("more server errors than usual", Severity::Critical)
    );
    assert_eq!(spike.timing(), ReadyMade::ServerErrorSpike.rule().timing());
    let burn = compiled(json!({ "ready_made": "burn_rate", "goal_percent": 99.9 }));
    assert_eq!(burn, AnyRule::Burn(Goal { bad_ppm: 1_000 }));
    assert_eq!(burn.severity("burn_slow"), Severity::Warning);
    let own = compiled(json!({ "metric": "p95_ms", "at_least": 250, "q": "path:/v1/*" }));
    let AnyRule::Own { rule, severity } = &own else { panic!("{own:?}") };
    assert_eq!((rule.window_minutes, rule.group_by, *severity), (5, Group::All, Severity::Warning));
    assert_eq!(own.label(), "95th percentile of response times: at least 250 ms");
    assert!(!own.is_about_absence() && !burn.is_about_absence());
    assert!(compiled(json!({ "metric": "requests", "at_most": 0 })).is_about_absence());
    assert!(compiled(json!({ "ready_made": "traffic_stopped" })).is_about_absence());
    for row in READY_MADE {
        assert_eq!(compiled(json!({ "ready_made": row.name })), AnyRule::ReadyMade(row.kind));
    }
}

#[test]
fn an_error_names_the_field() {
    let metric = json!({ "metric": "requests", "at_least": 5 });
    let with = |field: &str, value: Value| {
        let mut fields = metric.clone();
        fields[field] = value;
        fields
    };
    for (fields, field) in [
        (json!({}), "metric"),
        (json!({ "metric": "requests" }), "at_least"),
        (json!({ "metric": "colours" }), "metric"),
        (json!({ "colour": "red" }), "colour"),
        (json!({ "paused": "yes" }), "paused"),
        (json!({ "ready_made": "nothing" }), "ready_made"),
        (json!({ "ready_made": "burn_rate" }), "goal_percent"),
        (json!({ "ready_made": "burn_rate", "goal_percent": 100 }), "goal_percent"),
        (json!({ "ready_made": "traffic_burst", "goal_percent": 99 }), "goal_percent"),
        (json!({ "ready_made": "traffic_burst", "for_minutes": 9 }), "for_minutes"),
        (with("goal_percent", json!(99)), "goal_percent"),
        (with("at_most", json!(2)), "at_most"),
        (with("at_least", json!(0)), "at_least"),
        (with("q", json!("colour:red")), "q"),
        (with("window_minutes", json!(1_441)), "window_minutes"),
        (with("window_minutes", json!(-1)), "window_minutes"),
        (with("for_minutes", json!(1_441)), "for_minutes"),
        (with("keep_minutes", json!(1_441)), "keep_minutes"),
        (with("group_by", json!("country")), "group_by"),
        (json!({ "metric": "consumers", "at_least": 1, "group_by": "endpoint" }), "group_by"),
        (json!({ "metric": "server_error_share", "at_least": 101 }), "at_least"),
        (with("name", json!("x".repeat(201))), "name"),
    ] {
        let refused = settings(fields.clone()).and_then(|settings| settings.compile().map(drop));
        let refused = refused.expect_err(&fields.to_string());
        assert_eq!(refused.field, field, "{fields}: {refused}");
        assert!(refused.to_string().starts_with(&format!("`{field}` ")), "{refused}");
    }
}

#[test]
fn a_change_names_what_changes_and_null_is_the_default() {
    let made =
        settings(json!({ "metric": "requests", "at_least": 5, "window_minutes": 9 })).unwrap();
    let change = json!({ "name": "Many", "window_minutes": null, "paused": true });
    let changed = made.changed(change.as_object().unwrap().clone()).unwrap();
    assert_eq!(
        (changed.name.as_deref(), changed.window_minutes, changed.paused),
        (Some("Many"), None, true)
    );
    assert_eq!((changed.metric, changed.at_least), (made.metric, made.at_least));
    let resumed = changed.changed(json!({ "paused": null }).as_object().unwrap().clone()).unwrap();
    assert!(!resumed.paused);
}

#[test]
fn a_finding_is_told_with_its_numbers() {
    let counts = Counts {
        requests: 120,
        server_errors: 30,
        denied: 7,
        p95_us: Some(420_000),
        ..Counts::default()
    };
    let base = Base::of(&[Counts { requests: 600, p95_us: Some(100_000), ..counts }], 3);
    let told = |rule: AnyRule, key: &str, window_minutes| {
        let verdict = Verdict::Bad;
        let silence = Some(Silence { minutes: 200, usual_minutes: 3_000 });
        let key = key.to_owned();
        rule.describe(&Finding { key, verdict, window_minutes, counts, base, silence })
    };
    let ready_made = |name: &str, key: &str, minutes| {
        told(compiled(json!({ "ready_made": name })), key, minutes)
    };
    for (told, expected) in [
        (ready_made("server_error_spike", "", 5), "30 of 120 requests failed in 5 minutes"),
        (ready_made("traffic_stopped", "", 20), "120 requests in 20 minutes, about 200 are usual"),
        (
            ready_made("slower_than_usual", "GET /a", 15),
            "GET /a: 95th percentile 420 ms, 100 ms is usual",
        ),
        (
            ready_made("new_failing_endpoint", "GET /a", 10),
            "GET /a: 30 of 120 requests failed in 10 minutes",
        ),
        (
            ready_made("denied_storm", "", 10),
            "7 requests were denied or limited in 10 minutes, about 2 are usual",
        ),
        (
            ready_made("silent_consumer", "alice", 1),
            "alice: no request for 3 hours, up to 2 days is usual",
        ),
        (
            told(
                compiled(json!({ "ready_made": "burn_rate", "goal_percent": 99 })),
                "burn_slow",
                4_320,
            ),
            "30 of 120 requests failed in 3 days, 25.0 times as many as the goal allows",
        ),
        (
            told(compiled(json!({ "metric": "server_error_share", "at_least": 5 })), "", 60),
            "share of server errors: 25 % in 1 hour",
        ),
        (
            told(
                compiled(json!({ "metric": "requests", "at_least": 5, "group_by": "consumer" })),
                "alice",
                1,
            ),
            "alice: requests: 120 in 1 minute",
        ),
    ] {
        assert_eq!(told, expected);
    }
}
