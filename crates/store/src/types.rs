//! Inputs and outputs of the store of hits, as data.

mod limits;
mod place;
mod stats;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use analytics::alert::Counts;
use analytics::alert::silence::Presence;
use analytics::alert::timeline::Cell;
use analytics::batch::Batch;
use analytics::hit::{Country, ProjectId, TextKind};
use analytics::hit_fields::{Number, Word};
use analytics::query::SlowPlace;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

pub use limits::{ClickHouseLimits, DuckDbLimits, RouteLimits, StoreLimits};
pub use place::{ClickHousePlace, HitsPlace, MetaPlace, PostgresUrl};
pub use stats::{ClickHouseStats, DuckDbStats, EngineStats, StoreStats};

/// Settings of a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    pub data: PathBuf,
    /// Identifies this server in hit ids; 0 on one machine.
    pub node: u8,
    /// The operator chose it. Else servers that share PostgreSQL and ClickHouse get their numbers there.
    pub node_is_named: bool,
    pub hits: HitsPlace,
    /// Of projects and settings, for `open_folder`.
    pub meta: MetaPlace,
    pub limits: StoreLimits,
}

impl StoreOptions {
    /// Of a server that needs nothing beside its data folder.
    pub fn new(data: PathBuf, limits: StoreLimits) -> StoreOptions {
        StoreOptions {
            data,
            node: 0,
            node_is_named: false,
            hits: HitsPlace::Folder,
            meta: MetaPlace::Folder,
            limits,
        }
    }

    /// The databases that it shares with other servers; none if it is alone.
    pub fn shared_with(&self) -> Option<(&PostgresUrl, &ClickHousePlace)> {
        match (&self.meta, &self.hits) {
            (MetaPlace::Postgres(url), HitsPlace::ClickHouse(place)) => Some((url, place)),
            _ => None,
        }
    }
}

/// Rules that bring the routes of earlier requests up to date: in answers at once, in a file when it is rewritten.
pub trait RouteRules: Send + Sync {
    /// None: no rule says anything of it. What comes of a route stays so.
    fn join(&self, project: ProjectId, route: &str) -> Option<String>;

    /// Changes with every change of a rule of any project; 0: there is none.
    fn version(&self) -> u64;

    /// The same for one project.
    fn version_of(&self, project: ProjectId) -> u64;
}

/// One rejected hit of a batch: its index and a reason from the closed list (`analytics::ingest::Reason::number`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub index: u32,
    pub reason: u8,
}

/// A batch with the facts that the inbox needs.
#[derive(Debug)]
pub struct Append {
    pub project: ProjectId,
    pub batch: Batch,
    /// Hash of (project, batch id) if the client gave one: a second batch with the same id gets the first one's answer.
    pub batch_hash: Option<u128>,
    /// Stored with the batch id, so that a retry gets the same answer. At most 1,000 are kept.
    pub rejected: Vec<Rejected>,
    pub rejected_total: u32,
}

/// Answer for a batch's sender. By the time it exists, the hits are on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub accepted: u32,
    /// Hits that a published client posted again (see `Batch::repeat_hashes`).
    pub repeated: u32,
    pub rejected: Arc<[Rejected]>,
    pub rejected_total: u32,
    /// This batch id was answered before; nothing was added.
    pub replayed: bool,
}

/// The target of an erasure, within everything that arrived before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Erasure {
    /// The whole project; later batches for it are refused.
    Project(ProjectId),
    /// Whole hits of this user id.
    User(ProjectId, String),
    /// Whole hits from this address, also those with a user id.
    Address(ProjectId, String),
    /// The addresses of all hits, not the hits (privacy level raised to 1).
    Addresses(ProjectId),
    /// Addresses and countries (privacy level raised to 2).
    AddressesAndCountries(ProjectId),
    /// Hits older than this time, microseconds (`keep_hits`).
    Before(ProjectId, i64),
}

