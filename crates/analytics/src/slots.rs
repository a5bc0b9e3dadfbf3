//! Sums by small whole numbers that lie close together: a vector with an offset.

use std::ops::{Range, RangeInclusive};

use hashbrown::HashMap;

/// One `T` for each number from the least to the greatest requested. Ids of one project lie close together in a file,
/// so this is as fast as an array and hardly larger than its content. If few of very many ids are requested, `sparse`
/// takes the memory of those few.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slots<T> {
    base: u32,
    slots: Vec<T>,
    sparse: Option<HashMap<u32, T, foldhash::fast::RandomState>>,
}

impl<T: Clone + Default> Slots<T> {
    pub fn sparse() -> Slots<T> {
        Slots { base: 0, slots: Vec::new(), sparse: Some(HashMap::default()) }
    }

    /// With room for these numbers. Memory is only taken by those that are requested.
    pub fn over(ids: Range<u32>) -> Slots<T> {
        Slots { base: ids.start, slots: vec![T::default(); ids.len()], sparse: None }
    }

    pub fn is_sparse(&self) -> bool {
        self.sparse.is_some()
    }

    /// The numbers from the least to the greatest requested; 0 if sparse.
    pub fn span(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    pub fn get(&self, id: u32) -> Option<&T> {
        let dense = id.checked_sub(self.base).and_then(|place| self.slots.get(place as usize));
        dense.or_else(|| self.sparse.as_ref()?.get(&id))
    }

    #[inline]
    pub fn slot(&mut self, id: u32) -> &mut T {
        let place = id.wrapping_sub(self.base) as usize;
        if place < self.slots.len() {
            return &mut self.slots[place];
        }
        self.grow(id)
    }

    #[cold]
    fn grow(&mut self, id: u32) -> &mut T {
        if let Some(sparse) = &mut self.sparse {
            return sparse.entry(id).or_default();
        }
        if self.slots.is_empty() {
            self.base = id;
        }
        if id < self.base {
            // Grows by half, so that ids in descending order do not move everything each time.
            let more = (self.base - id).max(self.slots.len() as u32 / 2).min(self.base);
            let mut slots = vec![T::default(); more as usize];
            slots.append(&mut self.slots);
            self.slots = slots;
            self.base -= more;
        }
        let place = (id - self.base) as usize;
        if place >= self.slots.len() {
            self.slots.resize(place + 1, T::default());
        }
        &mut self.slots[place]
    }

    /// The least number requested, with its slot and all after it; none if sparse.
    pub fn dense(&self) -> (u32, &[T]) {
        (self.base, &self.slots)
    }

    /// The slots of these numbers. They must not be sparse.
    pub fn between(&mut self, numbers: Range<u32>) -> &mut [T] {
        if numbers.is_empty() {
            return &mut [];
        }
        self.slot(numbers.start);
        self.slot(numbers.end - 1);
        let from = (numbers.start - self.base) as usize;
        &mut self.slots[from..from + numbers.len()]
    }

    /// Gives back the memory for more numbers.
    pub fn shrink(&mut self) {
        self.slots.shrink_to_fit();
        if let Some(sparse) = &mut self.sparse {
            sparse.shrink_to_fit();
        }
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().chain(self.sparse.iter_mut().flat_map(HashMap::values_mut))
    }

    /// Ids in ascending order with their values, including ids never requested; sparse ones in no order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> + Clone {
        let dense = self.slots.iter().enumerate().map(|(n, slot)| (self.base + n as u32, slot));
        dense.chain(self.sparse.iter().flatten().map(|(id, slot)| (*id, slot)))
    }

    /// About how much memory the slots take.
    pub fn bytes(&self) -> usize {
        // A map is between half and seven eighths full, with a byte for each slot.
        let sparse = self.sparse.as_ref().map_or(0, HashMap::capacity);
        self.slots.capacity() * size_of::<T>() + sparse * (size_of::<(u32, T)>() + 1) * 8 / 7
    }
}

/// A set of numbers that lie close together: a bit for each from the least to the greatest.
#[derive(Clone, Debug, Default)]
pub struct Ids(Slots<u64>);

impl Ids {
    #[inline]
    pub fn put(&mut self, id: u32) {
        *self.0.slot(id / 64) |= 1 << (id % 64);
    }

    #[inline]
    pub fn has(&self, id: u32) -> bool {
        let word = self.0.get(id / 64).copied().unwrap_or(0);
        word >> (id % 64) & 1 == 1
    }

