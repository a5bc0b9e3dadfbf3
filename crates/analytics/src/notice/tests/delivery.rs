//! Stories of the outbox, and a channel that fails at random through days of openings and ends.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::outbox::{Dispatch, Form, Pace, Plan, Row, failing_since_ms, next_try_ms, plan};
use super::*;

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600 * SECOND_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

fn row(id: u64, thread: &str, stage: Stage, created_s: i64) -> Row {
    Row {
        id,
        project: 1,
        thread: thread.to_owned(),
        stage,
        severity: Severity::Critical,
        created_ms: created_s * SECOND_MS,
        tries: 0,
        next_ms: created_s * SECOND_MS,
        opening_delivered: false,
    }
}

fn at(rows: &[Row], now_s: i64) -> Plan {
    plan(rows, Pace::default(), now_s * SECOND_MS)
}

fn sends(rows: &[Row], now_s: i64, ids: &[u64], form: Form) {
    let expected = Some(Dispatch { rows: ids.to_vec(), form });
    assert_eq!(at(rows, now_s).dispatch, expected, "at {now_s} s");
}

fn waits(rows: &[Row], now_s: i64, until_s: i64) {
    let expected = Plan { wake_ms: Some(until_s * SECOND_MS), ..Plan::default() };
    assert_eq!(at(rows, now_s), expected, "at {now_s} s");
}

#[test]
fn the_first_notice_waits_for_company_and_a_test_does_not() {
    let one = [row(1, "a", Stage::Opening, 100)];
    waits(&one, 100, 120);
    waits(&one, 119, 120);
    sends(&one, 120, &[1], Form::Single);
    assert_eq!(at(&[], 0), Plan::default());
    let test = [row(1, "a", Stage::Opening, 100), row(2, "t", Stage::Test, 105)];
    sends(&test, 105, &[2], Form::Single);
}

#[test]
fn a_burst_is_one_digest_of_its_project() {
    let mut rows = vec![row(1, "a", Stage::Opening, 100), row(2, "b", Stage::Opening, 115)];
    rows.push(Row { project: 2, ..row(3, "c", Stage::Opening, 100) });
    waits(&rows, 119, 120);
    sends(&rows, 120, &[1, 2], Form::Digest);
    sends(&rows[2..], 120, &[3], Form::Single);
}

#[test]
fn more_than_five_openings_wait_for_the_rest_of_their_minute() {
    let rows: Vec<Row> =
        (0..6).map(|n| row(n, &format!("t{n}"), Stage::Opening, 100 + n as i64)).collect();
    sends(&rows[..5], 120, &[0, 1, 2, 3, 4], Form::Digest);
    waits(&rows, 120, 160);
    sends(&rows, 160, &[0, 1, 2, 3, 4, 5], Form::Digest);
}

#[test]
fn an_end_without_a_delivered_opening_is_told_as_one() {
    let tried = Row { tries: 3, next_ms: 500 * SECOND_MS, ..row(1, "a", Stage::Opening, 100) };
    let over = row(2, "a", Stage::Resolved, 300);
    waits(&[tried.clone(), over.clone()], 300, 500);
    sends(&[tried, over.clone()], 500, &[1, 2], Form::Combined);
    // Also within the wait, and after the opening was given up.
    sends(
        &[row(1, "a", Stage::Opening, 100), row(2, "a", Stage::Resolved, 110)],
        120,
        &[1, 2],
        Form::Combined,
    );
    sends(std::slice::from_ref(&over), 320, &[2], Form::Combined);
    let told = Row { opening_delivered: true, ..over };
    sends(std::slice::from_ref(&told), 320, &[2], Form::Single);
    // Earlier updates are outdated.
    let update = Row { opening_delivered: true, ..row(1, "a", Stage::Update, 290) };
    sends(&[update, told], 320, &[1, 2], Form::Single);
}

#[test]
fn rows_that_failed_together_are_tried_together_when_the_last_is_due() {
    let failed = |id, thread: &str, stage, next_s: i64| Row {
        tries: 1,
        next_ms: next_s * SECOND_MS,
        ..row(id, thread, stage, 100)
    };
    let rows = [failed(1, "a", Stage::Opening, 500), failed(2, "a", Stage::Resolved, 510)];
    waits(&rows, 500, 510);
    sends(&rows, 510, &[1, 2], Form::Combined);
}

