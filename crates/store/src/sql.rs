//! All SQL text for SQLite except the migrations: statements for the inbox and for results of checks. Functions here
//! make text; they run nothing.
//! they run nothing.

pub mod bulletins;
pub mod checks;
pub mod inbox;
pub mod incidents;
pub mod outbox;
pub mod repair;
pub mod rules;
