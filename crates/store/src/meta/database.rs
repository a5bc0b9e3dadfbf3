//! The database of projects and settings: `meta.sqlite` in the data folder, or PostgreSQL. Both understand the
//! statements of this folder, with parameters as `$1`; their few differences are here and in `migrate`.

use std::path::Path;
use std::time::Duration;

use analytics::limits;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::{AnyConnection, AnyPool, Executor as _};

use super::error::MetaError;
use crate::disk::make_private;
use crate::types::PostgresUrl;

/// The file's name in the data folder, unless PostgreSQL is used.
pub const FILE: &str = "meta.sqlite";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

pub(super) struct Database {
    pub(super) pool: AnyPool,
    pub(super) engine: Engine,
}

/// Of the connection to SQLite. `secure_delete`: deleted rows are overwritten.
const SQLITE_SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON";

/// Of the path of a file in an address; the driver takes off what this puts in.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

impl Database {
    /// Opens or creates the file in `data`.
    pub(super) async fn open_file(data: &Path) -> Result<Database, MetaError> {
        let file = std::path::absolute(data.join(FILE)).map_err(sqlx::Error::Io)?;
        make_private(&file).map_err(sqlx::Error::Io)?;
        let path = file.to_str().ok_or_else(|| {
            sqlx::Error::Configuration("the path of the data folder is not UTF-8".into())
        })?;
        let path = utf8_percent_encode(path, IN_PATHS);
        // One connection: changes are rare and small, and reads are answered from memory.
        let pool = AnyPoolOptions::new().max_connections(1);
        Database::connect(
            pool,
            Engine::Sqlite,
            SQLITE_SETTINGS,
            &format!("sqlite://{path}?mode=rwc"),
        )
        .await
    }

    pub(super) async fn open_postgres(url: &PostgresUrl) -> Result<Database, MetaError> {
        let pool = AnyPoolOptions::new()
            .max_connections(limits::POSTGRES_CONNECTIONS as u32)
            .acquire_timeout(Duration::from_secs(limits::POSTGRES_CONNECT_SECONDS));
        Database::connect(pool, Engine::Postgres, &postgres_settings(), url.as_str()).await
    }

    async fn connect(
        pool: AnyPoolOptions,
        engine: Engine,
        settings: &str,
        url: &str,
    ) -> Result<Database, MetaError> {
        install_default_drivers();
        let settings = settings.to_owned();
        let pool = pool.after_connect(move |connection: &mut AnyConnection, _| {
            let set = sqlx::raw_sql(sqlx::AssertSqlSafe(settings.clone()));
            Box::pin(async move { connection.execute(set).await.map(drop) })
        });
        let options: AnyConnectOptions = url.parse()?;
        Ok(Database { pool: pool.connect_with(options).await?, engine })
    }

    /// Empties SQLite's log, so that deleted rows are in no file any more. PostgreSQL overwrites them in its own time.
    pub(super) async fn forget_deleted(&self) -> Result<(), MetaError> {
        if self.engine == Engine::Sqlite {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool).await?;
        }
        Ok(())
    }
}

/// A node that is cut off must not hold locks for long, so the server ends its sessions.
pub(super) fn postgres_settings() -> String {
    let wait_ms = limits::POSTGRES_WAIT_SECONDS * 1_000;
    format!(
        "SET application_name = 'api-analytics'; SET statement_timeout = {wait_ms}; SET lock_timeout = {wait_ms}; \
         SET idle_in_transaction_session_timeout = {wait_ms}; SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 2; \
         SET tcp_keepalives_count = 2; SET client_min_messages = warning"
    )
}
