//! The page's cookie: how a session's token gets into a browser, out of it again, and from where it is believed.
//!
//! It says nothing of what a session may do.

use axum::http::{HeaderMap, HeaderValue, Method, header};
use store::meta::Token;

use crate::address::is_own_origin;
use crate::config::Settings;
use crate::error::{ApiError, Code};
use analytics::limits;

const NAME: &str = "api_analytics_session";

/// The cookie's name, and the path that it is for.
///
/// With `__Host-` a browser takes the cookie from this very host alone, so that no other host of the domain can put a
/// session of its own choice beside it. That needs TLS and the path `/`; below a base path `__Secure-` is what is left.
fn name_and_path(settings: &Settings) -> (String, &str) {
    let base_path = settings.public_url.as_ref().map_or("", |public| public.base_path.as_str());
    match (settings.is_https(), base_path) {
        (true, "") => (format!("__Host-{NAME}"), "/"),
        (true, path) => (format!("__Secure-{NAME}"), path),
        (false, "") => (NAME.to_owned(), "/"),
        (false, path) => (NAME.to_owned(), path),
    }
}

/// The token in the call's cookie; none where there is no such cookie. A cookie that holds no token is as good as one of
/// an unknown session.
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

/// A cookie goes along with calls that another site makes a browser send, so whoever changes something by it must come
/// from our own page.
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

/// Keeps the token in the browser, out of reach of scripts.
pub fn keep(settings: &Settings, token: &Token) -> HeaderValue {
    to_header(settings, &token.to_string(), limits::SESSION_DAYS * 86_400)
}

/// Takes it out again.
pub fn clear(settings: &Settings) -> HeaderValue {
    to_header(settings, "", 0)
}

fn to_header(settings: &Settings, value: &str, seconds: u64) -> HeaderValue {
    let (name, path) = name_and_path(settings);
    let secure = if settings.is_https() { "; Secure" } else { "" };
    let text =
        format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    // The path was checked when the settings were read.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}
