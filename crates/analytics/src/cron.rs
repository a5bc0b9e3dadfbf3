//! Cron expressions in a time zone: `30 2 * * 1-5` means half past two there, whatever its clocks do.
//!
//! Five fields and the usual names (`@daily`). Seconds and years are refused: nothing here is planned by the second. A
//! time that a clock change skips happens right after the gap, and one that it repeats happens once, unless the
//! expression names every hour or minute.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use thiserror::Error;

use crate::limits;

/// A parsed expression and its zone.
#[derive(Clone)]
pub struct CronSchedule {
    cron: Cron,
    zone: TimeZone,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CronError {
    #[error("unknown time zone `{0}`; use a name such as Europe/Berlin or UTC")]
    UnknownZone(String),
    #[error("the cron expression is longer than {} characters", limits::CRON_CHARACTERS)]
    TooLong,
    #[error("invalid cron expression: {0}; it has five fields: minute, hour, day, month, weekday")]
    Invalid(String),
}

impl CronSchedule {
    pub fn parse(expression: &str, zone: &str) -> Result<CronSchedule, CronError> {
        if expression.chars().count() as u64 > limits::CRON_CHARACTERS {
            return Err(CronError::TooLong);
        }
        let zone = find_zone(zone).ok_or_else(|| CronError::UnknownZone(zone.to_owned()))?;
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron =
            parser.parse(expression).map_err(|error| CronError::Invalid(error.to_string()))?;
        Ok(CronSchedule { cron, zone })
    }

    /// The first time after `after_ms`, in milliseconds since 1970. None if there is none, as for the 30th of February.
    pub fn next(&self, after_ms: i64) -> Option<i64> {
        let found = self.cron.find_next_occurrence(&self.zoned(after_ms)?, false).ok()?;
        Some(found.timestamp().as_millisecond())
    }

    /// The last time before `before_ms`.
    pub fn previous(&self, before_ms: i64) -> Option<i64> {
        let found = self.cron.find_previous_occurrence(&self.zoned(before_ms)?, false).ok()?;
        Some(found.timestamp().as_millisecond())
    }

    fn zoned(&self, at_ms: i64) -> Option<Zoned> {
        Some(Timestamp::from_millisecond(at_ms).ok()?.to_zoned(self.zone.clone()))
    }
}

/// By hand: the tables of a parsed expression would fill pages.
impl fmt::Debug for CronSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CronSchedule({} in {:?})", self.cron.as_str(), self.zone)
    }
}

/// The zone with an IANA name, from the compiled-in table.
pub(crate) fn find_zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times that follow `after` (RFC 3339), as local times.
    fn check(expression: &str, zone: &str, after: &str, expected: &[&str]) {
        let schedule = CronSchedule::parse(expression, zone).unwrap();
        let mut at_ms = after.parse::<Timestamp>().unwrap().as_millisecond();
        for local in expected {
            let next_ms = schedule.next(at_ms).unwrap();
            assert_eq!(
                schedule.zoned(next_ms).unwrap().strftime("%F %H:%M %Z").to_string(),
                *local
            );
            assert!(schedule.previous(next_ms + 1).unwrap() <= next_ms);
            at_ms = next_ms;
        }
    }

    #[test]
    fn local_times_follow_the_clocks() {
        check(
            "30 3 * * *",
            "Europe/Berlin",
            "2026-03-27T12:00:00Z",
            &["2026-03-28 03:30 CET", "2026-03-29 03:30 CEST", "2026-03-30 03:30 CEST"],
        );
        check(
            "0 9 * * 1-5",
            "America/New_York",
            "2026-10-30T12:00:00Z",
            &["2026-10-30 09:00 EDT", "2026-11-02 09:00 EST"],
        );
    }

    #[test]
    fn a_skipped_time_happens_after_the_gap_and_a_repeated_one_once() {
        check(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            &["2026-03-29 03:00 CEST", "2026-03-30 02:30 CEST"],
        );
        check(
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00:00Z",
            &["2026-11-01 01:30 EDT", "2026-11-02 01:30 EST"],
        );
        check(
            "30 * * * *",
            "America/New_York",
            "2026-11-01T05:00:00Z",
            &["2026-11-01 01:30 EDT", "2026-11-01 01:30 EST", "2026-11-01 02:30 EST"],
        );
    }

    #[test]
    fn an_expression_that_is_no_schedule_is_refused() {
        let error = |expression: &str, zone: &str| {
            CronSchedule::parse(expression, zone).unwrap_err().to_string()
        };
        assert!(error("* * * * *", "Europe/Berlim").contains("`Europe/Berlim`"));
        assert!(error("* * * *", "UTC").contains("five fields"));
        assert!(error("0 0 0 * * *", "UTC").contains("invalid cron expression"));
        assert!(error("0 0 1 1 * 2030", "UTC").contains("invalid cron expression"));
        assert!(error("61 * * * *", "UTC").contains("invalid cron expression"));
        assert!(error("", "UTC").contains("invalid cron expression"));
        let long = format!("{}0 * * * *", "0,".repeat(60));
        assert!(error(&long, "UTC").contains("longer than 120"));
        assert!(CronSchedule::parse("0 0 30 2 *", "UTC").unwrap().next(0).is_none());
    }
}
