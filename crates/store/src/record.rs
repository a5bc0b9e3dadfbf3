//! The bytes of an inbox record: a batch or an erasure, after the format's version.
//!
//! A batch is stored by column, each as a base and the narrowest of 0, 1, 2, 4 or 8 bytes per value (frame of
//! reference): about 25 bytes per hit, written and read at memory speed. It is not compressed: records live for
//! seconds. The record has no checksum; SQLite's pages and the seqs around it suffice.

use analytics::batch::{AgentTraits, Batch};
use analytics::hit::{HitId, ProjectId, TextKind};

use crate::types::Erasure;

/// Rises with each kind of text added since version 1, so that a program that knows fewer stops instead of misreading a
/// record. A record of an older version has only the first kinds.
pub const VERSION: u8 = 1 + (TextKind::COUNT - FIRST_KINDS) as u8;
/// Kinds of texts in a record of version 1.
const FIRST_KINDS: usize = 10;
const KIND_BATCH: u8 = 1;
const KIND_ERASURE: u8 = 2;

/// Columns before the texts, in this order. Optional numbers are stored as value + 1, with 0 as "none".
pub const TIME: usize = 0;
pub const DURATION: usize = 1;
pub const STATUS: usize = 2;
pub const COUNTRY: usize = 3;
pub const REQUEST_SIZE: usize = 4;
pub const RESPONSE_SIZE: usize = 5;
pub const FIRST_TEXT: usize = 6;
pub const COLUMNS: usize = FIRST_TEXT + TextKind::COUNT;

#[derive(Debug)]
pub enum Record<'a> {
    Batch(Box<BatchRecord<'a>>),
    Erasure(Erasure),
}

#[derive(Debug)]
pub struct BatchRecord<'a> {
    pub project: ProjectId,
    pub arrival_us: i64,
    pub hits: usize,
    pub texts: [Vec<&'a str>; TextKind::COUNT],
    /// Parallel to the agents: client, OS, device.
    pub traits: Vec<[&'a str; 3]>,
    /// Parallel to the paths.
    pub versions: Vec<&'a str>,
    pub columns: [Column<'a>; COLUMNS],
}

/// One column; `get` widens a value.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    base: u64,
    width: usize,
    bytes: &'a [u8],
}

#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("the record ends early")]
    Short,
    #[error("the record has version {0}, this program reads {VERSION}")]
    Version(u8),
    #[error("the record is not readable: {0}")]
    Broken(&'static str),
}

pub fn encode_batch(project: ProjectId, batch: &Batch) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + batch.hits.len() * 28);
    out.extend([VERSION, KIND_BATCH]);
    out.extend(project.0.to_le_bytes());
    out.extend(batch.arrival_us.to_le_bytes());
    out.extend((batch.hits.len() as u32).to_le_bytes());
    let dictionary = &batch.dictionary;
    for texts in &dictionary.texts {
        out.extend((texts.len() as u32).to_le_bytes());
        for text in texts.iter() {
            put_text(&mut out, text);
        }
    }
    for traits in &dictionary.agents {
        let AgentTraits { client, os, device } = &**traits;
        put_text(&mut out, client);
        put_text(&mut out, os);
        put_text(&mut out, device);
    }
    for version in dictionary.versions.iter() {
        put_text(&mut out, version);
    }
    let hits = &batch.hits;
    let optional = |value: Option<u64>| value.map_or(0, |value| value.saturating_add(1));
    put_column(&mut out, hits.iter().map(|hit| hit.time_us as u64 ^ (1 << 63)));
    put_column(&mut out, hits.iter().map(|hit| optional(hit.duration_us)));
    put_column(&mut out, hits.iter().map(|hit| u64::from(hit.status)));
    put_column(&mut out, hits.iter().map(|hit| u64::from(u16::from_be_bytes(hit.country.0))));
    put_column(&mut out, hits.iter().map(|hit| optional(hit.request_size)));
    put_column(&mut out, hits.iter().map(|hit| optional(hit.response_size)));
    for kind in TextKind::ALL {
        put_column(&mut out, hits.iter().map(|hit| u64::from(hit.text(kind))));
    }
    out
}

