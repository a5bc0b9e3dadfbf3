//! The settings of a rule as its owner writes them, and the rule that they compile to.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;
use utoipa::ToSchema;

use super::{
    BURN_RATES, Condition, Goal, Group, Metric, READY_MADE, ReadyMade, Rule, RuleError, Severity,
    Timing,
};
use super::{Finding, Silence};
use crate::limits;

/// The ready-made rule about a goal, which has a setting of its own.
pub const BURN_RATE: &str = "burn_rate";

/// Its name in notices.
pub const BURN_LABEL: &str = "the error budget burns too fast";

/// Either a ready-made rule by its name, or a metric with its threshold. Fields that are not there have their defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSettings {
    /// As notices call it. Default: what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// It is not judged, and what fired has ended.
    pub paused: bool,
    /// One of the names that `GET /api/v1/rules` lists under `ready_made`. All fields below but `goal_percent` are for other rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "server_error_spike")]
    pub ready_made: Option<String>,
    /// burn_rate: the share of requests that must not fail with a status from 500 on, above 0 and below 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 99.9)]
    pub goal_percent: Option<f64>,

    /// In the search language. Default: all requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "path:/v1/*")]
    pub q: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// It fires from this value on, in the metric's unit. This or `at_most`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// It fires down from this value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// 1 to 1,440. Default: 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_minutes: Option<u32>,
    /// How long the condition must hold, up to 1,440. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_minutes: Option<u32>,
    /// How long an alert outlasts it, up to 1,440. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_minutes: Option<u32>,
    /// One alert for all requests, or one for each endpoint or consumer. Default: `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Group>,
    /// Windows with fewer requests say nothing about shares and durations. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_requests: Option<u64>,
    /// Default: `warning`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
}

/// A field that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{field}` {message}")]
pub struct RuleFieldError {
    pub field: String,
    pub message: String,
}

/// A rule of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyRule {
    ReadyMade(ReadyMade),
    Burn(Goal),
    Own { rule: Rule, severity: Severity },
}

impl RuleSettings {
    /// These settings with the fields of `change` replaced. Null restores a default.
    pub fn changed(&self, change: Map<String, Value>) -> Result<RuleSettings, RuleFieldError> {
        let mut fields = match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        for (field, value) in change {
            if field != "paused" || !value.is_null() {
                check_field(&field, &value)?;
            }
            match value {
                Value::Null => drop(fields.remove(&field)),
                value => drop(fields.insert(field, value)),
            }
        }
        serde_json::from_value(Value::Object(fields))
            .map_err(|problem| error("rule", format!("cannot be read: {problem}")))
    }

    /// Its name in notices and on pages.
    pub fn label(&self) -> String {
        let subject = || self.compile().map(|rule| rule.label()).unwrap_or_default();
        self.name.clone().unwrap_or_else(subject)
    }

    /// Compiles the settings to a rule. An error names the field.
    pub fn compile(&self) -> Result<AnyRule, RuleFieldError> {
        let name = self.name.as_deref().unwrap_or_default();
        if name.chars().count() as u64 > limits::NAME_CHARACTERS {
            let most = limits::NAME_CHARACTERS;
            return Err(error("name", format!("is longer than {most} characters")));
        }
        let Some(ready_made) = &self.ready_made else { return self.compile_own() };
        if let Some(field) = self.field_of_own() {
            return Err(error(field, "cannot be set: a ready-made rule has its own numbers"));
        }
        let is_burn = ready_made == BURN_RATE;
        match self.goal_percent {
            Some(percent) if is_burn => Goal::from_percent(percent)
                .map(AnyRule::Burn)
                .ok_or_else(|| error("goal_percent", "must be above 0 and below 100")),
            None if is_burn => {
                Err(error("goal_percent", "is missing: the goal that the budget follows from"))
            }
            Some(_) => Err(error("goal_percent", format!("belongs to `{BURN_RATE}` alone"))),
            None => {
                let row = READY_MADE.iter().find(|row| row.name == ready_made);
                let rule = row.map(|row| AnyRule::ReadyMade(row.kind));
                rule.ok_or_else(|| {
                    let mut names: Vec<&str> = READY_MADE.iter().map(|row| row.name).collect();
                    names.push(BURN_RATE);
                    error("ready_made", format!("is none of {}", names.join(", ")))
                })
            }
        }
    }

