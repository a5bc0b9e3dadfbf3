//! Projects: created, changed, deleted.

use std::collections::HashSet;
use std::sync::Arc;

use analytics::hit::ProjectId;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::directory::{ProjectEntry, ProjectGrant};
use super::error::MetaError;
use super::handle::Meta;
use super::keys::insert_key;
use super::rows::{Can, Project};
use super::secrets::{DashboardId, Key};
use crate::database::bounded::Connection;
use crate::database::columns::{Columns as _, column};

/// Changes of a project; none: no change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectChange {
    pub name: Option<String>,
    pub tz: Option<String>,
    pub privacy_level: Option<u8>,
    /// Some(None): the server's setting applies.
    pub keep_hits_days: Option<Option<u32>>,
    pub apdex_ms: Option<u32>,
    pub success_amber: Option<f64>,
    pub success_red: Option<f64>,
}

/// Initial settings of a project.
#[derive(Clone, Debug, Default)]
pub struct NewProject {
    pub name: String,
    pub privacy_level: u8,
    pub keep_hits_days: Option<u32>,
    /// A migrating operator's user id, which keeps working as a dashboard id.
    pub user_id: Option<DashboardId>,
}

pub(super) const PROJECT_COLUMNS: &str = "id, name, created_us, privacy_level, keep_hits_days, generation, last_look_us, warned_day, deleting, tz, apdex_ms, success_amber, success_red, erased_level, demo_until_us";

pub(super) fn to_project(row: &AnyRow) -> Result<Project, MetaError> {
    Ok(Project {
        id: row.project("id")?,
        name: row.try_get("name")?,
        created_us: row.try_get("created_us")?,
        privacy_level: row.number("privacy_level")?,
        keep_hits_days: row.maybe_number("keep_hits_days")?,
        generation: row.number("generation")?,
        last_look_us: row.try_get("last_look_us")?,
        warned_day: row.try_get("warned_day")?,
        deleting: row.flag("deleting")?,
        tz: row.try_get("tz")?,
        apdex_ms: row.number("apdex_ms")?,
        success_amber: row.try_get("success_amber")?,
        success_red: row.try_get("success_red")?,
        erased_level: row.number("erased_level")?,
        demo_until_us: row.try_get("demo_until_us")?,
    })
}

impl Meta {
    pub fn project(&self, project: ProjectId) -> Option<Project> {
        self.read(|directory| directory.projects.get(&project).map(|entry| entry.current()))
    }

    /// All projects in order of their numbers, including those being deleted.
    pub fn projects(&self) -> Vec<Project> {
        let mut projects: Vec<_> = self
            .read(|directory| directory.projects.values().map(|entry| entry.current()).collect());
        projects.sort_by_key(|project: &Project| project.id);
        projects
    }

    /// The demo, if there is one.
    pub fn demo_project(&self) -> Option<Project> {
        self.read(|directory| {
            let mut entries = directory.projects.values();
            let is_demo = |entry: &&Arc<ProjectEntry>| {
                entry.project.demo_until_us.is_some() && !entry.project.deleting
            };
            entries.find(is_demo).map(|entry| entry.current())
        })
    }

    /// The project that this dashboard id (or imported user id) opens.
    pub fn dashboard(&self, id: &DashboardId) -> Option<ProjectId> {
        let imported = self.inner.secret.hash_user_id(id);
        self.read(|directory| {
            directory
                .dashboards
                .get(id)
                .or_else(|| directory.imported_user_ids.get(&imported))
                .copied()
        })
    }

    /// Notes an authenticated visit to the project's data.
    pub fn touch_look(&self, project: ProjectId, now_us: i64) {
        self.read(|directory| {
            if let Some(entry) = directory.projects.get(&project) {
                entry.looked.touch(now_us);
            }
        });
    }

