//! Alert rules: a condition on hits, judged every minute, and the alerts that follow from its verdicts.
//!
//! A window of counts becomes a `Verdict` (by a rule of the project's own in `rule`, by a burn rate in `burn`, or by a
//! ready-made rule in `ready_made`, against the `base` of the weeks before). Verdicts in a row become transitions in
//! `series`, and `rule_state` keeps one series per endpoint or consumer. `history` holds the counts that most rules are
//! judged from, `silence` the times at which consumers were seen, `settings` a rule as its owner writes it. All times
//! are passed in, and all state survives restarts. The server asks for the counts and sends the notices.
//!
//! To add a ready-made rule: a row in `ready_made::READY_MADE` and a judgement there.

mod base;
mod burn;
mod finding;
pub mod history;
mod lag;
mod lateness;
mod ready_made;
mod rule;
mod rule_state;
mod series;
mod settings;
mod share;
pub mod silence;
pub mod timeline;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::limits;

pub use base::{Base, stopped_window_minutes};
pub use burn::{BURN_RATES, BurnRate, Goal};
pub use finding::{Finding, Silence};
pub use lag::ArrivalLag;
pub use lateness::{Lateness, LatenessChange};
pub use ready_made::{
    COMPARED_REQUESTS, Observed, READY_MADE, REGULAR_REQUESTS, ReadyMade, ReadyMadeRule, judge,
};
pub use rule::{Condition, Group, METRICS, Metric, MetricInfo, Rule, RuleError};
pub use rule_state::{Key, RuleState};
pub use series::{AlertChange, AlertTransition, Phase, Series, Timing};
pub use settings::{AnyRule, BURN_LABEL, BURN_RATE, RuleFieldError, RuleSettings};
pub use share::share_out;

/// The hits of one window and one endpoint, consumer or project. Empty where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub requests: u64,
    /// Statuses from 500 on.
    pub server_errors: u64,
    /// Statuses from 400 to 499.
    pub client_errors: u64,
    /// Those of them with 401, 403 or 429.
    pub denied: u64,
    pub consumers: u64,
    /// None without requests, like the next two.
    pub p50_us: Option<u64>,
    pub p95_us: Option<u64>,
    pub p99_us: Option<u64>,
}

impl Counts {
    /// From 0 to 1; none without requests.
    pub fn server_error_share(&self) -> Option<f64> {
        share(self.server_errors, self.requests)
    }

    pub fn client_error_share(&self) -> Option<f64> {
        share(self.client_errors, self.requests)
    }
}

fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// The answer of one judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The condition holds.
    Bad,
    /// The condition does not hold, but is too near to it for an alert to end.
    Near,
    Good,
    /// Too little is known: no requests, no base.
    Unknown,
}

impl Verdict {
    /// `holds` says whether the condition holds when its thresholds are multiplied by a scale.
    fn of(holds: impl Fn(f64) -> bool) -> Verdict {
        if holds(1.0) {
            Verdict::Bad
        } else if holds(limits::RULE_RESOLVE_PERCENT as f64 / 100.0) {
            Verdict::Near
        } else {
            Verdict::Good
        }
    }
}

/// How urgent an alert is, where a channel tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Critical,
    Warning,
    Info,
}