pub fn encode_erasure(erasure: &Erasure) -> Vec<u8> {
    let mut out = vec![VERSION, KIND_ERASURE];
    out.extend(serde_json::to_vec(erasure).expect("an erasure is plain data"));
    out
}

pub fn decode(bytes: &[u8]) -> Result<Record<'_>, RecordError> {
    let mut rest = bytes;
    let version = take(&mut rest, 1)?[0];
    if !(1..=VERSION).contains(&version) {
        return Err(RecordError::Version(version));
    }
    match take(&mut rest, 1)?[0] {
        KIND_BATCH => decode_batch(version, rest).map(|batch| Record::Batch(Box::new(batch))),
        KIND_ERASURE => serde_json::from_slice(rest)
            .map(Record::Erasure)
            .map_err(|_| RecordError::Broken("erasure")),
        _ => Err(RecordError::Broken("kind")),
    }
}

fn decode_batch(version: u8, mut rest: &[u8]) -> Result<BatchRecord<'_>, RecordError> {
    let project = ProjectId(take_u32(&mut rest)?);
    let arrival_us = take_u64(&mut rest)? as i64;
    let hits = take_u32(&mut rest)? as usize;
    if hits > 1 << HitId::INDEX_BITS {
        return Err(RecordError::Broken("number of hits"));
    }
    let kinds = FIRST_KINDS + usize::from(version) - 1;
    // Hits have no value for a field newer than the record.
    let mut texts: [Vec<&str>; TextKind::COUNT] = std::array::from_fn(|kind| match kind < kinds {
        true => Vec::new(),
        false => vec![""],
    });
    for list in &mut texts[..kinds] {
        let count = take_u32(&mut rest)? as usize;
        list.reserve(count.min(rest.len()));
        for _ in 0..count {
            list.push(take_text(&mut rest)?);
        }
    }
    let mut traits = Vec::with_capacity(texts[TextKind::Agent as usize].len());
    for _ in 0..texts[TextKind::Agent as usize].len() {
        traits.push([take_text(&mut rest)?, take_text(&mut rest)?, take_text(&mut rest)?]);
    }
    let mut versions = Vec::with_capacity(texts[TextKind::Path as usize].len());
    for _ in 0..texts[TextKind::Path as usize].len() {
        versions.push(take_text(&mut rest)?);
    }
    let mut columns = [Column { base: 0, width: 0, bytes: &[] }; COLUMNS];
    for column in &mut columns[..FIRST_TEXT + kinds] {
        let base = take_u64(&mut rest)?;
        let width = usize::from(take(&mut rest, 1)?[0]);
        if !matches!(width, 0 | 1 | 2 | 4 | 8) {
            return Err(RecordError::Broken("column width"));
        }
        let size = width.checked_mul(hits).ok_or(RecordError::Short)?;
        *column = Column { base, width, bytes: take(&mut rest, size)? };
    }
    for kind in TextKind::ALL {
        let column = &columns[FIRST_TEXT + kind as usize];
        let known = texts[kind as usize].len() as u64;
        let mut greatest = 0;
        column.each(hits, |value| greatest = value.max(greatest));
        if hits > 0 && greatest >= known {
            return Err(RecordError::Broken("text index"));
        }
    }
    Ok(BatchRecord { project, arrival_us, hits, texts, traits, versions, columns })
}

