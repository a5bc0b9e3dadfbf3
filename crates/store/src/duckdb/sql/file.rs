//! The tables of a data file, active or sealed (DuckDB).
//!
//! `hits` holds numbers only; every text of a file stands once in its `strings`, per project, so that a file can be
//! understood, erased and copied alone. No keys and no indexes: they cost more than they give on append-only tables.

use std::net::Ipv4Addr;

use analytics::hit::{HitId, TextKind};
use analytics::hit_fields::FIELDS;

use super::engine::{IDENTITY, IPV4};

/// Raise it when a table changes shape. A file of an older one is read by the same statements, and a merge or an erasure
/// that meets it writes the newest. 1: sealed files had `hit_id` as it is, countries as two letters (as active files still
/// have), texts numbered over all projects, and rollups of every project. 2: rollups had a row of each consumer and day,
/// however many there were, and no `by_consumer_rest`. 3: hits had no `request_id` and no `cache`. 4: every text stood in
/// `strings.text`, addresses too.
pub const FORMAT: u32 = 5;

// A field's column needs a format that older programs refuse: they would merge a file without it.
const _: () = {
    let mut row = 0;
    while row < FIELDS.len() {
        assert!(FIELDS[row].since <= FORMAT);
        row += 1;
    }
};

/// The first format whose files have `by_consumer_rest`.
pub const CONSUMERS_LISTED: u32 = 3;

/// The first format whose `strings` has `ipv4` and `literal`.
const ADDRESSES_AS_NUMBERS: u32 = 5;

/// The columns of `hits` before the texts, as they are read. Numbers that a hit may lack are NULL there; texts are 0.
/// `country` is `Country::number`, or the two letters as a number.
pub const NUMBERS: [(&str, &str); 9] = [
    ("project", "UINTEGER"),
    ("time_us", "BIGINT"),
    ("hit_id", "BIGINT"),
    ("duration_us", "BIGINT"),
    ("latency", "USMALLINT"),
    ("status", "USMALLINT"),
    ("country", "USMALLINT"),
    ("request_size", "BIGINT"),
    ("response_size", "BIGINT"),
];

/// A file's tables, which lack the columns that are younger than its format.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// Its name in the engine.
    pub file: &'a str,
    pub format: u32,
}

impl Tables<'_> {
    pub fn has(&self, kind: TextKind) -> bool {
        kind.info().since <= self.format
    }

    /// The number of a text of hit `h`: 0, "none", in a file that has no such column.
    pub fn text(&self, kind: TextKind) -> String {
        match self.has(kind) {
            true => format!("h.{}", kind.column()),
            false => "0::UINTEGER".to_owned(),
        }
    }

    /// A table like `strings` of today's format, to be read from.
    pub fn strings(&self) -> String {
        let file = self.file;
        if self.format >= ADDRESSES_AS_NUMBERS {
            return format!("{file}.strings");
        }
        format!(
            "(SELECT * EXCLUDE (ipv4), CASE WHEN ipv4 > 0 THEN '' ELSE text END AS literal, ipv4
              FROM (SELECT *, CASE WHEN kind = {} THEN {IPV4}(text) ELSE 0 END AS ipv4 FROM {file}.strings))",
            TextKind::Address as u8
        )
    }

    /// hash, ipv4: the identity of a row of the file's own `strings`, or the address that it is.
    pub fn identity(&self) -> String {
        match self.format >= ADDRESSES_AS_NUMBERS {
            true => {
                format!("CASE WHEN ipv4 > 0 THEN 0::UBIGINT ELSE {IDENTITY}(literal) END, ipv4")
            }
            false => format!("{IDENTITY}(text), 0::UINTEGER"),
        }
    }

    /// A row of the file's own `strings` is this text of this kind: a condition, and what is bound to its `?`, if it has one.
    pub fn is_text(&self, kind: TextKind, text: &str) -> (String, Option<String>) {
        let ipv4 = if kind == TextKind::Address { ipv4(text) } else { 0 };
        match ipv4 > 0 && self.format >= ADDRESSES_AS_NUMBERS {
            true => (format!("ipv4 = {ipv4}"), None),
            false => ("text = ?".to_owned(), Some(text.to_owned())),
        }
    }
}

