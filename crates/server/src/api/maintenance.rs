//! `/api/v1/maintenance`: planned times in which outages send no notice and do not lower the uptime.

use std::sync::Arc;

use analytics::fields::FieldError;
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::maintenance::{Maintenance, MaintenanceSettings, Schedule, Windows};
use analytics::uptime::Span;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use store::meta::MaintenanceRow;
use utoipa::ToSchema;

use crate::app::{App, SharedApp};
use crate::auth::{Holder, Manager};
use crate::body::JsonObject;
use crate::error::{ApiError, Code};
use crate::pieces::to_rfc3339;

#[derive(Serialize, ToSchema)]
pub struct MaintenanceList {
    pub maintenance: Vec<MaintenanceAnswer>,
}

/// A maintenance window.
#[derive(Serialize, ToSchema)]
pub struct MaintenanceAnswer {
    pub id: i64,
    #[schema(example = "Database upgrade")]
    pub title: String,
    pub text: Option<String>,
    /// The `id`s of the monitors that it concerns; null for all of the project.
    pub monitors: Option<Vec<i64>>,
    /// Whether visitors of the status page see it.
    pub published: bool,
    pub schedule: Option<Schedule>,
    pub created_at: String,
    /// Null if it doesn't take place now.
    pub current: Option<Window>,
    /// The next times at which it takes place, at most three; empty where it is over.
    pub upcoming: Vec<Window>,
}

/// When a maintenance window takes place.
#[derive(Serialize, ToSchema)]
pub struct MaintenanceTimes {
    /// Null if it would not take place now.
    pub current: Option<Window>,
    /// The next times at which it would take place, at most three; empty where it is over.
    pub upcoming: Vec<Window>,
}

#[derive(Serialize, ToSchema)]
pub struct Window {
    pub from: String,
    pub to: String,
}

/// The project's maintenance windows.
#[utoipa::path(
    get, path = "/api/v1/maintenance", tag = "maintenance",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 200, description = "The maintenance windows", body = MaintenanceList),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show maintenance", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_maintenance(
    State(app): State<SharedApp>,
    holder: Holder,
) -> Json<MaintenanceList> {
    let rows = app.meta.maintenance(holder.project);
    Json(MaintenanceList { maintenance: rows.iter().map(|row| to_answer(&app, row)).collect() })
}

