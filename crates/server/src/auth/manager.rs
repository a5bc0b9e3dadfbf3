//! Callers who manage monitoring. The original's dashboard id does that, so ours does; channels, keys and settings stay
//! with the owner.

use std::net::IpAddr;

use analytics::hit::ProjectId;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{Holder, Role};
use crate::app::SharedApp;
use crate::error::ApiError;

/// May change monitors, maintenance and incidents: the project's owner, or a session that was signed in with the dashboard id.
pub struct Manager {
    pub project: ProjectId,
    pub role: Role,
    /// The caller's address.
    pub client: IpAddr,
}

impl FromRequestParts<SharedApp> for Manager {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Manager, ApiError> {
        let Holder { project, role, client, .. } = Holder::from_request_parts(parts, app).await?;
        Ok(Manager { project, role, client })
    }
}
