//! Projects: made, changed, deleted.

use std::collections::HashSet;

use analytics::hit::ProjectId;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::keys::{Can, insert_key};
use super::secrets::{DashboardId, Key};
use super::{Meta, MetaError};

/// One API being watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    /// As its owner wrote it; may be empty.
    pub name: String,
    pub created_us: i64,
    /// 0 to 2; the higher of this and the batch's own level counts.
    pub privacy_level: u8,
    /// None: as the server's setting says.
    pub keep_hits_days: Option<u32>,
    pub generation: u32,
    /// The last authenticated look at its data.
    pub last_look_us: Option<i64>,
    /// The day (since 1970) on which it was first said to be inactive; none while it is active.
    pub warned_day: Option<i64>,
    /// Its hits are being erased; no key of it works any more.
    pub deleting: bool,
}

/// What a new project begins with.
#[derive(Clone, Debug, Default)]
pub struct NewProject {
    pub name: String,
    pub privacy_level: u8,
    pub keep_hits_days: Option<u32>,
    /// A migrating operator's user id, which goes on working as a dashboard id.
    pub user_id: Option<DashboardId>,
}

pub(super) const PROJECT_COLUMNS: &str = "id, name, created_us, privacy_level, keep_hits_days, generation, last_look_us, warned_day, deleting";

pub(super) fn to_project(row: &SqliteRow) -> Result<Project, MetaError> {
    Ok(Project {
        id: ProjectId(row.try_get("id")?),
        name: row.try_get("name")?,
        created_us: row.try_get("created_us")?,
        privacy_level: row.try_get("privacy_level")?,
        keep_hits_days: row.try_get("keep_hits_days")?,
        generation: row.try_get("generation")?,
        last_look_us: row.try_get("last_look_us")?,
        warned_day: row.try_get("warned_day")?,
        deleting: row.try_get("deleting")?,
    })
}

impl Meta {
    /// A new project with its first key.
    pub async fn create_project(
        &self,
        new: NewProject,
        key: &Key,
        can: Can,
        now_us: i64,
    ) -> Result<Project, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.pool.begin().await?;
        let insert = "INSERT INTO projects (name, created_us, privacy_level, keep_hits_days) VALUES (?, ?, ?, ?)";
        let inserted = sqlx::query(insert)
            .bind(&new.name)
            .bind(now_us)
            .bind(new.privacy_level.min(2))
            .bind(new.keep_hits_days)
            .execute(&mut *transaction)
            .await?;
        let id = ProjectId(inserted.last_insert_rowid() as u32);
        let (hash, entry) =
            insert_key(&mut transaction, &self.inner.secret, id, key, can, now_us).await?;
        let user_id = new.user_id.map(|user_id| self.inner.secret.hash_user_id(&user_id));
        if let Some(user_id) = user_id {
            if new.user_id.is_some_and(|user_id| self.dashboard(&user_id).is_some()) {
                return Err(MetaError::UserIdTaken);
            }
            sqlx::query("INSERT INTO imported_user_ids (hash, project) VALUES (?, ?)")
                .bind(user_id.as_slice())
                .bind(id.0)
                .execute(&mut *transaction)
                .await?;
        }
        let project = read_project(&mut transaction, id).await?.ok_or(sqlx::Error::RowNotFound)?;
        transaction.commit().await?;
        self.write(|directory| {
            directory.put_project(project.clone(), &self.inner.secret);
            directory.keys.insert(hash, entry);
            if let Some(user_id) = user_id {
                directory.imported_user_ids.insert(user_id, id);
            }
        });
        Ok(project)
    }

    /// The project's dashboard id as it stands; none where there is no such project.
    pub fn dashboard_id(&self, project: ProjectId) -> Option<DashboardId> {
        let project = self.project(project).filter(|project| !project.deleting)?;
        Some(self.inner.secret.dashboard_id(project.id.0, project.generation))
    }

    /// A new dashboard id; the old one and an imported user id stop working at once.
    pub async fn regenerate_dashboard_id(
        &self,
        project: ProjectId,
    ) -> Result<Option<DashboardId>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.pool.begin().await?;
        sqlx::query(
            "UPDATE projects SET generation = generation + 1 WHERE id = ? AND NOT deleting",
        )
        .bind(project.0)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM imported_user_ids WHERE project = ?")
            .bind(project.0)
            .execute(&mut *transaction)
            .await?;
        let changed = read_project(&mut transaction, project).await?;
        transaction.commit().await?;
        let Some(changed) = changed else { return Ok(None) };
        self.write(|directory| {
            directory.imported_user_ids.retain(|_, owner| *owner != project);
            directory.put_project(changed, &self.inner.secret);
        });
        Ok(self.dashboard_id(project))
    }

    /// Remembers since which day the project is said to be inactive, or that it is active again (none).
    pub async fn set_warned(&self, project: ProjectId, day: Option<i64>) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.pool.begin().await?;
        sqlx::query("UPDATE projects SET warned_day = ? WHERE id = ?")
            .bind(day)
            .bind(project.0)
            .execute(&mut *transaction)
            .await?;
        let changed = read_project(&mut transaction, project).await?;
        transaction.commit().await?;
        if let Some(changed) = changed {
            self.write(|directory| directory.put_project(changed, &self.inner.secret));
        }
        Ok(())
    }

    /// First half of a deletion: from here on no key, dashboard id or user id of the project works, also after a
    /// restart. False where there is no such project.
    pub async fn begin_delete(&self, project: ProjectId) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.pool.begin().await?;
        sqlx::query("UPDATE projects SET deleting = 1 WHERE id = ?")
            .bind(project.0)
            .execute(&mut *transaction)
            .await?;
        for delete in [
            "DELETE FROM keys WHERE project = ?",
            "DELETE FROM imported_user_ids WHERE project = ?",
        ] {
            sqlx::query(delete).bind(project.0).execute(&mut *transaction).await?;
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

    /// Second half, once no file holds a hit of it: the project's row goes, and with it every byte in this file.
    pub async fn finish_delete(&self, project: ProjectId) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        sqlx::query("DELETE FROM projects WHERE id = ?")
            .bind(project.0)
            .execute(&self.inner.pool)
            .await?;
        self.forget_deleted().await?;
        self.write(|directory| {
            directory.close_project(project);
            directory.projects.remove(&project);
        });
        Ok(())
    }

    /// No project made from here on gets a number up to `project`. For `restore`: an older copy does not know of the
    /// projects that were made after it, and their numbers must not come back.
    pub async fn skip_project_numbers(&self, project: ProjectId) -> Result<(), MetaError> {
        let _changing = self.inner.changing.lock().await;
        let mut transaction = self.inner.pool.begin().await?;
        sqlx::query("INSERT INTO sqlite_sequence (name, seq) SELECT 'projects', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'projects')")
            .execute(&mut *transaction)
            .await?;
        sqlx::query("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'projects'")
            .bind(project.0)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The numbers of the projects that exist, those being deleted left out.
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

async fn read_project(
    connection: &mut SqliteConnection,
    id: ProjectId,
) -> Result<Option<Project>, MetaError> {
    let select =
        sqlx::AssertSqlSafe(format!("SELECT {PROJECT_COLUMNS} FROM projects WHERE id = ?"));
    let row = sqlx::query(select).bind(id.0).fetch_optional(connection).await?;
    row.as_ref().map(to_project).transpose()
}
