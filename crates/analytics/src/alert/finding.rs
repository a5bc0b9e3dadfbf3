//! The outcome of one judgement of a rule.

use super::{Base, Counts, Rule, Verdict};

/// The outcome of one judgement, with the numbers that it was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// A series' `Key`, or the name of a burn rate.
    pub key: String,
    pub verdict: Verdict,
    pub window_minutes: u32,
    pub counts: Counts,
    /// The baseline of the window, if the rule compares with one.
    pub base: Option<Base>,
    /// Set for a consumer that has gone silent.
    pub silence: Option<Silence>,
}

/// How long a consumer has been silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    pub minutes: u32,
    /// Its second longest gap in the week before.
    pub usual_minutes: u32,
}

impl Finding {
    pub fn of_rule(rule: &Rule, key: &str, counts: Counts) -> Finding {
        Finding {
            key: key.to_owned(),
            verdict: rule.judge(&counts),
            window_minutes: rule.window_minutes,
            counts,
            base: None,
            silence: None,
        }
    }

    pub(super) fn unknown(window_minutes: u32) -> Finding {
        Finding {
            key: String::new(),
            verdict: Verdict::Unknown,
            window_minutes,
            counts: Counts::default(),
            base: None,
            silence: None,
        }
    }
}
