//! Merges the sums of all files in steps: `add` each file, `choose` the rows that the answer may show, `add_details` from each
//! file (with a second scan for the `MissingDetails`), cut to size and list the `names` to read, then `finish`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::consumers::ConsumerSum;
use super::distinct::Distinct;
use super::endpoints::{EndpointSum, Pair};
use super::identities::Identities;
use super::subset::Subset;
use super::top::{Sort, Top};
use super::top_list::{ByIdentity, Listed, TopList};
use super::total::{Breakdown, Consumer, Dimension, Endpoint, Listing, Total};
use super::{Count, DistinctCount, Needs, Tally, TallyLimits};
use crate::grid::Grid;
use crate::hit::{Country, TextKind};
use crate::latency::Histogram;

/// Words derived from a file's texts, by id: the client of a user agent, the version of a path.
pub trait Words {
    fn word(&self, value: Dimension, id: u32) -> Arc<str>;
}

/// Names that were read: by file number, kind and id.
pub type Named = HashMap<(usize, TextKind, u32), Arc<str>>;

/// The parts of the shown rows that a file's sums lack.
#[derive(Clone, Debug, Default)]
pub struct MissingDetails {
    pub sums: Vec<(TextKind, u32, u64)>,
    pub durations: Vec<(TextKind, u32, u64)>,
    pub endpoints: Vec<(Pair, u64)>,
}

pub struct Merge {
    total: Total,
    limits: TallyLimits,
    needs: Needs,
    top: Top,
    values: Vec<Dimension>,
    consumers: TopList<(TextKind, u32)>,
    series: Vec<Distinct>,
    endpoints: TopList<Pair>,
    texts: Vec<(TextKind, TopList<u32>)>,
    words: HashMap<Dimension, HashMap<Arc<str>, Count>>,
    shown_consumers: ByIdentity<Consumer>,
    shown_endpoints: ByIdentity<Endpoint>,
    shown_texts: Vec<(TextKind, ByIdentity<Count>)>,
}

impl Merge {
    /// `values`: the texts and countries to list by name.
    pub fn new(
        grid: Grid,
        needs: Needs,
        values: &[Dimension],
        top: Top,
        limits: TallyLimits,
    ) -> Merge {
        let total = Total::new(grid);
        let series = Distinct::new(limits.bucket_consumers_exact);
        let texts = values.iter().filter_map(|value| match value {
            Dimension::Text(kind) => Some((*kind, TopList::new(limits))),
            _ => None,
        });
        Merge {
            limits,
            needs,
            top,
            values: values.to_vec(),
            consumers: TopList::new(limits),
            series: vec![series; total.grid.buckets()],
            endpoints: TopList::new(limits),
            texts: texts.collect(),
            words: HashMap::new(),
            shown_consumers: HashMap::default(),
            shown_endpoints: HashMap::default(),
            shown_texts: Vec::new(),
            total,
        }
    }

