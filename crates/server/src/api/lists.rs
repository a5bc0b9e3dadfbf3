//! `/api/v1/lists/{panel}`: every row of a breakdown, searched, in any order, a page at a time or as a file.
//!
//! A panel of the dashboard has the rows with most hits; this has all of them. A list is summed up once and cached for
//! a while (`store::Store::ranking`): `as_of` identifies it, so that the next page, sort or search has the same rows
//! while hits arrive.

mod as_of;
mod file;

use std::sync::Arc;

use analytics::limits;
use analytics::panels::{PANELS, Panel};
use analytics::query::RankingQuery;
use analytics::ranking::{
    RANKING_SORTS, Ranked, RankedRow, RankedRows, Ranking, RankingSort, SearchWords, View,
};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::dashboard::{Question, question, take_count};
use crate::app::{App, SharedApp};
use crate::auth::Viewer;
use crate::download::file_name;
use crate::error::{ApiError, Code};
use crate::json::send_json;
use crate::parameters::{Parameters, bad};
use crate::pieces::write_rows;
use crate::servers::hear_of_erasures;
use as_of::AsOf;
use file::{Lines, send_file};

#[derive(Serialize, ToSchema)]
pub struct ListPage {
    /// The list that this is a page of: sent as `as_of`, the next page is of the same one, as long as the server keeps it.
    pub as_of: String,
    /// The place of the first row among those that match, from 0.
    pub offset: u64,
    /// Rows that match the search.
    pub matching_rows: u64,
    /// Rows without a search.
    pub total_rows: u64,
    /// Whether `total_rows` is an estimate, with a relative standard error of 1.2 %.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub about: bool,
    /// There are too many rows to list them all: one with at most this many requests may be missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_up_to: Option<u64>,
    /// The counts of `pieces` may be too low by at most this many requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_by_up_to: Option<u64>,
    /// Requests of the row that has most, whether it matches or not.
    pub most_requests: u64,
    /// As the panel's rows are.
    pub rows: Vec<RankedRow>,
}

