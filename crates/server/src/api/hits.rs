//! `/api/v1/hits`: raw hits, newest first, as JSON pages or as one stream of lines.

mod cursor;
mod format;

use analytics::filter;
use analytics::limits;
use analytics::period::{PeriodText, parse, parse_zone};
use analytics::query::HitsQuery;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, header};
use serde::Serialize;
use store::HitRow;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::auth::Owner;
use crate::error::{ApiError, Code};
use crate::parameters::Parameters;
use crate::rows::{Pieces, body_of};
use format::Lines;

pub use format::ApiHit;

#[derive(Serialize, ToSchema)]
pub struct HitsPage {
    pub hits: Vec<ApiHit>,
    /// What to send as `after` for the next page; null at the end.
    pub next: Option<String>,
}

/// Raw hits, newest first.
#[utoipa::path(
    get, path = "/api/v1/hits", tag = "hits",
    params(
        ("period" = Option<String>, Query, description = "24h, 7d, 30d, 6mo, 12mo or all (the default)"),
        ("from" = Option<String>, Query, description = "RFC 3339, included"),
        ("to" = Option<String>, Query, description = "RFC 3339, excluded"),
        ("tz" = Option<String>, Query, description = "IANA name, in which days of a period are counted; UTC by default"),
        ("q" = Option<String>, Query, description = "The search language: `status:5xx path:/v1/* -country:US duration:>1s`"),
        ("limit" = Option<u32>, Query, description = "At most 10,000; 100 by default for JSON, no limit for ndjson and csv"),
        ("after" = Option<String>, Query, description = "`next` of the page before"),
        ("format" = Option<String>, Query, description = "json (default), ndjson or csv"),
    ),
    responses(
        (status = 200, description = "Hits", content(
            (HitsPage = "application/json"),
            (ApiHit = "application/x-ndjson"),
            (String = "text/csv"),
        )),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = [])),
)]
pub async fn list_hits(
    State(app): State<Shared>,
    owner: Owner,
    mut parameters: Parameters,
) -> Result<Response<Body>, ApiError> {
    let lines = parameters.take_as(&["format"], "json, ndjson or csv", |text| match text {
        "json" => Some(None),
        "ndjson" => Some(Some(Lines::Json)),
        "csv" => Some(Some(Lines::Csv)),
        _ => None,
    })?;
    let (query, limit) = to_query(&app, owner, parameters)?;
    match lines.flatten() {
        None => send_page(app, query, limit.unwrap_or(limits::HITS_PAGE_DEFAULT as usize)).await,
        Some(lines) => send_lines(app, query, limit, lines).await,
    }
}

fn to_query(
    app: &Shared,
    owner: Owner,
    mut parameters: Parameters,
) -> Result<(HitsQuery, Option<usize>), ApiError> {
    let tz = parse_zone(parameters.take(&["tz"])?.as_deref().unwrap_or_default())?;
    let (period, from, to) =
        (parameters.take(&["period"])?, parameters.take(&["from"])?, parameters.take(&["to"])?);
    let text = PeriodText { period: period.as_deref(), from: from.as_deref(), to: to.as_deref() };
    let period = parse(text, app.clock.now_us(), &tz)?.unwrap_or_default();
    let filter = filter::parse(parameters.take(&["q"])?.as_deref().unwrap_or_default())?;
    let after = match parameters.take(&["after"])? {
        None => None,
        Some(text) => Some(cursor::parse(&text).ok_or_else(|| {
            ApiError::new(
                Code::InvalidCursor,
                "`after` is not a cursor; send `next` of the page before as it came",
            )
        })?),
    };
    let most = limits::HITS_PAGE as usize;
    let in_range =
        |text: &str| text.parse::<usize>().ok().filter(|limit| (1..=most).contains(limit));
    let limit = parameters.take_as(&["limit"], &format!("a number from 1 to {most}"), in_range);
    let limit = limit.map_err(|error| ApiError { code: Code::InvalidLimit, ..error })?;
    parameters.finish()?;
    Ok((HitsQuery { scope: owner.scope, period, filter, after, limit: most }, limit))
}

async fn send_page(
    app: Shared,
    query: HitsQuery,
    limit: usize,
) -> Result<Response<Body>, ApiError> {
    // One more than asked tells whether there is a next page.
    let mut rows = app.hits(HitsQuery { limit: limit + 1, ..query }).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next =
        rows.last().filter(|_| has_more).map(|last| cursor::to_text(last.time_us, last.hit_id));
    let writing = tokio::task::spawn_blocking(move || {
        let page = HitsPage { hits: rows.iter().map(ApiHit::new).collect(), next };
        serde_json::to_vec(&page)
    });
    let body = writing.await.map_err(|error| ApiError::internal("writing hits", &error))?;
    let body = body.map_err(|error| ApiError::internal("writing hits", &error))?;
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn send_lines(
    app: Shared,
    query: HitsQuery,
    limit: Option<usize>,
    lines: Lines,
) -> Result<Response<Body>, ApiError> {
    let mut pieces = Rows { app, query, left: limit, lines, is_first: true, is_done: false };
    // The first piece is made before the status is sent, so that an error can still be one.
    let first = pieces.next().await?.unwrap_or_default();
    let mut response = Response::new(body_of(first, pieces));
    let (kind, file) = match lines {
        Lines::Json => ("application/x-ndjson", None),
        Lines::Csv => ("text/csv; charset=utf-8", Some("attachment; filename=\"hits.csv\"")),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(file) = file {
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(file));
    }
    Ok(response)
}

/// Page after page from the store, by cursors of our own.
struct Rows {
    app: Shared,
    query: HitsQuery,
    /// None: all.
    left: Option<usize>,
    lines: Lines,
    is_first: bool,
    is_done: bool,
}

impl Pieces for Rows {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        if self.is_done {
            return Ok(None);
        }
        let page = limits::HITS_PAGE as usize;
        let limit = self.left.unwrap_or(page).min(page);
        let rows: Vec<HitRow> = self.app.hits(HitsQuery { limit, ..self.query.clone() }).await?;
        self.query.after = rows.last().map(|last| (last.time_us, last.hit_id));
        if let Some(left) = &mut self.left {
            *left -= rows.len();
        }
        self.is_done = rows.len() < limit || self.left == Some(0);
        let (lines, with_header) = (self.lines, std::mem::take(&mut self.is_first));
        let writing = tokio::task::spawn_blocking(move || lines.write(&rows, with_header));
        Ok(Some(writing.await.map_err(|error| ApiError::internal("writing hits", &error))?))
    }
}
