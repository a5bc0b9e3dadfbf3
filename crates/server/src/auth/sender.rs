//! Senders of hits: holders of any key, in a header or in the body. Cookies don't count here.

use std::net::IpAddr;

use analytics::hit::ProjectId;
use axum::extract::{FromRequest, Request};
use store::meta::{Key, KeyGrant};

use super::{client_of, header_key, keys_disagree, known_key, learn_key};
use crate::app::{App, SharedApp};
use crate::error::{ApiError, Code};
use crate::network::network_of;
use crate::refusals::Refused;

/// A POST of hits. If its key came in a header, it is valid; any key may post.
pub struct Ingest {
    pub request: Request,
    caller: Sender,
}

/// The sender of a POST, before its body is read.
#[derive(Clone)]
pub struct Sender {
    header: Option<(Key, KeyGrant)>,
    client: IpAddr,
}

impl FromRequest<SharedApp> for Ingest {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Ingest, ApiError> {
        let client = client_of(request.extensions().get(), request.headers(), app);
        let text = header_key(request.headers(), &[])
            .map_err(|error| refused(app, error, None, client))?;
        let header = match text {
            None => None,
            Some(text) => {
                learn_key(app, &text).await;
                let known = known_key(app, &text, client);
                Some(known.map_err(|error| refused(app, error, Some(&text), client))?)
            }
        };
        Ok(Ingest { request, caller: Sender { header, client } })
    }
}

impl Ingest {
    pub fn into_parts(self) -> (Request, Sender) {
        (self.request, self.caller)
    }
}

impl Sender {
    /// The project of the key in the header; none if the key is in the body.
    pub fn project(&self) -> Option<ProjectId> {
        self.header.as_ref().map(|(_, grant)| grant.project())
    }

    /// The project of a key found in the body, used only to decide who pays for the memory; none if it is unknown.
    pub fn project_of(&self, app: &App, body_key: &str) -> Option<ProjectId> {
        app.meta.grant(&Key::parse(body_key)?).map(|grant| grant.project())
    }

    /// The sender's address.
    pub fn client(&self) -> IpAddr {
        self.client
    }

    /// The sender's address, or its network for IPv6.
    pub fn network(&self) -> IpAddr {
        network_of(self.client)
    }

    /// The project of the hits, once the body's key is known: at least one key must be there, and two must agree.
    pub fn confirm(&self, app: &App, body_key: Option<&str>) -> Result<KeyGrant, ApiError> {
        let confirmed = self.find_grant(app, body_key);
        confirmed.map_err(|error| refused(app, error, body_key, self.client))
    }

    fn find_grant(&self, app: &App, body_key: Option<&str>) -> Result<KeyGrant, ApiError> {
        match (&self.header, body_key) {
            (Some((_, grant)), None) => Ok(grant.clone()),
            (Some((key, grant)), Some(text)) if Key::parse(text) == Some(*key) => Ok(grant.clone()),
            (Some(_), Some(_)) => Err(keys_disagree()),
            (None, Some(text)) => Ok(known_key(app, text, self.client)?.1),
            (None, None) => Err(ApiError::new(
                Code::MissingKey,
                "the batch has no key; send it as `api_key` in the body, or in the header X-AUTH-TOKEN",
            )),
        }
    }
}

/// Notes that a post was refused because of its key. Other refusals are noted where they are found, with their project.
fn refused(app: &App, error: ApiError, key: Option<&str>, client: IpAddr) -> ApiError {
    let refused = Refused { client, key, project: None };
    app.refusals.note(&error, &refused, app.clock.now_us());
    error
}
