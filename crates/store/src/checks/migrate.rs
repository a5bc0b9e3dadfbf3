//! The tables of results of checks, in the version of this program.
//!
//! To add a change: a file in `migrations/checks_sqlite` and one in `migrations/checks_postgres`, and a row in each list
//! here; a new table is a row of `TABLES`, too.

use std::path::Path;

use analytics::limits;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::{ChecksError, FILE};
use crate::database::bounded::Connection;
use crate::database::migrate::Migrations;
use crate::database::{Database, Engine};
use crate::sql::{checks as sql, incidents};
use crate::types::{MetaPlace, PostgresUrl};

const MIGRATIONS: Migrations = Migrations {
    file: FILE,
    in_postgres: "the results of checks in the PostgreSQL database",
    sqlite_from: 4,
    sqlite: &[include_str!("../../migrations/checks_sqlite/0005_names.sql")],
    postgres: &[include_str!("../../migrations/checks_postgres/0001_checks.sql")],
    version_table: "checks_version",
};

/// The tables of version 4, which had no migrations: each table and column was added if a file lacked it.
const TO_VERSION_4: &str = include_str!("../../migrations/checks_sqlite/0004_tables.sql");

/// A power cut may cost the last seconds of results, which are then unknown; killing the process costs none.
const SQLITE_SETTINGS: &str =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON";

/// Every table: its name, its key, and the table of its numbers (its own) if it numbers its rows.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) key: &'static [&'static str],
    pub(crate) is_numbered: bool,
}

const fn table(name: &'static str, key: &'static [&'static str]) -> Table {
    Table { name, key, is_numbered: false }
}

const fn numbered(name: &'static str) -> Table {
    Table { name, key: &["id"], is_numbered: true }
}

pub(crate) const TABLES: &[Table] = &[
    table("monitor_states", &["id"]),
    table("checks", &["monitor", "at_ms"]),
    table("sums", &["monitor", "from_ms"]),
    table("days", &["monitor", "day"]),
    table("rule_states", &["id"]),
    table("rule_lateness", &["only_row"]),
    table("incidents", &["monitor", "number"]),
    table("transitions", &["monitor", "number", "transition"]),
    numbered("incident_updates"),
    numbered("outbox"),
    // Its rows have no key of their own.
    table("tries", &[]),
    numbered("bulletins"),
    table("mailings", &["bulletin", "subscriber"]),
];

/// `ChecksError::Newer` if a later version of this program has written the file.
pub(crate) async fn check_version(connection: &mut SqliteConnection) -> Result<(), ChecksError> {
    MIGRATIONS.version_of_file(connection).await?;
    Ok(())
}

/// The same of a PostgreSQL database.
pub(crate) async fn check_version_in_postgres(url: &PostgresUrl) -> Result<(), ChecksError> {
    let options: PgConnectOptions = url.as_str().parse().map_err(ChecksError::Database)?;
    let mut db = options.connect().await?;
    let version = MIGRATIONS.version_in_postgres(&mut db).await;
    db.close().await?;
    version?;
    Ok(())
}

pub(crate) async fn is_older_in_postgres(url: &PostgresUrl) -> Result<bool, ChecksError> {
    let options: PgConnectOptions = url.as_str().parse().map_err(ChecksError::Database)?;
    let mut db = options.connect().await?;
    let is_older = MIGRATIONS.is_older_in_postgres(&mut db).await;
    db.close().await?;
    Ok(is_older?)
}

/// Brings the database to this version.
pub(crate) async fn migrate(place: &MetaPlace, data: &Path) -> Result<(), ChecksError> {
    open_tables(place, data).await?.pool.close().await;
    Ok(())
}

/// Opens the database, or creates it in `data`, with the tables of this version.
pub(crate) async fn open_tables(place: &MetaPlace, data: &Path) -> Result<Database, ChecksError> {
    let db = match place {
        MetaPlace::Folder => Database::open_file(&data.join(FILE), SQLITE_SETTINGS).await?,
        MetaPlace::Postgres(url) => {
            Database::open_postgres(url, limits::POSTGRES_CHECKS_CONNECTIONS).await?
        }
    };
    let mut transaction = db.pool.begin().await?;
    let mut found = MIGRATIONS.begin(&mut transaction, db.engine).await?;
    if db.engine == Engine::Sqlite && found <= 4 {
        bring_to_version_4(&mut transaction, found).await?;
        found = 4;
    }
    MIGRATIONS.run(&mut transaction, db.engine, found).await?;
    transaction.commit().await?;
    Ok(db)
}

async fn bring_to_version_4(transaction: &mut Connection, found: i64) -> Result<(), ChecksError> {
    sqlx::raw_sql(TO_VERSION_4).execute(&mut *transaction).await?;
    let of_days = sql::ADDED_TO_DAYS.map(|(column, add)| ("days", column, add));
    for (table, column, add) in incidents::ADDED.into_iter().chain(of_days) {
        let has = sqlx::query_scalar(sql::HAS_COLUMN).bind(table).bind(column);
        let has: i64 = has.fetch_one(&mut *transaction).await?;
        if has == 0 {
            sqlx::query(add).execute(&mut *transaction).await?;
        }
    }
    if (1..=3).contains(&found) {
        sqlx::query(sql::FILL_DAYS).execute(transaction).await?;
    }
    Ok(())
}
