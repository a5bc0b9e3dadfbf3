//! Opens the data folder, repairs and reports the traces of a crash, a bad log or a damaged file.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use analytics::hit::ProjectId;
use analytics::limits;
use arc_swap::ArcSwapOption;
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{mpsc, watch};

use crate::attach;
use crate::builder::Builder;
use crate::disk::io;
use crate::duckdb::active::Active;
use crate::duckdb::engine::{Engine, remove_spilled};
use crate::duckdb::files::{Entry, Files, Snapshot};
use crate::duckdb::sql::file::FORMAT;
use crate::facts;
use crate::inbox::{
    self, Change, Command, Dropped, FileKind, FileRow, Identity, InboxFacts, InboxOptions,
    InboxSender, Opened, Sequencer,
};
use crate::reserve;
use crate::set_aside;
use crate::shared::{Erased, Job, Jobs, Problems, Shared};
use crate::types::{StoreError, StoreOptions};
use crate::verdict::{self, Facts, Found, Stop, Verdict};
use crate::writer::Writer;

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
pub fn open(options: StoreOptions, with_meta: bool) -> Result<(Arc<Shared>, Threads), StoreError> {
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
    let facts = runtime.block_on(looking)?;
    let leftovers = match verdict::judge(&facts) {
        Verdict::Start(leftovers) => leftovers,
        Verdict::Stop(stop) => return Err(StoreError::NotWhole(stop.explain(&options.data))),
    };
    reserve::keep(&options.data, options.limits.reserve_bytes);
    std::fs::create_dir_all(options.data.join("hits/tmp"))
        .map_err(io("creating the data folder"))?;
    remove_spilled(&options.data.join("hits"))?;
    let (identity, highest_project) = next_identity(&facts)?;
    let inbox = InboxOptions {
        path: options.data.join("inbox.sqlite"),
        bytes_max: options.limits.inbox_bytes,
        queue_bytes: limits::QUEUE_BYTES as usize,
        receipts: options.limits.receipts,
        disk_free_percent: options.limits.disk_free_percent,
        disk_free_bytes: options.limits.disk_free_bytes,
        reserve_bytes: options.limits.reserve_bytes,
    };
    let (mut sequencer, queue, gauges, opened) =
        runtime.block_on(Sequencer::open(inbox, random_key()?))?;
    runtime.block_on(async {
        sequencer.raise_data_format(FORMAT).await?;
        sequencer.begin(&identity, highest_project).await
    })?;
    let (commands, inbox_commands) = mpsc::channel::<Command>(limits::QUEUED_BATCHES as usize);
    let folder = options.data.join("hits");
    let last_file = opened.files.iter().map(|file| file.id).max().unwrap_or(0);
    let last_file = last_file.max(set_aside::last_id(&folder)?);
    set_aside::put_away(&folder, &leftovers, &opened.files)?;
    let shared = Arc::new(Shared {
        engine: ArcSwapOption::empty(),
        files: Files::default(),
        inbox: InboxSender::new(commands, queue.clone()),
        queue,
        gauges,
        requests: Mutex::default(),
        jobs: Jobs::default(),
        problems: Problems::default(),
        notes: Problems::default(),
        next_file: AtomicU64::new(last_file + 1),
        applied: watch::channel(0).0,
        erased: Erased::default(),
        tail: Arc::default(),
        names: Arc::default(),
        filters: Arc::default(),
        rankings: Arc::default(),
        route_rules: OnceLock::new(),
        key: opened.key,
        identity,
        highest_project,
        busy: false.into(),
        damaged: Mutex::default(),
        lock,
        options,
    });
    shared.note_set_aside(set_aside::count(&folder)?);
    let mut active = attach_all(&shared, &opened.files, opened.trimmed_to)?;
    let mut lost = Vec::new();
    if let Found::Known(inbox) = &facts.inbox {
        lost.clone_from(&inbox.dropped);
        // TRICKY: a record is in the inbox before the writer gets it.
        if active.position > inbox.last_seq {
            lost.push(Dropped { first: active.position, last: None });
        }
    }
    lost.extend(lost_before(&active, opened.trimmed_to));
    for dropped in &lost {
        runtime.block_on(sequencer.change(Change::Dropped(*dropped)))?;
        shared.say_dropped(*dropped);
    }
    skip_lost(&mut active, opened.trimmed_to)?;
    sequencer.count_above(active.position);
    // The manifest must name the file before anything is appended to it.
    let changes = {
        let row = active.row.clone();
        let stale: Vec<u64> = opened
            .files
            .iter()
            .filter(|f| f.kind == FileKind::Active && f.id != row.id)
            .map(|f| f.id)
            .collect();
        Change::Switch { put: vec![row], drop: stale }
    };
    runtime.block_on(sequencer.change(changes))?;
    queue_jobs(&shared, &opened, active.position);
    let writer = Writer::new(shared.clone(), active, opened.trimmed_to)?;
    let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .map_err(io("starting a thread"))
    };
    let (for_writer, for_builder) = (shared.clone(), shared.clone());
    let (tail, node) = (shared.tail.clone(), shared.options.node);
    let threads = Threads {
        sequencer: spawn(
            "inbox",
            Box::new(move || runtime.block_on(sequencer.run(inbox_commands))),
        )?,
        writer: spawn("writer", Box::new(move || supervise(&for_writer, writer)))?,
        builder: spawn("builder", Box::new(move || Builder::new(for_builder).run()))?,
        tail: spawn("tail", Box::new(move || tail.run(node)))?,
    };
    Ok((shared, threads))
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