impl Column<'_> {
    /// All values in order, of a batch of this many hits.
    #[inline]
    pub fn each(&self, hits: usize, mut take: impl FnMut(u64)) {
        let base = self.base;
        match self.width {
            0 => (0..hits).for_each(|_| take(base)),
            1 => self.bytes.iter().for_each(|&byte| take(base.wrapping_add(u64::from(byte)))),
            2 => self.bytes.as_chunks().0.iter().for_each(|&bytes| {
                take(base.wrapping_add(u64::from(u16::from_le_bytes(bytes))));
            }),
            4 => self.bytes.as_chunks().0.iter().for_each(|&bytes| {
                take(base.wrapping_add(u64::from(u32::from_le_bytes(bytes))));
            }),
            _ => self.bytes.as_chunks().0.iter().for_each(|&bytes| {
                take(base.wrapping_add(u64::from_le_bytes(bytes)));
            }),
        }
    }

    /// Writes all values except those of the rows in `skips` (ascending) over `out`.
    pub fn read<'v>(&self, hits: usize, skips: &[u32], out: &'v mut Vec<u64>) -> &'v [u64] {
        out.clear();
        self.each(hits, |value| out.push(value));
        if !skips.is_empty() {
            let mut row = 0;
            let mut skips = skips.iter().copied().peekable();
            out.retain(|_| {
                row += 1;
                skips.next_if_eq(&(row - 1)).is_none()
            });
        }
        out
    }

    #[cfg(test)]
    pub fn get(&self, row: usize) -> u64 {
        let at = row * self.width;
        let value = match self.width {
            0 => 0,
            1 => u64::from(self.bytes[at]),
            2 => u64::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]])),
            4 => u64::from(u32::from_le_bytes(self.bytes[at..at + 4].try_into().expect("4 bytes"))),
            _ => u64::from_le_bytes(self.bytes[at..at + 8].try_into().expect("8 bytes")),
        };
        self.base.wrapping_add(value)
    }
}

/// Inverts the mapping that keeps times before 1970 in order.
pub fn to_time_us(value: u64) -> i64 {
    (value ^ (1 << 63)) as i64
}

