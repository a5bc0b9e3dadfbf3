//! Hits in ClickHouse: the same questions as DuckDB's, answered by a server. It adds up, and only sums come back.
//!
//! It holds one table of hits (`sql/schema.rs`), whose columns derive from `analytics::hit_fields`. A hit has its texts as
//! values; dictionaries are the server's concern. Records are inserted in groups, each once (`insert.rs`).

mod addresses;
mod engine;
mod erase;
mod failure;
mod insert;
mod migrate;
mod rankings;
mod read;
mod spool;
mod sql;
mod sums;
mod windows;
mod writer;

use analytics::batch::Batch;
use analytics::hit::ProjectId;
use analytics::query::{
    ArrivalQuery, CellsQuery, EndpointsQuery, HitsQuery, PresenceQuery, ProjectScope, RankingQuery,
    SlowestQuery, SumsQuery,
};
use analytics::ranking::{Ranking, RankingLimits};
use analytics::tally::{TallyLimits, Total};

use crate::record::{self, Record};
use crate::types::{Cells, EndpointCounts, Erasure, Found, HitRow, Part, Presences, StoreError};
use engine::Engine;

pub use engine::ClickHouseOptions;
pub use insert::Group;
pub use spool::Spool;

/// The hits of a database in ClickHouse. Cheap to clone.
#[derive(Clone)]
pub struct ClickHouse {
    engine: Engine,
    tally: TallyLimits,
    ranking: RankingLimits,
}

impl ClickHouse {
    /// Connects, and makes the tables or brings them up to date.
    pub async fn open(
        options: &ClickHouseOptions,
        tally: TallyLimits,
        ranking: RankingLimits,
    ) -> Result<ClickHouse, StoreError> {
        let engine = Engine::new(options);
        migrate::migrate(&engine, options).await?;
        Ok(ClickHouse { engine, tally, ranking })
    }

    /// Stores the batches of a group, each with its seq. Again with the same group and batches it changes nothing.
    pub async fn insert(
        &self,
        group: Group,
        batches: &[(u64, ProjectId, Batch)],
    ) -> Result<(), StoreError> {
        let mut rows = insert::Rows::new(group.node);
        for (seq, project, batch) in batches {
            let bytes = record::encode_batch(*project, batch);
            if let Ok(Record::Batch(batch)) = record::decode(&bytes) {
                rows.push(*seq, &batch, &[]);
            }
        }
        if rows.count() == 0 {
            return Ok(());
        }
        self.engine.insert(sql::schema::insert(), &group.token(), rows.into_bytes()).await
    }

    /// Returns once no part holds those hits any more, with the number of hits erased (or changed).
    pub async fn erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        erase::erase(&self.engine, erasure).await
    }

    /// The rewrites that erasures wait for, by id, with the reason if one failed.
    pub async fn running_erasures(&self) -> Result<Vec<(String, String)>, StoreError> {
        erase::running(&self.engine).await
    }

    /// Newest first. Of the hits found, the first `most_bytes` or so in full.
    pub async fn part_of_hits(
        &self,
        query: HitsQuery,
        most_bytes: usize,
    ) -> Result<Part<HitsQuery>, StoreError> {
        let found = read::newest(&self.engine, &query).await?;
        let (hits, found) = self.fetch(&query.scope, found, most_bytes).await?;
        Ok(Part { hits, found, rest: None })
    }

    /// The same in order of arrival.
    pub async fn part_of_arrivals(
        &self,
        query: ArrivalQuery,
        most_bytes: usize,
    ) -> Result<Part<ArrivalQuery>, StoreError> {
        let found = read::arrivals(&self.engine, &query).await?;
        let (hits, found) = self.fetch(&query.scope, found, most_bytes).await?;
        Ok(Part { hits, found, rest: None })
    }

    pub async fn hits(&self, query: HitsQuery) -> Result<Vec<HitRow>, StoreError> {
        Ok(self.part_of_hits(query, usize::MAX).await?.hits)
    }

    pub async fn arrivals(&self, query: ArrivalQuery) -> Result<Vec<HitRow>, StoreError> {
        Ok(self.part_of_arrivals(query, usize::MAX).await?.hits)
    }

    /// At most `query.limit` hits, slowest first.
    pub async fn slowest(&self, query: SlowestQuery) -> Result<Vec<HitRow>, StoreError> {
        let found = read::slowest(&self.engine, &query).await?;
        Ok(self.fetch(&query.scope, found, usize::MAX).await?.0)
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

    pub async fn sums(&self, query: &SumsQuery) -> Result<Total, StoreError> {
        sums::sums(&self.engine, query, self.tally).await
    }

    pub async fn ranking(&self, query: &RankingQuery) -> Result<Ranking, StoreError> {
        rankings::ranking(&self.engine, query, (self.ranking, self.tally)).await
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
        read::extent(&self.engine, scope.project()).await
    }

    /// How many hits the project has from one time to before another.
    pub async fn rows_between(
        &self,
        scope: &ProjectScope,
        from_us: i64,
        to_us: i64,
    ) -> Result<u64, StoreError> {
        read::count_between(&self.engine, scope.project(), from_us, to_us).await
    }

    /// The hits of all projects.
    pub async fn rows(&self) -> Result<u64, StoreError> {
        read::count_all(&self.engine).await
    }
}
