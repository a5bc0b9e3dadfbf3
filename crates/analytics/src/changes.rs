//! Compares two stretches of time: which endpoints fail more or got slower, which consumers went quiet or appeared.
//!
//! A difference counts if it is large enough to matter and, by a two-proportion test, too large to be chance. Both
//! sides need a minimum volume. Stretches of unequal length would give right shares and wrong consumers, so the caller
//! compares equal ones. Rows come from the lists of busiest endpoints and consumers; a row that a cut list may lack is
//! never counted as zero.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::round;
use crate::latency::Histogram;
use crate::limits;
use crate::tally::{Consumer, Endpoint, Listing, Total};

/// How an endpoint did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A larger share of its requests had a status from 500 on.
    FailsMore,
    /// Its 95th percentile rose.
    Slower,
    /// No difference that is more than chance.
    Steady,
    Faster,
    FailsLess,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct EndpointNumbers {
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    /// Null if no request carries a duration.
    pub p95_ms: Option<f64>,
}

/// An endpoint in both stretches.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EndpointChange {
    pub method: String,
    pub route: String,
    pub verdict: Verdict,
    pub before: EndpointNumbers,
    pub after: EndpointNumbers,
    /// About how many requests the difference touched: failed or slow ones beyond the share of before.
    #[serde(skip)]
    pub touched: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsumerNews {
    /// Called regularly, and hardly any more.
    Quiet,
    /// Calls a lot, and did not before.
    Appeared,
}

/// A consumer in both stretches.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ConsumerChange {
    /// `u:ID` or `a:ADDRESS`.
    pub key: String,
    pub user: String,
    pub address: String,
    pub news: ConsumerNews,
    /// Requests.
    pub before: u64,
    pub after: u64,
    /// The smaller of both is the most that it can be: there are too many consumers to list them all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_most: bool,
}

/// A row of what changed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Change {
    Endpoint(EndpointChange),
    Consumer(ConsumerChange),
}

/// The normal score from which a difference counts as more than chance: one in 30,000, because hundreds of endpoints
/// are compared at once.
const SCORE: f64 = 4.0;

