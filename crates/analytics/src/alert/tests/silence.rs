//! Consumers that fall silent, and some that only seem to.

use super::*;
use crate::alert::silence::{Presence, Stretch, Watched, silent};

const MINUTE_US: i64 = MINUTE_MS * 1_000;
const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;
/// 2026-11-16, a Monday, in minutes since 1970.
const MONDAY: i64 = 20_773 * DAY;

/// A consumer seen in each minute of three weeks for which `is_there` holds.
fn consumer(name: &str, is_there: impl Fn(i64) -> bool) -> Watched {
    let mut presence = Presence::default();
    let minutes = MONDAY - 14 * DAY..MONDAY + 14 * DAY;
    minutes.filter(|minute| is_there(*minute)).for_each(|minute| presence.see(minute * MINUTE_US));
    Watched { name: name.to_owned(), requests: 500, presence }
}

/// The silent consumers found at `end`, when none of them has an alert yet.
fn fires(all: &[&dyn Fn(i64) -> bool], end: i64, unexpected: &[Stretch]) -> Vec<String> {
    let seen = |(number, is_there): (usize, &&dyn Fn(i64) -> bool)| {
        consumer(&number.to_string(), |minute| minute < end && is_there(minute))
    };
    let watched: Vec<Watched> = all.iter().enumerate().map(seen).collect();
    let found = silent(&watched, end * MINUTE_US, |_| false, unexpected);
    found.into_iter().map(|finding| finding.key).collect()
}

/// The first minute from `from` at which the first consumer fires, within a week.
fn first(all: &[&dyn Fn(i64) -> bool], from: i64, step: i64) -> Option<i64> {
    let ends = (from..from + 7 * DAY).step_by(step as usize);
    ends.into_iter().find(|end| fires(all, *end, &[]).contains(&"0".to_owned()))
}

fn always(minute: i64) -> bool {
    minute % 3 == 0
}

fn at_work(minute: i64) -> bool {
    let of_day = minute.rem_euclid(DAY);
    let is_weekday = (minute - MONDAY).div_euclid(DAY).rem_euclid(7) < 5;
    is_weekday && (9 * HOUR..17 * HOUR).contains(&of_day) && minute % 5 == 0
}

#[test]
fn one_that_calls_regularly_is_missed_after_an_hour_or_three_of_its_gaps() {
    let stop = MONDAY + DAY + 10 * HOUR;
    for (every, after) in [(10, 61), (15, 61), (30, 91), (120, 361)] {
        let stops = |minute: i64| minute <= stop && minute % every == 0;
        let last = stop / every * every;
        assert_eq!(first(&[&stops, &always], last + 1, 1), Some(last + after), "every {every}");
        let all: [&dyn Fn(i64) -> bool; 2] = [&stops, &always];
        assert_eq!(fires(&all, last + after, &[]), ["0"], "and not the other");
    }
}

#[test]
fn nights_and_weekends_of_one_who_works_are_no_silence() {
    assert_eq!(first(&[&at_work, &always], MONDAY - 3 * DAY, 30), None);
    // It does not come back on Monday, which is noticed in the morning and not at the weekend.
    let friday = |minute: i64| minute < MONDAY - 2 * DAY && at_work(minute);
    let missed = first(&[&friday, &always], MONDAY - 3 * DAY, 10).unwrap();
    assert!((MONDAY + 10 * HOUR..=MONDAY + 11 * HOUR).contains(&missed), "{}", missed - MONDAY);
    // Three nights, by the rule.
    let tuesday = |minute: i64| minute < MONDAY + DAY + 12 * HOUR && at_work(minute);
    let missed = first(&[&tuesday, &always], MONDAY + DAY, 10).unwrap();
    assert_eq!((missed - MONDAY) / DAY, 3, "on Thursday: {}", missed - MONDAY);
    // Once a night, the third that is missed, by the rule.
    let nightly = |minute: i64| minute % DAY < 3 * HOUR && (2 * HOUR..).contains(&(minute % DAY));
    assert_eq!(first(&[&nightly, &always], MONDAY - DAY, 30), None);
    let ends = |minute: i64| minute < MONDAY + 5 * HOUR && nightly(minute);
    let missed = first(&[&ends, &always], MONDAY, 10).unwrap();
    assert_eq!((missed - MONDAY) / DAY, 3, "{}", missed - MONDAY);
}

#[test]
fn an_outage_of_all_is_nobody_s_silence() {
    let outage = MONDAY + DAY + 10 * HOUR..MONDAY + DAY + 15 * HOUR;
    let with_outage = |minute: i64| always(minute) && !outage.contains(&minute);
    let later =
        |minute: i64| with_outage(minute) && !(outage.end..outage.end + 20).contains(&minute);
    let all: [&dyn Fn(i64) -> bool; 2] = [&later, &with_outage];
    for end in (outage.start..outage.end + 2 * HOUR).step_by(5) {
        assert!(fires(&all, end, &[]).is_empty(), "{}", end - outage.start);
    }
    // A silence that began before the outage goes on.
    let gone = |minute: i64| minute < outage.start - HOUR && always(minute);
    let all: [&dyn Fn(i64) -> bool; 2] = [&gone, &with_outage];
    assert_eq!(fires(&all, outage.end + 5, &[]), ["0"]);
    // With one consumer nobody can tell, unless this server knows that it was off.
    let alone: [&dyn Fn(i64) -> bool; 1] = [&later];
    assert_eq!(fires(&alone, outage.end, &[]), ["0"]);
    let off = (outage.start * MINUTE_US, outage.end * MINUTE_US);
    assert!(fires(&alone, outage.end + 15, &[off]).is_empty());
    assert_eq!(
        fires(&[&|minute| minute < outage.start && always(minute)], outage.end + 65, &[off]),
        ["0"]
    );
}

#[test]
fn an_alert_lasts_until_the_next_request() {
    let stop = MONDAY + DAY;
    let mut watched =
        [consumer("a", |minute| minute < stop && always(minute)), consumer("b", always)];
    let judged = |watched: &[Watched], end: i64| {
        let found = silent(watched, end * MINUTE_US, |name| name == "a", &[]);
        found.into_iter().map(|finding| (finding.key, finding.verdict)).collect::<Vec<_>>()
    };
    let end = stop + 3 * DAY;
    assert_eq!(judged(&watched, end), [("a".to_owned(), Verdict::Bad)]);
    watched[0].presence.see((end - 1) * MINUTE_US);
    assert_eq!(judged(&watched, end), [("a".to_owned(), Verdict::Good)]);
}
