//! Merges the sums of all files in steps: `add` each file, `choose` the rows that the answer may show, `add_details` from each
//! file (with a second scan for the `MissingDetails`), cut to size and list the `names` to read, then `finish`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::consumers::ConsumerSum;
use super::counted::{Counted, ShownTexts};
use super::distinct::Distinct;
use super::endpoints::{EndpointSum, Pair};
use super::identities::{Identities, TextId};
use super::missing::MissingDetails;
use super::parts::{Part, Parts};
use super::top::{Sort, Top};
use super::top_list::{ByIdentity, Listed, TopList};
use super::total::{Breakdown, Consumer, Dimension, Endpoint, Listing, Total};
use super::{Count, DistinctCount, Needs, Tally, TallyLimits};
use crate::grid::Grid;
use crate::hit::{Country, TextKind};
use crate::identity::Ipv4Text;
use crate::latency::Histogram;

/// Names that were read: by file number, kind and id.
pub type Named = HashMap<(usize, TextKind, u32), Arc<str>>;

/// The chosen rows that a file has.
#[derive(Default)]
pub struct ShownIn {
    consumers: Vec<(TextKind, u32, u64)>,
    endpoints: Vec<(Pair, u64)>,
}

pub struct Merge {
    total: Total,
    limits: TallyLimits,
    needs: Needs,
    top: Top,
    values: Vec<Dimension>,
    consumers: TopList<TextId>,
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

    /// Prepares files' sums for `add`, on any thread.
    pub fn parts(&self) -> Parts {
        let texts = self.texts.iter().map(|(kind, _)| *kind).collect();
        Parts::new(self.limits, texts, self.values.clone())
    }

    /// Adds a file's sums. `part`: of these sums. They lose what only this needs.
    pub fn add(&mut self, file: usize, tally: &mut Tally, part: Part) {
        self.add_numbers(tally);
        for (sum, more) in self.series.iter_mut().zip(tally.consumers.series()) {
            sum.merge(more);
        }
        tally.drop_series();
        let unlisted = tally.consumers.unlisted();
        self.consumers.add(file, part.consumers, unlisted.most);
        self.consumers.add_distinct(&unlisted.distinct, unlisted.requests);
        self.endpoints.add(file, part.endpoints, 0);
        for ((_, list), of_file) in self.texts.iter_mut().zip(part.texts) {
            list.add(file, of_file, 0);
        }
        for (value, counts) in part.words {
            let of_value = self.words.entry(value).or_default();
            for (word, count) in counts {
                of_value.entry(word).or_default().add_count(count);
            }
        }
    }

    /// Adds consumers of a file that are in no part of it.
    pub fn add_counted(&mut self, file: usize, counted: Counted) {
        for (sum, more) in self.series.iter_mut().zip(&counted.series) {
            sum.merge(more);
        }
        self.consumers.add(file, counted.consumers, 0);
    }

