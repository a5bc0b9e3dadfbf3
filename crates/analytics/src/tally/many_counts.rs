//! Hits of very many ids, most of which have few: a byte for each id. Four would not fit into the processor's cache,
//! and hits come in no order of their ids. They are so many that what visits them all does it a block at a time.

use std::ops::Range;

use hashbrown::HashMap;

use super::least::least_listed;
use crate::slots::Slots;

#[derive(Clone, Debug, Default)]
pub(super) struct ManyCounts {
    few: Slots<u8>,
    /// The hits of ids whose byte is `MANY`.
    many: HashMap<u32, u64, foldhash::fast::RandomState>,
}

const MANY: u8 = u8::MAX;

/// Ids that are visited at once, where a look at all of them shows that nothing has to be done.
const BLOCK: usize = 64;

/// How many ids have how many hits.
pub(super) struct Spread {
    /// The number of ids, by their hits. That of 0 is of no use.
    few: [u64; MANY as usize],
    /// The hits of each id with more.
    many: Vec<u64>,
}

impl ManyCounts {
    /// With room for these ids.
    pub fn over(ids: Range<u32>) -> ManyCounts {
        ManyCounts { few: Slots::over(ids), many: HashMap::default() }
    }

    #[inline]
    pub fn add(&mut self, id: u32, hits: u64) {
        let few = self.few.slot(id);
        match u64::from(*few) + hits {
            sum if sum < u64::from(MANY) => *few = sum as u8,
            _ => self.add_to_many(id, hits),
        }
    }

    fn add_to_many(&mut self, id: u32, hits: u64) {
        let few = std::mem::replace(self.few.slot(id), MANY);
        let before = if few < MANY { u64::from(few) } else { 0 };
        *self.many.entry(id).or_default() += before + hits;
    }

    /// Ids with hits, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> + Clone + '_ {
        self.few.iter().filter(|(_, few)| **few > 0).map(|(id, few)| match *few {
            MANY => (id, self.many.get(&id).copied().unwrap_or_default()),
            few => (id, u64::from(few)),
        })
    }

    /// Passes ids with at least so many hits to `take`, ascending, which returns how many the next one must have: at least one.
    pub fn each_from(&self, least: u64, mut take: impl FnMut(u32, u64) -> u64) {
        let (first, few) = self.few.dense();
        let mut least = least.max(1);
        for (ids, block) in (first..).step_by(BLOCK).zip(few.chunks(BLOCK)) {
            let enough = least.min(u64::from(MANY)) as u8;
            if block.iter().fold(0, |most, few| most.max(*few)) < enough {
                continue;
            }
            for (id, few) in (ids..).zip(block).filter(|(_, few)| **few >= enough) {
                let hits = match *few {
                    MANY => self.many.get(&id).copied().unwrap_or_default(),
                    few => u64::from(few),
                };
                if hits >= least {
                    least = take(id, hits).max(1);
                }
            }
        }
    }

    pub fn merge(&mut self, other: &ManyCounts) {
        let (first, more) = other.few.dense();
        let own = self.few.between(first..first + more.len() as u32);
        let mut large = Vec::new();
        let blocks = own.chunks_mut(BLOCK).zip(more.chunks(BLOCK));
        for (ids, (own, more)) in (first..).step_by(BLOCK).zip(blocks) {
            let most = own.iter().zip(more).fold(0, |most, (a, b)| most.max(a.saturating_add(*b)));
            if most < MANY {
                own.iter_mut().zip(more).for_each(|(own, more)| *own += more);
                continue;
            }
            for ((id, own), more) in (ids..).zip(own).zip(more) {
                match own.saturating_add(*more) {
                    MANY if *more > 0 => large.push((id, *more)),
                    MANY => {}
                    sum => *own = sum,
                }
            }
        }
        for (id, few) in large {
            let many = other.many.get(&id).filter(|_| few == MANY);
            self.add(id, many.copied().unwrap_or_else(|| u64::from(few)));
        }
    }
}

