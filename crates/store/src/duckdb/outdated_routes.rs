//! Which sealed files have routes that a rule of today joins. Files that are never merged again would keep them.
//!
//! Rules are learned in bursts, and rewriting a large file takes minutes of a core: files are looked at when the rules
//! have not changed for a while, or a day after their first change where they never rest, and each is rewritten once a
//! day at most.

use std::collections::HashMap;
use std::time::Instant;

use analytics::hit::{ProjectId, TextKind};

use crate::duckdb::failure::failed;
use crate::duckdb::files::Entry;
use crate::duckdb::sql;
use crate::types::{DuckDbLimits, RouteRules, StoreError};

/// A file's first and last record: they stay when it is rewritten.
pub type Records = (u64, u64);

pub struct OutdatedRoutes {
    /// The rules' version, and since when it is that.
    seen: u64,
    since: Instant,
    /// The first change since `target` was chosen.
    first: Option<Instant>,
    /// The version that files are to have: every file with another one is looked at. 0: none.
    target: u64,
    looked: HashMap<Records, Looked>,
}

#[derive(Clone, Copy)]
struct Looked {
    version: u64,
    rewritten: Option<Instant>,
}

impl OutdatedRoutes {
    pub fn new(now: Instant) -> OutdatedRoutes {
        OutdatedRoutes { seen: 0, since: now, first: None, target: 0, looked: HashMap::new() }
    }

    /// The next of these files to look at, if it is time. `version`: the rules' now.
    pub fn choose(
        &mut self,
        sealed: &[Records],
        version: u64,
        now: Instant,
        limits: &DuckDbLimits,
    ) -> Option<Records> {
        if version != self.seen {
            (self.seen, self.since) = (version, now);
            self.first.get_or_insert(now);
        }
        let for_long = |since: Instant, time| now.duration_since(since) >= time;
        if self.first.is_some_and(|first| {
            for_long(self.since, limits.routes_quiet) || for_long(first, limits.routes_rewritten)
        }) {
            (self.target, self.first) = (version, None);
        }
        if self.target == 0 {
            return None;
        }
        if self.looked.len() > sealed.len() {
            self.looked.retain(|records, _| sealed.contains(records));
        }
        let wants = |records: &&Records| match self.looked.get(*records) {
            None => true,
            Some(looked) => {
                looked.version != self.target
                    && looked.rewritten.is_none_or(|at| for_long(at, limits.routes_rewritten))
            }
        };
        sealed.iter().find(wants).copied()
    }

    /// The file that `choose` named was looked at, and perhaps rewritten.
    pub fn note(&mut self, records: Records, rewritten: bool, now: Instant) {
        let before = self.looked.get(&records).and_then(|looked| looked.rewritten);
        let rewritten = if rewritten { Some(now) } else { before };
        self.looked.insert(records, Looked { version: self.target, rewritten });
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
    let count = sql::rows::count_texts(&entry.file.alias);
    let texts: u64 = connection.query_row(&count, [], |row| row.get(0)).map_err(failed(context))?;
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
    instance.give_back(connection);
    Ok(false)
}

/// Texts read at once.
const TEXTS: u64 = 100_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3_600);
    const FILES: [Records; 2] = [(0, 9), (9, 20)];

    /// With the limits of a server: ten minutes, a day.
    fn choose(of: &mut OutdatedRoutes, version: u64, now: Instant) -> Option<Records> {
        of.choose(&FILES, version, now, &DuckDbLimits::default())
    }

    #[test]
    fn files_are_looked_at_once_the_rules_have_rested() {
        let start = Instant::now();
        let mut of = OutdatedRoutes::new(start);
        assert_eq!(choose(&mut of, 0, start + HOUR), None, "no rules");
        assert_eq!(choose(&mut of, 1, start + HOUR), None);
        let rested = start + HOUR + 10 * MINUTE;
        assert_eq!(choose(&mut of, 1, rested), Some(FILES[0]));
        assert_eq!(choose(&mut of, 1, rested), Some(FILES[0]), "the look gave way");
        of.note(FILES[0], true, rested);
        assert_eq!(choose(&mut of, 1, rested), Some(FILES[1]));
        of.note(FILES[1], false, rested);
        assert_eq!(choose(&mut of, 1, rested + HOUR), None, "all are up to date");
        assert_eq!(
            of.choose(&[(0, 9), (9, 40)], 1, rested + HOUR, &DuckDbLimits::default()),
            Some((9, 40)),
            "a merged file"
        );
    }

    #[test]
    fn a_file_is_rewritten_once_a_day_at_most_and_then_again() {
        let start = Instant::now();
        let mut of = OutdatedRoutes::new(start);
        choose(&mut of, 1, start);
        let rested = start + 10 * MINUTE;
        choose(&mut of, 1, rested);
        of.note(FILES[0], true, rested);
        of.note(FILES[1], false, rested);
        choose(&mut of, 2, rested + HOUR);
        assert_eq!(choose(&mut of, 2, rested + 2 * HOUR), Some(FILES[1]), "it was not rewritten");
        of.note(FILES[1], false, rested + 2 * HOUR);
        assert_eq!(choose(&mut of, 2, rested + 2 * HOUR), None);
        assert_eq!(choose(&mut of, 2, rested + 24 * HOUR), Some(FILES[0]));
    }

    #[test]
    fn rules_that_never_rest_are_applied_once_a_day() {
        let start = Instant::now();
        let mut of = OutdatedRoutes::new(start);
        let mut looks = Vec::new();
        for minute in 0..3 * 24 * 60 {
            let now = start + minute * MINUTE;
            while let Some(records) = choose(&mut of, u64::from(minute) + 1, now) {
                looks.push((minute / (24 * 60), records));
                of.note(records, true, now);
            }
        }
        assert_eq!(looks, [(1, FILES[0]), (1, FILES[1]), (2, FILES[0]), (2, FILES[1])]);
    }
}
