//! Addresses without a route: people get the page, which says so, after a trailing slash is stripped, and programs get
//! an error like any other.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;

use super::page;
use crate::app::{App, SharedApp};
use crate::error::{ApiError, Code};

pub async fn answer(
    State(app): State<SharedApp>,
    request: Request,
) -> Result<Response<Body>, ApiError> {
    let is_look = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_look && let Some(address) = without_slash(&app, request.uri()) {
        let location = HeaderValue::from_str(&address);
        let location = location.map_err(|error| ApiError::internal("redirecting", &error))?;
        return Ok((StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response());
    }
    let error = ApiError::new(
        Code::NotFound,
        "there is nothing at this address; /api/v1/openapi.json lists them all",
    );
    if is_look && !request.uri().path().starts_with("/api/") {
        return show(app, request.headers(), error).await;
    }
    Err(error)
}

/// The page with the status of `error` if the caller wants HTML, or else the error.
pub async fn show(
    app: SharedApp,
    headers: &HeaderMap,
    error: ApiError,
) -> Result<Response<Body>, ApiError> {
    if !wants_html(headers) || !page::is_built() {
        return Err(error);
    }
    let mut response = page::show_page(State(app), headers.clone()).await?;
    *response.status_mut() = error.code.status();
    response.extensions_mut().insert(error.code);
    Ok(response)
}

/// Browsers accept HTML when somebody opens an address; scripts, images and command-line tools do not.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

/// The same address without its trailing slash, if it is a page's.
///
/// TRICKY: only below known names, or `//example.com/` would redirect to another host.
fn without_slash(app: &App, uri: &Uri) -> Option<String> {
    let path = uri.path().strip_suffix('/')?.trim_end_matches('/');
    let name = path.strip_prefix('/')?.split('/').next()?;
    let names = page::ADDRESSES.iter().filter_map(|address| address.split('/').nth(1));
    let is_known = names.chain(["docs", "status"]).any(|known| !name.is_empty() && known == name);
    let base_path = app.settings.public_url.as_ref().map_or("", |public| &public.base_path);
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    is_known.then(|| format!("{base_path}{path}{query}"))
}