#[test]
fn a_channel_with_states_is_told_every_change_in_order() {
    let pace = Pace { keeps_state: true, ..Pace::default() };
    let rows = [
        row(1, "a", Stage::Opening, 100),
        row(2, "a", Stage::Resolved, 101),
        row(3, "b", Stage::Opening, 100),
    ];
    let send = |rows: &[Row], now_s: i64| {
        plan(rows, pace, now_s * SECOND_MS).dispatch.map(|send| (send.rows, send.form))
    };
    assert_eq!(send(&rows, 100), Some((vec![1], Form::Single)));
    assert_eq!(send(&rows[1..], 101), Some((vec![3], Form::Single)));
    let waiting = [Row { tries: 1, next_ms: 200 * SECOND_MS, ..rows[0].clone() }, rows[1].clone()];
    assert_eq!(send(&waiting, 150), None, "the end waits for the opening");
    let told = [Row { opening_delivered: true, ..rows[1].clone() }];
    assert_eq!(send(&told, 150), Some((vec![2], Form::Single)));
}

#[test]
fn quiet_hours_hold_what_is_not_critical() {
    let pace = Pace { quiet_until_ms: Some(1_000 * SECOND_MS), ..Pace::default() };
    let quiet = |rows: &[Row], now_s: i64| plan(rows, pace, now_s * SECOND_MS);
    let warning = Row { severity: Severity::Warning, ..row(1, "a", Stage::Opening, 100) };
    let critical = row(2, "b", Stage::Opening, 500);
    assert_eq!(quiet(std::slice::from_ref(&warning), 500).wake_ms, Some(1_000 * SECOND_MS));
    let both = [warning.clone(), critical];
    assert_eq!(quiet(&both, 510).wake_ms, Some(520 * SECOND_MS), "it waits for company of its own");
    assert_eq!(quiet(&both, 520).dispatch.map(|send| send.rows), Some(vec![2]));
    let more =
        [warning.clone(), Row { severity: Severity::Info, ..row(3, "c", Stage::Opening, 900) }];
    assert_eq!(
        quiet(&more, 1_000).dispatch,
        Some(Dispatch { rows: vec![1, 3], form: Form::Digest })
    );
    let test = Row { severity: Severity::Info, ..row(4, "t", Stage::Test, 500) };
    assert_eq!(quiet(&[warning, test], 500).dispatch.map(|send| send.rows), Some(vec![4]));
}

#[test]
fn notices_keep_the_channel_s_pace() {
    let pace =
        Pace { gap_ms: 3 * SECOND_MS, last_sent_ms: Some(119 * SECOND_MS), ..Pace::default() };
    let rows = [row(1, "a", Stage::Opening, 100)];
    let early = plan(&rows, pace, 120 * SECOND_MS);
    assert_eq!((early.dispatch, early.wake_ms), (None, Some(122 * SECOND_MS)));
    assert!(plan(&rows, pace, 122 * SECOND_MS).dispatch.is_some());
}

#[test]
fn a_notice_is_given_up_after_a_day() {
    let rows = [
        Row { tries: 20, next_ms: 2 * DAY_MS, ..row(1, "a", Stage::Opening, 0) },
        Row { tries: 1, next_ms: 2 * DAY_MS, ..row(2, "b", Stage::Opening, 10) },
    ];
    let before = plan(&rows, Pace::default(), DAY_MS - 1);
    assert_eq!((before.give_up, before.wake_ms), (vec![], Some(DAY_MS)));
    let then = plan(&rows, Pace::default(), DAY_MS);
    assert_eq!((then.give_up, then.wake_ms), (vec![1], Some(DAY_MS + 10 * SECOND_MS)));
}

#[test]
fn waits_between_tries_grow_to_two_hours_and_vary() {
    let (mut now_ms, mut tries, mut waits) = (0, 0, Vec::new());
    while now_ms < DAY_MS {
        tries += 1;
        let next_ms = next_try_ms(7, tries, None, now_ms);
        waits.push((next_ms - now_ms) / SECOND_MS);
        now_ms = next_ms;
    }
    for (found, expected) in waits.iter().zip([5, 20, 80, 320, 1_280, 5_120, 7_200, 7_200]) {
        assert!((expected * 8 / 10..=expected * 12 / 10).contains(found), "{waits:?}");
    }
    assert!((10..=22).contains(&waits.len()), "{}", waits.len());
    let different: BTreeSet<i64> = (0..50).map(|id| next_try_ms(id, 7, None, 0)).collect();
    assert!(different.len() > 40);
    assert_eq!(next_try_ms(7, 1, Some(HOUR_MS), 5), 5 + HOUR_MS);
    assert!(next_try_ms(7, 7, Some(1), 0) > HOUR_MS);
    assert!(next_try_ms(u64::MAX, u32::MAX, None, 0) <= 3 * HOUR_MS);
}

