//! Changes of the inbox's data beside records: the manifest, trim marks, identities, arrivals.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use analytics::hit::ProjectId;
use sqlx::{Connection, Row};

use super::Sequencer;
use crate::disk::path_text;
use crate::inbox::command::Change;
use crate::inbox::manifest::{self, FileRow};
use crate::inbox::state::{self, put_state};
use crate::inbox::{INSERTING, dropped, failed, identity};
use crate::sql;
use crate::types::{Erasure, StoreError};

impl Sequencer {
    /// Like `change`; on failure reopens the file to see whether the change is on disk.
    pub(super) async fn change_safely(&mut self, change: Change) -> Result<(), StoreError> {
        let switch = change.as_switch();
        let changed = self.change(change).await;
        if changed.is_ok() {
            return changed;
        }
        // TRICKY: on a full disk SQLite rolls back by itself; the connection does not notice and would refuse to begin
        // again.
        self.start_over().await;
        // TRICKY: a commit that failed may be on disk. Applied twice, a switch would name a file and the files that it
        // was built from.
        match switch {
            Some((put, drop)) if self.is_switched(&put, &drop).await => Ok(()),
            _ => changed,
        }
    }

    pub async fn change(&mut self, change: Change) -> Result<(), StoreError> {
        let context = "changing the inbox";
        match change {
            Change::Trim { to } => {
                let mut tx =
                    self.db.begin_with("BEGIN IMMEDIATE").await.map_err(failed(context))?;
                sqlx::query(sql::inbox::TRIM_RECORDS)
                    .bind(to as i64)
                    .execute(&mut *tx)
                    .await
                    .map_err(failed(context))?;
                put_state(&mut tx, "trimmed_to", &to.to_le_bytes()).await?;
                tx.commit().await.map_err(failed(context))?;
                self.quotas.trim(to);
                self.gauges.bytes.store(self.quotas.total(), Ordering::Relaxed);
                self.save_arrivals().await
            }
            Change::Inserting { first, last } => {
                put_state(&mut self.db, INSERTING, &state::to_range(first, last)).await
            }
            Change::Switch { put, drop } => self.switch(&put, &drop).await,
            Change::Snapshot { to } => {
                self.save_arrivals().await?;
                let to = path_text(&to)?;
                sqlx::query(sql::inbox::SNAPSHOT)
                    .bind(to)
                    .execute(&mut self.db)
                    .await
                    .map_err(failed("copying the inbox"))?;
                Ok(())
            }
            Change::Dropped(lost) => dropped::add(&mut self.db, lost).await,
            Change::Reserve(project) => {
                identity::raise_highest_project(&mut self.db, project).await
            }
            Change::Given(project) => identity::raise_given_project(&mut self.db, project).await,
            Change::Started => {
                let Some(mut identity) = identity::read(&mut self.db).await? else {
                    return Err(StoreError::Damaged("the inbox has no folder id".into()));
                };
                identity.done = identity.begun;
                self.begin(&identity, ProjectId(0)).await
            }
            Change::Erased { seq, erasure } => {
                let mut tx =
                    self.db.begin_with("BEGIN IMMEDIATE").await.map_err(failed(context))?;
                sqlx::query(sql::inbox::DROP_ERASURE)
                    .bind(seq as i64)
                    .execute(&mut *tx)
                    .await
                    .map_err(failed(context))?;
                if let Erasure::Project(project) = erasure {
                    sqlx::query(sql::inbox::DROP_ARRIVAL)
                        .bind(i64::from(project.0))
                        .execute(&mut *tx)
                        .await
                        .map_err(failed(context))?;
                    self.fresh.remove(&project);
                    self.gauges
                        .arrivals
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .remove(&project);
                }
                tx.commit().await.map_err(failed(context))?;
                // The log still holds the bytes of trimmed records.
                let row = sqlx::query(sql::inbox::CHECKPOINT)
                    .fetch_one(&mut self.db)
                    .await
                    .map_err(failed(context))?;
                if row.get::<i64, _>(0) != 0 {
                    return Err(StoreError::LogInUse);
                }
                Ok(())
            }
        }
    }

    async fn switch(&mut self, put: &[FileRow], drop: &[u64]) -> Result<(), StoreError> {
        let context = "changing the manifest";
        let mut tx = self.db.begin_with("BEGIN IMMEDIATE").await.map_err(failed(context))?;
        for &id in drop {
            manifest::drop_file(&mut tx, id).await?;
        }
        for file in put {
            manifest::put(&mut tx, file).await?;
        }
        tx.commit().await.map_err(failed(context))
    }

    /// Whether the manifest has the files of `put` and not those of `drop`. False if it cannot be read.
    async fn is_switched(&mut self, put: &[FileRow], drop: &[u64]) -> bool {
        match manifest::read(&mut self.db).await {
            Ok(files) => {
                put.iter().all(|file| files.contains(file))
                    && !files.iter().any(|file| drop.contains(&file.id))
            }
            Err(problem) => {
                tracing::error!(%problem, "nobody knows whether a change of the manifest is on disk");
                false
            }
        }
    }

    pub(super) async fn save_arrivals(&mut self) -> Result<(), StoreError> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        let fresh: Vec<(ProjectId, i64)> = {
            let arrivals = self.gauges.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
            self.fresh
                .drain()
                .filter_map(|project| Some((project, *arrivals.get(&project)?)))
                .collect()
        };
        let context = "saving arrivals";
        let mut tx = self.db.begin_with("BEGIN IMMEDIATE").await.map_err(failed(context))?;
        for (project, arrival_us) in fresh {
            sqlx::query(sql::inbox::PUT_ARRIVAL)
                .bind(i64::from(project.0))
                .bind(arrival_us)
                .execute(&mut *tx)
                .await
                .map_err(failed(context))?;
        }
        tx.commit().await.map_err(failed(context))
    }
}
