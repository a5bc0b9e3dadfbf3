//! The page's cookie: setting and clearing a session's token in a browser, and the origins that it is accepted from.
//!
//! It decides nothing about a session's rights.

use axum::http::{HeaderMap, HeaderValue, Method, header};
use store::meta::Token;

use crate::address::is_own_origin;
use crate::config::Settings;
use crate::error::{ApiError, Code};
use analytics::limits;

const NAME: &str = "api_analytics_session";

/// The cookie's name and path.
///
/// With `__Host-` a browser accepts the cookie from this very host alone, so that no other host of the domain can plant
/// a session of its own choice. That requires TLS and the path `/`; below a base path only `__Secure-` is possible.
fn name_and_path(settings: &Settings) -> (String, &str) {
    let base_path = settings.public_url.as_ref().map_or("", |public| public.base_path.as_str());
    match (settings.is_https(), base_path) {
        (true, "") => (format!("__Host-{NAME}"), "/"),
        (true, path) => (format!("__Secure-{NAME}"), path),
        (false, "") => (NAME.to_owned(), "/"),
        (false, path) => (NAME.to_owned(), path),
    }
}

/// The token in the call's cookie; none without such a cookie. A cookie without a valid token counts as an unknown
/// session.
pub(super) enum Cookie {
    Missing,
    Broken,
    Token(Token),
}

pub(super) fn read(headers: &HeaderMap, settings: &Settings) -> Cookie {
    let (own_name, _) = name_and_path(settings);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
    match pairs.find(|(name, _)| name.trim() == own_name) {
        None => Cookie::Missing,
        Some((_, value)) => Token::parse(value.trim()).map_or(Cookie::Broken, Cookie::Token),
    }
}

/// Browsers attach cookies to calls that other sites trigger, so a call that changes something by it must come from our
/// own page.
pub(super) fn check_origin(
    method: &Method,
    headers: &HeaderMap,
    settings: &Settings,
) -> Result<(), ApiError> {
    if matches!(*method, Method::GET | Method::HEAD) || is_own_origin(headers, settings) {
        return Ok(());
    }
    Err(wrong_origin())
}

pub(super) fn wrong_origin() -> ApiError {
    ApiError::new(
        Code::WrongOrigin,
        "a browser's call must come from the page itself (header Origin); tools send a key in the header X-AUTH-TOKEN. \
         If this is the page, `public_url` does not say where it is reached",
    )
}

/// Stores the token in the browser, out of reach of scripts.
pub fn keep(settings: &Settings, token: &Token) -> HeaderValue {
    to_header(settings, &token.to_string(), limits::SESSION_DAYS * 86_400)
}

/// Clears it again.
pub fn clear(settings: &Settings) -> HeaderValue {
    to_header(settings, "", 0)
}

fn to_header(settings: &Settings, value: &str, seconds: u64) -> HeaderValue {
    let (name, path) = name_and_path(settings);
    let secure = if settings.is_https() { "; Secure" } else { "" };
    let text =
        format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    // The path was checked when the settings were parsed.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}
