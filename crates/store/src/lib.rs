//! The databases: the only crate that links an engine.
//!
//! `Store` keeps hits (inbox, writer, active and sealed files); `meta::Meta` keeps projects and keys. Neither knows a
//! panel or a user.

mod active;
mod backup;
mod builder;
mod clock;
mod columns;
mod derive;
mod engine;
mod files;
mod filter;
mod hand_out;
mod inbox;
mod ledger;
mod merge;
pub mod meta;
mod open;
mod owner;
mod pool;
mod progress;
mod read;
mod reading;
mod record;
mod restore;
mod shared;
mod sql;
mod store;
mod sums;
mod types;
mod writer;

pub use owner::Owner;
pub use progress::{Progress, Silent};
pub use restore::{Restored, restore};
pub use store::Store;
pub use sums::Sums;
pub use types::*;
