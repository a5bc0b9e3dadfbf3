//! `/api/v1/hits`: raw hits, newest or slowest first, as JSON pages or as one stream of lines; and one hit by its id.

mod cursor;
mod format;
pub mod one;
mod slowest;

use analytics::filter;
use analytics::hit::TextKind;
use analytics::limits;
use analytics::period::{PeriodText, parse, parse_zone};
use analytics::query::HitsQuery;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Response, header};
use store::HitRow;
use utoipa::ToSchema;

use crate::app::SharedApp;
use crate::auth::{Shows, Viewer};
use crate::error::{ApiError, Code};
use crate::hit_schema::ApiHit;
use crate::list::List;
use crate::parameters::{Parameters, bad};
use crate::pieces::{Pieces, send_pieces, write_rows};
use crate::reads::Reader;
pub use format::{Lines, Listed};

#[derive(ToSchema)]
pub struct HitsPage {
    pub hits: Vec<ApiHit>,
    /// Send it as `after` to get the next page; null at the end.
    pub next: Option<String>,
}

/// Raw hits, newest first; or slowest first.
#[utoipa::path(
    get, path = "/api/v1/hits", tag = "hits",
    params(
        ("project" = Option<String>, Query, description = "Which of the session's projects; `demo` for the demo"),
        ("period" = Option<String>, Query, description = "24h, 7d, 30d, 6mo, 12mo or all (the default)"),
        ("from" = Option<String>, Query, description = "RFC 3339, included"),
        ("to" = Option<String>, Query, description = "RFC 3339, excluded"),
        ("tz" = Option<String>, Query, description = "IANA name, in which days of a period are counted; the project's by default"),
        ("q" = Option<String>, Query, description = "The search language: `status:5xx path:/v1/* -country:US duration:>1s`"),
        ("limit" = Option<u32>, Query, description = "At most 10,000; 100 by default for JSON, no limit for ndjson and csv"),
        ("after" = Option<String>, Query, description = "`next` of the page before"),
        ("format" = Option<String>, Query, description = "json (default), ndjson or csv"),
        ("sort" = Option<String>, Query, description = "time (default), or duration: slowest first, those without one last; JSON alone, at most 200 a page"),
    ),
    responses(
        (status = 200, description = "Hits", content(
            (HitsPage = "application/json"),
            (ApiHit = "application/x-ndjson"),
            (String = "text/csv"),
        )),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits, or the share link does not show them", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The server has no demo", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = []), ("share_link" = []), ()),
)]
pub async fn list_hits(
    State(app): State<SharedApp>,
    viewer: Viewer,
    mut parameters: Parameters,
) -> Result<Response<Body>, ApiError> {
    viewer.require_hits()?;
    let lines = parameters.take_as(&["format"], "json, ndjson or csv", |text| match text {
        "json" => Some(None),
        "ndjson" => Some(Some(Lines::Json)),
        "csv" => Some(Some(Lines::Csv)),
        _ => None,
    })?;
    let lines = lines.flatten();
    let by_duration = parameters.take_as(&["sort"], "time or duration", |text| match text {
        "time" => Some(false),
        "duration" => Some(true),
        _ => None,
    })?;
    let (shows, reader) = (viewer.shows, viewer.reader());
    if by_duration == Some(true) {
        if lines.is_some() {
            return Err(bad(
                "sort",
                "sorts pages of JSON alone; a file has all hits, newest first",
            ));
        }
        let (query, after, limit) = to_question(&app, viewer, parameters)?;
        return slowest::send_page(app, reader, shows, query, after, limit).await;
    }
    let (query, after, limit) = to_question(&app, viewer, parameters)?;
    let after = after.map(|text| cursor::parse(&text).ok_or_else(no_cursor)).transpose()?;
    let query = HitsQuery { after, ..query };
    match lines {
        None => {
            let limit = limit.unwrap_or(limits::HITS_PAGE_DEFAULT as usize);
            send_page(app, reader, query, limit, shows).await
        }
        Some(lines) => {
            let attachment = matches!(lines, Lines::Csv).then_some("hits");
            send_lines(app, Export { reader, query, limit, lines, shows, attachment }).await
        }
    }
}

/// The query without its cursor, that cursor, and the limit.
fn to_question(
    app: &SharedApp,
    viewer: Viewer,
    mut parameters: Parameters,
) -> Result<(HitsQuery, Option<String>, Option<usize>), ApiError> {
    let own_tz = app.meta.project(viewer.project).map(|project| project.tz).unwrap_or_default();
    let tz = parse_zone(parameters.take(&["tz"])?.as_deref().unwrap_or(&own_tz))?;
    let (period, from, to) =
        (parameters.take(&["period"])?, parameters.take(&["from"])?, parameters.take(&["to"])?);
    let text = PeriodText { period: period.as_deref(), from: from.as_deref(), to: to.as_deref() };
    let period = parse(text, app.clock.now_us(), &tz)?.unwrap_or_default();
    let filter = filter::parse(parameters.take(&["q"])?.as_deref().unwrap_or_default())?;
    viewer.require_filter(&filter)?;
    let after = parameters.take(&["after"])?;
    let most = limits::HITS_PAGE as usize;
    let in_range =
        |text: &str| text.parse::<usize>().ok().filter(|limit| (1..=most).contains(limit));
    let limit = parameters.take_as(&["limit"], &format!("a number from 1 to {most}"), in_range);
    let limit = limit.map_err(|error| ApiError { code: Code::InvalidLimit, ..error })?;
    parameters.finish()?;
    let query = HitsQuery { scope: viewer.scope, period, filter, after: None, limit: most };
    Ok((query, after, limit))
}

