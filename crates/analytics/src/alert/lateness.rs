//! Whether rules can be judged at all: one notice when requests have arrived late for a while, one when that is over.

use serde::{Deserialize, Serialize};

use crate::limits;

const LATE_MS: i64 = limits::RULES_LATE_MINUTES as i64 * 60_000;

/// Kept over restarts, one per project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lateness {
    since_ms: Option<i64>,
    told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatenessChange {
    CannotJudge { since_ms: i64 },
    CanJudge { since_ms: i64, until_ms: i64 },
}

impl Lateness {
    pub fn look(&mut self, is_late: bool, now_ms: i64) -> Option<LatenessChange> {
        let since_ms = match (is_late, self.since_ms) {
            (true, since_ms) => *self.since_ms.insert(since_ms.unwrap_or(now_ms)),
            (false, since_ms) => {
                let told = std::mem::take(self).told;
                let change = LatenessChange::CanJudge { since_ms: since_ms?, until_ms: now_ms };
                return told.then_some(change);
            }
        };
        if self.told || now_ms - since_ms < LATE_MS {
            return None;
        }
        self.told = true;
        Some(LatenessChange::CannotJudge { since_ms })
    }
}
