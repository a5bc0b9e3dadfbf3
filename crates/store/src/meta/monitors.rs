//! Monitors: their settings, created and changed by the project's owner. The address that a heartbeat's job calls is
//! derived from the server's secret, so that it can be shown again. Settings may hold credentials, so they are
//! encrypted in the file. Results are in `checks`.

use std::sync::Arc;

use crate::database::bounded::Pool;
use analytics::hit::ProjectId;
use analytics::monitor::MonitorSettings;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::directory::Directory;
use super::error::MetaError;
use super::handle::Meta;
use super::rows::MonitorRow;
use super::sealing::{Belonging, Sealing};
use super::secrets::{ServerSecret, Token};
use crate::database::Database;
use crate::database::columns::{Columns as _, column};

/// A monitor to be created.
#[derive(Clone, Debug, Default)]
pub struct NewMonitor {
    pub settings: MonitorSettings,
    pub original_url: Option<String>,
    pub file_entry: Option<String>,
}

impl Meta {
    /// None if there is no such project. `most`: monitors that a project may have.
    pub async fn add_monitor(
        &self,
        project: ProjectId,
        new: NewMonitor,
        most: usize,
        now_us: i64,
    ) -> Result<Option<Arc<MonitorRow>>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        if self.project(project).is_none_or(|project| project.deleting) {
            return Ok(None);
        }
        if self.monitors(project).len() >= most {
            return Err(MetaError::TooManyMonitors);
        }
        let of = Belonging { project, created_us: now_us };
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO monitors (project, plain_settings, sealed, original_url, file_entry, created_us) VALUES ($1, '', $2, $3, $4, $5) RETURNING id",
        )
        .bind(column(project))
        .bind(sealing(&self.inner.secret)?.seal_by_content(of, to_bytes(&new.settings)?)?)
        .bind(&new.original_url)
        .bind(&new.file_entry)
        .bind(now_us)
        .fetch_one(&self.inner.db.pool)
        .await?;
        let monitor = Arc::new(MonitorRow {
            id,
            project,
            settings: new.settings,
            original_url: new.original_url,
            file_entry: new.file_entry,
            created_us: now_us,
        });
        self.write(|directory| directory.put_monitor(monitor.clone(), &self.inner.secret));
        Ok(Some(monitor))
    }

    /// None if the project has no such monitor.
    pub async fn change_monitor(
        &self,
        project: ProjectId,
        id: i64,
        settings: MonitorSettings,
    ) -> Result<Option<Arc<MonitorRow>>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let Some(before) = self.monitor(project, id) else { return Ok(None) };
        let of = Belonging { project, created_us: before.created_us };
        let sealed = sealing(&self.inner.secret)?.seal_by_content(of, to_bytes(&settings)?)?;
        sqlx::query("UPDATE monitors SET sealed = $1 WHERE id = $2 AND project = $3")
            .bind(sealed)
            .bind(id)
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await?;
        let monitor = Arc::new(MonitorRow { settings, ..MonitorRow::clone(&before) });
        self.write(|directory| directory.put_monitor(monitor.clone(), &self.inner.secret));
        Ok(Some(monitor))
    }

    /// The monitor is no longer in the operator's file: from here on its project's owner manages it.
    pub async fn release_monitor(&self, monitor: &MonitorRow) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        sqlx::query("UPDATE monitors SET file_entry = NULL WHERE id = $1")
            .bind(monitor.id)
            .execute(&self.inner.db.pool)
            .await?;
        let Some(now) = self.any_monitor(monitor.id) else { return Ok(()) };
        let released = Arc::new(MonitorRow { file_entry: None, ..MonitorRow::clone(&now) });
        self.write(|directory| directory.put_monitor(released, &self.inner.secret));
        Ok(())
    }

    /// Its settings, which may hold credentials, leave the file. False if the project has no such monitor.
    pub async fn remove_monitor(&self, project: ProjectId, id: i64) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let deleted = sqlx::query("DELETE FROM monitors WHERE id = $1 AND project = $2")
            .bind(id)
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        self.forget_deleted().await?;
        self.write(|directory| directory.drop_monitors(|monitor| monitor.id == id));
        Ok(true)
    }

    /// In order of their numbers.
    pub fn monitors(&self, project: ProjectId) -> Vec<Arc<MonitorRow>> {
        self.read(|directory| {
            let monitors = directory.monitors.values();
            monitors.filter(|monitor| monitor.project == project).cloned().collect()
        })
    }

    pub fn monitor(&self, project: ProjectId, id: i64) -> Option<Arc<MonitorRow>> {
        self.any_monitor(id).filter(|monitor| monitor.project == project)
    }

    /// Of any project: for background jobs.
    pub fn any_monitor(&self, id: i64) -> Option<Arc<MonitorRow>> {
        self.read(|directory| directory.monitors.get(&id).cloned())
    }

    /// Of all projects, in order of their numbers.
    pub fn all_monitors(&self) -> Vec<Arc<MonitorRow>> {
        self.read(|directory| directory.monitors.values().cloned().collect())
    }

    /// The secret in the address that a heartbeat's job calls.
    pub fn heartbeat_token(&self, monitor: &MonitorRow) -> Token {
        self.inner.secret.heartbeat(monitor.id, monitor.created_us)
    }

    /// The secret in the link that acknowledges an incident. `source`: the number of its monitor, or below 0 of its
    /// rule, created at `created_us`.
    pub fn acknowledge_token(&self, source: i64, created_us: i64, incident: u64) -> Token {
        self.inner.secret.acknowledgement(source, created_us, incident)
    }

    /// The monitor with this heartbeat secret, whatever its kind is now.
    pub fn heartbeat(&self, token: &Token) -> Option<Arc<MonitorRow>> {
        self.read(|directory| {
            let id = directory.heartbeats.get(token)?;
            directory.monitors.get(id).cloned()
        })
    }
}

