//! The slowest hits: the first by duration, selected from durations, times and ids alone, one stretch of time after
//! another.
//!
//! The first hits are only known once the whole period is scanned, so a part passes on the best that it has seen.
//! Progress is kept as time, not as files: files may be sealed and merged between two parts.

use std::cmp::Reverse;
use std::sync::Arc;

use analytics::period::Period;
use analytics::query::{SlowPlace, SlowestQuery};
use analytics::tally;

use crate::duckdb::files::Entry;
use crate::duckdb::filter::{FileFilter, FilterCache};
use crate::duckdb::pool::Pool;
use crate::duckdb::read::{Selected, fetch, overlaps, shorten, window_start};
use crate::duckdb::reading::{OpenFile, Reading};
use crate::duckdb::sql;
use crate::duckdb::sql::rows::{Range, Slow};
use crate::duckdb::stats::ProjectStats;
use crate::types::{Found, Looked, Slowest, StoreError};

pub fn slowest(
    reading: &Reading<'_>,
    query: &SlowestQuery,
    looked: Looked,
    part_rows: u64,
    filters: &FilterCache,
) -> Result<Slowest, StoreError> {
    let project = query.scope.project();
    let filter = query.scope.with_locked(&query.filter);
    let files: Vec<(&Entry, ProjectStats)> = reading
        .snapshot
        .entries
        .iter()
        .filter_map(|entry| Some((entry, *entry.file.stats.load().get(&project)?)))
        .filter(|(_, stats)| stats.rows > 0 && overlaps(stats, &query.period))
        .collect();
    let stats: Vec<ProjectStats> = files.iter().map(|(_, stats)| *stats).collect();
    let start = stats.iter().map(|stats| stats.min_time_us).min().unwrap_or(0);
    let start = start.max(query.period.from_us.unwrap_or(i64::MIN));
    let end = stats.iter().map(|stats| stats.max_time_us.saturating_add(1)).max().unwrap_or(0);
    let end = end.min(query.period.to_us.unwrap_or(i64::MAX));
    let mut end = looked.from_us.map_or(end, |from| from.min(end));
    let mut best = looked.best;
    let connections = reading.connections();
    let mut looked_at = 0;
    while end > start && query.limit > 0 {
        if looked_at >= part_rows {
            return Ok(Slowest::Looked(Looked { best, from_us: Some(end) }));
        }
        let mut from = window_start(&stats, start, end, part_rows);
        looked_at += shorten(&connections, &files, project.0, &mut from, end, part_rows)?.max(1);
        let inside = Period { from_us: Some(from), to_us: Some(end) };
        for (entry, stats) in &files {
            if !overlaps(stats, &inside) {
                continue;
            }
            let file = connections.open(&entry.file)?;
            let of_file = filters.get(&file, &filter, project.0)?;
            let range = Range {
                project: project.0,
                period: inside,
                after_id: None,
                until_id: None,
                before: None,
                numbers: &of_file.numbers,
            };
            // Hits faster than the slowest `limit` so far can be skipped.
            let least = best.get(query.limit - 1).and_then(|(duration, ..)| *duration);
            let slow = Slow { range, after: query.after, least };
            best.extend(select(&file, &slow, &of_file, query.limit)?);
            best.sort_unstable_by_key(|place| Reverse(*place));
            best.truncate(query.limit);
        }
        end = from;
    }
    let keys = best.into_iter().map(|(_, time, id)| (time, id)).collect();
    let mut found = Found::new(keys);
    Ok(Slowest::Hits(fetch(reading, &connections, project, &mut found, usize::MAX)?))
}

/// The first of a stretch's hits, in no order.
fn select(
    file: &OpenFile<'_>,
    slow: &Slow<'_>,
    filter: &Arc<FileFilter>,
    limit: usize,
) -> Result<Vec<SlowPlace>, StoreError> {
    let kinds = filter.kinds();
    let text = sql::rows::slow_keys(file.tables(), slow, &kinds);
    let pool = Arc::new(Pool::new(|| (Vec::new(), Selected::default())));
    let (into, filter) = (pool.clone(), filter.clone());
    file.scan_columns(&text, &[], move |chunk| {
        let [durations, times, ids] = [0, 1, 2].map(|column| chunk.column::<i64>(column));
        let place = |row: usize| {
            let duration = u64::try_from(durations[row]).ok();
            (duration, times[row], ids[row])
        };
        let mut columns = tally::Columns::default();
        for (place, kind) in kinds.iter().enumerate() {
            columns.texts[*kind as usize] = chunk.column(3 + place);
        }
        into.with(|(rows, selected): &mut (Vec<u32>, Selected<SlowPlace, _>)| {
            if filter.select(&columns, chunk.rows(), rows) {
                rows.iter().for_each(|&row| selected.add(place(row as usize), limit, Reverse));
            } else {
                (0..chunk.rows()).for_each(|row| selected.add(place(row), limit, Reverse));
            }
        });
    })?;
    Ok(pool.drain().into_iter().flat_map(|(_, selected)| selected.keys).collect())
}
