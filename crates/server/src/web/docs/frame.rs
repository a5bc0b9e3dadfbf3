//! The frame around a text of the documentation: the header of the dashboard's pages, the search, and the list of pages.

use analytics::limits;

use super::search::Found;
use super::{PAGES, Page};
use crate::web::escape;

/// The mark, as in the dashboard's header.
const MARK: &str = "<svg width=22 height=22 viewBox=\"0 0 22 22\" aria-hidden=true><rect width=22 height=22 rx=6 /><path d=\"M5 15V11M9 15V7M13 15V9.5M17 15V5\" /></svg>";

pub enum View<'a> {
    Page { page: &'a Page, html: &'a str },
    Found { words: &'a str, found: &'a [Found] },
}

pub fn write(base_path: &str, view: &View<'_>) -> String {
    let (title, words, here) = match view {
        View::Page { page, .. } => (page.title.to_owned(), "", page.name),
        View::Found { words, .. } => (format!("Search: {words}"), *words, ""),
    };
    let mut out = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <title>{title} - API Analytics</title><link rel=icon href=\"{base_path}/favicon.ico\" type=\"image/svg+xml\">\
         <script src=\"{base_path}/docs.js\"></script><link rel=stylesheet href=\"{base_path}/page.css\">\
         <a class=skip href=\"#text\">Skip to the text</a>\
         <header><div><a class=logo href=\"{base_path}/\" aria-label=\"API Analytics, start page\">{MARK}<span>API Analytics</span></a>\
         <a class=here href=\"{base_path}/docs\">Documentation</a>\
         <form role=search action=\"{base_path}/docs/search\"><input type=search name=q value=\"{words}\" placeholder=\"Search\" aria-label=\"Search the documentation\" autocomplete=off></form>\
         <a class=projects href=\"{base_path}/projects\">Projects</a></div></header>\
         <div class=page><nav aria-label=Documentation>",
        title = escape(&title),
        words = escape(words),
    );
    for page in PAGES {
        let current = if page.name == here { " aria-current=page" } else { "" };
        let title = escape(page.title);
        out.push_str(&format!("<a href=\"{base_path}/docs/{}\"{current}>{title}</a>", page.name));
    }
    out.push_str("</nav><main id=text tabindex=-1>");
    match view {
        View::Page { html, .. } => out.push_str(html),
        View::Found { words, found } => put_found(&mut out, base_path, words, found),
    }
    out.push_str("</main></div></html>");
    out
}

fn put_found(out: &mut String, base_path: &str, words: &str, found: &[Found]) {
    let heading = match (words.trim(), found.len()) {
        ("", _) => "Search the documentation".to_owned(),
        (words, 0) => format!("Nothing found for “{words}”"),
        (words, 1) => format!("1 result for “{words}”"),
        (words, count) if count == limits::DOCS_SEARCH_RESULTS as usize => {
            format!("The best {count} results for “{words}”")
        }
        (words, count) => format!("{count} results for “{words}”"),
    };
    out.push_str(&format!("<h1>{}</h1>", escape(&heading)));
    if found.is_empty() {
        out.push_str("<p>Write one or more words. A part of the documentation is found if it has all of them.</p>");
        return;
    }
    out.push_str("<ol class=found>");
    for Found { section, before, hit, after } in found {
        let anchor = if section.id.is_empty() { String::new() } else { format!("#{}", section.id) };
        out.push_str(&format!(
            "<li><a href=\"{base_path}/docs/{}{anchor}\">{}</a><span>{}</span><p>{}<mark>{}</mark>{}</p></li>",
            section.page.name,
            escape(&section.heading),
            escape(section.page.title),
            escape(before),
            escape(hit),
            escape(after),
        ));
    }
    out.push_str("</ol>");
}
