//! The hits of a data folder, in DuckDB files: what the threads that fill and merge them share, and the questions that
//! they answer.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use analytics::limits;
use analytics::query::{
    ArrivalQuery, CellsQuery, EndpointsQuery, HitsQuery, PresenceQuery, ProjectScope, RankingQuery,
    SlowestQuery, SumsQuery,
};
use analytics::ranking::Ranking;
use analytics::tally::Total;
use arc_swap::ArcSwapOption;

use super::engine::Engine;
use super::files::{Files, Snapshot};
use super::filter::FilterCache;
use super::jobs::{Jobs, Request};
use super::joined_routes::{JoinedRoutesCache, ReadRoutes};
use super::reading::{self, Reading};
use super::stats::ProjectStats;
use super::sums::{self, NamesCache, SumsLimits};
use super::{presence, rankings, read, slowest, windows};
use crate::inbox::FileRow;
use crate::shared::Shared;
use crate::types::{
    Cells, DuckDbStats, EndpointCounts, Found, HitRow, Looked, Part, Presences, Slowest, StoreError,
};

pub struct DuckDb {
    pub shared: Arc<Shared>,
    pub engine: ArcSwapOption<Engine>,
    pub files: Files,
    pub requests: Mutex<Vec<Request>>,
    pub jobs: Jobs,
    pub next_file: AtomicU64,
    /// Names in sealed files, until an erasure.
    pub names: Arc<NamesCache>,
    pub filters: Arc<FilterCache>,
    pub joined_routes: Arc<JoinedRoutesCache>,
    /// The writer is falling behind: work that can wait should.
    pub busy: AtomicBool,
    /// Data files of the manifest that cannot be read, and are in no snapshot.
    pub damaged: Mutex<Vec<Damaged>>,
}

/// A data file that is missing from every answer.
#[derive(Clone, Debug)]
pub struct Damaged {
    pub row: FileRow,
    /// The disk failed, not the file: it is tried again.
    pub may_pass: bool,
}

/// The threads need the state of the store as often as their own.
impl Deref for DuckDb {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl DuckDb {
    pub fn new(shared: Arc<Shared>, next_file: u64) -> DuckDb {
        DuckDb {
            shared,
            engine: ArcSwapOption::empty(),
            files: Files::default(),
            requests: Mutex::default(),
            jobs: Jobs::default(),
            next_file: AtomicU64::new(next_file),
            names: Arc::default(),
            filters: Arc::default(),
            joined_routes: Arc::default(),
            busy: false.into(),
            damaged: Mutex::default(),
        }
    }

    /// Lets go of the files. The threads have ended.
    pub fn close(&self) {
        self.files.set(Snapshot::default());
        self.engine.store(None);
    }

    pub fn folder(&self) -> PathBuf {
        self.options.data.join("hits")
    }

    pub fn engine(&self) -> Result<Arc<Engine>, StoreError> {
        self.engine.load_full().ok_or_else(|| self.no_engine())
    }

    /// Why the engine is unavailable.
    pub fn no_engine(&self) -> StoreError {
        if self.queue.is_closing() { StoreError::Closing } else { StoreError::Reopening }
    }

    /// Runs a read of the current files. Dropping the future stops it.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reading<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (engine, files) = (self.engine()?, self.files.now());
        let (rules, cache) = (self.route_rules.get().cloned(), self.joined_routes.clone());
        let routes = ReadRoutes { rules, cache };
        reading::run(engine, files, routes, self.options.limits.query_seconds, work).await
    }

    pub async fn part_of_hits(
        &self,
        query: HitsQuery,
        most_bytes: usize,
    ) -> Result<Part<HitsQuery>, StoreError> {
        let filters = self.filters.clone();
        self.read(move |reading| read::newest(reading, &query, &filters, most_bytes)).await
    }

    pub async fn part_of_arrivals(
        &self,
        query: ArrivalQuery,
        most_bytes: usize,
    ) -> Result<Part<ArrivalQuery>, StoreError> {
        let filters = self.filters.clone();
        self.read(move |reading| read::arrivals(reading, &query, &filters, most_bytes)).await
    }

