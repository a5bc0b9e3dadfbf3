//! The server's counters, and their format for Prometheus.
//!
//! Counters only: no name, key or address of anyone is a label, and neither is a project (there may be thousands).

mod calls;

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use analytics::ingest::{Reason, Rejection, Repairs};
use analytics::uptime::Outcome;
use store::{Receipt, StoreStats};

use crate::error::Code;
use crate::reads::QueueStats;

pub use calls::{Calls, RouteTemplate};

/// One counter per kind of event, since the start.
pub struct Metrics {
    batches: AtomicU64,
    hits_accepted: AtomicU64,
    hits_repeated: AtomicU64,
    batches_replayed: AtomicU64,
    hits_rejected: [AtomicU64; Reason::ALL.len()],
    repairs: [AtomicU64; REPAIRS],
    refused: [AtomicU64; Code::ALL.len()],
    pub calls: Calls,
    queries: Histogram,
    pub bytes_in_flight: AtomicU64,
    pub connections: AtomicU64,
    pub connections_waiting: AtomicUsize,
    pub connections_closed_for_room: AtomicU64,
    pub connections_refused: AtomicU64,
    check_lateness: Histogram,
    /// In the order of `CHECK_OUTCOMES`.
    checks: [AtomicU64; CHECK_OUTCOMES.len()],
    checks_missed: AtomicU64,
    results_dropped: AtomicU64,
}

const CHECK_OUTCOMES: [Outcome; 4] =
    [Outcome::Up, Outcome::Degraded, Outcome::Down, Outcome::Unknown];

impl Default for Metrics {
    fn default() -> Self {
        Metrics {
            batches: AtomicU64::default(),
            hits_accepted: AtomicU64::default(),
            hits_repeated: AtomicU64::default(),
            batches_replayed: AtomicU64::default(),
            hits_rejected: Default::default(),
            repairs: Default::default(),
            refused: std::array::from_fn(|_| AtomicU64::default()),
            calls: Calls::default(),
            queries: Histogram::default(),
            bytes_in_flight: AtomicU64::default(),
            connections: AtomicU64::default(),
            connections_waiting: AtomicUsize::default(),
            connections_closed_for_room: AtomicU64::default(),
            connections_refused: AtomicU64::default(),
            check_lateness: Histogram::default(),
            checks: Default::default(),
            checks_missed: AtomicU64::default(),
            results_dropped: AtomicU64::default(),
        }
    }
}

/// Numbers from elsewhere, shown with the counters.
#[derive(Default)]
pub struct ServerStats {
    pub projects: usize,
    pub monitors: usize,
    pub uptime_s: u64,
    pub country_database_age_s: u64,
    pub reads: QueueStats,
}

/// The number of kinds of repairs.
const REPAIRS: usize = 8;

/// Upper bounds of the buckets, seconds.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Default)]
struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Histogram {
    fn note(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            if seconds <= bound {
                add(bucket, 1);
            }
        }
        add(&self.count, 1);
        add(&self.sum_us, took.as_micros() as u64);
    }
}

impl Metrics {
    /// A batch answered with 200.
    pub fn note_receipt(&self, receipt: &Receipt) {
        add(&self.batches, 1);
        if receipt.replayed {
            add(&self.batches_replayed, 1);
            return;
        }
        add(&self.hits_accepted, u64::from(receipt.accepted));
        add(&self.hits_repeated, u64::from(receipt.repeated));
    }

    pub fn note_rejected(&self, rejected: &[Rejection]) {
        for rejection in rejected {
            add(&self.hits_rejected[place(rejection.reason)], 1);
        }
    }

    pub fn note_repairs(&self, repairs: &Repairs) {
        for (counter, (_, number)) in self.repairs.iter().zip(repairs.named()) {
            if number > 0 {
                add(counter, number);
            }
        }
    }

    /// A call answered with an error.
    pub fn note_refused(&self, code: Code) {
        add(&self.refused[code as usize], 1);
    }

    /// A check, and how long after its slot it began.
    pub fn note_check(&self, outcome: Outcome, late: Duration) {
        self.check_lateness.note(late);
        let known = CHECK_OUTCOMES.iter().position(|other| *other == outcome);
        add(&self.checks[known.unwrap_or_default()], 1);
    }

