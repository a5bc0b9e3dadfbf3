//! A hit's values in the original's format.

use std::io::Write;

use store::HitRow;

/// Its codes of methods.
pub(super) fn method_number(method: &str) -> u8 {
    const METHODS: [&str; 9] =
        ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "HEAD", "TRACE"];
    METHODS.iter().position(|known| *known == method).unwrap_or(METHODS.len()) as u8
}

/// Whole milliseconds, rounded; 0 if unknown, since its format has no null.
pub(super) fn response_time(row: &HitRow) -> u64 {
    row.duration_us.map_or(0, |us| us.saturating_add(500) / 1_000)
}

/// A JSON string.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    // Writing to a vector does not fail.
    let _ = serde_json::to_writer(&mut *out, text);
}

/// A time as a JSON string.
pub(super) fn put_time(out: &mut Vec<u8>, time_us: i64) {
    let _ = write!(out, "\"{}\"", jiff::Timestamp::from_microsecond(time_us).unwrap_or_default());
}

pub(super) fn put_number(out: &mut Vec<u8>, number: u64) {
    let _ = write!(out, "{number}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_the_original_s_numbers() {
        for (method, number) in
            [("GET", 0), ("DELETE", 4), ("HEAD", 7), ("TRACE", 8), ("PURGE", 9), ("", 9)]
        {
            assert_eq!(method_number(method), number, "{method}");
        }
    }
}
