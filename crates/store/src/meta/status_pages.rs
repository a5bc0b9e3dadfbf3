//! Public status pages: at most one per project, found by its slug. Published incidents are in `checks`.

use std::sync::Arc;

use crate::database::bounded::Pool;
use analytics::hit::ProjectId;
use analytics::status_page::logo::Logo;
use analytics::status_page::slug;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::directory::Directory;
use super::error::MetaError;
use super::handle::Meta;
use super::rows::StatusPageRow;
use crate::database::columns::{Columns as _, column};

impl Meta {
    /// Creates the project's page, or replaces it. None if there is no such project.
    pub async fn put_status_page(
        &self,
        row: StatusPageRow,
    ) -> Result<Option<Arc<StatusPageRow>>, MetaError> {
        let _changing = self.inner.changing.lock().await;
        if self.project(row.project).is_none_or(|project| project.deleting) {
            return Ok(None);
        }
        let holder = self.read(|directory| directory.status_slugs.get(&row.page.slug).copied());
        if holder.is_some_and(|holder| holder != row.project) {
            return Err(MetaError::SlugTaken);
        }
        let settings = serde_json::to_string(&row.page)
            .map_err(|problem| sqlx::Error::Encode(Box::new(problem)))?;
        sqlx::query(
            "INSERT INTO status_pages (project, slug, settings, logo) VALUES ($1, $2, $3, $4) ON CONFLICT (project)
             DO UPDATE SET slug = excluded.slug, settings = excluded.settings, logo = excluded.logo",
        )
        .bind(column(row.project))
        .bind(&row.page.slug)
        .bind(settings)
        .bind(row.logo.as_ref().map(Logo::bytes))
        .execute(&self.inner.db.pool)
        .await?;
        let row = Arc::new(row);
        self.write(|directory| directory.put_status_page(row.clone()));
        Ok(Some(row))
    }

    /// False if the project has none.
    pub async fn remove_status_page(&self, project: ProjectId) -> Result<bool, MetaError> {
        let _changing = self.inner.changing.lock().await;
        let deleted = sqlx::query("DELETE FROM status_pages WHERE project = $1")
            .bind(column(project))
            .execute(&self.inner.db.pool)
            .await?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        self.forget_deleted().await?;
        self.write(|directory| directory.drop_status_page(project));
        Ok(true)
    }

    pub fn status_page(&self, project: ProjectId) -> Option<Arc<StatusPageRow>> {
        self.read(|directory| directory.status_pages.get(&project).cloned())
    }

    /// Of all projects.
    pub fn all_status_pages(&self) -> Vec<Arc<StatusPageRow>> {
        self.read(|directory| directory.status_pages.values().cloned().collect())
    }

    /// The page at this address, whether or not it is enabled.
    pub fn status_page_at(&self, slug: &str) -> Option<Arc<StatusPageRow>> {
        self.read(|directory| {
            let project = directory.status_slugs.get(slug)?;
            directory.status_pages.get(project).cloned()
        })
    }

    /// A slug for a project without a page, constant as long as the project keeps its name. It is derived from the
    /// server's secret, so that nobody else can guess it.
    pub fn proposed_slug(&self, project: ProjectId) -> String {
        let key = self.inner.secret.derive("api-analytics 2026 slug of a status page");
        let hash = blake3::keyed_hash(&key, &project.0.to_le_bytes());
        let mut random = [0; 8];
        random.copy_from_slice(&hash.as_bytes()[..8]);
        let name = self.project(project).map(|project| project.name).unwrap_or_default();
        slug::propose(&name, random)
    }

    /// The id by which visitors of a status page know an incident; `source` as `IncidentSource::to_column`. The
    /// incident cannot be derived from it.
    pub fn public_incident_id(&self, source: i64, number: u64) -> String {
        let purpose = "api-analytics 2026 incident of a status page";
        self.public_id(purpose, source.to_le_bytes(), number.to_le_bytes())
    }

    /// The same for a maintenance window that begins at `from_ms`.
    pub fn public_maintenance_id(&self, id: i64, from_ms: i64) -> String {
        let purpose = "api-analytics 2026 maintenance of a status page";
        self.public_id(purpose, id.to_le_bytes(), from_ms.to_le_bytes())
    }

    pub(super) fn public_id(&self, purpose: &str, one: [u8; 8], other: [u8; 8]) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.inner.secret.derive(purpose));
        hasher.update(&one);
        hasher.update(&other);
        hasher.finalize().to_hex()[..16].to_owned()
    }
}

pub(super) async fn load(pool: &Pool, directory: &mut Directory) -> Result<(), MetaError> {
    let rows = sqlx::query("SELECT project, settings, logo FROM status_pages");
    for row in rows.fetch_all(pool).await? {
        directory.put_status_page(Arc::new(to_status_page(&row)?));
    }
    Ok(())
}

fn to_status_page(row: &AnyRow) -> Result<StatusPageRow, sqlx::Error> {
    let settings: &str = row.try_get("settings")?;
    let logo: Option<Vec<u8>> = row.try_get("logo")?;
    let logo = logo.map(Logo::from_bytes).transpose();
    Ok(StatusPageRow {
        project: row.project("project")?,
        page: serde_json::from_str(settings)
            .map_err(|problem| sqlx::Error::Decode(Box::new(problem)))?,
        logo: logo.map_err(|problem| sqlx::Error::Decode(Box::new(problem)))?,
    })
}
