//! The consumers of a page: those that its table shows, with their sums, and how many there are by bucket. A part of `sums`.

use std::collections::HashMap;

use analytics::limits;
use analytics::tally::{Consumer, DistinctCount, Listing, NO_LATENCY, Needs};
use clickhouse::Row;
use serde::Deserialize;

use super::busiest::Lists;
use super::read::to_country;
use super::sql::busiest::LISTS;
use super::sql::sums::{self as sql, Name, Rows};
use super::sums::{DetailRow, DistinctRow, Question, first, to_count};
use crate::types::StoreError;

#[derive(Row, Deserialize)]
struct ConsumerRow {
    consumer: u64,
    number: u64,
    seen: u64,
}

#[derive(Row, Deserialize)]
struct ConsumersRow {
    number: u64,
    busiest: Vec<u64>,
    /// Buckets and how many consumers they have.
    series: Vec<(i64, u64)>,
}

/// `DistinctCount`s above the limit are estimates, so one of these may be below it.
const NEAR_PERCENT: u64 = 105;

/// The number of consumers of each bucket that has some.
type ConsumerSeries = Vec<(i64, DistinctCount)>;

impl Question<'_> {
    /// The consumers that the table shows, and how many each bucket has.
    pub async fn consumers_and_series(
        &self,
    ) -> Result<(Listing<Consumer>, ConsumerSeries), StoreError> {
        let is_for_both = self.needs.has(Needs::CONSUMERS)
            && self.needs.has(Needs::CONSUMER_SERIES)
            && self.query.top.consumers
            && sql::has_no_sketches(&self.hits, &self.query.grid)
            && self.about_rows().await? <= limits::CLICKHOUSE_ONE_SCAN_HITS;
        if !is_for_both || !self.lists().await?.consumers.found().is_empty() {
            return tokio::try_join!(self.consumers(), self.consumer_series());
        }
        let most = self.candidates() as u64;
        let sql = sql::consumers_and_series(&self.hits, &self.query.grid, most);
        let found = self.ask::<ConsumersRow>(&sql, &self.hits.params()).await?;
        let Some(ConsumersRow { number, busiest, series }) = found.into_iter().next() else {
            return Ok(Default::default());
        };
        let of_hits = Lists::default();
        let rows = self.details(&of_hits, &busiest).await?.unwrap_or_default();
        let count = |count| DistinctCount { count, about: false };
        let listing = Listing { rows, count: count(number), missing_up_to: 0, low_by_up_to: 0 };
        let series = series.into_iter().map(|(bucket, number)| (bucket, count(number)));
        Ok((listing, series.collect()))
    }

    async fn consumer_series(&self) -> Result<ConsumerSeries, StoreError> {
        if !self.needs.has(Needs::CONSUMER_SERIES) {
            return Ok(Vec::new());
        }
        let exact = self.limits.bucket_consumers_exact;
        let sql = sql::consumer_series(&self.hits, Some(&self.query.grid), exact);
        let rows = self.ask::<DistinctRow>(&sql, &self.hits.params()).await?;
        Ok(rows.iter().map(|row| (row.bucket, to_count(row, exact))).collect())
    }

    async fn consumers(&self) -> Result<Listing<Consumer>, StoreError> {
        if !self.needs.has(Needs::CONSUMERS) {
            return Ok(Listing::default());
        }
        if !self.query.top.consumers {
            let count = self.count_consumers().await?;
            return Ok(Listing { count, ..Listing::default() });
        }
        match self.busiest(&self.lists().await?.consumers).await? {
            Some(listing) => Ok(listing),
            None => Ok(self.busiest(&Lists::default()).await?.unwrap_or_default()),
        }
    }

    /// The consumers that the table shows, with the help of these lists. None if some of these are gone.
    async fn busiest(&self, lists: &Lists) -> Result<Option<Listing<Consumer>>, StoreError> {
        let sql = sql::top_consumers(&self.hits, lists.found(), self.candidates() as u64);
        let found = self.ask::<ConsumerRow>(&sql, &self.hits.params()).await?;
        let count = match lists.are_complete() {
            true => {
                DistinctCount { count: found.first().map_or(0, |row| row.number), about: false }
            }
            false => self.count_consumers().await?,
        };
        let low_by_up_to =
            found.iter().map(|row| lists.left_out().saturating_sub(row.seen)).max().unwrap_or(0);
        let consumers: Vec<u64> = found.iter().map(|row| row.consumer).collect();
        let rows = self.details(lists, &consumers).await?;
        let missing_up_to = lists.left_out();
        Ok(rows.map(|rows| Listing { rows, count, missing_up_to, low_by_up_to }))
    }

    /// Those of these consumers that the table shows. None if some of the lists are gone.
    async fn details(
        &self,
        lists: &Lists,
        consumers: &[u64],
    ) -> Result<Option<Vec<Consumer>>, StoreError> {
        let top = self.query.top;
        let durations = self.needs.has(Needs::CONSUMER_LATENCY);
        let (mut by_name, mut lists_found) = (HashMap::<Name, Consumer>::new(), 0);
        if !consumers.is_empty() || !lists.found().is_empty() {
            let sql = sql::details(&self.hits, lists.found(), consumers, durations);
            for detail in self.ask::<DetailRow>(&sql, &self.hits.params()).await? {
                if detail.first == LISTS {
                    lists_found += detail.requests;
                    continue;
                }
                let name = (detail.first.clone(), detail.second.clone());
                add_to_consumer(by_name.entry(name).or_default(), &detail, durations);
            }
        }
        if !lists.are_all(lists_found) {
            return Ok(None);
        }
        let mut rows: Vec<Consumer> = by_name
            .into_iter()
            .map(|((first, second), sums)| match first.as_str() {
                "u" => Consumer { user: second, ..sums },
                _ => Consumer { address: second, ..sums },
            })
            .collect();
        rows.sort_by(|one, other| (&one.user, &one.address).cmp(&(&other.user, &other.address)));
        let shown = first(&rows, top.rows, |row| (top.sort.of_consumer(row), row.requests));
        let mut place = 0;
        rows.retain(|_| {
            place += 1;
            shown.contains(&(place - 1))
        });
        Ok(Some(rows))
    }

    async fn count_consumers(&self) -> Result<DistinctCount, StoreError> {
        let exact = self.limits.distinct_exact;
        let params = self.hits.params();
        if self.hits.whole_range().is_some() {
            let sql = sql::consumer_series(&self.hits, None, exact);
            let counted = self.ask::<DistinctRow>(&sql, &params).await?;
            let count = counted.first().map(|row| to_count(row, exact)).unwrap_or_default();
            if !count.about || count.count > exact * NEAR_PERCENT / 100 {
                return Ok(count);
            }
        }
        self.count(Rows::Consumers, "", &[], 0).await
    }
}

/// Adds a part of a consumer's sums.
fn add_to_consumer(sums: &mut Consumer, part: &DetailRow, durations: bool) {
    sums.requests += part.requests;
    sums.client_errors += part.client_errors;
    sums.server_errors += part.server_errors;
    sums.last_us = sums.last_us.max(part.last_us);
    let country = to_country(&part.country);
    if !part.country.is_empty() && (part.country_us, country) > (sums.country_us, sums.country) {
        (sums.country_us, sums.country) = (part.country_us, country);
    }
    if durations && part.bucket != NO_LATENCY {
        sums.latency.add(part.bucket, part.requests);
    }
}
