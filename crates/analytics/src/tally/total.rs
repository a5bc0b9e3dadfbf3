//! The sums of all files together, by text.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::counts::Counts;
use super::{EndpointSum, Needs, Tally, Traffic};
use crate::grid::Grid;
use crate::hit::{Country, Text};
use crate::latency::Histogram;

/// Hits, and those of them with a status from 400 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub requests: u64,
    pub errors: u64,
}

impl Count {
    pub fn add_count(&mut self, other: Count) {
        self.requests += other.requests;
        self.errors += other.errors;
    }
}

/// What hits are broken down by, of what is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    Country,
    Text(Text),
    /// Read from the user agent.
    Client,
    Os,
    Device,
    /// Read from the path.
    Version,
}

impl Value {
    /// The sums that it is made of.
    pub const fn needs(self) -> Needs {
        match self {
            Value::Country => Needs::COUNTRIES,
            Value::Text(kind) => Needs::text(kind),
            Value::Client | Value::Os | Value::Device => Needs::text(Text::Agent),
            Value::Version => Needs::text(Text::Path),
        }
    }
}

/// A file's texts, for putting them in the place of its numbers. Id 0 is "".
pub trait Names {
    fn text(&self, kind: Text, id: u32) -> Arc<str>;
    /// `value` is one of those that are read from a text.
    fn read_from(&self, value: Value, id: u32) -> Arc<str>;
    /// The same in every file, for the same text of the same kind; of consumers there may be too many to name them all.
    fn identity(&self, kind: Text, id: u32) -> u64;
}

/// Who called, in any file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConsumerName {
    User(u64),
    Address(u64),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consumer {
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    pub country: Country,
    country_us: i64,
    /// Where its name can be read: the number of a file, and the id in it.
    pub named_in: (usize, u32),
    /// Set for those that an answer shows.
    pub latency: Histogram,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    pub latency: Histogram,
    pub request_bytes: u64,
    pub response_bytes: u64,
}

/// The sums over all files.
#[derive(Clone, Debug)]
pub struct Total {
    pub grid: Grid,
    pub statuses: BTreeMap<u16, u64>,
    /// By bucket and class: 1xx to 5xx.
    pub classes: Vec<[u64; 5]>,
    /// By day of the week (Monday first) and hour.
    pub hours: Vec<u64>,
    /// By method and route.
    pub endpoints: HashMap<(Arc<str>, Arc<str>), Endpoint>,
    pub latency: Histogram,
    pub duration_us: u128,
    pub latency_series: Vec<Histogram>,
    pub consumers: HashMap<ConsumerName, Consumer>,
    pub consumer_series: Vec<u64>,
    /// By bucket: bytes of requests, bytes of answers.
    pub traffic: Vec<(u64, u64)>,
    /// Hits that carry a size.
    pub sized: u64,
    pub values: HashMap<Value, HashMap<Arc<str>, Count>>,
    /// Who was seen in which bucket, until `finish`.
    seen: Vec<Vec<ConsumerName>>,
}

impl Total {
    pub fn new(grid: Grid) -> Total {
        let buckets = grid.buckets();
        Total {
            grid,
            statuses: BTreeMap::new(),
            classes: vec![[0; 5]; buckets],
            hours: vec![0; 7 * 24],
            endpoints: HashMap::new(),
            latency: Histogram::default(),
            duration_us: 0,
            latency_series: vec![Histogram::default(); buckets],
            consumers: HashMap::new(),
            consumer_series: vec![0; buckets],
            traffic: vec![(0, 0); buckets],
            sized: 0,
            values: HashMap::new(),
            seen: vec![Vec::new(); buckets],
        }
    }

