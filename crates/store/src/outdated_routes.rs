//! When stored hits are looked at for routes that a rule of today joins: those of a file (DuckDB), or of a project
//! (ClickHouse). They would keep them for ever.
//!
//! Rules are learned in bursts, and rewriting many hits takes minutes of a core: hits are looked at when the rules have not
//! changed for a while, or a day after their first change where they never rest, and are rewritten once a day at most.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Instant;

use crate::types::RouteLimits;

/// `Of`: hits that are looked at together.
pub struct OutdatedRoutes<Of> {
    /// The rules' version, and since when it is that.
    seen: u64,
    since: Instant,
    /// The first change since `target` was chosen.
    first: Option<Instant>,
    /// The version that hits are to have: those with another one are looked at. 0: none.
    target: u64,
    looked: HashMap<Of, Looked>,
}

#[derive(Clone, Copy)]
struct Looked {
    version: u64,
    rewritten: Option<Instant>,
}

impl<Of: Copy + Eq + Hash> OutdatedRoutes<Of> {
    pub fn new(now: Instant) -> OutdatedRoutes<Of> {
        OutdatedRoutes { seen: 0, since: now, first: None, target: 0, looked: HashMap::new() }
    }

    /// The next of these to look at, if it is time. `version`: the rules' now.
    pub fn choose(
        &mut self,
        all: &[Of],
        version: u64,
        now: Instant,
        limits: &RouteLimits,
    ) -> Option<Of> {
        if version != self.seen {
            (self.seen, self.since) = (version, now);
            self.first.get_or_insert(now);
        }
        let for_long = |since: Instant, time| now.duration_since(since) >= time;
        if self.first.is_some_and(|first| {
            for_long(self.since, limits.quiet) || for_long(first, limits.rewritten)
        }) {
            (self.target, self.first) = (version, None);
        }
        if self.target == 0 {
            return None;
        }
        if self.looked.len() > all.len() {
            self.looked.retain(|one, _| all.contains(one));
        }
        let wants = |one: &&Of| match self.looked.get(*one) {
            None => true,
            Some(looked) => {
                looked.version != self.target
                    && looked.rewritten.is_none_or(|at| for_long(at, limits.rewritten))
            }
        };
        all.iter().find(wants).copied()
    }

    /// Those that `choose` named were looked at, and perhaps rewritten.
    pub fn note(&mut self, one: Of, rewritten: bool, now: Instant) {
        let before = self.looked.get(&one).and_then(|looked| looked.rewritten);
        let rewritten = if rewritten { Some(now) } else { before };
        self.looked.insert(one, Looked { version: self.target, rewritten });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3_600);
    type Records = (u64, u64);

    const FILES: [Records; 2] = [(0, 9), (9, 20)];

    /// With the limits of a server: ten minutes, a day.
    fn choose(of: &mut OutdatedRoutes<Records>, version: u64, now: Instant) -> Option<Records> {
        of.choose(&FILES, version, now, &RouteLimits::default())
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
            of.choose(&[(0, 9), (9, 40)], 1, rested + HOUR, &RouteLimits::default()),
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