    /// Adds a file's sums. `is_listed(kind, id)`: whether a text may be among the values.
    pub fn add(
        &mut self,
        file: usize,
        tally: &Tally,
        identities: &Identities,
        words: &impl Words,
        is_listed: impl Fn(TextKind, u32) -> bool,
    ) {
        self.add_numbers(tally);
        for (sum, more) in self.series.iter_mut().zip(tally.consumers.series()) {
            sum.merge(more);
        }
        let plain = |requests| Count { requests, errors: 0 };
        let consumers = tally.consumers.counts();
        let unlisted = tally.consumers.unlisted();
        self.consumers.add(
            file,
            consumers.map(|(kind, id, requests)| ((kind, id), plain(requests))),
            |(kind, id)| identities.get(kind, id),
            unlisted.most,
        );
        self.consumers.add_distinct(&unlisted.distinct, unlisted.requests);
        let endpoints = tally.endpoints.counts();
        self.endpoints.add(
            file,
            endpoints.map(|(pair, requests)| (pair, plain(requests))),
            |pair| identities.of_endpoint(pair),
            0,
        );
        for (kind, list) in &mut self.texts {
            let counts = tally.texts[*kind as usize].iter();
            let listed = counts.filter(|(id, _)| is_listed(*kind, *id));
            list.add(file, listed, |id| identities.get(*kind, id), 0);
        }
        for value in &self.values {
            let counts = match *value {
                Dimension::Text(_) => continue,
                Dimension::Country => &tally.countries,
                Dimension::Client | Dimension::Os | Dimension::Device => {
                    &tally.texts[TextKind::Agent as usize]
                }
                Dimension::Version => &tally.texts[TextKind::Path as usize],
            };
            let of_value = self.words.entry(*value).or_default();
            let word = |id: u32| match *value {
                Dimension::Country => Arc::from(Country::from_number(id as u16).as_str()),
                value => words.word(value, id),
            };
            // Neighbours often share a word: paths of a version, agents of a client.
            let mut run: Option<(Arc<str>, Count)> = None;
            for (id, count) in counts.iter() {
                let word = word(id);
                match &mut run {
                    Some((of, sum)) if Arc::ptr_eq(of, &word) => sum.add_count(count),
                    _ => {
                        if let Some((of, sum)) = run.replace((word, count)) {
                            of_value.entry(of).or_default().add_count(sum);
                        }
                    }
                }
            }
            if let Some((of, sum)) = run {
                of_value.entry(of).or_default().add_count(sum);
            }
        }
    }

