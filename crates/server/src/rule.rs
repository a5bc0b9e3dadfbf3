//! The execution of alert rules: the state of their alerts, the counts that they are judged from, and the rows of a
//! change for each channel. The loop is `judging`; `analytics::alert` has the judgements.

mod observe;
mod record;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use analytics::alert::{AnyRule, Lateness, RuleState};
use analytics::limits;
use store::checks::{Checks, ChecksError, LatenessRecord, RuleKey, RuleRecord};
use store::meta::{Meta, RuleRow};

use crate::notice::Outbox;

pub use observe::{Findings, Observer, RuleAsker};
pub use record::{Change, hit_question, late_notices};

/// A rule to judge.
#[derive(Clone, Debug)]
pub struct ActiveRule {
    pub row: Arc<RuleRow>,
    pub rule: AnyRule,
}

/// State shared by handlers and the loop.
pub struct Rules {
    states: Mutex<HashMap<i64, StoredState>>,
    lateness: Mutex<Lateness>,
    /// The database went away while states were written, so it may have newer ones.
    may_differ: AtomicBool,
    /// Other servers write states too.
    is_shared: bool,
    /// Held from a judgement until it is on disk, so that a change by the owner comes before or after it.
    judging: tokio::sync::Mutex<()>,
    /// Held during a round.
    pub observer: tokio::sync::Mutex<Observer>,
    outbox: Arc<Outbox>,
    /// When rules were last judged; none before the first time.
    looked: Mutex<Option<Instant>>,
    problem: Mutex<Option<String>>,
    unasked: AtomicUsize,
}

#[derive(Clone, Default)]
struct StoredState {
    created_us: i64,
    state: RuleState,
}

/// Held while rules are judged or changed.
pub struct Judging<'a> {
    rules: &'a Rules,
    _alone: tokio::sync::MutexGuard<'a, ()>,
}

impl Rules {
    /// Loads the last written state of every rule.
    pub async fn load(
        checks: &Checks,
        outbox: Arc<Outbox>,
        is_shared: bool,
    ) -> Result<Rules, ChecksError> {
        Ok(Rules {
            states: Mutex::new(read_states(checks).await?),
            lateness: Mutex::new(checks.lateness().await?),
            may_differ: AtomicBool::default(),
            is_shared,
            judging: tokio::sync::Mutex::default(),
            observer: tokio::sync::Mutex::default(),
            outbox,
            looked: Mutex::default(),
            problem: Mutex::default(),
            unasked: AtomicUsize::default(),
        })
    }

    /// The rules to judge, in order of their numbers.
    pub fn active(meta: &Meta) -> Vec<ActiveRule> {
        let active = |row: Arc<RuleRow>| {
            let compiled = row.settings.compile();
            let rule = compiled
                .inspect_err(|problem| tracing::error!(rule = row.id, %problem, "a stored rule cannot be read"))
                .ok()?;
            Some(ActiveRule { row, rule })
        };
        let rows = meta.all_rules().into_iter().filter(|row| !row.settings.paused);
        rows.filter_map(active).collect()
    }

    /// A rule's state; the default for one that was never bad.
    pub fn state(&self, row: &RuleRow) -> RuleState {
        let states = lock(&self.states);
        let kept = states.get(&row.id).filter(|kept| kept.created_us == row.created_us);
        kept.map(|kept| kept.state.clone()).unwrap_or_default()
    }

    pub fn lateness(&self) -> Lateness {
        *lock(&self.lateness)
    }

