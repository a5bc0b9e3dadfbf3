//! Writes results into `monitors.sqlite`: in groups, by one task, so that thousands of checks a minute are a few
//! transactions, and none of them waits for a disk.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use analytics::limits;
use store::checks::{Checks, Record};
use tokio::sync::{oneshot, watch};

use super::Monitors;
use crate::metrics::Metrics;

#[derive(Default)]
pub struct ResultQueue {
    waiting: Mutex<Vec<Queued>>,
    /// Held while a group is written: groups are written in order.
    writing: tokio::sync::Mutex<()>,
    problem: Mutex<Option<String>>,
}

struct Queued {
    record: Record,
    written: Option<oneshot::Sender<bool>>,
}

impl ResultQueue {
    pub fn new() -> ResultQueue {
        ResultQueue::default()
    }

    /// If the disk accepts no more writes, the newest results are dropped and counted: they will be unknown. Changes of
    /// incidents are kept, because their notices are due.
    pub fn push(&self, record: Record, metrics: &Metrics) {
        let mut waiting = self.waiting();
        if waiting.len() as u64 >= limits::RESULTS_WAITING && record.transitions.is_empty() {
            metrics.note_dropped_result();
            return;
        }
        waiting.push(Queued { record, written: None });
    }

    /// The receiver learns whether it was written.
    pub fn push_and_tell(&self, record: Record) -> oneshot::Receiver<bool> {
        let (written, receiver) = oneshot::channel();
        self.waiting().push(Queued { record, written: Some(written) });
        receiver
    }

    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes group after group, until nothing waits. Returns whether notices were among them. If a group cannot be
    /// written, its changes of incidents are kept for the next call: their notices would be lost.
    pub async fn write_all(&self, checks: &Checks) -> bool {
        let _one = self.writing.lock().await;
        let mut has_notices = false;
        loop {
            let mut group = std::mem::take(&mut *self.waiting());
            if group.is_empty() {
                return has_notices;
            }
            let most = limits::RESULTS_GROUP as usize;
            let rest = group.split_off(group.len().min(most));
            if !rest.is_empty() {
                self.waiting().splice(0..0, rest);
            }
            let (records, told): (Vec<Record>, Vec<_>) =
                group.into_iter().map(|queued| (queued.record, queued.written)).unzip();
            let written = checks.write(&records).await;
            let problem = written
                .as_ref()
                .err()
                .map(|problem| format!("results of checks cannot be written: {problem}"));
            if let Some(problem) = &problem {
                tracing::error!(problem, "a group of results is lost");
            }
            *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
            for told in told.into_iter().flatten() {
                let _ = told.send(written.is_ok());
            }
            has_notices |= written.is_ok() && records.iter().any(|one| !one.notices.is_empty());
            if written.is_err() {
                let changes = records.into_iter().filter(|record| !record.transitions.is_empty());
                let changes = changes.map(|record| Queued { record, written: None });
                self.waiting().splice(0..0, changes);
                return has_notices;
            }
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Queued>> {
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
