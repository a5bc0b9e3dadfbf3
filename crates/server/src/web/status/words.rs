//! States, times and lengths in words, for status pages and their mails.

use analytics::uptime::{Share, State};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::pieces::to_rfc3339;
use crate::status_view::{DayView, ServiceView};
use crate::web::escape;

pub fn of_state(state: State) -> &'static str {
    match state {
        State::Up => "Operational",
        State::Degraded => "Degraded",
        State::Down => "Down",
        State::Maintenance => "Maintenance",
        State::Unknown => "No data",
    }
}

/// `99.31 %`, rounded down; a dash where too little is known.
pub fn percent(share: Option<Share>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{}\u{a0}%", share.percent(2)))
}

/// RFC 3339.
pub fn machine_time(ms: i64) -> String {
    to_rfc3339(ms.saturating_mul(1_000))
}

/// `17 Nov, 04:12 UTC`, without the day if it is that of `now_ms`.
pub fn moment(ms: i64, now_ms: i64) -> String {
    let day = |ms: i64| ms.div_euclid(86_400_000);
    if day(ms) == day(now_ms) { format(ms, "%H:%M UTC") } else { format(ms, "%-d %b, %H:%M UTC") }
}

/// `17 Nov 2026, 04:12 UTC`.
pub fn full_moment(ms: i64) -> String {
    format(ms, "%-d %b %Y, %H:%M UTC")
}

/// `17 Nov`.
pub fn day(ms: i64) -> String {
    format(ms, "%-d %b")
}

fn format(ms: i64, pattern: &str) -> String {
    // Times beyond jiff's years are invalid here too.
    let time = Timestamp::from_millisecond(ms).unwrap_or_default();
    time.to_zoned(TimeZone::UTC).strftime(pattern).to_string()
}

/// `38 min`, `2 h 5 min`, `3 d 4 h`.
pub fn length(ms: i64) -> String {
    let minutes = ms.max(0) / 60_000;
    let (days, hours, rest) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    match (days, hours, rest) {
        (0, 0, 0) => "under a minute".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// `<time>`, which the page's script rewrites in the visitor's zone.
pub fn time_element(ms: i64, now_ms: i64) -> String {
    format!("<time datetime=\"{}\">{}</time>", machine_time(ms), moment(ms, now_ms))
}

/// The text of a day's bar: `17 Nov: down 38 min`.
pub fn of_day(view: &DayView) -> String {
    let parts = [
        ("down", view.millis.down),
        ("degraded", view.millis.degraded),
        ("maintenance", view.millis.maintenance),
        ("no data", view.millis.unknown),
    ];
    // Less than a minute without data is the time since the newest check.
    let parts = parts.iter().filter(|(word, ms)| *ms >= 60_000 || *word == "down" && *ms > 0);
    let parts: Vec<String> = parts.map(|(word, ms)| format!("{word} {}", length(*ms))).collect();
    let text = if parts.is_empty() { "operational".to_owned() } else { parts.join(", ") };
    format!("{}: {text}", day(view.from_ms))
}

/// The bars of a service for screen readers.
pub fn of_bars(service: &ServiceView) -> String {
    let days = |wanted: State| service.days.iter().filter(|day| day.state == wanted).count();
    let count = |days: usize, what: &str| match days {
        0 => None,
        1 => Some(format!("1 day {what}")),
        days => Some(format!("{days} days {what}")),
    };
    let parts = [
        count(days(State::Up), "operational"),
        count(days(State::Degraded), "degraded"),
        count(days(State::Down), "with an outage"),
        count(days(State::Maintenance), "of maintenance"),
        count(days(State::Unknown), "without data"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("Last {} days: {}", service.days.len(), parts.join(", "))
}

/// Keeps line breaks.
pub fn paragraph(text: &str) -> String {
    escape(text).replace('\n', "<br>")
}
