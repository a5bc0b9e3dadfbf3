//! The tables and statements of bulletins for subscribers of status pages, in `monitors.sqlite` (SQLite). They hold no
//! addresses.

/// `bulletins`: something published. About an incident (`monitor` as in `incidents`), or about the maintenance that
/// visitors know by `maintenance`, which is "" for incidents. `spread` is 1 once it has its `mailings`: one for each
/// subscriber who has not received it yet.
pub const CREATE: &str = "
CREATE TABLE IF NOT EXISTS bulletins (id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, monitor INTEGER NOT NULL,
    number INTEGER NOT NULL, maintenance TEXT NOT NULL, at_ms INTEGER NOT NULL, spread INTEGER NOT NULL, bulletin TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS bulletins_maintenance ON bulletins (project, maintenance) WHERE maintenance <> '';
CREATE INDEX IF NOT EXISTS bulletins_incident ON bulletins (monitor, number);
CREATE TABLE IF NOT EXISTS mailings (bulletin INTEGER NOT NULL, subscriber INTEGER NOT NULL, tries INTEGER NOT NULL,
    next_ms INTEGER NOT NULL, PRIMARY KEY (bulletin, subscriber)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mailings_subscriber ON mailings (subscriber);
";

pub const ADD: &str = "INSERT INTO bulletins (project, monitor, number, maintenance, at_ms, spread, bulletin) VALUES (?, ?, ?, '', ?, 0, ?)";

/// The publication of an incident that visitors see as open, unless this transition of it is already stored.
pub const PUBLISHED: &str = "SELECT project, public_title, severity FROM incidents WHERE monitor = ?1 AND number = ?2
    AND public_title IS NOT NULL AND NOT EXISTS (SELECT 1 FROM transitions WHERE transitions.monitor = ?1
    AND transitions.number = ?2 AND transitions.transition = ?3) AND coalesce((SELECT stage FROM incident_updates AS newest WHERE newest.monitor = incidents.monitor
    AND newest.number = incidents.number ORDER BY newest.id DESC LIMIT 1), '') <> 'resolved'";

/// Mailings first.
pub const FORGET_OF_INCIDENT: [&str; 2] = [
    "DELETE FROM mailings WHERE bulletin IN (SELECT id FROM bulletins WHERE monitor = ? AND number = ?)",
    "DELETE FROM bulletins WHERE monitor = ? AND number = ?",
];
pub const FORGET_OF_PROJECT: [&str; 2] = [
    "DELETE FROM mailings WHERE bulletin IN (SELECT id FROM bulletins WHERE project = ?)",
    "DELETE FROM bulletins WHERE project = ?",
];

/// Maintenance that is no longer announced. Parameter: the announced ones, a JSON array of arrays that begin with
/// project and id.
pub const FORGET_MAINTENANCE: [&str; 2] = [
    "DELETE FROM mailings WHERE bulletin IN (SELECT id FROM bulletins WHERE maintenance <> ''
     AND (project, maintenance) NOT IN (SELECT value ->> 0, value ->> 1 FROM json_each(?)))",
    "DELETE FROM bulletins WHERE maintenance <> ''
     AND (project, maintenance) NOT IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
];
/// A bulletin that exists is left alone.
pub const ADD_MAINTENANCE: &str = "INSERT OR IGNORE INTO bulletins (project, monitor, number, maintenance, at_ms, spread, bulletin)
    SELECT value ->> 0, 0, 0, value ->> 1, value ->> 2, 0, value ->> 3 FROM json_each(?)";

pub const NOT_SPREAD: &str =
    "SELECT id, project, at_ms FROM bulletins WHERE spread = 0 ORDER BY id LIMIT ?";
pub const ADD_MAILINGS: &str =
    "INSERT OR IGNORE INTO mailings SELECT ?, value, 0, ? FROM json_each(?)";
pub const SET_SPREAD: &str = "UPDATE bulletins SET spread = 1 WHERE id = ?";

/// Due mailings, taking turns between projects. A mail about an incident waits for earlier ones about it. Parameters:
/// now, limit.
pub const DUE: &str = "SELECT due.bulletin AS id, due.subscriber, due.tries, about.project, about.monitor, about.number,
    about.maintenance, about.at_ms, about.bulletin AS text FROM mailings AS due JOIN bulletins AS about ON about.id = due.bulletin
    WHERE due.next_ms <= ? AND NOT EXISTS (SELECT 1 FROM mailings AS before JOIN bulletins AS earlier ON earlier.id = before.bulletin
    WHERE before.subscriber = due.subscriber AND before.bulletin < due.bulletin AND earlier.maintenance = ''
    AND earlier.monitor = about.monitor AND earlier.number = about.number)
    ORDER BY row_number() OVER (PARTITION BY about.project ORDER BY due.bulletin, due.subscriber), about.project LIMIT ?";

pub const END: &str = "DELETE FROM mailings WHERE bulletin = ? AND subscriber = ?";
pub const TRY_AGAIN: &str =
    "UPDATE mailings SET tries = tries + 1, next_ms = ? WHERE bulletin = ? AND subscriber = ?";

/// Bulletins that every recipient has received. That of maintenance stays as long as it is announced, so that it is not
/// sent again.
pub const FORGET_SENT: &str = "DELETE FROM bulletins WHERE spread = 1 AND maintenance = ''
    AND NOT EXISTS (SELECT 1 FROM mailings WHERE mailings.bulletin = bulletins.id)";
