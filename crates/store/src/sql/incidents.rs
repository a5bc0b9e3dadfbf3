//! Statements about incidents, for SQLite (`monitors.sqlite`) and PostgreSQL.

/// Columns that older files lack: table, column, and the statement that adds it.
pub const ADDED: [(&str, &str, &str); 3] = [
    ("incidents", "public_title", "ALTER TABLE incidents ADD COLUMN public_title TEXT"),
    ("incidents", "severity", "ALTER TABLE incidents ADD COLUMN severity TEXT"),
    (
        "incident_updates",
        "stage",
        "ALTER TABLE incident_updates ADD COLUMN stage TEXT NOT NULL DEFAULT 'investigating'",
    ),
];
/// Keeps the owner's fields, and every field that a later transition leaves NULL.
pub const PUT: &str = "INSERT INTO incidents (monitor, number, project, cause, since_ms, found_ms, until_ms, unconfirmed, failure,
    detail, status, phases, last_good_ms, hit) SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT),
    CAST(value ->> 2 AS BIGINT), value ->> 3, CAST(value ->> 4 AS BIGINT), CAST(value ->> 5 AS BIGINT), CAST(value ->> 6 AS BIGINT),
    CAST(value ->> 7 AS BIGINT), value ->> 8, value ->> 9, CAST(value ->> 10 AS BIGINT), value ->> 11, CAST(value ->> 12 AS BIGINT),
    value ->> 13 FROM json_each($1) WHERE true
    ON CONFLICT (monitor, number) DO UPDATE SET until_ms = coalesce(excluded.until_ms, incidents.until_ms),
    unconfirmed = CASE WHEN excluded.until_ms IS NULL THEN excluded.unconfirmed ELSE incidents.unconfirmed END,
    failure = coalesce(incidents.failure, excluded.failure), detail = coalesce(incidents.detail, excluded.detail),
    status = coalesce(incidents.status, excluded.status), phases = coalesce(incidents.phases, excluded.phases),
    last_good_ms = coalesce(incidents.last_good_ms, excluded.last_good_ms), hit = coalesce(excluded.hit, incidents.hit)";

/// Returns the transitions that are new.
pub const PUT_TRANSITIONS: &str = "INSERT INTO transitions (monitor, number, transition, at_ms, change, muted)
    SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT),
    value ->> 4, value ->> 5 FROM json_each($1) WHERE true ON CONFLICT DO NOTHING RETURNING monitor, number, transition";

const COLUMNS: &str = "monitor, number, project, cause, since_ms, found_ms, until_ms, unconfirmed, failure, detail, status, phases,
    last_good_ms, hit, acknowledged_ms, note, public_title, severity";

/// Newest first. Parameters: project, monitor or null, 1 for open ones only, since_ms before, limit.
pub fn list() -> String {
    format!(
        "SELECT {COLUMNS} FROM incidents WHERE project = $1 AND ($2 IS NULL OR monitor = $2) AND ($3 = 0 OR until_ms IS NULL)
         AND since_ms < $4 ORDER BY since_ms DESC, monitor, number LIMIT $5"
    )
}

/// Newest first. Parameters: project, the time before which an incident must not have ended, limit.
pub fn published() -> String {
    format!(
        "SELECT {COLUMNS} FROM incidents WHERE project = $1 AND public_title IS NOT NULL
         AND (until_ms IS NULL OR until_ms >= $2) ORDER BY since_ms DESC, monitor, number LIMIT $3"
    )
}

pub fn get() -> String {
    format!("SELECT {COLUMNS} FROM incidents WHERE project = $1 AND monitor = $2 AND number = $3")
}

pub const TRANSITIONS: &str =
    "SELECT transition, at_ms, change, muted FROM transitions WHERE monitor = $1 AND number = $2
    ORDER BY transition";
pub const UPDATES: &str = "SELECT at_ms, stage, text FROM incident_updates WHERE monitor = $1 AND number = $2 ORDER BY id";
pub const ADD_UPDATE: &str = "INSERT INTO incident_updates (monitor, number, at_ms, stage, text) VALUES ($1, $2, $3, $4, $5)";
pub const CHANGE: &str = "UPDATE incidents SET acknowledged_ms = $1, note = $2, public_title = $3, severity = $4 WHERE monitor = $5 AND number = $6";

/// Their updates and transitions first, so that an interrupted trim is found again.
pub const TRIM: [&str; 3] = [
    "DELETE FROM incident_updates WHERE (monitor, number) IN (SELECT monitor, number FROM incidents WHERE until_ms < $1)",
    "DELETE FROM transitions WHERE (monitor, number) IN (SELECT monitor, number FROM incidents WHERE until_ms < $1)",
    "DELETE FROM incidents WHERE until_ms < $1",
];