impl Spread {
    pub fn of<'a>(all: impl IntoIterator<Item = &'a ManyCounts>) -> Spread {
        // Several, since adding to the same place in a row would stall on the previous store.
        let mut ids = [[0u64; 1 << u8::BITS]; 4];
        let mut many = Vec::new();
        for counts in all {
            for few in counts.few.dense().1.chunks(ids.len()) {
                ids.iter_mut().zip(few).for_each(|(ids, few)| ids[usize::from(*few)] += 1);
            }
            many.extend(counts.many.values());
        }
        let few = std::array::from_fn(|hits| match hits {
            0 => 0,
            hits => ids.iter().map(|ids| ids[hits]).sum(),
        });
        Spread { few, many }
    }

    /// The number of ids with hits.
    pub fn ids(&self) -> u64 {
        self.few.iter().sum::<u64>() + self.many.len() as u64
    }

    /// The hits of all ids.
    pub fn requests(&self) -> u64 {
        let few = (0..).zip(&self.few).map(|(hits, ids)| hits * ids).sum::<u64>();
        few + self.many.iter().sum::<u64>()
    }

    /// The fewest hits of the `room` ids with most, how many of them have exactly that many, and the most hits of the
    /// others.
    pub fn busiest(&self, mut room: u64) -> (u64, u64, u64) {
        if self.ids() <= room {
            return (0, room, 0);
        }
        let mut least = u64::from(MANY);
        if self.many.len() as u64 >= room {
            let most = self.many.iter().copied().max().unwrap_or_default();
            (least, room) = least_listed(self.many.iter().copied(), most, room);
        } else {
            room -= self.many.len() as u64;
            while least > 0 {
                least -= 1;
                let ids = self.few[least as usize];
                if ids >= room {
                    break;
                }
                room -= ids;
            }
        }
        let few = || (0..).zip(&self.few).map(|(hits, ids)| (hits, *ids));
        let all = || few().chain(self.many.iter().map(|hits| (*hits, 1)));
        let with_least = all().filter(|(hits, _)| *hits == least).map(|(_, ids)| ids).sum::<u64>();
        let fewer = || all().filter(|(hits, ids)| *hits < least && *ids > 0);
        let left_out = match with_least > room {
            true => least,
            false => fewer().map(|(hits, _)| hits).max().unwrap_or_default(),
        };
        (least, room, left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_any_size_are_kept_and_merged() {
        let added =
            [(7, 1), (9, 254), (9, 1), (3, 253), (3, 1), (3, 1), (8, 100_000), (8, 1), (4, 254)];
        let mut all = ManyCounts::default();
        let mut parts = [ManyCounts::default(), ManyCounts::default()];
        for (n, (id, hits)) in added.into_iter().enumerate() {
            all.add(id, hits);
            parts[n % 2].add(id, hits);
        }
        (0..300).for_each(|_| all.add(7, 1));
        (0..300).for_each(|n| parts[n % 2].add(7, 1));
        let expected = [(3, 255), (4, 254), (7, 301), (8, 100_001), (9, 255)];
        assert_eq!(all.iter().collect::<Vec<_>>(), expected);
        let [mut one, other] = parts;
        one.merge(&other);
        assert_eq!(one.iter().collect::<Vec<_>>(), expected);
    }

    /// Numbers that look random, the same each time.
    fn numbers(seed: u64) -> impl Iterator<Item = u64> {
        (seed..).map(|n| {
            let mixed = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
        })
    }

    /// Counts of any size at ids from `first` on, some of which have none.
    fn some(seed: u64, first: u32, ids: u32) -> ManyCounts {
        let mut counts = ManyCounts::default();
        for (id, number) in (first..first + ids).zip(numbers(seed)) {
            match number % 16 {
                0..3 => {}
                3 => counts.add(id, 250 + number / 16 % 10),
                4 => counts.add(id, number / 16 % 1_000 + 1),
                _ => counts.add(id, number / 16 % 4 + 1),
            }
        }
        counts
    }

    #[test]
    fn merged_block_by_block_they_are_those_added_one_by_one() {
        let parts = [(1_000, 700), (1_000, 700), (900, 50), (1_650, 200), (2_000, 1), (5, 0)];
        let mut merged = ManyCounts::default();
        let mut plain = std::collections::BTreeMap::<u32, u64>::new();
        for (seed, (first, ids)) in (0..).zip(parts) {
            let part = some(seed * 10_000, first, ids);
            part.iter().for_each(|(id, hits)| *plain.entry(id).or_default() += hits);
            merged.merge(&part);
            assert_eq!(merged.iter().collect::<Vec<_>>(), Vec::from_iter(plain.clone()));
        }
        assert!(plain.values().any(|hits| *hits == 254) && plain.values().any(|hits| *hits == 255));
    }

    #[test]
    fn those_with_enough_hits_are_visited_and_no_other() {
        let counts = some(7, 500, 3_000);
        for least in [0, 1, 3, 4, 254, 255, 256, 900, 1_001] {
            let mut found = Vec::new();
            counts.each_from(least, |id, hits| {
                found.push((id, hits));
                // More and more are wanted.
                least + found.len() as u64 / 64
            });
            let mut expected: Vec<(u32, u64)> = Vec::new();
            for one in counts.iter() {
                if one.1 >= least + expected.len() as u64 / 64 {
                    expected.push(one);
                }
            }
            assert_eq!(found, expected, "{least}");
        }
    }

    #[test]
    fn a_spread_says_which_are_the_busiest() {
        let parts = [some(1, 1, 2_000), some(5_000, 100, 1_000), ManyCounts::default()];
        let spread = Spread::of(&parts);
        let mut all: Vec<u64> = parts.iter().flat_map(|part| part.iter().map(|of| of.1)).collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!((spread.ids(), spread.requests()), (all.len() as u64, all.iter().sum()));
        for room in 1..all.len() {
            let least = all[room - 1];
            let with_least = all[..room].iter().filter(|hits| **hits == least).count() as u64;
            assert_eq!(spread.busiest(room as u64), (least, with_least, all[room]), "{room}");
        }
        assert_eq!(spread.busiest(all.len() as u64).2, 0);
        assert_eq!(Spread::of(&[]).busiest(1).2, 0);
    }
}
