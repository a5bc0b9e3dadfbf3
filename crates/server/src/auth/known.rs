//! The secrets that this server knows. If it shares its database with others, what they have revoked must not work here, and
//! what they have just created must.

use std::net::IpAddr;

use store::meta::{Key, KeyGrant, SessionProject, Token};

use crate::app::App;
use crate::error::{ApiError, Code};

/// An error if another server may have revoked the caller's key, session or link.
pub(super) fn require_touch(app: &App) -> Result<(), ApiError> {
    if !app.meta.is_stale() {
        return Ok(());
    }
    let message = "this server shares its database with others and cannot reach it, so it does not know whether your key or session \
                   was revoked. Hits are accepted; send everything else again in a moment";
    Err(ApiError::new(Code::DatabaseAway, message).retry_after(5))
}

/// Reads a key that another server has just created.
pub(super) async fn learn_key(app: &App, text: &str) {
    if let Some(key) = Key::parse(text) {
        app.meta.learn_key(&key).await;
    }
}

/// The projects of a valid session, also of one that another server has just created.
pub(super) async fn known_session(app: &App, token: &Token) -> Option<Vec<SessionProject>> {
    app.meta.learn_session(token).await;
    app.meta.session(token, app.clock.now_us())
}

pub(super) fn known_key(
    app: &App,
    text: &str,
    client: IpAddr,
) -> Result<(Key, KeyGrant), ApiError> {
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

pub fn limit_unknown(app: &App, client: IpAddr) -> Result<(), ApiError> {
    app.unknown_keys.take(client, app.clock.now_us()).map_err(|seconds| {
        ApiError::new(
            Code::TooManyUnknownKeys,
            format!("too many calls from this address with keys or ids that are not known; wait {seconds} s"),
        )
        .retry_after(seconds)
    })
}
