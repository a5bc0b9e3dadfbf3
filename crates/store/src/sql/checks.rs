//! Statements about results of checks, for SQLite (`monitors.sqlite`) and PostgreSQL; `migrations/checks_sqlite` and
//! `checks_postgres` have the tables. Groups are passed as one JSON array of arrays, always as `$1`
//! (`Engine::with_rows`): a statement per row would take several times as long.

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
pub const HAS_COLUMN: &str = "SELECT count(*) FROM pragma_table_info($1) WHERE name = $2";

/// A second result for a slot, as after a clock was set back, replaces the first. A group has one of each slot.
pub const PUT_CHECKS: &str = "INSERT INTO checks (monitor, at_ms, outcome, failure, detail, status, missed, late_ms, dns_us, connect_us,
    tls_us, first_byte_us, body_us) SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2, value ->> 3, value ->> 4,
    CAST(value ->> 5 AS BIGINT), CAST(value ->> 6 AS BIGINT), CAST(value ->> 7 AS BIGINT), CAST(value ->> 8 AS BIGINT),
    CAST(value ->> 9 AS BIGINT), CAST(value ->> 10 AS BIGINT), CAST(value ->> 11 AS BIGINT), CAST(value ->> 12 AS BIGINT)
    FROM json_each($1) WHERE true
    ON CONFLICT (monitor, at_ms) DO UPDATE SET outcome = excluded.outcome, failure = excluded.failure, detail = excluded.detail,
    status = excluded.status, missed = excluded.missed, late_ms = excluded.late_ms, dns_us = excluded.dns_us,
    connect_us = excluded.connect_us, tls_us = excluded.tls_us, first_byte_us = excluded.first_byte_us, body_us = excluded.body_us";

pub const ADD_SUMS: &str = "INSERT INTO sums (monitor, from_ms, up_ms, degraded_ms, down_ms, maintenance_ms, checks, failures, timed,
    dns_us, connect_us, tls_us, first_byte_us, body_us, slowest_us)
    SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT),
    CAST(value ->> 4 AS BIGINT), CAST(value ->> 5 AS BIGINT), CAST(value ->> 6 AS BIGINT), CAST(value ->> 7 AS BIGINT),
    CAST(value ->> 8 AS BIGINT), CAST(value ->> 9 AS BIGINT), CAST(value ->> 10 AS BIGINT), CAST(value ->> 11 AS BIGINT),
    CAST(value ->> 12 AS BIGINT), CAST(value ->> 13 AS BIGINT), CAST(value ->> 14 AS BIGINT) FROM json_each($1) WHERE true
    ON CONFLICT (monitor, from_ms) DO UPDATE SET up_ms = sums.up_ms + excluded.up_ms,
    degraded_ms = sums.degraded_ms + excluded.degraded_ms, down_ms = sums.down_ms + excluded.down_ms,
    maintenance_ms = sums.maintenance_ms + excluded.maintenance_ms, checks = sums.checks + excluded.checks,
    failures = sums.failures + excluded.failures, timed = sums.timed + excluded.timed, dns_us = sums.dns_us + excluded.dns_us,
    connect_us = sums.connect_us + excluded.connect_us, tls_us = sums.tls_us + excluded.tls_us,
    first_byte_us = sums.first_byte_us + excluded.first_byte_us, body_us = sums.body_us + excluded.body_us,
    slowest_us = CASE WHEN excluded.slowest_us > sums.slowest_us THEN excluded.slowest_us ELSE sums.slowest_us END";

/// Rows like those of `ADD_SUMS`, by day.
pub const ADD_DAYS: &str = "INSERT INTO days (monitor, day, up_ms, degraded_ms, down_ms, maintenance_ms, checks, failures, timed, dns_us,
    connect_us, tls_us, first_byte_us, body_us, slowest_us)
    SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT),
    CAST(value ->> 4 AS BIGINT), CAST(value ->> 5 AS BIGINT), CAST(value ->> 6 AS BIGINT), CAST(value ->> 7 AS BIGINT),
    CAST(value ->> 8 AS BIGINT), CAST(value ->> 9 AS BIGINT), CAST(value ->> 10 AS BIGINT), CAST(value ->> 11 AS BIGINT),
    CAST(value ->> 12 AS BIGINT), CAST(value ->> 13 AS BIGINT), CAST(value ->> 14 AS BIGINT) FROM json_each($1) WHERE true
    ON CONFLICT (monitor, day) DO UPDATE SET up_ms = days.up_ms + excluded.up_ms,
    degraded_ms = days.degraded_ms + excluded.degraded_ms, down_ms = days.down_ms + excluded.down_ms,
    maintenance_ms = days.maintenance_ms + excluded.maintenance_ms, checks = days.checks + excluded.checks,
    failures = days.failures + excluded.failures, timed = days.timed + excluded.timed, dns_us = days.dns_us + excluded.dns_us,
    connect_us = days.connect_us + excluded.connect_us, tls_us = days.tls_us + excluded.tls_us,
    first_byte_us = days.first_byte_us + excluded.first_byte_us, body_us = days.body_us + excluded.body_us,
    slowest_us = CASE WHEN excluded.slowest_us > days.slowest_us THEN excluded.slowest_us ELSE days.slowest_us END";

pub const PUT_MONITORS: &str = "INSERT INTO monitor_states (id, created_us, state)
    SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2 FROM json_each($1) WHERE true
    ON CONFLICT (id) DO UPDATE SET created_us = excluded.created_us, state = excluded.state";
