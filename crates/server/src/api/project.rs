//! `/api/v1/project`: one project, its settings, its deletion.

use axum::Json;
use axum::extract::State;
use jiff::ToSpan;
use serde::{Deserialize, Serialize};
use store::meta::{Project, ProjectChange};
use utoipa::ToSchema;

use crate::app::{App, SharedApp};
use crate::auth::{Owner, Role, Shows, Viewer};
use crate::body::{JsonObject, nullable};
use crate::error::{ApiError, Code};
use crate::jobs;
use crate::pieces::to_rfc3339;
use crate::projects::{self, BACKUPS_REMAIN, check_name, delete_project};
use analytics::filter::Filter;
use analytics::period::Period;
use analytics::query::HitsQuery;
use analytics::{limits, period};

#[derive(Serialize, ToSchema)]
pub struct ProjectSettings {
    pub project_id: u32,
    pub name: String,
    /// The caller's access: `owner` (everything), `dashboard` (sees everything), `view` (what a share link shows) or
    /// `demo`.
    pub access: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// IANA name of the zone in which days are counted.
    pub tz: String,
    /// The least that batches are kept with; see the ingest call.
    pub privacy_level: u8,
    /// How long its hits are kept; null: as the server says.
    pub keep_hits_days: Option<u32>,
    /// The server's setting; null: for ever.
    pub default_keep_hits_days: Option<u32>,
    /// When hits that are older than they are kept are erased next, RFC 3339: once a day. Until then they are shown.
    pub next_erasure_at: String,
    /// The T of Apdex.
    pub apdex_ms: u32,
    /// Success rates, 0 to 1, below which the page turns amber and red.
    pub success_amber: f64,
    pub success_red: f64,
    /// Null for anyone but its owner.
    pub dashboard_id: Option<String>,
    /// When the newest accepted batch arrived; null: never. For a share link with a filter, the time of the newest request
    /// that it shows.
    pub last_hits_at: Option<String>,
    /// The project was inactive for long and will be erased, unless hits or a look come.
    pub inactive: bool,
    /// The day after which that happens at the earliest, YYYY-MM-DD; null while it is active.
    pub erased_after: Option<String>,
    /// The filter of the share link, which is part of every answer; "" for none. Conditions on what it does not show are
    /// left out.
    pub locked_q: String,
    /// Whether such conditions were left out.
    pub locked_hides: bool,
    pub shows: Shown,
}

/// Parts of the project that this call may see besides the numbers.
#[derive(Serialize, ToSchema)]
pub struct Shown {
    pub addresses: bool,
    pub consumers: bool,
    /// Individual requests.
    pub hits: bool,
}

/// A missing field stays as it is.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsChange {
    /// At most 100 characters.
    pub name: Option<String>,
    /// IANA name, such as `Europe/London`.
    pub tz: Option<String>,
    /// 0 to 2. Raising it erases what the new level would not have stored.
    #[schema(maximum = 2)]
    pub privacy_level: Option<u8>,
    /// 1 to 36,500; null: as the server says.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<u32>)]
    pub keep_hits_days: Option<Option<u32>>,
    /// 1 to 3,600,000.
    pub apdex_ms: Option<u32>,
    /// 0 to 1, not below `success_red`.
    pub success_amber: Option<f64>,
    /// 0 to 1.
    pub success_red: Option<f64>,
}

#[derive(Serialize, ToSchema)]
pub struct Erased {
    /// Hits that are gone.
    pub erased: u64,
    pub message: String,
}

#[derive(Serialize, ToSchema)]
pub struct NewDashboardId {
    pub dashboard_id: String,
}

/// The project's settings.
#[utoipa::path(
    get, path = "/api/v1/project", tag = "projects",
    params(("project" = Option<String>, Query, description = "Which of the session's projects; `demo` for the demo")),
    responses(
        (status = 200, description = "The settings", body = ProjectSettings),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The server has no demo", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = []), ("share_link" = []), ()),
)]
pub async fn show_project(
    State(app): State<SharedApp>,
    viewer: Viewer,
) -> Result<Json<ProjectSettings>, ApiError> {
    let project = app.meta.project(viewer.project).ok_or_else(gone)?;
    Ok(Json(to_settings(&app, project, &viewer).await?))
}

/// Change settings. A raised privacy level answers once what it does not allow is erased from every file.
#[utoipa::path(
    patch, path = "/api/v1/project", tag = "projects",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = SettingsChange,
    responses(
        (status = 200, description = "The settings as they are now", body = ProjectSettings),
        (status = 400, description = "A setting cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn change_project(
    State(app): State<SharedApp>,
    owner: Owner,
    JsonObject(body): JsonObject<SettingsChange>,
) -> Result<Json<ProjectSettings>, ApiError> {
    let before = app.meta.project(owner.project).ok_or_else(gone)?;
    let change = to_change(body, &before)?;
    let project = projects::change_project(&app, owner.project, change).await?;
    tracing::info!(project = project.id.0, "settings changed");
    Ok(Json(to_settings(&app, project, &owner.into_viewer()).await?))
}

/// Delete the project with its keys and hits; answers once every copy on disk is gone.
#[utoipa::path(
    delete, path = "/api/v1/project", tag = "projects",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 200, description = "Everything is erased", body = Erased),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn remove_project(
    State(app): State<SharedApp>,
    owner: Owner,
) -> Result<Json<Erased>, ApiError> {
    let erased = delete_project(&app, owner.project).await?;
    Ok(Json(Erased { erased, message: format!("the project is deleted; {BACKUPS_REMAIN}") }))
}

