//! The form of a segment, from which a parameter gets its name.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `{id}`: a parameter already.
    Derived,
    /// `2026-11-27`, `2026-11`
    Date,
    /// `logo.png`
    File,
    /// `A-42`, `SKU123`, `x7f3k`
    Code,
    /// `the-red-fox`
    Slug,
    /// `alice`
    Name,
}

impl Kind {
    pub fn of(segment: &str) -> Kind {
        let bytes = segment.as_bytes();
        let has = |test: fn(&u8) -> bool| bytes.iter().any(test);
        let has_lower = has(u8::is_ascii_lowercase);
        if segment.starts_with('{') {
            Kind::Derived
        } else if is_date(bytes) {
            Kind::Date
        } else if has_extension(segment) {
            Kind::File
        } else if has(u8::is_ascii_digit)
            && (!has_lower || bytes.iter().all(u8::is_ascii_alphanumeric))
        {
            Kind::Code
        } else if has_lower && segment.contains(['-', '_']) {
            Kind::Slug
        } else {
            Kind::Name
        }
    }

    /// The name of a parameter with such values.
    pub fn parameter(self) -> &'static str {
        match self {
            Kind::Derived => "id",
            Kind::Date => "date",
            Kind::File => "file",
            Kind::Code => "code",
            Kind::Slug => "slug",
            Kind::Name => "name",
        }
    }
}

fn is_date(bytes: &[u8]) -> bool {
    matches!(bytes.len(), 7 | 10)
        && bytes.iter().enumerate().all(|(place, byte)| match place {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

fn has_extension(segment: &str) -> bool {
    const LONGEST: usize = 5;
    segment.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && (1..=LONGEST).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && extension.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}
