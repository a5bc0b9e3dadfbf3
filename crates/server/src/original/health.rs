//! `GET /api/health`: whether the server is healthy, and its problems.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, SharedApp};

#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `healthy` or `unhealthy`.
    #[schema(example = "healthy")]
    pub status: &'static str,
    /// Problems, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Information for the operator that is not a problem, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Whether the server is well.
#[utoipa::path(
    get, path = "/api/health", tag = "operation",
    responses(
        (status = 200, description = "All is well", body = Health),
        (status = 500, description = "Something is wrong; `problems` says what", body = Health),
    ),
)]
pub async fn show_health(State(app): State<SharedApp>) -> (StatusCode, Json<Health>) {
    let problems = find_problems(&app).await;
    let (code, status) = if problems.is_empty() {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::INTERNAL_SERVER_ERROR, "unhealthy")
    };
    (code, Json(Health { status, problems, notes: find_notes(&app) }))
}

fn find_notes(app: &App) -> Vec<String> {
    let mut notes = app.store.stats().notes;
    notes.extend(app.clock_watch.note());
    notes.extend(app.certificate_order.note());
    notes
}

async fn find_problems(app: &App) -> Vec<String> {
    let stats = app.store.stats();
    let least_free = app.settings.limits.get("disk_free_percent");
    let least_bytes = app.settings.limits.get("disk_free_bytes");
    let mut problems = stats.problems;
    if !stats.ready {
        problems.push("the store of hits is not ready".to_owned());
    }
    if stats.disk_free_percent < least_free || stats.disk_free_bytes < least_bytes {
        let mib = least_bytes >> 20;
        problems.push(format!(
            "less than {least_free} % or {mib} MiB of the disk is free: hits are refused"
        ));
    }
    if stats.inbox_bytes >= app.settings.limits.get("inbox_bytes") {
        problems.push("the inbox is full: hits are refused".to_owned());
    }
    problems.extend(app.monitors.problems());
    problems.extend(app.rules.problems());
    problems.extend(app.outbox.problems());
    problems.extend(app.subscriber_mail.problems());
    problems.extend(app.certificate_order.problem());
    if app.checks.ping().await.is_err() {
        problems.push("the results of checks cannot be read".to_owned());
    }
    if app.meta.ping().await.is_err() {
        problems.push("the table of projects cannot be read".to_owned());
    }
    problems
}