/// A new engine with every file of the manifest, as the new snapshot. Returns the active file.
fn attach_all(shared: &Shared, files: &[FileRow], trimmed_to: u64) -> Result<Active, StoreError> {
    let engine = Arc::new(Engine::open(&shared.folder(), &shared.options.limits.duckdb)?);
    let mut snapshot = Snapshot::default();
    let mut active = None;
    for row in files {
        if row.kind == FileKind::Active {
            active = Some(attach::open_active(&engine, shared, row, trimmed_to)?);
            continue;
        }
        // Files that this run has found damaged stay out.
        if shared.damaged().iter().any(|file| file.row.id == row.id && !file.may_pass) {
            continue;
        }
        match attach::attach_fixed(&engine, shared, row) {
            Ok(file) => {
                shared.clear_damaged(row);
                snapshot.entries.push(Entry { file, row: row.clone() });
            }
            Err(problem @ StoreError::Newer(_)) => return Err(problem),
            Err(problem) => shared.add_damaged(row, &problem),
        }
    }
    let active = match active {
        Some(active) => active,
        None => {
            let from = snapshot
                .entries
                .iter()
                .map(|entry| entry.row.last_seq)
                .max()
                .unwrap_or(0)
                .max(trimmed_to);
            let id = shared.next_file.fetch_add(1, Ordering::Relaxed);
            Active::create(&engine, &shared.folder(), FileRow::active(id, from))?
        }
    };
    snapshot.entries.push(Entry { file: active.file.clone(), row: active.row.clone() });
    shared.files.set(snapshot);
    shared.engine.store(Some(engine));
    Ok(active)
}

/// Records trimmed from the inbox that the active file lacks.
fn lost_before(active: &Active, trimmed_to: u64) -> Option<Dropped> {
    (active.position < trimmed_to)
        .then_some(Dropped { first: active.position + 1, last: Some(trimmed_to) })
}

/// Called once they are recorded as lost.
fn skip_lost(active: &mut Active, trimmed_to: u64) -> Result<(), StoreError> {
    if active.position < trimmed_to {
        active.pass(trimmed_to);
        active.commit()?;
    }
    Ok(())
}

fn queue_jobs(shared: &Shared, opened: &Opened, position: u64) {
    for entry in &shared.files.now().entries {
        if entry.row.kind == FileKind::Frozen {
            shared.jobs.push(Job::Seal(entry.row.id));
        }
    }
    // The writer does not meet those before its position again.
    for (seq, erasure) in &opened.erasures {
        if *seq <= position {
            shared.erased.begin(*seq);
            shared.jobs.push(Job::Erase { seq: *seq, erasure: erasure.clone() });
        }
    }
}

