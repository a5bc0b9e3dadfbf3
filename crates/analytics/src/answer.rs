//! Sums as the answers that the page draws: stat, series, breakdown, latency.
//!
//! Durations leave in milliseconds, rates from 0 to 1; a quantile or rate of nothing is null.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::latency::{self, Histogram};
use crate::panels::{Panel, Shape, Stat};
use crate::tally::{Consumer, Count, DistinctCount, Endpoint, Listing, Sort, Total};

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Answer {
    Stat(StatAnswer),
    Latency(Box<LatencyAnswer>),
    Series(SeriesAnswer),
    Endpoints(EndpointsAnswer),
    Breakdown(BreakdownAnswer),
    Hours(HoursAnswer),
    TopConsumers(ConsumersAnswer),
    Traffic(TrafficAnswer),
}

/// A number, the same of the period before, and per bucket.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct StatAnswer {
    pub value: Option<f64>,
    pub previous: Option<f64>,
    pub series: Vec<Option<f64>>,
    /// Whether the value is an estimate, with a relative standard error of 1.2 %; the same holds for its series.
    #[serde(skip_serializing_if = "is_false")]
    pub about: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LatencyAnswer {
    /// Hits that carry a duration.
    pub requests: u64,
    #[serde(flatten)]
    pub quantiles: Quantiles,
    /// The threshold: answers up to it satisfy, up to four times it are tolerated.
    pub apdex_ms: f64,
    pub histogram: Vec<HistogramBar>,
    pub previous: Option<Quantiles>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Quantiles {
    pub p50_ms: Option<f64>,
    pub p75_ms: Option<f64>,
    pub p90_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub p999_ms: Option<f64>,
    pub mean_ms: Option<f64>,
    /// (satisfied + tolerated / 2) / all.
    pub apdex: Option<f64>,
}

/// Durations above `from_ms` up to `to_ms`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct HistogramBar {
    pub from_ms: f64,
    pub to_ms: f64,
    pub requests: u64,
}

