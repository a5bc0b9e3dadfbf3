//! Rows of settings that a project's owner creates and changes, stored as JSON in their own tables: maintenance windows
//! and alert rules. The tables are alike, so another kind is just another `SettingsKind`.

use std::sync::Arc;

use analytics::hit::ProjectId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::directory::Directory;
use super::error::MetaError;
use super::handle::Meta;
use super::rows::{Rows, SettingsRow};
use crate::database::bounded::Pool;
use crate::database::columns::{Columns as _, column};

/// Settings with a table: `id`, `project`, `settings`, `created_us`.
pub(super) trait SettingsKind: Serialize + DeserializeOwned + Sized {
    const TABLE: &'static str;

    fn rows(directory: &Directory) -> &Rows<Self>;
    fn rows_mut(directory: &mut Directory) -> &mut Rows<Self>;

    /// The error of a project that has reached its limit.
    fn too_many() -> MetaError;
}

impl Meta {
    /// None if there is no such project. `most`: how many a project may have.
    pub(super) async fn add_settings<S: SettingsKind>(
        &self,
        project: ProjectId,
        settings: S,
        most: usize,
        now_us: i64,
    ) -> Result<Option<Arc<SettingsRow<S>>>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        if self.project(project).is_none_or(|project| project.deleting) {
            return Ok(None);
        }
        if self.settings::<S>(project).len() >= most {
            return Err(S::too_many());
        }
        let insert = format!(
            "INSERT INTO {} (project, settings, created_us) VALUES ($1, $2, $3) RETURNING id",
            S::TABLE
        );
        let id: i64 = sqlx::query_scalar(AssertSqlSafe(insert))
            .bind(column(project))
            .bind(to_text(&settings)?)
            .bind(now_us)
            .fetch_one(&self.inner.db.pool)
            .await?;
        let row = Arc::new(SettingsRow { id, project, settings, created_us: now_us });
        self.write(|directory| S::rows_mut(directory).insert(id, row.clone()));
        Ok(Some(row))
    }

    /// None if the project has no such row.
    pub(super) async fn change_settings<S: SettingsKind>(
        &self,
        project: ProjectId,
        id: i64,
        settings: S,
    ) -> Result<Option<Arc<SettingsRow<S>>>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let before = self.any_settings::<S>(id).filter(|row| row.project == project);
        let Some(before) = before else { return Ok(None) };
        let update =
            format!("UPDATE {} SET settings = $1 WHERE id = $2 AND project = $3", S::TABLE);
        sqlx::query(AssertSqlSafe(update))
            .bind(to_text(&settings)?)
            .bind(id)
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await?;
        let row = Arc::new(SettingsRow { id, project, settings, created_us: before.created_us });
        self.write(|directory| S::rows_mut(directory).insert(id, row.clone()));
        Ok(Some(row))
    }

    /// Deletes the settings from the file. False if the project has no such row.
    pub(super) async fn remove_settings<S: SettingsKind>(
        &self,
        project: ProjectId,
        id: i64,
    ) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let delete = format!("DELETE FROM {} WHERE id = $1 AND project = $2", S::TABLE);
        let deleted = sqlx::query(AssertSqlSafe(delete))
            .bind(id)
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        self.forget_deleted().await?;
        self.write(|directory| S::rows_mut(directory).remove(&id));
        Ok(true)
    }

    /// Of one project, in order of their numbers.
    pub(super) fn settings<S: SettingsKind>(&self, project: ProjectId) -> Vec<Arc<SettingsRow<S>>> {
        self.read(|directory| {
            let rows = S::rows(directory).values();
            rows.filter(|row| row.project == project).cloned().collect()
        })
    }

    /// Of any project.
    pub(super) fn any_settings<S: SettingsKind>(&self, id: i64) -> Option<Arc<SettingsRow<S>>> {
        self.read(|directory| S::rows(directory).get(&id).cloned())
    }

    /// Of all projects, in order of their numbers.
    pub(super) fn all_settings<S: SettingsKind>(&self) -> Vec<Arc<SettingsRow<S>>> {
        self.read(|directory| S::rows(directory).values().cloned().collect())
    }
}

pub(super) async fn load<S: SettingsKind>(
    pool: &Pool,
    directory: &mut Directory,
) -> Result<(), MetaError> {
    let select = format!("SELECT id, project, settings, created_us FROM {}", S::TABLE);
    for row in sqlx::query(AssertSqlSafe(select)).fetch_all(pool).await? {
        let row = to_row::<S>(&row)?;
        S::rows_mut(directory).insert(row.id, Arc::new(row));
    }
    Ok(())
}

fn to_row<S: SettingsKind>(row: &AnyRow) -> Result<SettingsRow<S>, sqlx::Error> {
    let settings: &str = row.try_get("settings")?;
    Ok(SettingsRow {
        id: row.try_get("id")?,
        project: row.project("project")?,
        settings: serde_json::from_str(settings)
            .map_err(|problem| sqlx::Error::Decode(Box::new(problem)))?,
        created_us: row.try_get("created_us")?,
    })
}

fn to_text<S: SettingsKind>(settings: &S) -> Result<String, sqlx::Error> {
    serde_json::to_string(settings).map_err(|problem| sqlx::Error::Encode(Box::new(problem)))
}
