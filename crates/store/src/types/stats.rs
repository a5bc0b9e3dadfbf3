//! State of a store, for `/metrics` and `/api/health`: in general, and of its engine.

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
    /// None if ClickHouse keeps the hits.
    pub duckdb: Option<DuckDbStats>,
    /// None if DuckDB keeps them.
    pub clickhouse: Option<ClickHouseStats>,
}

/// State of the engine that keeps the hits.
#[derive(Clone, Debug, Default)]
pub struct EngineStats {
    /// It can be asked.
    pub ready: bool,
    /// Hits that can be read.
    pub rows: u64,
    pub duckdb: Option<DuckDbStats>,
    pub clickhouse: Option<ClickHouseStats>,
}

/// Since the start, of several servers that keep hits in ClickHouse.
#[derive(Clone, Debug, Default)]
pub struct ClickHouseStats {
    /// Hits of this server's batches that another server has taken, too, and stores.
    pub hits_elsewhere: u64,
    /// Batches that were stored without knowing whether another server has them.
    pub batches_unasked: u64,
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
