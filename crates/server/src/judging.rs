//! The loop that judges all alert rules once a minute. Alerts that begin and end become incidents and notices in the
//! transaction that stores the rules' state, so that a killed process sends nothing twice.

use std::collections::HashMap;
use std::time::Duration;

use analytics::alert::silence::Stretch;
use analytics::alert::{AlertChange, AlertTransition, AnyRule, Key, RuleState, Verdict};
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::notice::{Hit, reach};
use analytics::uptime::Span;
use store::checks::{ChecksError, LatenessRecord, RuleRecord};
use tokio::sync::watch;

use crate::app::{App, SharedApp};
use crate::ask::{AskError, own_reader};
use crate::auth::scope_of_server;
use crate::rule::{ActiveRule, Change, Findings, RuleAsker, Rules, hit_question, late_notices};

const EVERY_MS: i64 = limits::RULE_EVERY_SECONDS as i64 * 1_000;
const MINUTE_US: i64 = 60_000_000;
/// The second of a minute at which it is judged: by then the requests of the previous minute have arrived, if they
/// arrive without delay.
const SECOND_MS: i64 = limits::RULE_DELAY_LEAST_SECONDS as i64 * 1_000;

/// Why a round failed. The next one catches up.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    #[error("requests cannot be counted: {0}")]
    Ask(#[from] AskError),
    #[error("alerts cannot be written: {0}")]
    Checks(#[from] ChecksError),
}

/// Judges once a minute until `stopping`.
pub async fn run(app: SharedApp, mut stopping: watch::Receiver<bool>) {
    loop {
        let now_ms = app.clock.now_us().div_euclid(1_000);
        let since_ms = (now_ms - SECOND_MS).rem_euclid(EVERY_MS);
        let wait = Duration::from_millis((EVERY_MS - since_ms) as u64);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        app.rules.note_look();
        if !app.meta.leads() {
            app.rules.set_problem(None);
            continue;
        }
        let judged = tokio::select! {
            judged = judge(&app, is_late(&app)) => judged,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let problem = judged.err().map(|problem| format!("rules are not judged: {problem}"));
        if let Some(problem) = &problem {
            tracing::error!(problem, "a round of rules has failed");
        }
        app.rules.set_problem(problem);
    }
}

/// Whether accepted requests cannot be counted yet: their absence would look like silence.
pub fn is_late(app: &App) -> bool {
    let stats = app.store.stats();
    let is_behind = stats.apply_lag_ms >= limits::RULE_LATE_SECONDS * 1_000;
    !stats.ready || is_behind || !app.clock_watch.is_believed()
}

/// One round. While requests are late every rule rests.
pub async fn judge(app: &App, is_late: bool) -> Result<(), RoundError> {
    let mut observer = app.rules.observer.lock().await;
    app.rules.refresh(&app.checks).await?;
    let rules = Rules::active(&app.meta);
    let now_us = app.clock.now_us();
    let now_ms = now_us.div_euclid(1_000);
    let ends: HashMap<ProjectId, i64> =
        rules.iter().map(|active| (active.row.project, end_of(app, active.row.project))).collect();
    let newest_us = ends.values().copied().max().unwrap_or(now_us);
    let end_of = |project: ProjectId| ends.get(&project).copied().unwrap_or(newest_us);
    let unexpected = |project, from_us, to_us| stretches_without(app, project, from_us, to_us);
    let ask = RuleAsker {
        asker: &app.asker,
        scope: scope_of_server,
        end_of: &end_of,
        unexpected: &unexpected,
    };
    let found = match is_late {
        true => HashMap::new(),
        false => {
            let state = |active: &ActiveRule| app.rules.state(&active.row);
            let found = observer.observe(&ask, &rules, state, newest_us).await?;
            app.rules.set_unasked(observer.unasked);
            found
        }
    };
    let judging = app.rules.judging().await;
    let mut records = Vec::new();
    let mut reaches = limits::RULE_REACHES;
    for active in &rules {
        // Changed meanwhile: the next round judges it.
        if app.meta.any_rule(active.row.id).as_ref() != Some(&active.row) {
            continue;
        }
        let end_us = end_of(active.row.project);
        let findings = found.get(&active.row.id);
        let findings = findings.filter(|found| {
            !misses_our_outage(app, active, found, end_us)
                && !is_in_maintenance(app, active, found, end_us)
        });
        let Some(Findings { named, missing }) = findings else {
            judging.rest(&active.row, now_ms);
            continue;
        };
        let mut state = app.rules.state(&active.row);
        let verdicts: Vec<(Key, Verdict)> =
            named.iter().map(|finding| (finding.key.clone(), finding.verdict)).collect();
        let alerts = state.judge(&verdicts, *missing, now_ms, active.rule.timing());
        let mut hits = HashMap::new();
        for (key, _) in alerts.iter().filter(|(_, one)| one.change == AlertChange::Fired) {
            let finding = named.iter().find(|finding| finding.key == *key && reaches > 0);
            let scope = scope_of_server(active.row.project);
            let question =
                finding.and_then(|found| hit_question(scope, &active.rule, found, end_us));
            if let Some(question) = question {
                reaches -= 1;
                let answer = app.asker.sums(own_reader(active.row.project), question).await;
                hits.extend(answer.ok().map(|total| (key.clone(), reach::hit(&total))));
            }
        }
        note(active, &alerts);
        records.push(to_record(app, active, state, alerts, findings, hits));
    }
    let lateness = look_at_lateness(app, &rules, is_late, now_ms);
    judging.keep(&app.checks, records, lateness).await?;
    Ok(())
}

/// The minute up to which the requests of a project have arrived, as far as known.
fn end_of(app: &App, project: ProjectId) -> i64 {
    let us = app.clock.now_us() - app.arrivals.delay_us(project);
    us.div_euclid(MINUTE_US) * MINUTE_US
}

/// While this server was off it counted nothing: rules that look for silence rest until their window begins later.
fn misses_our_outage(app: &App, active: &ActiveRule, findings: &Findings, end_us: i64) -> bool {
    let longest = findings.named.iter().map(|finding| finding.window_minutes).max().unwrap_or(0);
    let from_us = end_us - i64::from(longest) * MINUTE_US;
    active.rule.is_about_absence() && from_us < app.started_us
}

/// During maintenance of the whole project rules rest, until their window begins after it: nothing can be expected of
/// it.
fn is_in_maintenance(app: &App, active: &ActiveRule, findings: &Findings, end_us: i64) -> bool {
    if findings.named.iter().all(|finding| finding.verdict != Verdict::Bad) {
        return false;
    }
    let longest = findings.named.iter().map(|finding| finding.window_minutes).max().unwrap_or(0);
    let window_us = match active.rule {
        // Windows of days may contain maintenance: those are judged as soon as it is over.
        AnyRule::Burn(_) => 0,
        _ => i64::from(longest) * MINUTE_US,
    };
    let (from_ms, to_ms) = ((end_us - window_us).div_euclid(1_000), app.clock.now_us() / 1_000);
    let within = Span { from_ms, to_ms: to_ms + 1 };
    !maintenance_of_all(app, active.row.project, within).is_empty()
}

/// Stretches of time, microseconds, in which a consumer's silence means nothing: the project was in maintenance, or
/// this server off.
fn stretches_without(app: &App, project: ProjectId, from_us: i64, to_us: i64) -> Vec<Stretch> {
    let within = Span { from_ms: from_us.div_euclid(1_000), to_ms: to_us.div_euclid(1_000) };
    let spans = maintenance_of_all(app, project, within).into_iter();
    let stretches = spans.map(|span| (span.from_ms * 1_000, span.to_ms * 1_000));
    stretches.chain([app.clock_watch.off_us()]).collect()
}

/// Maintenance of the whole project.
fn maintenance_of_all(app: &App, project: ProjectId, within: Span) -> Vec<Span> {
    let rows = app.meta.maintenance(project).into_iter();
    let of_all = rows.filter(|row| row.settings.monitors.is_none());
    let windows = of_all.filter_map(|row| row.settings.clone().read());
    windows.flat_map(|one| one.windows.spans(within)).collect()
}

fn to_record(
    app: &App,
    active: &ActiveRule,
    state: RuleState,
    alerts: Vec<(Key, AlertTransition)>,
    findings: Option<&Findings>,
    mut hits: HashMap<Key, Hit>,
) -> RuleRecord {
    let named = findings.map_or(&[][..], |findings| &findings.named);
    Change::judged(active, alerts, named, &mut hits).to_record(&app.outbox, &app.meta, state)
}

fn note(active: &ActiveRule, alerts: &[(Key, AlertTransition)]) {
    for (_, alert) in alerts {
        let (project, rule) = (active.row.project.0, active.row.id);
        tracing::info!(project, rule, alert = alert.alert, change = ?alert.change, "alert");
    }
}

/// None if nothing has changed.
fn look_at_lateness(
    app: &App,
    rules: &[ActiveRule],
    is_late: bool,
    now_ms: i64,
) -> Option<LatenessRecord> {
    let before = app.rules.lateness();
    let mut lateness = before;
    let change = lateness.look(is_late, now_ms);
    let mut projects: Vec<ProjectId> = rules.iter().map(|active| active.row.project).collect();
    projects.sort_unstable();
    projects.dedup();
    let notices = change.map(|change| late_notices(&app.meta, &projects, change, now_ms));
    let notices = notices.unwrap_or_default();
    (lateness != before).then_some(LatenessRecord { lateness, notices })
}
