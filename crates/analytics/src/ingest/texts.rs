//! The texts of a batch while it is read: each distinct one is stored once and has a number.
//!
//! Hits repeat each other's texts, so a repeated text costs a hash and a comparison, but no allocation.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::PostedHit;
use crate::hit::TextKind;
use crate::text_list::TextList;

/// Index 0 of every kind is "".
#[derive(Debug)]
pub struct Texts {
    kinds: [TextList; TextKind::COUNT],
    tables: [HashTable<Entry>; TextKind::COUNT],
    /// The texts of the previous hit, which are tried first.
    last: [u32; TextKind::COUNT],
    /// Seeded anew for each process: a client cannot prepare texts that collide.
    hasher: foldhash::fast::RandomState,
}

/// Room for a small batch, allocated at once instead of in three steps.
const FIRST_ENTRIES: usize = 14;

/// Keeps the hash, so that the table grows without looking at its texts again.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    number: u32,
}

impl Default for Texts {
    fn default() -> Self {
        Texts {
            kinds: Default::default(),
            tables: std::array::from_fn(|_| HashTable::new()),
            last: [0; TextKind::COUNT],
            hasher: foldhash::fast::RandomState::default(),
        }
    }
}

impl Texts {
    pub fn get(&self, kind: TextKind, index: u32) -> &str {
        &self.kinds[kind as usize][index as usize]
    }

    pub fn all(&self, kind: TextKind) -> &TextList {
        &self.kinds[kind as usize]
    }

    /// The number of this text, which is added if it is new.
    #[inline]
    pub(crate) fn put(&mut self, kind: TextKind, text: &str) -> u32 {
        // Most kinds have no text in most hits.
        if text.is_empty() {
            return 0;
        }
        let kind = kind as usize;
        let kept = &self.kinds[kind];
        let last = self.last[kind];
        if kept[last as usize] == *text {
            return last;
        }
        let index = self.find_or_add(kind, text);
        self.last[kind] = index;
        index
    }

    fn find_or_add(&mut self, kind: usize, text: &str) -> u32 {
        let kept = &mut self.kinds[kind];
        let table = &mut self.tables[kind];
        let hash = self.hasher.hash_one(text);
        if let Some(entry) =
            table.find(hash, |entry| entry.hash == hash && kept[entry.number as usize] == *text)
        {
            return entry.number;
        }
        let number = kept.len() as u32;
        kept.push(text);
        if table.is_empty() {
            table.reserve(FIRST_ENTRIES, |entry| entry.hash);
        }
        table.insert_unique(hash, Entry { hash, number }, |entry| entry.hash);
        number
    }

    /// Takes all texts of a kind out; the kind begins again with "".
    pub(crate) fn take(&mut self, kind: TextKind) -> TextList {
        let kind = kind as usize;
        self.last[kind] = 0;
        self.tables[kind].clear();
        std::mem::take(&mut self.kinds[kind])
    }

    /// Puts back the texts that `take` took. The kind can then be read, but not added to.
    pub(crate) fn give_back(&mut self, kind: TextKind, texts: TextList) {
        self.kinds[kind as usize] = texts;
    }

    /// Keeps only the texts of these hits, and renumbers them: texts of rejected hits are not kept.
    pub(crate) fn only_of(self, hits: &mut [PostedHit]) -> Texts {
        let mut only = Texts::default();
        for hit in hits {
            for kind in TextKind::ALL {
                let number = &mut hit.texts[kind as usize];
                *number = only.put(kind, self.get(kind, *number));
            }
        }
        only
    }

    pub(crate) fn into_kinds(self) -> [TextList; TextKind::COUNT] {
        self.kinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_for_each_kind() {
        let mut texts = Texts::default();
        let numbers: Vec<u32> = ["/a", "/b", "/a", "", "/a", "/b"]
            .iter()
            .map(|path| texts.put(TextKind::Path, path))
            .collect();
        assert_eq!(numbers, [1, 2, 1, 0, 1, 2]);
        assert_eq!(texts.put(TextKind::Route, "/b"), 1);
        assert_eq!(texts.all(TextKind::Path).iter().collect::<Vec<_>>(), ["", "/a", "/b"]);
        assert_eq!(texts.get(TextKind::Path, 2), "/b");
    }
}
