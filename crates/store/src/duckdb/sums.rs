//! Sums over a project's hits, for panels: from each file's rollups if they have the answer, else from its hits,
//! several files at a time.
//!
//! The query is data (`SumsQuery`), and `analytics::tally` sums up; this module decides what is read.

mod cache;
mod crowd;
mod details;
mod later;
mod many_values;
mod names;
mod plan;
mod read;
mod rows;

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::TextKind;
use analytics::limits;
use analytics::query::SumsQuery;
use analytics::slots::Ids;
use analytics::tally::{
    Dimension, Identities, Merge, MissingDetails, Named, Needs, Tally, TallyLimits, Total,
};

use crate::duckdb::files::{Entry, Snapshot};
use crate::duckdb::filter::{FilterCache, tests_routes};
use crate::duckdb::joined_routes::JoinedRoutes;
use crate::duckdb::pool::Pool;
use crate::duckdb::reading::{Connections, OpenFile, Reading};
use crate::duckdb::stats::ProjectStats;
use crate::types::StoreError;
use cache::{NameOf, TextId};
use crowd::Crowd;
use details::{Details, Searched};
use later::{Later, Room};
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
    let (many, few): (Vec<Dimension>, Vec<Dimension>) = query.values.iter().partition(
        |value| matches!(value, Dimension::Text(kind) if many_values::KINDS.contains(kind)),
    );
    let others = SumsQuery { values: few, ..query.clone() };
    let mut total = match others.all_needs().is_empty() {
        true => Total::new(query.grid.clone()),
        false => sums_of_few(reading, &others, limits, cache, filters)?,
    };
    for value in many {
        let Dimension::Text(kind) = value else { continue };
        let listed = many_values::list(reading, query, kind, limits.tally, cache, filters)?;
        total.values.insert(value, listed);
    }
    Ok(total)
}

