//! Runs the user's mappers so that a bad one costs its own field and nothing else. A slow one cannot be waited out, only given a rest: after
//! two slow calls in a row it is not asked for a second, then two, up to a minute.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::log::tell;

const SLOW: Duration = Duration::from_millis(20);
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Hands the framework's request to a mapper.
pub(crate) type Call<'a, F> = &'a dyn Fn(&F) -> Option<String>;

/// One mapper and its record so far, shared by all copies of the middleware.
pub(crate) struct Mapper<F: ?Sized> {
    function: Arc<F>,
    record: Arc<Mutex<Record>>,
}

impl<F: ?Sized> Clone for Mapper<F> {
    fn clone(&self) -> Self {
        Self { function: self.function.clone(), record: self.record.clone() }
    }
}

struct Record {
    name: &'static str,
    slow_calls: u32,
    rest: Duration,
    rests_until: Option<Instant>,
    told: bool,
}

impl<F: ?Sized> Mapper<F> {
    pub(crate) fn new(name: &'static str, function: Arc<F>) -> Self {
        let record = Record { name, slow_calls: 0, rest: FIRST_REST, rests_until: None, told: false };
        Self { function, record: Arc::new(Mutex::new(record)) }
    }

    /// The field's value; none if the mapper has none, panics or rests.
    pub(crate) fn run(&self, call: Call<'_, F>) -> Option<String> {
        let began = Instant::now();
        if self.record().rests_until.is_some_and(|until| began < until) {
            return None;
        }
        let Ok(value) = catch_unwind(AssertUnwindSafe(|| call(&self.function))) else {
            self.record().tell_once("panicked");
            return None;
        };
        let ended = Instant::now();
        let mut record = self.record();
        if ended - began < SLOW {
            (record.slow_calls, record.rest) = (0, FIRST_REST);
        } else {
            record.slow_calls += 1;
            record.tell_once("takes more than 20 ms, which holds up requests");
            if record.slow_calls >= 2 {
                record.rests_until = Some(ended + record.rest);
                record.rest = (record.rest * 2).min(LONGEST_REST);
            }
        }
        value.filter(|value| !value.is_empty())
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn tell_once(&mut self, what: &str) {
        if !self.told {
            self.told = true;
            tell(&format!("the {} mapper {what}; its field is left empty when that happens, said once", self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_mapper_rests_after_two_calls_and_is_asked_again() {
        let mapper = Mapper::new("path", Arc::new(|| std::thread::sleep(Duration::from_millis(25))));
        let run = || {
            mapper.run(&|function| {
                function();
                Some("x".to_owned())
            })
        };
        assert_eq!([run(), run(), run()], [Some("x".to_owned()), Some("x".to_owned()), None]);
        mapper.record().rests_until = Some(Instant::now());
        assert!(run().is_some());
        assert_eq!(mapper.record().rest, FIRST_REST * 4);
    }
}
