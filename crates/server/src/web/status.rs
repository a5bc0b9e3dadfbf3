//! `/status/{slug}`: a project's public status page, its feed, its badges and its data. No key is needed, and caches
//! may keep everything while it is fresh.

mod badge;
pub(super) mod document;
mod feed;
pub mod json;
mod words;

use std::sync::Arc;

use analytics::limits;
use analytics::status_page::accent::Accent;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::page::has_already;
use crate::address::own_address;
use crate::app::{App, SharedApp};
use crate::auth::ClientAddress;
use crate::error::{ApiError, Code};
use crate::json::{COMPRESS_FROM, compress};
use crate::parameters::Parameters;
use crate::pieces::accepts_gzip;
use crate::status_page;
use crate::status_view::StatusView;

/// The page.
pub async fn show_document(
    State(app): State<SharedApp>,
    Path(slug): Path<String>,
    ClientAddress(client): ClientAddress,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let base_path = base_path(&app);
    let html =
        |text: String| Public { text, content_type: "text/html; charset=utf-8", open: false };
    let mut response = match status_page::view(&app, &slug, client).await {
        Ok(view) => send(&app, &view, html(document::write(&view, base_path)), &headers)?,
        Err(error) if error.code == Code::UnknownStatusPage => {
            let mut response = Response::new(Body::from(document::unknown(base_path)));
            *response.status_mut() = error.code.status();
            response.extensions_mut().insert(error.code);
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, html);
            response
        }
        Err(error) => return Err(error),
    };
    let policy = HeaderValue::from_static(POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// RSS: an item for each update of an incident.
pub async fn show_feed(
    State(app): State<SharedApp>,
    Path(slug): Path<String>,
    ClientAddress(client): ClientAddress,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let view = status_page::view(&app, &slug, client).await?;
    let text = feed::write(&view, &own_address(&headers, &app.settings));
    let content_type = "application/rss+xml; charset=utf-8";
    send(&app, &view, Public { text, content_type, open: true }, &headers)
}

/// An SVG with the state of all services together.
pub async fn show_badge(
    State(app): State<SharedApp>,
    Path(slug): Path<String>,
    ClientAddress(client): ClientAddress,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let view = status_page::view(&app, &slug, client).await?;
    let text = badge::write(&view.title, view.overall.as_str(), badge::color(view.overall));
    send(&app, &view, Public { text, content_type: SVG, open: true }, &headers)
}

/// An SVG with the state of one service.
pub async fn show_service_badge(
    State(app): State<SharedApp>,
    Path((slug, service)): Path<(String, String)>,
    ClientAddress(client): ClientAddress,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let view = status_page::view(&app, &slug, client).await?;
    let name = service.strip_suffix(".svg");
    let found = view.services().find(|service| Some(service.slug.as_str()) == name);
    let service = found.ok_or_else(|| {
        ApiError::new(
            Code::NotFound,
            "the status page has no such service; its `json` names the badge of each",
        )
    })?;
    let (word, color) = (words::of_state(service.state), badge::color_of_state(service.state));
    let text = badge::write(&service.name, &word.to_lowercase(), color);
    send(&app, &view, Public { text, content_type: SVG, open: true }, &headers)
}

/// The logo uploaded by its owner.
pub async fn show_logo(
    State(app): State<SharedApp>,
    Path(slug): Path<String>,
) -> Result<Response<Body>, ApiError> {
    let row = status_page::find(&app, &slug)?;
    let logo = row
        .logo
        .as_ref()
        .ok_or_else(|| ApiError::new(Code::NotFound, "the status page has no logo of its own"))?;
    let mut response = Response::new(Body::from(logo.bytes().to_vec()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(logo.content_type()));
    headers.insert(header::CACHE_CONTROL, kept_for(limits::STATUS_ASSETS_SECONDS));
    // Opened by itself it is an image and nothing else.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    Ok(response)
}

/// The icon of a page without a logo of its own, in `?accent=`.
pub async fn show_mark(parameters: Parameters) -> Result<Response<Body>, ApiError> {
    Ok(asset(document::mark(take_accent(parameters)?), SVG))
}

/// The style of every status page, in shades of `?accent=`.
pub async fn show_style(parameters: Parameters) -> Result<Response<Body>, ApiError> {
    let accent = take_accent(parameters)?;
    let text = include_str!("status/status.css").to_owned() + &shades(accent);
    Ok(asset(text, "text/css; charset=utf-8"))
}

/// Shows times in the visitor's zone, and refreshes the page, which can be read without it.
pub async fn show_script() -> Response<Body> {
    asset(include_str!("status/status.js").to_owned(), "text/javascript; charset=utf-8")
}

const SVG: &str = "image/svg+xml";
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

fn take_accent(mut parameters: Parameters) -> Result<Accent, ApiError> {
    let accent = parameters
        .take_as(&["accent"], "a colour such as 0c7d5b", |text| text.parse::<Accent>().ok())?;
    parameters.finish()?;
    Ok(accent.unwrap_or(Accent::DEFAULT))
}

/// The accent as an area, as text, and of text on it, in both themes.
fn shades(accent: Accent) -> String {
    let shades = |surface: Accent| {
        let area = accent.readable_on(surface, 3.0);
        let ink = accent.readable_on(surface, 4.5);
        format!(":root{{--accent:{area};--accent-ink:{ink};--on-accent:{}}}", area.text_on())
    };
    format!(
        "{}@media(prefers-color-scheme:dark){{{}}}",
        shades(Accent::LIGHT_PAGE),
        shades(Accent::DARK_CARD)
    )
}

fn asset(text: String, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, kept_for(limits::STATUS_ASSETS_SECONDS));
    response
}

fn kept_for(seconds: u64) -> HeaderValue {
    // Digits are always valid in a header.
    HeaderValue::from_str(&format!("public, max-age={seconds}"))
        .unwrap_or(HeaderValue::from_static("no-cache"))
}

pub(super) fn base_path(app: &App) -> &str {
    app.settings.public_url.as_ref().map_or("", |public| &public.base_path)
}

/// An answer that anyone may see.
struct Public {
    text: String,
    content_type: &'static str,
    /// Pages of other sites may read it.
    open: bool,
}

/// With an ETag, compressed if accepted, cacheable until the view is outdated.
fn send(
    app: &App,
    view: &Arc<StatusView>,
    answer: Public,
    asked: &HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let now_ms = app.clock.now_us().div_euclid(1_000);
    let tag = format!("\"{}\"", &blake3::hash(answer.text.as_bytes()).to_hex()[..32]);
    let weak_tag = HeaderValue::from_str(&format!("W/{tag}"))
        .map_err(|error| ApiError::internal("naming an answer", &error))?;
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::ETAG, weak_tag);
    headers.insert(header::CACHE_CONTROL, kept_for(view.fresh_seconds(now_ms).unwrap_or(1)));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if answer.open {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    }
    if has_already(asked, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    let body = if answer.text.len() >= COMPRESS_FROM && accepts_gzip(asked) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        compress(answer.text.as_bytes())?
    } else {
        answer.text.into_bytes()
    };
    *response.body_mut() = Body::from(body);
    Ok(response)
}
