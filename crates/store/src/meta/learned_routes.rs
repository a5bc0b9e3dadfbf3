//! Learned routes: one text per project, which this crate does not interpret.

use analytics::hit::ProjectId;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::error::MetaError;
use super::handle::Meta;
use crate::database::columns::{Columns as _, column};

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

    /// Those of one project; none if it has no row.
    pub async fn learned_routes_of(&self, project: ProjectId) -> Result<Option<String>, MetaError> {
        let select = sqlx::query_scalar("SELECT state FROM learned_routes WHERE project = $1");
        Ok(select.bind(column(project)).fetch_optional(&self.inner.db.pool).await?)
    }

    /// Writes the state, unless the table has one that is not `known`: another server's, which is returned. Writes nothing
    /// for a deleted project.
    pub async fn write_learned_routes_after(
        &self,
        project: ProjectId,
        state: &str,
        known: impl Fn(&str) -> bool + Send,
    ) -> Result<Option<String>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        // Also locks the row.
        let insert = "INSERT INTO learned_routes (project, state) SELECT id, '' FROM projects WHERE id = $1 AND deleting = 0 ON CONFLICT (project) DO UPDATE SET restored = learned_routes.restored RETURNING state";
        let found = sqlx::query_scalar(insert).bind(column(project));
        let found: Option<String> = found.fetch_optional(&mut *transaction).await?;
        let Some(found) = found else { return Ok(None) };
        if !found.is_empty() && !known(&found) {
            return Ok(Some(found));
        }
        let update = "UPDATE learned_routes SET state = $2, restored = 0 WHERE project = $1";
        let update = sqlx::query(update).bind(column(project)).bind(state);
        update.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(None)
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
