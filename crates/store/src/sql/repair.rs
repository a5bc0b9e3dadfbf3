//! Statements of `repair`: what a data file holds (DuckDB), and what a new inbox takes over from an old one (SQLite).

use analytics::hit::HitId;

/// (last seq, first seq) of a data file; first seq is missing in files of before.
pub fn stretch(alias: &str) -> [String; 2] {
    [
        format!("SELECT seq, first_seq FROM {alias}.progress"),
        format!("SELECT seq, CAST(NULL AS BIGINT) FROM {alias}.progress"),
    ]
}

/// Reads every value of the hits and of the texts, which finds what is damaged. (number, a hash that nobody needs)
pub fn read_all(alias: &str) -> [String; 2] {
    ["hits", "strings"]
        .map(|table| format!("SELECT count(*), bit_xor(hash(t)) FROM {alias}.{table} t"))
}

pub fn projects_with_hits(alias: &str) -> String {
    format!("SELECT DISTINCT project FROM {alias}.hits ORDER BY project")
}

/// Whether two files hold hits of the same record.
pub fn share_a_record(one: &str, other: &str) -> String {
    let places = 1u64 << HitId::INDEX_BITS;
    format!(
        "SELECT EXISTS (SELECT 1 FROM (SELECT DISTINCT hit_id // {places} AS record FROM {one}.hits)
             SEMI JOIN (SELECT DISTINCT hit_id // {places} AS record FROM {other}.hits) USING (record))"
    )
}

pub const ATTACH_OLD: &str = "ATTACH ? AS old";
pub const DETACH_OLD: &str = "DETACH old";

/// Taken over from the old inbox, each with its name for a message.
pub const TAKE_OVER: [(&str, &str); 6] = [
    ("receipts", "INSERT OR IGNORE INTO receipts SELECT * FROM old.receipts"),
    ("repeats", "INSERT OR IGNORE INTO repeats SELECT * FROM old.repeats"),
    ("erasures", "INSERT OR IGNORE INTO erasures SELECT * FROM old.erasures"),
    ("deleted projects", "INSERT OR IGNORE INTO gone SELECT * FROM old.gone"),
    ("times of arrival", "INSERT OR IGNORE INTO arrivals SELECT * FROM old.arrivals"),
    (
        "state",
        "INSERT OR IGNORE INTO state SELECT * FROM old.state WHERE name IN ('key', 'highest_project')",
    ),
];

pub const TAKE_RECORDS: &str = "INSERT INTO records SELECT * FROM old.records WHERE last_seq > ?";

/// Groups of records that begin at or before a seq.
pub const OLD_RECORDS: &str =
    "SELECT first_seq, last_seq, bytes FROM old.records WHERE first_seq <= ? ORDER BY first_seq";
pub const RECORD_STRETCHES: &str = "SELECT first_seq, last_seq FROM records ORDER BY first_seq";
