//! Who calls, and what they may. A handler's argument is its permission: it cannot be forgotten, and a `ProjectScope`
//! (without which no hit can be asked for) is made in this file only.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use analytics::filter::Filter;
use analytics::hit::ProjectId;
use analytics::query::ProjectScope;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use store::meta::{Can, DashboardId, Key, KeyGrant};

use crate::address::{Peer, client_address};
use crate::app::{App, Shared};
use crate::error::{ApiError, Code};

/// A POST of hits whose key, where it came in a header, is known. Any key may do it.
pub struct Ingest {
    pub request: Request,
    caller: Caller,
}

/// What is known of a POST's sender before its body is read.
#[derive(Clone)]
pub struct Caller {
    header: Option<(Key, KeyGrant)>,
    client: IpAddr,
}

/// Holder of a project's key that may do everything.
pub struct Owner {
    pub project: ProjectId,
    pub scope: ProjectScope,
}

/// Holder of a project's dashboard id, in the address as `{user_id}`.
pub struct DashboardHolder {
    pub scope: ProjectScope,
}

/// Holder of a key that may do everything, in the address as `{api_key}`: the original's way.
pub struct KeyInAddress {
    pub project: ProjectId,
}

/// Anyone, with the address they call from.
pub struct Client(pub IpAddr);

impl FromRequest<Shared> for Ingest {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Shared) -> Result<Ingest, ApiError> {
        let client = client_of(request.extensions().get(), request.headers(), app);
        let header = match header_key(request.headers(), &[])? {
            None => None,
            Some(text) => Some(known_key(app, &text, client)?),
        };
        Ok(Ingest { request, caller: Caller { header, client } })
    }
}

impl Ingest {
    pub fn into_parts(self) -> (Request, Caller) {
        (self.request, self.caller)
    }
}

impl Caller {
    /// The project that the hits are for, once the body's key is known: one of both must be there, and where both are
    /// they must agree.
    pub fn confirm(&self, app: &App, body_key: Option<&str>) -> Result<KeyGrant, ApiError> {
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

impl FromRequestParts<Shared> for Owner {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Owner, ApiError> {
        let client = client_of(parts.extensions.get(), &parts.headers, app);
        // `API-Key` is how the original's data API began.
        let text = header_key(&parts.headers, &["api-key"])?.ok_or_else(|| {
            ApiError::new(Code::MissingKey, "send the project's key in the header X-AUTH-TOKEN, or as `Authorization: Bearer KEY`")
        })?;
        let (_, grant) = known_key(app, &text, client)?;
        require_everything(&grant)?;
        let now_us = app.clock.now_us();
        grant.touch_used(now_us);
        grant.touch_look(now_us);
        Ok(Owner {
            project: grant.project(),
            scope: ProjectScope::granted(grant.project(), Filter::default()),
        })
    }
}

impl FromRequestParts<Shared> for DashboardHolder {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &Shared,
    ) -> Result<DashboardHolder, ApiError> {
        let client = client_of(parts.extensions.get(), &parts.headers, app);
        let id = path_parameter(parts, app, "user_id").await;
        let project = DashboardId::parse(&id).and_then(|id| app.meta.dashboard(&id));
        let Some(project) = project else {
            limit_unknown(app, client)?;
            return Err(ApiError::new(
                Code::UnknownDashboard,
                "no project has this dashboard id; it may have been regenerated. GET /api/user-id/{api_key} gives the present one",
            ));
        };
        app.meta.touch_look(project, app.clock.now_us());
        Ok(DashboardHolder { scope: ProjectScope::granted(project, Filter::default()) })
    }
}

impl FromRequestParts<Shared> for KeyInAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<KeyInAddress, ApiError> {
        let client = client_of(parts.extensions.get(), &parts.headers, app);
        let text = path_parameter(parts, app, "api_key").await;
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

impl FromRequestParts<Shared> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Client, ApiError> {
        Ok(Client(client_of(parts.extensions.get(), &parts.headers, app)))
    }
}

fn client_of(peer: Option<&Peer>, headers: &HeaderMap, app: &App) -> IpAddr {
    let unknown = Peer(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
    client_address(peer.copied().unwrap_or(unknown), headers, &app.settings.trusted_proxies)
}

/// The key in `X-AUTH-TOKEN`, `Authorization: Bearer`, or one of `more`; two of them must agree.
fn header_key(headers: &HeaderMap, more: &[&str]) -> Result<Option<String>, ApiError> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(
        |value| {
            let (scheme, token) = value.trim().split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        },
    );
    let named = ["x-auth-token"].iter().chain(more).filter_map(|name| headers.get(*name));
    // Bytes that are no text make an unknown key, not a missing one.
    let named =
        named.map(|value| value.to_str().unwrap_or("?")).filter(|value| !value.trim().is_empty());
    let mut found: Option<&str> = None;
    for text in named.chain(bearer) {
        match found {
            Some(before) if before != text && Key::parse(before) != Key::parse(text) => {
                return Err(keys_disagree());
            }
            _ => found = Some(text),
        }
    }
    Ok(found.map(str::to_owned))
}

fn known_key(app: &App, text: &str, client: IpAddr) -> Result<(Key, KeyGrant), ApiError> {
    let known = Key::parse(text).and_then(|key| Some((key, app.meta.grant(&key)?)));
    match known {
        Some(known) => Ok(known),
        None => {
            limit_unknown(app, client)?;
            Err(ApiError::new(
                Code::UnknownKey,
                "the key is not known here, or was revoked; create a project to get one, or register yours with `api-analytics key add`",
            ))
        }
    }
}

fn limit_unknown(app: &App, client: IpAddr) -> Result<(), ApiError> {
    app.unknown_keys.take(client, app.clock.now_us()).map_err(|seconds| {
        ApiError::new(
            Code::TooManyUnknownKeys,
            format!("too many calls from this address with keys or ids that are not known; wait {seconds} s"),
        )
        .retry_after(seconds)
    })
}

fn require_everything(grant: &KeyGrant) -> Result<(), ApiError> {
    match grant.can() {
        Can::Everything => Ok(()),
        Can::Ingest => Err(ApiError::new(
            Code::IngestOnlyKey,
            "this key may post hits and nothing else; use one that may do everything",
        )),
    }
}

fn keys_disagree() -> ApiError {
    ApiError::new(
        Code::KeysDisagree,
        "two different keys came with the call; send one, or the same in both places",
    )
}

async fn path_parameter(parts: &mut Parts, app: &Shared, name: &str) -> String {
    let parameters = RawPathParams::from_request_parts(parts, app).await.ok();
    let found = parameters
        .iter()
        .flatten()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned());
    found.unwrap_or_default()
}
