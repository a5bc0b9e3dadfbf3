//! The queue from the sequencer to the writer: records in order, held in memory up to a number of bytes; the writer
//! finds the others in the inbox's file.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A record that is on disk.
#[derive(Clone, Debug)]
pub struct Item {
    pub seq: u64,
    pub record: Arc<[u8]>,
    /// Rows of the batch to skip, ascending: hits that were posted before.
    pub skips: Vec<u32>,
    /// Identifies the batch among those of all servers, if it has an id and there are others.
    pub batch_hash: Option<u64>,
}

#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    last_seq: u64,
    /// The times since when records up to a seq wait to be applied, in steps of 50 ms.
    waiting: VecDeque<(u64, Instant)>,
    hurry: bool,
    closing: bool,
}

/// Records taken by the writer.
#[derive(Debug, Default)]
pub struct TakenRecords {
    pub items: Vec<Item>,
    /// The last seq on disk; records up to it that are not in `items` are in the file.
    pub last_seq: u64,
    pub closing: bool,
}

impl Queue {
    pub fn new(bytes_max: usize, last_seq: u64) -> Queue {
        Queue {
            state: Mutex::new(State { last_seq, ..State::default() }),
            changed: Condvar::new(),
            bytes_max,
        }
    }

    pub fn push(&self, items: Vec<Item>, last_seq: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_seq = last_seq;
        match state.waiting.back_mut() {
            Some((seq, since)) if since.elapsed() < Duration::from_millis(50) => *seq = last_seq,
            _ => state.waiting.push_back((last_seq, Instant::now())),
        }
        for item in items {
            if state.bytes + item.record.len() <= self.bytes_max {
                state.bytes += item.record.len();
                state.items.push_back(item);
            }
        }
        self.changed.notify_all();
    }

    /// Waits for records: until there are `enough` bytes, the oldest has waited for `patience`, `deadline` has passed
    /// with nothing to do, or somebody is in a hurry. `applied`: the writer's position.
    pub fn take(
        &self,
        applied: u64,
        enough: usize,
        patience: Duration,
        deadline: Duration,
    ) -> TakenRecords {
        let started = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let behind = state.last_seq > applied;
            let ripe = behind
                && (state.hurry
                    || state.bytes >= enough
                    || state.items.front().is_none_or(|item| item.seq > applied + 1)
                    || state.waiting.front().is_none_or(|(_, since)| since.elapsed() >= patience));
            if ripe || state.closing || (!behind && (state.hurry || started.elapsed() >= deadline))
            {
                break;
            }
            let wait = if behind {
                Duration::from_millis(20)
            } else {
                deadline.saturating_sub(started.elapsed())
            };
            state = self
                .changed
                .wait_timeout(state, wait.max(Duration::from_millis(1)))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.hurry = false;
        let mut taken = TakenRecords {
            last_seq: state.last_seq,
            closing: state.closing,
            ..TakenRecords::default()
        };
        let mut bytes = 0;
        while let Some(item) = state.items.front() {
            if bytes > 0 && bytes + item.record.len() > enough * 2 {
                break;
            }
            bytes += item.record.len();
            taken.items.extend(state.items.pop_front());
        }
        state.bytes -= bytes;
        taken
    }

    /// Notes the writer's position.
    pub fn applied(&self, seq: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.waiting.front().is_some_and(|(waiting, _)| *waiting <= seq) {
            state.waiting.pop_front();
        }
    }

    /// Makes the writer apply all records now.
    pub fn hurry(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).hurry = true;
        self.changed.notify_all();
    }

    pub fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closing = true;
        self.changed.notify_all();
    }

    pub fn is_closing(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closing
    }

    pub fn last_seq(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).last_seq
    }

    /// How long the oldest unapplied record has waited.
    pub fn lag(&self) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.front().map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }
}