    /// A new project with its first key.
    pub async fn create_project(
        &self,
        new: NewProject,
        key: &Key,
        can: Can,
        now_us: i64,
    ) -> Result<Project, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        let id = self.next_number(&mut transaction).await?;
        let insert = "INSERT INTO projects (id, name, created_us, privacy_level, erased_level, keep_hits_days) VALUES ($1, $2, $3, $4, $5, $6)";
        sqlx::query(insert)
            .bind(column(id))
            .bind(&new.name)
            .bind(now_us)
            .bind(i64::from(new.privacy_level.min(2)))
            .bind(i64::from(new.privacy_level.min(2)))
            .bind(new.keep_hits_days.map(i64::from))
            .execute(&mut *transaction)
            .await?;
        let (hash, entry) =
            insert_key(&mut transaction, &self.inner.secret, id, key, can, now_us).await?;
        let user_id = new.user_id.map(|user_id| self.inner.secret.hash_user_id(&user_id));
        if let Some(user_id) = user_id {
            if new.user_id.is_some_and(|user_id| self.dashboard(&user_id).is_some()) {
                return Err(MetaError::UserIdTaken);
            }
            sqlx::query("INSERT INTO imported_user_ids (hash, project) VALUES ($1, $2)")
                .bind(user_id.as_slice())
                .bind(column(id))
                .execute(&mut *transaction)
                .await?;
        }
        let project = read_project(&mut transaction, id).await?.ok_or(sqlx::Error::RowNotFound)?;
        transaction.commit().await?;
        self.number_is_given(id).await;
        self.write(|directory| {
            directory.put_project(project.clone(), &self.inner.secret);
            directory.keys.insert(hash, entry);
            if let Some(user_id) = user_id {
                directory.imported_user_ids.insert(user_id, id);
            }
        });
        Ok(project)
    }

    /// The demo: a project without keys, whose hits the server generates from `until_us` on.
    pub async fn create_demo_project(
        &self,
        new: NewProject,
        until_us: i64,
        now_us: i64,
    ) -> Result<Project, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        let id = self.next_number(&mut transaction).await?;
        let insert = "INSERT INTO projects (id, name, created_us, privacy_level, erased_level, keep_hits_days, demo_until_us) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        sqlx::query(insert)
            .bind(column(id))
            .bind(&new.name)
            .bind(now_us)
            .bind(i64::from(new.privacy_level.min(2)))
            .bind(i64::from(new.privacy_level.min(2)))
            .bind(new.keep_hits_days.map(i64::from))
            .bind(until_us)
            .execute(&mut *transaction)
            .await?;
        let project = read_project(&mut transaction, id).await?.ok_or(sqlx::Error::RowNotFound)?;
        transaction.commit().await?;
        self.number_is_given(id).await;
        self.write(|directory| directory.put_project(project.clone(), &self.inner.secret));
        Ok(project)
    }

    /// The demo's hits have been generated up to this time.
    pub async fn set_demo_until(&self, project: ProjectId, until_us: i64) -> Result<(), MetaError> {
        let set =
            "UPDATE projects SET demo_until_us = $1 WHERE id = $2 AND demo_until_us IS NOT NULL";
        self.set(project, sqlx::query(set).bind(until_us)).await.map(drop)
    }

    /// None if there is no such project. The privacy level may be lowered; data that was not kept stays lost.
    pub async fn change_project(
        &self,
        project: ProjectId,
        change: ProjectChange,
    ) -> Result<Option<Project>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        let Some(before) = read_project(&mut transaction, project).await? else { return Ok(None) };
        if before.deleting {
            return Ok(None);
        }
        let privacy_level = i64::from(change.privacy_level.unwrap_or(before.privacy_level).min(2));
        let update = "UPDATE projects SET name = $1, tz = $2, privacy_level = $3, erased_level = CASE WHEN erased_level < $4 THEN erased_level ELSE $4 END, keep_hits_days = $5, apdex_ms = $6, success_amber = $7, success_red = $8 WHERE id = $9";
        sqlx::query(update)
            .bind(change.name.unwrap_or(before.name))
            .bind(change.tz.unwrap_or(before.tz))
            .bind(privacy_level)
            .bind(privacy_level)
            .bind(change.keep_hits_days.unwrap_or(before.keep_hits_days).map(i64::from))
            .bind(i64::from(change.apdex_ms.unwrap_or(before.apdex_ms)))
            .bind(change.success_amber.unwrap_or(before.success_amber))
            .bind(change.success_red.unwrap_or(before.success_red))
            .bind(column(project))
            .execute(&mut *transaction)
            .await?;
        let changed = read_project(&mut transaction, project).await?;
        transaction.commit().await?;
        let Some(changed) = changed else { return Ok(None) };
        self.write(|directory| directory.put_project(changed, &self.inner.secret));
        Ok(self.project(project))
    }

    /// No file holds data of the project any more that privacy level `level` would not have stored.
    pub async fn set_erased_level(&self, project: ProjectId, level: u8) -> Result<(), MetaError> {
        let set = "UPDATE projects SET erased_level = CASE WHEN privacy_level < $1 THEN privacy_level ELSE $1 END WHERE id = $2";
        self.set(project, sqlx::query(set).bind(i64::from(level))).await?;
        self.forget_deleted().await
    }

    /// Runs an update whose last parameter is the project's number, and updates memory.
    async fn set(
        &self,
        project: ProjectId,
        update: sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments>,
    ) -> Result<Option<Project>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        update.bind(column(project)).execute(&mut *transaction).await?;
        let changed = read_project(&mut transaction, project).await?;
        transaction.commit().await?;
        if let Some(changed) = &changed {
            self.write(|directory| directory.put_project(changed.clone(), &self.inner.secret));
        }
        Ok(changed)
    }

    /// The project's current dashboard id; none if there is no such project.
    pub fn dashboard_id(&self, project: ProjectId) -> Option<DashboardId> {
        let project = self.project(project).filter(|project| !project.deleting)?;
        Some(self.inner.secret.dashboard_id(project.id.0, project.generation))
    }

    /// A new dashboard id; the old one, an imported user id and sessions based on them stop working at once.
    pub async fn regenerate_dashboard_id(
        &self,
        project: ProjectId,
    ) -> Result<Option<DashboardId>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        sqlx::query(
            "UPDATE projects SET generation = generation + 1 WHERE id = $1 AND deleting = 0",
        )
        .bind(column(project))
        .execute(&mut *transaction)
        .await?;
        for change in [
            "DELETE FROM imported_user_ids WHERE project = $1",
            "DELETE FROM session_projects WHERE project = $1 AND key IS NULL",
            "UPDATE session_projects SET generation = NULL WHERE project = $1",
        ] {
            sqlx::query(change).bind(column(project)).execute(&mut *transaction).await?;
        }
        let changed = read_project(&mut transaction, project).await?;
        transaction.commit().await?;
        let Some(changed) = changed else { return Ok(None) };
        self.write(|directory| {
            directory.imported_user_ids.retain(|_, owner| *owner != project);
            directory.change_sessions(|held| match held.project == project {
                true => held.key.map(|_| ProjectGrant { generation: None, ..*held }),
                false => Some(*held),
            });
            directory.put_project(changed, &self.inner.secret);
        });
        Ok(self.dashboard_id(project))
    }

    /// Stores the day since which the project counts as inactive; none: it is active again.
    pub async fn set_warned(&self, project: ProjectId, day: Option<i64>) -> Result<(), MetaError> {
        let set = "UPDATE projects SET warned_day = $1 WHERE id = $2";
        self.set(project, sqlx::query(set).bind(day)).await.map(drop)
    }

    /// First half of a deletion: from here on no key, dashboard id or user id of the project works, even after a
    /// restart. False if there is no such project.
    pub async fn begin_delete(&self, project: ProjectId) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.db.pool.begin().await?;
        sqlx::query("UPDATE projects SET deleting = 1 WHERE id = $1")
            .bind(column(project))
            .execute(&mut *transaction)
            .await?;
        for delete in [
            "DELETE FROM keys WHERE project = $1",
            "DELETE FROM imported_user_ids WHERE project = $1",
            "DELETE FROM session_projects WHERE project = $1",
            "DELETE FROM share_links WHERE project = $1",
            "DELETE FROM ingest_health WHERE project = $1",
            "DELETE FROM learned_routes WHERE project = $1",
            "DELETE FROM monitors WHERE project = $1",
            "DELETE FROM channels WHERE project = $1",
            "DELETE FROM maintenance WHERE project = $1",
            "DELETE FROM status_pages WHERE project = $1",
            "DELETE FROM rules WHERE project = $1",
            "DELETE FROM deploys WHERE project = $1",
            "DELETE FROM views WHERE project = $1",
            "DELETE FROM releases WHERE project = $1",
        ] {
            sqlx::query(delete).bind(column(project)).execute(&mut *transaction).await?;
        }
        let changed = read_project(&mut transaction, project).await?;
        transaction.commit().await?;
        let Some(changed) = changed else { return Ok(false) };
        self.write(|directory| {
            directory.put_project(changed, &self.inner.secret);
            directory.close_project(project);
        });
        Ok(true)
    }

    /// Second half, once no file holds a hit of it: deletes the project's row, and with it every byte in this file.
    pub async fn finish_delete(&self, project: ProjectId) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        sqlx::query("DELETE FROM projects WHERE id = $1")
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await?;
        self.forget_deleted().await?;
        self.write(|directory| {
            directory.close_project(project);
            directory.projects.remove(&project);
        });
        Ok(())
    }

    /// The numbers of existing projects, except those being deleted.
    pub fn live_projects(&self) -> HashSet<ProjectId> {
        self.read(|directory| {
            directory
                .projects
                .values()
                .filter(|entry| !entry.project.deleting)
                .map(|entry| entry.project.id)
                .collect()
        })
    }
}

pub(super) async fn read_project(
    connection: &mut Connection,
    id: ProjectId,
) -> Result<Option<Project>, MetaError> {
    let select =
        sqlx::AssertSqlSafe(format!("SELECT {PROJECT_COLUMNS} FROM projects WHERE id = $1"));
    let row = sqlx::query(select).bind(column(id)).fetch_optional(connection).await?;
    row.as_ref().map(to_project).transpose()
}
