//! The state of one rule: a series per endpoint or consumer, or one for all.
//!
//! Bounded by `limits::RULE_SERIES`. A series without news is forgotten, unless its absence is the point of the rule.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::series::Round;
use super::{AlertTransition, Phase, Series, Timing, Verdict};
use crate::limits;

const EVERY_MS: i64 = limits::RULE_EVERY_SECONDS as i64 * 1_000;
const OUTAGE_MS: i64 = limits::RULE_OUTAGE_MINUTES as i64 * 60_000;
const SERIES_MS: i64 = limits::RULE_SERIES_DAYS as i64 * 86_400_000;

/// An endpoint (`GET /orders/{id}`), a consumer, or "" for all together.
pub type Key = String;

/// Kept over restarts, one per rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleState {
    /// Alerts that fired so far.
    count: u64,
    series: BTreeMap<Key, Member>,
    /// The last judgement, or the last time at which none was possible.
    looked_ms: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Member {
    #[serde(flatten)]
    series: Series,
    /// The last time at which an answer named this series.
    seen_ms: i64,
}

impl RuleState {
    /// `named`: the verdicts of all series that the answer names, the most important first. `missing`: the verdict on a
    /// known series that the answer does not name. Returns transitions in the order of their keys.
    pub fn judge(
        &mut self,
        named: &[(Key, Verdict)],
        missing: Verdict,
        now_ms: i64,
        timing: Timing,
    ) -> Vec<(Key, AlertTransition)> {
        let round = Round { now_ms, elapsed_ms: self.pass_time(now_ms) };
        let may_be_missed = missing == Verdict::Bad;
        let mut verdicts = BTreeMap::<&str, Verdict>::new();
        for (key, verdict) in named {
            let is_known = self.series.contains_key(key);
            // A series that was never bad takes no memory, unless its absence may matter one day.
            if !is_known && *verdict != Verdict::Bad && !may_be_missed {
                continue;
            }
            if !is_known && self.series.len() as u64 >= limits::RULE_SERIES {
                continue;
            }
            self.series.entry(key.clone()).or_default().seen_ms = now_ms;
            verdicts.insert(key, *verdict);
        }
        let mut transitions = Vec::new();
        self.series.retain(|key, member| {
            let verdict = verdicts.get(key.as_str()).copied().unwrap_or(missing);
            let is_gone = now_ms - member.seen_ms >= SERIES_MS;
            let transition = match is_gone {
                true => member.series.stop(now_ms),
                false => member.series.judge(verdict, round, timing, &mut self.count),
            };
            transitions.extend(transition.map(|transition| (key.clone(), transition)));
            let rests = member.series.phase() == Phase::Inactive;
            !is_gone && (may_be_missed || !rests)
        });
        transitions
    }

    /// Requests arrive late, so nothing can be judged now: everything stays as it is, and the time does not count.
    pub fn rest(&mut self, now_ms: i64) {
        let elapsed_ms = self.looked_ms.map_or(0, |looked_ms| now_ms - looked_ms);
        self.shift(elapsed_ms);
        self.looked_ms = Some(now_ms);
    }

    /// The rule was changed, paused or deleted: firing alerts end.
    pub fn stop(&mut self, now_ms: i64) -> Vec<(Key, AlertTransition)> {
        let series = std::mem::take(&mut self.series).into_iter();
        series.filter_map(|(key, mut member)| Some((key, member.series.stop(now_ms)?))).collect()
    }

    pub fn series(&self) -> impl Iterator<Item = (&Key, &Series)> {
        self.series.iter().map(|(key, member)| (key, &member.series))
    }

    pub fn get(&self, key: &str) -> Option<&Series> {
        self.series.get(key).map(|member| &member.series)
    }

    /// Counts at most the time of two rounds, and one round if more passed: the server was off. Returns the time that
    /// counts.
    fn pass_time(&mut self, now_ms: i64) -> i64 {
        let elapsed_ms = self.looked_ms.map_or(0, |looked_ms| now_ms - looked_ms);
        let counted_ms = match elapsed_ms > 2 * EVERY_MS {
            true => EVERY_MS,
            false => elapsed_ms.max(0),
        };
        self.shift(elapsed_ms - counted_ms);
        if elapsed_ms > OUTAGE_MS {
            self.series.values_mut().for_each(|member| member.series.forget_pending());
        }
        self.looked_ms = Some(now_ms);
        counted_ms
    }

    fn shift(&mut self, by_ms: i64) {
        if by_ms != 0 {
            for member in self.series.values_mut() {
                member.series.shift(by_ms);
                member.seen_ms += by_ms;
            }
        }
    }
}
