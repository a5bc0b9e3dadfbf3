//! Counts of a file's hits, by small numbers: half as wide as sums over files, since a file holds fewer than 2^32 hits,
//! so that more of them fit into the processor's cache while hits are counted in random order.

use crate::latency::Histogram;
use crate::slots::Slots;

use super::Count;

/// Hits by id of a text, or by country.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    requests: Slots<u32>,
    errors: Slots<u32>,
}

impl Counts {
    /// Counts one hit per id. `errors`: the indexes of those that are errors.
    pub fn add_hits(
        &mut self,
        ids: impl ExactSizeIterator<Item = u32> + Clone,
        id_of: impl Fn(usize) -> u32,
        errors: &[u32],
    ) {
        let Some(first) = ids.clone().next() else { return };
        // Many columns repeat one value: adding to the same place in a row would stall on the previous store.
        if ids.clone().all(|id| id == first) {
            *self.requests.slot(first) += ids.len() as u32;
        } else {
            ids.for_each(|id| *self.requests.slot(id) += 1);
        }
        for &place in errors {
            *self.errors.slot(id_of(place as usize)) += 1;
        }
    }

    pub fn add(&mut self, id: u32, count: Count) {
        *self.requests.slot(id) += count.requests as u32;
        if count.errors > 0 {
            *self.errors.slot(id) += count.errors as u32;
        }
    }

    /// All with hits, by id.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Count)> + Clone + '_ {
        let counted = self.requests.iter().filter(|(_, requests)| **requests > 0);
        counted.map(|(id, _)| (id, self.get(id)))
    }

    pub fn get(&self, id: u32) -> Count {
        let of = |slots: &Slots<u32>| u64::from(slots.get(id).copied().unwrap_or(0));
        Count { requests: of(&self.requests), errors: of(&self.errors) }
    }

    pub fn merge(&mut self, other: &Counts) {
        other.iter().for_each(|(id, count)| self.add(id, count));
    }
}

/// Durations per bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Durations(Slots<u32>);

impl Durations {
    #[inline]
    pub fn add(&mut self, bucket: u16, count: u64) {
        *self.0.slot(u32::from(bucket)) += count as u32;
    }

    pub fn merge(&mut self, other: &Durations) {
        other.iter().for_each(|(bucket, count)| self.add(bucket, count));
    }

    pub fn add_to(&self, sum: &mut Histogram) {
        self.iter().for_each(|(bucket, count)| sum.add(bucket, count));
    }

    /// (bucket, count), ascending, without empty buckets.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        let counted = self.0.iter().filter(|(_, count)| **count > 0);
        counted.map(|(bucket, count)| (bucket as u16, u64::from(*count)))
    }

    /// Gives back the room for more buckets.
    pub fn shrink(&mut self) {
        self.0.shrink();
    }
}
