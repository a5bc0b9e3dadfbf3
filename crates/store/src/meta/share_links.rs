//! Share links: read-only addresses of one project's dashboard, created and revoked by its owner. Only a keyed hash of
//! the token is stored, so it is shown once.
//!
//! The locked filter is stored as text and parsed for each of the holder's calls.

use std::sync::Arc;

use analytics::hit::ProjectId;
use analytics::limits;

use super::directory::{LinkEntry, Touched};
use super::error::MetaError;
use super::handle::Meta;
use super::rows::{NewShareLink, ShareLink};
use super::secrets::Token;
use crate::database::columns::column;

impl Meta {
    /// None if there is no such project.
    pub async fn add_share_link(
        &self,
        project: ProjectId,
        token: &Token,
        new: NewShareLink,
        now_us: i64,
    ) -> Result<Option<ShareLink>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        if self.project(project).is_none_or(|project| project.deleting) {
            return Ok(None);
        }
        if self.share_links(project).len() as u64 >= limits::SHARE_LINKS_PER_PROJECT {
            return Err(MetaError::TooManyShareLinks);
        }
        let hash = self.inner.secret.hash_share_link(token);
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO share_links (project, hash, name, q, addresses, consumers, hits, created_us, expires_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        )
        .bind(column(project))
        .bind(hash.as_slice())
        .bind(&new.name)
        .bind(&new.q)
        .bind(i64::from(new.addresses))
        .bind(i64::from(new.consumers))
        .bind(i64::from(new.hits))
        .bind(now_us)
        .bind(new.expires_us)
        .fetch_one(&self.inner.db.pool)
        .await?;
        let link = ShareLink { id, project, new, created_us: now_us, last_used_us: None };
        let entry = Arc::new(LinkEntry { link: link.clone(), used: Touched::new(None) });
        self.write(|directory| directory.links.insert(hash, entry));
        Ok(Some(link))
    }

    /// In order of their numbers, including expired ones.
    pub fn share_links(&self, project: ProjectId) -> Vec<ShareLink> {
        let mut links: Vec<ShareLink> = self.read(|directory| {
            let links = directory.links.values();
            links
                .filter(|entry| entry.link.project == project)
                .map(|entry| entry.current())
                .collect()
        });
        links.sort_by_key(|link| link.id);
        links
    }

    /// The link of this token, even an expired one, and marks it as used.
    pub fn share_link(&self, token: &Token, now_us: i64) -> Option<ShareLink> {
        let hash = self.inner.secret.hash_share_link(token);
        self.read(|directory| {
            let entry = directory.links.get(&hash)?;
            if !entry.link.has_expired(now_us) {
                entry.used.touch(now_us);
            }
            Some(entry.current())
        })
    }

    /// The link stops working at once. False if the project has no such link.
    pub async fn revoke_share_link(&self, project: ProjectId, id: i64) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let deleted = sqlx::query("DELETE FROM share_links WHERE id = $1 AND project = $2")
            .bind(id)
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await?;
        self.write(|directory| {
            directory.links.retain(|_, entry| entry.link.id != id || entry.link.project != project);
        });
        Ok(deleted.rows_affected() > 0)
    }
}
