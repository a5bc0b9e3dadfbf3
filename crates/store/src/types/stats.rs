//! State of a store, for `/metrics` and `/api/health`: in general, and of DuckDB.

#[derive(Clone, Debug, Default)]
pub struct StoreStats {
    pub ready: bool,
    pub inbox_records: u64,
    pub inbox_bytes: u64,
    /// Age of the oldest record that is not applied yet, milliseconds.
    pub apply_lag_ms: u64,
    pub applied_seq: u64,
    pub last_seq: u64,
    /// Hits that can be read.
    pub rows: u64,
    pub disk_free_percent: u64,
    pub disk_free_bytes: u64,
    pub receipts_forgotten: u64,
    pub erasures_pending: u64,
    /// Watchers of hits.
    pub watchers: u64,
    /// Current problems in words, for health: damaged files, an engine that had to be reopened.
    pub problems: Vec<String>,
    /// Information for the operator that is not a problem.
    pub notes: Vec<String>,
    /// None if another engine keeps the hits.
    pub duckdb: Option<DuckDbStats>,
}

/// State of the engine that keeps the hits.
#[derive(Clone, Debug, Default)]
pub struct EngineStats {
    /// It can be asked.
    pub ready: bool,
    /// Hits that can be read.
    pub rows: u64,
    pub duckdb: Option<DuckDbStats>,
}

/// The files of DuckDB.
#[derive(Clone, Debug, Default)]
pub struct DuckDbStats {
    /// Hits in the active file and in those that wait to be sealed.
    pub active_rows: u64,
    /// Files that wait to be sealed.
    pub frozen_files: u64,
    pub sealed_files: u64,
    pub sealed_rows: u64,
    pub sealed_bytes: u64,
}
