//! `GET /api/requests/{user_id}`: the original dashboard's raw rows, 250,000 a page, sent while they are read.
//!
//! `user_agents` comes after `requests` in the object: only then is it known.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use analytics::filter::Filter;
use analytics::limits;
use analytics::period::Period;
use analytics::query::ArrivalQuery;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use store::HitRow;

use super::values::{method_number, put_number, put_text, put_time, response_time};
use crate::app::Shared;
use crate::auth::DashboardHolder;
use crate::error::ApiError;
use crate::parameters::{Parameters, bad};
use crate::rows::{Pieces, accepts_gzip, body_of};

/// Rows asked of the store at once: what is in memory.
const PIECE: usize = 25_000;

/// A page of raw rows.
#[utoipa::path(
    get, path = "/api/requests/{user_id}", tag = "original",
    params(
        ("user_id" = String, Path, description = "The dashboard id"),
        ("page" = Option<u64>, Query, description = "From 1; 250,000 hits each. 0: all, up to 1,000,000"),
    ),
    responses(
        (status = 200, description = "Rows and the user agents that they name", body = crate::schema::OriginalRequests),
        (status = 400, description = "A parameter cannot be used", body = crate::schema::ErrorAnswer),
        (status = 404, description = "No project has this dashboard id", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn show_requests(
    State(app): State<Shared>,
    holder: DashboardHolder,
    mut parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let page = parameters.take(&["page"])?;
    parameters.finish()?;
    send_page(app, holder, page.as_deref(), &headers).await
}

/// The same with the page in the address.
#[utoipa::path(
    get, path = "/api/requests/{user_id}/{page}", tag = "original",
    params(
        ("user_id" = String, Path, description = "The dashboard id"),
        ("page" = u64, Path, description = "From 1; 250,000 hits each. 0: all, up to 1,000,000"),
    ),
    responses(
        (status = 200, description = "Rows and the user agents that they name", body = crate::schema::OriginalRequests),
        (status = 400, description = "A parameter cannot be used", body = crate::schema::ErrorAnswer),
        (status = 404, description = "No project has this dashboard id", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn show_requests_page(
    State(app): State<Shared>,
    holder: DashboardHolder,
    Path((_, page)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    send_page(app, holder, Some(&page), &headers).await
}

async fn send_page(
    app: Shared,
    holder: DashboardHolder,
    page: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let page = match page {
        None => 1,
        Some(text) => text.parse::<u64>().map_err(|_| bad("page", "is not a number from 0"))?,
    };
    let (offset, left) = match page {
        0 => (0, limits::REQUESTS_ALL),
        page => {
            let offset = (page - 1)
                .checked_mul(limits::REQUESTS_PAGE)
                .filter(|offset| *offset <= i64::MAX as u64);
            (offset.ok_or_else(|| bad("page", "is too large"))?, limits::REQUESTS_PAGE)
        }
    };
    let is_gzip = accepts_gzip(headers);
    let writer = Writer { agents: HashMap::new(), rows: 0, gzip: is_gzip.then(new_encoder) };
    let mut pieces =
        Rows { app, holder, offset, after: None, left: left as usize, writer: Some(writer) };
    // The first piece is made before the status is sent, so that an error can still be one.
    let first = pieces.next().await?.unwrap_or_default();
    let mut response = Response::new(body_of(first, pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn new_encoder() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::fast())
}

struct Rows {
    app: Shared,
    holder: DashboardHolder,
    /// Rows to pass over before the first.
    offset: u64,
    after: Option<i64>,
    left: usize,
    /// None once the end was written.
    writer: Option<Writer>,
}

impl Pieces for Rows {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        let Some(mut writer) = self.writer.take() else { return Ok(None) };
        let limit = self.left.min(PIECE);
        let query = ArrivalQuery {
            scope: self.holder.scope.clone(),
            period: Period::default(),
            filter: Filter::default(),
            after: self.after,
            offset: std::mem::take(&mut self.offset),
            limit,
        };
        let rows = self.app.arrivals(self.holder.reader, query).await?;
        self.after = rows.last().map(|row| row.hit_id);
        self.left -= rows.len();
        let is_last = rows.len() < limit || self.left == 0;
        let writing = tokio::task::spawn_blocking(move || {
            let piece = writer.write(&rows, is_last);
            (writer, piece)
        });
        let (writer, piece) =
            writing.await.map_err(|error| ApiError::internal("writing rows", &error))?;
        self.writer = (!is_last).then_some(writer);
        Ok(Some(piece))
    }
}

struct Writer {
    /// The number of each user agent met so far.
    agents: HashMap<Arc<str>, u64>,
    rows: usize,
    gzip: Option<GzEncoder<Vec<u8>>>,
}

impl Writer {
    fn write(&mut self, rows: &[HitRow], is_last: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + rows.len() * 128);
        if self.rows == 0 {
            out.extend_from_slice(b"{\"requests\":[");
        }
        for row in rows {
            if self.rows > 0 {
                out.push(b',');
            }
            self.rows += 1;
            self.put_row(&mut out, row);
        }
        if is_last {
            self.put_agents(&mut out);
        }
        match &mut self.gzip {
            None => out,
            Some(gzip) => {
                // Writing to a vector does not fail.
                let _ = gzip.write_all(&out);
                if is_last {
                    let _ = gzip.try_finish();
                }
                std::mem::take(gzip.get_mut())
            }
        }
    }

    fn put_row(&mut self, out: &mut Vec<u8>, row: &HitRow) {
        let next = self.agents.len() as u64 + 1;
        let agent = *self.agents.entry(row.agent.clone()).or_insert(next);
        out.push(b'[');
        for text in [&row.address, &row.path, &row.host] {
            put_text(out, text);
            out.push(b',');
        }
        for number in [
            agent,
            u64::from(method_number(&row.method)),
            response_time(row),
            u64::from(row.status),
        ] {
            put_number(out, number);
            out.push(b',');
        }
        put_text(out, row.country.as_str());
        out.push(b',');
        put_text(out, &row.user);
        out.push(b',');
        put_time(out, row.time_us);
        out.push(b']');
    }

    fn put_agents(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"],\"user_agents\":{");
        let mut agents: Vec<_> =
            self.agents.iter().map(|(agent, number)| (*number, agent)).collect();
        agents.sort_unstable();
        for (index, (number, agent)) in agents.into_iter().enumerate() {
            let _ = write!(out, "{}\"{number}\":", if index > 0 { "," } else { "" });
            put_text(out, agent);
        }
        out.extend_from_slice(b"}}");
    }
}
