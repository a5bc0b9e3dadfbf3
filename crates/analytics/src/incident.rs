//! Incidents of one monitor: what opens and closes them, and which of their transitions send a notice.
//!
//! A monitor has at most one open incident of each `Cause`. Every transition has a stable id, the incident's number and
//! its own number within it, so that an outbox written in the same transaction as this state announces each of them
//! once. Muting affects the notice and never the state: an outage during maintenance is an incident too.
//!
//! Nothing here renders or sends a notice (`notice` does), and nothing here measures uptime.

pub mod certificate;
mod flapping;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::alert::{AlertChange, AlertTransition};
use crate::limits;
use crate::uptime::{CheckResult, Turn};

use certificate::{Certificate, Level};
use flapping::Flapping;

/// Why an incident is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    Down,
    Flapping,
    Certificate,
    /// An alert of a rule; belongs to no monitor.
    Rule,
}

/// Kept over restarts, one per monitor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MonitorIncidents {
    /// Incidents so far: the number of the newest one.
    count: u64,
    down: Option<Open>,
    flapping: Option<Open>,
    certificate: Option<Open>,
    changes: Flapping,
    /// Outages since the monitor began to flap.
    outages: u32,
    level: Level,
}

/// An incident that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// From 1; unique within the monitor.
    pub number: u64,
    pub since_ms: i64,
    /// Requests succeeded while the checks failed: the fault is likely on our side.
    pub unconfirmed: bool,
    /// A notice about it was sent.
    pub told: bool,
    transitions: u32,
}

/// The circumstances of a result that decide whether its transitions send a notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    pub in_maintenance: bool,
    /// The monitor's parent is down, or the parent's newest result failed.
    pub parent_failing: bool,
    pub witness: Witness,
}

/// Requests to the monitor's host that began after the first failure of the run and succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    pub requests: u64,
    pub consumers: u64,
}

impl Witness {
    /// Whether they contradict the failing check.
    pub fn contradicts(self) -> bool {
        self.requests >= limits::WITNESS_REQUESTS && self.consumers >= limits::WITNESS_CONSUMERS
    }
}

/// A change of an incident. `(incident, transition)` is its id within the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    pub incident: u64,
    /// From 1, without gaps.
    pub transition: u32,
    pub cause: Cause,
    pub change: Change,
    /// When it was found.
    pub at_ms: i64,
    /// When the incident began: for an outage the first failure.
    pub since_ms: i64,
    /// None: a notice is sent.
    pub muted: Option<Muted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Opened,
    /// The opening's notice, which was held back, is sent.
    Announced,
    /// A certificate came closer to its expiry.
    Worsened,
    Closed {
        /// For an outage the time of the first success.
        until_ms: i64,
        /// When flapping ends: the outages that began during it, and whether one still lasts.
        outages: u32,
        still_down: bool,
    },
}

/// Why a transition sends no notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Muted {
    Maintenance,
    Parent,
    Flapping,
    /// Requests succeed: the notice waits for one more failing check.
    Unconfirmed,
    /// The end of an incident whose beginning sent none.
    NeverTold,
    /// The monitor or rule was paused, changed or deleted by its owner.
    Stopped,
}

impl Transition {
    /// An alert as an incident of its rule, with the alert's number. `is_stopped`: its owner paused, changed or deleted
    /// the rule, which sends no notice.
    pub fn of_alert(alert: &AlertTransition, is_stopped: bool) -> Transition {
        let change = match alert.change {
            AlertChange::Fired => Change::Opened,
            AlertChange::Resolved | AlertChange::NoData => {
                Change::Closed { until_ms: alert.at_ms, outages: 0, still_down: false }
            }
        };
        Transition {
            incident: alert.alert,
            transition: alert.transition,
            cause: Cause::Rule,
            change,
            at_ms: alert.at_ms,
            since_ms: alert.since_ms,
            muted: is_stopped.then_some(Muted::Stopped),
        }
    }
}

impl MonitorIncidents {
    /// Takes a result and the turn that `uptime::Tracker` derived from it.
    pub fn take(
        &mut self,
        result: CheckResult,
        turn: Option<Turn>,
        around: Circumstances,
    ) -> Vec<Transition> {
        let mut transitions = Vec::new();
        let at_ms = result.at_ms;
        let Some(is_success) = result.outcome.is_success() else {
            return transitions;
        };
        self.changes.push(is_success);
        self.begin_flapping(at_ms, around, &mut transitions);
        match turn {
            Some(Turn::Down { since_ms, .. }) if self.down.is_none() => {
                self.open_outage(since_ms, at_ms, around, &mut transitions);
            }
            Some(Turn::Up { since_ms, .. }) => self.close_outage(since_ms, at_ms, &mut transitions),
            _ if !is_success => self.announce(at_ms, around, &mut transitions),
            _ => {}
        }
        self.end_flapping(at_ms, &mut transitions);
        transitions
    }

    /// Takes the certificate that a check received.
    pub fn take_certificate(&mut self, certificate: Certificate, now_ms: i64) -> Vec<Transition> {
        let (before, level) = (self.level, certificate.level(now_ms));
        self.level = level;
        let mut transitions = Vec::new();
        match self.certificate.as_mut() {
            None if level > Level::Fine => {
                let mut open = self.number_next(now_ms);
                open.told = true;
                transitions.push(open.transition(Cause::Certificate, Change::Opened, now_ms, None));
                self.certificate = Some(open);
            }
            Some(open) if level > before => {
                let change = Change::Worsened;
                transitions.push(open.transition(Cause::Certificate, change, now_ms, None));
            }
            Some(_) if level == Level::Fine => {
                transitions.extend(close(&mut self.certificate, Cause::Certificate, now_ms, None));
            }
            _ => {}
        }
        transitions
    }

