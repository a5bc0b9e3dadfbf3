//! Erasures. The call returns when every part that held matching hits has been rewritten, and the old ones are deleted.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use analytics::limits;
use clickhouse::Row;
use serde::Deserialize;

use super::busiest;
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

/// Hits that match, of one node.
#[derive(Row, Deserialize)]
struct OfNode {
    node: u64,
    last: i64,
    hits: u64,
}

/// Returns the number of hits erased (or changed). `bound`: of `node`, hits with smaller ids are meant. Of other nodes,
/// those that ClickHouse has at the beginning.
pub async fn erase(
    engine: &Engine,
    erasure: &Erasure,
    node: u8,
    bound: i64,
) -> Result<u64, StoreError> {
    let (layout, mut params) = (engine.layout(), Params::default());
    let of = sql::of(erasure, &mut params);
    let before = sql::before(&of, node, bound);
    let ask = async |absent| {
        engine.ask::<OfNode>(CONTEXT, &sql::found(&before, layout, absent), &params).await
    };
    // Hosts that are away erase when they are back, and until then the erasure waits; the others need not.
    let (found, absent) = match ask(false).await {
        Err(problem @ StoreError::EngineAway { .. }) if layout.is_cluster() => {
            (ask(true).await?, Some(problem))
        }
        found => (found?, None),
    };
    let mut hits = found.iter().map(|row| row.hits).sum();
    if hits > 0 {
        if layout.is_cluster() {
            hits = engine.ask_number(CONTEXT, &sql::count(&before), &params).await?;
            // Those of an earlier try, or of another server.
            if !running(engine).await?.is_empty() {
                return Err(absent.unwrap_or(StoreError::ErasureWaits));
            }
        }
        let ids: Vec<(u64, i64)> = found.iter().map(|row| (row.node, row.last)).collect();
        let up_to = sql::up_to(&ids);
        let kept = kept_condition(engine, erasure, &of).await?;
        let statement =
            sql::erase(erasure, &format!("{kept} AND {up_to}"), layout, absent.is_some());
        engine.run(CONTEXT, &statement, &Params::default()).await?;
        // The statement may return early, for instance if it was killed.
        let left = sql::count_copies(&format!("{of} AND {up_to}"), layout);
        if absent.is_none() && engine.ask_number(CONTEXT, &left, &params).await? > 0 {
            return Err(StoreError::ErasureWaits);
        }
    }
    if let Some(problem) = absent {
        return Err(problem);
    }
    busiest::erase(engine, erasure).await?;
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
pub async fn delete_old_parts(engine: &Engine) -> Result<(), StoreError> {
    let none = Params::default();
    let layout = engine.layout();
    let old = engine.ask::<Part>(CONTEXT, &sql::old_parts(layout), &none).await?;
    let mut params = Params::default();
    let left =
        sql::count_parts(old.into_iter().map(|part| part.name).collect(), layout, &mut params);
    let mut tries = limits::CLICKHOUSE_OLD_PARTS_SECONDS * 1_000 / STEP.as_millis() as u64;
    while engine.ask_number(CONTEXT, &left, &params).await? > 0 {
        if tries == 0 {
            return Err(StoreError::ErasureWaits);
        }
        tries -= 1;
        if !layout.is_cluster() {
            for statement in sql::DELETE_OLD_PARTS {
                engine.run(CONTEXT, statement, &none).await?;
            }
        }
        tokio::time::sleep(STEP).await;
    }
    Ok(())
}

/// The rewrites that erasures wait for, in words: each with the last reason why it failed. "" if there are none.
pub async fn running(engine: &Engine) -> Result<String, StoreError> {
    let rows = engine
        .ask::<Mutation>(CONTEXT, &sql::mutations(engine.layout()), &Params::default())
        .await?;
    let words = rows.into_iter().map(|Mutation { id, reason }| match reason.as_str() {
        "" => id,
        _ => format!("{id} ({reason})"),
    });
    Ok(words.collect::<Vec<_>>().join(", "))
}
