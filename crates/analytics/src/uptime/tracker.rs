//! The state of one monitor, carried from result to result and over restarts.
//!
//! Every call returns what it newly accounts for and what it restates, so that rows are written as results come. Memory is
//! bounded by the results of one unconfirmed run.

use serde::{Deserialize, Serialize};

use super::timeline::overlay;
use super::{CheckResult, Confirm, Outcome, Restated, Span, State, StateSpan};
use crate::limits;

/// Takes results in the order in which they were made. It must be stored together with the rows that a step changes:
/// either alone would count time twice or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tracker {
    is_down: bool,
    /// Up or degraded: an unconfirmed failure counts as this. None before the first success.
    last_success: Option<State>,
    /// Results that change the state once there are enough.
    run: Option<Run>,
    held: Option<CurrentResult>,
    /// Everything up to here is accounted for. None before the first result.
    accounted_ms: Option<i64>,
    /// Spans of the run so far, which its confirmation restates.
    provisional: Vec<Provisional>,
    /// The state up to `accounted_ms`. None before the first result.
    steady: Option<Steady>,
}

/// A state and the start of its unbroken span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Steady {
    state: State,
    since_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    first_ms: i64,
    last_ms: i64,
    count: u32,
}

/// The newest result and how long it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CurrentResult {
    at_ms: i64,
    until_ms: i64,
    state: State,
    /// The state once the run is confirmed; none if the result belongs to no run.
    if_confirmed: Option<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Provisional {
    span: Span,
    was: State,
    now: State,
}

/// A confirmed change of a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turn {
    /// Down since the first failure of the run.
    Down { since_ms: i64, confirmed_ms: i64 },
    /// Up again since the first success of the recovery.
    Up { since_ms: i64, confirmed_ms: i64 },
}

/// The effects of one result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// In order of time; new spans first, then those that a confirmed run restates.
    pub restated: Vec<Restated>,
    pub turn: Option<Turn>,
}

impl Tracker {
    /// `maintenance`: at least the windows that touch the time since the previous result, in any order. A second result
    /// for the same slot is ignored. A result older than the previous one comes from a clock that was set back: it
    /// counts for the monitor's state, but accounted time stays as it is.
    pub fn feed(&mut self, result: CheckResult, confirm: Confirm, maintenance: &[Span]) -> Step {
        let mut step = Step::default();
        if self.held.is_some_and(|held| held.at_ms == result.at_ms) {
            return step;
        }
        self.account_until(result.at_ms, maintenance, &mut step.restated);
        self.steady.get_or_insert(Steady { state: State::Unknown, since_ms: result.at_ms });

        let mut held = CurrentResult {
            at_ms: result.at_ms,
            until_ms: result.at_ms + hold_ms(result.interval_ms),
            state: State::Unknown,
            if_confirmed: None,
        };
        match result.outcome {
            Outcome::Unknown => {}
            Outcome::Up => step.turn = self.succeed(State::Up, &mut held, result, confirm),
            Outcome::Degraded => {
                step.turn = self.succeed(State::Degraded, &mut held, result, confirm);
            }
            Outcome::Down => step.turn = self.fail(&mut held, result, confirm),
        }
        if step.turn.is_some() {
            self.run = None;
            self.restate_steady(held.state);
            step.restated.extend(self.provisional.drain(..).map(|span| Restated {
                span: span.span,
                was: Some(span.was),
                now: span.now,
            }));
        }
        self.held = Some(held);
        step
    }

    /// The owner paused the monitor: its state is unknown from here on, and earlier results do not count for later
    /// ones.
    pub fn pause(&mut self, at_ms: i64, maintenance: &[Span]) -> Step {
        let mut step = Step::default();
        self.account_until(at_ms, maintenance, &mut step.restated);
        let steady = match self.held {
            Some(_) => Some(Steady { state: State::Unknown, since_ms: at_ms }),
            None => self.steady,
        };
        *self = Tracker { accounted_ms: self.accounted_ms, steady, ..Tracker::default() };
        step
    }

    /// The time between the newest result and `until_ms`, which is not accounted for yet. Empty before the first result.
    pub fn tail(&self, until_ms: i64, maintenance: &[Span]) -> Vec<StateSpan> {
        let (Some(held), Some(from_ms)) = (self.held, self.accounted_ms) else {
            return Vec::new();
        };
        let known_to_ms = held.until_ms.clamp(from_ms, until_ms.max(from_ms));
        let known = Span { from_ms, to_ms: known_to_ms };
        let unknown = Span { from_ms: known_to_ms, to_ms: until_ms };
        let mut spans = overlay(known, held.state, maintenance);
        spans.extend(overlay(unknown, State::Unknown, maintenance));
        spans
    }

    /// The state at `now_ms`, which is not before the newest result.
    pub fn state(&self, now_ms: i64, maintenance: &[Span]) -> State {
        if maintenance.iter().any(|window| window.contains(now_ms)) {
            return State::Maintenance;
        }
        match self.held {
            Some(held) if now_ms < held.until_ms => held.state,
            _ => State::Unknown,
        }
    }

