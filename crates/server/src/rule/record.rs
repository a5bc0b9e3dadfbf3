//! A judgement as it is stored: the state, the incidents that began and ended, and their notices.

use std::collections::HashMap;
use std::sync::Arc;

use analytics::alert::Finding;
use analytics::alert::timeline::MINUTE_US;
use analytics::alert::{
    AlertChange, AlertTransition, AnyRule, Group, Key, LatenessChange, Metric, ReadyMade,
    RuleState, Severity,
};
use analytics::filter::{self, Condition, Field, Filter, Test};
use analytics::hit::ProjectId;
use analytics::incident::{self, Transition};
use analytics::notice::source::Source;
use analytics::notice::{Hit, Links, Notice, reach};
use analytics::query::{ProjectScope, SumsQuery};
use store::checks::{IncidentRow, IncidentSource, NewNotice, RuleRecord};
use store::meta::{Meta, RuleRow};

use super::ActiveRule;
use crate::notice::{Outbox, enabled_channels};

/// A rule whose alerts began or ended, with everything known then.
pub struct Change {
    row: Arc<RuleRow>,
    transitions: Vec<One>,
    is_stopped: bool,
    label: String,
}

struct One {
    key: Key,
    alert: AlertTransition,
    severity: Severity,
    /// For an alert that fired.
    detail: Option<String>,
    hit: Option<Hit>,
}

impl Change {
    /// `hits`: the requests behind fired alerts, by key, as far as known.
    pub fn judged(
        active: &ActiveRule,
        transitions: Vec<(Key, AlertTransition)>,
        findings: &[Finding],
        hits: &mut HashMap<Key, Hit>,
    ) -> Change {
        let one = |(key, alert): (Key, AlertTransition)| {
            let finding = findings.iter().find(|finding| finding.key == key);
            let fired = finding.filter(|_| alert.change == AlertChange::Fired);
            One {
                severity: active.rule.severity(&key),
                detail: fired.map(|finding| active.rule.describe(finding)),
                hit: hits.remove(&key).filter(|_| fired.is_some()),
                key,
                alert,
            }
        };
        Change {
            row: active.row.clone(),
            transitions: transitions.into_iter().map(one).collect(),
            is_stopped: false,
            label: active.rule.label(),
        }
    }

    pub fn stopped(row: &Arc<RuleRow>, ended: &[(Key, AlertTransition)]) -> Change {
        let one = |(key, alert): &(Key, AlertTransition)| One {
            key: key.clone(),
            alert: *alert,
            severity: Severity::Info,
            detail: None,
            hit: None,
        };
        let transitions = ended.iter().map(one).collect();
        Change { row: row.clone(), transitions, is_stopped: true, label: String::new() }
    }

    pub fn to_record(&self, outbox: &Outbox, meta: &Meta, state: RuleState) -> RuleRecord {
        let row = &self.row;
        let channels = match self.transitions.is_empty() || self.is_stopped {
            true => Vec::new(),
            false => enabled_channels(meta, row.project),
        };
        let project = match channels.is_empty() {
            true => String::new(),
            false => meta.project(row.project).map(|project| project.name).unwrap_or_default(),
        };
        let mut record =
            RuleRecord { id: row.id, created_us: row.created_us, state, ..RuleRecord::default() };
        for one in &self.transitions {
            let transition = Transition::of_alert(&one.alert, self.is_stopped);
            record.incidents.push(self.to_incident(one, &transition));
            record.transitions.push(transition);
            let source = (IncidentSource::Rule(row.id), row.created_us);
            let links = outbox.links(meta, row.project, source, one.alert.alert);
            let notice = Notice { links, ..self.to_notice(one, &project) };
            record.notices.extend(channels.iter().map(|channel| NewNotice {
                channel: *channel,
                project: row.project,
                source: Some(IncidentSource::Rule(row.id)),
                notice: notice.clone(),
                created_ms: one.alert.at_ms,
            }));
        }
        record
    }

    fn to_incident(&self, one: &One, transition: &Transition) -> IncidentRow {
        let until_ms = match transition.change {
            incident::Change::Closed { until_ms, .. } => Some(until_ms),
            _ => None,
        };
        IncidentRow {
            source: IncidentSource::Rule(self.row.id),
            number: transition.incident,
            project: self.row.project,
            cause: transition.cause,
            since_ms: transition.since_ms,
            found_ms: transition.at_ms,
            until_ms,
            unconfirmed: false,
            failure: None,
            detail: one.detail.clone(),
            status: None,
            phases: None,
            last_good_ms: None,
            hit: one.hit.clone(),
        }
    }

