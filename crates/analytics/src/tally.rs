//! Sums of one pass over hits, for all panels at once.
//!
//! A file's hits come as columns of numbers; texts are the file's own ids. Sums are kept by these ids (`Tally`), which
//! is fastest, and merged over all files afterwards (`merge::Merge`) by 64-bit hashes that identify a text in all
//! files: only shown rows are ever named. A rollup's row counts like the hits in it, so the same sums take both and no
//! panel can tell them apart.
//!
//! The cost of a query depends on the hits that it scans and the rows that it shows, not on the cardinality of
//! consumers, routes or texts: above a limit these are only counted, and kept as top-k lists and sketches.
//!
//! It knows no engine and no panel: the caller names the sums that it needs (`Needs`).

mod consumer_counts;
mod consumers;
mod counted;
mod counts;
mod distinct;
mod durations;
mod endpoints;
mod identities;
mod least;
mod many_counts;
mod merge;
mod missing;
mod parts;
mod rollup;
mod subset;
mod top;
mod top_list;
mod total;
mod values;

use std::ops::{BitOr, BitOrAssign};
use std::sync::Arc;

use crate::grid::{DAY_US, Grid, QUARTER_US};
use crate::hit::TextKind;
use crate::latency::Histogram;
use crate::limits;

pub use consumer_counts::ConsumerCounts;
use consumers::Consumers;
pub use consumers::Unlisted;
pub use counted::{Counted, ShownTexts};
use counts::Counts;
pub use distinct::{Distinct, DistinctCount};
use endpoints::Endpoints;
pub use endpoints::Pair;
pub use identities::Identities;
pub use merge::{Merge, Named, ShownIn};
pub use missing::MissingDetails;
pub use parts::{Part, Parts, Words};
pub use rollup::{ConsumerRow, EndpointRow};
pub use subset::Subset;
pub use top::{SORTS, Sort, Top};
pub use total::{Breakdown, Consumer, Dimension, Endpoint, Listing, Total};
pub use values::{FileValues, ValueMerge};

/// Which sums are wanted. Each costs time, so a panel names its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs(u32);

impl Needs {
    /// Hits by status, in total and by bucket.
    pub const STATUSES: Needs = Needs(1);
    /// Hits by hour of the local week.
    pub const HOURS: Needs = Needs(1 << 1);
    /// By method and route.
    pub const ENDPOINTS: Needs = Needs(1 << 2);
    /// Durations in total.
    pub const LATENCY: Needs = Needs(1 << 3);
    /// Durations by bucket.
    pub const LATENCY_SERIES: Needs = Needs(1 << 4);
    /// By consumer.
    pub const CONSUMERS: Needs = Needs(1 << 5);
    /// Distinct consumers by bucket.
    pub const CONSUMER_SERIES: Needs = Needs(1 << 6);
    /// Bytes, in total and by bucket.
    pub const TRAFFIC: Needs = Needs(1 << 7);
    pub const COUNTRIES: Needs = Needs(1 << 8);

    /// Durations of the consumers chosen to be shown. They are gathered one by one while they are few: summed up for
    /// all consumers they would be as large as the hits.
    pub const CONSUMER_LATENCY: Needs = Needs(1 << 9);

    /// Texts use the bits from here on.
    const FIRST_TEXT: u32 = 10;

    /// Hits by a text.
    pub const fn text(kind: TextKind) -> Needs {
        Needs(1 << (Needs::FIRST_TEXT + kind as u32))
    }

