//! Channels: the destinations of a project's notices. Their settings, including tokens, are encrypted in the file and
//! readable only in memory. Pending notices are in `checks`.

use std::sync::Arc;

use analytics::hit::ProjectId;
use analytics::notice::{ChannelConfig, QuietHours};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::directory::Directory;
use super::error::MetaError;
use super::handle::Meta;
use super::rows::{ChannelRow, ChannelSettings};
use super::sealing::{Belonging, FreshNonce, Sealing};
use super::secrets::ServerSecret;
use crate::database::bounded::Pool;
use crate::database::columns::{Columns as _, column};

impl Meta {
    /// None if there is no such project. `most`: channels that a project may have.
    pub async fn add_channel(
        &self,
        project: ProjectId,
        settings: ChannelSettings,
        nonce: FreshNonce,
        most: usize,
        now_us: i64,
    ) -> Result<Option<Arc<ChannelRow>>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        if self.project(project).is_none_or(|project| project.deleting) {
            return Ok(None);
        }
        if self.channels(project).len() >= most {
            return Err(MetaError::TooManyChannels);
        }
        let sealed = self.seal(project, now_us, &settings.config, nonce)?;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO channels (project, name, sealed, enabled, quiet_hours, problem, created_us) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        )
        .bind(column(project))
        .bind(&settings.name)
        .bind(sealed)
        .bind(i64::from(settings.enabled))
        .bind(to_text(&settings.quiet_hours)?)
        .bind(&settings.problem)
        .bind(now_us)
        .fetch_one(&self.inner.db.pool)
        .await?;
        let channel = Arc::new(ChannelRow { id, project, settings, created_us: now_us });
        self.write(|directory| directory.channels.insert(id, channel.clone()));
        Ok(Some(channel))
    }

    /// None if the project has no such channel.
    pub async fn change_channel(
        &self,
        project: ProjectId,
        id: i64,
        settings: ChannelSettings,
        nonce: FreshNonce,
    ) -> Result<Option<Arc<ChannelRow>>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let Some(before) = self.channel(project, id) else { return Ok(None) };
        let sealed = self.seal(project, before.created_us, &settings.config, nonce)?;
        sqlx::query(
            "UPDATE channels SET name = $1, sealed = $2, enabled = $3, quiet_hours = $4, problem = $5 WHERE id = $6 AND project = $7",
        )
        .bind(&settings.name)
        .bind(sealed)
        .bind(i64::from(settings.enabled))
        .bind(to_text(&settings.quiet_hours)?)
        .bind(&settings.problem)
        .bind(id)
        .bind(column(project))
        .execute(&self.inner.db.pool)
        .await?;
        // A replaced secret leaves the log.
        self.forget_deleted().await?;
        let channel = Arc::new(ChannelRow { settings, ..ChannelRow::clone(&before) });
        self.write(|directory| directory.channels.insert(id, channel.clone()));
        Ok(Some(channel))
    }

    /// False if the project has no such channel.
    pub async fn remove_channel(&self, project: ProjectId, id: i64) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let deleted = sqlx::query("DELETE FROM channels WHERE id = $1 AND project = $2")
            .bind(id)
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        self.forget_deleted().await?;
        self.write(|directory| directory.channels.remove(&id));
        Ok(true)
    }

    /// In order of their numbers.
    pub fn channels(&self, project: ProjectId) -> Vec<Arc<ChannelRow>> {
        self.read(|directory| {
            let channels = directory.channels.values();
            channels.filter(|channel| channel.project == project).cloned().collect()
        })
    }

    pub fn channel(&self, project: ProjectId, id: i64) -> Option<Arc<ChannelRow>> {
        self.any_channel(id).filter(|channel| channel.project == project)
    }

    /// Of any project: for background jobs.
    pub fn any_channel(&self, id: i64) -> Option<Arc<ChannelRow>> {
        self.read(|directory| directory.channels.get(&id).cloned())
    }

    /// Of all projects, in order of their numbers.
    pub fn all_channels(&self) -> Vec<Arc<ChannelRow>> {
        self.read(|directory| directory.channels.values().cloned().collect())
    }

    fn seal(
        &self,
        project: ProjectId,
        created_us: i64,
        config: &ChannelConfig,
        nonce: FreshNonce,
    ) -> Result<Vec<u8>, sqlx::Error> {
        let bytes =
            serde_json::to_vec(config).map_err(|problem| sqlx::Error::Encode(Box::new(problem)))?;
        sealing(&self.inner.secret)?.seal(Belonging { project, created_us }, nonce, bytes)
    }
}

pub(super) async fn load(
    pool: &Pool,
    secret: &ServerSecret,
    directory: &mut Directory,
) -> Result<(), MetaError> {
    let rows = sqlx::query(
        "SELECT id, project, name, sealed, enabled, quiet_hours, problem, created_us FROM channels",
    );
    let sealing = sealing(secret)?;
    for row in rows.fetch_all(pool).await? {
        let channel = to_channel(&row, &sealing)?;
        directory.channels.insert(channel.id, Arc::new(channel));
    }
    Ok(())
}

fn to_channel(row: &AnyRow, sealing: &Sealing) -> Result<ChannelRow, sqlx::Error> {
    let project = row.project("project")?;
    let created_us = row.try_get("created_us")?;
    let sealed: &[u8] = row.try_get("sealed")?;
    let opened = sealing.open(Belonging { project, created_us }, sealed)?;
    let config = serde_json::from_slice(&opened)
        .map_err(|problem| sqlx::Error::Decode(Box::new(problem)))?;
    let quiet_hours: Option<&str> = row.try_get("quiet_hours")?;
    Ok(ChannelRow {
        id: row.try_get("id")?,
        project,
        settings: ChannelSettings {
            name: row.try_get("name")?,
            config,
            enabled: row.flag("enabled")?,
            quiet_hours: quiet_hours
                .map(serde_json::from_str)
                .transpose()
                .map_err(|problem| sqlx::Error::Decode(Box::new(problem)))?,
            problem: row.try_get("problem")?,
        },
        created_us,
    })
}

fn to_text(quiet_hours: &Option<QuietHours>) -> Result<Option<String>, sqlx::Error> {
    let text = quiet_hours.as_ref().map(serde_json::to_string).transpose();
    text.map_err(|problem| sqlx::Error::Encode(Box::new(problem)))
}

fn sealing(secret: &ServerSecret) -> Result<Sealing, sqlx::Error> {
    Sealing::new(secret, "api-analytics 2026 secrets of channels")
}
