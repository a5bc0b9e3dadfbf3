//! Sums per consumer in one file.
//!
//! Up to `consumers_summed` consumers, everything that a table shows is summed up for each. Above that only their hits
//! are counted, at a byte per id (`many_counts`). A table's rows are chosen at the end; a second scan then sums up only those
//! (`Subset`).

use std::sync::Arc;

use super::distinct::Distinct;
use super::durations::Durations;
use super::identities::{Identities, TextId};
use super::many_counts::{ManyCounts, Spread};
use super::top_list::FileList;
use super::{Columns, ConsumerRow, Count, Needs, Subset, TallyLimits};
use crate::hit::TextKind;
use crate::slots::Slots;

#[derive(Clone, Debug)]
pub struct ConsumerSum {
    kind: TextKind,
    id: u32,
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    /// From the newest hit that has one.
    pub country: u16,
    pub country_us: i64,
    /// The last bucket noted, so that hits of one bucket are noted once.
    noted: u16,
}

/// The consumers of a period of which a rollup lists only the busiest.
#[derive(Clone, Debug)]
pub struct Unlisted {
    /// The most hits of a consumer without a row.
    pub most: u64,
    /// The hits without a row.
    pub requests: u64,
    /// All consumers, listed ones too.
    pub distinct: Distinct,
    /// There was a list per day, so a consumer may be in some of them and not in others.
    pub by_days: bool,
}

/// If a file has more consumers than this times those that are summed up, places are found in a hash map: a filter may
/// leave few of them, which would not be worth an array of all.
const DENSE_FROM_SUMMED: u64 = 4;
const NOT_NOTED: u16 = u16::MAX;
/// The place of hits whose consumer is not wanted.
const NOBODY: u32 = u32::MAX;
const USERS: usize = 0;
const ADDRESSES: usize = 1;

pub(super) struct Consumers {
    identities: Arc<Identities>,
    subset: Option<Arc<Subset>>,
    limits: TallyLimits,
    /// By id, of users and of addresses: an index in `sums` plus one.
    slots: [Slots<u32>; 2],
    /// Hits of users and of addresses by id, without `sums`.
    hits: [ManyCounts; 2],
    sums: Option<Vec<ConsumerSum>>,
    /// A thread's own first, then those of others. Consumers by `number`.
    durations: Vec<Durations>,
    /// By bucket.
    series: Vec<Distinct>,
    /// Whether every counted hit's consumer is also in the series.
    series_have_all: bool,
    unlisted: Unlisted,
    /// Scratch of a stretch: each hit's consumer, as an index and as an identity; hits whose consumer is new in its bucket.
    places: Vec<u32>,
    rows: Vec<u32>,
    found: Vec<u64>,
}

impl Consumers {
    pub fn new(
        buckets: usize,
        identities: Arc<Identities>,
        subset: Option<Arc<Subset>>,
        limits: TallyLimits,
    ) -> Consumers {
        let dense = match subset {
            Some(_) => 0,
            None => limits.consumers_summed.saturating_mul(DENSE_FROM_SUMMED),
        };
        let slots = [TextKind::User, TextKind::Address].map(|kind| identities.slots(kind, dense));
        let stretch = identities.stretch().cloned();
        Consumers {
            identities,
            subset,
            limits,
            slots,
            hits: stretch.map(|stretch| stretch.map(ManyCounts::over)).unwrap_or_default(),
            sums: (limits.consumers_summed > 0).then(Vec::new),
            durations: vec![Durations::default()],
            series: vec![Distinct::new(limits.bucket_consumers_exact); buckets],
            series_have_all: true,
            unlisted: Unlisted::none(limits),
            places: Vec::new(),
            rows: Vec::new(),
            found: Vec::new(),
        }
    }

