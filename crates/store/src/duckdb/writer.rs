//! The only writer: takes records in order of seq and applies them to the active file; freezes that when it is large or
//! old; lets the inbox trim records that are safely in a file. One transaction holds rows and their position, so that a
//! crash neither loses nor duplicates a hit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use analytics::hit::ProjectId;
use analytics::limits;

use super::active::Active;
use super::failure::is_refused_checkpoint;
use super::files::{Entry, Snapshot};
use super::jobs::{Job, Request};
use super::store::DuckDb;
use crate::disk::io;
use crate::inbox::{self, Change, Dropped, FileKind, FileRow, Item};
use crate::record::{self, Record, RecordError};
use crate::tail::Applied;
use crate::types::{Erasure, StoreError};

const ENOUGH_BYTES: usize = limits::APPLY_BYTES as usize;
const PATIENCE: Duration = Duration::from_millis(limits::APPLY_PATIENCE_MS);

/// How long a stream of hits counts as ongoing: single transactions vary in size.
const POURING: Duration = Duration::from_secs(2);

/// Tries of a failing checkpoint, 50 ms apart, before the engine counts as broken.
const CHECKPOINT_TRIES: u32 = 60;

/// How long reads may delay a checkpoint.
const CHECKPOINT_WAIT: Duration = Duration::from_secs(limits::CHECKPOINT_WAIT_SECONDS);

pub struct Writer {
    store: Arc<DuckDb>,
    active: Active,
    checkpointed_at: Instant,
    /// The position that the file has for certain after a crash.
    safe: u64,
    trimmed: u64,
    began: Instant,
    /// When hits last poured in.
    poured: Option<Instant>,
    runtime: tokio::runtime::Runtime,
}

