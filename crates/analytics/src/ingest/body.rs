//! The body: an object with the array of hits and the fields that they share.
//!
//! It is parsed in one pass that borrows its texts from the body. If serde_json refuses a document half-way (an escape
//! that is not text, a number beyond all floats), it is parsed again, value by value, so that the fault costs only that
//! value's hit; the whole body is refused only if it is not JSON at all.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::posted_hit::{PostedHit, accept, cut};
use super::raw_hit::{IntoHit, RawHit};
use super::value::{RawKey, Value, ValueSeed};
use super::{
    DecodeError, Posted, ReadTime, Reason, Rejection, Repairs, Sample, Texts, canonical_key,
    legacy, parse_time, sample,
};
use crate::fields;
use crate::hit_fields::Field;
use crate::limits;

/// About the size of a hit in a body: a guess for the first allocation.
const HIT_BYTES: usize = 256;

/// Reads a posted batch: an inflated body, any bytes.
pub fn decode(body: &[u8]) -> Result<Posted, DecodeError> {
    let (text, bad_utf8) = to_text(body);
    let mut document = read_once(&text)
        .or_else(|_| read_value_by_value(&text))
        .map_err(|error| not_json(&error))?;
    document.repairs.bad_utf8 = bad_utf8;
    document.finish()
}

/// The body as text, with U+FFFD for invalid bytes, and the number of those.
fn to_text(body: &[u8]) -> (Cow<'_, str>, u64) {
    // Some runtimes write a byte order mark; JSON may not have one.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match std::str::from_utf8(body) {
        Ok(text) => (Cow::Borrowed(text), 0),
        Err(_) => {
            let mut text = String::with_capacity(body.len() + 64);
            let mut bad = 0;
            for chunk in body.utf8_chunks() {
                text.push_str(chunk.valid());
                if !chunk.invalid().is_empty() {
                    text.push(char::REPLACEMENT_CHARACTER);
                    bad += 1;
                }
            }
            (Cow::Owned(text), bad)
        }
    }
}

fn read_once(text: &str) -> Result<Document<'_>, serde_json::Error> {
    read(text, |document, deserializer| {
        deserializer.deserialize_any(IntoDocument { document, value_by_value: false })
    })
}

fn read_value_by_value(text: &str) -> Result<Document<'_>, serde_json::Error> {
    read(text, |document, deserializer| {
        deserializer.deserialize_any(IntoDocument { document, value_by_value: true })
    })
}

fn read<'a>(
    text: &'a str,
    read: impl FnOnce(
        &mut Document<'a>,
        &mut serde_json::Deserializer<serde_json::de::StrRead<'a>>,
    ) -> serde_json::Result<()>,
) -> serde_json::Result<Document<'a>> {
    let mut document = Document::default();
    document.hits.reserve((text.len() / HIT_BYTES).min(limits::HITS_PER_BATCH as usize));
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match read(&mut document, &mut deserializer) {
        // Reading stopped on purpose; the document holds the reason.
        Err(_) if document.too_many => return Ok(document),
        other => other?,
    }
    deserializer.end()?;
    Ok(document)
}

fn not_json(error: &serde_json::Error) -> DecodeError {
    let message = error.to_string();
    // serde_json adds the position to its message; ours states it once, in its own words.
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    DecodeError::NotJson { message, line: error.line(), column: error.column() }
}

/// A body's values, before it is known whether they can be used.
#[derive(Default)]
struct Document<'a> {
    not_an_object: bool,
    requests: Requests,
    too_many: bool,
    api_key: Value<'a>,
    privacy_level: Value<'a>,
    framework: Value<'a>,
    sdk: Value<'a>,
    batch_id: Value<'a>,
    release: Value<'a>,
    sent_at: Value<'a>,
    dropped: Value<'a>,
    /// Fields of a hit in the body itself: npm 1.0.11 posts one flat hit.
    flat: RawHit<'a>,
    hits: Vec<PostedHit>,
    texts: Texts,
    rejected: Vec<Rejection>,
    samples: Vec<Sample>,
    repairs: Repairs,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Requests {
    #[default]
    Missing,
    Array,
    Other,
}

impl<'a> Document<'a> {
    fn destination(&mut self, key: &[u8]) -> Destination<'_, 'a> {
        let value = match key {
            b"requests" => return Destination::Requests,
            b"api_key" => &mut self.api_key,
            b"privacy_level" => &mut self.privacy_level,
            b"framework" => &mut self.framework,
            b"sdk" => &mut self.sdk,
            b"batch_id" => &mut self.batch_id,
            b"release" => &mut self.release,
            b"sent_at" => &mut self.sent_at,
            b"dropped" => &mut self.dropped,
            _ => return self.flat.place(key).map_or(Destination::Unknown, Destination::Value),
        };
        Destination::Value(value)
    }