    /// The consumers chosen by `choose`. None if there are none.
    pub fn shown_consumers(&self) -> Option<ShownTexts> {
        let shown = self.shown_consumers.keys();
        let shown = shown.filter_map(|who| Some((*who, self.consumers.get(*who)?.named_in.1)));
        let shown: Vec<_> = shown.collect();
        (!shown.is_empty()).then(|| ShownTexts::new(&shown))
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

    /// Finds the chosen rows in a file. It visits everything that the file has, and files don't need each other.
    pub fn shown_in(&self, tally: &Tally, identities: &Identities) -> ShownIn {
        let mut shown = ShownIn::default();
        if !self.shown_consumers.is_empty() {
            for (kind, id, _) in tally.consumers.counts() {
                let who = identities.get(kind, id);
                if self.shown_consumers.contains_key(&who) {
                    shown.consumers.push((kind, id, who));
                }
            }
        }
        for (pair, _) in tally.endpoints.counts() {
            let which = identities.of_endpoint(pair);
            if self.shown_endpoints.contains_key(&which) {
                shown.endpoints.push((pair, which));
            }
        }
        shown
    }

    /// Consumers of this file that are shown and were counted apart from its sums: what they lack is everything.
    /// `found`: by kind and id, with the identity.
    pub fn lack_counted(&self, found: &[(TextKind, u32, u64)], missing: &mut MissingDetails) {
        let add = |to: &mut Vec<(TextKind, u32, u64)>| {
            let known: HashSet<u64> = to.iter().map(|(_, _, who)| *who).collect();
            to.extend(found.iter().filter(|(_, _, who)| !known.contains(who)));
        };
        add(&mut missing.sums);
        if self.needs.has(Needs::CONSUMER_LATENCY) {
            add(&mut missing.durations);
        }
    }

    /// Adds this file's sums of the chosen rows, which are `shown` in it. Returns the parts that they lack.
    pub fn add_details(
        &mut self,
        tally: &Tally,
        identities: &Identities,
        shown: &ShownIn,
    ) -> MissingDetails {
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
        for &(kind, id, who) in &shown.consumers {
            let Some(shown) = self.shown_consumers.get_mut(&who) else { continue };
            match tally.consumers.sum(kind, id) {
                Some(sum) => shown.add(sum),
                None => missing.sums.push((kind, id, who)),
            }
        }
        if self.needs.has(Needs::CONSUMER_LATENCY) && !self.add_durations(tally, &shown.consumers) {
            missing.durations = shown.consumers.clone();
        }
        for &(pair, which) in &shown.endpoints {
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
    pub fn add_latencies(&mut self, tally: &Tally, shown: &ShownIn) {
        if self.top.sort.is_of_latency() {
            return;
        }
        for (pair, which) in &shown.endpoints {
            if let Some(shown) = self.shown_endpoints.get_mut(which)
                && let Some(sum) = tally.endpoints.sum(*pair)
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
            if let Some(Listed { named_in: (file, of), .. }) = self.consumers.get(*who)
                && of.ipv4 == 0
            {
                want((*file, &[(of.kind, of.id)]));
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
            let (file, TextId { kind, id, ipv4 }) = self.consumers.get(who)?.named_in;
            let text = match ipv4 {
                0 => name(file, kind, id).to_string(),
                number => Ipv4Text::new(number).as_str().to_owned(),
            };
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

pub(super) fn listing<Id: Copy, T>(list: &TopList<Id>, rows: Vec<T>) -> Listing<T> {
    Listing {
        rows,
        count: list.count(),
        missing_up_to: list.missing_up_to(),
        low_by_up_to: list.low_by_up_to(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::DAY_US;
    use crate::period::parse_zone;
    use crate::tally::Columns;
    use crate::tally::parts::Words;

    struct NoWords;

    impl Words for NoWords {
        fn number(&self, _: Dimension, _: u32) -> u32 {
            0
        }

        fn word(&self, _: u32) -> Arc<str> {
            Arc::from("")
        }
    }

    /// Of so many that they are estimated, the count is that of their identities, whether the series have them or not,
    /// and however hits are spread over threads and files.
    #[test]
    fn the_count_of_very_many_consumers_is_that_of_their_identities() {
        let limits = TallyLimits {
            consumers_summed: 10,
            listed_whole: 8,
            listed_of_file: 4,
            distinct_exact: 50,
            bucket_consumers_exact: 20,
            ..TallyLimits::default()
        };
        let grid = Grid::over(0, 10 * DAY_US, &parse_zone("UTC").unwrap()).unwrap();
        let ids: Vec<u32> = (1..=3_000).collect();
        let mut identities = Identities::default();
        // Every third is no number.
        let ipv4: Vec<u32> = ids.iter().map(|id| if id % 3 == 0 { 0 } else { id << 8 }).collect();
        let hashes: Vec<u64> = ids.iter().map(|id| u64::from(*id) << 40).collect();
        let kinds = vec![TextKind::Address as u8; ids.len()];
        identities.put_all(&kinds, &ids, &hashes, &ipv4);
        let identities = Arc::new(identities);
        let both = Needs::CONSUMERS | Needs::CONSUMER_SERIES;
        // Hits of these ids, a thread each; files have some in common.
        let files = [[0..1_500, 700..1_900], [1_000..2_000, 1_950..3_000]];
        for needs in [[both; 2], [both, Needs::CONSUMERS], [Needs::CONSUMERS; 2]] {
            let (values, top) = ([], Top { consumers: true, rows: 5, ..Top::default() });
            let mut merge = Merge::new(grid.clone(), both, &values, top, limits);
            let mut all = Distinct::new(limits.distinct_exact);
            for (n, threads) in files.iter().enumerate() {
                let tallies = threads.iter().zip(needs).map(|(hits, needs)| {
                    let addresses = &ids[hits.clone()];
                    let rows = addresses.len();
                    let times: Vec<i64> =
                        (0..rows).map(|n| n as i64 * (10 * DAY_US / rows as i64)).collect();
                    let mut texts: [&[u32]; TextKind::COUNT] = Default::default();
                    let users = vec![0; rows];
                    texts[TextKind::User as usize] = &users;
                    texts[TextKind::Address as usize] = addresses;
                    let (status, country) = (vec![200; rows], vec![0; rows]);
                    let (time_us, status, country) = (&times[..], &status[..], &country[..]);
                    let hits = Columns { time_us, status, country, texts, ..Columns::default() };
                    let grid = Arc::new(grid.clone());
                    let mut tally = Tally::new(grid, identities.clone(), None, limits);
                    tally.add_hits(&hits, needs);
                    addresses.iter().for_each(|id| all.add(identities.get(TextKind::Address, *id)));
                    tally
                });
                let mut tallies = tallies.collect::<Vec<_>>().into_iter();
                let mut tally = tallies.next().unwrap();
                tallies.for_each(|more| tally.merge(more));
                let part = merge.parts().of(&tally, &identities, &NoWords, |_, _| true);
                merge.add(n, &mut tally, part);
            }
            let found = merge.finish(&Named::new()).consumers.count;
            assert_eq!(found, all.count().at_most(5_000));
            assert!(found.about && (2_850..3_150).contains(&found.count), "{found:?}");
        }
    }
}
