//! Every row of a breakdown with its sums. If there are more rows than a list may have, the busiest of them come from
//! `sums`.

use std::ops::ControlFlow;

use analytics::latency::Histogram;
use analytics::query::{RankingQuery, SumsQuery};
use analytics::ranking::{
    Ranked, Ranking, RankingBuilder, RankingLimits, RowName, RowSum, TooManyRows,
};
use analytics::tally::{NO_LATENCY, Total};

use super::engine::Engine;
use super::read::to_country;
use super::sql::sums::{self as sql, Hits, Rows};
use super::sums::DetailRow;
use crate::busiest;
use crate::types::StoreError;

const CONTEXT: &str = "making a list";

pub async fn ranking(
    engine: &Engine,
    query: &RankingQuery,
    limits: RankingLimits,
    sums: impl AsyncFnOnce(&SumsQuery) -> Result<Total, StoreError>,
) -> Result<Ranking, StoreError> {
    match all_rows(engine, query, limits).await? {
        Ok(ranking) => Ok(ranking),
        Err(TooManyRows) => {
            let total = sums(&query.busiest()).await?;
            Ok(busiest::ranking(query, &total, limits))
        }
    }
}

async fn all_rows(
    engine: &Engine,
    query: &RankingQuery,
    limits: RankingLimits,
) -> Result<Result<Ranking, TooManyRows>, StoreError> {
    let rows = match query.of {
        Ranked::Endpoints => Rows::Endpoints,
        Ranked::Consumers => Rows::Consumers,
        Ranked::Statuses => Rows::Statuses,
        Ranked::Value(value) => Rows::Values(value),
    };
    let hits = Hits::of(&query.scope, (query.from_us, query.to_us), &query.filter);
    let mut params = hits.params();
    let durations = query.of.is_detailed();
    let sql = sql::list(&hits, rows, query.search.words(), durations, &mut params);
    let mut builder = RankingBuilder::new(query.of, limits);
    let mut too_many = false;
    let add = |part: DetailRow| {
        if query.of == Ranked::Consumers && part.first == "a" && !query.addresses {
            return ControlFlow::Continue(());
        }
        // A detailed row comes in parts, one for each bucket of its durations.
        let mut latency = Histogram::default();
        if durations && part.bucket != NO_LATENCY {
            latency.add(part.bucket, part.requests);
        }
        let sum = RowSum {
            requests: part.requests,
            client_errors: part.client_errors,
            server_errors: part.server_errors,
            last_us: part.last_us.max(0),
            country: to_country(&part.country).number(),
            country_us: part.country_us,
        };
        let name = RowName { first: &part.first, second: &part.second };
        too_many = builder.add(name, &sum, &latency).is_err() || builder.sums().is_too_large();
        if too_many { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    engine.each(CONTEXT, &sql, &params, add).await?;
    Ok(if too_many { Err(TooManyRows) } else { builder.finish() })
}