fn no_cursor() -> ApiError {
    let message = "`after` is not a cursor of this list; send `next` of the page before as it came";
    ApiError::new(Code::InvalidCursor, message)
}

/// A short page is built as a whole; a longer one is sent while it is read.
async fn send_page(
    app: SharedApp,
    reader: Reader,
    query: HitsQuery,
    limit: usize,
    shows: Shows,
) -> Result<Response<Body>, ApiError> {
    // One more than requested shows whether there is a next page.
    let query = HitsQuery { limit: limit + 1, ..query };
    let mut page = Page { limit, shows, written: 0, last: None };
    let mut response = if limit <= limits::PAGE_MADE_WHOLE as usize {
        let rows = app.hits(reader, query).await?;
        Response::new(Body::from(write_rows(move || page.write(rows, true)).await?))
    } else {
        let list = List::newest_first(app, reader, query, Some(limit + 1)).await?;
        send_pieces(PagePieces { list, page: Some(page) }).await?
    };
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

struct PagePieces {
    list: List,
    /// None while it is in use elsewhere.
    page: Option<Page>,
}

impl Pieces for PagePieces {
    async fn next(&mut self) -> Result<(Bytes, bool), ApiError> {
        let (rows, is_last) = self.list.next().await?;
        let gone = || ApiError::internal("writing hits", &"the writer is gone");
        let mut page = self.page.take().ok_or_else(gone)?;
        let (page, piece) = write_rows(move || {
            let piece = page.write(rows, is_last);
            (page, piece)
        })
        .await?;
        self.page = Some(page);
        Ok((self.list.share().hold(piece), is_last))
    }
}

/// Writes a `HitsPage`, in one piece or in several.
struct Page {
    limit: usize,
    shows: Shows,
    written: usize,
    /// Time and id of the last hit of the page.
    last: Option<(i64, i64)>,
}

fn to_json(body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

impl Page {
    fn write(&mut self, mut rows: Vec<HitRow>, is_last: bool) -> Vec<u8> {
        let has_more = self.written + rows.len() > self.limit;
        rows.truncate(self.limit - self.written);
        hide(&mut rows, self.shows);
        let mut out = Vec::with_capacity(64 + rows.len() * 384);
        if self.written == 0 {
            out.extend_from_slice(b"{\"hits\":[");
        }
        for row in &rows {
            if self.written > 0 {
                out.push(b',');
            }
            self.written += 1;
            // Writing to a vector does not fail.
            let _ = serde_json::to_writer(&mut out, &Listed(row));
            self.last = Some((row.time_us, row.hit_id));
        }
        if is_last {
            let next = self.last.filter(|_| has_more).map(|(time, id)| cursor::to_text(time, id));
            out.extend_from_slice(b"],\"next\":");
            let _ = serde_json::to_writer(&mut out, &next);
            out.push(b'}');
        }
        out
    }
}

/// Removes what the caller may not see.
pub fn hide(rows: &mut [HitRow], shows: Shows) {
    for row in rows {
        if !shows.addresses {
            row.texts[TextKind::Address as usize] = "".into();
        }
        if !shows.consumers {
            row.texts[TextKind::User as usize] = "".into();
        }
    }
}

/// Hits as lines.
pub(super) struct Export {
    pub reader: Reader,
    pub query: HitsQuery,
    /// None: all.
    pub limit: Option<usize>,
    pub lines: Lines,
    pub shows: Shows,
    /// The file's name, without its extension, for a browser to save; none if it shows the answer.
    pub attachment: Option<&'static str>,
}

/// Sends lines while they are read.
pub(super) async fn send_lines(app: SharedApp, export: Export) -> Result<Response<Body>, ApiError> {
    let Export { reader, query, limit, lines, shows, attachment } = export;
    let list = List::newest_first(app, reader, query, limit).await?;
    let mut response = send_pieces(Rows { list, lines, shows, is_first: true }).await?;
    let (kind, end) = match lines {
        Lines::Json => ("application/x-ndjson", "ndjson"),
        Lines::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(name) = attachment {
        let file = HeaderValue::from_str(&format!("attachment; filename=\"{name}.{end}\""));
        let file = file.map_err(|error| ApiError::internal("naming a file", &error))?;
        headers.insert(header::CONTENT_DISPOSITION, file);
    }
    Ok(response)
}

struct Rows {
    list: List,
    lines: Lines,
    shows: Shows,
    is_first: bool,
}

impl Pieces for Rows {
    async fn next(&mut self) -> Result<(Bytes, bool), ApiError> {
        let (mut rows, is_last) = self.list.next().await?;
        hide(&mut rows, self.shows);
        let (lines, with_header) = (self.lines, std::mem::take(&mut self.is_first));
        let piece = write_rows(move || lines.write(&rows, with_header)).await?;
        Ok((self.list.share().hold(piece), is_last))
    }
}
