//! DuckDB, locked down (no network, no extensions, no files but ours), with pools of connections.
//!
//! One instance holds the files that grow and does the writer's work, another one holds sealed files for readers, and
//! the builder has its own while it has work. Each has its own memory limit, so that a read or a build that needs too
//! much fails alone: the writer never waits for a reader's memory.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use analytics::limits;
use duckdb::{Config, Connection};

use crate::disk::{io, path_text};
use crate::duckdb::column_scan::ColumnScans;
use crate::duckdb::failure::{failed, is_fatal};
use crate::duckdb::functions;
use crate::duckdb::renumber::NewNumbers;
use crate::duckdb::sql;
use crate::types::{DuckDbLimits, StoreError};

/// The serving instances: one for writing, one for reading sealed files.
pub struct Engine {
    pub writing: Instance,
    pub reading: Instance,
    /// The reading instance refuses every statement from now on.
    reading_failed: AtomicBool,
}

/// One DuckDB with its memory.
pub struct Instance {
    /// TRICKY: never used for queries, so that it can be cloned while every other connection is busy.
    origin: Mutex<Connection>,
    idle: Mutex<Vec<Connection>>,
    scans: ColumnScans,
    new_numbers: NewNumbers,
}

#[derive(Clone, Copy, Default)]
struct Settings {
    /// None: as many as the machine has processors.
    threads: Option<i64>,
    /// A statement about the files that are written.
    of_files: Option<&'static str>,
}

/// Deletes spill files of a killed process: they may hold hits that are erased later. No instance may be open.
pub fn remove_spilled(folder: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(folder.join("tmp")) {
        Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
            Err(io("removing temporary files")(problem))
        }
        _ => Ok(()),
    }
}

impl Engine {
    /// `folder`: the folder of data files, the only one that the engine may touch.
    pub fn open(folder: &Path, limits: &DuckDbLimits) -> Result<Engine, StoreError> {
        Ok(Engine {
            writing: Instance::open_for_writing(folder, "writing", limits.engine_memory)?,
            reading: Instance::open(folder, "reading", limits.reader_memory)?,
            reading_failed: AtomicBool::new(false),
        })
    }

    /// Records an error of a read after which no other read can succeed.
    pub fn note_read_error(&self, error: &StoreError) {
        if is_fatal(error) {
            tracing::error!(%error, "the readers' engine failed");
            self.reading_failed.store(true, Ordering::Relaxed);
        }
    }

    pub fn reading_failed(&self) -> bool {
        self.reading_failed.load(Ordering::Relaxed)
    }
}

impl Instance {
    /// `name` names its spill folder; no two instances may share one.
    ///
    /// DuckDB's threads inherit the name of the thread that starts them: a list of threads shows them as `engine`.
    pub fn open(folder: &Path, name: &str, memory: u64) -> Result<Instance, StoreError> {
        Instance::open_with(folder, name, memory, Settings::default())
    }

    /// One for files that are sealed, and compressed then, soon after they were written.
    pub fn open_for_writing(
        folder: &Path,
        name: &str,
        memory: u64,
    ) -> Result<Instance, StoreError> {
        let of_files = Some(sql::engine::COMPRESS_LITTLE);
        Instance::open_with(folder, name, memory, Settings { of_files, ..Settings::default() })
    }

    /// One that works on its caller's thread alone. Where it has several, a caller whose statement is at its last,
    /// indivisible part asks for more without a pause: 1.0 of 8.3 us of processor time that a hit took.
    pub fn open_alone(folder: &Path, name: &str, memory: u64) -> Result<Instance, StoreError> {
        let threads = Some(1);
        Instance::open_with(folder, name, memory, Settings { threads, ..Settings::default() })
    }

