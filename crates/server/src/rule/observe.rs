//! The counts that rules are judged from. One pass over the newest minutes of all projects serves every rule about all
//! requests together; rules about endpoints query only projects in which something could be found; baselines are read
//! once an hour, and lists of regular consumers once a day. Rules with a filter or about consumers have their own
//! queries.

mod consumers;
mod endpoint_past;
mod own;
mod questions;

use std::collections::{BTreeMap, HashMap, HashSet};

use analytics::alert::Finding;
use analytics::alert::history::{History, base_window_minutes};
use analytics::alert::silence::Stretch;
use analytics::alert::timeline::Timeline;
use analytics::alert::timeline::{MINUTE_US, WEEK_US};
use analytics::alert::{
    AnyRule, BURN_RATES, COMPARED_REQUESTS, Group, Observed, Phase, ReadyMade, RuleState, Verdict,
    judge,
};
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::query::{CellsQuery, EndpointsQuery, ProjectScope};
use store::{Cells, EndpointCounts};

use consumers::ConsumerPasts;
use endpoint_past::EndpointPast;
use questions::OwnQuestions;

use super::ActiveRule;
use crate::ask::{AskError, Asker};

const HOUR_US: i64 = 60 * MINUTE_US;
const BASE_CELL_US: i64 = 5 * MINUTE_US;
const MOST_DELAY_MINUTES: u32 = (limits::RULE_DELAY_MOST_SECONDS / 60) as u32;
const REREAD_US: i64 = limits::RULE_REREAD_MINUTES as i64 * MINUTE_US;

/// Runs queries for rules.
pub struct RuleAsker<'a> {
    pub asker: &'a Asker,
    /// Permission to query; authentication grants it (`auth::scope_of_server`).
    pub scope: fn(ProjectId) -> ProjectScope,
    /// The time up to which the requests of a project have arrived: a whole minute.
    pub end_of: &'a (dyn Fn(ProjectId) -> i64 + Sync),
    /// Stretches between two times in which no request of a project could be counted.
    pub unexpected: &'a (dyn Fn(ProjectId, i64, i64) -> Vec<Stretch> + Sync),
}

/// The outcome for one rule.
#[derive(Clone, Debug)]
pub struct Findings {
    /// One finding for each series in the answers.
    pub named: Vec<Finding>,
    /// The verdict on known series that the answers lack.
    pub missing: Verdict,
}

/// Counts kept from one round to the next. All of them can be queried again.
#[derive(Default)]
pub struct Observer {
    histories: HashMap<ProjectId, History>,
    endpoints: HashMap<ProjectId, EndpointPast>,
    consumers: ConsumerPasts,
    questions: OwnQuestions,
    /// Rules whose queries found no time left in the last round.
    pub unasked: usize,
    /// The hour in which everything was last counted anew.
    hour: i64,
}

/// How far rules about one project look back.
#[derive(Clone, Copy, Default)]
struct Reach {
    minutes: u32,
    hours: bool,
    /// The longest window that is compared with earlier weeks; 0 for none.
    base_minutes: u32,
}

impl Reach {
    fn add(&mut self, rule: &AnyRule) {
        let (minutes, base) = match rule {
            // Keeps its own record of when consumers were seen.
            AnyRule::ReadyMade(ReadyMade::SilentConsumer) => (0, None),
            AnyRule::ReadyMade(kind) => {
                let row = kind.rule();
                let base = base_window_minutes(*kind);
                let longest = row.window_minutes.max(row.longer_window_minutes.unwrap_or(0));
                // Its windows are longer if traffic is low.
                let is_stopped = *kind == ReadyMade::TrafficStopped;
                (longest.max(base.filter(|_| is_stopped).unwrap_or(0)), base)
            }
            AnyRule::Burn(_) => {
                self.hours = true;
                let short = BURN_RATES.iter().map(|rate| rate.short_minutes).max();
                (short.unwrap_or(0), None)
            }
            AnyRule::Own { rule, .. } if rule.counts_all() => (rule.window_minutes, None),
            AnyRule::Own { .. } => (0, None),
        };
        self.minutes = self.minutes.max(minutes);
        self.base_minutes = self.base_minutes.max(base.unwrap_or(0));
    }

