//! How far long work on a data folder is (backup, restore, repair): told to whoever asked for it, who may stop it too.
//!
//! Nothing here draws anything; the command line does.

use crate::types::StoreError;

/// Hears of the work. Called from the thread that does it, a few times a second or more.
pub trait Progress: Send + Sync {
    /// A stretch of work begins: its name in a few words, and the bytes that it will go through.
    fn begin(&self, work: &str, total_bytes: u64);
    /// So many more bytes are done.
    fn advance(&self, bytes: u64);
    /// True where nobody waits for the work any more: it ends at the next chance, with nothing changed.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Tells nobody.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// An error where the work is to end.
pub(crate) fn check(progress: &dyn Progress) -> Result<(), StoreError> {
    if progress.is_cancelled() { Err(StoreError::Cancelled) } else { Ok(()) }
}
