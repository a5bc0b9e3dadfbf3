//! The values of one posted hit as posted, before any is checked. The last of duplicate keys wins.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::value::{Value, ValueSeed};
use crate::hit_fields::{FIELDS, Field, KEYED, KEYS};

/// A hit's values as posted.
#[derive(Debug)]
pub(super) struct RawHit<'a> {
    /// In the order of `KEYED`.
    values: [Value<'a>; KEYS],
    /// The fields of the previous hit's keys, in the order in which they came: a client sends all hits alike, so a key
    /// is found by one comparison.
    order: [u8; KEYS],
    /// Number of this hit's keys found so far.
    found: usize,
}

impl Default for RawHit<'_> {
    fn default() -> Self {
        RawHit {
            values: [const { Value::None }; KEYS],
            order: std::array::from_fn(|place| place as u8),
            found: 0,
        }
    }
}

/// The place of each field's value in a `RawHit`.
const PLACES: [u8; FIELDS.len()] = places();

const fn places() -> [u8; FIELDS.len()] {
    let mut places = [u8::MAX; FIELDS.len()];
    let mut place = 0;
    while place < KEYS {
        places[KEYED[place] as usize] = place as u8;
        place += 1;
    }
    places
}

/// The keys, in the order of `KEYED`.
const NAMES: [&str; KEYS] = names();

const fn names() -> [&'static str; KEYS] {
    let mut names = [""; KEYS];
    let mut place = 0;
    while place < KEYS {
        if let Some(posted) = KEYED[place].info().posted {
            names[place] = posted.key;
        }
        place += 1;
    }
    names
}

impl<'a> RawHit<'a> {
    /// The value of a field that hits have.
    #[inline]
    pub fn of(&self, field: Field) -> &Value<'a> {
        &self.values[usize::from(PLACES[field as usize])]
    }

    pub fn clear_time(&mut self) {
        self.values[usize::from(PLACES[Field::Time as usize])] = Value::None;
    }

    /// The place of that key's value; none for unknown keys.
    #[inline]
    pub fn place(&mut self, key: &[u8]) -> Option<&mut Value<'a>> {
        let expected = self.order.get(self.found).map_or(0, |place| usize::from(*place));
        let place = match NAMES[expected].as_bytes() == key {
            true => expected,
            false => NAMES.iter().position(|name| name.as_bytes() == key)?,
        };
        if let Some(order) = self.order.get_mut(self.found) {
            *order = place as u8;
            self.found += 1;
        }
        Some(&mut self.values[place])
    }

    fn clear(&mut self) {
        self.values.fill(Value::None);
        self.found = 0;
    }
}

/// Reads the next value into a `RawHit`; false if it is not an object.
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
                Some(place) => object.next_value_seed(ValueSeed(place))?,
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

/// Finds the place of a key. Keys are read as bytes: a key that is not text is an unknown one.
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
