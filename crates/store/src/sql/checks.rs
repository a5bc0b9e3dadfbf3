//! The tables and statements of `monitors.sqlite` (SQLite). Groups are passed as one JSON array of arrays: a statement
//! per row would take several times as long.

/// `checks`: every result, for some days; times in microseconds. `sums`: per 5 minutes, milliseconds per state (unknown
/// time is in none), counts, and the times of successful checks. `days`: the same per day (UTC, counted from 1970).
/// `monitors`: the state of each. Rules, incidents and the outbox have their own files.
pub const CREATE: &str = "
CREATE TABLE IF NOT EXISTS checks (monitor INTEGER NOT NULL, at_ms INTEGER NOT NULL, outcome TEXT NOT NULL, failure TEXT,
    detail TEXT, status INTEGER, missed INTEGER NOT NULL, late_ms INTEGER NOT NULL, dns_us INTEGER, connect_us INTEGER,
    tls_us INTEGER, first_byte_us INTEGER, body_us INTEGER, PRIMARY KEY (monitor, at_ms)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sums (monitor INTEGER NOT NULL, from_ms INTEGER NOT NULL, up_ms INTEGER NOT NULL,
    degraded_ms INTEGER NOT NULL, down_ms INTEGER NOT NULL, maintenance_ms INTEGER NOT NULL, checks INTEGER NOT NULL,
    failures INTEGER NOT NULL, timed INTEGER NOT NULL, dns_us INTEGER NOT NULL, connect_us INTEGER NOT NULL,
    tls_us INTEGER NOT NULL, first_byte_us INTEGER NOT NULL, body_us INTEGER NOT NULL, slowest_us INTEGER NOT NULL,
    PRIMARY KEY (monitor, from_ms)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS days (monitor INTEGER NOT NULL, day INTEGER NOT NULL, up_ms INTEGER NOT NULL,
    degraded_ms INTEGER NOT NULL, down_ms INTEGER NOT NULL, maintenance_ms INTEGER NOT NULL, checks INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0, timed INTEGER NOT NULL DEFAULT 0, dns_us INTEGER NOT NULL DEFAULT 0,
    connect_us INTEGER NOT NULL DEFAULT 0, tls_us INTEGER NOT NULL DEFAULT 0, first_byte_us INTEGER NOT NULL DEFAULT 0,
    body_us INTEGER NOT NULL DEFAULT 0, slowest_us INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (monitor, day)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS monitors (id INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
";

/// The version of these tables.
pub const VERSION: i64 = 4;
pub const GET_VERSION: &str = "PRAGMA user_version";
pub const SET_VERSION: &str = "PRAGMA user_version = 4";

/// Columns of days that older files lack, each with the statement that adds it.
pub const ADDED_TO_DAYS: [(&str, &str); 9] = [
    ("checks", "ALTER TABLE days ADD COLUMN checks INTEGER NOT NULL DEFAULT 0"),
    ("failures", "ALTER TABLE days ADD COLUMN failures INTEGER NOT NULL DEFAULT 0"),
    ("timed", "ALTER TABLE days ADD COLUMN timed INTEGER NOT NULL DEFAULT 0"),
    ("dns_us", "ALTER TABLE days ADD COLUMN dns_us INTEGER NOT NULL DEFAULT 0"),
    ("connect_us", "ALTER TABLE days ADD COLUMN connect_us INTEGER NOT NULL DEFAULT 0"),
    ("tls_us", "ALTER TABLE days ADD COLUMN tls_us INTEGER NOT NULL DEFAULT 0"),
    ("first_byte_us", "ALTER TABLE days ADD COLUMN first_byte_us INTEGER NOT NULL DEFAULT 0"),
    ("body_us", "ALTER TABLE days ADD COLUMN body_us INTEGER NOT NULL DEFAULT 0"),
    ("slowest_us", "ALTER TABLE days ADD COLUMN slowest_us INTEGER NOT NULL DEFAULT 0"),
];

/// Version 1 had no days; versions before 4 had no counts and times in them.
pub const FILL_DAYS: &str = "INSERT OR REPLACE INTO days (monitor, day, up_ms, degraded_ms, down_ms, maintenance_ms, checks, failures,
    timed, dns_us, connect_us, tls_us, first_byte_us, body_us, slowest_us)
    SELECT monitor, from_ms / 86400000, sum(up_ms), sum(degraded_ms), sum(down_ms), sum(maintenance_ms), sum(checks), sum(failures),
    sum(timed), sum(dns_us), sum(connect_us), sum(tls_us), sum(first_byte_us), sum(body_us), max(slowest_us) FROM sums GROUP BY 1, 2";

/// A second result for a slot, as after a clock was set back, replaces the first.
pub const PUT_CHECKS: &str = "INSERT OR REPLACE INTO checks SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
    value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12 FROM json_each(?)";

pub const ADD_SUMS: &str = "INSERT INTO sums SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
    value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14
    FROM json_each(?) WHERE true
    ON CONFLICT (monitor, from_ms) DO UPDATE SET up_ms = up_ms + excluded.up_ms, degraded_ms = degraded_ms + excluded.degraded_ms,
    down_ms = down_ms + excluded.down_ms, maintenance_ms = maintenance_ms + excluded.maintenance_ms,
    checks = checks + excluded.checks, failures = failures + excluded.failures, timed = timed + excluded.timed,
    dns_us = dns_us + excluded.dns_us, connect_us = connect_us + excluded.connect_us, tls_us = tls_us + excluded.tls_us,
    first_byte_us = first_byte_us + excluded.first_byte_us, body_us = body_us + excluded.body_us,
    slowest_us = max(slowest_us, excluded.slowest_us)";

/// From the rows of `ADD_SUMS`.
pub const ADD_DAYS: &str = "INSERT INTO days (monitor, day, up_ms, degraded_ms, down_ms, maintenance_ms, checks, failures, timed, dns_us,
    connect_us, tls_us, first_byte_us, body_us, slowest_us)
    SELECT value ->> 0, (value ->> 1) / 86400000, sum(value ->> 2), sum(value ->> 3), sum(value ->> 4), sum(value ->> 5),
    sum(value ->> 6), sum(value ->> 7), sum(value ->> 8), sum(value ->> 9), sum(value ->> 10), sum(value ->> 11), sum(value ->> 12),
    sum(value ->> 13), max(value ->> 14) FROM json_each(?) WHERE true GROUP BY 1, 2
    ON CONFLICT (monitor, day) DO UPDATE SET up_ms = up_ms + excluded.up_ms, degraded_ms = degraded_ms + excluded.degraded_ms,
    down_ms = down_ms + excluded.down_ms, maintenance_ms = maintenance_ms + excluded.maintenance_ms,
    checks = checks + excluded.checks, failures = failures + excluded.failures, timed = timed + excluded.timed,
    dns_us = dns_us + excluded.dns_us, connect_us = connect_us + excluded.connect_us, tls_us = tls_us + excluded.tls_us,
    first_byte_us = first_byte_us + excluded.first_byte_us, body_us = body_us + excluded.body_us,
    slowest_us = max(slowest_us, excluded.slowest_us)";

pub const PUT_MONITORS: &str = "INSERT OR REPLACE INTO monitors SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)";
pub const MONITORS: &str = "SELECT id, created_us, state FROM monitors";
pub const MONITOR_IDS: &str = "SELECT id, created_us FROM monitors";

pub const NEWEST_CHECKS: &str =
    "SELECT at_ms, outcome, failure, detail, status, missed, late_ms, dns_us, connect_us, tls_us,
    first_byte_us, body_us FROM checks WHERE monitor = ? AND at_ms < ? ORDER BY at_ms DESC LIMIT ?";
pub const SUMS: &str = "SELECT from_ms, up_ms, degraded_ms, down_ms, maintenance_ms, checks, failures, timed, dns_us, connect_us,
    tls_us, first_byte_us, body_us, slowest_us FROM sums WHERE monitor = ? AND from_ms >= ? AND from_ms < ? ORDER BY from_ms";

/// Rows of a length that 5 minutes divide. Parameters: the length in milliseconds, monitor, from, to.
pub const SUMS_BY_LENGTH: &str = "SELECT from_ms / ?1 * ?1 AS from_ms, sum(up_ms) AS up_ms, sum(degraded_ms) AS degraded_ms,
    sum(down_ms) AS down_ms, sum(maintenance_ms) AS maintenance_ms, sum(checks) AS checks, sum(failures) AS failures,
    sum(timed) AS timed, sum(dns_us) AS dns_us, sum(connect_us) AS connect_us, sum(tls_us) AS tls_us,
    sum(first_byte_us) AS first_byte_us, sum(body_us) AS body_us, max(slowest_us) AS slowest_us
    FROM sums WHERE monitor = ?2 AND from_ms >= ?3 AND from_ms < ?4 GROUP BY 1 ORDER BY 1";
/// The same of whole days. Parameters: monitor, from, to (milliseconds).
pub const SUMS_BY_DAY: &str = "SELECT day * 86400000 AS from_ms, up_ms, degraded_ms, down_ms, maintenance_ms, checks, failures, timed,
    dns_us, connect_us, tls_us, first_byte_us, body_us, slowest_us FROM days
    WHERE monitor = ? AND day >= ? / 86400000 AND day < ? / 86400000 ORDER BY day";

/// For several monitors, given as a JSON array.
pub const DAYS: &str = "SELECT monitor, day, up_ms, degraded_ms, down_ms, maintenance_ms FROM days
    WHERE monitor IN (SELECT value FROM json_each(?)) AND day >= ? ORDER BY monitor, day";
pub const TOTALS: &str = "SELECT monitor, sum(up_ms), sum(degraded_ms), sum(down_ms), sum(maintenance_ms) FROM sums
    WHERE monitor IN (SELECT value FROM json_each(?)) AND from_ms >= ? AND from_ms < ? GROUP BY monitor";

pub const TRIM_CHECKS: &str = "DELETE FROM checks WHERE monitor = ? AND at_ms < ?";
pub const TRIM_SUMS: &str = "DELETE FROM sums WHERE monitor = ? AND from_ms < ?";
pub const TRIM_DAYS: &str = "DELETE FROM days WHERE monitor = ? AND day < ? / 86400000";

/// All of a monitor except its incidents (`FORGET_INCIDENTS`, first); its row last, so that an interrupted deletion is
/// found again.
pub const FORGET: [&str; 4] = [
    "DELETE FROM checks WHERE monitor = ?",
    "DELETE FROM sums WHERE monitor = ?",
    "DELETE FROM days WHERE monitor = ?",
    "DELETE FROM monitors WHERE id = ?",
];
/// All incidents of a monitor or rule, with their notices and bulletins.
pub const FORGET_INCIDENTS: [&str; 7] = [
    "DELETE FROM tries WHERE delivery IN (SELECT id FROM outbox WHERE monitor = ?)",
    "DELETE FROM outbox WHERE monitor = ?",
    "DELETE FROM mailings WHERE bulletin IN (SELECT id FROM bulletins WHERE monitor = ?)",
    "DELETE FROM bulletins WHERE monitor = ?",
    "DELETE FROM incident_updates WHERE monitor = ?",
    "DELETE FROM transitions WHERE monitor = ?",
    "DELETE FROM incidents WHERE monitor = ?",
];
/// Empties the log, so that deleted rows are in no file any more.
pub const EMPTY_LOG: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
pub const COPY_INTO: &str = "VACUUM INTO ?";
pub const ASK: &str = "SELECT 1 FROM monitors LIMIT 1";
