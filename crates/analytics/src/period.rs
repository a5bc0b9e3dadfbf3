//! A period of time in a query, and its notation.
//!
//! It knows no clock: `now` is passed in. Buckets are elsewhere (`grid`).

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, civil};

/// `from` included, `to` excluded, microseconds since 1970; none: open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Period {
    pub from_us: Option<i64>,
    pub to_us: Option<i64>,
}

/// A problem of a period, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{parameter}`: {message}")]
pub struct PeriodError {
    /// The parameter to blame.
    pub parameter: &'static str,
    pub message: String,
}

/// The time parameters of a call about hits, as they came; "" counts as absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeriodText<'a> {
    /// `24h`, `7d`, `30d`, `6mo`, `12mo` or `all`.
    pub period: Option<&'a str>,
    /// RFC 3339, included.
    pub from: Option<&'a str>,
    /// RFC 3339, excluded.
    pub to: Option<&'a str>,
}

/// The periods that have a name.
pub const NAMES: [&str; 6] = ["24h", "7d", "30d", "6mo", "12mo", "all"];

/// A named period reaches back from `now_us` in hours, or in days and months of `tz`, and is open towards the future:
/// clocks that are a little ahead must not hide the newest hits. None without parameters, so that the caller chooses a
/// default.
pub fn parse(
    text: PeriodText<'_>,
    now_us: i64,
    tz: &TimeZone,
) -> Result<Option<Period>, PeriodError> {
    let given = |text: Option<&'_ str>| text.is_some_and(|text| !text.is_empty());
    if !given(text.period) {
        let from_us = parse_instant("from", text.from)?;
        let to_us = parse_instant("to", text.to)?;
        if let (Some(from), Some(to)) = (from_us, to_us)
            && from >= to
        {
            return Err(error("to", "it must be after `from`"));
        }
        return Ok((from_us.is_some() || to_us.is_some()).then_some(Period { from_us, to_us }));
    }
    if given(text.from) || given(text.to) {
        return Err(error("period", "give either `period` or `from` and `to`, not both"));
    }
    let back: Span = match text.period.unwrap_or_default() {
        "24h" => 24.hours(),
        "7d" => 7.days(),
        "30d" => 30.days(),
        "6mo" => 6.months(),
        "12mo" => 12.months(),
        "all" => return Ok(Some(Period::default())),
        other => {
            return Err(error(
                "period",
                format!("`{}` is none of {}", short(other), NAMES.join(", ")),
            ));
        }
    };
    let now = Timestamp::from_microsecond(now_us).map(|now| now.to_zoned(tz.clone()));
    let from = now
        .and_then(|now| now.checked_sub(back))
        .map_err(|problem| error("period", problem.to_string()))?;
    Ok(Some(Period { from_us: Some(from.timestamp().as_microsecond()), to_us: None }))
}

/// An IANA name; UTC for "".
pub fn parse_zone(name: &str) -> Result<TimeZone, PeriodError> {
    if name.is_empty() {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| {
        error(
            "tz",
            format!(
                "`{}` isn't a time zone; write an IANA name such as Europe/Berlin",
                short(name)
            ),
        )
    })
}

/// Whole days of UTC, both included: the original's `date`, `dateFrom` and `dateTo` (YYYY-MM-DD). `date` wins.
pub fn parse_days(
    date: Option<&str>,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<Period, PeriodError> {
    let date = parse_day("date", date)?;
    let from = parse_day("dateFrom", from)?;
    let to = parse_day("dateTo", to)?;
    let (from, to) = if date.is_some() { (date, date) } else { (from, to) };
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(error("dateTo", "it must not be before `dateFrom`"));
    }
    let midnight = |parameter, day: civil::Date| match day.to_zoned(TimeZone::UTC) {
        Ok(midnight) => Ok(midnight.timestamp().as_microsecond()),
        Err(problem) => Err(error(parameter, problem.to_string())),
    };
    let from_us = from.map(|from| midnight("dateFrom", from)).transpose()?;
    // The day after the last possible one has no midnight: an open end is the same.
    let to_us =
        to.and_then(|to| to.tomorrow().ok()).map(|day| midnight("dateTo", day)).transpose()?;
    Ok(Period { from_us, to_us })
}

/// RFC 3339, in microseconds since 1970.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(|instant| instant.as_microsecond())
}

fn parse_instant(parameter: &'static str, text: Option<&str>) -> Result<Option<i64>, PeriodError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    match parse_time(text) {
        Some(time_us) => Ok(Some(time_us)),
        None => {
            let hint = if text.contains(' ') { " (in a URL, `+` is written %2B)" } else { "" };
            Err(error(
                parameter,
                format!(
                    "`{}` isn't a time; write RFC 3339, such as 2026-11-22T07:25:00Z{hint}",
                    short(text)
                ),
            ))
        }
    }
}

