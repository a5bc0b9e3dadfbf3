//! The one place in this crate that reads the clock. Everything else is handed a `Clock`, so that tests can turn it.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub const US_PER_DAY: i64 = 86_400_000_000;

/// Tells the time, microseconds since 1970, UTC.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    pub fn system() -> Clock {
        #[expect(clippy::disallowed_methods, reason = "the one place")]
        Clock(Arc::new(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
        }))
    }

    /// A clock that says what `now_us` says.
    pub fn from_fn(now_us: impl Fn() -> i64 + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now_us))
    }

    pub fn now_us(&self) -> i64 {
        (self.0)()
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
