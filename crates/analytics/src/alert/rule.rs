//! A rule of the project's own: a filter, a metric of what passes it, and a threshold.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use super::{Counts, Timing, Verdict};
use crate::limits;
use crate::{filter, limits::RULE_RESOLVE_PERCENT};

const MINUTE_MS: i64 = 60_000;

/// As it is stored and as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// In the search language; "" is all requests.
    #[serde(default)]
    pub q: String,
    pub metric: Metric,
    pub condition: Condition,
    pub window_minutes: u32,
    /// How long the condition must hold.
    #[serde(default, rename = "for_minutes")]
    pub hold_minutes: u32,
    /// How long an alert outlasts it.
    #[serde(default)]
    pub keep_minutes: u32,
    #[serde(default)]
    pub group_by: Group,
    /// Windows with fewer requests say nothing about shares and durations.
    #[serde(default)]
    pub least_requests: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RuleMetric)]
pub enum Metric {
    Requests,
    ServerErrors,
    ClientErrors,
    Consumers,
    ServerErrorShare,
    ClientErrorShare,
    P50Ms,
    P95Ms,
    P99Ms,
}

/// The threshold is in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    AtLeast(f64),
    AtMost(f64),
}

/// One alert for all requests, or one for each of these.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = RuleGroup)]
pub enum Group {
    #[default]
    All,
    Endpoint,
    Consumer,
}

/// A row of `METRICS`.
#[derive(Clone, Copy, Debug)]
pub struct MetricInfo {
    pub metric: Metric,
    /// As in JSON.
    pub name: &'static str,
    /// "" for counts.
    pub unit: &'static str,
    /// Without requests a count is 0, and a share or duration is unknown.
    pub is_count: bool,
    /// Its name in notices.
    pub label: &'static str,
}

const fn metric(
    metric: Metric,
    name: &'static str,
    unit: &'static str,
    label: &'static str,
) -> MetricInfo {
    MetricInfo { metric, name, unit, is_count: unit.is_empty(), label }
}

/// All metrics, in the order of `Metric`.
pub const METRICS: &[MetricInfo] = &[
    metric(Metric::Requests, "requests", "", "requests"),
    metric(Metric::ServerErrors, "server_errors", "", "server errors"),
    metric(Metric::ClientErrors, "client_errors", "", "client errors"),
    metric(Metric::Consumers, "consumers", "", "consumers"),
    metric(Metric::ServerErrorShare, "server_error_share", "%", "share of server errors"),
    metric(Metric::ClientErrorShare, "client_error_share", "%", "share of client errors"),
    metric(Metric::P50Ms, "p50_ms", "ms", "median response time"),
    metric(Metric::P95Ms, "p95_ms", "ms", "95th percentile of response times"),
    metric(Metric::P99Ms, "p99_ms", "ms", "99th percentile of response times"),
];

#[derive(Clone, Debug, PartialEq, Error)]
pub enum RuleError {
    #[error("invalid filter: {0}")]
    Filter(String),
    #[error("the window must be from 1 to {} minutes", limits::RULE_WINDOW_MINUTES)]
    Window,
    #[error(
        "`for_minutes` and `keep_minutes` must be at most {} minutes",
        limits::RULE_WAIT_MINUTES
    )]
    Wait,
    #[error("the threshold must be a number above 0, or 0 with `at_most`")]
    Threshold,
    #[error("a share in percent is at most 100")]
    Share,
    #[error("consumers are counted of all requests alone")]
    Group,
}

impl Metric {
    pub fn info(self) -> &'static MetricInfo {
        &METRICS[self as usize]
    }

    /// In the metric's unit; none if it is unknown.
    pub fn value(self, counts: &Counts) -> Option<f64> {
        let ms = |us: Option<u64>| us.map(|us| us as f64 / 1_000.0);
        match self {
            Metric::Requests => Some(counts.requests as f64),
            Metric::ServerErrors => Some(counts.server_errors as f64),
            Metric::ClientErrors => Some(counts.client_errors as f64),
            Metric::Consumers => Some(counts.consumers as f64),
            Metric::ServerErrorShare => counts.server_error_share().map(|share| share * 100.0),
            Metric::ClientErrorShare => counts.client_error_share().map(|share| share * 100.0),
            Metric::P50Ms => ms(counts.p50_us),
            Metric::P95Ms => ms(counts.p95_us),
            Metric::P99Ms => ms(counts.p99_us),
        }
    }
}

impl Rule {
    pub fn check(&self) -> Result<(), RuleError> {
        filter::parse(&self.q).map_err(|error| RuleError::Filter(error.to_string()))?;
        let window = u64::from(self.window_minutes);
        if window == 0 || window > limits::RULE_WINDOW_MINUTES {
            return Err(RuleError::Window);
        }
        if u64::from(self.hold_minutes.max(self.keep_minutes)) > limits::RULE_WAIT_MINUTES {
            return Err(RuleError::Wait);
        }
        let (threshold, is_enough) = match self.condition {
            Condition::AtLeast(threshold) => (threshold, threshold > 0.0),
            Condition::AtMost(threshold) => (threshold, threshold >= 0.0),
        };
        if !threshold.is_finite() || !is_enough {
            return Err(RuleError::Threshold);
        }
        if self.metric.info().unit == "%" && threshold > 100.0 {
            return Err(RuleError::Share);
        }
        if self.metric == Metric::Consumers && self.group_by != Group::All {
            return Err(RuleError::Group);
        }
        Ok(())
    }

    /// Whether counts by status of all requests together are enough to judge the rule.
    pub fn counts_all(&self) -> bool {
        let by_status = !matches!(
            self.metric,
            Metric::Consumers | Metric::P50Ms | Metric::P95Ms | Metric::P99Ms
        );
        by_status && self.q.trim().is_empty() && self.group_by == Group::All
    }

    pub fn timing(&self) -> Timing {
        let (window, keep) = (i64::from(self.window_minutes), i64::from(self.keep_minutes));
        Timing {
            hold_ms: i64::from(self.hold_minutes) * MINUTE_MS,
            keep_ms: keep * MINUTE_MS,
            unknown_ms: keep.max(window) * MINUTE_MS,
        }
    }

    pub fn judge(&self, counts: &Counts) -> Verdict {
        let info = self.metric.info();
        let value = match self.metric.value(counts) {
            Some(value) if info.is_count || counts.requests >= self.least_requests => value,
            _ => return Verdict::Unknown,
        };
        let (is_bad, is_near) = match self.condition {
            Condition::AtLeast(threshold) => {
                (value >= threshold, value * 100.0 >= threshold * RULE_RESOLVE_PERCENT as f64)
            }
            Condition::AtMost(threshold) => {
                (value <= threshold, value * RULE_RESOLVE_PERCENT as f64 <= threshold * 100.0)
            }
        };
        match (is_bad, is_near) {
            (true, _) => Verdict::Bad,
            (false, true) => Verdict::Near,
            (false, false) => Verdict::Good,
        }
    }

    /// The verdict on an endpoint or consumer that the answer does not name.
    pub fn judge_missing(&self) -> Verdict {
        self.judge(&Counts::default())
    }
}
