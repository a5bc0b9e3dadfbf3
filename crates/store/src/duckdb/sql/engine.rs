//! Settings of the engine (DuckDB).

/// Only `folder` may be read or written, nothing can be loaded, and no later statement can change that. The writer
/// decides when the log is written into the file; the engine never does it by itself in the middle of a batch. Memory
/// overflows go to `spill`, up to `spill_bytes`.
pub fn lock_down(folder: &str, spill: &str, spill_bytes: u64) -> String {
    let quoted = |text: &str| text.replace('\'', "''");
    let (folder, spill) = (quoted(folder), quoted(spill));
    format!(
        "SET temp_directory = '{spill}';
         SET max_temp_directory_size = '{}MiB';
         SET wal_autocheckpoint = '1TB';
         SET preserve_insertion_order = true;
         SET allocator_background_threads = true;
         SET allowed_directories = ['{folder}'];
         SET enable_external_access = false;
         SET lock_configuration = true;",
        spill_bytes >> 20
    )
}

/// Leaves out the ways to compress that look long at the values. They took 4 % of the processor time of a hit from a crowd.
pub const COMPRESS_LITTLE: &str =
    "SET disabled_compression_methods = 'rle,dictionary,fsst,dict_fsst,zstd'";

/// The function that hands out rows (`crate::duckdb::column_scan`).
pub const SCAN_COLUMNS: &str = "scan_columns";

/// The function from a text to its 64-bit hash (`crate::duckdb::functions`).
pub const IDENTITY: &str = "identity";

/// The function from an address to its number (`sql::file::ipv4`).
pub const IPV4: &str = "ipv4_of";

/// The function from a duration in microseconds to its bucket (`analytics::latency`); `NO_LATENCY` for a negative one.
pub const LATENCY: &str = "latency_of";

/// The function from a text's id to its id in a new file (`crate::duckdb::renumber`).
pub const RENUMBER: &str = "renumber";

/// Hands out all rows of a statement; returns their number, and how many the function has seen.
pub fn scan_columns(number: u64, statement: &str) -> String {
    format!(
        "SELECT count(*), count({SCAN_COLUMNS}({number}::UBIGINT, *COLUMNS(*))) FROM ({statement})"
    )
}
