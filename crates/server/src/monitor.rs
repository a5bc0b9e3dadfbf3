//! The execution of monitors: the times of checks, their results, and where those go.
//!
//! One task plans (`run`): every monitor has its slots on a grid of absolute time, and one queue and one timer serve
//! all of them. Each check is a task. Results change the board, which handlers show, and are written in groups by
//! another task (`write`). A due check waits while too many are in progress, and is missed when its time has passed:
//! nothing is ever caught up, because a burst of late checks says nothing about the past and delays the present.
//!
//! The rules are elsewhere: `analytics::monitor` judges, `analytics::uptime` adds up.

mod board;
mod probe;
mod queue;
mod surroundings;
mod timekeeper;
mod writer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use analytics::hit::ProjectId;
use analytics::limits;
use analytics::maintenance::Maintenance;
use analytics::monitor::heartbeat::Signal;
use analytics::monitor::{Monitor, Probe};
use analytics::notice::reach::Reach;
use analytics::uptime::StateSpan;
use store::checks::{CheckRow, Checks, ChecksError, MonitorState, Record};
use store::meta::{Meta, MetaError, MonitorRow};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::dial::Dialer;
use crate::incident::Witnesses;
use crate::metrics::Metrics;
use crate::notice::{self, Outbox};

use board::{Board, Start};
use timekeeper::{Break, Timekeeper};
use writer::ResultQueue;

pub use board::Standing;
pub use probe::{ProbeResult, look};
pub use writer::write;

/// State shared by handlers and loops.
pub struct Monitors {
    board: Mutex<Board>,
    results: ResultQueue,
    /// Wakes the planner: something is due earlier than planned.
    changed: Notify,
    metrics: Arc<Metrics>,
    clock: Clock,
    meta: Meta,
    outbox: Arc<Outbox>,
    /// Whether this server checks. If several share PostgreSQL, one does; the others show what it has written.
    checks_here: AtomicBool,
    /// Time of the planner's last round; none before it runs.
    looked: Mutex<Option<Instant>>,
}

impl Monitors {
    /// Loads the last written state of every monitor.
    pub async fn load(
        meta: &Meta,
        checks: &Checks,
        clock: Clock,
        metrics: Arc<Metrics>,
        outbox: Arc<Outbox>,
    ) -> Result<Monitors, ChecksError> {
        let mut board = Board::default();
        for row in meta.all_maintenance() {
            board.plan_maintenance(row.project, windows_of(meta, row.project));
        }
        let paused = put_all(&mut board, meta, checks.states().await?, to_ms(clock.now_us()));
        let results = ResultQueue::new();
        let checks_here = !meta.is_shared();
        if checks_here {
            paused.into_iter().for_each(|record| results.push(record, &metrics));
        }
        Ok(Monitors {
            board: Mutex::new(board),
            results,
            changed: Notify::new(),
            metrics,
            clock,
            meta: meta.clone(),
            outbox,
            checks_here: AtomicBool::new(checks_here),
            looked: Mutex::default(),
        })
    }

    /// From here on this server checks, after another one.
    pub async fn begin_checks(&self, checks: &Checks) -> Result<(), ChecksError> {
        let states = checks.states().await?;
        let mut board = self.board();
        self.results.drop_all(&self.metrics);
        let paused = put_all(&mut board, &self.meta, states, self.now_ms());
        self.checks_here.store(true, Ordering::Relaxed);
        paused.into_iter().for_each(|record| self.keep(record));
        drop(board);
        self.wake();
        Ok(())
    }

    /// From here on another server checks. Results that are not written are dropped: that one has begun from the written
    /// ones. Returns how many there were.
    pub fn end_checks(&self) -> usize {
        let _board = self.board();
        self.checks_here.store(false, Ordering::Relaxed);
        self.results.drop_all(&self.metrics)
    }

    pub fn checks_here(&self) -> bool {
        self.checks_here.load(Ordering::Relaxed)
    }

    /// Shows what another server has written.
    pub async fn show_written(&self, checks: &Checks) -> Result<(), ChecksError> {
        let (states, newest) = (checks.states().await?, checks.newest_of_all().await?);
        let mut board = self.board();
        if !self.checks_here() {
            board.show(states, newest);
        }
        Ok(())
    }

