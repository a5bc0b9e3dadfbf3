//! A page of hits by duration. It is built as a whole: the first hits are only known at the end of the scan.

use analytics::limits;
use analytics::query::{HitsQuery, SlowestQuery};
use axum::body::Body;
use axum::http::Response;
use serde::Serialize;

use super::format::Listed;
use super::{cursor, hide, no_cursor, to_json};
use crate::app::SharedApp;
use crate::auth::Shows;
use crate::error::{ApiError, Code};
use crate::pieces::write_rows;
use crate::reads::Reader;

/// A `HitsPage`, written from rows.
#[derive(Serialize)]
struct SlowPage<'a> {
    hits: Vec<Listed<'a>>,
    next: Option<String>,
}

pub(super) async fn send_page(
    app: SharedApp,
    reader: Reader,
    shows: Shows,
    query: HitsQuery,
    after: Option<String>,
    limit: Option<usize>,
) -> Result<Response<Body>, ApiError> {
    let most = limits::PAGE_MADE_WHOLE as usize;
    let limit = limit.unwrap_or(limits::HITS_PAGE_DEFAULT as usize);
    if limit > most {
        let message = format!("the parameter `limit` is at most {most} with `sort=duration`");
        return Err(ApiError::new(Code::InvalidLimit, message));
    }
    let after = after.map(|text| cursor::parse_slow(&text).ok_or_else(no_cursor)).transpose()?;
    let HitsQuery { scope, period, filter, .. } = query;
    // One more than requested shows whether there is a next page.
    let query = SlowestQuery { scope, period, filter, after, limit: limit + 1 };
    let mut rows = app.slowest(reader, query).await?;
    let write = move || {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        hide(&mut rows, shows);
        let last = rows.last().filter(|_| has_more);
        let next = last.map(|hit| (hit.duration_us, hit.time_us, hit.hit_id));
        let hits = rows.iter().map(Listed).collect();
        serde_json::to_vec(&SlowPage { hits, next: next.map(cursor::slow_to_text) })
    };
    let body = write_rows(write).await?;
    Ok(to_json(body.map_err(|error| ApiError::internal("writing hits", &error))?))
}
