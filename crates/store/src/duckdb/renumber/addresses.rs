//! The IPv4 addresses of merged files: numbers, so that they are read, sorted and written as such.
//!
//! A crowd of clients has as many as hits. Read and sorted as texts, which are none, they took three times as long.

use std::sync::{Arc, Mutex, PoisonError};

use duckdb::Connection;

use super::rows::NewRows;
use super::{ADDRESS, OfFile};
use crate::duckdb::column_scan::ColumnScans;
use crate::duckdb::sql;
use crate::duckdb::sql::build::Stretch;
use crate::duckdb::sql::file::Tables;
use crate::types::StoreError;
use analytics::hit::TextKind;
use analytics::slots::Slots;

/// An address of one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    pub project: u32,
    pub ipv4: u32,
    pub id: u32,
    /// The place of its file.
    pub file: u32,
}

/// The addresses of a stretch of the files' texts, by project and number.
pub fn read(
    connection: &Connection,
    scans: &ColumnScans,
    files: &[Tables<'_>],
    stretch: &Stretch,
) -> Result<Vec<Address>, StoreError> {
    if !stretch.may_have(TextKind::Address) {
        return Ok(Vec::new());
    }
    let found: Arc<Mutex<Vec<Address>>> = Arc::default();
    for (file, tables) in (0..).zip(files) {
        let found = found.clone();
        let statement = sql::build::addresses_of(*tables, stretch);
        scans.run(connection, &statement, &stretch.values(), move |chunk| {
            let columns = chunk.column(0).iter().zip(chunk.column(1)).zip(chunk.column(2));
            let of = |((&project, &id), &ipv4)| Address { project, ipv4, id, file };
            found.lock().unwrap_or_else(PoisonError::into_inner).extend(columns.map(of));
        })?;
    }
    let mut found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    // Those of a sealed file are in order: this sort finds such stretches and merges them.
    found.sort_by_key(|address| (u64::from(address.project) << 32) | u64::from(address.ipv4));
    Ok(found)
}

/// Numbers the addresses of one project after `before`, each once; returns the greatest number.
pub fn number(run: &[Address], files: &mut [OfFile], before: u32, rows: &mut NewRows) -> u32 {
    let Some(&Address { project, .. }) = run.first() else { return before };
    let mut has = vec![false; files.len()];
    run.iter().for_each(|address| has[address.file as usize] = true);
    let mut slots: Vec<Option<&mut Slots<u32>>> = files
        .iter_mut()
        .zip(has)
        .map(|(file, has)| has.then(|| &mut file.entry(project).or_default()[usize::from(ADDRESS)]))
        .collect();
    let mut new = before;
    for same in run.chunk_by(|one, other| one.ipv4 == other.ipv4) {
        new += 1;
        rows.push_address(project, same[0].ipv4, new);
        for address in same {
            if let Some(slots) = &mut slots[address.file as usize] {
                *slots.slot(address.id) = new;
            }
        }
    }
    new
}
