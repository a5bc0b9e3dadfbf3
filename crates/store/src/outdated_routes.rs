//! Which sealed files have routes that a rule of today joins. Files that are never merged again would keep them.
//!
//! Rules are learned in bursts, and rewriting a large file takes minutes of a core: files are looked at when the rules
//! have not changed for a while, and rewritten once a day at most.

use std::collections::HashMap;
use std::time::Instant;

use analytics::hit::{ProjectId, TextKind};

use crate::duckdb::failure::failed;
use crate::duckdb::files::Entry;
use crate::duckdb::sql;
use crate::inbox::FileKind;
use crate::types::{DuckDbLimits, RouteRules, StoreError};

/// A file's first and last record: they stay when it is rewritten.
pub type Records = (u64, u64);

pub struct OutdatedRoutes {
    /// The rules' version, and since when it is that.
    version: u64,
    since: Instant,
    looked: HashMap<Records, Looked>,
}

#[derive(Clone, Copy)]
struct Looked {
    version: u64,
    rewritten: Option<Instant>,
}

impl OutdatedRoutes {
    pub fn new() -> OutdatedRoutes {
        OutdatedRoutes { version: 0, since: Instant::now(), looked: HashMap::new() }
    }

    /// The next file to look at, if it is time.
    pub fn choose(
        &mut self,
        entries: &[Entry],
        version: u64,
        limits: &DuckDbLimits,
    ) -> Option<Entry> {
        let now = Instant::now();
        if version != self.version {
            (self.version, self.since) = (version, now);
        }
        if version == 0 || now.duration_since(self.since) < limits.routes_quiet {
            return None;
        }
        let sealed = || entries.iter().filter(|entry| entry.row.kind == FileKind::Sealed);
        if self.looked.len() > entries.len() {
            self.looked.retain(|records, _| sealed().any(|entry| records_of(entry) == *records));
        }
        sealed()
            .find(|entry| {
                self.looked.get(&records_of(entry)).is_none_or(|looked| {
                    looked.version != version
                        && looked
                            .rewritten
                            .is_none_or(|at| now.duration_since(at) >= limits.routes_rewritten)
                })
            })
            .cloned()
    }

    /// The file was looked at, and perhaps rewritten, with the rules of this version.
    pub fn note(&mut self, records: Records, version: u64, rewritten: bool) {
        let before = self.looked.get(&records).and_then(|looked| looked.rewritten);
        let rewritten = if rewritten { Some(Instant::now()) } else { before };
        self.looked.insert(records, Looked { version, rewritten });
    }
}

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
    let look = || -> Result<bool, E> {
        let count = sql::rows::count_texts(&entry.file.alias);
        let texts: u64 =
            connection.query_row(&count, [], |row| row.get(0)).map_err(failed(context))?;
        for first in (0..texts).step_by(TEXTS as usize) {
            pause()?;
            let text =
                sql::rows::texts_between(&entry.file.alias, TextKind::Route, first, first + TEXTS);
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
        Ok(false)
    };
    let found = look();
    instance.give_back(connection);
    found
}

/// Texts read at once.
const TEXTS: u64 = 100_000;
