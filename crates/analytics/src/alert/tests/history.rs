//! Windows as sums of cells, and their baselines.

use super::*;
use crate::alert::history::History;
use crate::alert::timeline::{Cell, Timeline};
use crate::alert::timeline::{MINUTE_US, WEEK_US};

const HOUR_US: i64 = 60 * MINUTE_US;
/// 400 weeks after 1970 and 12 hours.
const END_US: i64 = 400 * WEEK_US + 12 * HOUR_US;

fn cell(requests: u32, server_errors: u32) -> Cell {
    Cell { requests, server_errors, ..Cell::default() }
}

/// A timeline with `counts` in each cell.
fn filled(cell_us: i64, from_us: i64, to_us: i64, counts: Cell) -> Timeline {
    let mut timeline = Timeline::over(cell_us, from_us, to_us);
    let cells = timeline.from_us().div_euclid(cell_us)..timeline.to_us().div_euclid(cell_us);
    cells.for_each(|number| timeline.add(number, counts));
    timeline
}

/// An hour of these requests a minute, and the same time of three weeks with so many in 5 minutes.
fn history(now: Cell, usual: [Cell; 3]) -> History {
    let minutes = filled(MINUTE_US, END_US - 6 * HOUR_US, END_US, now);
    let weeks = (1..).zip(usual).map(|(week, counts)| {
        let now_us = END_US - week * WEEK_US;
        filled(5 * MINUTE_US, now_us - 12 * HOUR_US, now_us + 7 * HOUR_US, counts)
    });
    History { minutes, hours: None, weeks: weeks.collect() }
}

#[test]
fn a_status_is_counted_as_what_it_is() {
    let mut cell = Cell::default();
    for status in [200, 301, 400, 401, 403, 404, 429, 499, 500, 503, 599] {
        cell.add_hit(status);
    }
    let expected = Cell { requests: 11, server_errors: 3, client_errors: 6, denied: 3 };
    assert_eq!(cell, expected);
    let mut twice = cell;
    twice.add(cell);
    assert_eq!((twice.requests, twice.denied), (22, 6));
}

#[test]
fn windows_are_sums_of_whole_cells() {
    let mut timeline = Timeline::over(MINUTE_US, 0, 10 * MINUTE_US);
    for minute in 0..10 {
        timeline.add(minute, cell(1 << minute, 0));
    }
    timeline.add(10, cell(1 << 20, 0));
    timeline.add(-1, cell(1 << 20, 0));
    let sum = |timeline: &Timeline, from: i64, to: i64| {
        timeline.sum(from * MINUTE_US, to * MINUTE_US).requests
    };
    assert_eq!((sum(&timeline, 0, 10), sum(&timeline, 3, 5)), (1_023, 24));
    assert_eq!((sum(&timeline, -5, 1), sum(&timeline, 9, 50), sum(&timeline, 5, 5)), (1, 512, 0));
    assert_eq!(sum(&timeline, 7, 3), 0);
    // Two minutes later: the last three are counted again, the first four are dropped.
    timeline.renew(4 * MINUTE_US, 7 * MINUTE_US, 12 * MINUTE_US);
    assert_eq!((timeline.from_us(), timeline.to_us()), (4 * MINUTE_US, 12 * MINUTE_US));
    assert_eq!((sum(&timeline, 0, 12), sum(&timeline, 7, 12)), (16 + 32 + 64, 0));
    timeline.add(11, cell(5, 0));
    assert_eq!(sum(&timeline, 11, 12), 5);
    assert!(!timeline.is_empty());
    timeline.renew(50 * MINUTE_US, 50 * MINUTE_US, 60 * MINUTE_US);
    assert!(timeline.is_empty() && timeline.from_us() == 50 * MINUTE_US);
}

