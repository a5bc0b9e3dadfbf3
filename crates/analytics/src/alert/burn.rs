//! Burn rates: how many times faster than allowed the budget of bad requests is used up.
//!
//! Two windows must both burn, the long one because it matters and the short one because it still goes on (Site Reliability
//! Workbook, "Alerting on SLOs", table 5-8, for a budget of 30 days).

use serde::{Deserialize, Serialize};

use super::{Counts, Severity, Verdict};
use crate::limits;

/// The share of requests that must succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// Requests of a million that may fail: 1,000 for 99.9 %.
    pub bad_ppm: u32,
}

/// A row of `BURN_RATES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BurnRate {
    pub name: &'static str,
    pub long_minutes: u32,
    pub short_minutes: u32,
    /// Tenths: 144 is 14.4 times.
    pub tenths: u32,
    pub severity: Severity,
}

pub const BURN_RATES: &[BurnRate] = &[
    BurnRate {
        name: "burn_fast",
        long_minutes: 60,
        short_minutes: 5,
        tenths: 144,
        severity: Severity::Critical,
    },
    BurnRate {
        name: "burn_medium",
        long_minutes: 6 * 60,
        short_minutes: 30,
        tenths: 60,
        severity: Severity::Critical,
    },
    BurnRate {
        name: "burn_slow",
        long_minutes: 3 * 24 * 60,
        short_minutes: 6 * 60,
        tenths: 10,
        severity: Severity::Warning,
    },
];

impl Goal {
    /// None unless it is above 0 and below 100 percent.
    pub fn from_percent(percent: f64) -> Option<Goal> {
        let bad_ppm = ((100.0 - percent) * 10_000.0).round();
        (1.0..1_000_000.0).contains(&bad_ppm).then_some(Goal { bad_ppm: bad_ppm as u32 })
    }

    /// How many times faster than allowed; none without requests.
    pub fn burn(self, counts: &Counts) -> Option<f64> {
        Some(counts.server_error_share()? * 1_000_000.0 / f64::from(self.bad_ppm))
    }
}

impl BurnRate {
    pub fn judge(&self, goal: Goal, long: &Counts, short: &Counts) -> Verdict {
        if long.requests == 0 || short.requests == 0 {
            return Verdict::Unknown;
        }
        let burns = |counts: &Counts, least_bad: u64, percent: u64| {
            // With a low goal the rate would need more than all requests; then all of them are enough.
            let needed_ppm = u128::from(goal.bad_ppm) * u128::from(self.tenths) / 10;
            let needed_ppm = needed_ppm.min(1_000_000) * u128::from(percent);
            u128::from(counts.server_errors) * 100_000_000
                >= needed_ppm * u128::from(counts.requests)
                && counts.server_errors >= least_bad
        };
        let holds = |percent| {
            burns(long, limits::BURN_BAD_LONG, percent)
                && burns(short, limits::BURN_BAD_SHORT, percent)
        };
        match (holds(100), holds(limits::RULE_RESOLVE_PERCENT)) {
            (true, _) => Verdict::Bad,
            (false, true) => Verdict::Near,
            (false, false) => Verdict::Good,
        }
    }
}
