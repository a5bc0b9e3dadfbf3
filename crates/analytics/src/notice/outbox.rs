//! Decides which rows of the outbox are sent to one channel, when, and how: alone, combined, or as a digest.
//!
//! The first notice of a project waits a little for others of the same cause, and an unusual number of openings becomes
//! one digest. The newest row of a thread replaces those not delivered yet, so nobody reads "down" after "up again".
//! Channels that keep state receive every change instead, in order. The caller stores rows and answers, in the same
//! transaction as the state that they describe; delivery is at least once.

use std::collections::BTreeMap;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::Stage;
use crate::alert::Severity;
use crate::limits;

const SECOND_MS: i64 = 1_000;
const GROUP_MS: i64 = limits::NOTICE_GROUP_SECONDS as i64 * SECOND_MS;
const DIGEST_MS: i64 = limits::NOTICE_DIGEST_SECONDS as i64 * SECOND_MS;
const GIVE_UP_MS: i64 = limits::NOTICE_GIVE_UP_HOURS as i64 * 3_600 * SECOND_MS;
const RETRY_MS: i64 = limits::NOTICE_RETRY_SECONDS as i64 * SECOND_MS;
const RETRY_MOST_MS: i64 = limits::NOTICE_RETRY_MOST_SECONDS as i64 * SECOND_MS;
const FAILING_MS: i64 = limits::NOTICE_FAILING_MINUTES as i64 * 60_000;

/// A notice for one channel that is neither delivered, nor given up, nor being sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Ascending in the order in which they were written.
    pub id: u64,
    pub project: u64,
    /// `Notice::thread`.
    pub thread: String,
    pub stage: Stage,
    pub severity: Severity,
    pub created_ms: i64,
    pub tries: u32,
    /// The earliest time of the next try: `created_ms` at first, then by `next_try_ms`.
    pub next_ms: i64,
    /// The opening of its thread was delivered to this channel.
    pub opening_delivered: bool,
}

/// The channel's constraints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// `Channel::keeps_state` and `Channel::gap_ms`.
    pub keeps_state: bool,
    pub gap_ms: i64,
    pub last_sent_ms: Option<i64>,
    /// Set in quiet hours: until then only critical notices and tests are sent.
    pub quiet_until_ms: Option<i64>,
}

/// Rows that go out as one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// Ascending. They succeed or fail together.
    pub rows: Vec<u64>,
    pub form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The newest row's notice.
    Single,
    /// The newest row's notice, a resolved one, with `combined` set: its opening was never delivered.
    Combined,
    /// A digest with an item per thread, the newest row of each.
    Digest,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub give_up: Vec<u64>,
    /// At most one: plan again once its answer is known.
    pub dispatch: Option<Dispatch>,
    /// The time of the next action if `dispatch` is none. None if nothing waits.
    pub wake_ms: Option<i64>,
}

/// The rows of one thread.
#[derive(Debug)]
struct Unit {
    rows: Vec<u64>,
    project: u64,
    stage: Stage,
    is_combined: bool,
    has_opening: bool,
    is_urgent: bool,
    was_tried: bool,
    /// Held back by quiet hours.
    is_held: bool,
    created_ms: i64,
    due_ms: i64,
}

/// `rows`: all that wait for one channel, in any order.
pub fn plan(rows: &[Row], pace: Pace, now_ms: i64) -> Plan {
    let mut plan = Plan::default();
    let mut waiting: Vec<&Row> = Vec::with_capacity(rows.len());
    for row in rows {
        match now_ms - row.created_ms >= GIVE_UP_MS {
            true => plan.give_up.push(row.id),
            false => waiting.push(row),
        }
    }
    plan.give_up.sort_unstable();
    waiting.sort_unstable_by_key(|row| row.id);
    let mut units = match pace.keeps_state {
        true => first_of_threads(&waiting),
        false => newest_of_threads(&waiting),
    };
    let quiet_until_ms = pace.quiet_until_ms.filter(|until_ms| *until_ms > now_ms);
    for unit in units.iter_mut().filter(|unit| !unit.is_urgent) {
        unit.is_held = quiet_until_ms.is_some();
        unit.due_ms = unit.due_ms.max(quiet_until_ms.unwrap_or(unit.due_ms));
    }
    if !pace.keeps_state {
        wait_for_company(&mut units);
    }
    let free_ms = pace.last_sent_ms.map_or(i64::MIN, |sent_ms| sent_ms + pace.gap_ms);
    let due = units.iter().filter(|unit| unit.due_ms.max(free_ms) <= now_ms);
    // Someone is waiting for a test.
    let first = due.min_by_key(|unit| (unit.stage != Stage::Test, unit.due_ms, unit.rows[0]));
    let Some(first) = first else {
        let gives_up_ms = waiting.iter().map(|row| row.created_ms + GIVE_UP_MS).min();
        let due_ms = units.iter().map(|unit| unit.due_ms.max(free_ms)).min();
        plan.wake_ms = due_ms.into_iter().chain(gives_up_ms).min();
        return plan;
    };
    let goes_along = |unit: &&Unit| {
        !pace.keeps_state
            && first.stage != Stage::Test
            && unit.stage != Stage::Test
            && unit.project == first.project
            && unit.due_ms <= now_ms
    };
    let together: Vec<&Unit> = units.iter().filter(goes_along).collect();
    plan.dispatch = Some(match together.len() {
        0 | 1 => Dispatch {
            rows: first.rows.clone(),
            form: if first.is_combined { Form::Combined } else { Form::Single },
        },
        _ => {
            let mut rows: Vec<u64> = together.iter().flat_map(|unit| unit.rows.clone()).collect();
            rows.sort_unstable();
            Dispatch { rows, form: Form::Digest }
        }
    });
    plan
}

