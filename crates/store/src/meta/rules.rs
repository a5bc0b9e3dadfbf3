//! Alert rules: their settings, made and changed by the project's owner. Where their alerts stand is not here (`checks`).

use std::sync::Arc;

use analytics::alert::RuleSettings;
use analytics::hit::ProjectId;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use super::directory::Directory;
use super::{Meta, MetaError};

/// A rule as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleRow {
    pub id: i64,
    pub project: ProjectId,
    pub settings: RuleSettings,
    pub created_us: i64,
}

impl Meta {
    /// None where there is no such project. `most`: rules that a project may have.
    pub async fn add_rule(
        &self,
        project: ProjectId,
        settings: RuleSettings,
        most: usize,
        now_us: i64,
    ) -> Result<Option<Arc<RuleRow>>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        if self.project(project).is_none_or(|project| project.deleting) {
            return Ok(None);
        }
        if self.rules(project).len() >= most {
            return Err(MetaError::TooManyRules);
        }
        let inserted =
            sqlx::query("INSERT INTO rules (project, settings, created_us) VALUES (?, ?, ?)")
                .bind(project.0)
                .bind(to_text(&settings)?)
                .bind(now_us)
                .execute(&self.inner.pool)
                .await?;
        let id = inserted.last_insert_rowid();
        let rule = Arc::new(RuleRow { id, project, settings, created_us: now_us });
        self.write(|directory| directory.rules.insert(id, rule.clone()));
        Ok(Some(rule))
    }

    /// None where the project has no such rule.
    pub async fn change_rule(
        &self,
        project: ProjectId,
        id: i64,
        settings: RuleSettings,
    ) -> Result<Option<Arc<RuleRow>>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let Some(before) = self.rule(project, id) else { return Ok(None) };
        sqlx::query("UPDATE rules SET settings = ? WHERE id = ? AND project = ?")
            .bind(to_text(&settings)?)
            .bind(id)
            .bind(project.0)
            .execute(&self.inner.pool)
            .await?;
        let rule = Arc::new(RuleRow { settings, ..RuleRow::clone(&before) });
        self.write(|directory| directory.rules.insert(id, rule.clone()));
        Ok(Some(rule))
    }

    /// False where the project has no such rule.
    pub async fn remove_rule(&self, project: ProjectId, id: i64) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let deleted = sqlx::query("DELETE FROM rules WHERE id = ? AND project = ?")
            .bind(id)
            .bind(project.0)
            .execute(&self.inner.pool)
            .await?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        self.forget_deleted().await?;
        self.write(|directory| directory.rules.remove(&id));
        Ok(true)
    }

    /// In order of their numbers.
    pub fn rules(&self, project: ProjectId) -> Vec<Arc<RuleRow>> {
        self.read(|directory| {
            let rules = directory.rules.values();
            rules.filter(|rule| rule.project == project).cloned().collect()
        })
    }

    pub fn rule(&self, project: ProjectId, id: i64) -> Option<Arc<RuleRow>> {
        self.any_rule(id).filter(|rule| rule.project == project)
    }

    /// Whichever project it belongs to: for what runs by itself.
    pub fn any_rule(&self, id: i64) -> Option<Arc<RuleRow>> {
        self.read(|directory| directory.rules.get(&id).cloned())
    }

    /// Of all projects, in order of their numbers.
    pub fn all_rules(&self) -> Vec<Arc<RuleRow>> {
        self.read(|directory| directory.rules.values().cloned().collect())
    }
}

impl Directory {
    pub(super) fn drop_rules(&mut self, project: ProjectId) {
        self.rules.retain(|_, rule| rule.project != project);
    }
}

pub(super) async fn load(pool: &SqlitePool, directory: &mut Directory) -> Result<(), MetaError> {
    let rows = sqlx::query("SELECT id, project, settings, created_us FROM rules");
    for row in rows.fetch_all(pool).await? {
        let rule = to_rule(&row)?;
        directory.rules.insert(rule.id, Arc::new(rule));
    }
    Ok(())
}

fn to_rule(row: &SqliteRow) -> Result<RuleRow, sqlx::Error> {
    let settings: &str = row.try_get("settings")?;
    Ok(RuleRow {
        id: row.try_get("id")?,
        project: ProjectId(row.try_get("project")?),
        settings: serde_json::from_str(settings)
            .map_err(|problem| sqlx::Error::Decode(Box::new(problem)))?,
        created_us: row.try_get("created_us")?,
    })
}

fn to_text(settings: &RuleSettings) -> Result<String, sqlx::Error> {
    serde_json::to_string(settings).map_err(|problem| sqlx::Error::Encode(Box::new(problem)))
}
