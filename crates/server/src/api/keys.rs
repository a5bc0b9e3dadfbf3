//! `/api/v1/keys`: the keys of a project, for its owner. A key itself is shown once, when it is created.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::meta::{Can, KeyInfo, Revoked};
use utoipa::ToSchema;

use crate::app::SharedApp;
use crate::auth::Owner;
use crate::body::JsonObject;
use crate::error::{ApiError, Code};
use crate::pieces::to_rfc3339;
use crate::projects::new_key;

#[derive(Serialize, ToSchema)]
pub struct KeyList {
    pub keys: Vec<ProjectKey>,
}

#[derive(Serialize, ToSchema)]
pub struct ProjectKey {
    pub id: i64,
    /// Its first characters.
    pub prefix: String,
    /// `everything`, or `ingest`: posts hits and deploys, sees nothing.
    pub can: String,
    pub created_at: String,
    /// Null: never.
    pub last_used_at: Option<String>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// `everything` or `ingest`.
    pub can: String,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
pub struct CreatedKey {
    pub id: i64,
    /// Shown only once.
    pub key: String,
    pub prefix: String,
    pub can: String,
    pub created_at: String,
    pub last_used_at: Option<String>,
}

/// The keys that work.
#[utoipa::path(
    get, path = "/api/v1/keys", tag = "keys",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 200, description = "The keys, without themselves", body = KeyList),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_keys(
    State(app): State<SharedApp>,
    owner: Owner,
) -> Result<Json<KeyList>, ApiError> {
    let keys = app.meta.keys(Some(owner.project)).await?;
    let keys = keys.into_iter().filter(|key| key.revoked_us.is_none()).map(to_key);
    Ok(Json(KeyList { keys: keys.collect() }))
}

/// Make another key.
#[utoipa::path(
    post, path = "/api/v1/keys", tag = "keys",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = NewKey,
    responses(
        (status = 201, description = "The key, shown only once", body = CreatedKey),
        (status = 400, description = "`can` is neither `everything` nor `ingest`", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 409, description = "The project has as many keys as it may have", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn create_key(
    State(app): State<SharedApp>,
    owner: Owner,
    JsonObject(new): JsonObject<NewKey>,
) -> Result<(StatusCode, Json<CreatedKey>), ApiError> {
    let can = match new.can.as_str() {
        "everything" => Can::Everything,
        "ingest" => Can::Ingest,
        _ => {
            return Err(ApiError::new(
                Code::InvalidSetting,
                "`can` is neither `everything` nor `ingest`",
            ));
        }
    };
    let key = new_key()?;
    let made = app.meta.add_key(owner.project, &key, can, app.clock.now_us()).await?;
    let made =
        made.ok_or_else(|| ApiError::new(Code::UnknownKey, "the project of this key is gone"))?;
    tracing::info!(project = owner.project.0, key = made.id, "key added");
    let ProjectKey { id, prefix, can, created_at, last_used_at } = to_key(made);
    let created = CreatedKey { id, key: key.to_string(), prefix, can, created_at, last_used_at };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Revoke a key. It stops working at once, as do sessions that were signed in with it.
#[utoipa::path(
    delete, path = "/api/v1/keys/{id}", tag = "keys",
    params(
        ("id" = i64, Path, description = "The key's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 204, description = "Revoked"),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such key", body = crate::schema::ErrorAnswer),
        (status = 409, description = "It is the last key with full access", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn revoke_key(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let revoked = match id.parse() {
        Ok(id) => app.meta.revoke_key_of(owner.project, id, app.clock.now_us()).await?,
        Err(_) => Revoked::Unknown,
    };
    match revoked {
        Revoked::Done => {
            tracing::info!(project = owner.project.0, key = id, "key revoked");
            Ok(StatusCode::NO_CONTENT)
        }
        Revoked::Unknown => Err(ApiError::new(
            Code::UnknownKeyId,
            "the project has no such key; GET /api/v1/keys lists them",
        )),
        Revoked::Last => Err(ApiError::new(
            Code::LastKey,
            "this is the last key with full access: create another one first, or delete the project",
        )),
    }
}

fn to_key(key: KeyInfo) -> ProjectKey {
    ProjectKey {
        id: key.id,
        prefix: key.prefix,
        can: key.can.as_str().to_owned(),
        created_at: to_rfc3339(key.created_us),
        last_used_at: key.last_used_us.map(to_rfc3339),
    }
}
