//! The worked example, edges, and random histories against a computation second by second.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const DAY: Span = Span { from_ms: 0, to_ms: 1_440 * MINUTE_MS };
const THREE_AND_TWO: Confirm = Confirm { down_after: 3, up_after: 2 };

fn at(hour: i64, minute: i64) -> i64 {
    (hour * 60 + minute) * MINUTE_MS
}

fn every_minute(outcome_of: impl Fn(i64) -> Option<Outcome>) -> Vec<CheckResult> {
    let minutes = (0..1_440).filter_map(|minute| {
        let at_ms = minute * MINUTE_MS;
        Some(CheckResult { at_ms, interval_ms: MINUTE_MS, outcome: outcome_of(at_ms)? })
    });
    minutes.collect()
}

/// The rows and turns of a server that takes result after result and restarts between any two of them.
fn tracked(
    results: &[CheckResult],
    confirm: Confirm,
    maintenance: &[Span],
) -> (BTreeMap<i64, Millis>, Vec<Turn>, Tracker) {
    let mut rows = BTreeMap::<i64, Millis>::new();
    let (mut tracker, mut turns) = (Tracker::default(), Vec::new());
    for result in results {
        let kept = serde_json::to_string(&tracker).unwrap();
        tracker = serde_json::from_str(&kept).unwrap();
        let step = tracker.feed(*result, confirm, maintenance);
        for (row_ms, change) in row_changes(&step.restated) {
            *rows.entry(row_ms).or_default() += change;
        }
        turns.extend(step.turn);
    }
    (rows, turns, tracker)
}

#[test]
fn the_worked_example_of_a_day() {
    let results = every_minute(|at_ms| match at_ms {
        _ if (at(10, 0)..at(10, 5)).contains(&at_ms) => Some(Outcome::Down),
        _ if (at(12, 0)..at(12, 30)).contains(&at_ms) => None,
        _ if at_ms == at(15, 0) => Some(Outcome::Down),
        _ if (at(16, 0)..at(16, 10)).contains(&at_ms) => Some(Outcome::Degraded),
        _ => Some(Outcome::Up),
    });
    let maintenance = [Span { from_ms: at(22, 0), to_ms: at(23, 0) }];
    let spans = timeline(&results, THREE_AND_TWO, &maintenance, DAY);
    let millis = Millis::of(&spans);
    let minutes = Millis {
        up: 1_336 * MINUTE_MS,
        degraded: 10 * MINUTE_MS,
        down: 5 * MINUTE_MS,
        unknown: 29 * MINUTE_MS,
        maintenance: 60 * MINUTE_MS,
    };
    assert_eq!(millis, minutes);
    assert_eq!(millis.total(), DAY.length_ms());
    assert_eq!(millis.uptime().unwrap().percent(2), "99.62");
    assert_eq!(millis.uptime().unwrap().percent(4), "99.6299");
    assert_eq!(millis.coverage().unwrap().percent(1), "97.8", "97.898, rounded down");
    let (low, high) = millis.bounds().unwrap();
    assert_eq!((low.percent(2), high.percent(2)), ("97.53".to_owned(), "99.63".to_owned()));
    let states: Vec<(State, i64)> =
        spans.iter().map(|span| (span.state, span.span.length_ms() / MINUTE_MS)).collect();
    assert_eq!(
        states,
        [
            (State::Up, 600),
            (State::Down, 5),
            (State::Up, 116),
            (State::Unknown, 29),
            (State::Up, 210),
            (State::Degraded, 10),
            (State::Up, 350),
            (State::Maintenance, 60),
            (State::Up, 60),
        ]
    );

    let (rows, turns, tracker) = tracked(&results, THREE_AND_TWO, &maintenance);
    assert_eq!(
        turns,
        [
            Turn::Down { since_ms: at(10, 0), confirmed_ms: at(10, 2) },
            Turn::Up { since_ms: at(10, 5), confirmed_ms: at(10, 6) },
        ]
    );
    let mut sum = Millis::of(&tracker.tail(DAY.to_ms, &maintenance));
    rows.values().for_each(|row| sum += *row);
    assert_eq!(sum.filled_to(DAY.length_ms()), minutes);
    assert_eq!(rows[&at(10, 0)], Millis { down: 5 * MINUTE_MS, ..Millis::default() });
}

