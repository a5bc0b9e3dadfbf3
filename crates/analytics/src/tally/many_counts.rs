//! Hits of very many ids, most of which have few: a byte for each id. Four would not fit into the processor's cache,
//! and hits come in no order of their ids.

use std::ops::Range;

use hashbrown::HashMap;

use crate::slots::Slots;

#[derive(Clone, Debug, Default)]
pub(super) struct ManyCounts {
    few: Slots<u8>,
    /// The hits of ids whose byte is `MANY`.
    many: HashMap<u32, u64, foldhash::fast::RandomState>,
}

const MANY: u8 = u8::MAX;

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

    pub fn merge(&mut self, other: &ManyCounts) {
        other.iter().for_each(|(id, hits)| self.add(id, hits));
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
}
