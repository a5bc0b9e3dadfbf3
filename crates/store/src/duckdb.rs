//! Hits in DuckDB files: the engine, its data files, and how they are filled, merged and read.
//!
//! `open` attaches the files, `writer` fills the active one, `builder` seals, merges and erases. `store` is what the rest
//! of the crate sees.

pub mod active;
pub mod attach;
pub mod builder;
pub mod column_scan;
pub mod columns;
pub mod derive;
pub mod engine;
pub mod failure;
pub mod files;
pub mod filter;
pub mod functions;
pub mod job_end;
pub mod jobs;
pub mod joined_routes;
pub mod merge;
pub mod metadata_copy;
pub mod open;
pub mod outdated_routes;
pub mod pool;
pub mod presence;
pub mod rankings;
pub mod read;
pub mod reading;
pub mod renumber;
pub mod set_aside;
pub mod slowest;
pub mod sql;
pub mod stats;
pub mod store;
pub mod sums;
pub mod text_order;
pub mod windows;
pub mod writer;

pub use store::DuckDb;
