//! Callers who may add to a project without seeing it: holders of any of its keys, such as the one in an app or its
//! pipeline.

use std::net::IpAddr;

use analytics::hit::ProjectId;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use store::meta::Token;

use super::{Owner, client_of, header_key, known_key, learn_key, require_touch};
use crate::app::SharedApp;
use crate::error::ApiError;

/// By any key of the project in a header, or a session that was signed in with one of full access.
pub struct AnyKey {
    pub project: ProjectId,
    /// The caller's address.
    pub client: IpAddr,
}

impl FromRequestParts<SharedApp> for AnyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<AnyKey, ApiError> {
        let key = header_key(&parts.headers, &[])?.filter(|text| Token::parse(text).is_none());
        let Some(key) = key else {
            let Owner { project, client, .. } = Owner::from_request_parts(parts, app).await?;
            return Ok(AnyKey { project, client });
        };
        let client = client_of(parts.extensions.get(), &parts.headers, app);
        require_touch(app)?;
        learn_key(app, &key).await;
        let (_, grant) = known_key(app, &key, client)?;
        grant.touch_used(app.clock.now_us());
        Ok(AnyKey { project: grant.project(), client })
    }
}
