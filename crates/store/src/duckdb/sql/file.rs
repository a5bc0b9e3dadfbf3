//! The tables of a data file, active or sealed (DuckDB).
//!
//! `hits` holds numbers only; every text of a file is stored once in its `strings`, per project, so that a file can be
//! understood, erased and copied alone. No keys and no indexes: they cost more than they give on append-only tables.

use std::net::Ipv4Addr;

use analytics::hit::{HitId, TextKind};
use analytics::hit_fields::FIELDS;

use super::engine::{IDENTITY, IPV4};

/// Raise it when a table changes shape. The same statements read files of older formats, and a merge or an erasure
/// rewrites them in the newest. 1: sealed files had `hit_id` as it is, countries as two letters (as active files still
/// have), texts numbered over all projects, and rollups of every project. 2: rollups had a row of each consumer and
/// day, however many there were, and no `by_consumer_rest`. 3: hits had no `request_id` and no `cache`. 4: every text
/// was in `strings.text`, addresses too. 5: hits had the bucket of their duration (`latency`), `by_latency` the sums
/// that `by_hour` has, and `by_consumer.country_us` was stored as it is. 6: `strings` had a computed column `text`, which
/// the engine computed at each insert, too.
pub const FORMAT: u32 = 7;

// A new field needs a format that older programs refuse: they would merge a file without its column.
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
pub const ADDRESSES_AS_NUMBERS: u32 = 5;

/// The first format with `by_hour`, and with no `latency` of hits.
const LATENCY_COMPUTED: u32 = 6;

/// The first format whose `strings` has no `text`.
const TEXTS_COMPUTED_ON_READING: u32 = 7;

/// The columns of `hits` before the texts, as they are read. Missing numbers are NULL; texts are 0. `country` is
/// `Country::number`, or the two letters as a number.
pub const NUMBERS: [(&str, &str); 8] = [
    ("project", "UINTEGER"),
    ("time_us", "BIGINT"),
    ("hit_id", "BIGINT"),
    ("duration_us", "BIGINT"),
    ("status", "USMALLINT"),
    ("country", "USMALLINT"),
    ("request_size", "BIGINT"),
    ("response_size", "BIGINT"),
];

/// A file's tables, which lack the columns newer than its format.
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

    /// The id of a text of hit `h`: 0, "none", in a file without that column.
    pub fn text(&self, kind: TextKind) -> String {
        match self.has(kind) {
            true => format!("h.{}", kind.column()),
            false => "0::UINTEGER".to_owned(),
        }
    }

    /// An expression like `strings` of the current format, to read from.
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

    /// The expression over the file's own `strings` that is a text of this kind in full.
    pub fn full_text(&self, kind: TextKind) -> String {
        match (self.format >= ADDRESSES_AS_NUMBERS, kind) {
            (false, _) => "text".to_owned(),
            (true, TextKind::Address) => self.full_text_of_any_kind(),
            (true, _) => "literal".to_owned(),
        }
    }

    pub fn full_text_of_any_kind(&self) -> String {
        if self.format < ADDRESSES_AS_NUMBERS {
            return "text".to_owned();
        }
        let part = |bits: u8| format!("(ipv4 >> {bits}) & 255");
        let parts = [24, 16, 8, 0].map(part).join(", '.', ");
        format!("CASE WHEN ipv4 > 0 THEN concat({parts}) ELSE literal END")
    }

    /// A table with the sums of durations per hour: (project, hour, duration_us), perhaps several rows for an hour.
    pub fn durations(&self) -> String {
        let table = if self.format >= LATENCY_COMPUTED { "by_hour" } else { "by_latency" };
        format!("{}.{table}", self.file)
    }

    /// hash, ipv4: the identity of a row of the file's own `strings`, or its address.
    pub fn identity(&self) -> String {
        match self.format >= ADDRESSES_AS_NUMBERS {
            true => {
                format!("CASE WHEN ipv4 > 0 THEN 0::UBIGINT ELSE {IDENTITY}(literal) END, ipv4")
            }
            false => format!("{IDENTITY}(text), 0::UINTEGER"),
        }
    }

    /// The condition that a row of the file's own `strings` is this text of this kind, and the value of its `?`, if it
    /// has one.
    pub fn is_text(&self, kind: TextKind, text: &str) -> (String, Option<String>) {
        if self.format < ADDRESSES_AS_NUMBERS {
            return ("text = ?".to_owned(), Some(text.to_owned()));
        }
        match if kind == TextKind::Address { ipv4(text) } else { 0 } {
            0 => ("literal = ? AND ipv4 = 0".to_owned(), Some(text.to_owned())),
            ipv4 => (format!("ipv4 = {ipv4}"), None),
        }
    }
}

