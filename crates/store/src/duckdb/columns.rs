//! Inbox records as columns of a data file: texts become the file's ids, rows get their hit ids.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use analytics::hit::{HitId, ProjectId, TextKind};
use duckdb::arrow::array::{
    ArrayRef, Int64Array, RecordBatch, StringBuilder, UInt8Array, UInt16Array, UInt32Array,
};
use duckdb::arrow::datatypes::{DataType, Field, Schema};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::duckdb::sql::build::MARK_EVERY;
use crate::duckdb::sql::file::ipv4;
use crate::duckdb::stats::{FileStats, ProjectStats};
use crate::record::{self, BatchRecord};
use crate::types::HitRow;

/// Rows that wait for their transaction.
#[derive(Default)]
pub struct Rows {
    project: Vec<u32>,
    time_us: Vec<i64>,
    hit_id: Vec<i64>,
    duration_us: Vec<Option<i64>>,
    status: Vec<u16>,
    country: Vec<u16>,
    request_size: Vec<Option<i64>>,
    response_size: Vec<Option<i64>>,
    texts: [Vec<u32>; TextKind::COUNT],
    strings: Strings,
    marks: Marks,
}

#[derive(Default)]
struct Strings {
    kind: Vec<u8>,
    project: Vec<u32>,
    id: Vec<u32>,
    literal: StringBuilder,
    ipv4: Vec<u32>,
    client: StringBuilder,
    os: StringBuilder,
    device: StringBuilder,
    version: StringBuilder,
}

#[derive(Default)]
struct Marks {
    project: Vec<u32>,
    ordinal: Vec<i64>,
    hit_id: Vec<i64>,
}

impl Marks {
    /// The hit with this number of its project in the file, if it is to be marked.
    fn note(&mut self, project: ProjectId, ordinal: u64, hit_id: i64) {
        if ordinal.is_multiple_of(MARK_EVERY) {
            self.project.push(project.0);
            self.ordinal.push(ordinal as i64);
            self.hit_id.push(hit_id);
        }
    }
}

/// Words derived from an agent, and from a path.
struct Words<'a> {
    traits: [&'a str; 3],
    version: &'a str,
}

/// The ids of the active file's texts. A text is represented by 128 bits of a keyed hash, so that memory does not grow
/// with its length; the key is random per process, so that nobody can make texts collide.
pub struct TextIds {
    known: HashMap<Name, u32, BuildHasherDefault<Prehashed>>,
    next: [u32; TextKind::COUNT],
    key: (u64, u64),
    pub bytes: usize,
}

/// Two numbers take less room in a table than one of 128 bits, which is aligned to 16 bytes.
#[derive(PartialEq, Eq)]
struct Name(u64, u64);

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

#[derive(Default)]
struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().take(8).fold(0, |sum, &byte| (sum << 8) | u64::from(byte));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

impl TextIds {
    pub fn new(key: (u64, u64)) -> TextIds {
        TextIds { known: HashMap::default(), next: [1; TextKind::COUNT], key, bytes: 0 }
    }

    fn name(&self, kind: u8, project: u32, text: &str) -> Name {
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        hasher.write_u8(kind);
        hasher.write_u32(project);
        hasher.write(text.as_bytes());
        let name = hasher.finish128();
        Name(name.h1, name.h2)
    }

    /// Adds a text of a reopened file.
    pub fn learn(&mut self, kind: u8, project: u32, id: u32, text: &str) {
        let name = self.name(kind, project, text);
        self.known.insert(name, id);
        self.bytes += text.len() + 48;
        if let Some(next) = self.next.get_mut(usize::from(kind)) {
            *next = (*next).max(id + 1);
        }
    }

    /// The text's id, and whether it is new.
    fn number(&mut self, kind: TextKind, project: u32, text: &str) -> (u32, bool) {
        let name = self.name(kind as u8, project, text);
        let next = &mut self.next[kind as usize];
        let id = *self.known.entry(name).or_insert(*next);
        let new = id == *next;
        if new {
            *next += 1;
            self.bytes += text.len() + 48;
        }
        (id, new)
    }
}

impl Rows {
    pub fn len(&self) -> usize {
        self.project.len()
    }

