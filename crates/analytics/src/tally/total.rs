//! The sums of all files, from which answers are made.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Count, DistinctCount, Needs};
use crate::grid::Grid;
use crate::hit::{Country, TextKind};
use crate::latency::Histogram;

/// The breakdowns of hits whose keys are not numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    Country,
    Text(TextKind),
    /// Read from the user agent.
    Client,
    Os,
    Device,
    /// Read from the path.
    Version,
}

impl Dimension {
    /// The sums that it needs.
    pub const fn needs(self) -> Needs {
        match self {
            Dimension::Country => Needs::COUNTRIES,
            Dimension::Text(kind) => Needs::text(kind),
            Dimension::Client | Dimension::Os | Dimension::Device => Needs::text(TextKind::Agent),
            Dimension::Version => Needs::text(TextKind::Path),
        }
    }
}

/// The rows with most hits, in no order.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    pub rows: Vec<T>,
    /// The number of distinct rows, including those not listed.
    pub count: DistinctCount,
    /// The most hits that a missing row can have.
    pub missing_up_to: u64,
    /// The most hits that a row can lack.
    pub low_by_up_to: u64,
}

impl<T> Default for Listing<T> {
    fn default() -> Listing<T> {
        Listing {
            rows: Vec::new(),
            count: DistinctCount::default(),
            missing_up_to: 0,
            low_by_up_to: 0,
        }
    }
}

/// A value and its hits.
pub type Breakdown = Listing<(Arc<str>, Count)>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consumer {
    /// Either this or `address` is "".
    pub user: String,
    pub address: String,
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    pub country: Country,
    /// The time of the newest hit with that country.
    pub country_us: i64,
    pub latency: Histogram,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    pub method: Arc<str>,
    pub route: Arc<str>,
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    pub latency: Histogram,
    pub request_bytes: u64,
    pub response_bytes: u64,
}

/// The sums over all files.
#[derive(Clone, Debug)]
pub struct Total {
    pub grid: Grid,
    pub statuses: BTreeMap<u16, u64>,
    /// By bucket and class: 1xx to 5xx.
    pub classes: Vec<[u64; 5]>,
    /// By day of the week (Monday first) and hour.
    pub hours: Vec<u64>,
    pub endpoints: Listing<Endpoint>,
    pub latency: Histogram,
    pub duration_us: u128,
    pub latency_series: Vec<Histogram>,
    /// Rows only if the query asks for them.
    pub consumers: Listing<Consumer>,
    pub consumer_series: Vec<DistinctCount>,
    /// By bucket: bytes of requests, bytes of answers.
    pub traffic: Vec<(u64, u64)>,
    /// Hits that carry a size.
    pub sized: u64,
    pub values: HashMap<Dimension, Breakdown>,
}

impl Total {
    pub fn new(grid: Grid) -> Total {
        let buckets = grid.buckets();
        Total {
            grid,
            statuses: BTreeMap::new(),
            classes: vec![[0; 5]; buckets],
            hours: vec![0; 7 * 24],
            endpoints: Listing::default(),
            latency: Histogram::default(),
            duration_us: 0,
            latency_series: vec![Histogram::default(); buckets],
            consumers: Listing::default(),
            consumer_series: vec![DistinctCount::default(); buckets],
            traffic: vec![(0, 0); buckets],
            sized: 0,
            values: HashMap::new(),
        }
    }

    pub fn requests(&self) -> u64 {
        self.statuses.values().sum()
    }
}
