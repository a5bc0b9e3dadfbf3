//! The original's monitors, identified by their URL: add one, delete one, and results of their checks.

use std::collections::BTreeMap;

use analytics::hit::ProjectId;
use analytics::limits;
use analytics::monitor::{Kind, MonitorSettings};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::meta::{MonitorRow, NewMonitor};
use utoipa::ToSchema;

use crate::app::{App, SharedApp};
use crate::auth::DashboardHolder;
use crate::body::DashboardInBody;
use crate::error::{ApiError, Code};
use crate::monitor_changes::{add_monitor, delete_monitor};
use crate::pieces::to_rfc3339;

/// A check of the original's: one that got no answer has the status 0.
#[derive(Serialize, ToSchema)]
pub struct Ping {
    /// Milliseconds.
    pub response_time: u64,
    pub status: u16,
    pub created_at: String,
}

/// The checks of the last 48 hours in order of time, at most 1,000 per monitor.
#[utoipa::path(
    get, path = "/api/monitor/pings/{user_id}", tag = "original",
    params(("user_id" = String, Path, description = "The dashboard id")),
    responses(
        (status = 200, description = "The checks by the address of their monitor", body = BTreeMap<String, Vec<Ping>>),
        (status = 404, description = "No project has this dashboard id", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many unknown ids from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn show_pings(
    State(app): State<SharedApp>,
    holder: DashboardHolder,
) -> Result<Json<BTreeMap<String, Vec<Ping>>>, ApiError> {
    let mut pings = BTreeMap::new();
    for row in app.meta.monitors(holder.scope.project()) {
        let Some(url) = url_of(&row) else { continue };
        let _turn = app.reads.take(holder.reader, std::time::Duration::from_millis(10)).await?;
        let checks = app.checks.newest(row.id, i64::MAX, limits::CHECKS_PAGE as usize).await?;
        let checks = checks.iter().rev().filter(|check| check.missed == 0);
        let found = checks.map(|check| Ping {
            response_time: check.phases.total().as_millis() as u64,
            status: check.status.unwrap_or(0),
            created_at: to_rfc3339(check.at_ms.saturating_mul(1_000)),
        });
        pings.insert(url.to_owned(), found.collect());
    }
    Ok(Json(pings))
}

#[derive(Deserialize, ToSchema)]
pub struct AddMonitor {
    /// With or without http:// or https://.
    pub url: String,
    /// True: https.
    #[serde(default)]
    pub secure: bool,
    /// True: HEAD, false: GET.
    #[serde(default)]
    pub ping: bool,
}

#[derive(Deserialize, ToSchema)]
pub struct DeleteMonitor {
    pub url: String,
}

#[derive(Serialize, ToSchema)]
pub struct MonitorChanged {
    pub status: u16,
    pub message: String,
}

/// Add a monitor of an address, checked every minute. The body has the dashboard id as `user_id` besides.
#[utoipa::path(
    post, path = "/api/monitor/add", tag = "original",
    request_body = AddMonitor,
    responses(
        (status = 201, description = "Added", body = MonitorChanged),
        (status = 400, description = "The address or the body cannot be used", body = crate::schema::ErrorAnswer),
        (status = 404, description = "No project has this dashboard id", body = crate::schema::ErrorAnswer),
        (status = 409, description = "There is one of this address, or the project has as many monitors as it may have", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many unknown ids from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn add(
    State(app): State<SharedApp>,
    DashboardInBody { project, body }: DashboardInBody<AddMonitor>,
) -> Result<(StatusCode, Json<MonitorChanged>), ApiError> {
    let url = body.url.trim();
    if find(&app, project, url).is_some() {
        return Err(ApiError::new(
            Code::MonitorTaken,
            "the project has a monitor of this address already",
        ));
    }
    let scheme = if body.secure { "https" } else { "http" };
    let method = if body.ping { "HEAD" } else { "GET" };
    let settings = MonitorSettings {
        kind: Some(Kind::Http),
        url: Some(format!("{scheme}://{}", without_scheme(url))),
        method: Some(method.to_owned()),
        ..MonitorSettings::default()
    };
    let new = NewMonitor { settings, original_url: Some(url.to_owned()), ..NewMonitor::default() };
    add_monitor(&app, project, new).await?;
    let answer = MonitorChanged { status: 201, message: "the monitor was added".to_owned() };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Delete a monitor by its address. The body has the dashboard id as `user_id` besides.
#[utoipa::path(
    post, path = "/api/monitor/delete", tag = "original",
    request_body = DeleteMonitor,
    responses(
        (status = 201, description = "Deleted", body = MonitorChanged),
        (status = 400, description = "The body cannot be used", body = crate::schema::ErrorAnswer),
        (status = 404, description = "No project has this dashboard id, or it has no such monitor", body = crate::schema::ErrorAnswer),
        (status = 409, description = "The monitor is kept in the operator's file", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many unknown ids from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn delete(
    State(app): State<SharedApp>,
    DashboardInBody { project, body }: DashboardInBody<DeleteMonitor>,
) -> Result<(StatusCode, Json<MonitorChanged>), ApiError> {
    let row = find(&app, project, body.url.trim()).ok_or_else(|| {
        ApiError::new(Code::UnknownMonitor, "the project has no monitor of this address")
    })?;
    delete_monitor(&app, &row).await?;
    let answer = MonitorChanged { status: 201, message: "the monitor was deleted".to_owned() };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The URL that identifies a monitor here; none if it has none.
fn url_of(row: &MonitorRow) -> Option<&str> {
    row.original_url.as_deref().or(row.settings.url.as_deref())
}

fn find(app: &App, project: ProjectId, url: &str) -> Option<std::sync::Arc<MonitorRow>> {
    let wanted = bare(url);
    let monitors = app.meta.monitors(project);
    monitors.into_iter().find(|row| url_of(row).is_some_and(|known| bare(known) == wanted))
}

fn without_scheme(url: &str) -> &str {
    let prefixes = ["https://", "http://"];
    let cut = prefixes.into_iter().find(|prefix| {
        url.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    });
    cut.map_or(url, |prefix| &url[prefix.len()..])
}

/// For comparing URLs: the original's clients add and omit schemes and slashes.
fn bare(url: &str) -> String {
    without_scheme(url).trim_end_matches('/').to_ascii_lowercase()
}
