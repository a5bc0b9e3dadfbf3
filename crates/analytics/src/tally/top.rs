//! Which of the many consumers and endpoints an answer shows, and in which order.

use super::total::{Consumer, Endpoint};
use crate::latency::Histogram;

/// Which of the many consumers and endpoints an answer has rows of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Top {
    /// Whether consumers are wanted at all, with their names: they are counted in any case.
    pub consumers: bool,
    pub rows: usize,
    /// What endpoints are ordered by. Consumers are those with most hits, whatever they are ordered by.
    pub sort: Sort,
}

/// By what the rows of endpoints and consumers are ordered, descending.
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

/// The names of `Sort`, as a call writes them.
pub const SORTS: [(&str, Sort); 6] = [
    ("requests", Sort::Requests),
    ("error_rate", Sort::ErrorRate),
    ("p50_ms", Sort::P50),
    ("p95_ms", Sort::P95),
    ("p99_ms", Sort::P99),
    ("last_seen", Sort::LastSeen),
];

impl Sort {
    /// What a row is ordered by; none where it has no such value.
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
