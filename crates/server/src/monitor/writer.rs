//! Writes results into the database: in groups, by one task, so that thousands of checks a minute are a few transactions,
//! and none of them waits for a disk.
//!
//! While the database is away (PostgreSQL), results wait. Whether it has the group whose answer was lost is asked before
//! that group is written again, so that no result counts twice.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use analytics::limits;
use store::checks::{Checks, ChecksError, Record};
use tokio::sync::{oneshot, watch};

use super::Monitors;
use crate::metrics::Metrics;

#[derive(Default)]
pub struct ResultQueue {
    waiting: Mutex<Waiting>,
    /// Held while a group is written: groups are written in order.
    writing: tokio::sync::Mutex<()>,
    problem: Mutex<Option<String>>,
    /// How often the database was away when it was asked.
    refusals: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    records: Vec<Queued>,
    /// So many of the first were tried as a group, and may have been written.
    tried: usize,
}

struct Queued {
    record: Record,
    written: Option<oneshot::Sender<bool>>,
}

impl Waiting {
    /// Tells callers that wait for a record that it is not written yet, while the database is away.
    fn refuse(&mut self) {
        for told in self.records.iter_mut().filter_map(|queued| queued.written.take()) {
            let _ = told.send(false);
        }
    }
}

impl ResultQueue {
    pub fn new() -> ResultQueue {
        ResultQueue::default()
    }

    /// If the database accepts no more writes, the newest results are dropped and counted: they will be unknown. Changes
    /// of incidents are kept, because their notices are due.
    pub fn push(&self, record: Record, metrics: &Metrics) {
        let mut waiting = self.waiting();
        if waiting.records.len() as u64 >= limits::RESULTS_WAITING && record.transitions.is_empty()
        {
            metrics.note_dropped_result();
            return;
        }
        waiting.records.push(Queued { record, written: None });
    }

    /// The receiver learns whether it was written: not, if the database is away, although it may be later.
    pub fn push_and_tell(&self, record: Record, metrics: &Metrics) -> oneshot::Receiver<bool> {
        let (written, receiver) = oneshot::channel();
        let mut waiting = self.waiting();
        if waiting.records.len() as u64 >= limits::RESULTS_WAITING {
            metrics.note_dropped_result();
            let _ = written.send(false);
            return receiver;
        }
        waiting.records.push(Queued { record, written: Some(written) });
        receiver
    }

    /// Drops everything that waits, and returns how many records that were.
    pub fn drop_all(&self, metrics: &Metrics) -> usize {
        let mut waiting = self.waiting();
        waiting.refuse();
        waiting.tried = 0;
        let dropped = std::mem::take(&mut waiting.records).len();
        (0..dropped).for_each(|_| metrics.note_dropped_result());
        dropped
    }

    /// Nothing can be written now: tells those who wait for it.
    pub fn refuse(&self) {
        self.waiting().refuse();
    }

    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes group after group, until nothing waits. Returns whether notices were among them. A group that finds the
    /// database away is kept for the next call. Of one that cannot be written for another reason, only changes of
    /// incidents are kept: their notices would be lost.
    pub async fn write_all(&self, checks: &Checks) -> bool {
        let refusals = self.refusals.load(Ordering::Relaxed);
        let _one = self.writing.lock().await;
        if self.refusals.load(Ordering::Relaxed) != refusals {
            // The one before has just found the database away: a queue of callers must not ask one after the other.
            self.waiting().refuse();
            return false;
        }
        let mut has_notices = false;
        loop {
            let (group, was_tried) = self.take_group();
            if group.is_empty() {
                return has_notices;
            }
            let (records, told): (Vec<Record>, Vec<_>) =
                group.into_iter().map(|queued| (queued.record, queued.written)).unzip();
            let written = match was_tried {
                false => checks.write(&records).await,
                true => checks.write_again(&records).await,
            };
            for told in told.into_iter().flatten() {
                let _ = told.send(written.is_ok());
            }
            self.note(written.as_ref().err());
            let Err(problem) = written else {
                has_notices |= records.iter().any(|one| !one.notices.is_empty());
                continue;
            };
            let is_away = problem.is_away();
            let kept = records.into_iter().filter(|one| is_away || !one.transitions.is_empty());
            let kept: Vec<Queued> = kept.map(|record| Queued { record, written: None }).collect();
            let mut waiting = self.waiting();
            waiting.tried = if is_away { kept.len() } else { 0 };
            waiting.records.splice(0..0, kept);
            if is_away {
                waiting.refuse();
                self.refusals.fetch_add(1, Ordering::Relaxed);
            }
            return has_notices;
        }
    }

    /// The next records, and whether they were tried before.
    fn take_group(&self) -> (Vec<Queued>, bool) {
        let mut waiting = self.waiting();
        let tried = std::mem::take(&mut waiting.tried);
        let most = if tried > 0 { tried } else { limits::RESULTS_GROUP as usize };
        let end = waiting.records.len().min(most);
        let rest = waiting.records.split_off(end);
        (std::mem::replace(&mut waiting.records, rest), tried > 0)
    }

    /// The database is tried each second, so the log has the beginning of a problem only.
    fn note(&self, problem: Option<&ChecksError>) {
        let mut noted = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        match problem {
            Some(problem) if problem.is_away() && noted.is_none() => {
                tracing::warn!(%problem, "results of checks wait for their database");
            }
            Some(problem) if problem.is_away() => {}
            Some(problem) => tracing::error!(%problem, "a group of results is lost"),
            None => {}
        }
        *noted = problem.map(|problem| format!("results of checks cannot be written: {problem}"));
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes until `stopping`; `App::close` writes the rest.
pub async fn write(monitors: Arc<Monitors>, checks: Checks, mut stopping: watch::Receiver<bool>) {
    let pause = Duration::from_millis(limits::RESULTS_PAUSE_MS);
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        monitors.write_all(&checks).await;
    }
}
