//! Texts of strangers in messages: cleaned, escaped and cut as each service counts.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::limits;

/// The unit in which a service limits the length of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthUnit {
    Characters,
    Utf16,
    Bytes,
}

impl LengthUnit {
    pub fn length(self, text: &str) -> usize {
        match self {
            LengthUnit::Characters => text.chars().count(),
            LengthUnit::Utf16 => text.encode_utf16().count(),
            LengthUnit::Bytes => text.len(),
        }
    }
}

/// Writes one character so that it stands for itself.
pub type Escape = fn(&mut String, char);

/// One line without control characters, and without characters that reorder or hide others.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars().map(|one| if is_break(one) { ' ' } else { one }) {
        let doubles_space = character == ' ' && (cleaned.is_empty() || cleaned.ends_with(' '));
        if !is_hidden(character) && !doubles_space {
            cleaned.push(character);
        }
    }
    let most = limits::NOTICE_NAME_CHARACTERS as usize;
    let cut = fit(cleaned.trim_end(), most, LengthUnit::Characters, plain);
    if cut.is_empty() { "(no name)".to_owned() } else { cut }
}

/// Escaped, and cut at a word with an ellipsis if it would be longer than `limit`. No escape is cut in half.
pub fn fit(text: &str, limit: usize, unit: LengthUnit, escape: Escape) -> String {
    let mut escaped = String::with_capacity(text.len());
    text.chars().for_each(|character| escape(&mut escaped, character));
    if unit.length(&escaped) <= limit {
        return escaped;
    }
    let Some(room) = limit.checked_sub(unit.length("…")) else {
        return String::new();
    };
    let (mut kept, mut length, mut piece) = (String::new(), 0, String::new());
    // The start of the last word, if it is in the last quarter.
    let mut word = None;
    for character in text.chars() {
        piece.clear();
        escape(&mut piece, character);
        if length + unit.length(&piece) > room {
            break;
        }
        if character == ' ' && length * 4 >= room * 3 {
            word = Some(kept.len());
        }
        length += unit.length(&piece);
        kept.push_str(&piece);
    }
    kept.truncate(word.unwrap_or(kept.len()));
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// Escapes nothing.
pub fn plain(into: &mut String, character: char) {
    into.push(character);
}

/// For HTML, in text and in quoted attributes.
pub fn html(into: &mut String, character: char) {
    match character {
        '&' => into.push_str("&amp;"),
        '<' => into.push_str("&lt;"),
        '>' => into.push_str("&gt;"),
        '"' => into.push_str("&quot;"),
        '\'' => into.push_str("&#39;"),
        other => into.push(other),
    }
}

pub fn escape_all(text: &str, escape: Escape) -> String {
    let mut escaped = String::with_capacity(text.len());
    text.chars().for_each(|character| escape(&mut escaped, character));
    escaped
}

/// A segment of a URL's path.
pub fn path_segment(text: &str) -> String {
    const SEGMENT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Letters, digits, `-`, `_` and `.`: an id that any service and header takes.
pub fn id(text: &str, most: usize) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    text.chars().take(most).map(|one| if is_plain(one) { one } else { '-' }).collect()
}

fn is_break(character: char) -> bool {
    character.is_control() || character.is_whitespace()
}

fn is_hidden(character: char) -> bool {
    matches!(
        character,
        // Zero-width characters; U+200D joins emoji and stays.
        '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}' | '\u{61c}'
        // Bidirectional overrides and isolates.
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}'
        // Tags.
        | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_one_visible_line() {
        let check = |text: &str, expected: &str| assert_eq!(clean(text), expected);
        check("GET /orders/{id}", "GET /orders/{id}");
        check("a\r\nBcc: b\tc\u{2028}d", "a Bcc: b c d");
        check("\u{202e}evil\u{200b}\u{e0041}", "evil");
        check("  a   b  ", "a b");
        check("\u{0}\u{7f}", "(no name)");
        check("", "(no name)");
        check("👩\u{200d}🔧", "👩\u{200d}🔧");
        check(&"x".repeat(200), &"x".repeat(200));
        check(&"x".repeat(201), &format!("{}…", "x".repeat(199)));
    }

    #[test]
    fn a_text_is_cut_at_a_word_by_the_unit_of_the_service() {
        let check = |text: &str, limit, unit, expected: &str| {
            assert_eq!(fit(text, limit, unit, plain), expected);
        };
        check("alpha beta", 10, LengthUnit::Characters, "alpha beta");
        check("alpha beta", 9, LengthUnit::Characters, "alpha be…");
        check("alphabet xyz zebra", 15, LengthUnit::Characters, "alphabet xyz…");
        check("a zebra alphabet", 15, LengthUnit::Characters, "a zebra alphab…");
        check("ééé", 6, LengthUnit::Bytes, "ééé");
        check("éééé", 7, LengthUnit::Bytes, "éé…");
        check("😀😀😀", 6, LengthUnit::Utf16, "😀😀😀");
        check("😀😀😀", 5, LengthUnit::Utf16, "😀😀…");
        check("abc", 2, LengthUnit::Bytes, "");
        assert_eq!(fit("a<<<", 10, LengthUnit::Characters, html), "a&lt;&lt;…");
    }

    #[test]
    fn ids_and_path_segments_hold_nothing_that_separates() {
        assert_eq!(id("down-17/ä\r\n", 20), "down-17----");
        assert_eq!(id("abcdef", 3), "abc");
        assert_eq!(
            path_segment("!room:example.org/../x?y#z"),
            "%21room%3Aexample.org%2F..%2Fx%3Fy%23z"
        );
    }

    proptest! {
        #[test]
        fn no_text_is_longer_than_allowed_and_no_escape_is_cut(
            text in "[ a<&>\"é😀\u{4e2d}]{0,60}",
            limit in 0usize..80,
            unit in prop_oneof![
                Just(LengthUnit::Characters),
                Just(LengthUnit::Utf16),
                Just(LengthUnit::Bytes)
            ],
        ) {
            let fitted = fit(&text, limit, unit, html);
            prop_assert!(unit.length(&fitted) <= limit);
            let whole = escape_all(&text, html);
            match fitted.strip_suffix('…') {
                Some(kept) => {
                    prop_assert!(whole.starts_with(kept) && unit.length(&whole) > limit);
                    let ends_escape = kept.rfind('&').is_none_or(|start| kept[start..].contains(';'));
                    prop_assert!(ends_escape, "{}", kept);
                }
                None => prop_assert!(fitted == whole || fitted.is_empty()),
            }
        }

        #[test]
        fn a_clean_name_is_clean(text in "\\PC{0,40}|[\\x00-\\x7f\u{2028}\u{202e}\u{200b}]{0,300}") {
            let cleaned = clean(&text);
            prop_assert!(!cleaned.is_empty() && cleaned.chars().count() <= 200);
            prop_assert!(!cleaned.chars().any(|one| one.is_control() || is_hidden(one)));
            prop_assert_eq!(clean(&cleaned), cleaned.clone());
        }
    }
}
