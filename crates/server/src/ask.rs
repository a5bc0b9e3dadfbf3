//! Queries about hits, for handlers, monitors and rules. Each waits for its turn in the queue of reads. Nothing here
//! knows HTTP.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use analytics::hit::ProjectId;
use analytics::limits;
use analytics::query::{
    CellsQuery, EndpointsQuery, PresenceQuery, ProjectScope, RankingQuery, SumsQuery,
};
use analytics::ranking::Ranking;
use analytics::tally::Total;
use store::{Cells, DataVersion, EndpointCounts, Presences, Store, StoreError};

use crate::reads::{ReadQueue, Reader, Refused, Turn};

/// Cheap to clone.
#[derive(Clone)]
pub struct Asker {
    pub store: Store,
    pub reads: Arc<ReadQueue>,
    /// Receives how long each answer took.
    pub timed: Arc<dyn Fn(Duration) + Send + Sync>,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("too many queries wait for their turn")]
    Busy(Refused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refused> for AskError {
    fn from(refused: Refused) -> AskError {
        AskError::Busy(refused)
    }
}

/// The reader of the server's own queries about one project.
pub fn own_reader(project: ProjectId) -> Reader {
    Reader::new(project, IpAddr::V4(Ipv4Addr::LOCALHOST))
}

impl Asker {
    pub async fn sums(&self, reader: Reader, query: SumsQuery) -> Result<Total, AskError> {
        let (from_us, to_us) = (query.grid.from_us, query.grid.to_us);
        let cost = self.cost(std::slice::from_ref(&query.scope), from_us, to_us).await?;
        let _turn = self.reads.take(reader, cost).await?;
        Ok(self.timed(self.store.sums(query)).await?)
    }

    /// Every row of a breakdown. Without `version`, of the data visible now; with it, as of then if that list is still
    /// cached.
    pub async fn ranking(
        &self,
        reader: Reader,
        query: RankingQuery,
        version: Option<DataVersion>,
    ) -> Result<(DataVersion, Arc<Ranking>), AskError> {
        let version = version.unwrap_or_else(|| self.store.version(query.scope.project()));
        if let Some(kept) = self.store.kept_ranking(&query, version) {
            return Ok((version, kept));
        }
        let (scope, from_us, to_us) = (&query.scope, query.from_us, query.to_us);
        let cost = self.cost(std::slice::from_ref(scope), from_us, to_us).await?;
        let _turn = self.reads.take(reader, cost).await?;
        Ok(self.timed(self.store.ranking(query)).await?)
    }

    /// Empty without any project.
    pub async fn cells(&self, query: CellsQuery) -> Result<Cells, AskError> {
        let Some(_turn) = self.turn(&query.scopes, query.from_us, query.to_us).await? else {
            return Ok(Cells::new());
        };
        Ok(self.timed(self.store.cells(query)).await?)
    }

    /// Empty without any project.
    pub async fn endpoint_counts(&self, query: EndpointsQuery) -> Result<EndpointCounts, AskError> {
        let Some(_turn) = self.turn(&query.scopes, query.from_us, query.to_us).await? else {
            return Ok(EndpointCounts::new());
        };
        Ok(self.timed(self.store.endpoint_counts(query)).await?)
    }

    /// Empty without any project.
    pub async fn presences(&self, query: PresenceQuery) -> Result<Presences, AskError> {
        let scopes: Vec<ProjectScope> =
            query.consumers.iter().map(|(scope, _)| scope.clone()).collect();
        let Some(_turn) = self.turn(&scopes, query.from_us, query.to_us).await? else {
            return Ok(Presences::new());
        };
        Ok(self.timed(self.store.presences(query)).await?)
    }

    /// About how long it takes to scan the hits that these projects have from one time to before another.
    pub async fn cost(
        &self,
        scopes: &[ProjectScope],
        from_us: i64,
        to_us: i64,
    ) -> Result<Duration, AskError> {
        Ok(estimate(self.store.about_rows(scopes, from_us, to_us).await?))
    }

    /// How many hits these projects have from one time to before another.
    pub async fn rows_between(
        &self,
        scopes: &[ProjectScope],
        from_us: i64,
        to_us: i64,
    ) -> Result<u64, AskError> {
        Ok(self.store.rows_between(scopes, from_us, to_us).await?)
    }

    /// Whether the project may have hits from one time to before another.
    pub async fn may_have_hits(
        &self,
        scope: &ProjectScope,
        from_us: i64,
        to_us: i64,
    ) -> Result<bool, AskError> {
        let extent = self.store.extent(scope).await?;
        Ok(extent.is_some_and(|(oldest, newest)| oldest < to_us && newest >= from_us))
    }

    /// For a query about many projects, in the name of the first. None without any.
    async fn turn(
        &self,
        scopes: &[ProjectScope],
        from_us: i64,
        to_us: i64,
    ) -> Result<Option<Turn>, AskError> {
        let Some(first) = scopes.first() else { return Ok(None) };
        let cost = self.cost(scopes, from_us, to_us).await?;
        Ok(Some(self.reads.take(own_reader(first.project()), cost).await?))
    }

    async fn timed<T>(&self, query: impl Future<Output = T>) -> T {
        // Measures, decides nothing.
        let began = Instant::now();
        let answer = query.await;
        (self.timed)(began.elapsed());
        answer
    }
}

/// About how long it takes to scan `rows` hits.
pub fn estimate(rows: u64) -> Duration {
    Duration::from_millis(1 + rows / limits::READ_ROWS_PER_MS)
}
