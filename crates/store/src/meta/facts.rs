//! Facts of the database, read before a start and without changing it: whether it belongs to this data folder.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection, Row};

use super::error::MetaError;
use super::migrate;
use crate::types::PostgresUrl;

/// The other half of the inbox's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaIdentity {
    pub folder: [u8; 16],
    pub starts: u64,
    pub ledger_key: [u8; 32],
}

/// Facts of the file, read without changing it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetaFacts {
    /// None for a file from a version without identities, or of a start that crashed.
    pub identity: Option<MetaIdentity>,
    /// The highest project number ever assigned; 0 for none.
    pub highest_project: u32,
    /// Existing projects, in order.
    pub projects: Vec<u32>,
}

/// None if the file has no tables of ours.
pub async fn look(connection: &mut SqliteConnection) -> Result<Option<MetaFacts>, sqlx::Error> {
    if !has_table(connection, "projects").await? {
        return Ok(None);
    }
    let has_folder = has_table(connection, "folder").await?;
    let identity = if has_folder { read_identity(connection).await? } else { None };
    let highest: i64 = sqlx::query_scalar(HIGHEST_IN_SQLITE).fetch_one(&mut *connection).await?;
    let projects =
        sqlx::query_scalar("SELECT id FROM projects ORDER BY id").fetch_all(connection).await?;
    Ok(Some(MetaFacts { identity, highest_project: highest as u32, projects }))
}

/// Of all projects ever created, including deleted ones.
pub(super) const HIGHEST_IN_SQLITE: &str = "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'projects'), 0), coalesce((SELECT max(id) FROM projects), 0))";

/// Of all projects ever created.
pub(super) const HIGHEST_IN_POSTGRES: &str =
    "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM project_numbers";

/// The same in PostgreSQL, for the data folder of that id. None if the database has no tables of ours.
pub async fn look_at_postgres(
    url: &PostgresUrl,
    folder: Option<[u8; 16]>,
) -> Result<Option<MetaFacts>, MetaError> {
    let options: PgConnectOptions = url.as_str().parse()?;
    let mut db = options.connect().await?;
    let looked = look_into_postgres(&mut db, folder).await;
    db.close().await?;
    looked
}

async fn look_into_postgres(
    db: &mut PgConnection,
    folder: Option<[u8; 16]>,
) -> Result<Option<MetaFacts>, MetaError> {
    if migrate::MIGRATIONS.version_in_postgres(db).await? == 0 {
        return Ok(None);
    }
    let select = sqlx::query("SELECT id, starts, ledger_key FROM folders WHERE id = $1");
    let row = select.bind(folder.unwrap_or_default().as_slice()).fetch_optional(&mut *db).await?;
    let identity = row
        .map(|row| MetaIdentity::from_columns(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
        .transpose()?;
    let highest: i64 = sqlx::query_scalar(HIGHEST_IN_POSTGRES).fetch_one(&mut *db).await?;
    let projects: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM projects ORDER BY id").fetch_all(&mut *db).await?;
    let projects = projects.into_iter().map(|project| project as u32).collect();
    Ok(Some(MetaFacts { identity, highest_project: highest as u32, projects }))
}

pub(super) async fn has_table(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<bool, sqlx::Error> {
    let has = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?";
    let count: i64 = sqlx::query_scalar(has).bind(name).fetch_one(connection).await?;
    Ok(count > 0)
}

async fn read_identity(
    connection: &mut SqliteConnection,
) -> Result<Option<MetaIdentity>, sqlx::Error> {
    let select = sqlx::query("SELECT id, starts, ledger_key FROM folder");
    let Some(row) = select.fetch_optional(connection).await? else { return Ok(None) };
    MetaIdentity::from_columns(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?).map(Some)
}

impl MetaIdentity {
    pub(super) fn from_columns(
        folder: Vec<u8>,
        starts: i64,
        ledger_key: Vec<u8>,
    ) -> Result<MetaIdentity, sqlx::Error> {
        let broken = || sqlx::Error::Protocol("the folder's id is damaged".into());
        Ok(MetaIdentity {
            folder: folder.try_into().map_err(|_| broken())?,
            starts: starts as u64,
            ledger_key: ledger_key.try_into().map_err(|_| broken())?,
        })
    }
}