/// The score of a two-proportion test, positive if the second share is larger. 0 if there is nothing to compare.
///
/// Pooled, as for a hypothesis of equal shares: z = (p2 - p1) / sqrt(p (1 - p) (1/n1 + 1/n2)).
fn score((hits1, all1): (u64, u64), (hits2, all2): (u64, u64)) -> f64 {
    if all1 == 0 || all2 == 0 {
        return 0.0;
    }
    let (n1, n2) = (all1 as f64, all2 as f64);
    let pooled = (hits1 + hits2) as f64 / (n1 + n2);
    let spread = (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
    if spread > 0.0 { (hits2 as f64 / n2 - hits1 as f64 / n1) / spread } else { 0.0 }
}

fn share(part: u64, all: u64) -> f64 {
    if all > 0 { part as f64 / all as f64 } else { 0.0 }
}

/// Whether server errors rose, and by how many requests.
fn more_failures(before: &Endpoint, after: &Endpoint) -> Option<f64> {
    let was = share(before.server_errors, before.requests);
    let rise = share(after.server_errors, after.requests) - was;
    let is_large = after.server_errors >= limits::CHANGE_ERRORS
        && rise * 100.0 >= limits::CHANGE_ERROR_POINTS as f64;
    let is_new = before.requests == 0;
    let z = score((before.server_errors, before.requests), (after.server_errors, after.requests));
    (is_large && (is_new || z >= SCORE)).then_some(rise * after.requests as f64)
}

/// Whether the 95th percentile rose, and how many requests beyond one in twenty are above the earlier one.
///
/// Tests the share of requests above the earlier percentile: a quantile itself has no spread to test by.
fn slower(before: &Histogram, after: &Histogram) -> Option<f64> {
    let (all_before, all_after) = (before.total(), after.total());
    if all_before.min(all_after) < limits::CHANGE_REQUESTS {
        return None;
    }
    let (was_us, is_us) = (before.quantile_us(0.95)?, after.quantile_us(0.95)?);
    let least_us = was_us * (1.0 + limits::CHANGE_SLOWER_PERCENT as f64 / 100.0);
    if is_us < least_us.max(was_us + limits::CHANGE_SLOWER_MS as f64 * 1_000.0) {
        return None;
    }
    let above = |times: &Histogram, all: u64| all - times.up_to(was_us as u64);
    let (above_before, above_after) = (above(before, all_before), above(after, all_after));
    let is_sure = score((above_before, all_before), (above_after, all_after)) >= SCORE;
    let rise = share(above_after, all_after) - share(above_before, all_before);
    is_sure.then_some(rise * all_after as f64)
}

fn judge(before: &Endpoint, after: &Endpoint) -> (Verdict, f64) {
    if let Some(touched) = more_failures(before, after) {
        (Verdict::FailsMore, touched)
    } else if let Some(touched) = slower(&before.latency, &after.latency) {
        (Verdict::Slower, touched)
    } else if let Some(touched) = more_failures(after, before) {
        (Verdict::FailsLess, touched)
    } else if let Some(touched) = slower(&after.latency, &before.latency) {
        (Verdict::Faster, touched)
    } else {
        (Verdict::Steady, 0.0)
    }
}

/// The most requests that a row outside the list can have; 0 if the list has all rows.
pub fn missing_up_to<T>(listing: &Listing<T>, requests: impl Fn(&T) -> u64) -> u64 {
    let is_cut = (listing.rows.len() as u64) < listing.count.count;
    let least = listing.rows.iter().map(requests).min().unwrap_or_default();
    let cut = if is_cut { least } else { 0 };
    // A listed row may have more requests than listed; so may one that it displaced.
    listing.missing_up_to.max(cut) + if is_cut { listing.low_by_up_to } else { 0 }
}

/// The endpoints with enough requests on both sides, and new ones that fail. The worst first and the best last; among
/// equals, those whose change touches most requests first.
pub fn compare_endpoints(
    before: &Listing<Endpoint>,
    after: &Listing<Endpoint>,
) -> Vec<EndpointChange> {
    let of_before: HashMap<(&str, &str), &Endpoint> =
        before.rows.iter().map(|row| ((&*row.method, &*row.route), row)).collect();
    let has_all = missing_up_to(before, |row| row.requests) == 0;
    let mut changes: Vec<EndpointChange> = Vec::new();
    for row in after.rows.iter().filter(|row| row.requests >= limits::CHANGE_REQUESTS) {
        let none = Endpoint::default();
        let (was, is_new) = match of_before.get(&(&*row.method, &*row.route)) {
            Some(was) if was.requests >= limits::CHANGE_REQUESTS => (*was, false),
            None if has_all => (&none, true),
            _ => continue,
        };
        let (verdict, touched) = judge(was, row);
        if is_new && verdict != Verdict::FailsMore {
            continue;
        }
        changes.push(EndpointChange {
            method: row.method.to_string(),
            route: row.route.to_string(),
            verdict,
            before: to_numbers(was),
            after: to_numbers(row),
            touched,
        });
    }
    changes.sort_by(|a, b| {
        let rank = |change: &EndpointChange| change.verdict as u8;
        let by_touched = match a.verdict {
            // The best of all is last.
            Verdict::Faster | Verdict::FailsLess => a.touched.total_cmp(&b.touched),
            _ => b.touched.total_cmp(&a.touched),
        };
        rank(a)
            .cmp(&rank(b))
            .then(by_touched)
            .then(b.after.requests.cmp(&a.after.requests))
            .then_with(|| (&a.route, &a.method).cmp(&(&b.route, &b.method)))
    });
    changes
}

pub fn to_numbers(row: &Endpoint) -> EndpointNumbers {
    EndpointNumbers {
        requests: row.requests,
        client_errors: row.client_errors,
        server_errors: row.server_errors,
        p95_ms: to_p95(&row.latency),
    }
}

/// The 95th percentile in milliseconds.
pub fn to_p95(latency: &Histogram) -> Option<f64> {
    latency.quantile_us(0.95).map(|us| round(us / 1_000.0))
}

/// Consumers that hardly call any more, those with most requests before first. `regular` then checks that they called
/// regularly. Empty if all calls fell as much.
pub fn quiet(before: &Total, after: &Total) -> Vec<ConsumerChange> {
    let (all_before, all_after) = (before.requests(), after.requests());
    // The calls that each would have if it had changed like the sum of all.
    let trend = if all_before > 0 { (all_after as f64 / all_before as f64).min(1.0) } else { 0.0 };
    let bound = missing_up_to(&after.consumers, |row| row.requests);
    let of_after = by_name(&after.consumers);
    let mut rows: Vec<ConsumerChange> = Vec::new();
    for row in &before.consumers.rows {
        let listed = of_after.get(&(row.user.as_str(), row.address.as_str()));
        let low_by = after.consumers.low_by_up_to;
        let now = listed.map_or(bound, |now| now.requests + low_by);
        let expected = row.requests as f64 * trend;
        let is_quiet = row.requests >= limits::CHANGE_CONSUMER_REQUESTS
            && expected >= limits::CHANGE_CONSUMER_REQUESTS as f64 / 2.0
            && now as f64 * 100.0 <= expected * limits::CHANGE_QUIET_PERCENT as f64;
        if is_quiet {
            let at_most = now > listed.map_or(0, |now| now.requests);
            rows.push(to_change(row, ConsumerNews::Quiet, row.requests, now, at_most));
        }
    }
    rows.sort_by(|a, b| b.before.cmp(&a.before).then_with(|| a.key.cmp(&b.key)));
    rows
}

/// Those that called in three of the four `parts` of the time before: a single burst is not a habit.
pub fn regular(quiet: Vec<ConsumerChange>, parts: &[Total]) -> Vec<ConsumerChange> {
    let parts: Vec<_> = parts.iter().map(|part| by_name(&part.consumers)).collect();
    let seen = |row: &ConsumerChange| {
        let name = (row.user.as_str(), row.address.as_str());
        parts.iter().filter(|part| part.contains_key(&name)).count()
    };
    quiet.into_iter().filter(|row| seen(row) * 4 >= parts.len() * 3 && seen(row) > 0).collect()
}

/// Consumers that are new and have a share of all requests, the largest first.
pub fn appeared(before: &Total, after: &Total) -> Vec<ConsumerChange> {
    // With nothing before, everything would be new.
    if before.requests() == 0 {
        return Vec::new();
    }
    let bound = missing_up_to(&before.consumers, |row| row.requests);
    let of_before = by_name(&before.consumers);
    let all = after.requests();
    let is_new = |row: &&Consumer| {
        row.requests >= limits::CHANGE_CONSUMER_REQUESTS
            && row.requests * 100 >= all * limits::CHANGE_CONSUMER_PERCENT
            && bound * 100 <= row.requests * limits::CHANGE_QUIET_PERCENT
            && !of_before.contains_key(&(row.user.as_str(), row.address.as_str()))
    };
    let rows = after.consumers.rows.iter().filter(is_new);
    let to_row = |row| to_change(row, ConsumerNews::Appeared, bound, row.requests, bound > 0);
    let mut rows: Vec<ConsumerChange> = rows.map(to_row).collect();
    rows.sort_by(|a, b| b.after.cmp(&a.after).then_with(|| a.key.cmp(&b.key)));
    rows
}

fn by_name(consumers: &Listing<Consumer>) -> HashMap<(&str, &str), &Consumer> {
    let named = consumers.rows.iter();
    named.map(|row| ((row.user.as_str(), row.address.as_str()), row)).collect()
}

fn to_change(
    row: &Consumer,
    news: ConsumerNews,
    before: u64,
    after: u64,
    at_most: bool,
) -> ConsumerChange {
    ConsumerChange {
        key: if row.user.is_empty() {
            format!("a:{}", row.address)
        } else {
            format!("u:{}", row.user)
        },
        user: row.user.clone(),
        address: row.address.clone(),
        news,
        before,
        after,
        at_most,
    }
}

/// The rows worth showing: endpoints that fail, slower ones, consumers that went quiet, new ones. Two of each kind come
/// first, then others while there is room.
pub fn choose(
    endpoints: Vec<EndpointChange>,
    quiet: Vec<ConsumerChange>,
    appeared: Vec<ConsumerChange>,
) -> Vec<Change> {
    const EACH: usize = 2;
    let (failing, others): (Vec<_>, Vec<_>) =
        endpoints.into_iter().partition(|change| change.verdict == Verdict::FailsMore);
    let slower = others.into_iter().filter(|change| change.verdict == Verdict::Slower);
    let kinds: [Vec<Change>; 4] = [
        failing.into_iter().map(Change::Endpoint).collect(),
        slower.map(Change::Endpoint).collect(),
        quiet.into_iter().map(Change::Consumer).collect(),
        appeared.into_iter().map(Change::Consumer).collect(),
    ];
    let most = limits::CHANGES_SHOWN as usize;
    let mut taken = [0; 4];
    for each in [EACH, most] {
        for (kind, rows) in kinds.iter().enumerate() {
            let room = most - taken.iter().sum::<usize>();
            taken[kind] += (rows.len().min(each) - rows.len().min(taken[kind])).min(room);
        }
    }
    kinds.into_iter().zip(taken).flat_map(|(rows, taken)| rows.into_iter().take(taken)).collect()
}

#[cfg(test)]
mod tests;
