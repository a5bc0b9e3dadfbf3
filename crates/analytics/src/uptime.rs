//! Uptime of a monitor: which state holds at which instant, and how many milliseconds each state lasted.
//!
//! At every instant exactly one state holds, the first that applies of maintenance, unknown, down, degraded, up. A result
//! holds from its slot to the next result, at most `limits::RESULT_HOLD_INTERVALS` intervals; after that nothing is known.
//! Down begins at the first failure of a confirmed run and ends at the first success of a confirmed recovery, so a run that
//! is confirmed restates the time since it began. Milliseconds are kept and never percentages: sums over any window are
//! exact.
//!
//! `Tracker` works from result to result, `timeline` computes the same from a whole history. `incident` decides on
//! notices.

mod timeline;
mod tracker;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::limits;

pub use timeline::{cover, timeline};
pub use tracker::{Step, Tracker, Turn};

const SLOT_MS: i64 = limits::UPTIME_SLOT_MINUTES as i64 * 60_000;

/// One check of a monitor, as far as uptime needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The slot for which the check was planned, in milliseconds since 1970.
    pub at_ms: i64,
    /// The monitor's interval at that time.
    pub interval_ms: i64,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Up,
    /// It succeeded, but more slowly than the monitor allows.
    Degraded,
    Down,
    /// The check says nothing about the target: a missed slot, a pause, a fault on our side.
    Unknown,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Up => "up",
            Outcome::Degraded => "degraded",
            Outcome::Down => "down",
            Outcome::Unknown => "unknown",
        }
    }

    /// None if the check says nothing.
    pub fn is_success(self) -> Option<bool> {
        match self {
            Outcome::Up | Outcome::Degraded => Some(true),
            Outcome::Down => Some(false),
            Outcome::Unknown => None,
        }
    }
}

/// In the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Maintenance,
    Unknown,
    Down,
    Degraded,
    Up,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Maintenance => "maintenance",
            State::Unknown => "unknown",
            State::Down => "down",
            State::Degraded => "degraded",
            State::Up => "up",
        }
    }
}

/// How many results in a row change a monitor's state. 0 counts as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    /// Failures until it is down.
    pub down_after: u32,
    /// Successes until it has recovered.
    pub up_after: u32,
}

/// From `from_ms` to before `to_ms`, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    pub from_ms: i64,
    pub to_ms: i64,
}

impl Span {
    /// 0 if it ends before it begins.
    pub fn length_ms(self) -> i64 {
        (self.to_ms - self.from_ms).max(0)
    }

    pub fn contains(self, at_ms: i64) -> bool {
        (self.from_ms..self.to_ms).contains(&at_ms)
    }

    /// The intersection; empty if there is none.
    pub fn within(self, other: Span) -> Span {
        Span { from_ms: self.from_ms.max(other.from_ms), to_ms: self.to_ms.min(other.to_ms) }
    }
}

/// A span during which one state held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateSpan {
    pub span: Span,
    pub state: State,
}

/// A span that now counts as `now`; `was` is what it counted as before, none the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restated {
    pub span: Span,
    pub was: Option<State>,
    pub now: State,
}

/// Milliseconds per state: of a window, or the change of a row, which may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Millis {
    pub up: i64,
    pub degraded: i64,
    pub down: i64,
    pub unknown: i64,
    pub maintenance: i64,
}

impl Millis {
    pub fn of(spans: &[StateSpan]) -> Millis {
        let mut millis = Millis::default();
        for StateSpan { span, state } in spans {
            *millis.of_state(*state) += span.length_ms();
        }
        millis
    }

    /// The sum of all states: the length of the window.
    pub fn total(&self) -> i64 {
        self.up + self.degraded + self.down + self.unknown + self.maintenance
    }

    /// Fills up to the length of the window with unknown: rows leave it out, so that a resting monitor takes no rows.
    pub fn filled_to(mut self, window_ms: i64) -> Millis {
        self.unknown += (window_ms - self.total()).max(0);
        self
    }

    /// Up and degraded, as a share of the known time. None below `limits::UPTIME_COVERAGE_PERCENT` of coverage.
    pub fn uptime(&self) -> Option<Share> {
        let coverage = self.coverage()?;
        let enough = i128::from(coverage.of) * i128::from(limits::UPTIME_COVERAGE_PERCENT);
        (coverage.part > 0 && i128::from(coverage.part) * 100 >= enough)
            .then_some(Share { part: self.up + self.degraded, of: coverage.part })
    }

    /// The known share of the window without maintenance. None if all of it is maintenance.
    pub fn coverage(&self) -> Option<Share> {
        let known = self.up + self.degraded + self.down;
        share(known, known + self.unknown)
    }

    /// Uptime if all unknown time had been down, and if it had been up.
    pub fn bounds(&self) -> Option<(Share, Share)> {
        let of = self.up + self.degraded + self.down + self.unknown;
        Some((share(self.up + self.degraded, of)?, share(of - self.down, of)?))
    }

    fn of_state(&mut self, state: State) -> &mut i64 {
        match state {
            State::Maintenance => &mut self.maintenance,
            State::Unknown => &mut self.unknown,
            State::Down => &mut self.down,
            State::Degraded => &mut self.degraded,
            State::Up => &mut self.up,
        }
    }
}

impl AddAssign for Millis {
    fn add_assign(&mut self, other: Millis) {
        self.up += other.up;
        self.degraded += other.degraded;
        self.down += other.down;
        self.unknown += other.unknown;
        self.maintenance += other.maintenance;
    }
}

/// An exact share; `of` is above 0 and not less than `part`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub part: i64,
    pub of: i64,
}

impl Share {
    /// From 0 to 1, for charts. For a number shown to people use `percent`.
    pub fn as_f64(self) -> f64 {
        self.part as f64 / self.of as f64
    }

    /// In percent, rounded down: 100 only if nothing is missing.
    pub fn percent(self, decimals: u32) -> String {
        let scale = 10_i128.pow(decimals);
        let scaled = i128::from(self.part) * 100 * scale / i128::from(self.of);
        match decimals {
            0 => scaled.to_string(),
            _ => {
                let width = decimals as usize;
                format!("{}.{:0width$}", scaled / scale, scaled % scale)
            }
        }
    }
}

fn share(part: i64, of: i64) -> Option<Share> {
    (of > 0).then_some(Share { part, of })
}

/// The changes of the rows of `limits::UPTIME_SLOT_MINUTES`, by the row's start. No row holds unknown time.
pub fn row_changes(restated: &[Restated]) -> BTreeMap<i64, Millis> {
    let mut rows = BTreeMap::<i64, Millis>::new();
    let mut add = |span: Span, state: State, sign: i64| {
        if state == State::Unknown {
            return;
        }
        let mut from_ms = span.from_ms;
        while from_ms < span.to_ms {
            let row_ms = from_ms - from_ms.rem_euclid(SLOT_MS);
            let to_ms = span.to_ms.min(row_ms + SLOT_MS);
            *rows.entry(row_ms).or_default().of_state(state) += sign * (to_ms - from_ms);
            from_ms = to_ms;
        }
    };
    for Restated { span, was, now } in restated {
        if let Some(was) = was {
            add(*span, *was, -1);
        }
        add(*span, *now, 1);
    }
    rows.retain(|_, change| *change != Millis::default());
    rows
}
