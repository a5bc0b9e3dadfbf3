//! The active file: rows are buffered in memory and appended in one transaction with their position.

use std::path::Path;
use std::sync::Arc;

use analytics::hit::ProjectId;
use duckdb::Connection;

use crate::disk::{io, path_text, sync};
use crate::duckdb::columns::{Rows, TextIds};
use crate::duckdb::engine::Engine;
use crate::duckdb::failure::failed;
use crate::duckdb::files::DataFile;
use crate::duckdb::sql;
use crate::duckdb::stats::FileStats;
use crate::inbox::FileRow;
use crate::record::BatchRecord;
use crate::types::{HitRow, StoreError};

pub struct Active {
    pub file: Arc<DataFile>,
    pub row: FileRow,
    /// The last record whose rows are committed.
    pub position: u64,
    connection: Connection,
    waiting: Rows,
    waiting_for: u64,
    text_ids: TextIds,
    stats: FileStats,
    rows: u64,
    /// Whether the copy is of the last checkpoint.
    metadata_copied: bool,
}

impl Active {
    /// A new, empty file for the records after `row.first_seq`.
    pub fn create(engine: &Arc<Engine>, folder: &Path, row: FileRow) -> Result<Active, StoreError> {
        let context = "creating an active file";
        let path = folder.join(row.name());
        // It gets its name once it is complete, so a start need not interpret half a file.
        let making = folder.join(format!("{}.creating", row.name()));
        for stale in [DataFile::wal(&making), making.clone()] {
            match std::fs::remove_file(&stale) {
                Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io(context)(problem));
                }
                _ => {}
            }
        }
        let alias = row.alias();
        let statements = [
            sql::file::attach_active(path_text(&making)?, &alias),
            sql::file::create(&alias),
            sql::file::first_progress(&alias, row.first_seq),
            sql::file::checkpoint(&alias),
            sql::file::detach(&alias),
        ];
        for statement in &statements {
            engine.writing.execute(statement).map_err(failed(context))?;
        }
        std::fs::rename(&making, &path).and_then(|()| sync(folder)).map_err(io(context))?;
        Active::open(engine, folder, row)
    }

    /// An existing file, including the content of its log.
    pub fn open(engine: &Arc<Engine>, folder: &Path, row: FileRow) -> Result<Active, StoreError> {
        let context = "opening the active file";
        let file = DataFile::attach(engine, folder, &row)?;
        let connection = engine.writing.connect()?;
        let position: i64 = connection
            .query_row(&sql::file::progress(&file.alias), [], |row| row.get(0))
            .map_err(failed(context))?;
        let seed = std::hash::RandomState::new();
        let random = |n: u8| std::hash::BuildHasher::hash_one(&seed, n);
        let mut text_ids = TextIds::new((random(0), random(1)));
        {
            let mut statement =
                connection.prepare(&sql::file::strings(file.tables())).map_err(failed(context))?;
            let mut found = statement.query([]).map_err(failed(context))?;
            while let Some(row) = found.next().map_err(failed(context))? {
                let text = row.get_ref(3).map_err(failed(context))?;
                let text =
                    text.as_str().map_err(|_| StoreError::Damaged("a text is none".into()))?;
                text_ids.learn(
                    row.get(0).map_err(failed(context))?,
                    row.get(1).map_err(failed(context))?,
                    row.get(2).map_err(failed(context))?,
                    text,
                );
            }
        }
        let stats = FileStats::clone(&file.stats.load());
        Ok(Active {
            rows: stats.values().map(|stats| stats.rows).sum(),
            position: position as u64,
            waiting_for: position as u64,
            waiting: Rows::default(),
            file,
            row,
            connection,
            text_ids,
            stats,
            metadata_copied: true,
        })
    }

    pub fn push(&mut self, node: u8, seq: u64, batch: &BatchRecord<'_>, skips: &[u32]) {
        self.waiting.push(node, seq, batch, skips, &mut self.text_ids, &mut self.stats);
        self.waiting_for = seq;
    }

    /// A hit that was stored elsewhere before; those of a project in the order of their ids.
    pub fn push_row(&mut self, project: ProjectId, hit: &HitRow) {
        self.waiting.push_row(project, hit, &mut self.text_ids, &mut self.stats);
    }

    /// This record adds no rows.
    pub fn pass(&mut self, seq: u64) {
        self.waiting_for = seq;
    }

    /// Makes the pushed rows visible and, with their position, part of the file (log included).
    pub fn commit(&mut self) -> Result<(), StoreError> {
        if self.waiting_for == self.position && self.waiting.len() == 0 {
            return Ok(());
        }
        let context = "appending hits";
        // While hits pour in, the next commit has about as many.
        let room = Rows::with_room_for(self.waiting.len());
        let rows = std::mem::replace(&mut self.waiting, room);
        self.rows += rows.len() as u64;
        let batches = rows
            .into_batches()
            .map_err(|source| StoreError::Engine { context, cause: Box::new(source) })?;
        self.connection.execute_batch("BEGIN").map_err(failed(context))?;
        for (table, batch) in batches {
            if batch.num_rows() == 0 {
                continue;
            }
            let mut appender = self
                .connection
                .appender_to_catalog_and_db(table, &self.file.alias, "main")
                .map_err(failed(context))?;
            appender.append_record_batch(batch).map_err(failed(context))?;
            // TRICKY: dropping an appender flushes too, but hides the error.
            appender.flush().map_err(failed(context))?;
        }
        self.connection
            .execute_batch(&sql::file::set_progress(&self.file.alias, self.waiting_for))
            .map_err(failed(context))?;
        self.connection.execute_batch("COMMIT").map_err(failed(context))?;
        self.position = self.waiting_for;
        self.file.stats.store(Arc::new(self.stats.clone()));
        Ok(())
    }

    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        // TRICKY: not if the copy is good. A checkpoint that failed may have left worse than what was copied.
        if !self.metadata_copied {
            self.file.copy_metadata()?;
            self.metadata_copied = true;
        }
        self.connection
            .execute_batch(&sql::file::checkpoint(&self.file.alias))
            .map_err(failed("checkpointing"))?;
        self.metadata_copied = false;
        self.file.copy_metadata()?;
        self.metadata_copied = true;
        Ok(())
    }

    /// Rows committed and waiting.
    pub fn rows(&self) -> u64 {
        self.rows + self.waiting.len() as u64
    }

    pub fn text_bytes(&self) -> usize {
        self.text_ids.bytes
    }

    pub fn holds(&self, project: ProjectId) -> bool {
        self.stats.contains_key(&project)
    }
}
