//! Top-k over all files without a map over all keys.
//!
//! Each file lists all of its keys while they are few, else the keys with most hits. A key in no list has at most as
//! many hits per file as the first key that the list left out, so the sum of these bounds the error (as in the first
//! phase of Cao and Wang, "Efficient top-K query calculation in distributed networks", 2004). The exact hits of the
//! best keys are looked up afterwards, as far as a file has them.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::distinct::{Distinct, DistinctCount, Prehashed};
use super::least::least_listed;
use super::many_counts::{ManyCounts, Spread};
use super::{Count, TallyLimits};

pub(super) type ByIdentity<T> = HashMap<u64, T, BuildHasherDefault<Prehashed>>;

#[derive(Debug)]
pub(super) struct TopList<Id> {
    listed: ByIdentity<Listed<Id>>,
    missing_up_to: u64,
    low_by_up_to: u64,
    distinct: Distinct,
    /// Hits of all keys.
    requests: u64,
}

/// A file's part of a `TopList`: it visits all keys of the file, so files are prepared on several threads.
#[derive(Debug)]
pub(super) struct FileList<Id> {
    /// Identity, id and count of the listed keys.
    listed: Vec<(u64, Id, Count)>,
    /// The most hits of a key that the list leaves out.
    left_out: u64,
    distinct: Distinct,
    requests: u64,
}

impl<Id: Copy> FileList<Id> {
    pub fn new(
        counts: impl Iterator<Item = (Id, Count)> + Clone,
        identity: impl Fn(Id) -> u64,
        limits: TallyLimits,
    ) -> FileList<Id> {
        let requests = counts.clone().map(|(_, count)| count.requests);
        let (keys, most) = requests.clone().fold((0, 0), |(n, most), one| (n + 1, one.max(most)));
        let (least, mut room) = match keys <= limits.listed_whole {
            true => (0, u64::MAX),
            false => least_listed(requests, most, limits.listed_of_file),
        };
        let mut list = FileList::none(limits);
        for (id, count) in counts {
            let identity = identity(id);
            list.distinct.add(identity);
            list.requests += count.requests;
            if count.requests > least || (count.requests == least && room > 0) {
                room -= u64::from(count.requests == least);
                list.listed.push((identity, id, count));
            } else {
                list.left_out = list.left_out.max(count.requests);
            }
        }
        list
    }

    /// The same of very many keys, whose distinct number is known: most of them are only counted. `id`: by the place of its
    /// counts and the number in them, with its identity.
    pub fn of_many(
        all: &[ManyCounts],
        spread: &Spread,
        id: impl Fn(usize, u32) -> (u64, Id),
        distinct: Distinct,
        limits: TallyLimits,
    ) -> FileList<Id> {
        let room = match spread.ids() <= limits.listed_whole {
            true => u64::MAX,
            false => limits.listed_of_file,
        };
        let (least, mut room, left_out) = spread.busiest(room);
        let mut list =
            FileList { listed: Vec::new(), left_out, distinct, requests: spread.requests() };
        for (place, counts) in all.iter().enumerate() {
            let wanted = |room: u64| if room > 0 { least } else { least + 1 };
            counts.each_from(wanted(room), |number, requests| {
                room -= u64::from(requests == least);
                let (identity, id) = id(place, number);
                list.listed.push((identity, id, Count { requests, errors: 0 }));
                wanted(room)
            });
        }
        list
    }

    /// Whether it leaves out keys of the file.
    pub fn is_cut(&self) -> bool {
        self.left_out > 0
    }

