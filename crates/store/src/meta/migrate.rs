//! Migrates `meta.sqlite` to the version of this program.
//!
//! To add a change: a file in `migrations/` and a row here; a row never changes once released.

use sqlx::{SqliteConnection, SqlitePool};

use super::error::MetaError;

/// Row n migrates the file from version n to n + 1 (`PRAGMA user_version`).
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_projects.sql"),
    include_str!("../../migrations/0002_dashboard.sql"),
    include_str!("../../migrations/0004_clock_watch.sql"),
    include_str!("../../migrations/0005_folder.sql"),
    include_str!("../../migrations/0006_monitors.sql"),
    include_str!("../../migrations/0007_channels.sql"),
    include_str!("../../migrations/0008_maintenance.sql"),
    include_str!("../../migrations/0009_monitor_file.sql"),
    include_str!("../../migrations/0010_quiet_hours.sql"),
    include_str!("../../migrations/0011_status_pages.sql"),
    include_str!("../../migrations/0012_rules.sql"),
    include_str!("../../migrations/0013_subscribers.sql"),
    include_str!("../../migrations/0014_sealed_monitors.sql"),
    include_str!("../../migrations/0015_learned_routes.sql"),
    include_str!("../../migrations/0016_deploys.sql"),
    include_str!("../../migrations/0017_views.sql"),
    include_str!("../../migrations/0018_releases.sql"),
];

/// `MetaError::Newer` if a later version of this program has written the file.
pub(crate) async fn check_version(connection: &mut SqliteConnection) -> Result<(), MetaError> {
    read_version(connection).await.map(drop)
}

async fn read_version(connection: &mut SqliteConnection) -> Result<i64, MetaError> {
    let known = MIGRATIONS.len() as i64;
    match sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await? {
        found if found > known => Err(MetaError::Newer { found, known }),
        found => Ok(found),
    }
}

pub(super) async fn migrate(pool: &SqlitePool) -> Result<(), MetaError> {
    let known = MIGRATIONS.len();
    let mut transaction = pool.begin().await?;
    let found = read_version(&mut transaction).await?;
    for migration in MIGRATIONS.iter().skip(found as usize) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    // A pragma takes no parameters; the number is ours.
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA user_version = {known}")))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}
