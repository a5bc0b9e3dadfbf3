//! Whether a sealed file has routes that a rule of today joins.

use analytics::hit::{ProjectId, TextKind};

use crate::duckdb::failure::failed;
use crate::duckdb::files::Entry;
use crate::duckdb::sql;
use crate::types::{RouteRules, StoreError};

/// A file's first and last record: they stay when it is rewritten.
pub type Records = (u64, u64);

pub fn records_of(entry: &Entry) -> Records {
    (entry.row.first_seq, entry.row.last_seq)
}

/// Whether a rule joins a route of the file. `pause`: between stretches of its texts.
pub fn has_outdated<E: From<StoreError>>(
    entry: &Entry,
    rules: &dyn RouteRules,
    pause: impl Fn() -> Result<(), E>,
) -> Result<bool, E> {
    let context = "looking for routes that a rule joins";
    let instance = entry.file.instance();
    let connection = instance.connect()?;
    let count = sql::rows::count_texts(&entry.file.alias);
    let texts: u64 = connection.query_row(&count, [], |row| row.get(0)).map_err(failed(context))?;
    for first in (0..texts).step_by(TEXTS as usize) {
        pause()?;
        let tables = entry.file.tables();
        let text = sql::rows::texts_between(tables, TextKind::Route, first, first + TEXTS);
        let mut statement = connection.prepare(&text).map_err(failed(context))?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)));
        for row in rows.map_err(failed(context))? {
            let (project, route) = row.map_err(failed(context))?;
            let joined = rules.join(ProjectId(project), &route);
            if joined.is_some_and(|joined| joined != route) {
                return Ok(true);
            }
        }
    }
    instance.give_back(connection);
    Ok(false)
}

/// Texts read at once.
const TEXTS: u64 = 100_000;