    /// `buckets`: each hit's, if series are wanted.
    pub fn add_hits(&mut self, hits: &Columns<'_>, needs: Needs, buckets: &[u16]) {
        let users = hits.texts[TextKind::User as usize];
        let addresses = hits.texts[TextKind::Address as usize];
        let of_both = Needs::CONSUMERS | Needs::CONSUMER_SERIES;
        self.series_have_all &= needs.only(of_both) != Needs::CONSUMERS;
        if self.sums.is_some() {
            let mut places = std::mem::take(&mut self.places);
            places.clear();
            for (&user, &address) in users.iter().zip(addresses) {
                places.push(self.place(user, address));
            }
            self.sum_up(hits, needs, buckets, &places);
            self.places = places;
            self.count_if_many();
            return;
        }
        if needs.has(Needs::CONSUMERS) {
            for (kind, id) in
                users.iter().zip(addresses).filter_map(|(&user, &address)| who(user, address))
            {
                self.hits[kind].add(id, 1);
            }
        }
        if needs.has(Needs::CONSUMER_SERIES) {
            self.see_all(users, addresses, |n| Some(usize::from(buckets[n])));
        }
    }

    /// Adds each consumer to the series of its bucket; None: to none.
    pub fn see_all(
        &mut self,
        users: &[u32],
        addresses: &[u32],
        bucket_of: impl Fn(usize) -> Option<usize>,
    ) {
        let mut found = std::mem::take(&mut self.found);
        let consumers = users.iter().copied().zip(addresses.iter().copied());
        self.identities.of_consumers(consumers, &mut found);
        for (n, &identity) in found.iter().enumerate() {
            if (users[n], addresses[n]) != (0, 0)
                && let Some(bucket) = bucket_of(n)
            {
                self.series[bucket].add(identity);
            }
        }
        self.found = found;
    }

    fn sum_up(&mut self, hits: &Columns<'_>, needs: Needs, buckets: &[u16], places: &[u32]) {
        let Some(sums) = &mut self.sums else { return };
        if needs.has(Needs::CONSUMERS) {
            for (n, &place) in places.iter().enumerate() {
                let Some(sum) = sums.get_mut(place as usize) else { continue };
                sum.requests += 1;
                match hits.status[n] {
                    400..=499 => sum.client_errors += 1,
                    500.. => sum.server_errors += 1,
                    _ => {}
                }
                sum.last_us = sum.last_us.max(hits.time_us[n]);
                sum.see_country(hits.country[n], hits.time_us[n]);
            }
        }
        if needs.has(Needs::CONSUMER_LATENCY) {
            let users = hits.texts[TextKind::User as usize].iter();
            let addresses = hits.texts[TextKind::Address as usize].iter();
            let whose = users.zip(addresses).zip(places).map(|((&user, &address), &place)| {
                let known = who(user, address).filter(|_| place != NOBODY);
                known.map_or(u32::MAX, |(kind, id)| number(kind, id))
            });
            let is_sparse = self.slots.iter().any(Slots::is_sparse);
            self.durations[0].add(whose.zip(hits.latency.iter().copied()), is_sparse);
        }
        if needs.has(Needs::CONSUMER_SERIES) {
            let users = hits.texts[TextKind::User as usize];
            let addresses = hits.texts[TextKind::Address as usize];
            self.rows.clear();
            for (n, (&place, &bucket)) in (0u32..).zip(places.iter().zip(buckets)) {
                let Some(sum) = sums.get_mut(place as usize) else { continue };
                if sum.noted != bucket {
                    sum.noted = bucket;
                    self.rows.push(n);
                }
            }
            let consumers = self.rows.iter().map(|&n| (users[n as usize], addresses[n as usize]));
            self.identities.of_consumers(consumers, &mut self.found);
            for (&n, &identity) in self.rows.iter().zip(&self.found) {
                self.series[usize::from(buckets[n as usize])].add(identity);
            }
        }
    }

    pub fn add_row(&mut self, row: &ConsumerRow) {
        let Some((kind, id)) = who(row.user, row.address) else { return };
        self.series_have_all = false;
        if self.sums.is_none() {
            self.hits[kind].add(id, row.requests);
            return;
        }
        let place = self.place(row.user, row.address);
        let Some(sum) = self.sums.as_mut().and_then(|sums| sums.get_mut(place as usize)) else {
            return;
        };
        sum.requests += row.requests;
        sum.client_errors += row.client_errors;
        sum.server_errors += row.server_errors;
        sum.last_us = sum.last_us.max(row.last_us);
        sum.see_country(row.country, row.country_us);
        self.count_if_many();
    }

