//! The server's own history: the days on which it ran, when jobs ended, when things were last used.

use analytics::clock_watch::{ClockWatch, Doubt};
use analytics::hit::ProjectId;
use sqlx::Row;

use super::error::MetaError;
use super::handle::Meta;
use crate::database::columns::column;

/// Days on which the server did not run say nothing about a project's activity.
impl Meta {
    /// Notes that the server runs on this day (days since 1970).
    pub async fn note_running_day(&self, day: i64) -> Result<(), MetaError> {
        sqlx::query("INSERT INTO running_days (day) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(day)
            .execute(&self.inner.db.pool)
            .await?;
        Ok(())
    }

    /// The number of days after `day` on which the server ran.
    pub async fn running_days_after(&self, day: i64) -> Result<u32, MetaError> {
        let select = sqlx::query_scalar("SELECT count(*) FROM running_days WHERE day > $1");
        let days: i64 = select.bind(day).fetch_one(&self.inner.db.pool).await?;
        Ok(days as u32)
    }

    /// When the job of this name last succeeded, microseconds.
    pub async fn job_ended(&self, name: &str) -> Result<Option<i64>, MetaError> {
        let select = sqlx::query_scalar("SELECT ended_us FROM jobs WHERE name = $1").bind(name);
        Ok(select.fetch_optional(&self.inner.db.pool).await?)
    }

    pub async fn note_job_ended(&self, name: &str, now_us: i64) -> Result<(), MetaError> {
        sqlx::query("INSERT INTO jobs (name, ended_us) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET ended_us = $2")
            .bind(name)
            .bind(now_us)
            .execute(&self.inner.db.pool)
            .await?;
        Ok(())
    }

    /// The clock watch, as the last start or check left it; none before the first.
    pub async fn clock_watch(&self) -> Result<Option<ClockWatch>, MetaError> {
        let select = sqlx::query("SELECT believed_us, ahead_us, last_us, ran_us FROM clock_watch");
        let Some(row) = select.fetch_optional(&self.inner.db.pool).await? else { return Ok(None) };
        let doubt = row.try_get::<Option<i64>, _>("ahead_us")?.map(|ahead_us| {
            Ok::<_, sqlx::Error>(Doubt {
                ahead_us,
                last_us: row.try_get("last_us")?,
                ran_us: row.try_get("ran_us")?,
            })
        });
        let doubt = doubt.transpose()?;
        Ok(Some(ClockWatch { believed_us: row.try_get("believed_us")?, doubt }))
    }

    pub async fn set_clock_watch(&self, watch: &ClockWatch) -> Result<(), MetaError> {
        sqlx::query("INSERT INTO clock_watch (only_row, believed_us, ahead_us, last_us, ran_us) VALUES (1, $1, $2, $3, $4) ON CONFLICT (only_row) DO UPDATE SET believed_us = excluded.believed_us, ahead_us = excluded.ahead_us, last_us = excluded.last_us, ran_us = excluded.ran_us")
            .bind(watch.believed_us)
            .bind(watch.doubt.map(|doubt| doubt.ahead_us))
            .bind(watch.doubt.map(|doubt| doubt.last_us))
            .bind(watch.doubt.map(|doubt| doubt.ran_us))
            .execute(&self.inner.db.pool)
            .await?;
        Ok(())
    }

    /// Writes the times of use and visits that are only in memory. A later one, of another server, stays.
    pub async fn flush(&self) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut keys: Vec<_> = self.read(|directory| {
            directory.keys.values().filter(|key| key.used.unwritten().is_some()).cloned().collect()
        });
        let mut projects: Vec<_> = self.read(|directory| {
            directory
                .projects
                .values()
                .filter(|entry| entry.looked.unwritten().is_some())
                .cloned()
                .collect()
        });
        let (mut sessions, mut links) = self.read(|directory| {
            let sessions = directory.sessions.iter();
            let sessions = sessions.filter(|(_, entry)| entry.used.unwritten().is_some());
            let links = directory.links.values();
            let links = links.filter(|entry| entry.used.unwritten().is_some());
            let sessions: Vec<_> =
                sessions.map(|(hash, entry)| (*hash, entry.used.clone())).collect();
            (sessions, links.cloned().collect::<Vec<_>>())
        });
        // Another server may write the same rows: in this order neither waits for the other.
        keys.sort_by_key(|key| key.id);
        projects.sort_by_key(|entry| entry.project.id);
        sessions.sort_by_key(|(hash, _)| *hash);
        links.sort_by_key(|entry| entry.link.id);
        if keys.is_empty() && projects.is_empty() && sessions.is_empty() && links.is_empty() {
            return Ok(());
        }
        let mut transaction = self.inner.db.pool.begin().await?;
        let mut written = Vec::new();
        for key in &keys {
            let Some(time_us) = key.used.unwritten() else { continue };
            let update = sqlx::query("UPDATE keys SET last_used_us = $1 WHERE id = $2 AND (last_used_us IS NULL OR last_used_us < $1)")
                .bind(time_us)
                .bind(key.id);
            update.execute(&mut *transaction).await?;
            written.push((&key.used, time_us));
        }
        for entry in &projects {
            let Some(time_us) = entry.looked.unwritten() else { continue };
            let update = sqlx::query(
                "UPDATE projects SET last_look_us = $1 WHERE id = $2 AND (last_look_us IS NULL OR last_look_us < $1)",
            );
            update.bind(time_us).bind(column(entry.project.id)).execute(&mut *transaction).await?;
            written.push((&*entry.looked, time_us));
        }
        for (hash, used) in &sessions {
            let Some(time_us) = used.unwritten() else { continue };
            let update = sqlx::query(
                "UPDATE sessions SET last_used_us = $1 WHERE hash = $2 AND (last_used_us IS NULL OR last_used_us < $1)",
            );
            update.bind(time_us).bind(hash.as_slice()).execute(&mut *transaction).await?;
            written.push((&**used, time_us));
        }
        for entry in &links {
            let Some(time_us) = entry.used.unwritten() else { continue };
            let update = sqlx::query(
                "UPDATE share_links SET last_used_us = $1 WHERE id = $2 AND (last_used_us IS NULL OR last_used_us < $1)",
            );
            update.bind(time_us).bind(entry.link.id).execute(&mut *transaction).await?;
            written.push((&entry.used, time_us));
        }
        transaction.commit().await?;
        for (touched, time_us) in written {
            touched.set_written(time_us);
        }
        Ok(())
    }
}

