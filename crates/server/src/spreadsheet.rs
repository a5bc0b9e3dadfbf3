//! Files for spreadsheets: the format of their lines, and escaping of texts that a spreadsheet would run.

use std::borrow::Cow;

use csv::{Terminator, Writer, WriterBuilder};

/// Writes to memory, which does not fail. `bytes`: about the final size.
pub fn writer(bytes: usize) -> Writer<Vec<u8>> {
    // RFC 4180: lines end with CR LF.
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::with_capacity(bytes))
}

/// The first characters of a formula. Some programs also accept the full-width forms.
const FORMULA_SIGNS: [char; 9] =
    ['=', '+', '-', '@', '\u{2212}', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// True for characters that a spreadsheet may skip before a formula: it strips them, or does not show them.
fn is_passed_over(char: char) -> bool {
    let is_format = matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}');
    char.is_whitespace() || char.is_control() || is_format
}

/// A spreadsheet runs such texts as formulas; a leading apostrophe makes them text (OWASP, "CSV Injection").
pub fn harmless(field: &str) -> Cow<'_, str> {
    let is_formula = field.trim_start_matches(is_passed_over).starts_with(FORMULA_SIGNS);
    // A leading tab or line break may also end the cell.
    if is_formula || field.starts_with(['\t', '\r', '\n']) {
        Cow::Owned(format!("'{field}"))
    } else {
        Cow::Borrowed(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_front_of_a_formula_hides_it() {
        let before = [
            "",
            " ",
            "\u{a0}",
            "\u{feff}",
            "\u{1}",
            "\u{7f}",
            "\u{200b}",
            "\t",
            "\r\n",
            "\u{3000} \u{feff}",
        ];
        for (before, sign) in
            before.iter().flat_map(|before| FORMULA_SIGNS.map(|sign| (before, sign)))
        {
            let field = format!("{before}{sign}HYPERLINK(1)");
            assert_eq!(harmless(&field), format!("'{field}"), "{field:?}");
        }
        for field in ["", " ", "a=1", "/users/-1", "203.0.113.9", "\u{feff}a", "1-2"] {
            assert_eq!(harmless(field), field, "{field:?}");
        }
    }
}
