//! Known batch ids and their answers: a retry gets the same answer and adds nothing.
//!
//! Memory holds 64 bits of each batch's hash: among two million, a new batch is mistaken for an old one with a chance
//! of 1 in 10^13. Forgotten after a week, or earlier if there are more than `max` (counted).

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::types::{Receipt, Rejected};

#[derive(Debug, Default)]
pub struct Receipts {
    known: HashMap<u64, u32, BuildHasherDefault<Prehashed>>,
    /// Answers with more than a number.
    long: HashMap<u64, Long>,
    /// In order of arrival: a number of ids, and their time.
    order: VecDeque<u64>,
    ages: VecDeque<(i64, usize)>,
    max: usize,
    pub forgotten: u64,
}

#[derive(Debug)]
struct Long {
    repeated: u32,
    rejected: Arc<[Rejected]>,
    rejected_total: u32,
}

/// The keys are hashes already.
#[derive(Debug, Default)]
struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only u64 keys")
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

impl Receipts {
    pub fn new(max: usize) -> Receipts {
        Receipts { max, ..Receipts::default() }
    }

    pub fn find(&self, hash: u64) -> Option<Receipt> {
        let &accepted = self.known.get(&hash)?;
        let long = self.long.get(&hash);
        Some(Receipt {
            accepted,
            repeated: long.map_or(0, |long| long.repeated),
            rejected: long.map_or_else(|| Arc::from([]), |long| long.rejected.clone()),
            rejected_total: long.map_or(0, |long| long.rejected_total),
            replayed: true,
        })
    }

    pub fn add(&mut self, hash: u64, receipt: &Receipt) {
        if self.known.insert(hash, receipt.accepted).is_none() {
            self.order.push_back(hash);
            match self.ages.back_mut() {
                Some((_, count)) => *count += 1,
                None => self.ages.push_back((0, 1)),
            }
        }
        if receipt.repeated > 0 || receipt.rejected_total > 0 {
            let Receipt { repeated, rejected, rejected_total, .. } = receipt.clone();
            self.long.insert(hash, Long { repeated, rejected, rejected_total });
        }
        while self.order.len() > self.max {
            self.forget_oldest();
            self.forgotten += 1;
        }
    }

    /// Receipts added from now on have this arrival time.
    pub fn begin(&mut self, arrival_us: i64) {
        match self.ages.back_mut() {
            // A resolution of a minute is fine enough for a week.
            Some((since, _)) if arrival_us - *since < 60_000_000 => {}
            _ => self.ages.push_back((arrival_us, 0)),
        }
    }

    pub fn forget_before(&mut self, arrival_us: i64) {
        while self.ages.len() > 1 && self.ages[1].0 <= arrival_us {
            for _ in 0..self.ages[0].1 {
                self.forget_oldest();
            }
            self.ages.pop_front();
        }
    }

    /// Removes receipts of batches that could not be committed.
    pub fn remove(&mut self, hash: u64) {
        self.known.remove(&hash);
        self.long.remove(&hash);
    }

    fn forget_oldest(&mut self) {
        if let Some(hash) = self.order.pop_front() {
            self.remove(hash);
        }
        while self.ages.front().is_some_and(|(_, count)| *count == 0) && self.ages.len() > 1 {
            self.ages.pop_front();
        }
        if let Some((_, count)) = self.ages.front_mut() {
            *count = count.saturating_sub(1);
        }
    }
}

pub fn put_receipt(out: &mut Vec<u8>, hash: u64, receipt: &Receipt) {
    out.extend(hash.to_le_bytes());
    for number in
        [receipt.accepted, receipt.repeated, receipt.rejected_total, receipt.rejected.len() as u32]
    {
        out.extend(number.to_le_bytes());
    }
    for rejected in receipt.rejected.iter() {
        out.extend(rejected.index.to_le_bytes());
        out.push(rejected.reason);
    }
}

/// None if the bytes are not from `put_receipt`.
pub fn take_receipt(rest: &mut &[u8]) -> Option<(u64, Receipt)> {
    let (head, tail) = rest.split_at_checked(24)?;
    let number =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let hash = u64::from_le_bytes(head[..8].try_into().ok()?);
    let (list, tail) = tail.split_at_checked(number(20) as usize * 5)?;
    let rejected = list
        .chunks_exact(5)
        .map(|one| Rejected {
            index: u32::from_le_bytes([one[0], one[1], one[2], one[3]]),
            reason: one[4],
        })
        .collect();
    *rest = tail;
    Some((
        hash,
        Receipt {
            accepted: number(8),
            repeated: number(12),
            rejected,
            rejected_total: number(16),
            replayed: true,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(accepted: u32) -> Receipt {
        Receipt {
            accepted,
            repeated: 0,
            rejected: Arc::from([]),
            rejected_total: 0,
            replayed: true,
        }
    }

    #[test]
    fn the_same_answer_comes_back_until_it_is_forgotten() {
        let mut receipts = Receipts::new(3);
        let long = Receipt {
            repeated: 1,
            rejected: Arc::from([Rejected { index: 3, reason: 2 }]),
            rejected_total: 9,
            ..receipt(7)
        };
        receipts.begin(0);
        receipts.add(1, &long);
        assert_eq!(receipts.find(1), Some(long.clone()));
        let mut bytes = Vec::new();
        put_receipt(&mut bytes, 1, &long);
        assert_eq!(take_receipt(&mut bytes.as_slice()), Some((1, long)));
        receipts.begin(100_000_000);
        for hash in 2..=4 {
            receipts.add(hash, &receipt(hash as u32));
        }
        assert_eq!((receipts.find(1), receipts.forgotten), (None, 1), "over the number");
        receipts.begin(200_000_000);
        receipts.forget_before(100_000_000);
        assert!(receipts.find(2).is_some(), "not old enough");
        receipts.forget_before(200_000_000);
        assert!(
            receipts.find(2).is_none() && receipts.order.is_empty() && receipts.long.is_empty()
        );
    }
}
