//! `/docs`: the texts in `docs/`, as pages that can be read and searched without a script. One list of pages; their
//! content is in the texts.
//!
//! The server's address in the texts, `http://127.0.0.1:8080`, is replaced by the real one, so that commands work when
//! they are pasted. The script adds buttons that copy them, and the theme chosen on the dashboard.

mod frame;
mod search;
mod text;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, Uri, header};

use super::missing;
use crate::address::own_address;
use crate::app::{App, SharedApp};
use crate::error::{ApiError, Code};
use crate::parameters::Parameters;

/// A page. The first is at `/docs` too.
pub struct Page {
    /// Its name in its address, and of its file in `docs/`.
    pub name: &'static str,
    pub title: &'static str,
    text: &'static str,
    /// Its commands are for a client of this server, not for its operator.
    is_for_clients: bool,
}

macro_rules! page {
    ($name:literal, $title:literal, $is_for_clients:literal) => {
        Page {
            name: $name,
            title: $title,
            text: include_str!(concat!("../../../../docs/", $name, ".md")),
            is_for_clients: $is_for_clients,
        }
    };
}

/// In the order of the list.
pub const PAGES: &[Page] = &[
    page!("getting-started", "Getting started", true),
    page!("clients/python", "Python client", true),
    page!("clients/node", "Node client", true),
    page!("clients/go", "Go client", true),
    page!("clients/rust", "Rust client", true),
    page!("api", "The API", true),
    page!("deploys", "Deploys and what changed", true),
    page!("monitoring", "Monitoring", true),
    page!("status-page", "Status page", true),
    page!("routes", "Routes", true),
    page!("privacy", "Privacy and deletion", true),
    page!("moving", "Moving from the original", true),
    page!("installing", "Installing", false),
    page!("settings", "Settings", false),
    page!("proxy", "TLS and proxies", false),
    page!("logs", "Logs and request ids", false),
    page!("metrics", "Metrics", false),
    page!("backup", "Backup and restore", false),
    page!("postgresql", "PostgreSQL for projects and settings", false),
    page!("clickhouse", "ClickHouse for hits", false),
    page!("scaling", "Several servers", false),
    page!("upgrading", "Upgrading and going back", false),
    page!("repair", "When a file is lost", false),
];

/// The server's own address in the texts.
const EXAMPLE_ADDRESS: &str = "http://127.0.0.1:8080";

pub async fn show_index(State(app): State<SharedApp>, headers: HeaderMap) -> Response<Body> {
    send(&app, &PAGES[0], &headers)
}

pub async fn show_doc(
    State(app): State<SharedApp>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let name = uri.path().strip_prefix("/docs/").unwrap_or_default();
    match PAGES.iter().find(|page| page.name == name) {
        Some(page) => Ok(send(&app, page, &headers)),
        None => {
            let error = ApiError::new(Code::NotFound, "there is no such page; /docs lists them");
            missing::show(app, &headers, error).await
        }
    }
}

/// `q`: the words to search for in all texts.
pub async fn search(
    State(app): State<SharedApp>,
    mut parameters: Parameters,
) -> Result<Response<Body>, ApiError> {
    let words = parameters.take(&["q"])?.unwrap_or_default();
    parameters.finish()?;
    let found = search::find(&words);
    Ok(answer(frame::write(base_path(&app), &frame::View::Found { words: &words, found: &found })))
}

/// The script of the documentation.
pub async fn show_script() -> ([(HeaderName, HeaderValue); 2], &'static str) {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600")),
    ];
    (headers, include_str!("docs/docs.js"))
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

fn base_path(app: &App) -> &str {
    app.settings.public_url.as_ref().map_or("", |public| &public.base_path)
}

fn send(app: &App, page: &Page, headers: &HeaderMap) -> Response<Body> {
    let address = own_address(headers, &app.settings);
    let text = match page.is_for_clients {
        true => page.text.replace(EXAMPLE_ADDRESS, &address),
        false => page.text.to_owned(),
    };
    let base_path = base_path(app);
    let view = frame::View::Page { page, html: &text::to_html(&text, page.name, base_path) };
    answer(frame::write(base_path, &view))
}

fn answer(html: String) -> Response<Body> {
    let mut response = Response::new(Body::from(html));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
