//! A finished list: compact rows, their names, and the latest orders.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::ids::RowId;
use super::names::{Names, RowName};
use super::order::sort_by_key;
use super::row::{Row, place_of};
use super::search::SearchWords;
use super::{Ranked, RankingSort};
use crate::limits;
use crate::tally::DistinctCount;
use crate::tally::NO_LATENCY;

/// All rows that exist, and bounds of what the list lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RankedRows {
    pub count: DistinctCount,
    /// The most hits that a missing row can have.
    pub missing_up_to: u64,
    /// The most hits that a row can lack.
    pub low_by_up_to: u64,
}

/// Every row of a breakdown.
#[derive(Debug)]
pub struct Ranking {
    of: Ranked,
    /// Addressed by `place_of`, as in `RankingSums`.
    parts: Vec<Vec<Row>>,
    names: Names,
    all: RankedRows,
    /// Most hits first; ties by name.
    by_requests: Arc<[u32]>,
    by_name: Arc<[u32]>,
    /// The most recently used last.
    orders: Mutex<VecDeque<(View, Arc<[u32]>)>>,
}

/// The rows of a view and their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub search: SearchWords,
    pub sort: RankingSort,
    /// Rows without a value come last either way; ties are ordered by hits, then by name.
    pub ascending: bool,
}

impl Ranking {
    /// `parts`: all rows, addressed by `place_of`.
    pub(super) fn new(of: Ranked, parts: Vec<Vec<Row>>, names: Names, all: RankedRows) -> Ranking {
        let mut ranking = Ranking {
            of,
            parts,
            names,
            all,
            by_requests: Arc::default(),
            by_name: Arc::default(),
            orders: Mutex::default(),
        };
        let key = ranking.names.keys();
        let mut keyed: Vec<(u64, u32)> =
            (0..ranking.rows() as u32).map(|at| (key(ranking.at(at).id), at)).collect();
        drop(key);
        sort_by_key(&mut keyed);
        ranking.by_name = keyed.iter().map(|(_, at)| *at).collect();
        keyed.iter_mut().for_each(|(key, at)| *key = !ranking.at(*at).requests);
        sort_by_key(&mut keyed);
        ranking.by_requests = keyed.iter().map(|(_, at)| *at).collect();
        ranking
    }

    pub fn of(&self) -> Ranked {
        self.of
    }

    /// The number of rows that exist, and how many of them are here.
    pub fn all(&self) -> &RankedRows {
        &self.all
    }

    /// Whether no row is missing.
    pub fn is_complete(&self) -> bool {
        self.all.count.count == self.rows() as u64 && self.all.low_by_up_to == 0
    }

    /// The hits of the row with most of them.
    pub fn most_requests(&self) -> u64 {
        self.by_requests.first().map_or(0, |at| self.at(*at).requests)
    }

    fn rows(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    fn at(&self, at: u32) -> &Row {
        let (part, place) = place_of(at);
        &self.parts[part][place]
    }

    /// About how much memory it may use, including all orders that it keeps.
    pub fn bytes(&self) -> usize {
        // `by_requests` and `by_name` always exist.
        let orders = (2 + limits::LIST_ORDERS as usize) * size_of::<u32>();
        size_of::<Ranking>() + self.rows() * (size_of::<Row>() + orders) + self.names.bytes()
    }

    /// The indexes of a view's rows, for `row`. Computed once and kept for the next pages.
    pub fn order(&self, view: &View) -> Arc<[u32]> {
        if view.search.is_empty() && !view.ascending && view.sort == RankingSort::Requests {
            return self.by_requests.clone();
        }
        if view.search.is_empty() && view.ascending && view.sort == RankingSort::Name {
            return self.by_name.clone();
        }
        let lock = || self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut orders = lock();
            let known = orders.iter().position(|(other, _)| other == view);
            if let Some(entry) = known.and_then(|at| orders.remove(at)) {
                let order = entry.1.clone();
                orders.push_back(entry);
                return order;
            }
        }
        let order = self.make_order(view);
        let mut orders = lock();
        orders.push_back((view.clone(), order.clone()));
        while orders.len() as u64 > limits::LIST_ORDERS {
            orders.pop_front();
        }
        order
    }

    fn make_order(&self, view: &View) -> Arc<[u32]> {
        let passing = self.passing(&view.search);
        let passes = |at: &u32| passing.as_ref().is_none_or(|passing| passing[*at as usize]);
        match (view.sort, view.ascending) {
            (RankingSort::Name, true) => {
                return self.by_name.iter().copied().filter(passes).collect();
            }
            (RankingSort::Name, false) => {
                return self.by_name.iter().rev().copied().filter(passes).collect();
            }
            (RankingSort::Requests, false) => {
                return self.by_requests.iter().copied().filter(passes).collect();
            }
            _ => {}
        }
        // Reads rows in memory order for their keys, then arranges only the keys in the order that breaks ties.
        let keys: Vec<u64> = (0..self.rows() as u32)
            .map(|at| if passes(&at) { self.at(at).key(view) } else { 0 })
            .collect();
        let found = self.by_requests.iter().copied().filter(passes);
        let mut keyed: Vec<(u64, u32)> = found.map(|at| (keys[at as usize], at)).collect();
        drop(keys);
        sort_by_key(&mut keyed);
        keyed.into_iter().map(|(_, at)| at).collect()
    }

    /// Whether each row has all words. None without words.
    fn passing(&self, words: &SearchWords) -> Option<Vec<bool>> {
        if words.is_empty() {
            return None;
        }
        let mut matcher = words.matcher();
        let mut masks = |n: usize| {
            self.names.texts[n].iter().map(|text| matcher.mask(text)).collect::<Vec<_>>()
        };
        let (one, other) = (masks(0), masks(1));
        let mask = |RowId { first, second }: RowId| match self.of {
            Ranked::Endpoints => one[first as usize] | other[second as usize],
            // The kind, which tells users from addresses, is not shown.
            Ranked::Consumers if first == 1 => other[second as usize],
            Ranked::Consumers | Ranked::Statuses | Ranked::Value(_) => one[second as usize],
        };
        let rows = 0..self.rows() as u32;
        Some(rows.map(|at| words.are_all(mask(self.at(at).id))).collect())
    }

    pub(super) fn row_at(&self, at: u32) -> (RowName<'_>, &Row) {
        let row = self.at(at);
        (self.names.name(row.id), row)
    }
}

impl Row {
    /// The sort key, ascending.
    fn key(&self, view: &View) -> u64 {
        let turned = |key: u64| if view.ascending { key } else { !key };
        let duration = |bucket: u16| match bucket {
            NO_LATENCY => u64::MAX,
            bucket if view.ascending => u64::from(bucket),
            bucket => u64::from(NO_LATENCY - bucket),
        };
        match view.sort {
            RankingSort::Requests => turned(self.requests),
            // Non-negative floats and their bits have the same order.
            RankingSort::ErrorRate => {
                let errors = (self.client_errors + self.server_errors) as f64;
                turned((errors / self.requests.max(1) as f64).to_bits())
            }
            RankingSort::P50 => duration(self.p50),
            RankingSort::P95 => duration(self.p95),
            RankingSort::P99 => duration(self.p99),
            RankingSort::LastSeen => turned((self.last_us as u64) ^ (1 << 63)),
            // `make_order` sorts these by `by_name`.
            RankingSort::Name => 0,
        }
    }
}
