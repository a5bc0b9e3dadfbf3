//! A period cut into buckets, for series.
//!
//! Buckets shorter than a day step in UTC, so that all are equally long; from a day on they begin at the zone's
//! midnights (a day of 23 or 25 hours is one bucket), weeks on Monday. The first bucket may begin before the period and
//! the last may end after it: they count only the part inside the period.

use jiff::civil::{self, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use crate::limits;
use crate::period::{self, PeriodError, PeriodText};

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
pub const DAY_US: i64 = 24 * HOUR_US;
pub const QUARTER_US: i64 = 15 * MINUTE_US;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// This many microseconds, counted from 1970 in UTC.
    Fixed(i64),
    Day,
    Week,
    Month,
}

/// From the finest to the coarsest, with the name in answers.
pub const STEPS: [(Step, &str); 8] = [
    (Step::Fixed(MINUTE_US), "1m"),
    (Step::Fixed(5 * MINUTE_US), "5m"),
    (Step::Fixed(QUARTER_US), "15m"),
    (Step::Fixed(HOUR_US), "1h"),
    (Step::Fixed(6 * HOUR_US), "6h"),
    (Step::Day, "1d"),
    (Step::Week, "1w"),
    (Step::Month, "1mo"),
];

/// Buckets side by side: bucket i is `edges_us[i]..edges_us[i + 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    pub step: Step,
    pub edges_us: Vec<i64>,
    pub tz: TimeZone,
    /// The period itself: `from_us` included, `to_us` excluded. Inside the edges.
    pub from_us: i64,
    pub to_us: i64,
}

impl Step {
    pub fn name(self) -> &'static str {
        STEPS.iter().find(|(step, _)| *step == self).map_or("", |(_, name)| name)
    }

    /// The start of the bucket that holds `time_us`.
    pub fn floor(self, time_us: i64, tz: &TimeZone) -> Result<i64, PeriodError> {
        match self {
            Step::Fixed(us) => Ok(time_us.div_euclid(us) * us),
            _ => {
                let day = date(time_us, tz)?;
                let first = match self {
                    Step::Week => {
                        day.checked_sub(i64::from(day.weekday().since(Weekday::Monday)).days())
                    }
                    Step::Month => Ok(day.first_of_month()),
                    _ => Ok(day),
                };
                midnight(first.map_err(out_of_range)?, tz)
            }
        }
    }

    /// The start of the bucket after the one that begins at `start_us`.
    fn next(self, start_us: i64, tz: &TimeZone) -> Result<i64, PeriodError> {
        let span = match self {
            Step::Fixed(us) => return start_us.checked_add(us).ok_or_else(|| out_of_range("")),
            Step::Day => 1.day(),
            Step::Week => 7.days(),
            Step::Month => 1.month(),
        };
        midnight(date(start_us, tz)?.checked_add(span).map_err(out_of_range)?, tz)
    }

    /// About how many there are in this length.
    fn fits(self, length_us: i64) -> i64 {
        length_us
            / match self {
                Step::Fixed(us) => us,
                Step::Day => DAY_US,
                Step::Week => 7 * DAY_US,
                Step::Month => 30 * DAY_US,
            }
    }
}

/// A period with its buckets, and the one before it.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedPeriod {
    pub grid: Grid,
    /// The end of the period if it is over, else now.
    pub until_us: i64,
    /// As long as the part of the period that has passed; none for "all".
    pub previous: Option<(i64, i64)>,
}

/// The grid of a call's period, for panels. `extent`: the times of the oldest and newest hit.
///
/// Without parameters it is the last 7 days. A named period begins with a bucket (or with a day, if buckets are longer
/// than that), so that the first bar is not half a bar; an open one ends with the current bucket.
pub fn ask(
    text: PeriodText<'_>,
    now_us: i64,
    tz: &TimeZone,
    extent: Option<(i64, i64)>,
) -> Result<ResolvedPeriod, PeriodError> {
    let given = period::parse(text, now_us, tz)?;
    let named = given.is_none() || text.period.is_some_and(|period| !period.is_empty());
    let period = match given {
        Some(period) => period,
        None => {
            let week = PeriodText { period: Some("7d"), ..PeriodText::default() };
            period::parse(week, now_us, tz)?.unwrap_or_default()
        }
    };
    let is_all = period == period::Period::default();
    let oldest = extent.map_or(now_us - DAY_US, |(oldest, _)| oldest);
    let until_us = period.to_us.unwrap_or(now_us).max(period.from_us.unwrap_or(i64::MIN) + 1);
    let from_us = period.from_us.unwrap_or_else(|| oldest.min(until_us - 1));
    let mut grid = Grid::over(from_us, until_us, tz)?;
    if named {
        grid.from_us = match grid.step {
            Step::Fixed(_) => grid.edges_us[0],
            _ if is_all => grid.edges_us[0],
            _ => Step::Day.floor(from_us, tz)?,
        };
    }
    if period.to_us.is_none()
        && let Some(last) = grid.edges_us.last()
    {
        grid.to_us = *last;
    }
    let until_us = until_us.min(now_us).max(grid.from_us + 1);
    let previous = (!is_all).then(|| (2 * grid.from_us - until_us, grid.from_us));
    Ok(ResolvedPeriod { grid, until_us, previous })
}