#[test]
fn a_channel_fails_when_a_notice_was_tried_for_an_hour() {
    let tried = Row { tries: 5, ..row(1, "a", Stage::Opening, 0) };
    let held = row(2, "b", Stage::Opening, 0);
    assert_eq!(failing_since_ms(&[tried.clone(), held.clone()], HOUR_MS - 1), None);
    assert_eq!(failing_since_ms(&[tried, held.clone()], HOUR_MS), Some(0));
    assert_eq!(failing_since_ms(&[held], DAY_MS), None, "quiet hours are no failure");
}

/// An event: after this many seconds, a thread of a project goes one step on.
type Event = (i64, u64, u64, Severity);

/// A server with one channel that fails at random, and always during a long outage.
struct Simulation {
    rows: BTreeMap<u64, Row>,
    stages: BTreeMap<u64, Stage>,
    delivered: BTreeMap<String, BTreeSet<u64>>,
    given_up: BTreeSet<u64>,
    now_ms: i64,
    pace: Pace,
    seed: u64,
    fails_percent: u64,
    outage: std::ops::Range<i64>,
    sends: Vec<(i64, Dispatch)>,
}

impl Simulation {
    fn run_until(&mut self, end_ms: i64) -> Result<(), TestCaseError> {
        loop {
            let rows: Vec<Row> = self.rows.values().cloned().collect();
            let found = plan(&rows, self.pace, self.now_ms);
            for id in &found.give_up {
                let row = self.rows.remove(id).unwrap();
                prop_assert!(self.now_ms - row.created_ms >= DAY_MS);
                self.given_up.insert(*id);
            }
            if let Some(send) = found.dispatch {
                self.send(send)?;
                continue;
            }
            if !found.give_up.is_empty() {
                continue;
            }
            let Some(wake_ms) = found.wake_ms else {
                prop_assert!(self.rows.is_empty());
                self.now_ms = end_ms;
                return Ok(());
            };
            prop_assert!(wake_ms > self.now_ms);
            if wake_ms > end_ms {
                self.now_ms = end_ms;
                return Ok(());
            }
            let rows: Vec<Row> = self.rows.values().cloned().collect();
            prop_assert_eq!(plan(&rows, self.pace, wake_ms - 1).dispatch, None);
            self.now_ms = wake_ms;
        }
    }

