//! Counts of many projects in one pass, for alert rules.

use std::collections::{BTreeMap, HashMap};

use analytics::alert::Counts;
use analytics::alert::silence::CELL_US;
use analytics::alert::timeline::Cell;
use analytics::hit::ProjectId;
use analytics::latency::Histogram;
use analytics::query::{CellsQuery, EndpointsQuery, PresenceQuery, ProjectScope};
use analytics::tally::NO_LATENCY;
use clickhouse::Row;
use serde::Deserialize;

use super::engine::Engine;
use super::sql::params::Params;
use super::sql::windows as sql;
use crate::types::{Cells, EndpointCounts, Presences, StoreError};

const CONTEXT: &str = "counting for rules";

#[derive(Row, Deserialize)]
struct CellRow {
    project: u32,
    cell: i64,
    requests: u64,
    client_errors: u64,
    server_errors: u64,
    denied: u64,
}

#[derive(Row, Deserialize)]
struct EndpointRow {
    project: u32,
    method: String,
    route: String,
    latency: u16,
    requests: u64,
    client_errors: u64,
    server_errors: u64,
    denied: u64,
}

#[derive(Row, Deserialize)]
struct ConsumerRow {
    project: u32,
    name: String,
    newest: i64,
}

pub async fn cells(engine: &Engine, query: &CellsQuery) -> Result<Cells, StoreError> {
    let range = (query.from_us, query.to_us);
    let sql = sql::cells(&unlocked(&query.scopes), range, query.cell_us);
    let rows = engine.ask::<CellRow>(CONTEXT, &sql, &Params::default()).await?;
    let cell = |row: &CellRow| Cell {
        requests: row.requests as u32,
        server_errors: row.server_errors as u32,
        client_errors: row.client_errors as u32,
        denied: row.denied as u32,
    };
    Ok(rows.iter().map(|row| ((ProjectId(row.project), row.cell), cell(row))).collect())
}

pub async fn endpoint_counts(
    engine: &Engine,
    query: &EndpointsQuery,
) -> Result<EndpointCounts, StoreError> {
    let sql = sql::endpoints(&unlocked(&query.scopes), (query.from_us, query.to_us));
    let rows = engine.ask::<EndpointRow>(CONTEXT, &sql, &Params::default()).await?;
    let mut sums: BTreeMap<(ProjectId, String), (Counts, Histogram)> = BTreeMap::new();
    for row in rows {
        let endpoint = format!("{} {}", row.method, row.route);
        let (counts, latency) = sums.entry((ProjectId(row.project), endpoint)).or_default();
        counts.requests += row.requests;
        counts.client_errors += row.client_errors;
        counts.server_errors += row.server_errors;
        counts.denied += row.denied;
        if row.latency != NO_LATENCY {
            latency.add(row.latency, row.requests);
        }
    }
    let mut endpoints = EndpointCounts::new();
    for ((project, endpoint), (counts, latency)) in sums {
        let quantile = |share| latency.quantile_us(share).map(|us| us as u64);
        let (p50_us, p95_us, p99_us) = (quantile(0.5), quantile(0.95), quantile(0.99));
        let counts = Counts { p50_us, p95_us, p99_us, ..counts };
        endpoints.entry(project).or_default().insert(endpoint, counts);
    }
    Ok(endpoints)
}

pub async fn presences(engine: &Engine, query: &PresenceQuery) -> Result<Presences, StoreError> {
    let scopes: Vec<ProjectScope> =
        query.consumers.iter().map(|(scope, _)| scope.clone()).collect();
    let mut watched: HashMap<(ProjectId, &str), ()> = HashMap::new();
    for (scope, names) in &query.consumers {
        watched.extend(names.iter().map(|name| ((scope.project(), name.as_str()), ())));
    }
    let names = query.consumers.iter().flat_map(|(_, names)| names.iter().cloned()).collect();
    let mut params = Params::default();
    let range = (query.from_us, query.to_us);
    let sql = sql::consumers(&unlocked(&scopes), range, CELL_US, names, &mut params);
    let mut presences = Presences::new();
    for row in engine.ask::<ConsumerRow>(CONTEXT, &sql, &params).await? {
        let project = ProjectId(row.project);
        if watched.contains_key(&(project, row.name.as_str())) {
            presences.entry(project).or_default().entry(row.name).or_default().see(row.newest);
        }
    }
    Ok(presences)
}

/// The projects of scopes without a locked filter: nothing here is filtered.
fn unlocked(scopes: &[ProjectScope]) -> Vec<u32> {
    let whole = scopes.iter().filter(|scope| scope.locked().conditions.is_empty());
    whole.map(|scope| scope.project().0).collect()
}
