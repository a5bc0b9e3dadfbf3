//! The page: one embedded app (`dashboard/dist`) that answers at every address of its own, and its files under
//! `/assets/`.
//!
//! The app interprets the address; this module only ensures that the app runs with nothing else: a policy that allows
//! no script, style or connection of anyone else. A build without the page serves `plain` instead.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::plain;
use crate::answers::Accounted;
use crate::app::SharedApp;
use crate::error::{ApiError, Code};
use crate::pieces::accepts;

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// A file of the page, embedded.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its path in `dashboard/dist`.
    pub name: &'static str,
    /// Changes with its content.
    pub tag: &'static str,
    pub plain: &'static [u8],
    /// The same compressed, if that is smaller.
    pub br: Option<&'static [u8]>,
    pub gz: Option<&'static [u8]>,
}

/// The addresses at which the app answers.
pub const ADDRESSES: &[&str] = &[
    "/",
    "/generate",
    "/signin",
    "/projects",
    "/dashboard",
    "/dashboard/{id}",
    "/explorer",
    "/explorer/{id}",
    "/endpoint",
    "/endpoint/{id}",
    "/consumer",
    "/consumer/{id}",
    "/monitoring",
    "/monitoring/{id}",
    "/alerts",
    "/share/{token}",
    "/status-page",
    "/settings",
    "/ingest-health",
    "/delete",
];

/// Whether this build has the page.
pub fn is_built() -> bool {
    index().is_some()
}

pub async fn show_page(
    State(app): State<SharedApp>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let Some(index) = index() else { return Ok(plain::answer(&app, &headers)) };
    let base_path = app.settings.public_url.as_ref().map_or("", |public| &public.base_path);
    let mut response = if base_path.is_empty() {
        send(index, &headers)
    } else {
        Response::new(Body::from(with_base_path(index.plain, base_path)))
    };
    let headers = response.headers_mut();
    // An address may hold a secret, and the next version of the page must be seen at once.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(header::ETAG);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(response)
}

pub async fn send_asset(
    State(_): State<SharedApp>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let found = FILES.iter().find(|asset| asset.name.strip_prefix("assets/") == Some(&file));
    let asset = found.ok_or_else(|| {
        ApiError::new(Code::NotFound, "the page has no such file; is it of another version?")
    })?;
    Ok(send(asset, &headers))
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

fn index() -> Option<&'static Asset> {
    FILES.iter().find(|asset| asset.name == "index.html")
}

/// The app learns its base path from a `meta`, and its files are named from there.
fn with_base_path(index: &[u8], base_path: &str) -> String {
    // The characters were checked when the setting was parsed.
    String::from_utf8_lossy(index)
        .replace(
            "name=\"base-path\" content=\"\"",
            &format!("name=\"base-path\" content=\"{base_path}\""),
        )
        .replace("\"/assets/", &format!("\"{base_path}/assets/"))
}

/// In the client's preferred coding; without a body if it has the file already.
fn send(asset: &Asset, headers: &HeaderMap) -> Response<Body> {
    let br = asset.br.filter(|_| accepts(headers, "br")).map(|bytes| ("br", bytes));
    let gz = || asset.gz.filter(|_| accepts(headers, "gzip")).map(|bytes| ("gzip", bytes));
    let (coding, bytes) = br.or_else(gz).unwrap_or(("", asset.plain));
    let dash = if coding.is_empty() { "" } else { "-" };
    let tag = format!("\"{}{dash}{coding}\"", asset.tag);
    let mut response = Response::new(Body::empty());
    let sent = response.headers_mut();
    sent.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    sent.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    sent.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        sent.insert(header::ETAG, value);
    }
    if asset.name != "index.html" && has_already(headers, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    sent.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(asset.name)));
    if !coding.is_empty() {
        sent.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    *response.body_mut() = Body::from(bytes);
    // The file is part of the program: sending it takes no memory.
    response.extensions_mut().insert(Accounted);
    response
}

/// Whether the client has an answer with this ETag.
pub(super) fn has_already(headers: &HeaderMap, tag: &str) -> bool {
    let known =
        headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: Asset = Asset {
        name: "assets/app-1a2b.js",
        tag: "00ff",
        plain: b"plain",
        br: Some(b"br"),
        gz: Some(b"gz"),
    };

    fn sent(asset: &Asset, headers: &[(&'static str, &str)]) -> (u16, String, String) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let response = send(asset, &map);
        let header = |name| {
            response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        (response.status().as_u16(), header(header::CONTENT_ENCODING), header(header::ETAG))
    }

    #[test]
    fn a_file_is_sent_as_the_client_likes_it() {
        for (accepted, coding, tag) in [
            ("br, gzip", "br", "\"00ff-br\""),
            ("gzip, deflate", "gzip", "\"00ff-gzip\""),
            ("br;q=0, gzip", "gzip", "\"00ff-gzip\""),
            ("identity", "", "\"00ff\""),
            ("*", "br", "\"00ff-br\""),
        ] {
            let expect = (200, coding.to_owned(), tag.to_owned());
            assert_eq!(sent(&SCRIPT, &[("accept-encoding", accepted)]), expect, "{accepted}");
        }
        let font = Asset { name: "assets/a.woff2", br: None, gz: None, ..SCRIPT };
        assert_eq!(sent(&font, &[("accept-encoding", "br, gzip")]).1, "");
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        for (known, status) in [
            ("\"00ff-br\"", 304),
            ("W/\"00ff-br\"", 304),
            ("\"x\", \"00ff-br\"", 304),
            ("*", 304),
            ("\"00ff\"", 200),
            ("\"00ff-gzip\"", 200),
        ] {
            let headers = [("accept-encoding", "br"), ("if-none-match", known)];
            assert_eq!(sent(&SCRIPT, &headers).0, status, "{known}");
        }
    }

    #[test]
    fn a_base_path_is_filled_in() {
        let index = br#"<meta name="base-path" content="" /><script src="/assets/a.js"></script><meta content="">"#;
        assert_eq!(
            with_base_path(index, "/stats"),
            r#"<meta name="base-path" content="/stats" /><script src="/stats/assets/a.js"></script><meta content="">"#
        );
    }

    #[test]
    fn the_embedded_page_can_be_served() {
        let Some(index) = index() else { return };
        let text = std::str::from_utf8(index.plain).unwrap();
        assert!(
            text.contains("name=\"base-path\" content=\"\""),
            "the page would not find its base path"
        );
        for part in text.split("\"/assets/").skip(1) {
            let name = format!("assets/{}", part.split('"').next().unwrap());
            assert!(FILES.iter().any(|asset| asset.name == name), "{name} is missing");
        }
        for asset in FILES {
            assert_ne!(content_type(asset.name), "application/octet-stream", "{}", asset.name);
        }
    }
}
