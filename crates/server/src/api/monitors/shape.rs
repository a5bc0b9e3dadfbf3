//! The shapes of answers about monitors.

use std::time::Duration;

use analytics::certificate::PresentedCertificate;
use analytics::check::{Phase, Phases};
use analytics::monitor::MonitorSettings;
use analytics::uptime::{Outcome, State};
use serde::Serialize;
use store::checks::CheckRow;
use store::meta::MonitorRow;
use utoipa::ToSchema;

use super::uptime::{DayBar, Uptime};
use crate::monitor::{ProbeResult, Standing};
use crate::pieces::to_rfc3339;

#[derive(Serialize, ToSchema)]
pub struct MonitorList {
    pub monitors: Vec<MonitorAnswer>,
}

/// A monitor and where it stands.
#[derive(Serialize, ToSchema)]
pub struct MonitorAnswer {
    pub id: i64,
    pub settings: MonitorSettings,
    pub created_at: String,
    /// Its `id` in the operator's file of monitors, where it is kept there: then it can't be changed here.
    pub file_entry: Option<String>,
    /// The state now: `up`, `degraded`, `down`, `unknown` or `maintenance`.
    #[schema(example = "up")]
    pub state: &'static str,
    /// Since when it is in this state without a break. Null before the first check.
    pub since: Option<String>,
    /// Whether an outage is confirmed and not over, even if the current state is unknown.
    pub is_down: bool,
    /// Results in a row that speak against that and are not confirmed yet.
    pub unconfirmed: Option<Unconfirmed>,
    /// The newest result since the server started.
    pub last_check: Option<MonitorCheck>,
    /// Null while it is paused.
    pub next_check_at: Option<String>,
    /// As the host last presented it.
    pub certificate: Option<ShownCertificate>,
    /// Signals of a heartbeat.
    pub signals: Option<ShownSignals>,
    /// The address that a heartbeat's job calls, by GET or POST: as it is for success, with `/start` or `/fail` behind it for
    /// those. Anyone who has it can call.
    pub heartbeat_url: Option<String>,
    /// Uptime of the last 24 hours, 7, 30, 90 and 365 days. Null in the answer to a change, and with `uptime=false`.
    pub uptime: Option<Vec<Uptime>>,
    /// The last 90 days (UTC), the oldest first, today last. Null as `uptime`.
    pub bars: Option<Vec<DayBar>>,
}

#[derive(Serialize, ToSchema)]
pub struct Unconfirmed {
    pub results: u32,
    /// When the first of them was due.
    pub since: String,
}

/// The result of a check.
#[derive(Serialize, ToSchema)]
pub struct MonitorCheck {
    /// When it was due.
    pub at: String,
    /// `up`, `degraded`, `down`, or `unknown` where no check was made.
    #[schema(example = "down")]
    pub outcome: &'static str,
    /// The stable code of a failure.
    #[schema(example = "timeout_connect")]
    pub failure: Option<&'static str>,
    /// The failure in words.
    pub message: Option<String>,
    /// Status of the HTTP answer.
    pub status: Option<u16>,
    /// How many checks were not made, this one and those behind it; 0 for one that was made.
    pub missed: u32,
    /// How long after it was due it began.
    pub late_ms: i64,
    pub times: PhaseTimes,
}

/// How long each phase took, summed over redirects; null for one that was not reached.
#[derive(Serialize, ToSchema)]
pub struct PhaseTimes {
    pub total_ms: f64,
    pub dns_ms: Option<f64>,
    pub connect_ms: Option<f64>,
    pub tls_ms: Option<f64>,
    /// From the request sent to the head of the answer.
    pub first_byte_ms: Option<f64>,
    pub body_ms: Option<f64>,
}

#[derive(Serialize, ToSchema)]
pub struct ShownCertificate {
    pub not_before: String,
    pub not_after: String,
    pub names: Vec<String>,
    pub issuer: String,
    /// `fine`, `warn`, `critical`, `not_yet_valid` or `expired`: how soon it ends, by days and by its life.
    #[schema(example = "fine", value_type = String)]
    pub level: analytics::incident::certificate::Level,
    /// Why it is not trusted, in words.
    pub problem: Option<&'static str>,
}