    fn open_with(
        folder: &Path,
        name: &str,
        memory: u64,
        settings: Settings,
    ) -> Result<Instance, StoreError> {
        let spill = folder.join("tmp").join(name);
        let folder = folder.to_path_buf();
        std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || Instance::start(&folder, spill, memory, settings))
            .map_err(io("starting the engine"))?
            .join()
            .unwrap_or_else(|_| Err(StoreError::Panicked("the engine's start")))
    }

    fn start(
        folder: &Path,
        spill: PathBuf,
        memory: u64,
        settings: Settings,
    ) -> Result<Instance, StoreError> {
        let context = "starting the engine";
        // The engine creates only the last folder of the path.
        std::fs::create_dir_all(folder.join("tmp")).map_err(io(context))?;
        let config = Config::default()
            .with("memory_limit", format!("{}MiB", memory >> 20))
            .and_then(|config| config.with("autoload_known_extensions", "false"))
            .and_then(|config| config.with("autoinstall_known_extensions", "false"))
            .and_then(|config| match settings.threads {
                Some(threads) => config.threads(threads),
                None => Ok(config),
            })
            .map_err(failed(context))?;
        let connection = Connection::open_in_memory_with_flags(config).map_err(failed(context))?;
        let (inside, spill) = (path_text(folder)?, path_text(&spill)?);
        if let Some(statement) = settings.of_files {
            connection.execute_batch(statement).map_err(failed(context))?;
        }
        let lock_down = sql::engine::lock_down(inside, spill, limits::SPILL_BYTES);
        connection.execute_batch(&lock_down).map_err(failed(context))?;
        let scans = ColumnScans::default();
        scans.register(&connection)?;
        functions::register(&connection).map_err(failed(context))?;
        let new_numbers = NewNumbers::default();
        new_numbers.register(&connection).map_err(failed(context))?;
        Ok(Instance { origin: Mutex::new(connection), idle: Mutex::default(), scans, new_numbers })
    }

    /// Receives rows of its statements.
    pub fn scans(&self) -> &ColumnScans {
        &self.scans
    }

    /// Renumbers texts of files merged in it.
    pub fn new_numbers(&self) -> &NewNumbers {
        &self.new_numbers
    }

    pub fn connect(&self) -> Result<Connection, StoreError> {
        if let Some(idle) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(idle);
        }
        self.origin
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .try_clone()
            .map_err(failed("connecting to the engine"))
    }

    pub fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < limits::ENGINE_CONNECTIONS as usize && connection.is_autocommit() {
            idle.push(connection);
        }
    }

    /// For short statements without a connection of their own: attach, detach.
    pub fn execute(&self, sql: &str) -> Result<(), duckdb::Error> {
        self.origin.lock().unwrap_or_else(PoisonError::into_inner).execute_batch(sql)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_file_is_read_by_two_instances_and_a_reader_without_memory_fails_alone() {
        let folder = tempfile::tempdir().unwrap();
        let limits = DuckDbLimits {
            engine_memory: 512 << 20,
            reader_memory: 24 << 20,
            ..DuckDbLimits::default()
        };
        let engine = Engine::open(folder.path(), &limits).unwrap();
        let path = folder.path().join("sealed-00000001.duckdb");
        let path = path.to_str().unwrap();
        let making = Instance::open(folder.path(), "building", 256 << 20).unwrap();
        making.execute(&sql::file::attach_making(path, "f")).unwrap();
        making
            .execute("CREATE TABLE f.hits AS SELECT range AS n, md5(range::VARCHAR) AS text FROM range(1000000)")
            .unwrap();
        making.execute(&sql::file::detach("f")).unwrap();
        drop(making);
        for instance in [&engine.writing, &engine.reading] {
            instance.execute(&sql::file::attach(path, "f")).unwrap();
        }
        let hungry = "SELECT list(text || text ORDER BY text) FROM f.hits";
        let refused = engine.reading.execute(hungry).map_err(failed("reading"));
        assert!(matches!(refused, Err(StoreError::OutOfMemory("reading"))), "{refused:?}");
        engine.note_read_error(&refused.unwrap_err());
        assert!(!engine.reading_failed());
        for instance in [&engine.writing, &engine.reading] {
            let connection = instance.connect().unwrap();
            let rows: i64 = connection
                .query_row("SELECT count(text) FROM f.hits", [], |row| row.get(0))
                .unwrap();
            assert_eq!(rows, 1_000_000);
        }
        engine.writing.execute(hungry).unwrap();
    }

    #[test]
    fn a_file_that_grows_is_read_by_a_builder_while_it_is_attached_for_writing() {
        let folder = tempfile::tempdir().unwrap();
        let writing = Instance::open(folder.path(), "writing", 64 << 20).unwrap();
        let path = folder.path().join("active-00000001.duckdb");
        let path = path.to_str().unwrap();
        writing.execute(&sql::file::attach_active(path, "f")).unwrap();
        writing.execute("CREATE TABLE f.hits AS SELECT range AS n FROM range(1000)").unwrap();
        writing.execute(&sql::file::checkpoint("f")).unwrap();
        let building = Instance::open(folder.path(), "building", 64 << 20).unwrap();
        building.execute(&sql::file::attach(path, "f")).unwrap();
        let connection = building.connect().unwrap();
        let rows: i64 =
            connection.query_row("SELECT count(*) FROM f.hits", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1_000);
    }
}