pub const MONITORS: &str = "SELECT id, created_us, state FROM monitor_states ORDER BY id";
pub const MONITOR_IDS: &str = "SELECT id, created_us FROM monitor_states";
/// The number of these monitors that have exactly this state. Parameter: as for `PUT_MONITORS`.
pub const COUNT_SAME: &str = "SELECT count(*) FROM monitor_states, json_each($1)
    WHERE monitor_states.id = CAST(value ->> 0 AS BIGINT) AND created_us = CAST(value ->> 1 AS BIGINT) AND state = value ->> 2";

pub const NEWEST_CHECKS: &str =
    "SELECT at_ms, outcome, failure, detail, status, missed, late_ms, dns_us, connect_us, tls_us,
    first_byte_us, body_us FROM checks WHERE monitor = $1 AND at_ms < $2 ORDER BY at_ms DESC LIMIT $3";
/// For PostgreSQL.
pub const NEWEST_OF_ALL: &str = "SELECT newest.* FROM monitor_states JOIN LATERAL (SELECT * FROM checks WHERE monitor = monitor_states.id
    ORDER BY at_ms DESC LIMIT 1) newest ON true";
pub const SUMS: &str = "SELECT from_ms, up_ms, degraded_ms, down_ms, maintenance_ms, checks, failures, timed, dns_us, connect_us,
    tls_us, first_byte_us, body_us, slowest_us FROM sums WHERE monitor = $1 AND from_ms >= $2 AND from_ms < $3 ORDER BY from_ms";

/// Rows of a length that 5 minutes divide. Parameters: the length in milliseconds, monitor, from, to.
pub const SUMS_BY_LENGTH: &str = "SELECT from_ms / $1 * $1 AS from_ms, CAST(sum(up_ms) AS BIGINT) AS up_ms,
    CAST(sum(degraded_ms) AS BIGINT) AS degraded_ms, CAST(sum(down_ms) AS BIGINT) AS down_ms,
    CAST(sum(maintenance_ms) AS BIGINT) AS maintenance_ms, CAST(sum(checks) AS BIGINT) AS checks,
    CAST(sum(failures) AS BIGINT) AS failures, CAST(sum(timed) AS BIGINT) AS timed, CAST(sum(dns_us) AS BIGINT) AS dns_us,
    CAST(sum(connect_us) AS BIGINT) AS connect_us, CAST(sum(tls_us) AS BIGINT) AS tls_us,
    CAST(sum(first_byte_us) AS BIGINT) AS first_byte_us, CAST(sum(body_us) AS BIGINT) AS body_us, max(slowest_us) AS slowest_us
    FROM sums WHERE monitor = $2 AND from_ms >= $3 AND from_ms < $4 GROUP BY 1 ORDER BY 1";
/// The same of whole days. Parameters: monitor, from, to (milliseconds).
pub const SUMS_BY_DAY: &str = "SELECT day * 86400000 AS from_ms, up_ms, degraded_ms, down_ms, maintenance_ms, checks, failures, timed,
    dns_us, connect_us, tls_us, first_byte_us, body_us, slowest_us FROM days
    WHERE monitor = $1 AND day >= $2 / 86400000 AND day < $3 / 86400000 ORDER BY day";

/// For several monitors, given as a JSON array.
pub const DAYS: &str = "SELECT monitor, day, up_ms, degraded_ms, down_ms, maintenance_ms FROM days
    WHERE monitor IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND day >= $2 ORDER BY monitor, day";
pub const TOTALS: &str = "SELECT monitor, CAST(sum(up_ms) AS BIGINT), CAST(sum(degraded_ms) AS BIGINT), CAST(sum(down_ms) AS BIGINT),
    CAST(sum(maintenance_ms) AS BIGINT) FROM sums
    WHERE monitor IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND from_ms >= $2 AND from_ms < $3 GROUP BY monitor";

pub const TRIM_CHECKS: &str = "DELETE FROM checks WHERE monitor = $1 AND at_ms < $2";
pub const TRIM_SUMS: &str = "DELETE FROM sums WHERE monitor = $1 AND from_ms < $2";
pub const TRIM_DAYS: &str = "DELETE FROM days WHERE monitor = $1 AND day < $2 / 86400000";

/// All of a monitor except its incidents (`FORGET_INCIDENTS`, first); its row last, so that an interrupted deletion is
/// found again.
pub const FORGET: [&str; 4] = [
    "DELETE FROM checks WHERE monitor = $1",
    "DELETE FROM sums WHERE monitor = $1",
    "DELETE FROM days WHERE monitor = $1",
    "DELETE FROM monitor_states WHERE id = $1",
];
/// All incidents of a monitor or rule, with their notices and bulletins.
pub const FORGET_INCIDENTS: [&str; 7] = [
    "DELETE FROM tries WHERE delivery IN (SELECT id FROM outbox WHERE monitor = $1)",
    "DELETE FROM outbox WHERE monitor = $1",
    "DELETE FROM mailings WHERE bulletin IN (SELECT id FROM bulletins WHERE monitor = $1)",
    "DELETE FROM bulletins WHERE monitor = $1",
    "DELETE FROM incident_updates WHERE monitor = $1",
    "DELETE FROM transitions WHERE monitor = $1",
    "DELETE FROM incidents WHERE monitor = $1",
];
/// A consistent copy of the file, while it is written.
pub const COPY_INTO: &str = "VACUUM INTO $1";
pub const ASK: &str = "SELECT id FROM monitor_states LIMIT 1";

/// Transactions of one process in PostgreSQL come one after the other: one whose end it did not learn is over before the
/// next begins.
pub const IN_TURN: &str = "SELECT pg_advisory_xact_lock($1)";
/// Parameters: a number of this program, and one of the thing that is claimed. Held until the connection ends.
pub const CLAIM: &str = "SELECT pg_try_advisory_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))";
pub const RELEASE: &str = "SELECT pg_advisory_unlock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))";
