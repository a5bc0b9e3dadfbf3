//! Every row of a breakdown of a project's hits: summed up file by file, named, and merged by name.
//!
//! Rollups are not read: they hold only the busiest of many consumers, and durations of few. If there are more rows
//! than a list may have, the busiest of them come from `sums`, with bounds of what is missing.

mod cache;
mod names;

use std::sync::Arc;

use analytics::query::RankingQuery;
use analytics::ranking::{
    Ranked, RankedRows, Ranking, RankingBuilder, RankingLimits, RankingSums, RowId, RowName,
    RowSum, TooManyRows, WordMasks,
};
use analytics::tally::Listing;

use crate::duckdb::filter::{FileFilter, FilterCache, Kept, whole_filter};
use crate::duckdb::pool::Pool;
use crate::duckdb::reading::{OpenFile, Reading};
use crate::duckdb::sql;
use crate::duckdb::stats::ProjectStats;
use crate::duckdb::sums::{NamesCache, SumsLimits, sums, to_columns};
use crate::types::StoreError;
use names::FileNames;

pub use cache::{DataVersion, RankingCache};

/// One thread's sums of a file, with buffers for the rows of a chunk that pass the filter.
struct Summing {
    sums: RankingSums,
    rows: Vec<u32>,
    kept: Kept,
}

pub fn ranking(
    reading: &Reading<'_>,
    query: &RankingQuery,
    limits: (RankingLimits, SumsLimits),
    names: &NamesCache,
    filters: &FilterCache,
) -> Result<Ranking, StoreError> {
    match all_rows(reading, query, limits.0, filters)? {
        Ok(ranking) => Ok(ranking),
        Err(TooManyRows) => busiest(reading, query, limits, names, filters),
    }
}

fn all_rows(
    reading: &Reading<'_>,
    query: &RankingQuery,
    limits: RankingLimits,
    filters: &FilterCache,
) -> Result<Result<Ranking, TooManyRows>, StoreError> {
    let filter = whole_filter(&query.scope, &query.filter);
    let project = query.scope.project();
    let mut builder = RankingBuilder::new(query.of, limits);
    let connections = reading.connections();
    for entry in &reading.snapshot.entries {
        let Some(stats) = entry.file.stats.load().get(&project).copied() else { continue };
        let Some(range) = range(&stats, query) else { continue };
        let file = connections.open(&entry.file)?;
        let of_file = filters.get(&file, &filter, project.0)?;
        let rows = match sum_up(&file, query, range, &of_file, limits)? {
            Ok(rows) => rows,
            Err(too_many) => return Ok(Err(too_many)),
        };
        let names = FileNames::read(&file, project.0, query.of, &rows)?;
        for (id, sum) in rows {
            let added = match query.of.number_name(id) {
                Some(name) => builder.add(RowName { first: "", second: &name }, sum),
                None => builder.add(names.name(query.of, id), sum),
            };
            if let Err(too_many) = added {
                return Ok(Err(too_many));
            }
        }
        reading.check()?;
    }
    Ok(Ok(builder.finish()))
}

/// The part of the period in which the file has hits.
fn range(stats: &ProjectStats, query: &RankingQuery) -> Option<(i64, i64)> {
    let from = query.from_us.max(stats.min_time_us);
    let to = query.to_us.min(stats.max_time_us.saturating_add(1));
    (stats.rows > 0 && from < to).then_some((from, to))
}

type Rows = Vec<(RowId, RowSum)>;

fn sum_up(
    file: &OpenFile<'_>,
    query: &RankingQuery,
    range: (i64, i64),
    filter: &Arc<FileFilter>,
    limits: RankingLimits,
) -> Result<Result<Rows, TooManyRows>, StoreError> {
    let project = query.scope.project().0;
    let masks = match query.search.is_empty() {
        true => None,
        false => Some(Arc::new(masks(file, project, query)?)),
    };
    let (of, addresses) = (query.of, query.addresses);
    let pool = Arc::new(Pool::new(move || Summing {
        sums: RankingSums::new(of, addresses, masks.clone(), limits),
        rows: Vec::new(),
        kept: Kept::default(),
    }));
    let columns = sql::sums::columns(of.needs().and(filter.needs()));
    let text = sql::sums::hits(file.tables(), project, range, &filter.numbers, &columns);
    let (sums, filter) = (pool.clone(), filter.clone());
    file.scan_columns(&text, &[], move |chunk| {
        let hits = to_columns(chunk, &columns);
        sums.with(|Summing { sums, rows, kept }| {
            if filter.select(&hits, chunk.rows(), rows) {
                sums.add_hits(&kept.take(&hits, rows));
            } else {
                sums.add_hits(&hits);
            }
        });
    })?;
    let mut all = pool.drain().into_iter().map(|summing| summing.sums);
    let Some(mut sums) = all.next() else { return Ok(Ok(Vec::new())) };
    all.for_each(|more| sums.merge(more));
    Ok(sums.finish())
}

fn masks(file: &OpenFile<'_>, project: u32, query: &RankingQuery) -> Result<WordMasks, StoreError> {
    let mut masks = WordMasks::new(query.search.clone());
    for kind in query.of.texts() {
        let mut read = Ok(());
        masks.put_all(kind, |put| read = names::each_text(file, project, query.of, kind, put));
        read?;
    }
    Ok(masks)
}

/// The rows with most hits, if all of them are too many.
fn busiest(
    reading: &Reading<'_>,
    query: &RankingQuery,
    (limits, sums_limits): (RankingLimits, SumsLimits),
    names: &NamesCache,
    filters: &FilterCache,
) -> Result<Ranking, StoreError> {
    let total = sums(reading, &query.busiest(), sums_limits, names, filters)?;
    let mut builder = RankingBuilder::new(query.of, limits);
    let mut add = |first: &str, second: &str, sum: RowSum| {
        // There are fewer rows than a list may have; one whose name is too long is left out and counts as missing.
        let _ = builder.add(RowName { first, second }, sum);
    };
    let all = match query.of {
        Ranked::Endpoints => {
            for row in &total.endpoints.rows {
                add(&row.method, &row.route, RowSum::of_endpoint(row));
            }
            counts(&total.endpoints, |row| row.requests)
        }
        Ranked::Consumers => {
            for row in &total.consumers.rows {
                match row.user.as_str() {
                    "" if query.addresses => add("a", &row.address, RowSum::of_consumer(row)),
                    "" => {}
                    user => add("u", user, RowSum::of_consumer(row)),
                }
            }
            counts(&total.consumers, |row| row.requests)
        }
        Ranked::Statuses => RankedRows::default(),
        Ranked::Value(value) => {
            let listing = total.values.get(&value).cloned().unwrap_or_default();
            for (name, count) in &listing.rows {
                add("", name, RowSum::of_count(*count));
            }
            counts(&listing, |(_, count)| count.requests)
        }
    };
    Ok(builder.finish_as(all))
}

fn counts<T>(listing: &Listing<T>, requests: impl Fn(&T) -> u64) -> RankedRows {
    let Listing { rows, count, missing_up_to, low_by_up_to } = listing;
    // A row that was left out has at most as many hits as the last one kept.
    let least = rows.iter().map(requests).min().unwrap_or_default() + low_by_up_to;
    RankedRows {
        count: *count,
        missing_up_to: least.max(*missing_up_to),
        low_by_up_to: *low_by_up_to,
    }
}
