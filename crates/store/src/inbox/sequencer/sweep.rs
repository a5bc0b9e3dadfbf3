//! Periodic work: forgetting old batch ids, and checking free disk space.

use std::sync::atomic::Ordering;

use analytics::limits;

use super::Sequencer;
use crate::clock::now_us;
use crate::inbox::repeats;
use crate::reserve;
use crate::sql;

impl Sequencer {
    /// Once a second: free disk space; once a minute: forgetting old entries.
    pub(super) async fn sweep(&mut self) {
        let now = now_us();
        if now - self.swept_us < 1_000_000 {
            return;
        }
        self.measure_disk();
        if now / 60_000_000 != self.swept_us / 60_000_000 {
            let week = now - limits::RECEIPT_DAYS as i64 * 86_400_000_000;
            self.receipts.forget_before(week);
            for (statement, before) in [
                (sql::inbox::TRIM_RECEIPTS, week),
                (sql::inbox::TRIM_REPEATS, now - repeats::WINDOW_US),
            ] {
                if let Err(problem) =
                    sqlx::query(statement).bind(before).execute(&mut self.db).await
                {
                    tracing::warn!(%problem, "the inbox could not forget what is old");
                    self.start_over().await;
                    return;
                }
            }
        }
        self.swept_us = now;
    }

    pub(super) fn measure_disk(&self) {
        let folder = self.options.path.parent().unwrap_or(&self.options.path);
        let free = reserve::keep(folder, self.options.reserve_bytes);
        self.gauges.disk_free_percent.store(free.percent, Ordering::Relaxed);
        self.gauges.disk_free_bytes.store(free.bytes, Ordering::Relaxed);
    }
}