    /// Empty, with room for this many rows.
    pub fn with_room_for(rows: usize) -> Rows {
        Rows {
            project: Vec::with_capacity(rows),
            time_us: Vec::with_capacity(rows),
            hit_id: Vec::with_capacity(rows),
            duration_us: Vec::with_capacity(rows),
            status: Vec::with_capacity(rows),
            country: Vec::with_capacity(rows),
            request_size: Vec::with_capacity(rows),
            response_size: Vec::with_capacity(rows),
            texts: std::array::from_fn(|_| Vec::with_capacity(rows)),
            ..Rows::default()
        }
    }

    /// Adds a batch except the rows in `skips` (ascending), and updates `shares`.
    pub fn push(
        &mut self,
        node: u8,
        seq: u64,
        batch: &BatchRecord<'_>,
        skips: &[u32],
        numbers: &mut TextIds,
        shares: &mut FileStats,
    ) {
        let project = batch.project;
        let mut values = Vec::with_capacity(batch.hits);
        let mut rows = 0;
        let stats = shares.entry(project).or_insert_with(ProjectStats::none);
        let mut skipped = skips.iter().copied().peekable();
        let kept = (0..batch.hits as u32).filter(|row| skipped.next_if_eq(row).is_none());
        for (row, &time) in
            kept.zip(batch.columns[record::TIME].read(batch.hits, skips, &mut values))
        {
            let time_us = record::to_time_us(time);
            let hit_id = HitId::new(node, seq, row).0;
            self.marks.note(project, stats.rows, hit_id);
            stats.add(time_us, hit_id);
            self.time_us.push(time_us);
            self.hit_id.push(hit_id);
            rows += 1;
        }
        if stats.rows == 0 {
            shares.remove(&project);
        }
        self.project.extend(std::iter::repeat_n(project.0, rows));
        let duration = |&value: &u64| record::to_optional(value);
        let durations = batch.columns[record::DURATION].read(batch.hits, skips, &mut values);
        self.duration_us.extend(durations.iter().map(|value| duration(value).map(to_i64)));
        self.status.extend(
            batch.columns[record::STATUS]
                .read(batch.hits, skips, &mut values)
                .iter()
                .map(|&value| value as u16),
        );
        self.country.extend(
            batch.columns[record::COUNTRY]
                .read(batch.hits, skips, &mut values)
                .iter()
                .map(|&value| value as u16),
        );
        let size = |&value: &u64| record::to_optional(value).map(to_i64);
        self.request_size.extend(
            batch.columns[record::REQUEST_SIZE]
                .read(batch.hits, skips, &mut values)
                .iter()
                .map(size),
        );
        self.response_size.extend(
            batch.columns[record::RESPONSE_SIZE]
                .read(batch.hits, skips, &mut values)
                .iter()
                .map(size),
        );
        // Only texts named by a kept row get an id: a later erasure must not leave others behind.
        let mut ids: Vec<u32> = Vec::new();
        for kind in TextKind::ALL {
            ids.clear();
            ids.resize(batch.texts[kind as usize].len(), u32::MAX);
            if let Some(none) = ids.first_mut() {
                *none = 0;
            }
            for &local in batch.columns[record::FIRST_TEXT + kind as usize].read(
                batch.hits,
                skips,
                &mut values,
            ) {
                let local = local as usize;
                if ids[local] == u32::MAX {
                    let text = batch.texts[kind as usize][local];
                    let words = Words {
                        traits: batch.traits.get(local).copied().unwrap_or_default(),
                        version: batch.versions.get(local).copied().unwrap_or_default(),
                    };
                    ids[local] = self.strings.number(kind, project, text, words, numbers);
                }
                self.texts[kind as usize].push(ids[local]);
            }
        }
    }

    /// Adds a hit with its id, and updates `shares`. A project's hits come in the order of their ids.
    pub fn push_row(
        &mut self,
        project: ProjectId,
        hit: &HitRow,
        numbers: &mut TextIds,
        shares: &mut FileStats,
    ) {
        let stats = shares.entry(project).or_insert_with(ProjectStats::none);
        self.marks.note(project, stats.rows, hit.hit_id);
        stats.add(hit.time_us, hit.hit_id);
        self.project.push(project.0);
        self.time_us.push(hit.time_us);
        self.hit_id.push(hit.hit_id);
        self.duration_us.push(hit.duration_us.map(to_i64));
        self.status.push(hit.status);
        self.country.push(u16::from_be_bytes(hit.country.0));
        self.request_size.push(hit.request_size.map(to_i64));
        self.response_size.push(hit.response_size.map(to_i64));
        for kind in TextKind::ALL {
            let text = &*hit.texts[kind as usize];
            let id = match text.is_empty() {
                true => 0,
                false => {
                    let [client, os, device, version] = hit.words.each_ref().map(|word| &**word);
                    let words = Words { traits: [client, os, device], version };
                    self.strings.number(kind, project, text, words, numbers)
                }
            };
            self.texts[kind as usize].push(id);
        }
    }

