//! The databases: the only crate that links an engine.
//!
//! `Store` keeps hits (inbox, writer, active and sealed files); `meta::Meta` keeps projects and keys; `checks::Checks` keeps
//! what checks of monitors found. None knows a panel or a user.

mod active;
mod attach;
mod backup;
mod blocking;
mod builder;
pub mod checks;
mod clock;
mod columns;
mod derive;
mod disk;
mod engine;
mod facts;
mod files;
mod filter;
mod folder;
mod hand_out;
mod identity;
mod inbox;
mod job_end;
mod ledger;
mod merge;
pub mod meta;
mod open;
mod owner;
mod pool;
mod presence;
mod progress;
mod read;
mod reading;
mod record;
mod repair;
mod reserve;
mod restore;
mod set_aside;
mod shared;
mod sql;
mod store;
mod sums;
mod types;
mod verdict;
mod windows;
mod writer;

pub use folder::open_folder;
pub use owner::Owner;
pub use presence::Presences;
pub use progress::{Progress, Silent};
pub use repair::{Repair, Repaired, plan_repair};
pub use restore::{Restored, restore};
pub use store::Store;
pub use types::*;
pub use windows::{Cells, EndpointCounts};
