//! The shapes of answers about incidents.

use std::time::Duration;

use analytics::incident::{Cause, Change, Muted};
use analytics::notice::{self, Hit};
use analytics::status_page::publication::{Severity, Stage};
use serde::Serialize;
use store::checks::{IncidentUpdate, KeptIncident, KeptTransition, ThreadNotice};
use utoipa::ToSchema;

use crate::api::monitors::PhaseTimes;
use crate::incident::incident_id;
use crate::pieces::to_rfc3339;

/// The cost of a call about incidents, at most: about that of a short list of hits.
pub const READ: Duration = Duration::from_millis(10);

#[derive(Serialize, ToSchema)]
pub struct IncidentList {
    /// Newest first.
    pub incidents: Vec<MonitorIncident>,
    /// `before` of the next page; null if there is none.
    pub next: Option<String>,
}

/// A stretch of failing checks, of flapping, a certificate that ends, or an alert of a rule.
#[derive(Serialize, ToSchema)]
pub struct MonitorIncident {
    /// Begins with `r` for a rule's incident.
    #[schema(example = "12-3")]
    pub id: String,
    /// The monitor's `id`. Null: it is a rule's.
    pub monitor: Option<i64>,
    pub monitor_name: String,
    /// The rule's `id`. Null: it is a monitor's.
    pub rule: Option<i64>,
    pub rule_name: String,
    /// `down`, `flapping` or `certificate`; `rule` of a rule.
    #[schema(example = "down", value_type = String)]
    pub cause: Cause,
    /// `open` or `closed`.
    #[schema(example = "open")]
    pub state: &'static str,
    /// The first failure of an outage; when the condition of a rule began to hold.
    pub began_at: String,
    /// When it was confirmed.
    pub confirmed_at: String,
    /// The first success after it. Null while it is open.
    pub ended_at: Option<String>,
    /// From its begin to its end. Null while it is open.
    pub duration_ms: Option<i64>,
    /// The project's own requests to the host succeeded while checks failed: the fault is likely on this server's side.
    pub unconfirmed: bool,
    /// The stable code of the failure.
    #[schema(example = "timeout_connect")]
    pub failure: Option<&'static str>,
    /// The failure in words.
    pub message: Option<String>,
    /// Status of the HTTP answer.
    pub status: Option<u16>,
    /// Phases of the check that confirmed it.
    pub times: Option<PhaseTimes>,
    /// The newest check before it that succeeded.
    pub last_good_at: Option<String>,
    /// The project's requests to the host that failed (with a status from 500 on) since it began, as known at its newest
    /// transition. Of a rule about errors, the requests of its window when it fired.
    pub hit: Option<Hit>,
    pub acknowledged_at: Option<String>,
    /// For the project's people.
    pub note: Option<String>,
    /// Its title on the public status page. Null: visitors do not see the incident.
    pub public_title: Option<String>,
    /// `minor` or `major`, shown beside that title.
    #[schema(example = "major", value_type = Option<String>)]
    pub severity: Option<Severity>,
}

#[derive(Serialize, ToSchema)]
pub struct IncidentAnswer {
    pub incident: MonitorIncident,
    /// How it came to be so, in order.
    pub transitions: Vec<IncidentTransition>,
    /// For those who look at the public status page, in order.
    pub updates: Vec<PublicUpdate>,
    /// The notices of its transitions, in order. Kept for 90 days.
    pub notices: Vec<IncidentNotice>,
}

#[derive(Serialize, ToSchema)]
pub struct IncidentTransition {
    pub at: String,
    /// `opened`, `announced` (its notice had been held back), `worsened` or `closed`.
    #[schema(example = "opened")]
    pub change: &'static str,
    /// Why no notice was sent: `maintenance`, `parent`, `flapping`, `unconfirmed`, `never_told` or `stopped`. Null: a notice went
    /// to every channel.
    #[schema(example = "unconfirmed", value_type = Option<String>)]
    pub muted: Option<Muted>,
}