    /// Batches for the tables `hits`, `strings` and `marks`.
    pub fn into_batches(
        mut self,
    ) -> Result<[(&'static str, RecordBatch); 3], duckdb::arrow::error::ArrowError> {
        let mut hits: Vec<(&str, ArrayRef)> = vec![
            ("project", Arc::new(UInt32Array::from(self.project))),
            ("time_us", Arc::new(Int64Array::from(self.time_us))),
            ("hit_id", Arc::new(Int64Array::from(self.hit_id))),
            ("duration_us", Arc::new(Int64Array::from(self.duration_us))),
            ("status", Arc::new(UInt16Array::from(self.status))),
            ("country", Arc::new(UInt16Array::from(self.country))),
            ("request_size", Arc::new(Int64Array::from(self.request_size))),
            ("response_size", Arc::new(Int64Array::from(self.response_size))),
        ];
        for (kind, column) in TextKind::ALL.into_iter().zip(self.texts) {
            hits.push((kind.column(), Arc::new(UInt32Array::from(column))));
        }
        let strings: Vec<(&str, ArrayRef)> = vec![
            ("kind", Arc::new(UInt8Array::from(self.strings.kind))),
            ("project", Arc::new(UInt32Array::from(self.strings.project))),
            ("id", Arc::new(UInt32Array::from(self.strings.id))),
            ("literal", Arc::new(self.strings.literal.finish())),
            ("ipv4", Arc::new(UInt32Array::from(self.strings.ipv4))),
            ("client", Arc::new(self.strings.client.finish())),
            ("os", Arc::new(self.strings.os.finish())),
            ("device", Arc::new(self.strings.device.finish())),
            ("version", Arc::new(self.strings.version.finish())),
        ];
        let marks: Vec<(&str, ArrayRef)> = vec![
            ("project", Arc::new(UInt32Array::from(self.marks.project))),
            ("ordinal", Arc::new(Int64Array::from(self.marks.ordinal))),
            ("hit_id", Arc::new(Int64Array::from(self.marks.hit_id))),
        ];
        Ok([
            ("hits", to_batch(hits)?),
            ("strings", to_batch(strings)?),
            ("marks", to_batch(marks)?),
        ])
    }
}

impl Strings {
    fn number(
        &mut self,
        kind: TextKind,
        project: ProjectId,
        text: &str,
        words: Words<'_>,
        numbers: &mut TextIds,
    ) -> u32 {
        let (id, new) = numbers.number(kind, project.0, text);
        if new {
            let [client, os, device] = match kind {
                TextKind::Agent => words.traits,
                _ => [""; 3],
            };
            let version = if kind == TextKind::Path { words.version } else { "" };
            let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
            self.kind.push(kind as u8);
            self.project.push(project.0);
            self.id.push(id);
            let ipv4 = if kind == TextKind::Address { ipv4(text) } else { 0 };
            self.literal.append_value(if ipv4 > 0 { "" } else { text });
            self.ipv4.push(ipv4);
            self.client.append_option(some(client));
            self.os.append_option(some(os));
            self.device.append_option(some(device));
            self.version.append_option(some(version));
        }
        id
    }
}

fn to_i64(value: u64) -> i64 {
    value.min(i64::MAX as u64) as i64
}

/// Columns by name, of equal length.
pub fn to_batch(
    columns: Vec<(&str, ArrayRef)>,
) -> Result<RecordBatch, duckdb::arrow::error::ArrowError> {
    let fields = columns
        .iter()
        .map(|(name, column)| Field::new(*name, DataType::clone(column.data_type()), true))
        .collect::<Vec<_>>();
    RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns.into_iter().map(|(_, column)| column).collect(),
    )
}
