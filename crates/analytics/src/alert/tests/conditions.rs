//! Tables for each condition, on both sides of every threshold.

use super::*;

fn hits(requests: u64, server_errors: u64) -> Counts {
    Counts { requests, server_errors, ..Counts::default() }
}

#[test]
fn a_rule_compares_its_metric_with_its_threshold() {
    let check = |metric: Metric, condition: Condition, counts: Counts, expected: Verdict| {
        let rule = Rule {
            q: "path:/v1/*".to_owned(),
            metric,
            condition,
            window_minutes: 5,
            hold_minutes: 0,
            keep_minutes: 0,
            group_by: Group::All,
            least_requests: 10,
        };
        assert_eq!(rule.check(), Ok(()));
        assert_eq!(rule.judge(&counts), expected, "{metric:?} {condition:?} {counts:?}");
    };
    use Condition::{AtLeast, AtMost};
    use Verdict::{Bad, Good, Near, Unknown};
    check(Metric::Requests, AtLeast(100.0), hits(100, 0), Bad);
    check(Metric::Requests, AtLeast(100.0), hits(99, 0), Near);
    check(Metric::Requests, AtLeast(100.0), hits(80, 0), Near);
    check(Metric::Requests, AtLeast(100.0), hits(79, 0), Good);
    check(Metric::Requests, AtLeast(100.0), hits(0, 0), Good);
    check(Metric::Requests, AtMost(0.0), hits(0, 0), Bad);
    check(Metric::Requests, AtMost(0.0), hits(1, 0), Good);
    check(Metric::Requests, AtMost(80.0), hits(81, 0), Near);
    check(Metric::Requests, AtMost(80.0), hits(100, 0), Near);
    check(Metric::Requests, AtMost(80.0), hits(101, 0), Good);
    check(Metric::ServerErrors, AtLeast(5.0), hits(5, 5), Bad);
    check(Metric::ServerErrorShare, AtLeast(5.0), hits(100, 5), Bad);
    check(Metric::ServerErrorShare, AtLeast(5.0), hits(100, 4), Near);
    check(Metric::ServerErrorShare, AtLeast(5.0), hits(1_000, 39), Good);
    check(Metric::ServerErrorShare, AtLeast(5.0), hits(0, 0), Unknown);
    check(Metric::ServerErrorShare, AtLeast(5.0), hits(9, 9), Unknown);
    let slow = |p95_us| Counts { p95_us: Some(p95_us), ..hits(10, 0) };
    check(Metric::P95Ms, AtLeast(250.0), slow(250_000), Bad);
    check(Metric::P95Ms, AtLeast(250.0), slow(200_000), Near);
    check(Metric::P95Ms, AtLeast(250.0), slow(199_999), Good);
    check(Metric::P95Ms, AtLeast(250.0), Counts::default(), Unknown);
    check(Metric::Consumers, AtMost(2.0), Counts { consumers: 2, ..hits(50, 0) }, Bad);
    check(Metric::ClientErrorShare, AtLeast(50.0), Counts { client_errors: 5, ..hits(10, 0) }, Bad);
}

#[test]
fn metrics_are_listed_in_order_and_named_as_in_json() {
    for (place, info) in METRICS.iter().enumerate() {
        assert_eq!(info.metric as usize, place);
        assert_eq!(serde_json::to_value(info.metric).unwrap(), info.name);
    }
    for (place, rule) in READY_MADE.iter().enumerate() {
        assert_eq!(rule.kind as usize, place);
        assert_eq!(rule.kind.rule().name, rule.name);
    }
}

