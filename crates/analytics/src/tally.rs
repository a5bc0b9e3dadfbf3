//! What one pass over hits sums up, for all panels at once.
//!
//! A file's hits come as columns of numbers; texts are the file's own numbers for them. Sums are kept by these numbers
//! (`Tally`), which is as quick as it gets, and are put together by text over all files afterwards (`total::Total`). A
//! rollup's row is the same as so many hits, so the same sums take both and no panel can tell which it was.
//!
//! It knows no engine and no panel: who asks says what is needed (`Needs`).

mod counts;
mod durations;
mod rollup;
mod total;

use std::collections::HashMap;
use std::ops::{BitOr, BitOrAssign};
use std::sync::Arc;

use crate::grid::{DAY_US, Grid, QUARTER_US};
use crate::hit::Text;
use crate::latency::Histogram;
use crate::slots::Slots;

use counts::Counts;
use durations::Durations;
pub use rollup::{ConsumerRow, EndpointRow};
pub use total::{Consumer, ConsumerName, Count, Endpoint, Names, Total, Value};

/// Which sums are wanted. Each costs time, so a panel names its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs(u32);

impl Needs {
    /// Hits by status, in all and by bucket.
    pub const STATUSES: Needs = Needs(1);
    /// Hits by hour of the local week.
    pub const HOURS: Needs = Needs(1 << 1);
    /// By method and route.
    pub const ENDPOINTS: Needs = Needs(1 << 2);
    /// Durations in all.
    pub const LATENCY: Needs = Needs(1 << 3);
    /// Durations by bucket.
    pub const LATENCY_SERIES: Needs = Needs(1 << 4);
    /// By consumer.
    pub const CONSUMERS: Needs = Needs(1 << 5);
    /// Distinct consumers by bucket.
    pub const CONSUMER_SERIES: Needs = Needs(1 << 6);
    /// Bytes, in all and by bucket.
    pub const TRAFFIC: Needs = Needs(1 << 7);
    pub const COUNTRIES: Needs = Needs(1 << 8);

    /// Durations of the consumers that are chosen to be shown. They are gathered one by one, as long as they are few: summed up
    /// for all consumers they would be as large as the hits.
    pub const CONSUMER_LATENCY: Needs = Needs(1 << 20);

    /// Hits by a text.
    pub const fn text(kind: Text) -> Needs {
        Needs(1 << (9 + kind as u32))
    }

    /// Hits by any text.
    pub const fn all_texts() -> Needs {
        Needs(((1 << Text::COUNT as u32) - 1) << 9)
    }

    pub const fn and(self, other: Needs) -> Needs {
        Needs(self.0 | other.0)
    }

    pub const fn without(self, other: Needs) -> Needs {
        Needs(self.0 & !other.0)
    }

    pub const fn only(self, other: Needs) -> Needs {
        Needs(self.0 & other.0)
    }

