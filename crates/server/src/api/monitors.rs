//! `/api/v1/monitors`: a project's monitors, their states, and results of checks. Answers show nothing of a response's
//! body, and not the address that a name resolved to.

pub mod history;
mod shape;
mod uptime;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use analytics::hit::ProjectId;
use analytics::limits;
use analytics::monitor::{Kind, Monitor, MonitorSettings};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use store::meta::{MonitorRow, NewMonitor};

use crate::address::own_address;
use crate::app::{App, SharedApp};
use crate::auth::{Holder, Manager, Role};
use crate::body::JsonObject;
use crate::error::{ApiError, Code};
use crate::monitor::look;
use crate::monitor_changes::{
    add_monitor, check_kept_headers, check_parent, check_unmanaged, delete_monitor,
};
use crate::parameters::Parameters;

use uptime::uptimes;

pub use shape::{CheckList, CheckedNow, MonitorAnswer, MonitorCheck, MonitorList, PhaseTimes};
pub use uptime::{DayBar, Uptime};

/// The project's monitors.
#[utoipa::path(
    get, path = "/api/v1/monitors", tag = "monitors",
    params(
        ("uptime" = Option<bool>, Query, description = "false: without `uptime` and `bars`, which change slowly. Default: true"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The monitors and where they stand", body = MonitorList),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show monitors", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_monitors(
    State(app): State<SharedApp>,
    holder: Holder,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Json<MonitorList>, ApiError> {
    let wants_uptime =
        parameters.take_as(&["uptime"], "true or false", |text| text.parse::<bool>().ok())?;
    parameters.finish()?;
    let rows = app.meta.monitors(holder.project);
    let _turn = app.reads.take(holder.reader(), READ).await?;
    let mut uptimes = match wants_uptime {
        Some(false) => HashMap::new(),
        _ => uptimes(&app, &rows.iter().map(|row| row.id).collect::<Vec<i64>>()).await?,
    };
    let monitors = rows.iter().map(|row| {
        let answer = to_answer(&app, row, &headers);
        with_uptime(answer, uptimes.remove(&row.id))
    });
    Ok(Json(MonitorList { monitors: monitors.collect() }))
}

/// Make a monitor. Its first check is made within the interval.
#[utoipa::path(
    post, path = "/api/v1/monitors", tag = "monitors",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = MonitorSettings,
    responses(
        (status = 201, description = "The monitor with every default filled in", body = MonitorAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 409, description = "The project has as many monitors as it may have", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn create_monitor(
    State(app): State<SharedApp>,
    manager: Manager,
    headers: HeaderMap,
    JsonObject(body): JsonObject<Map<String, Value>>,
) -> Result<(StatusCode, Json<MonitorAnswer>), ApiError> {
    let settings = MonitorSettings::default().changed(body)?;
    let new = NewMonitor { settings, ..NewMonitor::default() };
    let row = add_monitor(&app, manager.project, new).await?;
    Ok((StatusCode::CREATED, Json(to_answer(&app, &row, &headers))))
}

/// A monitor, where it stands, and its uptime.
#[utoipa::path(
    get, path = "/api/v1/monitors/{id}", tag = "monitors",
    params(
        ("id" = i64, Path, description = "The monitor's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The monitor", body = MonitorAnswer),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show monitors", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such monitor", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn show_monitor(
    State(app): State<SharedApp>,
    holder: Holder,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<MonitorAnswer>, ApiError> {
    let row = find(&app, holder.project, &id)?;
    let _turn = app.reads.take(holder.reader(), READ).await?;
    let answer = to_answer(&app, &row, &headers);
    let uptime = uptimes(&app, &[row.id]).await?.remove(&row.id);
    Ok(Json(with_uptime(answer, uptime)))
}

/// Change a monitor. Fields that are not there stay, null is the default again.
#[utoipa::path(
    patch, path = "/api/v1/monitors/{id}", tag = "monitors",
    params(
        ("id" = i64, Path, description = "The monitor's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    request_body = MonitorSettings,
    responses(
        (status = 200, description = "The monitor as it is now", body = MonitorAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such monitor", body = crate::schema::ErrorAnswer),
        (status = 409, description = "The monitor is kept in the operator's file", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn change_monitor(
    State(app): State<SharedApp>,
    manager: Manager,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonObject(body): JsonObject<Map<String, Value>>,
) -> Result<Json<MonitorAnswer>, ApiError> {
    let row = find(&app, manager.project, &id)?;
    check_unmanaged(&row)?;
    let settings = row.settings.changed(body.clone())?;
    let monitor = Monitor::compile(settings, Some(app.dialer.allowed()))?;
    if manager.role != Role::Owner {
        check_kept_headers(&row.settings, &body, &monitor.settings)?;
    }
    // A monitor whose parent is gone can still be changed otherwise.
    if let Some(parent) = monitor.settings.part_of
        && row.settings.part_of != Some(parent)
    {
        check_parent(&app, manager.project, Some(row.id), parent)?;
    }
    let changed = app.meta.change_monitor(manager.project, row.id, monitor.settings).await?;
    let row = changed.ok_or_else(unknown)?;
    app.monitors.put(row.clone());
    tracing::info!(project = manager.project.0, monitor = row.id, "monitor changed");
    Ok(Json(to_answer(&app, &row, &headers)))
}

/// Delete a monitor with everything that its checks found.
#[utoipa::path(
    delete, path = "/api/v1/monitors/{id}", tag = "monitors",
    params(
        ("id" = i64, Path, description = "The monitor's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such monitor", body = crate::schema::ErrorAnswer),
        (status = 409, description = "The monitor is kept in the operator's file", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn remove_monitor(
    State(app): State<SharedApp>,
    manager: Manager,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let row = find(&app, manager.project, &id)?;
    delete_monitor(&app, &row).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List a monitor's checks, newest first. Single results are kept for 48 hours.
#[utoipa::path(
    get, path = "/api/v1/monitors/{id}/checks", tag = "monitors",
    params(
        ("id" = i64, Path, description = "The monitor's `id`"),
        ("limit" = Option<u32>, Query, description = "At most so many, 1 to 1,000. Default: 100"),
        ("before" = Option<String>, Query, description = "Only those before this time (RFC 3339), such as `next` of the page before"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The results", body = CheckList),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show monitors", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such monitor", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_checks(
    State(app): State<SharedApp>,
    holder: Holder,
    Path(id): Path<String>,
    mut parameters: Parameters,
) -> Result<Json<CheckList>, ApiError> {
    let row = find(&app, holder.project, &id)?;
    let limit = parameters.take_as(&["limit"], "a number from 1 to 1,000", |text| {
        text.parse().ok().filter(|limit| (1..=limits::CHECKS_PAGE).contains(limit))
    })?;
    let before =
        parameters.take_as(&["before"], "a time such as 2027-01-31T00:00:00Z", |text| {
            text.parse::<jiff::Timestamp>().ok()
        })?;
    parameters.finish()?;
    let limit = limit.unwrap_or(limits::CHECKS_PAGE_DEFAULT) as usize;
    let before_ms = before.map_or(i64::MAX, |before| before.as_millisecond());
    let _turn = app.reads.take(holder.reader(), READ).await?;
    let mut rows = app.checks.newest(row.id, before_ms, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| shape::to_time(row.at_ms));
    Ok(Json(CheckList { checks: rows.iter().map(MonitorCheck::of).collect(), next }))
}

/// Check now, and say what came back. The result is shown and not kept: slots are what uptime is made of.
#[utoipa::path(
    post, path = "/api/v1/monitors/{id}/check", tag = "monitors",
    params(
        ("id" = i64, Path, description = "The monitor's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The result of the check", body = CheckedNow),
        (status = 400, description = "The monitor is a heartbeat, which is called and does not call", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such monitor", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many checks were asked for from this address", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn check_now(
    State(app): State<SharedApp>,
    manager: Manager,
    Path(id): Path<String>,
) -> Result<Json<CheckedNow>, ApiError> {
    let row = find(&app, manager.project, &id)?;
    let monitor = Arc::new(Monitor::compile(row.settings.clone(), None)?);
    if row.settings.kind == Some(Kind::Heartbeat) {
        return Err(ApiError::new(
            Code::InvalidMonitor,
            "a heartbeat cannot be checked: the job calls, and this server waits for it",
        ));
    }
    let now_us = app.clock.now_us();
    app.checks_by_hand.take(manager.client, now_us).map_err(|seconds| {
        ApiError::new(
            Code::TooManyChecks,
            format!("too many checks were asked for from this address; wait {seconds} s"),
        )
        .retry_after(seconds)
    })?;
    let found = look(&app.dialer, &monitor).await;
    Ok(Json(CheckedNow::of(found, now_us)))
}

/// The cost of an answer about one monitor, at most: about that of a short list of hits.
const READ: Duration = Duration::from_millis(10);

fn find(app: &App, project: ProjectId, id: &str) -> Result<Arc<MonitorRow>, ApiError> {
    id.parse().ok().and_then(|id| app.meta.monitor(project, id)).ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::new(
        Code::UnknownMonitor,
        "the project has no such monitor; GET /api/v1/monitors lists them",
    )
}

fn with_uptime(answer: MonitorAnswer, uptime: Option<(Vec<Uptime>, Vec<DayBar>)>) -> MonitorAnswer {
    let (uptime, bars) = uptime.unzip();
    MonitorAnswer { uptime, bars, ..answer }
}

fn to_answer(app: &App, row: &MonitorRow, headers: &HeaderMap) -> MonitorAnswer {
    let is_heartbeat = row.settings.kind == Some(Kind::Heartbeat);
    let heartbeat_url = is_heartbeat.then(|| {
        let token = app.meta.heartbeat_token(row);
        format!("{}/api/heartbeat/{token}", own_address(headers, &app.settings))
    });
    MonitorAnswer::of(row, app.monitors.standing(row.id), heartbeat_url, app.clock.now_us())
}
