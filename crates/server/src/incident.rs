//! Side effects of incidents: queries whether the project's own requests contradict a failing check, and the row of a
//! changed incident. `analytics::incident` decides what opens and closes incidents.

use std::time::Duration;

use analytics::certificate::PresentedCertificate;
use analytics::hit::ProjectId;
use analytics::incident::{Cause, Change, MonitorIncidents, Transition};
use analytics::limits;
use analytics::notice::reach::{self, Reach};
use analytics::query::ProjectScope;
use store::checks::{CheckRow, IncidentRow, IncidentSource};
use store::meta::MonitorRow;

use crate::ask::{Asker, own_reader};
use crate::clock::Clock;
use crate::pieces::to_rfc3339;

/// Asks whether the project's requests contradict a check.
pub struct Witnesses {
    pub asker: Asker,
    pub clock: Clock,
    /// Permission to query; authentication grants it (`auth::scope_of_server`).
    pub scope: fn(ProjectId) -> ProjectScope,
}

/// The requests that may confirm or contradict a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachQuestion {
    pub project: ProjectId,
    pub host: String,
    /// Only those that began after.
    pub since_ms: i64,
}

impl Witnesses {
    /// None if the answer does not come in time: then the check alone decides.
    pub async fn ask(&self, asked: ReachQuestion) -> Option<Reach> {
        let patience = Duration::from_millis(limits::WITNESS_WAIT_MS);
        let answer = tokio::time::timeout(patience, self.read(&asked)).await;
        if answer.is_err() {
            tracing::warn!(
                project = asked.project.0,
                "what the requests say about an outage was not known in time"
            );
        }
        answer.ok().flatten()
    }

    async fn read(&self, asked: &ReachQuestion) -> Option<Reach> {
        let scope = (self.scope)(asked.project);
        let from_us = asked.since_ms.saturating_mul(1_000) + 1;
        let to_us = self.clock.now_us();
        let questions = reach::questions(scope, &asked.host, from_us, to_us)?;
        let reader = own_reader(asked.project);
        let answers = tokio::try_join!(
            self.asker.sums(reader, questions.succeeded),
            self.asker.sums(reader, questions.failed),
        );
        match answers {
            Ok((succeeded, failed)) => Some(reach::reach(&succeeded, &failed)),
            Err(error) => {
                tracing::warn!(%error, "what the requests say about an outage cannot be read");
                None
            }
        }
    }
}

/// Its id in the API: `12-3`, for a rule `r12-3`.
pub fn incident_id(source: IncidentSource, number: u64) -> String {
    match source {
        IncidentSource::Monitor(id) => format!("{id}-{number}"),
        IncidentSource::Rule(id) => format!("r{id}-{number}"),
    }
}

pub fn parse_incident_id(id: &str) -> Option<(IncidentSource, u32)> {
    let (source, number) = id.split_once('-')?;
    // Only digits: a sign would turn one source into another.
    let number_of =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let source = match source.strip_prefix('r') {
        Some(rule) => IncidentSource::Rule(number_of(rule)?),
        None => IncidentSource::Monitor(number_of(source)?),
    };
    Some((source, number.parse().ok()?))
}

/// Everything known when an incident changed.
pub struct IncidentContext<'a> {
    pub monitor: &'a MonitorRow,
    /// None if no check made the change.
    pub check: Option<&'a CheckRow>,
    /// After the change.
    pub incidents: &'a MonitorIncidents,
    pub certificate: Option<&'a PresentedCertificate>,
    pub last_good_ms: Option<i64>,
    pub reach: Option<&'a Reach>,
}

impl IncidentContext<'_> {
    pub fn to_row(&self, transition: &Transition) -> IncidentRow {
        let until_ms = match transition.change {
            Change::Closed { until_ms, .. } => Some(until_ms),
            Change::Opened | Change::Announced | Change::Worsened => None,
        };
        let is_outage = transition.cause == Cause::Down;
        // The check that ends an outage has no cause of it.
        let failing = self.check.filter(|_| is_outage && until_ms.is_none());
        let detail = match transition.cause {
            Cause::Down => failing.and_then(|check| check.detail.clone()),
            Cause::Certificate => self.certificate.map(|certificate| {
                let end = to_rfc3339(certificate.not_after_s.saturating_mul(1_000_000));
                format!("the certificate ends on {end}")
            }),
            Cause::Flapping | Cause::Rule => None,
        };
        let open = self.incidents.open(transition.cause);
        IncidentRow {
            source: IncidentSource::Monitor(self.monitor.id),
            number: transition.incident,
            project: self.monitor.project,
            cause: transition.cause,
            since_ms: transition.since_ms,
            found_ms: transition.at_ms,
            until_ms,
            unconfirmed: open.is_some_and(|open| open.unconfirmed),
            failure: failing.and_then(|check| check.failure),
            detail,
            status: failing.and_then(|check| check.status),
            phases: failing.map(|check| check.phases),
            last_good_ms: self.last_good_ms.filter(|_| is_outage && until_ms.is_none()),
            hit: self.reach.filter(|_| is_outage).map(|reach| reach.hit.clone()),
        }
    }
}