/// An IPv4 address as it is written into files: as a number. 0 for any other text, and for 0.0.0.0.
pub fn ipv4(text: &str) -> u32 {
    // Only the spelling that the number is shown in is accepted here.
    text.parse::<Ipv4Addr>().map_or(0, u32::from)
}

/// The tables of an active file. `strings`: id is unique per kind and project, here per kind alone. An IPv4 address is a
/// number there, which takes a third of its text's room in a file and is hashed without being read as one; `literal` is any
/// other text, and `text` is either. `marks`: the hit that is number `ordinal` of its project in this file, in order of arrival, every so many hits. `progress`: the records
/// that this file holds, after `first_seq` (none in files of before) up to `seq`.
pub fn create(alias: &str) -> String {
    create_with(alias, ["hit_id BIGINT", ACTIVE_TEXT_ID])
}

const ACTIVE_TEXT_ID: &str = "id UINTEGER";

/// Two columns of a sealed file are kept as two each, and put together where they are read. `hit_id` jumps from batch to
/// batch: batches and places in them take a byte less a hit than their sum. `id` begins anew with each project: counted on
/// over projects, with what is to be taken off beside it, it takes nothing instead of two bytes a text.
fn create_shared_of_sealed(alias: &str) -> String {
    let places = 1u64 << HitId::INDEX_BITS;
    let hit_id = format!(
        "batch BIGINT, place UINTEGER, hit_id BIGINT GENERATED ALWAYS AS (batch * {places} + place) VIRTUAL"
    );
    let id = "number INTEGER, base INTEGER, id UINTEGER GENERATED ALWAYS AS (CAST(number - base AS UINTEGER)) VIRTUAL";
    create_with(alias, [&hit_id, id])
}

fn create_with(alias: &str, [hit_id, id]: [&str; 2]) -> String {
    let numbers = NUMBERS.iter().map(|(name, kind)| match *name {
        "hit_id" => hit_id.to_owned(),
        name => format!("{name} {kind}"),
    });
    let columns = numbers.chain(TextKind::ALL.map(text_column)).collect::<Vec<_>>().join(", ");
    format!(
        "CREATE TABLE {alias}.hits ({columns});
         {}
         CREATE TABLE {alias}.marks (project UINTEGER, ordinal BIGINT, hit_id BIGINT);
         CREATE TABLE {alias}.progress (seq BIGINT, format UINTEGER, first_seq BIGINT);",
        create_strings(&format!("{alias}.strings"), id)
    )
}

fn create_strings(name: &str, id: &str) -> String {
    let part = |bits: u8| format!("(ipv4 >> {bits}) & 255");
    let parts = [24, 16, 8, 0].map(part).join(", '.', ");
    format!(
        "CREATE TABLE {name} (kind UTINYINT, project UINTEGER, {id}, literal VARCHAR DEFAULT '', ipv4 UINTEGER DEFAULT 0,
             text VARCHAR GENERATED ALWAYS AS (CASE WHEN ipv4 > 0 THEN concat({parts}) ELSE literal END) VIRTUAL,
             client VARCHAR, os VARCHAR, device VARCHAR, version VARCHAR);"
    )
}

fn text_column(kind: TextKind) -> String {
    format!("{} UINTEGER DEFAULT 0", kind.column())
}

/// The columns of a text, as an active file keeps them.
const STRING_COLUMNS: &str = "kind, project, id, literal, ipv4, client, os, device, version";