pub(super) async fn load(
    pool: &Pool,
    secret: &ServerSecret,
    directory: &mut Directory,
) -> Result<(), MetaError> {
    let rows = sqlx::query(
        "SELECT id, project, sealed, original_url, file_entry, created_us FROM monitors",
    );
    let sealing = sealing(secret)?;
    for row in rows.fetch_all(pool).await? {
        directory.put_monitor(Arc::new(to_monitor(&row, &sealing)?), secret);
    }
    Ok(())
}

/// Encrypts settings written by an earlier version, and leaves no trace of the plain ones in the file.
pub(super) async fn seal_plain(db: &Database, secret: &ServerSecret) -> Result<(), MetaError> {
    let mut transaction = db.pool.begin().await?;
    let rows = sqlx::query(
        "SELECT id, project, created_us, plain_settings FROM monitors WHERE sealed IS NULL",
    );
    let rows = rows.fetch_all(&mut *transaction).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let sealing = sealing(secret)?;
    for row in &rows {
        let plain: &str = row.try_get("plain_settings")?;
        let sealed = sealing.seal_by_content(belonging(row)?, plain.as_bytes().to_vec())?;
        sqlx::query("UPDATE monitors SET sealed = $1, plain_settings = '' WHERE id = $2")
            .bind(sealed)
            .bind(row.try_get::<i64, _>("id")?)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(db.forget_deleted().await?)
}

fn to_monitor(row: &AnyRow, sealing: &Sealing) -> Result<MonitorRow, sqlx::Error> {
    let opened = sealing.open(belonging(row)?, row.try_get("sealed")?)?;
    Ok(MonitorRow {
        id: row.try_get("id")?,
        project: row.project("project")?,
        settings: serde_json::from_slice(&opened)
            .map_err(|problem| sqlx::Error::Decode(Box::new(problem)))?,
        original_url: row.try_get("original_url")?,
        file_entry: row.try_get("file_entry")?,
        created_us: row.try_get("created_us")?,
    })
}

fn belonging(row: &AnyRow) -> Result<Belonging, sqlx::Error> {
    let project = row.project("project")?;
    Ok(Belonging { project, created_us: row.try_get("created_us")? })
}

fn to_bytes(settings: &MonitorSettings) -> Result<Vec<u8>, sqlx::Error> {
    serde_json::to_vec(settings).map_err(|problem| sqlx::Error::Encode(Box::new(problem)))
}

fn sealing(secret: &ServerSecret) -> Result<Sealing, sqlx::Error> {
    Sealing::new(secret, "api-analytics 2026 settings of monitors")
}
