//! Pages of the hits of some records.

use analytics::hit::HitId;
use analytics::query::ArrivalQuery;

use super::page_of;
use crate::types::{HitRow, StoreError};

/// A project's hits of some records.
pub struct Reach<F> {
    /// Reads hits.
    pub read: F,
    pub project: u32,
    /// Only of records after this one, up to the other.
    pub after: u64,
    pub up_to: u64,
}

impl<F: AsyncFn(ArrivalQuery) -> Result<Vec<HitRow>, StoreError>> Reach<F> {
    /// The next hits after a hit, all of one node: no other hit of the project lies between the first and the last.
    pub async fn page(&self, mut position: Option<i64>) -> Result<Vec<HitRow>, StoreError> {
        loop {
            if self.after > 0 {
                position = position.max(Some(before(0, self.after + 1)));
            }
            let mut page = (self.read)(page_of(self.project, position)).await?;
            let Some(first) = page.first().map(|hit| HitId(hit.hit_id)) else { return Ok(page) };
            if first.seq() > self.after && first.seq() <= self.up_to {
                page.retain(|hit| {
                    let id = HitId(hit.hit_id);
                    id.node() == first.node() && id.seq() <= self.up_to
                });
                return Ok(page);
            }
            position = Some(match first.seq() <= self.after {
                true => before(first.node(), self.after + 1),
                false => HitId::last_of(first.node()).0,
            });
        }
    }
}

/// Every hit of the record comes after it.
fn before(node: u8, seq: u64) -> i64 {
    HitId::new(node, seq, 0).0 - 1
}