    /// Heartbeats that other servers have kept: returns once they are on disk, or false if they cannot be.
    pub async fn take_signals(&self, checks: &Checks) -> Result<(), MetaError> {
        loop {
            let kept = self.meta.signals().await?;
            let mut waits = Vec::new();
            {
                let mut board = self.board();
                if kept.is_empty() || !self.checks_here() {
                    return Ok(());
                }
                for (row, monitor, signal, at_ms) in kept {
                    // One of a monitor that is gone goes with it.
                    if let Some(record) = board.signal(monitor, signal, at_ms) {
                        waits.push((row, self.results.push_and_tell(record, &self.metrics)));
                    }
                }
            }
            self.write_all(checks).await;
            let mut written = Vec::new();
            for (row, wait) in waits {
                if wait.await.unwrap_or(false) {
                    written.push(row);
                }
            }
            if written.is_empty() {
                return Ok(());
            }
            self.meta.forget_signals(&written).await?;
            self.wake();
        }
    }

    /// A monitor was created or changed.
    pub fn put(&self, row: Arc<MonitorRow>) {
        let now_ms = self.now_ms();
        let mut board = self.board();
        if let Some(record) = board.put(row, now_ms)
            && self.checks_here()
        {
            self.keep(record);
        }
        drop(board);
        self.wake();
    }

    /// A maintenance window of the project was created, changed or deleted. Accounted time stays as it is.
    pub fn plan_maintenance(&self, project: ProjectId) {
        self.board().plan_maintenance(project, windows_of(&self.meta, project));
    }

    /// Forgets monitors that are no longer in `meta`; returns once no result of theirs can be written any more.
    pub async fn forget_gone(&self, meta: &Meta, checks: &Checks) {
        self.board().keep(|id| meta.any_monitor(id).is_some());
        self.write_all(checks).await;
    }

    /// Sets the most checks that may run at once.
    pub fn allow_at_once(&self, most: usize) {
        self.board().allow_at_once(most);
    }

    /// The state of a monitor; none if it does not exist.
    pub fn standing(&self, id: i64) -> Option<Standing> {
        self.board().standing(id, self.now_ms())
    }

    /// A job called; returns once that is on disk, or false if it cannot be. None if the monitor does not exist or is
    /// not a heartbeat.
    pub async fn signal(&self, checks: &Checks, id: i64, signal: Signal) -> Option<bool> {
        let now_ms = self.now_ms();
        let written = {
            let mut board = self.board();
            let record = match self.checks_here() {
                true => board.signal(id, signal, now_ms),
                false => None,
            };
            record.map(|record| self.results.push_and_tell(record, &self.metrics))
        };
        let Some(written) = written else {
            if !self.meta.is_shared() {
                return None;
            }
            // Another server checks, or has just created the monitor.
            let put = self.meta.put_signal(id, signal, now_ms).await;
            let put =
                put.inspect_err(|problem| tracing::warn!(%problem, "a heartbeat is not kept"));
            return Some(put.unwrap_or(false));
        };
        self.write_all(checks).await;
        self.wake();
        Some(written.await.unwrap_or(false))
    }

    /// The time from the newest result to now, which no row covers yet.
    pub fn tail(&self, id: i64, now_ms: i64) -> Vec<StateSpan> {
        self.board().tail(id, now_ms)
    }

    /// Wakes the planner.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Current problems, in words.
    pub fn problems(&self) -> Vec<String> {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = Duration::from_secs(limits::PLANNER_SILENT_SECONDS);
        let mut problems = Vec::new();
        if looked.is_some_and(|looked| looked.elapsed() > patience) {
            problems.push(
                "monitors are not checked: the loop that plans checks has stopped".to_owned(),
            );
        }
        problems.extend(self.results.problem());
        problems
    }

    pub fn monitors(&self) -> usize {
        self.board().len()
    }

    /// Returns once every result so far is in the file, or cannot be.
    pub async fn write_all(&self, checks: &Checks) {
        // If PostgreSQL is away, another server may check next: results wait until it is known.
        if !self.meta.leads() {
            return self.results.refuse();
        }
        if self.results.write_all(checks).await {
            self.outbox.wake();
        }
    }

    /// Call it while the board is held, so that records are written in order.
    fn keep(&self, mut record: Record) {
        if !record.transitions.is_empty()
            && let Some(row) = self.meta.any_monitor(record.state.id)
        {
            let incidents = &record.state.kept.incidents;
            record.notices = notice::compose(
                &self.outbox,
                &self.meta,
                &row,
                &record.transitions,
                &record.incidents,
                incidents,
            );
        }
        self.results.push(record, &self.metrics);
    }

