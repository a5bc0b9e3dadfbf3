//! The sums of a list's rows, to which several threads add hits.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::durations::Durations;
use super::ids::{ByRow, RowId};
use super::row::{PARTS, Row, place_of};
use super::{Ranked, RankingLimits};
use crate::latency;
use crate::tally::{Columns, Consumer, Count, Endpoint, NO_LATENCY};

/// Hits that a thread buffers per part before it locks the part.
const GATHERED: usize = 256;

pub struct RankingSums {
    of: Ranked,
    parts: Vec<Mutex<Part>>,
    /// Approximate memory of all parts.
    bytes: AtomicI64,
    most_bytes: i64,
    too_many: AtomicBool,
}

/// Rows `n`, `n + PARTS`, `n + 2 * PARTS` and so on.
#[derive(Default)]
struct Part {
    rows: Vec<Row>,
    /// Time of the newest hit with a country, by row. Only for consumers.
    countries_us: Vec<i64>,
    durations: Durations,
    bytes: i64,
}

/// A hit on its way to its row.
#[derive(Clone, Copy)]
struct RowHit {
    time_us: i64,
    /// Index in the part.
    place: u32,
    status: u16,
    latency: u16,
    country: u16,
}

/// Buffers a thread's hits of one file by part.
pub struct HitSorter {
    sums: Arc<RankingSums>,
    rows: Arc<FileRows>,
    addresses: bool,
    gathered: Vec<Vec<RowHit>>,
}

/// Row number plus 1 by the file's row id; 0 for no row.
#[derive(Default)]
pub struct FileRows(pub(super) ByRow<u32>);

/// Sums to add to a row, from a rollup or a panel.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowSum {
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    /// From the newest hit that has one.
    pub country: u16,
    pub country_us: i64,
}

impl RankingSums {
    pub(super) fn new(of: Ranked, limits: RankingLimits) -> RankingSums {
        RankingSums {
            of,
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            bytes: AtomicI64::new(0),
            most_bytes: limits.sums_bytes as i64,
            too_many: AtomicBool::new(false),
        }
    }

    /// Whether the sums exceed their memory limit. Hits added after that are ignored.
    pub fn is_too_large(&self) -> bool {
        self.too_many.load(Ordering::Relaxed)
    }

    /// Reserves memory for this many rows.
    pub(super) fn reserve(&self, rows: usize) {
        for n in 0..PARTS {
            let mut part = self.part(n);
            let rows = rows.div_ceil(PARTS);
            part.rows.reserve_exact(rows);
            if self.of.is_detailed() {
                part.durations.reserve(rows);
            }
            if self.of == Ranked::Consumers {
                part.countries_us.reserve_exact(rows);
            }
        }
    }

    /// Adds rows, numbered from `first`.
    pub(super) fn add_rows(&self, first: usize, ids: &[RowId]) {
        for n in 0..PARTS {
            let skipped = (n + PARTS - first % PARTS) % PARTS;
            let own = ids.iter().skip(skipped).step_by(PARTS);
            let mut part = self.part(n);
            part.rows.extend(own.map(|id| Row::new(*id)));
            let rows = part.rows.len();
            if self.of.is_detailed() {
                part.durations.resize(rows);
            }
            if self.of == Ranked::Consumers {
                part.countries_us.resize(rows, 0);
            }
            self.count_bytes(&mut part);
        }
    }

    /// Adds sums to a row.
    pub fn add(&self, row: u32, sum: &RowSum) {
        let (part, place) = place_of(row);
        self.part(part).add(place, sum);
    }

    /// Adds durations to a row: buckets of `latency`, and the number of hits in each.
    pub fn add_durations(&self, row: u32, buckets: &[u16], counts: &[u64]) {
        let (part, place) = place_of(row);
        let mut part = self.part(part);
        for (bucket, count) in buckets.iter().zip(counts) {
            part.durations.add(place, *bucket, *count);
        }
        self.count_bytes(&mut part);
    }

    fn add_hits(&self, part: usize, hits: &[RowHit]) {
        if self.is_too_large() {
            return;
        }
        let has_country = self.of == Ranked::Consumers;
        let is_detailed = self.of.is_detailed();
        let mut part = self.part(part);
        for hit in hits {
            let place = hit.place as usize;
            let row = &mut part.rows[place];
            row.requests += 1;
            match hit.status {
                400..=499 => row.client_errors += 1,
                500.. => row.server_errors += 1,
                _ => {}
            }
            if is_detailed {
                row.last_us = row.last_us.max(hit.time_us);
                if hit.latency != NO_LATENCY {
                    part.durations.add(place, hit.latency, 1);
                }
            }
            if has_country {
                part.see_country(place, hit.country, hit.time_us);
            }
        }
        self.count_bytes(&mut part);
    }

