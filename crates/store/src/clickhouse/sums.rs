//! Sums over a project's hits, for panels: a GROUP BY for each of the sums that are needed, at the same time.
//!
//! Rows to show are chosen by one question and summed up in full by a second, for these rows alone: so a million
//! consumers cost the server a count each. No list of rows is cut before it is sorted, so none lacks a row or a hit.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use analytics::latency::Histogram;
use analytics::query::SumsQuery;
use analytics::tally::{
    Count, Dimension, DistinctCount, Endpoint, Listing, NO_LATENCY, Needs, Sort, TallyLimits, Total,
};
use clickhouse::Row;
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::busiest::{AllLists, Lists};
use super::engine::Engine;
use super::known::Known;
use super::sql::params::Params;
use super::sql::rollups;
use super::sql::series::{self, Series};
use super::sql::sums::{self as sql, Hits, Name, Rows};
use super::sql::top::{Derived, top};
use crate::types::{ClickHouseLimits, StoreError};

const CONTEXT: &str = "summing up hits";

#[derive(Row, Deserialize)]
struct SeriesRow {
    series: u8,
    bucket: i64,
    /// The status, the hour, or the bucket of durations.
    number: u16,
    requests: u64,
    request_bytes: u64,
    response_bytes: u64,
    sized: u64,
    duration_us: u64,
}

#[derive(Row, Deserialize)]
pub struct DistinctRow {
    pub bucket: i64,
    pub few: u64,
    pub about: u64,
}

#[derive(Row, Deserialize)]
struct EndpointDurationRow {
    first: String,
    second: String,
    bucket: u16,
    requests: u64,
}

#[derive(Row, Deserialize)]
pub struct TopRow {
    /// The place of its list in the question.
    pub list: u8,
    pub first: String,
    pub second: String,
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    pub request_bytes: u64,
    pub response_bytes: u64,
}

#[derive(Row, Deserialize)]
pub struct DetailRow {
    pub first: String,
    pub second: String,
    /// The bucket of its durations.
    pub bucket: u16,
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    pub country: String,
    pub country_us: i64,
}

/// The values of each list.
type Values = HashMap<Dimension, Listing<(Arc<str>, Count)>>;

/// A question, and what its answer needs.
pub struct Question<'a> {
    pub engine: &'a Engine,
    known: &'a Known,
    pub query: &'a SumsQuery,
    pub needs: Needs,
    pub hits: Hits,
    pub limits: TallyLimits,
    days: ClickHouseLimits,
    lists: OnceCell<AllLists>,
}

pub async fn sums(
    engine: &Engine,
    known: &Known,
    query: &SumsQuery,
    (limits, days): (TallyLimits, ClickHouseLimits),
) -> Result<Total, StoreError> {
    let range = (query.grid.from_us, query.grid.to_us);
    let hits = Hits::of(&query.scope, range, &query.filter);
    let (needs, lists) = (query.all_needs(), OnceCell::new());
    let question = Question { engine, known, query, needs, hits, limits, days, lists };
    let (series, (endpoints, values), (consumers, consumer_series)) = tokio::try_join!(
        question.series(),
        question.endpoints_and_values(),
        question.consumers_and_series(),
    )?;
    let mut total = Total::new(query.grid.clone());
    for row in series {
        question.add_to_series(&mut total, &row);
    }
    for (bucket, count) in consumer_series {
        let bucket = sql::bucket_of(&query.grid, bucket);
        total.consumer_series[bucket] = match question.needs.has(Needs::STATUSES) {
            true => count.at_most(total.classes[bucket].iter().sum()),
            false => count,
        };
    }
    (total.endpoints, total.consumers, total.values) = (endpoints, consumers, values);
    Ok(total)
}

