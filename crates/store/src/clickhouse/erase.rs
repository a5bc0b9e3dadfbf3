//! Erasures. The call returns when every part that held matching hits has been rewritten, on every replica.

use clickhouse::Row;
use serde::Deserialize;

use super::engine::Engine;
use super::sql::erase as sql;
use super::sql::params::Params;
use crate::types::{Erasure, StoreError};

const CONTEXT: &str = "erasing hits";

/// A mutation that is not complete.
#[derive(Row, Deserialize)]
struct Mutation {
    id: String,
    reason: String,
}

/// Returns the number of hits erased (or changed).
pub async fn erase(engine: &Engine, erasure: &Erasure) -> Result<u64, StoreError> {
    let mut params = Params::default();
    let of = sql::of(erasure, &mut params);
    let hits = engine.ask_number(CONTEXT, &sql::count(&of), &params).await?;
    if hits > 0 {
        engine.run(CONTEXT, &sql::erase(erasure, &of), &params).await?;
    }
    // The statement may return early, for instance if it was killed.
    match engine.ask_number(CONTEXT, &sql::count(&of), &params).await? {
        0 => Ok(hits),
        _ => Err(StoreError::ErasureWaits),
    }
}

/// The rewrites that erasures wait for, with the last reason why one failed.
pub async fn running(engine: &Engine) -> Result<Vec<(String, String)>, StoreError> {
    let rows = engine.ask::<Mutation>(CONTEXT, sql::MUTATIONS, &Params::default()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.reason)).collect())
}
