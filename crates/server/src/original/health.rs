//! `GET /api/health`: whether the server is healthy, and its problems.

use analytics::limits;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use store::meta::ServerRow;
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
    /// The servers that share the database of projects, if they can be asked for; none if this one has it for itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<HealthOfServer>,
}

/// A server that shares the database of projects.
#[derive(Serialize, ToSchema)]
pub struct HealthOfServer {
    /// Its number, part of the ids of its hits.
    pub node: u8,
    #[schema(example = "0.1.0")]
    pub version: String,
    /// The one that answers.
    pub this: bool,
    /// It checks monitors, judges rules, sends notices and does what is done once a day.
    pub leads: bool,
    /// Seconds since its last sign of life; none before the first.
    pub seen_s: Option<i64>,
    /// `alive`, `gone`, or `drained`: its folder holds nothing that ClickHouse lacks.
    #[schema(example = "alive")]
    pub state: &'static str,
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
    let servers = app.meta.servers().await.unwrap_or_default();
    let servers: Vec<HealthOfServer> = servers.into_iter().map(to_server).collect();
    let mut notes = find_notes(&app);
    // The other ones do its work, so this server is well.
    notes.extend(servers.iter().filter(|server| server.state == "gone").map(|server| {
        format!(
            "node {} is gone: requests that it accepted last may be on its disk alone. Start it, or drain it",
            server.node
        )
    }));
    let (code, status) = if problems.is_empty() {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::INTERNAL_SERVER_ERROR, "unhealthy")
    };
    (code, Json(Health { status, problems, notes, servers }))
}

fn to_server(row: ServerRow) -> HealthOfServer {
    let seen_s = row.seen_before_us.map(|us| us / 1_000_000);
    let is_gone = seen_s.is_none_or(|seen_s| seen_s > limits::SERVER_GONE_SECONDS as i64);
    let state = match (row.has_left, is_gone) {
        (true, _) => "drained",
        (_, true) => "gone",
        _ => "alive",
    };
    let leads = row.leads && state == "alive";
    HealthOfServer { node: row.node, version: row.version, this: row.is_self, leads, seen_s, state }
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
    problems.extend(app.sharing.problem());
    let (checks, meta) = tokio::join!(app.checks.ping(), app.meta.ping());
    if checks.is_err() {
        problems.push("the results of checks cannot be read".to_owned());
    }
    if meta.is_err() {
        problems.push("the table of projects cannot be read".to_owned());
    }
    problems
}