    fn is_covered_by(&self, history: &History, end_us: i64) -> bool {
        let from_us = end_us - i64::from(self.minutes) * MINUTE_US;
        history.minutes.from_us() <= from_us
            && end_us - history.minutes.to_us() < REREAD_US
            && history.minutes.to_us() <= end_us
            && (!self.hours || history.hours.is_some())
            && (self.base_minutes == 0) == history.weeks.is_empty()
    }
}

impl Observer {
    /// The findings of each rule by its number. A rule whose own query failed is missing. `state`: the rule's state.
    pub async fn observe(
        &mut self,
        ask: &RuleAsker<'_>,
        rules: &[ActiveRule],
        state: impl Fn(&ActiveRule) -> RuleState,
        end_us: i64,
    ) -> Result<HashMap<i64, Findings>, AskError> {
        let mut reaches = BTreeMap::<ProjectId, Reach>::new();
        for active in rules {
            reaches.entry(active.row.project).or_default().add(&active.rule);
        }
        reaches.retain(|_, reach| reach.minutes > 0);
        // Windows of some projects end earlier than those of others.
        reaches.values_mut().for_each(|reach| reach.minutes += MOST_DELAY_MINUTES);
        self.bring_up(ask, &reaches, end_us).await?;
        let mut found = HashMap::new();
        for active in rules {
            let Some(history) = self.histories.get(&active.row.project) else { continue };
            let end_us = (ask.end_of)(active.row.project);
            let named = match &active.rule {
                AnyRule::ReadyMade(kind) if kind.rule().group_by == Group::All => {
                    vec![history.judge(*kind, end_us)]
                }
                AnyRule::Burn(goal) => history.judge_burn(*goal, end_us),
                AnyRule::Own { rule, .. } if rule.counts_all() => {
                    vec![history.judge_rule(rule, end_us)]
                }
                _ => continue,
            };
            found.insert(active.row.id, Findings { named, missing: Verdict::Unknown });
        }
        for kind in [ReadyMade::NewFailingEndpoint, ReadyMade::SlowerThanUsual] {
            self.observe_endpoints(ask, kind, rules, &state, &mut found).await?;
        }
        let silent = AnyRule::ReadyMade(ReadyMade::SilentConsumer);
        let of_kind = rules.iter().filter(|active| active.rule == silent);
        let of_kind: Vec<(&ActiveRule, RuleState)> =
            of_kind.map(|active| (active, state(active))).collect();
        match self.consumers.observe(ask, &of_kind, end_us).await {
            Ok(findings) => found.extend(findings),
            // Only these rest: one project may have more consumers than can be read in time.
            Err(error) => {
                tracing::warn!(%error, "rules about silent consumers could not be judged")
            }
        }
        let answers = self.questions.observe(ask, rules).await;
        found.extend(answers.found);
        self.unasked = answers.unasked;
        Ok(found)
    }