/// The next try of a row that was not delivered. `tries` counts the one that failed; `after_ms` is the delay that the
/// service asked for.
pub fn next_try_ms(row: u64, tries: u32, after_ms: Option<i64>, now_ms: i64) -> i64 {
    let doublings = 2 * tries.saturating_sub(1).min(15);
    let wait_ms = RETRY_MS << doublings;
    let wait_ms = wait_ms.min(RETRY_MOST_MS);
    // The same row and try always wait alike, over restarts and in tests.
    let mut hasher = SipHasher13::new();
    hasher.write_u64(row);
    hasher.write_u32(tries);
    let spread_ms = wait_ms * limits::NOTICE_JITTER_PERCENT as i64 / 100;
    let jitter_ms = (hasher.finish() % (2 * spread_ms + 1) as u64) as i64 - spread_ms;
    now_ms + (wait_ms + jitter_ms).max(after_ms.unwrap_or(0))
}

/// The time since which the channel fails to deliver, once that is long enough for other channels to report it.
pub fn failing_since_ms(rows: &[Row], now_ms: i64) -> Option<i64> {
    let tried = rows.iter().filter(|row| row.tries > 0).map(|row| row.created_ms).min()?;
    (now_ms - tried >= FAILING_MS).then_some(tried)
}

fn first_of_threads(waiting: &[&Row]) -> Vec<Unit> {
    let mut threads = BTreeMap::<&str, Unit>::new();
    for row in waiting {
        let alone = || Unit { is_combined: false, ..Unit::of(row) };
        threads.entry(&row.thread).or_insert_with(alone);
    }
    threads.into_values().collect()
}

fn newest_of_threads(waiting: &[&Row]) -> Vec<Unit> {
    // Rows of a thread are sent together, so if its first was not tried, none was.
    let mut threads = BTreeMap::<&str, Unit>::new();
    for row in waiting {
        let Some(unit) = threads.get_mut(row.thread.as_str()) else {
            threads.insert(&row.thread, Unit::of(row));
            continue;
        };
        unit.rows.push(row.id);
        unit.stage = row.stage;
        unit.has_opening |= row.stage == Stage::Opening;
        unit.is_combined = row.stage == Stage::Resolved && !row.opening_delivered;
        unit.is_urgent |= row.severity == Severity::Critical;
        unit.due_ms = unit.due_ms.max(row.next_ms);
    }
    threads.into_values().collect()
}

/// A notice that hasn't been tried yet waits for the rest of its burst.
fn wait_for_company(units: &mut [Unit]) {
    let mut bursts = BTreeMap::<u64, i64>::new();
    for unit in units.iter().filter(|unit| unit.waits()) {
        let start_ms = bursts.entry(unit.project).or_insert(unit.created_ms);
        *start_ms = (*start_ms).min(unit.created_ms);
    }
    for (project, start_ms) in bursts {
        let of_project = |unit: &&mut Unit| unit.waits() && unit.project == project;
        let is_opening = |unit: &Unit| unit.has_opening && unit.created_ms < start_ms + DIGEST_MS;
        let openings =
            units.iter_mut().filter(of_project).filter(|unit| is_opening(unit)).count() as u64;
        let wait_ms = if openings > limits::NOTICE_DIGEST_OPENINGS { DIGEST_MS } else { GROUP_MS };
        for unit in units.iter_mut().filter(of_project) {
            unit.due_ms = unit.due_ms.max(start_ms + wait_ms);
        }
    }
}

impl Unit {
    fn of(row: &Row) -> Unit {
        Unit {
            rows: vec![row.id],
            project: row.project,
            stage: row.stage,
            is_combined: row.stage == Stage::Resolved && !row.opening_delivered,
            has_opening: row.stage == Stage::Opening,
            is_urgent: row.severity == Severity::Critical || row.stage == Stage::Test,
            was_tried: row.tries > 0,
            is_held: false,
            created_ms: row.created_ms,
            due_ms: row.next_ms,
        }
    }

    fn waits(&self) -> bool {
        !self.was_tried && !self.is_held && self.stage != Stage::Test
    }
}