    /// Hits by any text.
    pub const fn all_texts() -> Needs {
        const { assert!(Needs::FIRST_TEXT as usize + TextKind::COUNT <= u32::BITS as usize) };
        Needs(((1 << TextKind::COUNT as u32) - 1) << Needs::FIRST_TEXT)
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

    /// Whether it has any of these.
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

/// Cardinalities above which sums switch to top-k lists and sketches. Tests set them low, so that few hits reach them.
#[derive(Clone, Copy, Debug)]
pub struct TallyLimits {
    pub consumers_summed: u64,
    pub endpoints_summed: u64,
    pub listed_whole: u64,
    pub listed_of_file: u64,
    pub listed_of_day: u64,
    pub distinct_exact: u64,
    pub bucket_consumers_exact: u64,
    /// Of a file with more consumers than `listed_whole`.
    pub consumers_at_once: u64,
    pub consumer_hits_kept: u64,
    /// Of a field whose values may be as many as hits.
    pub values_at_once: u64,
    /// A table with another order than hits is chosen from this many consumers or endpoints with most hits.
    pub candidates: u64,
}

impl Default for TallyLimits {
    fn default() -> TallyLimits {
        TallyLimits {
            consumers_summed: limits::CONSUMERS_SUMMED,
            endpoints_summed: limits::ENDPOINTS_SUMMED,
            listed_whole: limits::LISTED_WHOLE,
            listed_of_file: limits::LISTED_OF_FILE,
            listed_of_day: limits::LISTED_OF_DAY,
            distinct_exact: limits::DISTINCT_EXACT,
            bucket_consumers_exact: limits::BUCKET_CONSUMERS_EXACT,
            consumers_at_once: limits::CONSUMERS_AT_ONCE,
            consumer_hits_kept: limits::CONSUMER_HITS_KEPT,
            values_at_once: limits::VALUES_AT_ONCE,
            candidates: limits::PANEL_ROWS,
        }
    }
}

/// In `Columns::latency`, a hit without a duration.
pub const NO_LATENCY: u16 = u16::MAX;
/// In `Columns::{request_size, response_size}`, a hit without one.
pub const NO_SIZE: i64 = -1;

/// A stretch of hits, column by column; columns that no need asks for are empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns<'a> {
    pub time_us: &'a [i64],
    pub status: &'a [u16],
    pub latency: &'a [u16],
    /// 0 if there is none.
    pub duration_us: &'a [i64],
    pub country: &'a [u16],
    pub request_size: &'a [i64],
    pub response_size: &'a [i64],
    pub texts: [&'a [u32]; TextKind::COUNT],
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

/// The sums of one file's hits.
pub struct Tally {
    grid: Arc<Grid>,
    offsets: Vec<(i64, i64)>,
    /// Whether every quarter of an hour in UTC is within one hour of the zone.
    whole_quarters: bool,
    needs: Needs,
    pub(crate) statuses: Vec<u64>,
    /// By bucket and class: 1xx to 5xx.
    pub(crate) classes: Vec<[u64; 5]>,
    /// By day of the week (Monday first) and hour.
    pub(crate) hours: Vec<u64>,
    endpoints: Endpoints,
    pub(crate) latency: Histogram,
    pub(crate) duration_us: u128,
    pub(crate) latency_series: Vec<Histogram>,
    /// Sums both in total and in the series.
    pub(crate) latency_both: Vec<Histogram>,
    consumers: Consumers,
    pub(crate) traffic: Vec<Traffic>,
    pub(crate) countries: Counts,
    pub(crate) texts: [Counts; TextKind::COUNT],
    /// The last bucket found: from, to, index.
    near: (i64, i64, usize),
    /// Scratch of a stretch: each hit's bucket, and which hits are errors.
    buckets: Vec<u16>,
    errors: Vec<u32>,
}

impl Tally {
    /// `subset`: the consumers and endpoints to sum up; all if None.
    pub fn new(
        grid: Arc<Grid>,
        identities: Arc<Identities>,
        subset: Option<Arc<Subset>>,
        limits: TallyLimits,
    ) -> Tally {
        let offsets = grid.offsets();
        let whole = |us: i64| us == i64::MIN || us % QUARTER_US == 0;
        Tally {
            whole_quarters: offsets.iter().all(|(from, offset)| whole(*from) && whole(*offset)),
            offsets,
            needs: Needs::default(),
            statuses: vec![0; 600],
            classes: vec![[0; 5]; grid.buckets()],
            hours: vec![0; 7 * 24],
            endpoints: Endpoints::new(subset.clone(), limits),
            latency: Histogram::default(),
            duration_us: 0,
            latency_series: vec![Histogram::default(); grid.buckets()],
            latency_both: vec![Histogram::default(); grid.buckets()],
            consumers: Consumers::new(grid.buckets(), identities, subset, limits),
            traffic: vec![Traffic::default(); grid.buckets()],
            countries: Counts::default(),
            texts: Default::default(),
            near: (0, 0, 0),
            buckets: Vec::new(),
            errors: Vec::new(),
            grid,
        }
    }

    /// All needs so far.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Sums up what `needs` names of these hits, which must lie in the period.
    pub fn add_hits(&mut self, hits: &Columns<'_>, needs: Needs) {
        self.needs |= needs;
        let by_bucket =
            Needs::STATUSES | Needs::LATENCY_SERIES | Needs::CONSUMER_SERIES | Needs::TRAFFIC;
        if needs.has(by_bucket) {
            self.find_buckets(hits.time_us);
        }
        if needs.has(Needs::STATUSES) {
            // In runs: adding to the same place in a row would stall on the previous store.
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
            // Hits are mostly in order of time, so the hour is mostly the previous one.
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
            self.endpoints.add_hits(hits, needs);
        }
        if needs.has(Needs::CONSUMERS | Needs::CONSUMER_SERIES) {
            self.consumers.add_hits(hits, needs, &self.buckets);
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
        for kind in TextKind::ALL {
            if needs.has(Needs::text(kind)) {
                let ids = hits.texts[kind as usize];
                let id_of = |place: usize| ids[place];
                self.texts[kind as usize].add_hits(ids.iter().copied(), id_of, &self.errors);
            }
        }
    }

    /// Adds another thread's sums of the same file.
    pub fn merge(&mut self, other: Tally) {
        self.needs |= other.needs;
        self.statuses.iter_mut().zip(&other.statuses).for_each(|(sum, more)| *sum += more);
        for (sum, more) in self.classes.iter_mut().zip(&other.classes) {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        self.hours.iter_mut().zip(&other.hours).for_each(|(sum, more)| *sum += more);
        self.latency.add_all(&other.latency);
        self.duration_us += other.duration_us;
        let series = [
            (&mut self.latency_series, &other.latency_series),
            (&mut self.latency_both, &other.latency_both),
        ];
        for (sums, more) in series {
            sums.iter_mut().zip(more).for_each(|(sum, more)| sum.add_all(more));
        }
        self.traffic.iter_mut().zip(&other.traffic).for_each(|(sum, more)| sum.add(*more));
        self.countries.merge(&other.countries);
        self.texts.iter_mut().zip(&other.texts).for_each(|(sum, more)| sum.merge(more));
        self.endpoints.merge(other.endpoints);
        self.consumers.merge(other.consumers);
    }

    /// Replaces the identities of consumers, by some that have more of them.
    pub fn know(&mut self, identities: Arc<Identities>) {
        self.consumers.know(identities);
    }

    /// Drops all sums by bucket, and the room for more hits.
    fn drop_series(&mut self) {
        self.consumers.take_series();
        self.consumers.shrink_durations();
        for series in [&mut self.latency_series, &mut self.latency_both] {
            *series = Vec::new();
        }
        (self.classes, self.traffic) = (Vec::new(), Vec::new());
    }

    fn find_buckets(&mut self, times: &[i64]) {
        self.buckets.clear();
        let mut buckets = std::mem::take(&mut self.buckets);
        buckets.extend(times.iter().map(|&time_us| self.bucket(time_us) as u16));
        self.buckets = buckets;
    }

    /// Rows are mostly in order of time, so the bucket is mostly the previous one.
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