/// All rows of a panel.
#[utoipa::path(
    get, path = "/api/v1/lists/{panel}", tag = "dashboard",
    params(
        ("panel" = String, Path, description = "endpoints, top_consumers, statuses, versions, countries, clients, operating_systems, devices, referrers, hosts, frameworks or sdks"),
        ("project" = Option<String>, Query, description = "Which of the session's projects; `demo` for the demo"),
        ("period" = Option<String>, Query, description = "24h, 7d (the default), 30d, 6mo, 12mo or all"),
        ("from" = Option<String>, Query, description = "RFC 3339, included"),
        ("to" = Option<String>, Query, description = "RFC 3339, excluded"),
        ("tz" = Option<String>, Query, description = "IANA name; the project's by default"),
        ("q" = Option<String>, Query, description = "Only hits that pass this filter"),
        ("search" = Option<String>, Query, description = "Words that a row's name has, each of them and in any case"),
        ("sort" = Option<String>, Query, description = "requests (the default), error_rate, name; of endpoints and consumers also p95_ms and last_seen, of endpoints p50_ms and p99_ms"),
        ("order" = Option<String>, Query, description = "desc (the default) or asc; rows without a value come last either way"),
        ("limit" = Option<u32>, Query, description = "At most 500 and 50 by default; a file has all rows by default, and any number"),
        ("offset" = Option<u64>, Query, description = "Rows to pass over"),
        ("as_of" = Option<String>, Query, description = "`as_of` of the page before: the same list, as long as it is kept"),
        ("format" = Option<String>, Query, description = "json (the default), ndjson or csv: a file of all rows that match"),
    ),
    responses(
        (status = 200, description = "The rows", content(
            (ListPage = "application/json"),
            (RankedRow = "application/x-ndjson"),
            (String = "text/csv"),
        )),
        (status = 304, description = "As the ETag in If-None-Match says"),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits, or the share link does not show these rows or a field of `q`", body = crate::schema::ErrorAnswer),
        (status = 404, description = "There is no such list, or no demo", body = crate::schema::ErrorAnswer),
        (status = 503, description = "The query took too long; ask for a shorter period", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = []), ("share_link" = []), ()),
)]
pub async fn show_list(
    State(app): State<SharedApp>,
    viewer: Viewer,
    Path(panel): Path<String>,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response<Body>, ApiError> {
    let (panel, of) = find_list(&panel)?;
    if of == Ranked::Consumers && !viewer.shows.consumers {
        return Err(ApiError::new(Code::HiddenField, "this share link does not show consumers"));
    }
    let wanted_as_of = parameters.take(&["as_of"])?;
    let period = as_of::period_of(&parameters);
    let Question { asked, filter, .. } = question(&app, &viewer, &mut parameters).await?;
    let view = take_view(&mut parameters, of)?;
    let lines = parameters.take_as(&["format"], "json, ndjson or csv", |text| match text {
        "json" => Some(None),
        "ndjson" => Some(Some(Lines::Json)),
        "csv" => Some(Some(Lines::Csv)),
        _ => None,
    })?;
    let lines = lines.flatten();
    let (default, most) = match lines {
        None => (limits::LIST_PAGE_DEFAULT, limits::LIST_PAGE),
        Some(_) => (u64::MAX, u64::MAX),
    };
    let limit = take_count(&mut parameters, "limit", default, most)?;
    let offset = parameters.take_as(&["offset"], "a number from 0", |text| text.parse().ok())?;
    let offset: u64 = offset.unwrap_or_default();
    parameters.finish()?;

    let known = wanted_as_of.as_deref().and_then(|text| AsOf::parse(text, period));
    let (from_us, to_us) =
        known.map_or((asked.grid.from_us, asked.grid.to_us), |known| (known.from_us, known.to_us));
    let query = RankingQuery {
        scope: viewer.scope.clone(),
        from_us,
        to_us,
        filter,
        of,
        addresses: viewer.shows.addresses,
        search: SearchWords::default(),
    };
    let version = known.map(|known| known.version);
    let found = find(&app, &viewer, query, &view, version).await?;
    let Found { ranking, all, version } = found;
    if let Some(lines) = lines {
        let project = app.meta.project(viewer.project).map(|project| project.name);
        let mut name = file_name(
            &project.unwrap_or_default(),
            panel.name,
            (from_us, asked.until_us.min(to_us)),
        );
        if !ranking.is_complete() {
            // The file's name must say that rows are missing: nothing inside it does.
            name = format!("{name}-busiest-{}", limits::PANEL_ROWS);
        }
        let reader = viewer.reader();
        return send_file(&app, reader, file::Export { ranking, view, offset, limit, lines, name })
            .await;
    }
    let as_of = AsOf { version, from_us, to_us }.to_text(period);
    let made = write_rows(move || {
        let order = ranking.order(&view);
        let rows = order.iter().skip(offset as usize).take(limit).map(|at| ranking.row(*at));
        let some = |count: u64| (count > 0).then_some(count);
        ListPage {
            as_of,
            offset,
            matching_rows: order.len() as u64,
            total_rows: all.count.count,
            about: all.count.about,
            missing_up_to: some(ranking.all().missing_up_to),
            low_by_up_to: some(ranking.all().low_by_up_to),
            most_requests: ranking.most_requests(),
            rows: rows.collect(),
        }
    });
    send_json(&made.await?, &headers)
}

struct Found {
    ranking: Arc<Ranking>,
    /// The rows without a search.
    all: RankedRows,
    version: store::DataVersion,
}

/// The list; if there are too many rows, only those that match the search, if those are few enough.
async fn find(
    app: &App,
    viewer: &Viewer,
    query: RankingQuery,
    view: &View,
    version: Option<store::DataVersion>,
) -> Result<Found, ApiError> {
    hear_of_erasures(app).await;
    let (version, ranking) = app.asker.ranking(viewer.reader(), query.clone(), version).await?;
    let all = *ranking.all();
    if ranking.is_complete() || view.search.is_empty() {
        return Ok(Found { ranking, all, version });
    }
    let narrowed = RankingQuery { search: view.search.clone(), ..query };
    let (_, matching) = app.asker.ranking(viewer.reader(), narrowed, Some(version)).await?;
    let ranking = if matching.is_complete() { matching } else { ranking };
    Ok(Found { ranking, all, version })
}

fn find_list(name: &str) -> Result<(&'static Panel, Ranked), ApiError> {
    let found = Panel::find(name).and_then(|panel| Some((panel, Ranked::of_panel(panel)?)));
    found.ok_or_else(|| {
        let lists = PANELS.iter().filter(|panel| Ranked::of_panel(panel).is_some());
        let names: Vec<&str> = lists.map(|panel| panel.name).collect();
        ApiError::new(Code::NotFound, format!("no such list; there are {}", names.join(", ")))
    })
}

fn take_view(parameters: &mut Parameters, of: Ranked) -> Result<View, ApiError> {
    let search = parameters.take(&["search"])?.unwrap_or_default();
    if search.chars().count() as u64 > limits::LIST_SEARCH_CHARACTERS {
        let most = limits::LIST_SEARCH_CHARACTERS;
        return Err(bad("search", &format!("is longer than {most} characters")));
    }
    let search = SearchWords::parse(&search).ok_or_else(|| {
        bad("search", &format!("has more than {} words", limits::LIST_SEARCH_WORDS))
    })?;
    let sorts = || RANKING_SORTS.iter().filter(|(_, sort)| of.has_sort(*sort));
    let names: Vec<&str> = sorts().map(|(name, _)| *name).collect();
    let sort = parameters.take_as(&["sort"], &format!("one of {}", names.join(", ")), |text| {
        sorts().find(|(name, _)| *name == text).map(|(_, sort)| *sort)
    })?;
    let ascending = parameters.take_as(&["order"], "asc or desc", |text| match text {
        "asc" => Some(true),
        "desc" => Some(false),
        _ => None,
    })?;
    let sort: RankingSort = sort.unwrap_or_default();
    Ok(View { search, sort, ascending: ascending.unwrap_or_default() })
}
