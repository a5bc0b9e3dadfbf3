//! The sums of each row over the hits of one file, by the file's own ids.

use std::sync::Arc;

use hashbrown::HashMap;

use super::search::WordMasks;
use super::{Ranked, TooManyRows};
use crate::hit::{Country, TextKind};
use crate::latency;
use crate::limits;
use crate::slots::Slots;
use crate::tally::{Columns, Consumer, Count, Dimension, Endpoint, NO_LATENCY};

/// A row in one file: two ids of texts, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowId {
    /// The method of an endpoint; of a consumer 0 for a user and 1 for an address; else 0.
    pub first: u32,
    pub second: u32,
}

/// The sums of a row.
#[derive(Clone, Debug, Default)]
pub struct RowSum {
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    /// From the newest hit that has one.
    pub country: u16,
    pub country_us: i64,
    pub(super) durations: Durations,
}

/// Buckets of `latency`. Most rows of a long list have few hits: their durations are kept one by one.
#[derive(Clone, Debug)]
pub(super) enum Durations {
    Few(Vec<u16>),
    Many(Box<Slots<u64>>),
}

/// The most durations kept one by one: they take about as much memory as the counts.
const FEW: usize = 64;

impl Default for Durations {
    fn default() -> Durations {
        Durations::Few(Vec::new())
    }
}

impl Durations {
    fn add(&mut self, bucket: u16, count: u64) {
        if let Durations::Few(each) = self {
            if each.len() as u64 + count <= FEW as u64 {
                each.extend(std::iter::repeat_n(bucket, count as usize));
                return;
            }
            let mut counts = Slots::default();
            each.iter().for_each(|bucket| *counts.slot(u32::from(*bucket)) += 1);
            *self = Durations::Many(Box::new(counts));
        }
        if let Durations::Many(counts) = self {
            *counts.slot(u32::from(bucket)) += count;
        }
    }

    fn add_all(&mut self, other: &Durations) {
        match other {
            Durations::Few(each) => each.iter().for_each(|bucket| self.add(*bucket, 1)),
            Durations::Many(counts) => {
                for (bucket, count) in counts.iter().filter(|(_, count)| **count > 0) {
                    self.add(bucket as u16, *count);
                }
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Durations::Few(each) => each.capacity() * size_of::<u16>(),
            Durations::Many(counts) => counts.bytes(),
        }
    }

    /// The buckets at these shares of all (`Histogram::quantile_us`); `NO_LATENCY` without durations.
    pub fn quantiles<const N: usize>(&mut self, shares: [f64; N]) -> [u16; N] {
        match self {
            Durations::Few(each) => {
                each.sort_unstable();
                shares.map(|share| {
                    let at = rank(share, each.len() as u64) - 1;
                    each.get(at as usize).copied().unwrap_or(NO_LATENCY)
                })
            }
            Durations::Many(counts) => {
                let total = counts.iter().map(|(_, count)| count).sum();
                shares.map(|share| {
                    let (rank, mut below) = (rank(share, total), 0);
                    let found = counts.iter().find(|(_, count)| {
                        below += **count;
                        below >= rank
                    });
                    found.map_or(NO_LATENCY, |(bucket, _)| bucket as u16)
                })
            }
        }
    }
}

/// The nearest rank, from 1.
fn rank(share: f64, total: u64) -> u64 {
    ((share * total as f64).ceil() as u64).clamp(1, total.max(1))
}

impl RowSum {
    fn add_hit(&mut self, status: u16) {
        self.requests += 1;
        match status {
            400..=499 => self.client_errors += 1,
            500.. => self.server_errors += 1,
            _ => {}
        }
    }

    fn see_country(&mut self, country: u16, time_us: i64) {
        // At the same moment the greater code wins, so that the order of files does not matter.
        if country != 0 && (time_us, country) > (self.country_us, self.country) {
            (self.country_us, self.country) = (time_us, country);
        }
    }

    pub(super) fn add(&mut self, other: &RowSum) {
        self.requests += other.requests;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
        self.last_us = self.last_us.max(other.last_us);
        self.see_country(other.country, other.country_us);
        self.durations.add_all(&other.durations);
    }

