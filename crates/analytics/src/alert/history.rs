//! The recent past of one project. All rules about its requests as a whole are judged from it, without further queries.

use super::timeline::{MINUTE_US, Timeline, WEEK_US};
use super::{BURN_RATES, Base, BurnRate, Counts, Finding, Goal, Observed, ReadyMade, Rule};
use super::{judge, stopped_window_minutes};
use crate::limits;

/// Cells of a minute up to now, of an hour before that, and of 5 minutes around the same time in earlier weeks.
#[derive(Clone, Debug)]
pub struct History {
    pub minutes: Timeline,
    /// Reaches up to an hour that `minutes` still holds. None if no rule looks back that far.
    pub hours: Option<Timeline>,
    /// One, two and three weeks ago.
    pub weeks: Vec<Timeline>,
}

impl History {
    /// The last `minutes` minutes before `end_us`.
    pub fn window(&self, end_us: i64, minutes: u32) -> Counts {
        let from_us = end_us - i64::from(minutes) * MINUTE_US;
        let since_us = self.minutes.from_us();
        let recent = self.minutes.sum(from_us, end_us);
        match &self.hours {
            Some(hours) if from_us < since_us => {
                let border_us = hours.to_us();
                let recent = self.minutes.sum(border_us, end_us);
                add(hours.sum(from_us, border_us), recent)
            }
            _ => recent,
        }
    }

    /// The baseline of this window from earlier weeks, with one window on both sides.
    pub fn base(&self, end_us: i64, minutes: u32) -> Option<Base> {
        let window_us = i64::from(minutes) * MINUTE_US;
        let weeks = (1..).zip(&self.weeks).filter(|(_, week)| !week.is_empty());
        let counts: Vec<Counts> = weeks
            .map(|(number, week)| {
                let end_us = end_us - number * WEEK_US;
                week.sum(end_us - 2 * window_us, end_us + window_us)
            })
            .collect();
        Base::of(&counts, 3)
    }

    /// Judges a ready-made rule about all requests together.
    pub fn judge(&self, kind: ReadyMade, end_us: i64) -> Finding {
        let rule = kind.rule();
        let mut window_minutes = rule.window_minutes;
        if kind == ReadyMade::TrafficStopped {
            let of_half_an_hour = self.base(end_us, 30);
            let window = of_half_an_hour
                .filter(|base| base.requests > 0.0)
                .and_then(|base| stopped_window_minutes(base.requests / 6.0));
            let Some(window) = window else { return Finding::unknown(window_minutes) };
            window_minutes = window;
        }
        let counts = self.window(end_us, window_minutes);
        let base = self.base(end_us, window_minutes);
        let longer = rule.longer_window_minutes.map(|minutes| self.window(end_us, minutes));
        let observed =
            Observed { counts, base, longer: longer.unwrap_or_default(), ..Observed::default() };
        let verdict = judge(kind, &observed);
        Finding { key: String::new(), verdict, window_minutes, counts, base, silence: None }
    }

    /// One finding for each of `BURN_RATES`.
    pub fn judge_burn(&self, goal: Goal, end_us: i64) -> Vec<Finding> {
        let of_rate = |rate: &BurnRate| {
            let long = self.window(end_us, rate.long_minutes);
            let short = self.window(end_us, rate.short_minutes);
            Finding {
                key: rate.name.to_owned(),
                verdict: rate.judge(goal, &long, &short),
                window_minutes: rate.long_minutes,
                counts: long,
                base: None,
                silence: None,
            }
        };
        BURN_RATES.iter().map(of_rate).collect()
    }

    /// Judges a rule for which `Rule::counts_all` holds.
    pub fn judge_rule(&self, rule: &Rule, end_us: i64) -> Finding {
        Finding::of_rule(rule, "", self.window(end_us, rule.window_minutes))
    }
}

/// The minutes that rules about all requests look back over in `History::weeks`.
pub fn base_window_minutes(kind: ReadyMade) -> Option<u32> {
    match kind {
        ReadyMade::TrafficStopped => Some(limits::STOPPED_WINDOW_MINUTES as u32),
        ReadyMade::ServerErrorSpike | ReadyMade::TrafficBurst | ReadyMade::DeniedStorm => {
            Some(kind.rule().window_minutes)
        }
        _ => None,
    }
}

fn add(one: Counts, other: Counts) -> Counts {
    Counts {
        requests: one.requests + other.requests,
        server_errors: one.server_errors + other.server_errors,
        client_errors: one.client_errors + other.client_errors,
        denied: one.denied + other.denied,
        ..Counts::default()
    }
}
