//! The times at which the busiest consumers of projects were seen, kept from one round to the next. Each project's are
//! listed once a day, and their unknown past is read piece by piece; from then on one query every quarter of an hour
//! covers all projects, and one per minute those with a possibly silent consumer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use analytics::alert::silence::{Presence, Watched, silent};
use analytics::alert::timeline::{MINUTE_US, WEEK_US};
use analytics::alert::{Key, REGULAR_REQUESTS, RuleState, Verdict};
use analytics::filter::Filter;
use analytics::grid::{DAY_US, Grid, QUARTER_US};
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::query::{PresenceQuery, ProjectScope, SumsQuery};
use analytics::tally::{Needs, Sort, Top};
use jiff::tz::TimeZone;

use super::own::of_consumers;
use super::{Findings, HOUR_US, REREAD_US, RuleAsker, is_active};
use crate::ask::{AskError, own_reader};
use crate::rule::ActiveRule;

const KNOWN_US: i64 = limits::SILENT_KNOWN_DAYS as i64 * DAY_US;
const REFRESH_US: i64 = 15 * MINUTE_US;
/// The stretches read at once, the longest first.
const PIECES_US: [i64; 3] = [DAY_US, 6 * HOUR_US, HOUR_US];

#[derive(Default)]
pub struct ConsumerPasts {
    rosters: HashMap<ProjectId, Roster>,
}

/// The busiest consumers of a project.
struct Roster {
    /// The day of the list, since 1970.
    day: i64,
    watched: Vec<Watched>,
    /// For each of them, the time from which all its requests are known.
    since_us: Vec<i64>,
    /// The time up to which all requests are known.
    until_us: i64,
}

impl ConsumerPasts {
    /// Rules of projects that are not known well enough yet are missing, so that they rest.
    pub async fn observe(
        &mut self,
        ask: &RuleAsker<'_>,
        rules: &[(&ActiveRule, RuleState)],
        end_us: i64,
    ) -> Result<Vec<(i64, Findings)>, AskError> {
        let mut active = BTreeMap::<ProjectId, BTreeSet<Key>>::new();
        for (rule, state) in rules {
            let keys = state.series().map(|(key, _)| key).filter(|key| is_active(state, key));
            active.entry(rule.row.project).or_default().extend(keys.cloned());
        }
        self.rosters.retain(|project, _| active.contains_key(project));
        self.list(ask, &active, end_us).await?;
        self.look_back(ask).await?;
        self.refresh(ask, end_us).await?;
        let judge = |roster: &Roster, rule: &ActiveRule, state: &RuleState| {
            let end_us = (ask.end_of)(rule.row.project);
            let oldest_us = end_us - KNOWN_US;
            let unexpected = (ask.unexpected)(rule.row.project, oldest_us, end_us);
            silent(&roster.watched, end_us, |key| is_active(state, key), &unexpected)
        };
        let mut suspects = BTreeMap::<ProjectId, BTreeSet<Key>>::new();
        for (rule, state) in rules {
            if let Some(roster) = self.known(rule.row.project) {
                let found = judge(roster, rule, state).into_iter().map(|finding| finding.key);
                suspects.entry(rule.row.project).or_default().extend(found);
            }
        }
        self.look_again(ask, suspects, end_us).await?;
        let mut found = Vec::new();
        for (rule, state) in rules {
            if let Some(roster) = self.known(rule.row.project) {
                let named = judge(roster, rule, state);
                found.push((rule.row.id, Findings { named, missing: Verdict::Unknown }));
            }
        }
        Ok(found)
    }

    fn known(&self, project: ProjectId) -> Option<&Roster> {
        self.rosters.get(&project).filter(|roster| roster.unknown_before_us().is_none())
    }

    /// The busiest of the last week; a consumer with an alert stays among them.
    async fn list(
        &mut self,
        ask: &RuleAsker<'_>,
        active: &BTreeMap<ProjectId, BTreeSet<Key>>,
        end_us: i64,
    ) -> Result<(), AskError> {
        let day = end_us.div_euclid(DAY_US);
        let is_due =
            |project: &ProjectId| self.rosters.get(project).is_none_or(|roster| roster.day != day);
        let due: Vec<ProjectId> = active.keys().copied().filter(is_due).collect();
        for project in due.into_iter().take(limits::SILENT_QUESTIONS as usize) {
            let mut requests = ask_busiest(ask, project, end_us).await?;
            for key in &active[&project] {
                requests.entry(key.clone()).or_insert(REGULAR_REQUESTS);
            }
            let before = self.rosters.remove(&project);
            self.rosters.insert(project, Roster::of(day, requests, before, end_us));
        }
        Ok(())
    }

    /// Reads older requests of consumers that are new on a list, as many as a round may scan.
    async fn look_back(&mut self, ask: &RuleAsker<'_>) -> Result<(), AskError> {
        let mut left = limits::SILENT_HITS;
        for question in 0..limits::SILENT_QUESTIONS {
            // Projects that were listed together are queried together.
            let unknown = self.rosters.values().filter_map(Roster::unknown_before_us).max();
            let Some(to_us) = unknown else { break };
            let mut consumers = Vec::new();
            for (project, roster) in &self.rosters {
                let names = roster.unknown_at(to_us);
                if !names.is_empty() {
                    consumers.push(((ask.scope)(*project), names));
                }
            }
            let scopes: Vec<ProjectScope> =
                consumers.iter().map(|(scope, _)| scope.clone()).collect();
            let mut fitting = None;
            for piece_us in PIECES_US {
                let rows = ask.asker.rows_between(&scopes, to_us - piece_us, to_us).await?;
                // The first question is asked whatever its smallest piece costs.
                if rows <= left || (question == 0 && piece_us == HOUR_US) {
                    fitting = Some((piece_us, rows));
                    break;
                }
            }
            let Some((piece_us, rows)) = fitting else { break };
            left = left.saturating_sub(rows);
            let from_us = to_us - piece_us;
            if rows > 0 {
                self.ask(ask, consumers, from_us, to_us).await?;
            }
            for roster in self.rosters.values_mut() {
                let since = roster.since_us.iter_mut().filter(|since_us| **since_us == to_us);
                since.for_each(|since_us| *since_us = from_us);
            }
        }
        Ok(())
    }

