//! Finds the rows of a list in a file's hits or rollups, and sums them up.

use std::sync::Arc;

use analytics::query::RankingQuery;
use analytics::ranking::{FileRows, FoundRows, HitSorter, Ranked, RankingSums, RowId, RowSum};
use analytics::tally::{Columns, Count};

use crate::duckdb::column_scan::Chunk;
use crate::duckdb::filter::{FileFilter, Kept};
use crate::duckdb::pool::Pool;
use crate::duckdb::reading::OpenFile;
use crate::duckdb::sql::sums::{self, Column, Days};
use crate::duckdb::sums::{ListParts, to_columns};
use crate::types::StoreError;

/// A file to read for a list, and the parts of it to read.
pub struct Source<'a> {
    pub file: OpenFile<'a>,
    pub query: &'a RankingQuery,
    pub filter: Arc<FileFilter>,
    pub parts: ListParts,
    /// Reads stop at this hit, so that the second read of a growing file has no rows that the first lacks.
    pub last_hit: Option<i64>,
}

/// A thread's state, with buffers for the rows of a chunk that pass the filter.
struct Filtered<T> {
    work: T,
    rows: Vec<u32>,
    kept: Kept,
}

impl Source<'_> {
    /// The file's rows that are in the list.
    pub fn find_rows(&self) -> Result<FoundRows, StoreError> {
        let (of, addresses) = (self.query.of, self.query.addresses);
        let mut columns = sums::columns(of.row_needs().and(self.filter.needs()));
        // Only the sums need the status, except in a list of statuses.
        columns.retain(|column| *column != Column::Status || of == Ranked::Statuses);
        let make = move || FoundRows::new(of, addresses);
        let mut all = make();
        for found in self.each_stretch(&columns, make, FoundRows::add_hits)? {
            all.merge(&found);
        }
        if let Some(days) = self.parts.days {
            let pool = Arc::new(Pool::new(make));
            let into = pool.clone();
            self.file.scan_columns(&self.rollup(days), &[], move |chunk| {
                into.with(|found| each_rollup_row(of, chunk, |id, _| found.add(id)));
            })?;
            pool.drain().iter().for_each(|found| all.merge(found));
        }
        Ok(all)
    }

    /// Adds the file's hits to the sums of these rows.
    pub fn sum_up(
        &self,
        all_sums: &Arc<RankingSums>,
        rows: &Arc<FileRows>,
    ) -> Result<(), StoreError> {
        let (of, addresses) = (self.query.of, self.query.addresses);
        let columns = sums::columns(of.needs().and(self.filter.needs()));
        let (sums, listed) = (all_sums.clone(), rows.clone());
        let make = move || HitSorter::new(sums.clone(), listed.clone(), addresses);
        for sorter in self.each_stretch(&columns, make, HitSorter::add_hits)? {
            sorter.finish();
        }
        let Some(days) = self.parts.days else { return Ok(()) };
        let (sums, listed) = (all_sums.clone(), rows.clone());
        self.file.scan_columns(&self.rollup(days), &[], move |chunk| {
            each_rollup_row(of, chunk, |id, sum| {
                if let Some(row) = listed.get(id) {
                    sums.add(row, &sum);
                }
            });
        })?;
        if of != Ranked::Endpoints {
            return Ok(());
        }
        let (sums, listed) = (all_sums.clone(), rows.clone());
        let text =
            sums::endpoint_latencies_by_row(self.file.alias(), self.query.scope.project().0, days);
        self.file.scan_columns(&text, &[], move |chunk| {
            let (method, route) = (chunk.column::<u32>(0), chunk.column::<u32>(1));
            let (latency, requests) = (chunk.column::<u16>(2), chunk.column::<u64>(3));
            let id = |n: usize| RowId { first: method[n], second: route[n] };
            // Durations of one endpoint are adjacent.
            let mut from = 0;
            while from < chunk.rows() {
                let of = id(from);
                let to = from + (from..chunk.rows()).take_while(|n| id(*n) == of).count();
                if let Some(row) = listed.get(of) {
                    sums.add_durations(row, &latency[from..to], &requests[from..to]);
                }
                from = to;
            }
        })
    }

    /// Scans the file's hits and passes each chunk to `take`. Returns the state of each thread.
    fn each_stretch<T: Send + 'static>(
        &self,
        columns: &[Column],
        make: impl Fn() -> T + Send + Sync + 'static,
        take: fn(&mut T, &Columns<'_>),
    ) -> Result<Vec<T>, StoreError> {
        let pool = Arc::new(Pool::new(move || Filtered {
            work: make(),
            rows: Vec::new(),
            kept: Kept::default(),
        }));
        let mut numbers = self.filter.numbers.clone();
        if let Some(last) = self.last_hit {
            numbers = format!("{numbers} AND h.hit_id <= {last}");
        }
        for range in &self.parts.hits {
            let project = self.query.scope.project().0;
            let text = sums::hits(self.file.tables(), project, *range, &numbers, columns);
            let (pool, filter, columns) = (pool.clone(), self.filter.clone(), columns.to_vec());
            self.file.scan_columns(&text, &[], move |chunk| {
                let hits = to_columns(chunk, &columns);
                pool.with(|Filtered { work, rows, kept }| {
                    if filter.select(&hits, chunk.rows(), rows) {
                        take(work, &kept.take(&hits, rows));
                    } else {
                        take(work, &hits);
                    }
                });
            })?;
        }
        Ok(pool.drain().into_iter().map(|filtered| filtered.work).collect())
    }

    /// The query whose rows `each_rollup_row` reads.
    fn rollup(&self, days: Days) -> String {
        let (alias, project) = (self.file.alias(), self.query.scope.project().0);
        match self.query.of {
            Ranked::Endpoints => sums::endpoints(alias, project, days),
            Ranked::Statuses => sums::quarters(alias, project, days),
            // `list_parts` gives no days for consumers.
            of @ (Ranked::Value(_) | Ranked::Consumers) => {
                sums::values(alias, project, days, of.needs())
            }
        }
    }
}

/// Passes each row of a rollup to `take`.
fn each_rollup_row(of: Ranked, chunk: &Chunk<'_>, mut take: impl FnMut(RowId, RowSum)) {
    match of {
        Ranked::Endpoints => {
            let (method, route) = (chunk.column(0), chunk.column(1));
            let requests = chunk.column(2);
            let (client_errors, server_errors) = (chunk.column(3), chunk.column(4));
            let last_us = chunk.column(5);
            for n in 0..chunk.rows() {
                let sum = RowSum {
                    requests: requests[n],
                    client_errors: client_errors[n],
                    server_errors: server_errors[n],
                    last_us: last_us[n],
                    ..RowSum::default()
                };
                take(RowId { first: method[n], second: route[n] }, sum);
            }
        }
        Ranked::Statuses => {
            let (status, requests) = (chunk.column::<u16>(1), chunk.column::<u64>(2));
            for (status, requests) in status.iter().zip(requests) {
                let errors = if *status >= 400 { *requests } else { 0 };
                let count = Count { requests: *requests, errors };
                take(RowId { first: 0, second: u32::from(*status) }, RowSum::of_count(count));
            }
        }
        Ranked::Value(_) | Ranked::Consumers => {
            let (value, requests) = (chunk.column(1), chunk.column(2));
            let errors = chunk.column(3);
            for n in 0..chunk.rows() {
                let count = Count { requests: requests[n], errors: errors[n] };
                take(RowId { first: 0, second: value[n] }, RowSum::of_count(count));
            }
        }
    }
}
