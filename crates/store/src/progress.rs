//! Progress of long work on a data folder (backup, restore, repair): reported to its caller, who may also stop it.
//!
//! Nothing here prints; the command line does.

use crate::types::StoreError;

/// The thing that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Hits,
    Projects,
    Days,
    Erasures,
    Files,
}

/// Receives progress. Called from the working thread, a few times a second or more.
pub trait Progress: Send + Sync {
    /// A step begins: its name in a few words, and how much it will process.
    fn begin(&self, work: &str, total: u64, unit: Unit);
    /// This many more are done.
    fn advance(&self, more: u64);
    /// True if nobody waits for the work any more: it ends at the next chance, with nothing changed.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Ignores progress.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: u64, _: Unit) {}
    fn advance(&self, _: u64) {}
}

/// An error if the work is cancelled.
pub(crate) fn check(progress: &dyn Progress) -> Result<(), StoreError> {
    if progress.is_cancelled() { Err(StoreError::Cancelled) } else { Ok(()) }
}
