//! The data folder that writes as a node. A hit's id holds the number of its node, so two folders with one number would
//! give an id twice; and an older copy of a folder would give its own ids again.

use analytics::hit::{HitId, ProjectId};
use clickhouse::Row;
use serde::Deserialize;

use super::engine::Engine;
use super::migrate::migrate;
use super::read;
use super::sql::node as sql;
use super::sql::params::Params;
use crate::clock::now_us;
use crate::inbox::identity::FolderId;
use crate::shared::Shared;
use crate::types::{ClickHousePlace, StoreError};

const CONTEXT: &str = "looking which folders write to ClickHouse";

#[derive(Row, Deserialize)]
struct Node {
    node: u8,
}

#[derive(Row, Deserialize)]
struct Folder {
    text: String,
}

#[derive(Row, Deserialize)]
struct Holder {
    node: u8,
    text: String,
}

/// The database's knowledge of a node.
pub struct Known {
    /// The folder that writes as it.
    pub holder: Option<FolderId>,
    /// Of its hits; 0 if it has none. All earlier records have been inserted.
    pub newest_seq: u64,
    /// Of all hits; 0 if there are none.
    pub highest_project: ProjectId,
}

/// Makes the tables if there are none.
pub async fn look(
    place: &ClickHousePlace,
    node: u8,
    query_seconds: u64,
) -> Result<Known, StoreError> {
    let (engine, none) = (Engine::new(place, query_seconds), Params::default());
    migrate(&engine).await?;
    let newest = engine.ask_number(CONTEXT, &sql::newest(node, engine.layout()), &none).await?;
    let project = engine.ask_number(CONTEXT, &sql::highest_project(engine.layout()), &none).await?;
    Ok(Known {
        holder: holder(&engine, node).await?.as_deref().and_then(from_hex),
        newest_seq: HitId(newest as i64).seq(),
        highest_project: ProjectId(project as u32),
    })
}

/// The folders that have a number. Makes the tables if there are none.
pub async fn folders(
    place: &ClickHousePlace,
    query_seconds: u64,
) -> Result<Vec<(u8, FolderId)>, StoreError> {
    let (engine, none) = (Engine::new(place, query_seconds), Params::default());
    migrate(&engine).await?;
    let rows = engine.ask::<Holder>(CONTEXT, &sql::holders(engine.layout()), &none).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.node, from_hex(&row.text)?))).collect())
}

/// The tables are there, and nobody else writes as this node.
pub async fn prepare(engine: &Engine, shared: &Shared, last_seq: u64) -> Result<(), StoreError> {
    let node = shared.options.node;
    take(engine, node, &shared.identity.folder).await?;
    check_newest(engine, node, last_seq).await
}

/// Makes the tables if there are none, and takes the number for this folder, unless another has it.
pub async fn take(engine: &Engine, node: u8, folder: &FolderId) -> Result<(), StoreError> {
    migrate(engine).await?;
    let own = hex(folder);
    if let Some(holder) = holder(engine, node).await? {
        return if holder == own { Ok(()) } else { Err(StoreError::NodeTaken { node }) };
    }
    let mut params = Params::default();
    let put = sql::put(node, &own, now_us(), &mut params);
    engine.run(CONTEXT, &put, &params).await?;
    // Two folders may have claimed it at once: both read the same first row.
    match holder(engine, node).await? {
        Some(holder) if holder == own => Ok(()),
        _ => Err(StoreError::NodeTaken { node }),
    }
}

/// Whether the database has no hits. Makes the tables if there are none.
pub async fn is_empty(engine: &Engine) -> Result<bool, StoreError> {
    migrate(engine).await?;
    Ok(read::count_all(engine).await? == 0)
}

/// A node with hits there that is not this folder's.
pub async fn other(engine: &Engine, folder: &FolderId) -> Result<Option<u8>, StoreError> {
    migrate(engine).await?;
    let own = hex(folder);
    for found in engine.ask::<Node>(CONTEXT, sql::NODES_OF_HITS, &Params::default()).await? {
        if holder(engine, found.node).await?.as_ref() != Some(&own) {
            return Ok(Some(found.node));
        }
    }
    Ok(None)
}

async fn holder(engine: &Engine, node: u8) -> Result<Option<String>, StoreError> {
    let sql = sql::holder(node, engine.layout());
    let rows = engine.ask::<Folder>(CONTEXT, &sql, &Params::default()).await?;
    Ok(rows.into_iter().next().map(|row| row.text))
}

/// Refuses an inbox that is older than hits that it has inserted.
async fn check_newest(engine: &Engine, node: u8, last_seq: u64) -> Result<(), StoreError> {
    let from = HitId::new(node, last_seq + 1, 0).0;
    let found = engine.ask_number(CONTEXT, &sql::has_newer(node, from), &Params::default()).await?;
    if found == 0 {
        return Ok(());
    }
    Err(StoreError::NotWhole(format!(
        "inbox.sqlite is an older copy: ClickHouse has hits of node {node} that it does not know. Nothing was changed. Put the \
         newest one back; or start with another number for `node` and an empty folder"
    )))
}

fn from_hex(text: &str) -> Option<FolderId> {
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

fn hex(bytes: &FolderId) -> String {
    format!("{:032x}", u128::from_be_bytes(*bytes))
}
