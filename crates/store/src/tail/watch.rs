//! A watcher: its queue, which the tail fills and its owner drains.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use analytics::filter::Filter;
use analytics::hit::{Country, HitId, ProjectId, TextKind};
use analytics::limits;
use tokio::sync::Notify;

use super::Tail;
use super::position::Position;
use crate::types::{Erasure, HitRow};

const QUEUE_HITS: usize = limits::TAIL_QUEUE_HITS as usize;
const QUEUE_BYTES: usize = limits::TAIL_QUEUE_BYTES as usize;

/// The tail's end of it.
pub struct Watch {
    pub project: ProjectId,
    pub filter: Filter,
    pub wants_hits: bool,
    /// Records up to this one are skipped.
    pub after_seq: u64,
    seen: AtomicBool,
    queue: Mutex<Queue>,
    changed: Notify,
}

struct Queue {
    hits: VecDeque<Arc<HitRow>>,
    bytes: usize,
    missed: u64,
    /// Some records were skipped without being examined.
    missed_more: bool,
    /// Token bucket: hits that may still be queued at this time; it fills at a steady rate.
    room: f64,
    room_at: Option<Instant>,
    /// Hits of other servers that it is not sent any more: the last of each.
    passed: BTreeMap<u8, i64>,
    /// The number of erasures applied to the queue.
    erasures: u64,
    ended: bool,
}

/// Hits of one record that pass a watcher's filter.
#[derive(Default)]
pub struct Seen {
    pub any: bool,
    pub rows: Vec<Arc<HitRow>>,
    /// Further hits for which the watcher has no room.
    pub missed: u64,
}

impl Seen {
    /// Adds a hit that passes the filter of `watch`. `Break`: further hits make no difference.
    pub fn add(
        &mut self,
        watch: &Watch,
        room: &mut usize,
        hit: impl FnOnce() -> Arc<HitRow>,
    ) -> ControlFlow<()> {
        self.any = true;
        if !watch.wants_hits {
            return ControlFlow::Break(());
        }
        match room.checked_sub(1) {
            None => self.missed += 1,
            Some(left) => {
                *room = left;
                self.rows.push(hit());
            }
        }
        ControlFlow::Continue(())
    }
}

/// The owner's end of it. Dropping it ends the watcher.
pub struct Watcher {
    pub(super) tail: Arc<Tail>,
    pub(super) node: u8,
    pub(super) id: u64,
    pub(super) watch: Arc<Watch>,
}

/// Hits read from the files.
#[derive(Debug, Default)]
pub struct CaughtUp {
    pub hits: Vec<HitRow>,
    /// So many were left out.
    pub missed: u64,
    /// There may be more.
    pub more: bool,
    /// The last hit of each other server that was looked at.
    pub passed: Vec<i64>,
}

/// News for a watcher.
#[derive(Debug, Default, PartialEq)]
pub struct TailUpdate {
    /// In order of arrival.
    pub hits: Vec<Arc<HitRow>>,
    /// Hits that passed the filter and were left out.
    pub missed: u64,
    /// There may be further missed hits: some records were not examined.
    pub missed_more: bool,
    /// A hit passed, for a watcher without `wants_hits`.
    pub any: bool,
}

impl TailUpdate {
    pub fn is_nothing(&self) -> bool {
        *self == TailUpdate::default()
    }
}

impl Watch {
    pub fn new(
        project: ProjectId,
        filter: Filter,
        wants_hits: bool,
        after_seq: u64,
        passed: BTreeMap<u8, i64>,
    ) -> Watch {
        Watch {
            project,
            filter,
            wants_hits,
            after_seq,
            seen: AtomicBool::new(false),
            queue: Mutex::new(Queue {
                hits: VecDeque::new(),
                bytes: 0,
                missed: 0,
                missed_more: false,
                room: QUEUE_HITS as f64,
                room_at: None,
                passed,
                erasures: 0,
                ended: false,
            }),
            changed: Notify::new(),
        }
    }

    /// Whether it knows already that there was a hit.
    pub fn has_seen(&self) -> bool {
        self.seen.load(Ordering::Relaxed)
    }

