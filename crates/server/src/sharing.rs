//! The state of this server among those that share PostgreSQL, for health and for the loops of `servers`.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

#[derive(Default)]
pub struct Sharing {
    /// Why it is not in touch with the others; none: it is, or there are no others.
    problem: Mutex<Option<String>>,
    /// An erasure waits for this server.
    pub barrier: Notify,
}

impl Sharing {
    /// Returns whether that is news.
    pub fn set_problem(&self, problem: Option<String>) -> bool {
        let mut kept = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = kept.is_some() != problem.is_some();
        *kept = problem;
        is_news
    }

    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
