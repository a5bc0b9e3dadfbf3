//! `/api/v1/views`: pages of a project, saved by name with their state.
//!
//! A project's owner saves views, and everyone who is signed in to the project opens them. A view's filter may name
//! consumers, so neither share links nor the demo show any.

use analytics::hit::ProjectId;
use analytics::limits;
use analytics::view::{NewView, ViewPage};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use store::meta::ViewRow;
use utoipa::ToSchema;

use crate::app::{App, SharedApp};
use crate::auth::{Holder, Owner};
use crate::body::JsonObject;
use crate::error::{ApiError, Code};
use crate::pieces::to_rfc3339;

#[derive(Serialize, ToSchema)]
pub struct ViewList {
    /// Ordered by name.
    pub views: Vec<ViewAnswer>,
}

/// A saved view.
#[derive(Serialize, ToSchema)]
pub struct ViewAnswer {
    pub id: i64,
    #[schema(example = "Failing payments")]
    pub name: String,
    pub page: ViewPage,
    /// The page's address behind the `?`, without `project`.
    #[schema(example = "period=24h&q=status%3A5xx")]
    pub query: String,
    pub created_at: String,
}

/// The project's saved views.
#[utoipa::path(
    get, path = "/api/v1/views", tag = "views",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 200, description = "The views", body = ViewList),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show views, nor does the demo", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_views(
    State(app): State<SharedApp>,
    holder: Holder,
) -> Result<Json<ViewList>, ApiError> {
    let rows = app.meta.views(holder.project).await?;
    Ok(Json(ViewList { views: rows.into_iter().map(to_answer).collect() }))
}

/// Save a view. Its query is checked as the page's own calls are, and normalized.
#[utoipa::path(
    post, path = "/api/v1/views", tag = "views",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = NewView,
    responses(
        (status = 201, description = "The view", body = ViewAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 409, description = "The name is taken, or the project has as many views as it may have", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn create_view(
    State(app): State<SharedApp>,
    owner: Owner,
    JsonObject(new): JsonObject<NewView>,
) -> Result<(StatusCode, Json<ViewAnswer>), ApiError> {
    let view = new.check(None).map_err(invalid)?;
    let now_us = app.clock.now_us();
    let made = app.meta.add_view(owner.project, view, limits::VIEWS_PER_PROJECT, now_us).await?;
    let row =
        made.ok_or_else(|| ApiError::new(Code::UnknownKey, "the project of this key is gone"))?;
    tracing::info!(project = owner.project.0, view = row.id, "view saved");
    Ok((StatusCode::CREATED, Json(to_answer(row))))
}

/// Rename a view, or change its page and query. Missing fields are kept.
#[utoipa::path(
    patch, path = "/api/v1/views/{id}", tag = "views",
    params(
        ("id" = i64, Path, description = "The view's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    request_body = NewView,
    responses(
        (status = 200, description = "The view as it is now", body = ViewAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such view", body = crate::schema::ErrorAnswer),
        (status = 409, description = "Another view has this name", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn change_view(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
    JsonObject(change): JsonObject<NewView>,
) -> Result<Json<ViewAnswer>, ApiError> {
    let before = find(&app, owner.project, &id).await?;
    let view = change.check(Some(before.view.clone())).map_err(invalid)?;
    if !app.meta.change_view(owner.project, before.id, &view).await? {
        return Err(unknown());
    }
    tracing::info!(project = owner.project.0, view = before.id, "view changed");
    Ok(Json(to_answer(ViewRow { view, ..before })))
}

/// Delete a view.
#[utoipa::path(
    delete, path = "/api/v1/views/{id}", tag = "views",
    params(
        ("id" = i64, Path, description = "The view's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such view", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn remove_view(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let row = find(&app, owner.project, &id).await?;
    if !app.meta.remove_view(owner.project, row.id).await? {
        return Err(unknown());
    }
    tracing::info!(project = owner.project.0, view = row.id, "view deleted");
    Ok(StatusCode::NO_CONTENT)
}

async fn find(app: &App, project: ProjectId, id: &str) -> Result<ViewRow, ApiError> {
    let found = match id.parse() {
        Ok(id) => app.meta.view(project, id).await?,
        Err(_) => None,
    };
    found.ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::new(Code::UnknownView, "the project has no such view; GET /api/v1/views lists them")
}

fn invalid(error: analytics::fields::FieldError) -> ApiError {
    ApiError::new(Code::InvalidView, error.to_string())
}

fn to_answer(row: ViewRow) -> ViewAnswer {
    ViewAnswer {
        id: row.id,
        name: row.view.name,
        page: row.view.page,
        query: row.view.query,
        created_at: to_rfc3339(row.created_us),
    }
}