    fn send(&mut self, send: Dispatch) -> Result<(), TestCaseError> {
        if let Some(last_ms) = self.pace.last_sent_ms {
            prop_assert!(self.now_ms - last_ms >= self.pace.gap_ms);
        }
        self.pace.last_sent_ms = Some(self.now_ms);
        let rows: Vec<Row> = send.rows.iter().map(|id| self.rows[id].clone()).collect();
        prop_assert!(send.rows.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(rows.iter().all(|row| row.project == rows[0].project));
        let newest = rows.last().unwrap();
        let threads: BTreeSet<&str> = rows.iter().map(|row| row.thread.as_str()).collect();
        let told_before = self.delivered.contains_key(&newest.thread);
        if self.pace.keeps_state {
            prop_assert_eq!((rows.len(), send.form), (1, Form::Single));
            let earlier =
                self.rows.values().any(|row| row.thread == newest.thread && row.id < newest.id);
            prop_assert!(!earlier, "in order");
        } else {
            match send.form {
                Form::Digest => prop_assert!(threads.len() >= 2),
                Form::Single | Form::Combined => {
                    prop_assert_eq!(threads.len(), 1);
                    let is_end = newest.stage == Stage::Resolved;
                    prop_assert_eq!(send.form == Form::Combined, is_end && !told_before);
                }
            }
            // All news of a thread is sent together.
            let left =
                self.rows.values().filter(|row| threads.contains(row.thread.as_str())).count();
            prop_assert_eq!(left, rows.len());
            let untried = rows.iter().all(|row| row.tries == 0 && row.stage != Stage::Test);
            let oldest_ms = rows.iter().map(|row| row.created_ms).min().unwrap();
            prop_assert!(!untried || self.now_ms - oldest_ms >= 20 * SECOND_MS);
        }
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let fails =
            (self.seed >> 33) % 100 < self.fails_percent || self.outage.contains(&self.now_ms);
        for mut row in rows {
            if fails {
                row.tries += 1;
                row.next_ms = next_try_ms(row.id, row.tries, None, self.now_ms);
                self.rows.insert(row.id, row);
                continue;
            }
            self.rows.remove(&row.id);
            self.delivered.entry(row.thread.clone()).or_default().insert(row.id);
            for other in self.rows.values_mut().filter(|other| other.thread == row.thread) {
                other.opening_delivered = true;
            }
        }
        if !fails {
            self.sends.push((self.now_ms, send));
        }
        Ok(())
    }
}

fn some_events() -> impl Strategy<Value = Vec<Event>> {
    let after_s = prop_oneof![6 => 0i64..15, 3 => 15i64..200, 1 => 200i64..9_000];
    let severity = prop_oneof![Just(Severity::Critical), Just(Severity::Warning)];
    prop::collection::vec((after_s, 0u64..3, 0u64..6, severity), 1..50)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_notice_is_delivered_once_or_given_up_after_a_day(
        events in some_events(),
        keeps_state in any::<bool>(),
        gap_s in 0i64..4,
        seed in any::<u64>(),
        fails_percent in prop_oneof![Just(0u64), 0u64..90],
        outage_s in prop_oneof![3 => Just((0i64, 0i64)), 1 => (0i64..5_000, 0i64..100_000)],
        quiet_s in prop_oneof![2 => Just(None), 1 => (0i64..5_000).prop_map(Some)],
    ) {
        let mut simulation = Simulation {
            rows: BTreeMap::new(),
            stages: BTreeMap::new(),
            delivered: BTreeMap::new(),
            given_up: BTreeSet::new(),
            now_ms: 0,
            pace: Pace {
                keeps_state,
                gap_ms: gap_s * SECOND_MS,
                last_sent_ms: None,
                quiet_until_ms: quiet_s.map(|until_s| until_s * SECOND_MS),
            },
            seed,
            fails_percent,
            outage: outage_s.0 * SECOND_MS..(outage_s.0 + outage_s.1) * SECOND_MS,
            sends: Vec::new(),
        };
        // A thread is a monitor's number of outages.
        let mut open = BTreeMap::<(u64, u64), u64>::new();
        let (mut threads, mut id, mut at_ms) = (0u64, 0u64, 0i64);
        for (after_s, project, monitor, severity) in events {
            at_ms += after_s * SECOND_MS;
            simulation.run_until(at_ms)?;
            simulation.now_ms = at_ms;
            let (thread, stage) = match open.get(&(project, monitor)) {
                None => {
                    threads += 1;
                    open.insert((project, monitor), threads);
                    (threads, Stage::Opening)
                }
                Some(thread) if (id ^ seed) % 3 == 0 => (*thread, Stage::Update),
                Some(thread) => {
                    let thread = *thread;
                    open.remove(&(project, monitor));
                    (thread, Stage::Resolved)
                }
            };
            id += 1;
            let thread = format!("t{thread}");
            let opening_delivered = simulation.delivered.contains_key(&thread);
            simulation.stages.insert(id, stage);
            let new = Row { project, thread, stage, severity, opening_delivered, created_ms: at_ms, next_ms: at_ms, ..row(id, "", stage, 0) };
            simulation.rows.insert(id, new);
        }
        let last_ms = at_ms;
        simulation.run_until(last_ms + 2 * DAY_MS)?;

        prop_assert!(simulation.rows.is_empty());
        let mut told = BTreeSet::new();
        for (_, send) in &simulation.sends {
            for id in &send.rows {
                prop_assert!(told.insert(*id), "told twice");
            }
        }
        prop_assert!(told.is_disjoint(&simulation.given_up));
        prop_assert_eq!(told.len() + simulation.given_up.len(), simulation.stages.len());
        let is_well = fails_percent == 0 && outage_s.1 == 0;
        if is_well {
            prop_assert!(simulation.given_up.is_empty());
        }
        if is_well && quiet_s.is_none() && !keeps_state {
            // Nobody waits longer than a minute, but for the pace.
            let most_ms = 60 * SECOND_MS + simulation.sends.len() as i64 * gap_s * SECOND_MS;
            prop_assert!(simulation.sends.first().is_none_or(|(sent_ms, _)| *sent_ms <= last_ms + most_ms));
            // At most one message of a project in 20 s.
            let messages = simulation.sends.len() as i64;
            prop_assert!(messages <= 3 * (last_ms / (20 * SECOND_MS) + 4));
        }
    }
}
