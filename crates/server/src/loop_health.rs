//! Whether one of the server's loops is doing its work, for `/api/health`.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The last round of a loop, and its current problem.
#[derive(Default)]
pub struct LoopHealth {
    /// None before it runs.
    looked: Mutex<Option<Instant>>,
    problem: Mutex<Option<String>>,
}

impl LoopHealth {
    pub fn note_look(&self) {
        *lock(&self.looked) = Some(Instant::now());
    }

    /// None: all is well again.
    pub fn set_problem(&self, problem: Option<String>) {
        *lock(&self.problem) = problem;
    }

    /// Current problems, in words. `silent`: the problem of a loop without a round for longer than `patience`.
    pub fn problems(&self, patience: Duration, silent: &str) -> Vec<String> {
        let is_silent = lock(&self.looked).is_some_and(|looked| looked.elapsed() > patience);
        let silent = is_silent.then(|| silent.to_owned());
        silent.into_iter().chain(lock(&self.problem).clone()).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
