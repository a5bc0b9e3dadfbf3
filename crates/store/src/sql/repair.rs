//! Statements by which `repair` copies an old inbox into a new one.

pub const ATTACH_OLD: &str = "ATTACH ? AS old";
pub const DETACH_OLD: &str = "DETACH old";

/// Copied from the old inbox, each with its name for a message.
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