    /// About how much memory the row takes during summing.
    pub fn bytes(&self) -> usize {
        size_of::<RowSum>() + self.durations.bytes()
    }

    /// Without the sums that only endpoints and consumers have.
    pub fn of_count(count: Count) -> RowSum {
        RowSum { requests: count.requests, client_errors: count.errors, ..RowSum::default() }
    }

    pub fn of_endpoint(endpoint: &Endpoint) -> RowSum {
        let mut sum = RowSum {
            requests: endpoint.requests,
            client_errors: endpoint.client_errors,
            server_errors: endpoint.server_errors,
            last_us: endpoint.last_us,
            ..RowSum::default()
        };
        endpoint.latency.iter().for_each(|(bucket, count)| sum.durations.add(bucket, count));
        sum
    }

    pub fn of_consumer(consumer: &Consumer) -> RowSum {
        let mut sum = RowSum {
            requests: consumer.requests,
            client_errors: consumer.client_errors,
            server_errors: consumer.server_errors,
            last_us: consumer.last_us,
            country: consumer.country.number(),
            country_us: consumer.country_us,
            ..RowSum::default()
        };
        consumer.latency.iter().for_each(|(bucket, count)| sum.durations.add(bucket, count));
        sum
    }
}

/// One thread's sums of the rows of one file.
pub struct RankingSums {
    of: Ranked,
    /// Whether consumers without a user are listed.
    addresses: bool,
    masks: Option<Arc<WordMasks>>,
    limits: RankingLimits,
    /// Indexes in `rows`; `NOT_LISTED` for rows that the search does not find.
    places: HashMap<RowId, u32, foldhash::fast::RandomState>,
    rows: Vec<(RowId, RowSum)>,
    /// The row of the previous hit.
    near: Option<(RowId, u32)>,
    stretches: u32,
    too_many: bool,
}

/// Limits of a list.
#[derive(Clone, Copy, Debug)]
pub struct RankingLimits {
    pub rows: u64,
    /// Limits the sums of one file, and of all files.
    pub sums_bytes: u64,
}

impl Default for RankingLimits {
    fn default() -> RankingLimits {
        RankingLimits { rows: limits::LIST_ROWS, sums_bytes: limits::LIST_SUMS_BYTES }
    }
}

const NOT_LISTED: u32 = u32::MAX;
/// A row with a count for each bucket of durations takes less than this.
const MOST_ROW_BYTES: u64 = 12 << 10;
/// Stretches of hits between two checks of the memory that their sums take.
const CHECK_EVERY: u32 = 64;

impl RankingSums {
    /// `masks`: of the rows to find; all if None.
    pub fn new(
        of: Ranked,
        addresses: bool,
        masks: Option<Arc<WordMasks>>,
        limits: RankingLimits,
    ) -> RankingSums {
        RankingSums {
            of,
            addresses,
            masks,
            limits,
            places: HashMap::default(),
            rows: Vec::new(),
            near: None,
            stretches: 0,
            too_many: false,
        }
    }

    /// Adds hits that have the columns of `Ranked::needs`.
    pub fn add_hits(&mut self, hits: &Columns<'_>) {
        let is_detailed = self.of.is_detailed();
        let has_country = self.of == Ranked::Consumers;
        for n in 0..hits.time_us.len() {
            if self.too_many {
                return;
            }
            let Some(id) = self.row_of(hits, n) else { continue };
            let place = match self.near {
                Some((near, place)) if near == id => place,
                _ => self.place(id),
            };
            self.near = Some((id, place));
            let Some((_, sum)) = self.rows.get_mut(place as usize) else { continue };
            sum.add_hit(hits.status[n]);
            if is_detailed {
                sum.last_us = sum.last_us.max(hits.time_us[n]);
                if hits.latency[n] != NO_LATENCY {
                    sum.durations.add(hits.latency[n], 1);
                }
            }
            if has_country {
                sum.see_country(hits.country[n], hits.time_us[n]);
            }
        }
        self.check_bytes();
    }

