//! Statements about bulletins for subscribers of status pages, for SQLite (`monitors.sqlite`) and PostgreSQL. They hold no
//! addresses.

pub const ADD: &str = "INSERT INTO bulletins (project, monitor, number, maintenance, at_ms, spread, bulletin) VALUES ($1, $2, $3, '', $4, 0, $5)";

/// The publication of an incident that visitors see as open.
pub const PUBLISHED: &str = "SELECT project, public_title, severity FROM incidents WHERE monitor = $1 AND number = $2
    AND public_title IS NOT NULL AND coalesce((SELECT stage FROM incident_updates AS newest WHERE newest.monitor = incidents.monitor
    AND newest.number = incidents.number ORDER BY newest.id DESC LIMIT 1), '') <> 'resolved'";

/// Mailings first.
pub const FORGET_OF_INCIDENT: [&str; 2] = [
    "DELETE FROM mailings WHERE bulletin IN (SELECT id FROM bulletins WHERE monitor = $1 AND number = $2)",
    "DELETE FROM bulletins WHERE monitor = $1 AND number = $2",
];
pub const FORGET_OF_PROJECT: [&str; 2] = [
    "DELETE FROM mailings WHERE bulletin IN (SELECT id FROM bulletins WHERE project = $1)",
    "DELETE FROM bulletins WHERE project = $1",
];

/// Maintenance that is no longer announced. Parameter: the announced ones, a JSON array of arrays that begin with
/// project and id.
pub const FORGET_MAINTENANCE: [&str; 2] = [
    "DELETE FROM mailings WHERE bulletin IN (SELECT id FROM bulletins WHERE maintenance <> ''
     AND (project, maintenance) NOT IN (SELECT CAST(value ->> 0 AS BIGINT), value ->> 1 FROM json_each($1)))",
    "DELETE FROM bulletins WHERE maintenance <> ''
     AND (project, maintenance) NOT IN (SELECT CAST(value ->> 0 AS BIGINT), value ->> 1 FROM json_each($1))",
];
/// A bulletin that exists is left alone.
pub const ADD_MAINTENANCE: &str = "INSERT INTO bulletins (project, monitor, number, maintenance, at_ms, spread, bulletin)
    SELECT CAST(value ->> 0 AS BIGINT), 0, 0, value ->> 1, CAST(value ->> 2 AS BIGINT), 0, value ->> 3 FROM json_each($1) WHERE true
    ON CONFLICT DO NOTHING";

pub const NOT_SPREAD: &str =
    "SELECT id, project, at_ms FROM bulletins WHERE spread = 0 ORDER BY id LIMIT $1";
pub const ADD_MAILINGS: &str = "INSERT INTO mailings (bulletin, subscriber, tries, next_ms)
    SELECT $2, CAST(value AS BIGINT), 0, $3 FROM json_each($1) WHERE true ON CONFLICT DO NOTHING";
/// Changes no row if another server was first.
pub const SET_SPREAD: &str = "UPDATE bulletins SET spread = 1 WHERE id = $1 AND spread = 0";

/// Due mailings, taking turns between projects. A mail about an incident waits for earlier ones about it. Parameters:
/// now, limit.
pub const DUE: &str = "SELECT due.bulletin AS id, due.subscriber, due.tries, about.project, about.monitor, about.number,
    about.maintenance, about.at_ms, about.bulletin AS content FROM mailings AS due JOIN bulletins AS about ON about.id = due.bulletin
    WHERE due.next_ms <= $1 AND NOT EXISTS (SELECT 1 FROM mailings AS before JOIN bulletins AS earlier ON earlier.id = before.bulletin
    WHERE before.subscriber = due.subscriber AND before.bulletin < due.bulletin AND earlier.maintenance = ''
    AND earlier.monitor = about.monitor AND earlier.number = about.number)
    ORDER BY row_number() OVER (PARTITION BY about.project ORDER BY due.bulletin, due.subscriber), about.project LIMIT $2";

pub const END: &str = "DELETE FROM mailings WHERE bulletin = $1 AND subscriber = $2";
pub const TRY_AGAIN: &str =
    "UPDATE mailings SET tries = tries + 1, next_ms = $1 WHERE bulletin = $2 AND subscriber = $3";

/// Bulletins that every recipient has received. That of maintenance stays as long as it is announced, so that it is not
/// sent again.
pub const FORGET_SENT: &str = "DELETE FROM bulletins WHERE spread = 1 AND maintenance = ''
    AND NOT EXISTS (SELECT 1 FROM mailings WHERE mailings.bulletin = bulletins.id)";

/// Mailings of a bulletin that was deleted while another server addressed it.
pub const FORGET_ORPHANS: &str = "DELETE FROM mailings WHERE NOT EXISTS (SELECT 1 FROM bulletins WHERE bulletins.id = mailings.bulletin)";