/// Keeps a writer running; after a failure with a new engine, from the state of the files.
fn supervise(shared: &Arc<Shared>, first: Writer) {
    let mut next = Some(first);
    let mut wait = Duration::from_millis(200);
    let mut left = OldEngine::default();
    let mut closing = None;
    while let Some(mut writer) = next.take() {
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| writer.run()))
            .unwrap_or_else(|_| Err(StoreError::Panicked("the writer")));
        let Err(problem) = ran else { return };
        let trimmed = writer.trimmed();
        drop(writer);
        shared.problems.set("writer", format!("hits wait in the inbox: {problem}"));
        if matches!(problem, StoreError::Newer(_)) {
            // Another try would read the same. Posts stay in the inbox, and data files are still served.
            return;
        }
        loop {
            std::thread::sleep(wait);
            wait = (wait * 2).min(Duration::from_secs(5));
            if shared.queue.is_closing() {
                let since: &Instant = closing.get_or_insert_with(Instant::now);
                if since.elapsed() >= Duration::from_secs(limits::CLOSE_SECONDS) {
                    tracing::warn!(
                        "some hits could not be written to a data file; they are in the inbox, and the next start does it"
                    );
                    return;
                }
            }
            match reopen(shared, &mut left, trimmed) {
                Ok(writer) => {
                    next = Some(writer);
                    shared.queue.hurry();
                    wait = Duration::from_millis(200);
                    break;
                }
                Err(problem) => {
                    shared.problems.set("writer", format!("hits wait in the inbox: {problem}"))
                }
            }
        }
    }
}

/// State from a failed engine for the next one.
#[derive(Default)]
struct OldEngine {
    /// Its files are not free until it is gone.
    engine: Weak<Engine>,
}

/// TRICKY: two engines must not hold the same file (the old one would write into it when it is dropped), so the old one
/// must be gone first: queries end by themselves, the builder's job fails and is tried again. A holder that outlasts
/// any query's timeout is reported; hits wait in the inbox meanwhile.
fn reopen(shared: &Arc<Shared>, left: &mut OldEngine, trimmed: u64) -> Result<Writer, StoreError> {
    if let Some(old) = shared.engine.swap(None) {
        left.engine = Arc::downgrade(&old);
    }
    let patience = shared.options.limits.query_seconds + limits::ENGINE_LEAVE_SECONDS;
    let since = Instant::now();
    loop {
        // Repeatedly: a job that was about to change the snapshot may have put a file of the old engine into it.
        shared.files.set(Snapshot::default());
        if left.engine.strong_count() == 0 {
            break;
        }
        if since.elapsed() >= Duration::from_secs(patience) {
            return Err(StoreError::EngineInUse { seconds: patience });
        }
        std::thread::sleep(Duration::from_millis(20));
        if shared.jobs.closing() {
            return Err(StoreError::Closing);
        }
    }
    // TRICKY: memory is not trusted. If a change failed, only the file shows whether it is on disk.
    let mut found = read_inbox(shared)?;
    for (row, there) in &mut found.named {
        *there = shared.folder().join(row.name()).exists();
    }
    if let Some(stop) = verdict::lost_all(&found) {
        return Err(StoreError::NotWhole(stop.what()));
    }
    let rows: Vec<FileRow> = found.named.into_iter().map(|(row, _)| row).collect();
    let trimmed = trimmed.max(found.trimmed_to);
    let mut active = attach_all(shared, &rows, trimmed)?;
    if let Some(dropped) = lost_before(&active, trimmed) {
        shared.inbox.change_blocking(Change::Dropped(dropped))?;
        shared.say_dropped(dropped);
        skip_lost(&mut active, trimmed)?;
    }
    shared.inbox.change_blocking(Change::Switch {
        put: vec![active.row.clone()],
        drop: rows
            .iter()
            .filter(|row| row.kind == FileKind::Active && row.id != active.row.id)
            .map(|row| row.id)
            .collect(),
    })?;
    for entry in &shared.files.now().entries {
        if entry.row.kind == FileKind::Frozen && !shared.jobs.seals(entry.row.id) {
            shared.jobs.push(Job::Seal(entry.row.id));
        }
    }
    Writer::new(shared.clone(), active, trimmed)
}

