//! A heartbeat's secret in the address: a job has nothing else, and may do nothing but call.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use store::meta::{MonitorRow, Token};

use super::original::path_parameter;
use super::{client_of, limit_unknown};
use crate::app::SharedApp;
use crate::error::{ApiError, Code};

/// Holder of a heartbeat's secret, in the address as `{token}`.
pub struct HeartbeatJob {
    pub monitor: Arc<MonitorRow>,
}

impl FromRequestParts<SharedApp> for HeartbeatJob {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &SharedApp,
    ) -> Result<HeartbeatJob, ApiError> {
        let client = client_of(parts.extensions.get(), &parts.headers, app);
        let text = path_parameter(parts, app, "token").await;
        let token = Token::parse(&text);
        if token.as_ref().is_some_and(|token| app.meta.heartbeat(token).is_none()) {
            app.meta.learn_monitors().await;
        }
        match token.and_then(|token| app.meta.heartbeat(&token)) {
            Some(monitor) => Ok(HeartbeatJob { monitor }),
            None => {
                limit_unknown(app, client)?;
                Err(unknown_heartbeat())
            }
        }
    }
}

pub fn unknown_heartbeat() -> ApiError {
    ApiError::new(
        Code::UnknownHeartbeat,
        "no monitor waits for this heartbeat; it may have been deleted. GET /api/v1/monitors shows the addresses to its owner",
    )
}
