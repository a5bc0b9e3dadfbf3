//! A database of this server besides the hits: a SQLite file in the data folder, or PostgreSQL. Both understand the same
//! statements, with parameters as `$1`, numbers as `i64` and flags as 0 or 1; their few differences are here and in the
//! migrations.

pub(crate) mod bounded;
pub(crate) mod columns;
pub(crate) mod migrate;

use std::path::Path;
use std::time::Duration;

use analytics::limits;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, SqlSafeStr as _, SqlStr};

use crate::disk::make_private;
use crate::types::PostgresUrl;
use bounded::{Pool, bounded};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) pool: Pool,
    pub(crate) engine: Engine,
}

/// Of the path of a file in an address; the driver takes off what this puts in.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

impl Database {
    /// Opens or creates the file. `settings`: statements that begin the connection; SQLite has one writer.
    pub(crate) async fn open_file(
        file: &Path,
        settings: &'static str,
    ) -> Result<Database, sqlx::Error> {
        make_private(file).map_err(sqlx::Error::Io)?;
        let pool = with_settings(AnyPoolOptions::new().max_connections(1), settings.into_sql_str());
        let pool = pool.connect_with(file_options(file, "rwc")?).await?;
        Ok(Database { pool: Pool::new(pool, None), engine: Engine::Sqlite })
    }

    /// Further connections to an open file, which cannot change it.
    pub(crate) fn read_file(file: &Path, connections: u32) -> Result<Pool, sqlx::Error> {
        let pool = AnyPoolOptions::new().max_connections(connections).min_connections(0);
        Ok(Pool::new(pool.connect_lazy_with(file_options(file, "ro")?), None))
    }

    pub(crate) async fn open_postgres(
        url: &PostgresUrl,
        connections: u64,
    ) -> Result<Database, sqlx::Error> {
        install_default_drivers();
        let pool = AnyPoolOptions::new()
            .max_connections(connections as u32)
            .acquire_timeout(Duration::from_secs(limits::POSTGRES_CONNECT_SECONDS))
            // A connection that was left in the middle of a statement may never be free again.
            .after_release(|connection, _| {
                let wait = Duration::from_secs(limits::POSTGRES_CONNECT_SECONDS);
                Box::pin(async move { bounded(Some(wait), connection.ping()).await.map(|()| true) })
            });
        let pool = with_settings(pool, AssertSqlSafe(postgres_settings()).into_sql_str());
        let options: AnyConnectOptions = url.as_str().parse()?;
        let pool = Pool::new(pool.connect_with(options).await?, Some(POSTGRES_ANSWER));
        Ok(Database { pool, engine: Engine::Postgres })
    }

    /// Empties SQLite's log, so that deleted rows are in no file any more. PostgreSQL overwrites them in its own time.
    pub(crate) async fn forget_deleted(&self) -> Result<(), sqlx::Error> {
        if self.engine == Engine::Sqlite {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool).await?;
        }
        Ok(())
    }
}

impl Engine {
    /// A statement that reads the elements of a JSON array as rows: `json_each($1)` in its text, with a column `value`.
    pub(crate) fn with_rows(self, statement: &'static str) -> SqlStr {
        match self {
            Engine::Sqlite => statement.into_sql_str(),
            Engine::Postgres => {
                AssertSqlSafe(statement.replace(Engine::Sqlite.rows(), self.rows())).into_sql_str()
            }
        }
    }

    pub(crate) fn rows(self) -> &'static str {
        match self {
            Engine::Sqlite => "json_each($1)",
            Engine::Postgres => "jsonb_array_elements($1::jsonb)",
        }
    }
}

fn file_options(file: &Path, mode: &str) -> Result<AnyConnectOptions, sqlx::Error> {
    install_default_drivers();
    let file = std::path::absolute(file).map_err(sqlx::Error::Io)?;
    let path = file.to_str().ok_or_else(|| {
        sqlx::Error::Configuration("the path of the data folder is not UTF-8".into())
    })?;
    let path = utf8_percent_encode(path, IN_PATHS);
    format!("sqlite://{path}?mode={mode}").parse()
}

fn with_settings(pool: AnyPoolOptions, settings: SqlStr) -> AnyPoolOptions {
    pool.after_connect(move |connection: &mut AnyConnection, _| {
        let set = sqlx::raw_sql(settings.clone());
        Box::pin(async move { connection.execute(set).await.map(drop) })
    })
}

/// How long a statement may take in PostgreSQL.
pub(crate) const POSTGRES_ANSWER: Duration = Duration::from_secs(limits::POSTGRES_ANSWER_SECONDS);

/// A node that is cut off must not hold locks for long, so the server ends its sessions.
pub(crate) fn postgres_settings() -> String {
    let wait_ms = limits::POSTGRES_WAIT_SECONDS * 1_000;
    format!(
        "SET application_name = 'api-analytics'; SET statement_timeout = {wait_ms}; SET lock_timeout = {wait_ms}; \
         SET idle_in_transaction_session_timeout = {wait_ms}; SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 2; \
         SET tcp_keepalives_count = 2; SET client_min_messages = warning"
    )
}

/// Whether the database does not answer now: the same call may succeed later.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => true,
        // PostgreSQL's classes of connection exceptions, missing resources, and interventions of an operator; a session
        // that was ended because it was idle in a transaction, and a lock that was not free in time.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.len() == 5
                && (["08", "53", "57"].contains(&&code[..2])
                    || ["25P03", "55P03"].contains(&&*code))
        }),
        _ => false,
    }
}

/// Whether PostgreSQL ended the transaction for the sake of another one (a deadlock): the same may succeed at once.
pub(crate) fn gave_way(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error)
        if error.code().is_some_and(|code| code.len() == 5 && code.starts_with("40")))
}