    /// If there are several `requests`, the last wins.
    fn start_requests(&mut self, requests: Requests) {
        self.requests = requests;
        if !self.hits.is_empty() || !self.rejected.is_empty() {
            (self.hits, self.rejected, self.samples, self.texts) = Default::default();
            self.repairs = Repairs::default();
        }
    }

    /// Takes the next hit, or the reason why it could not be read.
    #[inline]
    fn add(&mut self, raw: Result<&RawHit<'_>, Reason>) {
        let index = (self.hits.len() + self.rejected.len()) as u32;
        match raw.and_then(|raw| accept(raw, index, &mut self.texts, &mut self.repairs)) {
            Ok(hit) => self.hits.push(hit),
            Err(reason) => {
                let rejection = Rejection { index, reason };
                sample::put(&mut self.samples, rejection, raw.ok());
                self.rejected.push(rejection);
            }
        }
    }

    fn is_full(&self) -> bool {
        (self.hits.len() + self.rejected.len()) as u64 >= limits::HITS_PER_BATCH
    }

    fn finish(mut self) -> Result<Posted, DecodeError> {
        if self.not_an_object {
            return Err(DecodeError::NotAnObject);
        }
        if self.too_many {
            return Err(DecodeError::TooManyHits(limits::HITS_PER_BATCH));
        }
        let flat = self.requests == Requests::Missing && *self.flat.of(Field::Path) != Value::None;
        match self.requests {
            Requests::Other => return Err(DecodeError::RequestsNotAnArray),
            Requests::Missing if !flat => return Err(DecodeError::NoRequests),
            Requests::Missing => {
                let mut raw = std::mem::take(&mut self.flat);
                raw.clear_time();
                self.add(Ok(&raw));
            }
            Requests::Array => {}
        }

        let framework = to_name(&self.framework, Field::Framework, &mut self.repairs);
        let sdk = to_name(&self.sdk, Field::Sdk, &mut self.repairs);
        let release = to_release(&self.release, &mut self.repairs);
        let leftovers = self.settle_zero_statuses(&framework);
        Ok(Posted {
            api_key: to_key(&self.api_key),
            privacy_level: to_privacy_level(&self.privacy_level, &mut self.repairs),
            batch_id: to_batch_id(&self.batch_id)?,
            release,
            sent_at_us: match &self.sent_at {
                Value::Text(text) => match parse_time(text) {
                    Some(ReadTime::Zoned(time_us)) => Some(time_us),
                    _ => None,
                },
                _ => None,
            },
            repairs: Repairs {
                client_dropped: self.dropped.to_unsigned().unwrap_or(0),
                ..self.repairs
            },
            samples: self.samples,
            flat,
            leftovers,
            framework,
            sdk,
            hits: self.hits,
            texts: self.texts,
            rejected: self.rejected,
        })
    }

    /// Judges hits of status 0 once the whole body is read: `framework` may come after them. True if any is rejected.
    fn settle_zero_statuses(&mut self, framework: &str) -> bool {
        if legacy::means_ok_by_zero(framework) {
            for hit in &mut self.hits {
                if hit.status == 0 {
                    hit.status = 200;
                }
            }
            return false;
        }
        let before = self.rejected.len();
        let (rejected, samples) = (&mut self.rejected, &mut self.samples);
        self.hits.retain(|hit| {
            if hit.status == 0 {
                let rejection =
                    Rejection { index: hit.index, reason: Reason::Invalid(Field::Status) };
                sample::put_value(samples, rejection, || "0".to_owned());
                rejected.push(rejection);
            }
            hit.status != 0
        });
        if rejected.len() == before {
            return false;
        }
        rejected.sort_unstable();
        true
    }
}

fn to_key(value: &Value<'_>) -> Option<String> {
    let Value::Text(text) = value else { return None };
    Some(canonical_key(text)).filter(|key| !key.is_empty())
}

/// Any text: never a reason to reject.
fn to_name(value: &Value<'_>, field: Field, repairs: &mut Repairs) -> String {
    match value {
        Value::Text(text) => cut(text, field.limit(), &mut repairs.truncated).to_owned(),
        _ => String::new(),
    }
}

/// A level that we do not know is read as the strictest.
fn to_privacy_level(value: &Value<'_>, repairs: &mut Repairs) -> u8 {
    match (value, value.to_unsigned()) {
        (Value::None, _) => 0,
        (_, Some(level @ 0..=2)) => level as u8,
        _ => {
            repairs.invalid_privacy_level += 1;
            2
        }
    }
}

