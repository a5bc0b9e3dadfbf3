//! Quiet hours of a channel: notices that are not critical wait for their end.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::FieldError;
use crate::limits;
use crate::maintenance::{Schedule, Weekday, Windows};
use crate::uptime::Span;

/// Each day from `from` to before `to`, local times; a `to` that is not later than `from` lies on the day after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    #[schema(example = "22:00")]
    pub from: String,
    #[schema(example = "07:00")]
    pub to: String,
    /// An IANA name. Default: UTC.
    #[serde(default = "utc")]
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// The days on which they begin. Default: every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekdays: Option<Vec<Weekday>>,
}

impl QuietHours {
    pub fn check(&self) -> Result<(), FieldError> {
        let refused = |message: String| FieldError::new("quiet_hours", message);
        let windows = self.windows().map_err(|problem| refused(problem.to_string()))?;
        // On a day of 25 hours they may be an hour longer.
        let week = Span { from_ms: 0, to_ms: 14 * 86_400_000 };
        let longest_ms = windows.spans(week).iter().map(|span| span.length_ms()).max().unwrap_or(0);
        let most = limits::QUIET_HOURS as i64;
        match longest_ms <= most * 3_600_000 {
            true => Ok(()),
            false => Err(refused(format!("last longer than {most} hours"))),
        }
    }

    /// When the quiet hours at `now_ms` end; none outside of them.
    pub fn until_ms(&self, now_ms: i64) -> Option<i64> {
        let now = Span { from_ms: now_ms, to_ms: now_ms + 1 };
        self.windows().ok()?.spans(now).iter().map(|span| span.to_ms).max()
    }

    fn windows(&self) -> Result<Windows, crate::maintenance::ScheduleError> {
        let weekdays = self.weekdays.clone().unwrap_or_else(|| Weekday::ALL.to_vec());
        let (from, to, time_zone) = (self.from.clone(), self.to.clone(), self.time_zone.clone());
        Schedule::Weekly { weekdays, from, to, time_zone }.read()
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(from: &str, to: &str, weekdays: Option<Vec<Weekday>>) -> QuietHours {
        let time_zone = "Europe/Berlin".to_owned();
        QuietHours { from: from.to_owned(), to: to.to_owned(), time_zone, weekdays }
    }

    fn ms(rfc3339: &str) -> i64 {
        rfc3339.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn they_end_in_the_morning_of_their_zone() {
        let nights = quiet("22:00", "07:00", None);
        nights.check().unwrap();
        assert_eq!(nights.until_ms(ms("2026-11-26T20:59:59Z")), None);
        assert_eq!(nights.until_ms(ms("2026-11-26T21:00:00Z")), Some(ms("2026-11-27T06:00:00Z")));
        assert_eq!(nights.until_ms(ms("2026-11-27T05:59:59Z")), Some(ms("2026-11-27T06:00:00Z")));
        assert_eq!(nights.until_ms(ms("2026-11-27T06:00:00Z")), None);
        let fridays = quiet("22:00", "07:00", Some(vec![Weekday::Friday]));
        assert_eq!(fridays.until_ms(ms("2026-11-26T22:00:00Z")), None, "a Thursday");
        assert!(fridays.until_ms(ms("2026-11-28T04:00:00Z")).is_some(), "it began on Friday");
    }

    #[test]
    fn hours_that_outlast_a_notice_are_refused() {
        let refused = |hours: QuietHours| hours.check().unwrap_err().to_string();
        assert!(refused(quiet("08:00", "08:00", None)).contains("longer than 16 hours"));
        assert!(refused(quiet("15:00", "07:01", None)).contains("longer than 16 hours"));
        quiet("15:00", "07:00", None).check().unwrap();
        assert!(refused(quiet("24:30", "07:00", None)).contains("22:30"));
        assert!(refused(quiet("22:00", "07:00", Some(Vec::new()))).contains("weekday"));
    }
}
