//! One alert: pending, firing, recovering, resolved.
//!
//! A bad verdict makes it pending, and one that lasts for `hold_ms` makes it fire. Any other verdict ends pending. A good one
//! makes a firing alert recover, and it resolves when the last bad verdict is `keep_ms` old. Unknown verdicts neither fire
//! nor resolve for a while; then the alert resolves for lack of data. Time in which nothing could be judged does not count.

use serde::{Deserialize, Serialize};

use super::Verdict;

/// How long a condition must last, and how long an alert outlasts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// The rule's `for`.
    pub hold_ms: i64,
    /// The rule's `keep`.
    pub keep_ms: i64,
    /// How long verdicts may be unknown.
    pub unknown_ms: i64,
}

/// Kept over restarts. The alerts of one endpoint, consumer or project, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Series {
    phase: Phase,
    unknown_since_ms: Option<i64>,
    /// The number of the newest alert; 0 before the first.
    alert: u64,
    /// Transitions of that alert so far.
    transitions: u32,
}

/// The time of a judgement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub now_ms: i64,
    /// Since the previous round.
    pub elapsed_ms: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    #[default]
    Inactive,
    Pending {
        since_ms: i64,
    },
    Firing {
        since_ms: i64,
        last_bad_ms: i64,
    },
    /// It would be resolved but for `keep`.
    Recovering {
        since_ms: i64,
        last_bad_ms: i64,
    },
}

/// `(alert, transition)` is its id within the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertTransition {
    /// From 1; unique within the rule, whatever its endpoint or consumer.
    pub alert: u64,
    /// From 1, without gaps.
    pub transition: u32,
    pub change: AlertChange,
    pub at_ms: i64,
    /// When the condition began to hold.
    pub since_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertChange {
    Fired,
    Resolved,
    /// It resolved for lack of data.
    NoData,
}

impl Series {
    pub fn phase(&self) -> Phase {
        self.phase
    }

    pub fn is_firing(&self) -> bool {
        matches!(self.phase, Phase::Firing { .. } | Phase::Recovering { .. })
    }

    /// `count`: the alerts of the rule so far.
    pub(super) fn judge(
        &mut self,
        verdict: Verdict,
        round: Round,
        timing: Timing,
        count: &mut u64,
    ) -> Option<AlertTransition> {
        let now_ms = round.now_ms;
        if verdict == Verdict::Unknown {
            return self.lack(round, timing);
        }
        self.unknown_since_ms = None;
        match (self.phase, verdict) {
            (Phase::Inactive, Verdict::Bad) => {
                self.phase = Phase::Pending { since_ms: now_ms };
                self.fire_if_held(now_ms, now_ms, timing, count)
            }
            (Phase::Pending { since_ms }, Verdict::Bad) => {
                self.fire_if_held(since_ms, now_ms, timing, count)
            }
            (Phase::Inactive | Phase::Pending { .. }, _) => {
                self.phase = Phase::Inactive;
                None
            }
            (
                Phase::Firing { since_ms, .. } | Phase::Recovering { since_ms, .. },
                Verdict::Bad | Verdict::Near,
            ) => {
                self.phase = Phase::Firing { since_ms, last_bad_ms: now_ms };
                None
            }
            (
                Phase::Firing { since_ms, last_bad_ms }
                | Phase::Recovering { since_ms, last_bad_ms },
                _,
            ) => {
                if now_ms - last_bad_ms >= timing.keep_ms {
                    return Some(self.end(AlertChange::Resolved, since_ms, now_ms));
                }
                self.phase = Phase::Recovering { since_ms, last_bad_ms };
                None
            }
        }
    }

    /// Leaves this much time out: nothing could be judged while it passed.
    pub(super) fn shift(&mut self, by_ms: i64) {
        match &mut self.phase {
            Phase::Inactive => {}
            Phase::Pending { since_ms } => *since_ms += by_ms,
            // The start of the alert stays; only the times that are measured from move.
            Phase::Firing { last_bad_ms, .. } | Phase::Recovering { last_bad_ms, .. } => {
                *last_bad_ms += by_ms;
            }
        }
        if let Some(since_ms) = self.unknown_since_ms.as_mut() {
            *since_ms += by_ms;
        }
    }

    /// Pending begins anew: too much time has passed without a judgement.
    pub(super) fn forget_pending(&mut self) {
        if let Phase::Pending { .. } = self.phase {
            self.phase = Phase::Inactive;
        }
    }

    /// The rule was changed, paused or deleted, or the series is gone: a firing alert ends.
    pub(super) fn stop(&mut self, now_ms: i64) -> Option<AlertTransition> {
        self.unknown_since_ms = None;
        match self.phase {
            Phase::Firing { since_ms, .. } | Phase::Recovering { since_ms, .. } => {
                Some(self.end(AlertChange::NoData, since_ms, now_ms))
            }
            _ => {
                self.phase = Phase::Inactive;
                None
            }
        }
    }

    /// Time in which the condition is unknown does not count towards `hold_ms`.
    fn lack(&mut self, round: Round, timing: Timing) -> Option<AlertTransition> {
        if let Phase::Pending { since_ms } = &mut self.phase {
            *since_ms += round.elapsed_ms;
        }
        let since_ms = *self.unknown_since_ms.get_or_insert(round.now_ms);
        let is_over = round.now_ms - since_ms >= timing.unknown_ms;
        is_over.then(|| self.stop(round.now_ms)).flatten()
    }

    fn fire_if_held(
        &mut self,
        since_ms: i64,
        now_ms: i64,
        timing: Timing,
        count: &mut u64,
    ) -> Option<AlertTransition> {
        if now_ms - since_ms < timing.hold_ms {
            return None;
        }
        self.phase = Phase::Firing { since_ms, last_bad_ms: now_ms };
        *count += 1;
        self.alert = *count;
        self.transitions = 0;
        Some(self.transition(AlertChange::Fired, since_ms, now_ms))
    }

    fn end(&mut self, change: AlertChange, since_ms: i64, now_ms: i64) -> AlertTransition {
        self.phase = Phase::Inactive;
        self.transition(change, since_ms, now_ms)
    }

    fn transition(&mut self, change: AlertChange, since_ms: i64, at_ms: i64) -> AlertTransition {
        self.transitions += 1;
        AlertTransition { alert: self.alert, transition: self.transitions, change, at_ms, since_ms }
    }
}