    /// Its numbers as runs of consecutive ones, ascending. None if there are more than `most` runs.
    pub fn runs(&self, most: usize) -> Option<Vec<RangeInclusive<u32>>> {
        let mut runs: Vec<RangeInclusive<u32>> = Vec::new();
        for (place, word) in self.0.iter() {
            let mut left = *word;
            while left != 0 {
                let (first, length) =
                    (left.trailing_zeros(), (left >> left.trailing_zeros()).trailing_ones());
                let (from, to) = (place * 64 + first, place * 64 + (first + length - 1));
                let continues =
                    runs.last().is_some_and(|run| run.end().checked_add(1) == Some(from));
                if let Some(run) = runs.last_mut().filter(|_| continues) {
                    *run = *run.start()..=to;
                } else if runs.len() == most {
                    return None;
                } else {
                    runs.push(from..=to);
                }
                left &= u64::MAX.checked_shl(first + length).unwrap_or(0);
            }
        }
        Some(runs)
    }

    /// A range that holds all numbers of the set.
    pub fn range(&self) -> Range<u32> {
        let words = self.0.span() as u32;
        self.0.base * 64..self.0.base.saturating_add(words).saturating_mul(64)
    }

    /// About how much memory the set takes.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_into_it() {
        let mut ids = Ids::default();
        assert!(!ids.has(0));
        for id in [70, 3, 64, 1_000, 1_000_000] {
            ids.put(id);
        }
        let found = (0..1_100_000).filter(|id| ids.has(*id)).collect::<Vec<u32>>();
        assert_eq!(found, [3, 64, 70, 1_000, 1_000_000]);
        assert!(!ids.has(u32::MAX));
        assert!((125_000..300_000).contains(&ids.bytes()), "{}", ids.bytes());
    }

    #[test]
    fn a_set_is_runs_of_consecutive_numbers() {
        let of = |numbers: &[u32]| {
            let mut ids = Ids::default();
            numbers.iter().for_each(|id| ids.put(*id));
            ids
        };
        assert_eq!(of(&[]).runs(0), Some(vec![]));
        assert_eq!(of(&[0]).runs(1), Some(vec![0..=0]));
        let whole: Vec<u32> = (60..200).collect();
        assert_eq!(of(&whole).runs(1), Some(vec![60..=199]));
        let some = of(&[1_000_000, 3, 4, 63, 64, 127, 128, 130]);
        let wanted = vec![3..=4, 63..=64, 127..=128, 130..=130, 1_000_000..=1_000_000];
        assert_eq!(some.runs(5), Some(wanted));
        assert_eq!(some.runs(4), None);
        assert_eq!(of(&[u32::MAX - 1, u32::MAX]).runs(1), Some(vec![u32::MAX - 1..=u32::MAX]));
    }

    #[test]
    fn slots_grow_to_both_sides_and_keep_what_they_hold() {
        let mut slots = Slots::<u64>::default();
        assert_eq!(slots.get(7), None);
        for (n, id) in [1_000u32, 990, 1_500, 3, 1_000, u32::from(u16::MAX)].into_iter().enumerate()
        {
            *slots.slot(id) += n as u64 + 1;
        }
        let held: Vec<(u32, u64)> =
            slots.iter().filter(|(_, sum)| **sum > 0).map(|(id, sum)| (id, *sum)).collect();
        assert_eq!(held, [(3, 4), (990, 2), (1_000, 1 + 5), (1_500, 3), (65_535, 6)]);
        assert_eq!(slots.get(991), Some(&0));
    }

    #[test]
    fn slots_that_are_expected_are_those_that_grow() {
        let mut slots = Slots::<u64>::over(10..20);
        for id in [19, 10, 20, 9] {
            *slots.slot(id) += u64::from(id);
        }
        let held: Vec<u32> = slots.iter().filter(|(_, sum)| **sum > 0).map(|(id, _)| id).collect();
        assert_eq!(held, [9, 10, 19, 20]);
    }

    #[test]
    fn slots_are_changed_many_at_once_and_keep_what_they_hold_when_they_shrink() {
        let mut slots = Slots::<u64>::default();
        *slots.slot(50) = 1;
        for ids in [45..55, 60..61, 7..7, 10..12] {
            slots.between(ids).iter_mut().for_each(|slot| *slot += 1);
        }
        slots.shrink();
        let held: Vec<u32> = slots.iter().filter(|(_, sum)| **sum > 0).map(|(id, _)| id).collect();
        assert_eq!(held, [vec![10, 11], (45..55).collect(), vec![60]].concat());
        assert_eq!(slots.get(50), Some(&2));
        let (first, all) = slots.dense();
        assert_eq!(all.get((50 - first) as usize), Some(&2));
    }

    #[test]
    fn sparse_slots_take_the_room_of_what_they_hold() {
        let mut slots = Slots::<u64>::sparse();
        for id in [7, 4_000_000_000, 7, 90_000] {
            *slots.slot(id) += 1;
        }
        slots.values_mut().for_each(|sum| *sum *= 10);
        let mut held: Vec<(u32, u64)> = slots.iter().map(|(id, sum)| (id, *sum)).collect();
        held.sort_unstable();
        assert_eq!(held, [(7, 20), (90_000, 10), (4_000_000_000, 10)]);
        assert_eq!((slots.get(7), slots.get(8)), (Some(&20), None));
        assert!(slots.bytes() < 1_000, "{}", slots.bytes());
    }
}
