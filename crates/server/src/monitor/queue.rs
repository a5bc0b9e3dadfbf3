//! The queue of slots: one heap for all monitors. An outdated entry stays in the heap and is skipped when its time
//! comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A slot of a monitor. `plan` distinguishes it from earlier plans for the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    pub at_ms: i64,
    pub monitor: i64,
    pub plan: u64,
}

#[derive(Debug, Default)]
pub struct SlotQueue {
    heap: BinaryHeap<Reverse<Slot>>,
}

impl SlotQueue {
    pub fn push(&mut self, slot: Slot) {
        self.heap.push(Reverse(slot));
    }

    /// The next slot up to `now_ms`.
    pub fn pop_due(&mut self, now_ms: i64) -> Option<Slot> {
        let Reverse(next) = self.heap.peek()?;
        if next.at_ms > now_ms {
            return None;
        }
        self.heap.pop().map(|Reverse(slot)| slot)
    }

    pub fn next_ms(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse(slot)| slot.at_ms)
    }

    /// Removes entries for which `is_planned` is false.
    pub fn retain(&mut self, is_planned: impl Fn(&Slot) -> bool) {
        self.heap.retain(|Reverse(slot)| is_planned(slot));
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }
}
