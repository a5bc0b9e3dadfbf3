//! Hits of a data folder on their way into a database (`move_hits.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use analytics::hit::{HitId, ProjectId, TextKind};
use analytics::limits;
use analytics::period::Period;
use tokio::sync::Mutex;

use super::ClickHouse;
use super::erase::{delete_old_parts, erase};
use super::insert::Rows;
use super::node::{self, is_empty};
use super::projects::{ProjectHits, projects};
use super::sql::params::Params;
use super::sql::{erase as sql_erase, moving as sql, schema};
use crate::inbox::identity::FolderId;
use crate::types::{ClickHousePlace, Erasure, HitRow, StoreError, StoreLimits};

const CONTEXT: &str = "replacing hits that were moved before";

pub struct Arriving {
    to: Arc<ClickHouse>,
    folder: FolderId,
    /// Nodes whose numbers the folder has.
    nodes: Mutex<BTreeSet<u8>>,
}

/// Hits of a project in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub project: u32,
    pub period: Period,
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
        let to = Arc::new(ClickHouse::new(place, limits));
        if goes_on {
            // Hits that the folder lacks are taken away.
            if let Some(node) = node::other(&to.engine, folder).await? {
                return Err(StoreError::UnusablePath(format!(
                    "the database {} has hits of node {node}, which came from another data folder: name an empty one",
                    place.database
                )));
            }
        } else if !is_empty(&to.engine).await? {
            return Err(StoreError::UnusablePath(format!(
                "the database {} has hits already, and not of a move of this folder that has begun: name an empty one, or drop it",
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

    /// Stores these hits, which follow each other in the order of their ids, once: again in the same `turn` they are no
    /// more.
    pub async fn insert(
        &self,
        project: ProjectId,
        hits: &[HitRow],
        turn: u64,
    ) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (hits.first(), hits.last()) else { return Ok(()) };
        let token = format!("moved-{turn}-{}-{}-{}", project.0, first.hit_id, last.hit_id);
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

    pub async fn projects(&self) -> Result<BTreeMap<u32, ProjectHits>, StoreError> {
        projects(&self.to.engine).await
    }

    /// Deletes these hits. Repeat it after `StoreError::ErasureWaits`.
    pub async fn remove(&self, stretches: &[Stretch]) -> Result<(), StoreError> {
        for some in stretches.chunks(limits::REPLACED_STRETCHES as usize) {
            let conditions = some.iter().map(|part| sql::of_period(part.project, part.period));
            self.remove_where(&conditions.collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// Deletes a project's hits from one id to another, both included. Repeat it after `StoreError::ErasureWaits`.
    pub async fn remove_ids(&self, project: u32, ids: (i64, i64)) -> Result<(), StoreError> {
        self.remove_where(&[sql::of_ids(project, ids)]).await
    }

    async fn remove_where(&self, conditions: &[String]) -> Result<(), StoreError> {
        let (engine, none) = (&self.to.engine, Params::default());
        let left = sql_erase::count_copies(&conditions.join(" OR "), engine.layout());
        if engine.ask_number(CONTEXT, &left, &none).await? == 0 {
            return Ok(());
        }
        engine.run(CONTEXT, &sql::delete(conditions, engine.layout()), &none).await?;
        if engine.ask_number(CONTEXT, &left, &none).await? > 0 {
            return Err(StoreError::ErasureWaits);
        }
        delete_old_parts(engine).await
    }

    /// Erases what came before a record. Repeat it after `StoreError::ErasureWaits`.
    pub async fn erase(&self, erasure: &Erasure, node: u8, seq: u64) -> Result<u64, StoreError> {
        erase(&self.to.engine, erasure, node, HitId::new(node, seq, 0).0).await
    }

    /// Hands every user or address of a project to `take`.
    pub async fn each_text(
        &self,
        project: ProjectId,
        kind: TextKind,
        take: impl FnMut(String),
    ) -> Result<(), StoreError> {
        self.to.each_text(project, kind, take).await
    }

    /// To ask it.
    pub fn asked(&self) -> Arc<ClickHouse> {
        self.to.clone()
    }
}
