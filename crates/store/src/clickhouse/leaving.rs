//! Hits of a database on their way into data files (`move_hits.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics::query::ArrivalQuery;

use super::ClickHouse;
use super::node;
use super::projects::{ProjectHits, projects};
use crate::inbox::identity::FolderId;
use crate::types::{ClickHousePlace, HitRow, StoreError, StoreLimits};

pub struct Leaving {
    from: Arc<ClickHouse>,
}

impl Leaving {
    /// An error if other folders have hits there: their servers would go on inserting.
    pub async fn begin(
        place: &ClickHousePlace,
        limits: &StoreLimits,
        folder: &FolderId,
    ) -> Result<Leaving, StoreError> {
        let from = ClickHouse::new(place, limits);
        if let Some(node) = node::other(&from.engine, folder).await? {
            return Err(StoreError::UnusablePath(format!(
                "the database has hits of node {node}, which is another server's; files hold those of one server only"
            )));
        }
        Ok(Leaving { from: Arc::new(from) })
    }

    pub async fn projects(&self) -> Result<BTreeMap<u32, ProjectHits>, StoreError> {
        projects(&self.from.engine).await
    }

    pub async fn page(&self, query: ArrivalQuery) -> Result<Vec<HitRow>, StoreError> {
        Ok(self.from.part_of_arrivals(query, usize::MAX).await?.hits)
    }

    /// To ask it.
    pub fn store(&self) -> Arc<ClickHouse> {
        self.from.clone()
    }
}
