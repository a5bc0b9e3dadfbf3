//! State shared by the store's threads, whichever engine keeps the hits: the queue, the inbox, erasures, problems.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use analytics::hit::ProjectId;
use tokio::sync::watch;

use crate::inbox::{Dropped, Gauges, Identity, InboxSender, Queue};
use crate::ranking_cache::RankingCache;
use crate::tail::Tail;
use crate::types::{RouteRules, StoreError, StoreOptions};

pub struct Shared {
    pub options: StoreOptions,
    pub queue: Arc<Queue>,
    pub gauges: Arc<Gauges>,
    pub inbox: InboxSender,
    pub problems: Problems,
    /// Information for the operator, by subject, that is not a problem.
    pub notes: Problems,
    /// The writer's position, and the last record visible to readers.
    pub applied: watch::Sender<u64>,
    pub erased: Erased,
    pub tail: Arc<Tail>,
    pub rankings: Arc<RankingCache>,
    /// Not set at first, and then for good.
    pub route_rules: OnceLock<Arc<dyn RouteRules>>,
    pub key: [u8; 32],
    /// Identity of this start.
    pub identity: Identity,
    /// The highest number of any project when the store was opened.
    pub highest_project: ProjectId,
    pub opened: Instant,
    /// The threads end: nothing more is done for a caller.
    pub ending: AtomicBool,
    /// Held while the store is open.
    pub lock: std::fs::File,
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
    /// Erasures completed since the start, and changes of `elsewhere`.
    count: AtomicU64,
    /// A number of other servers' erasures; none if nobody could tell it.
    elsewhere: Mutex<Option<i64>>,
}

impl Shared {
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
            if self.ending.load(Ordering::SeqCst) {
                return Err(StoreError::Closing);
            }
            check()?;
        }
    }

    /// The writer or the builder is retrying a write that the disk refused.
    pub fn is_stuck(&self) -> bool {
        self.problems.has("builder") || self.problems.has("writer")
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
}

impl Problems {
    pub fn set(&self, subject: &str, words: String) {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A problem that lasts is found again and again.
        if problems.get(subject) != Some(&words) {
            tracing::error!(subject, problem = words, "a problem with the store");
            problems.insert(subject.to_owned(), words);
        }
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
            elsewhere: Mutex::new(Some(0)),
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

    /// `number`: another one if another server has erased something since the last call. None: it cannot be known.
    pub fn hear(&self, number: Option<i64>) {
        let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        if *elsewhere != number || number.is_none() {
            *elsewhere = number;
            self.count.fetch_add(1, Ordering::SeqCst);
        }
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
