//! The one place in this crate that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

#[expect(clippy::disallowed_methods, reason = "the one place")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// Microseconds since 1970, UTC.
pub fn now_us() -> i64 {
    now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}
