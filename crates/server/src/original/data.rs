//! `GET /api/data`, the original's data API: hits in order of arrival, 50,000 per page, sent while they are read.

use std::net::IpAddr;

use analytics::filter::{Condition, Field, Filter, Test};
use analytics::hit::TextKind;
use analytics::limits;
use analytics::period::parse_days;
use analytics::query::ArrivalQuery;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Response, header};
use store::HitRow;

use super::values::{method_number, put_number, put_text, put_time, response_time};
use crate::app::SharedApp;
use crate::auth::Owner;
use crate::error::ApiError;
use crate::list::List;
use crate::parameters::{Parameters, bad};
use crate::pieces::{Pieces, send_pieces, write_rows};

/// The columns of `compact`, in its order.
const COLUMNS: [&str; 10] = [
    "ip_address",
    "path",
    "hostname",
    "user_agent",
    "method",
    "response_time",
    "status",
    "location",
    "user_id",
    "created_at",
];

/// Hits in order of arrival.
#[utoipa::path(
    get, path = "/api/data", tag = "original",
    params(
        ("page" = Option<u64>, Query, description = "From 1; 50,000 hits each"),
        ("date" = Option<String>, Query, description = "One day, YYYY-MM-DD (UTC); wins over a range"),
        ("dateFrom" = Option<String>, Query, description = "First day, YYYY-MM-DD (UTC)"),
        ("dateTo" = Option<String>, Query, description = "Last day, YYYY-MM-DD (UTC), included"),
        ("hostname" = Option<String>, Query, description = "Only this host"),
        ("ipAddress" = Option<String>, Query, description = "Only this address; also `ip`, `ip_address`"),
        ("status" = Option<u16>, Query, description = "Only this status"),
        ("location" = Option<String>, Query, description = "Only this country, two letters"),
        ("user_id" = Option<String>, Query, description = "Only this consumer; also `userId`, `userID`"),
        ("compact" = Option<bool>, Query, description = "Rows as arrays, the first one the column names"),
    ),
    responses(
        (status = 200, description = "A page of hits", body = Vec<crate::schema::OriginalHit>),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = [])),
)]
pub async fn show_data(
    State(app): State<SharedApp>,
    owner: Owner,
    parameters: Parameters,
) -> Result<Response<Body>, ApiError> {
    let reader = owner.reader();
    let (query, is_compact) = to_query(owner, parameters)?;
    let list = List::by_arrival(app, reader, query).await?;
    let mut response = send_pieces(Rows { list, is_compact, is_first: true }).await?;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn to_query(owner: Owner, mut parameters: Parameters) -> Result<(ArrivalQuery, bool), ApiError> {
    let positive =
        |text: &str| text.parse::<u64>().ok().filter(|page| (1..=1 << 40).contains(page));
    let page = parameters.take_as(&["page"], "a number from 1", positive)?.unwrap_or(1);
    let (date, from, to) = (
        parameters.take(&["date"])?,
        parameters.take(&["dateFrom"])?,
        parameters.take(&["dateTo"])?,
    );
    let period = parse_days(date.as_deref(), from.as_deref(), to.as_deref())?;
    let is_compact =
        parameters.take_as(&["compact"], "true or false", parse_bool)?.unwrap_or(false);
    let mut filter = Filter::default();
    let mut only = |field, test| {
        filter.conditions.push(Condition { field, negated: false, tests: vec![test] })
    };
    if let Some(host) = parameters.take(&["hostname"])? {
        only(Field::Host, Test::Is(host.to_lowercase()));
    }
    let parse_address = |text: &str| text.parse::<IpAddr>().ok();
    if let Some(address) =
        parameters.take_as(&["ipAddress", "ip", "ip_address"], "an address", parse_address)?
    {
        only(Field::Address, Test::Is(address.to_canonical().to_string()));
    }
    let parse_status =
        |text: &str| text.parse::<u64>().ok().filter(|status| (100..=599).contains(status));
    if let Some(status) =
        parameters.take_as(&["status"], "a number from 100 to 599", parse_status)?
    {
        only(Field::Status, Test::Range { min: Some(status), max: Some(status) });
    }
    let parse_country = |text: &str| {
        let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        is_code.then(|| text.to_ascii_uppercase())
    };
    if let Some(country) =
        parameters.take_as(&["location"], "a country's two letters", parse_country)?
    {
        only(Field::Country, Test::Is(country));
    }
    if let Some(user) = parameters.take(&["user_id", "userId", "userID"])? {
        only(Field::User, Test::Is(user));
    }
    parameters.finish()?;
    let offset =
        (page - 1).checked_mul(limits::DATA_PAGE).ok_or_else(|| bad("page", "is too large"))?;
    let limit = limits::DATA_PAGE as usize;
    Ok((
        ArrivalQuery {
            scope: owner.scope,
            period,
            filter,
            after: None,
            up_to: None,
            offset,
            limit,
        },
        is_compact,
    ))
}

fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "1" => Some(true),
        "false" | "False" | "0" => Some(false),
        _ => None,
    }
}

struct Rows {
    list: List,
    is_compact: bool,
    is_first: bool,
}

impl Pieces for Rows {
    async fn next(&mut self) -> Result<(Bytes, bool), ApiError> {
        let (rows, is_last) = self.list.next().await?;
        let (is_compact, is_first) = (self.is_compact, std::mem::take(&mut self.is_first));
        let piece = write_rows(move || to_json(&rows, is_compact, is_first, is_last)).await?;
        Ok((self.list.share().hold(piece), is_last))
    }
}

/// A piece of the array, which begins with the first and ends with the last.
fn to_json(rows: &[HitRow], is_compact: bool, is_first: bool, is_last: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + rows.len() * 256);
    if is_first {
        out.push(b'[');
        if is_compact {
            let _ = serde_json::to_writer(&mut out, &COLUMNS);
        }
    }
    let mut comes_first = is_first && !is_compact;
    for row in rows {
        if !std::mem::take(&mut comes_first) {
            out.push(b',');
        }
        if is_compact { put_compact(&mut out, row) } else { put_object(&mut out, row) }
    }
    if is_last {
        out.push(b']');
    }
    out
}

fn put_object(out: &mut Vec<u8>, row: &HitRow) {
    let mut named = |name: &'static [u8], put: &dyn Fn(&mut Vec<u8>)| {
        out.extend_from_slice(name);
        put(out);
    };
    named(b"{\"hostname\":", &|out| put_text(out, row.text(TextKind::Host)));
    named(b",\"ip_address\":", &|out| put_text(out, row.text(TextKind::Address)));
    named(b",\"path\":", &|out| put_text(out, row.text(TextKind::Path)));
    named(b",\"user_agent\":", &|out| put_text(out, row.text(TextKind::Agent)));
    named(b",\"method\":", &|out| {
        put_number(out, u64::from(method_number(row.text(TextKind::Method))))
    });
    named(b",\"status\":", &|out| put_number(out, u64::from(row.status)));
    named(b",\"response_time\":", &|out| put_number(out, response_time(row)));
    named(b",\"location\":", &|out| put_text(out, row.country.as_str()));
    named(b",\"user_id\":", &|out| put_text(out, row.text(TextKind::User)));
    named(b",\"created_at\":", &|out| put_time(out, row.time_us));
    out.push(b'}');
}

fn put_compact(out: &mut Vec<u8>, row: &HitRow) {
    out.push(b'[');
    for kind in [TextKind::Address, TextKind::Path, TextKind::Host, TextKind::Agent] {
        put_text(out, row.text(kind));
        out.push(b',');
    }
    for number in [
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
}