    /// Replaces the identities, by some that have more consumers.
    pub fn know(&mut self, identities: Arc<Identities>) {
        self.identities = identities;
    }

    pub fn take_series(&mut self) -> Vec<Distinct> {
        std::mem::take(&mut self.series)
    }

    /// Gives back the room for more of them.
    pub fn shrink_durations(&mut self) {
        self.durations.iter_mut().for_each(Durations::shrink);
    }

    /// Adds consumers for which a rollup has no rows.
    pub fn add_unlisted(&mut self, unlisted: &Unlisted) {
        self.series_have_all = false;
        self.unlisted.add(unlisted);
    }

    /// Adds these consumers to the series of a bucket.
    pub fn see_distinct(&mut self, distinct: &Distinct, bucket: usize) {
        self.series[bucket].merge(distinct);
    }

    /// Adds another thread's sums of the same file.
    pub fn merge(&mut self, other: Consumers) {
        for (series, more) in self.series.iter_mut().zip(&other.series) {
            series.merge(more);
        }
        self.series_have_all &= other.series_have_all;
        self.unlisted.add(&other.unlisted);
        if other.sums.is_none() {
            self.count_only();
        }
        match (&mut self.sums, &other.sums) {
            (Some(own), Some(more)) => {
                for sum in more {
                    let kind = usize::from(sum.kind != TextKind::User);
                    let place = place(&mut self.slots[kind], own, kind, sum.id);
                    own[place].add(sum);
                }
            }
            (None, Some(more)) => {
                for sum in more {
                    self.hits[usize::from(sum.kind != TextKind::User)].add(sum.id, sum.requests);
                }
            }
            (_, None) => {
                let hits = self.hits.iter_mut().zip(&other.hits);
                hits.for_each(|(hits, more)| hits.merge(more));
            }
        }
        self.durations.extend(other.durations);
        self.count_if_many();
    }

    /// Kind, id and hits of all with hits.
    pub fn counts(&self) -> impl Iterator<Item = (TextKind, u32, u64)> + Clone + '_ {
        // A short period visits the consumers that it has, not all ids of the file.
        let summed = self.sums.iter().flatten().map(|sum| (sum.kind, sum.id, sum.requests));
        let kinds: &[usize] = if self.sums.is_some() { &[] } else { &[USERS, ADDRESSES] };
        let counted = kinds
            .iter()
            .flat_map(|&kind| self.hits[kind].iter().map(move |(id, hits)| (text(kind), id, hits)));
        summed.chain(counted).filter(|(_, _, requests)| *requests > 0)
    }

    /// All, or if they are many, those with most hits.
    pub fn list(&self, identities: &Identities, limits: TallyLimits) -> FileList<TextId> {
        if self.sums.is_none() {
            let spread = Spread::of(&self.hits);
            let is_estimated = spread.ids() > limits.distinct_exact;
            if let Some(distinct) = is_estimated.then(|| self.distinct()).flatten() {
                let id = |kind: usize, id: u32| {
                    let kind = text(kind);
                    (identities.get(kind, id), TextId::new(kind, id, identities))
                };
                return FileList::of_many(&self.hits, &spread, id, distinct, limits);
            }
        }
        let counts = self.counts();
        let counts = counts.map(|(kind, id, requests)| ((kind, id), Count { requests, errors: 0 }));
        let list = FileList::new(counts, |(kind, id)| identities.get(kind, id), limits);
        list.map(|(kind, id)| TextId::new(kind, id, identities))
    }

    /// None if consumers are only counted, if this one's hits were not all listed, or if it has none.
    pub fn sum(&self, of: TextKind, id: u32) -> Option<&ConsumerSum> {
        if self.unlisted.by_days {
            return None;
        }
        let slot = *self.slots[usize::from(of != TextKind::User)].get(id)?;
        self.sums.as_ref()?.get((slot as usize).checked_sub(1)?)
    }

    /// Calls `take` with kind, id, latency and count for these consumers. False if not all of their durations were gathered.
    pub fn each_duration(
        &self,
        wanted: &[(TextKind, u32)],
        mut take: impl FnMut(TextKind, u32, u16, u64),
    ) -> bool {
        let mut numbers = Slots::sparse();
        for (of, id) in wanted {
            *numbers.slot(number(usize::from(*of != TextKind::User), *id)) = true;
        }
        self.sums.is_some()
            && self.durations.iter().all(|durations| {
                durations.each(&numbers, |whose, latency, hits| {
                    take(text((whose & 1) as usize), whose >> 1, latency, hits);
                })
            })
    }

    /// All consumers with hits, which are very many. None if the series lack some.
    pub fn distinct(&self) -> Option<Distinct> {
        if self.sums.is_some() || !self.series_have_all {
            return None;
        }
        let mut all = Distinct::new(self.limits.distinct_exact);
        self.series.iter().for_each(|bucket| all.merge(bucket));
        Some(all)
    }

    pub fn series(&self) -> &[Distinct] {
        &self.series
    }

    pub fn unlisted(&self) -> &Unlisted {
        &self.unlisted
    }

    #[inline]
    fn place(&mut self, user: u32, address: u32) -> u32 {
        let Some((kind, id)) = who(user, address) else { return NOBODY };
        if let Some(subset) = &self.subset
            && !subset.has_consumer(text(kind), id)
        {
            return NOBODY;
        }
        let Some(sums) = &mut self.sums else { return NOBODY };
        place(&mut self.slots[kind], sums, kind, id) as u32
    }

    fn count_if_many(&mut self) {
        if self.sums.as_ref().is_some_and(|sums| sums.len() as u64 > self.limits.consumers_summed) {
            self.count_only();
        }
    }

    #[cold]
    fn count_only(&mut self) {
        let Some(sums) = self.sums.take() else { return };
        for sum in sums.iter().filter(|sum| sum.requests > 0) {
            self.hits[usize::from(sum.kind != TextKind::User)].add(sum.id, sum.requests);
        }
        self.slots = Default::default();
        self.durations = vec![Durations::default()];
    }
}

