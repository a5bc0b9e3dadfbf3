//! The feed of a status page (RSS 2.0): an item for each maintenance window that is open or near, and for each update
//! of an incident, newest first.

use std::fmt::Write;

use jiff::Timestamp;

use super::words;
use crate::status_view::{IncidentView, MaintenanceView, StatusView};
use crate::web::escape;

/// `address`: of this server, without a trailing slash.
pub fn write(view: &StatusView, address: &str) -> String {
    let page = format!("{address}/status/{}", view.slug);
    let mut items = Vec::new();
    for incident in view.current.iter().chain(&view.earlier) {
        put_items(&mut items, incident, &page);
    }
    // The newest update of any incident comes first.
    items.sort_by_key(|(at_ms, _)| std::cmp::Reverse(*at_ms));
    let title = text_of(&view.title);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\"><channel>\
         <title>{title}</title><link>{page}</link><description>Updates of incidents: {title}</description><language>en</language>\
         <atom:link href=\"{page}/rss\" rel=\"self\" type=\"application/rss+xml\"/>"
    );
    view.maintenance.iter().for_each(|maintenance| put_maintenance(&mut out, maintenance, &page));
    for (_, item) in items {
        out.push_str(&item);
    }
    out.push_str("</channel></rss>\n");
    out
}

/// Without a date: its start may be in the future.
fn put_maintenance(out: &mut String, maintenance: &MaintenanceView, page: &str) {
    let time = |ms: i64| words::full_moment(ms);
    let when = format!("{} to {}", time(maintenance.from_ms), time(maintenance.to_ms));
    let text = match maintenance.text.as_str() {
        "" => when,
        text => format!("{when}\n{text}"),
    };
    let _ = write!(
        out,
        "<item><title>Maintenance: {}</title><link>{page}#{id}</link><guid isPermaLink=\"false\">{id}</guid><description>{}</description></item>",
        text_of(&maintenance.title),
        text_of(&text),
        id = maintenance.id,
    );
}

fn put_items(items: &mut Vec<(i64, String)>, incident: &IncidentView, page: &str) {
    let mut put = |number: usize, at_ms: i64, title: String, text: &str| {
        let mut item = String::new();
        let _ = write!(
            item,
            "<item><title>{}</title><link>{page}#{}</link><guid isPermaLink=\"false\">{}-{number}</guid><pubDate>{}</pubDate>",
            text_of(&title),
            incident.id,
            incident.id,
            date(at_ms)
        );
        if !text.is_empty() {
            let _ = write!(item, "<description>{}</description>", text_of(text));
        }
        item.push_str("</item>");
        items.push((at_ms, item));
    };
    if incident.updates.is_empty() {
        put(0, incident.since_ms, incident.title.clone(), "");
    }
    for (place, update) in incident.updates.iter().enumerate() {
        let title = format!("{}: {}", update.stage.as_text(), incident.title);
        put(place + 1, update.at_ms, title, &update.text);
    }
}

/// RFC 822 with a year of four digits.
fn date(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// XML cannot represent some characters at all.
fn text_of(text: &str) -> String {
    let is_xml = |character: &char| matches!(character, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    escape(&text.chars().filter(is_xml).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_feeds_write_them() {
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(date(1_795_348_800_000), "Sun, 22 Nov 2026 12:00:00 +0000");
    }

    #[test]
    fn characters_that_xml_lacks_are_left_out() {
        assert_eq!(text_of("a\u{0}b\u{1b}\u{fffe} <ü&😀>"), "ab &lt;ü&amp;😀&gt;");
    }
}
