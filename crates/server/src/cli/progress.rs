//! Progress of a long command: a bar with rate and time left on a terminal, a line per minute elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use analytics::limits;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use store::{Progress, Unit};

/// Progress of one command. Also handles Ctrl-C and SIGTERM, which cancel the work.
pub(super) struct Bar {
    bar: ProgressBar,
    /// None on a terminal, where the bar is drawn.
    lines: Option<Mutex<Lines>>,
    cancelled: Arc<AtomicBool>,
}

struct Lines {
    work: String,
    unit: Unit,
    last: Instant,
}

impl Bar {
    pub(super) fn new() -> Bar {
        let draws = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(
            None,
            if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() },
        );
        let lines = (!draws).then(|| {
            Mutex::new(Lines { work: String::new(), unit: Unit::Bytes, last: Instant::now() })
        });
        let cancelled = Arc::new(AtomicBool::new(false));
        let flag = cancelled.clone();
        tokio::spawn(async move {
            end_signal().await;
            flag.store(true, Ordering::Relaxed);
        });
        Bar { bar, lines, cancelled }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, Lines { work, unit, .. }: &Lines) {
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let percent = (done.min(all) * 100).checked_div(all).unwrap_or(100);
        let (size, unit) = size_of(*unit);
        let (all, per_s) = (all / size, self.bar.per_sec() / size as f64);
        let left_s = self.bar.eta().as_secs();
        // There may be no reader.
        let _ = writeln!(
            std::io::stderr(),
            "{work}: {percent} % of {all} {unit}, {per_s:.0} {unit}/s, {left_s} s left"
        );
    }
}

/// Returns when the process is asked to end.
pub(super) async fn end_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// How many make one of those that a line counts, and its name.
fn size_of(unit: Unit) -> (u64, &'static str) {
    match unit {
        Unit::Bytes => (1 << 20, "MiB"),
        Unit::Hits => (1, "hits"),
        Unit::Projects => (1, "projects"),
        Unit::Days => (1, "days"),
        Unit::Erasures => (1, "erasures"),
        Unit::Files => (1, "files"),
    }
}

impl Progress for Bar {
    fn begin(&self, work: &str, total: u64, unit: Unit) {
        let template = match unit {
            Unit::Bytes => {
                "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left".to_owned()
            }
            _ => format!(
                "{{msg}} {{wide_bar}} {{human_pos}} of {{human_len}} {}, {{per_sec}}, {{eta}} left",
                size_of(unit).1
            ),
        };
        self.bar.set_style(
            ProgressStyle::with_template(&template)
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        self.bar.set_message(work.to_owned());
        self.bar.reset();
        self.bar.set_length(total);
        if let Some(lines) = &self.lines {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            work.clone_into(&mut lines.work);
            lines.unit = unit;
        }
    }

    fn advance(&self, more: u64) {
        self.bar.inc(more);
        if let Some(lines) = &self.lines {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.last.elapsed() >= Duration::from_secs(limits::PROGRESS_LINE_SECONDS) {
                lines.last = Instant::now();
                self.say(&lines);
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