impl Question<'_> {
    pub async fn ask<T>(&self, sql: &str, params: &Params) -> Result<Vec<T>, StoreError>
    where
        T: clickhouse::RowOwned + clickhouse::RowRead,
    {
        self.engine.ask(CONTEXT, sql, params).await
    }

    pub async fn lists(&self) -> Result<&AllLists, StoreError> {
        let find = || AllLists::of(self.engine, self.known, &self.hits, self.days);
        self.lists.get_or_try_init(find).await
    }

    /// About how many hits the project has in the period, whatever the filter.
    pub async fn about_rows(&self) -> Result<u64, StoreError> {
        let grid = &self.query.grid;
        let range = (grid.from_us, grid.to_us);
        self.known.about_rows(self.engine, &[self.query.scope.project()], range).await
    }

    async fn series(&self) -> Result<Vec<SeriesRow>, StoreError> {
        let asked: Vec<(Series, bool)> = Series::ALL
            .into_iter()
            .filter_map(|series| match series {
                Series::Statuses => {
                    self.needs.has(Needs::STATUSES | Needs::TRAFFIC).then_some((series, true))
                }
                Series::Hours => self.needs.has(Needs::HOURS).then_some((series, false)),
                Series::Durations => self
                    .needs
                    .has(Needs::LATENCY | Needs::LATENCY_SERIES)
                    .then_some((series, self.needs.has(Needs::LATENCY_SERIES))),
            })
            .collect();
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let sql = series::series(&self.hits, &self.query.grid, &asked);
        self.ask(&sql, &self.hits.params()).await
    }

    fn add_to_series(&self, total: &mut Total, row: &SeriesRow) {
        let bucket = || sql::bucket_of(&self.query.grid, row.bucket);
        if row.series == Series::Statuses.number() {
            if self.needs.has(Needs::STATUSES) {
                *total.statuses.entry(row.number.min(599)).or_default() += row.requests;
                let class = usize::from(row.number / 100).clamp(1, 5) - 1;
                total.classes[bucket()][class] += row.requests;
            }
            if self.needs.has(Needs::TRAFFIC) {
                let traffic = &mut total.traffic[bucket()];
                traffic.0 += row.request_bytes;
                traffic.1 += row.response_bytes;
                total.sized += row.sized;
            }
        } else if row.series == Series::Hours.number() {
            total.hours[usize::from(row.number)] += row.requests;
        } else {
            if self.needs.has(Needs::LATENCY) {
                total.latency.add(row.number, row.requests);
                total.duration_us += u128::from(row.duration_us);
            }
            if self.needs.has(Needs::LATENCY_SERIES) {
                total.latency_series[bucket()].add(row.number, row.requests);
            }
        }
    }

    /// The endpoints that the tables show, and the values to list by name. The rows with most hits of all of these lists are
    /// asked for at once.
    async fn endpoints_and_values(&self) -> Result<(Listing<Endpoint>, Values), StoreError> {
        let of_endpoints = (Rows::Endpoints, self.limits.listed_whole + 1);
        let endpoints = self.needs.has(Needs::ENDPOINTS).then_some(of_endpoints);
        let values =
            self.query.values.iter().map(|value| (Rows::Values(*value), self.most(*value)));
        let asked: Vec<(Rows, u64)> = endpoints.into_iter().chain(values).collect();
        if asked.is_empty() {
            return Ok((Listing::default(), Values::new()));
        }
        let none = AllLists::default();
        let mut lists = if self.query.prefix.is_empty() { self.lists().await? } else { &none };
        let mut found = self.top(lists, &asked).await?;
        if found.is_none() {
            lists = &none;
            found = self.top(lists, &asked).await?;
        }
        let mut found = found.unwrap_or_default().into_iter();
        let found_endpoints = endpoints.and_then(|_| found.next());
        tokio::try_join!(
            self.endpoints(found_endpoints, &lists.endpoints),
            self.values(found.collect())
        )
    }

    async fn endpoints(
        &self,
        found: Option<Vec<TopRow>>,
        lists: &Lists,
    ) -> Result<Listing<Endpoint>, StoreError> {
        let Some(found) = found else { return Ok(Listing::default()) };
        if let Some(listing) = self.shown_endpoints(found, lists).await? {
            return Ok(listing);
        }
        let asked = [(Rows::Endpoints, self.limits.listed_whole + 1)];
        let mut found = self.top(&AllLists::default(), &asked).await?.unwrap_or_default();
        let found = found.pop().unwrap_or_default();
        Ok(self.shown_endpoints(found, &Lists::default()).await?.unwrap_or_default())
    }

    /// The endpoints that the tables show, of those with most hits: the first by the requested order, and the first by bytes.
    /// None if some of these lists, from which they are read, are gone.
    async fn shown_endpoints(
        &self,
        mut found: Vec<TopRow>,
        lists: &Lists,
    ) -> Result<Option<Listing<Endpoint>>, StoreError> {
        // Orders other than by hits are right while all endpoints are here; above that they order those with most hits.
        let whole = self.limits.listed_whole;
        let count = self.count(Rows::Endpoints, "", &found, whole).await?;
        if found.len() as u64 > whole {
            found.truncate(self.candidates());
        }
        let traffic = self.needs.has(Needs::TRAFFIC);
        let mut rows: Vec<Endpoint> = found
            .into_iter()
            .map(|row| Endpoint {
                method: row.first.into(),
                route: row.second.into(),
                requests: row.requests,
                client_errors: row.client_errors,
                server_errors: row.server_errors,
                last_us: row.last_us.max(0),
                latency: Histogram::default(),
                request_bytes: if traffic { row.request_bytes } else { 0 },
                response_bytes: if traffic { row.response_bytes } else { 0 },
            })
            .collect();
        let top = self.query.top;
        let mut lists_found = lists.found().len() as u64;
        if top.sort.is_of_latency() {
            lists_found = self.add_latencies(lists, &mut rows).await?;
        }
        let mut shown = first(&rows, top.rows, |row| (top.sort.of_endpoint(row), row.requests));
        shown.extend(first(&rows, top.rows, |row| {
            let bytes = row.request_bytes + row.response_bytes;
            ((bytes > 0).then_some(bytes as f64), row.requests)
        }));
        let mut place = 0;
        rows.retain(|_| {
            place += 1;
            shown.contains(&(place - 1))
        });
        if !top.sort.is_of_latency() {
            lists_found = self.add_latencies(lists, &mut rows).await?;
        }
        let listing = Listing { rows, count, missing_up_to: 0, low_by_up_to: 0 };
        Ok(lists.are_all(lists_found).then_some(listing))
    }

    /// Returns how many of the lists were there.
    async fn add_latencies(&self, lists: &Lists, rows: &mut [Endpoint]) -> Result<u64, StoreError> {
        let name = |row: &Endpoint| (row.method.to_string(), row.route.to_string());
        let names: Vec<Name> = rows.iter().map(name).collect();
        if names.is_empty() {
            return Ok(0);
        }
        let mut params = self.hits.params();
        let sql = sql::endpoint_durations(&self.hits, lists.found(), &names, &mut params);
        let durations = self.ask::<EndpointDurationRow>(&sql, &params).await?;
        let place: HashMap<&Name, usize> = names.iter().zip(0..).collect();
        let mut lists_found = 0;
        for row in durations {
            if row.bucket == NO_LATENCY {
                lists_found += row.requests;
            } else if let Some(at) = place.get(&(row.first, row.second)) {
                rows[*at].latency.add(row.bucket, row.requests);
            }
        }
        Ok(lists_found)
    }

    /// The values to list by name, of those with most hits, in the order of the question.
    async fn values(&self, found: Vec<Vec<TopRow>>) -> Result<Values, StoreError> {
        let mut all = Values::new();
        for (value, found) in self.query.values.iter().zip(found) {
            let (rows, most) = (Rows::Values(*value), self.most(*value));
            let count = self.count(rows, &self.query.prefix, &found, most).await?;
            all.insert(*value, self.to_listing(*value, found, count));
        }
        Ok(all)
    }

    /// The most rows that are asked for of a list of values. An answer has all words; texts that rollups have are few, so that
    /// all are asked for and need not be counted once more.
    fn most(&self, value: Dimension) -> u64 {
        let is_searched = !self.query.prefix.is_empty();
        match value {
            Dimension::Text(_) if is_searched || rollups::of_value(value).is_none() => {
                self.query.top.rows as u64
            }
            _ => self.limits.listed_whole,
        }
    }

    /// Texts as far as they are shown, and all words.
    fn to_listing(
        &self,
        value: Dimension,
        found: Vec<TopRow>,
        count: DistinctCount,
    ) -> Listing<(Arc<str>, Count)> {
        let shown = match value {
            Dimension::Text(_) => self.query.top.rows,
            _ => self.limits.listed_whole as usize,
        };
        let listed = found.into_iter().take(shown).map(|row| {
            let errors = row.client_errors + row.server_errors;
            (row.second.into(), Count { requests: row.requests, errors })
        });
        Listing { rows: listed.collect(), count, missing_up_to: 0, low_by_up_to: 0 }
    }

    /// The rows with most hits of each of these lists. None if some of the lists of values from which they are read are gone.
    async fn top(
        &self,
        lists: &AllLists,
        asked: &[(Rows, u64)],
    ) -> Result<Option<Vec<Vec<TopRow>>>, StoreError> {
        let mut by_list: Vec<Vec<TopRow>> = asked.iter().map(|_| Vec::new()).collect();
        if asked.iter().all(|(_, most)| *most == 0) {
            return Ok(Some(by_list));
        }
        let mut params = self.hits.params();
        let derived = Derived { endpoints: lists.endpoints.found(), values: lists.values.found() };
        let hits = match lists.few_hits {
            true => self.hits.without_rollups(),
            false => self.hits.clone(),
        };
        let sql = top(&hits, derived, asked, &self.query.prefix, &mut params);
        let mut lists_found = 0;
        for row in self.ask::<TopRow>(&sql, &params).await? {
            match by_list.get_mut(usize::from(row.list)) {
                Some(found) => found.push(row),
                None => lists_found += row.requests,
            }
        }
        let has_values = asked.iter().any(|(rows, _)| match rows {
            Rows::Values(value) => rollups::of_value(*value).is_some(),
            _ => false,
        });
        Ok((!has_values || lists.values.are_all(lists_found)).then_some(by_list))
    }

    /// The number of rows, of which `found` are at most `most`.
    pub async fn count(
        &self,
        rows: Rows,
        prefix: &str,
        found: &[TopRow],
        most: u64,
    ) -> Result<DistinctCount, StoreError> {
        if (found.len() as u64) < most && found.len() as u64 <= self.limits.distinct_exact {
            return Ok(DistinctCount { count: found.len() as u64, about: false });
        }
        let exact = self.limits.distinct_exact;
        let mut params = self.hits.params();
        let sql = sql::distinct(&self.hits, rows, prefix, exact, &mut params);
        let counted = self.ask::<DistinctRow>(&sql, &params).await?;
        Ok(counted.first().map(|row| to_count(row, exact)).unwrap_or_default())
    }

    /// The number of candidates with most hits. A table with another order is chosen from more rows than it shows.
    pub fn candidates(&self) -> usize {
        match self.query.top.sort {
            Sort::Requests => self.query.top.rows,
            _ => self.query.top.rows.max(self.limits.candidates as usize),
        }
    }
}

pub fn to_count(row: &DistinctRow, exact: u64) -> DistinctCount {
    match row.few <= exact {
        true => DistinctCount { count: row.few, about: false },
        false => DistinctCount { count: row.about, about: true },
    }
}

/// The places of the first `most` rows by value, descending, then by hits. Rows without a value come last.
pub fn first<T>(rows: &[T], most: usize, key: impl Fn(&T) -> (Option<f64>, u64)) -> HashSet<usize> {
    let mut keyed: Vec<(f64, u64, usize)> = rows
        .iter()
        .enumerate()
        .map(|(place, row)| {
            let (value, requests) = key(row);
            (value.unwrap_or(f64::NEG_INFINITY), requests, place)
        })
        .collect();
    keyed.sort_unstable_by(|one, other| {
        other.0.total_cmp(&one.0).then(other.1.cmp(&one.1)).then(one.2.cmp(&other.2))
    });
    keyed.into_iter().take(most).map(|(_, _, place)| place).collect()
}