/// A new dashboard id; the old one and its sessions stop working at once.
#[utoipa::path(
    post, path = "/api/v1/project/dashboard-id", tag = "projects",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 200, description = "The new one", body = NewDashboardId),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn regenerate_dashboard_id(
    State(app): State<SharedApp>,
    owner: Owner,
) -> Result<Json<NewDashboardId>, ApiError> {
    let id = app.meta.regenerate_dashboard_id(owner.project).await?.ok_or_else(gone)?;
    tracing::info!(project = owner.project.0, "dashboard id regenerated");
    Ok(Json(NewDashboardId { dashboard_id: id.to_string() }))
}

fn gone() -> ApiError {
    ApiError::new(Code::UnknownKey, "the project of this key is gone")
}

async fn to_settings(
    app: &App,
    project: Project,
    viewer: &Viewer,
) -> Result<ProjectSettings, ApiError> {
    let is_owner = viewer.role == Role::Owner;
    let dashboard_id = app.meta.dashboard_id(project.id).filter(|_| is_owner);
    let Shows { addresses, consumers, hits } = viewer.shows;
    // Viewers of a share link don't see it.
    let warned_day =
        project.warned_day.filter(|_| matches!(viewer.role, Role::Owner | Role::Dashboard));
    let (lock, lock_hides) = viewer.shown_lock();
    let next_erasure_us = jobs::next_erasure_us(app).await?;
    Ok(ProjectSettings {
        project_id: project.id.0,
        access: viewer.role.as_str().to_owned(),
        created_at: to_rfc3339(project.created_us),
        tz: project.tz,
        privacy_level: project.privacy_level,
        keep_hits_days: project.keep_hits_days,
        default_keep_hits_days: app.settings.limits.get_days("keep_hits"),
        next_erasure_at: to_rfc3339(next_erasure_us),
        apdex_ms: project.apdex_ms,
        success_amber: project.success_amber,
        success_red: project.success_red,
        dashboard_id: dashboard_id.map(|id| id.to_string()),
        last_hits_at: last_hits_at(app, viewer).await?,
        inactive: warned_day.is_some(),
        erased_after: warned_day.and_then(|day| erased_after(app, day)),
        locked_q: lock.to_string(),
        locked_hides: lock_hides,
        shows: Shown { addresses, consumers, hits },
        name: project.name,
    })
}

async fn last_hits_at(app: &App, viewer: &Viewer) -> Result<Option<String>, ApiError> {
    if !viewer.is_locked() {
        return Ok(app.store.last_arrival(viewer.project).await?.map(to_rfc3339));
    }
    let newest = HitsQuery {
        scope: viewer.scope.clone(),
        period: Period::default(),
        filter: Filter::default(),
        after: None,
        limit: 1,
    };
    let newest = app.hits(viewer.reader(), newest).await?;
    Ok(newest.first().map(|hit| to_rfc3339(hit.time_us)))
}

/// Days on which the server does not run are not counted, so it may be later.
fn erased_after(app: &App, warned_day: i64) -> Option<String> {
    let grace = app.settings.limits.get_days("inactive_grace").unwrap_or_default();
    let days = warned_day.checked_add(i64::from(grace))?;
    let day = jiff::civil::date(1970, 1, 1).checked_add(days.days()).ok()?;
    Some(day.to_string())
}

fn to_change(body: SettingsChange, before: &Project) -> Result<ProjectChange, ApiError> {
    let wrong = |name: &str, expected: &str| {
        Err(ApiError::new(Code::InvalidSetting, format!("`{name}` is not {expected}")))
    };
    if let Some(tz) = &body.tz
        && (tz.is_empty() || period::parse_zone(tz).is_err())
    {
        return wrong("tz", "the name of a time zone, such as Europe/London or UTC");
    }
    if body.privacy_level.is_some_and(|level| level > 2) {
        return wrong("privacy_level", "0, 1 or 2");
    }
    let most_days = limits::KEPT_DAYS as u32;
    if let Some(Some(days)) = body.keep_hits_days
        && !(1..=most_days).contains(&days)
    {
        return wrong(
            "keep_hits_days",
            &format!("a number of days from 1 to {most_days}, or null"),
        );
    }
    let most_ms = limits::APDEX_MS as u32;
    if body.apdex_ms.is_some_and(|ms| !(1..=most_ms).contains(&ms)) {
        return wrong("apdex_ms", &format!("a number of milliseconds from 1 to {most_ms}"));
    }
    let amber = body.success_amber.unwrap_or(before.success_amber);
    let red = body.success_red.unwrap_or(before.success_red);
    for (name, rate) in [("success_amber", amber), ("success_red", red)] {
        if !(0.0..=1.0).contains(&rate) {
            return wrong(name, "a share from 0 to 1");
        }
    }
    if amber < red {
        return wrong("success_amber", "at least `success_red`, below which the page turns red");
    }
    Ok(ProjectChange {
        name: body.name.as_deref().map(check_name).transpose()?,
        tz: body.tz,
        privacy_level: body.privacy_level,
        keep_hits_days: body.keep_hits_days,
        apdex_ms: body.apdex_ms,
        success_amber: body.success_amber,
        success_red: body.success_red,
    })
}
