//! Erasures. The call returns when every part that held matching hits has been rewritten, and the old ones are deleted.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use analytics::limits;
use clickhouse::Row;
use serde::Deserialize;

use super::engine::Engine;
use super::sql::erase as sql;
use super::sql::params::Params;
use crate::types::{Erasure, StoreError};

const CONTEXT: &str = "erasing hits";

/// Between two looks at the parts.
const STEP: Duration = Duration::from_millis(100);

/// A mutation that is not complete.
#[derive(Row, Deserialize)]
struct Mutation {
    id: String,
    reason: String,
}

#[derive(Row, Deserialize)]
struct Text {
    text: String,
}

#[derive(Row, Deserialize)]
struct Part {
    name: String,
}

/// Returns the number of hits erased (or changed).
pub async fn erase(engine: &Engine, erasure: &Erasure) -> Result<u64, StoreError> {
    let mut params = Params::default();
    let of = sql::of(erasure, &mut params);
    let hits = engine.ask_number(CONTEXT, &sql::count(&of), &params).await?;
    if hits > 0 {
        let kept = kept_condition(engine, erasure, &of).await?;
        engine.run(CONTEXT, &sql::erase(erasure, &kept), &Params::default()).await?;
    }
    // The statement may return early, for instance if it was killed.
    if engine.ask_number(CONTEXT, &sql::count(&of), &params).await? > 0 {
        return Err(StoreError::ErasureWaits);
    }
    delete_old_parts(engine).await?;
    Ok(hits)
}

/// The condition of the statement that erases.
async fn kept_condition(
    engine: &Engine,
    erasure: &Erasure,
    of: &str,
) -> Result<String, StoreError> {
    let Some((person, text)) = sql::person(erasure) else { return Ok(of.to_owned()) };
    let seed = RandomState::new();
    let key = [seed.hash_one(0), seed.hash_one(1)];
    let mut params = Params::default();
    let question = sql::hash(person, key, &mut params);
    let found = engine.ask::<Text>(CONTEXT, &question, &params).await?;
    let hash = found.first().map_or("", |row| row.text.as_str());
    Ok(sql::of_person(erasure, &text, key, hash))
}

/// Returns once no part that was replaced before is on disk. A query that reads one keeps it.
async fn delete_old_parts(engine: &Engine) -> Result<(), StoreError> {
    let none = Params::default();
    let old = engine.ask::<Part>(CONTEXT, sql::OLD_PARTS, &none).await?;
    let mut params = Params::default();
    let left = sql::count_parts(old.into_iter().map(|part| part.name).collect(), &mut params);
    let mut tries = limits::CLICKHOUSE_OLD_PARTS_SECONDS * 1_000 / STEP.as_millis() as u64;
    while engine.ask_number(CONTEXT, &left, &params).await? > 0 {
        if tries == 0 {
            return Err(StoreError::ErasureWaits);
        }
        tries -= 1;
        engine.run(CONTEXT, sql::DELETE_OLD_PARTS, &none).await?;
        tokio::time::sleep(STEP).await;
    }
    Ok(())
}

/// The rewrites that erasures wait for, with the last reason why one failed.
pub async fn running(engine: &Engine) -> Result<Vec<(String, String)>, StoreError> {
    let rows = engine.ask::<Mutation>(CONTEXT, sql::MUTATIONS, &Params::default()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.reason)).collect())
}
