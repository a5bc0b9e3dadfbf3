//! Sums over a project's hits, for panels: from each file's rollups if they have the answer, else from its hits,
//! several files at a time.
//!
//! The query is data (`SumsQuery`), and `analytics::tally` sums up; this module decides what is read.

mod cache;
mod details;
mod names;
mod plan;
mod read;
mod rows;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::TextKind;
use analytics::limits;
use analytics::query::SumsQuery;
use analytics::slots::Slots;
use analytics::tally::{Dimension, Merge, MissingDetails, Named, Tally, TallyLimits, Total};

use crate::duckdb::files::{Entry, Snapshot};
use crate::duckdb::filter::FilterCache;
use crate::duckdb::pool::Pool;
use crate::duckdb::reading::{Connections, OpenFile, Reading};
use crate::duckdb::stats::ProjectStats;
use crate::types::StoreError;
use details::{Details, Searched};
use names::{FileTexts, Wanted};
use plan::Piece;
use read::{Source, Summing};

pub use cache::NamesCache;
pub use plan::{ListParts, list_parts};
pub use rows::to_columns;

/// Thresholds of the read path.
#[derive(Clone, Copy, Debug)]
pub struct SumsLimits {
    /// A project's rollups in a file are read from this many hits.
    pub rollup_from: u64,
    pub tally: TallyLimits,
}

pub fn sums(
    reading: &Reading<'_>,
    query: &SumsQuery,
    limits: SumsLimits,
    cache: &NamesCache,
    filters: &FilterCache,
) -> Result<Total, StoreError> {
    let SumsLimits { rollup_from, tally: tally_limits } = limits;
    let filter = query.scope.with_locked(&query.filter);
    let files = files_of(reading.snapshot, query);
    let project = query.scope.project().0;
    let each_file = || (0..files.len()).collect::<Vec<_>>();
    let plans: Vec<Vec<Piece>> = files
        .iter()
        .map(|(entry, stats)| plan::pieces(entry, stats, query, &filter, rollup_from))
        .collect();
    let wanted = Wanted::of(query);
    let wanted_of_list = wanted.clone().of_listed_consumers();
    let known = in_parallel(reading, each_file(), |connections, n| {
        let file = connections.open(&files[n].0.file)?;
        let filter = filters.get(&file, &filter, project)?;
        let listed =
            !lists_consumers_as_values(query) && plan::needs_listed_consumers_alone(&plans[n]);
        let wanted = if listed { &wanted_of_list } else { &wanted };
        Ok((filter, read_texts(&file, project, wanted, cache)?))
    })?;

    let grid = Arc::new(query.grid.clone());
    let pools: Vec<Arc<Pool<Summing>>> = known
        .iter()
        .map(|(_, texts)| {
            let (grid, identities) = (grid.clone(), texts.identities.clone());
            let make = move || {
                Summing::new(Tally::new(grid.clone(), identities.clone(), None, tally_limits))
            };
            Arc::new(Pool::new(make))
        })
        .collect();
    let work: Vec<(usize, Piece)> = plans
        .into_iter()
        .enumerate()
        .flat_map(|(n, pieces)| pieces.into_iter().map(move |piece| (n, piece)))
        .collect();
    in_parallel(reading, work, |connections, (n, piece)| {
        let file = connections.open(&files[n].0.file)?;
        Source { file, project, sums: &pools[n], only: None }.read(&piece, &known[n].0)
    })?;
    let mut merge =
        Merge::new(query.grid.clone(), query.all_needs(), &query.values, query.top, tally_limits);
    let summed = in_parallel(reading, each_file(), |connections, n| {
        let Some(tally) = merged(&pools[n]) else { return Ok(None) };
        let listed = listed_values(&connections.open(&files[n].0.file)?, project, query)?;
        let texts = &known[n].1;
        let part = merge.part(&tally, &texts.identities, texts.as_ref(), |kind, id| {
            let only = listed.iter().find(|(of, _)| *of == kind);
            only.is_none_or(|(_, ids)| ids.get(id).copied().unwrap_or_default())
        });
        Ok(Some((n, tally, part)))
    })?;
    drop(pools);
    let mut tallies: Vec<(usize, Tally)> = Vec::new();
    for (n, tally, part) in summed.into_iter().flatten() {
        merge.add(n, &tally, part);
        tallies.push((n, tally));
    }
    merge.choose();
    let shown = in_parallel(reading, tallies.iter().collect(), |_, (n, tally)| {
        Ok(merge.shown_in(tally, &known[*n].1.identities))
    })?;
    let missing: Vec<(usize, MissingDetails)> = tallies
        .iter()
        .zip(&shown)
        .map(|((n, tally), shown)| (*n, merge.add_details(tally, &known[*n].1.identities, shown)))
        .filter(|(_, missing)| !missing.is_empty())
        .collect();
    let found: Vec<Details> = in_parallel(reading, missing, |connections, (n, missing)| {
        let (entry, stats) = &files[n];
        let searched = Searched {
            entry,
            stats: *stats,
            identities: known[n].1.identities.clone(),
            filter: &known[n].0,
            whole: plan::is_whole(entry, stats, query, &filter, rollup_from),
        };
        searched.find(connections, query, missing)
    })?;
    found.iter().for_each(|found| found.add_to(&mut merge));
    let names = merge.names();
    for ((_, tally), shown) in tallies.iter().zip(&shown) {
        merge.add_latencies(tally, shown);
    }
    let mut named = Named::new();
    let connections = reading.connections();
    for (n, ids) in names {
        let file = connections.open(&files[n].0.file)?;
        names::read_names(&file, project, &ids, |kind, id, text| {
            named.insert((n, kind, id), Arc::from(text));
        })?;
    }
    Ok(merge.finish(&named))
}