fn parse_day(
    parameter: &'static str,
    text: Option<&str>,
) -> Result<Option<civil::Date>, PeriodError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    match civil::Date::strptime("%Y-%m-%d", text) {
        Ok(day) if text.len() == 10 => Ok(Some(day)),
        _ => Err(error(parameter, format!("`{}` isn't a day; write YYYY-MM-DD", short(text)))),
    }
}

fn error(parameter: &'static str, message: impl Into<String>) -> PeriodError {
    PeriodError { parameter, message: message.into() }
}

/// A long text, shortened for a message.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-31T12:00:00Z";

    fn us(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn named(period: &str, tz: &str) -> Option<i64> {
        let text = PeriodText { period: Some(period), ..PeriodText::default() };
        let period = parse(text, us(NOW), &parse_zone(tz).unwrap()).unwrap().unwrap();
        assert_eq!(period.to_us, None);
        period.from_us
    }

    #[test]
    fn a_named_period_reaches_back_from_now() {
        assert_eq!(named("24h", "UTC"), Some(us("2026-03-30T12:00:00Z")));
        assert_eq!(named("7d", "UTC"), Some(us("2026-03-24T12:00:00Z")));
        assert_eq!(named("30d", ""), Some(us("2026-03-01T12:00:00Z")));
        assert_eq!(named("6mo", "UTC"), Some(us("2025-09-30T12:00:00Z")));
        assert_eq!(named("12mo", "UTC"), Some(us("2025-03-31T12:00:00Z")));
        assert_eq!(named("all", "UTC"), None);
        // Summer time began in Berlin on the 29th: seven days of wall clock are an hour short of 168.
        assert_eq!(named("7d", "Europe/Berlin"), Some(us("2026-03-24T13:00:00Z")));
        assert_eq!(named("24h", "Europe/Berlin"), Some(us("2026-03-30T12:00:00Z")));
    }

    #[test]
    fn from_and_to_are_instants_and_each_may_be_missing() {
        let check =
            |from, to| parse(PeriodText { period: None, from, to }, us(NOW), &TimeZone::UTC);
        assert_eq!(check(None, None), Ok(None));
        assert_eq!(check(Some(""), Some("")), Ok(None));
        assert_eq!(
            check(Some("2026-01-01T00:00:00Z"), Some("2026-01-02T00:00:00+05:45")),
            Ok(Some(Period {
                from_us: Some(us("2026-01-01T00:00:00Z")),
                to_us: Some(us("2026-01-01T18:15:00Z"))
            }))
        );
        assert_eq!(
            check(None, Some(NOW)),
            Ok(Some(Period { from_us: None, to_us: Some(us(NOW)) }))
        );
    }

    #[test]
    fn a_wrong_period_is_told_what_and_what_to_do() {
        let check = |period, from, to| {
            parse(PeriodText { period, from, to }, us(NOW), &TimeZone::UTC).unwrap_err().to_string()
        };
        assert_eq!(
            check(Some("1w"), None, None),
            "`period`: `1w` is none of 24h, 7d, 30d, 6mo, 12mo, all"
        );
        assert_eq!(
            check(Some("7d"), Some(NOW), None),
            "`period`: give either `period` or `from` and `to`, not both"
        );
        assert_eq!(check(None, Some(NOW), Some(NOW)), "`to`: it must be after `from`");
        assert_eq!(
            check(None, Some("2026-01-01T00:00:00 05:45"), None),
            "`from`: `2026-01-01T00:00:00 05:45` isn't a time; write RFC 3339, such as 2026-11-22T07:25:00Z (in a URL, `+` is written %2B)"
        );
        assert!(check(None, Some("2026-01-01T00:00:00"), None).starts_with("`from`: "));
        assert_eq!(
            parse_zone("Mars/Olympus").unwrap_err().to_string(),
            "`tz`: `Mars/Olympus` isn't a time zone; write an IANA name such as Europe/Berlin"
        );
    }

    #[test]
    fn days_are_whole_and_of_utc_and_date_wins() {
        let day = Period {
            from_us: Some(us("2026-02-28T00:00:00Z")),
            to_us: Some(us("2026-03-01T00:00:00Z")),
        };
        assert_eq!(parse_days(Some("2026-02-28"), Some("2020-01-01"), None), Ok(day));
        assert_eq!(parse_days(None, Some("2026-02-28"), Some("2026-02-28")), Ok(day));
        assert_eq!(parse_days(None, None, None), Ok(Period::default()));
        assert_eq!(parse_days(None, None, Some("2026-02-28")), Ok(Period { from_us: None, ..day }));
        for wrong in ["2026-02-30", "28.02.2026", "2026-2-8", "2026-02-28T00:00:00Z", "tomorrow"] {
            let problem = parse_days(None, Some(wrong), None).unwrap_err();
            assert_eq!(
                (problem.parameter, problem.message),
                ("dateFrom", format!("`{wrong}` isn't a day; write YYYY-MM-DD"))
            );
        }
        assert_eq!(
            parse_days(None, Some("2026-03-01"), Some("2026-02-28")).unwrap_err().parameter,
            "dateTo"
        );
    }
}
