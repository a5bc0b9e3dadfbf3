//! All SQL text for DuckDB: the tables of data files, how they are built, and queries. Functions here make text; they run
//! nothing.

pub mod build;
pub mod derive;
pub mod engine;
pub mod file;
pub mod filter;
pub mod repair;
pub mod rows;
pub mod sums;
pub mod windows;
