//! Secrets in the address, as in the original. Only its own routes accept them.

use std::net::IpAddr;

use analytics::hit::ProjectId;
use analytics::query::ProjectScope;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use store::meta::{DashboardId, Key};

use super::{
    Role, client_of, learn_key, limit_unknown, require_everything, require_touch, unlocked,
};
use crate::app::{App, SharedApp};
use crate::error::{ApiError, Code};
use crate::reads::Reader;

/// Holder of a project's dashboard id, in the address as `{user_id}`.
pub struct DashboardHolder {
    pub scope: ProjectScope,
    pub reader: Reader,
}

/// Holder of a key with full access, in the address as `{api_key}`.
pub struct KeyInAddress {
    pub project: ProjectId,
}

impl FromRequestParts<SharedApp> for DashboardHolder {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &SharedApp,
    ) -> Result<DashboardHolder, ApiError> {
        let client = client_of(parts.extensions.get(), &parts.headers, app);
        let id = path_parameter(parts, app, "user_id").await;
        require_touch(app)?;
        let project = known_dashboard(app, &id, client)?;
        let viewer = unlocked(project, Role::Dashboard, client);
        Ok(DashboardHolder { reader: viewer.reader(), scope: viewer.scope })
    }
}

/// The project of a dashboard id; if there is none, an error that counts as a guess.
pub fn known_dashboard(app: &App, id: &str, client: IpAddr) -> Result<ProjectId, ApiError> {
    let Some(project) = DashboardId::parse(id).and_then(|id| app.meta.dashboard(&id)) else {
        limit_unknown(app, client)?;
        return Err(ApiError::new(
            Code::UnknownDashboard,
            "no project has this dashboard id; it may have been regenerated. GET /api/user-id/{api_key} gives the present one",
        ));
    };
    app.meta.touch_look(project, app.clock.now_us());
    Ok(project)
}

impl FromRequestParts<SharedApp> for KeyInAddress {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &SharedApp,
    ) -> Result<KeyInAddress, ApiError> {
        let client = client_of(parts.extensions.get(), &parts.headers, app);
        let text = path_parameter(parts, app, "api_key").await;
        require_touch(app)?;
        learn_key(app, &text).await;
        let Some(grant) = Key::parse(&text).and_then(|key| app.meta.grant(&key)) else {
            limit_unknown(app, client)?;
            return Err(ApiError::new(
                Code::UnknownKeyInAddress,
                "the key in the address is not known; is it complete?",
            ));
        };
        require_everything(&grant)?;
        let now_us = app.clock.now_us();
        grant.touch_used(now_us);
        grant.touch_look(now_us);
        Ok(KeyInAddress { project: grant.project() })
    }
}

pub(super) async fn path_parameter(parts: &mut Parts, app: &SharedApp, name: &str) -> String {
    let parameters = RawPathParams::from_request_parts(parts, app).await.ok();
    let found = parameters
        .iter()
        .flatten()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned());
    found.unwrap_or_default()
}
