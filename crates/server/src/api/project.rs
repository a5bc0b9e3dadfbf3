//! `/api/v1/project`: the project of the key that comes with the call.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::auth::Owner;
use crate::error::{ApiError, Code};
use crate::projects::{BACKUPS_REMAIN, delete_project};
use crate::rows::to_rfc3339;

#[derive(Serialize, ToSchema)]
pub struct ProjectSettings {
    pub project_id: u32,
    pub name: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// The least that batches are kept with; see the ingest call.
    pub privacy_level: u8,
    /// Days; null: for ever.
    pub keep_hits_days: Option<u32>,
    pub dashboard_id: String,
    /// When the newest accepted batch arrived; null: never.
    pub last_hits_at: Option<String>,
    /// The project was inactive for long and will be erased, unless hits or a look come.
    pub inactive: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Erased {
    /// Hits that are gone.
    pub erased: u64,
    pub message: String,
}

/// The project's settings.
#[utoipa::path(
    get, path = "/api/v1/project", tag = "projects",
    responses(
        (status = 200, description = "The settings", body = ProjectSettings),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = [])),
)]
pub async fn show_project(
    State(app): State<Shared>,
    owner: Owner,
) -> Result<Json<ProjectSettings>, ApiError> {
    let gone = || ApiError::new(Code::UnknownKey, "the project of this key is gone");
    let project = app.meta.project(owner.project).ok_or_else(gone)?;
    let dashboard_id = app.meta.dashboard_id(owner.project).ok_or_else(gone)?;
    Ok(Json(ProjectSettings {
        project_id: project.id.0,
        name: project.name,
        created_at: to_rfc3339(project.created_us),
        privacy_level: project.privacy_level,
        keep_hits_days: project
            .keep_hits_days
            .or_else(|| app.settings.limits.get_days("keep_hits")),
        dashboard_id: dashboard_id.to_string(),
        last_hits_at: app.store.last_arrival(owner.project).await?.map(to_rfc3339),
        inactive: project.warned_day.is_some(),
    }))
}

/// Delete the project with its keys and hits; answers when no file holds them any more.
#[utoipa::path(
    delete, path = "/api/v1/project", tag = "projects",
    responses(
        (status = 200, description = "Everything is erased", body = Erased),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = [])),
)]
pub async fn remove_project(
    State(app): State<Shared>,
    owner: Owner,
) -> Result<Json<Erased>, ApiError> {
    let erased = delete_project(&app, owner.project).await?;
    Ok(Json(Erased { erased, message: format!("the project is deleted; {BACKUPS_REMAIN}") }))
}
