//! State shared by the store's threads: the engine, the snapshot of files, the queue, the jobs, and problems.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use analytics::hit::ProjectId;
use analytics::limits;
use arc_swap::ArcSwapOption;
use tokio::sync::{oneshot, watch};

use crate::duckdb::engine::Engine;
use crate::duckdb::files::{Files, Snapshot};
use crate::duckdb::filter::FilterCache;
use crate::duckdb::rankings::RankingCache;
use crate::duckdb::reading::{self, Reading};
use crate::duckdb::sums::NamesCache;
use crate::inbox::{Dropped, FileRow, Gauges, Identity, InboxSender, Queue};
use crate::tail::Tail;
use crate::types::{Erasure, RouteRules, StoreError, StoreOptions};

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

pub struct Shared {
    pub options: StoreOptions,
    pub engine: ArcSwapOption<Engine>,
    pub files: Files,
    pub queue: Arc<Queue>,
    pub gauges: Arc<Gauges>,
    pub inbox: InboxSender,
    pub requests: Mutex<Vec<Request>>,
    pub jobs: Jobs,
    pub problems: Problems,
    /// Information for the operator, by subject, that is not a problem.
    pub notes: Problems,
    pub next_file: AtomicU64,
    /// The writer's position, and the last record visible to readers.
    pub applied: watch::Sender<u64>,
    pub erased: Erased,
    pub tail: Arc<Tail>,
    /// Names in sealed files, until an erasure.
    pub names: Arc<NamesCache>,
    pub filters: Arc<FilterCache>,
    pub rankings: Arc<RankingCache>,
    /// Not set at first, and then for good.
    pub route_rules: OnceLock<Arc<dyn RouteRules>>,
    pub key: [u8; 32],
    /// Identity of this start.
    pub identity: Identity,
    /// The highest number of any project when the store was opened.
    pub highest_project: ProjectId,
    /// The writer is falling behind: work that can wait should.
    pub busy: AtomicBool,
    /// Data files of the manifest that cannot be read, and are in no snapshot.
    pub damaged: Mutex<Vec<Damaged>>,
    /// Held while the store is open.
    pub lock: std::fs::File,
}

/// A data file that is missing from every answer.
#[derive(Clone, Debug)]
pub struct Damaged {
    pub row: FileRow,
    /// The disk failed, not the file: it is tried again.
    pub may_pass: bool,
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

/// Current problems, by subject.
#[derive(Default)]
pub struct Problems(Mutex<BTreeMap<String, String>>);

/// Completed erasures, for their callers.
pub struct Erased {
    /// Seqs of erasures that are accepted but not complete.
    pending: Mutex<BTreeSet<u64>>,
    done: Mutex<BTreeMap<u64, u64>>,
    /// The file that must be restored or deleted first, by seq.
    blocked: Mutex<BTreeMap<u64, String>>,
    tick: watch::Sender<()>,
    /// Erasures completed since the start.
    count: AtomicU64,
}

impl Shared {
    pub fn folder(&self) -> PathBuf {
        self.options.data.join("hits")
    }

    pub fn engine(&self) -> Result<Arc<Engine>, StoreError> {
        self.engine.load_full().ok_or_else(|| self.no_engine())
    }

    /// Why the engine is unavailable.
    pub fn no_engine(&self) -> StoreError {
        if self.queue.is_closing() { StoreError::Closing } else { StoreError::Reopening }
    }

    /// Runs a read of the current files. Dropping the future stops it.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reading<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (engine, files) = (self.engine()?, self.files.now());
        reading::run(engine, files, self.options.limits.query_seconds, work).await
    }

    /// Waits for the store's threads. `check` is called each second; its error ends the wait, and so does the end of
    /// the threads.
    pub async fn wait<T>(
        &self,
        awaited: impl Future<Output = T>,
        check: impl Fn() -> Result<(), StoreError>,
    ) -> Result<T, StoreError> {
        let mut awaited = std::pin::pin!(awaited);
        loop {
            if let Ok(value) = tokio::time::timeout(Duration::from_secs(1), awaited.as_mut()).await
            {
                return Ok(value);
            }
            if self.jobs.closing() {
                return Err(StoreError::Closing);
            }
            check()?;
        }
    }

