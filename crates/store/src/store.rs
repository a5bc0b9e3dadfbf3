//! The store of hits: opens the data folder, starts its threads, and is the interface for the rest of the program.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use analytics::filter::Filter;
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::query::{
    ArrivalQuery, CellsQuery, EndpointsQuery, HitsQuery, PresenceQuery, ProjectScope, RankingQuery,
    SlowestQuery, SumsQuery,
};
use analytics::ranking::Ranking;
use analytics::tally::Total;
use tokio::sync::Semaphore;

use crate::duckdb::DuckDb;
use crate::hit_store::HitStore;
use crate::inbox::{Command, EncodedBatch};
use crate::open::{self, Threads};
use crate::progress::Progress;
use crate::ranking_cache::DataVersion;
use crate::shared::Shared;
use crate::tail::{Message as TailMessage, Watcher};
use crate::types::{
    Append, Cells, EndpointCounts, Erasure, Found, HitRow, Looked, Part, Presences, Receipt,
    RouteRules, Slowest, StoreError, StoreOptions, StoreStats,
};
use crate::{backup, blocking};

/// The store of hits. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    hits: HitStore,
    threads: Arc<Mutex<Option<Threads>>>,
    /// Held while a list is made.
    making: Arc<Semaphore>,
}

impl Store {
    /// Opens or creates the data folder, recovers, and starts the writer. For callers that need only hits; a server
    /// calls `open_folder`.
    pub async fn open(options: StoreOptions) -> Result<Store, StoreError> {
        Store::open_as(options, false).await
    }