    /// The number of hits that it accepts now.
    pub fn room(&self, now: Instant) -> usize {
        let mut queue = self.queue();
        let since = queue.room_at.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
        let room = queue.room + since * limits::TAIL_HITS_PER_SECOND as f64;
        queue.room = room.min(QUEUE_HITS as f64);
        queue.room_at = Some(now);
        queue.room as usize
    }

    pub fn put(&self, seen: Seen) {
        self.put_in(self.queue(), seen);
    }

    /// The same for hits that were read after `erasures`. False if something was erased meanwhile.
    pub fn put_read(&self, seen: Seen, erasures: u64) -> bool {
        let queue = self.queue();
        if queue.erasures != erasures {
            return false;
        }
        self.put_in(queue, seen);
        true
    }

    fn put_in(&self, mut queue: MutexGuard<'_, Queue>, seen: Seen) {
        if !seen.any {
            return;
        }
        if !self.wants_hits {
            self.seen.store(true, Ordering::Relaxed);
        }
        queue.room -= seen.rows.len() as f64;
        queue.missed += seen.missed;
        for row in seen.rows {
            queue.bytes += row.size_bytes();
            queue.hits.push_back(row);
        }
        // Its owner is slow: the newest hits are worth more.
        while queue.hits.len() > QUEUE_HITS || queue.bytes > QUEUE_BYTES {
            let Some(row) = queue.hits.pop_front() else { break };
            queue.bytes -= row.size_bytes();
            queue.missed += 1;
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// Records were skipped before they were examined.
    pub fn miss_unseen(&self) {
        if self.wants_hits {
            self.queue().missed_more = true;
        } else {
            self.seen.store(true, Ordering::Relaxed);
        }
        self.changed.notify_one();
    }

    /// So many hits were left out.
    pub fn miss(&self, hits: u64) {
        self.queue().missed += hits;
        self.changed.notify_one();
    }

    /// The last hit of each other server that it is not sent any more.
    pub fn passed(&self) -> BTreeMap<u8, i64> {
        self.queue().passed.clone()
    }

    /// The number of erasures, for `put_read`.
    pub fn erasures(&self) -> u64 {
        self.queue().erasures
    }

    /// Drops what is queued: some of it was erased elsewhere.
    pub fn forget_all(&self) {
        let mut queue = self.queue();
        queue.erasures += 1;
        queue.missed += queue.hits.len() as u64;
        queue.hits.clear();
        queue.bytes = 0;
        drop(queue);
        self.changed.notify_one();
    }

    pub fn end(&self) {
        let mut queue = self.queue();
        queue.ended = true;
        queue.hits.clear();
        drop(queue);
        self.changed.notify_one();
    }

    /// Applies an erasure to the queued hits with ids below `bound`, and to those of other servers, which it finds in the
    /// database.
    pub fn forget(&self, erasure: &Erasure, bound: i64) {
        let mut queue = self.queue();
        queue.erasures += 1;
        queue.hits.retain_mut(|hit| {
            if hit.hit_id >= bound && HitId(hit.hit_id).node() == HitId(bound).node() {
                return true;
            }
            match erasure {
                Erasure::Project(_) => return false,
                Erasure::User(_, user) => return **hit.text(TextKind::User) != **user,
                Erasure::Address(_, address) => return **hit.text(TextKind::Address) != **address,
                Erasure::Before(_, time_us) => return hit.time_us >= *time_us,
                Erasure::Addresses(_) => {}
                Erasure::AddressesAndCountries(_) => Arc::make_mut(hit).country = Country::NONE,
            }
            Arc::make_mut(hit).texts[TextKind::Address as usize] = "".into();
            true
        });
        queue.bytes = queue.hits.iter().map(|hit| hit.size_bytes()).sum();
        drop(queue);
        if matches!(erasure, Erasure::Project(_)) {
            self.end();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher {
    /// Waits until there is news; none once the watcher has ended. At most about `most_bytes` of hits at a time.
    pub async fn next(&mut self, most_bytes: usize) -> Option<TailUpdate> {
        loop {
            match self.take(most_bytes) {
                Some(heard) if heard.is_nothing() => self.watch.changed.notified().await,
                told => return told,
            }
        }
    }

    /// Waits until the watcher has ended.
    pub async fn ended(&self) {
        while !self.watch.queue().ended {
            self.watch.changed.notified().await;
        }
    }

    fn take(&self, most_bytes: usize) -> Option<TailUpdate> {
        let mut queue = self.watch.queue();
        if queue.ended {
            return None;
        }
        let mut heard = TailUpdate {
            hits: Vec::new(),
            missed: std::mem::take(&mut queue.missed),
            missed_more: std::mem::take(&mut queue.missed_more),
            any: self.watch.seen.swap(false, Ordering::Relaxed),
        };
        let mut bytes = 0;
        while bytes < most_bytes
            && let Some(hit) = queue.hits.pop_front()
        {
            bytes += hit.size_bytes();
            heard.hits.push(hit);
        }
        queue.bytes -= bytes;
        Some(heard)
    }

    /// The position up to which everything was delivered, if nothing is queued.
    pub fn position(&self) -> Option<Position> {
        let state = self.tail.state();
        let mut position = Position::default();
        state.others.shown().for_each(|id| position.note(id));
        let shown = state.shown.max(self.watch.after_seq);
        drop(state);
        let queue = self.watch.queue();
        // Its own number may be among the others: a folder that was restored elsewhere.
        queue.passed.values().chain([&last_id(self.node, shown)]).for_each(|id| position.note(*id));
        queue.hits.is_empty().then_some(position)
    }

    /// Waits, for a moment at most, until each other server that runs tells the project's hits.
    pub async fn wait_for_others(&self) {
        const PATIENCE: Duration = Duration::from_millis(limits::TAIL_BEGIN_MS);
        const STEP: Duration = Duration::from_millis(10);
        let until = Instant::now() + PATIENCE;
        while !self.tail.is_told_by_all(self.watch.project) && Instant::now() < until {
            tokio::time::sleep(STEP).await;
        }
    }

    /// The number of this server.
    pub fn node(&self) -> u8 {
        self.node
    }

    /// The last id to be read from the files.
    pub fn began_after(&self) -> i64 {
        last_id(self.node, self.watch.after_seq)
    }

    /// The number of erasures, for `put_caught_up`.
    pub fn erasures(&self) -> u64 {
        self.watch.queue().erasures
    }

    /// Puts hits read from the files before the queued ones, and notes how many were left out. False if an erasure
    /// happened since `erasures` was read: then they must be read again. Hits of other servers that it has passed with these
    /// are not sent again.
    pub fn put_caught_up(&self, caught_up: CaughtUp, erasures: u64) -> bool {
        let CaughtUp { hits, missed, more, passed } = caught_up;
        let mut queue = self.watch.queue();
        if queue.erasures != erasures {
            return false;
        }
        for id in passed {
            let last = queue.passed.entry(HitId(id).node()).or_insert(id);
            *last = id.max(*last);
        }
        // Some of them came in both ways.
        let passed = queue.passed.clone();
        let node = self.node;
        queue.hits.retain(|hit| {
            let of = HitId(hit.hit_id).node();
            of == node || passed.get(&of).is_none_or(|last| hit.hit_id > *last)
        });
        queue.bytes = queue.hits.iter().map(|hit| hit.size_bytes()).sum();
        for hit in hits.into_iter().rev() {
            queue.bytes += hit.size_bytes();
            queue.hits.push_front(Arc::new(hit));
        }
        queue.missed += missed;
        queue.missed_more |= more;
        drop(queue);
        self.watch.changed.notify_one();
        true
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut state = self.tail.state();
        state.watches.remove(&self.id);
        if state.of_project(self.watch.project).next().is_none() {
            state.others.stop_asking(self.watch.project);
        }
        drop(state);
        // An erasure may be waiting for this watcher.
        self.tail.shown.notify_all();
    }
}

fn last_id(node: u8, seq: u64) -> i64 {
    HitId::new(node, seq + 1, 0).0 - 1
}