/// Statements that give an active file of an older format the columns that it lacks.
pub fn upgrade_active(alias: &str, format: u32) -> Vec<String> {
    let tables = Tables { file: alias, format };
    let missing = TextKind::ALL.into_iter().filter(|kind| !tables.has(*kind));
    let mut statements = vec!["BEGIN".to_owned()];
    statements.extend(
        missing.map(|kind| format!("ALTER TABLE {alias}.hits ADD COLUMN {}", text_column(kind))),
    );
    if format < ADDRESSES_AS_NUMBERS {
        statements.push(create_strings(&format!("{alias}.new_strings"), ACTIVE_TEXT_ID));
        statements.push(format!(
            "INSERT INTO {alias}.new_strings BY NAME SELECT {STRING_COLUMNS} FROM {}",
            tables.strings()
        ));
        statements.push(format!("DROP TABLE {alias}.strings"));
        statements.push(format!("ALTER TABLE {alias}.new_strings RENAME TO strings"));
    }
    statements.push(format!("UPDATE {alias}.progress SET format = {FORMAT}"));
    statements.push("COMMIT".to_owned());
    statements.push(checkpoint(alias));
    statements
}

/// Stands in `day` for a row that is about the whole file: a period that holds all of a project's hits in a file needs no
/// days.
pub const WHOLE_FILE: i32 = -1;

/// The tables of a sealed file: those of an active one, what is in it per project, and its rollups.
///
/// Quarters, hours and days are of UTC, numbered since 1970. `by_quarter`: hits and bytes by status. `by_latency`: durations
/// per hour. `by_endpoint`, `by_endpoint_latency`, `by_value` (a small text, or the country) and `by_consumer`: per day, and for
/// the whole file. `by_consumer_latency`: of the whole file, and only of each project's busiest consumers. Their sums are what
/// the hits' would be: an answer must not tell which were read. A project with few hits in the file has no rollups.
///
/// `by_consumer_rest`, of a project with very many consumers in the file: `by_consumer` has the busiest of a day and of the whole
/// file, each with the `identity` of its text (else 0); here is what is known of the others. `most`: hits of the busiest of
/// them. `requests`: hits of all of them. `sketch`: all consumers, listed ones too (`Distinct::to_bytes`).
pub fn create_sealed(alias: &str) -> String {
    let shared = create_shared_of_sealed(alias);
    format!(
        "{shared}
         CREATE TABLE {alias}.projects (project UINTEGER, rows BIGINT, min_time_us BIGINT, max_time_us BIGINT,
             min_hit_id BIGINT, max_hit_id BIGINT);
         CREATE TABLE {alias}.by_quarter (project UINTEGER, quarter INTEGER, status USMALLINT, requests UBIGINT,
             request_bytes UBIGINT, response_bytes UBIGINT, sized UBIGINT);
         CREATE TABLE {alias}.by_latency (project UINTEGER, hour INTEGER, latency USMALLINT, requests UBIGINT,
             duration_us UBIGINT);
         CREATE TABLE {alias}.by_endpoint (project UINTEGER, day INTEGER, method UINTEGER, route UINTEGER,
             requests UBIGINT, client_errors UBIGINT, server_errors UBIGINT, last_us BIGINT, request_bytes UBIGINT,
             response_bytes UBIGINT);
         CREATE TABLE {alias}.by_endpoint_latency (project UINTEGER, day INTEGER, method UINTEGER, route UINTEGER,
             latency USMALLINT, requests UBIGINT);
         CREATE TABLE {alias}.by_value (project UINTEGER, day INTEGER, kind UTINYINT, value UINTEGER, requests UBIGINT,
             errors UBIGINT);
         CREATE TABLE {alias}.by_consumer (project UINTEGER, day INTEGER, user_id UINTEGER, address UINTEGER,
             country USMALLINT, country_us BIGINT, requests UBIGINT, client_errors UBIGINT, server_errors UBIGINT,
             last_us BIGINT, identity UBIGINT DEFAULT 0);
         CREATE TABLE {alias}.by_consumer_rest (project UINTEGER, day INTEGER, most UBIGINT, requests UBIGINT, sketch BLOB);
         CREATE TABLE {alias}.by_consumer_latency (project UINTEGER, user_id UINTEGER, address UINTEGER,
             latency USMALLINT, requests UBIGINT);"
    )
}

