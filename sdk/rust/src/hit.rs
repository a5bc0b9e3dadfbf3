//! A hit: the record of one request, and its format on the wire.
//!
//! All texts of a hit are in one buffer, so that a waiting hit is two allocations, and holds nothing of the request or response.
//! Formatting happens in the poster's thread.

use std::borrow::Cow;
use std::net::IpAddr;

/// The texts of a hit.
#[derive(Clone, Copy)]
pub(crate) enum Field {
    Method,
    Path,
    Route,
    Hostname,
    Address,
    UserAgent,
    UserId,
    Referrer,
    RequestId,
}

/// Name on the wire and the server's limit in characters. A caller with a long header must fill neither this process's
/// memory nor a batch.
const FIELDS: [(&str, usize); 9] = [
    ("method", 32),
    ("path", 2048),
    ("route", 2048),
    ("hostname", 255),
    ("ip_address", 255),
    ("user_agent", 1024),
    ("user_id", 255),
    ("referrer", 2048),
    ("request_id", 128),
];

/// Whether a cache answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cache {
    Hit,
    Miss,
}

#[derive(Default)]
pub(crate) struct Hit {
    /// Microseconds since 1970.
    pub started_at: u64,
    pub duration_us: u64,
    pub status: u16,
    pub cache: Option<Cache>,
    pub request_size: Option<u64>,
    pub response_size: Option<u64>,
    /// The connection's, if no mapper gives a text.
    pub address: Option<IpAddr>,
    /// Start and end of each field in `text`. All limits together are below 64 KiB.
    spans: [(u16, u16); FIELDS.len()],
    text: String,
}

impl Hit {
    pub(crate) fn new(started_at: u64) -> Self {
        // Enough for the usual request, so that the buffer grows once at most.
        Self { started_at, text: String::with_capacity(256), ..Self::default() }
    }

    pub(crate) fn get(&self, field: Field) -> &str {
        let (from, to) = self.spans[field as usize];
        &self.text[usize::from(from)..usize::from(to)]
    }

    /// Sets a field once, cut to its limit. A field that is set again keeps the room of its first text.
    pub(crate) fn set(&mut self, field: Field, value: &str) {
        let limit = FIELDS[field as usize].1;
        let end = match value.len() > limit {
            true => value.char_indices().nth(limit).map_or(value.len(), |(at, _)| at),
            false => value.len(),
        };
        let from = self.text.len();
        // Not reachable while each field is set once or twice; then the field stays as it was.
        if from + end > usize::from(u16::MAX) {
            return;
        }
        self.text.push_str(&value[..end]);
        self.spans[field as usize] = (from as u16, (from + end) as u16);
    }

    /// A header's value: UTF-8 where it can be, else Latin-1 (RFC 9110 lets both happen).
    pub(crate) fn set_bytes(&mut self, field: Field, value: &[u8]) {
        match std::str::from_utf8(value) {
            Ok(text) => self.set(field, text),
            Err(_) => {
                let limit = FIELDS[field as usize].1;
                let text: String = value.iter().take(limit).map(|byte| char::from(*byte)).collect();
                self.set(field, &text);
            }
        }
    }

    /// One member of a batch's `requests`. Empty fields are left out.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        let (milliseconds, micros) = (self.duration_us / 1000, self.duration_us % 1000);
        push(out, format_args!("{{\"status\":{},\"response_time\":{milliseconds}.{micros:03}", self.status));
        push(out, format_args!(",\"created_at\":\"{}\"", to_rfc3339(self.started_at)));
        for (at, (name, _)) in FIELDS.iter().enumerate() {
            let (from, to) = self.spans[at];
            let text = &self.text[usize::from(from)..usize::from(to)];
            let text = match *name {
                "method" if text.is_empty() => "GET",
                "path" if text.is_empty() => "/",
                "hostname" => without_port(text),
                "referrer" => without_query(text),
                _ => text,
            };
            if !text.is_empty() {
                out.extend_from_slice(b",\"");
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(b"\":");
                write_text(out, text);
            }
        }
        if let (Some(address), "") = (self.address, self.get(Field::Address)) {
            // As IPv4 if it is one inside IPv6.
            push(out, format_args!(",\"ip_address\":\"{}\"", address.to_canonical()));
        }
        for (name, size) in [("request_size", self.request_size), ("response_size", self.response_size)] {
            if let Some(size) = size {
                push(out, format_args!(",\"{name}\":{size}"));
            }
        }
        match self.cache {
            Some(Cache::Hit) => out.extend_from_slice(b",\"cache\":\"hit\""),
            Some(Cache::Miss) => out.extend_from_slice(b",\"cache\":\"miss\""),
            None => {}
        }
        out.push(b'}');
    }
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing into memory cannot fail.
    let _ = std::io::Write::write_fmt(out, text);
}

/// A JSON text.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Whether a cache answered, by the answer's headers: the last in `X-Cache` is nearest to the caller; an `Age` says
/// that the answer was kept somewhere (RFC 9111).
pub(crate) fn to_cache(x_cache: Option<&[u8]>, age: Option<&[u8]>) -> Option<Cache> {
    if let Some(x_cache) = x_cache {
        let nearest = x_cache.rsplit(|byte| *byte == b',').next().unwrap_or_default().to_ascii_lowercase();
        let has = |word: &[u8]| nearest.windows(word.len()).any(|part| part == word);
        if has(b"hit") {
            return Some(Cache::Hit);
        }
        if has(b"miss") {
            return Some(Cache::Miss);
        }
    }
    age.filter(|age| !age.is_empty()).map(|_| Cache::Hit)
}

