//! The only place in this crate that reads the clock. Everything else gets a `Clock`, so that tests can set it.

use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub const US_PER_DAY: i64 = 86_400_000_000;

/// The time, microseconds since 1970, UTC, and a monotonic clock.
#[derive(Clone)]
pub struct Clock {
    wall_us: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Since an arbitrary moment; never set.
    passing_us: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl Clock {
    pub fn system() -> Clock {
        #[expect(clippy::disallowed_methods, reason = "the one place")]
        let wall_us: Arc<dyn Fn() -> i64 + Send + Sync> = Arc::new(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
        });
        let start = Instant::now();
        Clock { wall_us, passing_us: Arc::new(move || start.elapsed().as_micros() as i64) }
    }

    /// A clock that shows and passes the time of `now_us`.
    pub fn from_fn(now_us: impl Fn() -> i64 + Send + Sync + 'static) -> Clock {
        let wall_us: Arc<dyn Fn() -> i64 + Send + Sync> = Arc::new(now_us);
        Clock { passing_us: wall_us.clone(), wall_us }
    }

    pub fn now_us(&self) -> i64 {
        (self.wall_us)()
    }

    /// Monotonic microseconds since an arbitrary moment of this process.
    pub fn passing_us(&self) -> i64 {
        (self.passing_us)()
    }

    /// Days since 1970, UTC.
    pub fn today(&self) -> i64 {
        self.now_us().div_euclid(US_PER_DAY)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now_us())
    }
}
