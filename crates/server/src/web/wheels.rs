//! `/sdk/python/`: the Python package of this very version, so that an app's server needs no package index.
//!
//! `build.rs` embeds the files in `sdk/python/dist`; without them there is nothing to list.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Html;
use axum::{body::Body, http::Response};
use ring::digest::{SHA256, digest};

use crate::answers::Accounted;
use crate::app::SharedApp;
use crate::error::{ApiError, Code};

include!(concat!(env!("OUT_DIR"), "/wheels.rs"));

/// The packages, as pip reads a list of them.
#[utoipa::path(
    get, path = "/sdk/python/", tag = "sdk",
    responses((status = 200, description = "Links to the wheels", body = String, content_type = "text/html")),
)]
pub async fn list_wheels(State(_): State<SharedApp>) -> Html<String> {
    let mut page = "<!doctype html><title>Python packages</title>".to_owned();
    for (file, bytes) in WHEELS {
        // With its hash in the link, pip refuses other bytes; the line for a requirements file can be copied from here.
        let hash = to_hex(digest(&SHA256, bytes).as_ref());
        page.push_str(&format!(
            "<p><a href=\"{file}#sha256={hash}\">{file}</a> <code>sha256={hash}</code></p>"
        ));
    }
    if WHEELS.is_empty() {
        page.push_str("<p>This build has none.</p>");
    }
    Html(page)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// One package.
#[utoipa::path(
    get, path = "/sdk/python/{file}", tag = "sdk",
    params(("file" = String, Path, description = "A file of the list")),
    responses(
        (status = 200, description = "The wheel", body = String, content_type = "application/zip"),
        (status = 404, description = "There is no such file", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn send_wheel(
    State(_): State<SharedApp>,
    Path(file): Path<String>,
) -> Result<Response<Body>, ApiError> {
    let found = WHEELS.iter().find(|(name, _)| *name == file);
    let (_, bytes) = found.ok_or_else(|| {
        ApiError::new(Code::NotFound, "there is no such package; /sdk/python/ lists them")
    })?;
    let mut response = Response::new(Body::from(*bytes));
    // The file is part of the program: sending it takes no memory.
    response.extensions_mut().insert(Accounted);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    Ok(response)
}