/// Ingest health: one text per project, which this crate does not interpret.
impl Meta {
    pub async fn ingest_health(&self, project: ProjectId) -> Result<Option<String>, MetaError> {
        let select = sqlx::query_scalar("SELECT state FROM ingest_health WHERE project = $1");
        Ok(select.bind(column(project)).fetch_optional(&self.inner.db.pool).await?)
    }

    /// Replaces the text of each project by the result of `change`, which gets the one that is stored, "" for none. All in one
    /// transaction, in order of the projects, so that another server's changes come before or after. Except those of
    /// deleted projects.
    pub async fn change_ingest_health<T: Sync>(
        &self,
        projects: &[(ProjectId, T)],
        change: impl Fn(&str, &T) -> String + Sync,
    ) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        // Also locks the row.
        let insert = "INSERT INTO ingest_health (project, state) SELECT id, '' FROM projects WHERE id = $1 AND deleting = 0 ON CONFLICT (project) DO UPDATE SET state = ingest_health.state RETURNING state";
        let update = "UPDATE ingest_health SET state = $2 WHERE project = $1";
        for (project, by) in projects {
            let found = sqlx::query_scalar(insert).bind(column(*project));
            let found: Option<String> = found.fetch_optional(&mut *transaction).await?;
            let Some(found) = found else { continue };
            let update = sqlx::query(update).bind(column(*project)).bind(change(&found, by));
            update.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