/// Undoes value + 1.
pub fn to_optional(value: u64) -> Option<u64> {
    value.checked_sub(1)
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

fn put_column(out: &mut Vec<u8>, values: impl Iterator<Item = u64> + Clone) {
    let base = values.clone().min().unwrap_or(0);
    let spread = values.clone().max().unwrap_or(0) - base;
    out.extend(base.to_le_bytes());
    match spread {
        0 => out.push(0),
        1..=0xff => {
            out.push(1);
            out.extend(values.map(|value| (value - base) as u8));
        }
        0x100..=0xffff => {
            out.push(2);
            values.for_each(|value| out.extend(((value - base) as u16).to_le_bytes()));
        }
        0x1_0000..=0xffff_ffff => {
            out.push(4);
            values.for_each(|value| out.extend(((value - base) as u32).to_le_bytes()));
        }
        _ => {
            out.push(8);
            values.for_each(|value| out.extend((value - base).to_le_bytes()));
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], size: usize) -> Result<&'a [u8], RecordError> {
    let (head, tail) = rest.split_at_checked(size).ok_or(RecordError::Short)?;
    *rest = tail;
    Ok(head)
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, RecordError> {
    Ok(u32::from_le_bytes(take(rest, 4)?.try_into().expect("4 bytes")))
}

fn take_u64(rest: &mut &[u8]) -> Result<u64, RecordError> {
    Ok(u64::from_le_bytes(take(rest, 8)?.try_into().expect("8 bytes")))
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, RecordError> {
    let size = take_u32(rest)? as usize;
    std::str::from_utf8(take(rest, size)?).map_err(|_| RecordError::Broken("text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use analytics::hit::{Country, Hit};
    use proptest::prelude::*;

    fn hit(time_us: i64, duration_us: Option<u64>, path: u32) -> Hit {
        let mut texts = [0; TextKind::COUNT];
        texts[TextKind::Path as usize] = path;
        Hit {
            time_us,
            duration_us,
            status: 404,
            country: Country(*b"NZ"),
            request_size: None,
            response_size: Some(0),
            texts,
        }
    }

    /// A batch's record as written by a program that knew fewer kinds of texts.
    fn of_version(version: u8, record: &[u8]) -> Vec<u8> {
        let kinds = FIRST_KINDS + usize::from(version) - 1;
        let (head, mut rest) = record.split_at(18);
        let mut out = head.to_vec();
        out[0] = version;
        let mut keep = |size: usize, is_kept: bool| {
            let part = take(&mut rest, size).unwrap();
            if is_kept {
                out.extend(part);
            }
            part.to_vec()
        };
        let number = |bytes: Vec<u8>| u32::from_le_bytes(bytes.try_into().unwrap()) as usize;
        let mut counts = [0; TextKind::COUNT];
        for (kind, count) in counts.iter_mut().enumerate() {
            *count = number(keep(4, kind < kinds));
            for _ in 0..*count {
                let size = number(keep(4, kind < kinds));
                keep(size, kind < kinds);
            }
        }
        for _ in 0..3 * counts[TextKind::Agent as usize] + counts[TextKind::Path as usize] {
            let size = number(keep(4, true));
            keep(size, true);
        }
        let hits = number(head[14..].to_vec());
        for column in 0..COLUMNS {
            let is_kept = column < FIRST_TEXT + kinds;
            keep(8, is_kept);
            let width = usize::from(keep(1, is_kept)[0]);
            keep(width * hits, is_kept);
        }
        out
    }

    #[test]
    fn a_record_of_a_program_that_knew_fewer_fields_is_read() {
        let posted = batch(vec![hit(1, None, 1), hit(900, Some(3), 2)]);
        let record = encode_batch(ProjectId(1), &posted);
        for version in 1..=VERSION {
            let older = of_version(version, &record);
            assert_eq!(older == record, version == VERSION);
            let Ok(Record::Batch(read)) = decode(&older) else { panic!("{version}: not readable") };
            assert_eq!((read.hits, read.versions), (2, vec!["", "v1", ""]));
            for kind in TextKind::ALL {
                let column = read.columns[FIRST_TEXT + kind as usize];
                let wanted = if kind == TextKind::Path { [1, 2] } else { [0, 0] };
                assert_eq!([column.get(0), column.get(1)], wanted);
                assert_eq!(read.texts[kind as usize][0], "");
            }
        }
        let newer = [&[VERSION + 1], &record[1..]].concat();
        assert!(matches!(decode(&newer), Err(RecordError::Version(_))));
    }

    fn batch(hits: Vec<Hit>) -> Batch {
        let mut batch = Batch { arrival_us: 7, hits, ..Batch::default() };
        for (path, version) in [("/a", "v1"), ("/é", "")] {
            batch.dictionary.texts[TextKind::Path as usize].push(path);
            batch.dictionary.versions.push(version);
        }
        batch
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(rows in prop::collection::vec((any::<i64>(), prop::option::of(0..u64::MAX), 0u32..3), 0..50)) {
            let posted = batch(rows.iter().map(|&(time, duration, path)| hit(time, duration, path)).collect());
            let bytes = encode_batch(ProjectId(9), &posted);
            let Ok(Record::Batch(read)) = decode(&bytes) else { panic!("not readable") };
            prop_assert_eq!(read.hits, rows.len());
            prop_assert_eq!(&read.texts[TextKind::Path as usize], &vec!["", "/a", "/é"]);
            prop_assert_eq!(&read.versions, &vec!["", "v1", ""]);
            for (row, &(time, duration, path)) in rows.iter().enumerate() {
                prop_assert_eq!(to_time_us(read.columns[TIME].get(row)), time);
                prop_assert_eq!(to_optional(read.columns[DURATION].get(row)), duration);
                prop_assert_eq!(read.columns[FIRST_TEXT + TextKind::Path as usize].get(row), u64::from(path));
                prop_assert_eq!(read.columns[STATUS].get(row), 404);
                prop_assert_eq!(read.columns[RESPONSE_SIZE].get(row), 1);
            }
        }

        #[test]
        fn noise_is_an_error_and_never_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), honest in any::<bool>()) {
            if honest && bytes.len() > 2 {
                bytes[0] = VERSION;
                bytes[1] = KIND_BATCH;
            }
            let _ = decode(&bytes);
            let mut real = encode_batch(ProjectId(1), &batch(vec![hit(1, None, 1), hit(900, Some(3), 2)]));
            for (at, byte) in bytes.iter().enumerate() {
                let len = real.len();
                real[(at * 37) % len] ^= byte;
            }
            let _ = decode(&real);
        }
    }
}
