//! Incidents at work: what the project's own requests say about a host whose checks fail, and the row that a change of an
//! incident becomes. What opens and closes incidents is decided by `analytics::incident`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use analytics::certificate::PresentedCertificate;
use analytics::hit::ProjectId;
use analytics::incident::{Cause, Change, MonitorIncidents, Transition};
use analytics::limits;
use analytics::notice::reach::{self, Reach};
use analytics::query::ProjectScope;
use store::Store;
use store::checks::{CheckRow, IncidentRow};
use store::meta::MonitorRow;

use crate::clock::Clock;
use crate::reads::{ReadQueue, Reader};
use crate::rows::to_rfc3339;

/// Asks the store of hits. Reads wait for their turn as everyone's do.
pub struct Witnesses {
    pub store: Store,
    pub reads: Arc<ReadQueue>,
    pub clock: Clock,
    /// Permission to ask; authentication gives it (`auth::scope_of_server`).
    pub scope: fn(ProjectId) -> ProjectScope,
}

/// Which requests may speak for a monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachQuestion {
    pub project: ProjectId,
    pub host: String,
    /// Those that began after.
    pub since_ms: i64,
}

impl Witnesses {
    /// None where the answer does not come in time: then the check alone decides.
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
        let questions = reach::questions(scope.clone(), &asked.host, from_us, to_us)?;
        let rows = self.store.rows_between(&scope, from_us, to_us);
        let reader = Reader::new(asked.project, IpAddr::V4(Ipv4Addr::LOCALHOST));
        let estimate = Duration::from_millis(1 + rows / limits::READ_ROWS_PER_MS);
        let _turn = self.reads.take(reader, estimate).await.ok()?;
        let answers = tokio::try_join!(
            self.store.sums(questions.succeeded),
            self.store.sums(questions.failed),
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

/// Everything that was known when an incident changed.
pub struct IncidentContext<'a> {
    pub monitor: &'a MonitorRow,
    /// None where no check made the change.
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
        // The check that ends an outage says nothing about its cause.
        let failing = self.check.filter(|_| is_outage && until_ms.is_none());
        let detail = match transition.cause {
            Cause::Down => failing.and_then(|check| check.detail.clone()),
            Cause::Certificate => self.certificate.map(|certificate| {
                let end = to_rfc3339(certificate.not_after_s.saturating_mul(1_000_000));
                format!("the certificate ends on {end}")
            }),
            Cause::Flapping => None,
        };
        let open = self.incidents.open(transition.cause);
        IncidentRow {
            monitor: self.monitor.id,
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
