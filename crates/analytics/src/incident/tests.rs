//! Stories of single monitors, and random ones against a computation that sees the whole history at once.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::certificate::{Certificate, Level};
use super::*;
use crate::uptime::{Confirm, Outcome, Tracker};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
const THREE_AND_TWO: Confirm = Confirm { down_after: 3, up_after: 2 };

/// A minute of a monitor's life: `x` fails, `.` succeeds, `?` says nothing.
type Minute = (char, Circumstances);

fn run(minutes: &[Minute], confirm: Confirm) -> (Vec<Transition>, MonitorIncidents) {
    let (mut tracker, mut incidents) = (Tracker::default(), MonitorIncidents::default());
    let mut transitions = Vec::new();
    for (minute, (mark, around)) in minutes.iter().enumerate() {
        let result = CheckResult {
            at_ms: minute as i64 * MINUTE_MS,
            interval_ms: MINUTE_MS,
            outcome: match mark {
                'x' => Outcome::Down,
                '.' => Outcome::Up,
                _ => Outcome::Unknown,
            },
        };
        let kept = serde_json::to_string(&incidents).unwrap();
        incidents = serde_json::from_str(&kept).unwrap();
        let turn = tracker.feed(result, confirm, &[]).turn;
        transitions.extend(incidents.take(result, turn, *around));
    }
    (transitions, incidents)
}

/// Small letters are the circumstances of the mark above: `m` maintenance, `p` the parent fails, `w` requests succeed.
/// Compared with "minute: incident.transition cause change (muted)".
fn check(marks: &str, circumstances: &str, expected: &[&str]) {
    let letters = circumstances.chars().chain(std::iter::repeat(' '));
    let minutes: Vec<Minute> = marks.chars().zip(letters.map(around)).collect();
    let (transitions, _) = run(&minutes, THREE_AND_TWO);
    let printed: Vec<String> = transitions.iter().map(print).collect();
    assert_eq!(printed, expected, "{marks}");
}

fn around(letter: char) -> Circumstances {
    let witness = match letter {
        'w' => Witness { requests: 5, consumers: 2 },
        // Too few of either.
        'c' => Witness { requests: 1_000, consumers: 1 },
        'r' => Witness { requests: 4, consumers: 4 },
        _ => Witness::default(),
    };
    Circumstances { in_maintenance: letter == 'm', parent_failing: letter == 'p', witness }
}

fn print(transition: &Transition) -> String {
    let change = match transition.change {
        Change::Opened => "opened".to_owned(),
        Change::Announced => "announced".to_owned(),
        Change::Worsened => "worsened".to_owned(),
        Change::Closed { until_ms, outages, still_down } => match transition.cause {
            Cause::Flapping => format!("closed, {outages} outages, down: {still_down}"),
            _ => format!("closed at {}", until_ms / MINUTE_MS),
        },
    };
    let muted = transition.muted.map_or(String::new(), |muted| format!(" ({muted:?})"));
    let (minute, since) = (transition.at_ms / MINUTE_MS, transition.since_ms / MINUTE_MS);
    let (incident, number) = (transition.incident, transition.transition);
    format!("{minute}: {incident}.{number} {:?} since {since} {change}{muted}", transition.cause)
}

#[test]
fn an_outage_opens_one_incident_and_its_end_closes_it() {
    check("..xxxx.x..", "", &["4: 1.1 Down since 2 opened", "9: 1.2 Down since 2 closed at 8"]);
    check("..xx.xx..", "", &[]);
    check("..x?x??x", "", &["7: 1.1 Down since 2 opened"]);
}

#[test]
fn a_contradicted_outage_waits_for_one_more_failure() {
    check(
        ".xxxx..",
        "   ww  ",
        &[
            "3: 1.1 Down since 1 opened (Unconfirmed)",
            "4: 1.2 Down since 1 announced",
            "6: 1.3 Down since 1 closed at 5",
        ],
    );
    check(
        ".xxx..",
        "   w  ",
        &[
            "3: 1.1 Down since 1 opened (Unconfirmed)",
            "5: 1.2 Down since 1 closed at 4 (NeverTold)",
        ],
    );
    check(".xxx", "   c", &["3: 1.1 Down since 1 opened"]);
    check(".xxx", "   r", &["3: 1.1 Down since 1 opened"]);
    let (_, incidents) = run(&[('x', around('w'))], Confirm { down_after: 1, up_after: 1 });
    assert!(incidents.open(Cause::Down).unwrap().unconfirmed);
}