    /// Adds a file's sums. `values`: those that are wanted of texts and countries.
    pub fn add(&mut self, file: usize, tally: &Tally, names: &impl Names, values: &[Value]) {
        for (status, requests) in (0..).zip(&tally.statuses).filter(|(_, requests)| **requests > 0)
        {
            *self.statuses.entry(status).or_default() += requests;
        }
        for (sum, more) in self.classes.iter_mut().zip(&tally.classes) {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        self.hours.iter_mut().zip(&tally.hours).for_each(|(sum, more)| *sum += more);
        self.latency.add_all(&tally.latency);
        self.duration_us += tally.duration_us;
        for (sum, more) in self.latency_series.iter_mut().zip(&tally.latency_series) {
            sum.add_all(more);
        }
        for (sum, more) in self.latency_series.iter_mut().zip(&tally.latency_both) {
            sum.add_all(more);
            self.latency.add_all(more);
        }
        for (sum, more) in self.traffic.iter_mut().zip(&tally.traffic) {
            sum.0 += more.request_bytes;
            sum.1 += more.response_bytes;
            self.sized += more.sized;
        }
        for ((method, route), sum) in &tally.endpoints {
            let name = (names.text(Text::Method, *method), names.text(Text::Route, *route));
            self.endpoints.entry(name).or_default().add(sum);
        }
        for value in values {
            let counts = self.values.entry(*value).or_default();
            let mut add = |of_file: &Counts, name: &dyn Fn(u32) -> Arc<str>| {
                // Neighbours often have one name: paths of a version, agents of a client.
                let mut run: Option<(Arc<str>, Count)> = None;
                for (id, count) in of_file.iter() {
                    let name = name(id);
                    match &mut run {
                        Some((of, sum)) if Arc::ptr_eq(of, &name) => sum.add_count(count),
                        _ => {
                            if let Some((of, sum)) = run.replace((name, count)) {
                                counts.entry(of).or_default().add_count(sum);
                            }
                        }
                    }
                }
                if let Some((of, sum)) = run {
                    counts.entry(of).or_default().add_count(sum);
                }
            };
            match *value {
                Value::Country => add(&tally.countries, &|code| {
                    Arc::from(Country::from_number(code as u16).as_str())
                }),
                Value::Text(kind) => add(&tally.texts[kind as usize], &|id| names.text(kind, id)),
                Value::Client | Value::Os | Value::Device => {
                    add(&tally.texts[Text::Agent as usize], &|id| names.read_from(*value, id))
                }
                Value::Version => {
                    add(&tally.texts[Text::Path as usize], &|id| names.read_from(*value, id))
                }
            }
        }
        self.add_consumers(file, tally, names);
    }

    fn add_consumers(&mut self, file: usize, tally: &Tally, names: &impl Names) {
        let mut name_of = vec![ConsumerName::User(0); tally.consumers.len()];
        let users = tally.users.iter().map(|(id, place)| (Text::User, id, *place));
        let addresses = tally.addresses.iter().map(|(id, place)| (Text::Address, id, *place));
        for (kind, id, place) in users.chain(addresses).filter(|(_, _, place)| *place > 0) {
            let identity = names.identity(kind, id);
            let name = match kind {
                Text::User => ConsumerName::User(identity),
                _ => ConsumerName::Address(identity),
            };
            name_of[place as usize - 1] = name;
            let sum = &tally.consumers[place as usize - 1];
            if sum.requests > 0 {
                let consumer = self.consumers.entry(name).or_default();
                consumer.named_in = (file, id);
                consumer.requests += sum.requests;
                consumer.client_errors += sum.client_errors;
                consumer.server_errors += sum.server_errors;
                consumer.last_us = consumer.last_us.max(sum.last_us);
                let country = Country::from_number(sum.country);
                if sum.country != 0
                    && (sum.country_us, country) > (consumer.country_us, consumer.country)
                {
                    (consumer.country_us, consumer.country) = (sum.country_us, country);
                }
            }
        }
        for &(bucket, place) in &tally.seen {
            self.seen[usize::from(bucket)].push(name_of[place as usize]);
        }
    }

    /// To be called when every file was added.
    pub fn finish(&mut self) {
        for (count, seen) in self.consumer_series.iter_mut().zip(&mut self.seen) {
            let mut names = std::mem::take(seen);
            names.sort_unstable();
            names.dedup();
            *count = names.len() as u64;
        }
    }

    pub fn requests(&self) -> u64 {
        self.statuses.values().sum()
    }
}

impl Endpoint {
    fn add(&mut self, sum: &EndpointSum) {
        let Traffic { request_bytes, response_bytes, .. } = sum.traffic;
        self.requests += sum.requests;
        self.client_errors += sum.client_errors;
        self.server_errors += sum.server_errors;
        self.last_us = self.last_us.max(sum.last_us);
        sum.latency.add_to(&mut self.latency);
        self.request_bytes += request_bytes;
        self.response_bytes += response_bytes;
    }
}
