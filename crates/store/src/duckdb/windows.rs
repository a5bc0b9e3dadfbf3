//! Counts of many projects at once, for alert rules: one pass over all hits of a stretch of time. A query per project
//! costs some milliseconds even if it finds nothing, and there may be a thousand projects per minute.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use analytics::alert::Counts;
use analytics::alert::timeline::Cell;
use analytics::hit::{ProjectId, TextKind};
use analytics::latency::Histogram;
use analytics::query::{CellsQuery, EndpointsQuery, ProjectScope};
use analytics::slots::Slots;
use analytics::tally::NO_LATENCY;
use duckdb::arrow::array::AsArray;
use duckdb::arrow::datatypes::{UInt8Type, UInt32Type};

use crate::duckdb::column_scan::Chunk;
use crate::duckdb::files::Entry;
use crate::duckdb::pool::Pool;
use crate::duckdb::reading::{OpenFile, Reading};
use crate::duckdb::sql::windows as sql;
use crate::types::{Cells, EndpointCounts, StoreError};

pub fn cells(reading: &Reading<'_>, query: &CellsQuery) -> Result<Cells, StoreError> {
    let wanted = Arc::new(Wanted::of(&query.scopes));
    let (range, cell_us) = ((query.from_us, query.to_us), query.cell_us);
    let pool = Arc::new(Pool::new(CellSums::default));
    let connections = reading.connections();
    for entry in wanted.files(reading, range) {
        let file = connections.open(&entry.file)?;
        let (pool, wanted) = (pool.clone(), wanted.clone());
        file.scan_columns(&sql::statuses(file.alias(), range), &[], move |chunk| {
            pool.with(|sums| sums.add(chunk, &wanted, cell_us));
        })?;
    }
    let mut cells = Cells::new();
    for ((project, cell), counts) in pool.drain().into_iter().flat_map(|sums| sums.cells) {
        cells.entry((ProjectId(project), cell)).or_default().add(counts);
    }
    Ok(cells)
}

pub fn endpoint_counts(
    reading: &Reading<'_>,
    query: &EndpointsQuery,
) -> Result<EndpointCounts, StoreError> {
    let wanted = Arc::new(Wanted::of(&query.scopes));
    let range = (query.from_us, query.to_us);
    let connections = reading.connections();
    let mut all: BTreeMap<(ProjectId, String), EndpointSum> = BTreeMap::new();
    for entry in wanted.files(reading, range) {
        let file = connections.open(&entry.file)?;
        let pool = Arc::new(Pool::new(EndpointSums::new));
        let (into, of) = (pool.clone(), wanted.clone());
        file.scan_columns(&sql::endpoints(file.alias(), range), &[], move |chunk| {
            into.with(|sums| add_endpoints(sums, chunk, &of));
        })?;
        // Ids belong to the file, so they are resolved before the next one is read.
        let names = read_names(&file, &wanted)?;
        let name = |project, kind: TextKind, id: u32| {
            names.get(&(project, kind as u8, id)).map_or("", String::as_str)
        };
        for ((project, method, route), sum) in pool.drain().into_iter().flatten() {
            let method = name(project, TextKind::Method, method);
            let route = name(project, TextKind::Route, route);
            let joined = file.routes().join(project, route);
            let endpoint = format!("{method} {}", joined.as_deref().unwrap_or(route));
            all.entry((ProjectId(project), endpoint)).or_default().add(&sum);
        }
    }
    let mut endpoints = EndpointCounts::new();
    for ((project, endpoint), sum) in all {
        endpoints.entry(project).or_default().insert(endpoint, sum.to_counts());
    }
    Ok(endpoints)
}

/// The projects of a query.
pub struct Wanted {
    projects: Vec<u32>,
    has: Slots<bool>,
}

impl Wanted {
    pub fn of(scopes: &[ProjectScope]) -> Wanted {
        let whole = scopes.iter().filter(|scope| scope.locked().conditions.is_empty());
        let projects: Vec<u32> = whole.map(|scope| scope.project().0).collect();
        let mut has = Slots::default();
        projects.iter().for_each(|project| *has.slot(*project) = true);
        Wanted { projects, has }
    }