/// The inbox's facts about data files.
fn read_inbox(shared: &Shared) -> Result<InboxFacts, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(io("reading the inbox"))?;
    runtime.block_on(async {
        let path = shared.options.data.join("inbox.sqlite");
        let context = "reading the inbox";
        let mut db =
            inbox::connect_options(&path).connect().await.map_err(inbox::failed(context))?;
        let found = inbox::look(&mut db).await;
        let _ = db.close().await;
        found?.ok_or_else(|| StoreError::Damaged("the inbox has no tables any more".into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duckdb::failure::{failed, is_refused_checkpoint};
    use crate::types::StoreLimits;

    fn until(what: &str, holds: impl Fn() -> bool) {
        let started = Instant::now();
        while !holds() {
            assert!(started.elapsed() < Duration::from_secs(30), "{what} does not come to be");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn an_engine_that_somebody_keeps_is_said_and_not_waited_for_in_silence() {
        let data = tempfile::tempdir().unwrap();
        let limits = StoreLimits { query_seconds: 1, disk_free_percent: 0, ..Default::default() };
        let options = StoreOptions::new(data.path().to_path_buf(), limits);
        let (shared, threads) = open(options, false).unwrap();
        let kept = shared.engine().unwrap();
        let active = shared.files.now().entries[0].file.alias.clone();
        // The writer loses its file, and asks for another engine while a reader keeps this one.
        kept.writing.execute(&crate::duckdb::sql::file::detach(&active)).unwrap();
        let erasure = crate::types::Erasure::Before(analytics::hit::ProjectId(1), 0);
        shared.inbox.ask_blocking(|reply| Command::Erase { erasure, reply }).unwrap();
        let said =
            |words: &str| shared.problems.all().iter().any(|problem| problem.contains(words));
        until("the failure", || said("hits wait in the inbox"));
        until("what holds it up", || said("still in use"));
        assert!(shared.engine.load().is_none(), "a second engine holds the same files");
        let no_engine = shared.engine().map(drop);
        assert!(matches!(no_engine, Err(StoreError::Reopening)), "{no_engine:?}");
        drop(kept);
        until("the next engine", || shared.engine.load().is_some() && shared.erased.pending() == 0);
        until("the end of the problem", || !said("hits wait in the inbox"));
        close(&shared, threads);
    }

    #[test]
    fn a_read_that_is_in_the_way_of_a_checkpoint_is_waited_for() {
        let data = tempfile::tempdir().unwrap();
        let limits = StoreLimits { disk_free_percent: 0, ..Default::default() };
        let options = StoreOptions::new(data.path().to_path_buf(), limits);
        let (shared, threads) = open(options, false).unwrap();
        let active = shared.files.now().entries[0].file.alias.clone();
        let engine = shared.engine().unwrap();
        let reader = engine.writing.connect().unwrap();
        reader.execute_batch(&format!("BEGIN; FROM {active}.hits")).unwrap();
        engine.writing.execute(&format!("CREATE TABLE {active}.newer (number INTEGER)")).unwrap();
        let checkpoint = crate::duckdb::sql::file::checkpoint(&active);
        let refused = engine.writing.execute(&checkpoint).map_err(failed("checkpointing"));
        assert!(is_refused_checkpoint(&refused.unwrap_err()), "the read is in nobody's way");
        drop(engine);
        let erasure = crate::types::Erasure::Before(analytics::hit::ProjectId(1), 0);
        shared.inbox.ask_blocking(|reply| Command::Erase { erasure, reply }).unwrap();
        // Longer than the retries of a checkpoint that fails for another reason.
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(4) {
            assert_eq!(shared.problems.all(), Vec::<String>::new());
            std::thread::sleep(Duration::from_millis(50));
        }
        reader.execute_batch("COMMIT").unwrap();
        until("the erasure", || shared.erased.pending() == 0);
        drop(reader);
        close(&shared, threads);
    }

    fn close(shared: &Shared, threads: Threads) {
        shared.queue.close();
        threads.writer.join().unwrap();
        shared.jobs.close();
        threads.builder.join().unwrap();
        shared.inbox.close_blocking();
        threads.sequencer.join().unwrap();
        let no_engine = shared.no_engine();
        assert!(matches!(no_engine, StoreError::Closing), "{no_engine:?}");
    }

    #[test]
    fn an_engine_that_reads_no_more_is_said_and_another_one_takes_its_place() {
        let data = tempfile::tempdir().unwrap();
        let limits = StoreLimits { disk_free_percent: 0, ..Default::default() };
        let options = StoreOptions::new(data.path().to_path_buf(), limits);
        let (shared, threads) = open(options, false).unwrap();
        // While this one is held, no other replaces it.
        let kept = shared.engine().unwrap();
        kept.note_read_error(&StoreError::Engine {
            context: "reading hits",
            cause: "FATAL Error: database has been invalidated because of a previous fatal error"
                .into(),
        });
        let said = |words: &str| shared.problems.all().iter().any(|said| said.contains(words));
        until("the failure", || said("the engine that reads sealed files failed"));
        until("the end of that engine", || shared.engine.load().is_none());
        drop(kept);
        until("the next engine", || shared.engine().is_ok());
        until("the end of the problem", || shared.problems.all().is_empty());
        close(&shared, threads);
    }
}
