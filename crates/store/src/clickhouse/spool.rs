//! A node's inbox in front of ClickHouse: a batch is acknowledged once it is on this node's disk, and the writer brings
//! it to the server.

use std::path::Path;

use analytics::limits;
use tokio::sync::{mpsc, watch};

use super::ClickHouse;
use super::writer::Writer;
use crate::blocking;
use crate::disk::io;
use crate::inbox::{Command, EncodedBatch, InboxOptions, InboxSender, Sequencer};
use crate::open::{lock, random_key};
use crate::types::{Append, Erasure, Receipt, StoreError, StoreLimits};

/// An open inbox. It is closed by `close`; dropped, it behaves as after a crash.
pub struct Spool {
    inbox: InboxSender,
    queue: std::sync::Arc<crate::inbox::Queue>,
    applied: watch::Receiver<u64>,
    erased: watch::Receiver<Vec<(u64, u64)>>,
    problem: watch::Receiver<String>,
    threads: [std::thread::JoinHandle<()>; 2],
    _lock: std::fs::File,
}

impl Spool {
    /// Opens or creates `inbox.sqlite` in the folder, and starts the writer. The server may be away.
    pub async fn open(
        folder: &Path,
        node: u8,
        clickhouse: &ClickHouse,
        limits: StoreLimits,
    ) -> Result<Spool, StoreError> {
        let (folder, engine) = (folder.to_path_buf(), clickhouse.engine.with_own_connections());
        let opening = move || {
            std::fs::create_dir_all(&folder).map_err(io("creating the data folder"))?;
            let lock = lock(&folder)?;
            let path = folder.join("inbox.sqlite");
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .map_err(io("starting the inbox"))?;
            let options = InboxOptions {
                path: path.clone(),
                bytes_max: limits.inbox_bytes,
                queue_bytes: limits::QUEUE_BYTES as usize,
                receipts: limits.receipts,
                disk_free_percent: limits.disk_free_percent,
                disk_free_bytes: limits.disk_free_bytes,
                reserve_bytes: limits.reserve_bytes,
            };
            let (sequencer, queue, _gauges, opened) =
                runtime.block_on(Sequencer::open(options, random_key()?))?;
            let (commands, receiver) = mpsc::channel::<Command>(limits::QUEUED_BATCHES as usize);
            let inbox = InboxSender::new(commands, queue.clone());
            let (applied_to, applied) = watch::channel(opened.trimmed_to);
            let (erased_to, erased) = watch::channel(Vec::new());
            let (problem_to, problem) = watch::channel(String::new());
            let writer = Writer {
                node,
                path,
                engine,
                queue: queue.clone(),
                inbox: inbox.clone(),
                applied: applied_to,
                erased: erased_to,
                problem: problem_to,
                open_group: opened.inserting,
            };
            let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
                std::thread::Builder::new()
                    .name(name.to_owned())
                    .spawn(work)
                    .map_err(io("starting a thread"))
            };
            let threads = [
                spawn("inbox", Box::new(move || runtime.block_on(sequencer.run(receiver))))?,
                spawn("writer", Box::new(move || writer.run()))?,
            ];
            Ok(Spool { inbox, queue, applied, erased, problem, threads, _lock: lock })
        };
        blocking::run("opening the inbox", opening).await?
    }

    /// Returns once the batch is on disk.
    pub async fn append(&self, append: Append) -> Result<Receipt, StoreError> {
        let batch = EncodedBatch::new(append);
        self.inbox.ask(|reply| Command::Append { batch, reply }).await
    }

    /// Returns once no part in ClickHouse holds those hits any more, with their number.
    pub async fn erase(&self, erasure: Erasure) -> Result<u64, StoreError> {
        let seq = self.inbox.ask(|reply| Command::Erase { erasure, reply }).await?;
        self.queue.hurry();
        let mut erased = self.erased.clone();
        let mut hits = None;
        let done = erased.wait_for(|done| {
            hits = done.iter().find(|(of, _)| *of == seq).map(|(_, hits)| *hits);
            hits.is_some()
        });
        done.await.map_err(|_| StoreError::Closing)?;
        hits.ok_or(StoreError::Closing)
    }

    /// Waits until everything acknowledged so far is in ClickHouse.
    pub async fn settle(&self) -> Result<(), StoreError> {
        let last = self.queue.last_seq();
        self.queue.hurry();
        let mut applied = self.applied.clone();
        applied.wait_for(|seq| *seq >= last).await.map(drop).map_err(|_| StoreError::Closing)
    }

    /// Why records wait in the inbox; "" if they don't.
    pub fn problem(&self) -> String {
        self.problem.borrow().clone()
    }

    /// Inserts queued records, if the server takes them, and releases the folder.
    pub async fn close(self) -> Result<(), StoreError> {
        let closing = move || {
            self.queue.close();
            let [sequencer, writer] = self.threads;
            let _ = writer.join();
            self.inbox.close_blocking();
            let _ = sequencer.join();
        };
        blocking::run("closing the inbox", closing).await
    }
}