fn to_batch_id(value: &Value<'_>) -> Result<Option<String>, DecodeError> {
    let id = match value {
        Value::Text(text) => text.clone(),
        Value::Unsigned(number) => Cow::Owned(number.to_string()),
        _ => return Ok(None),
    };
    if id.chars().count() as u64 > limits::BATCH_ID_CHARACTERS {
        return Err(DecodeError::LongBatchId(limits::BATCH_ID_CHARACTERS));
    }
    Ok(Some(id.into_owned()))
}

/// Counts an invalid release as a repair; its hits are kept.
fn to_release(value: &Value<'_>, repairs: &mut Repairs) -> Option<String> {
    let text = match value {
        Value::None => return None,
        Value::Text(text) => fields::label("release", text).ok(),
        Value::Unsigned(number) => Some(number.to_string()),
        _ => None,
    };
    if text.is_none() {
        repairs.releases_ignored += 1;
    }
    text.filter(|text| !text.is_empty())
}

/// The destination of the value of a body's key.
enum Destination<'r, 'a> {
    Requests,
    Value(&'r mut Value<'a>),
    Unknown,
}

struct IntoDocument<'r, 'a> {
    document: &'r mut Document<'a>,
    value_by_value: bool,
}

impl<'a> Visitor<'a> for IntoDocument<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(place) = object.next_key_seed(Key(self.document))? {
            match place {
                Destination::Unknown => drop(object.next_value::<IgnoredAny>()?),
                Destination::Value(value) if self.value_by_value => {
                    let raw: &RawValue = object.next_value()?;
                    read_value(raw.get(), value);
                }
                Destination::Value(value) => object.next_value_seed(ValueSeed(value))?,
                Destination::Requests => {
                    let document = &mut *self.document;
                    object.next_value_seed(IntoRequests {
                        document,
                        value_by_value: self.value_by_value,
                    })?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> Result<(), A::Error> {
        self.document.not_an_object = true;
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.document.not_an_object = true;
        Ok(())
    }
}

/// Reads a value; an unreadable one counts as a wrong type.
fn read_value<'a>(raw: &'a str, value: &mut Value<'a>) {
    let read = ValueSeed(&mut *value).deserialize(&mut serde_json::Deserializer::from_str(raw));
    if read.is_err() {
        *value = Value::Other;
    }
}

struct IntoRequests<'r, 'a> {
    document: &'r mut Document<'a>,
    value_by_value: bool,
}

impl<'a> DeserializeSeed<'a> for IntoRequests<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for IntoRequests<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of hits")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> Result<(), A::Error> {
        let document = self.document;
        document.start_requests(Requests::Array);
        let mut raw = RawHit::default();
        loop {
            if document.is_full() {
                document.too_many = array.next_element::<IgnoredAny>()?.is_some();
                // A refused batch is not read any further.
                return if document.too_many {
                    Err(Error::custom("too many hits"))
                } else {
                    Ok(())
                };
            }
            if self.value_by_value {
                let Some(text) = array.next_element::<&RawValue>()? else { return Ok(()) };
                let read = IntoHit(&mut raw)
                    .deserialize(&mut serde_json::Deserializer::from_str(text.get()));
                document.add(match read {
                    Ok(true) => Ok(&raw),
                    Ok(false) => Err(Reason::NotAnObject),
                    Err(_) => Err(Reason::Unreadable),
                });
            } else {
                let Some(is_object) = array.next_element_seed(IntoHit(&mut raw))? else {
                    return Ok(());
                };
                document.add(if is_object { Ok(&raw) } else { Err(Reason::NotAnObject) });
            }
        }
    }

    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> Result<(), A::Error> {
        self.document.start_requests(Requests::Other);
        while object.next_entry::<RawKey, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.document.start_requests(if text.is_empty() {
            Requests::Missing
        } else {
            Requests::Other
        });
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.visit_bool(false)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.visit_bool(false)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.visit_bool(false)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.document.start_requests(Requests::Other);
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.document.start_requests(Requests::Missing);
        Ok(())
    }
}

/// Finds the destination of a key. Keys are read as bytes: a key that is not text is an unknown one.
struct Key<'r, 'a>(&'r mut Document<'a>);

impl<'r, 'a> DeserializeSeed<'a> for Key<'r, 'a> {
    type Value = Destination<'r, 'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<'r, 'a> Visitor<'a> for Key<'r, 'a> {
    type Value = Destination<'r, 'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E: Error>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.destination(key))
    }
}
