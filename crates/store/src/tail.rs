//! Hits as they become visible, for watchers of a project: a live list, or a page that refreshes when there are new
//! ones.
//!
//! The writer passes on the records that it has applied. One thread decodes each of them once, evaluates the filter of
//! every watcher of its project in memory, and queues the hits that pass; no watcher costs a query. Nothing here is
//! stored: hits that a watcher misses, because it was away or too slow, are in the files.
//!
//! Hits that come through other servers are read from the database (`others.rs`).
//!
//! An erasure removes its hits from the queues twice: when its record passes, and before it is answered, since a
//! watcher that catches up may have read them from a file meanwhile (`Watcher::put_caught_up`).

mod message;
mod others;
mod position;
mod row;
pub mod stored;
mod watch;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use analytics::filter::{self, Filter};
use analytics::hit::{HitId, ProjectId};
use analytics::limits;
use tokio::sync::Notify;

use crate::record::{self, Record};
use crate::types::Erasure;
pub use message::Message;
use others::Others;
pub use others::ToRead;
pub use position::Position;
use row::{Batch, Row};
use stored::StoredHits;
pub use watch::{CaughtUp, TailUpdate, Watcher};
use watch::{Seen, Watch};

/// A record that is visible to readers now.
pub enum Applied {
    Batch { seq: u64, project: ProjectId, record: Arc<[u8]>, skips: Vec<u32> },
    Erasure { seq: u64, erasure: Erasure },
}

#[derive(Default)]
pub struct Tail {
    state: Mutex<State>,
    /// Wakes the thread: there are new records.
    arrived: Condvar,
    /// Wakes erasures: a record was passed on.
    shown: Condvar,
    /// There is something to say to other servers.
    telling: Notify,
    /// Hits of other servers can be read.
    reading: Notify,
}

#[derive(Default)]
struct State {
    watches: HashMap<u64, Arc<Watch>>,
    next_watch: u64,
    waiting: VecDeque<Applied>,
    waiting_bytes: usize,
    /// The last record visible to readers.
    applied: u64,
    /// The last record passed on to its watchers.
    shown: u64,
    closed: bool,
    others: Others,
}

impl State {
    fn of_project(&self, project: ProjectId) -> impl Iterator<Item = &Arc<Watch>> {
        self.watches.values().filter(move |watch| watch.project == project)
    }
}

impl Tail {
    /// Hits that become visible from here on go to the watcher; earlier ones are read from the files.
    ///
    /// `filter`: including the locked one. Without `wants_hits` the watcher is only notified that a hit passed.
    pub fn watch(
        self: &Arc<Self>,
        node: u8,
        project: ProjectId,
        filter: Filter,
        wants_hits: bool,
    ) -> Watcher {
        let mut state = self.state();
        let told = state.others.told().collect();
        let watch = Arc::new(Watch::new(project, filter, wants_hits, state.applied, told));
        if state.closed {
            watch.end();
        }
        state.next_watch += 1;
        let id = state.next_watch;
        state.watches.insert(id, watch.clone());
        if state.others.shares() {
            self.telling.notify_one();
        }
        Watcher { tail: self.clone(), node, id, watch }
    }

    pub fn watchers(&self) -> usize {
        self.state().watches.len()
    }

    /// The writer begins at this record. If that isn't the one after the last that it passed on, it failed in between:
    /// the watchers start again and read the hits that they missed from the files.
    pub fn begin_after(&self, seq: u64) {
        let mut state = self.state();
        if state.applied != seq {
            state.watches.values().for_each(|watch| watch.end());
            state.waiting.clear();
            state.waiting_bytes = 0;
            state.applied = seq;
            state.shown = seq;
            self.shown.notify_all();
        }
    }

    /// These records, and everything up to `seq`, are visible to readers now.
    pub fn publish(&self, records: Vec<Applied>, seq: u64) {
        let mut state = self.state();
        for applied in records {
            match &applied {
                Applied::Batch { seq, project, record, .. } => {
                    let is_wanted = state.others.wants(*project);
                    if !is_wanted && state.of_project(*project).next().is_none() {
                        continue;
                    }
                    if state.waiting_bytes + record.len() > limits::TAIL_WAITING_BYTES as usize {
                        state.of_project(*project).for_each(|watch| watch.miss_unseen());
                        if is_wanted {
                            state.others.tell(StoredHits::unseen(*project, *seq));
                        }
                        continue;
                    }
                    state.waiting_bytes += record.len();
                }
                Applied::Erasure { erasure, .. } => {
                    if state.of_project(erasure.project()).next().is_none() {
                        continue;
                    }
                }
            }
            state.waiting.push_back(applied);
        }
        state.applied = seq;
        if state.waiting.is_empty() {
            state.shown = seq;
            self.shown.notify_all();
        } else {
            self.arrived.notify_one();
        }
        if state.others.has_to_tell() {
            self.telling.notify_one();
        }
    }

