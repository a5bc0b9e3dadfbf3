//! The engine that keeps the hits. A question is data in and data out: no file, connection or statement leaves an engine.
//! `Store` documents the questions.

use std::sync::Arc;

use analytics::query::{
    ArrivalQuery, CellsQuery, EndpointsQuery, HitsQuery, PresenceQuery, ProjectScope, RankingQuery,
    SlowestQuery, SumsQuery,
};
use analytics::ranking::Ranking;
use analytics::tally::Total;

use crate::clickhouse::ClickHouse;
use crate::duckdb::DuckDb;
use crate::tail::Tail;
use crate::types::{
    Cells, EndpointCounts, EngineStats, Found, HitRow, Looked, Part, Presences, RouteRules,
    Slowest, StoreError,
};

#[derive(Clone)]
pub enum HitStore {
    DuckDb(Arc<DuckDb>),
    ClickHouse(Arc<ClickHouse>),
}

impl HitStore {
    pub async fn part_of_hits(
        &self,
        query: HitsQuery,
        most_bytes: usize,
    ) -> Result<Part<HitsQuery>, StoreError> {
        match self {
            HitStore::DuckDb(store) => store.part_of_hits(query, most_bytes).await,
            HitStore::ClickHouse(store) => store.part_of_hits(query, most_bytes).await,
        }
    }

    pub async fn part_of_arrivals(
        &self,
        query: ArrivalQuery,
        most_bytes: usize,
    ) -> Result<Part<ArrivalQuery>, StoreError> {
        match self {
            HitStore::DuckDb(store) => store.part_of_arrivals(query, most_bytes).await,
            HitStore::ClickHouse(store) => store.part_of_arrivals(query, most_bytes).await,
        }
    }

    pub async fn slowest(
        &self,
        query: SlowestQuery,
        looked: Looked,
    ) -> Result<Slowest, StoreError> {
        match self {
            HitStore::DuckDb(store) => store.slowest(query, looked).await,
            HitStore::ClickHouse(store) => store.slowest(query).await,
        }
    }

    pub async fn fetch(
        &self,
        scope: &ProjectScope,
        found: Found,
        most_bytes: usize,
    ) -> Result<(Vec<HitRow>, Found), StoreError> {
        match self {
            HitStore::DuckDb(store) => store.fetch(scope, found, most_bytes).await,
            HitStore::ClickHouse(store) => store.fetch(scope, found, most_bytes).await,
        }
    }

    /// Shows watchers the hits that other servers store. Runs until it is dropped.
    pub async fn show_others_hits(&self, tail: &Tail) {
        match self {
            // Nobody else writes to the folder.
            HitStore::DuckDb(_) => std::future::pending().await,
            HitStore::ClickHouse(store) => store.show_others_hits(tail).await,
        }
    }

    pub async fn sums(&self, query: SumsQuery) -> Result<Total, StoreError> {
        match self {
            HitStore::DuckDb(store) => store.sums(query).await,
            HitStore::ClickHouse(store) => store.sums(&query).await,
        }
    }

    /// Brings routes of stored hits up to date with today's rules, if no thread of the engine does. Returns how many are
    /// rewritten from now on.
    pub async fn bring_routes_up_to_date(&self, rules: &dyn RouteRules) -> Result<u64, StoreError> {
        match self {
            HitStore::DuckDb(_) => Ok(0),
            HitStore::ClickHouse(store) => store.bring_routes_up_to_date(rules).await,
        }
    }

    /// Derives sums for later questions, if this is not done when hits are written. Returns how many.
    pub async fn derive(&self, now_us: i64) -> Result<u64, StoreError> {
        match self {
            HitStore::DuckDb(_) => Ok(0),
            HitStore::ClickHouse(store) => store.derive(now_us).await,
        }
    }

    pub async fn ranking(&self, query: RankingQuery) -> Result<Ranking, StoreError> {
        match self {
            HitStore::DuckDb(store) => store.ranking(query).await,
            HitStore::ClickHouse(store) => store.ranking(&query).await,
        }
    }

    pub async fn cells(&self, query: CellsQuery) -> Result<Cells, StoreError> {
        match self {
            HitStore::DuckDb(store) => store.cells(query).await,
            HitStore::ClickHouse(store) => store.cells(&query).await,
        }
    }

    pub async fn endpoint_counts(
        &self,
        query: EndpointsQuery,
    ) -> Result<EndpointCounts, StoreError> {
        match self {
            HitStore::DuckDb(store) => store.endpoint_counts(query).await,
            HitStore::ClickHouse(store) => store.endpoint_counts(&query).await,
        }
    }

    pub async fn presences(&self, query: PresenceQuery) -> Result<Presences, StoreError> {
        match self {
            HitStore::DuckDb(store) => store.presences(query).await,
            HitStore::ClickHouse(store) => store.presences(&query).await,
        }
    }

    pub async fn rows_between(
        &self,
        scopes: &[ProjectScope],
        from_us: i64,
        to_us: i64,
    ) -> Result<u64, StoreError> {
        match self {
            HitStore::DuckDb(store) => {
                Ok(scopes.iter().map(|scope| store.rows_between(scope, from_us, to_us)).sum())
            }
            HitStore::ClickHouse(store) => store.rows_between(scopes, from_us, to_us).await,
        }
    }

    pub async fn about_rows(
        &self,
        scopes: &[ProjectScope],
        from_us: i64,
        to_us: i64,
    ) -> Result<u64, StoreError> {
        match self {
            // It knows no better, and at no cost.
            HitStore::DuckDb(_) => self.rows_between(scopes, from_us, to_us).await,
            HitStore::ClickHouse(store) => store.about_rows(scopes, from_us, to_us).await,
        }
    }

    pub async fn extent(&self, scope: &ProjectScope) -> Result<Option<(i64, i64)>, StoreError> {
        match self {
            HitStore::DuckDb(store) => Ok(store.extent(scope)),
            HitStore::ClickHouse(store) => store.extent(scope).await,
        }
    }

    pub fn stats(&self) -> EngineStats {
        match self {
            HitStore::DuckDb(store) => {
                let duckdb = store.stats();
                let rows = duckdb.active_rows + duckdb.sealed_rows;
                let ready = store.engine.load().is_some();
                EngineStats { ready, rows, duckdb: Some(duckdb), clickhouse: None }
            }
            HitStore::ClickHouse(store) => store.stats(),
        }
    }

    /// Ends the builder's thread. The writer's has ended.
    pub fn end_jobs(&self) {
        match self {
            HitStore::DuckDb(store) => store.jobs.close(),
            HitStore::ClickHouse(store) => store.end_erasures(),
        }
    }

    /// Lets go of what it holds. All its threads have ended.
    pub fn close(&self) {
        match self {
            HitStore::DuckDb(store) => store.close(),
            HitStore::ClickHouse(_) => {}
        }
    }
}