/// Plan maintenance.
#[utoipa::path(
    post, path = "/api/v1/maintenance", tag = "maintenance",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = MaintenanceSettings,
    responses(
        (status = 201, description = "The maintenance window", body = MaintenanceAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 409, description = "The project has as many maintenance windows as it may have", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn create_maintenance(
    State(app): State<SharedApp>,
    manager: Manager,
    JsonObject(body): JsonObject<Map<String, Value>>,
) -> Result<(StatusCode, Json<MaintenanceAnswer>), ApiError> {
    let planned = read(&app, manager.project, &MaintenanceSettings::default(), body).await?;
    let most = app.settings.limits.get("maintenance_per_project") as usize;
    let now_us = app.clock.now_us();
    let made = app.meta.add_maintenance(manager.project, planned.settings, most, now_us).await?;
    let row =
        made.ok_or_else(|| ApiError::new(Code::UnknownKey, "the project of this key is gone"))?;
    app.monitors.plan_maintenance(manager.project);
    app.status_views.forget(manager.project);
    tracing::info!(project = manager.project.0, maintenance = row.id, "maintenance planned");
    Ok((StatusCode::CREATED, Json(to_answer(&app, &row))))
}

/// When a maintenance window would take place. Nothing is kept.
#[utoipa::path(
    post, path = "/api/v1/maintenance/preview", tag = "maintenance",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = MaintenanceSettings,
    responses(
        (status = 200, description = "The times", body = MaintenanceTimes),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn preview_maintenance(
    State(app): State<SharedApp>,
    manager: Manager,
    JsonObject(body): JsonObject<Map<String, Value>>,
) -> Result<Json<MaintenanceTimes>, ApiError> {
    let maintenance = read(&app, manager.project, &MaintenanceSettings::default(), body).await?;
    let now_ms = app.clock.now_us().div_euclid(1_000);
    let current = maintenance.current(now_ms).map(Window::of);
    Ok(Json(MaintenanceTimes { current, upcoming: upcoming(&maintenance.windows, now_ms) }))
}

/// A maintenance window.
#[utoipa::path(
    get, path = "/api/v1/maintenance/{id}", tag = "maintenance",
    params(
        ("id" = i64, Path, description = "The maintenance window's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The maintenance window", body = MaintenanceAnswer),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show maintenance", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such maintenance window", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn show_maintenance(
    State(app): State<SharedApp>,
    holder: Holder,
    Path(id): Path<String>,
) -> Result<Json<MaintenanceAnswer>, ApiError> {
    let row = find(&app, holder.project, &id)?;
    Ok(Json(to_answer(&app, &row)))
}

/// Change a maintenance window. Fields that are not there stay, null is the default again. Time that has passed stays counted
/// as it was.
#[utoipa::path(
    patch, path = "/api/v1/maintenance/{id}", tag = "maintenance",
    params(
        ("id" = i64, Path, description = "The maintenance window's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    request_body = MaintenanceSettings,
    responses(
        (status = 200, description = "The maintenance window as it is now", body = MaintenanceAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such maintenance window", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn change_maintenance(
    State(app): State<SharedApp>,
    manager: Manager,
    Path(id): Path<String>,
    JsonObject(body): JsonObject<Map<String, Value>>,
) -> Result<Json<MaintenanceAnswer>, ApiError> {
    let row = find(&app, manager.project, &id)?;
    let planned = read(&app, manager.project, &row.settings, body).await?;
    let changed = app.meta.change_maintenance(manager.project, row.id, planned.settings).await?;
    let row = changed.ok_or_else(unknown)?;
    app.monitors.plan_maintenance(manager.project);
    app.status_views.forget(manager.project);
    tracing::info!(project = manager.project.0, maintenance = row.id, "maintenance changed");
    Ok(Json(to_answer(&app, &row)))
}

/// Delete a maintenance window. One that takes place now ends; time that has passed stays counted as it was.
#[utoipa::path(
    delete, path = "/api/v1/maintenance/{id}", tag = "maintenance",
    params(
        ("id" = i64, Path, description = "The maintenance window's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such maintenance window", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn remove_maintenance(
    State(app): State<SharedApp>,
    manager: Manager,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let row = find(&app, manager.project, &id)?;
    app.meta.remove_maintenance(manager.project, row.id).await?;
    app.monitors.plan_maintenance(manager.project);
    app.status_views.forget(manager.project);
    tracing::info!(project = manager.project.0, maintenance = row.id, "maintenance deleted");
    Ok(StatusCode::NO_CONTENT)
}

fn find(app: &App, project: ProjectId, id: &str) -> Result<Arc<MaintenanceRow>, ApiError> {
    id.parse().ok().and_then(|id| app.meta.maintenance_of(project, id)).ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::new(
        Code::UnknownMaintenance,
        "the project has no such maintenance window; GET /api/v1/maintenance lists them",
    )
}

fn invalid(problem: FieldError) -> ApiError {
    ApiError::new(Code::InvalidMaintenance, problem.to_string())
}

/// `before` with `change`, checked. Monitors in `before` may be gone; others must exist.
async fn read(
    app: &App,
    project: ProjectId,
    before: &MaintenanceSettings,
    change: Map<String, Value>,
) -> Result<Maintenance, ApiError> {
    let settings = before.changed(change).map_err(invalid)?;
    let known = before.monitors.as_deref().unwrap_or_default();
    let named = settings.monitors.as_deref().unwrap_or_default();
    let missing =
        named.iter().find(|id| !known.contains(id) && app.meta.monitor(project, **id).is_none());
    if let Some(id) = missing {
        let message = format!("names monitor {id}, which the project doesn't have");
        return Err(invalid(FieldError::new("monitors", message)));
    }
    // For a cron expression this walks through a year.
    let compiled = tokio::task::spawn_blocking(|| settings.compile()).await;
    let compiled = compiled.map_err(|error| ApiError::internal("planning maintenance", &error))?;
    compiled.map_err(invalid)
}

fn to_answer(app: &App, row: &MaintenanceRow) -> MaintenanceAnswer {
    let now_ms = app.clock.now_us().div_euclid(1_000);
    let read = row.settings.clone().read();
    let current = read.as_ref().and_then(|maintenance| maintenance.current(now_ms));
    let upcoming = read.as_ref().map(|maintenance| upcoming(&maintenance.windows, now_ms));
    let settings = row.settings.clone();
    MaintenanceAnswer {
        id: row.id,
        title: settings.title.unwrap_or_default(),
        text: settings.text,
        monitors: settings.monitors,
        published: settings.published.unwrap_or(false),
        schedule: settings.schedule,
        created_at: to_rfc3339(row.created_us),
        current: current.map(Window::of),
        upcoming: upcoming.unwrap_or_default(),
    }
}

fn upcoming(windows: &Windows, now_ms: i64) -> Vec<Window> {
    let most = limits::MAINTENANCE_UPCOMING as usize;
    windows.upcoming(now_ms, most).into_iter().map(Window::of).collect()
}

impl Window {
    fn of(span: Span) -> Window {
        let to_time = |ms: i64| to_rfc3339(ms.saturating_mul(1_000));
        Window { from: to_time(span.from_ms), to: to_time(span.to_ms) }
    }
}