    /// The owner paused or deleted the monitor: open incidents end without a notice.
    pub fn stop(&mut self, at_ms: i64) -> Vec<Transition> {
        let muted = Some(Muted::Stopped);
        let mut transitions = Vec::new();
        transitions.extend(close(&mut self.down, Cause::Down, at_ms, muted));
        transitions.extend(close(&mut self.flapping, Cause::Flapping, at_ms, muted));
        transitions.extend(close(&mut self.certificate, Cause::Certificate, at_ms, muted));
        *self = MonitorIncidents { count: self.count, ..MonitorIncidents::default() };
        transitions
    }

    pub fn open(&self, cause: Cause) -> Option<Open> {
        match cause {
            Cause::Down => self.down,
            Cause::Flapping => self.flapping,
            Cause::Certificate => self.certificate,
            Cause::Rule => None,
        }
    }

    pub fn certificate_level(&self) -> Level {
        self.level
    }

    fn begin_flapping(&mut self, at_ms: i64, around: Circumstances, into: &mut Vec<Transition>) {
        if self.flapping.is_some() || !self.changes.begins() {
            return;
        }
        let mut open = self.number_next(at_ms);
        let muted = around.muted();
        open.told = muted.is_none();
        into.push(open.transition(Cause::Flapping, Change::Opened, at_ms, muted));
        self.flapping = Some(open);
        self.outages = 0;
    }

    /// The notice of the end covers everything held back while the monitor flapped, also for an outage that lasts.
    fn end_flapping(&mut self, at_ms: i64, into: &mut Vec<Transition>) {
        let Some(mut open) = self.flapping.filter(|_| self.changes.ends()) else {
            return;
        };
        self.flapping = None;
        let change = Change::Closed {
            until_ms: at_ms,
            outages: self.outages,
            still_down: self.down.is_some(),
        };
        let muted = (!open.told).then_some(Muted::NeverTold);
        into.push(open.transition(Cause::Flapping, change, at_ms, muted));
        if let Some(down) = self.down.as_mut() {
            down.told |= open.told;
        }
    }

    fn open_outage(
        &mut self,
        since_ms: i64,
        at_ms: i64,
        around: Circumstances,
        into: &mut Vec<Transition>,
    ) {
        let mut open = self.number_next(since_ms);
        open.unconfirmed = around.witness.contradicts();
        let unconfirmed = open.unconfirmed.then_some(Muted::Unconfirmed);
        let muted = self.muted(around).or(unconfirmed);
        open.told = muted.is_none();
        into.push(open.transition(Cause::Down, Change::Opened, at_ms, muted));
        self.down = Some(open);
        self.outages += 1;
    }

    /// A failing check after the opening: the opening is announced as soon as nothing mutes it any more.
    fn announce(&mut self, at_ms: i64, around: Circumstances, into: &mut Vec<Transition>) {
        let muted = self.muted(around);
        let Some(open) = self.down.as_mut() else { return };
        open.unconfirmed = around.witness.contradicts();
        if open.told || muted.is_some() {
            return;
        }
        open.told = true;
        into.push(open.transition(Cause::Down, Change::Announced, at_ms, None));
    }

    fn close_outage(&mut self, until_ms: i64, at_ms: i64, into: &mut Vec<Transition>) {
        let is_flapping = self.flapping.is_some();
        let Some(mut open) = self.down.take() else { return };
        let muted = match open.told {
            false => Some(Muted::NeverTold),
            true => is_flapping.then_some(Muted::Flapping),
        };
        let change = Change::Closed { until_ms, outages: 0, still_down: false };
        into.push(open.transition(Cause::Down, change, at_ms, muted));
    }

    fn muted(&self, around: Circumstances) -> Option<Muted> {
        around.muted().or_else(|| self.flapping.is_some().then_some(Muted::Flapping))
    }

    fn number_next(&mut self, since_ms: i64) -> Open {
        self.count += 1;
        Open { number: self.count, since_ms, unconfirmed: false, told: false, transitions: 0 }
    }
}

impl Circumstances {
    fn muted(self) -> Option<Muted> {
        match (self.in_maintenance, self.parent_failing) {
            (true, _) => Some(Muted::Maintenance),
            (false, true) => Some(Muted::Parent),
            (false, false) => None,
        }
    }
}

impl Open {
    fn transition(
        &mut self,
        cause: Cause,
        change: Change,
        at_ms: i64,
        muted: Option<Muted>,
    ) -> Transition {
        self.transitions += 1;
        Transition {
            incident: self.number,
            transition: self.transitions,
            cause,
            change,
            at_ms,
            since_ms: self.since_ms,
            muted,
        }
    }
}

fn close(
    open: &mut Option<Open>,
    cause: Cause,
    at_ms: i64,
    muted: Option<Muted>,
) -> Option<Transition> {
    let change = Change::Closed { until_ms: at_ms, outages: 0, still_down: false };
    Some(open.take()?.transition(cause, change, at_ms, muted))
}