    fn add_numbers(&mut self, tally: &Tally) {
        let total = &mut self.total;
        for (status, requests) in (0..).zip(&tally.statuses).filter(|(_, requests)| **requests > 0)
        {
            *total.statuses.entry(status).or_default() += requests;
        }
        for (sum, more) in total.classes.iter_mut().zip(&tally.classes) {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        total.hours.iter_mut().zip(&tally.hours).for_each(|(sum, more)| *sum += more);
        total.latency.add_all(&tally.latency);
        total.duration_us += tally.duration_us;
        for (sum, more) in total.latency_series.iter_mut().zip(&tally.latency_series) {
            sum.add_all(more);
        }
        for (sum, more) in total.latency_series.iter_mut().zip(&tally.latency_both) {
            sum.add_all(more);
            total.latency.add_all(more);
        }
        for (sum, more) in total.traffic.iter_mut().zip(&tally.traffic) {
            sum.0 += more.request_bytes;
            sum.1 += more.response_bytes;
            total.sized += more.sized;
        }
    }

    /// Chooses the rows that the answer may show. Call it after every file was added.
    pub fn choose(&mut self) {
        let most = self.candidates();
        if self.top.consumers {
            let shown = self.consumers.first(most).into_iter();
            self.shown_consumers = shown.map(|who| (who, Consumer::default())).collect();
        }
        // A table with another order than hits needs all endpoints, while they are few.
        let all = self.endpoints.missing_up_to() == 0
            && self.endpoints.all().len() as u64 <= self.limits.listed_whole;
        let endpoints: Vec<u64> =
            if all { self.endpoints.all().collect() } else { self.endpoints.first(most) };
        self.shown_endpoints =
            endpoints.into_iter().map(|which| (which, Endpoint::default())).collect();
        for (kind, list) in &self.texts {
            let shown = list.first(self.top.rows).into_iter();
            let count = |which| list.get(which).map(|listed| listed.count).unwrap_or_default();
            // A list that was cut may understate its counts: they are summed up again.
            let known = list.missing_up_to() == 0;
            let shown =
                shown.map(|which| (which, if known { count(which) } else { Count::default() }));
            self.shown_texts.push((*kind, shown.collect()));
        }
    }

    /// Adds this file's sums of the chosen rows. Returns the parts that they lack.
    pub fn add_details(&mut self, tally: &Tally, identities: &Identities) -> MissingDetails {
        for ((kind, shown), (_, list)) in self.shown_texts.iter_mut().zip(&self.texts) {
            if list.missing_up_to() > 0 {
                for (id, count) in tally.texts[*kind as usize].iter() {
                    if let Some(sum) = shown.get_mut(&identities.get(*kind, id)) {
                        sum.add_count(count);
                    }
                }
            }
        }
        let mut missing = MissingDetails::default();
        let mut known = Vec::new();
        if !self.shown_consumers.is_empty() {
            for (kind, id, _) in tally.consumers.counts() {
                let who = identities.get(kind, id);
                let Some(shown) = self.shown_consumers.get_mut(&who) else { continue };
                match tally.consumers.sum(kind, id) {
                    Some(sum) => shown.add(sum),
                    None => missing.sums.push((kind, id, who)),
                }
                known.push((kind, id, who));
            }
            if self.needs.has(Needs::CONSUMER_LATENCY) && !self.add_durations(tally, &known) {
                missing.durations = known;
            }
        }
        for (pair, _) in tally.endpoints.counts() {
            let which = identities.of_endpoint(pair);
            let Some(shown) = self.shown_endpoints.get_mut(&which) else { continue };
            match tally.endpoints.sum(pair) {
                Some(sum) => {
                    shown.add(sum);
                    if self.top.sort.is_of_latency() {
                        sum.latency.add_to(&mut shown.latency);
                    }
                }
                None => missing.endpoints.push((pair, which)),
            }
        }
        missing
    }

    /// Adds durations of the endpoints that `names` kept: those of all endpoints would take too much memory.
    pub fn add_latencies(&mut self, tally: &Tally, identities: &Identities) {
        if self.top.sort.is_of_latency() {
            return;
        }
        for (pair, _) in tally.endpoints.counts() {
            if let Some(shown) = self.shown_endpoints.get_mut(&identities.of_endpoint(pair))
                && let Some(sum) = tally.endpoints.sum(pair)
            {
                sum.latency.add_to(&mut shown.latency);
            }
        }
    }

    /// Adds the result of a second scan for the missing parts.
    pub fn add_missing(&mut self, missing: &MissingDetails, tally: &Tally) {
        for (kind, id, who) in &missing.sums {
            let sum = tally.consumers.sum(*kind, *id);
            if let (Some(shown), Some(sum)) = (self.shown_consumers.get_mut(who), sum) {
                shown.add(sum);
            }
        }
        for (pair, which) in &missing.endpoints {
            let sum = tally.endpoints.sum(*pair);
            if let (Some(shown), Some(sum)) = (self.shown_endpoints.get_mut(which), sum) {
                shown.add(sum);
                sum.latency.add_to(&mut shown.latency);
            }
        }
        self.add_durations(tally, &missing.durations);
    }

    /// Adds durations of a chosen consumer from a rollup.
    pub fn add_duration(&mut self, who: u64, latency: u16, hits: u64) {
        if let Some(shown) = self.shown_consumers.get_mut(&who) {
            shown.latency.add(latency, hits);
        }
    }

    /// Adds nothing and returns false if not all of their durations were gathered.
    fn add_durations(&mut self, tally: &Tally, of: &[(TextKind, u32, u64)]) -> bool {
        if of.is_empty() {
            return true;
        }
        if !tally.needs().has(Needs::CONSUMER_LATENCY) {
            return false;
        }
        let ids: Vec<(TextKind, u32)> = of.iter().map(|(kind, id, _)| (*kind, *id)).collect();
        let mut found: HashMap<(TextKind, u32), Histogram> = HashMap::new();
        let all = tally.consumers.each_duration(&ids, |kind, id, latency, hits| {
            found.entry((kind, id)).or_default().add(latency, hits);
        });
        if all {
            for (kind, id, who) in of {
                if let (Some(shown), Some(latency)) =
                    (self.shown_consumers.get_mut(who), found.get(&(*kind, *id)))
                {
                    shown.latency.add_all(latency);
                }
            }
        }
        all
    }

    /// The number of candidates with most hits. A table with another order is chosen from more rows than it shows.
    fn candidates(&self) -> usize {
        match self.top.sort {
            Sort::Requests => self.top.rows,
            _ => self.top.rows.max(self.limits.candidates as usize),
        }
    }

    /// Cuts the rows to size and returns the ids whose names are needed, by file number. Call it after every file's details
    /// were added.
    pub fn names(&mut self) -> HashMap<usize, Vec<(TextKind, u32)>> {
        self.cut_consumers();
        self.cut_endpoints();
        let mut names: HashMap<usize, Vec<(TextKind, u32)>> = HashMap::new();
        let mut want = |(file, ids): (usize, &[(TextKind, u32)])| {
            let named = ids.iter().filter(|(_, id)| *id > 0);
            names.entry(file).or_default().extend(named);
        };
        for who in self.shown_consumers.keys() {
            if let Some(Listed { named_in: (file, id), .. }) = self.consumers.get(*who) {
                want((*file, &[*id]));
            }
        }
        for which in self.shown_endpoints.keys() {
            if let Some(Listed { named_in: (file, (method, route)), .. }) =
                self.endpoints.get(*which)
            {
                want((*file, &[(TextKind::Method, *method), (TextKind::Route, *route)]));
            }
        }
        for ((kind, shown), (_, list)) in self.shown_texts.iter().zip(&self.texts) {
            for which in shown.keys() {
                if let Some(Listed { named_in: (file, id), .. }) = list.get(*which) {
                    want((*file, &[(*kind, *id)]));
                }
            }
        }
        names
    }

    /// Keeps the consumers that the table shows.
    fn cut_consumers(&mut self) {
        let sort = self.top.sort;
        let key = |sums: &Consumer| (sort.of_consumer(sums), sums.requests);
        let first = first(&self.shown_consumers, self.top.rows, key);
        self.shown_consumers.retain(|who, _| first.contains(who));
    }

    /// Keeps the endpoints that the tables show: the first by the requested order, and the first by bytes.
    fn cut_endpoints(&mut self) {
        let sort = self.top.sort;
        let (shown, most) = (&self.shown_endpoints, self.top.rows);
        let mut kept = first(shown, most, |sums| (sort.of_endpoint(sums), sums.requests));
        kept.extend(first(shown, most, |sums| {
            let bytes = sums.request_bytes + sums.response_bytes;
            ((bytes > 0).then_some(bytes as f64), sums.requests)
        }));
        self.shown_endpoints.retain(|which, _| kept.contains(which));
    }

    pub fn finish(mut self, named: &Named) -> Total {
        let name = |file: usize, kind: TextKind, id: u32| {
            named.get(&(file, kind, id)).cloned().unwrap_or_default()
        };
        let consumers = std::mem::take(&mut self.shown_consumers).into_iter();
        let consumers = consumers.filter_map(|(who, mut sums)| {
            let (file, (kind, id)) = self.consumers.get(who)?.named_in;
            let text = name(file, kind, id).to_string();
            match kind {
                TextKind::User => sums.user = text,
                _ => sums.address = text,
            }
            Some(sums)
        });
        self.total.consumers = listing(&self.consumers, consumers.collect());
        let endpoints = std::mem::take(&mut self.shown_endpoints).into_iter();
        let endpoints = endpoints.filter_map(|(which, mut sums)| {
            let (file, (method, route)) = self.endpoints.get(which)?.named_in;
            sums.method = name(file, TextKind::Method, method);
            sums.route = name(file, TextKind::Route, route);
            Some(sums)
        });
        self.total.endpoints = listing(&self.endpoints, endpoints.collect());
        let counts = self.series.iter().map(Distinct::count);
        let has_statuses = self.needs.has(Needs::STATUSES);
        let counts = counts.zip(&self.total.classes).map(|(count, classes)| match has_statuses {
            true => count.at_most(classes.iter().sum()),
            false => count,
        });
        self.total.consumer_series = counts.collect();
        for ((kind, shown), (_, list)) in self.shown_texts.iter().zip(&self.texts) {
            let rows = shown.iter().filter_map(|(which, count)| {
                let (file, id) = list.get(*which)?.named_in;
                Some((name(file, *kind, id), *count))
            });
            self.total.values.insert(Dimension::Text(*kind), listing(list, rows.collect()));
        }
        for (value, words) in self.words {
            let count = DistinctCount { count: words.len() as u64, about: false };
            let rows = words.into_iter().collect();
            self.total
                .values
                .insert(value, Breakdown { rows, count, missing_up_to: 0, low_by_up_to: 0 });
        }
        self.total
    }
}

/// The first `most` by value, descending, then by hits. Rows without a value come last.
fn first<T>(
    all: &ByIdentity<T>,
    most: usize,
    key: impl Fn(&T) -> (Option<f64>, u64),
) -> HashSet<u64> {
    if all.len() <= most {
        return all.keys().copied().collect();
    }
    let mut keyed: Vec<(f64, u64, u64)> = all
        .iter()
        .map(|(which, one)| {
            let (value, requests) = key(one);
            (value.unwrap_or(f64::NEG_INFINITY), requests, *which)
        })
        .collect();
    keyed.select_nth_unstable_by(most, |one, other| {
        other.0.total_cmp(&one.0).then(other.1.cmp(&one.1)).then(one.2.cmp(&other.2))
    });
    keyed[..most].iter().map(|(_, _, which)| *which).collect()
}

fn listing<Id: Copy, T>(list: &TopList<Id>, rows: Vec<T>) -> Listing<T> {
    Listing {
        rows,
        count: list.count(),
        missing_up_to: list.missing_up_to(),
        low_by_up_to: list.low_by_up_to(),
    }
}

impl MissingDetails {
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty() && self.durations.is_empty() && self.endpoints.is_empty()
    }

