//! Sums of hits by quarter, hour and day, in memory: those of a slice, all from one look at each hit.

use std::collections::{BTreeMap, HashMap};

use analytics::hit::Country;
use analytics::latency;

use crate::duckdb::column_scan::Chunk;
use crate::duckdb::sql::derive::{SLICE_VALUES, SliceColumn};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

const QUARTER_US: i64 = 900_000_000;
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 86_400_000_000;

const COUNTRIES: i64 = Country::NUMBERS as i64;

/// User, address (0 if there is a user), and what they did.
pub type OfConsumer = ((u32, u32), Consumer);

/// Method and route, and the bucket of a duration.
pub type EndpointLatency = ((u32, u32), u16);

/// The sums of a slice by project and day. Hits may come in any order; in a sorted file those of a day follow each other,
/// so that what they are counted in stays in the processor's cache.
#[derive(Default)]
pub struct DaySums {
    pub days: BTreeMap<(u32, i32), Day>,
}

/// The sums of a project's day. Quarters, hours and days are numbered since 1970. Where there may be as many sums as hits,
/// they count with 32 bits, to take less memory: a file has fewer hits than that.
#[derive(Default)]
pub struct Day {
    /// By quarter and status.
    pub quarters: Map<(i32, u16), Quarter>,
    /// Durations by hour, microseconds.
    pub hours: Map<i32, u64>,
    /// Hits by hour and bucket of their duration.
    pub latencies: Map<(i32, u16), u64>,
    /// By method and route: the place in `endpoints`.
    places: Map<(u32, u32), u32>,
    endpoints: Vec<Endpoint>,
    /// Hits by endpoint (its place) and bucket of their duration.
    endpoint_latencies: Map<(u32, u16), u64>,
    pub consumers: Consumers,
    /// For each of `SLICE_VALUES`, by value.
    pub values: [Map<u32, Value>; SLICE_VALUES.len()],
}

#[derive(Default)]
pub struct Quarter {
    pub requests: u64,
    pub bytes: Bytes,
    /// Hits with a size.
    pub sized: u64,
}

pub struct Endpoint {
    method: u32,
    route: u32,
    pub requests: u32,
    pub client_errors: u32,
    pub server_errors: u32,
    pub last_us: i64,
    pub bytes: Bytes,
}

/// Sums by user, and by address of hits without one. A crowd has as many as hits: the table that finds them has only their
/// places, since it is copied each time it grows.
#[derive(Default)]
pub struct Consumers {
    places: Map<(u32, u32), u32>,
    sums: Vec<OfConsumer>,
}

pub struct Consumer {
    /// The latest time of a hit with a known country, and that country, as one number (`seen`); negative if none is
    /// known.
    seen: i64,
    pub requests: u32,
    pub client_errors: u32,
    pub server_errors: u32,
    pub last_us: i64,
}

#[derive(Clone, Copy, Default)]
pub struct Bytes {
    pub request: u64,
    pub response: u64,
}

#[derive(Clone, Copy, Default)]
pub struct Value {
    pub requests: u32,
    pub errors: u32,
}

/// Columns of hits of one day.
struct Hits<'a> {
    time_us: &'a [i64],
    status: &'a [u16],
    /// Negative where there is none, as sizes are.
    duration_us: &'a [i64],
    request_size: &'a [i64],
    response_size: &'a [i64],
    method: &'a [u32],
    route: &'a [u32],
    user: &'a [u32],
    address: &'a [u32],
    country: &'a [u32],
}

impl DaySums {
    /// Adds rows of `sql::derive::slice_columns`.
    pub fn add(&mut self, chunk: &Chunk<'_>) {
        let project = chunk.column::<u32>(SliceColumn::Project as usize);
        let time_us = chunk.column::<i64>(SliceColumn::Time as usize);
        let mut from = 0;
        while from < chunk.rows() {
            let of = (project[from], unit(time_us[from], DAY_US));
            let same = |row: &usize| (project[*row], unit(time_us[*row], DAY_US)) == of;
            let to = (from + 1..chunk.rows()).find(|row| !same(row)).unwrap_or(chunk.rows());
            self.days.entry(of).or_default().add(chunk, from, to);
            from = to;
        }
    }

