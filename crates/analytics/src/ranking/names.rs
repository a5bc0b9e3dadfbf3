//! The names of a list's rows: an interner, which stores each text once and numbers it.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::order::sort_by_key;
use super::{Ranked, RowId, TooManyRows};
use crate::limits;

/// A row's name: "METHOD", "ROUTE" of an endpoint, "u" or "a" and the text of a consumer, else "" and the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowName<'a> {
    pub first: &'a str,
    pub second: &'a str,
}

/// Numbered texts, concatenated.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: String,
    ends: Vec<u32>,
}

/// The texts that name a list's rows.
#[derive(Debug)]
pub(super) struct Names {
    of: Ranked,
    /// In the order of `Ranked::texts`; statuses and countries use only the first.
    pub texts: [Texts; 2],
}

/// Finds the number of a text while a list is built.
#[derive(Default)]
pub(super) struct TextNumbers {
    found: HashTable<u32>,
    hash: foldhash::fast::RandomState,
    /// The number of the last text found.
    near: u32,
}

/// Texts after the last one found that are compared before the hash table is searched. Sealed files have their texts in the same
/// order, so most texts of a second file are found here, in the processor's cache.
const AHEAD: u32 = 6;

impl Names {
    pub fn new(of: Ranked) -> Names {
        Names { of, texts: Default::default() }
    }

    pub fn name(&self, id: RowId) -> RowName<'_> {
        let RowId { first, second } = id;
        let [one, other] = &self.texts;
        match self.of {
            Ranked::Endpoints => RowName { first: one.get(first), second: other.get(second) },
            Ranked::Consumers if first == 0 => RowName { first: "u", second: one.get(second) },
            Ranked::Consumers => RowName { first: "a", second: other.get(second) },
            Ranked::Statuses | Ranked::Value(_) => RowName { first: "", second: one.get(second) },
        }
    }

    pub fn bytes(&self) -> usize {
        self.texts.iter().map(Texts::bytes).sum()
    }

    /// Keys that sort rows by name: consumers by their public keys (addresses, then users), other rows by the second part, then
    /// the first.
    pub fn keys(&self) -> impl Fn(RowId) -> u64 + use<> {
        let [one, other] = [0, 1].map(|n: usize| self.texts[n].ranks());
        let of = self.of;
        move |RowId { first, second }| {
            let (high, low) = match of {
                Ranked::Endpoints => (other[second as usize], one[first as usize]),
                Ranked::Consumers if first == 0 => (1, one[second as usize]),
                Ranked::Consumers => (0, other[second as usize]),
                Ranked::Statuses | Ranked::Value(_) => (one[second as usize], 0),
            };
            u64::from(high) << 32 | u64::from(low)
        }
    }
}

impl Texts {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    #[inline]
    pub fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let from = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.text[from..self.ends[number] as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len() as u32).map(|number| self.get(number))
    }

    pub fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }

    fn push(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
        self.ends.len() as u32 - 1
    }

    pub fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// The rank of each text in sorted order, by its number.
    ///
    /// A group of texts is sorted by the bytes that follow its common prefix, as numbers; texts with equal bytes form the next
    /// group. Routes share long prefixes, so comparing whole texts takes several times as long.
    fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        let mut groups = vec![(0, order.len(), 0)];
        while let Some((from, to, depth)) = groups.pop() {
            let group = &mut order[from..to];
            let rest = |number: u32, depth: usize| &self.get(number).as_bytes()[depth..];
            if group.len() <= SMALL_GROUP {
                group.sort_unstable_by(|one, other| rest(*one, depth).cmp(rest(*other, depth)));
                continue;
            }
            let begin = rest(group[0], depth);
            let shared = group.iter().fold(begin.len(), |shared, number| {
                let both = begin[..shared].iter().zip(rest(*number, depth));
                both.take_while(|(one, other)| one == other).count()
            });
            let depth = depth + shared;
            let mut keyed: Vec<(u64, u32)> =
                group.iter().map(|number| (key(rest(*number, depth)), *number)).collect();
            sort_by_key(&mut keyed);
            group.iter_mut().zip(&keyed).for_each(|(number, (_, sorted))| *number = *sorted);
            let mut start = 0;
            for run in keyed.chunk_by(|one, other| one.0 == other.0) {
                if run.len() > 1 {
                    groups.push((from + start, from + start + run.len(), depth + KEY_BYTES));
                }
                start += run.len();
            }
        }
        let mut ranks = vec![0; order.len()];
        (0..).zip(order).for_each(|(rank, number)| ranks[number as usize] = rank);
        ranks
    }
}

/// Groups of at most this many texts are sorted by comparison.
const SMALL_GROUP: usize = 32;
/// Bytes of text in a key.
const KEY_BYTES: usize = 7;

/// The first bytes of a text and their number, as an integer. Only texts that are longer, or the same, have equal keys.
fn key(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(KEY_BYTES);
    bytes[..length].copy_from_slice(&text[..length]);
    bytes[KEY_BYTES] = text.len().min(KEY_BYTES + 1) as u8;
    u64::from_be_bytes(bytes)
}

impl TextNumbers {
    /// Reserves memory only for the first file: most texts of later files are known by then.
    pub fn reserve(&mut self, texts: &mut Texts, count: usize) {
        if self.found.is_empty() {
            self.found.reserve(count, |_| 0);
            texts.ends.reserve_exact(count);
        }
    }

    /// The number of a text. Adds a new text to `texts`.
    pub fn number(&mut self, texts: &mut Texts, text: &str) -> Result<u32, TooManyRows> {
        let ahead =
            (self.near + 1..self.near + 1 + AHEAD).take_while(|n| (*n as usize) < texts.len());
        if let Some(known) = ahead.into_iter().find(|number| texts.get(*number) == text) {
            self.near = known;
            return Ok(known);
        }
        let hash = self.hash.hash_one(text);
        if let Some(known) = self.found.find(hash, |number| texts.get(*number) == text) {
            self.near = *known;
            return Ok(*known);
        }
        if (texts.text.len() + text.len()) as u64 > limits::LIST_NAMES_BYTES {
            return Err(TooManyRows);
        }
        let number = texts.push(text);
        // Moves only along consecutive new texts: a new text of a later file must not lose the position in the first.
        if self.near + 1 == number {
            self.near = number;
        }
        let hasher = &self.hash;
        self.found.insert_unique(hash, number, |number| hasher.hash_one(texts.get(*number)));
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(of: &[String]) -> Texts {
        let (mut texts, mut numbers) = (Texts::default(), TextNumbers::default());
        for text in of {
            let number = numbers.number(&mut texts, text).unwrap();
            assert_eq!(texts.get(number), text);
        }
        texts
    }

    proptest! {
        #[test]
        fn ranks_are_the_sorted_order_of_texts(of in prop::collection::vec("(/v1/things/|/v1/){0,2}[ab\0]{0,20}", 0..400)) {
            let texts = texts(&of);
            let mut wanted = of.clone();
            wanted.sort();
            wanted.dedup();
            let ranks = texts.ranks();
            prop_assert_eq!(texts.len(), wanted.len());
            for (text, rank) in texts.iter().zip(ranks) {
                prop_assert_eq!(text, &wanted[rank as usize]);
            }
        }
    }
}
