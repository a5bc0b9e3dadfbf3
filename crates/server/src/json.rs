//! A JSON answer that clients poll: compressed if accepted, with an ETag, so that an unchanged one costs no bytes.

use std::io::Write;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::error::ApiError;
use crate::pieces::accepts_gzip;

/// Smaller answers fit into a packet uncompressed.
pub const COMPRESS_FROM: usize = 1_024;

pub fn send_json(answer: &impl Serialize, asked: &HeaderMap) -> Result<Response<Body>, ApiError> {
    let body = serde_json::to_vec(answer)
        .map_err(|error| ApiError::internal("writing an answer", &error))?;
    let hash = blake3::hash(&body).to_hex();
    let etag = format!("W/\"{}\"", &hash[..32]);
    let mut response = Response::new(Body::empty());
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known.flat_map(|value| value.split(',')).any(|value| value.trim() == etag);
    let headers = response.headers_mut();
    let etag = HeaderValue::from_str(&etag)
        .map_err(|error| ApiError::internal("naming an answer", &error))?;
    headers.insert(header::ETAG, etag);
    // The caller may store it but must revalidate each time: access can change.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(
        header::VARY,
        HeaderValue::from_static("cookie, x-auth-token, authorization, accept-encoding"),
    );
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = if body.len() >= COMPRESS_FROM && accepts_gzip(asked) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        compress(&body)?
    } else {
        body
    };
    *response.body_mut() = Body::from(body);
    Ok(response)
}

/// As gzip.
pub fn compress(body: &[u8]) -> Result<Vec<u8>, ApiError> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::new(4));
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.map_err(|error| ApiError::internal("compressing an answer", &error))
}