    /// Removes hits from the queues that an erasure has erased from the files, also at other servers. Call it before the
    /// erasure is answered.
    pub fn forget(&self, node: u8, seq: u64, erasure: &Erasure) {
        self.forget_here(node, seq, erasure);
        self.forget_elsewhere(erasure.project());
    }

    fn forget_here(&self, node: u8, seq: u64, erasure: &Erasure) {
        const PATIENCE: Duration = Duration::from_secs(limits::TAIL_ERASURE_SECONDS);
        let began = Instant::now();
        let mut state = self.state();
        while state.shown < seq && !state.closed {
            if state.of_project(erasure.project()).next().is_none() {
                return;
            }
            let Some(left) = PATIENCE.checked_sub(began.elapsed()) else {
                // The writer or the thread is stuck: its remaining records are not sent any more.
                state.of_project(erasure.project()).for_each(|watch| watch.end());
                return;
            };
            let waited = self.shown.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let bound = HitId::new(node, seq, 0).0;
        state.of_project(erasure.project()).for_each(|watch| watch.forget(erasure, bound));
    }

    /// Passes records on to their watchers until `close`.
    pub fn run(&self, node: u8) {
        while let Some((applied, watches)) = self.next() {
            let mut stored = None;
            match &applied {
                Applied::Batch { seq, project, record, skips } => {
                    // The writer has decoded it before.
                    if let Ok(Record::Batch(batch)) = record::decode(record) {
                        let batch = Batch::new(node, *seq, &batch, skips);
                        show(&batch, &watches, *seq);
                        stored = Some(StoredHits::new(*project, *seq, batch.times()));
                    }
                }
                Applied::Erasure { seq, erasure } => {
                    let bound = HitId::new(node, *seq, 0).0;
                    watches.iter().for_each(|watch| watch.forget(erasure, bound));
                }
            }
            let mut state = self.state();
            let (Applied::Batch { seq, .. } | Applied::Erasure { seq, .. }) = applied;
            state.shown = if state.waiting.is_empty() { state.applied } else { seq };
            self.shown.notify_all();
            if let Some(stored) = stored.filter(|_| state.others.shares()) {
                state.others.tell(stored);
                self.telling.notify_one();
            }
        }
    }

    /// The next record and the watchers of its project; none once it is closed.
    fn next(&self) -> Option<(Applied, Vec<Arc<Watch>>)> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some(applied) = state.waiting.pop_front() {
                let project = match &applied {
                    Applied::Batch { project, record, .. } => {
                        state.waiting_bytes -= record.len();
                        *project
                    }
                    Applied::Erasure { erasure, .. } => erasure.project(),
                };
                let watches = state.of_project(project).cloned().collect();
                return Some((applied, watches));
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends all watchers, current and future.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.waiting.clear();
        state.watches.values().for_each(|watch| watch.end());
        self.arrived.notify_all();
        self.shown.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn show(batch: &Batch<'_>, watches: &[Arc<Watch>], seq: u64) {
    let now = Instant::now();
    // Built when the first watcher wants one, for all of them.
    let mut rows = vec![None; batch.len()];
    for watch in watches.iter().filter(|watch| watch.after_seq < seq) {
        if !watch.wants_hits && watch.has_seen() {
            continue;
        }
        let mut seen = Seen::default();
        let mut room = watch.room(now);
        for (place, made) in rows.iter_mut().enumerate() {
            let row: Row<'_> = batch.row(place);
            if !filter::matches(&watch.filter, &row) {
                continue;
            }
            let hit = || made.get_or_insert_with(|| Arc::new(row.to_hit())).clone();
            if seen.add(watch, &mut room, hit).is_break() {
                break;
            }
        }
        watch.put(seen);
    }
}
