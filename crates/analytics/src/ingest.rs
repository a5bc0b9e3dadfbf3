//! Posted bytes become a `Posted` batch: parsed, bounded, bad hits listed. The wire format of every published client
//! and of ours.
//!
//! `decode` looks at the bytes alone: it knows no project, no settings and no clock. Everything that depends on those
//! (privacy, clocks, age, country) is in `enrich`, so that a batch is parsed once and its key can be checked in
//! between.
//!
//! It never panics, never recurses with its input, and holds at most a few times the body's size.

mod body;
mod key;
mod legacy;
mod posted_hit;
mod raw_hit;
mod sample;
mod texts;
mod time;
mod value;

use serde::Serialize;

use crate::hit::{ProjectId, TextKind};
use crate::hit_fields::{FIELDS, Field, FieldRejection};

pub use body::decode;
pub use key::canonical_key;
pub(crate) use legacy::posts_its_buffer_again;
pub(crate) use posted_hit::TimeKind;
pub use posted_hit::{PostedHit, kept_user_id};
pub use sample::Sample;
pub(crate) use sample::put_value as put_sample;
pub use texts::Texts;
pub use time::{ReadTime, parse_time};

/// Why a hit was rejected: a closed list, to which each field adds its own (`hit_fields::FieldRejection`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Not a JSON object.
    NotAnObject,
    /// An escape that is not text (a lone surrogate), or a number beyond any type.
    Unreadable,
    /// A required field is missing, or a field's value cannot be used.
    Invalid(Field),
    /// Older than `max_age`, or than the project keeps hits.
    TooOld,
    /// So far ahead of the other hits of its batch that no clock explains both.
    TooNew,
}

impl Reason {
    pub const COUNT: usize = 4 + count_field_rejections();
    /// By number.
    pub const ALL: [Reason; Reason::COUNT] = all_reasons();

    /// Stored, from 1: never renumber.
    pub const fn number(self) -> u8 {
        match self {
            Reason::NotAnObject => 1,
            Reason::Unreadable => 2,
            Reason::TooOld => 13,
            Reason::TooNew => 14,
            Reason::Invalid(field) => match field_rejection(field) {
                Some(rejection) => rejection.number,
                None => 0,
            },
        }
    }

    /// As a client sees it; stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::NotAnObject => "not_an_object",
            Reason::Unreadable => "unreadable",
            Reason::TooOld => "too_old",
            Reason::TooNew => "too_new",
            Reason::Invalid(field) => field_rejection(field).map_or("", |rejection| rejection.code),
        }
    }

    /// None if no reason has that number.
    pub fn from_number(number: u8) -> Option<Reason> {
        Reason::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }
}

const fn field_rejection(field: Field) -> Option<FieldRejection> {
    match field.info().posted {
        Some(posted) => posted.rejection,
        None => None,
    }
}

const fn count_field_rejections() -> usize {
    let (mut count, mut row) = (0, 0);
    while row < FIELDS.len() {
        count += field_rejection(FIELDS[row].field).is_some() as usize;
        row += 1;
    }
    count
}

/// Fails to compile unless the numbers are those from 1 to `COUNT`, each once.
const fn all_reasons() -> [Reason; Reason::COUNT] {
    let mut all = [None; Reason::COUNT];
    let general = [Reason::NotAnObject, Reason::Unreadable, Reason::TooOld, Reason::TooNew];
    let mut n = 0;
    while n < general.len() + FIELDS.len() {
        let reason = match n < general.len() {
            true => general[n],
            false => Reason::Invalid(FIELDS[n - general.len()].field),
        };
        n += 1;
        if reason.number() > 0 {
            let place = reason.number() as usize - 1;
            assert!(all[place].is_none(), "two reasons have the same number");
            all[place] = Some(reason);
        }
    }
    let mut reasons = [Reason::NotAnObject; Reason::COUNT];
    let mut place = 0;
    while place < reasons.len() {
        reasons[place] = match all[place] {
            Some(reason) => reason,
            None => panic!("a number has no reason"),
        };
        place += 1;
    }
    reasons
}

/// A hit that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rejection {
    /// Its place among the posted hits, from 0.
    pub index: u32,
    pub reason: Reason,
}

/// Why a whole body is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// 400.
    #[error(
        "the body is not JSON: {message} at line {line}, column {column}; post an object with `api_key` and `requests`"
    )]
    NotJson { message: String, line: usize, column: usize },
    /// 400.
    #[error("the body is JSON but not an object; post an object with `api_key` and `requests`")]
    NotAnObject,
    /// 400.
    #[error("`requests` is missing; it is the array of hits, and may be empty")]
    NoRequests,
    /// 400.
    #[error("`requests` is not an array of hits")]
    RequestsNotAnArray,
    /// 400.
    #[error("`batch_id` is longer than {0} characters; use a short random text such as a UUID")]
    LongBatchId(u64),
    /// 413.
    #[error("the batch has more than {0} hits; split it")]
    TooManyHits(u64),
}

