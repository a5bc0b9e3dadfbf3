//! Rollups into the same sums as hits: a row counts like the hits in it.

use super::{Count, Distinct, Needs, Tally, Traffic, Unlisted, class};
use crate::hit::TextKind;

/// A row of a rollup by endpoint.
#[derive(Clone, Copy, Debug)]
pub struct EndpointRow {
    pub method: u32,
    pub route: u32,
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    pub request_bytes: u64,
    pub response_bytes: u64,
}

/// A row of a rollup by consumer. `address` is set only without a user.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerRow {
    pub user: u32,
    pub address: u32,
    pub country: u16,
    /// The time of the newest hit with that country.
    pub country_us: i64,
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
}

impl Tally {
    /// Adds hits of a status at about this time: the quarter of an hour that begins at `time_us` is in one bucket.
    pub fn add_quarter(
        &mut self,
        time_us: i64,
        status: u16,
        requests: u64,
        bytes: (u64, u64, u64),
    ) {
        self.needs |= Needs::STATUSES | Needs::HOURS | Needs::TRAFFIC;
        let bucket = self.bucket(time_us);
        self.statuses[usize::from(status.min(599))] += requests;
        self.classes[bucket][class(status)] += requests;
        let hour = self.hour_of_week(time_us);
        self.hours[hour] += requests;
        let (request_bytes, response_bytes, sized) = bytes;
        self.traffic[bucket].add(Traffic { request_bytes, response_bytes, sized });
    }

    /// Adds sums of the durations that `add_latencies` counts.
    pub fn add_durations(&mut self, duration_us: &[u64]) {
        self.duration_us += duration_us.iter().map(|us| u128::from(*us)).sum::<u128>();
    }

    /// Counts durations of the hour that begins at `time_us`; in the series only if the hour is in one bucket.
    pub fn add_latencies(
        &mut self,
        time_us: i64,
        latency: &[u16],
        requests: &[u64],
        in_series: bool,
    ) {
        self.needs |= Needs::LATENCY | Needs::LATENCY_SERIES;
        let bucket = self.bucket(time_us);
        let into = if in_series { &mut self.latency_both[bucket] } else { &mut self.latency };
        for (latency, requests) in latency.iter().zip(requests) {
            into.add(*latency, *requests);
        }
    }

    pub fn add_endpoint(&mut self, row: &EndpointRow) {
        self.needs |= Needs::ENDPOINTS;
        if let Some(sum) = self.endpoints.sum_of((row.method, row.route), row.requests) {
            sum.requests += row.requests;
            sum.client_errors += row.client_errors;
            sum.server_errors += row.server_errors;
            sum.last_us = sum.last_us.max(row.last_us);
            sum.traffic.add(Traffic {
                request_bytes: row.request_bytes,
                response_bytes: row.response_bytes,
                sized: 0,
            });
        }
        self.endpoints.count_if_many();
    }

    /// Durations of hits that `add_endpoint` counts.
    pub fn add_endpoint_latency(&mut self, method: u32, route: u32, latency: u16, requests: u64) {
        if let Some(sum) = self.endpoints.sum_of((method, route), 0) {
            sum.latency.add(latency, requests);
        }
    }

    /// A consumer's hits.
    pub fn add_consumer(&mut self, row: &ConsumerRow) {
        self.needs |= Needs::CONSUMERS;
        self.consumers.add_row(row);
    }

    /// Adds the consumers of a stretch of time of which `add_consumer` gets only the busiest.
    pub fn add_unlisted_consumers(&mut self, unlisted: &Unlisted) {
        self.needs |= Needs::CONSUMERS;
        self.consumers.add_unlisted(unlisted);
    }

    /// Notes that these consumers called in the bucket of a time.
    pub fn see_distinct_consumers(&mut self, distinct: &Distinct, time_us: i64) {
        self.needs |= Needs::CONSUMER_SERIES;
        let bucket = self.bucket(time_us);
        self.consumers.see_distinct(distinct, bucket);
    }

    /// Notes that each of these consumers called in the bucket of a time, if there is one.
    pub fn see_consumers(
        &mut self,
        users: &[u32],
        addresses: &[u32],
        time_us: impl Fn(usize) -> Option<i64>,
    ) {
        self.needs |= Needs::CONSUMER_SERIES;
        let mut buckets = std::mem::take(&mut self.buckets);
        buckets.clear();
        let none = u16::MAX;
        buckets
            .extend((0..users.len()).map(|n| time_us(n).map_or(none, |us| self.bucket(us) as u16)));
        let bucket_of = |n: usize| (buckets[n] != none).then_some(usize::from(buckets[n]));
        self.consumers.see_all(users, addresses, bucket_of);
        self.buckets = buckets;
    }

    pub fn add_country(&mut self, country: u16, count: Count) {
        self.needs |= Needs::COUNTRIES;
        self.countries.add(u32::from(country), count);
    }

    pub fn add_text(&mut self, kind: TextKind, id: u32, count: Count) {
        self.needs |= Needs::text(kind);
        self.texts[kind as usize].add(id, count);
    }
}
