//! One hit of a posted batch, and the checks that it must pass.
//!
//! A hit is read in two steps, so that the last of duplicate keys wins and a rejected hit leaves nothing behind:
//! `RawHit` holds its values as posted, `accept` bounds and checks them. It does not know the batch around it.

use std::borrow::Cow;

use super::raw_hit::RawHit;
use super::time::{ReadTime, parse_time};
use super::value::Value;
use super::{Reason, Repairs, Texts};
use crate::hit::TextKind;
use crate::hit_fields::{Field, KEYED, KEYS, Posted, Reading, Stored};
use crate::limits;

/// Kind of a posted time, before its batch's clock is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeKind {
    /// The arrival is used.
    Missing,
    /// Local time in an unknown zone.
    Naive,
    Zoned,
}

/// A posted hit whose fields are valid; its texts are numbers in `Posted::texts`. Addresses are as posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostedHit {
    /// Its place among the posted hits.
    pub index: u32,
    /// Microseconds since 1970 by the client's clock, read as UTC if naive; 0 if missing.
    pub time_us: i64,
    pub(crate) time_kind: TimeKind,
    /// Microseconds.
    pub duration_us: Option<u64>,
    /// 100 to 599. While the body is read also 0, which means 200 from Chi.
    pub status: u16,
    /// Bytes.
    pub request_size: Option<u64>,
    pub response_size: Option<u64>,
    pub texts: [u32; TextKind::COUNT],
}

impl PostedHit {
    pub(crate) fn text(&self, kind: TextKind) -> u32 {
        self.texts[kind as usize]
    }
}

/// An optional text of a hit, and how it is read.
#[derive(Clone, Copy)]
struct OptionalText {
    kind: TextKind,
    field: Field,
    reading: Reading,
    /// Characters; 0 for none.
    limit: u64,
}

/// The texts that their row alone describes.
const OPTIONAL_TEXTS: [OptionalText; count_optional_texts()] = optional_texts();

const fn optional_text(field: Field) -> Option<OptionalText> {
    let info = field.info();
    match (info.posted, info.stored) {
        (Some(Posted { reading: Reading::Own, .. }), _) => None,
        (Some(posted), Stored::Text(kind)) => {
            Some(OptionalText { kind, field, reading: posted.reading, limit: posted.limit })
        }
        _ => None,
    }
}

const fn count_optional_texts() -> usize {
    let (mut count, mut place) = (0, 0);
    while place < KEYS {
        count += optional_text(KEYED[place]).is_some() as usize;
        place += 1;
    }
    count
}

const fn optional_texts() -> [OptionalText; count_optional_texts()] {
    let none = OptionalText {
        kind: TextKind::Method,
        field: Field::Method,
        reading: Reading::Own,
        limit: 0,
    };
    let mut texts = [none; count_optional_texts()];
    let (mut count, mut place) = (0, 0);
    while place < KEYS {
        if let Some(text) = optional_text(KEYED[place]) {
            texts[count] = text;
            count += 1;
        }
        place += 1;
    }
    texts
}