#[test]
fn three_days_are_hours_and_the_minutes_since() {
    let mut history = history(cell(2, 0), [Cell::default(); 3]);
    history.hours = Some(filled(HOUR_US, END_US - 72 * HOUR_US, END_US - HOUR_US, cell(60, 0)));
    assert_eq!(history.window(END_US, 60).requests, 120);
    assert_eq!(history.window(END_US, 6 * 60).requests, 720);
    assert_eq!(history.window(END_US, 72 * 60).requests, 71 * 60 + 120);
    let goal = Goal::from_percent(99.0).unwrap();
    let verdicts = |history: &History| -> Vec<Verdict> {
        history.judge_burn(goal, END_US).iter().map(|found| found.verdict).collect()
    };
    assert_eq!(verdicts(&history), [Verdict::Good; 3]);
    // A tenth fails: 10 times what is allowed.
    history.minutes = filled(MINUTE_US, END_US - 6 * HOUR_US, END_US, cell(20, 2));
    history.hours = Some(filled(HOUR_US, END_US - 72 * HOUR_US, END_US, cell(1_200, 120)));
    assert_eq!(verdicts(&history), [Verdict::Good, Verdict::Bad, Verdict::Bad]);
}

#[test]
fn the_base_is_of_the_same_time_in_the_weeks_that_had_requests() {
    let of = |usual: [u32; 3]| {
        let history = history(cell(9, 0), usual.map(|requests| cell(requests, 0)));
        history.base(END_US, 15).map(|base| (base.weeks, base.requests))
    };
    assert_eq!(of([50, 60, 90]), Some((3, 180.0)));
    assert_eq!(of([50, 0, 90]), Some((2, 210.0)));
    assert_eq!(of([0, 0, 0]), None);
}

#[test]
fn silence_is_judged_in_a_window_as_long_as_traffic_is_low() {
    let judged = |now: u32, usual: u32| {
        let history = history(cell(now, 0), [cell(usual, 0); 3]);
        let found = history.judge(ReadyMade::TrafficStopped, END_US);
        (found.verdict, found.window_minutes)
    };
    assert_eq!(judged(0, 50), (Verdict::Bad, 5));
    assert_eq!(judged(10, 50), (Verdict::Good, 5));
    assert_eq!(judged(0, 5), (Verdict::Bad, 20));
    assert_eq!(judged(0, 1), (Verdict::Bad, 100));
    assert_eq!(judged(0, 0).0, Verdict::Unknown);
    let weeks_disagree = history(cell(0, 0), [cell(50, 0), cell(50, 0), cell(10, 0)]);
    assert_eq!(weeks_disagree.judge(ReadyMade::TrafficStopped, END_US).verdict, Verdict::Unknown);
}

#[test]
fn rules_about_all_requests_are_judged_from_their_windows() {
    let judged = |kind: ReadyMade, now: Cell, usual: Cell| {
        history(now, [usual; 3]).judge(kind, END_US).verdict
    };
    let spike = ReadyMade::ServerErrorSpike;
    assert_eq!(judged(spike, cell(40, 5), cell(200, 0)), Verdict::Bad);
    assert_eq!(judged(spike, cell(40, 5), cell(200, 20)), Verdict::Good, "a tenth is usual");
    // Five errors of few requests, in a quarter of an hour.
    assert_eq!(judged(spike, cell(1, 1), cell(5, 0)), Verdict::Bad);
    let burst = ReadyMade::TrafficBurst;
    assert_eq!(judged(burst, cell(50, 0), cell(50, 0)), Verdict::Bad);
    assert_eq!(judged(burst, cell(50, 0), cell(100, 0)), Verdict::Good);
    let denied = |denied| Cell { denied, ..cell(100, 0) };
    assert_eq!(judged(ReadyMade::DeniedStorm, denied(20), denied(10)), Verdict::Bad);
    assert_eq!(judged(ReadyMade::DeniedStorm, denied(20), denied(50)), Verdict::Good);
    let own = Rule {
        q: String::new(),
        metric: Metric::Requests,
        condition: Condition::AtMost(40.0),
        window_minutes: 5,
        hold_minutes: 0,
        keep_minutes: 0,
        group_by: Group::All,
        least_requests: 0,
    };
    assert!(own.counts_all());
    let found = history(cell(8, 0), [Cell::default(); 3]).judge_rule(&own, END_US);
    assert_eq!((found.verdict, found.counts.requests), (Verdict::Bad, 40));
    assert!(!Rule { q: "path:/a".to_owned(), ..own.clone() }.counts_all());
    assert!(!Rule { metric: Metric::P95Ms, ..own.clone() }.counts_all());
    assert!(!Rule { group_by: Group::Endpoint, ..own }.counts_all());
}
