//! One API request, as it is kept.
//!
//! A `Hit` is small and copyable: its texts are indexes into its batch's `Dictionary`, because the hits of a batch
//! repeat each other's texts. Values that follow from one text alone (client, OS, device from a user agent; API version
//! from a path) are stored beside that text, once.

use serde::{Deserialize, Serialize};

pub use crate::hit_fields::TextKind;

/// A project's number: internal, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProjectId(pub u32);

/// ISO 3166 alpha-2 code as two ASCII capitals; `Country::NONE` if it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country(pub [u8; 2]);

impl Country {
    pub const NONE: Country = Country([0, 0]);

    /// `""` for none.
    pub fn as_str(&self) -> &str {
        if self.0[0] == 0 { "" } else { std::str::from_utf8(&self.0).unwrap_or("") }
    }

    /// In the order of the letters, in 10 bits: five for each letter, 1 to 26; 0 for none.
    pub fn number(self) -> u16 {
        let letter = |byte: u8| u16::from(byte & 31);
        (letter(self.0[0]) << 5) | letter(self.0[1])
    }

    /// The inverse of `number`; a greater number holds the two letters as they are.
    pub fn from_number(number: u16) -> Country {
        match number {
            0 => Country::NONE,
            1..Country::NUMBERS => Country([64 + (number >> 5) as u8, 64 + (number & 31) as u8]),
            letters => Country(letters.to_be_bytes()),
        }
    }

    /// Every `number` is below it.
    pub const NUMBERS: u16 = 1 << 10;
}

/// One API request. Texts are indexes into the batch's `Dictionary`, 0 being "none" for every kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Microseconds since 1970, UTC.
    pub time_us: i64,
    /// Microseconds, at most 24 h; none if the client sent no usable duration.
    pub duration_us: Option<u64>,
    /// 100 to 599.
    pub status: u16,
    pub country: Country,
    /// Bytes; none if the client sent none.
    pub request_size: Option<u64>,
    pub response_size: Option<u64>,
    pub texts: [u32; TextKind::COUNT],
}

impl Hit {
    pub fn text(&self, kind: TextKind) -> u32 {
        self.texts[kind as usize]
    }
}

/// The server's name for a hit: node (8 bits), seq of its inbox record (38), index in its batch (17); fits an i64.
/// It orders hits by arrival and is a decimal string in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HitId(pub i64);

impl HitId {
    pub const SEQ_BITS: u32 = 38;
    pub const INDEX_BITS: u32 = 17;

    pub fn new(node: u8, seq: u64, index: u32) -> HitId {
        debug_assert!(seq < 1 << HitId::SEQ_BITS && u64::from(index) < 1 << HitId::INDEX_BITS);
        let id = (u64::from(node) << (HitId::SEQ_BITS + HitId::INDEX_BITS))
            | (seq << HitId::INDEX_BITS)
            | u64::from(index);
        HitId(id as i64)
    }

    /// No hit of the node has a greater one.
    pub fn last_of(node: u8) -> HitId {
        HitId::new(node, (1 << HitId::SEQ_BITS) - 1, (1 << HitId::INDEX_BITS) - 1)
    }

    pub fn node(self) -> u8 {
        (self.0 as u64 >> (HitId::INDEX_BITS + HitId::SEQ_BITS)) as u8
    }

    pub fn seq(self) -> u64 {
        (self.0 as u64 >> HitId::INDEX_BITS) & ((1 << HitId::SEQ_BITS) - 1)
    }

    pub fn index(self) -> u32 {
        (self.0 as u64 & ((1 << HitId::INDEX_BITS) - 1)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_a_number_of_ten_bits_in_order_and_letters_are_read_too() {
        let mut before = 0;
        for first in b'A'..=b'Z' {
            for second in b'A'..=b'Z' {
                let country = Country([first, second]);
                let number = country.number();
                assert!(before < number && number < Country::NUMBERS);
                assert_eq!(Country::from_number(number), country);
                assert_eq!(Country::from_number(u16::from_be_bytes(country.0)), country);
                before = number;
            }
        }
        assert_eq!((Country::NONE.number(), Country::from_number(0)), (0, Country::NONE));
    }
}