/// Checks a hit and adds its texts to the batch's. Status 0 passes: the batch decides whether it is Chi's.
pub(super) fn accept(
    raw: &RawHit<'_>,
    index: u32,
    texts: &mut Texts,
    repairs: &mut Repairs,
) -> Result<PostedHit, Reason> {
    let path = to_path(raw.of(Field::Path))?;
    let mut method_buffer = [0; limits::METHOD_CHARACTERS as usize];
    let method = to_method(raw.of(Field::Method), &mut method_buffer)?;
    let status = to_status(raw.of(Field::Status))?;
    let (time_us, time_kind) = to_time(raw.of(Field::Time))?;
    let duration_us = to_duration_us(raw.of(Field::Duration), repairs)?;
    // All are read before the first is added: a rejected hit leaves nothing behind.
    let mut optional: [Cow<'_, str>; OPTIONAL_TEXTS.len()] =
        [const { Cow::Borrowed("") }; OPTIONAL_TEXTS.len()];
    for (read, text) in optional.iter_mut().zip(OPTIONAL_TEXTS) {
        *read = to_text(raw.of(text.field), text.reading).ok_or(Reason::Invalid(text.field))?;
    }
    let address = match raw.of(Field::Address) {
        Value::Text(text) => &**text,
        Value::None => "",
        _ => {
            repairs.invalid_address += 1;
            ""
        }
    };

    let mut numbers = [0; TextKind::COUNT];
    let mut put = |kind: TextKind, limit: u64, text: &str| {
        let kept = match limit {
            0 => text,
            limit => cut(text, limit, &mut repairs.truncated),
        };
        numbers[kind as usize] = texts.put(kind, kept);
    };
    put(TextKind::Method, Field::Method.limit(), method);
    put(TextKind::Path, Field::Path.limit(), path);
    put(TextKind::Address, Field::Address.limit(), address);
    for (read, text) in optional.iter().zip(OPTIONAL_TEXTS) {
        put(text.kind, text.limit, read);
    }

    Ok(PostedHit {
        index,
        time_us,
        time_kind,
        duration_us,
        status,
        request_size: to_size(raw.of(Field::RequestSize)),
        response_size: to_size(raw.of(Field::ResponseSize)),
        texts: numbers,
    })
}

/// At most `limit` characters of a text; counts the cut.
#[inline]
pub(super) fn cut<'a>(text: &'a str, limit: u64, cuts: &mut u64) -> &'a str {
    if text.len() <= limit as usize {
        return text;
    }
    match text.char_indices().nth(limit as usize) {
        None => text,
        Some((end, _)) => {
            *cuts += 1;
            &text[..end]
        }
    }
}

/// A user id as hits keep it. Longer ones are cut, so a search for one must cut it too.
pub fn kept_user_id(user: &str) -> &str {
    cut(user, Field::User.limit(), &mut 0)
}

/// Without its query string: that is where secrets and free text are.
fn to_path<'a>(value: &'a Value<'_>) -> Result<&'a str, Reason> {
    let Value::Text(text) = value else { return Err(Reason::Invalid(Field::Path)) };
    match memchr::memchr(b'?', text.as_bytes()) {
        None => Ok(text),
        Some(0) => Ok("/"),
        Some(end) => Ok(&text[..end]),
    }
}

/// Any HTTP token, in capitals: even "HEADTE", garbled by Go's fiber client, is kept and can be seen.
fn to_method<'a>(
    value: &'a Value<'_>,
    buffer: &'a mut [u8; limits::METHOD_CHARACTERS as usize],
) -> Result<&'a str, Reason> {
    let Value::Text(text) = value else { return Err(Reason::Invalid(Field::Method)) };
    let bytes = text.as_bytes();
    if bytes.iter().all(u8::is_ascii_uppercase) && bytes.len() <= buffer.len() {
        return Ok(text);
    }
    let Some(buffer) = buffer.get_mut(..bytes.len()) else {
        return Err(Reason::Invalid(Field::Method));
    };
    for (to, &byte) in buffer.iter_mut().zip(bytes) {
        if !byte.is_ascii_alphanumeric() && !b"!#$%&'*+-.^_`|~".contains(&byte) {
            return Err(Reason::Invalid(Field::Method));
        }
        *to = byte.to_ascii_uppercase();
    }
    std::str::from_utf8(buffer).map_err(|_| Reason::Invalid(Field::Method))
}

fn to_status(value: &Value<'_>) -> Result<u16, Reason> {
    match value.to_unsigned() {
        Some(status @ (0 | 100..=599)) => Ok(status as u16),
        _ => Err(Reason::Invalid(Field::Status)),
    }
}

fn to_time(value: &Value<'_>) -> Result<(i64, TimeKind), Reason> {
    match value {
        Value::None => Ok((0, TimeKind::Missing)),
        Value::Text(text) => match parse_time(text) {
            Some(ReadTime::Naive(time_us)) => Ok((time_us, TimeKind::Naive)),
            Some(ReadTime::Zoned(time_us)) => Ok((time_us, TimeKind::Zoned)),
            None => Err(Reason::Invalid(Field::Time)),
        },
        _ => Err(Reason::Invalid(Field::Time)),
    }
}