    pub async fn judging(&self) -> Judging<'_> {
        Judging { rules: self, _alone: self.judging.lock().await }
    }

    /// Reads the states again if another server may have written them, or the last write may have succeeded without an
    /// answer: an alert that began in it would never end. Before states are judged or changed.
    pub async fn refresh(&self, checks: &Checks) -> Result<(), ChecksError> {
        let _judging = self.judging().await;
        if self.is_shared || self.may_differ.load(Ordering::Relaxed) {
            let (states, lateness) = (read_states(checks).await?, checks.lateness().await?);
            *lock(&self.states) = states;
            *lock(&self.lateness) = lateness;
            self.may_differ.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Its owner changed, paused or resumed a rule: firing alerts end without a notice.
    pub async fn stop(
        &self,
        meta: &Meta,
        checks: &Checks,
        row: &Arc<RuleRow>,
        now_ms: i64,
    ) -> Result<(), ChecksError> {
        self.refresh(checks).await?;
        let judging = self.judging().await;
        let mut state = self.state(row);
        let ended = state.stop(now_ms);
        let change = Change::stopped(row, &ended);
        judging.keep(checks, vec![change.to_record(&self.outbox, meta, state)], None).await
    }

    /// Forgets rules that are no longer in `meta`, in memory and on disk.
    pub async fn forget_gone(&self, meta: &Meta, checks: &Checks) -> Result<(), ChecksError> {
        let _judging = self.judging().await;
        let live: HashSet<RuleKey> = live_rules(meta);
        lock(&self.states).retain(|id, kept| live.contains(&(*id, kept.created_us)));
        checks.keep_rules(&live).await?;
        Ok(())
    }

    /// A round begins.
    pub fn note_look(&self) {
        *lock(&self.looked) = Some(Instant::now());
    }

    /// None: all is well again.
    pub fn set_problem(&self, problem: Option<String>) {
        *lock(&self.problem) = problem;
    }

    /// Sets the number of rules that found no time left in the last round.
    pub fn set_unasked(&self, rules: usize) {
        self.unasked.store(rules, Ordering::Relaxed);
    }

    /// Current problems, in words.
    pub fn problems(&self) -> Vec<String> {
        let patience = Duration::from_secs(limits::RULES_SILENT_SECONDS);
        let is_silent = lock(&self.looked).is_some_and(|looked| looked.elapsed() > patience);
        let silent = is_silent
            .then(|| "rules are not judged: the loop that judges them has stopped".to_owned());
        let unasked = self.unasked.load(Ordering::Relaxed);
        let unasked = (unasked > 0).then(|| {
            format!("{unasked} rules with a question of their own wait for the next minute: together they take too long")
        });
        silent.into_iter().chain(lock(&self.problem).clone()).chain(unasked).collect()
    }
}

impl Judging<'_> {
    /// Nothing could be judged now: the time does not count.
    pub fn rest(&self, row: &RuleRow, now_ms: i64) {
        let mut states = lock(&self.rules.states);
        if let Some(kept) = states.get_mut(&row.id) {
            kept.state.rest(now_ms);
        }
    }

    /// Writes judgements and applies them. Only in memory if there is nothing to store.
    pub async fn keep(
        &self,
        checks: &Checks,
        records: Vec<RuleRecord>,
        lateness: Option<LatenessRecord>,
    ) -> Result<(), ChecksError> {
        let is_told = records.iter().any(|record| !record.notices.is_empty())
            || lateness.as_ref().is_some_and(|late| !late.notices.is_empty());
        let written: Vec<RuleRecord> =
            records.iter().filter(|record| self.is_worth_writing(record)).cloned().collect();
        if !written.is_empty() || lateness.is_some() {
            let written = checks.write_rules(&written, lateness.as_ref()).await;
            if written.as_ref().is_err_and(ChecksError::is_away) {
                self.rules.may_differ.store(true, Ordering::Relaxed);
            }
            written?;
        }
        let mut states = lock(&self.rules.states);
        for record in records {
            let kept = StoredState { created_us: record.created_us, state: record.state };
            states.insert(record.id, kept);
        }
        drop(states);
        if let Some(late) = lateness {
            *lock(&self.rules.lateness) = late.lateness;
        }
        if is_told {
            self.rules.outbox.wake();
        }
        Ok(())
    }

    /// A restart would not miss a state without a series, unless there was one before.
    fn is_worth_writing(&self, record: &RuleRecord) -> bool {
        let states = lock(&self.rules.states);
        let before = states.get(&record.id);
        record.state.series().next().is_some()
            || !record.transitions.is_empty()
            || before.is_some_and(|before| before.state.series().next().is_some())
    }
}

async fn read_states(checks: &Checks) -> Result<HashMap<i64, StoredState>, ChecksError> {
    let states = checks.rule_states().await?.into_iter();
    Ok(states.map(|((id, created_us), state)| (id, StoredState { created_us, state })).collect())
}

/// The rules whose incidents are kept.
pub fn live_rules(meta: &Meta) -> HashSet<RuleKey> {
    meta.all_rules().iter().map(|rule| (rule.id, rule.created_us)).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
