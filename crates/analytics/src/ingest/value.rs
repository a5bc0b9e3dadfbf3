//! One JSON value of a field, of any type: a wrong type is the field's problem, never the document's.
//!
//! Texts are borrowed from the body unless they hold escapes. Arrays and objects are skipped, not kept.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Value<'a> {
    /// Missing, `null` or `""`: they are equivalent.
    #[default]
    None,
    Text(Cow<'a, str>),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    /// A boolean, an array or an object.
    Other,
}

impl Value<'_> {
    /// A whole, non-negative number, also if written as `200.0`.
    pub fn to_unsigned(&self) -> Option<u64> {
        match *self {
            Value::Unsigned(number) => Some(number),
            Value::Float(number)
                if number >= 0.0 && number < i64::MAX as f64 && number.fract() == 0.0 =>
            {
                Some(number as u64)
            }
            _ => None,
        }
    }
}

/// Reads the next value into its place; the last of several wins.
pub(super) struct ValueSeed<'r, 'a>(pub &'r mut Value<'a>);

impl<'a> DeserializeSeed<'a> for ValueSeed<'_, 'a> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        *self.0 = deserializer.deserialize_any(ValueVisitor)?;
        Ok(())
    }
}

struct ValueVisitor;

impl<'a> Visitor<'a> for ValueVisitor {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    #[inline]
    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Value<'a>, E> {
        Ok(if text.is_empty() { Value::None } else { Value::Text(Cow::Borrowed(text)) })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value<'a>, E> {
        Ok(if text.is_empty() { Value::None } else { Value::Text(Cow::Owned(text.to_owned())) })
    }

    #[inline]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Value<'a>, E> {
        Ok(Value::Unsigned(number))
    }

    #[inline]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Value<'a>, E> {
        Ok(u64::try_from(number).map_or(Value::Negative(number), Value::Unsigned))
    }

    #[inline]
    fn visit_f64<E: Error>(self, number: f64) -> Result<Value<'a>, E> {
        Ok(Value::Float(number))
    }

    #[inline]
    fn visit_unit<E: Error>(self) -> Result<Value<'a>, E> {
        Ok(Value::None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Value<'a>, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> Result<Value<'a>, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> Result<Value<'a>, A::Error> {
        while object.next_entry::<RawKey, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

/// A key of a skipped object: as bytes, because a key need not be text (lone surrogates).
pub(super) struct RawKey;

impl<'a> serde::Deserialize<'a> for RawKey {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<RawKey, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = RawKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<RawKey, E> {
                Ok(RawKey)
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}
