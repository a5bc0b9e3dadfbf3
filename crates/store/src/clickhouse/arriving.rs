//! Hits of a data folder on their way into a database (`move_hits.rs`).

use std::collections::BTreeSet;

use analytics::hit::{HitId, ProjectId};
use tokio::sync::Mutex;

use super::ClickHouse;
use super::insert::Rows;
use super::node::{self, is_empty};
use super::sql::schema;
use crate::inbox::identity::FolderId;
use crate::types::{ClickHousePlace, HitRow, StoreError, StoreLimits};

pub struct Arriving {
    to: ClickHouse,
    folder: FolderId,
    /// Nodes whose numbers the folder has.
    nodes: Mutex<BTreeSet<u8>>,
}

impl Arriving {
    /// Takes the node's number for this folder. `goes_on`: an earlier try has begun; else the database must have no hits.
    pub async fn begin(
        place: &ClickHousePlace,
        limits: &StoreLimits,
        node: u8,
        folder: &FolderId,
        goes_on: bool,
    ) -> Result<Arriving, StoreError> {
        let to = ClickHouse::new(place, limits);
        if !goes_on && !is_empty(&to.engine).await? {
            return Err(StoreError::UnusablePath(format!(
                "the database {} has hits already, perhaps of a move that was interrupted before the folder changed: name an empty one, or \
                 drop it",
                place.database
            )));
        }
        let arriving = Arriving { to, folder: *folder, nodes: Mutex::default() };
        arriving.take(node).await?;
        Ok(arriving)
    }

    /// Nobody else may give ids of this node.
    async fn take(&self, node: u8) -> Result<(), StoreError> {
        let mut nodes = self.nodes.lock().await;
        if !nodes.contains(&node) {
            node::take(&self.to.engine, node, &self.folder).await?;
            nodes.insert(node);
        }
        Ok(())
    }

    /// Stores these hits, which follow each other in the order of their ids, once: again they are no more.
    pub async fn insert(&self, project: ProjectId, hits: &[HitRow]) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (hits.first(), hits.last()) else { return Ok(()) };
        let token = format!("moved-{}-{}-{}", project.0, first.hit_id, last.hit_id);
        let nodes: BTreeSet<u8> = hits.iter().map(|hit| HitId(hit.hit_id).node()).collect();
        for node in nodes {
            self.take(node).await?;
        }
        let mut rows = Rows::new(HitId(first.hit_id).node());
        for hit in hits {
            rows.push_row(project, hit);
        }
        self.to.engine.insert(&schema::insert(), &token, rows.into_bytes()).await
    }

    /// To ask it.
    pub fn into_store(self) -> ClickHouse {
        self.to
    }
}
