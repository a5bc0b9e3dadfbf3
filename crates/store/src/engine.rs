//! DuckDB, one instance for all data files: opened shut (no network, no extensions, no files but ours), lent as
//! connections.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use analytics::limits;
use duckdb::{Config, Connection};

use crate::hand_out::Takers;
use crate::sql;
use crate::types::StoreError;

pub struct Engine {
    /// TRICKY: never used for work of its own, so that a clone can be had while every other connection is busy.
    origin: Mutex<Connection>,
    idle: Mutex<Vec<Connection>>,
    takers: Takers,
}

/// DuckDB's name for what went wrong, with what we were doing.
pub fn failed(context: &'static str) -> impl Fn(duckdb::Error) -> StoreError {
    move |source| StoreError::Engine { context, cause: Box::new(source) }
}

impl Engine {
    /// `folder`: where the data files are, the only place that the engine may touch. DuckDB's own threads take the name
    /// of the thread that starts them: whoever looks at the program is to see what the engine does.
    pub fn open(folder: &Path, memory: u64) -> Result<Engine, StoreError> {
        let folder = folder.to_path_buf();
        std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || Engine::start(&folder, memory))
            .map_err(|source| StoreError::Engine {
                context: "starting the engine",
                cause: Box::new(source),
            })?
            .join()
            .unwrap_or_else(|_| Err(StoreError::Damaged("the engine's start panicked".into())))
    }

    fn start(folder: &Path, memory: u64) -> Result<Engine, StoreError> {
        let context = "starting the engine";
        let config = Config::default()
            .with("memory_limit", format!("{}MiB", memory >> 20))
            .and_then(|config| config.with("autoload_known_extensions", "false"))
            .and_then(|config| config.with("autoinstall_known_extensions", "false"))
            .map_err(failed(context))?;
        let connection = Connection::open_in_memory_with_flags(config).map_err(failed(context))?;
        let folder = folder
            .to_str()
            .ok_or_else(|| StoreError::Damaged(format!("not a path: {}", folder.display())))?;
        connection.execute_batch(&sql::engine::lock_down(folder)).map_err(failed(context))?;
        let takers = Takers::default();
        takers.register(&connection)?;
        Ok(Engine { origin: Mutex::new(connection), idle: Mutex::default(), takers })
    }

    /// For handing out rows of its statements.
    pub fn takers(&self) -> &Takers {
        &self.takers
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

    /// For short statements that belong to no connection: attach, detach.
    pub fn execute(&self, sql: &str) -> Result<(), duckdb::Error> {
        self.origin.lock().unwrap_or_else(PoisonError::into_inner).execute_batch(sql)
    }
}
