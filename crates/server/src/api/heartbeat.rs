//! `/api/heartbeat/{token}`: a job calls it when it starts, succeeds or fails. By GET as well, since jobs call with
//! `curl URL` at the end of a script.

use analytics::monitor::heartbeat::Signal;
use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, SharedApp};
use crate::auth::{HeartbeatJob, unknown_heartbeat};
use crate::error::{ApiError, Code};

/// A heartbeat that was noted.
#[derive(Serialize, ToSchema)]
pub struct HeartbeatNoted {
    /// `start`, `success` or `fail`.
    #[schema(example = "success")]
    pub signal: &'static str,
}

/// A job has succeeded.
#[utoipa::path(
    get, path = "/api/heartbeat/{token}", tag = "monitors",
    params(("token" = String, Path, description = "The heartbeat's secret")),
    responses(
        (status = 200, description = "It is noted", body = HeartbeatNoted),
        (status = 404, description = "No monitor waits for this heartbeat", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many unknown secrets from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn succeed_by_get(
    State(app): State<SharedApp>,
    job: HeartbeatJob,
) -> Result<Json<HeartbeatNoted>, ApiError> {
    note(&app, &job, "success").await
}

/// The same; a body is not looked at.
#[utoipa::path(
    post, path = "/api/heartbeat/{token}", tag = "monitors",
    params(("token" = String, Path, description = "The heartbeat's secret")),
    responses(
        (status = 200, description = "It is noted", body = HeartbeatNoted),
        (status = 404, description = "No monitor waits for this heartbeat", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many unknown secrets from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn succeed(
    State(app): State<SharedApp>,
    job: HeartbeatJob,
) -> Result<Json<HeartbeatNoted>, ApiError> {
    note(&app, &job, "success").await
}

/// A job starts, has succeeded or has failed.
#[utoipa::path(
    get, path = "/api/heartbeat/{token}/{signal}", tag = "monitors",
    params(
        ("token" = String, Path, description = "The heartbeat's secret"),
        ("signal" = String, Path, description = "`start`, `success` or `fail`"),
    ),
    responses(
        (status = 200, description = "It is noted", body = HeartbeatNoted),
        (status = 404, description = "No monitor waits for this heartbeat, or there is no such signal", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many unknown secrets from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn signal_by_get(
    State(app): State<SharedApp>,
    job: HeartbeatJob,
    Path((_, signal)): Path<(String, String)>,
) -> Result<Json<HeartbeatNoted>, ApiError> {
    note(&app, &job, &signal).await
}

/// The same; a body is not looked at.
#[utoipa::path(
    post, path = "/api/heartbeat/{token}/{signal}", tag = "monitors",
    params(
        ("token" = String, Path, description = "The heartbeat's secret"),
        ("signal" = String, Path, description = "`start`, `success` or `fail`"),
    ),
    responses(
        (status = 200, description = "It is noted", body = HeartbeatNoted),
        (status = 404, description = "No monitor waits for this heartbeat, or there is no such signal", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many unknown secrets from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn signal(
    State(app): State<SharedApp>,
    job: HeartbeatJob,
    Path((_, signal)): Path<(String, String)>,
) -> Result<Json<HeartbeatNoted>, ApiError> {
    note(&app, &job, &signal).await
}

/// Returns once it is on disk, because a job calls only once.
async fn note(
    app: &App,
    job: &HeartbeatJob,
    signal: &str,
) -> Result<Json<HeartbeatNoted>, ApiError> {
    let (signal, name) = match signal {
        "start" => (Signal::Start, "start"),
        "success" => (Signal::Success, "success"),
        "fail" => (Signal::Fail, "fail"),
        _ => {
            return Err(ApiError::new(
                Code::NotFound,
                "there is no such signal; a heartbeat's address ends in nothing, /start, /success or /fail",
            ));
        }
    };
    match app.monitors.signal(&app.checks, job.monitor.id, signal).await {
        Some(true) => Ok(Json(HeartbeatNoted { signal: name })),
        Some(false) => Err(ApiError::new(
            Code::Overloaded,
            "the heartbeat cannot be kept now; call again in a moment",
        )
        .retry_after(5)),
        None => Err(unknown_heartbeat()),
    }
}
