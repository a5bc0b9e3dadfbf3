//! The durations of the few consumers that a table shows: kept for all of them they would take as much room as the hits.
//!
//! Where a file lies in the period whole, its rollup knows those of its busiest consumers; of the rest, and of everyone where
//! something is filtered, the hits are read once more, three columns of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use analytics::hit::Text;
use analytics::latency::Histogram;
use analytics::query::SumsQuery;
use analytics::slots::Slots;
use analytics::tally::{ConsumerName, NO_LATENCY, Needs, Tally};

use super::names::{FileNames, OfFile};
use super::{in_parallel, plan, rows};
use crate::files::{Entry, Share};
use crate::filter::FileFilter;
use crate::pool::Pool;
use crate::reading::Reading;
use crate::sql;
use crate::types::StoreError;

/// A file in which some of the consumers are to be looked for.
pub struct Searched<'a> {
    pub entry: &'a Entry,
    pub share: Share,
    pub names: &'a FileNames,
    pub filter: &'a Arc<FileFilter>,
    /// All of the project's hits in it are in the period, and nothing is filtered.
    pub whole: bool,
}

/// A file's ids of the consumers that are looked for, as places in a list of histograms (and one more: 0 is nobody).
#[derive(Default)]
struct Places {
    users: Slots<u32>,
    addresses: Slots<u32>,
}

impl Places {
    #[inline]
    fn find(&self, user: u32, address: u32) -> Option<usize> {
        let place = if user > 0 { self.users.get(user) } else { self.addresses.get(address) };
        (*place? as usize).checked_sub(1)
    }

    fn put(&mut self, who: ConsumerName, id: u32, place: usize) {
        let slots = match who {
            ConsumerName::User(_) => &mut self.users,
            ConsumerName::Address(_) => &mut self.addresses,
        };
        *slots.slot(id) = place as u32 + 1;
    }
}

/// Durations by place.
type Counts = Slots<Histogram>;

/// From what was gathered with the sums; none where that is not all of it.
pub fn gathered(
    tallies: &[(usize, Tally)],
    names: &[OfFile],
    wanted: &[ConsumerName],
) -> Option<HashMap<ConsumerName, Histogram>> {
    let known: HashSet<ConsumerName> = wanted.iter().copied().collect();
    let place_of: HashMap<ConsumerName, usize> =
        wanted.iter().enumerate().map(|(place, who)| (*who, place)).collect();
    let mut found = vec![Histogram::default(); wanted.len()];
    for (file, tally) in tallies {
        let mut places = Places::default();
        names[*file]
            .kept
            .find(&known)
            .iter()
            .for_each(|(id, who)| places.put(*who, *id, place_of[who]));
        let take = |place, latency, hits| found[place as usize].add(latency, hits);
        if !tally.each_duration(&places.users, &places.addresses, take) {
            return None;
        }
    }
    Some(wanted.iter().copied().zip(found).collect())
}

pub fn latencies(
    reading: &Reading<'_>,
    query: &SumsQuery,
    files: &[Searched<'_>],
    wanted: &[ConsumerName],
) -> Result<HashMap<ConsumerName, Histogram>, StoreError> {
    let project = query.scope.project().0;
    let known: HashSet<ConsumerName> = wanted.iter().copied().collect();
    let place_of: HashMap<ConsumerName, usize> =
        wanted.iter().enumerate().map(|(place, who)| (*who, place)).collect();
    let mut found = vec![Histogram::default(); wanted.len()];
    let mut work = Vec::new();
    let connections = reading.connections();
    for file in files {
        let mut ids = file.names.find(&known);
        if file.whole && !ids.is_empty() {
            let mut places = Places::default();
            ids.iter().for_each(|(id, who)| places.put(*who, *id, place_of[who]));
            let (places, counts) = (Arc::new(places), Arc::new(Pool::new(Counts::default)));
            let text = sql::sums::consumer_latencies(&file.entry.file.alias, project);
            let (of, into) = (places.clone(), counts.clone());
            connections.open(&file.entry.file)?.hand_out(&text, &[], move |chunk| {
                let (user, address) = (chunk.column(0), chunk.column(1));
                let (latency, requests) = (chunk.column(2), chunk.column(3));
                into.with(|counts| {
                    for row in 0..chunk.rows() {
                        if let Some(place) = of.find(user[row], address[row]) {
                            counts.slot(place as u32).add(latency[row], requests[row]);
                        }
                    }
                });
            })?;
            let mut in_rollup = HashSet::new();
            for (place, counts) in counts.drain().iter().flat_map(Slots::iter) {
                found[place as usize].add_all(counts);
                if counts.iter().next().is_some() {
                    in_rollup.insert(wanted[place as usize]);
                }
            }
            ids.retain(|(_, who)| !in_rollup.contains(who));
        }
        if ids.is_empty() {
            continue;
        }
        let mut places = Places::default();
        ids.iter().for_each(|(id, who)| places.put(*who, *id, place_of[who]));
        work.push((file, Arc::new(places)));
    }
    let counts = Arc::new(Pool::new(Counts::default));
    drop(connections);
    in_parallel(reading, work, |connections, (file, places)| {
        let needs = Needs::LATENCY_SERIES | Needs::CONSUMER_SERIES;
        let columns = sql::sums::columns(needs | file.filter.needs());
        let range = plan::range(&file.share, query);
        let text =
            sql::sums::hits(&file.entry.file.alias, project, range, &file.filter.numbers, &columns);
        let (of, into) = (file.filter.clone(), counts.clone());
        connections.open(&file.entry.file)?.hand_out(&text, &[], move |chunk| {
            let hits = rows::to_columns(chunk, &columns);
            let (users, addresses) =
                (hits.texts[Text::User as usize], hits.texts[Text::Address as usize]);
            into.with(|counts| {
                let mut add = |row: usize| {
                    if let Some(place) = places.find(users[row], addresses[row])
                        && hits.latency[row] != NO_LATENCY
                    {
                        counts.slot(place as u32).add(hits.latency[row], 1);
                    }
                };
                let mut kept = Vec::new();
                if of.select(&hits, chunk.rows(), &mut kept) {
                    kept.iter().for_each(|&row| add(row as usize));
                } else {
                    (0..chunk.rows()).for_each(add);
                }
            });
        })
    })?;
    for (place, counts) in counts.drain().iter().flat_map(Slots::iter) {
        found[place as usize].add_all(counts);
    }
    Ok(wanted.iter().copied().zip(found).collect())
}
