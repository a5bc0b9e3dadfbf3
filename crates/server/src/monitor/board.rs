//! The state of every monitor, and the due checks. Pure except for its memory: the time is passed in, and checks to
//! start and records to write are returned.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use analytics::certificate::PresentedCertificate;
use analytics::check::Phases;
use analytics::hit::ProjectId;
use analytics::incident::{Circumstances, Transition};
use analytics::limits;
use analytics::maintenance::Maintenance;
use analytics::monitor::heartbeat::Signal;
use analytics::monitor::{Kind, Monitor, Probe, Signals, next_slot_ms};
use analytics::notice::reach::Reach;
use analytics::uptime::{CheckResult, Confirm, Outcome, Span, State, StateSpan, row_changes};
use store::checks::{CheckRow, KeptState, MonitorState, Record};
use store::meta::MonitorRow;

use super::compile;
use super::probe::ProbeResult;
use super::queue::{Slot, SlotQueue};
use super::surroundings::{MaintenancePlan, Surroundings};
use crate::incident::{self, ReachQuestion};

#[derive(Default)]
pub struct Board {
    entries: HashMap<i64, Entry>,
    /// States from the file, of monitors that are not on the board yet.
    remembered: HashMap<i64, MonitorState>,
    maintenance: MaintenancePlan,
    queue: SlotQueue,
    /// Due checks, in order, that could not start because too many are running.
    waiting: VecDeque<Slot>,
    running: usize,
    running_of: HashMap<ProjectId, usize>,
    most_running: usize,
    /// Counts plans, so that each differs from earlier ones.
    plans: u64,
}

struct Entry {
    row: Arc<MonitorRow>,
    /// None if it is paused.
    monitor: Option<Arc<Monitor>>,
    kept: KeptState,
    newest: Option<CheckRow>,
    /// The number of the current plan. Slots and running checks with another number belong to an abandoned plan.
    plan: u64,
    next_ms: i64,
    /// The slot of the running check.
    running_ms: Option<i64>,
}

/// A check to start.
pub struct Start {
    pub monitor: Arc<Monitor>,
    pub signals: Signals,
    pub at_ms: i64,
    pub late_ms: i64,
    id: i64,
    project: ProjectId,
    plan: u64,
}

/// The state of a monitor, for display.
#[derive(Clone, Debug)]
pub struct Standing {
    pub state: State,
    /// The start of the unbroken span of its state. None before the first result.
    pub since_ms: Option<i64>,
    /// Confirmed down, even if the current state is unknown.
    pub is_down: bool,
    /// The number of results in a row that contradict the confirmed state, and the time of the first.
    pub unconfirmed: Option<(u32, i64)>,
    pub newest: Option<CheckRow>,
    pub certificate: Option<PresentedCertificate>,
    pub signals: Signals,
    /// None if it is paused.
    pub next_ms: Option<i64>,
}

