//! Uptime of monitors: for periods that end now, and day by day.

use std::collections::HashMap;

use analytics::limits;
use analytics::uptime::Millis;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::pieces::to_rfc3339;

/// Uptime of a period that ends now.
#[derive(Serialize, ToSchema)]
pub struct Uptime {
    #[schema(example = "30d")]
    pub period: &'static str,
    /// Share of the known time that was up or degraded, rounded down. Null if too little is known.
    #[schema(example = "99.98")]
    pub percent: Option<String>,
    /// The known share of the period.
    #[schema(example = "100.0")]
    pub coverage_percent: Option<String>,
    pub down_ms: i64,
    pub degraded_ms: i64,
}

/// The sums of one day (UTC). The rest of the day is unknown.
#[derive(Serialize, ToSchema)]
pub struct DayBar {
    /// When it begins.
    #[schema(example = "2027-01-31T00:00:00Z")]
    pub day: String,
    /// Computed as in `uptime`; null if too little is known.
    #[schema(example = "99.98")]
    pub percent: Option<String>,
    pub up_ms: i64,
    pub degraded_ms: i64,
    pub down_ms: i64,
    pub maintenance_ms: i64,
    /// Today's is counted up to now.
    pub unknown_ms: i64,
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const SLOT_MS: i64 = limits::UPTIME_SLOT_MINUTES as i64 * 60_000;
const PERIODS: [(&str, i64); 5] = [
    ("24h", DAY_MS),
    ("7d", 7 * DAY_MS),
    ("30d", 30 * DAY_MS),
    ("90d", 90 * DAY_MS),
    ("365d", 365 * DAY_MS),
];

/// For each of these monitors.
pub async fn uptimes(
    app: &App,
    monitors: &[i64],
) -> Result<HashMap<i64, (Vec<Uptime>, Vec<DayBar>)>, ApiError> {
    // The board is ahead of the file: its sums are written first.
    app.monitors.write_all(&app.checks).await;
    let now_ms = app.clock.now_us().div_euclid(1_000);
    let today = now_ms.div_euclid(DAY_MS);
    let days = app.checks.days(monitors, today - 365).await?;
    // A period begins within a day: the rest of that day is summed from its 5-minute slots.
    let mut rests = Vec::new();
    for (period, length_ms) in PERIODS {
        let from_ms = (now_ms - length_ms).div_euclid(SLOT_MS) * SLOT_MS;
        let first_day = from_ms.div_euclid(DAY_MS) + 1;
        let rest = app.checks.totals(monitors, from_ms, first_day * DAY_MS).await?;
        rests.push((period, from_ms, first_day, rest));
    }
    let mut of_monitors = HashMap::new();
    for monitor in monitors {
        let days = days.get(monitor).map(Vec::as_slice).unwrap_or_default();
        let tail = Millis::of(&app.monitors.tail(*monitor, now_ms));
        let periods = rests.iter().map(|(period, from_ms, first_day, rest)| {
            let mut millis = rest.get(monitor).copied().unwrap_or_default();
            let whole = days.iter().filter(|(day, _)| day >= first_day);
            whole.for_each(|(_, of_day)| millis += *of_day);
            millis += tail;
            to_uptime(period, millis.filled_to(now_ms - from_ms))
        });
        let bars = (today - limits::UPTIME_BARS as i64 + 1..=today).map(|day| {
            let found = days.binary_search_by_key(&day, |(day, _)| *day);
            let mut millis = found.map_or(Millis::default(), |place| days[place].1);
            let mut length_ms = DAY_MS;
            if day == today {
                millis += tail;
                length_ms = now_ms - day * DAY_MS;
            }
            to_bar(day, millis.filled_to(length_ms))
        });
        of_monitors.insert(*monitor, (periods.collect(), bars.collect()));
    }
    Ok(of_monitors)
}

fn to_uptime(period: &'static str, millis: Millis) -> Uptime {
    Uptime {
        period,
        percent: millis.uptime().map(|share| share.percent(2)),
        coverage_percent: millis.coverage().map(|share| share.percent(1)),
        down_ms: millis.down,
        degraded_ms: millis.degraded,
    }
}

fn to_bar(day: i64, millis: Millis) -> DayBar {
    DayBar {
        day: to_rfc3339(day * DAY_MS * 1_000),
        percent: millis.uptime().map(|share| share.percent(2)),
        up_ms: millis.up,
        degraded_ms: millis.degraded,
        down_ms: millis.down,
        maintenance_ms: millis.maintenance,
        unknown_ms: millis.unknown,
    }
}
