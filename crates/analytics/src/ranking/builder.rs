//! Merges the rows of all files by name.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::rows::{Ranking, Row, RowName};
use super::sums::RowSum;
use super::{Ranked, RankedRows, RankingLimits};
use crate::limits;
use crate::tally::DistinctCount;

/// There are more rows than a list may have, or longer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are too many rows to list all of them")]
pub struct TooManyRows;

pub struct RankingBuilder {
    of: Ranked,
    limits: RankingLimits,
    names: Names,
    /// By name.
    found: HashTable<u32>,
    hash: foldhash::fast::RandomState,
    sums: Vec<RowSum>,
    /// Of all added sums: a row in several files counts several times.
    sums_bytes: u64,
}

/// Texts, one after another.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub text: String,
    /// For each name, its start and the end of its second part.
    places: Vec<(u32, u32)>,
}

impl Names {
    /// A name is stored as its second part and then the first, which is also its order.
    fn push(&mut self, name: RowName<'_>) {
        let start = self.text.len() as u32;
        self.text.push_str(name.second);
        let middle = self.text.len() as u32;
        self.text.push_str(name.first);
        self.places.push((start, middle));
    }

    fn get(&self, at: u32) -> RowName<'_> {
        let (start, middle) = self.places[at as usize];
        let end = self.places.get(at as usize + 1).map_or(self.text.len(), |next| next.0 as usize);
        let (start, middle) = (start as usize, middle as usize);
        RowName { first: &self.text[middle..end], second: &self.text[start..middle] }
    }
}

impl RankingBuilder {
    pub fn new(of: Ranked, limits: RankingLimits) -> RankingBuilder {
        RankingBuilder {
            of,
            limits,
            names: Names::default(),
            found: HashTable::new(),
            hash: foldhash::fast::RandomState::default(),
            sums: Vec::new(),
            sums_bytes: 0,
        }
    }

    pub fn add(&mut self, name: RowName<'_>, sum: RowSum) -> Result<(), TooManyRows> {
        self.sums_bytes += sum.bytes() as u64;
        if self.sums_bytes > self.limits.sums_bytes {
            self.sums_bytes = self.sums.iter().map(|sum| sum.bytes() as u64).sum();
            if self.sums_bytes > self.limits.sums_bytes / 2 {
                return Err(TooManyRows);
            }
        }
        let hash = |name: RowName<'_>| self.hash.hash_one((name.first, name.second));
        let known = self.found.find(hash(name), |at| self.names.get(*at) == name);
        if let Some(at) = known {
            self.sums[*at as usize].add(&sum);
            return Ok(());
        }
        let bytes = (self.names.text.len() + name.first.len() + name.second.len()) as u64;
        if self.sums.len() as u64 >= self.limits.rows || bytes > limits::LIST_NAMES_BYTES {
            return Err(TooManyRows);
        }
        let at = self.sums.len() as u32;
        self.names.push(name);
        self.sums.push(sum);
        let names = &self.names;
        self.found.insert_unique(hash(name), at, |at| {
            let name = names.get(*at);
            self.hash.hash_one((name.first, name.second))
        });
        Ok(())
    }

    /// A list of all rows.
    pub fn finish(self) -> Ranking {
        let count = DistinctCount { count: self.sums.len() as u64, about: false };
        self.finish_as(RankedRows { count, missing_up_to: 0, low_by_up_to: 0 })
    }

    /// `all`: the rows that exist, of which those added have most hits.
    pub fn finish_as(self, all: RankedRows) -> Ranking {
        let RankingBuilder { of, names, sums, found, .. } = self;
        drop(found);
        let mut by_name: Vec<u32> = (0..sums.len() as u32).collect();
        by_name.sort_unstable_by(|one, other| {
            let (one, other) = (names.get(*one), names.get(*other));
            match of {
                // Ordered like the keys of consumers: addresses, then users.
                Ranked::Consumers => (one.first, one.second).cmp(&(other.first, other.second)),
                _ => (one.second, one.first).cmp(&(other.second, other.first)),
            }
        });
        let mut name_ranks = vec![0u32; sums.len()];
        (0..).zip(&by_name).for_each(|(rank, at)| name_ranks[*at as usize] = rank);
        drop(by_name);
        let mut order: Vec<u32> = (0..sums.len() as u32).collect();
        order.sort_unstable_by_key(|at| {
            (std::cmp::Reverse(sums[*at as usize].requests), name_ranks[*at as usize])
        });
        let mut sums: Vec<Option<RowSum>> = sums.into_iter().map(Some).collect();
        let rows = order.into_iter().map(|at| {
            let mut sum = sums[at as usize].take().unwrap_or_default();
            let (name_at, middle) = names.places[at as usize];
            let name = names.get(at);
            let [p50, p95, p99] = sum.durations.quantiles([0.5, 0.95, 0.99]);
            Row {
                requests: sum.requests,
                client_errors: sum.client_errors,
                server_errors: sum.server_errors,
                last_us: sum.last_us,
                name_at,
                middle,
                end: middle + name.first.len() as u32,
                name_rank: name_ranks[at as usize],
                p50,
                p95,
                p99,
                country: sum.country,
            }
        });
        let rows = rows.collect();
        Ranking::new(of, rows, names.text, all)
    }
}
