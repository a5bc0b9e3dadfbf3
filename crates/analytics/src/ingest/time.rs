//! Times as clients write them.
//!
//! Clients mostly send RFC 3339 with or without a zone. It is parsed by hand, because every hit has one; jiff parses
//! whatever else it understands. `enrich::clock` decides the zone of a naive time.

/// A posted time, microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadTime {
    /// As if it were UTC; its zone is unknown.
    Naive(i64),
    Zoned(i64),
}

/// Longer texts are not times; bounds the slow path.
const LONGEST: usize = 64;

/// None if it cannot be read. Digits after the sixth of a fraction are cut off; a leap second counts as the second
/// before it.
pub fn parse_time(text: &str) -> Option<ReadTime> {
    parse_rfc3339(text.as_bytes()).or_else(|| parse_otherwise(text.trim()))
}

fn parse_rfc3339(text: &[u8]) -> Option<ReadTime> {
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        mo1,
        mo2,
        b'-',
        d1,
        d2,
        b'T' | b't' | b' ',
        h1,
        h2,
        b':',
        mi1,
        mi2,
        b':',
        s1,
        s2,
        rest @ ..,
    ] = text
    else {
        return None;
    };
    let year = two_digits(*y1, *y2)? * 100 + two_digits(*y3, *y4)?;
    let (month, day) = (two_digits(*mo1, *mo2)?, two_digits(*d1, *d2)?);
    let (hour, minute, second) =
        (two_digits(*h1, *h2)?, two_digits(*mi1, *mi2)?, two_digits(*s1, *s2)?);
    if !(1..=12).contains(&month)
        || day < 1
        || day > days_in_month(year, month)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400
        + i64::from(hour * 3_600 + minute * 60 + second.min(59));
    let (fraction_us, zone) = parse_fraction(rest)?;
    let time_us = seconds * 1_000_000 + fraction_us;
    match zone {
        [] => Some(ReadTime::Naive(time_us)),
        [b'Z' | b'z'] => Some(ReadTime::Zoned(time_us)),
        [sign @ (b'+' | b'-'), offset @ ..] => {
            let offset_us = parse_offset_s(offset)? * 1_000_000;
            Some(ReadTime::Zoned(if *sign == b'+' {
                time_us - offset_us
            } else {
                time_us + offset_us
            }))
        }
        _ => None,
    }
}

/// The fraction in microseconds, and the rest of the text.
#[inline]
fn parse_fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.' | b',', digits @ ..] = rest else { return Some((0, rest)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let kept = digits[..count.min(6)].iter();
    let fraction = kept.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    let fraction_us = fraction * [100_000, 10_000, 1_000, 100, 10, 1][count.min(6) - 1];
    Some((fraction_us, &digits[count..]))
}

/// `HH:MM`, `HHMM`, `HH`, and `HH:MM:SS` in seconds.
fn parse_offset_s(offset: &[u8]) -> Option<i64> {
    let (hours, minutes, seconds) = match *offset {
        [h1, h2] => (two_digits(h1, h2)?, 0, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (two_digits(h1, h2)?, two_digits(m1, m2)?, 0),
        [h1, h2, b':', m1, m2, b':', s1, s2] => {
            (two_digits(h1, h2)?, two_digits(m1, m2)?, two_digits(s1, s2)?)
        }
        _ => return None,
    };
    (hours < 24 && minutes < 60 && seconds < 60)
        .then(|| i64::from(hours * 3_600 + minutes * 60 + seconds))
}

fn parse_otherwise(text: &str) -> Option<ReadTime> {
    // A date alone has no time; jiff would read it as midnight.
    if text.len() > LONGEST || !text.contains(':') {
        return None;
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(ReadTime::Zoned(time.as_microsecond()));
    }
    if let Ok(time) = text.parse::<jiff::civil::DateTime>() {
        let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        return Some(ReadTime::Naive(time.timestamp().as_microsecond()));
    }
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(ReadTime::Zoned(time.timestamp().as_microsecond()))
}

#[inline]
fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
#[inline]
fn days_since_1970(year: u32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * i64::from((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zoned(text: &str) -> ReadTime {
        ReadTime::Zoned(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn the_times_of_published_clients_are_read() {
        let utc = |text: &str| match zoned(text) {
            ReadTime::Zoned(time_us) => ReadTime::Naive(time_us),
            naive @ ReadTime::Naive(_) => naive,
        };
        for (text, expected) in [
            ("2026-11-22T07:25:10.887565", utc("2026-11-22T07:25:10.887565Z")),
            ("2026-11-22T07:25:10", utc("2026-11-22T07:25:10Z")),
            ("2026-11-22 07:25:10.5", utc("2026-11-22T07:25:10.5Z")),
            ("2026-11-22T07:25:32.693Z", zoned("2026-11-22T07:25:32.693Z")),
            ("2026-11-22T07:25:32.693123456+05:45", zoned("2026-11-22T01:40:32.693123Z")),
            ("2026-11-22T07:25:32-08:00", zoned("2026-11-22T15:25:32Z")),
            ("2026-11-22T07:25:32.1234567+01:00", zoned("2026-11-22T06:25:32.123456Z")),
            ("2026-11-22T07:25:32+0530", zoned("2026-11-22T01:55:32Z")),
            ("2024-02-29T23:59:60Z", zoned("2024-02-29T23:59:59Z")),
            // Parsed by jiff.
            ("2026-11-22T07:25:32+05:45[Asia/Kathmandu]", zoned("2026-11-22T01:40:32Z")),
            ("Sun, 22 Nov 2026 07:25:32 GMT", zoned("2026-11-22T07:25:32Z")),
            (" 2026-11-22T07:25:32Z ", zoned("2026-11-22T07:25:32Z")),
            ("2026-11-22T07:25", utc("2026-11-22T07:25:00Z")),
        ] {
            assert_eq!(parse_time(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "now",
            "2026-11-22",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "1763796310",
            "2026-11-22T07:25:32.Z",
            "2026-11-22T07:25:32+99:00",
            "2026-11-22T07:25:32Zulu",
            "２０26-11-22T07:25:32Z",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_by_hand_agrees_with_jiff(second in -62_000_000_000i64..250_000_000_000, us in 0i64..1_000_000) {
            let time = jiff::Timestamp::from_microsecond(second * 1_000_000 + us).unwrap();
            let text = format!("{time:.6}");
            prop_assert_eq!(parse_rfc3339(text.as_bytes()), Some(ReadTime::Zoned(time.as_microsecond())), "{}", text);
        }

        #[test]
        fn any_text_is_read_or_not(text in ".{0,40}") {
            parse_time(&text);
        }
    }
}