#[test]
fn maintenance_and_a_failing_parent_mute_the_notice_and_not_the_incident() {
    for (letter, reason) in [('m', "Maintenance"), ('p', "Parent")] {
        let muted = |count: usize| letter.to_string().repeat(count);
        check(
            ".xxxxx..",
            &muted(5),
            &[
                &format!("3: 1.1 Down since 1 opened ({reason})"),
                "5: 1.2 Down since 1 announced",
                "7: 1.3 Down since 1 closed at 6",
            ],
        );
        check(
            ".xxxx..",
            &muted(7),
            &[
                &format!("3: 1.1 Down since 1 opened ({reason})"),
                "6: 1.2 Down since 1 closed at 5 (NeverTold)",
            ],
        );
        // Announced before maintenance began: the end is announced too.
        check(
            ".xxxx..",
            &format!("    {}", muted(3)),
            &["3: 1.1 Down since 1 opened", "6: 1.2 Down since 1 closed at 5"],
        );
    }
}

#[test]
fn flapping_is_told_once_and_its_end_tells_the_outages() {
    let calm = ".".repeat(16);
    check(
        &format!("x.x.x.xxxxx..{calm}"),
        "",
        &[
            "6: 1.1 Flapping since 6 opened",
            "8: 2.1 Down since 6 opened (Flapping)",
            "12: 2.2 Down since 6 closed at 11 (NeverTold)",
            "22: 1.2 Flapping since 6 closed, 1 outages, down: false",
        ],
    );
    // Still down when it ends: the notice of the end covers it, so its own end is announced.
    check(
        &format!("x.x.x.{}..", "x".repeat(18)),
        "",
        &[
            "6: 1.1 Flapping since 6 opened",
            "8: 2.1 Down since 6 opened (Flapping)",
            "21: 1.2 Flapping since 6 closed, 1 outages, down: true",
            "25: 2.2 Down since 6 closed at 24",
        ],
    );
    // Begun in maintenance: neither is announced.
    check(
        &format!("x.x.x.x{calm}"),
        &"m".repeat(7),
        &[
            "6: 1.1 Flapping since 6 opened (Maintenance)",
            "22: 1.2 Flapping since 6 closed, 0 outages, down: false (NeverTold)",
        ],
    );
}

#[test]
fn a_certificate_warns_worsens_and_is_renewed() {
    let mut incidents = MonitorIncidents::default();
    let ninety = Certificate { not_before_ms: 0, not_after_ms: 90 * DAY_MS };
    let mut printed = Vec::new();
    for day in [10, 77, 78, 88, 89, 91, 92] {
        let transitions = incidents.take_certificate(ninety, day * DAY_MS);
        printed.extend(transitions.iter().map(|found| (day, found.transition, found.change)));
    }
    assert_eq!(
        printed,
        [(77, 1, Change::Opened), (88, 2, Change::Worsened), (91, 3, Change::Worsened),]
    );
    assert_eq!(incidents.certificate_level(), Level::Expired);
    let renewed = Certificate { not_before_ms: 92 * DAY_MS, not_after_ms: 182 * DAY_MS };
    let transitions = incidents.take_certificate(renewed, 93 * DAY_MS);
    assert_eq!(transitions.len(), 1);
    assert!(
        matches!(transitions[0].change, Change::Closed { .. }) && transitions[0].muted.is_none()
    );
    assert_eq!(incidents.open(Cause::Certificate), None);
    assert_eq!(incidents.take_certificate(renewed, 93 * DAY_MS), []);
}

#[test]
fn a_stopped_monitor_closes_all_and_numbers_go_on() {
    let (_, mut incidents) = run(&[('x', around(' '))], Confirm { down_after: 1, up_after: 1 });
    let expired = Certificate { not_before_ms: -9, not_after_ms: -8 };
    assert_eq!(incidents.take_certificate(expired, 0)[0].incident, 2);
    let closed = incidents.stop(5);
    assert_eq!(closed.len(), 2);
    assert!(closed.iter().all(|transition| transition.muted == Some(Muted::Stopped)));
    assert_eq!(incidents.stop(6), []);
    assert_eq!(incidents.take_certificate(expired, 7)[0].incident, 3);
}

