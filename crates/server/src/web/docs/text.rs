//! A text in Markdown as HTML: links lead to pages, headings can be linked to, and wide content can be scrolled by the
//! keyboard too. The texts are ours, so their HTML is not sanitised.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::PAGES;
use crate::web::escape;

/// `page`: the name of the page with this text; its links are relative to it.
pub fn to_html(text: &str, page: &str, base_path: &str) -> String {
    let mut events: Vec<Event<'_>> =
        parse(text).flat_map(|event| scrolling(link(event, page, base_path))).collect();
    name_headings(&mut events);
    let mut out = String::with_capacity(2 * text.len());
    html::push_html(&mut out, events.into_iter());
    out
}

pub fn parse(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// Code and tables in a box of their own.
fn scrolling(event: Event<'_>) -> Vec<Event<'_>> {
    let html = |html: String| Event::Html(CowStr::from(html));
    match event {
        Event::Start(Tag::CodeBlock(kind)) => {
            let language = match &kind {
                CodeBlockKind::Fenced(language) => escape(language),
                CodeBlockKind::Indented => String::new(),
            };
            vec![html(format!(
                "<div class=code><pre tabindex=0><code class=\"language-{language}\">"
            ))]
        }
        Event::End(TagEnd::CodeBlock) => vec![html("</code></pre></div>".to_owned())],
        Event::Start(Tag::Table(_)) => vec![html("<div class=table tabindex=0>".to_owned()), event],
        Event::End(TagEnd::Table) => vec![event, html("</div>".to_owned())],
        event => vec![event],
    }
}

/// In the folder a page is `settings.md`, here `/docs/settings`.
fn link<'a>(event: Event<'a>, page: &str, base_path: &str) -> Event<'a> {
    let Event::Start(Tag::Link { link_type, dest_url, title, id }) = event else { return event };
    let (file, part) =
        dest_url.split_once('#').map_or((&*dest_url, None), |(file, part)| (file, Some(part)));
    let is_page = |name: &String| PAGES.iter().any(|page| page.name == name);
    let target = match file.strip_suffix(".md").map(|file| beside(page, file)).filter(is_page) {
        Some(name) => {
            let part = part.map(|part| format!("#{part}")).unwrap_or_default();
            CowStr::from(format!("{base_path}/docs/{name}{part}"))
        }
        None if dest_url.starts_with('/') => CowStr::from(format!("{base_path}{dest_url}")),
        None => dest_url,
    };
    Event::Start(Tag::Link { link_type, dest_url: target, title, id })
}

/// The name of the page that a link of `page` leads to. There is one level of folders.
fn beside(page: &str, file: &str) -> String {
    match (page.split_once('/'), file.strip_prefix("../")) {
        (Some(_), Some(name)) => name.to_owned(),
        (Some((folder, _)), None) => format!("{folder}/{file}"),
        (None, _) => file.to_owned(),
    }
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

/// Like GitHub: lower case, spaces become dashes, all but letters and numbers are removed.
pub fn to_id(words: &str) -> String {
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
        let text = "# Back up\n[a](settings.md#keep_hits) [b](/api/health) [c](https://example.com) [d](#back-up)";
        let html = to_html(text, "backup", "/base");
        for part in [
            "<h1 id=\"back-up\">Back up</h1>",
            "href=\"/base/docs/settings#keep_hits\"",
            "href=\"/base/api/health\"",
            "href=\"https://example.com\"",
            "href=\"#back-up\"",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
    }

    #[test]
    fn links_of_a_page_in_a_folder_are_relative_to_it() {
        let html = to_html("[a](../settings.md#keep_hits) [b](node.md)", "clients/python", "");
        assert!(html.contains("href=\"/docs/settings#keep_hits\""), "{html}");
        assert!(html.contains("href=\"/docs/clients/node\""), "{html}");
    }

    #[test]
    fn code_and_tables_stand_in_boxes_that_scroll() {
        let html = to_html("```sh\na < b\n```\n\n| a |\n|---|\n| 1 |\n", "backup", "");
        let code = "<div class=code><pre tabindex=0><code class=\"language-sh\">a &lt; b\n</code></pre></div>";
        assert!(html.contains(code), "{html}");
        assert!(html.contains("<div class=table tabindex=0><table>"), "{html}");
        assert!(html.contains("</table>\n</div>"), "{html}");
    }
}
