//! Wakes the loop that mails subscribers of status pages (`mailing`), and holds its problems.

use std::time::Duration;

use analytics::limits;
use tokio::sync::Notify;

use crate::loop_health::LoopHealth;

/// State shared by the loop that mails subscribers (`mailing`) and its reports.
#[derive(Default)]
pub struct SubscriberMail {
    /// Something was written.
    changed: Notify,
    pub health: LoopHealth,
}

impl SubscriberMail {
    /// Wakes the loop.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Returns when the loop should run.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Current problems, in words.
    pub fn problems(&self) -> Vec<String> {
        let patience = Duration::from_secs(limits::NOTICE_SILENT_SECONDS);
        self.health
            .problems(patience, "subscribers are not mailed: the loop that mails them has stopped")
    }
}
