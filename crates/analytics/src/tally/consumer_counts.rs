//! Hits per consumer of one project in a whole file, for the list of the busiest that the file stores.

use super::consumers::{text, who};
use crate::hit::TextKind;
use crate::slots::Slots;

/// Four bytes for each user id and address id.
#[derive(Clone, Debug, Default)]
pub struct ConsumerCounts([Slots<u32>; 2]);

/// The consumers that a list leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Hits of the busiest left-out consumer.
    pub most: u64,
    /// Hits of all left-out consumers.
    pub requests: u64,
}

impl ConsumerCounts {
    /// The user and the address of each hit.
    pub fn add(&mut self, users: &[u32], addresses: &[u32]) {
        for (&user, &address) in users.iter().zip(addresses) {
            if let Some((kind, id)) = who(user, address) {
                *self.0[kind].slot(id) += 1;
            }
        }
    }

    /// All consumers with hits.
    pub fn all(&self) -> impl Iterator<Item = (TextKind, u32)> + '_ {
        self.with_hits().map(|(_, kind, id)| (text(kind), id))
    }

    pub fn count(&self) -> u64 {
        self.with_hits().count() as u64
    }

    /// The `most` consumers with most hits, in no order. On ties users come first, then the lower id.
    pub fn busiest(&self, most: u64) -> (Vec<(TextKind, u32)>, LeftOut) {
        let mut all: Vec<(u32, u8, u32)> =
            self.with_hits().map(|(hits, kind, id)| (u32::MAX - hits, kind as u8, id)).collect();
        let hits = |(hits, _, _): &(u32, u8, u32)| u64::from(u32::MAX - hits);
        let mut left_out = LeftOut::default();
        if (most as usize) < all.len() {
            let (_, first, others) = all.select_nth_unstable(most as usize);
            left_out.most = hits(first);
            left_out.requests = left_out.most + others.iter().map(hits).sum::<u64>();
            all.truncate(most as usize);
        }
        (all.into_iter().map(|(_, kind, id)| (text(kind.into()), id)).collect(), left_out)
    }

    /// Hits, kind, id.
    fn with_hits(&self) -> impl Iterator<Item = (u32, usize, u32)> + '_ {
        let of_kind = |kind: usize| self.0[kind].iter().map(move |(id, hits)| (*hits, kind, id));
        (0..self.0.len()).flat_map(of_kind).filter(|(hits, _, _)| *hits > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_are_found_and_what_is_left_out_is_known() {
        let mut counts = ConsumerCounts::default();
        // A hit without either belongs to nobody; one with both belongs to the user.
        counts.add(&[0, 7, 7, 0, 0, 0, 9, 0], &[0, 3, 0, 3, 3, 3, 4, 5]);
        assert_eq!(counts.count(), 4);
        let sorted = |most| {
            let (mut busiest, left_out) = counts.busiest(most);
            busiest.sort_unstable_by_key(|(kind, id)| (*kind as u8, *id));
            (busiest, left_out)
        };
        let (user, address) = (TextKind::User, TextKind::Address);
        let left_out = |most, requests| LeftOut { most, requests };
        assert_eq!(sorted(2), (vec![(address, 3), (user, 7)], left_out(1, 2)));
        assert_eq!(sorted(1), (vec![(address, 3)], left_out(2, 4)));
        assert_eq!(sorted(4).1, left_out(0, 0));
        assert_eq!(sorted(0).1, left_out(3, 7));
        assert_eq!(counts.all().count(), 4);
    }
}