    /// The listed keys.
    pub fn identities(&self) -> impl Iterator<Item = u64> + '_ {
        self.listed.iter().map(|(identity, _, _)| *identity)
    }

    /// With other ids for the same keys.
    pub fn map<Other>(self, to: impl Fn(Id) -> Other) -> FileList<Other> {
        let listed = self.listed.into_iter();
        FileList {
            listed: listed.map(|(identity, id, count)| (identity, to(id), count)).collect(),
            left_out: self.left_out,
            distinct: self.distinct,
            requests: self.requests,
        }
    }

    /// Of a file without keys.
    pub fn none(limits: TallyLimits) -> FileList<Id> {
        FileList {
            listed: Vec::new(),
            left_out: 0,
            distinct: Distinct::new(limits.distinct_exact),
            requests: 0,
        }
    }

    /// Adds a list of other keys of the same file.
    pub fn join(&mut self, other: FileList<Id>, limits: TallyLimits) {
        self.listed.extend(other.listed);
        self.left_out = self.left_out.max(other.left_out);
        self.distinct.merge(&other.distinct);
        self.requests += other.requests;
        let most = limits.listed_of_file as usize;
        if self.listed.len() as u64 > limits.listed_whole && self.listed.len() > most {
            let order =
                |(identity, _, count): &(u64, Id, Count)| (u64::MAX - count.requests, *identity);
            let (_, first, _) = self.listed.select_nth_unstable_by_key(most, order);
            self.left_out = self.left_out.max(first.2.requests);
            self.listed.truncate(most);
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Listed<Id> {
    /// Summed over the files whose lists have it.
    pub count: Count,
    /// Where its name can be read: a file's number, and the id in it.
    pub named_in: (usize, Id),
}

impl<Id: Copy> TopList<Id> {
    pub fn new(limits: TallyLimits) -> TopList<Id> {
        TopList {
            listed: HashMap::default(),
            missing_up_to: 0,
            low_by_up_to: 0,
            distinct: Distinct::new(limits.distinct_exact),
            requests: 0,
        }
    }

    /// Adds a file's list. `unlisted`: the most hits of a key in this file that was not among its counts.
    pub fn add(&mut self, file: usize, list: FileList<Id>, unlisted: u64) {
        for (identity, id, count) in list.listed {
            let listed = self.listed.entry(identity);
            listed
                .or_insert(Listed { count: Count::default(), named_in: (file, id) })
                .count
                .add_count(count);
        }
        self.distinct.merge(&list.distinct);
        self.requests += list.requests;
        self.missing_up_to += list.left_out + unlisted;
        self.low_by_up_to += unlisted;
    }

    /// Adds keys of which `add` gets only some, with the hits of the others.
    pub fn add_distinct(&mut self, distinct: &Distinct, requests: u64) {
        self.distinct.merge(distinct);
        self.requests += requests;
    }

    /// The number of distinct keys. Each has a hit, so an estimate never exceeds the hits.
    pub fn count(&self) -> DistinctCount {
        self.distinct.count().at_most(self.requests)
    }

    /// The error bound: a key outside the list has at most this many hits, and a listed one at most this many more than
    /// its count.
    pub fn missing_up_to(&self) -> u64 {
        self.missing_up_to
    }

    /// By how much the exact count of a listed key may exceed the known one: files' own lists are cut too.
    pub fn low_by_up_to(&self) -> u64 {
        self.low_by_up_to
    }

    pub fn get(&self, identity: u64) -> Option<&Listed<Id>> {
        self.listed.get(&identity)
    }

    pub fn all(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        self.listed.keys().copied()
    }

    /// The identities with most hits, descending; ties by identity.
    pub fn first(&self, most: usize) -> Vec<u64> {
        let mut all: Vec<(u64, u64)> = self
            .listed
            .iter()
            .map(|(identity, listed)| (u64::MAX - listed.count.requests, *identity))
            .collect();
        if all.len() > most {
            all.select_nth_unstable(most);
            all.truncate(most);
        }
        all.sort_unstable();
        all.into_iter().map(|(_, identity)| identity).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;

    fn requests(of: &[(u32, u64)]) -> impl Iterator<Item = (u32, Count)> + Clone + '_ {
        of.iter().map(|(id, requests)| (*id, Count { requests: *requests, errors: 0 }))
    }

    fn add(
        list: &mut TopList<u32>,
        file: usize,
        counts: impl Iterator<Item = (u32, Count)> + Clone,
        unlisted: u64,
    ) {
        list.add(file, FileList::new(counts, identity, TallyLimits::default()), unlisted);
    }

    fn identity(id: u32) -> u64 {
        u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn few_are_all_listed() {
        let mut list = TopList::new(TallyLimits::default());
        add(&mut list, 0, requests(&[(1, 5), (2, 9), (3, 9)]), 0);
        add(&mut list, 1, requests(&[(1, 5), (4, 1)]), 0);
        let mut best = vec![identity(2), identity(3)];
        best.sort_unstable();
        assert_eq!(list.first(3), [vec![identity(1)], best].concat());
        assert_eq!((list.missing_up_to(), list.count().count), (0, 4));
        assert_eq!(list.get(identity(4)).unwrap().named_in, (1, 4));
        assert_eq!(list.all().count(), 4);
    }

    #[test]
    fn of_many_the_busiest_are_listed_and_what_may_be_missing_is_known() {
        let n = 3 * limits::LISTED_WHOLE as u32;
        // The n-th key has about n / 10 hits, in no order.
        let file: Vec<(u32, u64)> =
            (0..n).map(|id| (id, u64::from(id.wrapping_mul(40_503) % n) / 10 + 1)).collect();
        let mut list = TopList::new(TallyLimits::default());
        add(&mut list, 0, requests(&file), 0);
        assert_eq!(list.all().count() as u64, limits::LISTED_OF_FILE);
        let mut sorted: Vec<u64> = file.iter().map(|(_, requests)| *requests).collect();
        sorted.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(list.missing_up_to(), sorted[limits::LISTED_OF_FILE as usize]);
        let first = list.first(1_000);
        let found: Vec<u64> =
            first.iter().map(|of| list.get(*of).unwrap().count.requests).collect();
        assert_eq!(found, sorted[..1_000]);
        // A list cut earlier adds to the error bound.
        add(&mut list, 1, requests(&[(1, 5)]), 3);
        assert_eq!(list.missing_up_to(), sorted[limits::LISTED_OF_FILE as usize] + 3);
    }

    /// However a file's keys are divided, what its list says is true.
    #[test]
    fn lists_of_parts_of_a_file_are_one_list() {
        let n = 5 * limits::LISTED_WHOLE as u32;
        let file: Vec<(u32, u64)> =
            (0..n).map(|id| (id, u64::from(id.wrapping_mul(40_503) % n) / 10 + 1)).collect();
        let limits = TallyLimits::default();
        let list_of = |keys: &[(u32, u64)]| FileList::new(requests(keys), identity, limits);
        for parts in [1, 3, 40] {
            let mut joined = FileList::none(limits);
            for part in file.chunks(file.len().div_ceil(parts)) {
                joined.join(list_of(part), limits);
            }
            let mut list = TopList::new(limits);
            list.add(0, joined, 0);
            let mut whole = TopList::new(limits);
            whole.add(0, list_of(&file), 0);
            // Lists of several parts may be longer together.
            assert!(list.missing_up_to() <= whole.missing_up_to(), "{parts}");
            let is_listed = |(id, requests): &&(u32, u64)| {
                *requests <= list.missing_up_to() || list.get(identity(*id)).is_some()
            };
            assert_eq!(file.iter().filter(is_listed).count(), file.len(), "{parts}");
            assert_eq!(list.count(), whole.count(), "{parts}");
            let counts = |list: &TopList<u32>| {
                let first = list.first(limits::LISTED_OF_FILE as usize);
                first.iter().map(|of| list.get(*of).unwrap().count.requests).collect::<Vec<_>>()
            };
            assert_eq!(counts(&list), counts(&whole), "{parts}");
        }
        let mut few = FileList::none(limits);
        few.join(list_of(&file[..10]), limits);
        few.join(list_of(&file[10..30]), limits);
        let mut list = TopList::new(limits);
        list.add(0, few, 0);
        assert_eq!((list.all().count(), list.missing_up_to()), (30, 0));
    }

    #[test]
    fn equal_ones_share_the_room_that_there_is() {
        let file: Vec<(u32, u64)> =
            (0..2 * limits::LISTED_WHOLE as u32).map(|id| (id, 1)).collect();
        let mut list = TopList::new(TallyLimits::default());
        add(&mut list, 0, requests(&file), 0);
        assert_eq!(list.all().count() as u64, limits::LISTED_OF_FILE);
        assert_eq!(list.missing_up_to(), 1);
        assert!(list.count().count <= file.len() as u64, "{}", list.count().count);
        assert!(list.count().about);
    }

    /// Counted a byte each, or as a row each: the list is the same.
    #[test]
    fn a_list_of_very_many_is_the_list_of_their_rows() {
        let limits = TallyLimits {
            listed_whole: 500,
            listed_of_file: 200,
            distinct_exact: 100,
            ..TallyLimits::default()
        };
        let of_place = |place: usize, id: u32| identity(id) ^ place as u64;
        // Up to so many hits, by numbers of keys.
        for (keys, most) in [(400, 3), (2_000, 1), (2_000, 4), (2_000, 1_000), (5_000, 300)] {
            let mut counts = [ManyCounts::default(), ManyCounts::default()];
            for id in 1..=keys {
                let number = identity(id) >> 20;
                counts[(number % 3 / 2) as usize].add(10 * id, number / 3 % most + 1);
            }
            let rows = counts.iter().enumerate().flat_map(|(place, counts)| {
                counts
                    .iter()
                    .map(move |(id, requests)| ((place, id), Count { requests, errors: 0 }))
            });
            let plain = FileList::new(rows, |(place, id)| of_place(place, id), limits);
            let spread = Spread::of(&counts);
            let id = |place, id| (of_place(place, id), (place, id));
            let many = FileList::of_many(&counts, &spread, id, plain.distinct.clone(), limits);
            let listed = |list: &FileList<(usize, u32)>| {
                let of = |(identity, id, count): &(u64, (usize, u32), Count)| {
                    (*identity, *id, count.requests)
                };
                list.listed.iter().map(of).collect::<Vec<_>>()
            };
            assert_eq!(listed(&many), listed(&plain), "{keys} {most}");
            assert_eq!((many.left_out, many.requests), (plain.left_out, plain.requests));
            assert_eq!(many.is_cut(), keys > 500);
        }
    }
}
