//! Opens the data files of the manifest, repairs and reports the traces of a crash, a bad log or a damaged file.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use analytics::limits;
use sqlx::{ConnectOptions, Connection};

use super::active::Active;
use super::attach;
use super::builder::Builder;
use super::engine::{Engine, remove_spilled};
use super::files::{Entry, Snapshot};
use super::jobs::Job;
use super::set_aside;
use super::sql::file::FORMAT;
use super::store::DuckDb;
use super::writer::Writer;
use crate::disk::io;
use crate::inbox::{self, Change, Dropped, FileKind, FileRow, InboxFacts, Opened};
use crate::shared::Shared;
use crate::start::{EngineWork, Start};
use crate::types::StoreError;
use crate::verdict::{self, Found};

pub fn start(
    shared: &Arc<Shared>,
    start: &mut Start,
) -> Result<(Arc<DuckDb>, EngineWork), StoreError> {
    let Start { runtime, sequencer, opened, facts, leftovers } = start;
    let folder = shared.options.data.join("hits");
    std::fs::create_dir_all(folder.join("tmp")).map_err(io("creating the data folder"))?;
    remove_spilled(&folder)?;
    runtime.block_on(sequencer.raise_data_format(FORMAT))?;
    let last_file = opened.files.iter().map(|file| file.id).max().unwrap_or(0);
    let last_file = last_file.max(set_aside::last_id(&folder)?);
    set_aside::put_away(&folder, leftovers, &opened.files)?;
    let store = Arc::new(DuckDb::new(shared.clone(), last_file + 1));
    store.note_set_aside(set_aside::count(&folder)?);
    let mut active = attach_all(&store, &opened.files, opened.trimmed_to)?;
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
        store.say_dropped(*dropped);
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
    queue_jobs(&store, opened, active.position);
    let writer = Writer::new(store.clone(), active, opened.trimmed_to)?;
    let (for_writer, for_builder) = (store.clone(), store.clone());
    let work = EngineWork {
        writer: Box::new(move || supervise(&for_writer, writer)),
        builder: Box::new(move || Builder::new(for_builder).run()),
    };
    Ok((store, work))
}

