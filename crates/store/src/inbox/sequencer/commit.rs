//! The commit of a group, and recovery from a failed one. Senders are answered here, once they can be.

use std::sync::atomic::Ordering;

use sqlx::{ConnectOptions, Row};

use super::Sequencer;
use super::group::Group;
use crate::clock::now_us;
use crate::inbox::connect_options;
use crate::sql;
use crate::types::StoreError;

impl Sequencer {
    pub(super) async fn commit(&mut self, group: Group) {
        if group.replies.is_empty() && group.erase_replies.is_empty() {
            return;
        }
        let written = match (group.items.is_empty(), group.receipts.is_empty()) {
            (true, true) => Ok(()),
            _ => group.write(&mut self.db).await,
        };
        match written {
            Ok(()) => {
                for &(seq, project, bytes) in &group.sizes {
                    self.quotas.add(seq, Some(project), bytes);
                }
                self.gauges.bytes.store(self.quotas.total(), Ordering::Relaxed);
                self.gauges.receipts_forgotten.store(self.receipts.forgotten, Ordering::Relaxed);
                for (project, arrival_us) in group.arrivals {
                    self.gauges.arrived(project, arrival_us);
                    self.fresh.insert(project);
                }
                if !group.items.is_empty() {
                    self.queue.push(group.items, self.next_seq - 1);
                }
                for (reply, receipt) in group.replies {
                    let _ = reply.send(Ok(receipt));
                }
                for (reply, seq) in group.erase_replies {
                    let _ = reply.send(Ok(seq));
                }
            }
            Err(problem) => {
                tracing::error!(%problem, batches = group.replies.len(), "the inbox could not commit");
                for hash in group.hashes {
                    self.receipts.remove(hash);
                }
                for project in group.gone {
                    self.gone.remove(&project);
                }
                self.start_over().await;
                // Hits that are not on disk must not count as repeats when they are posted again.
                if !group.repeats.is_empty()
                    && let Err(problem) = self.load_repeats(now_us()).await
                {
                    tracing::error!(%problem, "hits that are posted again now count twice");
                }
                for (reply, _) in group.replies {
                    let _ = reply.send(Err(StoreError::CommitFailed));
                }
                for (reply, _) in group.erase_replies {
                    let _ = reply.send(Err(StoreError::CommitFailed));
                }
            }
        }
    }

    /// After a failed commit only the file shows whether it is on disk. Records that are go to the writer (their
    /// senders were told to retry, and a batch id makes that free); seqs continue after them.
    pub(super) async fn start_over(&mut self) {
        match connect_options(&self.options.path).connect().await {
            Ok(db) => self.db = db,
            Err(problem) => {
                tracing::error!(%problem, "the inbox cannot be opened again");
                return;
            }
        }
        if let Ok(row) = sqlx::query(sql::inbox::LAST_SEQ).fetch_one(&mut self.db).await {
            let last = row.get::<i64, _>(0) as u64;
            self.next_seq = self.queue.last_seq().max(last) + 1;
            self.queue.push(Vec::new(), self.next_seq - 1);
        }
        self.measure_disk();
    }
}
