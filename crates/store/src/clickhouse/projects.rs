//! The hits of each project, for moving them.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::Deserialize;

use super::engine::Engine;
use super::sql::moving as sql;
use super::sql::params::Params;
use crate::types::StoreError;

/// A project's hits, and the times of the oldest and the newest one, microseconds.
#[derive(Clone, Copy, Debug)]
pub struct ProjectHits {
    pub hits: u64,
    pub first_us: i64,
    pub last_us: i64,
}

#[derive(Row, Deserialize)]
struct ProjectRow {
    project: u32,
    hits: u64,
    first_us: i64,
    last_us: i64,
}

/// By project.
pub async fn projects(engine: &Engine) -> Result<BTreeMap<u32, ProjectHits>, StoreError> {
    let none = Params::default();
    let rows = engine.ask::<ProjectRow>("counting hits", sql::PROJECTS, &none).await?;
    let of = |row: ProjectRow| {
        let ProjectRow { project, hits, first_us, last_us } = row;
        (project, ProjectHits { hits, first_us, last_us })
    };
    Ok(rows.into_iter().map(of).collect())
}