    /// Updates the newest minutes of every project; for new projects, and once an hour, also all minutes and earlier
    /// weeks.
    async fn bring_up(
        &mut self,
        ask: &RuleAsker<'_>,
        reaches: &BTreeMap<ProjectId, Reach>,
        end_us: i64,
    ) -> Result<(), AskError> {
        let hour = end_us.div_euclid(HOUR_US);
        if hour != self.hour {
            self.histories.clear();
            self.endpoints.clear();
            self.hour = hour;
        }
        self.histories.retain(|project, _| reaches.contains_key(project));
        self.endpoints.retain(|project, _| reaches.contains_key(project));
        let is_known = |(project, reach): &(&ProjectId, &Reach)| {
            let history = self.histories.get(project);
            history.is_some_and(|history| reach.is_covered_by(history, end_us))
        };
        let (known, anew): (Vec<_>, Vec<_>) = reaches.iter().partition(is_known);
        let newest_us = end_us - REREAD_US;
        let known = known.into_iter().map(|(project, _)| *project);
        let cells = ask.cells(known.clone(), newest_us, end_us, MINUTE_US).await?;
        for project in known {
            let Some(history) = self.histories.get_mut(&project) else { continue };
            let forget_us = end_us - i64::from(reaches[&project].minutes) * MINUTE_US;
            history.minutes.renew(forget_us, newest_us, end_us);
        }
        fill(&cells, &mut self.histories, |history| Some(&mut history.minutes));
        if !anew.is_empty() {
            let anew: Vec<(ProjectId, Reach)> =
                anew.into_iter().map(|(project, reach)| (*project, *reach)).collect();
            self.histories.extend(count_anew(ask, &anew, end_us).await?);
        }
        Ok(())
    }

    async fn observe_endpoints(
        &mut self,
        ask: &RuleAsker<'_>,
        kind: ReadyMade,
        rules: &[ActiveRule],
        state: impl Fn(&ActiveRule) -> RuleState,
        found: &mut HashMap<i64, Findings>,
    ) -> Result<(), AskError> {
        let minutes = kind.rule().window_minutes;
        let of_kind = rules.iter().filter(|active| active.rule == AnyRule::ReadyMade(kind));
        let mut suspects = Vec::new();
        for active in of_kind {
            let project = active.row.project;
            let Some(history) = self.histories.get(&project) else { continue };
            let end_us = (ask.end_of)(project);
            let counts = history.window(end_us, minutes);
            let state = state(active);
            if kind.may_find_endpoint(&counts) || state.series().next().is_some() {
                suspects.push((active, state, counts.requests));
            } else {
                let nothing = Findings { named: Vec::new(), missing: Verdict::Unknown };
                found.insert(active.row.id, nothing);
            }
        }
        // Projects with the same end together: there are as many ends as minutes in the longest delay.
        let mut projects = BTreeMap::<i64, HashSet<ProjectId>>::new();
        for (active, ..) in &suspects {
            let project = active.row.project;
            projects.entry((ask.end_of)(project)).or_default().insert(project);
        }
        let mut answered = EndpointCounts::new();
        for (to_us, projects) in projects {
            let from_us = to_us - i64::from(minutes) * MINUTE_US;
            let scopes = projects.into_iter().map(ask.scope).collect();
            let query = EndpointsQuery { scopes, from_us, to_us };
            answered.extend(ask.asker.endpoint_counts(query).await?);
        }
        for (active, state, project_requests) in suspects {
            let none = BTreeMap::new();
            let end_us = (ask.end_of)(active.row.project);
            let endpoints = answered.get(&active.row.project).unwrap_or(&none);
            let past = self.endpoints.entry(active.row.project).or_default();
            let mut named = Vec::with_capacity(endpoints.len());
            for (key, counts) in endpoints {
                let mut observed =
                    Observed { counts: *counts, project_requests, ..Observed::default() };
                observed.is_active = is_active(&state, key);
                let mut is_known = true;
                match kind {
                    ReadyMade::NewFailingEndpoint if counts.server_errors > 0 => {
                        let week = past.week(ask, active.row.project, end_us).await?;
                        is_known = week.is_whole || week.endpoints.contains_key(key);
                        observed.week = week.endpoints.get(key).copied().unwrap_or_default();
                    }
                    ReadyMade::SlowerThanUsual if counts.requests >= COMPARED_REQUESTS => {
                        let bases = past.bases(ask, active.row.project, end_us).await?;
                        observed.base = bases.get(key).copied();
                    }
                    _ => {}
                }
                let verdict = match is_known {
                    true => judge(kind, &observed),
                    false => Verdict::Unknown,
                };
                named.push(Finding {
                    key: key.clone(),
                    verdict,
                    window_minutes: minutes,
                    counts: *counts,
                    base: observed.base,
                    silence: None,
                });
            }
            found.insert(active.row.id, Findings { named, missing: Verdict::Unknown });
        }
        Ok(())
    }
}