/// An IPv4 address as the number stored in files. 0 for any other text, and for 0.0.0.0.
pub fn ipv4(text: &str) -> u32 {
    // Accepts only the canonical spelling, in which the number is shown again.
    text.parse::<Ipv4Addr>().map_or(0, u32::from)
}

/// The tables of an active file. `strings`: id is unique per kind and project, here per kind alone. An IPv4 address is
/// stored as a number, which takes a third of its text's room in a file and is hashed without parsing; `literal` is any
/// other text. `marks`: every so often in order of arrival, the hit with number `ordinal` of its project in this file.
/// `progress`: the records of this file, after `first_seq` (none in old files) up to `seq`.
pub fn create(alias: &str) -> String {
    create_with(alias, ["hit_id BIGINT", ACTIVE_TEXT_ID])
}

const ACTIVE_TEXT_ID: &str = "id UINTEGER";

/// Two columns of a sealed file are stored as two each, and combined on reading. `hit_id` jumps from batch to batch:
/// batches and indexes in them take a byte less per hit than their sum. `id` begins anew with each project: counted on
/// over projects, with the project's offset beside it, it takes nothing instead of two bytes per text.
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
    format!(
        "CREATE TABLE {name} (kind UTINYINT, project UINTEGER, {id}, literal VARCHAR DEFAULT '', ipv4 UINTEGER DEFAULT 0,
             client VARCHAR, os VARCHAR, device VARCHAR, version VARCHAR);"
    )
}

fn text_column(kind: TextKind) -> String {
    format!("{} UINTEGER DEFAULT 0", kind.column())
}

/// The columns of a text, as an active file stores them.
const STRING_COLUMNS: &str = "kind, project, id, literal, ipv4, client, os, device, version";

/// Statements that give an active file of an older format the columns of this one.
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
    if (ADDRESSES_AS_NUMBERS..TEXTS_COMPUTED_ON_READING).contains(&format) {
        statements.push(format!("ALTER TABLE {alias}.strings DROP COLUMN text"));
    }
    if format < LATENCY_COMPUTED {
        statements.push(format!("ALTER TABLE {alias}.hits DROP COLUMN latency"));
    }
    statements.push(format!("UPDATE {alias}.progress SET format = {FORMAT}"));
    statements.push("COMMIT".to_owned());
    statements.push(checkpoint(alias));
    statements
}

/// The value of `day` in a row about the whole file: a period that holds all of a project's hits in a file needs no
/// days.
pub const WHOLE_FILE: i32 = -1;

