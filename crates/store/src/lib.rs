//! The databases: the only crate that links an engine.
//!
//! `Store` keeps hits (inbox, writer, active and sealed files); `meta::Meta` keeps projects and keys; `checks::Checks`
//! keeps results of monitor checks. None knows a panel or a user.

mod attach;
mod backup;
mod blocking;
mod builder;
mod busiest;
pub mod checks;
mod clickhouse;
mod clock;
mod disk;
mod duckdb;
mod facts;
mod folder;
mod inbox;
mod job_end;
mod ledger;
pub mod meta;
mod open;
mod outdated_routes;
mod owner;
mod progress;
mod record;
mod repair;
mod reserve;
mod restore;
mod set_aside;
mod shared;
mod sql;
mod store;
mod tail;
mod types;
mod verdict;
mod writer;

pub use crate::clickhouse::{ClickHouse, ClickHouseOptions, Group, Spool};
pub use crate::duckdb::rankings::DataVersion;
pub use crate::duckdb::slowest::{Looked, Slowest};
pub use backup::INBOX;
pub use folder::{move_projects, open_folder};
pub use owner::Owner;
pub use progress::{Progress, Silent};
pub use repair::{Repair, Repaired, plan_repair};
pub use restore::{Restored, restore};
pub use store::Store;
pub use tail::{TailUpdate, Watcher};
pub use types::*;
