//! The builder's queue of jobs, and requests that only the writer can serve.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::files::Snapshot;
use crate::types::{Erasure, StoreError};

/// Work on frozen and sealed files, done one at a time by the builder.
#[derive(Clone, Debug)]
pub enum Job {
    /// Make a sealed file from the frozen file with this id.
    Seal(u64),
    Erase {
        seq: u64,
        erasure: Erasure,
    },
}

/// Work that only the writer can do, because it knows its position.
pub enum Request {
    /// Freeze the active file, copy the inbox to this path at the same moment, and return the snapshot.
    Snapshot { inbox: PathBuf, reply: oneshot::Sender<Result<Arc<Snapshot>, StoreError>> },
}

/// The builder's next step.
pub enum NextJob {
    Job(Job),
    /// There is none.
    None,
    /// The store closes: remaining jobs run after the next start.
    Closing,
}

#[derive(Default)]
pub struct Jobs {
    state: Mutex<JobState>,
    changed: Condvar,
}

#[derive(Default)]
struct JobState {
    jobs: VecDeque<Job>,
    closing: bool,
}

impl Job {
    /// The job's kind, without its subject.
    pub fn name(&self) -> String {
        match self {
            Job::Seal(id) => format!("sealing file {id}"),
            Job::Erase { seq, .. } => format!("erasure {seq}"),
        }
    }
}

impl Jobs {
    pub fn push(&self, job: Job) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).jobs.push_back(job);
        self.changed.notify_all();
    }

    pub fn push_front(&self, job: Job) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).jobs.push_front(job);
        self.changed.notify_all();
    }

    /// Waits up to `patience` for a job.
    pub fn next(&self, patience: Duration) -> NextJob {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.jobs.is_empty() && !state.closing {
            state = self
                .changed
                .wait_timeout(state, patience)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        match state.closing {
            true => NextJob::Closing,
            false => state.jobs.pop_front().map_or(NextJob::None, NextJob::Job),
        }
    }

    /// Whether sealing this file is among the jobs.
    pub fn seals(&self, id: u64) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.jobs.iter().any(|job| matches!(job, Job::Seal(other) if *other == id))
    }

    /// The file to seal, if that is the next job.
    pub fn take_seal(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(&Job::Seal(id)) = state.jobs.front() else { return None };
        state.jobs.pop_front();
        Some(id)
    }

    pub fn is_empty(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).jobs.is_empty()
    }

    pub fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closing = true;
        self.changed.notify_all();
    }

    pub fn closing(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closing
    }
}
