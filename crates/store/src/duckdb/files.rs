//! The current data files, and a reader's hold on them.
//!
//! A reader takes a snapshot of all files at once (`Snapshot`) and keeps it while it reads; a file that has left the
//! current snapshot is detached and unlinked when the last snapshot with it is dropped.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::{ProjectId, TextKind};
use arc_swap::ArcSwap;
use duckdb::Connection;

use crate::disk::path_text;
use crate::duckdb::engine::{Engine, Instance};
use crate::duckdb::failure::failed;
use crate::duckdb::metadata_copy;
use crate::duckdb::sql;
use crate::duckdb::sql::file::Tables;
use crate::duckdb::stats::{FileStats, ProjectStats};
use crate::inbox::{FileKind, FileRow};
use crate::types::{DuckDbStats, StoreError};

/// An attached file.
pub struct DataFile {
    pub alias: String,
    pub path: PathBuf,
    kind: FileKind,
    /// At most the current format.
    pub format: u32,
    engine: Arc<Engine>,
    /// They grow for the active file and are constant for the others.
    pub stats: ArcSwap<FileStats>,
    /// The ids of a sealed file's texts by project and kind, as far as they were asked for: it never changes, and to find
    /// them takes a scan.
    id_ranges: Mutex<HashMap<(u32, TextKind), Range<u32>>>,
    /// Set when the file is to be unlinked; dropped once it is.
    retired: Mutex<Option<Sender<()>>>,
}

#[derive(Clone)]
pub struct Entry {
    pub file: Arc<DataFile>,
    pub row: FileRow,
}

/// In order of arrival; the active file is the last.
#[derive(Clone, Default)]
pub struct Snapshot {
    pub entries: Vec<Entry>,
}

#[derive(Default)]
pub struct Files {
    current: ArcSwap<Snapshot>,
    /// Held over a change of the manifest and the snapshot, so that they agree.
    changing: Mutex<()>,
}

impl DataFile {
    pub fn attach(
        engine: &Arc<Engine>,
        folder: &Path,
        row: &FileRow,
    ) -> Result<Arc<DataFile>, StoreError> {
        let (path, alias) = (folder.join(row.name()), row.alias());
        let text = path_text(&path)?;
        if row.kind != FileKind::Sealed {
            metadata_copy::put_back(&path)?;
        }
        let statement = match row.kind {
            FileKind::Sealed => sql::file::attach(text, &alias),
            _ => sql::file::attach_active(text, &alias),
        };
        instance_of(engine, row.kind)
            .execute(&statement)
            .map_err(failed("attaching a data file"))?;
        let mut file = DataFile {
            alias,
            path,
            kind: row.kind,
            format: 0,
            engine: engine.clone(),
            stats: ArcSwap::default(),
            id_ranges: Mutex::default(),
            retired: Mutex::new(None),
        };
        file.format = file.check_format()?;
        if row.kind == FileKind::Active {
            file.copy_metadata()?;
            file.upgrade()?;
        }
        file.load_stats(row.kind)?;
        Ok(Arc::new(file))
    }

    /// The instance that has this file: a frozen file stays in the one that wrote it.
    pub fn instance(&self) -> &Instance {
        instance_of(&self.engine, self.kind)
    }

    pub fn is_sealed(&self) -> bool {
        self.kind == FileKind::Sealed
    }

    pub fn tables(&self) -> Tables<'_> {
        Tables { file: &self.alias, format: self.format }
    }

    /// From the least id of a text of this kind to after the greatest, if it is known.
    pub fn id_range(&self, project: u32, kind: TextKind) -> Option<Range<u32>> {
        let known = self.id_ranges.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(project, kind)).cloned()
    }

    pub fn know_id_range(&self, project: u32, kind: TextKind, ids: Range<u32>) {
        if self.is_sealed() {
            let mut known = self.id_ranges.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert((project, kind), ids);
        }
    }

    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    fn check_format(&self) -> Result<u32, StoreError> {
        let connection = self.instance().connect()?;
        let found = read_format(&connection, &self.alias, &self.path);
        self.instance().give_back(connection);
        found
    }

    /// To be called after each checkpoint, so that none begins without it.
    pub fn copy_metadata(&self) -> Result<(), StoreError> {
        let connection = self.instance().connect()?;
        metadata_copy::save(&connection, &self.alias, &self.path)?;
        self.instance().give_back(connection);
        Ok(())
    }

    /// Hits of the current format are about to be appended.
    fn upgrade(&mut self) -> Result<(), StoreError> {
        if self.format == sql::file::FORMAT {
            return Ok(());
        }
        let (context, found) = ("bringing the active file up to date", self.format);
        let connection = self.instance().connect()?;
        for statement in sql::file::upgrade_active(&self.alias, found) {
            connection.execute_batch(&statement).map_err(failed(context))?;
        }
        self.instance().give_back(connection);
        self.copy_metadata()?;
        self.format = sql::file::FORMAT;
        tracing::info!(file = %self.path.display(), found, written = self.format, "the active file is in the newest format now");
        Ok(())
    }

    fn load_stats(&self, kind: FileKind) -> Result<(), StoreError> {
        let context = "counting a data file";
        let text = match kind {
            FileKind::Sealed => sql::file::projects(&self.alias),
            _ => sql::file::count_projects(&self.alias),
        };
        let connection = self.instance().connect()?;
        let mut stats = FileStats::new();
        {
            let mut statement = connection.prepare(&text).map_err(failed(context))?;
            let mut rows = statement.query([]).map_err(failed(context))?;
            while let Some(row) = rows.next().map_err(failed(context))? {
                let number = |at: usize| row.get::<_, i64>(at).map_err(failed(context));
                let of_project = ProjectStats {
                    rows: number(1)? as u64,
                    min_time_us: number(2)?,
                    max_time_us: number(3)?,
                    min_hit_id: number(4)?,
                    max_hit_id: number(5)?,
                    consumers_listed: false,
                };
                stats.insert(ProjectId(number(0)? as u32), of_project);
            }
        }
        if kind == FileKind::Sealed && self.format >= sql::file::CONSUMERS_LISTED {
            let text = sql::file::projects_with_listed_consumers(&self.alias);
            let mut statement = connection.prepare(&text).map_err(failed(context))?;
            let mut rows = statement.query([]).map_err(failed(context))?;
            while let Some(row) = rows.next().map_err(failed(context))? {
                let project = ProjectId(row.get(0).map_err(failed(context))?);
                if let Some(of_project) = stats.get_mut(&project) {
                    of_project.consumers_listed = true;
                }
            }
        }
        self.instance().give_back(connection);
        self.stats.store(Arc::new(stats));
        Ok(())
    }

    /// Unlinks the file once nobody reads it any more; then the sender is dropped.
    pub fn retire(&self, done: Sender<()>) {
        *self.retired.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
    }

    pub fn wal(path: &Path) -> PathBuf {
        let mut wal = path.as_os_str().to_owned();
        wal.push(".wal");
        wal.into()
    }

    /// The file and what may be beside it, in the order in which they are removed.
    pub fn parts(path: &Path) -> [PathBuf; 3] {
        [DataFile::wal(path), metadata_copy::path_of(path), path.to_path_buf()]
    }
}