#[test]
fn a_rule_that_cannot_be_meant_is_refused() {
    let refused = |json: &str| -> String {
        serde_json::from_str::<Rule>(json).unwrap().check().unwrap_err().to_string()
    };
    let with = |fields: &str| {
        format!(
            r#"{{"metric":"requests","condition":{{"at_least":5}},"window_minutes":5{fields}}}"#
        )
    };
    assert!(serde_json::from_str::<Rule>(&with("")).unwrap().check().is_ok());
    assert!(refused(&with(r#","q":"colour:red""#)).contains("invalid filter"));
    assert!(refused(&with(r#","for_minutes":1441"#)).contains("1440"));
    for window in [0, 1_441] {
        let json = format!(
            r#"{{"metric":"p95_ms","condition":{{"at_least":5}},"window_minutes":{window}}}"#
        );
        assert!(refused(&json).contains("window"));
    }
    for condition in [r#"{"at_least":0}"#, r#"{"at_least":-1}"#, r#"{"at_most":-1}"#] {
        let json = format!(r#"{{"metric":"requests","condition":{condition},"window_minutes":5}}"#);
        assert!(refused(&json).contains("threshold"));
    }
    let share =
        r#"{"metric":"server_error_share","condition":{"at_least":101},"window_minutes":5}"#;
    assert!(refused(share).contains("100"));
}

#[test]
fn a_budget_burns_in_both_windows_and_with_enough_failures() {
    let goal = Goal::from_percent(99.9).unwrap();
    assert_eq!(goal, Goal { bad_ppm: 1_000 });
    let check = |name: &str, long: Counts, short: Counts, expected: Verdict| {
        let rate = BURN_RATES.iter().find(|rate| rate.name == name).unwrap();
        assert_eq!(rate.judge(goal, &long, &short), expected, "{name} {long:?} {short:?}");
    };
    // 1.44 % of 10,000 and of 1,000.
    check("burn_fast", hits(10_000, 144), hits(1_000, 15), Verdict::Bad);
    check("burn_fast", hits(10_000, 143), hits(1_000, 15), Verdict::Near);
    check("burn_fast", hits(10_000, 144), hits(1_000, 14), Verdict::Near);
    check("burn_fast", hits(10_000, 115), hits(1_000, 15), Verdict::Good);
    check("burn_fast", hits(10_000, 144), hits(1_000, 0), Verdict::Good);
    check("burn_medium", hits(10_000, 60), hits(1_000, 6), Verdict::Bad);
    check("burn_medium", hits(10_000, 59), hits(1_000, 6), Verdict::Near);
    check("burn_slow", hits(100_000, 100), hits(10_000, 10), Verdict::Bad);
    check("burn_slow", hits(100_000, 79), hits(10_000, 10), Verdict::Good);
    // One failure in ten burns at 100 times the rate, but is a single failure.
    check("burn_fast", hits(10, 1), hits(10, 1), Verdict::Good);
    check("burn_fast", hits(100, 9), hits(10, 3), Verdict::Good);
    check("burn_fast", hits(100, 10), hits(10, 2), Verdict::Good);
    check("burn_fast", hits(100, 10), hits(10, 3), Verdict::Bad);
    check("burn_fast", hits(0, 0), hits(0, 0), Verdict::Unknown);
    check("burn_fast", hits(100, 10), hits(0, 0), Verdict::Unknown);
    let low = Goal::from_percent(90.0).unwrap();
    assert_eq!(BURN_RATES[0].judge(low, &hits(100, 100), &hits(9, 9)), Verdict::Bad);
    assert_eq!(BURN_RATES[0].judge(low, &hits(100, 79), &hits(9, 9)), Verdict::Good);
    let burn = goal.burn(&hits(1_000, 14)).unwrap();
    assert!((burn - 14.0).abs() < 1e-9 && goal.burn(&hits(0, 0)).is_none());
    for percent in [100.0, 0.0, -1.0, 101.0, f64::NAN, 99.999_99] {
        assert_eq!(Goal::from_percent(percent), None, "{percent}");
    }
    for rate in BURN_RATES {
        assert_eq!(rate.short_minutes * 12, rate.long_minutes);
    }
}

#[test]
fn a_base_is_the_median_of_the_same_time_in_three_weeks() {
    let week = |requests, server_errors, p95_us| Counts {
        p95_us: Some(p95_us),
        denied: requests / 10,
        ..hits(requests, server_errors)
    };
    let weeks = [week(300, 3, 90), week(30, 30, 500), week(330, 0, 100), week(9_999, 0, 1)];
    let base = Base::of(&weeks, 3).unwrap();
    assert_eq!((base.weeks, base.requests, base.denied), (3, 100.0, 10.0));
    assert_eq!((base.server_error_share, base.p95_us), (Some(0.01), Some(100.0)));
    assert_eq!((base.least_requests, base.most_requests), (10.0, 110.0));
    assert!(base.disagrees());
    let two = Base::of(&weeks[..2], 1).unwrap();
    assert_eq!((two.weeks, two.requests, two.server_error_share), (2, 165.0, Some(0.505)));
    assert!(!Base::of(&[week(300, 0, 1), week(100, 0, 1)], 1).unwrap().disagrees());
    assert_eq!(Base::of(&[], 1), None);
    let empty = Base::of(&[hits(0, 0)], 1).unwrap();
    assert_eq!((empty.requests, empty.server_error_share, empty.p95_us), (0.0, None, None));
    let windows: Vec<Option<u32>> =
        [500.0, 20.0, 19.9, 1.0, 0.278, 0.27, 0.0].map(stopped_window_minutes).to_vec();
    assert_eq!(windows, [Some(5), Some(5), Some(10), Some(100), Some(360), None, None]);
}

/// A base of three equal weeks.
fn usual(counts: Counts) -> Option<Base> {
    Base::of(&[counts; 3], 1)
}

#[test]
fn ready_made_rules_fire_where_their_description_says() {
    use ReadyMade::*;
    use Verdict::{Bad, Good, Near, Unknown};
    let check = |kind: ReadyMade, observed: Observed, expected: Verdict| {
        assert_eq!(judge(kind, &observed), expected, "{kind:?} {observed:?}");
    };
    let now = |counts: Counts, base: Option<Base>| Observed { counts, base, ..Observed::default() };

    // 20 failures, 5 %, three times the usual share.
    check(ServerErrorSpike, now(hits(400, 20), None), Bad);
    check(ServerErrorSpike, now(hits(400, 19), None), Near);
    check(ServerErrorSpike, now(hits(401, 20), None), Near);
    check(ServerErrorSpike, now(hits(400, 15), None), Good);
    check(ServerErrorSpike, now(hits(10_000, 300), None), Good);
    check(ServerErrorSpike, now(hits(0, 0), None), Unknown);
    check(ServerErrorSpike, now(hits(400, 20), usual(hits(1_000, 0))), Bad);
    check(ServerErrorSpike, now(hits(1_000, 100), usual(hits(1_000, 40))), Near);
    check(ServerErrorSpike, now(hits(1_000, 120), usual(hits(1_000, 40))), Bad);
    check(ServerErrorSpike, now(hits(1_000, 120), Base::of(&[hits(1_000, 40)], 1)), Good);
    check(ServerErrorSpike, now(hits(1_000, 180), Base::of(&[hits(1_000, 40)], 1)), Bad);

    // Few requests: 5 failures and 20 % of the longer window.
    let few =
        |requests, bad, base| Observed { longer: hits(requests, bad), ..now(hits(9, 4), base) };
    check(ServerErrorSpike, few(25, 5, None), Bad);
    check(ServerErrorSpike, few(25, 4, None), Near);
    check(ServerErrorSpike, few(26, 5, None), Near);
    check(ServerErrorSpike, few(25, 3, None), Good);
    check(ServerErrorSpike, few(25, 5, usual(hits(100, 10))), Good);
    check(ServerErrorSpike, few(20, 7, usual(hits(100, 10))), Bad);

    check(TrafficStopped, now(hits(0, 0), usual(hits(20, 0))), Bad);
    check(TrafficStopped, now(hits(0, 0), usual(hits(19, 0))), Unknown);
    check(TrafficStopped, now(hits(10, 0), usual(hits(100, 0))), Bad);
    check(TrafficStopped, now(hits(12, 0), usual(hits(100, 0))), Near);
    check(TrafficStopped, now(hits(13, 0), usual(hits(100, 0))), Good);
    check(TrafficStopped, now(hits(0, 0), None), Unknown);
    let holiday = Base::of(&[hits(100, 0), hits(20, 0), hits(110, 0)], 1);
    check(TrafficStopped, now(hits(0, 0), holiday), Unknown);
    check(TrafficStopped, now(hits(0, 0), Base::of(&[hits(29, 0)], 1)), Unknown);
    check(TrafficStopped, now(hits(0, 0), Base::of(&[hits(30, 0)], 1)), Bad);

    check(TrafficBurst, now(hits(500, 0), usual(hits(100, 0))), Bad);
    check(TrafficBurst, now(hits(499, 0), usual(hits(100, 0))), Near);
    check(TrafficBurst, now(hits(399, 0), usual(hits(100, 0))), Good);
    check(TrafficBurst, now(hits(199, 0), usual(hits(1, 0))), Near);
    check(TrafficBurst, now(hits(9_999, 0), None), Unknown);

    let timed =
        |requests, p95_ms: u64| Counts { p95_us: Some(p95_ms * 1_000), ..hits(requests, 0) };
    let slow = |counts, base| Observed { project_requests: 10_000, ..now(counts, base) };
    check(SlowerThanUsual, slow(timed(200, 600), usual(timed(200, 400))), Bad);
    check(SlowerThanUsual, slow(timed(200, 599), usual(timed(200, 400))), Near);
    check(SlowerThanUsual, slow(timed(200, 479), usual(timed(200, 400))), Good);
    check(SlowerThanUsual, slow(timed(200, 109), usual(timed(200, 10))), Near);
    check(SlowerThanUsual, slow(timed(200, 110), usual(timed(200, 10))), Bad);
    check(SlowerThanUsual, slow(timed(199, 600), usual(timed(200, 400))), Unknown);
    check(SlowerThanUsual, slow(timed(200, 600), usual(timed(199, 400))), Unknown);
    check(SlowerThanUsual, slow(timed(200, 600), None), Unknown);
    let rare =
        Observed { project_requests: 10_001, ..now(timed(200, 600), usual(timed(200, 400))) };
    check(SlowerThanUsual, rare, Unknown);

    let known = Observed { week: hits(50, 0), ..now(hits(6, 5), None) };
    check(NewFailingEndpoint, known, Bad);
    check(NewFailingEndpoint, Observed { counts: hits(26, 5), ..known }, Near);
    check(NewFailingEndpoint, Observed { counts: hits(26, 3), ..known }, Good);
    check(NewFailingEndpoint, Observed { week: hits(50, 1), ..known }, Good);
    check(NewFailingEndpoint, Observed { week: hits(50, 1), is_active: true, ..known }, Bad);
    check(NewFailingEndpoint, Observed { week: hits(0, 0), ..known }, Good);
    check(NewFailingEndpoint, Observed { counts: hits(10, 5), week: hits(0, 0), ..known }, Bad);
    check(NewFailingEndpoint, Observed { counts: hits(0, 0), ..known }, Unknown);

    let hour_ms = 60 * MINUTE_MS;
    let silent = Observed {
        week: hits(100, 0),
        days_seen: 5,
        silent_ms: hour_ms + 1,
        gap_p99_ms: 1,
        is_expected: true,
        ..Observed::default()
    };
    check(SilentConsumer, silent, Bad);
    check(SilentConsumer, Observed { silent_ms: hour_ms, ..silent }, Good);
    check(SilentConsumer, Observed { gap_p99_ms: hour_ms, ..silent }, Good);
    let long = Observed { gap_p99_ms: hour_ms, silent_ms: 3 * hour_ms + 1, ..silent };
    check(SilentConsumer, long, Bad);
    check(SilentConsumer, Observed { gap_second_ms: 2 * hour_ms, ..long }, Good);
    let longer = Observed { gap_second_ms: 2 * hour_ms, silent_ms: 4 * hour_ms + 1, ..long };
    check(SilentConsumer, longer, Bad);
    check(SilentConsumer, Observed { days_seen: 4, ..silent }, Good);
    check(SilentConsumer, Observed { is_expected: false, ..silent }, Good);
    check(SilentConsumer, Observed { is_expected: false, is_active: true, ..silent }, Bad);
    check(SilentConsumer, Observed { week: hits(99, 0), ..silent }, Good);
    check(SilentConsumer, Observed { days_seen: 4, is_active: true, ..silent }, Bad);

    let denied = |denied| Counts { denied, ..hits(1_000, 0) };
    check(DeniedStorm, now(denied(100), usual(denied(20))), Bad);
    check(DeniedStorm, now(denied(100), usual(denied(21))), Near);
    check(DeniedStorm, now(denied(99), usual(denied(0))), Near);
    check(DeniedStorm, now(denied(79), usual(denied(0))), Good);
    check(DeniedStorm, now(denied(999), None), Unknown);
}
