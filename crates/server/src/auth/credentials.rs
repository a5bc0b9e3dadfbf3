//! The credentials of a long-running call: its key may be revoked or its share link may expire meanwhile.

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request, Uri};

use super::Viewer;
use crate::address::Peer;
use crate::app::SharedApp;
use crate::error::ApiError;

/// The parts of a call that authentication reads.
pub struct Credentials {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    peer: Option<Peer>,
}

impl FromRequestParts<SharedApp> for Credentials {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &SharedApp) -> Result<Self, Self::Rejection> {
        Ok(Credentials {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            peer: parts.extensions.get().copied(),
        })
    }
}

impl Credentials {
    /// The caller's current access.
    pub async fn viewer(&self, app: &SharedApp) -> Result<Viewer, ApiError> {
        let (mut parts, _) = Request::new(Body::empty()).into_parts();
        parts.method.clone_from(&self.method);
        parts.uri.clone_from(&self.uri);
        parts.headers.clone_from(&self.headers);
        if let Some(peer) = self.peer {
            parts.extensions.insert(peer);
        }
        Viewer::from_request_parts(&mut parts, app).await
    }
}
