//! `GET /api/requests/{user_id}`: the original dashboard's raw rows, 250,000 per page, sent while they are read.
//!
//! `user_agents` comes after `requests` in the object: it is only complete then.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use analytics::filter::Filter;
use analytics::hit::TextKind;
use analytics::limits;
use analytics::period::Period;
use analytics::query::ArrivalQuery;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use store::HitRow;

use super::values::{method_number, put_number, put_text, put_time, response_time};
use crate::app::SharedApp;
use crate::auth::DashboardHolder;
use crate::budget::Charge;
use crate::error::ApiError;
use crate::list::List;
use crate::parameters::{Parameters, bad};
use crate::pieces::{Pieces, accepts_gzip, send_pieces, write_rows};

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
    State(app): State<SharedApp>,
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
    State(app): State<SharedApp>,
    holder: DashboardHolder,
    Path((_, page)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    send_page(app, holder, Some(&page), &headers).await
}

async fn send_page(
    app: SharedApp,
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
    let query = ArrivalQuery {
        scope: holder.scope.clone(),
        period: Period::default(),
        filter: Filter::default(),
        after: None,
        up_to: None,
        offset,
        limit: left as usize,
    };
    let list = List::by_arrival(app.clone(), holder.reader, query).await?;
    let writer = Writer {
        agents: Some(HashMap::new()),
        agents_left: Vec::new().into_iter(),
        rows: 0,
        gzip: is_gzip.then(new_encoder),
    };
    let pieces = Rows { app, list, rows_are_over: false, writer: Some(writer), names: Vec::new() };
    let mut response = send_pieces(pieces).await?;
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
    app: SharedApp,
    list: List,
    rows_are_over: bool,
    /// None while it is in use elsewhere.
    writer: Option<Writer>,
    /// Charges for the gathered user agents.
    names: Vec<Charge>,
}

impl Pieces for Rows {
    async fn next(&mut self) -> Result<(Bytes, bool), ApiError> {
        let gone = || ApiError::internal("writing rows", &"the writer is gone");
        let mut writer = self.writer.take().ok_or_else(gone)?;
        let rows = if self.rows_are_over {
            None
        } else {
            let (rows, is_over) = self.list.next().await?;
            self.rows_are_over = is_over;
            Some(rows)
        };
        let rows_are_over = self.rows_are_over;
        let (writer, (piece, gathered, is_last)) = write_rows(move || {
            let written = writer.write(rows, rows_are_over);
            (writer, written)
        })
        .await?;
        self.writer = Some(writer);
        if gathered > 0 {
            let client = self.list.reader().address();
            self.names.push(self.app.answers.charge_names(client, gathered)?);
        }
        Ok((self.list.share().hold(piece), is_last))
    }
}

struct Writer {
    /// The number of each user agent so far; none once they are being written.
    agents: Option<HashMap<Arc<str>, u64>>,
    /// User agents still to be written, in order of their numbers from 1.
    agents_left: std::vec::IntoIter<(u64, Arc<str>)>,
    rows: usize,
    gzip: Option<GzEncoder<Vec<u8>>>,
}

impl Writer {
    /// The next piece, the bytes of user agents that it has added, and whether it is the last. `rows` is none once they
    /// are over and user agents are left.
    fn write(&mut self, rows: Option<Vec<HitRow>>, rows_are_over: bool) -> (Vec<u8>, usize, bool) {
        let mut out = Vec::new();
        let mut gathered = 0;
        if let Some(rows) = rows {
            out.reserve(64 + rows.len() * 128);
            if self.rows == 0 {
                out.extend_from_slice(b"{\"requests\":[");
            }
            for row in &rows {
                if self.rows > 0 {
                    out.push(b',');
                }
                self.rows += 1;
                gathered += self.put_row(&mut out, row);
            }
        }
        let is_last = rows_are_over && self.put_agents(&mut out);
        let Some(gzip) = &mut self.gzip else { return (out, gathered, is_last) };
        // Writing to a vector does not fail.
        let _ = gzip.write_all(&out);
        if is_last {
            let _ = gzip.try_finish();
        }
        (std::mem::take(gzip.get_mut()), gathered, is_last)
    }

    /// Returns the size of the row's user agent if it is new, else 0.
    fn put_row(&mut self, out: &mut Vec<u8>, row: &HitRow) -> usize {
        /// Overhead of the table beside the text.
        const OVERHEAD: usize = 96;
        let agents = self.agents.get_or_insert_default();
        let next = agents.len() as u64 + 1;
        let name = row.text(TextKind::Agent);
        let agent = *agents.entry(name.clone()).or_insert(next);
        let gathered = if agent == next { name.len() + OVERHEAD } else { 0 };
        out.push(b'[');
        for kind in [TextKind::Address, TextKind::Path, TextKind::Host] {
            put_text(out, row.text(kind));
            out.push(b',');
        }
        for number in [
            agent,
            u64::from(method_number(row.text(TextKind::Method))),
            response_time(row),
            u64::from(row.status),
        ] {
            put_number(out, number);
            out.push(b',');
        }
        put_text(out, row.country.as_str());
        out.push(b',');
        put_text(out, row.text(TextKind::User));
        out.push(b',');
        put_time(out, row.time_us);
        out.push(b']');
        gathered
    }

    /// True if none are left.
    fn put_agents(&mut self, out: &mut Vec<u8>) -> bool {
        if let Some(agents) = self.agents.take() {
            let mut agents: Vec<_> =
                agents.into_iter().map(|(agent, number)| (number, agent)).collect();
            agents.sort_unstable();
            self.agents_left = agents.into_iter();
            out.extend_from_slice(b"],\"user_agents\":{");
        }
        let from = out.len();
        while out.len() - from < limits::AGENTS_PIECE_BYTES as usize {
            let Some((number, agent)) = self.agents_left.next() else {
                out.extend_from_slice(b"}}");
                return true;
            };
            let _ = write!(out, "{}\"{number}\":", if number > 1 { "," } else { "" });
            put_text(out, &agent);
        }
        false
    }
}