    /// All of them, four times an hour.
    async fn refresh(&mut self, ask: &RuleAsker<'_>, end_us: i64) -> Result<(), AskError> {
        let is_due = |roster: &&mut Roster| end_us - roster.until_us >= REFRESH_US;
        let (mut consumers, mut from_us) = (Vec::new(), end_us);
        for (project, roster) in &mut self.rosters {
            if Some(&mut *roster).filter(is_due).is_some() {
                consumers.push(((ask.scope)(*project), roster.names()));
                from_us = from_us.min(roster.until_us - REREAD_US);
            }
        }
        let asked: Vec<ProjectId> = consumers.iter().map(|(scope, _)| scope.project()).collect();
        self.ask(ask, consumers, from_us, end_us).await?;
        for project in asked {
            if let Some(roster) = self.rosters.get_mut(&project) {
                roster.until_us = end_us;
                let watched = roster.watched.iter_mut();
                watched.for_each(|one| one.presence.forget_before(end_us - KNOWN_US));
            }
        }
        Ok(())
    }

    /// Consumers that may have gone silent, and those whose silence may be over.
    async fn look_again(
        &mut self,
        ask: &RuleAsker<'_>,
        suspects: BTreeMap<ProjectId, BTreeSet<Key>>,
        end_us: i64,
    ) -> Result<(), AskError> {
        let (mut consumers, mut from_us) = (Vec::new(), end_us);
        for (project, names) in suspects.into_iter().filter(|(_, names)| !names.is_empty()) {
            let Some(roster) = self.rosters.get(&project) else { continue };
            from_us = from_us.min(roster.until_us - REREAD_US);
            consumers.push(((ask.scope)(project), names.into_iter().collect()));
        }
        self.ask(ask, consumers, from_us, end_us).await
    }

    async fn ask(
        &mut self,
        ask: &RuleAsker<'_>,
        consumers: Vec<(ProjectScope, Vec<String>)>,
        from_us: i64,
        to_us: i64,
    ) -> Result<(), AskError> {
        let seen = ask.asker.presences(PresenceQuery { consumers, from_us, to_us }).await?;
        for (project, seen) in &seen {
            let Some(roster) = self.rosters.get_mut(project) else { continue };
            for watched in &mut roster.watched {
                if let Some(presence) = seen.get(&watched.name) {
                    watched.presence.merge(presence);
                }
            }
        }
        Ok(())
    }
}

impl Roster {
    /// `requests`: of each of them, in a week. Everything known of earlier members stays.
    fn of(day: i64, requests: BTreeMap<Key, u64>, before: Option<Roster>, end_us: i64) -> Roster {
        let until_us = before.as_ref().map_or(end_us, |before| before.until_us);
        let mut known = HashMap::new();
        if let Some(before) = before {
            let watched = before.watched.into_iter().zip(before.since_us);
            known.extend(watched.map(|(one, since_us)| (one.name, (one.presence, since_us))));
        }
        let (mut watched, mut since_us) = (Vec::new(), Vec::new());
        for (name, requests) in requests {
            let of_before = known.remove(&name);
            let (presence, since) = of_before.unwrap_or((Presence::default(), until_us));
            watched.push(Watched { name, requests, presence });
            since_us.push(since);
        }
        Roster { day, watched, since_us, until_us }
    }

    fn names(&self) -> Vec<String> {
        self.watched.iter().map(|one| one.name.clone()).collect()
    }

    /// Before this time required requests of some are unknown; none if all are known.
    fn unknown_before_us(&self) -> Option<i64> {
        let oldest_us = self.day * DAY_US - KNOWN_US;
        self.since_us.iter().copied().filter(|since_us| *since_us > oldest_us).max()
    }

    /// The consumers of which nothing before this time is known.
    fn unknown_at(&self, us: i64) -> Vec<String> {
        let oldest_us = self.day * DAY_US - KNOWN_US;
        let watched = self.watched.iter().zip(&self.since_us);
        let unknown = watched.filter(|(_, since_us)| **since_us == us && us > oldest_us);
        unknown.map(|(one, _)| one.name.clone()).collect()
    }
}

/// The busiest, with their requests in 7 days, if those are enough.
async fn ask_busiest(
    ask: &RuleAsker<'_>,
    project: ProjectId,
    end_us: i64,
) -> Result<BTreeMap<Key, u64>, AskError> {
    // Rollups cover whole quarters of an hour.
    let to_us = end_us.div_euclid(QUARTER_US) * QUARTER_US;
    let rows = limits::SILENT_CONSUMERS as usize;
    let query = SumsQuery {
        scope: (ask.scope)(project),
        grid: Grid::whole(to_us - WEEK_US, to_us, &TimeZone::UTC),
        filter: Filter::default(),
        needs: Needs::CONSUMERS,
        values: Vec::new(),
        prefix: String::new(),
        top: Top { consumers: true, rows, sort: Sort::Requests },
    };
    let total = ask.asker.sums(own_reader(project), query).await?;
    let busiest = of_consumers(&total).map(|(key, counts)| (key, counts.requests));
    Ok(busiest.filter(|(_, requests)| *requests >= REGULAR_REQUESTS).collect())
}
