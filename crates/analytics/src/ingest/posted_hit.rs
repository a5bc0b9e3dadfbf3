//! One hit of a posted batch: which fields it has, and what makes it valid.
//!
//! A hit is read in two steps, so that the last of duplicate keys wins and a rejected hit leaves nothing behind:
//! `RawHit` holds its values as they come, `accept` bounds and checks them. It does not know the batch around it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::time::{ReadTime, parse_time};
use super::value::{Into, Value};
use super::{Reason, Repairs, Texts};
use crate::hit::Text;
use crate::limits;

/// What is known of a posted time before its batch's clock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeKind {
    /// Arrival is taken.
    Missing,
    /// Local time of a zone that is not said.
    Naive,
    Zoned,
}

/// A posted hit whose fields are valid; its texts are numbers in `Posted::texts`. Addresses are as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostedHit {
    /// Its place among the posted hits.
    pub index: u32,
    /// Microseconds since 1970 by the client's clock, read as UTC where it is naive; 0 where missing.
    pub time_us: i64,
    pub(crate) time_kind: TimeKind,
    /// Microseconds.
    pub duration_us: Option<u64>,
    /// 100 to 599. While the body is read, also 0, which is Chi's 200.
    pub status: u16,
    /// Bytes.
    pub request_size: Option<u64>,
    pub response_size: Option<u64>,
    pub texts: [u32; Text::COUNT],
}

impl PostedHit {
    pub(crate) fn text(&self, kind: Text) -> u32 {
        self.texts[kind as usize]
    }
}

/// Defines the fields of a hit once: their places in `RawHit`, and their names in JSON.
macro_rules! fields {
    ($($field:ident),*) => {
        /// A hit's values as they were read.
        #[derive(Debug, Default)]
        pub(super) struct RawHit<'a> { $(pub $field: Value<'a>,)* }

        impl<'a> RawHit<'a> {
            /// The place of the value of that key; none for keys that we do not know.
            #[inline]
            pub fn place(&mut self, key: &[u8]) -> Option<&mut Value<'a>> {
                $(if key == stringify!($field).as_bytes() {
                    return Some(&mut self.$field);
                })*
                None
            }

            fn clear(&mut self) {
                $(self.$field = Value::None;)*
            }
        }
    };
}

// In the order in which most clients send them.
fields!(
    hostname,
    ip_address,
    path,
    user_agent,
    method,
    status,
    response_time,
    user_id,
    created_at,
    route,
    referrer,
    request_size,
    response_size
);

/// Reads the next value into a `RawHit`; false where it is no object.
pub(super) struct IntoHit<'r, 'a>(pub &'r mut RawHit<'a>);

impl<'a> DeserializeSeed<'a> for IntoHit<'_, 'a> {
    type Value = bool;

    #[inline]
    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<bool, D::Error> {
        self.0.clear();
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for IntoHit<'_, 'a> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hit")
    }

    #[inline]
    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> Result<bool, A::Error> {
        while let Some(place) = object.next_key_seed(Key(self.0))? {
            match place {
                Some(place) => object.next_value_seed(Into(place))?,
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> Result<bool, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }
}

/// Finds the place that a key names. Keys are read as bytes: a key that is no text is one that we do not know.
struct Key<'r, 'a>(&'r mut RawHit<'a>);

impl<'r, 'a> DeserializeSeed<'a> for Key<'r, 'a> {
    type Value = Option<&'r mut Value<'a>>;

    #[inline]
    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<'r, 'a> Visitor<'a> for Key<'r, 'a> {
    type Value = Option<&'r mut Value<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    #[inline]
    fn visit_bytes<E: Error>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.place(key))
    }
}

/// Checks a hit and puts its texts among the batch's. Status 0 passes: the batch decides whether it is Chi's.
pub(super) fn accept(
    raw: &RawHit<'_>,
    index: u32,
    texts: &mut Texts,
    repairs: &mut Repairs,
) -> Result<PostedHit, Reason> {
    let path = to_path(&raw.path)?;
    let mut method_buffer = [0; limits::METHOD_CHARACTERS as usize];
    let method = to_method(&raw.method, &mut method_buffer)?;
    let status = to_status(&raw.status)?;
    let (time_us, time_kind) = to_time(&raw.created_at)?;
    let duration_us = to_duration_us(&raw.response_time, repairs)?;
    let hostname = to_text(&raw.hostname, Reason::InvalidHostname)?;
    let agent = to_text(&raw.user_agent, Reason::InvalidUserAgent)?;
    let route = to_text(&raw.route, Reason::InvalidRoute)?;
    let referrer = to_text(&raw.referrer, Reason::InvalidReferrer)?;
    let user = to_user(&raw.user_id)?;
    let address = match &raw.ip_address {
        Value::Text(text) => &**text,
        Value::None => "",
        _ => {
            repairs.invalid_address += 1;
            ""
        }
    };

    let cuts = &mut repairs.truncated;
    let mut numbers = [0; Text::COUNT];
    numbers[Text::Method as usize] = texts.put(Text::Method, method);
    numbers[Text::Host as usize] =
        texts.put(Text::Host, cut(&to_host(hostname), limits::HOST_CHARACTERS, cuts));
    numbers[Text::Path as usize] = texts.put(Text::Path, cut(path, limits::PATH_CHARACTERS, cuts));
    numbers[Text::Route as usize] =
        texts.put(Text::Route, cut(route, limits::ROUTE_CHARACTERS, cuts));
    numbers[Text::Agent as usize] =
        texts.put(Text::Agent, cut(agent, limits::AGENT_CHARACTERS, cuts));
    numbers[Text::Address as usize] =
        texts.put(Text::Address, cut(address, limits::ADDRESS_CHARACTERS, cuts));
    numbers[Text::User as usize] = texts.put(Text::User, cut(&user, limits::USER_CHARACTERS, cuts));
    numbers[Text::Referrer as usize] =
        texts.put(Text::Referrer, cut(referrer, limits::REFERRER_CHARACTERS, cuts));

    Ok(PostedHit {
        index,
        time_us,
        time_kind,
        duration_us,
        status,
        request_size: to_size(&raw.request_size),
        response_size: to_size(&raw.response_size),
        texts: numbers,
    })
}

