//! Files that browsers and crawlers request by themselves at the root of a host: the icon and robots.txt.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};

use crate::app::SharedApp;

type Answer<T> = ([(HeaderName, HeaderValue); 2], T);

/// The icon of pages without their own. Browsers go by its type, not by its name.
pub async fn show_icon() -> Answer<&'static str> {
    (headers("image/svg+xml"), include_str!("../../../../dashboard/src/icon.svg"))
}

/// Crawlers may read pages meant for everyone. Other addresses may hold a secret, or show nothing without one.
pub async fn show_robots(State(app): State<SharedApp>) -> Answer<String> {
    let base_path = app.settings.public_url.as_ref().map_or("", |public| &public.base_path);
    let mut text = "User-agent: *\n".to_owned();
    for allowed in ["/$", "/docs", "/status/", "/assets/", "/page.css", "/status.css", "/status.js"]
    {
        text.push_str(&format!("Allow: {base_path}{allowed}\n"));
    }
    text.push_str(&format!("Disallow: {base_path}/\n"));
    (headers("text/plain; charset=utf-8"), text)
}

fn headers(content_type: &'static str) -> [(HeaderName, HeaderValue); 2] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400")),
    ]
}
