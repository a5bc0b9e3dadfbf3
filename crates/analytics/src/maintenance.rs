//! Maintenance: planned times in which outages send no notice and do not lower the uptime. `MaintenanceSettings` is
//! what an owner writes, `Maintenance` the parsed form. A schedule (once, weekly by local times, or by cron with a
//! length) becomes spans of time, and the spans of several schedules are united.
//!
//! A weekly window follows the clocks of its zone: on days of 23 or 25 hours it is an hour shorter or longer if the change
//! lies inside. A window by cron has a fixed length.

mod settings;

#[cfg(test)]
mod tests;

use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::cron::{CronError, CronSchedule, find_zone};
use crate::limits;
use crate::uptime::Span;

pub use settings::{Maintenance, MaintenanceSettings};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1_440 * MINUTE_MS;

/// When maintenance takes place, as it is stored and spoken of by the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// From `from` to before `to`.
    Once {
        #[serde(rename = "from", with = "rfc3339")]
        #[schema(value_type = String, example = "2027-01-31T22:00:00Z")]
        from_ms: i64,
        #[serde(rename = "to", with = "rfc3339")]
        #[schema(value_type = String, example = "2027-02-01T00:00:00Z")]
        to_ms: i64,
    },
    /// On these days from `from` to before `to`, local times as `22:30`; a `to` that is not later than `from` lies on the day
    /// after.
    Weekly {
        weekdays: Vec<Weekday>,
        from: String,
        to: String,
        #[serde(default = "utc")]
        time_zone: String,
    },
    /// So many minutes from each time on that the expression names.
    Cron {
        cron: String,
        minutes: u32,
        #[serde(default = "utc")]
        time_zone: String,
    },
}

fn utc() -> String {
    "UTC".to_owned()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    pub const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScheduleError {
    #[error("the window ends before it begins")]
    Empty,
    #[error("the window lasts at least a minute")]
    NoLength,
    #[error(
        "the window is longer than {} days; pause the monitor instead",
        limits::MAINTENANCE_DAYS
    )]
    TooLong,
    #[error("a window by cron lasts at most {} minutes", limits::MAINTENANCE_CRON_MINUTES)]
    CronTooLong,
    #[error("`{text}` isn't a time of day; write it as 22:30")]
    InvalidTime { field: &'static str, text: String },
    #[error("name at least one weekday")]
    NoWeekday,
    #[error("the cron expression never occurs")]
    Never,
    #[error(
        "the cron expression begins more than {} windows a year; let a window begin at most every hour",
        limits::MAINTENANCE_STARTS_PER_YEAR
    )]
    TooOften,
    #[error(transparent)]
    Cron(#[from] CronError),
}

impl ScheduleError {
    /// The field of the schedule to blame.
    pub fn field(&self) -> &'static str {
        match self {
            ScheduleError::Empty | ScheduleError::TooLong => "to",
            ScheduleError::NoLength | ScheduleError::CronTooLong => "minutes",
            ScheduleError::InvalidTime { field, .. } => field,
            ScheduleError::NoWeekday => "weekdays",
            ScheduleError::Cron(CronError::UnknownZone(_)) => "time_zone",
            ScheduleError::Never | ScheduleError::TooOften | ScheduleError::Cron(_) => "cron",
        }
    }
}

/// A parsed schedule.
#[derive(Clone, Debug)]
pub struct Windows(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Once(Span),
    Weekly { weekdays: Vec<Weekday>, from: Time, to: Time, zone: TimeZone },
    Cron { schedule: Box<CronSchedule>, length_ms: i64 },
}

impl Schedule {
    /// Parses a new schedule. For a cron expression it walks through a year, which takes up to 30 ms.
    pub fn check(&self) -> Result<Windows, ScheduleError> {
        let windows = self.read()?;
        if let Kind::Cron { schedule, .. } = &windows.0 {
            check_starts(schedule)?;
        }
        Ok(windows)
    }

    /// Parses a schedule that was checked before.
    pub fn read(&self) -> Result<Windows, ScheduleError> {
        let kind = match self {
            Schedule::Once { from_ms, to_ms } => {
                let span = Span { from_ms: *from_ms, to_ms: *to_ms };
                check_length(span.to_ms.saturating_sub(span.from_ms))?;
                Kind::Once(span)
            }
            Schedule::Weekly { weekdays, from, to, time_zone } => {
                if weekdays.is_empty() {
                    return Err(ScheduleError::NoWeekday);
                }
                let zone = find_zone(time_zone)
                    .ok_or_else(|| CronError::UnknownZone(time_zone.clone()))?;
                let (from, to) = (read_time("from", from)?, read_time("to", to)?);
                Kind::Weekly { weekdays: weekdays.clone(), from, to, zone }
            }
            Schedule::Cron { cron, minutes, time_zone } => {
                if u64::from(*minutes) > limits::MAINTENANCE_CRON_MINUTES {
                    return Err(ScheduleError::CronTooLong);
                }
                if *minutes == 0 {
                    return Err(ScheduleError::NoLength);
                }
                let length_ms = i64::from(*minutes) * MINUTE_MS;
                let schedule = Box::new(CronSchedule::parse(cron, time_zone)?);
                Kind::Cron { schedule, length_ms }
            }
        };
        Ok(Windows(kind))
    }
}

