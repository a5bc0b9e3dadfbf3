//! Lists of hits: the keys of all hits of a list in one question, then those shown in full, as many at a time as fit the
//! caller's memory.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use analytics::hit::{Country, ProjectId, TextKind};
use analytics::query::{ArrivalQuery, HitsQuery, SlowestQuery};
use clickhouse::Row;
use serde::Deserialize;

use super::engine::Engine;
use super::sql::params::Params;
use super::sql::rows as sql;
use crate::types::{Found, HitRow, StoreError};

const CONTEXT: &str = "reading hits";

/// Hits read in full by one statement.
const FETCHED_AT_ONCE: usize = 10_000;

/// The same for a list with a memory bound, while the size of its hits is unknown.
const FETCHED_AT_FIRST: usize = 1_000;

#[derive(Row, Deserialize)]
struct Key {
    time_us: i64,
    hit_id: i64,
}

#[derive(Row, Deserialize)]
struct FullHit {
    hit_id: i64,
    time_us: i64,
    duration_us: Option<u64>,
    status: u16,
    country: String,
    request_size: Option<u64>,
    response_size: Option<u64>,
    texts: Vec<String>,
    words: Vec<String>,
}

#[derive(Row, Deserialize)]
struct Text {
    text: String,
}

pub async fn newest(engine: &Engine, query: &HitsQuery) -> Result<Found, StoreError> {
    let mut params = Params::default();
    let sql = sql::newest(query, &mut params);
    keys(engine, &sql, &params).await
}

pub async fn arrivals(engine: &Engine, query: &ArrivalQuery) -> Result<Found, StoreError> {
    let mut params = Params::default();
    let sql = sql::arrivals(query, &mut params);
    keys(engine, &sql, &params).await
}

pub async fn slowest(engine: &Engine, query: &SlowestQuery) -> Result<Found, StoreError> {
    let mut params = Params::default();
    let sql = sql::slowest(query, &mut params);
    keys(engine, &sql, &params).await
}

async fn keys(engine: &Engine, sql: &str, params: &Params) -> Result<Found, StoreError> {
    let keys = engine.ask::<Key>(CONTEXT, sql, params).await?;
    Ok(Found::new(keys.into_iter().map(|key| (key.time_us, key.hit_id)).collect()))
}

/// The next hits of a list, about `most_bytes` of them. Hits erased meanwhile are left out.
pub async fn fetch(
    engine: &Engine,
    project: ProjectId,
    found: &mut Found,
    most_bytes: usize,
) -> Result<Vec<HitRow>, StoreError> {
    let (mut hits, mut bytes) = (Vec::new(), 0);
    while !found.is_empty() && (bytes < most_bytes || hits.is_empty()) {
        let step = match (found.step, most_bytes) {
            (_, usize::MAX) => FETCHED_AT_ONCE,
            (0, _) => FETCHED_AT_FIRST,
            (step, _) => step,
        };
        let keys = &found.left()[..step.min(found.len())];
        let read = read(engine, project, keys).await?;
        let size: usize = read.iter().map(HitRow::size_bytes).sum();
        let passed = keys.len();
        found.pass(passed);
        // As many as would fit, if they were like these.
        let fitting = most_bytes / (size / passed.max(1)).max(1);
        found.step = fitting.clamp(1, FETCHED_AT_ONCE);
        bytes += size;
        hits.extend(read);
    }
    Ok(hits)
}

async fn read(
    engine: &Engine,
    project: ProjectId,
    keys: &[(i64, i64)],
) -> Result<Vec<HitRow>, StoreError> {
    let times = keys.iter().map(|(time, _)| *time);
    let (Some(from), Some(to)) = (times.clone().min(), times.max()) else { return Ok(Vec::new()) };
    let mut params = Params::default();
    let ids = keys.iter().map(|(_, id)| *id).collect();
    let sql = sql::fetch(project.0, (from, to), ids, &mut params);
    let rows = in_full(engine, &sql, &params).await?;
    let mut by_id: HashMap<i64, HitRow> = rows.into_iter().map(|hit| (hit.hit_id, hit)).collect();
    Ok(keys.iter().filter_map(|(_, id)| by_id.remove(id)).collect())
}

/// Hits of a statement that selects the columns of `sql::in_full`.
pub async fn in_full(
    engine: &Engine,
    sql: &str,
    params: &Params,
) -> Result<Vec<HitRow>, StoreError> {
    let rows = engine.ask::<FullHit>(CONTEXT, sql, params).await?;
    Ok(rows.into_iter().map(to_hit).collect())
}

fn to_hit(row: FullHit) -> HitRow {
    let mut texts = row.texts.into_iter().map(Arc::from);
    let mut words = row.words.into_iter().map(Arc::from);
    HitRow {
        hit_id: row.hit_id,
        time_us: row.time_us,
        duration_us: row.duration_us,
        status: row.status,
        country: to_country(&row.country),
        request_size: row.request_size,
        response_size: row.response_size,
        texts: std::array::from_fn::<_, { TextKind::COUNT }, _>(|_| {
            texts.next().unwrap_or_default()
        }),
        words: std::array::from_fn(|_| words.next().unwrap_or_default()),
    }
}

pub fn to_country(text: &str) -> Country {
    text.as_bytes().try_into().map_or(Country::NONE, Country)
}

pub async fn each_text(
    engine: &Engine,
    project: ProjectId,
    kind: TextKind,
    mut take: impl FnMut(String),
) -> Result<(), StoreError> {
    let sql = sql::texts_of(project.0, kind);
    let put = |row: Text| {
        take(row.text);
        ControlFlow::Continue(())
    };
    engine.each(CONTEXT, &sql, &Params::default(), put).await
}

pub async fn count_between(
    engine: &Engine,
    projects: &[ProjectId],
    from_us: i64,
    to_us: i64,
) -> Result<u64, StoreError> {
    if projects.is_empty() {
        return Ok(0);
    }
    let sql = sql::count_between(projects, from_us, to_us);
    engine.ask_number("counting hits", &sql, &Params::default()).await
}

pub async fn count_all(engine: &Engine) -> Result<u64, StoreError> {
    engine.ask_number("counting hits", sql::COUNT_ALL, &Params::default()).await
}