/// A new engine with every file of the manifest, as the new snapshot. Returns the active file.
fn attach_all(store: &DuckDb, files: &[FileRow], trimmed_to: u64) -> Result<Active, StoreError> {
    let engine = Arc::new(Engine::open(&store.folder(), &store.options.limits.duckdb)?);
    let mut snapshot = Snapshot::default();
    let mut active = None;
    for row in files {
        if row.kind == FileKind::Active {
            active = Some(attach::open_active(&engine, store, row, trimmed_to)?);
            continue;
        }
        // Files that this run has found damaged stay out.
        if store.damaged().iter().any(|file| file.row.id == row.id && !file.may_pass) {
            continue;
        }
        match attach::attach_fixed(&engine, store, row) {
            Ok(file) => {
                store.clear_damaged(row);
                snapshot.entries.push(Entry { file, row: row.clone() });
            }
            Err(problem @ StoreError::Newer(_)) => return Err(problem),
            Err(problem) => store.add_damaged(row, &problem),
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
            let id = store.next_file.fetch_add(1, Ordering::Relaxed);
            Active::create(&engine, &store.folder(), FileRow::active(id, from))?
        }
    };
    snapshot.entries.push(Entry { file: active.file.clone(), row: active.row.clone() });
    store.files.set(snapshot);
    store.engine.store(Some(engine));
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

fn queue_jobs(store: &DuckDb, opened: &Opened, position: u64) {
    for entry in &store.files.now().entries {
        if entry.row.kind == FileKind::Frozen {
            store.jobs.push(Job::Seal(entry.row.id));
        }
    }
    // The writer does not meet those before its position again.
    for (seq, erasure) in &opened.erasures {
        if *seq <= position {
            store.erased.begin(*seq);
            store.jobs.push(Job::Erase { seq: *seq, erasure: erasure.clone() });
        }
    }
}

/// Keeps a writer running; after a failure with a new engine, from the state of the files.
fn supervise(store: &Arc<DuckDb>, first: Writer) {
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
        store.problems.set("writer", format!("hits wait in the inbox: {problem}"));
        if matches!(problem, StoreError::Newer(_)) {
            // Another try would read the same. Posts stay in the inbox, and data files are still served.
            return;
        }
        loop {
            std::thread::sleep(wait);
            wait = (wait * 2).min(Duration::from_secs(5));
            if store.queue.is_closing() {
                let since: &Instant = closing.get_or_insert_with(Instant::now);
                if since.elapsed() >= Duration::from_secs(limits::CLOSE_SECONDS) {
                    tracing::warn!(
                        "some hits could not be written to a data file; they are in the inbox, and the next start does it"
                    );
                    return;
                }
            }
            match reopen(store, &mut left, trimmed) {
                Ok(writer) => {
                    next = Some(writer);
                    store.queue.hurry();
                    wait = Duration::from_millis(200);
                    break;
                }
                Err(problem) => {
                    store.problems.set("writer", format!("hits wait in the inbox: {problem}"))
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
fn reopen(store: &Arc<DuckDb>, left: &mut OldEngine, trimmed: u64) -> Result<Writer, StoreError> {
    if let Some(old) = store.engine.swap(None) {
        left.engine = Arc::downgrade(&old);
    }
    let patience = store.options.limits.query_seconds + limits::ENGINE_LEAVE_SECONDS;
    let since = Instant::now();
    loop {
        // Repeatedly: a job that was about to change the snapshot may have put a file of the old engine into it.
        store.files.set(Snapshot::default());
        if left.engine.strong_count() == 0 {
            break;
        }
        if since.elapsed() >= Duration::from_secs(patience) {
            return Err(StoreError::EngineInUse { seconds: patience });
        }
        std::thread::sleep(Duration::from_millis(20));
        if store.jobs.closing() {
            return Err(StoreError::Closing);
        }
    }
    // TRICKY: memory is not trusted. If a change failed, only the file shows whether it is on disk.
    let mut found = read_inbox(store)?;
    for (row, there) in &mut found.named {
        *there = store.folder().join(row.name()).exists();
    }
    if let Some(stop) = verdict::lost_all(&found) {
        return Err(StoreError::NotWhole(stop.what()));
    }
    let rows: Vec<FileRow> = found.named.into_iter().map(|(row, _)| row).collect();
    let trimmed = trimmed.max(found.trimmed_to);
    let mut active = attach_all(store, &rows, trimmed)?;
    if let Some(dropped) = lost_before(&active, trimmed) {
        store.inbox.change_blocking(Change::Dropped(dropped))?;
        store.say_dropped(dropped);
        skip_lost(&mut active, trimmed)?;
    }
    store.inbox.change_blocking(Change::Switch {
        put: vec![active.row.clone()],
        drop: rows
            .iter()
            .filter(|row| row.kind == FileKind::Active && row.id != active.row.id)
            .map(|row| row.id)
            .collect(),
    })?;
    for entry in &store.files.now().entries {
        if entry.row.kind == FileKind::Frozen && !store.jobs.seals(entry.row.id) {
            store.jobs.push(Job::Seal(entry.row.id));
        }
    }
    Writer::new(store.clone(), active, trimmed)
}

/// The inbox's facts about data files.
fn read_inbox(store: &DuckDb) -> Result<InboxFacts, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(io("reading the inbox"))?;
    runtime.block_on(async {
        let path = store.options.data.join("inbox.sqlite");
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
    use crate::hit_store::HitStore;
    use crate::inbox::Command;
    use crate::open::Threads;
    use crate::types::{StoreLimits, StoreOptions};

    fn open(options: StoreOptions) -> (Arc<DuckDb>, Threads) {
        match crate::open::open(options, false).unwrap() {
            (_, HitStore::DuckDb(store), threads) => (store, threads),
            (_, HitStore::ClickHouse(_), _) => unreachable!("no database was named"),
        }
    }

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
        let (store, threads) = open(options);
        let kept = store.engine().unwrap();
        let active = store.files.now().entries[0].file.alias.clone();
        // The writer loses its file, and asks for another engine while a reader keeps this one.
        kept.writing.execute(&crate::duckdb::sql::file::detach(&active)).unwrap();
        let erasure = crate::types::Erasure::Before(analytics::hit::ProjectId(1), 0);
        store.inbox.ask_blocking(|reply| Command::Erase { erasure, reply }).unwrap();
        let said = |words: &str| store.problems.all().iter().any(|problem| problem.contains(words));
        until("the failure", || said("hits wait in the inbox"));
        until("what holds it up", || said("still in use"));
        assert!(store.engine.load().is_none(), "a second engine holds the same files");
        let no_engine = store.engine().map(drop);
        assert!(matches!(no_engine, Err(StoreError::Reopening)), "{no_engine:?}");
        drop(kept);
        until("the next engine", || store.engine.load().is_some() && store.erased.pending() == 0);
        until("the end of the problem", || !said("hits wait in the inbox"));
        close(&store, threads);
    }

    #[test]
    fn a_read_that_is_in_the_way_of_a_checkpoint_is_waited_for() {
        let data = tempfile::tempdir().unwrap();
        let limits = StoreLimits { disk_free_percent: 0, ..Default::default() };
        let options = StoreOptions::new(data.path().to_path_buf(), limits);
        let (store, threads) = open(options);
        let active = store.files.now().entries[0].file.alias.clone();
        let engine = store.engine().unwrap();
        let reader = engine.writing.connect().unwrap();
        reader.execute_batch(&format!("BEGIN; FROM {active}.hits")).unwrap();
        engine.writing.execute(&format!("CREATE TABLE {active}.newer (number INTEGER)")).unwrap();
        let checkpoint = crate::duckdb::sql::file::checkpoint(&active);
        let refused = engine.writing.execute(&checkpoint).map_err(failed("checkpointing"));
        assert!(is_refused_checkpoint(&refused.unwrap_err()), "the read is in nobody's way");
        drop(engine);
        let erasure = crate::types::Erasure::Before(analytics::hit::ProjectId(1), 0);
        store.inbox.ask_blocking(|reply| Command::Erase { erasure, reply }).unwrap();
        // Longer than the retries of a checkpoint that fails for another reason.
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(4) {
            assert_eq!(store.problems.all(), Vec::<String>::new());
            std::thread::sleep(Duration::from_millis(50));
        }
        reader.execute_batch("COMMIT").unwrap();
        until("the erasure", || store.erased.pending() == 0);
        drop(reader);
        close(&store, threads);
    }

    fn close(store: &DuckDb, threads: Threads) {
        store.queue.close();
        threads.writer.join().unwrap();
        store.jobs.close();
        threads.builder.join().unwrap();
        store.inbox.close_blocking();
        threads.sequencer.join().unwrap();
        let no_engine = store.no_engine();
        assert!(matches!(no_engine, StoreError::Closing), "{no_engine:?}");
    }

    #[test]
    fn an_engine_that_reads_no_more_is_said_and_another_one_takes_its_place() {
        let data = tempfile::tempdir().unwrap();
        let limits = StoreLimits { disk_free_percent: 0, ..Default::default() };
        let options = StoreOptions::new(data.path().to_path_buf(), limits);
        let (store, threads) = open(options);
        // While this one is held, no other replaces it.
        let kept = store.engine().unwrap();
        kept.note_read_error(&StoreError::Engine {
            context: "reading hits",
            cause: "FATAL Error: database has been invalidated because of a previous fatal error"
                .into(),
        });
        let said = |words: &str| store.problems.all().iter().any(|said| said.contains(words));
        until("the failure", || said("the engine that reads sealed files failed"));
        until("the end of that engine", || store.engine.load().is_none());
        drop(kept);
        until("the next engine", || store.engine().is_ok());
        until("the end of the problem", || store.problems.all().is_empty());
        close(&store, threads);
    }
}