/// All but lists of values that may be as many as hits.
fn sums_of_few(
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
    let mut plans: Vec<Vec<Piece>> = files
        .iter()
        .map(|(entry, stats)| plan::pieces(entry, stats, query, &filter, rollup_from))
        .collect();
    let crowded = plans.iter_mut().zip(&files).filter(|(_, (_, stats))| stats.consumers_listed);
    crowded.for_each(|(plan, _)| plan::put_off_consumers(plan));
    let later: Vec<Vec<_>> =
        plans.iter().map(|plan| plan.iter().filter_map(Piece::later).collect()).collect();
    let crowds = files.iter().zip(&later).filter(|(_, later)| !later.is_empty());
    let rows_of_crowds = crowds.map(|((_, stats), _)| stats.rows).sum::<u64>().max(1);
    let room_for = |rows: u64| {
        let share = rows as f64 / rows_of_crowds as f64;
        Room::new((tally_limits.consumer_hits_kept as f64 * share) as u64)
    };
    let wanted = Wanted::of(query);
    let wanted_of_list = wanted.clone().of_listed_consumers();
    let needs_routes = wanted.identities.contains(&TextKind::Route) || tests_routes(&filter);
    let each_file = (0..files.len()).collect();
    let known = in_parallel(reading, each_file, |connections, n| {
        let file = connections.open(&files[n].0.file)?;
        let joined = if needs_routes { file.joined_routes(project)? } else { None };
        let filter = filters.get_with(&file, &filter, project, joined.as_deref())?;
        let listed = plan::needs_listed_consumers_alone(&plans[n]);
        let wanted = if listed { &wanted_of_list } else { &wanted };
        Ok((filter, read_texts(&file, project, wanted, joined, cache)?))
    })?;

    let grid = Arc::new(query.grid.clone());
    let in_files: Vec<InFile> = known
        .iter()
        .zip(&plans)
        .zip(&files)
        .map(|(((_, texts), plan), (_, stats))| {
            let (grid, identities) = (grid.clone(), texts.identities.clone());
            let make = move || {
                Summing::new(Tally::new(grid.clone(), identities.clone(), None, tally_limits))
            };
            InFile {
                sums: Arc::new(Pool::new(make)),
                room: Arc::new(room_for(stats.rows)),
                left: AtomicUsize::new(plan.len()),
            }
        })
        .collect();
    let merge =
        Merge::new(query.grid.clone(), query.all_needs(), &query.values, query.top, tally_limits);
    let (parts, merge) = (merge.parts(), Mutex::new(merge));
    let merge_file =
        |file: &OpenFile<'_>, n: usize, mut tally: Tally, identities: Arc<Identities>| {
            let listed = listed_values(file, project, query, known[n].1.joined.as_deref())?;
            let part = parts.of(&tally, &identities, known[n].1.as_ref(), |kind, id| {
                let only = listed.iter().find(|(of, _)| *of == kind);
                only.is_none_or(|(_, ids)| ids.has(id))
            });
            let mut merge = merge.lock().unwrap_or_else(PoisonError::into_inner);
            merge.add(n, &mut tally, part);
            Ok(Summed { file: n, tally, identities, is_counted: false })
        };
    let work: Vec<(usize, Piece)> = plans
        .into_iter()
        .enumerate()
        .flat_map(|(n, pieces)| pieces.into_iter().map(move |piece| (n, piece)))
        .collect();
    let summed = in_parallel(reading, work, |connections, (n, piece)| {
        let (file, in_file) = (connections.open(&files[n].0.file)?, &in_files[n]);
        let (room, joined) = (Some(in_file.room.clone()), known[n].1.joined.clone());
        Source { room, joined, ..Source::new(file, project, &in_file.sums) }
            .read(&piece, &known[n].0)?;
        let is_last = in_file.left.fetch_sub(1, Ordering::AcqRel) == 1;
        if !is_last || !later[n].is_empty() {
            return Ok(None);
        }
        // At once, since a file has a tally of each thread.
        let Some((tally, _)) = merged(&in_file.sums) else { return Ok(None) };
        Ok(Some(merge_file(&file, n, tally, known[n].1.identities.clone())?))
    })?;
    let mut summed: Vec<Summed> = summed.into_iter().flatten().collect();
    // One by one: each takes the memory that there is for it.
    let connections = reading.connections();
    for n in (0..files.len()).filter(|n| !later[*n].is_empty()) {
        let Some((mut tally, kept)) = merged(&in_files[n].sums) else { continue };
        let file = connections.open(&files[n].0.file)?;
        let (filter, texts) = &known[n];
        let mut identities = texts.identities.clone();
        let is_counted = !in_files[n].room.sufficed();
        if is_counted {
            // Of no use, since some are missing.
            drop(kept);
            let limits = tally_limits;
            let crowd = Crowd { file, project, filter, grid: &grid, limits };
            let counted = crowd.count(&later[n], &parts)?;
            merge.lock().unwrap_or_else(PoisonError::into_inner).add_counted(n, counted);
        } else {
            // TRICKY: they have those of routes too.
            let wanted = &wanted_of_list.clone().joined_by(texts.joined.as_deref());
            identities = crowd::identify(&kept, &identities, &file, project, wanted, cache)?;
            tally.know(identities.clone());
            kept.iter().for_each(|kept| kept.add_to(&mut tally));
        }
        summed.push(Summed { is_counted, ..merge_file(&file, n, tally, identities)? });
    }
    let mut merge = merge.into_inner().unwrap_or_else(PoisonError::into_inner);
    summed.sort_by_key(|summed| summed.file);
    merge.choose();
    let shown_consumers = merge.shown_consumers().map(Arc::new);
    let shown = in_parallel(reading, summed.iter().collect(), |connections, of| {
        let is_counted =
            of.is_counted && later[of.file].iter().any(|(_, needs)| needs.has(Needs::CONSUMERS));
        let counted = match &shown_consumers {
            Some(shown) if is_counted => {
                let file = connections.open(&files[of.file].0.file)?;
                crowd::find_shown(&file, project, &[TextKind::User, TextKind::Address], shown)?
            }
            _ => Vec::new(),
        };
        Ok((merge.shown_in(&of.tally, &of.identities), counted))
    })?;
    let missing: Vec<(&Summed, MissingDetails)> = summed
        .iter()
        .zip(&shown)
        .map(|(of, (shown, counted))| {
            let mut missing = merge.add_details(&of.tally, &of.identities, shown);
            merge.lack_counted(counted, &mut missing);
            (of, missing)
        })
        .filter(|(_, missing)| !missing.is_empty())
        .collect();
    let found: Vec<Details> = in_parallel(reading, missing, |connections, (of, missing)| {
        let (entry, stats) = &files[of.file];
        let searched = Searched {
            entry,
            stats: *stats,
            identities: of.identities.clone(),
            joined: known[of.file].1.joined.clone(),
            filter: &known[of.file].0,
            whole: plan::is_whole(entry, stats, query, &filter, rollup_from),
        };
        searched.find(connections, query, missing)
    })?;
    found.iter().for_each(|found| found.add_to(&mut merge));
    let names = merge.names();
    for (of, (shown, _)) in summed.iter().zip(&shown) {
        merge.add_latencies(&of.tally, shown);
    }
    let mut named = Named::new();
    for (n, ids) in names {
        let file = connections.open(&files[n].0.file)?;
        for ((kind, id), text) in names_of(&file, project, ids, cache)? {
            let joined = known[n].1.joined.as_ref().filter(|_| kind == TextKind::Route);
            let joined = joined.and_then(|joined| joined.name(id)).cloned();
            named.insert((n, kind, id), joined.unwrap_or(text));
        }
    }
    Ok(merge.finish(&named))
}

