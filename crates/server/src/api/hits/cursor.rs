//! Where a page ended, as text that says nothing to its holder: (time, hit id) of the last hit. It names no project, so
//! in another project's hands it is only a place in time.

/// 32 hexadecimal digits.
pub(super) fn to_text(time_us: i64, hit_id: i64) -> String {
    format!("{:016x}{:016x}", time_us as u64, hit_id as u64)
}

/// None where it is not what `to_text` made.
pub(super) fn parse(text: &str) -> Option<(i64, i64)> {
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let half = |part: &str| u64::from_str_radix(part, 16).ok().map(|number| number as i64);
    Some((half(&text[..16])?, half(&text[16..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for place in [(0, 0), (-1, i64::MIN), (1_764_000_000_000_000, i64::MAX)] {
            assert_eq!(parse(&to_text(place.0, place.1)), Some(place));
        }
        for text in ["", "abc", &"+".repeat(32), &"é".repeat(16)] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
