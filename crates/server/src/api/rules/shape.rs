//! The shapes of answers about rules.

use analytics::alert::{
    BURN_LABEL, BURN_RATE, BURN_RATES, Group, Phase, READY_MADE, ReadyMadeRule, RuleSettings,
    RuleState, Severity,
};
use analytics::limits;
use serde::Serialize;
use store::meta::RuleRow;
use utoipa::ToSchema;

use crate::pieces::to_rfc3339;

#[derive(Serialize, ToSchema)]
pub struct RuleList {
    pub rules: Vec<RuleAnswer>,
    /// Rules that a name switches on.
    pub ready_made: Vec<ReadyMadeAnswer>,
}

#[derive(Serialize, ToSchema)]
pub struct RuleAnswer {
    pub id: i64,
    /// Its own name, or what it is about.
    #[schema(example = "more server errors than usual")]
    pub label: String,
    pub created_at: String,
    /// `paused`, `firing` where any alert fires, `pending` where any may, else `ok`.
    #[schema(example = "ok")]
    pub state: &'static str,
    /// Alerts that are not over.
    pub alerts: Vec<RuleAlert>,
    /// The settings as they were made.
    pub settings: RuleSettings,
}

#[derive(Serialize, ToSchema)]
pub struct RuleAlert {
    /// The endpoint or consumer, or the burn rate; "" for all requests together.
    #[schema(example = "GET /orders/{id}")]
    pub of: String,
    /// `pending`, `firing`, or `recovering`: the condition no longer holds, and may again.
    #[schema(example = "firing")]
    pub state: &'static str,
    /// When the condition began to hold.
    pub since: String,
}

/// A rule that a name switches on.
#[derive(Serialize, ToSchema)]
pub struct ReadyMadeAnswer {
    #[schema(example = "server_error_spike")]
    pub name: &'static str,
    pub label: &'static str,
    /// When it fires, with its numbers.
    pub condition: String,
    /// Null: of each rate its own.
    pub window_minutes: Option<u32>,
    pub longer_window_minutes: Option<u32>,
    pub for_minutes: u32,
    pub keep_minutes: u32,
    pub group_by: Group,
    /// Severity of the most urgent alerts.
    pub severity: Severity,
    /// Worth having in every project.
    pub recommended: bool,
}

impl RuleAnswer {
    pub fn of(row: &RuleRow, state: &RuleState) -> RuleAnswer {
        let alerts: Vec<RuleAlert> =
            state.series().filter_map(|(of, series)| RuleAlert::of(of, series.phase())).collect();
        let is_firing = alerts.iter().any(|alert| alert.state != "pending");
        RuleAnswer {
            id: row.id,
            label: row.settings.label(),
            created_at: to_rfc3339(row.created_us),
            state: match (row.settings.paused, is_firing, alerts.is_empty()) {
                (true, ..) => "paused",
                (false, true, _) => "firing",
                (false, false, false) => "pending",
                (false, false, true) => "ok",
            },
            alerts,
            settings: row.settings.clone(),
        }
    }
}

impl RuleAlert {
    fn of(of: &str, phase: Phase) -> Option<RuleAlert> {
        let (state, since_ms) = match phase {
            Phase::Inactive => return None,
            Phase::Pending { since_ms } => ("pending", since_ms),
            Phase::Firing { since_ms, .. } => ("firing", since_ms),
            Phase::Recovering { since_ms, .. } => ("recovering", since_ms),
        };
        let since = to_rfc3339(since_ms.saturating_mul(1_000));
        Some(RuleAlert { of: of.to_owned(), state, since })
    }
}

impl ReadyMadeAnswer {
    pub fn all() -> Vec<ReadyMadeAnswer> {
        let rows = READY_MADE.iter().map(ReadyMadeAnswer::of);
        rows.chain([ReadyMadeAnswer::burn_rate()]).collect()
    }

    fn of(row: &ReadyMadeRule) -> ReadyMadeAnswer {
        ReadyMadeAnswer {
            name: row.name,
            label: row.label,
            condition: row.condition.to_owned(),
            window_minutes: Some(row.window_minutes),
            longer_window_minutes: row.longer_window_minutes,
            for_minutes: row.hold_minutes,
            keep_minutes: row.keep_minutes,
            group_by: row.group_by,
            severity: row.severity,
            recommended: row.is_recommended,
        }
    }

    fn burn_rate() -> ReadyMadeAnswer {
        let rates = BURN_RATES.iter().map(|rate| {
            let times = f64::from(rate.tenths) / 10.0;
            let (long, short) = (length(rate.long_minutes), length(rate.short_minutes));
            format!("{times} times as fast over {long} and {short}")
        });
        let rates = rates.collect::<Vec<String>>().join(", or ");
        ReadyMadeAnswer {
            name: BURN_RATE,
            label: BURN_LABEL,
            condition: format!(
                "failures use up the goal's error budget of 30 days {rates}, with at least {} and {} failures",
                limits::BURN_BAD_LONG,
                limits::BURN_BAD_SHORT
            ),
            window_minutes: None,
            longer_window_minutes: None,
            for_minutes: 0,
            keep_minutes: 0,
            group_by: Group::All,
            severity: Severity::Critical,
            recommended: false,
        }
    }
}

/// `minutes` in the largest unit that fits.
fn length(minutes: u32) -> String {
    match minutes {
        minutes if minutes % 1_440 == 0 => format!("{} d", minutes / 1_440),
        minutes if minutes % 60 == 0 => format!("{} h", minutes / 60),
        minutes => format!("{minutes} min"),
    }
}
