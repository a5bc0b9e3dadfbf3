//! The shapes of answers about incidents.

use std::time::Duration;

use analytics::incident::{Cause, Change, Muted};
use analytics::notice::Hit;
use serde::Serialize;
use store::checks::{IncidentSource, IncidentUpdate, KeptIncident, KeptTransition};
use utoipa::ToSchema;

use crate::api::monitors::PhaseTimes;
use crate::rows::to_rfc3339;

/// The cost of a call about incidents, at most: about that of a short list of hits.
pub const READ: Duration = Duration::from_millis(10);

#[derive(Serialize, ToSchema)]
pub struct IncidentList {
    /// Newest first.
    pub incidents: Vec<MonitorIncident>,
    /// `before` of the next page; null where there is none.
    pub next: Option<String>,
}

/// A stretch of failing checks, of flapping, a certificate that ends, or an alert of a rule.
#[derive(Serialize, ToSchema)]
pub struct MonitorIncident {
    /// Of a rule's incident it begins with `r`.
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
    /// Of the HTTP answer.
    pub status: Option<u16>,
    /// Of the check that confirmed it.
    pub times: Option<PhaseTimes>,
    /// The newest check before it that succeeded.
    pub last_good_at: Option<String>,
    /// The project's requests to the host that failed (with a status from 500 on) since it began, as known at its newest
    /// transition. Of a rule about errors, the requests of its window when it fired.
    pub hit: Option<Hit>,
    pub acknowledged_at: Option<String>,
    /// For the project's people.
    pub note: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct IncidentAnswer {
    pub incident: MonitorIncident,
    /// How it came to be so, in order.
    pub transitions: Vec<IncidentTransition>,
    /// For those who look at the public status page, in order.
    pub updates: Vec<PublicUpdate>,
}

#[derive(Serialize, ToSchema)]
pub struct IncidentTransition {
    pub at: String,
    /// `opened`, `announced` (its notice had been held back), `worsened` or `closed`.
    #[schema(example = "opened")]
    pub change: &'static str,
    /// Why nobody was told: `maintenance`, `parent`, `flapping`, `unconfirmed`, `never_told` or `stopped`. Null: a notice went
    /// to every channel.
    #[schema(example = "unconfirmed", value_type = Option<String>)]
    pub muted: Option<Muted>,
}

#[derive(Serialize, ToSchema)]
pub struct PublicUpdate {
    pub at: String,
    pub text: String,
}

/// The name of what an incident is of; the other is "".
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
            id: match found.source {
                IncidentSource::Monitor(id) => format!("{id}-{}", found.number),
                IncidentSource::Rule(id) => format!("r{id}-{}", found.number),
            },
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
        }
    }
}

impl IncidentAnswer {
    pub fn of(
        row: &KeptIncident,
        names: &SourceNames,
        updates: &[IncidentUpdate],
        transitions: &[KeptTransition],
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
        let updates = updates
            .iter()
            .map(|update| PublicUpdate { at: to_time(update.at_ms), text: update.text.clone() });
        IncidentAnswer {
            incident: MonitorIncident::of(row, names),
            transitions: transitions.collect(),
            updates: updates.collect(),
        }
    }
}
