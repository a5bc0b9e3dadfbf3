//! Keys: added, listed, revoked, used.

use std::sync::Arc;

use analytics::hit::ProjectId;
use analytics::limits;
use sqlx::Row;

use super::directory::{KeyEntry, ProjectEntry, ProjectGrant, Touched};
use super::error::MetaError;
use super::handle::Meta;
use super::rows::Can;
use super::secrets::{Key, SecretHash, ServerSecret};
use crate::database::bounded::Connection;
use crate::database::columns::{Columns as _, column};

/// A known key, for the length of one request.
#[derive(Clone)]
pub struct KeyGrant {
    pub(super) key: Arc<KeyEntry>,
    pub(super) project: Arc<ProjectEntry>,
}

impl KeyGrant {
    pub fn project(&self) -> ProjectId {
        self.key.project
    }

    pub fn can(&self) -> Can {
        self.key.can
    }

    /// 0 to 2.
    pub fn privacy_level(&self) -> u8 {
        self.project.project.privacy_level
    }

    /// None: the server's setting applies.
    pub fn keep_hits_days(&self) -> Option<u32> {
        self.project.project.keep_hits_days
    }

    pub fn touch_used(&self, now_us: i64) {
        self.key.used.touch(now_us);
    }

    pub fn touch_look(&self, now_us: i64) {
        self.project.looked.touch(now_us);
    }
}

/// A key as its owner sees it: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    pub id: i64,
    pub project: ProjectId,
    /// The key's first characters.
    pub prefix: String,
    pub can: Can,
    pub created_us: i64,
    pub revoked_us: Option<i64>,
    pub last_used_us: Option<i64>,
}

const KEY_COLUMNS: &str = "id, project, prefix, can, created_us, revoked_us, last_used_us";

impl Meta {
    /// The key's access, and its project; none if the key is unknown, revoked, or its project is being deleted.
    pub fn grant(&self, key: &Key) -> Option<KeyGrant> {
        let hash = self.inner.secret.hash_key(key);
        self.read(|directory| {
            let key = directory.keys.get(&hash)?;
            let project = directory.projects.get(&key.project)?;
            Some(KeyGrant { key: key.clone(), project: project.clone() })
        })
    }

    /// The same grant with the project's current settings.
    pub fn refresh(&self, grant: KeyGrant) -> KeyGrant {
        let project = self.read(|directory| directory.projects.get(&grant.key.project).cloned());
        KeyGrant { project: project.unwrap_or(grant.project), key: grant.key }
    }

