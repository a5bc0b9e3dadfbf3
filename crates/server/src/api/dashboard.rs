//! `/api/v1/dashboard`: many panels at once.
//!
//! `analytics::panels` defines the panels and `analytics::answer` their numbers; this module turns parameters into a
//! query, and leaves out what the caller may not see.

use std::collections::BTreeMap;

use analytics::answer::{self, Answer, Cut};
use analytics::filter::{self, Filter};
use analytics::grid::{self, Grid, ResolvedPeriod};
use analytics::limits;
use analytics::panels::{PANELS, Panel, Shape};
use analytics::period::{self, PeriodText, parse_zone};
use analytics::query::SumsQuery;
use analytics::tally::{Dimension, Needs, SORTS, Top, Total};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, SharedApp};
use crate::auth::Viewer;
use crate::error::ApiError;
use crate::json::send_json;
use crate::parameters::{Parameters, bad};
use crate::pieces::to_rfc3339;

#[derive(Serialize, ToSchema)]
pub struct Dashboard {
    pub period: DashboardPeriod,
    /// The period of `previous`; null if nothing is compared.
    pub previous: Option<Previous>,
    #[schema(value_type = crate::schema::DashboardPanels)]
    pub panels: BTreeMap<&'static str, Answer>,
}

#[derive(Serialize, ToSchema)]
pub struct DashboardPeriod {
    /// RFC 3339, included.
    pub from: String,
    /// RFC 3339, excluded; now, where the period is not over.
    pub to: String,
    /// How long a bucket is: 1m, 5m, 15m, 1h, 6h, 1d, 1w or 1mo.
    pub step: &'static str,
    /// IANA name.
    pub tz: String,
    /// Bucket i is from `edges[i]` to before `edges[i + 1]`, Unix milliseconds. The outermost may reach beyond the period.
    pub edges: Vec<i64>,
    /// The last bucket is not over.
    pub partial: bool,
}

/// The period of equal length before.
#[derive(Serialize, ToSchema)]
pub struct Previous {
    pub from: String,
    pub to: String,
}

