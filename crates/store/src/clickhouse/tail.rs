//! Reads new hits of other servers for watchers: one statement for all watchers of a project.

use std::sync::Arc;
use std::time::Duration;

use analytics::limits;
use futures_util::{StreamExt as _, stream};

use super::engine::Engine;
use super::read;
use super::sql::params::Params;
use super::sql::tail as sql;
use crate::tail::{Tail, ToRead};
use crate::types::{HitRow, StoreError};

const PAUSE: Duration = Duration::from_millis(limits::TAIL_READ_MS);

/// Runs until it is dropped.
pub async fn show_others_hits(engine: &Engine, tail: &Tail) {
    loop {
        let mut round = tail.next_round().await;
        let began = tokio::time::Instant::now();
        let reads = std::mem::take(&mut round.reads).into_iter().map(|read| show(engine, read));
        let at_once = limits::TAIL_READS_AT_ONCE as usize;
        stream::iter(reads).buffer_unordered(at_once).collect::<()>().await;
        tail.end_round(round);
        // No more than half of the time.
        tokio::time::sleep(PAUSE.max(began.elapsed())).await;
    }
}

async fn show(engine: &Engine, mut wanted: ToRead) {
    wanted.show_numbers();
    let told = wanted.count();
    for n in 1..=limits::TAIL_READ_TRIES {
        if told == 0 || wanted.watches.is_empty() {
            return;
        }
        let erasures = wanted.erasures();
        let (hits, missed) = match find(engine, &wanted, told).await {
            Ok(found) => found,
            Err(problem) => {
                tracing::debug!(%problem, "new hits of other servers cannot be read");
                return wanted.miss();
            }
        };
        let is_whole = told > limits::TAIL_READ_HITS || hits.len() as u64 >= told;
        if is_whole || n == limits::TAIL_READ_TRIES {
            wanted.show(&hits, missed, &erasures);
        }
        if !wanted.watches.is_empty() && n < limits::TAIL_READ_TRIES {
            tokio::time::sleep(PAUSE).await;
        }
    }
    wanted.miss();
}

/// Hits in order of their ids, and how many more there are.
async fn find(
    engine: &Engine,
    wanted: &ToRead,
    told: u64,
) -> Result<(Vec<Arc<HitRow>>, u64), StoreError> {
    // Only then is the database asked to choose: else it is known whether all were found.
    let is_too_many = told > limits::TAIL_READ_HITS;
    let filters = wanted.filters().filter(|_| is_too_many).unwrap_or_default();
    let mut params = Params::default();
    let hits = wanted.hits.iter().map(|(node, stored)| (*node, stored));
    let sql = sql::told(wanted.project.0, hits, &filters, &mut params);
    let mut found = read::in_full(engine, &sql, &params).await?;
    found.reverse();
    let missed = match (is_too_many, filters.is_empty()) {
        (false, _) => 0,
        (true, true) => told.saturating_sub(found.len() as u64),
        // As many as were asked for: there may be others.
        (true, false) => u64::from(found.len() as u64 == limits::TAIL_READ_HITS),
    };
    Ok((found.into_iter().map(Arc::new).collect(), missed))
}
