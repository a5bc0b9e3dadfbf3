//! The delivery of notices: the rows that a changed incident adds for each channel of its project, and one try to send
//! one.
//!
//! A notice is written in the transaction of the change that it announces (`store::checks`), so none is lost and none
//! is invented; `delivery` sends it at least once. `analytics::notice` decides on its format and retries.

mod send;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use analytics::alert::Severity;
use analytics::check::Phase;
use analytics::hit::ProjectId;
use analytics::incident::certificate::Level;
use analytics::incident::{Cause, MonitorIncidents, Transition};
use analytics::limits;
use analytics::notice::source::Source;
use analytics::notice::{self, Links, Notice};
use store::checks::{ChannelKey, IncidentRow, IncidentSource, NewNotice};
use store::meta::{Meta, MonitorRow};
use tokio::sync::Notify;

use crate::incident::incident_id;
use crate::loop_health::LoopHealth;

pub use send::{Carriers, Sent, send};

/// State shared by the delivery loop (`delivery`) and its reports.
#[derive(Default)]
pub struct Outbox {
    /// The public address of this server; none if the operator has not set it, and notices have no links.
    public_address: Option<String>,
    /// Something was written, or may be sent earlier than planned.
    changed: Notify,
    pub health: LoopHealth,
    /// By channel, milliseconds since 1970.
    last_sent: Mutex<HashMap<i64, i64>>,
}

impl Outbox {
    pub fn new(public_address: Option<String>) -> Outbox {
        Outbox { public_address, ..Outbox::default() }
    }

    /// The addresses of an incident. `created_us`: when its monitor or rule was created.
    pub fn links(
        &self,
        meta: &Meta,
        project: ProjectId,
        (source, created_us): (IncidentSource, i64),
        number: u64,
    ) -> Links {
        let Some(address) = &self.public_address else { return Links::default() };
        let (project, id) = (project.0, incident_id(source, number));
        let token = meta.acknowledge_token(source.to_column(), created_us, number);
        Links {
            page: Some(format!("{address}/alerts?project={project}&incident={id}")),
            acknowledge: Some(format!("{address}/acknowledge/{id}/{token}")),
        }
    }

    /// Wakes the loop.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Returns when the loop should run.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    pub fn last_sent_ms(&self, channel: i64) -> Option<i64> {
        lock(&self.last_sent).get(&channel).copied()
    }

    pub fn note_sent(&self, channel: i64, at_ms: i64) {
        lock(&self.last_sent).insert(channel, at_ms);
    }

    /// Current problems, in words.
    pub fn problems(&self) -> Vec<String> {
        let patience = Duration::from_secs(limits::NOTICE_SILENT_SECONDS);
        self.health.problems(patience, "notices are not sent: the loop that sends them has stopped")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A notice for each channel and each change worth one. `pieces`: of these transitions, in order.
pub fn compose(
    outbox: &Outbox,
    meta: &Meta,
    monitor: &MonitorRow,
    transitions: &[Transition],
    rows: &[IncidentRow],
    incidents: &MonitorIncidents,
) -> Vec<NewNotice> {
    let channels = enabled_channels(meta, monitor.project);
    if channels.is_empty() {
        return Vec::new();
    }
    let project = meta.project(monitor.project).map(|project| project.name).unwrap_or_default();
    let mut notices = Vec::new();
    for (transition, row) in transitions.iter().zip(rows) {
        let Some(source) = Source::of_incident(&monitor.id.to_string(), transition) else {
            continue;
        };
        let severity = severity(transition.cause, incidents.certificate_level());
        let source_row = (IncidentSource::Monitor(monitor.id), monitor.created_us);
        let links = outbox.links(meta, monitor.project, source_row, transition.incident);
        let notice = to_notice(source, transition, row, severity, &project, monitor);
        let notice = Notice { links, ..notice };
        notices.extend(channels.iter().map(|channel| NewNotice {
            channel: *channel,
            project: monitor.project,
            source: Some(IncidentSource::Monitor(monitor.id)),
            notice: notice.clone(),
            created_ms: transition.at_ms,
        }));
    }
    notices
}

/// The project's enabled channels.
pub fn enabled_channels(meta: &Meta, project: ProjectId) -> Vec<ChannelKey> {
    let channels = meta.channels(project);
    let enabled = channels.iter().filter(|channel| channel.settings.enabled);
    enabled.map(|channel| (channel.id, channel.created_us)).collect()
}

fn severity(cause: Cause, certificate: Level) -> Severity {
    match (cause, certificate) {
        (Cause::Down, _) => Severity::Critical,
        (Cause::Flapping | Cause::Rule, _) | (Cause::Certificate, Level::Fine | Level::Warn) => {
            Severity::Warning
        }
        (Cause::Certificate, _) => Severity::Critical,
    }
}

fn to_notice(
    source: Source,
    transition: &Transition,
    row: &IncidentRow,
    severity: Severity,
    project: &str,
    monitor: &MonitorRow,
) -> Notice {
    let failure = row.failure.map(|failure| failure.to_string());
    let mut phases = Vec::new();
    for phase in Phase::ALL {
        if let Some(took) = row.phases.as_ref().and_then(|phases| phases.get(phase)) {
            let duration_ms = took.as_millis() as u64;
            phases.push(notice::Phase { name: phase.as_str().to_owned(), duration_ms });
        }
    }
    Notice {
        id: source.id,
        thread: source.thread,
        stage: source.stage,
        topic: source.topic,
        severity,
        project: project.to_owned(),
        subject: monitor.settings.name.clone().unwrap_or_default(),
        at_ms: transition.at_ms,
        cause: source.cause.or_else(|| row.detail.clone()).or(failure),
        unconfirmed: row.unconfirmed,
        phases,
        hit: row.hit.clone().filter(|hit| hit.requests > 0),
        first_failing_ms: Some(source.since_ms),
        last_good_ms: row.last_good_ms,
        until_ms: source.until_ms,
        combined: false,
        items: Vec::new(),
        links: Links::default(),
    }
}