/// Milliseconds, perhaps with a fraction, to microseconds.
fn to_duration_us(value: &Value<'_>, repairs: &mut Repairs) -> Result<Option<u64>, Reason> {
    let most = limits::DURATION_MS * 1_000;
    match *value {
        Value::None => Ok(None),
        Value::Unsigned(ms) => Ok(Some(ms.saturating_mul(1_000).min(most))),
        // `as` saturates; the original's clients round to a millisecond.
        Value::Float(ms) if ms >= 0.0 => Ok(Some(((ms * 1_000.0).round() as u64).min(most))),
        Value::Float(_) | Value::Negative(_) => {
            repairs.negative_duration += 1;
            Ok(None)
        }
        Value::Text(_) | Value::Other => Err(Reason::Invalid(Field::Duration)),
    }
}

/// None if the value cannot be used.
#[inline]
fn to_text<'a>(value: &'a Value<'_>, reading: Reading) -> Option<Cow<'a, str>> {
    let whole_number = |number: String| (reading == Reading::UserId).then_some(Cow::Owned(number));
    match value {
        Value::None => Some(Cow::Borrowed("")),
        Value::Text(text) => match reading {
            Reading::Host => Some(to_host(text)),
            Reading::OneOf(allowed) if !allowed.contains(&&**text) => None,
            _ => Some(Cow::Borrowed(text)),
        },
        // Many APIs number their users, and send the number.
        Value::Unsigned(number) => whole_number(number.to_string()),
        Value::Negative(number) => whole_number(number.to_string()),
        Value::Float(_) | Value::Other => None,
    }
}

/// Sizes are optional: an invalid size is none. Frameworks use -1 for "unknown".
fn to_size(value: &Value<'_>) -> Option<u64> {
    value.to_unsigned().filter(|&size| i64::try_from(size).is_ok())
}

/// In lower case, without the port. An IPv6 address with a port is in brackets.
fn to_host(host: &str) -> Cow<'_, str> {
    if !host.bytes().any(|byte| byte == b':' || byte.is_ascii_uppercase()) {
        return Cow::Borrowed(host);
    }
    let end = match memchr::memrchr(b':', host.as_bytes()) {
        Some(colon) if host.starts_with('[') => {
            if host[..colon].ends_with(']') {
                colon
            } else {
                host.len()
            }
        }
        Some(colon) if memchr::memchr(b':', host.as_bytes()) == Some(colon) => colon,
        _ => host.len(),
    };
    Cow::Owned(host[..end].to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_lower_case_and_has_no_port() {
        for (posted, kept) in [
            ("api.example.com", "api.example.com"),
            ("API.Example.com:8443", "api.example.com"),
            ("127.0.0.1:3901", "127.0.0.1"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
            ("2001:db8::1", "2001:db8::1"),
            (":8080", ""),
            ("", ""),
        ] {
            assert_eq!(to_host(posted), kept, "{posted}");
        }
    }

    #[test]
    fn a_method_is_a_token_in_capitals() {
        let check = |method: &str| {
            let mut buffer = [0; 32];
            to_method(&Value::Text(Cow::Borrowed(method)), &mut buffer).map(str::to_owned)
        };
        assert_eq!(check("GET"), Ok("GET".into()));
        assert_eq!(check("post"), Ok("POST".into()));
        assert_eq!(check("HEADTE"), Ok("HEADTE".into()));
        assert_eq!(check("m-search"), Ok("M-SEARCH".into()));
        for garbled in ["GET /", "GET\0", "ÄNDERN", &"A".repeat(33), &"a".repeat(33)] {
            assert_eq!(check(garbled), Err(Reason::Invalid(Field::Method)), "{garbled}");
        }
    }

    #[test]
    fn a_text_is_cut_by_characters_not_bytes() {
        let mut cuts = 0;
        assert_eq!(cut("äöü", 3, &mut cuts), "äöü");
        assert_eq!(cuts, 0);
        assert_eq!(cut("äöüß", 3, &mut cuts), "äöü");
        assert_eq!(cuts, 1);
    }
}