#[test]
fn a_share_is_rounded_down_and_is_100_only_where_nothing_is_missing() {
    let check = |part, of, decimals, expected: &str| {
        assert_eq!(Share { part, of }.percent(decimals), expected);
    };
    check(99_999, 100_000, 2, "99.99");
    check(99_999, 100_000, 0, "99");
    check(i64::MAX / 1_000 - 1, i64::MAX / 1_000, 3, "99.999");
    check(7, 7, 2, "100.00");
    check(7, 7, 0, "100");
    check(0, 7, 2, "0.00");
    check(1, 1_000, 2, "0.10");
    check(1, 20_000, 2, "0.00");
    let one_down = Millis { up: 13 * 30 * 86_400_000, down: 1, ..Millis::default() };
    assert_eq!(one_down.uptime().unwrap().percent(3), "99.999");
}

#[test]
fn below_half_of_coverage_there_is_no_uptime() {
    let half = Millis { up: 40, down: 10, unknown: 50, maintenance: 900, ..Millis::default() };
    assert_eq!(half.uptime(), Some(Share { part: 40, of: 50 }));
    assert_eq!(Millis { unknown: 51, ..half }.uptime(), None);
    assert_eq!(Millis { unknown: 51, ..half }.bounds().map(|(low, _)| low.part), Some(40));
    let unknown = Millis { unknown: 100, ..Millis::default() };
    assert_eq!((unknown.uptime(), unknown.coverage()), (None, Some(Share { part: 0, of: 100 })));
    let maintenance = Millis { maintenance: 100, ..Millis::default() };
    assert_eq!(
        (maintenance.uptime(), maintenance.coverage(), maintenance.bounds()),
        (None, None, None)
    );
}

#[test]
fn a_monitor_that_never_succeeded_is_unknown_until_it_is_confirmed_down() {
    let failing = |count: i64| -> Vec<CheckResult> {
        every_minute(|at_ms| (at_ms < count * MINUTE_MS).then_some(Outcome::Down))
    };
    let window = Span { from_ms: -MINUTE_MS, to_ms: 10 * MINUTE_MS };
    let two = Millis::of(&timeline(&failing(2), THREE_AND_TWO, &[], window));
    assert_eq!(two, Millis { unknown: 11 * MINUTE_MS, ..Millis::default() });
    let three = Millis::of(&timeline(&failing(3), THREE_AND_TWO, &[], window));
    let expected = Millis { down: 4 * MINUTE_MS, unknown: 7 * MINUTE_MS, ..Millis::default() };
    assert_eq!(three, expected, "from the first failure on, and the last holds for two intervals");
}

#[test]
fn a_recovery_that_fails_again_leaves_the_outage_in_one_piece() {
    let pattern = "..xxx.x..".as_bytes();
    let results: Vec<CheckResult> = pattern
        .iter()
        .enumerate()
        .map(|(minute, mark)| CheckResult {
            at_ms: minute as i64 * MINUTE_MS,
            interval_ms: MINUTE_MS,
            outcome: if *mark == b'x' { Outcome::Down } else { Outcome::Up },
        })
        .collect();
    let (_, turns, tracker) = tracked(&results, THREE_AND_TWO, &[]);
    assert_eq!(
        turns,
        [
            Turn::Down { since_ms: 2 * MINUTE_MS, confirmed_ms: 4 * MINUTE_MS },
            Turn::Up { since_ms: 7 * MINUTE_MS, confirmed_ms: 8 * MINUTE_MS },
        ]
    );
    assert!(!tracker.is_down());
    let (_, turns, tracker) = tracked(&results[..8], THREE_AND_TWO, &[]);
    assert_eq!((turns.len(), tracker.is_down()), (1, true));
    assert_eq!(tracker.unconfirmed(), Some((1, 7 * MINUTE_MS)));
    assert_eq!(tracker.state(7 * MINUTE_MS, &[]), State::Down);
    assert_eq!(tracker.state(9 * MINUTE_MS, &[]), State::Unknown);
    let maintenance = [Span { from_ms: 0, to_ms: 8 * MINUTE_MS }];
    assert_eq!(tracker.state(7 * MINUTE_MS, &maintenance), State::Maintenance);
}

