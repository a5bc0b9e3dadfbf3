//! A row of a list, and its position.

use super::ids::RowId;
use crate::tally::NO_LATENCY;

/// Shards of the rows, so that threads rarely wait for each other and a thread's working set fits the processor's cache.
pub(super) const PARTS: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Text numbers of `Names`.
    pub id: RowId,
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    /// Buckets of `latency`.
    pub p50: u16,
    pub p95: u16,
    pub p99: u16,
    pub country: u16,
}

/// The part of a row, and its index there.
pub(super) fn place_of(row: u32) -> (usize, usize) {
    (row as usize % PARTS, row as usize / PARTS)
}

impl Row {
    pub fn new(id: RowId) -> Row {
        Row {
            id,
            requests: 0,
            client_errors: 0,
            server_errors: 0,
            last_us: 0,
            p50: NO_LATENCY,
            p95: NO_LATENCY,
            p99: NO_LATENCY,
            country: 0,
        }
    }
}
