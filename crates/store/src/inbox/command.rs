//! The sequencer's commands, and the gauges that it publishes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::hit::ProjectId;
use tokio::sync::oneshot;

use super::dropped::Dropped;
use super::manifest::FileRow;
use crate::record;
use crate::types::{Append, Erasure, Receipt, Rejected, StoreError};

#[derive(Clone, Debug)]
pub struct InboxOptions {
    pub path: PathBuf,
    pub bytes_max: u64,
    /// Bytes of records held in memory for the writer.
    pub queue_bytes: usize,
    pub receipts: usize,
    /// Other servers may get the same batch, so its hash is kept with its record.
    pub is_shared: bool,
    pub disk_free_percent: u64,
    pub disk_free_bytes: u64,
    /// Room kept back for a full disk.
    pub reserve_bytes: u64,
}

/// A command is answered once it is on disk.
pub type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

pub enum Command {
    Append {
        batch: EncodedBatch,
        reply: Reply<Receipt>,
    },
    /// Answered with the erasure's seq.
    Erase {
        erasure: Erasure,
        reply: Reply<u64>,
    },
    Change {
        change: Change,
        reply: Reply<()>,
    },
    Close,
}

/// A batch as a record, with the facts that decide about it.
pub struct EncodedBatch {
    pub project: ProjectId,
    pub record: Arc<[u8]>,
    pub hits: u32,
    pub arrival_us: i64,
    pub batch_hash: Option<u64>,
    pub repeat_hashes: Vec<u64>,
    pub rejected: Vec<Rejected>,
    pub rejected_total: u32,
}

impl EncodedBatch {
    pub fn new(append: Append) -> EncodedBatch {
        let Append { project, batch, batch_hash, rejected, rejected_total } = append;
        EncodedBatch {
            project,
            hits: batch.hits.len() as u32,
            arrival_us: batch.arrival_us,
            record: record::encode_batch(project, &batch).into(),
            batch_hash: batch_hash.map(|hash| hash as u64),
            repeat_hashes: batch.repeat_hashes,
            rejected,
            rejected_total,
        }
    }
}

/// Changes of the inbox's data beside records, each one transaction.
#[derive(Debug)]
pub enum Change {
    /// Everything up to this seq is in a checkpointed data file.
    Trim { to: u64 },
    /// The records of these seqs (both included) are about to be inserted into ClickHouse as one group.
    Inserting { first: u64, last: u64 },
    /// Manifest: adds and drops files.
    Switch { put: Vec<FileRow>, drop: Vec<u64> },
    /// No file holds the erased hits any more; the records up to it may go, and their bytes.
    Erased { seq: u64, erasure: Erasure },
    /// Copies the inbox.
    Snapshot { to: PathBuf },
    /// These records are in no file.
    Dropped(Dropped),
    /// This project number is about to be assigned.
    Reserve(ProjectId),
    /// `meta.sqlite` has created this project.
    Given(ProjectId),
    /// `meta.sqlite` has stored the number of this start.
    Started,
}

impl Change {
    /// The files that it adds and drops, if it does nothing else.
    pub fn as_switch(&self) -> Option<(Vec<FileRow>, Vec<u64>)> {
        match self {
            Change::Switch { put, drop } => Some((put.clone(), drop.clone())),
            _ => None,
        }
    }
}

/// Numbers that others read without asking the thread.
#[derive(Debug, Default)]
pub struct Gauges {
    pub bytes: AtomicU64,
    pub receipts_forgotten: AtomicU64,
    pub disk_free_percent: AtomicU64,
    pub disk_free_bytes: AtomicU64,
    pub arrivals: Mutex<HashMap<ProjectId, i64>>,
}

/// The state of the inbox at the start.
#[derive(Debug)]
pub struct Opened {
    pub files: Vec<FileRow>,
    pub erasures: Vec<(u64, Erasure)>,
    pub trimmed_to: u64,
    /// Its hits are in ClickHouse, and not in data files.
    pub is_in_clickhouse: bool,
    /// The last group that was about to be inserted into ClickHouse: its first and last seq.
    pub inserting: Option<(u64, u64)>,
    /// The store's secret, the key of the hashed names in the ledger of erasures.
    pub key: [u8; 32],
}

impl Gauges {
    /// A batch of this project arrived.
    pub fn arrived(&self, project: ProjectId, arrival_us: i64) {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let known = arrivals.entry(project).or_insert(arrival_us);
        *known = arrival_us.max(*known);
    }
}
