//! Row ids, and maps and sets of them.

use hashbrown::HashMap;

use super::Ranked;
use crate::hit::TextKind;
use crate::slots::Slots;
use crate::tally::{Columns, Dimension};

/// A row: two ids of texts, or a number. Ids are those of one file, or those of `Names`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RowId {
    /// The method of an endpoint; of a consumer 0 for a user and 1 for an address; else 0.
    pub first: u32,
    pub second: u32,
}

/// Maps each row to a `T`. Rows with the first few `first` ids are in arrays indexed by `second`; all others are hashed, so that
/// a client that invents methods cannot make it much larger than its rows.
#[derive(Clone, Debug, Default)]
pub struct ByRow<T> {
    near: Vec<(u32, Slots<T>)>,
    far: HashMap<RowId, T, foldhash::fast::RandomState>,
    is_sparse: bool,
}

/// How many `first` ids have arrays: there are seven usual methods.
const NEAR: usize = 8;

impl<T: Clone + Default> ByRow<T> {
    /// For few rows among very many ids.
    pub fn sparse() -> ByRow<T> {
        ByRow { near: Vec::new(), far: HashMap::default(), is_sparse: true }
    }

    #[inline]
    pub fn get(&self, id: RowId) -> Option<&T> {
        match self.near.iter().find(|(first, _)| *first == id.first) {
            Some((_, slots)) => slots.get(id.second),
            None => self.far.get(&id),
        }
    }

    #[inline]
    pub fn slot(&mut self, id: RowId) -> &mut T {
        let near = self.near.iter().position(|(first, _)| *first == id.first);
        let near = near.or_else(|| {
            let has_room = self.near.len() < NEAR && !self.is_sparse;
            has_room.then(|| {
                self.near.push((id.first, Slots::default()));
                self.near.len() - 1
            })
        });
        match near {
            Some(at) => self.near[at].1.slot(id.second),
            None => self.far.entry(id).or_default(),
        }
    }

    /// All rows, including unused slots of the arrays.
    pub fn iter(&self) -> impl Iterator<Item = (RowId, &T)> {
        let near = self.near.iter().flat_map(|(first, slots)| {
            slots.iter().map(|(second, value)| (RowId { first: *first, second }, value))
        });
        near.chain(self.far.iter().map(|(id, value)| (*id, value)))
    }
}

/// Fewer rows than this are hashed: their ids may be far apart.
const ARRAY_FROM: u64 = 4_096;

/// The set of rows that occur in hits of a file.
#[derive(Clone, Debug)]
pub struct FoundRows {
    of: Ranked,
    addresses: bool,
    rows: ByRow<bool>,
    count: u64,
}

impl FoundRows {
    /// `addresses`: whether consumers without a user are rows.
    pub fn new(of: Ranked, addresses: bool) -> FoundRows {
        FoundRows { of, addresses, rows: ByRow::default(), count: 0 }
    }

    /// Adds the rows of hits that have the columns of `Ranked::row_needs`.
    pub fn add_hits(&mut self, hits: &Columns<'_>) {
        let mut near = None;
        for n in 0..hits.time_us.len() {
            let id = self.of.row_of(hits, n, self.addresses);
            if let Some(row) = id
                && id != near
            {
                near = id;
                self.add(row);
            }
        }
    }

    pub fn add(&mut self, id: RowId) {
        let known = self.rows.slot(id);
        self.count += u64::from(!*known);
        *known = true;
    }

    pub fn merge(&mut self, other: &FoundRows) {
        other.iter().for_each(|id| self.add(id));
    }

