//! Log lines about refused posts: one per reason and minute, so that a client that keeps trying is seen and does not
//! fill the log.
//!
//! A key is identified by its first characters, as in `api-analytics key list`: enough to find it, but not to use it. A
//! text that isn't a key may be a secret of something else, so nothing of it is logged.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use analytics::hit::ProjectId;
use analytics::limits;
use store::meta::Key;

use crate::error::{ApiError, Code};

/// When each reason was last logged, and its count since.
#[derive(Default)]
pub struct RefusalLog {
    reasons: Mutex<HashMap<&'static str, Reason>>,
}

struct Reason {
    written_us: i64,
    unwritten: u64,
}

/// The refused sender.
pub struct Refused<'a> {
    pub client: IpAddr,
    /// None: no key came, or it was not read.
    pub key: Option<&'a str>,
    /// None: no known key.
    pub project: Option<ProjectId>,
}

impl RefusalLog {
    /// Logs a line, unless there was one for this reason within the last minute.
    pub fn note(&self, error: &ApiError, refused: &Refused<'_>, now_us: i64) {
        let Some(before) = self.take_turn(error.code, now_us) else { return };
        tracing::warn!(
            code = error.code.name(),
            client = %refused.client,
            key = refused.key.map(show_key),
            project = refused.project.map(|project| project.0),
            since_last_line = before,
            "a post was refused: {}",
            error.message
        );
    }

    /// The count since the last line; none while it is too early for another.
    fn take_turn(&self, code: Code, now_us: i64) -> Option<u64> {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        let reason =
            reasons.entry(code.name()).or_insert(Reason { written_us: i64::MIN, unwritten: 0 });
        let pause_us = limits::REFUSAL_LINE_SECONDS as i64 * 1_000_000;
        let since_us = now_us.saturating_sub(reason.written_us);
        // A clock that was set back must not silence the log.
        if (0..pause_us).contains(&since_us) {
            reason.unwritten += 1;
            return None;
        }
        reason.written_us = now_us;
        Some(std::mem::take(&mut reason.unwritten))
    }
}

fn show_key(text: &str) -> String {
    match Key::parse(text) {
        Some(key) => format!("{}...", key.prefix()),
        None => "not a key".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_written_once_a_minute_and_counts_what_was_left_out() {
        let log = RefusalLog::default();
        let second = 1_000_000;
        assert_eq!(log.take_turn(Code::UnknownKey, 0), Some(0));
        assert_eq!(log.take_turn(Code::UnknownKey, 30 * second), None);
        assert_eq!(log.take_turn(Code::UnknownKey, 59 * second), None);
        assert_eq!(log.take_turn(Code::BodyTooLarge, 59 * second), Some(0), "another reason");
        assert_eq!(log.take_turn(Code::UnknownKey, 60 * second), Some(2));
        assert_eq!(log.take_turn(Code::UnknownKey, 10 * second), Some(0), "the clock was set back");
    }

    #[test]
    fn a_key_is_named_by_its_start_and_another_secret_not_at_all() {
        assert_eq!(show_key("0b0f5a6e-2a33-4c55-9d1e-0123456789ab"), "0b0f5a...");
        assert_eq!(show_key("hunter2"), "not a key");
    }
}
