//! Accumulators shared by threads: each takes one of a few, and puts it back.

use std::sync::{Mutex, PoisonError};

/// Holds as many as there were ever threads at work at once.
pub struct Pool<T> {
    idle: Mutex<Vec<T>>,
    make: Box<dyn Fn() -> T + Send + Sync>,
}

impl<T> Pool<T> {
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Pool<T> {
        Pool { idle: Mutex::default(), make: Box::new(make) }
    }

    /// Lends one to `work`.
    pub fn with(&self, work: impl FnOnce(&mut T)) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut lent = idle.unwrap_or_else(|| (self.make)());
        work(&mut lent);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lent);
    }

    /// All that were lent and returned.
    pub fn drain(&self) -> Vec<T> {
        std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
