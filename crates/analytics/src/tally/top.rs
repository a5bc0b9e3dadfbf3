//! Selects and orders the consumers and endpoints of an answer.

use super::total::{Consumer, Endpoint};
use crate::latency::Histogram;

/// The rows of an answer: how many, in which order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Top {
    /// Whether the answer lists consumers by name. They are counted in any case.
    pub consumers: bool,
    pub rows: usize,
    /// The order of endpoints. Consumers are always chosen from those with most hits.
    pub sort: Sort,
}

/// The order of endpoints and consumers, descending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Requests,
    ErrorRate,
    P50,
    P95,
    P99,
    LastSeen,
}

/// Names of `Sort` in the API.
pub const SORTS: [(&str, Sort); 6] = [
    ("requests", Sort::Requests),
    ("error_rate", Sort::ErrorRate),
    ("p50_ms", Sort::P50),
    ("p95_ms", Sort::P95),
    ("p99_ms", Sort::P99),
    ("last_seen", Sort::LastSeen),
];

impl Sort {
    /// The sort key of a row. None if the row has no such value.
    pub fn value(
        self,
        requests: u64,
        errors: u64,
        last_us: i64,
        latency: &Histogram,
    ) -> Option<f64> {
        match self {
            Sort::Requests => Some(requests as f64),
            Sort::ErrorRate => (requests > 0).then(|| errors as f64 / requests as f64),
            Sort::P50 => latency.quantile_us(0.5),
            Sort::P95 => latency.quantile_us(0.95),
            Sort::P99 => latency.quantile_us(0.99),
            Sort::LastSeen => Some(last_us as f64),
        }
    }

    pub fn is_of_latency(self) -> bool {
        matches!(self, Sort::P50 | Sort::P95 | Sort::P99)
    }

    pub fn of_endpoint(self, sums: &Endpoint) -> Option<f64> {
        let errors = sums.client_errors + sums.server_errors;
        self.value(sums.requests, errors, sums.last_us, &sums.latency)
    }

    pub fn of_consumer(self, sums: &Consumer) -> Option<f64> {
        let errors = sums.client_errors + sums.server_errors;
        self.value(sums.requests, errors, sums.last_us, &sums.latency)
    }
}