/// Bucket i is from `edges[i]` to `edges[i + 1]`, Unix milliseconds. Without a hit: 0 for counts, null for the rest.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SeriesAnswer {
    pub edges: Vec<i64>,
    pub series: BTreeMap<&'static str, Vec<Option<f64>>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EndpointsAnswer {
    pub rows: Vec<EndpointAnswer>,
    pub total_rows: u64,
    /// Whether `total_rows` is an estimate, with a relative standard error of 1.2 %.
    #[serde(skip_serializing_if = "is_false")]
    pub about: bool,
    /// A row with at most this many requests may be missing from `rows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_up_to: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EndpointAnswer {
    pub method: String,
    pub route: String,
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    /// RFC 3339, UTC.
    pub last_seen: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct BreakdownAnswer {
    pub rows: Vec<BreakdownRow>,
    pub total_rows: u64,
    /// Whether `total_rows` is an estimate, with a relative standard error of 1.2 %.
    #[serde(skip_serializing_if = "is_false")]
    pub about: bool,
    /// A row with at most this many requests may be missing from `rows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_up_to: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct BreakdownRow {
    /// "": none, or not known.
    pub key: String,
    pub requests: u64,
    pub errors: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct HoursAnswer {
    /// Seven days, Monday first, of 24 hours.
    pub cells: Vec<Vec<u64>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct ConsumersAnswer {
    pub rows: Vec<ConsumerAnswer>,
    pub total_rows: u64,
    /// Whether `total_rows` is an estimate, with a relative standard error of 1.2 %.
    #[serde(skip_serializing_if = "is_false")]
    pub about: bool,
    /// A row with at most this many requests may be missing from `rows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_up_to: Option<u64>,
    /// The counts of `rows` may be too low by at most this many requests: a file with very many consumers keeps counts of the busiest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_by_up_to: Option<u64>,
    /// The asker may not see who they are.
    pub hidden: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ConsumerAnswer {
    /// `u:ID` or `a:ADDRESS`.
    pub key: String,
    pub user: String,
    pub address: String,
    pub country: String,
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub p95_ms: Option<f64>,
    pub last_seen: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TrafficAnswer {
    #[serde(flatten)]
    pub over_time: SeriesAnswer,
    pub request_bytes: u64,
    pub response_bytes: u64,
    /// Hits that carry a size.
    pub sized: u64,
    pub rows: Vec<TrafficRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TrafficRow {
    pub method: String,
    pub route: String,
    pub requests: u64,
    pub request_bytes: u64,
    pub response_bytes: u64,
}

/// How answers are cut to size.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub rows: usize,
    pub sort: Sort,
    /// Of the project, microseconds.
    pub apdex_us: u64,
}

/// A panel's answer.
pub fn answer(panel: &Panel, total: &Total, previous: Option<&Total>, cut: Cut) -> Answer {
    match panel.shape {
        Shape::Stat(stat) => Answer::Stat(to_stat(stat, total, previous)),
        Shape::Latency => Answer::Latency(Box::new(to_latency(total, previous, cut.apdex_us))),
        Shape::LatencyOverTime => Answer::Series(to_latency_series(total)),
        Shape::Activity => Answer::Series(to_activity(total)),
        Shape::Endpoints => Answer::Endpoints(to_endpoints(total, cut)),
        Shape::Statuses => {
            let rows = total.statuses.iter().map(|(status, requests)| BreakdownRow {
                key: status.to_string(),
                requests: *requests,
                errors: if *status >= 400 { *requests } else { 0 },
            });
            let count = DistinctCount { count: total.statuses.len() as u64, about: false };
            let listing = Listing { rows: rows.collect(), count, ..Listing::default() };
            Answer::Breakdown(to_breakdown(listing, cut.rows))
        }
        Shape::Breakdown(value) => {
            let listing = total.values.get(&value).cloned().unwrap_or_default();
            let row = |(key, count): (Arc<str>, Count)| BreakdownRow {
                key: key.to_string(),
                requests: count.requests,
                errors: count.errors,
            };
            let Listing { rows, count, missing_up_to, low_by_up_to } = listing;
            let rows = rows.into_iter().map(row).collect();
            let listing = Listing { rows, count, missing_up_to, low_by_up_to };
            Answer::Breakdown(to_breakdown(listing, cut.rows))
        }
        Shape::Hours => Answer::Hours(HoursAnswer {
            cells: total.hours.chunks(24).map(<[u64]>::to_vec).collect(),
        }),
        Shape::TopConsumers => Answer::TopConsumers(to_consumers(&total.consumers, cut)),
        Shape::Traffic => Answer::Traffic(to_traffic(total, cut.rows)),
    }
}

fn to_stat(stat: Stat, total: &Total, previous: Option<&Total>) -> StatAnswer {
    let value = |total: &Total| match stat {
        Stat::Consumers => Some(total.consumers.count.count as f64),
        _ => of_classes(stat, &sum(&total.classes)),
    };
    let series = match stat {
        Stat::Consumers => to_counts(&total.consumer_series),
        _ => total.classes.iter().map(|classes| of_classes(stat, classes)).collect(),
    };
    let about = stat == Stat::Consumers && total.consumers.count.about;
    StatAnswer { value: value(total), previous: previous.and_then(value), series, about }
}

fn to_counts(series: &[DistinctCount]) -> Vec<Option<f64>> {
    series.iter().map(|distinct| Some(distinct.count as f64)).collect()
}

fn sum(buckets: &[[u64; 5]]) -> [u64; 5] {
    let mut all = [0; 5];
    for classes in buckets {
        all.iter_mut().zip(classes).for_each(|(sum, more)| *sum += more);
    }
    all
}

fn of_classes(stat: Stat, classes: &[u64; 5]) -> Option<f64> {
    let all: u64 = classes.iter().sum();
    match stat {
        Stat::Requests => Some(all as f64),
        Stat::ClientErrors => Some(classes[3] as f64),
        Stat::ServerErrors => Some(classes[4] as f64),
        Stat::SuccessRate => {
            (all > 0).then(|| (classes[0] + classes[1] + classes[2]) as f64 / all as f64)
        }
        Stat::Consumers => None,
    }
}

fn quantile_ms(histogram: &Histogram, share: f64) -> Option<f64> {
    histogram.quantile_us(share).map(|us| round(us / 1_000.0))
}

/// To four significant digits: the buckets are no more precise.
pub(crate) fn round(ms: f64) -> f64 {
    if ms == 0.0 {
        return 0.0;
    }
    let scale = 10f64.powi(3 - ms.abs().log10().floor() as i32);
    (ms * scale).round() / scale
}

fn to_quantiles(histogram: &Histogram, duration_us: u128, apdex_us: u64) -> Quantiles {
    let at = |share| quantile_ms(histogram, share);
    let all = histogram.total();
    let apdex = (all > 0).then(|| {
        let satisfied = histogram.up_to(apdex_us);
        let tolerated = histogram.up_to(apdex_us.saturating_mul(4)) - satisfied;
        (satisfied as f64 + tolerated as f64 / 2.0) / all as f64
    });
    Quantiles {
        p50_ms: at(0.5),
        p75_ms: at(0.75),
        p90_ms: at(0.9),
        p95_ms: at(0.95),
        p99_ms: at(0.99),
        p999_ms: at(0.999),
        mean_ms: (all > 0).then(|| round(duration_us as f64 / all as f64 / 1_000.0)),
        apdex,
    }
}

fn to_latency(total: &Total, previous: Option<&Total>, apdex_us: u64) -> LatencyAnswer {
    let quantiles = |total: &Total| to_quantiles(&total.latency, total.duration_us, apdex_us);
    LatencyAnswer {
        requests: total.latency.total(),
        quantiles: quantiles(total),
        apdex_ms: apdex_us as f64 / 1_000.0,
        histogram: to_bars(&total.latency),
        previous: previous.map(quantiles),
    }
}

/// At most about 50 bars, log-spaced: each covers the same number of buckets. The thousandths beyond both ends go into
/// the outermost bars, so that one stray hit does not squeeze the rest together.
fn to_bars(histogram: &Histogram) -> Vec<HistogramBar> {
    const BARS: u16 = 48;
    let end = |share: f64| {
        let rank = ((share * histogram.total() as f64).ceil() as u64).max(1);
        let mut below = 0;
        histogram.iter().find_map(|(bucket, count)| {
            below += count;
            (below >= rank).then_some(bucket)
        })
    };
    let (Some(first), Some(last)) = (end(0.001), end(0.999)) else { return Vec::new() };
    let width = (last - first) / BARS + 1;
    let bars = (last - first) / width + 1;
    let ms = |bucket: u16| round(latency::end_us(bucket) / 1_000.0);
    let mut all: Vec<HistogramBar> = (0..bars)
        .map(|n| {
            let start = first + n * width;
            HistogramBar {
                from_ms: if start == 0 { 0.0 } else { ms(start - 1) },
                to_ms: ms(start + width - 1),
                requests: 0,
            }
        })
        .collect();
    for (bucket, count) in histogram.iter() {
        let bar = bucket.clamp(first, last).saturating_sub(first) / width;
        all[usize::from(bar)].requests += count;
    }
    all
}

fn edges_ms(total: &Total) -> Vec<i64> {
    total.grid.edges_us.iter().map(|us| us.div_euclid(1_000)).collect()
}

fn to_latency_series(total: &Total) -> SeriesAnswer {
    let of =
        |share: f64| total.latency_series.iter().map(|bucket| quantile_ms(bucket, share)).collect();
    SeriesAnswer {
        edges: edges_ms(total),
        series: BTreeMap::from([("p50_ms", of(0.5)), ("p95_ms", of(0.95)), ("p99_ms", of(0.99))]),
    }
}

fn to_activity(total: &Total) -> SeriesAnswer {
    let class = |n: usize| total.classes.iter().map(|classes| Some(classes[n] as f64)).collect();
    let consumers = to_counts(&total.consumer_series);
    let rate = total.classes.iter().map(|classes| of_classes(Stat::SuccessRate, classes)).collect();
    let series = [
        ("1xx", class(0)),
        ("2xx", class(1)),
        ("3xx", class(2)),
        ("4xx", class(3)),
        ("5xx", class(4)),
        ("consumers", consumers),
        ("success_rate", rate),
    ];
    SeriesAnswer { edges: edges_ms(total), series: series.into_iter().collect() }
}

/// The order of a row: a value, its hits, its name.
type Place = (Option<f64>, u64, String);

/// Orders and cuts rows: the greatest first, rows without a value last, ties by hits and then by name.
fn cut_rows<T>(rows: &mut Vec<T>, most: usize, key: impl Fn(&T) -> Place) {
    let mut keyed: Vec<(Place, T)> = rows.drain(..).map(|row| (key(&row), row)).collect();
    keyed.sort_by(|(a, _), (b, _)| {
        let by_value = match (a.0, b.0) {
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        by_value.then(b.1.cmp(&a.1)).then_with(|| a.2.cmp(&b.2))
    });
    keyed.truncate(most);
    rows.extend(keyed.into_iter().map(|(_, row)| row));
}

/// The most hits that a missing row can have. None if nothing is missing: the table is full and its smallest row has
/// more. `rows`: the hits of each row shown. A row that is not shown may have `low_by` more than the count that it was
/// ordered by.
fn missing_up_to<T>(
    listing: &Listing<T>,
    rows: impl ExactSizeIterator<Item = u64>,
    most: usize,
) -> Option<u64> {
    let least = if rows.len() == most { rows.min() } else { None };
    let up_to = match (least, listing.low_by_up_to) {
        (Some(least), 0) if least > listing.missing_up_to => 0,
        (Some(least), low_by) if low_by > 0 => listing.missing_up_to.max(least + low_by),
        _ => listing.missing_up_to,
    };
    (up_to > 0).then_some(up_to)
}

fn to_endpoints(total: &Total, cut: Cut) -> EndpointsAnswer {
    let Listing { rows, count, .. } = &total.endpoints;
    let mut rows: Vec<&Endpoint> = rows.iter().collect();
    cut_rows(&mut rows, cut.rows, |sums| {
        (cut.sort.of_endpoint(sums), sums.requests, format!("{} {}", sums.route, sums.method))
    });
    let requests = rows.iter().map(|sums| sums.requests);
    let missing_up_to = missing_up_to(&total.endpoints, requests, cut.rows);
    let row = |sums: &Endpoint| EndpointAnswer {
        method: sums.method.to_string(),
        route: sums.route.to_string(),
        requests: sums.requests,
        client_errors: sums.client_errors,
        server_errors: sums.server_errors,
        p50_ms: quantile_ms(&sums.latency, 0.5),
        p95_ms: quantile_ms(&sums.latency, 0.95),
        p99_ms: quantile_ms(&sums.latency, 0.99),
        last_seen: to_rfc3339(sums.last_us),
    };
    EndpointsAnswer {
        rows: rows.into_iter().map(row).collect(),
        total_rows: count.count,
        about: count.about,
        missing_up_to,
    }
}

fn to_breakdown(mut listing: Listing<BreakdownRow>, most: usize) -> BreakdownAnswer {
    let count = listing.count;
    cut_rows(&mut listing.rows, most, |row| (None, row.requests, row.key.clone()));
    let requests = listing.rows.iter().map(|row| row.requests);
    let missing_up_to = missing_up_to(&listing, requests, most);
    BreakdownAnswer {
        rows: listing.rows,
        total_rows: count.count,
        about: count.about,
        missing_up_to,
    }
}

fn to_consumers(listing: &Listing<Consumer>, cut: Cut) -> ConsumersAnswer {
    let mut rows: Vec<&Consumer> = listing.rows.iter().collect();
    let key = |consumer: &Consumer| {
        if consumer.user.is_empty() {
            format!("a:{}", consumer.address)
        } else {
            format!("u:{}", consumer.user)
        }
    };
    cut_rows(&mut rows, cut.rows, |consumer| {
        (cut.sort.of_consumer(consumer), consumer.requests, key(consumer))
    });
    let requests = rows.iter().map(|consumer| consumer.requests);
    let missing_up_to = missing_up_to(listing, requests, cut.rows);
    let row = |consumer: &Consumer| ConsumerAnswer {
        key: key(consumer),
        user: consumer.user.clone(),
        address: consumer.address.clone(),
        country: consumer.country.as_str().to_owned(),
        requests: consumer.requests,
        client_errors: consumer.client_errors,
        server_errors: consumer.server_errors,
        p95_ms: quantile_ms(&consumer.latency, 0.95),
        last_seen: to_rfc3339(consumer.last_us),
    };
    ConsumersAnswer {
        rows: rows.into_iter().map(row).collect(),
        total_rows: listing.count.count,
        about: listing.count.about,
        missing_up_to,
        low_by_up_to: (listing.low_by_up_to > 0).then_some(listing.low_by_up_to),
        hidden: false,
    }
}

fn to_traffic(total: &Total, most: usize) -> TrafficAnswer {
    let series = |of: fn(&(u64, u64)) -> u64| {
        total.traffic.iter().map(|both| Some(of(both) as f64)).collect()
    };
    let over_time = SeriesAnswer {
        edges: edges_ms(total),
        series: BTreeMap::from([
            ("request_bytes", series(|both| both.0)),
            ("response_bytes", series(|both| both.1)),
        ]),
    };
    let mut rows: Vec<_> = total
        .endpoints
        .rows
        .iter()
        .filter(|sums| sums.request_bytes + sums.response_bytes > 0)
        .map(|sums| TrafficRow {
            method: sums.method.to_string(),
            route: sums.route.to_string(),
            requests: sums.requests,
            request_bytes: sums.request_bytes,
            response_bytes: sums.response_bytes,
        })
        .collect();
    cut_rows(&mut rows, most, |row| {
        let bytes = row.request_bytes + row.response_bytes;
        (Some(bytes as f64), row.requests, format!("{} {}", row.route, row.method))
    });
    TrafficAnswer {
        over_time,
        request_bytes: total.traffic.iter().map(|both| both.0).sum(),
        response_bytes: total.traffic.iter().map(|both| both.1).sum(),
        sized: total.sized,
        rows,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// RFC 3339 in UTC, to the microsecond.
pub(crate) fn to_rfc3339(time_us: i64) -> String {
    jiff::Timestamp::from_microsecond(time_us).map(|time| time.to_string()).unwrap_or_default()
}