impl Grid {
    /// The finest buckets of which at most 200 cover the period. An error if even months would be more.
    pub fn over(from_us: i64, to_us: i64, tz: &TimeZone) -> Result<Grid, PeriodError> {
        Grid::no_finer(MINUTE_US, from_us, to_us, tz)
    }

    /// Like `over`, with no bucket shorter than `least_us`.
    pub fn no_finer(
        least_us: i64,
        from_us: i64,
        to_us: i64,
        tz: &TimeZone,
    ) -> Result<Grid, PeriodError> {
        let most = limits::PANEL_BUCKETS as i64;
        for (step, _) in STEPS {
            if matches!(step, Step::Fixed(us) if us < least_us) {
                continue;
            }
            if step.fits(to_us.saturating_sub(from_us)) > most {
                continue;
            }
            let mut edges_us = vec![step.floor(from_us, tz)?];
            let mut last = edges_us[0];
            while last < to_us && edges_us.len() as i64 <= most + 1 {
                last = step.next(last, tz)?;
                edges_us.push(last);
            }
            if edges_us.len() as i64 - 1 <= most {
                return Ok(Grid { step, edges_us, tz: tz.clone(), from_us, to_us });
            }
        }
        Err(PeriodError {
            parameter: "from",
            message: format!("the period is too long; ask for at most {most} months"),
        })
    }

    /// One bucket: for numbers without a series.
    pub fn whole(from_us: i64, to_us: i64, tz: &TimeZone) -> Grid {
        Grid {
            step: Step::Fixed(to_us - from_us),
            edges_us: vec![from_us, to_us],
            tz: tz.clone(),
            from_us,
            to_us,
        }
    }

    pub fn buckets(&self) -> usize {
        self.edges_us.len() - 1
    }

    /// The bucket of a time inside the period; times outside fall into the first or the last.
    pub fn bucket(&self, time_us: i64) -> usize {
        if let Step::Fixed(us) = self.step {
            let n = (time_us - self.edges_us[0]).max(0) / us.max(1);
            return (n as usize).min(self.buckets() - 1);
        }
        self.edges_us.partition_point(|&edge| edge <= time_us).clamp(1, self.buckets()) - 1
    }

    /// Whether every edge inside the period is a multiple of `us`.
    pub fn is_aligned(&self, us: i64) -> bool {
        self.inner_edges().all(|edge| edge % us == 0)
    }

    /// Edges strictly inside the period.
    pub fn inner_edges(&self) -> impl Iterator<Item = i64> + '_ {
        self.edges_us.iter().copied().filter(|&edge| edge > self.from_us && edge < self.to_us)
    }

    /// The zone's offsets over the period, microseconds: (start, offset), ascending, the first at or before `from_us`.
    pub fn offsets(&self) -> Vec<(i64, i64)> {
        let Ok(start) = Timestamp::from_microsecond(self.from_us) else {
            return vec![(i64::MIN, 0)];
        };
        let us = |seconds: i32| i64::from(seconds) * 1_000_000;
        let mut offsets = vec![(i64::MIN, us(self.tz.to_offset(start).seconds()))];
        for change in self.tz.following(start) {
            let at = change.timestamp().as_microsecond();
            if at >= self.to_us {
                break;
            }
            offsets.push((at, us(change.offset().seconds())));
        }
        offsets
    }
}

/// The first day of the month that holds a day, and that of the next month: in UTC, as days counted from 1970. None outside
/// of the calendar.
pub fn month_of_day(day: i64) -> Option<(i64, i64)> {
    let epoch = civil::date(1970, 1, 1);
    let date = epoch.checked_add(Span::new().try_days(day).ok()?).ok()?;
    let number = |date: civil::Date| date.duration_since(epoch).as_secs() / 86_400;
    let first = date.first_of_month();
    let next = first.checked_add(Span::new().months(1)).ok()?;
    Some((number(first), number(next)))
}

