//! Keys and dashboard ids in the original's format: a JSON string, by GET where the original uses it.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::SharedApp;
use crate::auth::{ClientAddress, KeyInAddress, Owner, PageCall};
use crate::error::{ApiError, Code};
use crate::projects::{BACKUPS_REMAIN, delete_project, register_project};

/// Create a project; answers with its key.
#[utoipa::path(
    get, path = "/api/generate", tag = "original",
    responses(
        (status = 200, description = "The new key, shown only once", body = String, content_type = "application/json", example = json!("0b0f5a6e-2a33-4c55-9d1e-0123456789ab")),
        (status = 403, description = "Registration is closed, or another site made a browser call", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many projects from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn generate(
    State(app): State<SharedApp>,
    ClientAddress(client): ClientAddress,
    call: PageCall,
) -> Result<Json<String>, ApiError> {
    call.refuse_elsewhere()?;
    let created = register_project(&app, "", client).await?;
    Ok(Json(created.key.to_string()))
}

/// The same under another of the original's addresses.
#[utoipa::path(
    get, path = "/api/generate-api-key", tag = "original",
    responses(
        (status = 200, description = "The new key, shown only once", body = String, content_type = "application/json"),
        (status = 403, description = "Registration is closed, or another site made a browser call", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many projects from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn generate_api_key(
    app: State<SharedApp>,
    client: ClientAddress,
    call: PageCall,
) -> Result<Json<String>, ApiError> {
    generate(app, client, call).await
}

/// The dashboard id of a key.
#[utoipa::path(
    get, path = "/api/user-id/{api_key}", tag = "original",
    params(("api_key" = String, Path, description = "A key with full access")),
    responses(
        (status = 200, description = "The dashboard id", body = String, content_type = "application/json"),
        (status = 400, description = "The key is not known", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many unknown keys from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn show_user_id(
    State(app): State<SharedApp>,
    owner: KeyInAddress,
) -> Result<Json<String>, ApiError> {
    let id = app.meta.dashboard_id(owner.project);
    let id = id.ok_or_else(|| {
        ApiError::new(Code::UnknownKeyInAddress, "the project of this key is gone")
    })?;
    Ok(Json(id.to_string()))
}

/// A new dashboard id; the old one stops working at once.
#[utoipa::path(
    post, path = "/api/regenerate-user-id", tag = "original",
    responses(
        (status = 200, description = "The new dashboard id", body = String, content_type = "application/json"),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = [])),
)]
pub async fn regenerate_user_id(
    State(app): State<SharedApp>,
    owner: Owner,
) -> Result<Json<String>, ApiError> {
    let id = app.meta.regenerate_dashboard_id(owner.project).await?;
    let id =
        id.ok_or_else(|| ApiError::new(Code::UnknownKey, "the project of this key is gone"))?;
    tracing::info!(project = owner.project.0, "dashboard id regenerated");
    Ok(Json(id.to_string()))
}

#[derive(Serialize, ToSchema)]
pub struct Deleted {
    pub status: u16,
    pub message: String,
    /// Hits that were erased.
    pub erased: u64,
}

/// Delete everything of a key's project. Off unless the setting `get_delete` is on.
#[utoipa::path(
    get, path = "/api/delete/{api_key}", tag = "original",
    params(("api_key" = String, Path, description = "A key with full access")),
    responses(
        (status = 200, description = "Every copy of the project on disk is gone", body = Deleted),
        (status = 400, description = "The key is not known", body = crate::schema::ErrorAnswer),
        (status = 403, description = "Deleting by GET is off", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn delete_by_get(
    State(app): State<SharedApp>,
    _: GetDeleteIsOn,
    owner: KeyInAddress,
) -> Result<Json<Deleted>, ApiError> {
    let erased = delete_project(&app, owner.project).await?;
    Ok(Json(Deleted { status: 200, message: format!("deleted; {BACKUPS_REMAIN}"), erased }))
}

/// Only if the operator allowed it; checked before the key.
pub struct GetDeleteIsOn;

impl axum::extract::FromRequestParts<SharedApp> for GetDeleteIsOn {
    type Rejection = ApiError;

    async fn from_request_parts(
        _: &mut axum::http::request::Parts,
        app: &SharedApp,
    ) -> Result<GetDeleteIsOn, ApiError> {
        if app.settings.get_delete {
            return Ok(GetDeleteIsOn);
        }
        Err(ApiError::new(
            Code::GetDeleteOff,
            "deleting by GET is off here; send DELETE /api/v1/project with the key in the header X-AUTH-TOKEN",
        ))
    }
}