/// When a heartbeat's job last called.
#[derive(Serialize, ToSchema)]
pub struct ShownSignals {
    pub started_at: Option<String>,
    pub succeeded_at: Option<String>,
    pub failed_at: Option<String>,
    /// From the last start to what followed.
    pub took_ms: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct CheckList {
    /// Newest first.
    pub checks: Vec<MonitorCheck>,
    /// `before` of the next page; null if there is none.
    pub next: Option<String>,
}

/// The result of a check made on request.
#[derive(Serialize, ToSchema)]
pub struct CheckedNow {
    #[schema(example = "up")]
    pub outcome: &'static str,
    #[schema(example = "tls_expired")]
    pub failure: Option<&'static str>,
    pub message: Option<String>,
    pub status: Option<u16>,
    pub redirects: u32,
    pub times: PhaseTimes,
    pub certificate: Option<ShownCertificate>,
}

pub fn to_time(ms: i64) -> String {
    to_rfc3339(ms.saturating_mul(1_000))
}

/// None if no check is planned.
fn to_future_time(ms: i64) -> Option<String> {
    (ms < i64::MAX / 1_000).then(|| to_time(ms))
}

fn to_ms(took: Duration) -> f64 {
    (took.as_micros() as f64) / 1_000.0
}

impl MonitorAnswer {
    pub fn of(
        row: &MonitorRow,
        standing: Option<Standing>,
        heartbeat_url: Option<String>,
        now_us: i64,
    ) -> MonitorAnswer {
        let is_heartbeat = row.settings.kind == Some(analytics::monitor::Kind::Heartbeat);
        let signals = standing.as_ref().filter(|_| is_heartbeat).map(|standing| {
            let signals = standing.signals;
            ShownSignals {
                started_at: signals.started_ms.map(to_time),
                succeeded_at: signals.succeeded_ms.map(to_time),
                failed_at: signals.failed_ms.map(to_time),
                took_ms: signals.took_ms,
            }
        });
        MonitorAnswer {
            id: row.id,
            settings: row.settings.clone().without_secrets(),
            created_at: to_rfc3339(row.created_us),
            file_entry: row.file_entry.clone(),
            state: standing.as_ref().map_or(State::Unknown, |standing| standing.state).as_str(),
            since: standing.as_ref().and_then(|standing| standing.since_ms).map(to_time),
            is_down: standing.as_ref().is_some_and(|standing| standing.is_down),
            unconfirmed: standing
                .as_ref()
                .and_then(|standing| standing.unconfirmed)
                .map(|(results, since_ms)| Unconfirmed { results, since: to_time(since_ms) }),
            last_check: standing
                .as_ref()
                .and_then(|standing| standing.newest.as_ref())
                .map(MonitorCheck::of),
            next_check_at: standing
                .as_ref()
                .and_then(|standing| standing.next_ms)
                .and_then(to_future_time),
            certificate: standing
                .and_then(|standing| standing.certificate)
                .map(|certificate| ShownCertificate::of(certificate, now_us)),
            signals,
            heartbeat_url,
            uptime: None,
            bars: None,
        }
    }
}

impl MonitorCheck {
    pub fn of(row: &CheckRow) -> MonitorCheck {
        MonitorCheck {
            at: to_time(row.at_ms),
            outcome: row.outcome.as_str(),
            failure: row.failure.map(|failure| failure.code()),
            message: message(row.failure, row.detail.clone(), row.outcome),
            status: row.status,
            missed: row.missed,
            late_ms: row.late_ms,
            times: PhaseTimes::of(&row.phases),
        }
    }
}

/// The detail of the failure, or the meaning of its class.
fn message(
    failure: Option<analytics::check::Failure>,
    detail: Option<String>,
    outcome: Outcome,
) -> Option<String> {
    let words = detail.or_else(|| failure.map(|failure| failure.to_string()));
    words.or_else(|| (outcome == Outcome::Unknown).then(|| "not checked".to_owned()))
}

impl PhaseTimes {
    pub fn of(phases: &Phases) -> PhaseTimes {
        let [dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms] =
            Phase::ALL.map(|phase| phases.get(phase).map(to_ms));
        let total_ms = to_ms(phases.total());
        PhaseTimes { total_ms, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms }
    }
}

impl ShownCertificate {
    fn of(certificate: PresentedCertificate, now_us: i64) -> ShownCertificate {
        let level = certificate.level(now_us.div_euclid(1_000));
        let to_time = |seconds: i64| to_rfc3339(seconds.saturating_mul(1_000_000));
        ShownCertificate {
            not_before: to_time(certificate.not_before_s),
            not_after: to_time(certificate.not_after_s),
            names: certificate.names,
            issuer: certificate.issuer,
            level,
            problem: certificate.problem.map(|problem| problem.meaning()),
        }
    }
}

impl CheckedNow {
    pub fn of(found: ProbeResult, now_us: i64) -> CheckedNow {
        let verdict = found.verdict;
        CheckedNow {
            outcome: verdict.outcome.as_str(),
            failure: verdict.failure.map(|failure| failure.code()),
            message: message(verdict.failure, verdict.detail, verdict.outcome),
            status: found.status,
            redirects: found.redirects,
            times: PhaseTimes::of(&found.phases),
            certificate: found
                .certificate
                .map(|certificate| ShownCertificate::of(certificate, now_us)),
        }
    }
}