impl Unlisted {
    fn none(limits: TallyLimits) -> Unlisted {
        let distinct = Distinct::new(limits.distinct_exact);
        Unlisted { most: 0, requests: 0, distinct, by_days: false }
    }

    fn add(&mut self, other: &Unlisted) {
        self.most += other.most;
        self.requests += other.requests;
        self.distinct.merge(&other.distinct);
        self.by_days |= other.by_days;
    }
}

impl ConsumerSum {
    #[inline]
    fn see_country(&mut self, country: u16, time_us: i64) {
        // At the same moment the greater code wins, so that the order of files does not matter.
        if country != 0 && (time_us, country) > (self.country_us, self.country) {
            (self.country_us, self.country) = (time_us, country);
        }
    }

    fn add(&mut self, other: &ConsumerSum) {
        self.requests += other.requests;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
        self.last_us = self.last_us.max(other.last_us);
        self.see_country(other.country, other.country_us);
    }
}

#[inline]
fn place(slots: &mut Slots<u32>, sums: &mut Vec<ConsumerSum>, kind: usize, id: u32) -> usize {
    let slot = slots.slot(id);
    if *slot == 0 {
        sums.push(ConsumerSum {
            kind: text(kind),
            id,
            requests: 0,
            client_errors: 0,
            server_errors: 0,
            last_us: 0,
            country: 0,
            country_us: 0,
            noted: NOT_NOTED,
        });
        *slot = sums.len() as u32;
    }
    *slot as usize - 1
}

/// A user, else an address, else nobody.
#[inline]
pub(super) fn who(user: u32, address: u32) -> Option<(usize, u32)> {
    match (user, address) {
        (0, 0) => None,
        (0, address) => Some((ADDRESSES, address)),
        (user, _) => Some((USERS, user)),
    }
}

/// One number for both kinds. A file has fewer than 2^31 ids.
fn number(kind: usize, id: u32) -> u32 {
    id << 1 | kind as u32
}

pub(super) fn text(kind: usize) -> TextKind {
    if kind == USERS { TextKind::User } else { TextKind::Address }
}