/// A notice of an incident to one channel.
#[derive(Serialize, ToSchema)]
pub struct IncidentNotice {
    /// The channel's `id`.
    pub channel: i64,
    pub channel_name: String,
    /// `opening`, `update` or `resolved`.
    #[schema(example = "opening", value_type = String)]
    pub stage: notice::Stage,
    /// `waiting`, `delivered`, `failed` (the far side refused it) or `given_up` (it was tried for 24 hours).
    #[schema(example = "delivered")]
    pub state: String,
    pub created_at: String,
    /// When it is tried again, while it waits.
    pub next_try_at: Option<String>,
    pub ended_at: Option<String>,
    /// How often it was sent so far.
    pub tries: u32,
}

#[derive(Serialize, ToSchema)]
pub struct PublicUpdate {
    pub at: String,
    /// `investigating`, `identified`, `monitoring` or `resolved`.
    #[schema(example = "identified", value_type = String)]
    pub stage: Stage,
    pub text: String,
}

/// The name of the incident's monitor or rule; the other is "".
#[derive(Default)]
pub struct SourceNames {
    pub monitor: String,
    pub rule: String,
}

pub fn to_time(ms: i64) -> String {
    to_rfc3339(ms.saturating_mul(1_000))
}

impl MonitorIncident {
    pub fn of(row: &KeptIncident, names: &SourceNames) -> MonitorIncident {
        let found = &row.found;
        let message = found.detail.clone();
        MonitorIncident {
            id: incident_id(found.source, found.number),
            monitor: found.source.monitor(),
            monitor_name: names.monitor.clone(),
            rule: found.source.rule(),
            rule_name: names.rule.clone(),
            cause: found.cause,
            state: if found.until_ms.is_none() { "open" } else { "closed" },
            began_at: to_time(found.since_ms),
            confirmed_at: to_time(found.found_ms),
            ended_at: found.until_ms.map(to_time),
            duration_ms: found.until_ms.map(|until_ms| (until_ms - found.since_ms).max(0)),
            unconfirmed: found.unconfirmed,
            failure: found.failure.map(|failure| failure.code()),
            message: message.or_else(|| found.failure.map(|failure| failure.to_string())),
            status: found.status,
            times: found.phases.as_ref().map(PhaseTimes::of),
            last_good_at: found.last_good_ms.map(to_time),
            hit: found.hit.clone(),
            acknowledged_at: row.acknowledged_ms.map(to_time),
            note: row.note.clone(),
            public_title: row.publication.as_ref().map(|public| public.title.clone()),
            severity: row.publication.as_ref().map(|public| public.severity),
        }
    }
}

impl IncidentNotice {
    pub fn of(notice: ThreadNotice, channel_name: String) -> IncidentNotice {
        let waits = notice.state == "waiting";
        IncidentNotice {
            channel: notice.channel,
            channel_name,
            stage: notice.stage,
            state: notice.state,
            created_at: to_time(notice.created_ms),
            next_try_at: waits.then(|| to_time(notice.next_ms)),
            ended_at: notice.ended_ms.map(to_time),
            tries: notice.tries,
        }
    }
}

impl IncidentAnswer {
    pub fn of(
        row: &KeptIncident,
        names: &SourceNames,
        updates: &[IncidentUpdate],
        transitions: &[KeptTransition],
        notices: Vec<IncidentNotice>,
    ) -> IncidentAnswer {
        let transitions = transitions.iter().map(|transition| IncidentTransition {
            at: to_time(transition.at_ms),
            change: match transition.change {
                Change::Opened => "opened",
                Change::Announced => "announced",
                Change::Worsened => "worsened",
                Change::Closed { .. } => "closed",
            },
            muted: transition.muted,
        });
        let updates = updates.iter().map(|update| PublicUpdate {
            at: to_time(update.at_ms),
            stage: update.stage,
            text: update.text.clone(),
        });
        IncidentAnswer {
            incident: MonitorIncident::of(row, names),
            transitions: transitions.collect(),
            updates: updates.collect(),
            notices,
        }
    }
}
