//! A new inbox for recovered data files: their manifest, the remaining records of an old inbox, and the erasures to
//! apply again.

use std::path::Path;
use std::sync::Arc;

use analytics::hit::ProjectId;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection, Row};

use super::choose::missing;
use crate::duckdb::active::Active;
use crate::duckdb::engine::Engine;
use crate::inbox::{self, FileKind, FileRow, manifest};
use crate::record::{self, Record};
use crate::sql;
use crate::types::{Erasure, StoreError, StoreOptions};

pub struct NewInbox {
    db: SqliteConnection,
    has_old: bool,
}

/// A stretch of records: after the first up to the second seq.
pub type Stretch = (u64, u64);

impl NewInbox {
    /// `old`: none unless there is one that is readable and matches these files. Reports which parts of it could not be
    /// read.
    pub async fn create(
        path: &Path,
        old: Option<&Path>,
    ) -> Result<(NewInbox, Vec<String>), StoreError> {
        let context = "making an inbox";
        let mut db = inbox::connect_options(path)
            .create_if_missing(true)
            .connect()
            .await
            .map_err(inbox::failed(context))?;
        sqlx::raw_sql(sql::inbox::CREATE).execute(&mut db).await.map_err(inbox::failed(context))?;
        let mut unread = Vec::new();
        if let Some(old) = old {
            sqlx::query(sql::repair::ATTACH_OLD)
                .bind(old.to_string_lossy().into_owned())
                .execute(&mut db)
                .await
                .map_err(inbox::failed("opening the old inbox"))?;
            for (name, statement) in sql::repair::TAKE_OVER {
                if let Err(problem) = sqlx::raw_sql(statement).execute(&mut db).await {
                    unread.push(format!("{name} of the old inbox could not be read: {problem}"));
                }
            }
        }
        Ok((NewInbox { db, has_old: old.is_some() }, unread))
    }

    /// Sets the ledger's key, unless there is one already.
    pub async fn put_key(&mut self, key: [u8; 32]) -> Result<(), StoreError> {
        inbox::put_state(&mut self.db, "key", &key).await
    }

    pub async fn key(&mut self) -> Option<[u8; 32]> {
        inbox::ledger_key(&mut self.db).await.ok()
    }

    pub async fn highest_project(&mut self) -> Result<ProjectId, StoreError> {
        inbox::identity::highest_project(&mut self.db).await.map(ProjectId)
    }

    /// The projects with records here, and the deleted ones.
    pub async fn projects(&mut self) -> Result<(Vec<ProjectId>, Vec<ProjectId>), StoreError> {
        let mut found = [Vec::new(), Vec::new()];
        for (projects, statement) in found.iter_mut().zip([sql::inbox::ARRIVALS, sql::inbox::GONE])
        {
            let rows = sqlx::query(statement)
                .fetch_all(&mut self.db)
                .await
                .map_err(inbox::failed("reading projects"))?;
            projects.extend(rows.iter().map(|row| ProjectId(row.get::<i64, _>(0) as u32)));
        }
        let [arrived, gone] = found;
        Ok((arrived, gone))
    }

    /// Copies the records after `from`; returns the stretches that they cover.
    pub async fn take_records(&mut self, from: u64) -> Result<Vec<Stretch>, StoreError> {
        let context = "taking over records";
        if !self.has_old {
            return Ok(Vec::new());
        }
        sqlx::query(sql::repair::TAKE_RECORDS)
            .bind(from as i64)
            .execute(&mut self.db)
            .await
            .map_err(inbox::failed(context))?;
        let rows = sqlx::query(sql::repair::RECORD_STRETCHES)
            .fetch_all(&mut self.db)
            .await
            .map_err(inbox::failed(context))?;
        let seq = |row: &sqlx::sqlite::SqliteRow, at: usize| row.get::<i64, _>(at) as u64;
        Ok(rows.iter().map(|row| (seq(row, 0).saturating_sub(1), seq(row, 1))).collect())
    }

