//! A page's cursor as opaque text: (time, hit id) of its last hit. It names no project, so in another project it is
//! only a point in time.

use analytics::query::SlowPlace;

/// 32 hexadecimal digits.
pub(super) fn to_text(time_us: i64, hit_id: i64) -> String {
    format!("{:016x}{:016x}", time_us as u64, hit_id as u64)
}

/// None unless `to_text` made it.
pub(super) fn parse(text: &str) -> Option<(i64, i64)> {
    let [time_us, hit_id] = parts(text)?;
    Some((time_us, hit_id))
}

/// For a list by duration: 48 hexadecimal digits.
pub(super) fn slow_to_text((duration_us, time_us, hit_id): SlowPlace) -> String {
    let duration = duration_us.map_or(-1, |us| us as i64);
    format!("{duration:016x}{}", to_text(time_us, hit_id))
}

/// None unless `slow_to_text` made it.
pub(super) fn parse_slow(text: &str) -> Option<SlowPlace> {
    let [duration, time_us, hit_id] = parts(text)?;
    Some((u64::try_from(duration).ok(), time_us, hit_id))
}

/// Numbers of 16 digits each.
fn parts<const COUNT: usize>(text: &str) -> Option<[i64; COUNT]> {
    if text.len() != 16 * COUNT || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut numbers = [0; COUNT];
    for (n, number) in numbers.iter_mut().enumerate() {
        *number = u64::from_str_radix(&text[16 * n..16 * (n + 1)], 16).ok()? as i64;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for place in [(0, 0), (-1, i64::MIN), (1_764_000_000_000_000, i64::MAX)] {
            assert_eq!(parse(&to_text(place.0, place.1)), Some(place));
        }
        for place in [(None, 0, 0), (Some(86_400_000_000), -1, i64::MIN)] {
            assert_eq!(parse_slow(&slow_to_text(place)), Some(place));
        }
        for text in ["", "abc", &"+".repeat(32), &"é".repeat(16), &"+".repeat(48), &"0".repeat(40)]
        {
            assert_eq!((parse(text), parse_slow(text)), (None, None), "{text}");
        }
    }
}
