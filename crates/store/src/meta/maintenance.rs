//! Maintenance windows: their settings, made and changed by the project's owner.

use std::sync::Arc;

use analytics::hit::ProjectId;
use analytics::maintenance::MaintenanceSettings;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use super::directory::Directory;
use super::{Meta, MetaError};

/// A maintenance window as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct MaintenanceRow {
    pub id: i64,
    pub project: ProjectId,
    pub settings: MaintenanceSettings,
    pub created_us: i64,
}

impl Meta {
    /// None where there is no such project. `most`: maintenance windows that a project may have.
    pub async fn add_maintenance(
        &self,
        project: ProjectId,
        settings: MaintenanceSettings,
        most: usize,
        now_us: i64,
    ) -> Result<Option<Arc<MaintenanceRow>>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        if self.project(project).is_none_or(|project| project.deleting) {
            return Ok(None);
        }
        if self.maintenance(project).len() >= most {
            return Err(MetaError::TooManyMaintenanceWindows);
        }
        let inserted =
            sqlx::query("INSERT INTO maintenance (project, settings, created_us) VALUES (?, ?, ?)")
                .bind(project.0)
                .bind(to_text(&settings)?)
                .bind(now_us)
                .execute(&self.inner.pool)
                .await?;
        let id = inserted.last_insert_rowid();
        let row = Arc::new(MaintenanceRow { id, project, settings, created_us: now_us });
        self.write(|directory| directory.maintenance.insert(id, row.clone()));
        Ok(Some(row))
    }

    /// None where the project has no such maintenance window.
    pub async fn change_maintenance(
        &self,
        project: ProjectId,
        id: i64,
        settings: MaintenanceSettings,
    ) -> Result<Option<Arc<MaintenanceRow>>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let Some(before) = self.maintenance_of(project, id) else { return Ok(None) };
        sqlx::query("UPDATE maintenance SET settings = ? WHERE id = ? AND project = ?")
            .bind(to_text(&settings)?)
            .bind(id)
            .bind(project.0)
            .execute(&self.inner.pool)
            .await?;
        let row = Arc::new(MaintenanceRow { settings, ..MaintenanceRow::clone(&before) });
        self.write(|directory| directory.maintenance.insert(id, row.clone()));
        Ok(Some(row))
    }

    /// False where the project has no such maintenance window.
    pub async fn remove_maintenance(&self, project: ProjectId, id: i64) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let deleted = sqlx::query("DELETE FROM maintenance WHERE id = ? AND project = ?")
            .bind(id)
            .bind(project.0)
            .execute(&self.inner.pool)
            .await?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        self.write(|directory| directory.maintenance.remove(&id));
        Ok(true)
    }

    /// In order of their numbers.
    pub fn maintenance(&self, project: ProjectId) -> Vec<Arc<MaintenanceRow>> {
        self.read(|directory| {
            let rows = directory.maintenance.values();
            rows.filter(|row| row.project == project).cloned().collect()
        })
    }

    pub fn maintenance_of(&self, project: ProjectId, id: i64) -> Option<Arc<MaintenanceRow>> {
        self.read(|directory| directory.maintenance.get(&id).cloned())
            .filter(|row| row.project == project)
    }

    /// Of all projects, in order of their numbers.
    pub fn all_maintenance(&self) -> Vec<Arc<MaintenanceRow>> {
        self.read(|directory| directory.maintenance.values().cloned().collect())
    }
}

pub(super) async fn load(pool: &SqlitePool, directory: &mut Directory) -> Result<(), MetaError> {
    let rows = sqlx::query("SELECT id, project, settings, created_us FROM maintenance");
    for row in rows.fetch_all(pool).await? {
        let row = to_row(&row)?;
        directory.maintenance.insert(row.id, Arc::new(row));
    }
    Ok(())
}

fn to_row(row: &SqliteRow) -> Result<MaintenanceRow, sqlx::Error> {
    let settings: &str = row.try_get("settings")?;
    Ok(MaintenanceRow {
        id: row.try_get("id")?,
        project: ProjectId(row.try_get("project")?),
        settings: serde_json::from_str(settings)
            .map_err(|problem| sqlx::Error::Decode(Box::new(problem)))?,
        created_us: row.try_get("created_us")?,
    })
}

fn to_text(settings: &MaintenanceSettings) -> Result<String, sqlx::Error> {
    serde_json::to_string(settings).map_err(|problem| sqlx::Error::Encode(Box::new(problem)))
}