    /// The needs of the second scan.
    pub fn needs(&self, of_query: Needs) -> Needs {
        let mut needs = Needs::default();
        if !self.sums.is_empty() {
            needs |= Needs::CONSUMERS;
        }
        if !self.durations.is_empty() {
            needs |= Needs::CONSUMERS | Needs::CONSUMER_LATENCY;
        }
        if !self.endpoints.is_empty() {
            needs |= Needs::ENDPOINTS | of_query.only(Needs::TRAFFIC);
        }
        needs
    }

    pub fn subset(&self) -> Subset {
        let mut subset = Subset::default();
        for (kind, id, _) in self.sums.iter().chain(&self.durations) {
            subset.put_consumer(*kind, *id);
        }
        self.endpoints.iter().for_each(|(pair, _)| subset.put_endpoint(*pair));
        subset
    }
}

impl Consumer {
    fn add(&mut self, sum: &ConsumerSum) {
        self.requests += sum.requests;
        self.client_errors += sum.client_errors;
        self.server_errors += sum.server_errors;
        self.last_us = self.last_us.max(sum.last_us);
        let country = Country::from_number(sum.country);
        // At the same moment the greater code wins, so that the order of files does not matter.
        if sum.country != 0 && (sum.country_us, country) > (self.country_us, self.country) {
            (self.country_us, self.country) = (sum.country_us, country);
        }
    }
}

impl Endpoint {
    fn add(&mut self, sum: &EndpointSum) {
        self.requests += sum.requests;
        self.client_errors += sum.client_errors;
        self.server_errors += sum.server_errors;
        self.last_us = self.last_us.max(sum.last_us);
        self.request_bytes += sum.traffic.request_bytes;
        self.response_bytes += sum.traffic.response_bytes;
    }
}