/// The format of the file at `path`, which is attached as `alias`; `StoreError::Newer` if this program doesn't know it.
pub fn read_format(connection: &Connection, alias: &str, path: &Path) -> Result<u32, StoreError> {
    let found = format_of(connection, alias)?;
    if found > sql::file::FORMAT {
        return Err(StoreError::Newer(format!(
            "{} has format {found}, and this program knows {}",
            path.display(),
            sql::file::FORMAT
        )));
    }
    Ok(found)
}

/// The format of a file that the engine has under this name.
pub fn format_of(connection: &Connection, alias: &str) -> Result<u32, StoreError> {
    connection
        .query_row(&sql::file::format(alias), [], |row| row.get(0))
        .map_err(failed("reading a data file's format"))
}

fn instance_of(engine: &Engine, kind: FileKind) -> &Instance {
    match kind {
        FileKind::Sealed => &engine.reading,
        FileKind::Active | FileKind::Frozen => &engine.writing,
    }
}

impl Drop for DataFile {
    fn drop(&mut self) {
        if let Err(problem) = self.instance().execute(&sql::file::detach(&self.alias)) {
            tracing::warn!(%problem, file = %self.path.display(), "a data file could not be detached");
        }
        if self.retired.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            for path in DataFile::parts(&self.path) {
                match std::fs::remove_file(&path) {
                    Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
                        tracing::error!(%problem, file = %path.display(), "a data file could not be removed");
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Snapshot {
    pub fn stats(&self) -> DuckDbStats {
        let mut stats = DuckDbStats::default();
        for entry in &self.entries {
            if entry.row.kind == FileKind::Sealed {
                stats.sealed_files += 1;
                stats.sealed_rows += entry.row.rows;
                stats.sealed_bytes += entry.row.bytes;
            } else {
                let projects = entry.file.stats.load();
                stats.frozen_files += u64::from(entry.row.kind == FileKind::Frozen);
                stats.active_rows += projects.values().map(|project| project.rows).sum::<u64>();
            }
        }
        stats
    }

    /// TRICKY: files that hits were moved into from ClickHouse are all of the same records. They were filled by project, in
    /// order of arrival, and their ids say nothing once one is rewritten.
    fn sort(&mut self) {
        let first_hit = |entry: &Entry| {
            let stats = entry.file.stats.load();
            stats.iter().map(|(project, stats)| (project.0, stats.min_hit_id)).min()
        };
        self.entries
            .sort_by_cached_key(|entry| (entry.row.first_seq, first_hit(entry), entry.row.id));
    }

    /// For async threads: dropping the last snapshot detaches and unlinks files, which may take long.
    pub fn let_go(self: Arc<Self>) {
        let Some(last) = Arc::into_inner(self) else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(last))),
            Err(_) => drop(last),
        }
    }
}

impl Files {
    pub fn now(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    pub fn set(&self, mut snapshot: Snapshot) {
        snapshot.sort();
        self.current.store(Arc::new(snapshot));
    }

    /// `manifest` writes the change to disk; the snapshot changes once that has succeeded. No other change happens
    /// meanwhile.
    pub fn change(
        &self,
        manifest: impl FnOnce() -> Result<(), StoreError>,
        picture: impl FnOnce(&mut Snapshot),
    ) -> Result<Arc<Snapshot>, StoreError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        manifest()?;
        let mut snapshot = Snapshot::clone(&self.current.load());
        picture(&mut snapshot);
        snapshot.sort();
        let snapshot = Arc::new(snapshot);
        self.current.store(snapshot.clone());
        Ok(snapshot)
    }
}
