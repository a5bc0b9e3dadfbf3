//! The inbox's tables and statements (SQLite).

/// `records`: groups of records as they were committed. `batch_hashes`: by the first seq of a group, 8 bytes for each of
/// its records, a batch's hash or 0; only if other servers may get the same batch. `receipts`: answered batch ids.
/// `repeats`: hashes of the hits that a client may post again. `erasures`: accepted but not complete. `files`: the manifest. `arrivals`: the time of
/// each project's newest batch. `dropped`: records that are in no file, until an operator acknowledges them; without a
/// last seq: any after the first. `state`: single values.
pub const CREATE: &str = "
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS batch_hashes (first_seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS receipts (id INTEGER PRIMARY KEY, arrival_us INTEGER NOT NULL, count INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS repeats (seq INTEGER PRIMARY KEY, project INTEGER NOT NULL, arrival_us INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS erasures (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS gone (project INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS arrivals (project INTEGER PRIMARY KEY, arrival_us INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS dropped (first_seq INTEGER PRIMARY KEY, last_seq INTEGER);
CREATE TABLE IF NOT EXISTS files (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, checksum BLOB NOT NULL);
";

/// The tables of its first version, without which a file is not an inbox.
pub const TABLES: i64 = 3;
pub const COUNT_TABLES: &str = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('state', 'records', 'files')";

pub const GET_STATE: &str = "SELECT value FROM state WHERE name = ?";
pub const PUT_STATE: &str =
    "INSERT INTO state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

pub const LAST_SEQ: &str = "SELECT max(coalesce((SELECT max(last_seq) FROM records), 0),
    coalesce((SELECT max(seq) FROM erasures), 0), coalesce((SELECT max(last_seq) FROM files), 0))";
/// A group in one call: one round trip to the connection's thread instead of four.
pub const COMMIT_GROUP: &str = "BEGIN IMMEDIATE; INSERT INTO records VALUES (?1, ?2, ?3); COMMIT";
pub const COMMIT_GROUP_WITH_RECEIPTS: &str =
    "BEGIN IMMEDIATE; INSERT INTO records VALUES (?1, ?2, ?3);
    INSERT INTO receipts (arrival_us, count, bytes) VALUES (?4, ?5, ?6); COMMIT";
/// TRICKY: sqlx counts the numbers that a statement leaves out, and binds nothing more once they exceed the values. So
/// the statement that leaves out most is the one of the highest numbers.
pub const COMMIT_SHARED_GROUP: &str = "BEGIN IMMEDIATE; INSERT INTO records VALUES (?1, ?2, ?3);
    INSERT INTO batch_hashes VALUES (?1, ?4);
    INSERT INTO receipts (arrival_us, count, bytes) VALUES (?5, ?6, ?7); COMMIT";
pub const ADD_RECORDS: &str = "INSERT INTO records VALUES (?, ?, ?)";
pub const ADD_BATCH_HASHES: &str = "INSERT INTO batch_hashes VALUES (?, ?)";
/// The hashes are NULL if there are none.
pub const RECORDS_AFTER: &str = "SELECT first_seq, records.bytes, batch_hashes.bytes
    FROM records LEFT JOIN batch_hashes USING (first_seq) WHERE last_seq > ? ORDER BY first_seq LIMIT 16";
/// The head of each group's first record frame.
pub const RECORD_HEADS: &str = "SELECT first_seq, substr(bytes, 1, 9) FROM records";
pub const HAS_DROPPED: &str = "SELECT count(*) FROM sqlite_master WHERE name = 'dropped'";
pub const DROPPED: &str = "SELECT first_seq, last_seq FROM dropped ORDER BY first_seq";
pub const ADD_DROPPED: &str = "INSERT INTO dropped VALUES (?, ?) ON CONFLICT (first_seq) DO UPDATE
    SET last_seq = max(last_seq, excluded.last_seq)";
/// A byte of a group, counted from 1.
pub const RECORD_BYTE: &str = "SELECT substr(bytes, ?, 1) FROM records WHERE first_seq = ?";
pub const RECORD_SIZES: &str = "SELECT last_seq, length(bytes) FROM records ORDER BY first_seq";
pub const DROP_RECORDS: &str = "DELETE FROM records";
pub const TRIM_RECORDS: &str = "DELETE FROM records WHERE last_seq <= ?1;
    DELETE FROM batch_hashes WHERE first_seq < coalesce((SELECT min(first_seq) FROM records), ?1 + 1)";

pub const ADD_RECEIPTS: &str = "INSERT INTO receipts (arrival_us, count, bytes) VALUES (?, ?, ?)";
pub const RECEIPTS: &str =
    "SELECT arrival_us, count, bytes FROM receipts WHERE arrival_us >= ? ORDER BY id";
pub const TRIM_RECEIPTS: &str = "DELETE FROM receipts WHERE arrival_us < ?";

pub const ADD_REPEATS: &str = "INSERT INTO repeats VALUES (?, ?, ?, ?)";
pub const REPEATS: &str =
    "SELECT project, arrival_us, bytes FROM repeats WHERE arrival_us >= ? ORDER BY seq";
pub const TRIM_REPEATS: &str = "DELETE FROM repeats WHERE arrival_us < ?";

pub const ADD_ERASURE: &str = "INSERT INTO erasures VALUES (?, ?)";
pub const ERASURES: &str = "SELECT seq, bytes FROM erasures ORDER BY seq";
pub const DROP_ERASURE: &str = "DELETE FROM erasures WHERE seq = ?";
pub const DROP_ERASURES: &str = "DELETE FROM erasures";
pub const ADD_GONE: &str = "INSERT OR IGNORE INTO gone VALUES (?)";
pub const GONE: &str = "SELECT project FROM gone";

pub const PUT_ARRIVAL: &str = "INSERT INTO arrivals VALUES (?, ?) ON CONFLICT (project) DO UPDATE
    SET arrival_us = max(arrival_us, excluded.arrival_us)";
pub const ARRIVALS: &str = "SELECT project, arrival_us FROM arrivals";
pub const DROP_ARRIVAL: &str = "DELETE FROM arrivals WHERE project = ?";

pub const FILES: &str =
    "SELECT id, kind, first_seq, last_seq, rows, bytes, checksum FROM files ORDER BY first_seq, id";
pub const PUT_FILE: &str = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)";
pub const DROP_FILES: &str = "DELETE FROM files";
pub const DROP_FILE: &str = "DELETE FROM files WHERE id = ?";

/// Empties the log into the file, and overwrites the log.
pub const CHECKPOINT: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
pub const SNAPSHOT: &str = "VACUUM INTO ?";