    /// None if there is no such project.
    pub async fn add_key(
        &self,
        project: ProjectId,
        key: &Key,
        can: Can,
        now_us: i64,
    ) -> Result<Option<KeyInfo>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        if self.project(project).is_none_or(|project| project.deleting) {
            return Ok(None);
        }
        if self.live_keys(project).len() as u64 >= limits::KEYS_PER_PROJECT {
            return Err(MetaError::TooManyKeys);
        }
        let mut transaction = self.inner.db.pool.begin().await?;
        // Revoked keys are kept for reference, up to a number.
        sqlx::query("DELETE FROM keys WHERE project = $1 AND revoked_us IS NOT NULL AND id NOT IN (SELECT id FROM keys WHERE project = $1 AND revoked_us IS NOT NULL ORDER BY id DESC LIMIT $2)")
            .bind(column(project))
            .bind(limits::KEYS_PER_PROJECT as i64)
            .execute(&mut *transaction)
            .await?;
        let (hash, entry) =
            insert_key(&mut transaction, &self.inner.secret, project, key, can, now_us).await?;
        transaction.commit().await?;
        let info = KeyInfo {
            id: entry.id,
            project,
            prefix: key.prefix(),
            can,
            created_us: now_us,
            revoked_us: None,
            last_used_us: None,
        };
        self.write(|directory| directory.keys.insert(hash, entry));
        Ok(Some(info))
    }

    /// The keys of one project, or of all, in order of their numbers, revoked ones too.
    pub async fn keys(&self, project: Option<ProjectId>) -> Result<Vec<KeyInfo>, MetaError> {
        self.flush().await?;
        let select =
            format!("SELECT {KEY_COLUMNS} FROM keys WHERE $1 IS NULL OR project = $1 ORDER BY id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(select)).bind(project.map(column));
        let rows = rows.fetch_all(&self.inner.db.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(KeyInfo {
                    id: row.try_get("id")?,
                    project: row.project("project")?,
                    prefix: row.try_get("prefix")?,
                    can: Can::parse(row.try_get("can")?),
                    created_us: row.try_get("created_us")?,
                    revoked_us: row.try_get("revoked_us")?,
                    last_used_us: row.try_get("last_used_us")?,
                })
            })
            .collect()
    }

    /// The key, and the access that sessions have by it, stops working at once. False if there is no such key, or it
    /// was revoked before.
    pub async fn revoke_key(&self, id: i64, now_us: i64) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        self.revoke(id, now_us).await
    }

    /// Like `revoke_key`, for a key of this project, and never the last one with full access.
    pub async fn revoke_key_of(
        &self,
        project: ProjectId,
        id: i64,
        now_us: i64,
    ) -> Result<Revoked, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let keys = self.live_keys(project);
        let Some((_, can)) = keys.iter().find(|(key, _)| *key == id) else {
            return Ok(Revoked::Unknown);
        };
        let everything = keys.iter().filter(|(_, can)| *can == Can::Everything).count();
        if *can == Can::Everything && everything == 1 {
            return Ok(Revoked::Last);
        }
        self.revoke(id, now_us).await?;
        Ok(Revoked::Done)
    }

    async fn revoke(&self, id: i64, now_us: i64) -> Result<bool, MetaError> {
        let mut transaction = self.inner.db.pool.begin().await?;
        let revoked =
            sqlx::query("UPDATE keys SET revoked_us = $1 WHERE id = $2 AND revoked_us IS NULL")
                .bind(now_us)
                .bind(id)
                .execute(&mut *transaction)
                .await?;
        for change in [
            "DELETE FROM session_projects WHERE key = $1 AND generation IS NULL",
            "UPDATE session_projects SET key = NULL WHERE key = $1",
        ] {
            sqlx::query(change).bind(id).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        self.write(|directory| {
            directory.keys.retain(|_, key| key.id != id);
            directory.change_sessions(|held| match held.key == Some(id) {
                true => held.generation.map(|_| ProjectGrant { key: None, ..*held }),
                false => Some(*held),
            });
        });
        Ok(revoked.rows_affected() > 0)
    }

    /// Numbers and access of the project's working keys.
    fn live_keys(&self, project: ProjectId) -> Vec<(i64, Can)> {
        self.read(|directory| {
            let keys = directory.keys.values();
            keys.filter(|key| key.project == project).map(|key| (key.id, key.can)).collect()
        })
    }
}

/// Result of a request to revoke a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    Done,
    /// The project has no such key, or it was revoked before.
    Unknown,
    /// It is the last one with full access: without it nobody could change the project any more.
    Last,
}

pub(super) async fn insert_key(
    connection: &mut Connection,
    secret: &ServerSecret,
    project: ProjectId,
    key: &Key,
    can: Can,
    now_us: i64,
) -> Result<(SecretHash, Arc<KeyEntry>), MetaError> {
    let hash = secret.hash_key(key);
    let inserted = sqlx::query_scalar(
        "INSERT INTO keys (project, hash, prefix, can, created_us) VALUES ($1, $2, $3, $4, $5) RETURNING id",
    )
    .bind(column(project))
    .bind(hash.as_slice())
    .bind(key.prefix())
    .bind(can.as_str())
    .bind(now_us)
    .fetch_one(connection)
    .await;
    let id: i64 = match inserted {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            return Err(MetaError::KeyTaken);
        }
        other => other?,
    };
    let entry = KeyEntry { id, project, can, used: Touched::new(None) };
    Ok((hash, Arc::new(entry)))
}