    fn count_bytes(&self, part: &mut Part) {
        let row = size_of::<Row>() + size_of::<i64>();
        let bytes = (part.rows.len() * row + part.durations.bytes()) as i64;
        // May be negative: `Slots` can shrink when they grow downwards.
        let more = bytes - std::mem::replace(&mut part.bytes, bytes);
        let all = self.bytes.fetch_add(more, Ordering::Relaxed) + more;
        if all > self.most_bytes {
            self.too_many.store(true, Ordering::Relaxed);
        }
    }

    fn part(&self, n: usize) -> MutexGuard<'_, Part> {
        self.parts[n].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the rows of all parts, with their quantiles.
    pub(super) fn finish(&self) -> Vec<Vec<Row>> {
        let every_other = |from: usize| {
            let parts = (from..PARTS).step_by(2).map(|n| std::mem::take(&mut *self.part(n)));
            parts.map(Part::finish).collect::<Vec<_>>()
        };
        // Two threads, since a million rows take a tenth of a second.
        let (even, odd) = std::thread::scope(|scope| {
            let odd = scope.spawn(|| every_other(1));
            let even = every_other(0);
            (even, odd.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        even.into_iter().zip(odd).flat_map(|(even, odd)| [even, odd]).collect()
    }
}

impl Part {
    fn add(&mut self, place: usize, sum: &RowSum) {
        let row = &mut self.rows[place];
        row.requests += sum.requests;
        row.client_errors += sum.client_errors;
        row.server_errors += sum.server_errors;
        row.last_us = row.last_us.max(sum.last_us);
        if !self.countries_us.is_empty() {
            self.see_country(place, sum.country, sum.country_us);
        }
    }

    /// The rows with their quantiles.
    fn finish(mut self) -> Vec<Row> {
        if self.durations.rows() > 0 {
            for (place, row) in self.rows.iter_mut().enumerate() {
                [row.p50, row.p95, row.p99] = self.durations.quantiles(place, [0.5, 0.95, 0.99]);
            }
        }
        self.rows
    }

    fn see_country(&mut self, place: usize, country: u16, time_us: i64) {
        let (row, seen_us) = (&mut self.rows[place], &mut self.countries_us[place]);
        // At the same moment the greater code wins, so that the order of files does not matter.
        if country != 0 && (time_us, country) > (*seen_us, row.country) {
            (*seen_us, row.country) = (time_us, country);
        }
    }
}

impl HitSorter {
    /// `addresses`: whether consumers without a user are rows.
    pub fn new(sums: Arc<RankingSums>, rows: Arc<FileRows>, addresses: bool) -> HitSorter {
        HitSorter { sums, rows, addresses, gathered: vec![Vec::new(); PARTS] }
    }

    /// Adds hits that have the columns of `Ranked::needs`.
    pub fn add_hits(&mut self, hits: &Columns<'_>) {
        let of = self.sums.of;
        let is_detailed = of.is_detailed();
        let has_country = of == Ranked::Consumers;
        for n in 0..hits.time_us.len() {
            let id = of.row_of(hits, n, self.addresses);
            let Some(row) = id.and_then(|id| self.rows.get(id)) else { continue };
            let (part, place) = place_of(row);
            let hit = RowHit {
                time_us: hits.time_us[n],
                place: place as u32,
                status: hits.status[n],
                latency: if is_detailed { hits.latency[n] } else { NO_LATENCY },
                country: if has_country { hits.country[n] } else { 0 },
            };
            let gathered = &mut self.gathered[part];
            gathered.push(hit);
            if gathered.len() >= GATHERED {
                self.sums.add_hits(part, gathered);
                gathered.clear();
            }
        }
    }

    /// Flushes the buffers.
    pub fn finish(mut self) {
        for (part, gathered) in self.gathered.iter_mut().enumerate() {
            if !gathered.is_empty() {
                self.sums.add_hits(part, gathered);
            }
        }
    }
}

impl FileRows {
    /// The number of a row. None if it is not listed.
    #[inline]
    pub fn get(&self, id: RowId) -> Option<u32> {
        self.0.get(id).and_then(|row| row.checked_sub(1))
    }
}

impl RowSum {
    /// Without the sums that only endpoints and consumers have.
    pub fn of_count(count: Count) -> RowSum {
        RowSum { requests: count.requests, client_errors: count.errors, ..RowSum::default() }
    }

    pub fn of_endpoint(endpoint: &Endpoint) -> RowSum {
        RowSum {
            requests: endpoint.requests,
            client_errors: endpoint.client_errors,
            server_errors: endpoint.server_errors,
            last_us: endpoint.last_us,
            ..RowSum::default()
        }
    }

    pub fn of_consumer(consumer: &Consumer) -> RowSum {
        RowSum {
            requests: consumer.requests,
            client_errors: consumer.client_errors,
            server_errors: consumer.server_errors,
            last_us: consumer.last_us,
            country: consumer.country.number(),
            country_us: consumer.country_us,
        }
    }
}

/// The duration of a bucket, microseconds; None for `NO_LATENCY`.
pub(super) fn duration_us(bucket: u16) -> Option<f64> {
    (bucket != NO_LATENCY).then(|| latency::value_us(bucket))
}