    /// The consumers of a project, by day, in no order.
    pub fn take_consumers(
        &mut self,
        project: u32,
    ) -> impl Iterator<Item = (i32, Vec<OfConsumer>)> + '_ {
        let days = self.days.range_mut((project, i32::MIN)..=(project, i32::MAX));
        let taken = days.map(|((_, day), sums)| (*day, sums.consumers.take()));
        taken.filter(|(_, consumers)| !consumers.is_empty())
    }
}

/// The number of a time's quarter, hour or day since 1970, rounded towards 1970 as the engine's `//` does.
fn unit(time_us: i64, length_us: i64) -> i32 {
    i32::try_from(time_us / length_us).expect("times of hits are within a few thousand years")
}

fn known(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

impl Day {
    fn add(&mut self, chunk: &Chunk<'_>, from: usize, to: usize) {
        let wide = |column: SliceColumn| &chunk.column::<i64>(column as usize)[from..to];
        let ids = |column: SliceColumn| &chunk.column::<u32>(column as usize)[from..to];
        let hits = Hits {
            time_us: wide(SliceColumn::Time),
            status: &chunk.column::<u16>(SliceColumn::Status as usize)[from..to],
            duration_us: wide(SliceColumn::Duration),
            request_size: wide(SliceColumn::RequestSize),
            response_size: wide(SliceColumn::ResponseSize),
            method: ids(SliceColumn::Method),
            route: ids(SliceColumn::Route),
            user: ids(SliceColumn::User),
            address: ids(SliceColumn::Address),
            country: ids(SliceColumn::Country),
        };
        self.add_times(&hits);
        self.add_endpoints(&hits);
        self.add_consumers(&hits);
        for (n, counts) in self.values.iter_mut().enumerate() {
            let values = &chunk.column::<u32>(SliceColumn::Country as usize + n)[from..to];
            add_values(counts, values, hits.status);
        }
    }

    fn add_times(&mut self, hits: &Hits<'_>) {
        for n in 0..hits.time_us.len() {
            let quarter = unit(hits.time_us[n], QUARTER_US);
            let quarter = self.quarters.entry((quarter, hits.status[n])).or_default();
            let sizes = (known(hits.request_size[n]), known(hits.response_size[n]));
            quarter.requests += 1;
            quarter.bytes.add(sizes);
            quarter.sized += u64::from(sizes.0.is_some() || sizes.1.is_some());
            let Some(duration_us) = known(hits.duration_us[n]) else { continue };
            let hour = unit(hits.time_us[n], HOUR_US);
            *self.hours.entry(hour).or_default() += duration_us;
            *self.latencies.entry((hour, latency::bucket(duration_us))).or_default() += 1;
        }
    }

    fn add_consumers(&mut self, hits: &Hits<'_>) {
        for n in 0..hits.time_us.len() {
            let consumer = match (hits.user[n], hits.address[n]) {
                (0, 0) => continue,
                (0, address) => (0, address),
                (user, _) => (user, 0),
            };
            let consumer = self.consumers.of(consumer);
            consumer.seen = consumer.seen.max(seen(hits.time_us[n], hits.country[n]));
            consumer.requests += 1;
            consumer.client_errors += u32::from(is_client_error(hits.status[n]));
            consumer.server_errors += u32::from(is_server_error(hits.status[n]));
            consumer.last_us = consumer.last_us.max(hits.time_us[n]);
        }
    }

    fn add_endpoints(&mut self, hits: &Hits<'_>) {
        for n in 0..hits.time_us.len() {
            let (method, route) = (hits.method[n], hits.route[n]);
            let place = *self.places.entry((method, route)).or_insert_with(|| {
                self.endpoints.push(Endpoint::new(method, route));
                self.endpoints.len() as u32 - 1
            });
            let endpoint = &mut self.endpoints[place as usize];
            endpoint.requests += 1;
            endpoint.client_errors += u32::from(is_client_error(hits.status[n]));
            endpoint.server_errors += u32::from(is_server_error(hits.status[n]));
            endpoint.last_us = endpoint.last_us.max(hits.time_us[n]);
            endpoint.bytes.add((known(hits.request_size[n]), known(hits.response_size[n])));
            if let Some(duration_us) = known(hits.duration_us[n]) {
                let of = (place, latency::bucket(duration_us));
                *self.endpoint_latencies.entry(of).or_default() += 1;
            }
        }
    }

    pub fn take_endpoint_latencies(&mut self) -> Vec<(EndpointLatency, u64)> {
        let counts = std::mem::take(&mut self.endpoint_latencies).into_iter();
        let of = |((place, latency), requests): ((u32, u16), u64)| {
            ((self.endpoints[place as usize].key(), latency), requests)
        };
        in_order(counts.map(of).collect())
    }

    /// Call it after `take_endpoint_latencies`.
    pub fn take_endpoints(&mut self) -> Vec<((u32, u32), Endpoint)> {
        self.places = Map::default();
        let endpoints = std::mem::take(&mut self.endpoints).into_iter();
        in_order(endpoints.map(|endpoint| (endpoint.key(), endpoint)).collect())
    }
}

fn is_client_error(status: u16) -> bool {
    (400..500).contains(&status)
}

fn is_server_error(status: u16) -> bool {
    status >= 500
}

/// A time and a country as one number, as `sql::derive` makes it; negative if the country is unknown.
fn seen(time_us: i64, country: u32) -> i64 {
    let latest = i64::MAX / COUNTRIES - 1;
    match country {
        0 => -1,
        country => time_us.clamp(0, latest) * COUNTRIES + i64::from(country),
    }
}

impl Consumers {
    fn of(&mut self, who: (u32, u32)) -> &mut Consumer {
        let place = *self.places.entry(who).or_insert_with(|| {
            self.sums.push((who, Consumer::new()));
            self.sums.len() as u32 - 1
        });
        &mut self.sums[place as usize].1
    }

    /// All of them, in no order; none are left.
    fn take(&mut self) -> Vec<OfConsumer> {
        self.places = Map::default();
        std::mem::take(&mut self.sums)
    }

    pub fn take_sorted(&mut self) -> Vec<OfConsumer> {
        in_order(self.take())
    }
}

impl Consumer {
    fn new() -> Consumer {
        Consumer { seen: -1, requests: 0, client_errors: 0, server_errors: 0, last_us: i64::MIN }
    }

    /// The country of the last hit with a known one, and how long before the last hit that was, microseconds.
    pub fn country_and_ago(&self) -> (u16, i64) {
        match self.seen {
            ..0 => (0, 0),
            seen => ((seen % COUNTRIES) as u16, self.last_us - seen / COUNTRIES),
        }
    }
}

/// Most hits have the same value as the one before: such are looked up together.
fn add_values(counts: &mut Map<u32, Value>, values: &[u32], status: &[u16]) {
    let mut from = 0;
    for run in values.chunk_by(PartialEq::eq) {
        let to = from + run.len();
        let count = counts.entry(run[0]).or_default();
        count.requests += run.len() as u32;
        count.errors += status[from..to].iter().filter(|status| **status >= 400).count() as u32;
        from = to;
    }
}

impl Endpoint {
    fn key(&self) -> (u32, u32) {
        (self.method, self.route)
    }

    fn new(method: u32, route: u32) -> Endpoint {
        Endpoint {
            method,
            route,
            requests: 0,
            client_errors: 0,
            server_errors: 0,
            last_us: i64::MIN,
            bytes: Bytes::default(),
        }
    }
}

impl Bytes {
    fn add(&mut self, (request, response): (Option<u64>, Option<u64>)) {
        self.request += request.unwrap_or(0);
        self.response += response.unwrap_or(0);
    }
}

/// A map's entries in order of their keys; the map is empty afterwards.
pub fn sorted<K: Ord + Copy, V>(map: &mut Map<K, V>) -> Vec<(K, V)> {
    in_order(std::mem::take(map).into_iter().collect())
}

fn in_order<K: Ord + Copy, V>(mut entries: Vec<(K, V)>) -> Vec<(K, V)> {
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries
}
