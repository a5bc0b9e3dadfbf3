//! Progress of a long command: a bar with rate and time left on a terminal, a line per minute elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use analytics::limits;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use store::Progress;

/// Progress of one command. Also handles Ctrl-C and SIGTERM, which cancel the work.
pub(super) struct Bar {
    bar: ProgressBar,
    /// None on a terminal, where the bar is drawn.
    lines: Option<Mutex<Lines>>,
    cancelled: Arc<AtomicBool>,
}

struct Lines {
    work: String,
    last: Instant,
}

impl Bar {
    pub(super) fn new() -> Bar {
        let draws = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(
            None,
            if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() },
        );
        let lines =
            (!draws).then(|| Mutex::new(Lines { work: String::new(), last: Instant::now() }));
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

    fn say(&self, work: &str) {
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let percent = (done.min(all) * 100).checked_div(all).unwrap_or(100);
        let mib_per_s = self.bar.per_sec() / f64::from(1 << 20);
        let left_s = self.bar.eta().as_secs();
        // There may be no reader.
        let _ = writeln!(
            std::io::stderr(),
            "{work}: {percent} % of {} MiB, {mib_per_s:.0} MiB/s, {left_s} s left",
            all >> 20
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

impl Progress for Bar {
    fn begin(&self, work: &str, total_bytes: u64) {
        let template = "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        self.bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        self.bar.set_message(work.to_owned());
        self.bar.reset();
        self.bar.set_length(total_bytes);
        if let Some(lines) = &self.lines {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            work.clone_into(&mut lines.work);
        }
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
        if let Some(lines) = &self.lines {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.last.elapsed() >= Duration::from_secs(limits::PROGRESS_LINE_SECONDS) {
                lines.last = Instant::now();
                self.say(&lines.work);
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