/// A sealed file, which never changes.
pub fn attach(path: &str, alias: &str) -> String {
    let path = path.replace('\'', "''");
    format!("ATTACH '{path}' AS {alias} (READ_ONLY)")
}

/// A sealed file that is being made. A column of a row group takes whole blocks, but for what columns share: with blocks of
/// half the engine's own size a file is 13 % smaller and read as fast, with a quarter it grows again. The storage of the
/// engine's own version (not the oldest that can read it) saves another 3 %, mostly of texts.
pub fn attach_making(path: &str, alias: &str) -> String {
    let path = path.replace('\'', "''");
    format!(
        "ATTACH '{path}' AS {alias} (BLOCK_SIZE {SEALED_BLOCK}, STORAGE_VERSION '{STORAGE_VERSION}')"
    )
}

/// Bytes of a block of a sealed file.
const SEALED_BLOCK: u64 = 128 << 10;

const STORAGE_VERSION: &str = "v1.5.0";

/// A file that grows. Transactions of some 60,000 hits are usual under load: with row groups that they fill, their rows go
/// straight into the file; with the engine's own size they went through its log first, which took half as long again.
pub fn attach_active(path: &str, alias: &str) -> String {
    let path = path.replace('\'', "''");
    format!("ATTACH '{path}' AS {alias} (ROW_GROUP_SIZE {ACTIVE_ROW_GROUP})")
}

/// Hits in a row group of a file that grows; a multiple of the engine's vectors (2,048).
const ACTIVE_ROW_GROUP: u64 = 20_480;

pub fn detach(alias: &str) -> String {
    format!("DETACH {alias}")
}

pub fn checkpoint(alias: &str) -> String {
    format!("CHECKPOINT {alias}")
}

pub fn set_progress(alias: &str, seq: u64) -> String {
    format!("UPDATE {alias}.progress SET seq = {seq}")
}

pub fn first_progress(alias: &str, seq: u64) -> String {
    format!("INSERT INTO {alias}.progress VALUES ({seq}, {FORMAT}, {seq})")
}

pub fn progress(alias: &str) -> String {
    format!("SELECT seq FROM {alias}.progress")
}

pub fn format(alias: &str) -> String {
    format!("SELECT format FROM {alias}.progress")
}

pub fn strings(alias: &str) -> String {
    format!("SELECT kind, project, id, text FROM {alias}.strings")
}

pub fn projects(alias: &str) -> String {
    format!(
        "SELECT project, rows, min_time_us, max_time_us, min_hit_id, max_hit_id FROM {alias}.projects"
    )
}

/// The projects of which only the busiest consumers have rows.
pub fn projects_with_listed_consumers(alias: &str) -> String {
    format!("SELECT DISTINCT project FROM {alias}.by_consumer_rest")
}

pub fn count_projects(alias: &str) -> String {
    format!(
        "SELECT project, count(*), min(time_us), max(time_us), min(hit_id), max(hit_id) FROM {alias}.hits GROUP BY project"
    )
}

/// The seqs of the first and the last record with hits in the file; NULL where there are none.
pub fn seq_range(alias: &str) -> String {
    let seq = |hit_id: &str| {
        let (places, seqs) = (1u64 << HitId::INDEX_BITS, 1u64 << HitId::SEQ_BITS);
        format!("CAST({hit_id} // {places} % {seqs} AS BIGINT)")
    };
    format!("SELECT {}, {} FROM {alias}.hits", seq("min(hit_id)"), seq("max(hit_id)"))
}

pub fn texts_of(alias: &str, project: u32, kind: TextKind) -> String {
    format!("SELECT text FROM {alias}.strings WHERE project = {project} AND kind = {}", kind as u8)
}