impl Board {
    pub fn allow_at_once(&mut self, most: usize) {
        self.most_running = most.max(1);
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Replaces the maintenance windows of a project.
    pub fn plan_maintenance(&mut self, project: ProjectId, windows: Vec<Maintenance>) {
        self.maintenance.set(project, windows);
    }

    /// States from the file, of monitors that are put on the board later.
    pub fn remember(&mut self, state: MonitorState) {
        self.remembered.insert(state.id, state);
    }

    /// A monitor exists, or was changed. It is planned anew; its state stays, unless it is paused now.
    pub fn put(&mut self, row: Arc<MonitorRow>, now_ms: i64) -> Option<Record> {
        let id = row.id;
        let monitor = compile(&row).filter(|monitor| !monitor.paused).map(Arc::new);
        let remembered = self.remembered.remove(&id);
        let remembered = remembered.filter(|state| state.created_us == row.created_us);
        let (kept, newest) = match self.entries.remove(&id) {
            Some(before) => {
                let mut kept = before.kept;
                if before.row.settings.url != row.settings.url {
                    // It belongs to another host.
                    kept.certificate = None;
                }
                (kept, before.newest)
            }
            None => (remembered.map(|state| state.kept).unwrap_or_default(), None),
        };
        let entry =
            Entry { row, monitor, kept, newest, plan: 0, next_ms: i64::MAX, running_ms: None };
        let entry = self.entries.entry(id).insert_entry(entry).into_mut();
        let paused = match entry.monitor {
            Some(_) => None,
            None => {
                let maintenance = entry.maintenance(&self.maintenance, now_ms);
                entry.pause(now_ms, &maintenance)
            }
        };
        self.plan(id, now_ms);
        paused
    }

    /// Begins again from these states: another server has checked until now. Checks that are running count as such until they
    /// end, and change nothing. Monitors are put on the board again by the caller.
    pub fn begin_anew(&mut self, states: Vec<MonitorState>) {
        self.entries.clear();
        self.waiting.clear();
        self.remembered.clear();
        states.into_iter().for_each(|state| self.remember(state));
    }

    /// States and newest results that another server has written.
    pub fn show(&mut self, states: Vec<MonitorState>, newest: Vec<CheckRow>) {
        for state in states {
            match self.entries.get_mut(&state.id) {
                Some(entry) if entry.row.created_us == state.created_us => entry.kept = state.kept,
                _ => {}
            }
        }
        for check in newest {
            if let Some(entry) = self.entries.get_mut(&check.monitor) {
                entry.newest = Some(check);
            }
        }
    }

    /// Removes the others from the board.
    pub fn keep(&mut self, is_kept: impl Fn(i64) -> bool) {
        self.entries.retain(|id, _| is_kept(*id));
        self.remembered.retain(|id, _| is_kept(*id));
    }

    fn plan(&mut self, id: i64, now_ms: i64) {
        self.plans += 1;
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.plan = self.plans;
        entry.running_ms = None;
        entry.next_ms = match &entry.monitor {
            Some(monitor) => next_slot_ms(id, monitor.interval_ms, now_ms),
            None => i64::MAX,
        };
        if entry.monitor.is_some() {
            self.queue.push(Slot { at_ms: entry.next_ms, monitor: id, plan: entry.plan });
        }
        // Abandoned plans are skipped when their time comes; for monitors that change all the time they would pile up
        // until then.
        if self.queue.len() > 2 * self.entries.len() + 64 {
            let entries = &self.entries;
            self.queue.retain(|slot| {
                entries.get(&slot.monitor).is_some_and(|entry| entry.plan == slot.plan)
            });
        }
    }

    /// After a break in time: slots that passed in it and checks that were running are unknown.
    pub fn plan_anew(&mut self, now_ms: i64) -> Vec<Record> {
        self.waiting.clear();
        let ids: Vec<i64> = self.entries.keys().copied().collect();
        let mut missed = Vec::new();
        for id in ids {
            let Some(entry) = self.entries.get(&id) else { continue };
            let first_ms = entry.running_ms.unwrap_or(entry.next_ms);
            missed.extend(self.miss(id, first_ms, now_ms));
            self.plan(id, now_ms);
        }
        missed
    }

    /// The checks to start now, and records of missed ones.
    pub fn due(&mut self, now_ms: i64) -> (Vec<Start>, Vec<Record>) {
        let (mut starts, mut missed) = (Vec::new(), Vec::new());
        while let Some(slot) = self.queue.pop_due(now_ms) {
            let Some(entry) = self.entries.get_mut(&slot.monitor) else { continue };
            let Some(monitor) = entry.monitor.as_ref().filter(|_| entry.plan == slot.plan) else {
                continue;
            };
            entry.next_ms = slot.at_ms + monitor.interval_ms;
            self.queue.push(Slot { at_ms: entry.next_ms, ..slot });
            // Checks of a monitor must not overlap: the timeout is below the interval, but a check may begin late.
            let is_call = !matches!(monitor.probe, Probe::Heartbeat(_));
            match (entry.running_ms, monitor.clone()) {
                (Some(_), _) => missed.extend(self.miss(slot.monitor, slot.at_ms, slot.at_ms)),
                (None, _) if is_call => self.waiting.push_back(slot),
                (None, monitor) => starts.extend(self.start(slot, monitor, now_ms - slot.at_ms)),
            }
        }
        let mut still_waiting = VecDeque::new();
        while let Some(slot) = self.waiting.pop_front() {
            let Some(entry) = self.entries.get(&slot.monitor) else { continue };
            let Some(monitor) = entry.monitor.clone().filter(|_| entry.plan == slot.plan) else {
                continue;
            };
            let late_ms = now_ms - slot.at_ms;
            if late_ms >= (monitor.interval_ms / 2).min(limits::CHECK_LATE_MS as i64) {
                missed.extend(self.miss(slot.monitor, slot.at_ms, slot.at_ms));
                continue;
            }
            match self.start(slot, monitor, late_ms) {
                Some(start) => starts.push(start),
                None => still_waiting.push_back(slot),
            }
            if self.running >= self.most_running {
                break;
            }
        }
        // In their order: those of a project at its limit were skipped, the rest was not examined.
        still_waiting.append(&mut self.waiting);
        self.waiting = still_waiting;
        (starts, missed)
    }

    /// None if too many are running. One project may have half of the places: its hanging hosts delay nobody else.
    fn start(&mut self, slot: Slot, monitor: Arc<Monitor>, late_ms: i64) -> Option<Start> {
        let entry = self.entries.get_mut(&slot.monitor)?;
        let project = entry.row.project;
        if !matches!(monitor.probe, Probe::Heartbeat(_)) {
            let of_project = self.running_of.entry(project).or_default();
            if self.running >= self.most_running || *of_project >= self.most_running.div_ceil(2) {
                return None;
            }
            self.running += 1;
            *of_project += 1;
        }
        entry.running_ms = Some(slot.at_ms);
        Some(Start {
            monitor,
            signals: entry.kept.signals,
            at_ms: slot.at_ms,
            late_ms,
            id: slot.monitor,
            project,
            plan: slot.plan,
        })
    }

    /// The query for requests that may confirm or contradict this result, if it will change an incident.
    pub fn foresee(&self, start: &Start, found: &ProbeResult) -> Option<ReachQuestion> {
        let entry = self.entries.get(&start.id).filter(|entry| entry.plan == start.plan)?;
        let host = start.monitor.host()?;
        let mut kept = entry.kept.clone();
        let result = entry.result(start.at_ms, found.verdict.outcome);
        let Surroundings { maintenance, around } = self.surroundings(entry, start.at_ms);
        let turn = kept.tracker.feed(result, entry.confirm(), &maintenance).turn;
        let transitions = kept.incidents.take(result, turn, around);
        let since_ms = transitions.first()?.since_ms;
        Some(ReachQuestion { project: start.project, host, since_ms })
    }

    /// A check has ended. None if its plan was abandoned meanwhile. `reach`: the answer to the query of `foresee`.
    pub fn finish(
        &mut self,
        start: &Start,
        found: ProbeResult,
        reach: Option<&Reach>,
    ) -> Option<Record> {
        if !matches!(start.monitor.probe, Probe::Heartbeat(_)) {
            self.running -= 1;
            let of_project = self.running_of.entry(start.project).or_default();
            *of_project -= 1;
            if *of_project == 0 {
                self.running_of.remove(&start.project);
            }
        }
        let entry = self.entries.get(&start.id).filter(|entry| entry.plan == start.plan)?;
        let surroundings = self.surroundings(entry, start.at_ms);
        let entry = self.entries.get_mut(&start.id)?;
        entry.running_ms = None;
        let renewed = found.certificate.is_some();
        if renewed {
            entry.kept.certificate = found.certificate;
        }
        let check = CheckRow {
            monitor: start.id,
            at_ms: start.at_ms,
            outcome: found.verdict.outcome,
            failure: found.verdict.failure,
            detail: found.verdict.detail,
            status: found.status,
            missed: 0,
            late_ms: start.late_ms,
            phases: found.phases,
        };
        Some(entry.note(check, &surroundings, reach, renewed))
    }

    /// Records slots from `first_ms` to `last_ms` as not checked; none if there is no slot between.
    fn miss(&mut self, id: i64, first_ms: i64, last_ms: i64) -> Option<Record> {
        let entry = self.entries.get(&id)?;
        let interval_ms = entry.monitor.as_ref()?.interval_ms;
        if first_ms > last_ms {
            return None;
        }
        let surroundings = self.surroundings(entry, first_ms);
        let missed = (last_ms - first_ms) / interval_ms + 1;
        let check = CheckRow {
            monitor: id,
            at_ms: first_ms,
            outcome: Outcome::Unknown,
            failure: None,
            detail: None,
            status: None,
            missed: missed.min(u32::MAX.into()) as u32,
            late_ms: 0,
            phases: Phases::default(),
        };
        self.entries.get_mut(&id).map(|entry| entry.note(check, &surroundings, None, false))
    }

    /// A job called. None if there is no such heartbeat.
    pub fn signal(&mut self, id: i64, signal: Signal, now_ms: i64) -> Option<Record> {
        let entry = self.entries.get_mut(&id)?;
        let is_heartbeat = matches!(entry.row.settings.kind, Some(Kind::Heartbeat));
        if !is_heartbeat {
            return None;
        }
        entry.kept.signals.note(signal, now_ms);
        Some(Record { state: entry.state(), ..Record::default() })
    }

    pub fn standing(&self, id: i64, now_ms: i64) -> Option<Standing> {
        let entry = self.entries.get(&id)?;
        let tracker = &entry.kept.tracker;
        let maintenance = entry.maintenance(&self.maintenance, now_ms);
        Some(Standing {
            state: tracker.state(now_ms, &maintenance),
            since_ms: tracker.since_ms(now_ms, &maintenance),
            is_down: tracker.is_down(),
            unconfirmed: tracker.unconfirmed(),
            newest: entry.newest.clone(),
            certificate: entry.kept.certificate.clone(),
            signals: entry.kept.signals,
            next_ms: entry.monitor.as_ref().map(|_| entry.next_ms),
        })
    }

    pub fn tail(&self, id: i64, now_ms: i64) -> Vec<StateSpan> {
        let Some(entry) = self.entries.get(&id) else { return Vec::new() };
        let maintenance = entry.maintenance(&self.maintenance, now_ms);
        entry.kept.tracker.tail(now_ms, &maintenance)
    }

    fn surroundings(&self, entry: &Entry, at_ms: i64) -> Surroundings {
        let maintenance = entry.maintenance(&self.maintenance, at_ms);
        Surroundings::new(maintenance, at_ms, self.has_failing_parent(entry))
    }

    /// Whether the monitor's parent is down, or the parent's newest result failed.
    fn has_failing_parent(&self, entry: &Entry) -> bool {
        let parent_of = |entry: &Entry| self.entries.get(&entry.row.settings.part_of?);
        std::iter::successors(parent_of(entry), |parent| parent_of(parent))
            .take(limits::PARENTS_FOLLOWED as usize)
            .filter(|parent| parent.row.project == entry.row.project)
            .any(|parent| {
                let tracker = &parent.kept.tracker;
                tracker.is_down() || tracker.unconfirmed().is_some()
            })
    }

    /// The time of the planner's next round, as far as known.
    pub fn next_ms(&self) -> Option<i64> {
        self.queue.next_ms()
    }
}

impl Entry {
    /// Windows of maintenance that touch the time since the newest result.
    fn maintenance(&self, plan: &MaintenancePlan, now_ms: i64) -> Vec<Span> {
        plan.spans(self.row.project, self.row.id, self.kept.tracker.accounted_ms(), now_ms)
    }

