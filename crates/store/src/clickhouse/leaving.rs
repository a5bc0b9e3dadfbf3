//! Hits of a database on their way into data files (`move_hits.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics::query::ArrivalQuery;
use clickhouse::Row;
use serde::Deserialize;

use super::ClickHouse;
use super::node;
use super::sql::node as sql;
use super::sql::params::Params;
use crate::inbox::identity::FolderId;
use crate::types::{ClickHousePlace, HitRow, StoreError, StoreLimits};

pub struct Leaving {
    from: Arc<ClickHouse>,
}

#[derive(Row, Deserialize)]
struct Count {
    project: u32,
    hits: u64,
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

    /// Hits by project.
    pub async fn projects(&self) -> Result<BTreeMap<u32, u64>, StoreError> {
        let (engine, none) = (&self.from.engine, Params::default());
        let counts = engine.ask::<Count>("counting hits", sql::COUNT_BY_PROJECT, &none).await?;
        Ok(counts.into_iter().map(|count| (count.project, count.hits)).collect())
    }

    pub async fn page(&self, query: ArrivalQuery) -> Result<Vec<HitRow>, StoreError> {
        Ok(self.from.part_of_arrivals(query, usize::MAX).await?.hits)
    }

    /// To ask it.
    pub fn store(&self) -> Arc<ClickHouse> {
        self.from.clone()
    }
}