    /// Writes the old inbox's records up to `from` that no data file has into new files, one per stretch, with ids from
    /// `next_id` on. Returns their rows of the manifest.
    pub async fn rescue_records(
        &mut self,
        options: &StoreOptions,
        held: &[Stretch],
        from: u64,
        mut next_id: u64,
    ) -> Result<Vec<FileRow>, StoreError> {
        let context = "reading records of the old inbox";
        if !self.has_old {
            return Ok(Vec::new());
        }
        let groups = sqlx::query(sql::repair::OLD_RECORDS)
            .bind(from as i64)
            .fetch_all(&mut self.db)
            .await
            .map_err(inbox::failed(context))?;
        let gaps = missing(held.to_vec(), from);
        let folder = options.data.join("hits");
        let mut rows = Vec::new();
        let mut engine: Option<Arc<Engine>> = None;
        for (first, last) in gaps {
            let mut file: Option<Active> = None;
            for group in &groups {
                let group_first = group.get::<i64, _>(0) as u64;
                if group_first > last || (group.get::<i64, _>(1) as u64) < first {
                    continue;
                }
                let bytes: Vec<u8> = group.get(2);
                let records = inbox::split_framed(&bytes).unwrap_or_default();
                for (n, (bytes, skips)) in records.into_iter().enumerate() {
                    let seq = group_first + n as u64;
                    let Ok(Record::Batch(batch)) = record::decode(bytes) else { continue };
                    if seq < first || seq > last {
                        continue;
                    }
                    if file.is_none() {
                        let engine = match &engine {
                            Some(engine) => engine.clone(),
                            None => {
                                let opened =
                                    Arc::new(Engine::open(&folder, &options.limits.duckdb)?);
                                engine.insert(opened).clone()
                            }
                        };
                        let row = FileRow::active(next_id, seq - 1);
                        file = Some(Active::create(&engine, &folder, row)?);
                        next_id += 1;
                    }
                    if let Some(file) = &mut file {
                        file.push(options.node, seq, &batch, &skips);
                    }
                }
            }
            if let Some(mut file) = file {
                file.commit()?;
                file.checkpoint()?;
                rows.push(FileRow {
                    kind: FileKind::Frozen,
                    last_seq: file.position,
                    rows: file.rows(),
                    ..file.row.clone()
                });
            }
        }
        Ok(rows)
    }

    pub async fn put_file(&mut self, row: &FileRow) -> Result<(), StoreError> {
        manifest::put(&mut self.db, row).await
    }

    /// Applied at the next opening, to hits that came before its seq.
    pub async fn put_erasure(&mut self, seq: u64, erasure: &Erasure) -> Result<(), StoreError> {
        let context = "writing down an erasure";
        sqlx::query(sql::inbox::ADD_ERASURE)
            .bind(seq as i64)
            .bind(record::encode_erasure(erasure))
            .execute(&mut self.db)
            .await
            .map(drop)
            .map_err(inbox::failed(context))
    }

    pub async fn erasure_seqs(&mut self) -> Result<Vec<u64>, StoreError> {
        let rows = sqlx::query(sql::inbox::ERASURES)
            .fetch_all(&mut self.db)
            .await
            .map_err(inbox::failed("reading erasures"))?;
        Ok(rows.iter().map(|row| row.get::<i64, _>(0) as u64).collect())
    }

    pub async fn put_gone(&mut self, project: ProjectId) -> Result<(), StoreError> {
        sqlx::query(sql::inbox::ADD_GONE)
            .bind(i64::from(project.0))
            .execute(&mut self.db)
            .await
            .map(drop)
            .map_err(inbox::failed("writing down a deleted project"))
    }

    /// Records up to `from` are in the files; new seqs come after `above`.
    pub async fn close(mut self, from: u64, above: u64) -> Result<(), StoreError> {
        inbox::put_state(&mut self.db, "trimmed_to", &from.to_le_bytes()).await?;
        inbox::put_state(&mut self.db, "count_from", &above.to_le_bytes()).await?;
        if self.has_old {
            sqlx::query(sql::repair::DETACH_OLD)
                .execute(&mut self.db)
                .await
                .map_err(inbox::failed("closing the old inbox"))?;
        }
        self.db.close().await.map_err(inbox::failed("closing the new inbox"))
    }
}