    /// `certificate`: the one that the check received.
    fn note(
        &mut self,
        check: CheckRow,
        surroundings: &Surroundings,
        reach: Option<&Reach>,
        certificate: bool,
    ) -> Record {
        let result = self.result(check.at_ms, check.outcome);
        let step = self.kept.tracker.feed(result, self.confirm(), &surroundings.maintenance);
        let witness = reach.map(|reach| reach.witness).unwrap_or_default();
        let around = Circumstances { witness, ..surroundings.around };
        let mut transitions = self.kept.incidents.take(result, step.turn, around);
        if let Some(presented) = self.kept.certificate.as_ref().filter(|_| certificate) {
            let dates = presented.dates();
            transitions.extend(self.kept.incidents.take_certificate(dates, check.at_ms));
        }
        if check.outcome.is_success() == Some(true) {
            self.kept.last_good_ms = Some(check.at_ms);
        }
        self.newest = Some(check.clone());
        let changes = row_changes(&step.restated);
        Record { changes, ..self.record(Some(check), transitions, reach) }
    }

    /// None if it was paused already.
    fn pause(&mut self, now_ms: i64, maintenance: &[Span]) -> Option<Record> {
        let before = self.kept.clone();
        let step = self.kept.tracker.pause(now_ms, maintenance);
        let transitions = self.kept.incidents.stop(now_ms);
        if self.kept == before {
            return None;
        }
        let changes = row_changes(&step.restated);
        Some(Record { changes, ..self.record(None, transitions, None) })
    }

    fn record(
        &self,
        check: Option<CheckRow>,
        transitions: Vec<Transition>,
        reach: Option<&Reach>,
    ) -> Record {
        let found = incident::IncidentContext {
            monitor: &self.row,
            check: check.as_ref(),
            incidents: &self.kept.incidents,
            certificate: self.kept.certificate.as_ref(),
            last_good_ms: self.kept.last_good_ms,
            reach,
        };
        let incidents = transitions.iter().map(|transition| found.to_row(transition)).collect();
        Record { incidents, check, transitions, state: self.state(), ..Record::default() }
    }

    fn result(&self, at_ms: i64, outcome: Outcome) -> CheckResult {
        let interval_ms = self.monitor.as_ref().map_or(0, |monitor| monitor.interval_ms);
        CheckResult { at_ms, interval_ms, outcome }
    }

    fn confirm(&self) -> Confirm {
        let one = Confirm { down_after: 1, up_after: 1 };
        self.monitor.as_ref().map_or(one, |monitor| monitor.confirm)
    }

    fn state(&self) -> MonitorState {
        MonitorState { id: self.row.id, created_us: self.row.created_us, kept: self.kept.clone() }
    }
}

#[cfg(test)]
mod tests;