/// The tables of a sealed file: those of an active one, counts per project, and rollups.
///
/// Quarters, hours and days are in UTC, numbered since 1970. `by_quarter`: hits and bytes by status. `by_hour`: sums
/// of durations. `by_latency`: hits by duration, per hour. `by_endpoint`, `by_endpoint_latency`, `by_value` (a text with
/// few values, or the country) and `by_consumer`: per day, and for the whole file. `by_consumer_latency`: for the whole
/// file, and only for each project's busiest consumers. Their sums equal those of the hits: an answer must not reveal
/// which were read. A project with few hits in the file has no rollups.
///
/// `by_consumer.country_us`, the time of the last hit with this country, is nearly always that of the last hit, and is
/// stored as the difference.
///
/// `by_consumer_rest`, if a project has very many consumers in the file: `by_consumer` has the busiest of a day and of
/// the whole file, each with the `identity` of its text (else 0); this table describes the others. `most`: hits of the
/// busiest of them. `requests`: hits of all of them. `sketch`: all consumers, listed ones too (`Distinct::to_bytes`).
pub fn create_sealed(alias: &str) -> String {
    let shared = create_shared_of_sealed(alias);
    format!(
        "{shared}
         CREATE TABLE {alias}.projects (project UINTEGER, rows BIGINT, min_time_us BIGINT, max_time_us BIGINT,
             min_hit_id BIGINT, max_hit_id BIGINT);
         CREATE TABLE {alias}.by_quarter (project UINTEGER, quarter INTEGER, status USMALLINT, requests UBIGINT,
             request_bytes UBIGINT, response_bytes UBIGINT, sized UBIGINT);
         CREATE TABLE {alias}.by_hour (project UINTEGER, hour INTEGER, duration_us UBIGINT);
         CREATE TABLE {alias}.by_latency (project UINTEGER, hour INTEGER, latency USMALLINT, requests UBIGINT);
         CREATE TABLE {alias}.by_endpoint (project UINTEGER, day INTEGER, method UINTEGER, route UINTEGER,
             requests UBIGINT, client_errors UBIGINT, server_errors UBIGINT, last_us BIGINT, request_bytes UBIGINT,
             response_bytes UBIGINT);
         CREATE TABLE {alias}.by_endpoint_latency (project UINTEGER, day INTEGER, method UINTEGER, route UINTEGER,
             latency USMALLINT, requests UBIGINT);
         CREATE TABLE {alias}.by_value (project UINTEGER, day INTEGER, kind UTINYINT, value UINTEGER, requests UBIGINT,
             errors UBIGINT);
         CREATE TABLE {alias}.by_consumer (project UINTEGER, day INTEGER, user_id UINTEGER, address UINTEGER,
             country USMALLINT, country_ago BIGINT,
             country_us BIGINT GENERATED ALWAYS AS (CASE WHEN country = 0 THEN 0 ELSE last_us - country_ago END) VIRTUAL,
             requests UBIGINT, client_errors UBIGINT, server_errors UBIGINT,
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

/// Attaches a new sealed file. A column of a row group takes whole blocks, except for shared ones: with blocks of half
/// the engine's default size a file is 13 % smaller and read as fast, with a quarter it grows again. The storage format
/// of the engine's own version (not the oldest that can read it) saves another 3 %, mostly of texts.
pub fn attach_making(path: &str, alias: &str) -> String {
    let path = path.replace('\'', "''");
    format!(
        "ATTACH '{path}' AS {alias} (BLOCK_SIZE {SEALED_BLOCK}, STORAGE_VERSION '{STORAGE_VERSION}')"
    )
}

/// Bytes of a block of a sealed file.
const SEALED_BLOCK: u64 = 128 << 10;

const STORAGE_VERSION: &str = "v1.5.0";

/// Attaches a file that grows. Transactions of some 60,000 hits are usual under load: if they fill row groups, their
/// rows go straight into the file; with the engine's default size they went through its log first, which took half as
/// long again.
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

/// Bytes of a block of an attached file.
pub fn block_bytes(alias: &str) -> String {
    format!("SELECT block_size FROM pragma_database_size() WHERE database_name = '{alias}'")
}

/// Ids of the blocks that hold an attached file's metadata.
pub fn metadata_blocks(alias: &str) -> String {
    format!("SELECT block_id FROM pragma_metadata_info('{alias}') ORDER BY block_id")
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

/// kind, project, id, text.
pub fn strings(of: Tables<'_>) -> String {
    format!("SELECT kind, project, id, {} FROM {}.strings", of.full_text_of_any_kind(), of.file)
}

pub fn projects(alias: &str) -> String {
    format!(
        "SELECT project, rows, min_time_us, max_time_us, min_hit_id, max_hit_id FROM {alias}.projects"
    )
}

/// The projects for which only the busiest consumers have rows.
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

pub fn texts_of(of: Tables<'_>, project: u32, kind: TextKind) -> String {
    format!(
        "SELECT {} FROM {}.strings WHERE project = {project} AND kind = {}",
        of.full_text(kind),
        of.file,
        kind as u8
    )
}