    /// Whether it has any of those.
    pub const fn has(self, other: Needs) -> bool {
        self.0 & other.0 != 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Needs {
    type Output = Needs;

    fn bitor(self, other: Needs) -> Needs {
        self.and(other)
    }
}

impl BitOrAssign for Needs {
    fn bitor_assign(&mut self, other: Needs) {
        *self = self.and(other);
    }
}

/// Stands in `Columns::latency` for a hit without a duration.
pub const NO_LATENCY: u16 = u16::MAX;
/// Stands in `Columns::{request_size, response_size}` for a hit without one.
pub const NO_SIZE: i64 = -1;

/// A stretch of hits, column by column; those that no need asks for are empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns<'a> {
    pub time_us: &'a [i64],
    pub status: &'a [u16],
    pub latency: &'a [u16],
    /// 0 where there is none.
    pub duration_us: &'a [i64],
    pub country: &'a [u16],
    pub request_size: &'a [i64],
    pub response_size: &'a [i64],
    pub texts: [&'a [u32]; Text::COUNT],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub request_bytes: u64,
    pub response_bytes: u64,
    /// Hits that carry a size.
    pub sized: u64,
}

impl Traffic {
    pub(crate) fn add(&mut self, other: Traffic) {
        self.request_bytes += other.request_bytes;
        self.response_bytes += other.response_bytes;
        self.sized += other.sized;
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct EndpointSum {
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    pub latency: counts::Durations,
    pub traffic: Traffic,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ConsumerSum {
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    /// Of the newest hit that has one.
    pub country: u16,
    pub country_us: i64,
    /// The bucket noted last, so that hits of one bucket are noted once.
    noted: u16,
}

const NOT_NOTED: u16 = u16::MAX;

/// The sums of one file's hits.
pub struct Tally {
    grid: Arc<Grid>,
    offsets: Vec<(i64, i64)>,
    /// A quarter of an hour of UTC is never in two hours of the zone.
    whole_quarters: bool,
    needs: Needs,
    pub(crate) statuses: Vec<u64>,
    /// By bucket and class: 1xx to 5xx.
    pub(crate) classes: Vec<[u64; 5]>,
    /// By day of the week (Monday first) and hour.
    pub(crate) hours: Vec<u64>,
    /// By route and method (`pair`): a place in `endpoints`, and one more.
    pairs: Slots<u32>,
    /// The same for methods with numbers too large for that.
    other_pairs: HashMap<(u32, u32), u32>,
    pub(crate) endpoints: Vec<((u32, u32), EndpointSum)>,
    pub(crate) latency: Histogram,
    pub(crate) duration_us: u128,
    pub(crate) latency_series: Vec<Histogram>,
    /// What counts in all and in the series.
    pub(crate) latency_both: Vec<Histogram>,
    /// Places in `consumers`, and one more; 0 is none.
    pub(crate) users: Slots<u32>,
    pub(crate) addresses: Slots<u32>,
    pub(crate) consumers: Vec<ConsumerSum>,
    /// (bucket, place in `consumers`); a pair may be there more than once.
    pub(crate) seen: Vec<(u16, u32)>,
    /// By place in `consumers`.
    durations: Durations,
    pub(crate) traffic: Vec<Traffic>,
    pub(crate) countries: Counts,
    pub(crate) texts: [Counts; Text::COUNT],
    /// The bucket asked for last: from, to, which.
    near: (i64, i64, usize),
    /// Scratch, of a stretch: the bucket of each hit, which are errors, whose it is.
    buckets: Vec<u16>,
    errors: Vec<u32>,
    places: Vec<u32>,
}

impl Tally {
    pub fn new(grid: Arc<Grid>) -> Tally {
        let offsets = grid.offsets();
        let whole = |us: i64| us == i64::MIN || us % QUARTER_US == 0;
        Tally {
            whole_quarters: offsets.iter().all(|(from, offset)| whole(*from) && whole(*offset)),
            offsets,
            needs: Needs::default(),
            statuses: vec![0; 600],
            classes: vec![[0; 5]; grid.buckets()],
            hours: vec![0; 7 * 24],
            pairs: Slots::default(),
            other_pairs: HashMap::new(),
            endpoints: Vec::new(),
            latency: Histogram::default(),
            duration_us: 0,
            latency_series: vec![Histogram::default(); grid.buckets()],
            latency_both: vec![Histogram::default(); grid.buckets()],
            durations: Durations::default(),
            users: Slots::default(),
            addresses: Slots::default(),
            consumers: Vec::new(),
            seen: Vec::new(),
            traffic: vec![Traffic::default(); grid.buckets()],
            countries: Counts::default(),
            texts: Default::default(),
            near: (0, 0, 0),
            buckets: Vec::new(),
            errors: Vec::new(),
            places: Vec::new(),
            grid,
        }
    }

    /// All that was ever asked of it.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Sums up what `needs` names of these hits. All of them must lie in the period.
    pub fn add_hits(&mut self, hits: &Columns<'_>, needs: Needs) {
        self.needs |= needs;
        let by_bucket =
            Needs::STATUSES | Needs::LATENCY_SERIES | Needs::CONSUMER_SERIES | Needs::TRAFFIC;
        if needs.has(by_bucket) {
            self.find_buckets(hits.time_us);
        }
        if needs.has(Needs::STATUSES) {
            // In runs: adding to one place again and again would wait for itself.
            let mut run = (0, 0, 0);
            let (statuses, classes) = (&mut self.statuses, &mut self.classes);
            let mut add = |(status, bucket, requests): (u16, u16, u64)| {
                statuses[usize::from(status.min(599))] += requests;
                classes[usize::from(bucket)][class(status)] += requests;
            };
            for (&status, &bucket) in hits.status.iter().zip(&self.buckets) {
                if (run.0, run.1) != (status, bucket) {
                    add(run);
                    run = (status, bucket, 0);
                }
                run.2 += 1;
            }
            add(run);
        }
        if needs.has(Needs::HOURS) {
            // Hits come in order of time, mostly: the hour is that of the one before.
            let (mut hour, mut from, mut to) = (0, 0, 0);
            for &time_us in hits.time_us {
                if time_us < from || time_us >= to {
                    hour = self.hour_of_week(time_us);
                    from = time_us.div_euclid(QUARTER_US) * QUARTER_US;
                    to = if self.whole_quarters { from + QUARTER_US } else { time_us + 1 };
                }
                self.hours[hour] += 1;
            }
        }
        if needs.has(Needs::LATENCY) {
            self.duration_us += hits.duration_us.iter().map(|&us| us as u128).sum::<u128>();
        }
        if needs.has(Needs::LATENCY_SERIES) {
            let series = if needs.has(Needs::LATENCY) {
                &mut self.latency_both
            } else {
                &mut self.latency_series
            };
            for (&latency, &bucket) in hits.latency.iter().zip(&self.buckets) {
                if latency != NO_LATENCY {
                    series[usize::from(bucket)].add(latency, 1);
                }
            }
        } else if needs.has(Needs::LATENCY) {
            for &latency in hits.latency.iter().filter(|latency| **latency != NO_LATENCY) {
                self.latency.add(latency, 1);
            }
        }
        if needs.has(Needs::ENDPOINTS) {
            self.add_endpoints(hits, needs);
        }
        if needs.has(Needs::CONSUMERS | Needs::CONSUMER_SERIES) {
            self.add_consumers(hits, needs);
        }
        if needs.has(Needs::TRAFFIC) {
            for (n, &bucket) in self.buckets.iter().enumerate() {
                self.traffic[usize::from(bucket)]
                    .add(sizes(hits.request_size[n], hits.response_size[n]));
            }
        }
        if needs.has(Needs::COUNTRIES | Needs::all_texts()) {
            self.errors.clear();
            let errors = (0..).zip(hits.status).filter(|(_, status)| **status >= 400);
            self.errors.extend(errors.map(|(place, _)| place));
        }
        if needs.has(Needs::COUNTRIES) {
            let id_of = |place: usize| u32::from(hits.country[place]);
            let ids = hits.country.iter().map(|&country| u32::from(country));
            self.countries.add_hits(ids, id_of, &self.errors);
        }
        for kind in Text::ALL {
            if needs.has(Needs::text(kind)) {
                let ids = hits.texts[kind as usize];
                let id_of = |place: usize| ids[place];
                self.texts[kind as usize].add_hits(ids.iter().copied(), id_of, &self.errors);
            }
        }
    }

    /// Gives the durations of those consumers (by their ids in this file) that are wanted: where they are to be put, the
    /// latency, how many. False where they were not asked for, or not all of theirs were gathered.
    pub fn each_duration(
        &self,
        users: &Slots<u32>,
        addresses: &Slots<u32>,
        take: impl FnMut(u32, u16, u64),
    ) -> bool {
        let mut wanted = vec![0u32; self.consumers.len()];
        for (ids, places) in [(users, &self.users), (addresses, &self.addresses)] {
            for (id, to) in ids.iter().filter(|(_, to)| **to > 0) {
                if let Some(place) =
                    places.get(id).and_then(|place| (*place as usize).checked_sub(1))
                {
                    wanted[place] = *to;
                }
            }
        }
        self.needs.has(Needs::CONSUMER_LATENCY) && self.durations.each(&wanted, take)
    }

    fn add_endpoints(&mut self, hits: &Columns<'_>, needs: Needs) {
        let methods = hits.texts[Text::Method as usize];
        let routes = hits.texts[Text::Route as usize];
        for n in 0..hits.time_us.len() {
            let place = self.endpoint(methods[n], routes[n]);
            let sum = &mut self.endpoints[place].1;
            sum.requests += 1;
            match hits.status[n] {
                400..=499 => sum.client_errors += 1,
                500.. => sum.server_errors += 1,
                _ => {}
            }
            sum.last_us = sum.last_us.max(hits.time_us[n]);
            if hits.latency[n] != NO_LATENCY {
                sum.latency.add(hits.latency[n], 1);
            }
            if needs.has(Needs::TRAFFIC) {
                sum.traffic.add(sizes(hits.request_size[n], hits.response_size[n]));
            }
        }
    }

    #[inline]
    fn endpoint(&mut self, method: u32, route: u32) -> usize {
        let place = match pair(method, route) {
            Some(pair) => self.pairs.slot(pair),
            None => self.other_pairs.entry((method, route)).or_default(),
        };
        if *place == 0 {
            self.endpoints.push(((method, route), EndpointSum::default()));
            *place = self.endpoints.len() as u32;
        }
        *place as usize - 1
    }

    fn add_consumers(&mut self, hits: &Columns<'_>, needs: Needs) {
        let users = hits.texts[Text::User as usize];
        let addresses = hits.texts[Text::Address as usize];
        let mut places = std::mem::take(&mut self.places);
        places.clear();
        for (&user, &address) in users.iter().zip(addresses) {
            places.push(self.consumer(user, address));
        }
        if needs.has(Needs::CONSUMERS) {
            for (n, &place) in places.iter().enumerate() {
                let Some(sum) = self.consumers.get_mut(place as usize) else { continue };
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
            self.durations.add(&places, hits.latency);
        }
        if needs.has(Needs::CONSUMER_SERIES) {
            for (&place, &bucket) in places.iter().zip(&self.buckets) {
                let Some(sum) = self.consumers.get_mut(place as usize) else { continue };
                if sum.noted != bucket {
                    sum.noted = bucket;
                    self.seen.push((bucket, place));
                }
            }
        }
        self.places = places;
    }

    /// The consumer's place; `u32::MAX` for nobody.
    #[inline]
    fn consumer(&mut self, user: u32, address: u32) -> u32 {
        let slot = match (user, address) {
            (0, 0) => return u32::MAX,
            (0, address) => self.addresses.slot(address),
            (user, _) => self.users.slot(user),
        };
        if *slot == 0 {
            self.consumers.push(ConsumerSum { noted: NOT_NOTED, ..ConsumerSum::default() });
            *slot = self.consumers.len() as u32;
        }
        *slot - 1
    }

    fn find_buckets(&mut self, times: &[i64]) {
        self.buckets.clear();
        let mut buckets = std::mem::take(&mut self.buckets);
        buckets.extend(times.iter().map(|&time_us| self.bucket(time_us) as u16));
        self.buckets = buckets;
    }

    /// Rows come in order of time, mostly: the bucket is that of the one before.
    #[inline]
    fn bucket(&mut self, time_us: i64) -> usize {
        let (from, to, bucket) = self.near;
        if (from..to).contains(&time_us) {
            return bucket;
        }
        let bucket = self.grid.bucket(time_us);
        self.near = (self.grid.edges_us[bucket], self.grid.edges_us[bucket + 1], bucket);
        bucket
    }

    fn hour_of_week(&self, time_us: i64) -> usize {
        let offset = match self.offsets.as_slice() {
            [(_, only)] => *only,
            offsets => offsets[offsets.partition_point(|(from, _)| *from <= time_us).max(1) - 1].1,
        };
        let local = time_us + offset;
        let (day, hour) = (local.div_euclid(DAY_US), local.rem_euclid(DAY_US) / (DAY_US / 24));
        // The first of January 1970 was a Thursday.
        ((day + 3).rem_euclid(7) * 24 + hour) as usize
    }
}

impl ConsumerSum {
    #[inline]
    fn see_country(&mut self, country: u16, time_us: i64) {
        // Of two at the same moment the greater code, so that the order of files does not tell.
        if country != 0 && (time_us, country) > (self.country_us, self.country) {
            (self.country_us, self.country) = (time_us, country);
        }
    }
}

/// One number for both, where there are as few methods as there usually are.
fn pair(method: u32, route: u32) -> Option<u32> {
    const METHODS: u32 = 8;
    (method < METHODS).then_some(())?;
    route.checked_mul(METHODS)?.checked_add(method)
}

fn class(status: u16) -> usize {
    usize::from(status / 100).clamp(1, 5) - 1
}

fn sizes(request: i64, response: i64) -> Traffic {
    Traffic {
        request_bytes: request.max(0) as u64,
        response_bytes: response.max(0) as u64,
        sized: u64::from(request >= 0 || response >= 0),
    }
}