    fn compile_own(&self) -> Result<AnyRule, RuleFieldError> {
        if self.goal_percent.is_some() {
            return Err(error("goal_percent", format!("belongs to `{BURN_RATE}` alone")));
        }
        let metric = self.metric.ok_or_else(|| {
            error("metric", "is missing, and so is the name of a ready-made rule")
        })?;
        let condition = match (self.at_least, self.at_most) {
            (Some(threshold), None) => Condition::AtLeast(threshold),
            (None, Some(threshold)) => Condition::AtMost(threshold),
            (None, None) => return Err(error("at_least", "or `at_most` is missing")),
            (Some(_), Some(_)) => {
                return Err(error("at_most", "cannot stand beside `at_least`: make two rules"));
            }
        };
        let rule = Rule {
            q: self.q.clone().unwrap_or_default(),
            metric,
            condition,
            window_minutes: self.window_minutes.unwrap_or(5),
            hold_minutes: self.for_minutes.unwrap_or(0),
            keep_minutes: self.keep_minutes.unwrap_or(0),
            group_by: self.group_by.unwrap_or_default(),
            least_requests: self.least_requests.unwrap_or(0),
        };
        rule.check().map_err(|problem| {
            let field = match problem {
                RuleError::Filter(_) => "q",
                RuleError::Window => "window_minutes",
                RuleError::Wait
                    if self.for_minutes.unwrap_or(0) as u64 > limits::RULE_WAIT_MINUTES =>
                {
                    "for_minutes"
                }
                RuleError::Wait => "keep_minutes",
                RuleError::Group => "group_by",
                RuleError::Threshold | RuleError::Share if self.at_most.is_some() => "at_most",
                RuleError::Threshold | RuleError::Share => "at_least",
            };
            error(field, format!("cannot be used: {problem}"))
        })?;
        Ok(AnyRule::Own { rule, severity: self.severity.unwrap_or(Severity::Warning) })
    }

    fn field_of_own(&self) -> Option<&'static str> {
        let fields = [
            ("q", self.q.is_some()),
            ("metric", self.metric.is_some()),
            ("at_least", self.at_least.is_some()),
            ("at_most", self.at_most.is_some()),
            ("window_minutes", self.window_minutes.is_some()),
            ("for_minutes", self.for_minutes.is_some()),
            ("keep_minutes", self.keep_minutes.is_some()),
            ("group_by", self.group_by.is_some()),
            ("least_requests", self.least_requests.is_some()),
            ("severity", self.severity.is_some()),
        ];
        fields.into_iter().find(|(_, is_set)| *is_set).map(|(field, _)| field)
    }
}

impl AnyRule {
    /// Its subject in words.
    pub fn label(&self) -> String {
        match self {
            AnyRule::ReadyMade(kind) => kind.rule().label.to_owned(),
            AnyRule::Burn(_) => BURN_LABEL.to_owned(),
            AnyRule::Own { rule, .. } => {
                let (word, threshold) = match rule.condition {
                    Condition::AtLeast(threshold) => ("at least", threshold),
                    Condition::AtMost(threshold) => ("at most", threshold),
                };
                let info = rule.metric.info();
                let unit = if info.unit.is_empty() { "" } else { " " };
                format!("{}: {word} {threshold}{unit}{}", info.label, info.unit)
            }
        }
    }

    pub fn timing(&self) -> Timing {
        match self {
            AnyRule::ReadyMade(kind) => kind.rule().timing(),
            AnyRule::Burn(_) => Timing { hold_ms: 0, keep_ms: 0, unknown_ms: 10 * 60_000 },
            AnyRule::Own { rule, .. } => rule.timing(),
        }
    }

    /// `key`: the series' key.
    pub fn severity(&self, key: &str) -> Severity {
        match self {
            AnyRule::ReadyMade(kind) => kind.rule().severity,
            AnyRule::Burn(_) => {
                let rate = BURN_RATES.iter().find(|rate| rate.name == key);
                rate.map_or(Severity::Critical, |rate| rate.severity)
            }
            AnyRule::Own { severity, .. } => *severity,
        }
    }