/// The panels of a project.
#[utoipa::path(
    get, path = "/api/v1/dashboard", tag = "dashboard",
    params(
        ("project" = Option<String>, Query, description = "Which of the session's projects; `demo` for the demo"),
        ("period" = Option<String>, Query, description = "24h, 7d (the default), 30d, 6mo, 12mo or all"),
        ("from" = Option<String>, Query, description = "RFC 3339, included"),
        ("to" = Option<String>, Query, description = "RFC 3339, excluded"),
        ("tz" = Option<String>, Query, description = "IANA name; the project's by default"),
        ("q" = Option<String>, Query, description = "The search language: `status:5xx path:/v1/* -country:US duration:>1s`"),
        ("compare" = Option<String>, Query, description = "`previous`: with the period of equal length before"),
        ("panels" = Option<String>, Query, description = "Their names with commas between; all by default"),
        ("rows" = Option<u32>, Query, description = "Rows of each breakdown: 20 by default, at most 500"),
        ("sort" = Option<String>, Query, description = "What `endpoints` and `top_consumers` are ordered by, descending: requests (the default), error_rate, p50_ms, p95_ms, p99_ms or last_seen"),
    ),
    responses(
        (status = 200, description = "The panels", body = Dashboard),
        (status = 304, description = "As the ETag in If-None-Match says"),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits, or the share link does not show a field of `q`", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The server has no demo", body = crate::schema::ErrorAnswer),
        (status = 503, description = "The query took too long; ask for a shorter period or fewer panels", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = []), ("share_link" = []), ()),
)]
pub async fn show_dashboard(
    State(app): State<SharedApp>,
    viewer: Viewer,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response<Body>, ApiError> {
    let Question { asked, filter, tz } = question(&app, &viewer, &mut parameters).await?;
    let compare = parameters
        .take_as(&["compare"], "`previous`", |text| (text == "previous").then_some(()))?;
    let panels = take_panels(&mut parameters)?;
    let rows = take_count(&mut parameters, "rows", limits::PANEL_ROWS_DEFAULT, limits::PANEL_ROWS)?;
    let names: Vec<&str> = SORTS.iter().map(|(name, _)| *name).collect();
    let sort = parameters.take_as(&["sort"], &format!("one of {}", names.join(", ")), |text| {
        SORTS.iter().find(|(name, _)| *name == text).map(|(_, sort)| *sort)
    })?;
    parameters.finish()?;
    let apdex_ms = app.meta.project(viewer.project).map_or(0, |project| project.apdex_ms);
    let cut = Cut { rows, sort: sort.unwrap_or_default(), apdex_us: u64::from(apdex_ms) * 1_000 };

    let ResolvedPeriod { grid, until_us, previous } = asked;
    let previous = previous.filter(|_| compare.is_some());
    let partial = grid.edges_us.last().is_some_and(|last| *last > app.clock.now_us());
    let period = DashboardPeriod {
        from: to_rfc3339(grid.from_us),
        to: to_rfc3339(until_us),
        step: grid.step.name(),
        tz,
        edges: grid.edges_us.iter().map(|us| us.div_euclid(1_000)).collect(),
        partial,
    };
    let before = match previous {
        None => None,
        Some((from_us, to_us)) => {
            let needs = panels
                .iter()
                .fold(Needs::default(), |needs, panel| needs.and(panel.needs_of_previous()));
            let grid = Grid::whole(from_us, to_us, &grid.tz);
            let query = SumsQuery {
                scope: viewer.scope.clone(),
                grid,
                filter: filter.clone(),
                needs,
                values: Vec::new(),
                prefix: String::new(),
                top: Top::default(),
            };
            Some(app.sums(viewer.reader(), query).await?)
        }
    };
    let total = sum_up(&app, &viewer, grid, filter, &panels, cut).await?;
    let answers = panels.iter().map(|panel| {
        let mut answer = answer::answer(panel, &total, before.as_ref(), cut);
        hide(&mut answer, &viewer);
        (panel.name, answer)
    });
    let dashboard = Dashboard {
        period,
        previous: previous
            .map(|(from, to)| Previous { from: to_rfc3339(from), to: to_rfc3339(to) }),
        panels: answers.collect(),
    };
    send_json(&dashboard, &headers)
}

/// The parameters common to all calls about sums.
pub(super) struct Question {
    pub asked: ResolvedPeriod,
    pub filter: Filter,
    /// The zone's name.
    pub tz: String,
}

pub(super) async fn question(
    app: &App,
    viewer: &Viewer,
    parameters: &mut Parameters,
) -> Result<Question, ApiError> {
    let own_tz = app.meta.project(viewer.project).map(|project| project.tz).unwrap_or_default();
    let tz = parameters.take(&["tz"])?.unwrap_or(own_tz);
    let zone = parse_zone(&tz)?;
    let (period, from, to) =
        (parameters.take(&["period"])?, parameters.take(&["from"])?, parameters.take(&["to"])?);
    let text = PeriodText { period: period.as_deref(), from: from.as_deref(), to: to.as_deref() };
    let now_us = app.clock.now_us();
    let is_open =
        period::parse(text, now_us, &zone)?.is_some_and(|period| period.from_us.is_none());
    let extent = match is_open {
        true => shown_extent(app, viewer, &zone).await?,
        false => None,
    };
    let asked = grid::ask(text, now_us, &zone, extent)?;
    let filter = filter::parse(parameters.take(&["q"])?.as_deref().unwrap_or_default())?;
    viewer.require_filter(&filter)?;
    Ok(Question { asked, filter, tz: if tz.is_empty() { "UTC".into() } else { tz } })
}

/// The range of the hits that this viewer sees: with a locked filter, rounded to a bucket of a grid over all.
async fn shown_extent(
    app: &App,
    viewer: &Viewer,
    zone: &TimeZone,
) -> Result<Option<(i64, i64)>, ApiError> {
    let all = app.store.extent(&viewer.scope).await?;
    let (Some((oldest, newest)), true) = (all, viewer.is_locked()) else { return Ok(all) };
    let query = SumsQuery {
        scope: viewer.scope.clone(),
        grid: Grid::over(oldest, newest + 1, zone)?,
        filter: Filter::default(),
        needs: Needs::STATUSES,
        values: Vec::new(),
        prefix: String::new(),
        top: Top::default(),
    };
    let total = app.sums(viewer.reader(), query).await?;
    let edges = &total.grid.edges_us;
    let has_hits = |classes: &[u64; 5]| classes.iter().any(|hits| *hits > 0);
    let first = total.classes.iter().position(has_hits);
    let last = total.classes.iter().rposition(has_hits);
    Ok(first.zip(last).map(|(first, last)| (edges[first], edges[last + 1] - 1)))
}

pub(super) fn take_count(
    parameters: &mut Parameters,
    name: &'static str,
    default: u64,
    most: u64,
) -> Result<usize, ApiError> {
    let in_range = |text: &str| text.parse::<u64>().ok().filter(|count| (1..=most).contains(count));
    let count = parameters.take_as(&[name], &format!("a number from 1 to {most}"), in_range)?;
    Ok(count.unwrap_or(default) as usize)
}

fn take_panels(parameters: &mut Parameters) -> Result<Vec<&'static Panel>, ApiError> {
    let Some(names) = parameters.take(&["panels"])? else { return Ok(PANELS.iter().collect()) };
    let mut panels: Vec<&Panel> = Vec::new();
    for name in names.split(',').map(str::trim) {
        let Some(panel) = Panel::find(name) else {
            let names: Vec<&str> = PANELS.iter().map(|panel| panel.name).collect();
            return Err(bad(
                "panels",
                &format!("names a panel that is not there; there are {}", names.join(", ")),
            ));
        };
        if panels.iter().all(|other| other.name != panel.name) {
            panels.push(panel);
        }
    }
    Ok(panels)
}

async fn sum_up(
    app: &App,
    viewer: &Viewer,
    grid: Grid,
    filter: Filter,
    panels: &[&'static Panel],
    cut: Cut,
) -> Result<Total, ApiError> {
    let values: Vec<Dimension> = panels
        .iter()
        .filter_map(|panel| match panel.shape {
            Shape::Breakdown(value) => Some(value),
            _ => None,
        })
        .collect();
    let needs = panels.iter().fold(Needs::default(), |needs, panel| needs.and(panel.needs));
    let has_consumers = panels.iter().any(|panel| panel.shape == Shape::TopConsumers);
    let top =
        Top { consumers: has_consumers && viewer.shows.consumers, rows: cut.rows, sort: cut.sort };
    let prefix = String::new();
    let query = SumsQuery { scope: viewer.scope.clone(), grid, filter, needs, values, prefix, top };
    app.sums(viewer.reader(), query).await
}

/// Removes what the caller may not see.
fn hide(answer: &mut Answer, viewer: &Viewer) {
    let Answer::TopConsumers(consumers) = answer else { return };
    if !viewer.shows.consumers {
        consumers.rows.clear();
        consumers.hidden = true;
    } else if !viewer.shows.addresses {
        consumers.rows.retain(|row| row.address.is_empty());
        consumers.hidden = true;
    }
}