#[test]
fn failures_before_a_long_pause_do_not_count_after_it() {
    let result = |minute: i64, outcome| CheckResult {
        at_ms: minute * MINUTE_MS,
        interval_ms: MINUTE_MS,
        outcome,
    };
    let with_gap = |gap: i64| {
        let results = [
            result(0, Outcome::Up),
            result(1, Outcome::Down),
            result(2, Outcome::Down),
            result(2 + gap, Outcome::Down),
        ];
        tracked(&results, THREE_AND_TWO, &[]).1
    };
    let most = limits::RUN_GAP_INTERVALS as i64;
    assert_eq!(with_gap(most).len(), 1);
    assert_eq!(with_gap(most + 1), []);
}

#[test]
fn a_repeated_slot_and_a_clock_that_was_set_back_account_for_no_time_twice() {
    let result = |minute: i64| CheckResult {
        at_ms: at(0, minute),
        interval_ms: MINUTE_MS,
        outcome: Outcome::Down,
    };
    let mut tracker = Tracker::default();
    let confirm = Confirm { down_after: 2, up_after: 1 };
    tracker.feed(result(100), confirm, &[]);
    assert_eq!(tracker.feed(result(100), confirm, &[]), Step::default());
    assert_eq!(tracker.unconfirmed().unwrap().0, 1, "the same slot is one result");
    let step = tracker.feed(result(40), confirm, &[]);
    assert_eq!(step.restated, []);
    assert!(step.turn.is_some(), "it counts as a result");
    assert_eq!(tracker.feed(result(41), confirm, &[]).restated, []);
    assert_eq!(tracker.accounted_ms(), Some(at(0, 100)));
}

/// The state at one second, by definition: runs are found by looking ahead, and no state is carried.
fn second_by_second(
    results: &[CheckResult],
    confirm: Confirm,
    maintenance: &[Span],
    window: Span,
) -> Vec<State> {
    let deciding: Vec<&CheckResult> =
        results.iter().filter(|result| result.outcome != Outcome::Unknown).collect();
    let mut states = BTreeMap::<i64, State>::new();
    let (mut is_down, mut last_success, mut place) = (false, State::Unknown, 0);
    while place < deciding.len() {
        let fails = |result: &CheckResult| result.outcome == Outcome::Down;
        let plain = |result: &CheckResult| match result.outcome {
            Outcome::Up => State::Up,
            Outcome::Degraded => State::Degraded,
            _ => State::Down,
        };
        let run: Vec<&CheckResult> = deciding[place..]
            .iter()
            .enumerate()
            .take_while(|(n, result)| {
                let joins = *n == 0 || {
                    let before = deciding[place + n - 1];
                    result.at_ms - before.at_ms <= 10 * result.interval_ms
                };
                joins && fails(result) == fails(deciding[place])
            })
            .map(|(_, result)| *result)
            .collect();
        let needed = if is_down { confirm.up_after } else { confirm.down_after };
        let against = fails(run[0]) != is_down;
        if against && run.len() >= needed.max(1) as usize {
            is_down = !is_down;
        }
        for result in &run {
            let state = match (is_down, fails(result)) {
                (true, _) => State::Down,
                (false, true) => last_success,
                (false, false) => plain(result),
            };
            states.insert(result.at_ms, state);
            if !is_down && !fails(result) {
                last_success = state;
            }
        }
        place += run.len();
    }
    let seconds = (window.from_ms / SECOND_MS)..(window.to_ms / SECOND_MS);
    seconds
        .map(|second| {
            let at_ms = second * SECOND_MS;
            if maintenance.iter().any(|window| window.from_ms <= at_ms && at_ms < window.to_ms) {
                return State::Maintenance;
            }
            match results.iter().rev().find(|result| result.at_ms <= at_ms) {
                Some(result) if at_ms < result.at_ms + 2 * result.interval_ms => {
                    states.get(&result.at_ms).copied().unwrap_or(State::Unknown)
                }
                _ => State::Unknown,
            }
        })
        .collect()
}

