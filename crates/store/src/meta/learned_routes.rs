//! Learned routes: one text per project, which this crate does not interpret.

use analytics::hit::ProjectId;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::columns::{Columns as _, column};
use super::error::MetaError;
use super::handle::Meta;

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
        let rows = select.fetch_all(&self.inner.db.pool).await?;
        let read = |row: &AnyRow| {
            Ok(LearnedRoutesRow {
                project: row.project("project")?,
                state: row.try_get("state")?,
                restored: row.flag("restored")?,
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
        let insert = "INSERT INTO learned_routes (project, state) SELECT id, $2 FROM projects WHERE id = $1 AND deleting = 0 ON CONFLICT (project) DO UPDATE SET state = $2, restored = 0";
        sqlx::query(insert).bind(column(project)).bind(state).execute(&self.inner.db.pool).await?;
        Ok(())
    }
}
