//! Everything specific to DuckDB: the engine, its data files, and how they are filled, merged and read.
//!
//! Deliberately not here: which files exist, and which thread works on them when. That is in `builder`, `writer` and
//! `shared`.

pub mod active;
pub mod column_scan;
pub mod columns;
pub mod derive;
pub mod engine;
pub mod failure;
pub mod files;
pub mod filter;
pub mod functions;
pub mod merge;
pub mod pool;
pub mod presence;
pub mod rankings;
pub mod read;
pub mod reading;
pub mod renumber;
pub mod slowest;
pub mod sql;
pub mod stats;
pub mod sums;
pub mod windows;
