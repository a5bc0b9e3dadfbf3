//! `/sdk/{language}/`: the clients of this very version and all that were released before, so that an app's server
//! needs no package index.
//!
//! `build.rs` embeds `sdk/LANGUAGE/dist` as it is: its layout is the one that the language's tool asks for. Without
//! it there is nothing to list.

use analytics::clients;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Html;
use axum::{body::Body, http::Response};
use ring::digest::{SHA256, digest};

use super::escape;
use crate::address::own_address;
use crate::answers::Accounted;
use crate::app::SharedApp;
use crate::error::{ApiError, Code};

/// A file of a client's packages: an archive, or what a tool reads to find one.
pub struct PackageFile {
    /// As its address names it: `python`, `node`.
    pub language: &'static str,
    /// Below `/sdk/{language}/`.
    pub path: &'static str,
    pub bytes: &'static [u8],
}

/// The current package of a language.
pub struct Package {
    pub language: &'static str,
    /// As the language's tool is told to install it: a file's name, or a name with a version.
    pub name: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/packages.rs"));

/// Files whose names hold their version: their bytes never change.
const ARCHIVES: [&str; 6] = [".whl", ".tgz", ".zip", ".mod", ".info", ".crate"];

/// The files of a language's client, as pip reads a list of them.
#[utoipa::path(
    get, path = "/sdk/{language}/", tag = "sdk",
    params(("language" = String, Path, description = "`python`, `node` ...")),
    responses(
        (status = 200, description = "Links to the files, with their hashes", body = String, content_type = "text/html"),
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
    let mut found = FILES.iter().filter(|file| file.language == language).peekable();
    if found.peek().is_none() {
        page.push_str("<p>This build has none.</p>");
    }
    for PackageFile { path, bytes, .. } in found {
        // With its hash in the link, pip refuses other bytes; the line for a requirements file can be copied from here.
        let hash = to_hex(digest(&SHA256, bytes).as_ref());
        let path = escape(path);
        page.push_str(&format!(
            "<p><a href=\"{path}#sha256={hash}\">{path}</a> <code>sha256={hash}</code></p>"
        ));
    }
    Ok(Html(page))
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// One file.
#[utoipa::path(
    get, path = "/sdk/{language}/{path}", tag = "sdk",
    params(
        ("language" = String, Path, description = "`python`, `node` ..."),
        ("path" = String, Path, description = "A file of the list; it may hold slashes"),
    ),
    responses(
        (status = 200, description = "The file: a package, or what the language's tool reads to find one", body = String, content_type = "application/octet-stream"),
        (status = 404, description = "There is no such file", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn send_package(
    State(app): State<SharedApp>,
    Path((language, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    if (language.as_str(), path.as_str()) == CARGO_CONFIG {
        return Ok(send_cargo_config(&own_address(&headers, &app.settings)));
    }
    let found = FILES.iter().find(|file| file.language == language && file.path == path);
    let PackageFile { path, bytes, .. } = found.ok_or_else(|| {
        ApiError::new(
            Code::NotFound,
            format!(
                "there is no such package; /sdk/{} lists them",
                LANGUAGES.join("/ or /sdk/") + "/"
            ),
        )
    })?;
    let mut response = Response::new(Body::from(*bytes));
    // The file is part of the program: sending it takes no memory.
    response.extensions_mut().insert(Accounted);
    let is_archive = ARCHIVES.iter().any(|ending| path.ends_with(ending));
    let keep = if is_archive { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    Ok(response)
}

/// The file that cargo reads first in a registry. It names the archives by an absolute address, which no build knows.
const CARGO_CONFIG: (&str, &str) = ("rust", "config.json");

fn send_cargo_config(address: &str) -> Response<Body> {
    let archives = format!("{address}/sdk/rust/crates/{{crate}}-{{version}}.crate");
    let config = serde_json::json!({ "dl": archives, "api": null });
    let mut response = Response::new(Body::from(config.to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The version of a language's current package, such as `0.1.0`, if this build has it.
pub fn find_version(language: &str) -> Option<&'static str> {
    let is_version = |part: &&str| clients::to_numbers(part).is_some();
    find_package(language)?
        .trim_end_matches(".tgz")
        .split(['-', '@'])
        .map(|part| part.trim_start_matches('v'))
        .find(is_version)
}

/// The current package of a language, if this build has it.
pub fn find_package(language: &str) -> Option<&'static str> {
    PACKAGES.iter().find(|package| package.language == language).map(|package| package.name)
}
