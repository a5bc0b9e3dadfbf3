//! Hashes that recognise hits which a published client posts again: equal hits have equal hashes, also after a restart.
//!
//! A hash covers nothing that we may not keep: nobody can find a dropped address by trying all of them. The inbox,
//! which sees hits in order, decides which ones are repeats.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::batch::Dictionary;
use crate::hit::{Hit, TextKind};
use crate::ingest::{PostedHit, TimeKind};

/// A hash over every kept field of each hit. Times are the client's own: a clock's correction depends on the arrival,
/// which differs when a hit is posted again.
pub(super) fn hashes(
    posted: &[PostedHit],
    hits: &[Hit],
    dictionary: &Dictionary,
    arrival_us: i64,
) -> Vec<u64> {
    let texts: Vec<Vec<u64>> = dictionary
        .texts
        .iter()
        .map(|texts| texts.iter().map(|text| hash(text.as_bytes())).collect())
        .collect();
    let of_hit = |(posted, hit): (&PostedHit, &Hit)| {
        let mut fields = [0; 6 + FIRST_TEXTS];
        // A hit without a time gets its arrival's, and never equals an earlier one.
        fields[0] =
            if posted.time_kind == TimeKind::Missing { arrival_us } else { posted.time_us } as u64;
        fields[1] = number(hit.duration_us);
        fields[2] = u64::from(hit.status);
        fields[3] = u64::from(u16::from_be_bytes(hit.country.0));
        fields[4] = number(hit.request_size);
        fields[5] = number(hit.response_size);
        let text = |kind: TextKind| texts[kind as usize][hit.text(kind) as usize];
        let (first, later) = TextKind::ALL.split_at(FIRST_TEXTS);
        for kind in first {
            fields[6 + *kind as usize] = text(*kind);
        }
        let mut hasher = new_hasher();
        for field in fields {
            hasher.write_u64(field.to_le());
        }
        for kind in later.iter().filter(|kind| hit.text(**kind) != 0) {
            hasher.write_u8(*kind as u8);
            hasher.write_u64(text(*kind).to_le());
        }
        hasher.finish()
    };
    posted.iter().zip(hits).map(of_hit).collect()
}

/// The texts that hits had from the beginning. A later text field enters the hash only of hits that have it, so that
/// the others keep their hash over an update.
const FIRST_TEXTS: usize = 10;

/// No duration and no size is 2^64 - 1.
fn number(field: Option<u64>) -> u64 {
    field.unwrap_or(u64::MAX)
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = new_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// A fixed key, because hashes outlive the process.
fn new_hasher() -> SipHasher13 {
    SipHasher13::new_with_keys(0x6170_692d_616e_616c, 0x7265_7065_6174_6564)
}
