//! The limits of a store: general ones, and DuckDB's.

use std::time::Duration;

use analytics::limits;
use analytics::ranking::RankingLimits;
use analytics::tally::TallyLimits;

/// Those of `analytics::limits::LIMITS` that a store needs and an operator may change.
#[derive(Clone, Debug)]
pub struct StoreLimits {
    /// Bytes of unapplied records in the inbox's file beyond which appends are refused.
    pub inbox_bytes: u64,
    /// Batch ids remembered.
    pub receipts: usize,
    pub query_seconds: u64,
    /// Cardinalities up to which sums keep every key.
    pub tally: TallyLimits,
    pub ranking: RankingLimits,
    /// Share of the disk that must stay free, percent.
    pub disk_free_percent: u64,
    /// The same in bytes.
    pub disk_free_bytes: u64,
    /// Reserve for a full disk.
    pub reserve_bytes: u64,
    pub routes: RouteLimits,
    pub duckdb: DuckDbLimits,
    pub clickhouse: ClickHouseLimits,
}

/// When stored hits get routes that were learned or changed later.
#[derive(Clone, Copy, Debug)]
pub struct RouteLimits {
    /// How long the rules have not changed by then.
    pub quiet: Duration,
    /// How long hits that were rewritten for them are left alone.
    pub rewritten: Duration,
}

/// Which days have a list of their busiest consumers, and its length.
#[derive(Clone, Copy, Debug)]
pub struct ClickHouseLimits {
    /// Hits of a day.
    pub busiest_from: u64,
    /// Consumers.
    pub busiest_of_day: u64,
    /// Hits of a period from which lists are read.
    pub busiest_worth: u64,
    /// Hits of a period whose values and endpoints are read from rollups.
    pub rollups_worth: u64,
}

/// When DuckDB's files are sealed and merged, the sizes of a merge's pieces, and the memory of each instance.
#[derive(Clone, Debug)]
pub struct DuckDbLimits {
    /// Hits in the active file from which it is frozen and sealed.
    pub active_rows: u64,
    /// The same while hits do not pour in, once the file is `calm_s` seconds old.
    pub calm_rows: u64,
    pub calm_s: u64,
    /// Age in seconds at which the active file is sealed.
    pub active_age_s: u64,
    pub checkpoint_every_ms: u64,
    /// Adjacent sealed files that trigger a merge.
    pub merge_at: usize,
    /// The most hits in a merged file.
    pub merged_rows: u64,
    /// Hits sorted at once.
    pub merge_piece_rows: u64,
    /// Texts sorted at once, bytes, roughly.
    pub merge_piece_text_bytes: u64,
    /// The most texts in a merged file, bytes, roughly.
    pub merged_text_bytes: u64,
    /// Bytes of memory that an instance may use (not a hard cap): to write, to read sealed files, to build a file.
    pub engine_memory: u64,
    pub reader_memory: u64,
    pub builder_memory: u64,
    /// Number of a project's hits in a file from which its rollups are read.
    pub rollup_from: u64,
    /// Number of a project's hits in a file from which the file has rollups of it.
    pub rolled_up_from: u64,
    /// Hits that a part of a list by duration scans.
    pub slow_part_rows: u64,
}

impl Default for StoreLimits {
    fn default() -> Self {
        StoreLimits {
            inbox_bytes: limits::INBOX_BYTES,
            receipts: limits::RECEIPTS as usize,
            query_seconds: limits::QUERY_SECONDS,
            tally: TallyLimits::default(),
            ranking: RankingLimits::default(),
            disk_free_percent: limits::DISK_FREE_PERCENT,
            disk_free_bytes: limits::DISK_FREE_BYTES,
            reserve_bytes: limits::RESERVE_BYTES,
            routes: RouteLimits::default(),
            duckdb: DuckDbLimits::default(),
            clickhouse: ClickHouseLimits::default(),
        }
    }
}

impl Default for RouteLimits {
    fn default() -> Self {
        RouteLimits {
            quiet: Duration::from_secs(limits::ROUTES_QUIET_SECONDS),
            rewritten: Duration::from_secs(limits::ROUTES_REWRITTEN_SECONDS),
        }
    }
}

impl Default for ClickHouseLimits {
    fn default() -> Self {
        ClickHouseLimits {
            busiest_from: limits::BUSIEST_FROM,
            busiest_of_day: limits::BUSIEST_OF_DAY,
            busiest_worth: limits::BUSIEST_WORTH,
            rollups_worth: limits::ROLLUPS_WORTH,
        }
    }
}

impl Default for DuckDbLimits {
    fn default() -> Self {
        DuckDbLimits {
            active_rows: limits::ACTIVE_ROWS,
            calm_rows: limits::CALM_ROWS,
            calm_s: limits::CALM_SECONDS,
            active_age_s: limits::ACTIVE_AGE_SECONDS,
            checkpoint_every_ms: limits::CHECKPOINT_MS,
            merge_at: limits::MERGE_AT as usize,
            merged_rows: limits::MERGED_ROWS,
            merge_piece_rows: limits::MERGE_PIECE_ROWS,
            merge_piece_text_bytes: limits::MERGE_PIECE_TEXT_BYTES,
            merged_text_bytes: limits::MERGED_TEXT_BYTES,
            engine_memory: limits::ENGINE_MEMORY_BYTES,
            reader_memory: limits::READER_MEMORY_BYTES,
            builder_memory: limits::BUILDER_MEMORY_BYTES,
            rollup_from: limits::ROLLUP_FROM,
            rolled_up_from: limits::ROLLED_UP_FROM,
            slow_part_rows: limits::LIST_PART_ROWS,
        }
    }
}
