//! The migrations of projects and settings.
//!
//! To add a change: a file in `migrations/sqlite` and one in `migrations/postgres`, and a row in each list here.

use std::path::Path;

use analytics::limits;
use sqlx::sqlite::SqliteConnection;

use super::error::MetaError;
use crate::database::Database;
use crate::database::migrate::Migrations;
use crate::types::MetaPlace;

/// The file's name in the data folder, unless PostgreSQL is used.
pub const FILE: &str = "meta.sqlite";

pub(super) const MIGRATIONS: Migrations = Migrations {
    file: FILE,
    in_postgres: "the PostgreSQL database",
    sqlite_from: 0,
    sqlite: &[
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
    ],
    postgres: &[
        include_str!("../../migrations/postgres/0001_meta.sql"),
        include_str!("../../migrations/postgres/0002_servers.sql"),
        include_str!("../../migrations/postgres/0003_hits_of_several_servers.sql"),
    ],
    version_table: "version",
};

/// `MetaError::Newer` if a later version of this program has written the file.
pub(crate) async fn check_version(connection: &mut SqliteConnection) -> Result<(), MetaError> {
    MIGRATIONS.version_of_file(connection).await?;
    Ok(())
}

/// Of the connection to SQLite. `secure_delete`: deleted rows are overwritten.
const SQLITE_SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON";

/// Opens the database, or creates it in `data`, with the tables of this version.
pub(super) async fn open(place: &MetaPlace, data: &Path) -> Result<Database, MetaError> {
    let db = match place {
        MetaPlace::Folder => Database::open_file(&data.join(FILE), SQLITE_SETTINGS).await?,
        MetaPlace::Postgres(url) => {
            Database::open_postgres(url, limits::POSTGRES_CONNECTIONS).await?
        }
    };
    let mut transaction = db.pool.begin().await?;
    let found = MIGRATIONS.begin(&mut transaction, db.engine).await?;
    MIGRATIONS.run(&mut transaction, db.engine, found).await?;
    transaction.commit().await?;
    Ok(db)
}

/// Brings the database to this version.
pub(crate) async fn migrate(place: &MetaPlace, data: &Path) -> Result<(), MetaError> {
    open(place, data).await?.pool.close().await;
    Ok(())
}