    /// The start of the unbroken span of `state`. None before the first result.
    pub fn since_ms(&self, now_ms: i64, maintenance: &[Span]) -> Option<i64> {
        let state = self.state(now_ms, maintenance);
        let spans = self.tail(now_ms, maintenance).into_iter();
        let steady = spans.fold(self.steady, |before, span| Some(Steady::after(before, span)))?;
        if steady.state == state {
            return Some(steady.since_ms);
        }
        if self.held.is_some() {
            return Some(now_ms);
        }
        // A resting monitor accounts for no time: its maintenance began with the window.
        let windows = maintenance.iter().filter(|window| window.contains(now_ms));
        windows.map(|window| window.from_ms).min()
    }

    /// Confirmed down, even if its state is unknown right now: an incident lasts until a success ends it.
    pub fn is_down(&self) -> bool {
        self.is_down
    }

    /// The number of results in a row that contradict the confirmed state, and the time of the first. None if there are
    /// none.
    pub fn unconfirmed(&self) -> Option<(u32, i64)> {
        self.run.map(|run| (run.count, run.first_ms))
    }

    /// Rows are complete up to here. None before the first result.
    pub fn accounted_ms(&self) -> Option<i64> {
        self.accounted_ms
    }

    fn succeed(
        &mut self,
        state: State,
        held: &mut CurrentResult,
        result: CheckResult,
        confirm: Confirm,
    ) -> Option<Turn> {
        held.state = state;
        if !self.is_down {
            self.drop_run();
            self.last_success = Some(state);
            return None;
        }
        let since_ms = self.lengthen_run(result, confirm.up_after);
        let Some(since_ms) = since_ms else {
            held.state = State::Down;
            held.if_confirmed = Some(state);
            return None;
        };
        self.is_down = false;
        self.last_success = Some(state);
        Some(Turn::Up { since_ms, confirmed_ms: result.at_ms })
    }

    fn fail(
        &mut self,
        held: &mut CurrentResult,
        result: CheckResult,
        confirm: Confirm,
    ) -> Option<Turn> {
        held.state = State::Down;
        if self.is_down {
            self.drop_run();
            return None;
        }
        let since_ms = self.lengthen_run(result, confirm.down_after);
        let Some(since_ms) = since_ms else {
            held.state = self.last_success.unwrap_or(State::Unknown);
            held.if_confirmed = Some(State::Down);
            return None;
        };
        self.is_down = true;
        Some(Turn::Down { since_ms, confirmed_ms: result.at_ms })
    }

    /// The time of the run's first result, once the run is long enough.
    fn lengthen_run(&mut self, result: CheckResult, enough: u32) -> Option<i64> {
        let longest_gap_ms = limits::RUN_GAP_INTERVALS as i64 * result.interval_ms;
        if self.run.is_some_and(|run| result.at_ms - run.last_ms > longest_gap_ms) {
            self.drop_run();
        }
        let run =
            self.run.get_or_insert(Run { first_ms: result.at_ms, last_ms: result.at_ms, count: 0 });
        run.count += 1;
        run.last_ms = result.at_ms;
        (run.count >= enough).then_some(run.first_ms)
    }

    /// A run is confirmed: the time since its first result gets this state, back to the first other span.
    fn restate_steady(&mut self, state: State) {
        let mut end_ms = self.accounted_ms;
        for piece in self.provisional.iter().rev() {
            if Some(piece.span.to_ms) != end_ms || piece.now != state {
                break;
            }
            end_ms = Some(piece.span.from_ms);
            self.steady = Some(Steady { state, since_ms: piece.span.from_ms });
        }
    }

    fn drop_run(&mut self) {
        self.run = None;
        self.provisional.clear();
    }

    fn account_until(&mut self, at_ms: i64, maintenance: &[Span], restated: &mut Vec<Restated>) {
        for StateSpan { span, state } in self.tail(at_ms, maintenance) {
            self.steady = Some(Steady::after(self.steady, StateSpan { span, state }));
            restated.push(Restated { span, was: None, now: state });
            let Some(held) = self.held else { continue };
            // Time already counted as maintenance stays so, and time after the hold stays unknown even if the run is
            // confirmed.
            if let Some(now) = held.if_confirmed
                && state == held.state
                && span.to_ms <= held.until_ms
            {
                self.provisional.push(Provisional { span, was: state, now });
            }
        }
        let from_ms = self.accounted_ms.unwrap_or(at_ms);
        self.accounted_ms = Some(from_ms.max(at_ms));
    }
}

impl Steady {
    /// `before` and a span that follows it.
    fn after(before: Option<Steady>, StateSpan { span, state }: StateSpan) -> Steady {
        let before = before.filter(|before| before.state == state);
        before.unwrap_or(Steady { state, since_ms: span.from_ms })
    }
}

fn hold_ms(interval_ms: i64) -> i64 {
    limits::RESULT_HOLD_INTERVALS as i64 * interval_ms
}
