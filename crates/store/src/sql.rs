//! All SQL text for SQLite and PostgreSQL except the migrations and that of projects and settings (`meta`): statements for
//! the inbox, which is always SQLite, and for results of checks. Functions here make text; they run nothing.

pub mod bulletins;
pub mod checks;
pub mod inbox;
pub mod incidents;
pub mod outbox;
pub mod repair;
pub mod rules;
pub mod versions;
