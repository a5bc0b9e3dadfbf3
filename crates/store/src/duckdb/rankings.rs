//! Every row of a breakdown, in three steps per file: find its rows, map them by name to row numbers that all files share, and
//! add its hits by row number.
//!
//! Rollups are read if they have everything that a list needs. Lists of consumers always read hits: rollups hold only the
//! busiest of many consumers, and durations of few. If there are more rows than a list may have, the busiest of them come
//! from `sums`, with bounds of what is missing.

mod names;
mod rows;

use analytics::query::RankingQuery;
use analytics::ranking::{Ranking, RankingBuilder, RankingLimits, TooManyRows, WordMasks};

use crate::busiest;
use crate::duckdb::filter::FilterCache;
use crate::duckdb::reading::{OpenFile, Reading};
use crate::duckdb::sums::{NamesCache, SumsLimits, list_parts, sums};
use crate::types::StoreError;
use rows::Source;

pub fn ranking(
    reading: &Reading<'_>,
    query: &RankingQuery,
    limits: (RankingLimits, SumsLimits),
    names: &NamesCache,
    filters: &FilterCache,
) -> Result<Ranking, StoreError> {
    match all_rows(reading, query, limits, filters)? {
        Ok(ranking) => Ok(ranking),
        Err(TooManyRows) => {
            let total = sums(reading, &query.busiest(), limits.1, names, filters)?;
            Ok(busiest::ranking(query, &total, limits.0))
        }
    }
}

fn all_rows(
    reading: &Reading<'_>,
    query: &RankingQuery,
    (limits, sums_limits): (RankingLimits, SumsLimits),
    filters: &FilterCache,
) -> Result<Result<Ranking, TooManyRows>, StoreError> {
    let filter = query.scope.with_locked(&query.filter);
    let as_sums = query.busiest();
    let project = query.scope.project();
    let mut builder = RankingBuilder::new(query.of, limits);
    let connections = reading.connections();
    for entry in &reading.snapshot.entries {
        let Some(stats) = entry.file.stats.load().get(&project).copied() else { continue };
        let Some(parts) = list_parts(entry, &stats, &as_sums, &filter, sums_limits) else {
            continue;
        };
        let file = connections.open(&entry.file)?;
        let filter = filters.get(&file, &filter, project.0)?;
        let last_hit = (!file.is_sealed()).then_some(stats.max_hit_id);
        let source = Source { file, query, filter, parts, last_hit };
        if let Err(too_many) = add_file(&mut builder, &source)? {
            return Ok(Err(too_many));
        }
        reading.check()?;
    }
    Ok(builder.finish())
}

fn add_file(
    builder: &mut RankingBuilder,
    source: &Source<'_>,
) -> Result<Result<(), TooManyRows>, StoreError> {
    let Source { file, query, .. } = source;
    let mut found = source.find_rows()?;
    if !query.search.is_empty() {
        let masks = masks(file, query.scope.project().0, query)?;
        found.retain(|id| masks.pass(query.of, id));
    }
    if found.count() == 0 {
        return Ok(Ok(()));
    }
    if let Err(too_many) = builder.check_rows(&found) {
        return Ok(Err(too_many));
    }
    let texts = match names::read(builder, file, query, &found)? {
        Ok(texts) => texts,
        Err(too_many) => return Ok(Err(too_many)),
    };
    let rows = match builder.name_rows(&found, &texts) {
        Ok(rows) => rows,
        Err(too_many) => return Ok(Err(too_many)),
    };
    drop((found, texts));
    source.sum_up(builder.sums(), &rows)?;
    Ok(if builder.sums().is_too_large() { Err(TooManyRows) } else { Ok(()) })
}

fn masks(file: &OpenFile<'_>, project: u32, query: &RankingQuery) -> Result<WordMasks, StoreError> {
    let mut masks = WordMasks::new(query.search.clone());
    for kind in query.of.texts() {
        let mut read = Ok(());
        masks.put_all(kind, |put| {
            read = names::each_name(file, project, (query.of, kind), None, put);
        });
        read?;
    }
    Ok(masks)
}
