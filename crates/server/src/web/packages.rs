//! `/sdk/{language}/`: the client packages of this very version, so that an app's server needs no package index.
//!
//! `build.rs` embeds the files in `sdk/LANGUAGE/dist`; without them there is nothing to list.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Html;
use axum::{body::Body, http::Response};
use ring::digest::{SHA256, digest};

use crate::answers::Accounted;
use crate::app::SharedApp;
use crate::error::{ApiError, Code};

/// A client package that this server hands out.
pub struct Package {
    /// As its address names it: `python`, `node`.
    pub language: &'static str,
    /// The file's name.
    pub file: &'static str,
    pub bytes: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/packages.rs"));

/// The packages of a language, as pip reads a list of them.
#[utoipa::path(
    get, path = "/sdk/{language}/", tag = "sdk",
    params(("language" = String, Path, description = "`python` or `node`")),
    responses(
        (status = 200, description = "Links to the packages", body = String, content_type = "text/html"),
        (status = 404, description = "There is no client for this language", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn list_packages(
    State(_): State<SharedApp>,
    Path(language): Path<String>,
) -> Result<Html<String>, ApiError> {
    if !LANGUAGES.contains(&language.as_str()) {
        return Err(ApiError::new(
            Code::NotFound,
            format!("there is no client for this language; available: {}", LANGUAGES.join(", ")),
        ));
    }
    let mut page = "<!doctype html><title>Client packages</title>".to_owned();
    let mut found = PACKAGES.iter().filter(|package| package.language == language).peekable();
    if found.peek().is_none() {
        page.push_str("<p>This build has none.</p>");
    }
    for Package { file, bytes, .. } in found {
        // With its hash in the link, pip refuses other bytes; the line for a requirements file can be copied from here.
        let hash = to_hex(digest(&SHA256, bytes).as_ref());
        page.push_str(&format!(
            "<p><a href=\"{file}#sha256={hash}\">{file}</a> <code>sha256={hash}</code></p>"
        ));
    }
    Ok(Html(page))
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// One package.
#[utoipa::path(
    get, path = "/sdk/{language}/{file}", tag = "sdk",
    params(
        ("language" = String, Path, description = "`python` or `node`"),
        ("file" = String, Path, description = "A file of the list"),
    ),
    responses(
        (status = 200, description = "The package: a wheel or a tarball", body = String, content_type = "application/octet-stream"),
        (status = 404, description = "There is no such file", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn send_package(
    State(_): State<SharedApp>,
    Path((language, file)): Path<(String, String)>,
) -> Result<Response<Body>, ApiError> {
    let found = PACKAGES.iter().find(|one| one.language == language && one.file == file);
    let package = found.ok_or_else(|| {
        ApiError::new(
            Code::NotFound,
            format!(
                "there is no such package; /sdk/{} lists them",
                LANGUAGES.join("/ or /sdk/") + "/"
            ),
        )
    })?;
    let mut response = Response::new(Body::from(package.bytes));
    // The file is part of the program: sending it takes no memory.
    response.extensions_mut().insert(Accounted);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    Ok(response)
}

/// The file of a language's client, if this build has it.
pub fn find_file(language: &str) -> Option<&'static str> {
    PACKAGES.iter().find(|package| package.language == language).map(|package| package.file)
}