/// The sums of all threads for one file, merged. None if the file had no rows.
fn merged(pool: &Pool<Summing>) -> Option<Tally> {
    let mut tallies = pool.drain().into_iter().map(|summing| summing.tally);
    let mut tally = tallies.next()?;
    tallies.for_each(|more| tally.merge(more));
    Some(tally)
}

fn read_texts(
    file: &OpenFile<'_>,
    project: u32,
    wanted: &Wanted,
    cache: &NamesCache,
) -> Result<Arc<FileTexts>, StoreError> {
    if !file.is_sealed() {
        return Ok(Arc::new(FileTexts::read(file, project, wanted)?));
    }
    if let Some(known) = cache.get(file.alias(), project, wanted) {
        return Ok(known);
    }
    let texts = Arc::new(FileTexts::read(file, project, wanted)?);
    cache.put(file.alias(), project, wanted.clone(), &texts);
    Ok(texts)
}

/// Whether users or addresses are among the listed values, for which there is no list.
fn lists_consumers_as_values(query: &SumsQuery) -> bool {
    let is_consumer =
        |value: &Dimension| matches!(value, Dimension::Text(TextKind::User | TextKind::Address));
    query.values.iter().any(is_consumer)
}

/// The texts of the file that match the prefix, by kind. A kind without an entry has no restriction.
fn listed_values(
    file: &OpenFile<'_>,
    project: u32,
    query: &SumsQuery,
) -> Result<Vec<(TextKind, Slots<bool>)>, StoreError> {
    let kinds = query.values.iter().filter_map(|value| match value {
        Dimension::Text(kind) if !query.prefix.is_empty() => Some(*kind),
        _ => None,
    });
    kinds
        .map(|kind| Ok((kind, names::ids_with_prefix(file, project, kind, &query.prefix)?)))
        .collect()
}

/// The files that may hold hits of the period, with the project's statistics in each.
fn files_of<'a>(snapshot: &'a Snapshot, query: &SumsQuery) -> Vec<(&'a Entry, ProjectStats)> {
    let project = query.scope.project();
    snapshot
        .entries
        .iter()
        .filter_map(|entry| Some((entry, *entry.file.stats.load().get(&project)?)))
        .filter(|(_, stats)| {
            stats.rows > 0
                && stats.max_time_us >= query.grid.from_us
                && stats.min_time_us < query.grid.to_us
        })
        .collect()
}

/// Does the work on as many threads as suit the machine; returns answers in the order of the work.
fn in_parallel<W: Send, T: Send>(
    reading: &Reading<'_>,
    work: Vec<W>,
    each: impl Fn(&Connections<'_>, W) -> Result<T, StoreError> + Sync,
) -> Result<Vec<T>, StoreError> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(limits::QUERY_THREADS as usize).min(work.len());
    if threads <= 1 {
        let connections = reading.connections();
        return work.into_iter().map(|work| each(&connections, work)).collect();
    }
    let count = work.len();
    let queue: Mutex<VecDeque<(usize, W)>> = Mutex::new(work.into_iter().enumerate().collect());
    let done: Mutex<Vec<Option<T>>> = Mutex::new((0..count).map(|_| None).collect());
    let run = || -> Result<(), StoreError> {
        let connections = reading.connections();
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((n, work)) = next else { return Ok(()) };
            let answer = each(&connections, work)?;
            done.lock().unwrap_or_else(PoisonError::into_inner)[n] = Some(answer);
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut ended = run();
        for other in others {
            ended = ended.and(other.join().unwrap_or(Err(StoreError::Panicked("a read"))));
        }
        ended
    })?;
    Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::store::Store;
    use crate::types::StoreOptions;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_on_a_helping_thread_is_an_error_of_that_read() {
        if std::thread::available_parallelism().map_or(1, usize::from) == 1 {
            // Then nothing is read on a second thread.
            return;
        }
        let data = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(data.path().to_path_buf(), Default::default());
        let store = Store::open(options).await.unwrap();
        let answer = store.shared().read(|reading| {
            let (own, helped) = (std::thread::current().id(), AtomicBool::new(false));
            in_parallel(reading, vec![(), ()], |_, ()| {
                if std::thread::current().id() != own {
                    helped.store(true, Ordering::Relaxed);
                    panic!("on purpose");
                }
                while !helped.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                Ok(())
            })
        });
        let answer = answer.await;
        assert!(matches!(answer, Err(StoreError::Panicked("a read"))), "{answer:?}");
        store.close().await.unwrap();
    }
}
