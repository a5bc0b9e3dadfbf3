//! The search through the documentation: sections that have all words, those with them in the heading first.

use std::cmp::Reverse;
use std::sync::LazyLock;

use analytics::limits;
use pulldown_cmark::{Event, Tag, TagEnd};

use super::text::{parse, to_id};
use super::{PAGES, Page};

/// A part of a page, from its heading to the next.
pub struct Section {
    pub page: &'static Page,
    pub heading: String,
    /// The id of its heading on the page.
    pub id: String,
    text: String,
    /// Heading and text in lower case.
    heading_lower: String,
    text_lower: String,
}

/// A section that has the words, and the first of them in its text.
pub struct Found {
    pub section: &'static Section,
    pub before: String,
    pub hit: String,
    pub after: String,
}

/// The page that lists every call, and so has almost every word.
const REFERENCE: &str = "api";

/// About how many bytes of text are shown on each side of the first word.
const AROUND: usize = 90;

static SECTIONS: LazyLock<Vec<Section>> =
    LazyLock::new(|| PAGES.iter().flat_map(|page| cut(page, page.text)).collect());

/// The best first.
pub fn find(words: &str) -> Vec<Found> {
    let lower = words.to_lowercase();
    let words: Vec<&str> =
        lower.split_whitespace().take(limits::DOCS_SEARCH_WORDS as usize).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(usize, &Section)> = Vec::new();
    for section in SECTIONS.iter() {
        let in_heading = words.iter().filter(|word| section.heading_lower.contains(*word)).count();
        let in_text = words.iter().filter(|word| section.text_lower.contains(*word)).count();
        let has = |word: &&str| {
            section.heading_lower.contains(*word) || section.text_lower.contains(*word)
        };
        if words.iter().all(has) {
            found.push((3 * in_heading + in_text, section));
        }
    }
    // Explanations before the list of calls; otherwise equal ones stay in the order of the pages.
    found.sort_by_key(|(score, section)| (Reverse(*score), section.page.name == REFERENCE));
    found.truncate(limits::DOCS_SEARCH_RESULTS as usize);
    found.into_iter().map(|(_, section)| excerpt(section, &words)).collect()
}

fn excerpt(section: &'static Section, words: &[&str]) -> Found {
    // Lower case may change the length of the text: then nothing is marked.
    let is_alike = section.text.len() == section.text_lower.len();
    let first = words.iter().filter_map(|word| {
        let at = section.text_lower.find(*word).filter(|_| is_alike)?;
        Some((at, at + word.len()))
    });
    let (start, end) = first.min().unwrap_or((0, 0));
    let text = &section.text;
    let (start, end) = (text.floor_char_boundary(start), text.ceil_char_boundary(end));
    // Whole words on both sides.
    let from = text.floor_char_boundary(start.saturating_sub(AROUND));
    let from =
        if from == 0 { 0 } else { text[from..start].find(' ').map_or(start, |n| from + n + 1) };
    let to = text.ceil_char_boundary((end + AROUND).min(text.len()));
    let to = if to == text.len() { to } else { text[end..to].rfind(' ').map_or(to, |n| end + n) };
    let cut = |is_cut: bool| if is_cut { "… " } else { "" };
    Found {
        section,
        before: format!("{}{}", cut(from > 0), &text[from..start]),
        hit: text[start..end].to_owned(),
        after: format!("{}{}", &text[end..to], if to < text.len() { " …" } else { "" }),
    }
}

fn cut(page: &'static Page, text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let (mut heading, mut written) = (String::new(), String::new());
    let mut is_heading = false;
    let mut close = |heading: &str, written: &mut String| {
        let text = std::mem::take(written).split_whitespace().collect::<Vec<_>>().join(" ");
        if !heading.is_empty() || !text.is_empty() {
            sections.push(Section {
                page,
                heading: heading.to_owned(),
                id: to_id(heading),
                heading_lower: heading.to_lowercase(),
                text_lower: text.to_lowercase(),
                text,
            });
        }
    };
    for event in parse(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                close(&heading, &mut written);
                heading.clear();
                is_heading = true;
            }
            Event::End(TagEnd::Heading(_)) => is_heading = false,
            Event::Text(text) | Event::Code(text) => match is_heading {
                true => heading.push_str(&text),
                false => written.push_str(&text),
            },
            Event::SoftBreak | Event::HardBreak | Event::End(_) => written.push(' '),
            _ => {}
        }
    }
    close(&heading, &mut written);
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_are_wanted_and_headings_come_first() {
        let found = find("Restore");
        assert_eq!(found[0].section.page.name, "backup");
        assert!(found[0].section.heading.to_lowercase().contains("restore"));
        assert_ne!(find("erase")[0].section.page.name, REFERENCE);
        let both = find("restore backup");
        assert!(!both.is_empty() && both.len() <= found.len());
        assert!(find("restore nosuchword").is_empty());
        assert!(find("  ").is_empty());
    }

    #[test]
    fn an_excerpt_shows_the_first_word_among_its_neighbours() {
        let found = find("keep_hits");
        let shown = found.iter().find(|found| !found.hit.is_empty()).unwrap();
        assert_eq!(shown.hit, "keep_hits");
        assert!(shown.before.len() + shown.after.len() <= 2 * AROUND + 16);
        for Found { section, before, hit, after } in find("erase") {
            let (before, after) = (before.trim_start_matches("… "), after.trim_end_matches(" …"));
            let shown = format!("{before}{hit}{after}");
            let text = format!(" {} ", section.text);
            assert!(text.contains(&format!(" {shown} ")), "whole words: {shown}");
        }
        assert!(find("the").len() <= limits::DOCS_SEARCH_RESULTS as usize);
    }

    #[test]
    fn texts_are_cut_at_their_headings() {
        let sections = cut(
            &PAGES[0],
            "before\n# One `x`\na *b*\nc\n## Two\n| d | e |\n|---|---|\n| f | g |\n",
        );
        let seen: Vec<(&str, &str, &str)> = sections
            .iter()
            .map(|one| (one.heading.as_str(), one.id.as_str(), one.text.as_str()))
            .collect();
        assert_eq!(
            seen,
            [("", "", "before"), ("One x", "one-x", "a b c"), ("Two", "two", "d e f g")]
        );
    }
}