fn date(time_us: i64, tz: &TimeZone) -> Result<civil::Date, PeriodError> {
    let time = Timestamp::from_microsecond(time_us).map_err(out_of_range)?;
    Ok(time.to_zoned(tz.clone()).date())
}

/// If a zone has no midnight on that day (the clock skipped it), the day's first moment.
fn midnight(day: civil::Date, tz: &TimeZone) -> Result<i64, PeriodError> {
    Ok(day.to_zoned(tz.clone()).map_err(out_of_range)?.timestamp().as_microsecond())
}

fn out_of_range(_: impl std::fmt::Display) -> PeriodError {
    PeriodError {
        parameter: "from",
        message: "the period is outside of the years that there are".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::parse_zone;

    fn us(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn check(from: &str, to: &str, tz: &str, step: &str, buckets: usize, first: &str, last: &str) {
        let grid = Grid::over(us(from), us(to), &parse_zone(tz).unwrap()).unwrap();
        let shown = |at: i64| Timestamp::from_microsecond(at).unwrap().to_string();
        assert_eq!((grid.step.name(), grid.buckets()), (step, buckets), "{from} {to} {tz}");
        assert_eq!(shown(grid.edges_us[0]), first);
        assert_eq!(shown(*grid.edges_us.last().unwrap()), last);
        assert!(grid.edges_us.is_sorted());
        for (n, pair) in grid.edges_us.windows(2).enumerate() {
            assert_eq!(grid.bucket(pair[0]), n);
            assert_eq!(grid.bucket(pair[1] - 1), n);
        }
    }

    #[test]
    fn a_month_goes_from_its_first_day_to_that_of_the_next() {
        for (day, first, next) in [(0, 0, 31), (31, 31, 59), (58, 31, 59), (-1, -31, 0)] {
            assert_eq!(month_of_day(day), Some((first, next)));
        }
        // The leap day of 2028.
        assert_eq!(month_of_day(21_243).map(|(first, next)| next - first), Some(29));
        assert_eq!(month_of_day(i64::MAX), None);
    }

    #[test]
    fn the_finest_buckets_that_are_at_most_200() {
        let to = "2026-11-22T10:07:00Z";
        check("2026-11-22T09:00:00Z", to, "", "1m", 67, "2026-11-22T09:00:00Z", to);
        check(
            "2026-11-21T10:00:00Z",
            to,
            "",
            "15m",
            97,
            "2026-11-21T10:00:00Z",
            "2026-11-22T10:15:00Z",
        );
        check(
            "2026-11-15T10:00:00Z",
            to,
            "Europe/Berlin",
            "1h",
            169,
            "2026-11-15T10:00:00Z",
            "2026-11-22T11:00:00Z",
        );
        check(
            "2026-10-23T10:00:00Z",
            to,
            "",
            "6h",
            121,
            "2026-10-23T06:00:00Z",
            "2026-11-22T12:00:00Z",
        );
        // Days follow the zone, also over the end of summer time.
        check(
            "2026-05-22T10:00:00Z",
            to,
            "Europe/Berlin",
            "1d",
            185,
            "2026-05-21T22:00:00Z",
            "2026-11-22T23:00:00Z",
        );
        check(
            "2025-11-22T10:00:00Z",
            to,
            "Asia/Kathmandu",
            "1w",
            53,
            "2025-11-16T18:15:00Z",
            "2026-11-22T18:15:00Z",
        );
        check(
            "2016-11-22T10:00:00Z",
            to,
            "",
            "1mo",
            121,
            "2016-11-01T00:00:00Z",
            "2026-12-01T00:00:00Z",
        );
        assert!(Grid::over(0, us(to), &TimeZone::UTC).is_err());
    }

    #[test]
    fn days_of_23_and_25_hours_and_a_missing_midnight() {
        let days = |from: &str, to: &str, tz: &str| {
            let grid = Grid::over(us(from), us(to), &parse_zone(tz).unwrap()).unwrap();
            assert_eq!(grid.step, Step::Day);
            grid.edges_us.windows(2).map(|pair| (pair[1] - pair[0]) / HOUR_US).collect::<Vec<_>>()
        };
        let spring = days("2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z", "Europe/Berlin");
        assert_eq!((spring[87], spring.iter().filter(|&&hours| hours == 23).count()), (23, 1));
        let autumn = days("2026-09-01T00:00:00Z", "2026-12-15T00:00:00Z", "Europe/Berlin");
        assert_eq!(autumn.iter().filter(|&&hours| hours == 25).count(), 1);
        // In Santiago the clock goes from 24:00 to 01:00.
        let santiago = days("2026-07-01T12:00:00Z", "2026-11-01T12:00:00Z", "America/Santiago");
        assert_eq!(santiago.iter().filter(|&&hours| hours == 23).count(), 1);
    }

    #[test]
    fn periods_begin_with_a_bucket_and_end_with_the_one_under_way() {
        let now = us("2026-11-22T10:07:00Z");
        let shown = |at: i64| Timestamp::from_microsecond(at).unwrap().to_string();
        let check = |period: &str, tz: &str| {
            let text = PeriodText { period: Some(period), ..PeriodText::default() };
            let asked =
                ask(text, now, &parse_zone(tz).unwrap(), Some((us("2026-11-20T05:00:01Z"), now)))
                    .unwrap();
            assert_eq!(asked.until_us, now);
            if let Some((from, to)) = asked.previous {
                assert_eq!((to, to - from), (asked.grid.from_us, now - asked.grid.from_us));
            }
            (
                shown(asked.grid.from_us),
                shown(asked.grid.to_us),
                asked.grid.step.name(),
                asked.previous.is_some(),
            )
        };
        let answer =
            |from: &str, to: &str, step, previous| (from.to_owned(), to.to_owned(), step, previous);
        assert_eq!(
            check("24h", ""),
            answer("2026-11-21T10:00:00Z", "2026-11-22T10:15:00Z", "15m", true)
        );
        assert_eq!(
            check("7d", ""),
            answer("2026-11-15T10:00:00Z", "2026-11-22T11:00:00Z", "1h", true)
        );
        assert_eq!(check("", ""), check("7d", ""));
        assert_eq!(
            check("6mo", "Asia/Kathmandu"),
            answer("2026-05-21T18:15:00Z", "2026-11-22T18:15:00Z", "1d", true)
        );
        assert_eq!(
            check("12mo", "UTC"),
            answer("2025-11-22T00:00:00Z", "2026-11-23T00:00:00Z", "1w", true)
        );
        assert_eq!(
            check("all", "UTC"),
            answer("2026-11-20T05:00:00Z", "2026-11-22T11:00:00Z", "1h", false)
        );
    }

    #[test]
    fn a_period_of_ones_own_is_as_it_was_asked_for() {
        let now = us("2026-11-22T10:07:00Z");
        let ask = |from, to, extent| {
            ask(PeriodText { period: None, from, to }, now, &TimeZone::UTC, extent).unwrap()
        };
        let own = ask(Some("2026-11-01T00:07:00Z"), Some("2026-11-02T00:00:00Z"), None);
        assert_eq!(
            (own.grid.from_us, own.grid.to_us),
            (us("2026-11-01T00:07:00Z"), us("2026-11-02T00:00:00Z"))
        );
        assert_eq!(own.grid.edges_us[0], us("2026-11-01T00:00:00Z"));
        assert_eq!(own.until_us, own.grid.to_us);
        // Only an end: from the first hit on; without hits, from a moment before the end.
        let ended =
            ask(None, Some("2026-11-02T00:00:00Z"), Some((us("2026-10-30T00:00:00Z"), now)));
        assert_eq!(ended.grid.from_us, us("2026-10-30T00:00:00Z"));
        let empty = ask(None, Some("2026-11-02T00:00:00Z"), None);
        assert!(empty.grid.from_us < empty.grid.to_us);
        // From a time in the future.
        let future = ask(Some("2027-01-01T00:00:00Z"), None, None);
        assert!(future.grid.from_us < future.grid.to_us && future.previous.is_some());
    }

    #[test]
    fn offsets_follow_the_zone() {
        let grid = Grid::over(
            us("2026-09-01T00:00:00Z"),
            us("2026-12-01T00:00:00Z"),
            &parse_zone("Europe/Berlin").unwrap(),
        )
        .unwrap();
        assert_eq!(
            grid.offsets(),
            [(i64::MIN, 2 * HOUR_US), (us("2026-10-25T01:00:00Z"), HOUR_US)]
        );
        assert!(
            grid.is_aligned(QUARTER_US) && grid.is_aligned(HOUR_US) && !grid.is_aligned(DAY_US)
        );
    }
}
