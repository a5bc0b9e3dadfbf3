//! Rows of the file, written and read.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use analytics::certificate::PresentedCertificate;
use analytics::check::{Failure, Phase, Phases};
use analytics::incident::{MonitorIncidents, Transition};
use analytics::limits;
use analytics::monitor::Signals;
use analytics::uptime::{Millis, Outcome, Tracker};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::incidents::IncidentRow;
use super::outbox::NewNotice;
use super::{ChecksError, DAY_MS};
use crate::database::columns::Columns as _;

/// One result.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckRow {
    pub monitor: i64,
    /// The slot, or the time of a check on demand.
    pub at_ms: i64,
    pub outcome: Outcome,
    pub failure: Option<Failure>,
    pub detail: Option<String>,
    /// Status of the HTTP response.
    pub status: Option<u16>,
    /// Number of slots from this one on without a check; 0 for a real check.
    pub missed: u32,
    /// How long after its slot the check began.
    pub late_ms: i64,
    pub phases: Phases,
}

/// A monitor's state. The newest of a group is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MonitorState {
    pub id: i64,
    /// When the monitor was made, microseconds.
    pub created_us: i64,
    pub kept: KeptState,
}

/// The part of a state that is stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptState {
    pub tracker: Tracker,
    pub incidents: MonitorIncidents,
    /// When a check last succeeded.
    pub last_good_ms: Option<i64>,
    /// Signals of a heartbeat.
    pub signals: Signals,
    /// The certificate that the host last presented.
    pub certificate: Option<PresentedCertificate>,
}

/// Everything that one result writes, in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// None if only the state has changed.
    pub check: Option<CheckRow>,
    /// By the start of the row.
    pub changes: BTreeMap<i64, Millis>,
    pub state: MonitorState,
    /// Changes of incidents.
    pub transitions: Vec<Transition>,
    pub incidents: Vec<IncidentRow>,
    /// Notices about these changes, one per channel.
    pub notices: Vec<NewNotice>,
}

/// Sums of 5 minutes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SumRow {
    pub from_ms: i64,
    /// Excludes unknown time.
    pub millis: Millis,
    pub checks: u64,
    pub failures: u64,
    /// Number of successful checks, whose times are added up in `phases`.
    pub timed: u64,
    pub phases: Phases,
    pub slowest: Duration,
}

fn microseconds(phases: &Phases, phase: Phase) -> Option<i64> {
    phases.get(phase).map(|took| took.as_micros() as i64)
}

impl Record {
    /// The monitor and time of the result, and its columns in the order of the statement's parameters.
    pub(super) fn check_columns(&self) -> Option<((i64, i64), Value)> {
        let check = self.check.as_ref()?;
        let [dns, connect, tls, first_byte, body] =
            Phase::ALL.map(|phase| microseconds(&check.phases, phase));
        let columns = json!([
            check.monitor,
            check.at_ms,
            check.outcome,
            check.failure.map(Failure::code),
            check.detail,
            check.status,
            check.missed,
            check.late_ms,
            dns,
            connect,
            tls,
            first_byte,
            body,
        ]);
        Some(((check.monitor, check.at_ms), columns))
    }
}

/// The rows that a group adds to, in order: one per monitor and 5 minutes, and one per monitor and day.
pub(super) fn sum_columns(group: &[Record]) -> (Vec<Value>, Vec<Value>) {
    let mut sums: BTreeMap<(i64, i64), SumRow> = BTreeMap::new();
    for record in group {
        for (from_ms, change) in &record.changes {
            sums.entry((record.state.id, *from_ms)).or_default().millis += *change;
        }
        let made = record.check.as_ref().filter(|check| check.missed == 0);
        if let Some(check) = made {
            let slot_ms = limits::UPTIME_SLOT_MINUTES as i64 * 60_000;
            let from_ms = check.at_ms - check.at_ms.rem_euclid(slot_ms);
            sums.entry((record.state.id, from_ms)).or_default().add(check);
        }
    }
    let mut days: BTreeMap<(i64, i64), SumRow> = BTreeMap::new();
    for ((monitor, from_ms), sum) in &sums {
        *days.entry((*monitor, from_ms / DAY_MS)).or_default() += sum.clone();
    }
    let columns = |rows: BTreeMap<(i64, i64), SumRow>| {
        rows.iter().map(|((monitor, from), sum)| sum.columns(*monitor, *from)).collect()
    };
    (columns(sums), columns(days))
}

