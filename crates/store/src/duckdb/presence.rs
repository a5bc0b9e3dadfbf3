//! The times at which some consumers of many projects were seen: one pass over the hits of a stretch of time. Memory
//! grows with the requested consumers, however many others there are.

use std::collections::HashMap;
use std::sync::Arc;

use analytics::alert::silence::Presence;
use analytics::hit::{ProjectId, TextKind};
use analytics::query::{PresenceQuery, ProjectScope};
use duckdb::arrow::array::AsArray;
use duckdb::arrow::datatypes::{UInt8Type, UInt32Type};

use crate::duckdb::column_scan::Chunk;
use crate::duckdb::pool::Pool;
use crate::duckdb::reading::{OpenFile, Reading};
use crate::duckdb::sql::windows as sql;
use crate::duckdb::windows::Wanted;
use crate::types::{Presences, StoreError};

/// By the consumer's number in the query.
type Seen = HashMap<usize, Presence>;

pub fn presences(reading: &Reading<'_>, query: &PresenceQuery) -> Result<Presences, StoreError> {
    let scopes: Vec<ProjectScope> =
        query.consumers.iter().map(|(scope, _)| scope.clone()).collect();
    let wanted = Arc::new(Wanted::of(&scopes));
    let mut named = Vec::new();
    for (scope, names) in &query.consumers {
        named.extend(names.iter().map(|name| (scope.project(), name.as_str())));
    }
    let number_of: HashMap<(ProjectId, &str), usize> =
        named.iter().enumerate().map(|(number, one)| (*one, number)).collect();
    let range = (query.from_us, query.to_us);
    let mut seen = Seen::new();
    let connections = reading.connections();
    for entry in wanted.files(reading, range) {
        let file = connections.open(&entry.file)?;
        let ids = Arc::new(find_ids(&file, &wanted, &number_of)?);
        if ids.is_empty() {
            continue;
        }
        let pool = Arc::new(Pool::new(Seen::new));
        let (into, of) = (pool.clone(), wanted.clone());
        file.scan_columns(&sql::consumers(file.alias(), range), &[], move |chunk| {
            into.with(|seen| add(seen, chunk, &of, &ids));
        })?;
        for (number, presence) in pool.drain().into_iter().flatten() {
            seen.entry(number).or_default().merge(&presence);
        }
    }
    let mut presences = Presences::new();
    for (number, presence) in seen {
        let (project, name) = named[number];
        presences.entry(project).or_default().insert(name.to_owned(), presence);
    }
    Ok(presences)
}

/// By project, kind and id of a file.
type Ids = HashMap<(u32, u8, u32), usize>;

fn find_ids(
    file: &OpenFile<'_>,
    wanted: &Wanted,
    number_of: &HashMap<(ProjectId, &str), usize>,
) -> Result<Ids, StoreError> {
    let mut ids = Ids::new();
    let names: Vec<&str> = number_of.keys().map(|(_, name)| *name).collect();
    let values = [wanted.to_list(), names.join(&sql::SEPARATOR.to_string())];
    file.each(&sql::consumers_named(file.tables()), &values, |batch| {
        let project = batch.column(0).as_primitive::<UInt32Type>();
        let kind = batch.column(1).as_primitive::<UInt8Type>();
        let id = batch.column(2).as_primitive::<UInt32Type>();
        let text = batch.column(3).as_string::<i32>();
        for row in 0..batch.num_rows() {
            let project = project.value(row);
            if let Some(number) = number_of.get(&(ProjectId(project), text.value(row))) {
                ids.insert((project, kind.value(row), id.value(row)), *number);
            }
        }
    })?;
    Ok(ids)
}

fn add(seen: &mut Seen, chunk: &Chunk<'_>, wanted: &Wanted, ids: &Ids) {
    let (projects, times) = (chunk.column::<u32>(0), chunk.column::<i64>(1));
    let (users, addresses) = (chunk.column::<u32>(2), chunk.column::<u32>(3));
    for row in (0..chunk.rows()).filter(|row| wanted.has(projects[*row])) {
        // A user, else an address.
        let (kind, id) = match users[row] {
            0 => (TextKind::Address, addresses[row]),
            user => (TextKind::User, user),
        };
        if let Some(number) = ids.get(&(projects[row], kind as u8, id)) {
            seen.entry(*number).or_default().see(times[row]);
        }
    }
}
