//! Hits in ClickHouse: the same questions as DuckDB's, answered by a server. It adds up, and only sums come back.
//!
//! It holds one table of hits (`sql/schema.rs`), whose columns derive from `analytics::hit_fields`. A hit has its texts as
//! values; dictionaries are the server's concern. Records are inserted in groups, each once (`insert.rs`).

mod addresses;
pub mod arriving;
mod busiest;
mod connections;
mod consumers;
mod engine;
mod erase;
mod eraser;
mod failure;
mod insert;
mod known;
pub mod leaving;
mod migrate;
pub mod node;
pub mod open;
mod outdated_routes;
mod projects;
mod rankings;
mod read;
mod sql;
mod sums;
mod tail;
mod windows;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use analytics::hit::{ProjectId, TextKind};
use analytics::query::{
    ArrivalQuery, CellsQuery, EndpointsQuery, HitsQuery, PresenceQuery, ProjectScope, RankingQuery,
    SlowestQuery, SumsQuery,
};
use analytics::ranking::{Ranking, RankingLimits};
use analytics::tally::{TallyLimits, Total};
use tokio::sync::Mutex;

use crate::outdated_routes::OutdatedRoutes;
use crate::tail::Tail;
use crate::types::{
    Cells, ClickHouseLimits, ClickHousePlace, ClickHouseStats, EndpointCounts, EngineStats, Found,
    HitRow, Part, Presences, RouteLimits, RouteRules, Slowest, StoreError, StoreLimits,
};
pub use migrate::is_older;

use busiest::Resting;
use engine::Engine;
use eraser::Erasures;
use known::Known;

/// The hits of a database in ClickHouse.
pub struct ClickHouse {
    engine: Engine,
    tally: TallyLimits,
    ranking: RankingLimits,
    limits: ClickHouseLimits,
    resting: Mutex<Resting>,
    known: Known,
    outdated_routes: Mutex<OutdatedRoutes<ProjectId>>,
    routes: RouteLimits,
    state: Arc<State>,
    /// None until the store is open.
    erasures: Option<Arc<Erasures>>,
}

/// The writer's knowledge of the database.
#[derive(Default)]
struct State {
    /// The tables are there, and this server may write to them.
    prepared: AtomicBool,
    /// The hits of all projects and nodes, as of a moment ago.
    rows: AtomicU64,
    /// Hits of batches that another server stores, and batches that were stored without asking for that.
    hits_elsewhere: AtomicU64,
    batches_unasked: AtomicU64,
}

impl State {
    fn is_prepared(&self) -> bool {
        self.prepared.load(Ordering::Relaxed)
    }

    fn set_prepared(&self, prepared: bool) {
        self.prepared.store(prepared, Ordering::Relaxed);
    }

    fn set_rows(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
    }
}

impl ClickHouse {
    /// Connects to nothing yet.
    fn new(place: &ClickHousePlace, limits: &StoreLimits) -> ClickHouse {
        ClickHouse {
            engine: Engine::new(place, limits.query_seconds),
            tally: limits.tally,
            ranking: limits.ranking,
            limits: limits.clickhouse,
            resting: Mutex::default(),
            known: Known::default(),
            outdated_routes: Mutex::new(OutdatedRoutes::new(Instant::now())),
            routes: limits.routes,
            state: Arc::default(),
            erasures: None,
        }
    }

    /// Ends the thread that erases.
    pub fn end_erasures(&self) {
        if let Some(erasures) = &self.erasures {
            erasures.close();
        }
    }

    pub fn stats(&self) -> EngineStats {
        EngineStats {
            ready: self.state.is_prepared(),
            rows: self.state.rows.load(Ordering::Relaxed),
            duckdb: None,
            clickhouse: Some(ClickHouseStats {
                hits_elsewhere: self.state.hits_elsewhere.load(Ordering::Relaxed),
                batches_unasked: self.state.batches_unasked.load(Ordering::Relaxed),
            }),
        }
    }

    /// Newest first. Of the hits found, the first `most_bytes` or so in full.
    pub async fn part_of_hits(
        &self,
        query: HitsQuery,
        most_bytes: usize,
    ) -> Result<Part<HitsQuery>, StoreError> {
        let found = read::newest(&self.engine, &query).await?;
        self.first_of(&query.scope, found, most_bytes).await
    }

    /// The same in order of arrival.
    pub async fn part_of_arrivals(
        &self,
        query: ArrivalQuery,
        most_bytes: usize,
    ) -> Result<Part<ArrivalQuery>, StoreError> {
        let found = read::arrivals(&self.engine, &query).await?;
        self.first_of(&query.scope, found, most_bytes).await
    }