/// A `Content-Length`; one that is not a number is unknown, not an error.
pub(crate) fn to_size(length: &[u8]) -> Option<u64> {
    let plain = !length.is_empty() && length.len() < 16 && length.iter().all(u8::is_ascii_digit);
    plain.then(|| length.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// A requested path as hits have it: without its query string, and with its escapes decoded once, as many frameworks give nothing else.
/// Characters that would end a path or a line stay escaped. A path that is not UTF-8 stays as it came.
pub(crate) fn to_path(requested: &str) -> Cow<'_, str> {
    let path = without_query(requested);
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let digit = |at: usize| path.as_bytes().get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(path.len());
    let mut at = 0;
    while let Some(byte) = path.as_bytes().get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                let byte = (high * 16 + low) as u8;
                match byte {
                    b'?' | b'#' | 0..=0x1f | 0x7f => push(&mut decoded, format_args!("%{byte:02X}")),
                    _ => decoded.push(byte),
                }
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).map_or(Cow::Borrowed(path), Cow::Owned)
}

/// Cuts at the first `?` or `#`, after which there may be data that nobody wants to keep.
pub(crate) fn without_query(address: &str) -> &str {
    address.find(['?', '#']).map_or(address, |at| &address[..at])
}

/// `example.com:8080` is `example.com`, `[::1]:8080` is `::1`.
fn without_port(hostname: &str) -> &str {
    if let Some(rest) = hostname.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    match hostname.split_once(':') {
        Some((name, rest)) if !rest.contains(':') => name,
        _ => hostname,
    }
}

/// UTC with microseconds and a Z, from microseconds since 1970.
pub(crate) fn to_rfc3339(micros: u64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // The civil date of a day, by Howard Hinnant's `civil_from_days`.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(hit: &Hit) -> serde_json::Value {
        let mut out = Vec::new();
        hit.write_json(&mut out);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_hit_has_the_fields_of_the_protocol_and_no_empty_ones() {
        let mut hit = Hit::new(1_763_796_370_250_001);
        (hit.status, hit.duration_us, hit.response_size) = (200, 1_532, Some(0));
        hit.set(Field::Path, "/a \"b\"\n\u{1}");
        hit.set(Field::Hostname, "[::1]:80");
        hit.set_bytes(Field::UserAgent, b"caf\xe9");
        hit.set_bytes(Field::UserId, "caf\u{e9}".as_bytes());
        hit.set(Field::Referrer, "https://a.example/b?secret=1");
        hit.address = Some("::ffff:192.0.2.1".parse().unwrap());
        let expected = serde_json::json!({
            "method": "GET", "path": "/a \"b\"\n\u{1}", "status": 200, "response_time": 1.532, "created_at": "2025-11-22T07:26:10.250001Z",
            "hostname": "::1", "user_agent": "caf\u{e9}", "user_id": "caf\u{e9}", "referrer": "https://a.example/b", "ip_address": "192.0.2.1", "response_size": 0,
        });
        assert_eq!(json(&hit), expected);
    }

    #[test]
    fn texts_are_cut_by_characters() {
        let mut hit = Hit::new(0);
        for (at, field) in [
            Field::Method,
            Field::Path,
            Field::Route,
            Field::Hostname,
            Field::Address,
            Field::UserAgent,
            Field::UserId,
            Field::Referrer,
            Field::RequestId,
        ]
        .into_iter()
        .enumerate()
        {
            hit.set(field, &"\u{1f600}".repeat(9000));
            assert_eq!(hit.get(field).chars().count(), FIELDS[at].1);
        }
        let mut hit = Hit::new(0);
        hit.set_bytes(Field::UserAgent, &[0xe9; 9000]);
        assert_eq!(hit.get(Field::UserAgent).chars().count(), 1024);
    }

    #[test]
    fn paths_are_decoded_once() {
        for (requested, path) in [
            ("/a?b=%20", "/a"),
            ("/gr%C3%B6%c3%9fe/a%2Fb", "/gr\u{f6}\u{df}e/a/b"),
            ("/%3fx%23%0a%7F%00", "/%3Fx%23%0A%7F%00"),
            ("/%2525", "/%25"),
            ("/100%/%zz/%4", "/100%/%zz/%4"),
            ("/%ff%20", "/%ff%20"),
        ] {
            assert_eq!(to_path(requested), path);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_709_164_800_000_000, "2024-02-29T00:00:00.000000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(to_rfc3339(micros), text);
        }
    }

    #[test]
    fn caches_and_sizes_are_read_from_headers() {
        assert_eq!(to_cache(Some(b"MISS, HIT from near"), None), Some(Cache::Hit));
        assert_eq!(to_cache(Some(b"HIT, TCP_MISS"), Some(b"1")), Some(Cache::Miss));
        assert_eq!(to_cache(Some(b"other"), Some(b"0")), Some(Cache::Hit));
        assert_eq!(to_cache(None, None), None);
        for (text, size) in [("12", Some(12)), ("", None), ("-1", None), ("1e3", None), ("9999999999999999", None)] {
            assert_eq!(to_size(text.as_bytes()), size);
        }
    }
}
