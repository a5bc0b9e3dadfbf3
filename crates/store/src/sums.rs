//! Sums over a project's hits, for panels: out of each file from its rollups where they answer, from its hits where they
//! do not, several files at a time.
//!
//! What is asked is data (`SumsQuery`), how it is summed up is `analytics::tally`'s business; here is decided what is read.

mod cache;
mod latencies;
mod names;
mod plan;
mod read;
mod rows;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::Text;
use analytics::limits;
use analytics::query::SumsQuery;
use analytics::tally::{ConsumerName, Needs, Tally, Total};
use duckdb::arrow::array::AsArray;
use duckdb::arrow::datatypes::UInt32Type;

use crate::files::{Entry, Share, Snapshot};
use crate::filter::{FilterCache, whole_filter};
use crate::pool::Pool;
use crate::reading::{Connections, Reading};
use crate::sql;
use crate::types::StoreError;
use latencies::Searched;
use names::{FileNames, OfFile, Wanted};
use plan::Piece;
use read::{Source, Summing};

pub use cache::NamesCache;

/// What was summed up.
pub struct Sums {
    pub total: Total,
    /// The consumers that were chosen: which, user id, address (one of both is "").
    pub named: Vec<(ConsumerName, String, String)>,
}

/// The sums, and of those consumers that `choose` picked the names, with their durations in the sums where the query needs
/// them.
pub fn sums(
    reading: &Reading<'_>,
    query: &SumsQuery,
    rollup_from: u64,
    cache: &NamesCache,
    filters: &FilterCache,
    choose: &(dyn Fn(&Total) -> Vec<ConsumerName> + Send + Sync),
) -> Result<Sums, StoreError> {
    let filter = whole_filter(&query.scope, &query.filter);
    let files = files_of(reading.snapshot, query);
    let project = query.scope.project().0;
    let work: Vec<(usize, Piece)> = files
        .iter()
        .enumerate()
        .flat_map(|(n, (entry, share))| {
            plan::pieces(entry, share, query, &filter, rollup_from)
                .into_iter()
                .map(move |piece| (n, piece))
        })
        .collect();
    let filters = in_parallel(reading, (0..files.len()).collect(), |connections, n| {
        filters.get(&connections.open(&files[n].0.file)?, &filter, project)
    })?;

    let grid = Arc::new(query.grid.clone());
    let pools: Vec<Arc<Pool<Summing>>> = files
        .iter()
        .map(|_| {
            let grid = grid.clone();
            Arc::new(Pool::new(move || Summing::new(Tally::new(grid.clone()))))
        })
        .collect();
    in_parallel(reading, work, |connections, (n, piece)| {
        let file = connections.open(&files[n].0.file)?;
        let source = Source { file, project, sums: &pools[n] };
        source.read(&piece, &filters[n])
    })?;
    let tallies: Vec<(usize, Tally)> = pools
        .iter()
        .enumerate()
        .flat_map(|(n, pool)| pool.drain().into_iter().map(move |summing| (n, summing.tally)))
        .collect();
    let names = in_parallel(reading, (0..files.len()).collect(), |connections, n| {
        let of_file = tallies.iter().filter(|(of, _)| *of == n);
        let needs = of_file.fold(Needs::default(), |needs, (_, tally)| needs.and(tally.needs()));
        let file = connections.open(&files[n].0.file)?;
        let (wanted, rest) = Wanted::of(needs, &query.values).split();
        let read = |wanted: &Wanted| FileNames::read(&file, project, wanted);
        let fresh = read(&rest)?;
        let sealed = files[n].0.file.is_sealed();
        let known = cache.get(file.alias(), project, &wanted).filter(|_| sealed);
        let kept = match known {
            Some(kept) => kept,
            None => {
                let kept = Arc::new(read(&wanted)?);
                if sealed {
                    cache.put(file.alias(), project, wanted, &kept);
                }
                kept
            }
        };
        Ok(OfFile { kept, fresh })
    })?;
    let mut total = Total::new(query.grid.clone());
    for (n, tally) in &tallies {
        total.add(*n, tally, &names[*n], &query.values);
    }
    total.finish();

    let chosen = choose(&total);
    let named = name_consumers(reading, &files, project, &total, &chosen)?;
    if query.needs.has(Needs::CONSUMER_LATENCY) && !chosen.is_empty() {
        let gathered = latencies::gathered(&tallies, &names, &chosen);
        drop(tallies);
        let searched: Vec<Searched<'_>> = files
            .iter()
            .enumerate()
            .map(|(n, (entry, share))| Searched {
                entry,
                share: *share,
                names: &names[n].kept,
                filter: &filters[n],
                whole: plan::is_whole(entry, share, query, &filter, rollup_from),
            })
            .collect();
        let found = match gathered {
            Some(found) => found,
            None => latencies::latencies(reading, query, &searched, &chosen)?,
        };
        for (who, latency) in found {
            if let Some(consumer) = total.consumers.get_mut(&who) {
                consumer.latency = latency;
            }
        }
    }
    Ok(Sums { total, named })
}

/// The files that may hold hits of the period, with what the project has in each.
fn files_of<'a>(snapshot: &'a Snapshot, query: &SumsQuery) -> Vec<(&'a Entry, Share)> {
    let project = query.scope.project();
    snapshot
        .entries
        .iter()
        .filter_map(|entry| Some((entry, *entry.file.shares.load().get(&project)?)))
        .filter(|(_, share)| {
            share.rows > 0
                && share.max_time_us >= query.grid.from_us
                && share.min_time_us < query.grid.to_us
        })
        .collect()
}

fn name_consumers(
    reading: &Reading<'_>,
    files: &[(&Entry, Share)],
    project: u32,
    total: &Total,
    chosen: &[ConsumerName],
) -> Result<Vec<(ConsumerName, String, String)>, StoreError> {
    let mut wanted: HashMap<(usize, Text), Vec<u32>> = HashMap::new();
    let place = |who: &ConsumerName| {
        let (file, id) = total.consumers.get(who)?.named_in;
        let kind = if matches!(who, ConsumerName::User(_)) { Text::User } else { Text::Address };
        Some((file, kind, id))
    };
    for (file, kind, id) in chosen.iter().filter_map(place) {
        wanted.entry((file, kind)).or_default().push(id);
    }
    let mut texts: HashMap<(usize, Text, u32), String> = HashMap::new();
    let connections = reading.connections();
    for ((file, kind), ids) in wanted {
        let open = connections.open(&files[file].0.file)?;
        let text = sql::sums::texts_of(open.alias(), project, kind, &ids);
        open.each(&text, &[], |batch| {
            let id = batch.column(0).as_primitive::<UInt32Type>();
            let words = batch.column(1).as_string::<i32>();
            for row in 0..batch.num_rows() {
                texts.insert((file, kind, id.value(row)), words.value(row).to_owned());
            }
        })?;
    }
    let named = chosen.iter().filter_map(|who| {
        let (file, kind, id) = place(who)?;
        let text = texts.remove(&(file, kind, id))?;
        Some(match kind {
            Text::User => (*who, text, String::new()),
            _ => (*who, String::new(), text),
        })
    });
    Ok(named.collect())
}

/// Does the work on as many threads as are good for the machine; answers in the order of the work.
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
            ended = ended.and(other.join().unwrap_or(Err(StoreError::Closing)));
        }
        ended
    })?;
    Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect())
}
