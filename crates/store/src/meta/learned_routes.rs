//! Learned routes: one text per project, which this crate does not interpret.

use std::path::Path;

use analytics::hit::ProjectId;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection, Row};

use super::error::MetaError;
use super::handle::{FILE, Meta};

/// The learned routes of a project.
#[derive(Clone, Debug)]
pub struct LearnedRoutesRow {
    pub project: ProjectId,
    pub state: String,
    /// They come from a backup: words in their paths may belong to someone erased since.
    pub restored: bool,
}

impl Meta {
    pub async fn learned_routes(&self) -> Result<Vec<LearnedRoutesRow>, MetaError> {
        let select = sqlx::query("SELECT project, state, restored FROM learned_routes");
        let rows = select.fetch_all(&self.inner.pool).await?;
        let read = |row: &SqliteRow| {
            Ok(LearnedRoutesRow {
                project: ProjectId(row.try_get("project")?),
                state: row.try_get("state")?,
                restored: row.try_get("restored")?,
            })
        };
        rows.iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(MetaError::from)
    }

    /// Writes nothing for a deleted project.
    pub async fn write_learned_routes(
        &self,
        project: ProjectId,
        state: &str,
    ) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let insert = "INSERT INTO learned_routes (project, state) SELECT id, ?2 FROM projects WHERE id = ?1 AND NOT deleting ON CONFLICT (project) DO UPDATE SET state = ?2, restored = 0";
        sqlx::query(insert).bind(project.0).bind(state).execute(&self.inner.pool).await?;
        Ok(())
    }
}

/// Marks all of a folder being restored.
pub(crate) async fn mark_restored_routes(restored: &Path) -> Result<(), sqlx::Error> {
    let file = restored.join(FILE);
    if !file.exists() {
        return Ok(());
    }
    let mut db = SqliteConnectOptions::new().filename(&file).connect().await?;
    let has = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'learned_routes'";
    let count: i64 = sqlx::query_scalar(has).fetch_one(&mut db).await?;
    if count > 0 {
        sqlx::query("UPDATE learned_routes SET restored = 1").execute(&mut db).await?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut db).await?;
    }
    db.close().await
}