    pub(crate) async fn open_as(
        options: StoreOptions,
        with_meta: bool,
    ) -> Result<Store, StoreError> {
        let opening = move || open::open(options, with_meta);
        let (shared, hits, threads) = blocking::run("opening the store", opening).await??;
        Ok(Store {
            shared,
            hits,
            threads: Arc::new(Mutex::new(Some(threads))),
            making: Arc::new(Semaphore::new(limits::LISTS_MADE_AT_ONCE as usize)),
        })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn hit_store(&self) -> &HitStore {
        &self.hits
    }

    /// None: another engine keeps the hits.
    pub(crate) fn duckdb(&self) -> Option<&Arc<DuckDb>> {
        match &self.hits {
            HitStore::DuckDb(store) => Some(store),
            HitStore::ClickHouse(_) => None,
        }
    }

    /// Returns once the batch is on disk.
    pub async fn append(&self, append: Append) -> Result<Receipt, StoreError> {
        self.slow_down().await;
        let batch = EncodedBatch::new(append);
        self.shared.inbox.ask(|reply| Command::Append { batch, reply }).await
    }

    /// If posts come faster than they can be applied, senders wait a little so that the inbox does not grow: they would
    /// only compete with the writer for the processor.
    async fn slow_down(&self) {
        const STEP: Duration = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        while waited < Duration::from_millis(limits::SLOWED_MS)
            && self.shared.queue.lag() > Duration::from_millis(limits::BEHIND_MS)
        {
            tokio::time::sleep(STEP).await;
            waited += STEP;
        }
    }

    /// Returns once no file holds those rows any more, with the number of hits erased (or changed). `ErasureWaits` and
    /// `ErasureBlocked` if that is impossible now: the erasure is in the inbox and will be done.
    pub async fn erase(&self, erasure: Erasure) -> Result<u64, StoreError> {
        let shared = &self.shared;
        let seq = shared.inbox.ask(|reply| Command::Erase { erasure, reply }).await?;
        shared.queue.hurry();
        let delayed = || match shared.erased.blocked_by(seq) {
            Some(file) => Err(StoreError::ErasureBlocked { file }),
            None if shared.is_stuck() => Err(StoreError::ErasureWaits),
            None => Ok(()),
        };
        shared.wait(shared.erased.wait(seq), delayed).await
    }

    /// At most `query.limit` rows, newest first, all in memory. Dropping the future stops the query.
    pub async fn hits(&self, query: HitsQuery) -> Result<Vec<HitRow>, StoreError> {
        let (mut hits, mut rest) = (Vec::new(), Some(query));
        while let Some(query) = rest {
            let part = self.part_of_hits(query, usize::MAX).await?;
            hits.extend(part.hits);
            rest = part.rest;
        }
        Ok(hits)
    }

    /// Like `hits`, but with a bounded scan: the keys that it finds, and the first of them in full, about `most_bytes`
    /// of them. The rest can be requested after other reads.
    pub async fn part_of_hits(
        &self,
        query: HitsQuery,
        most_bytes: usize,
    ) -> Result<Part<HitsQuery>, StoreError> {
        self.hits.part_of_hits(query, most_bytes).await
    }

    /// At most `query.limit` rows, slowest first, or the progress of a bounded scan, from which the next call
    /// continues. `looked`: the progress of the previous one.
    pub async fn slowest(
        &self,
        query: SlowestQuery,
        looked: Looked,
    ) -> Result<Slowest, StoreError> {
        self.hits.slowest(query, looked).await
    }

    /// At most `query.limit` rows in order of arrival, all in memory. Dropping the future stops the query.
    pub async fn arrivals(&self, query: ArrivalQuery) -> Result<Vec<HitRow>, StoreError> {
        let (mut hits, mut rest) = (Vec::new(), Some(query));
        while let Some(query) = rest {
            let part = self.part_of_arrivals(query, usize::MAX).await?;
            hits.extend(part.hits);
            rest = part.rest;
        }
        Ok(hits)
    }

    /// Like `arrivals`, but with a bounded scan, like `part_of_hits`.
    pub async fn part_of_arrivals(
        &self,
        query: ArrivalQuery,
        most_bytes: usize,
    ) -> Result<Part<ArrivalQuery>, StoreError> {
        self.hits.part_of_arrivals(query, most_bytes).await
    }

    /// The next of the hits that a part has found, about `most_bytes` of them, and those still left. No files are held
    /// in between: hits erased meanwhile are left out, and hits merged meanwhile are found.
    pub async fn fetch(
        &self,
        scope: &ProjectScope,
        found: Found,
        most_bytes: usize,
    ) -> Result<(Vec<HitRow>, Found), StoreError> {
        self.hits.fetch(scope, found, most_bytes).await
    }

    /// Follows the project's hits that pass the filter, as they become visible; earlier ones can be read. Without
    /// `wants_hits` the watcher is only notified that there are some.
    pub fn watch(&self, scope: &ProjectScope, filter: &Filter, wants_hits: bool) -> Watcher {
        let filter = scope.with_locked(filter);
        self.shared.tail.watch(self.shared.options.node, scope.project(), filter, wants_hits)
    }

    /// Shows watchers the hits that other servers store, with those that `tail_messages` come from. Runs until it is dropped.
    pub async fn show_others_hits(&self) {
        self.shared.tail.share(self.shared.options.node);
        self.hits.show_others_hits(&self.shared.tail).await;
    }

    /// The next messages to the tails of other servers.
    pub async fn tail_messages(&self) -> Vec<TailMessage> {
        self.shared.tail.messages().await
    }

    /// From the tail of another server.
    pub fn hear_tail(&self, message: TailMessage) {
        self.shared.tail.hear(message);
    }

    /// Whether messages of other servers can be heard.
    pub fn set_hears_tails(&self, hears: bool) {
        match hears {
            true => self.shared.tail.find_others(),
            false => self.shared.tail.lose_others(),
        }
    }

    /// The nodes of the servers that run now.
    pub fn set_tails(&self, nodes: BTreeSet<u8>) {
        self.shared.tail.set_alive(nodes);
    }

    /// Rules for the routes of files rewritten from here on. Only the first call counts.
    pub fn set_route_rules(&self, rules: Arc<dyn RouteRules>) {
        let _ = self.shared.route_rules.set(rules);
    }

    /// Ends all watching: the server is about to stop.
    pub fn end_watching(&self) {
        self.shared.tail.close();
    }

    /// Sums over hits. Dropping the future stops the query.
    pub async fn sums(&self, query: SumsQuery) -> Result<Total, StoreError> {
        self.hits.sums(query).await
    }

    /// The data visible now. Lists of the same query and version have the same rows.
    pub fn version(&self, project: ProjectId) -> DataVersion {
        let shared = &self.shared;
        // Other servers may have stored hits since.
        let others = match shared.options.shared_with() {
            Some(_) => shared.opened.elapsed().as_secs() / limits::LISTS_SHARED_SECONDS,
            None => 0,
        };
        let applied = *shared.applied.borrow() + others;
        let routes = shared.route_rules.get().map_or(0, |rules| rules.version_of(project));
        DataVersion { applied, erasures: shared.erased.count(), routes }
    }

    /// Drops lists if another server has erased something since the last call, as another `number` tells. None: nobody knows.
    pub fn hear_of_erasures(&self, number: Option<i64>) {
        self.shared.erased.hear(number);
    }

    /// The list, if it was made recently for this version.
    pub fn kept_ranking(&self, query: &RankingQuery, version: DataVersion) -> Option<Arc<Ranking>> {
        self.shared.rankings.get(query, version, self.version(query.scope.project()))
    }

    /// Derives sums of hits that are stored, which make later answers faster and change none, for a while. Returns how many
    /// days it did. A day whose hits still change waits for a later call.
    pub async fn derive(&self, now_us: i64) -> Result<u64, StoreError> {
        self.hits.derive(now_us).await
    }

    /// Rewrites routes of stored hits that a rule of today joins or renames, where this is not done by a thread. Returns how
    /// many.
    pub async fn bring_routes_up_to_date(&self) -> Result<u64, StoreError> {
        match self.shared.route_rules.get() {
            None => Ok(0),
            Some(rules) => self.hits.bring_routes_up_to_date(&**rules).await,
        }
    }

    /// Every row of a breakdown, with the version that it is of. Dropping the future stops the query.
    pub async fn ranking(
        &self,
        query: RankingQuery,
    ) -> Result<(DataVersion, Arc<Ranking>), StoreError> {
        let _making = self.making.acquire().await.map_err(|_| StoreError::Closing)?;
        // Before the files are read: the list holds at least this version.
        let project = query.scope.project();
        let version = self.version(project);
        if let Some(kept) = self.shared.rankings.get(&query, version, version) {
            return Ok((version, kept));
        }
        let made = Arc::new(self.hits.ranking(query.clone()).await?);
        self.shared.rankings.put(query, version, self.version(project), &made);
        Ok((version, made))
    }

    /// Counts of many projects, cell by cell, in one pass. Dropping the future stops the query.
    pub async fn cells(&self, query: CellsQuery) -> Result<Cells, StoreError> {
        self.hits.cells(query).await
    }

    /// Counts per endpoint of many projects, in one pass. Dropping the future stops the query.
    pub async fn endpoint_counts(
        &self,
        query: EndpointsQuery,
    ) -> Result<EndpointCounts, StoreError> {
        self.hits.endpoint_counts(query).await
    }

    /// The times at which some consumers of many projects were seen, in one pass. Dropping the future stops the query.
    pub async fn presences(&self, query: PresenceQuery) -> Result<Presences, StoreError> {
        self.hits.presences(query).await
    }

    /// How many hits these projects have from one time to before another. From files about so many, none only if there is none.
    pub async fn rows_between(
        &self,
        scopes: &[ProjectScope],
        from_us: i64,
        to_us: i64,
    ) -> Result<u64, StoreError> {
        self.hits.rows_between(scopes, from_us, to_us).await
    }

    /// About how many hits these were a minute ago, which predicts the cost of reading them.
    pub async fn about_rows(
        &self,
        scopes: &[ProjectScope],
        from_us: i64,
        to_us: i64,
    ) -> Result<u64, StoreError> {
        self.hits.about_rows(scopes, from_us, to_us).await
    }

    /// The times of the project's oldest and newest hit; none if it has no hits.
    pub async fn extent(&self, scope: &ProjectScope) -> Result<Option<(i64, i64)>, StoreError> {
        self.hits.extent(scope).await
    }

    /// When the project's newest accepted batch arrived, microseconds; none if the project never had a batch.
    #[expect(clippy::unused_async, reason = "another engine would have to ask")]
    pub async fn last_arrival(&self, project: ProjectId) -> Result<Option<i64>, StoreError> {
        let arrivals = self.shared.gauges.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(arrivals.get(&project).copied())
    }

    /// When the newest accepted batch of any project arrived, microseconds; none if there never was a batch.
    pub fn newest_arrival(&self) -> Option<i64> {
        let arrivals = self.shared.gauges.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.values().copied().max()
    }

    pub fn stats(&self) -> StoreStats {
        let shared = &self.shared;
        let engine = self.hits.stats();
        let (applied, last) = (*shared.applied.borrow(), shared.queue.last_seq());
        StoreStats {
            ready: engine.ready,
            inbox_records: last.saturating_sub(applied),
            inbox_bytes: shared.gauges.bytes.load(Ordering::Relaxed),
            apply_lag_ms: shared.queue.lag().as_millis() as u64,
            applied_seq: applied,
            last_seq: last,
            rows: engine.rows,
            disk_free_percent: shared.gauges.disk_free_percent.load(Ordering::Relaxed),
            disk_free_bytes: shared.gauges.disk_free_bytes.load(Ordering::Relaxed),
            receipts_forgotten: shared.gauges.receipts_forgotten.load(Ordering::Relaxed),
            erasures_pending: shared.erased.pending() as u64,
            watchers: shared.tail.watchers() as u64,
            problems: shared.problems.all(),
            notes: shared.notes.all(),
            duckdb: engine.duckdb,
            clickhouse: engine.clickhouse,
        }
    }

    /// Waits until everything appended before is visible to reads (tests and `restore`; the server never needs it).
    pub async fn settle(&self) -> Result<(), StoreError> {
        let last = self.shared.queue.last_seq();
        self.shared.queue.hurry();
        let mut applied = self.shared.applied.subscribe();
        let reached = async {
            // Its sender is in `shared`.
            let _ = applied.wait_for(|&seq| seq >= last).await;
        };
        self.shared.wait(reached, || Ok(())).await
    }

    /// Writes a complete, consistent copy into `folder` (which must exist and be empty), while serving.
    pub async fn backup(
        &self,
        folder: &Path,
        progress: Arc<dyn Progress>,
    ) -> Result<(), StoreError> {
        backup::backup(&self.shared, &self.hits, folder, false, progress).await
    }

    /// The same with links to the files that never change, if the file system can: it takes no time and no room. It holds
    /// what is erased later, so it must be deleted soon.
    pub async fn link(&self, folder: &Path, progress: Arc<dyn Progress>) -> Result<(), StoreError> {
        backup::backup(&self.shared, &self.hits, folder, true, progress).await
    }

    /// Applies queued records, checkpoints and releases the folder. The store must not be used after it.
    pub async fn close(&self) -> Result<(), StoreError> {
        let Some(threads) = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take()
        else {
            return Ok(());
        };
        let (shared, hits) = (self.shared.clone(), self.hits.clone());
        let closing = move || {
            shared.tail.close();
            let _ = threads.tail.join();
            shared.queue.close();
            let _ = threads.writer.join();
            shared.ending.store(true, Ordering::SeqCst);
            hits.end_jobs();
            let _ = threads.builder.join();
            hits.close();
            // Everything is committed: the inbox's thread may end right away.
            shared.inbox.close_blocking();
            let _ = threads.sequencer.join();
            let _ = shared.lock.unlock();
        };
        blocking::run("closing the store", closing).await
    }
}
