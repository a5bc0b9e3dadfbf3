//! A monitor over time: the duration of its checks by phase, and of each state, in buckets that match those of the
//! project's requests.

use analytics::check::Phase;
use analytics::grid::{Grid, Step};
use analytics::limits;
use analytics::period::{self, PeriodText};
use analytics::uptime::{Restated, Span, row_changes};
use axum::Json;
use axum::extract::{Path, State};
use jiff::tz::TimeZone;
use serde::Serialize;
use store::checks::SumRow;
use store::meta::MonitorRow;
use utoipa::ToSchema;

use super::{READ, find};
use crate::app::{App, SharedApp};
use crate::auth::Holder;
use crate::error::ApiError;
use crate::parameters::Parameters;

const DAY_MS: i64 = 86_400_000;
const SLOT_US: i64 = limits::UPTIME_SLOT_MINUTES as i64 * 60_000_000;

/// At most 200 buckets.
#[derive(Serialize, ToSchema)]
pub struct MonitorHistory {
    /// The length of a bucket: `5m`, `15m`, `1h`, `6h`, `1d` or `1w`, in UTC.
    #[schema(example = "1h")]
    pub step: &'static str,
    /// Bucket i is from `edges[i]` to before `edges[i + 1]`, Unix milliseconds. The outermost may reach beyond the period.
    pub edges: Vec<i64>,
    pub series: MonitorSeries,
}

/// A value per bucket. Times are means of the successful checks, null if there were none; they add up to `total_ms`.
#[derive(Default, Serialize, ToSchema)]
pub struct MonitorSeries {
    pub total_ms: Vec<Option<f64>>,
    pub dns_ms: Vec<Option<f64>>,
    pub connect_ms: Vec<Option<f64>>,
    pub tls_ms: Vec<Option<f64>>,
    pub first_byte_ms: Vec<Option<f64>>,
    pub body_ms: Vec<Option<f64>>,
    /// The slowest check that ended well.
    pub slowest_ms: Vec<Option<f64>>,
    /// Checks that were made.
    pub checks: Vec<u64>,
    /// Those of them that failed, confirmed or not.
    pub failures: Vec<u64>,
    pub up_ms: Vec<i64>,
    pub degraded_ms: Vec<i64>,
    pub down_ms: Vec<i64>,
    pub maintenance_ms: Vec<i64>,
    /// Since the monitor was made, up to now.
    pub unknown_ms: Vec<i64>,
}