impl DecodeError {
    /// Stable, for an error body's `code`.
    pub fn code(&self) -> &'static str {
        match self {
            DecodeError::NotJson { .. } | DecodeError::NotAnObject => "invalid_json",
            DecodeError::NoRequests | DecodeError::RequestsNotAnArray => "invalid_requests",
            DecodeError::LongBatchId(_) => "invalid_batch_id",
            DecodeError::TooManyHits(_) => "too_many_hits",
        }
    }

    /// True if the batch is too large (413), false if it cannot be parsed (400).
    pub fn is_too_large(&self) -> bool {
        matches!(self, DecodeError::TooManyHits(_))
    }
}

/// How often something was mended instead of rejected. Counts hits, unless stated otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repairs {
    /// Replacement characters for bytes that are not UTF-8.
    pub bad_utf8: u64,
    /// Batches with a privacy level other than 0, 1 and 2, read as 2.
    pub invalid_privacy_level: u64,
    /// Batches whose `release` was ignored: not a text of at most 100 characters, or too many new releases.
    pub releases_ignored: u64,
    /// Texts that were cut to their limit.
    pub truncated: u64,
    /// Invalid addresses; their hits are kept without one.
    pub invalid_address: u64,
    /// Hits without a usable duration that had a negative one.
    pub negative_duration: u64,
    /// Naive times that were taken to be in a zone other than UTC.
    pub zone_corrected: u64,
    /// Times moved because their clock was more than 5 minutes ahead.
    pub clock_shifted: u64,
    /// Hits that the client itself had to drop since its last batch (`dropped`).
    pub client_dropped: u64,
}

impl Repairs {
    /// Their names in metrics, with their counts.
    pub fn named(&self) -> [(&'static str, u64); 9] {
        [
            ("bad_utf8", self.bad_utf8),
            ("invalid_privacy_level", self.invalid_privacy_level),
            ("releases_ignored", self.releases_ignored),
            ("truncated", self.truncated),
            ("invalid_address", self.invalid_address),
            ("negative_duration", self.negative_duration),
            ("zone_corrected", self.zone_corrected),
            ("clock_shifted", self.clock_shifted),
            ("client_dropped", self.client_dropped),
        ]
    }
}

/// A batch as its client posted it, parsed and bounded, not yet enriched: it holds the addresses as posted, whatever
/// the project's privacy level. Never log it, never keep it.
#[derive(Debug)]
pub struct Posted {
    /// In canonical form (see `canonical_key`); none if the body has none.
    pub api_key: Option<String>,
    /// 0, 1 or 2.
    pub privacy_level: u8,
    /// "" for none.
    pub framework: String,
    /// "" for none.
    pub sdk: String,
    pub batch_id: Option<String>,
    /// The version of the app that sent these hits; not empty.
    pub release: Option<String>,
    /// Microseconds since 1970; none if missing, unreadable or without a zone.
    pub sent_at_us: Option<i64>,
    /// The body itself was its single hit (npm 1.0.11).
    pub(crate) flat: bool,
    /// `texts` also holds texts of hits that were rejected afterwards.
    pub(crate) leftovers: bool,
    pub hits: Vec<PostedHit>,
    pub texts: Texts,
    /// In order of index.
    pub rejected: Vec<Rejection>,
    /// One for each reason in `rejected`, not yet cut to the project's privacy level.
    pub(crate) samples: Vec<Sample>,
    pub repairs: Repairs,
}

impl Posted {
    /// The number of hits in the body, accepted or not.
    pub fn hits_sent(&self) -> usize {
        self.hits.len() + self.rejected.len()
    }

    pub fn text(&self, hit: &PostedHit, kind: TextKind) -> &str {
        self.texts.get(kind, hit.texts[kind as usize])
    }
}

/// Identifies a batch and its retries: 128 bits of SipHash over the project and the client's batch id.
pub fn batch_hash(project: ProjectId, batch_id: &str) -> u128 {
    use siphasher::sip128::{Hasher128, SipHasher24};
    use std::hash::Hasher;

    // A fixed key: hashes must survive a restart. A client that finds a collision only loses a batch of its own.
    let mut hasher = SipHasher24::new_with_keys(0x6170_692d_616e_616c, 0x7974_6963_732d_6964);
    hasher.write(&project.0.to_le_bytes());
    hasher.write(batch_id.as_bytes());
    let hash = hasher.finish128();
    (u128::from(hash.h1) << 64) | u128::from(hash.h2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_keeps_its_number_and_its_name() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(reason.number()), place + 1);
            assert_eq!(Reason::from_number(reason.number()), Some(reason));
            assert!(reason.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        }
        assert_eq!((Reason::from_number(0), Reason::from_number(255)), (None, None));
        let known = [
            "not_an_object",
            "unreadable",
            "invalid_path",
            "invalid_method",
            "invalid_status",
            "invalid_created_at",
            "invalid_response_time",
            "invalid_hostname",
            "invalid_user_agent",
            "invalid_user_id",
            "invalid_route",
            "invalid_referrer",
            "too_old",
            "too_new",
        ];
        assert_eq!(Reason::ALL.map(Reason::as_str)[..known.len()], known);
    }

    #[test]
    fn a_batch_is_named_by_its_project_and_its_id() {
        let name = batch_hash(ProjectId(1), "a");
        assert_eq!(name, batch_hash(ProjectId(1), "a"));
        assert_ne!(name, batch_hash(ProjectId(2), "a"));
        assert_ne!(name, batch_hash(ProjectId(1), "b"));
    }
}