    /// Keeps only rows for which `passes` is true.
    pub fn retain(&mut self, passes: impl Fn(RowId) -> bool) {
        let mut kept = FoundRows::new(self.of, self.addresses);
        self.iter().filter(|id| passes(*id)).for_each(|id| kept.add(id));
        *self = kept;
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether a hash table is likely smaller than an array over the whole range of ids.
    pub(super) fn are_few(&self) -> bool {
        self.count < ARRAY_FROM
    }

    /// A map by row or text id, sparse if there are few rows.
    pub(super) fn slots<T: Clone + Default>(&self) -> Slots<T> {
        if self.are_few() { Slots::sparse() } else { Slots::default() }
    }

    /// The ids of the texts that name the rows. `place`: index of their kind in `Ranked::texts`.
    pub fn texts(&self, place: usize) -> Slots<bool> {
        let mut wanted = self.slots();
        for RowId { first, second } in self.iter() {
            match (self.of, place) {
                (Ranked::Endpoints, 0) => *wanted.slot(first) = true,
                (Ranked::Consumers, _) if first as usize != place => {}
                _ => *wanted.slot(second) = true,
            }
        }
        wanted
    }

    pub fn iter(&self) -> impl Iterator<Item = RowId> + '_ {
        self.rows.iter().filter(|(_, known)| **known).map(|(id, _)| id)
    }
}

impl Ranked {
    /// The row of hit `n`. None if it is in no row.
    #[inline]
    pub(super) fn row_of(self, hits: &Columns<'_>, n: usize, addresses: bool) -> Option<RowId> {
        let text = |kind: TextKind| hits.texts[kind as usize][n];
        let alone = |second: u32| Some(RowId { first: 0, second });
        match self {
            Ranked::Endpoints => {
                Some(RowId { first: text(TextKind::Method), second: text(TextKind::Route) })
            }
            Ranked::Consumers => match (text(TextKind::User), text(TextKind::Address)) {
                (0, 0) => None,
                (0, address) => addresses.then_some(RowId { first: 1, second: address }),
                (user, _) => Some(RowId { first: 0, second: user }),
            },
            Ranked::Statuses => alone(u32::from(hits.status[n])),
            Ranked::Value(Dimension::Country) => alone(u32::from(hits.country[n])),
            Ranked::Value(Dimension::Text(kind)) => alone(text(kind)),
            Ranked::Value(Dimension::Client | Dimension::Os | Dimension::Device) => {
                alone(text(TextKind::Agent))
            }
            Ranked::Value(Dimension::Version) => alone(text(TextKind::Path)),
        }
    }

    /// Whether several ids can share a name: many user agents are one client, and many paths one version.
    pub(super) fn is_of_words(self) -> bool {
        matches!(
            self,
            Ranked::Value(
                Dimension::Client | Dimension::Os | Dimension::Device | Dimension::Version
            )
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_many_first_ids_stay_distinct() {
        let ids = || (0..30).flat_map(|first| (0..4).map(move |second| (first, 1_000 * second)));
        for mut rows in [ByRow::default(), ByRow::sparse()] {
            for (n, (first, second)) in ids().enumerate() {
                *rows.slot(RowId { first, second }) += n + 1;
            }
            for (n, (first, second)) in ids().enumerate() {
                assert_eq!(rows.get(RowId { first, second }), Some(&(n + 1)));
            }
            assert_eq!(rows.iter().filter(|(_, n)| **n > 0).count(), ids().count());
            assert!(rows.get(RowId { first: 7, second: 5_000 }).is_none());
        }
    }

    #[test]
    fn a_row_that_occurs_twice_counts_once() {
        let mut found = FoundRows::new(Ranked::Consumers, true);
        let mut other = found.clone();
        for second in [3, 9, 3] {
            found.add(RowId { first: 0, second });
            other.add(RowId { first: 1, second });
        }
        found.merge(&other);
        found.merge(&other);
        assert_eq!((found.count(), found.iter().count()), (4, 4));
        let texts = found.texts(1);
        assert_eq!(texts.iter().filter(|(_, wanted)| **wanted).count(), 2);
        found.retain(|id| id.second == 9);
        assert_eq!(found.count(), 2);
    }
}