impl Windows {
    /// The windows that touch `within`, whole, by their start. They may overlap.
    pub fn spans(&self, within: Span) -> Vec<Span> {
        let mut spans = match &self.0 {
            Kind::Once(span) => vec![*span],
            Kind::Weekly { weekdays, from, to, zone } => {
                weekly(weekdays, *from, *to, zone, within).unwrap_or_default()
            }
            Kind::Cron { schedule, length_ms } => {
                let starts = std::iter::successors(
                    schedule.next(within.from_ms.saturating_sub(*length_ms)),
                    |start_ms| schedule.next(*start_ms),
                );
                starts
                    .take_while(|start_ms| *start_ms < within.to_ms)
                    .map(|start_ms| Span { from_ms: start_ms, to_ms: start_ms + length_ms })
                    .collect()
            }
        };
        spans.retain(|span| span.within(within).length_ms() > 0);
        spans
    }

    pub fn is_active(&self, now_ms: i64) -> bool {
        !self.spans(Span { from_ms: now_ms, to_ms: now_ms + 1 }).is_empty()
    }

    /// The first window that begins after `after_ms`.
    pub fn next(&self, after_ms: i64) -> Option<Span> {
        match &self.0 {
            Kind::Once(span) => Some(*span).filter(|span| span.from_ms > after_ms),
            // Two weeks: a change of the clocks can leave nothing of a short window.
            Kind::Weekly { .. } => self
                .spans(Span { from_ms: after_ms, to_ms: after_ms + 15 * DAY_MS })
                .into_iter()
                .find(|span| span.from_ms > after_ms),
            Kind::Cron { schedule, length_ms } => {
                let from_ms = schedule.next(after_ms)?;
                Some(Span { from_ms, to_ms: from_ms + length_ms })
            }
        }
    }

    /// The first `most` windows that begin after `after_ms`.
    pub fn upcoming(&self, after_ms: i64, most: usize) -> Vec<Span> {
        std::iter::successors(self.next(after_ms), |window| self.next(window.from_ms))
            .take(most)
            .collect()
    }
}

/// Spans in ascending order, apart from each other, that cover the same time.
pub fn union(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| span.length_ms() > 0);
    spans.sort_unstable();
    let mut apart = Vec::<Span>::with_capacity(spans.len());
    for span in spans {
        match apart.last_mut() {
            Some(last) if span.from_ms <= last.to_ms => last.to_ms = last.to_ms.max(span.to_ms),
            _ => apart.push(span),
        }
    }
    apart
}

fn weekly(
    weekdays: &[Weekday],
    from: Time,
    to: Time,
    zone: &TimeZone,
    within: Span,
) -> Option<Vec<Span>> {
    let day_of =
        |at_ms: i64| Some(Timestamp::from_millisecond(at_ms).ok()?.to_zoned(zone.clone()).date());
    // A window of the previous day may reach into the first day.
    let mut day = day_of(within.from_ms)?.checked_sub(2.days()).ok()?;
    let last_day = day_of(within.to_ms)?;
    let mut spans = Vec::new();
    while day <= last_day {
        let weekday = day.weekday().to_monday_zero_offset();
        if weekdays.iter().any(|named| *named as i8 == weekday) {
            let end_day = if to > from { day } else { day.tomorrow().ok()? };
            let (from_ms, _) = instants(zone, day.to_datetime(from))?;
            let (_, to_ms) = instants(zone, end_day.to_datetime(to))?;
            spans.push(Span { from_ms, to_ms });
        }
        day = day.tomorrow().ok()?;
    }
    Some(spans)
}

/// The first and the last instant at which the clocks show a time. A time that they skip is the instant of the change.
fn instants(zone: &TimeZone, time: DateTime) -> Option<(i64, i64)> {
    let ambiguous = zone.to_ambiguous_timestamp(time);
    let (earlier, later) = (ambiguous.earlier().ok()?, ambiguous.later().ok()?);
    if let AmbiguousOffset::Gap { .. } = ambiguous.offset() {
        let change = zone.following(earlier).next()?.timestamp().as_millisecond();
        return Some((change, change));
    }
    Some((earlier.as_millisecond(), later.as_millisecond()))
}

fn read_time(field: &'static str, text: &str) -> Result<Time, ScheduleError> {
    Time::strptime("%H:%M", text)
        .map_err(|_| ScheduleError::InvalidTime { field, text: text.to_owned() })
}

fn check_length(length_ms: i64) -> Result<(), ScheduleError> {
    if length_ms <= 0 {
        return Err(ScheduleError::Empty);
    }
    if length_ms > limits::MAINTENANCE_DAYS as i64 * DAY_MS {
        return Err(ScheduleError::TooLong);
    }
    Ok(())
}

/// Checks a fixed year, so that the same expression is always judged alike.
fn check_starts(schedule: &CronSchedule) -> Result<(), ScheduleError> {
    let mut start_ms = schedule.next(0).ok_or(ScheduleError::Never)?;
    let end_ms = start_ms + 366 * DAY_MS;
    for _ in 0..limits::MAINTENANCE_STARTS_PER_YEAR {
        match schedule.next(start_ms) {
            Some(next_ms) if next_ms < end_ms => start_ms = next_ms,
            _ => return Ok(()),
        }
    }
    Err(ScheduleError::TooOften)
}

/// Milliseconds since 1970, written as a time such as `2027-01-31T22:00:00Z`.
mod rfc3339 {
    use jiff::Timestamp;
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        let time = Timestamp::from_millisecond(*ms).map_err(S::Error::custom)?;
        serializer.collect_str(&time)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: Timestamp = text.parse().map_err(|_| {
            D::Error::custom(format!("`{text}` isn't a time such as 2027-01-31T22:00:00Z"))
        })?;
        Ok(time.as_millisecond())
    }
}