    /// Whether the rule looks for a window without requests.
    pub fn is_about_absence(&self) -> bool {
        match self {
            AnyRule::ReadyMade(kind) => {
                matches!(kind, ReadyMade::TrafficStopped | ReadyMade::SilentConsumer)
            }
            AnyRule::Burn(_) => false,
            AnyRule::Own { rule, .. } => matches!(rule.condition, Condition::AtMost(_)),
        }
    }

    /// The numbers behind a finding, in words.
    pub fn describe(&self, finding: &Finding) -> String {
        let (counts, minutes) = (&finding.counts, finding.window_minutes);
        let failed = || {
            let (failed, of) = (counts.server_errors, counts.requests);
            format!("{failed} of {of} requests failed in {}", duration(minutes))
        };
        let usual = |value: f64| format!("about {value:.0} are usual");
        let base = finding.base.as_ref();
        let text = match self {
            AnyRule::ReadyMade(ReadyMade::TrafficStopped | ReadyMade::TrafficBurst) => {
                let usual = base.map(|base| usual(base.requests)).unwrap_or_default();
                format!("{} requests in {}, {usual}", counts.requests, duration(minutes))
            }
            AnyRule::ReadyMade(ReadyMade::DeniedStorm) => {
                let usual = base.map(|base| usual(base.denied)).unwrap_or_default();
                let denied = counts.denied;
                format!(
                    "{denied} requests were denied or limited in {}, {usual}",
                    duration(minutes)
                )
            }
            AnyRule::ReadyMade(ReadyMade::SlowerThanUsual) => {
                let ms = |us: f64| us / 1_000.0;
                let now = ms(counts.p95_us.unwrap_or(0) as f64);
                let usual = base.and_then(|base| base.p95_us).map_or(0.0, ms);
                format!("95th percentile {now:.0} ms, {usual:.0} ms is usual")
            }
            AnyRule::ReadyMade(ReadyMade::SilentConsumer) => {
                let silence = finding.silence.unwrap_or(Silence { minutes: 0, usual_minutes: 0 });
                let usual = match silence.usual_minutes {
                    0 => "usually it calls all the time".to_owned(),
                    usual => format!("up to {} is usual", about(usual)),
                };
                format!("no request for {}, {usual}", about(silence.minutes))
            }
            AnyRule::ReadyMade(_) => failed(),
            AnyRule::Burn(goal) => {
                let burn = goal.burn(counts).unwrap_or(0.0);
                format!("{}, {burn:.1} times as many as the goal allows", failed())
            }
            AnyRule::Own { rule, .. } => {
                let info = rule.metric.info();
                let value = rule.metric.value(counts).unwrap_or(0.0);
                let value = (value * 100.0).round() / 100.0;
                let unit = if info.unit.is_empty() { "" } else { " " };
                format!("{}: {value}{unit}{} in {}", info.label, info.unit, duration(minutes))
            }
        };
        match (self, finding.key.as_str()) {
            (AnyRule::Burn(_), _) | (_, "") => text,
            (_, key) => format!("{key}: {text}"),
        }
    }
}

fn duration(minutes: u32) -> String {
    match minutes {
        1 => "1 minute".to_owned(),
        60 => "1 hour".to_owned(),
        days if days % 1_440 == 0 && days > 1_440 => format!("{} days", days / 1_440),
        hours if hours % 60 == 0 => format!("{} hours", hours / 60),
        minutes => format!("{minutes} minutes"),
    }
}

/// In the largest unit that is contained at least twice, rounded down.
fn about(minutes: u32) -> String {
    match minutes {
        2_880.. => duration(minutes - minutes % 1_440),
        120.. => duration(minutes - minutes % 60),
        _ => duration(minutes),
    }
}

/// Whether the field exists and the value has its type.
fn check_field(field: &str, value: &Value) -> Result<(), RuleFieldError> {
    let alone = Map::from_iter([(field.to_owned(), value.clone())]);
    let read: Result<RuleSettings, _> = serde_json::from_value(Value::Object(alone));
    read.map(drop).map_err(|problem| {
        let problem = problem.to_string();
        match problem.starts_with("unknown field `") {
            true => error(field, "isn't a field of a rule"),
            false => error(field, format!("cannot be read: {problem}")),
        }
    })
}

fn error(field: &str, message: impl Into<String>) -> RuleFieldError {
    RuleFieldError { field: field.to_owned(), message: message.into() }
}