    /// Slots of monitors that were not checked.
    pub fn note_missed_checks(&self, slots: u64) {
        add(&self.checks_missed, slots);
    }

    /// A result that could not be written.
    pub fn note_dropped_result(&self) {
        add(&self.results_dropped, 1);
    }

    /// Connections waiting for a slot: slow calls occupy them.
    pub fn connections_waiting(&self) -> usize {
        self.connections_waiting.load(Ordering::Relaxed)
    }

    pub fn note_query(&self, took: Duration) {
        self.queries.note(took);
    }

    /// The text that Prometheus reads (exposition format 0.0.4).
    pub fn to_text(&self, store: &StoreStats, server: &ServerStats) -> String {
        let mut text = Exposition(String::with_capacity(8 << 10));
        text.family("hits_accepted_total", "counter", "Hits that were kept");
        text.value("hits_accepted_total", "", get(&self.hits_accepted));
        text.family(
            "hits_repeated_total",
            "counter",
            "Hits that a client posted again and that were not counted twice",
        );
        text.value("hits_repeated_total", "", get(&self.hits_repeated));
        text.family("batches_total", "counter", "Batches answered with 200");
        text.value("batches_total", "", get(&self.batches));
        text.family(
            "batches_replayed_total",
            "counter",
            "Batches whose id had been answered before",
        );
        text.value("batches_replayed_total", "", get(&self.batches_replayed));
        text.family("hits_rejected_total", "counter", "Hits that were rejected, by reason");
        for (counter, reason) in self.hits_rejected.iter().zip(Reason::ALL) {
            text.value(
                "hits_rejected_total",
                &format!("reason=\"{}\"", reason.as_str()),
                get(counter),
            );
        }
        text.family(
            "repairs_total",
            "counter",
            "Inputs that were corrected instead of rejected, by kind",
        );
        for (counter, (kind, _)) in self.repairs.iter().zip(Repairs::default().named()) {
            text.value("repairs_total", &format!("kind=\"{kind}\""), get(counter));
        }
        text.family("refused_total", "counter", "Calls answered with an error, by code");
        for (counter, code) in self.refused.iter().zip(Code::ALL) {
            text.value("refused_total", &format!("code=\"{}\"", code.name()), get(counter));
        }
        text.family(
            "calls_total",
            "counter",
            "Calls that were answered, by method, route and status",
        );
        for (labels, number) in self.calls.counted() {
            text.value("calls_total", &labels, number);
        }
        text.family("build_info", "gauge", "Always 1; the label is the version of the program");
        text.value("build_info", concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1);
        text.histogram("query_seconds", "How long queries of hits took", &self.queries);
        text.histogram(
            "check_lateness_seconds",
            "How long after its slot a check began",
            &self.check_lateness,
        );
        text.family("checks_total", "counter", "Checks of monitors, by outcome");
        for (counter, outcome) in self.checks.iter().zip(CHECK_OUTCOMES) {
            let name = outcome.as_str();
            text.value("checks_total", &format!("outcome=\"{name}\""), get(counter));
        }
        for (name, kind, help, value) in [
            ("connections", "gauge", "Open connections", get(&self.connections)),
            (
                "connections_waiting",
                "gauge",
                "Connections that wait for a slot",
                self.connections_waiting() as u64,
            ),
            (
                "connections_closed_for_room_total",
                "counter",
                "Idle connections closed because others needed the slot",
                get(&self.connections_closed_for_room),
            ),
            (
                "connections_refused_total",
                "counter",
                "Connections refused because their address had too many under way",
                get(&self.connections_refused),
            ),
            (
                "bodies_in_flight_bytes",
                "gauge",
                "Bodies being read and decoded",
                get(&self.bytes_in_flight),
            ),
            ("reads_running", "gauge", "Queries that run", server.reads.running as u64),
            (
                "reads_waiting",
                "gauge",
                "Queries that wait for their turn",
                server.reads.waiting as u64,
            ),
            (
                "reads_refused_total",
                "counter",
                "Queries refused because too many waited",
                server.reads.refused,
            ),
            (
                "checks_missed_total",
                "counter",
                "Slots of monitors that were not checked",
                get(&self.checks_missed),
            ),
            (
                "check_results_dropped_total",
                "counter",
                "Results of checks that could not be written",
                get(&self.results_dropped),
            ),
            ("projects", "gauge", "Projects", server.projects as u64),
            ("monitors", "gauge", "Monitors", server.monitors as u64),
            ("uptime_seconds", "gauge", "Since the start", server.uptime_s),
            (
                "country_database_age_seconds",
                "gauge",
                "Since the country database was made",
                server.country_database_age_s,
            ),
            (
                "inbox_records",
                "gauge",
                "Records in the inbox that are not applied yet",
                store.inbox_records,
            ),
            ("inbox_bytes", "gauge", "Bytes of the inbox's file", store.inbox_bytes),
            (
                "records_applied_total",
                "counter",
                "Inbox records that were applied since the folder was made",
                store.applied_seq,
            ),
            ("records_total", "counter", "Inbox records since the folder was made", store.last_seq),
            ("hits", "gauge", "Hits that can be read", store.rows),
            (
                "disk_free_percent",
                "gauge",
                "Free share of the data folder's disk",
                store.disk_free_percent,
            ),
            (
                "disk_free_bytes",
                "gauge",
                "Free bytes of the data folder's disk",
                store.disk_free_bytes,
            ),
            (
                "receipts_forgotten_total",
                "counter",
                "Batch ids forgotten before their time",
                store.receipts_forgotten,
            ),
            ("erasures_pending", "gauge", "Erasures that are not true yet", store.erasures_pending),
            ("watchers", "gauge", "Pages and programs that follow hits", store.watchers),
            ("problems", "gauge", "Problems that /api/health reports", store.problems.len() as u64),
        ] {
            text.family(name, kind, help);
            text.value(name, "", value);
        }
        if let Some(files) = &store.duckdb {
            for (name, help, value) in [
                ("active_rows", "Hits in the active file", files.active_rows),
                ("sealed_files", "Sealed files", files.sealed_files),
                ("sealed_rows", "Hits in sealed files", files.sealed_rows),
                ("sealed_bytes", "Bytes of the sealed files", files.sealed_bytes),
            ] {
                text.family(name, "gauge", help);
                text.value(name, "", value);
            }
        }
        if let Some(clickhouse) = &store.clickhouse {
            for (name, help, value) in [
                (
                    "hits_elsewhere_total",
                    "Hits of batches that another server has taken, too, and that are not counted twice",
                    clickhouse.hits_elsewhere,
                ),
                (
                    "batches_unasked_total",
                    "Batches stored without knowing whether another server has them",
                    clickhouse.batches_unasked,
                ),
            ] {
                text.family(name, "counter", help);
                text.value(name, "", value);
            }
        }
        text.family(
            "apply_lag_seconds",
            "gauge",
            "Age of the oldest inbox record that is not applied yet",
        );
        text.value("apply_lag_seconds", "", store.apply_lag_ms as f64 / 1e3);
        if let Some(bytes) = resident_bytes() {
            text.family("resident_memory_bytes", "gauge", "Memory of the process");
            text.value("resident_memory_bytes", "", bytes);
        }
        text.0
    }
}

struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(
            self.0,
            "# HELP api_analytics_{name} {help}.\n# TYPE api_analytics_{name} {kind}"
        );
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.family(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (counter, bound) in histogram.buckets.iter().zip(BOUNDS) {
            self.value(&bucket, &format!("le=\"{bound}\""), get(counter));
        }
        self.value(&bucket, "le=\"+Inf\"", get(&histogram.count));
        self.value(&format!("{name}_sum"), "", get(&histogram.sum_us) as f64 / 1e6);
        self.value(&format!("{name}_count"), "", get(&histogram.count));
    }

    fn value(&mut self, name: &str, label: &str, value: impl std::fmt::Display) {
        let label = if label.is_empty() { String::new() } else { format!("{{{label}}}") };
        let _ = writeln!(self.0, "api_analytics_{name}{label} {value}");
    }
}

fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn place(reason: Reason) -> usize {
    usize::from(reason.number()) - 1
}

/// From the kernel; none if it is not available.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}
