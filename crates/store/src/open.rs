//! Opens the data folder, repairs and reports the traces of a crash, a bad log or a damaged file.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use analytics::hit::ProjectId;
use analytics::limits;
use tokio::sync::{mpsc, watch};

use crate::disk::io;
use crate::facts;
use crate::hit_store::HitStore;
use crate::inbox::{Command, Identity, InboxOptions, InboxSender, Sequencer};
use crate::meta::{self, InClickHouse, Lease};
use crate::reserve;
use crate::shared::{Erased, Problems, Shared};
use crate::start::{Start, Work};
use crate::types::{HitsPlace, StoreError, StoreOptions};
use crate::verdict::{self, Facts, Found, Stop, Verdict};
use crate::{clickhouse, duckdb, upgrade};

/// The threads of an open store; they end when the store closes.
pub struct Threads {
    pub sequencer: std::thread::JoinHandle<()>,
    pub writer: std::thread::JoinHandle<()>,
    pub builder: std::thread::JoinHandle<()>,
    pub tail: std::thread::JoinHandle<()>,
}

/// Blocks: call it off the async threads.
///
/// `with_meta`: the database of projects must match, and is opened next (`folder.rs`).
pub fn open(
    mut options: StoreOptions,
    with_meta: bool,
) -> Result<(Arc<Shared>, HitStore, Threads), StoreError> {
    // Before anything is created in the way of an unfinished repair.
    if options.data.join(facts::UNFINISHED).exists() {
        return Err(StoreError::NotWhole(Stop::Unfinished.explain(&options.data)));
    }
    std::fs::create_dir_all(&options.data).map_err(io("creating the data folder"))?;
    let lock = lock(&options.data)?;
    reserve::give_up_if_full(&options.data, options.limits.reserve_bytes);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(io("starting the inbox"))?;
    let meta = with_meta.then_some(&options.meta);
    let looking = facts::gather(&options.data, meta, &options.limits);
    let mut facts = runtime.block_on(looking)?;
    facts.for_clickhouse = Some(matches!(options.hits, HitsPlace::ClickHouse(_)));
    let leftovers = match verdict::judge(&facts) {
        Verdict::Start(leftovers) => leftovers,
        Verdict::Stop(stop) => return Err(StoreError::NotWhole(stop.explain(&options.data))),
    };
    reserve::keep(&options.data, options.limits.reserve_bytes);
    let (identity, highest_project) = next_identity(&facts)?;
    let inbox = InboxOptions {
        path: options.data.join("inbox.sqlite"),
        bytes_max: options.limits.inbox_bytes,
        queue_bytes: limits::QUEUE_BYTES as usize,
        receipts: options.limits.receipts,
        is_shared: options.shared_with().is_some(),
        disk_free_percent: options.limits.disk_free_percent,
        disk_free_bytes: options.limits.disk_free_bytes,
        reserve_bytes: options.limits.reserve_bytes,
    };
    let (mut sequencer, queue, gauges, opened) =
        runtime.block_on(Sequencer::open(inbox, random_key()?))?;
    runtime.block_on(sequencer.begin(&identity, highest_project))?;
    if with_meta {
        options.node = runtime.block_on(find_node(&options, &identity))?;
    }
    let (commands, inbox_commands) = mpsc::channel::<Command>(limits::QUEUED_BATCHES as usize);
    let shared = Arc::new(Shared {
        inbox: InboxSender::new(commands, queue.clone()),
        queue,
        gauges,
        problems: Problems::default(),
        notes: Problems::default(),
        applied: watch::channel(0).0,
        erased: Erased::default(),
        tail: Arc::default(),
        rankings: Arc::default(),
        opened: Instant::now(),
        route_rules: OnceLock::new(),
        key: opened.key,
        identity,
        highest_project,
        ending: false.into(),
        lock,
        options,
    });
    let mut start = Start { runtime, sequencer, opened, facts, leftovers };
    let (hits, work) = match &shared.options.hits {
        HitsPlace::Folder => {
            let (store, work) = duckdb::open::start(&shared, &mut start)?;
            (HitStore::DuckDb(store), work)
        }
        HitsPlace::ClickHouse(place) => {
            let (store, work) = clickhouse::open::start(&shared, place, &mut start)?;
            (HitStore::ClickHouse(store), work)
        }
    };
    let Start { runtime, sequencer, .. } = start;
    let tail = shared.tail.clone();
    let node = shared.options.node;
    let inbox = Box::new(move || runtime.block_on(sequencer.run(inbox_commands)));
    let threads = Threads {
        sequencer: spawn("inbox", inbox)?,
        writer: spawn("writer", work.writer)?,
        builder: spawn("builder", work.builder)?,
        tail: spawn("tail", Box::new(move || tail.run(node)))?,
    };
    Ok((shared, hits, threads))
}

/// The number that this folder writes hits as. Folders that share PostgreSQL and ClickHouse get theirs there.
async fn find_node(options: &StoreOptions, identity: &Identity) -> Result<u8, StoreError> {
    let Some((url, place)) = options.shared_with() else { return Ok(options.node) };
    let query_seconds = options.limits.query_seconds;
    let alone = upgrade::begin(url, place, query_seconds).await?;
    let found = clickhouse::node::folders(place, query_seconds).await;
    if let Some(alone) = alone {
        alone.end().await;
    }
    let (in_clickhouse, away) = match &found {
        Ok(folders) => (InClickHouse::Folders(folders), false),
        Err(StoreError::EngineAway { .. }) => (InClickHouse::Away, true),
        Err(_) => return found.map(|_| options.node),
    };
    let wanted = options.node_is_named.then_some(options.node);
    let lease = Lease { folder: identity.folder, wanted, in_clickhouse };
    let node = meta::register(url, lease).await.map_err(|cause| StoreError::ProjectFiles {
        context: "this server cannot join the others",
        cause: Box::new(cause),
    })?;
    match node {
        Some(node) => Ok(node),
        // A folder that is new here needs an answer of ClickHouse.
        None if away => found.map(|_| options.node),
        None => Ok(options.node),
    }
}

fn spawn(name: &str, work: Work) -> Result<std::thread::JoinHandle<()>, StoreError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(io("starting a thread"))
}

pub fn lock(data: &Path) -> Result<std::fs::File, StoreError> {
    let path = data.join("lock");
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(io("opening the lock of the data folder"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked(data.to_path_buf())),
        Err(std::fs::TryLockError::Error(problem)) => Err(io("locking the data folder")(problem)),
    }
}

pub fn random_key() -> Result<[u8; 32], StoreError> {
    let mut key = [0; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| std::io::Read::read_exact(&mut source, &mut key))
        .map_err(io("making a secret"))?;
    Ok(key)
}

/// The identity of the new start, and the highest project number known.
fn next_identity(facts: &Facts) -> Result<(Identity, ProjectId), StoreError> {
    let mut identity = Identity { folder: [0; 16], begun: 0, done: 0 };
    let mut highest = 0;
    match &facts.inbox {
        Found::Known(inbox) if inbox.identity.is_some() => {
            identity = inbox.identity.unwrap_or(identity);
            highest = inbox.highest_project;
        }
        _ => identity.folder.copy_from_slice(&random_key()?[..16]),
    }
    if let Some(meta) = &facts.meta {
        let mut starts = 0;
        if let Found::Known(meta) = meta {
            highest = highest.max(meta.highest_project);
            starts = meta.identity.as_ref().map_or(0, |identity| identity.starts);
        }
        identity.begun = identity.begun.max(starts + 1);
    }
    Ok((identity, ProjectId(highest)))
}
