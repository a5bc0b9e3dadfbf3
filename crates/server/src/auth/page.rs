//! Calls of our own page, and signing in there.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use store::meta::{DashboardId, Key, Proof, Token};

use super::cookie::{self, Cookie};
use super::{Holder, limit_unknown, require_everything, require_touch, to_holder};
use crate::address::is_own_origin;
use crate::app::{App, SharedApp};
use crate::error::{ApiError, Code};
use crate::random::random_bytes;

/// A secret for signing in; none if the text cannot be one.
pub enum Secret {
    Key(Option<Key>),
    Dashboard(Option<DashboardId>),
}

/// A call that may come from our own page in a browser.
pub struct PageCall {
    /// The token in its cookie, whether that session is valid or not.
    pub token: Option<Token>,
    /// Whether it comes from our page, and so may have a session.
    pub from_page: bool,
    /// A browser reports that another site triggered the call. Tools report nothing.
    from_elsewhere: bool,
}

impl FromRequestParts<SharedApp> for PageCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<PageCall, ApiError> {
        let cookie = cookie::read(&parts.headers, &app.settings);
        if !matches!(cookie, Cookie::Missing) {
            cookie::check_origin(&parts.method, &parts.headers, &app.settings)?;
        }
        let from_page = is_own_origin(&parts.headers, &app.settings);
        let token = match cookie {
            Cookie::Token(token) => Some(token),
            Cookie::Missing | Cookie::Broken => None,
        };
        Ok(PageCall {
            token,
            from_page,
            from_elsewhere: !from_page && says_elsewhere(&parts.headers),
        })
    }
}

impl PageCall {
    /// For the page and for tools: another site must not sign someone in to a project of its own choice, nor create
    /// projects on a server that only its visitor can reach, with a cookie or without.
    pub fn refuse_elsewhere(&self) -> Result<(), ApiError> {
        if self.from_elsewhere { Err(cookie::wrong_origin()) } else { Ok(()) }
    }
}

/// Whether a browser made the call, and not because its user typed the address. An image or a link sends no `Origin`.
fn says_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes());
    headers.contains_key(header::ORIGIN)
        || site.is_some_and(|site| site != b"same-origin" && site != b"none")
}

/// Adds the projects of `secret` to the call's session, or to a new one.
pub async fn sign_in(
    app: &App,
    call: &PageCall,
    secret: Secret,
    client: IpAddr,
) -> Result<(Token, Holder), ApiError> {
    let random = random_bytes().map_err(|error| ApiError::internal("signing in", &error))?;
    require_touch(app)?;
    let proof = match &secret {
        Secret::Key(Some(key)) => {
            app.meta.learn_key(key).await;
            if let Some(grant) = app.meta.grant(key) {
                require_everything(&grant)?;
                grant.touch_used(app.clock.now_us());
            }
            Some(Proof::Key(key))
        }
        Secret::Dashboard(Some(id)) => Some(Proof::Dashboard(id)),
        Secret::Key(None) | Secret::Dashboard(None) => None,
    };
    let signed_in = match proof {
        None => None,
        Some(proof) => {
            let (fresh, now_us) = (Token::from_random(random), app.clock.now_us());
            app.meta.sign_in(call.token.as_ref(), fresh, proof, now_us).await?
        }
    };
    let Some(signed_in) = signed_in else {
        limit_unknown(app, client)?;
        return Err(ApiError::new(
            Code::UnknownKey,
            "the key or dashboard id is not known here, or was revoked; is it complete?",
        ));
    };
    app.meta.touch_look(signed_in.project.project, app.clock.now_us());
    Ok((signed_in.token, to_holder(&signed_in.project, client)))
}
