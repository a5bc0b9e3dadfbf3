//! Consumers of a file with very many, counted a stretch of ids at a time: their identities, and the hits of each, would
//! take more memory than the rest of an answer.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;

use super::distinct::{Distinct, Prehashed};
use super::identities::{Identities, TextId};
use super::top_list::FileList;
use super::{Tally, TallyLimits};
use crate::hit::TextKind;

/// The list and the series of the stretches so far.
pub struct Counted {
    limits: TallyLimits,
    pub(super) consumers: FileList<TextId>,
    pub(super) series: Vec<Distinct>,
}

/// Consumers or values that an answer may show, to be found among very many.
pub struct ShownTexts {
    all: FewOfMany,
    /// Addresses as numbers, which need not be hashed. None if that of an address is not known.
    ipv4: Option<FewOfMany>,
}

/// A set, with a bit for some bits of each hash, since hardly any of those asked for is in it.
struct FewOfMany {
    all: HashSet<u64, BuildHasherDefault<Prehashed>>,
    bits: Box<[u64; WORDS]>,
}

const WORDS: usize = 1 << 10;

impl Counted {
    pub(super) fn new(limits: TallyLimits) -> Counted {
        Counted { limits, consumers: FileList::none(limits), series: Vec::new() }
    }

    /// Adds the consumers of a stretch.
    pub fn add(&mut self, mut tally: Tally, identities: &Identities) {
        let list = tally.consumers.list(identities, self.limits);
        self.consumers.join(list, self.limits);
        let series = tally.consumers.take_series();
        if self.series.is_empty() {
            self.series = series;
        } else {
            self.series.iter_mut().zip(&series).for_each(|(sum, more)| sum.merge(more));
        }
    }
}

impl ShownTexts {
    /// Each with its identity.
    pub(super) fn new(shown: &[(u64, TextId)]) -> ShownTexts {
        let addresses = || shown.iter().filter(|(_, shown)| shown.kind == TextKind::Address);
        let known = addresses().all(|(_, shown)| shown.ipv4 > 0);
        let numbers = addresses().map(|(_, shown)| spread(shown.ipv4));
        ShownTexts {
            all: FewOfMany::new(shown.iter().map(|(identity, _)| *identity)),
            ipv4: known.then(|| FewOfMany::new(numbers)),
        }
    }

    /// The identity of "no text" of this kind, if it is shown.
    pub fn find_none(&self, kind: TextKind) -> Option<u64> {
        let none = Identities::default().get(kind, 0);
        self.all.has(none).then_some(none)
    }

    /// The identity of a row of `Identities::put_all`, if it is shown.
    #[inline]
    pub fn find(&self, kind: TextKind, hash: u64, ipv4: u32) -> Option<u64> {
        if ipv4 > 0
            && let Some(numbers) = &self.ipv4
            && !numbers.has(spread(ipv4))
        {
            return None;
        }
        let identity = Identities::of_row(kind, hash, ipv4);
        self.all.has(identity).then_some(identity)
    }
}

impl FewOfMany {
    fn new(hashes: impl Iterator<Item = u64>) -> FewOfMany {
        let mut few = FewOfMany { all: HashSet::default(), bits: Box::new([0; WORDS]) };
        for hash in hashes {
            few.all.insert(hash);
            let (word, bit) = FewOfMany::place(hash);
            few.bits[word] |= bit;
        }
        few
    }

    #[inline]
    fn has(&self, hash: u64) -> bool {
        let (word, bit) = FewOfMany::place(hash);
        self.bits[word] & bit != 0 && self.all.contains(&hash)
    }

    #[inline]
    fn place(hash: u64) -> (usize, u64) {
        ((hash >> 58) as usize * 16 + (hash >> 54) as usize % 16, 1 << (hash >> 48 & 63))
    }
}

/// A number's bits spread over 64, each number to another one.
#[inline]
fn spread(ipv4: u32) -> u64 {
    u64::from(ipv4).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::identity;

    #[test]
    fn shown_consumers_are_found_with_and_without_their_numbers() {
        let (user, address) = (TextKind::User, TextKind::Address);
        let row = |n: u32| match n % 3 {
            0 => (user, identity(&n.to_le_bytes()), 0),
            1 => (address, identity(&n.to_le_bytes()), 0),
            _ => (address, 0, n << 8),
        };
        let shown = |n: u32| {
            let (kind, hash, ipv4) = row(n);
            (Identities::of_row(kind, hash, ipv4), TextId { kind, id: n, ipv4 })
        };
        let numeric = |n: &u32| n % 3 != 1;
        for only_numeric in [true, false] {
            let wanted: Vec<u32> = (1..600).filter(|n| !only_numeric || numeric(n)).collect();
            let all: Vec<_> = wanted.iter().map(|n| shown(*n)).collect();
            let set = ShownTexts::new(&all);
            assert_eq!(set.ipv4.is_some(), only_numeric);
            for n in 1..90_000 {
                let (kind, hash, ipv4) = row(n);
                let expected = wanted.contains(&n).then(|| shown(n).0);
                assert_eq!(set.find(kind, hash, ipv4), expected, "{n}");
            }
        }
    }
}
