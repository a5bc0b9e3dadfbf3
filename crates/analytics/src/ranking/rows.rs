//! A finished list: compact rows, their names in one text, and the latest orders.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

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

/// A row's name: "METHOD", "ROUTE" of an endpoint, "u" or "a" and the text of a consumer, else "" and the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowName<'a> {
    pub first: &'a str,
    pub second: &'a str,
}

/// Every row of a breakdown, the one with most hits first; of equal ones in order of their names.
#[derive(Debug)]
pub struct Ranking {
    of: Ranked,
    rows: Vec<Row>,
    names: String,
    all: RankedRows,
    /// The most recently used last.
    orders: Mutex<VecDeque<(View, Arc<[u32]>)>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    /// Offsets in `names`: the start of the name, the start of its second part, and its end.
    pub name_at: u32,
    pub middle: u32,
    pub end: u32,
    /// The index among all rows ordered by name.
    pub name_rank: u32,
    /// Buckets of `latency`.
    pub p50: u16,
    pub p95: u16,
    pub p99: u16,
    pub country: u16,
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
    pub(super) fn new(of: Ranked, rows: Vec<Row>, names: String, all: RankedRows) -> Ranking {
        Ranking { of, rows, names, all, orders: Mutex::default() }
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
        self.all.count.count == self.rows.len() as u64 && self.all.low_by_up_to == 0
    }

    /// The hits of the row with most of them.
    pub fn most_requests(&self) -> u64 {
        self.rows.first().map_or(0, |row| row.requests)
    }

    /// About how much memory it may use, including all orders that it keeps.
    pub fn bytes(&self) -> usize {
        let orders = limits::LIST_ORDERS as usize * self.rows.len() * size_of::<u32>();
        size_of::<Ranking>() + self.rows.len() * size_of::<Row>() + self.names.len() + orders
    }

    /// The indexes of a view's rows, for `row`. Computed once and kept for the next pages.
    pub fn order(&self, view: &View) -> Arc<[u32]> {
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
        let mut matcher = view.search.matcher();
        let all = (0..).zip(&self.rows);
        let found =
            all.filter(|(_, row)| view.search.is_empty() || matcher.matches(self.searched(row)));
        if view.sort == RankingSort::Requests && !view.ascending {
            return found.map(|(at, _)| at).collect();
        }
        // Rows are stored in the order that breaks ties.
        let mut keyed: Vec<(Option<u64>, u32)> =
            found.map(|(at, row)| (row.key(view.sort), at)).collect();
        keyed.sort_unstable_by(|(one, one_at), (other, other_at)| {
            let by_key = match (one, other) {
                (Some(one), Some(other)) if view.ascending => one.cmp(other),
                (Some(one), Some(other)) => other.cmp(one),
                (one, other) => other.is_some().cmp(&one.is_some()),
            };
            by_key.then(one_at.cmp(other_at))
        });
        keyed.into_iter().map(|(_, at)| at).collect()
    }

    /// The searched texts of a row: the visible parts of its name.
    fn searched(&self, row: &Row) -> [&str; 2] {
        let RowName { first, second } = self.name_of(row);
        // The kind, which tells users from addresses, is not shown.
        [if self.of == Ranked::Consumers { "" } else { first }, second]
    }

    fn name_of(&self, row: &Row) -> RowName<'_> {
        let (start, middle, end) = (row.name_at as usize, row.middle as usize, row.end as usize);
        RowName { first: &self.names[middle..end], second: &self.names[start..middle] }
    }

    pub(super) fn row_at(&self, at: u32) -> (RowName<'_>, &Row) {
        let row = &self.rows[at as usize];
        (self.name_of(row), row)
    }
}

impl Row {
    /// Greater keys are greater values; None if the row has no such value.
    fn key(&self, sort: RankingSort) -> Option<u64> {
        let duration = |bucket: u16| (bucket != NO_LATENCY).then_some(u64::from(bucket));
        match sort {
            RankingSort::Requests => Some(self.requests),
            // Non-negative floats and their bits have the same order.
            RankingSort::ErrorRate => {
                let errors = (self.client_errors + self.server_errors) as f64;
                Some((errors / self.requests.max(1) as f64).to_bits())
            }
            RankingSort::P50 => duration(self.p50),
            RankingSort::P95 => duration(self.p95),
            RankingSort::P99 => duration(self.p99),
            RankingSort::LastSeen => Some((self.last_us as u64) ^ (1 << 63)),
            RankingSort::Name => Some(u64::from(self.name_rank)),
        }
    }
}
