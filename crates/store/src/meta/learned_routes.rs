//! Learned routes: one text a project, which this crate does not look into.

use analytics::hit::ProjectId;
use sqlx::Row;

use super::{Meta, MetaError};

impl Meta {
    pub async fn learned_routes(&self) -> Result<Vec<(ProjectId, String)>, MetaError> {
        let select = sqlx::query("SELECT project, state FROM learned_routes");
        let rows = select.fetch_all(&self.inner.pool).await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            Ok((ProjectId(row.try_get("project")?), row.try_get("state")?))
        };
        rows.iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(MetaError::from)
    }

    /// Nothing is written for a project that is gone.
    pub async fn write_learned_routes(
        &self,
        project: ProjectId,
        state: &str,
    ) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let insert = "INSERT INTO learned_routes (project, state) SELECT id, ?2 FROM projects WHERE id = ?1 AND NOT deleting ON CONFLICT (project) DO UPDATE SET state = ?2";
        sqlx::query(insert).bind(project.0).bind(state).execute(&self.inner.pool).await?;
        Ok(())
    }
}
