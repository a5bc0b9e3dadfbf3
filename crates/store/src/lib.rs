//! The databases: the only crate that links an engine.
//!
//! `Store` keeps hits (inbox, writer, active and sealed files); `meta::Meta` keeps projects and keys; `checks::Checks`
//! keeps results of monitor checks. None knows a panel or a user.

mod backup;
mod blocking;
mod busiest;
pub mod checks;
mod clickhouse;
mod clock;
mod database;
mod disk;
mod duckdb;
mod facts;
mod folder;
mod hit_store;
mod hits_copy;
mod inbox;
mod ledger;
pub mod meta;
mod move_hits;
mod open;
mod outdated_routes;
mod owner;
mod progress;
mod ranking_cache;
mod record;
mod repair;
mod reserve;
mod restore;
mod shared;
mod sql;
mod start;
mod store;
mod tail;
mod types;
mod upgrade;
mod verdict;

pub use backup::INBOX;
pub use folder::{move_projects, open_folder};
pub use hits_copy::HITS_COPY;
pub use move_hits::{MovedHits, copy_hits, copy_hits_back, move_hits, move_hits_back};
pub use owner::Owner;
pub use progress::{Progress, Silent, Unit};
pub use ranking_cache::DataVersion;
pub use repair::{Repair, Repaired, plan_repair};
pub use restore::{Restored, restore};
pub use store::Store;
pub use tail::{CaughtUp, Message as TailMessage, Position, TailUpdate, Watcher};
pub use types::*;