/// The sums that are made of a file.
struct InFile {
    sums: Arc<Pool<Summing>>,
    room: Arc<Room>,
    /// Pieces that are not read yet.
    left: AtomicUsize,
}

/// A file's sums, all but what is merged already.
struct Summed {
    file: usize,
    tally: Tally,
    identities: Arc<Identities>,
    /// Its hits' consumers were counted in stretches, apart from these sums.
    is_counted: bool,
}

/// The sums of all threads for one file, merged, with the hits that they kept. None if the file had no rows.
fn merged(pool: &Pool<Summing>) -> Option<(Tally, Vec<Later>)> {
    let (mut tallies, mut later) = (Vec::new(), Vec::new());
    for summing in pool.drain() {
        tallies.push(summing.tally);
        later.push(summing.later);
    }
    let mut tally = tallies.pop()?;
    tallies.into_iter().for_each(|more| tally.merge(more));
    Some((tally, later))
}

fn read_texts(
    file: &OpenFile<'_>,
    project: u32,
    wanted: &Wanted,
    joined: Option<Arc<JoinedRoutes>>,
    cache: &NamesCache,
) -> Result<Arc<FileTexts>, StoreError> {
    if !file.is_sealed() {
        return Ok(Arc::new(FileTexts::read(file, project, wanted, joined)?));
    }
    let wanted = wanted.clone().joined_by(joined.as_deref());
    if let Some(known) = cache.get(file.alias(), project, &wanted) {
        return Ok(known);
    }
    let texts = Arc::new(FileTexts::read(file, project, &wanted, joined)?);
    cache.put(file.alias(), project, wanted, &texts);
    Ok(texts)
}

fn names_of(
    file: &OpenFile<'_>,
    project: u32,
    mut ids: Vec<TextId>,
    cache: &NamesCache,
) -> Result<Vec<NameOf>, StoreError> {
    let mut known = Vec::new();
    if file.is_sealed() {
        known = cache.shown(file.alias(), project, &ids);
        let found: HashSet<_> = known.iter().map(|(id, _)| *id).collect();
        ids.retain(|id| !found.contains(id));
    }
    let mut read = Vec::new();
    if !ids.is_empty() {
        names::read_names(file, project, &ids, |kind, id, text| {
            read.push(((kind, id), Arc::from(text)));
        })?;
    }
    if file.is_sealed() && !read.is_empty() {
        cache.put_shown(file.alias(), project, &read);
    }
    known.extend(read);
    Ok(known)
}

/// The texts of the file that match the prefix, by kind. A kind without an entry has no restriction.
fn listed_values(
    file: &OpenFile<'_>,
    project: u32,
    query: &SumsQuery,
    joined: Option<&JoinedRoutes>,
) -> Result<Vec<(TextKind, Ids)>, StoreError> {
    let kinds = query.values.iter().filter_map(|value| match value {
        Dimension::Text(kind) if !query.prefix.is_empty() => Some(*kind),
        _ => None,
    });
    kinds
        .map(|kind| {
            let joined = joined.filter(|_| kind == TextKind::Route);
            Ok((kind, names::ids_with_prefix(file, project, kind, &query.prefix, joined)?))
        })
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
        let answer = store.duckdb().unwrap().read(|reading| {
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
