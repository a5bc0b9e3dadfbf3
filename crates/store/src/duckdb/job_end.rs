//! Early ends of a builder's job: it failed, or it gave way to something more urgent.
//!
//! Giving way is not an error. Nothing has changed, nothing is reported, and the job is begun again.

use crate::types::StoreError;

#[derive(Debug)]
pub enum EarlyEnd {
    GaveWay(GaveWayTo),
    Failed(StoreError),
}

/// The more urgent event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaveWayTo {
    /// The store closes.
    Close,
    /// The engine failed: its files are about to be opened with another one.
    NewEngine,
    /// A job that somebody waits for.
    OtherJob,
}

/// Called between two steps of a job. An `Err` ends the job.
pub type Pause<'a> = &'a dyn Fn() -> Result<(), EarlyEnd>;

impl From<StoreError> for EarlyEnd {
    fn from(problem: StoreError) -> EarlyEnd {
        EarlyEnd::Failed(problem)
    }
}
