//! Heartbeats: a job calls a secret address, and is judged by whether it does.

use serde::{Deserialize, Serialize};

use super::Verdict;
use crate::check::Failure;
use crate::cron::{CronError, CronSchedule};
use crate::fields::FieldError;
use crate::uptime::Outcome;

#[derive(Clone, Debug)]
pub struct Heartbeat {
    pub schedule: Schedule,
    /// How late a call may be.
    pub grace_ms: i64,
}

/// When a job is due.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// This long after its last call.
    Period {
        ms: i64,
    },
    Cron(Box<CronSchedule>),
}

impl Schedule {
    pub(super) fn cron(expression: &str, zone: &str) -> Result<Schedule, FieldError> {
        match CronSchedule::parse(expression, zone) {
            // The 30th of February.
            Ok(schedule) if schedule.next(0).is_none() => {
                Err(FieldError::new("cron", "names a time that never comes"))
            }
            Ok(schedule) => Ok(Schedule::Cron(Box::new(schedule))),
            Err(problem @ CronError::UnknownZone(_)) => {
                Err(FieldError::new("time_zone", format!("cannot be used: {problem}")))
            }
            Err(problem) => Err(FieldError::new("cron", format!("cannot be used: {problem}"))),
        }
    }
}

/// The signal that a call carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    Start,
    Success,
    Fail,
}

impl Signal {
    pub fn as_str(self) -> &'static str {
        match self {
            Signal::Start => "start",
            Signal::Success => "success",
            Signal::Fail => "fail",
        }
    }

    pub fn parse(text: &str) -> Option<Signal> {
        [Signal::Start, Signal::Success, Signal::Fail].into_iter().find(|one| one.as_str() == text)
    }
}

/// The last time of each signal, milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Signals {
    pub started_ms: Option<i64>,
    pub succeeded_ms: Option<i64>,
    pub failed_ms: Option<i64>,
    /// From the last start to the success or failure that followed.
    pub took_ms: Option<i64>,
}

impl Signals {
    pub fn note(&mut self, signal: Signal, now_ms: i64) {
        let ended_ms = self.succeeded_ms.max(self.failed_ms);
        let started_ms = self
            .started_ms
            .filter(|started_ms| ended_ms.is_none_or(|ended_ms| *started_ms >= ended_ms));
        match signal {
            Signal::Start => self.started_ms = Some(now_ms),
            Signal::Success => self.succeeded_ms = Some(now_ms),
            Signal::Fail => self.failed_ms = Some(now_ms),
        }
        if signal != Signal::Start {
            self.took_ms = started_ms.map(|started_ms| (now_ms - started_ms).max(0));
        }
    }
}

impl Heartbeat {
    /// The latest time for the next call. None before the first, and if a cron expression has no further time.
    pub fn deadline_ms(&self, signals: &Signals) -> Option<i64> {
        // A job that began and never ended was due, even if it never succeeded.
        let from_ms = signals.succeeded_ms.max(signals.failed_ms).or(signals.started_ms)?;
        let due_ms = match &self.schedule {
            Schedule::Period { ms } => from_ms + ms,
            Schedule::Cron(schedule) => schedule.next(from_ms)?,
        };
        Some(due_ms + self.grace_ms)
    }

    /// The verdict at `now_ms`. A job that has never called isn't judged.
    pub fn judge(&self, signals: &Signals, now_ms: i64) -> Verdict {
        let is_late = self.deadline_ms(signals).is_some_and(|deadline_ms| now_ms > deadline_ms);
        let has_failed = signals.failed_ms > signals.succeeded_ms;
        match (is_late, signals.succeeded_ms.max(signals.failed_ms)) {
            (true, _) => Verdict::of(Failure::Missed),
            (false, Some(_)) if has_failed => Verdict::of(Failure::ReportedFailure),
            (false, Some(_)) => Verdict::up(),
            (false, None) => Verdict {
                outcome: Outcome::Unknown,
                failure: None,
                detail: Some("no call has come yet".to_owned()),
            },
        }
    }
}