/// Gaps are restarts; the interval changes now and then.
fn a_history() -> impl Strategy<Value = Vec<CheckResult>> {
    let gap = prop_oneof![12 => Just(1i64), 2 => Just(2), 1 => 3i64..9, 1 => 9i64..30];
    let outcome = prop_oneof![
        5 => Just(Outcome::Up),
        1 => Just(Outcome::Degraded),
        4 => Just(Outcome::Down),
        1 => Just(Outcome::Unknown),
    ];
    let interval_s = prop_oneof![6 => Just(20i64), 1 => Just(37), 1 => Just(60)];
    prop::collection::vec((gap, outcome, interval_s, 0i64..3), 0..60).prop_map(|steps| {
        let mut at_s = 30;
        let results = steps.into_iter().map(|(gap, outcome, interval_s, late_s)| {
            at_s += gap * interval_s + late_s;
            CheckResult { at_ms: at_s * SECOND_MS, interval_ms: interval_s * SECOND_MS, outcome }
        });
        results.collect()
    })
}

fn some_maintenance() -> impl Strategy<Value = Vec<Span>> {
    let window = (0i64..1_500, 0i64..300).prop_map(|(from_s, length_s)| Span {
        from_ms: from_s * SECOND_MS,
        to_ms: (from_s + length_s) * SECOND_MS,
    });
    prop::collection::vec(window, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn rows_and_timeline_are_what_the_seconds_add_up_to(
        results in a_history(),
        maintenance in some_maintenance(),
        down_after in 0u32..5,
        up_after in 0u32..4,
        cut_s in 0i64..900,
    ) {
        let confirm = Confirm { down_after, up_after };
        let end_ms = results.last().map_or(0, |result| result.at_ms) + 200 * SECOND_MS;
        let window = Span { from_ms: (cut_s * SECOND_MS).min(end_ms), to_ms: end_ms };
        let spans = timeline(&results, confirm, &maintenance, window);
        let mut done_ms = window.from_ms;
        for span in &spans {
            prop_assert_eq!(span.span.from_ms, done_ms);
            done_ms = span.span.to_ms;
        }
        prop_assert_eq!(done_ms, window.to_ms);
        prop_assert!(spans.windows(2).all(|pair| pair[0].state != pair[1].state));

        let seconds = second_by_second(&results, confirm, &maintenance, window);
        for (n, expected) in seconds.iter().enumerate() {
            let at_ms = window.from_ms + n as i64 * SECOND_MS;
            let found = spans.iter().find(|span| span.span.contains(at_ms)).unwrap();
            prop_assert_eq!(found.state, *expected, "at {} s", at_ms / SECOND_MS);
        }
        prop_assert_eq!(Millis::of(&spans).total(), window.length_ms());

        // Row by row as well, from a server that restarts between any two results.
        let (rows, _, tracker) = tracked(&results, confirm, &maintenance);
        let whole = Span { from_ms: 0, to_ms: end_ms };
        let seconds = second_by_second(&results, confirm, &maintenance, whole);
        let accounted_ms = tracker.accounted_ms().unwrap_or(0);
        let first_ms = results.first().map_or(0, |result| result.at_ms);
        let mut expected = BTreeMap::<i64, Millis>::new();
        for (second, state) in seconds.iter().enumerate() {
            let at_ms = second as i64 * SECOND_MS;
            if at_ms < accounted_ms && at_ms >= first_ms && *state != State::Unknown {
                *expected.entry(at_ms - at_ms % SLOT_MS).or_default().of_state(*state) += SECOND_MS;
            }
        }
        let rows: BTreeMap<i64, Millis> =
            rows.into_iter().filter(|(_, row)| *row != Millis::default()).collect();
        prop_assert_eq!(rows, expected);

        // The state at any time after the newest result has lasted since the start of its span.
        let newest_ms = results.last().map_or(0, |result| result.at_ms);
        for now_ms in [newest_ms, newest_ms + 10 * SECOND_MS, end_ms - SECOND_MS] {
            let window = Span { from_ms: first_ms, to_ms: now_ms + 1 };
            let last = timeline(&results, confirm, &maintenance, window).pop();
            let since_ms = last.filter(|_| !results.is_empty()).map(|last| last.span.from_ms);
            prop_assert_eq!(tracker.since_ms(now_ms, &maintenance), since_ms);
        }
    }
}

#[test]
fn a_state_lasts_since_its_first_result_and_a_pause_ends_it() {
    let confirm = Confirm { down_after: 2, up_after: 1 };
    let mut tracker = Tracker::default();
    assert_eq!(tracker.since_ms(0, &[]), None);
    let mut feed = |minute: i64, outcome| {
        let result = CheckResult { at_ms: minute * MINUTE_MS, interval_ms: MINUTE_MS, outcome };
        tracker.feed(result, confirm, &[]);
        (tracker.state(result.at_ms, &[]), tracker.since_ms(result.at_ms, &[]).unwrap() / MINUTE_MS)
    };
    assert_eq!(feed(0, Outcome::Up), (State::Up, 0));
    assert_eq!(feed(1, Outcome::Up), (State::Up, 0));
    assert_eq!(feed(2, Outcome::Down), (State::Up, 0), "not confirmed");
    assert_eq!(feed(3, Outcome::Down), (State::Down, 2), "restated");
    assert_eq!(feed(4, Outcome::Down), (State::Down, 2));
    assert_eq!(feed(5, Outcome::Up), (State::Up, 5));
    assert_eq!(feed(6, Outcome::Degraded), (State::Degraded, 6));
    assert_eq!(tracker.since_ms(9 * MINUTE_MS, &[]), Some(8 * MINUTE_MS), "unknown after the hold");
    tracker.pause(10 * MINUTE_MS, &[]);
    tracker.pause(12 * MINUTE_MS, &[]);
    assert_eq!(tracker.since_ms(20 * MINUTE_MS, &[]), Some(10 * MINUTE_MS));
    let window = [Span { from_ms: 15 * MINUTE_MS, to_ms: 30 * MINUTE_MS }];
    assert_eq!(tracker.since_ms(20 * MINUTE_MS, &window), Some(15 * MINUTE_MS));
}

#[test]
fn a_pause_ends_what_is_known_and_forgets_an_outage() {
    let confirm = Confirm { down_after: 1, up_after: 1 };
    let mut tracker = Tracker::default();
    let result =
        |minute: i64, outcome| CheckResult { at_ms: minute * 60_000, interval_ms: 60_000, outcome };
    assert!(tracker.feed(result(0, Outcome::Down), confirm, &[]).turn.is_some());
    let step = tracker.pause(90_000, &[]);
    let down = Restated { span: Span { from_ms: 0, to_ms: 90_000 }, was: None, now: State::Down };
    assert_eq!((step.restated, step.turn), (vec![down], None));
    assert_eq!((tracker.is_down(), tracker.state(90_000, &[])), (false, State::Unknown));
    assert_eq!(tracker.tail(600_000, &[]), []);
    // A pause counts for no state, and a failure after it is an outage of its own.
    let step = tracker.feed(result(10, Outcome::Down), confirm, &[]);
    assert_eq!(step.turn, Some(Turn::Down { since_ms: 600_000, confirmed_ms: 600_000 }));
    assert_eq!(Millis::of(&tracker.tail(660_000, &[])).down, 60_000);
    assert_eq!(row_changes(&step.restated), BTreeMap::new());
}