    /// The writer or the builder is retrying a write that the disk refused.
    pub fn is_stuck(&self) -> bool {
        self.problems.has("builder") || self.problems.has("writer")
    }

    pub fn damaged(&self) -> Vec<Damaged> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn add_damaged(&self, row: &FileRow, why: &StoreError) {
        let name = row.name();
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        damaged.retain(|other| other.row.id != row.id);
        damaged.push(Damaged { row: row.clone(), may_pass: why.is_disk() });
        drop(damaged);
        let words = match why.is_disk() {
            true => format!(
                "{name} cannot be read ({why}); its hits are missing from every answer until it can"
            ),
            false => {
                format!("{name} is damaged ({why}); its hits are missing from every answer")
            }
        };
        self.problems.set(&name, words);
    }

    /// The file is in the snapshot again.
    pub fn clear_damaged(&self, row: &FileRow) {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        damaged.retain(|other| other.row.id != row.id);
        drop(damaged);
        self.problems.clear(&row.name());
    }

    pub fn say_dropped(&self, dropped: Dropped) {
        self.problems.set(
            &format!("dropped {}", dropped.first),
            format!(
                "{dropped}; their hits are lost. To take note of it: `api-analytics repair --data {}`",
                self.options.data.display()
            ),
        );
    }

    /// Sets the number of files set aside.
    pub fn note_set_aside(&self, files: u64) {
        match files {
            0 => self.notes.clear("set aside"),
            _ => self.notes.note(
                "set aside",
                format!(
                    "{files} files that belong to no data file in use were set aside in {}; they are deleted after {} days",
                    self.folder().join("set-aside").display(),
                    limits::SET_ASIDE_DAYS
                ),
            ),
        }
    }

    /// Sets the number of repairs whose previous files are kept.
    pub fn note_kept(&self, repairs: u64) {
        match repairs {
            0 => self.notes.clear("kept"),
            _ => self.notes.note(
                "kept",
                format!(
                    "what was there before a repair is in {}; it is deleted after {} days",
                    self.options.data.join("repaired-TIME").display(),
                    limits::SET_ASIDE_DAYS
                ),
            ),
        }
    }

    pub fn file_path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }
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

impl Problems {
    pub fn set(&self, subject: &str, words: String) {
        tracing::error!(subject, problem = words, "a problem with the store");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(subject.to_owned(), words);
    }

    /// Like `set`, without a line in the log.
    pub fn note(&self, subject: &str, words: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(subject.to_owned(), words);
    }

    pub fn has(&self, subject: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(subject)
    }

    pub fn clear(&self, subject: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Default for Erased {
    fn default() -> Self {
        Erased {
            pending: Mutex::default(),
            done: Mutex::default(),
            blocked: Mutex::default(),
            tick: watch::channel(()).0,
            count: AtomicU64::new(0),
        }
    }
}

impl Erased {
    pub fn begin(&self, seq: u64) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(seq);
    }

    pub fn pending(&self) -> usize {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Returns when nothing is left to erase.
    pub async fn wait_for_all(&self) {
        let mut tick = self.tick.subscribe();
        // Its sender is in `self`.
        let _ = tick.wait_for(|()| self.pending() == 0).await;
    }

    /// The erasure failed; if `file` is given, it must be restored or deleted first.
    pub fn failed(&self, seq: u64, file: Option<&str>) {
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        match file {
            Some(file) => blocked.insert(seq, file.to_owned()),
            None => blocked.remove(&seq),
        };
    }

    pub fn blocked_by(&self, seq: u64) -> Option<String> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner).get(&seq).cloned()
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    pub fn done(&self, seq: u64, rows: u64) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner).remove(&seq);
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&seq);
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.insert(seq, rows);
        // Results whose callers are gone are never fetched.
        while done.len() > 1_000 {
            done.pop_first();
        }
        drop(done);
        self.tick.send_replace(());
    }

    /// The number of hits erased, once the erasure is complete.
    pub async fn wait(&self, seq: u64) -> u64 {
        let take = || self.done.lock().unwrap_or_else(PoisonError::into_inner).remove(&seq);
        let mut tick = self.tick.subscribe();
        loop {
            if let Some(rows) = take() {
                return rows;
            }
            // Its sender is in `self`.
            let _ = tick.changed().await;
        }
    }
}
