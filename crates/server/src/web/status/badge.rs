//! Badges: a name and a state as a small SVG, for other sites.

use analytics::status_page::Overall;
use analytics::uptime::State;

use crate::web::escape;

/// Longer names are cut: a badge is part of a line of text.
const NAME_CHARACTERS: usize = 40;
const HEIGHT: usize = 20;
const PADDING: usize = 7;

/// White text is readable on each of them.
const GREEN: &str = "#0b6b4e";
const AMBER: &str = "#855600";
const RED: &str = "#bd2a3e";
const BLUE: &str = "#2459bd";
const GREY: &str = "#5f6a7f";

pub fn color(overall: Overall) -> &'static str {
    match overall {
        Overall::Operational => GREEN,
        Overall::Maintenance => BLUE,
        Overall::Degraded | Overall::Disrupted => AMBER,
        Overall::Down => RED,
        Overall::Unknown => GREY,
    }
}

pub fn color_of_state(state: State) -> &'static str {
    match state {
        State::Up => GREEN,
        State::Degraded => AMBER,
        State::Down => RED,
        State::Maintenance => BLUE,
        State::Unknown => GREY,
    }
}

pub fn write(name: &str, state: &str, color: &str) -> String {
    let name = shorten(name);
    let (name_width, state_width) = (width_of(&name), width_of(state));
    let left = name_width + 2 * PADDING;
    let width = left + state_width + 2 * PADDING;
    let (name, state) = (escape(&name), escape(state));
    // The widths of letters are not known here, so the text is stretched to its box.
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{name}: {state}\">\
         <title>{name}: {state}</title><clipPath id=\"r\"><rect width=\"{width}\" height=\"{HEIGHT}\" rx=\"4\"/></clipPath>\
         <g clip-path=\"url(#r)\"><rect width=\"{left}\" height=\"{HEIGHT}\" fill=\"#2b3444\"/>\
         <rect x=\"{left}\" width=\"{}\" height=\"{HEIGHT}\" fill=\"{color}\"/></g>\
         <g fill=\"#fff\" font-family=\"Verdana,Geneva,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{PADDING}\" y=\"14\" textLength=\"{name_width}\">{name}</text>\
         <text x=\"{}\" y=\"14\" textLength=\"{state_width}\">{state}</text></g></svg>",
        width - left,
        left + PADDING,
    )
}

fn shorten(name: &str) -> String {
    if name.chars().count() <= NAME_CHARACTERS {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_CHARACTERS - 1).collect();
    format!("{}…", kept.trim_end())
}

/// About the width in Verdana at 11 pixels.
fn width_of(text: &str) -> usize {
    let tenths: usize = text
        .chars()
        .map(|character| match character {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | '\'' | '|' | ' ' => 38,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 102,
            character if character.is_ascii_uppercase() => 78,
            character if character.is_ascii() => 67,
            _ => 110,
        })
        .sum();
    tenths.div_ceil(10).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_and_a_hostile_one_escaped() {
        let badge = write(&"x".repeat(90), "down", RED);
        assert!(badge.contains(&format!(">{}…</text>", "x".repeat(39))), "{badge}");
        let badge = write("<script>\"&", "down", RED);
        assert!(badge.contains(">&lt;script&gt;&quot;&amp;</text>"), "{badge}");
        assert!(!badge.contains("<script"), "{badge}");
    }
}