fn is_active(state: &RuleState, key: &str) -> bool {
    state.get(key).is_some_and(|series| series.phase() != Phase::Inactive)
}

impl RuleAsker<'_> {
    async fn cells(
        &self,
        projects: impl Iterator<Item = ProjectId>,
        from_us: i64,
        to_us: i64,
        cell_us: i64,
    ) -> Result<Cells, AskError> {
        let scopes = projects.map(self.scope).collect();
        self.asker.cells(CellsQuery { scopes, from_us, to_us, cell_us }).await
    }
}

/// Everything of these projects, in a few passes over all of them.
async fn count_anew(
    ask: &RuleAsker<'_>,
    projects: &[(ProjectId, Reach)],
    end_us: i64,
) -> Result<HashMap<ProjectId, History>, AskError> {
    let all = projects.iter().map(|(project, _)| *project);
    let minutes_us = |reach: &Reach| i64::from(reach.minutes) * MINUTE_US;
    let longest_us = projects.iter().map(|(_, reach)| minutes_us(reach)).max().unwrap_or(0);
    let cells = ask.cells(all, end_us - longest_us, end_us, MINUTE_US).await?;
    let mut histories = HashMap::new();
    for (project, reach) in projects {
        let minutes = Timeline::over(MINUTE_US, end_us - minutes_us(reach), end_us);
        histories.insert(*project, History { minutes, hours: None, weeks: Vec::new() });
    }
    fill(&cells, &mut histories, |history| Some(&mut history.minutes));

    let days = BURN_RATES.iter().map(|rate| rate.long_minutes).max().unwrap_or(0);
    let border_us = end_us.div_euclid(HOUR_US) * HOUR_US;
    let first_us = border_us - i64::from(days) * MINUTE_US;
    let burning = projects.iter().filter(|(_, reach)| reach.hours).map(|(project, _)| *project);
    let cells = ask.cells(burning.clone(), first_us, border_us, HOUR_US).await?;
    for project in burning {
        if let Some(history) = histories.get_mut(&project) {
            history.hours = Some(Timeline::over(HOUR_US, first_us, border_us));
        }
    }
    fill(&cells, &mut histories, |history| history.hours.as_mut());

    let compared = projects.iter().filter(|(_, reach)| reach.base_minutes > 0);
    let longest = compared.clone().map(|(_, reach)| reach.base_minutes).max().unwrap_or(0);
    for week in 1..=limits::BASE_WEEKS as i64 {
        // From two windows before to one after, until it is counted anew.
        let stretch = |minutes: u32| {
            let window_us = i64::from(minutes) * MINUTE_US;
            let first_us = end_us - i64::from(MOST_DELAY_MINUTES) * MINUTE_US;
            let (now_us, next_us) =
                (first_us - week * WEEK_US, border_us + HOUR_US - week * WEEK_US);
            (now_us - 2 * window_us, next_us + window_us + BASE_CELL_US)
        };
        let (from_us, to_us) = stretch(longest);
        let these = compared.clone().map(|(project, _)| *project);
        let cells = ask.cells(these, from_us, to_us, BASE_CELL_US).await?;
        for (project, reach) in compared.clone() {
            let (from_us, to_us) = stretch(reach.base_minutes);
            if let Some(history) = histories.get_mut(project) {
                history.weeks.push(Timeline::over(BASE_CELL_US, from_us, to_us));
            }
        }
        fill(&cells, &mut histories, |history| history.weeks.last_mut());
    }
    Ok(histories)
}

fn fill(
    cells: &Cells,
    histories: &mut HashMap<ProjectId, History>,
    timeline: impl Fn(&mut History) -> Option<&mut Timeline>,
) {
    for ((project, cell), counts) in cells {
        if let Some(timeline) = histories.get_mut(project).and_then(&timeline) {
            timeline.add(*cell, *counts);
        }
    }
}
