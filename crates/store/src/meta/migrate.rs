//! Migrates the database to the version of this program.
//!
//! To add a change: a file in `migrations/sqlite` and one in `migrations/postgres`, and a row in each list here. A row
//! never changes once released.

use sqlx::sqlite::SqliteConnection;
use sqlx::{Executor, PgConnection};

use super::database::{Database, Engine};
use super::error::MetaError;

/// Row n migrates the file from version n to n + 1 (`PRAGMA user_version`).
const SQLITE: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_projects.sql"),
    include_str!("../../migrations/sqlite/0002_dashboard.sql"),
    include_str!("../../migrations/sqlite/0004_clock_watch.sql"),
    include_str!("../../migrations/sqlite/0005_folder.sql"),
    include_str!("../../migrations/sqlite/0006_monitors.sql"),
    include_str!("../../migrations/sqlite/0007_channels.sql"),
    include_str!("../../migrations/sqlite/0008_maintenance.sql"),
    include_str!("../../migrations/sqlite/0009_monitor_file.sql"),
    include_str!("../../migrations/sqlite/0010_quiet_hours.sql"),
    include_str!("../../migrations/sqlite/0011_status_pages.sql"),
    include_str!("../../migrations/sqlite/0012_rules.sql"),
    include_str!("../../migrations/sqlite/0013_subscribers.sql"),
    include_str!("../../migrations/sqlite/0014_sealed_monitors.sql"),
    include_str!("../../migrations/sqlite/0015_learned_routes.sql"),
    include_str!("../../migrations/sqlite/0016_deploys.sql"),
    include_str!("../../migrations/sqlite/0017_views.sql"),
    include_str!("../../migrations/sqlite/0018_releases.sql"),
];

/// Row n migrates from version n to n + 1 (the table `version`).
const POSTGRES: &[&str] = &[include_str!("../../migrations/postgres/0001_meta.sql")];

/// Nodes that start at the same time migrate one after the other.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(4740135190614343)";

/// `MetaError::Newer` if a later version of this program has written the file.
pub(crate) async fn check_version(connection: &mut SqliteConnection) -> Result<(), MetaError> {
    let found = sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await?;
    refuse_newer("meta.sqlite", found, SQLITE).map(drop)
}

/// 0 for a database without tables of ours.
pub(super) async fn read_postgres_version(connection: &mut PgConnection) -> Result<i64, MetaError> {
    let has = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'version'";
    let tables: i64 = sqlx::query_scalar(has).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(0);
    }
    let found = sqlx::query_scalar("SELECT number FROM version").fetch_one(connection).await?;
    refuse_newer("the PostgreSQL database", found, POSTGRES)
}

fn refuse_newer(what: &'static str, found: i64, known: &[&str]) -> Result<i64, MetaError> {
    let known = known.len() as i64;
    if found > known { Err(MetaError::Newer { what, found, known }) } else { Ok(found) }
}

pub(super) async fn migrate(db: &Database) -> Result<(), MetaError> {
    let mut transaction = db.pool.begin().await?;
    let (what, migrations) = match db.engine {
        Engine::Sqlite => ("meta.sqlite", SQLITE),
        Engine::Postgres => {
            transaction.execute(ONE_AT_A_TIME).await?;
            let begin = "CREATE TABLE IF NOT EXISTS version (only_row BIGINT PRIMARY KEY CHECK (only_row = 1), number BIGINT NOT NULL); INSERT INTO version VALUES (1, 0) ON CONFLICT DO NOTHING";
            sqlx::raw_sql(begin).execute(&mut *transaction).await?;
            ("the PostgreSQL database", POSTGRES)
        }
    };
    let read = match db.engine {
        Engine::Sqlite => "SELECT user_version FROM pragma_user_version",
        Engine::Postgres => "SELECT number FROM version",
    };
    let found: i64 = sqlx::query_scalar(read).fetch_one(&mut *transaction).await?;
    refuse_newer(what, found, migrations)?;
    for migration in migrations.iter().skip(found as usize) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    // A pragma takes no parameters; the number is ours.
    let known = migrations.len();
    let note = match db.engine {
        Engine::Sqlite => format!("PRAGMA user_version = {known}"),
        Engine::Postgres => format!("UPDATE version SET number = {known}"),
    };
    sqlx::raw_sql(sqlx::AssertSqlSafe(note)).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}