/// Why a call to the store fails. A variant has one cause, so that a caller knows what happened and whether to retry. A
/// job that gives way to a more urgent one is not a failure, see `duckdb/job_end.rs`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Hits arrive faster than they are applied: the inbox is full, or this project's fair share of it.
    #[error("the inbox is full")]
    Full,
    /// The disk refused the write. A retry is safe: a batch id counts once, and an erasure erases nothing twice.
    #[error("the inbox could not be written")]
    CommitFailed,
    #[error("the disk is nearly full")]
    DiskLow,
    /// All record numbers that fit into a hit id are used up.
    #[error("the inbox has no record numbers left; restore a backup into a new data folder")]
    NumbersUsedUp,
    /// The erasure is in the inbox. Rewriting the files fails at the moment and is tried again.
    #[error("the erasure is accepted and waits until data files can be written")]
    ErasureWaits,
    /// The erasure is in the inbox. It waits for the operator.
    #[error(
        "{file} cannot be read and may hold what is to be erased; restore it from a backup or delete it"
    )]
    ErasureBlocked { file: String },
    #[error("the project was deleted")]
    ProjectGone,
    #[error("the query ran longer than {0} s")]
    Timeout(u64),
    /// The engine's memory limit is too low for this statement.
    #[error("{0}: the engine ran out of memory")]
    OutOfMemory(&'static str),
    /// Nobody waits for the answer any more.
    #[error("it was interrupted; nothing was changed")]
    Cancelled,
    #[error("another server holds the data folder {0}")]
    Locked(PathBuf),
    #[error("the store is closing")]
    Closing,
    /// The engine failed, and the data files are being reopened with another one.
    #[error("the data files are being opened again after a failure")]
    Reopening,
    /// The server that keeps hits does not answer. Acknowledged batches wait in the inbox.
    #[error("ClickHouse cannot be reached: {cause}")]
    EngineAway { cause: String },
    /// The failed engine still holds the data files, so no other can open them.
    #[error(
        "the engine that failed is still in use after {seconds} s; if this lasts, restart the server"
    )]
    EngineInUse { seconds: u64 },
    /// The engine that reads sealed files refuses every statement.
    #[error("the engine that reads sealed files failed")]
    ReadingFailed,
    /// A bug. The panic's message is in the log.
    #[error("{0} panicked")]
    Panicked(&'static str),
    /// The writer could not freeze its file for the backup; it starts again.
    #[error("the backup failed: {0}")]
    BackupFailed(String),
    /// A path from the operator can't serve its purpose. The text says why, and what to do.
    #[error("{0}")]
    UnusablePath(String),
    /// The inbox's log is being read, so erased bytes stay in it.
    #[error("the inbox's log is being read and could not be emptied")]
    LogInUse,
    /// Bytes on the disk differ from those written.
    #[error("{0}")]
    Damaged(String),
    /// A later version of this program has written here: the file, and its version.
    #[error(
        "{0}: a newer version of the program wrote it. Nothing was changed. Start the newer version again, or restore a backup \
         that was made before the upgrade"
    )]
    Newer(String),
    /// Two servers with one number would give two hits the same id.
    #[error(
        "another data folder writes hits to this ClickHouse database as node {node}; give this server another number with \
         `node`, or name another database in `hits`"
    )]
    NodeTaken { node: u8 },
    /// The data folder is not whole: the finding, its meaning, the remedy. Nothing was changed.
    #[error("{0}")]
    NotWhole(String),
    /// An error of the engine that keeps hits.
    #[error("{context}: {cause}")]
    Engine { context: &'static str, cause: Box<dyn std::error::Error + Send + Sync> },
    /// An error of SQLite about the inbox.
    #[error("{context}: {cause}")]
    Sqlite { context: &'static str, cause: sqlx::Error },
    /// An error of the operating system.
    #[error("{context}: {cause}")]
    System { context: &'static str, cause: std::io::Error },
    /// `meta.sqlite`, `monitors.sqlite` or PostgreSQL could not be opened or changed.
    #[error("{context}: {cause}")]
    ProjectFiles { context: &'static str, cause: Box<dyn std::error::Error + Send + Sync> },
}

/// System errors of a disk that may succeed later.
const DISK_ERRORS: [Errno; 5] = [Errno::IO, Errno::NOSPC, Errno::MFILE, Errno::NFILE, Errno::NOMEM];
/// The same in SQLite: SQLITE_NOMEM, SQLITE_IOERR, SQLITE_FULL.
const SQLITE_DISK_ERRORS: [i32; 3] = [7, 10, 13];

impl StoreError {
    /// The file that must be restored or deleted first.
    pub(crate) fn blocking_file(&self) -> Option<&str> {
        match self {
            StoreError::ErasureBlocked { file } => Some(file),
            _ => None,
        }
    }

    /// True if the disk failed and not the data on it: a retry may succeed.
    pub(crate) fn is_disk(&self) -> bool {
        let system = |cause: &std::io::Error| {
            Errno::from_io_error(cause).is_some_and(|errno| DISK_ERRORS.contains(&errno))
        };
        match self {
            StoreError::System { cause, .. }
            | StoreError::Sqlite { cause: sqlx::Error::Io(cause), .. } => system(cause),
            StoreError::Sqlite { cause: sqlx::Error::Database(cause), .. } => {
                let code = cause.code().and_then(|code| code.parse::<i32>().ok());
                // The rest of an extended code identifies the call.
                code.is_some_and(|code| SQLITE_DISK_ERRORS.contains(&(code & 0xff)))
            }
            StoreError::Engine { cause, .. } => {
                let text = cause.to_string();
                DISK_ERRORS.iter().any(|errno| text.contains(&words_of(*errno)))
            }
            _ => false,
        }
    }
}

/// The system's text for an error: DuckDB includes it in its message and gives no code.
fn words_of(errno: Errno) -> String {
    let words = std::io::Error::from(errno).to_string();
    words.split(" (os error").next().unwrap_or_default().to_owned()
}

/// A hit as it is read. `""` and none mean "none".
#[derive(Clone, Debug, PartialEq)]
pub struct HitRow {
    pub hit_id: i64,
    pub time_us: i64,
    pub duration_us: Option<u64>,
    pub status: u16,
    pub country: Country,
    pub request_size: Option<u64>,
    pub response_size: Option<u64>,
    /// By number.
    pub texts: [Arc<str>; TextKind::COUNT],
    /// In the order of `Word`.
    pub words: [Arc<str>; Word::COUNT],
}

/// A part of a list, and the query for the rest of it. There is no rest once the list has ended or enough was found.
#[derive(Clone, Debug)]
pub struct Part<Q> {
    /// The first hits of this part, as many as fit.
    pub hits: Vec<HitRow>,
    /// The other hits of this part.
    pub found: Found,
    pub rest: Option<Q>,
}

/// The slowest hits so far, of a period that has not been scanned to its end.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    pub(crate) best: Vec<SlowPlace>,
    /// Everything from here on has been scanned.
    pub(crate) from_us: Option<i64>,
}

/// The hits, or the progress of a bounded scan.
#[derive(Debug)]
pub enum Slowest {
    Hits(Vec<HitRow>),
    Looked(Looked),
}

/// Counts by project and by the number of the cell.
pub type Cells = HashMap<(ProjectId, i64), Cell>;

/// Counts by project and by endpoint: `METHOD ROUTE`.
pub type EndpointCounts = HashMap<ProjectId, BTreeMap<String, Counts>>;

/// The times at which consumers were seen, by project and name.
pub type Presences = HashMap<ProjectId, HashMap<String, Presence>>;

/// Hits that a list has found but not read yet, in its order: 16 bytes each.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Time and hit id.
    keys: Vec<(i64, i64)>,
    next: usize,
    /// Hits to read at once, from the size of earlier ones.
    pub(crate) step: usize,
}

impl Found {
    pub(crate) fn new(keys: Vec<(i64, i64)>) -> Found {
        Found { keys, next: 0, step: 0 }
    }

    pub fn len(&self) -> usize {
        self.keys.len() - self.next
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Time and hit id of the last hit of the list, read or not.
    pub fn last(&self) -> Option<(i64, i64)> {
        self.keys.last().copied()
    }

    /// All hits found, read or not.
    pub fn total(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn left(&self) -> &[(i64, i64)] {
        &self.keys[self.next..]
    }

    /// Skips the next ones.
    pub fn pass(&mut self, count: usize) {
        self.next += count.min(self.len());
    }
}

impl HitRow {
    /// Memory of the row, if none of its texts were shared.
    pub fn size_bytes(&self) -> usize {
        size_of::<HitRow>() + self.texts.iter().map(|text| text.len()).sum::<usize>()
    }

    pub fn text(&self, kind: TextKind) -> &Arc<str> {
        &self.texts[kind as usize]
    }

    pub fn word(&self, word: Word) -> &Arc<str> {
        &self.words[word as usize]
    }

    pub fn number(&self, number: Number) -> Option<u64> {
        match number {
            Number::Status => Some(u64::from(self.status)),
            Number::Duration => self.duration_us,
            Number::RequestSize => self.request_size,
            Number::ResponseSize => self.response_size,
        }
    }
}