/// How a monitor did over time: response times by phase, and milliseconds per state. Kept for 13 months.
#[utoipa::path(
    get, path = "/api/v1/monitors/{id}/history", tag = "monitors",
    params(
        ("id" = i64, Path, description = "The monitor's `id`"),
        ("period" = Option<String>, Query, description = "`24h`, `7d`, `30d`, `6mo`, `12mo` or `all`. Default: 24h"),
        ("from" = Option<String>, Query, description = "From this time on (RFC 3339), in place of `period`"),
        ("to" = Option<String>, Query, description = "Up to before this time (RFC 3339). Default: now"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The buckets", body = MonitorHistory),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show monitors", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such monitor", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn show_history(
    State(app): State<SharedApp>,
    holder: Holder,
    Path(id): Path<String>,
    mut parameters: Parameters,
) -> Result<Json<MonitorHistory>, ApiError> {
    let row = find(&app, holder.project, &id)?;
    let now_us = app.clock.now_us();
    let grid = take_grid(&mut parameters, now_us)?;
    parameters.finish()?;
    let _turn = app.reads.take(holder.reader(), READ).await?;
    let now_ms = now_us.div_euclid(1_000);
    let buckets = read(&app, &row, &grid, now_ms).await?;
    Ok(Json(to_answer(&row, &grid, &buckets, now_ms)))
}

/// At most as far back as results are kept.
fn take_grid(parameters: &mut Parameters, now_us: i64) -> Result<Grid, ApiError> {
    let (period, from, to) =
        (parameters.take(&["period"])?, parameters.take(&["from"])?, parameters.take(&["to"])?);
    let none = period.is_none() && from.is_none() && to.is_none();
    let period = if none { Some("24h") } else { period.as_deref() };
    let text = PeriodText { period, from: from.as_deref(), to: to.as_deref() };
    let asked = period::parse(text, now_us, &TimeZone::UTC)?.unwrap_or_default();
    let oldest_us = now_us - limits::CHECK_SUM_DAYS as i64 * DAY_MS * 1_000;
    let to_us = asked.to_us.unwrap_or(now_us).clamp(oldest_us + 1, now_us + DAY_MS * 1_000);
    let from_us = asked.from_us.unwrap_or(oldest_us).clamp(oldest_us, to_us - 1);
    Ok(Grid::no_finer(SLOT_US, from_us, to_us, &TimeZone::UTC)?)
}

/// The sums of each bucket, including the time since the newest result.
async fn read(
    app: &App,
    row: &MonitorRow,
    grid: &Grid,
    now_ms: i64,
) -> Result<Vec<SumRow>, ApiError> {
    // The board is ahead of the file: its sums are written first.
    app.monitors.write_all(&app.checks).await;
    let edges = &grid.edges_us;
    let (from_ms, to_ms) = (edges[0] / 1_000, edges[edges.len() - 1] / 1_000);
    let length_ms = match grid.step {
        Step::Fixed(us) => us / 1_000,
        Step::Day | Step::Week | Step::Month => DAY_MS,
    };
    let mut buckets = vec![SumRow::default(); grid.buckets()];
    for sum in app.checks.sums_by_length(row.id, length_ms, from_ms, to_ms).await? {
        buckets[grid.bucket(sum.from_ms * 1_000)] += sum;
    }
    let tail = app.monitors.tail(row.id, now_ms);
    let tail: Vec<Restated> = tail
        .iter()
        .map(|piece| Restated { span: piece.span, was: None, now: piece.state })
        .collect();
    let is_asked = |slot_ms: &i64| (from_ms..to_ms).contains(slot_ms);
    for (slot_ms, millis) in row_changes(&tail).into_iter().filter(|(slot_ms, _)| is_asked(slot_ms))
    {
        buckets[grid.bucket(slot_ms * 1_000)].millis += millis;
    }
    Ok(buckets)
}

fn to_answer(row: &MonitorRow, grid: &Grid, buckets: &[SumRow], now_ms: i64) -> MonitorHistory {
    let edges: Vec<i64> = grid.edges_us.iter().map(|us| us.div_euclid(1_000)).collect();
    let lived = Span { from_ms: row.created_us.div_euclid(1_000), to_ms: now_ms };
    let mut series = MonitorSeries::default();
    for (bucket, edge) in buckets.iter().zip(edges.windows(2)) {
        let mean = |us: u128| {
            (bucket.timed > 0).then(|| (us as f64 / bucket.timed as f64).round() / 1_000.0)
        };
        let of_phase = |phase| mean(bucket.phases.get(phase).map_or(0, |took| took.as_micros()));
        series.total_ms.push(mean(bucket.phases.total().as_micros()));
        series.dns_ms.push(of_phase(Phase::Dns));
        series.connect_ms.push(of_phase(Phase::Connect));
        series.tls_ms.push(of_phase(Phase::Tls));
        series.first_byte_ms.push(of_phase(Phase::FirstByte));
        series.body_ms.push(of_phase(Phase::Body));
        let slowest_ms = bucket.slowest.as_micros() as f64 / 1_000.0;
        series.slowest_ms.push((bucket.timed > 0).then_some(slowest_ms));
        series.checks.push(bucket.checks);
        series.failures.push(bucket.failures);
        let within = Span { from_ms: edge[0], to_ms: edge[1] }.within(lived);
        let millis = bucket.millis.filled_to(within.length_ms());
        series.up_ms.push(millis.up);
        series.degraded_ms.push(millis.degraded);
        series.down_ms.push(millis.down);
        series.maintenance_ms.push(millis.maintenance);
        series.unknown_ms.push(millis.unknown);
    }
    MonitorHistory { step: grid.step.name(), edges, series }
}