    fn to_notice(&self, one: &One, project: &str) -> Notice {
        let source = Source::of_alert(&self.row.id.to_string(), &one.key, &one.alert);
        let subject = self.row.settings.name.clone().unwrap_or_else(|| self.label.clone());
        Notice {
            cause: one.detail.clone().or_else(|| source.cause.clone()),
            hit: one.hit.clone().filter(|hit| hit.requests > 0),
            ..to_notice(source, one.severity, project, subject, one.alert.at_ms)
        }
    }
}

/// For every channel of the projects with rules: that none can be judged, or that they can again.
pub fn late_notices(
    meta: &Meta,
    projects: &[ProjectId],
    change: LatenessChange,
    now_ms: i64,
) -> Vec<NewNotice> {
    let mut notices = Vec::new();
    for id in projects {
        let Some(project) = meta.project(*id) else { continue };
        let source = Source::of_lateness(change);
        let subject = "Rules".to_owned();
        let notice = to_notice(source, Severity::Warning, &project.name, subject, now_ms);
        let channels = enabled_channels(meta, *id);
        notices.extend(channels.into_iter().map(|channel| NewNotice {
            channel,
            project: *id,
            source: None,
            notice: notice.clone(),
            created_ms: now_ms,
        }));
    }
    notices
}

fn to_notice(
    source: Source,
    severity: Severity,
    project: &str,
    subject: String,
    at_ms: i64,
) -> Notice {
    Notice {
        id: source.id,
        thread: source.thread,
        stage: source.stage,
        topic: source.topic,
        severity,
        project: project.to_owned(),
        subject,
        at_ms,
        cause: source.cause,
        unconfirmed: false,
        phases: Vec::new(),
        hit: None,
        first_failing_ms: Some(source.since_ms),
        last_good_ms: None,
        until_ms: source.until_ms,
        combined: false,
        items: Vec::new(),
        links: Links::default(),
    }
}

/// The query for the requests behind an alert. None if it is about response times or numbers of requests.
pub fn hit_question(
    scope: ProjectScope,
    rule: &AnyRule,
    finding: &Finding,
    end_us: i64,
) -> Option<SumsQuery> {
    let failed = || vec![reach::of_status(500, 599)];
    let mut conditions = match rule {
        AnyRule::ReadyMade(ReadyMade::ServerErrorSpike | ReadyMade::NewFailingEndpoint)
        | AnyRule::Burn(_) => failed(),
        AnyRule::ReadyMade(ReadyMade::DeniedStorm) => {
            let range = |status| Test::Range { min: Some(status), max: Some(status) };
            let tests = [401, 403, 429].map(range).to_vec();
            vec![Condition { field: Field::Status, negated: false, tests }]
        }
        AnyRule::Own { rule, .. } => match rule.metric {
            Metric::ServerErrors | Metric::ServerErrorShare => failed(),
            Metric::ClientErrors | Metric::ClientErrorShare => vec![reach::of_status(400, 499)],
            _ => return None,
        },
        AnyRule::ReadyMade(_) => return None,
    };
    if let AnyRule::Own { rule, .. } = rule {
        conditions.extend(filter::parse(&rule.q).ok()?.conditions);
    }
    if group_of(rule) == Group::Endpoint
        && let Some((method, route)) = finding.key.split_once(' ')
    {
        for (field, value) in [(Field::Method, method), (Field::Route, route)] {
            let tests = vec![Test::Is(value.to_owned())];
            conditions.push(Condition { field, negated: false, tests });
        }
    }
    let from_us = end_us - i64::from(finding.window_minutes) * MINUTE_US;
    Some(reach::hit_question(scope, Filter { conditions }, from_us, end_us))
}

fn group_of(rule: &AnyRule) -> Group {
    match rule {
        AnyRule::ReadyMade(kind) => kind.rule().group_by,
        AnyRule::Burn(_) => Group::All,
        AnyRule::Own { rule, .. } => rule.group_by,
    }
}