    pub fn has(&self, project: u32) -> bool {
        self.has.get(project).copied().unwrap_or_default()
    }

    /// As a list for a statement.
    pub fn to_list(&self) -> String {
        format!("{:?}", self.projects)
    }

    /// The files that may hold their hits in this time.
    pub fn files<'a>(
        &'a self,
        reading: &'a Reading<'_>,
        (from_us, to_us): (i64, i64),
    ) -> impl Iterator<Item = &'a Entry> {
        reading.snapshot.entries.iter().filter(move |entry| {
            let shares = entry.file.stats.load();
            self.projects.iter().filter_map(|project| shares.get(&ProjectId(*project))).any(
                |stats| stats.rows > 0 && stats.max_time_us >= from_us && stats.min_time_us < to_us,
            )
        })
    }
}

#[derive(Default)]
struct CellSums {
    cells: HashMap<(u32, i64), Cell>,
}

impl CellSums {
    fn add(&mut self, chunk: &Chunk<'_>, wanted: &Wanted, cell_us: i64) {
        let (projects, times) = (chunk.column::<u32>(0), chunk.column::<i64>(1));
        let statuses = chunk.column::<u16>(2);
        // Neighbours mostly share project and cell, which are then looked up once.
        let mut run = ((0, 0), Cell::default());
        for ((&project, &time_us), &status) in projects.iter().zip(times).zip(statuses) {
            if !wanted.has(project) {
                continue;
            }
            let key = (project, time_us.div_euclid(cell_us));
            if run.0 != key {
                self.put(run);
                run = (key, Cell::default());
            }
            run.1.add_hit(status);
        }
        self.put(run);
    }

    fn put(&mut self, (key, counts): ((u32, i64), Cell)) {
        if counts.requests > 0 {
            self.cells.entry(key).or_default().add(counts);
        }
    }
}

/// By project, method and route, of one file.
type EndpointSums = HashMap<(u32, u32, u32), EndpointSum>;

#[derive(Default)]
struct EndpointSum {
    cell: Cell,
    latency: Histogram,
}

impl EndpointSum {
    fn add(&mut self, other: &EndpointSum) {
        self.cell.add(other.cell);
        self.latency.add_all(&other.latency);
    }

    fn to_counts(&self) -> Counts {
        let quantile = |stats| self.latency.quantile_us(stats).map(|us| us as u64);
        Counts {
            requests: self.cell.requests.into(),
            server_errors: self.cell.server_errors.into(),
            client_errors: self.cell.client_errors.into(),
            denied: self.cell.denied.into(),
            consumers: 0,
            p50_us: quantile(0.5),
            p95_us: quantile(0.95),
            p99_us: quantile(0.99),
        }
    }
}

fn add_endpoints(sums: &mut EndpointSums, chunk: &Chunk<'_>, wanted: &Wanted) {
    let projects = chunk.column::<u32>(0);
    let (methods, routes) = (chunk.column::<u32>(1), chunk.column::<u32>(2));
    let (statuses, latencies) = (chunk.column::<u16>(3), chunk.column::<u16>(4));
    for row in (0..chunk.rows()).filter(|row| wanted.has(projects[*row])) {
        let sum = sums.entry((projects[row], methods[row], routes[row])).or_default();
        sum.cell.add_hit(statuses[row]);
        if latencies[row] != NO_LATENCY {
            sum.latency.add(latencies[row], 1);
        }
    }
}

/// By project, kind and id.
fn read_names(
    file: &OpenFile<'_>,
    wanted: &Wanted,
) -> Result<HashMap<(u32, u8, u32), String>, StoreError> {
    let mut names = HashMap::new();
    file.each(&sql::endpoint_names(file.tables()), &[wanted.to_list()], |batch| {
        let project = batch.column(0).as_primitive::<UInt32Type>();
        let kind = batch.column(1).as_primitive::<UInt8Type>();
        let id = batch.column(2).as_primitive::<UInt32Type>();
        let text = batch.column(3).as_string::<i32>();
        for row in 0..batch.num_rows() {
            let key = (project.value(row), kind.value(row), id.value(row));
            names.insert(key, text.value(row).to_owned());
        }
    })?;
    Ok(names)
}