    pub async fn slowest(
        &self,
        query: SlowestQuery,
        looked: Looked,
    ) -> Result<Slowest, StoreError> {
        let filters = self.filters.clone();
        let part_rows = self.options.limits.duckdb.slow_part_rows;
        let read = move |reading: &Reading<'_>| {
            slowest::slowest(reading, &query, looked, part_rows, &filters)
        };
        self.read(read).await
    }

    pub async fn fetch(
        &self,
        scope: &ProjectScope,
        mut found: Found,
        most_bytes: usize,
    ) -> Result<(Vec<HitRow>, Found), StoreError> {
        let project = scope.project();
        self.read(move |reading| {
            let connections = reading.connections();
            let hits = read::fetch(reading, &connections, project, &mut found, most_bytes)?;
            Ok((hits, found))
        })
        .await
    }

    pub async fn sums(&self, query: SumsQuery) -> Result<Total, StoreError> {
        let limits = self.sums_limits();
        let (names, filters) = (self.names.clone(), self.filters.clone());
        self.read(move |reading| sums::sums(reading, &query, limits, &names, &filters)).await
    }

    pub async fn ranking(&self, query: RankingQuery) -> Result<Ranking, StoreError> {
        let limits = (self.options.limits.ranking, self.sums_limits());
        let (names, filters) = (self.names.clone(), self.filters.clone());
        self.read(move |reading| rankings::ranking(reading, &query, limits, &names, &filters)).await
    }

    fn sums_limits(&self) -> SumsLimits {
        let limits = &self.options.limits;
        // A file has no rollups of a project with fewer hits.
        let rollup_from = limits.duckdb.rollup_from.max(limits.duckdb.rolled_up_from);
        SumsLimits { rollup_from, tally: limits.tally }
    }

    pub async fn cells(&self, query: CellsQuery) -> Result<Cells, StoreError> {
        self.read(move |reading| windows::cells(reading, &query)).await
    }

    pub async fn endpoint_counts(
        &self,
        query: EndpointsQuery,
    ) -> Result<EndpointCounts, StoreError> {
        self.read(move |reading| windows::endpoint_counts(reading, &query)).await
    }

    pub async fn presences(&self, query: PresenceQuery) -> Result<Presences, StoreError> {
        self.read(move |reading| presence::presences(reading, &query)).await
    }

    pub fn rows_between(&self, scope: &ProjectScope, from_us: i64, to_us: i64) -> u64 {
        read::rows_between(&self.shares(scope), from_us, to_us) as u64
    }

    pub fn extent(&self, scope: &ProjectScope) -> Option<(i64, i64)> {
        let mut shares = self.shares(scope);
        shares.retain(|share| share.rows > 0);
        Some((
            shares.iter().map(|share| share.min_time_us).min()?,
            shares.iter().map(|share| share.max_time_us).max()?,
        ))
    }

    /// The project's share of each file.
    fn shares(&self, scope: &ProjectScope) -> Vec<ProjectStats> {
        let snapshot = self.files.now();
        let share =
            |file: &super::files::DataFile| file.stats.load().get(&scope.project()).copied();
        let shares = snapshot.entries.iter().filter_map(|entry| share(&entry.file)).collect();
        snapshot.let_go();
        shares
    }

    pub fn stats(&self) -> DuckDbStats {
        let snapshot = self.files.now();
        let stats = snapshot.stats();
        snapshot.let_go();
        stats
    }

    pub fn damaged(&self) -> Vec<Damaged> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn add_damaged(&self, row: &FileRow, why: &StoreError) {
        let name = row.name();
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        damaged.retain(|other| other.row.id != row.id);
        damaged.push(Damaged { row: row.clone(), may_pass: why.is_disk() });
        drop(damaged);
        let words = match why.is_disk() {
            true => format!(
                "{name} cannot be read ({why}); its hits are missing from every answer until it can"
            ),
            false => {
                format!("{name} is damaged ({why}); its hits are missing from every answer")
            }
        };
        self.problems.set(&name, words);
    }

    /// The file is in the snapshot again.
    pub fn clear_damaged(&self, row: &FileRow) {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        damaged.retain(|other| other.row.id != row.id);
        drop(damaged);
        self.problems.clear(&row.name());
    }

    /// Sets the number of files set aside.
    pub fn note_set_aside(&self, files: u64) {
        match files {
            0 => self.notes.clear("set aside"),
            _ => self.notes.note(
                "set aside",
                format!(
                    "{files} files that belong to no data file in use were set aside in {}; they are deleted after {} days",
                    self.folder().join("set-aside").display(),
                    limits::SET_ASIDE_DAYS
                ),
            ),
        }
    }

    /// Sets the number of repairs whose previous files are kept.
    pub fn note_kept(&self, repairs: u64) {
        match repairs {
            0 => self.notes.clear("kept"),
            _ => self.notes.note(
                "kept",
                format!(
                    "what was there before a repair is in {}; it is deleted after {} days",
                    self.options.data.join("repaired-TIME").display(),
                    limits::SET_ASIDE_DAYS
                ),
            ),
        }
    }

    pub fn file_path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }
}
