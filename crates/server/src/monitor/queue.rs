//! The queue of slots: one heap for all monitors. An entry that was planned and then changed stays in the heap and is passed
//! over when its time comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A slot of a monitor. `plan` tells it from what was planned for the monitor before.
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

    /// The next slot that is not after `now_ms`.
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

    /// Takes out what `is_planned` does not know any more.
    pub fn retain(&mut self, is_planned: impl Fn(&Slot) -> bool) {
        self.heap.retain(|Reverse(slot)| is_planned(slot));
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }
}
