//! The start of an engine of hits: its input, and the work of its threads.

use crate::inbox::{Opened, Sequencer};
use crate::verdict::{Facts, Leftover};

/// The inbox, whose thread does not run yet, and the facts of the folder.
pub struct Start {
    pub runtime: tokio::runtime::Runtime,
    pub sequencer: Sequencer,
    pub opened: Opened,
    pub facts: Facts,
    pub leftovers: Vec<(String, Leftover)>,
}

/// A thread's, until the store closes.
pub type Work = Box<dyn FnOnce() + Send>;

pub struct EngineWork {
    pub writer: Work,
    pub builder: Work,
}
