//! The thread that numbers and commits. All decisions that depend on order are made here, once, and are on disk before
//! anyone is answered.
//!
//! This file has its state and the order of its work; the modules below do each part.

mod change;
mod commit;
mod decide;
mod group;
mod opening;
mod sweep;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use analytics::hit::ProjectId;
use analytics::limits;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::mpsc;

use super::command::{Command, Gauges, InboxOptions};
use super::queue::Queue;
use super::quota::Quotas;
use super::receipts::Receipts;
use super::repeats::Repeats;
use crate::sql;
use group::Group;

pub struct Sequencer {
    options: InboxOptions,
    db: SqliteConnection,
    queue: Arc<Queue>,
    gauges: Arc<Gauges>,
    next_seq: u64,
    receipts: Receipts,
    repeats: Repeats,
    quotas: Quotas,
    gone: HashSet<ProjectId>,
    /// Arrivals that are not in the file yet.
    fresh: HashSet<ProjectId>,
    swept_us: i64,
}

impl Sequencer {
    /// Runs until `Close`.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut waiting: Vec<Command> = Vec::new();
        let mut open = true;
        while open {
            waiting.clear();
            if commands.recv_many(&mut waiting, limits::GROUP_BATCHES as usize).await == 0 {
                break;
            }
            wait_for_company(&mut commands, &mut waiting);
            let mut group = Group::default();
            for command in waiting.drain(..) {
                match command {
                    Command::Append { batch, reply } => {
                        self.add_batch(&mut group, batch, reply);
                        if group.bytes.len() > limits::GROUP_BYTES as usize {
                            self.commit(std::mem::take(&mut group)).await;
                        }
                    }
                    Command::Erase { erasure, reply } => {
                        self.add_erasure(&mut group, erasure, reply)
                    }
                    Command::Change { change, reply } => {
                        // Earlier commands are committed before it.
                        self.commit(std::mem::take(&mut group)).await;
                        let _ = reply.send(self.change_safely(change).await);
                    }
                    Command::Close => open = false,
                }
            }
            self.commit(group).await;
            self.sweep().await;
        }
        self.save_arrivals().await.ok();
        let _ = sqlx::query(sql::inbox::CHECKPOINT).execute(&mut self.db).await;
        let _ = self.db.close().await;
    }
}

/// If posts come by the dozen, committing a few at a time costs more than the posts themselves.
///
/// It blocks on purpose: the thread belongs to the inbox alone, and posts that arrive meanwhile need not wake it.
fn wait_for_company(commands: &mut mpsc::Receiver<Command>, waiting: &mut Vec<Command>) {
    if waiting.len() < limits::GROUP_WAIT_FROM as usize {
        return;
    }
    std::thread::sleep(Duration::from_millis(limits::GROUP_WAIT_MS));
    while waiting.len() < limits::GROUP_BATCHES as usize {
        let Ok(command) = commands.try_recv() else { break };
        waiting.push(command);
    }
}