    fn now_ms(&self) -> i64 {
        to_ms(self.clock.now_us())
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Plans and starts checks until `stopping`. Running ones are aborted then; their slots stay unknown.
pub async fn run(
    monitors: Arc<Monitors>,
    dialer: Dialer,
    witnesses: Witnesses,
    mut stopping: watch::Receiver<bool>,
) {
    let context = CheckContext { dialer, witnesses: Arc::new(witnesses) };
    let mut timekeeper = Timekeeper::new(monitors.now_ms(), monitors.clock.passing_us() / 1_000);
    let mut running = JoinSet::new();
    loop {
        while running.try_join_next().is_some() {}
        let wait = turn(&monitors, &context, &mut timekeeper, &mut running);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = monitors.changed.notified() => {}
            Some(_) = running.join_next() => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Everything that a check needs besides its monitor. Cheap to clone.
#[derive(Clone)]
struct CheckContext {
    dialer: Dialer,
    witnesses: Arc<Witnesses>,
}

/// Starts due checks. Returns the time until the next.
fn turn(
    monitors: &Arc<Monitors>,
    context: &CheckContext,
    timekeeper: &mut Timekeeper,
    running: &mut JoinSet<()>,
) -> Duration {
    let now_ms = monitors.now_ms();
    *monitors.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    let mut board = monitors.board();
    if !monitors.checks_here() {
        *timekeeper = Timekeeper::new(now_ms, monitors.clock.passing_us() / 1_000);
        return Duration::from_millis(limits::PLANNER_LOOK_MS);
    }
    if let Some(broken) = timekeeper.look(now_ms, monitors.clock.passing_us() / 1_000) {
        match broken {
            Break::Clock { by_ms } => tracing::warn!(
                by_ms,
                "the clock was set or the machine slept: checks are planned anew"
            ),
            Break::Stall { ms } => {
                tracing::warn!(ms, "checks could not be planned for a while: they are planned anew")
            }
        }
        let missed = board.plan_anew(now_ms);
        note_missed(monitors, missed);
    }
    let (starts, missed) = board.due(now_ms);
    note_missed(monitors, missed);
    let next_ms = board.next_ms();
    drop(board);
    for start in starts {
        match &start.monitor.probe {
            Probe::Heartbeat(heartbeat) => {
                let verdict = heartbeat.judge(&start.signals, now_ms);
                finish(monitors, &start, ProbeResult { verdict, ..ProbeResult::default() }, None);
            }
            _ => {
                let (monitors, context) = (monitors.clone(), context.clone());
                running.spawn(async move {
                    let found = look(&context.dialer, &start.monitor).await;
                    let question = monitors.board().foresee(&start, &found);
                    let reach = match question {
                        Some(question) => context.witnesses.ask(question).await,
                        None => None,
                    };
                    finish(&monitors, &start, found, reach.as_ref());
                });
            }
        }
    }
    let wait_ms = (next_ms.unwrap_or(i64::MAX).saturating_sub(now_ms))
        .clamp(1, limits::PLANNER_LOOK_MS as i64);
    Duration::from_millis(wait_ms as u64)
}

/// A check has ended: updates the board and the file.
fn finish(monitors: &Monitors, start: &Start, found: ProbeResult, reach: Option<&Reach>) {
    let outcome = found.verdict.outcome;
    let mut board = monitors.board();
    // None if the monitor, or the clock, was changed during the check.
    if let Some(record) = board.finish(start, found, reach)
        && monitors.checks_here()
    {
        monitors.metrics.note_check(outcome, Duration::from_millis(start.late_ms.max(0) as u64));
        monitors.keep(record);
    }
    drop(board);
    // A waiting check may start now.
    monitors.wake();
}

fn note_missed(monitors: &Monitors, missed: Vec<Record>) {
    for record in missed {
        let slots = record.check.as_ref().map_or(0, |check: &CheckRow| check.missed);
        monitors.metrics.note_missed_checks(slots.into());
        monitors.results.push(record, &monitors.metrics);
    }
}

/// Puts all monitors on the board, in these states. Returns the records of those that were paused since.
fn put_all(board: &mut Board, meta: &Meta, states: Vec<MonitorState>, now_ms: i64) -> Vec<Record> {
    board.begin_anew(states);
    meta.all_monitors().into_iter().filter_map(|row| board.put(row, now_ms)).collect()
}

fn to_ms(us: i64) -> i64 {
    us.div_euclid(1_000)
}

fn windows_of(meta: &Meta, project: ProjectId) -> Vec<Maintenance> {
    let rows = meta.maintenance(project).into_iter();
    rows.filter_map(|row| {
        let read = row.settings.clone().read();
        if read.is_none() {
            tracing::error!(maintenance = row.id, "a stored maintenance window cannot be read");
        }
        read
    })
    .collect()
}

/// Compiles a monitor without judging its address: the dialer does that at each check.
fn compile(row: &MonitorRow) -> Option<Monitor> {
    Monitor::compile(row.settings.clone(), None)
        .inspect_err(|problem| tracing::error!(monitor = row.id, %problem, "a stored monitor cannot be read"))
        .ok()
}