/// At most `limit` characters of a text; counts a cut.
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

/// A user id as hits keep it: longer ones are cut, so whoever looks for one must cut it too.
pub fn kept_user_id(user: &str) -> &str {
    cut(user, limits::USER_CHARACTERS, &mut 0)
}

/// Without its query string: that is where secrets and free text are.
fn to_path<'a>(value: &'a Value<'_>) -> Result<&'a str, Reason> {
    let Value::Text(text) = value else { return Err(Reason::InvalidPath) };
    match memchr::memchr(b'?', text.as_bytes()) {
        None => Ok(text),
        Some(0) => Ok("/"),
        Some(end) => Ok(&text[..end]),
    }
}

/// Any token of HTTP, in capitals: "HEADTE", as Go's fiber client garbles it, is kept and can be seen.
fn to_method<'a>(
    value: &'a Value<'_>,
    buffer: &'a mut [u8; limits::METHOD_CHARACTERS as usize],
) -> Result<&'a str, Reason> {
    let Value::Text(text) = value else { return Err(Reason::InvalidMethod) };
    let bytes = text.as_bytes();
    if bytes.iter().all(u8::is_ascii_uppercase) && bytes.len() <= buffer.len() {
        return Ok(text);
    }
    let Some(buffer) = buffer.get_mut(..bytes.len()) else { return Err(Reason::InvalidMethod) };
    for (to, &byte) in buffer.iter_mut().zip(bytes) {
        if !byte.is_ascii_alphanumeric() && !b"!#$%&'*+-.^_`|~".contains(&byte) {
            return Err(Reason::InvalidMethod);
        }
        *to = byte.to_ascii_uppercase();
    }
    std::str::from_utf8(buffer).map_err(|_| Reason::InvalidMethod)
}

fn to_status(value: &Value<'_>) -> Result<u16, Reason> {
    match value.to_unsigned() {
        Some(status @ (0 | 100..=599)) => Ok(status as u16),
        _ => Err(Reason::InvalidStatus),
    }
}

fn to_time(value: &Value<'_>) -> Result<(i64, TimeKind), Reason> {
    match value {
        Value::None => Ok((0, TimeKind::Missing)),
        Value::Text(text) => match parse_time(text) {
            Some(ReadTime::Naive(time_us)) => Ok((time_us, TimeKind::Naive)),
            Some(ReadTime::Zoned(time_us)) => Ok((time_us, TimeKind::Zoned)),
            None => Err(Reason::InvalidCreatedAt),
        },
        _ => Err(Reason::InvalidCreatedAt),
    }
}

/// Milliseconds, perhaps with a fraction, to microseconds.
fn to_duration_us(value: &Value<'_>, repairs: &mut Repairs) -> Result<Option<u64>, Reason> {
    let most = limits::DURATION_MS * 1_000;
    match *value {
        Value::None => Ok(None),
        Value::Unsigned(ms) => Ok(Some(ms.saturating_mul(1_000).min(most))),
        // `as` saturates; rounding is what the original's clients do to a millisecond.
        Value::Float(ms) if ms >= 0.0 => Ok(Some(((ms * 1_000.0).round() as u64).min(most))),
        Value::Float(_) | Value::Negative(_) => {
            repairs.negative_duration += 1;
            Ok(None)
        }
        Value::Text(_) | Value::Other => Err(Reason::InvalidResponseTime),
    }
}

fn to_text<'a>(value: &'a Value<'_>, reason: Reason) -> Result<&'a str, Reason> {
    match value {
        Value::None => Ok(""),
        Value::Text(text) => Ok(text),
        _ => Err(reason),
    }
}

/// Whole numbers are taken too: many APIs number their users, and hand over the number.
fn to_user<'a>(value: &'a Value<'_>) -> Result<Cow<'a, str>, Reason> {
    match value {
        Value::None => Ok(Cow::Borrowed("")),
        Value::Text(text) => Ok(Cow::Borrowed(text)),
        Value::Unsigned(number) => Ok(Cow::Owned(number.to_string())),
        Value::Negative(number) => Ok(Cow::Owned(number.to_string())),
        Value::Float(_) | Value::Other => Err(Reason::InvalidUserId),
    }
}

/// Sizes are extras: what is no size is none. Frameworks say -1 for "unknown".
fn to_size(value: &Value<'_>) -> Option<u64> {
    value.to_unsigned().filter(|&size| i64::try_from(size).is_ok())
}

/// Lower case, without the port. An IPv6 address stands in brackets when it has a port.
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
            assert_eq!(check(garbled), Err(Reason::InvalidMethod), "{garbled}");
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
