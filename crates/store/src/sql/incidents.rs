//! The tables and statements of incidents, in `monitors.sqlite` (SQLite).

/// `incidents`: one row each, by source and the incident's number. `monitor` is the monitor's number, or the rule's,
/// negated (`IncidentSource`). `transitions`: its history. `incident_updates`: texts for visitors of a status page,
/// which shows them once the incident has a public title.
pub const CREATE: &str = "
CREATE TABLE IF NOT EXISTS incidents (monitor INTEGER NOT NULL, number INTEGER NOT NULL, project INTEGER NOT NULL,
    cause TEXT NOT NULL, since_ms INTEGER NOT NULL, found_ms INTEGER NOT NULL, until_ms INTEGER, unconfirmed INTEGER NOT NULL,
    failure TEXT, detail TEXT, status INTEGER, phases TEXT, last_good_ms INTEGER, hit TEXT, acknowledged_ms INTEGER, note TEXT,
    public_title TEXT, severity TEXT, PRIMARY KEY (monitor, number)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS incidents_project ON incidents (project, since_ms);
CREATE TABLE IF NOT EXISTS transitions (monitor INTEGER NOT NULL, number INTEGER NOT NULL, transition INTEGER NOT NULL,
    at_ms INTEGER NOT NULL, change TEXT NOT NULL, muted TEXT, PRIMARY KEY (monitor, number, transition)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS incident_updates (id INTEGER PRIMARY KEY, monitor INTEGER NOT NULL, number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL, stage TEXT NOT NULL DEFAULT 'investigating', text TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS incident_updates_incident ON incident_updates (monitor, number);
";

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
pub const HAS_COLUMN: &str = "SELECT count(*) FROM pragma_table_info(?) WHERE name = ?";

/// Keeps the owner's fields, and every field that a later transition leaves NULL.
pub const PUT: &str = "INSERT INTO incidents (monitor, number, project, cause, since_ms, found_ms, until_ms, unconfirmed, failure,
    detail, status, phases, last_good_ms, hit) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
    value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13 FROM json_each(?)
    WHERE true ON CONFLICT (monitor, number) DO UPDATE SET until_ms = coalesce(excluded.until_ms, until_ms),
    unconfirmed = iif(excluded.until_ms IS NULL, excluded.unconfirmed, unconfirmed), failure = coalesce(failure, excluded.failure), detail = coalesce(detail, excluded.detail),
    status = coalesce(status, excluded.status), phases = coalesce(phases, excluded.phases),
    last_good_ms = coalesce(last_good_ms, excluded.last_good_ms), hit = coalesce(excluded.hit, hit)";

pub const PUT_TRANSITIONS: &str =
    "INSERT OR IGNORE INTO transitions SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3,
    value ->> 4, value ->> 5 FROM json_each(?)";

const COLUMNS: &str = "monitor, number, project, cause, since_ms, found_ms, until_ms, unconfirmed, failure, detail, status, phases,
    last_good_ms, hit, acknowledged_ms, note, public_title, severity";

/// Newest first. Parameters: project, monitor or null, 1 for open ones only, since_ms before, limit.
pub fn list() -> String {
    format!(
        "SELECT {COLUMNS} FROM incidents WHERE project = ?1 AND (?2 IS NULL OR monitor = ?2) AND (?3 = 0 OR until_ms IS NULL)
         AND since_ms < ?4 ORDER BY since_ms DESC, monitor, number LIMIT ?5"
    )
}

/// Newest first. Parameters: project, the time before which an incident must not have ended, limit.
pub fn published() -> String {
    format!(
        "SELECT {COLUMNS} FROM incidents WHERE project = ? AND public_title IS NOT NULL
         AND (until_ms IS NULL OR until_ms >= ?) ORDER BY since_ms DESC, monitor, number LIMIT ?"
    )
}

pub fn get() -> String {
    format!("SELECT {COLUMNS} FROM incidents WHERE project = ? AND monitor = ? AND number = ?")
}

pub const TRANSITIONS: &str =
    "SELECT transition, at_ms, change, muted FROM transitions WHERE monitor = ? AND number = ?
    ORDER BY transition";
pub const UPDATES: &str =
    "SELECT at_ms, stage, text FROM incident_updates WHERE monitor = ? AND number = ? ORDER BY id";
pub const ADD_UPDATE: &str =
    "INSERT INTO incident_updates (monitor, number, at_ms, stage, text) VALUES (?, ?, ?, ?, ?)";
pub const CHANGE: &str = "UPDATE incidents SET acknowledged_ms = ?, note = ?, public_title = ?, severity = ? WHERE monitor = ? AND number = ?";

/// Their updates and transitions first, so that an interrupted trim is found again.
pub const TRIM: [&str; 3] = [
    "DELETE FROM incident_updates WHERE (monitor, number) IN (SELECT monitor, number FROM incidents WHERE until_ms < ?)",
    "DELETE FROM transitions WHERE (monitor, number) IN (SELECT monitor, number FROM incidents WHERE until_ms < ?)",
    "DELETE FROM incidents WHERE until_ms < ?",
];
