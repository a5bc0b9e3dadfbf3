//! `/docs`: the texts in `docs/`, as pages without a script. One list of pages; what is in them is theirs.
//!
//! They are ours, so their HTML is not cleaned. Where a text speaks of the server as `http://127.0.0.1:8080`, the page
//! says where this one is reached, so that commands work when they are pasted.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::{escape, missing};
use crate::address::own_address;
use crate::app::{App, Shared};
use crate::error::{ApiError, Code};

/// A page. The first is at `/docs` too.
pub struct Page {
    /// As in its address, and of its file in `docs/`.
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

/// In the order in which they are listed.
pub const PAGES: &[Page] = &[
    page!("getting-started", "Getting started", true),
    page!("api", "The API", true),
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
    page!("upgrading", "Upgrading and going back", false),
    page!("repair", "When a file is lost", false),
];

/// What texts call the server that they speak of.
const EXAMPLE_ADDRESS: &str = "http://127.0.0.1:8080";

pub async fn show_index(State(app): State<Shared>, headers: HeaderMap) -> Response<Body> {
    send(&app, &PAGES[0], &headers)
}

pub async fn show_doc(
    State(app): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    match PAGES.iter().find(|page| page.name == name) {
        Some(page) => Ok(send(&app, page, &headers)),
        None => {
            let error = ApiError::new(Code::NotFound, "there is no such page; /docs lists them");
            missing::show(app, &headers, error).await
        }
    }
}

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn send(app: &App, page: &Page, headers: &HeaderMap) -> Response<Body> {
    let base_path = app.settings.public_url.as_ref().map_or("", |public| &public.base_path);
    let address = own_address(headers, &app.settings);
    let mut response = Response::new(Body::from(to_html(page, base_path, &address)));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn to_html(page: &Page, base_path: &str, address: &str) -> String {
    let text = match page.is_for_clients {
        true => page.text.replace(EXAMPLE_ADDRESS, address),
        false => page.text.to_owned(),
    };
    let mut events: Vec<Event<'_>> = Parser::new_ext(&text, Options::ENABLE_TABLES)
        .map(|event| link(event, base_path))
        .collect();
    name_headings(&mut events);
    let mut links = String::new();
    for other in PAGES {
        let current = if other.name == page.name { " aria-current=page" } else { "" };
        links.push_str(&format!(
            "<a href=\"{base_path}/docs/{}\"{current}>{}</a>",
            other.name,
            escape(other.title)
        ));
    }
    let mut out = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <title>{} - API Analytics</title><link rel=icon href=\"{base_path}/favicon.ico\" type=\"image/svg+xml\">\
         <link rel=stylesheet href=\"{base_path}/page.css\"><a class=skip href=\"#text\">Skip to the text</a>\
         <header><div><a class=logo href=\"{base_path}/\">API Analytics</a><span>Documentation</span></div></header>\
         <div class=page><nav aria-label=Documentation>{links}</nav><main id=text>",
        escape(page.title)
    );
    html::push_html(&mut out, events.into_iter());
    out.push_str("</main></div></html>");
    out
}

/// In the folder a page is `settings.md`, here `/docs/settings`.
fn link<'a>(event: Event<'a>, base_path: &str) -> Event<'a> {
    let Event::Start(Tag::Link { link_type, dest_url, title, id }) = event else { return event };
    let (file, part) =
        dest_url.split_once('#').map_or((&*dest_url, None), |(file, part)| (file, Some(part)));
    let is_page = |name: &str| PAGES.iter().any(|page| page.name == name);
    let target = match file.strip_suffix(".md").filter(|name| is_page(name)) {
        Some(name) => {
            let part = part.map(|part| format!("#{part}")).unwrap_or_default();
            CowStr::from(format!("{base_path}/docs/{name}{part}"))
        }
        None if dest_url.starts_with('/') => CowStr::from(format!("{base_path}{dest_url}")),
        None => dest_url,
    };
    Event::Start(Tag::Link { link_type, dest_url: target, title, id })
}

/// Gives every heading an id made of its words, so that it can be linked to.
fn name_headings(events: &mut [Event<'_>]) {
    let mut start = None;
    let mut words = String::new();
    for place in 0..events.len() {
        match &events[place] {
            Event::Start(Tag::Heading { .. }) => {
                start = Some(place);
                words.clear();
            }
            Event::Text(text) | Event::Code(text) if start.is_some() => words.push_str(text),
            Event::End(TagEnd::Heading(_)) => {
                let Some(start) = start.take() else { continue };
                if let Event::Start(Tag::Heading { id, .. }) = &mut events[start] {
                    *id = Some(CowStr::from(to_id(&words)));
                }
            }
            _ => {}
        }
    }
}

/// As GitHub does it: lower case, spaces become dashes, what is neither letter nor number goes.
fn to_id(words: &str) -> String {
    let kept = words.chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        _ if character.is_alphanumeric() => Some(character.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_between_texts_are_links_between_pages() {
        let page = Page {
            name: "x",
            title: "X & Y",
            text: "# Back up\n[a](settings.md#keep_hits) [b](/api/health) [c](https://example.com) [d](#back-up) `http://127.0.0.1:8080/x`",
            is_for_clients: true,
        };
        let html = to_html(&page, "/base", "https://stats.example.com/base");
        for part in [
            "<h1 id=\"back-up\">Back up</h1>",
            "href=\"/base/docs/settings#keep_hits\"",
            "href=\"/base/api/health\"",
            "href=\"https://example.com\"",
            "href=\"#back-up\"",
            "<code>https://stats.example.com/base/x</code>",
            "<title>X &amp; Y - API Analytics</title>",
            "<link rel=icon href=\"/base/favicon.ico\"",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
    }
}
