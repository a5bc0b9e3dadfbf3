//! All SQL text of this crate but the migrations: statements for the inbox and for results of checks (SQLite), for data files and for queries
//! (DuckDB). Functions here make text; they run nothing.

pub mod build;
pub mod bulletins;
pub mod checks;
pub mod derive;
pub mod engine;
pub mod file;
pub mod filter;
pub mod inbox;
pub mod incidents;
pub mod outbox;
pub mod repair;
pub mod rows;
pub mod rules;
pub mod sums;
pub mod windows;
