//! The durations of many rows, for their quantiles.

use crate::slots::Slots;
use crate::tally::NO_LATENCY;

/// Buckets of `latency` by row. Most rows of a long list have few hits: their durations are stored one by one in small blocks of
/// a shared vector, so that a row needs no allocation of its own.
#[derive(Debug, Default)]
pub(super) struct Durations {
    rows: Vec<List>,
    blocks: Vec<Block>,
    many: Vec<Slots<u64>>,
    many_bytes: usize,
    room: Vec<u16>,
}

#[derive(Clone, Copy, Debug, Default)]
struct List {
    /// At most `FEW`, or `MANY` for a row with counts.
    count: u32,
    /// The index of the last block; for `MANY` the index in `many`.
    place: u32,
}

/// A row's blocks are linked from the last to the first. All but the last are full.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    buckets: [u16; BLOCK],
    before: u32,
}

const BLOCK: usize = 6;
/// The most durations stored one by one: they take about as much memory as the counts.
const FEW: u32 = 128;
const MANY: u32 = u32::MAX;

impl Durations {
    pub fn reserve(&mut self, rows: usize) {
        self.rows.reserve_exact(rows);
    }

    pub fn resize(&mut self, rows: usize) {
        self.rows.resize(rows, List::default());
    }

    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    #[inline]
    pub fn add(&mut self, row: usize, bucket: u16, count: u64) {
        let list = &mut self.rows[row];
        if count == 1 && list.count < FEW {
            let within = list.count as usize % BLOCK;
            if within == 0 {
                self.blocks.push(Block { before: list.place, ..Block::default() });
                list.place = self.blocks.len() as u32 - 1;
            }
            self.blocks[list.place as usize].buckets[within] = bucket;
            list.count += 1;
        } else {
            self.add_many(row, bucket, count);
        }
    }

    #[cold]
    fn add_many(&mut self, row: usize, bucket: u16, count: u64) {
        let List { count: known, place } = self.rows[row];
        if known == MANY {
            let counts = &mut self.many[place as usize];
            let before = counts.bytes();
            *counts.slot(u32::from(bucket)) += count;
            self.many_bytes = self.many_bytes + counts.bytes() - before;
        } else if u64::from(known) + count <= u64::from(FEW) {
            (0..count).for_each(|_| self.add(row, bucket, 1));
        } else {
            let mut counts = Slots::default();
            self.each(row, |bucket| *counts.slot(u32::from(bucket)) += 1);
            *counts.slot(u32::from(bucket)) += count;
            self.many_bytes += counts.bytes() + size_of::<Slots<u64>>();
            self.rows[row] = List { count: MANY, place: self.many.len() as u32 };
            self.many.push(counts);
        }
    }

    /// Passes each duration of a row without counts to `take`.
    fn each(&self, row: usize, mut take: impl FnMut(u16)) {
        let List { mut count, mut place } = self.rows[row];
        while count > 0 {
            let block = &self.blocks[place as usize];
            let within = (count as usize - 1) % BLOCK + 1;
            block.buckets[..within].iter().for_each(|bucket| take(*bucket));
            count -= within as u32;
            place = block.before;
        }
    }

    pub fn bytes(&self) -> usize {
        self.rows.len() * size_of::<List>()
            + self.blocks.len() * size_of::<Block>()
            + self.many_bytes
    }

    /// The buckets at these shares of all (`Histogram::quantile_us`); `NO_LATENCY` without durations.
    pub fn quantiles<const N: usize>(&mut self, row: usize, shares: [f64; N]) -> [u16; N] {
        let List { count, place } = self.rows[row];
        if count == MANY {
            let counts = &self.many[place as usize];
            let total = counts.iter().map(|(_, count)| count).sum();
            return shares.map(|share| {
                let (rank, mut below) = (rank(share, total), 0);
                let found = counts.iter().find(|(_, count)| {
                    below += **count;
                    below >= rank
                });
                found.map_or(NO_LATENCY, |(bucket, _)| bucket as u16)
            });
        }
        let mut room = std::mem::take(&mut self.room);
        room.clear();
        self.each(row, |bucket| room.push(bucket));
        room.sort_unstable();
        let quantiles = shares.map(|share| {
            let at = rank(share, room.len() as u64) - 1;
            room.get(at as usize).copied().unwrap_or(NO_LATENCY)
        });
        self.room = room;
        quantiles
    }
}

/// The nearest rank, from 1.
fn rank(share: f64, total: u64) -> u64 {
    ((share * total as f64).ceil() as u64).clamp(1, total.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::latency::{Histogram, value_us};

    proptest! {
        #[test]
        fn quantiles_are_those_of_a_histogram(
            added in prop::collection::vec((0..3usize, 0..40u16, prop_oneof![9 => Just(1u64), 1 => 0..200u64]), 0..500),
        ) {
            let mut durations = Durations::default();
            durations.resize(3);
            let mut histograms: [Histogram; 3] = Default::default();
            for (row, bucket, count) in added {
                durations.add(row, bucket, count);
                histograms[row].add(bucket, count);
            }
            for (row, histogram) in histograms.iter().enumerate() {
                let shares = [0.0, 0.5, 0.95, 0.99, 1.0];
                let found = durations.quantiles(row, shares);
                for (share, found) in shares.into_iter().zip(found) {
                    let wanted = histogram.quantile_us(share).filter(|_| histogram.total() > 0);
                    prop_assert_eq!((found != NO_LATENCY).then(|| value_us(found)), wanted);
                }
            }
        }
    }
}