impl Writer {
    pub fn new(store: Arc<DuckDb>, active: Active, trimmed: u64) -> Result<Writer, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(io("starting the writer"))?;
        store.tail.begin_after(active.position);
        store.applied.send_replace(active.position);
        Ok(Writer {
            safe: 0,
            trimmed,
            store,
            active,
            checkpointed_at: Instant::now(),
            began: Instant::now(),
            poured: None,
            runtime,
        })
    }

    pub fn trimmed(&self) -> u64 {
        self.trimmed
    }

    /// Runs until the store closes. After an error neither this writer's memory nor the engine can be trusted: both
    /// must be rebuilt from the files.
    pub fn run(&mut self) -> Result<(), StoreError> {
        while self.step()? {}
        self.checkpoint()
    }

    /// False once the store closes and everything is applied.
    fn step(&mut self) -> Result<bool, StoreError> {
        if self.store.engine()?.reading_failed() {
            return Err(StoreError::ReadingFailed);
        }
        let every = Duration::from_millis(self.store.options.limits.duckdb.checkpoint_every_ms);
        let taken = self.store.queue.take(
            self.active.position,
            ENOUGH_BYTES,
            PATIENCE,
            every.min(Duration::from_secs(1)),
        );
        let requests = std::mem::take(
            &mut *self.store.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        // A quarter of a full transaction in one wait is a stream of some 200,000 hits a second.
        let waiting = taken.items.iter().map(|item| item.record.len()).sum::<usize>();
        if waiting >= ENOUGH_BYTES / 4 {
            self.poured = Some(Instant::now());
        }
        self.store
            .busy
            .store(self.poured.is_some_and(|poured| poured.elapsed() < POURING), Ordering::Relaxed);
        let mut items = taken.items;
        items.retain(|item| item.seq > self.active.position);
        // Records that memory did not hold are in the file.
        while self.active.position < taken.last_seq
            && items.first().is_none_or(|item| item.seq > self.active.position + 1)
        {
            let until = items.first().map_or(taken.last_seq, |item| item.seq - 1);
            let found = self.read_file(until)?;
            if found.is_empty() {
                // Unused seqs: a restored folder continues after those of the replaced one.
                self.active.pass(until);
                self.active.commit()?;
            }
            self.apply(&found)?;
        }
        if !items.is_empty() {
            self.apply(&items)?;
        }
        for request in requests {
            self.serve(request)?;
        }
        let set = &self.store.options.limits.duckdb;
        let full = self.active.rows() >= set.active_rows
            || self.active.text_bytes() as u64 >= limits::ACTIVE_TEXT_BYTES;
        let age = self.began.elapsed().as_secs();
        let old = self.active.rows() > 0 && age >= set.active_age_s;
        // The builder has nothing else to do.
        let calm = self.active.rows() >= set.calm_rows
            && age >= set.calm_s
            && !self.store.busy.load(Ordering::Relaxed)
            && self.frozen() == 0;
        if (full || old || calm) && (self.frozen() as u64) < limits::FROZEN_FILES {
            self.freeze()?;
        } else if self.checkpointed_at.elapsed() >= every {
            self.checkpoint()?;
        }
        if self.active.position >= taken.last_seq {
            self.store.problems.clear("writer");
        }
        Ok(!taken.closing || self.active.position < taken.last_seq)
    }

    fn frozen(&self) -> usize {
        self.store
            .files
            .now()
            .entries
            .iter()
            .filter(|entry| entry.row.kind == FileKind::Frozen)
            .count()
    }

    fn read_file(&mut self, until: u64) -> Result<Vec<Item>, StoreError> {
        let path = self.store.options.data.join("inbox.sqlite");
        self.runtime.block_on(inbox::read_records(&path, self.active.position, until))
    }

    fn apply(&mut self, items: &[Item]) -> Result<(), StoreError> {
        let mut applied = Vec::with_capacity(items.len());
        for item in items {
            match record::decode(&item.record) {
                Ok(Record::Batch(batch)) => {
                    // The inbox saves arrivals only now and then; after a crash its records have the rest.
                    self.store.gauges.arrived(batch.project, batch.arrival_us);
                    self.active.push(self.store.options.node, item.seq, &batch, &item.skips);
                    applied.push(Applied::Batch {
                        seq: item.seq,
                        project: batch.project,
                        record: item.record.clone(),
                        skips: item.skips.clone(),
                    });
                }
                Ok(Record::Erasure(erasure)) => {
                    self.active.commit()?;
                    applied.push(Applied::Erasure { seq: item.seq, erasure: erasure.clone() });
                    self.erase(item.seq, erasure)?;
                }
                // Its hits were acknowledged, so it waits for a program that can read it.
                Err(RecordError::Version(version)) if version > record::VERSION => {
                    return Err(StoreError::Newer(format!(
                        "record {} in inbox.sqlite has version {version}, and this program knows {}",
                        item.seq,
                        record::VERSION
                    )));
                }
                Err(problem) => {
                    // It would stay in the inbox for ever: it is logged, and skipped.
                    tracing::error!(seq = item.seq, %problem, "a record cannot be read");
                    let dropped = Dropped { first: item.seq, last: Some(item.seq) };
                    self.store.inbox.change_blocking(Change::Dropped(dropped))?;
                    self.store.say_dropped(dropped);
                    self.active.pass(item.seq);
                }
            }
        }
        self.active.commit()?;
        self.store.queue.applied(self.active.position);
        self.store.tail.publish(applied, self.active.position);
        self.store.applied.send_replace(self.active.position);
        Ok(())
    }

    /// Moves its rows from the active file to a frozen one; then the builder erases file by file.
    fn erase(&mut self, seq: u64, erasure: Erasure) -> Result<(), StoreError> {
        let touched = self.active.holds(erasure.project());
        self.active.pass(seq);
        self.active.commit()?;
        if touched {
            self.freeze()?;
        } else {
            self.checkpoint()?;
        }
        self.store.erased.begin(seq);
        self.store.jobs.push(Job::Erase { seq, erasure });
        Ok(())
    }

    fn freeze(&mut self) -> Result<(), StoreError> {
        self.freeze_with(|_| Ok(())).map(drop)
    }

    /// Freezes the active file, and starts an empty one. `then` runs before anything else can change the manifest.
    fn freeze_with(
        &mut self,
        then: impl FnOnce(&DuckDb) -> Result<(), StoreError>,
    ) -> Result<(Arc<Snapshot>, Result<(), StoreError>), StoreError> {
        self.checkpoint()?;
        let engine = self.store.engine()?;
        let id = self.store.next_file.fetch_add(1, Ordering::Relaxed);
        let row = FileRow::active(id, self.active.position);
        let next = Active::create(&engine, &self.store.folder(), row.clone())?;
        let frozen = FileRow {
            kind: FileKind::Frozen,
            last_seq: self.active.position,
            rows: self.active.rows(),
            ..self.active.row.clone()
        };
        let put = vec![frozen.clone(), row];
        let entry = Entry { file: next.file.clone(), row: next.row.clone() };
        let mut followed = Ok(());
        let snapshot = self.store.files.change(
            || {
                self.store.inbox.change_blocking(Change::Switch { put, drop: Vec::new() })?;
                followed = then(&self.store);
                Ok(())
            },
            |picture| {
                for entry in &mut picture.entries {
                    if entry.row.id == frozen.id {
                        entry.row = frozen.clone();
                    }
                }
                picture.entries.push(entry);
            },
        )?;
        self.active = next;
        self.began = Instant::now();
        self.store.jobs.push(Job::Seal(frozen.id));
        Ok((snapshot, followed))
    }

    /// Writes the active file's log into the file, so that the inbox can trim its rows. The engine refuses while a read
    /// from before the last commit is running, so it is tried until that one must have ended.
    fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.checkpointed_at = Instant::now();
        if self.safe != self.active.position {
            let mut tries = 1;
            while let Err(problem) = self.active.checkpoint() {
                let waits = is_refused_checkpoint(&problem)
                    && self.checkpointed_at.elapsed() < CHECKPOINT_WAIT;
                if !waits && tries >= CHECKPOINT_TRIES {
                    return Err(problem);
                }
                tracing::debug!(%problem, tries, "a checkpoint was refused");
                tries += 1;
                std::thread::sleep(Duration::from_millis(50));
            }
            self.safe = self.active.position;
        }
        if self.trimmed < self.safe {
            self.store.inbox.change_blocking(Change::Trim { to: self.safe })?;
            self.trimmed = self.safe;
        }
        Ok(())
    }

    fn serve(&mut self, request: Request) -> Result<(), StoreError> {
        let Request::Snapshot { inbox, reply } = request;
        // TRICKY: if the copy fails the switch has happened all the same, and this writer continues with the new file.
        match self.freeze_with(|store| store.inbox.change_blocking(Change::Snapshot { to: inbox }))
        {
            Ok((snapshot, copied)) => {
                let _ = reply.send(copied.map(|()| snapshot));
                Ok(())
            }
            Err(problem) => {
                let _ = reply.send(Err(StoreError::BackupFailed(problem.to_string())));
                Err(problem)
            }
        }
    }
}

impl Erasure {
    pub fn project(&self) -> ProjectId {
        match *self {
            Erasure::Project(project)
            | Erasure::User(project, _)
            | Erasure::Address(project, _)
            | Erasure::Addresses(project)
            | Erasure::AddressesAndCountries(project)
            | Erasure::Before(project, _) => project,
        }
    }
}