/// By definition, from the whole history: (minute of the opening, of its notice, of the end, whether the end sends a
/// notice).
fn told(
    minutes: &[Minute],
    turns: &[Option<Turn>],
) -> Vec<(usize, Option<usize>, Option<usize>, bool)> {
    let deciding: Vec<usize> = (0..minutes.len()).filter(|n| minutes[*n].0 != '?').collect();
    // The weighted share of changes, written as decimals.
    let share = |minute: usize| -> f64 {
        let place = deciding.iter().position(|n| *n == minute).unwrap();
        (0..20usize)
            .filter(|age| place > *age)
            .filter(|age| minutes[deciding[place - age]].0 != minutes[deciding[place - age - 1]].0)
            .map(|age| 1.18 - 0.02 * age as f64)
            .sum::<f64>()
            / 19.8
    };
    // Whether it flaps while a minute's transitions are judged; flapping ends after them.
    let (mut flaps, mut is_flapping, mut flapping_told) =
        (vec![false; minutes.len()], false, false);
    let mut ends_told = vec![false; minutes.len()];
    for minute in &deciding {
        let around = minutes[*minute].1;
        if !is_flapping && share(*minute) > 0.3 - 1e-9 {
            is_flapping = true;
            flapping_told = !around.in_maintenance && !around.parent_failing;
        }
        flaps[*minute] = is_flapping;
        if is_flapping && share(*minute) < 0.25 - 1e-9 {
            is_flapping = false;
            ends_told[*minute] = flapping_told;
        }
    }
    let mut outages = Vec::new();
    for opened in 0..minutes.len() {
        let Some(Turn::Down { .. }) = turns[opened] else { continue };
        let closed = (opened..minutes.len()).find(|n| matches!(turns[*n], Some(Turn::Up { .. })));
        let life = opened..closed.unwrap_or(minutes.len());
        let by_digest = life.clone().find(|n| ends_told[*n]);
        let by_notice = life.clone().find(|n| {
            let around = minutes[*n].1;
            minutes[*n].0 == 'x'
                && !around.in_maintenance
                && !around.parent_failing
                && !flaps[*n]
                && (*n > opened || !around.witness.contradicts())
        });
        let notice = by_notice.filter(|n| by_digest.is_none_or(|digest| *n <= digest));
        let known = notice.or(by_digest).is_some();
        let end_told = closed.is_some_and(|n| known && !flaps[n]);
        outages.push((opened, notice, closed, end_told));
    }
    outages
}

fn a_life() -> impl Strategy<Value = Vec<Minute>> {
    // In stretches, so that all states are reached.
    let mark = prop_oneof![5 => Just('.'), 5 => Just('x'), 1 => Just('?')];
    let letter = prop_oneof![6 => Just(' '), 1 => Just('m'), 1 => Just('p'), 2 => Just('w')];
    let stretch = prop_oneof![
        3 => (mark.clone(), letter.clone(), 1usize..9)
            .prop_map(|(mark, letter, count)| vec![(mark, around(letter)); count]),
        1 => prop::collection::vec((mark, letter.prop_map(around)), 1..14),
    ];
    prop::collection::vec(stretch, 0..12).prop_map(|stretches| stretches.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_told_follows_from_the_whole_history(
        minutes in a_life(),
        down_after in 1u32..4,
        up_after in 1u32..4,
    ) {
        let confirm = Confirm { down_after, up_after };
        let mut tracker = Tracker::default();
        let turns: Vec<Option<Turn>> = minutes.iter().enumerate().map(|(minute, (mark, _))| {
            let outcome = match mark { 'x' => Outcome::Down, '.' => Outcome::Up, _ => Outcome::Unknown };
            let at_ms = minute as i64 * MINUTE_MS;
            tracker.feed(CheckResult { at_ms, interval_ms: MINUTE_MS, outcome }, confirm, &[]).turn
        }).collect();
        let (transitions, _) = run(&minutes, confirm);

        let mut found = Vec::new();
        let outages = transitions.iter().filter(|one| one.cause == Cause::Down);
        for transition in outages {
            let minute = (transition.at_ms / MINUTE_MS) as usize;
            let told = transition.muted.is_none();
            match transition.change {
                Change::Opened => found.push((minute, told.then_some(minute), None, false)),
                Change::Announced => found.last_mut().unwrap().1 = Some(minute),
                Change::Closed { .. } => {
                    let last = found.last_mut().unwrap();
                    (last.2, last.3) = (Some(minute), told);
                }
                Change::Worsened => prop_assert!(false, "an outage does not worsen"),
            }
        }
        prop_assert_eq!(found, told(&minutes, &turns));

        let mut numbers = BTreeMap::<u64, Vec<u32>>::new();
        for one in &transitions {
            numbers.entry(one.incident).or_default().push(one.transition);
        }
        for (place, (incident, of_incident)) in numbers.iter().enumerate() {
            prop_assert_eq!(*incident, place as u64 + 1);
            prop_assert_eq!(of_incident, &(1..=of_incident.len() as u32).collect::<Vec<u32>>());
        }
    }
}
