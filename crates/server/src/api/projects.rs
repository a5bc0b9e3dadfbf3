//! `/api/v1/projects`: the caller's projects, and new ones.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use store::meta::Key;
use utoipa::ToSchema;

use crate::app::{App, SharedApp};
use crate::auth::{ClientAddress, Holder, PageCall, Secret, Visitor, cookie, sign_in};
use crate::body::JsonObject;
use crate::error::ApiError;
use crate::pieces::to_rfc3339;
use crate::projects::{headline, register_project};

#[derive(Serialize, ToSchema)]
pub struct ProjectList {
    pub projects: Vec<ProjectOverview>,
}

/// A project and its last 24 hours.
#[derive(Serialize, ToSchema)]
pub struct ProjectOverview {
    pub project_id: u32,
    pub name: String,
    /// `owner` or `dashboard`.
    pub access: String,
    pub requests: u64,
    /// Those answered with a status of 400 or more.
    pub errors: u64,
    /// Requests of the same time a day earlier: as long as that of `requests`, whose last hour is under way.
    pub previous_requests: u64,
    pub p95_ms: Option<f64>,
    /// When the newest accepted batch arrived; null: never.
    pub last_hit_at: Option<String>,
    /// Requests of each hour, 24 of them.
    pub series: Vec<u64>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// At most 100 characters.
    #[serde(default)]
    pub name: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct CreatedProject {
    pub project_id: u32,
    /// Shown only once.
    pub key: String,
    pub dashboard_id: String,
}

/// The projects of the session, or of the key; none without either.
#[utoipa::path(
    get, path = "/api/v1/projects", tag = "projects",
    responses(
        (status = 200, description = "The projects, with what happened in the last 24 hours", body = ProjectList),
        (status = 401, description = "The key is unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits, or is a share link's token", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many unknown keys from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn list_projects(
    State(app): State<SharedApp>,
    visitor: Visitor,
) -> Result<Json<ProjectList>, ApiError> {
    let mut projects = Vec::with_capacity(visitor.projects.len());
    for holder in &visitor.projects {
        projects.push(to_overview(&app, holder).await?);
    }
    Ok(Json(ProjectList { projects }))
}

/// Create a project. From the page it joins the session.
#[utoipa::path(
    post, path = "/api/v1/projects", tag = "projects",
    request_body(content = NewProject, description = "May be left out"),
    responses(
        (status = 201, description = "Created; the key is shown only once", body = CreatedProject),
        (status = 400, description = "The body cannot be read", body = crate::schema::ErrorAnswer),
        (status = 403, description = "Registration is closed, or the call comes from another site", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many projects from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn create_project(
    State(app): State<SharedApp>,
    ClientAddress(client): ClientAddress,
    call: PageCall,
    JsonObject(new): JsonObject<NewProject>,
) -> Result<(StatusCode, HeaderMap, Json<CreatedProject>), ApiError> {
    call.refuse_elsewhere()?;
    let created = register_project(&app, new.name.as_deref().unwrap_or_default(), client).await?;
    let mut headers = HeaderMap::new();
    if call.from_page {
        let secret = Secret::Key(Key::parse(&created.key.to_string()));
        let (token, _) = sign_in(&app, &call, secret, client).await?;
        headers.insert(header::SET_COOKIE, cookie::keep(&app.settings, &token));
    }
    let answer = CreatedProject {
        project_id: created.project.id.0,
        key: created.key.to_string(),
        dashboard_id: created.dashboard_id.to_string(),
    };
    Ok((StatusCode::CREATED, headers, Json(answer)))
}

pub(super) async fn to_overview(app: &App, holder: &Holder) -> Result<ProjectOverview, ApiError> {
    let headline = headline(app, holder.reader(), &holder.scope).await?;
    let name = app.meta.project(holder.project).map(|project| project.name).unwrap_or_default();
    Ok(ProjectOverview {
        project_id: holder.project.0,
        name,
        access: holder.role.as_str().to_owned(),
        requests: headline.requests,
        errors: headline.errors,
        previous_requests: headline.previous_requests,
        p95_ms: headline.p95_ms,
        last_hit_at: app.store.last_arrival(holder.project).await?.map(to_rfc3339),
        series: headline.series,
    })
}