    /// One part has everything, as one question finds all keys. The first hits in full: none for 0 bytes.
    async fn first_of<Q>(
        &self,
        scope: &ProjectScope,
        found: Found,
        most_bytes: usize,
    ) -> Result<Part<Q>, StoreError> {
        let (hits, found) = match most_bytes {
            0 => (Vec::new(), found),
            _ => self.fetch(scope, found, most_bytes).await?,
        };
        Ok(Part { hits, found, rest: None })
    }

    /// At most `query.limit` hits, slowest first.
    pub async fn slowest(&self, query: SlowestQuery) -> Result<Slowest, StoreError> {
        let found = read::slowest(&self.engine, &query).await?;
        Ok(Slowest::Hits(self.fetch(&query.scope, found, usize::MAX).await?.0))
    }

    /// The next of the hits that a part has found, about `most_bytes` of them, and those still left.
    pub async fn fetch(
        &self,
        scope: &ProjectScope,
        mut found: Found,
        most_bytes: usize,
    ) -> Result<(Vec<HitRow>, Found), StoreError> {
        let hits = read::fetch(&self.engine, scope.project(), &mut found, most_bytes).await?;
        Ok((hits, found))
    }

    /// Hands every user or address of a project to `take`.
    pub async fn each_text(
        &self,
        project: ProjectId,
        kind: TextKind,
        take: impl FnMut(String),
    ) -> Result<(), StoreError> {
        read::each_text(&self.engine, project, kind, take).await
    }

    /// Shows watchers the hits that other servers store. Runs until it is dropped.
    pub async fn show_others_hits(&self, tail: &Tail) {
        tail::show_others_hits(&self.engine, tail).await;
    }

    pub async fn sums(&self, query: &SumsQuery) -> Result<Total, StoreError> {
        sums::sums(&self.engine, &self.known, query, (self.tally, self.limits)).await
    }

    /// Derives sums of days that need them, for a while. Returns the number of days.
    pub async fn derive(&self, now_us: i64) -> Result<u64, StoreError> {
        if !self.state.is_prepared() {
            return Ok(0);
        }
        busiest::derive(&self.engine, self.limits, &mut *self.resting.lock().await, now_us).await
    }

    /// Brings routes of stored hits up to date with today's rules. Returns how many are rewritten from now on.
    pub async fn bring_routes_up_to_date(&self, rules: &dyn RouteRules) -> Result<u64, StoreError> {
        if !self.state.is_prepared() {
            return Ok(0);
        }
        let outdated = &mut *self.outdated_routes.lock().await;
        outdated_routes::bring_up_to_date(&self.engine, rules, outdated, &self.routes).await
    }

    pub async fn ranking(&self, query: &RankingQuery) -> Result<Ranking, StoreError> {
        let sums = async |query: &SumsQuery| self.sums(query).await;
        rankings::ranking(&self.engine, query, self.ranking, sums).await
    }

    pub async fn cells(&self, query: &CellsQuery) -> Result<Cells, StoreError> {
        windows::cells(&self.engine, query).await
    }

    pub async fn endpoint_counts(
        &self,
        query: &EndpointsQuery,
    ) -> Result<EndpointCounts, StoreError> {
        windows::endpoint_counts(&self.engine, query).await
    }

    pub async fn presences(&self, query: &PresenceQuery) -> Result<Presences, StoreError> {
        windows::presences(&self.engine, query).await
    }

    /// The times of the project's oldest and newest hit; none if it has no hits.
    pub async fn extent(&self, scope: &ProjectScope) -> Result<Option<(i64, i64)>, StoreError> {
        self.known.extent(&self.engine, scope.project()).await
    }

    pub async fn rows_between(
        &self,
        scopes: &[ProjectScope],
        from_us: i64,
        to_us: i64,
    ) -> Result<u64, StoreError> {
        let projects: Vec<ProjectId> = scopes.iter().map(ProjectScope::project).collect();
        read::count_between(&self.engine, &projects, from_us, to_us).await
    }

    pub async fn about_rows(
        &self,
        scopes: &[ProjectScope],
        from_us: i64,
        to_us: i64,
    ) -> Result<u64, StoreError> {
        let projects: Vec<ProjectId> = scopes.iter().map(ProjectScope::project).collect();
        self.known.about_rows(&self.engine, &projects, (from_us, to_us)).await
    }
}