    /// Checks only once in many stretches of hits, and only if memory can be short.
    fn check_bytes(&mut self) {
        if self.rows.len() as u64 * MOST_ROW_BYTES <= self.limits.sums_bytes || self.too_many {
            return;
        }
        self.stretches += 1;
        if self.stretches.is_multiple_of(CHECK_EVERY) {
            let bytes: u64 = self.rows.iter().map(|(_, sum)| sum.bytes() as u64).sum();
            self.too_many = bytes > self.limits.sums_bytes;
        }
    }

    /// Adds another thread's sums of the same file.
    pub fn merge(&mut self, other: RankingSums) {
        self.too_many |= other.too_many;
        for (id, sum) in other.rows {
            let place = self.place(id);
            if let Some((_, own)) = self.rows.get_mut(place as usize) {
                own.add(&sum);
            }
        }
    }

    pub fn finish(self) -> Result<Vec<(RowId, RowSum)>, TooManyRows> {
        if self.too_many { Err(TooManyRows) } else { Ok(self.rows) }
    }

    /// None if the hit is in no row.
    fn row_of(&self, hits: &Columns<'_>, n: usize) -> Option<RowId> {
        let text = |kind: TextKind| hits.texts[kind as usize][n];
        let alone = |second: u32| Some(RowId { first: 0, second });
        match self.of {
            Ranked::Endpoints => {
                Some(RowId { first: text(TextKind::Method), second: text(TextKind::Route) })
            }
            Ranked::Consumers => match (text(TextKind::User), text(TextKind::Address)) {
                (0, 0) => None,
                (0, address) => self.addresses.then_some(RowId { first: 1, second: address }),
                (user, _) => Some(RowId { first: 0, second: user }),
            },
            Ranked::Statuses => alone(u32::from(hits.status[n])),
            Ranked::Value(Dimension::Country) => alone(u32::from(hits.country[n])),
            Ranked::Value(Dimension::Text(kind)) => alone(text(kind)),
            Ranked::Value(Dimension::Client | Dimension::Os | Dimension::Device) => {
                alone(text(TextKind::Agent))
            }
            Ranked::Value(Dimension::Version) => alone(text(TextKind::Path)),
        }
    }

    fn place(&mut self, id: RowId) -> u32 {
        if let Some(place) = self.places.get(&id) {
            return *place;
        }
        let is_listed = self.masks.as_ref().is_none_or(|masks| masks.pass(&self.of.texts_of(id)));
        let place = if is_listed { self.rows.len() as u32 } else { NOT_LISTED };
        if is_listed {
            self.rows.push((id, RowSum::default()));
            // Many user agents are one client, and many paths one version: there are few once they are named.
            let is_of_words = matches!(
                self.of,
                Ranked::Value(
                    Dimension::Client | Dimension::Os | Dimension::Device | Dimension::Version
                )
            );
            self.too_many |= self.rows.len() as u64 > self.limits.rows && !is_of_words;
        }
        self.places.insert(id, place);
        place
    }
}

impl Ranked {
    /// The texts that name a row.
    pub fn texts_of(self, RowId { first, second }: RowId) -> Vec<(TextKind, u32)> {
        match self {
            Ranked::Endpoints => vec![(TextKind::Method, first), (TextKind::Route, second)],
            Ranked::Consumers if first == 0 => vec![(TextKind::User, second)],
            Ranked::Consumers => vec![(TextKind::Address, second)],
            other => other.texts().iter().map(|kind| (*kind, second)).collect(),
        }
    }

    /// The name of a row that is a number; None if it is named by texts.
    pub fn number_name(self, id: RowId) -> Option<String> {
        match self {
            Ranked::Statuses => Some(id.second.to_string()),
            Ranked::Value(Dimension::Country) => {
                Some(Country::from_number(id.second as u16).as_str().to_owned())
            }
            _ => None,
        }
    }
}

/// The duration of a bucket, microseconds; None for `NO_LATENCY`.
pub(super) fn duration_us(bucket: u16) -> Option<f64> {
    (bucket != NO_LATENCY).then(|| latency::value_us(bucket))
}
