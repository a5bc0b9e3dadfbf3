//! `/page.css`: the style of pages without a script (the documentation, the plain page).

use axum::http::{HeaderName, HeaderValue, header};

/// The style of pages without a script.
pub async fn show_style() -> ([(HeaderName, HeaderValue); 2], &'static str) {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600")),
    ];
    (headers, include_str!("page.css"))
}