impl AddAssign for SumRow {
    /// Keeps its own start.
    fn add_assign(&mut self, other: SumRow) {
        self.millis += other.millis;
        self.checks += other.checks;
        self.failures += other.failures;
        self.timed += other.timed;
        for phase in Phase::ALL {
            if let Some(took) = other.phases.get(phase) {
                self.phases.add(phase, took);
            }
        }
        self.slowest = self.slowest.max(other.slowest);
    }
}

impl SumRow {
    /// In the order of the statement's parameters. `from`: the row's start or day.
    fn columns(&self, monitor: i64, from: i64) -> Value {
        let [dns, connect, tls, first_byte, body] =
            Phase::ALL.map(|phase| microseconds(&self.phases, phase).unwrap_or(0));
        let Millis { up, degraded, down, maintenance, .. } = self.millis;
        json!([
            monitor,
            from,
            up,
            degraded,
            down,
            maintenance,
            self.checks,
            self.failures,
            self.timed,
            dns,
            connect,
            tls,
            first_byte,
            body,
            self.slowest.as_micros() as i64,
        ])
    }

    fn add(&mut self, check: &CheckRow) {
        self.checks += 1;
        match check.outcome.is_success() {
            Some(true) => {
                self.timed += 1;
                for phase in Phase::ALL {
                    if let Some(took) = check.phases.get(phase) {
                        self.phases.add(phase, took);
                    }
                }
                self.slowest = self.slowest.max(check.phases.total());
            }
            Some(false) => self.failures += 1,
            None => {}
        }
    }

    pub(super) fn from_row(row: &AnyRow) -> Result<SumRow, ChecksError> {
        let number = |name: &str| row.try_get::<i64, _>(name);
        let mut phases = Phases::default();
        for phase in Phase::ALL {
            let took = number(column(phase))?;
            if took > 0 {
                phases.add(phase, Duration::from_micros(took as u64));
            }
        }
        Ok(SumRow {
            from_ms: number("from_ms")?,
            millis: Millis {
                up: number("up_ms")?,
                degraded: number("degraded_ms")?,
                down: number("down_ms")?,
                maintenance: number("maintenance_ms")?,
                unknown: 0,
            },
            checks: number("checks")? as u64,
            failures: number("failures")? as u64,
            timed: number("timed")? as u64,
            phases,
            slowest: Duration::from_micros(number("slowest_us")? as u64),
        })
    }
}

impl CheckRow {
    pub(super) fn from_row(monitor: i64, row: &AnyRow) -> Result<CheckRow, ChecksError> {
        let mut phases = Phases::default();
        for phase in Phase::ALL {
            if let Some(took) = row.try_get::<Option<i64>, _>(column(phase))? {
                phases.add(phase, Duration::from_micros(took as u64));
            }
        }
        let outcome: String = row.try_get("outcome")?;
        let failure: Option<String> = row.try_get("failure")?;
        Ok(CheckRow {
            monitor,
            at_ms: row.try_get("at_ms")?,
            outcome: serde_json::from_value(Value::String(outcome))?,
            // An unknown code comes from a later version; it is a failure all the same.
            failure: failure.map(|code| Failure::parse(&code).unwrap_or(Failure::Protocol)),
            detail: row.try_get("detail")?,
            status: row.maybe_number("status")?,
            missed: row.number("missed")?,
            late_ms: row.try_get("late_ms")?,
            phases,
        })
    }
}

impl MonitorState {
    pub(super) fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&self.kept)
    }

    pub(super) fn from_row(row: &AnyRow) -> Result<MonitorState, ChecksError> {
        let state: &str = row.try_get("state")?;
        Ok(MonitorState {
            id: row.try_get("id")?,
            created_us: row.try_get("created_us")?,
            kept: serde_json::from_str(state)?,
        })
    }
}

fn column(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "dns_us",
        Phase::Connect => "connect_us",
        Phase::Tls => "tls_us",
        Phase::FirstByte => "first_byte_us",
        Phase::Body => "body_us",
    }
}
