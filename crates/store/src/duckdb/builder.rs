//! The builder: makes sealed files, aside, from files that do not change, and switches to them. One job at a time, so
//! that nothing is built from files that another job is replacing.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, mpsc};
use std::time::{Duration, Instant};

use analytics::hit::{HitId, ProjectId, TextKind};
use analytics::limits;

use super::attach;
use super::derive::{self, Target};
use super::engine::{Engine, Instance};
use super::failure::failed;
use super::files::{DataFile, Entry, format_of};
use super::job_end::{EarlyEnd, GaveWayTo, Pause};
use super::jobs::{Job, NextJob};
use super::merge;
use super::outdated_routes::{Records, has_outdated, records_of};
use super::set_aside;
use super::sql;
use super::sql::build::Edit;
use super::sql::file::Tables;
use super::store::DuckDb;
use crate::disk::{io, path_text, sync};
use crate::hits_copy;
use crate::inbox::{Change, FileKind, FileRow};
use crate::ledger;
use crate::outdated_routes::OutdatedRoutes;
use crate::types::{Erasure, StoreError};

/// How often the builder looks for work without being asked.
const TIDY_EVERY: Duration = Duration::from_secs(1);

pub struct Builder {
    store: Arc<DuckDb>,
    /// Sealed files that were read completely and found intact.
    checked: HashSet<u64>,
    /// When unreadable files were last tried again.
    retried: Instant,
    /// About how many bytes the texts of each sealed file take.
    text_bytes: HashMap<u64, u64>,
    postponed: Vec<Postponed>,
    outdated_routes: OutdatedRoutes<Records>,
    engines: Engines,
    /// For work that somebody waits for: they use all processors.
    fast_engines: Engines,
    /// Engines opened so far: each has its own name.
    opened: Cell<u64>,
}

/// Files that could not be merged.
struct Postponed {
    files: HashSet<u64>,
    wait: Duration,
    until: Instant,
}

/// Idle engines. Opening one takes as long as erasing from a small file.
struct Engines {
    idle: RefCell<Vec<Instance>>,
    open: fn(&Path, &str, u64) -> Result<Instance, StoreError>,
}

impl Builder {
    pub fn new(store: Arc<DuckDb>) -> Builder {
        Builder {
            store,
            checked: HashSet::new(),
            retried: Instant::now(),
            text_bytes: HashMap::new(),
            postponed: Vec::new(),
            outdated_routes: OutdatedRoutes::new(Instant::now()),
            engines: Engines { idle: RefCell::default(), open: Instance::open_alone },
            fast_engines: Engines { idle: RefCell::default(), open: Instance::open },
            opened: Cell::default(),
        }
    }

    pub fn run(mut self) {
        let mut tidied = Instant::now();
        let mut more = false;
        loop {
            // Under a steady stream of jobs tidying must have its turn too.
            if more || tidied.elapsed() >= TIDY_EVERY {
                more = self.tidy();
                tidied = Instant::now();
            }
            let patience = if more { Duration::ZERO } else { TIDY_EVERY };
            let job = match self.store.jobs.next(patience) {
                NextJob::Job(job) => job,
                NextJob::None => {
                    if !more {
                        self.engines.idle.get_mut().clear();
                        self.fast_engines.idle.get_mut().clear();
                    }
                    continue;
                }
                NextJob::Closing => break,
            };
            let work = std::panic::AssertUnwindSafe(|| match &job {
                Job::Seal(id) => self.seal(*id),
                Job::Erase { seq, erasure } => self.erase(*seq, erasure),
            });
            let done = std::panic::catch_unwind(work)
                .unwrap_or_else(|_| Err(StoreError::Panicked("the builder").into()));
            match done {
                Ok(()) => self.store.problems.clear("builder"),
                Err(EarlyEnd::GaveWay(to)) => {
                    tracing::debug!(job = job.name(), ?to, "a job gave way");
                    self.store.jobs.push_front(job);
                    std::thread::sleep(Duration::from_millis(200));
                }
                Err(EarlyEnd::Failed(problem)) => {
                    if let Job::Erase { seq, .. } = job {
                        self.store.erased.failed(seq, problem.blocking_file());
                    }
                    self.store
                        .problems
                        .set("builder", format!("{} is tried again: {problem}", job.name()));
                    // A file must be sealed before anything is erased from it; an erasure that cannot be done now must
                    // not hold up other jobs.
                    match job {
                        Job::Seal(_) => self.store.jobs.push_front(job),
                        Job::Erase { .. } => self.store.jobs.push(job),
                    }
                    std::thread::sleep(Duration::from_secs(1));
                }
            }
        }
    }

    /// Merges, verifies a file, deletes old logs: work that can wait while hits pour in, but not for ever. True if
    /// there may be more to merge.
    fn tidy(&mut self) -> bool {
        self.store.rankings.let_go_of_unused();
        if self.may_wait() || self.store.engine.load().is_none() {
            return false;
        }
        let mut merged = false;
        let tidied = self.merge().and_then(|done| {
            merged = done || self.bring_routes_up_to_date()?;
            self.retry_damaged()?;
            Ok(self.check()?)
        });
        match tidied {
            Ok(()) => self.store.problems.clear("check"),
            Err(EarlyEnd::GaveWay(_)) => {}
            Err(EarlyEnd::Failed(problem)) => {
                self.store.problems.set("check", format!("files could not be checked: {problem}"));
                std::thread::sleep(Duration::from_secs(5));
            }
        }
        if let Err(problem) = remove_bad_logs(
            &self.store.folder(),
            Duration::from_secs(limits::BAD_LOG_DAYS * 86_400),
        ) {
            tracing::warn!(%problem, "a bad log could not be removed");
        }
        // They may be needed for a repair of the folder.
        if self.store.problems.all().is_empty() {
            let keep = Duration::from_secs(limits::SET_ASIDE_DAYS * 86_400);
            match set_aside::remove_old(&self.store.folder(), keep) {
                Ok(left) => self.store.note_set_aside(left),
                Err(problem) => tracing::warn!(%problem, "a file set aside could not be removed"),
            }
            match set_aside::remove_kept(&self.store.options.data, keep) {
                Ok(left) => self.store.note_kept(left),
                Err(problem) => {
                    tracing::warn!(%problem, "what a repair kept could not be removed")
                }
            }
        }
        merged
    }

    /// Whether hits pour in and merging is not overdue.
    fn may_wait(&self) -> bool {
        self.store.busy.load(Ordering::Relaxed) && !self.too_many_files()
    }

    /// Whether there are so many that reads suffer.
    fn too_many_files(&self) -> bool {
        self.store.files.now().entries.len() >= 8 * self.store.options.limits.duckdb.merge_at
    }

    fn seal(&self, id: u64) -> Result<(), EarlyEnd> {
        let Some(entry) = self.find(id) else { return Ok(()) };
        self.merge_into_one("sealing", vec![entry], &|| self.go_on())
    }

    /// Builds one sorted file from several, or from an unsorted one.
    fn merge_into_one(
        &self,
        work: &str,
        inputs: Vec<Entry>,
        pause: Pause<'_>,
    ) -> Result<(), EarlyEnd> {
        let stats: Vec<_> = inputs.iter().map(|entry| entry.file.stats.load_full()).collect();
        let piece_rows = match inputs.as_slice() {
            // Not sorted: every piece scans the whole file.
            [one] if one.row.kind != FileKind::Sealed => {
                3 * self.store.options.limits.duckdb.merge_piece_rows
            }
            _ => self.store.options.limits.duckdb.merge_piece_rows,
        };
        self.replace(work, &self.engines, inputs, |target, files| {
            let piece_text_bytes = self.store.options.limits.duckdb.merge_piece_text_bytes;
            let routes = self.store.route_rules.get().map(|rules| &**rules);
            let inputs =
                merge::Inputs { files, stats: &stats, piece_rows, piece_text_bytes, routes };
            merge::merge(target, &inputs, pause)?;
            derive::derive(target, None, self.rollups(), pause)
        })
    }

    /// Lends one of `engines` that nothing else uses, so that neither the writer nor a reader lacks memory because of the
    /// work. A job that runs in another's pause gets a second one. After an error an engine's state is unknown, and it
    /// is dropped.
    fn with_engine<T>(
        &self,
        engines: &Engines,
        work: impl FnOnce(&Instance) -> Result<T, EarlyEnd>,
    ) -> Result<T, EarlyEnd> {
        let idle = engines.idle.borrow_mut().pop();
        let engine = match idle {
            Some(engine) => engine,
            None => {
                self.opened.set(self.opened.get() + 1);
                let name = format!("building-{}", self.opened.get());
                let memory = self.store.options.limits.duckdb.builder_memory;
                (engines.open)(&self.store.folder(), &name, memory)?
            }
        };
        let done = work(&engine)?;
        engines.idle.borrow_mut().push(engine);
        Ok(done)
    }

    fn rollups(&self) -> derive::Rollups {
        let limits = &self.store.options.limits;
        derive::Rollups {
            from_rows: limits.duckdb.rolled_up_from,
            piece_rows: limits.duckdb.merge_piece_rows,
            tally: limits.tally,
        }
    }

    /// An error if a job must not continue: the store closes, or its engine is being replaced.
    fn go_on(&self) -> Result<(), EarlyEnd> {
        if self.store.jobs.closing() {
            return Err(EarlyEnd::GaveWay(GaveWayTo::Close));
        }
        self.engine().map(drop)
    }

    fn engine(&self) -> Result<Arc<Engine>, EarlyEnd> {
        self.store.engine.load_full().ok_or(EarlyEnd::GaveWay(GaveWayTo::NewEngine))
    }

    /// Between two pieces of a merge: does urgent work, and waits a little while hits pour in.
    fn give_way(&self) -> Result<(), EarlyEnd> {
        const STEP: Duration = Duration::from_millis(20);
        let mut waited = Duration::ZERO;
        loop {
            self.go_on()?;
            if let Some(id) = self.store.jobs.take_seal() {
                if let Err(ended) = self.seal(id) {
                    self.store.jobs.push_front(Job::Seal(id));
                    return Err(ended);
                }
                continue;
            }
            // Someone waits for an erasure: the merge is abandoned and begun again afterwards, unless it is overdue.
            if !self.store.jobs.is_empty() && !self.too_many_files() {
                return Err(EarlyEnd::GaveWay(GaveWayTo::OtherJob));
            }
            if !self.may_wait() || waited >= Duration::from_millis(limits::MERGE_PAUSE_MS) {
                return Ok(());
            }
            std::thread::sleep(STEP);
            waited += STEP;
        }
    }

    fn find(&self, id: u64) -> Option<Entry> {
        self.store.files.now().entries.iter().find(|entry| entry.row.id == id).cloned()
    }

    /// Neighbours are merged if the largest of them is at most half of the whole, so that a hit is rewritten only when
    /// its file at least doubles: a few times in its life. The files that remain at least halve one after the other, so
    /// there are few of them.
    fn merge(&mut self) -> Result<bool, EarlyEnd> {
        let limits = self.store.options.limits.clone();
        let snapshot = self.store.files.now();
        let ids: HashSet<u64> = snapshot.entries.iter().map(|entry| entry.row.id).collect();
        self.text_bytes.retain(|id, _| ids.contains(id));
        self.postponed.retain(|postponed| postponed.files.is_subset(&ids));
        if self.postponed.is_empty() {
            self.store.notes.clear("merge");
        }
        let sealed: Vec<&Entry> =
            snapshot.entries.iter().filter(|entry| entry.row.kind == FileKind::Sealed).collect();
        let least = limits.duckdb.merge_at.max(2);
        let rows = |window: &[&Entry]| window.iter().map(|entry| entry.row.rows).sum::<u64>();
        let now = Instant::now();
        let waits = |window: &[&Entry]| {
            let has = |id: &u64| window.iter().any(|entry| entry.row.id == *id);
            let holds = |postponed: &Postponed| postponed.files.iter().all(has);
            self.postponed.iter().any(|postponed| now < postponed.until && holds(postponed))
        };
        let mut windows: Vec<&[&Entry]> = (least..=least * 4)
            .flat_map(|size| sealed.windows(size))
            .filter(|window| {
                let largest = window.iter().map(|entry| entry.row.rows).max().unwrap_or(0);
                rows(window) <= limits.duckdb.merged_rows
                    && largest * 2 <= rows(window)
                    && !self.reaches_over_damaged(window)
                    && !waits(window)
            })
            .collect();
        windows.sort_by_key(|window| rows(window));
        let mut chosen = None;
        for window in windows {
            let mut bytes = 0;
            for entry in window {
                bytes += self.text_bytes_of(entry)?;
            }
            if bytes <= limits.duckdb.merged_text_bytes {
                chosen = Some(window);
                break;
            }
        }
        let Some(window) = chosen else { return Ok(false) };
        let inputs: Vec<Entry> = window.iter().map(|entry| (*entry).clone()).collect();
        drop(snapshot);
        let files: HashSet<u64> = inputs.iter().map(|entry| entry.row.id).collect();
        match self.merge_into_one("merging", inputs, &|| self.give_way()) {
            Ok(()) => Ok(true),
            Err(EarlyEnd::GaveWay(to)) => Err(EarlyEnd::GaveWay(to)),
            Err(EarlyEnd::Failed(problem)) => {
                self.postpone(files, &problem);
                Ok(true)
            }
        }
    }

    /// Rewrites a file with routes that were learned or renamed after it was made. True if there may be more such files.
    fn bring_routes_up_to_date(&mut self) -> Result<bool, EarlyEnd> {
        let Some(rules) = self.store.route_rules.get().cloned() else { return Ok(false) };
        let limits = &self.store.options.limits.routes;
        // TRICKY: no snapshot may be held over `replace`, which waits until nobody holds one with the old file.
        let mut sealed = self.store.files.now().entries.clone();
        sealed.retain(|entry| entry.row.kind == FileKind::Sealed);
        let records: Vec<_> = sealed.iter().map(records_of).collect();
        // Before the look: of a rule that changes meanwhile it is not known whether it was seen.
        let version = rules.version();
        let chosen = self.outdated_routes.choose(&records, version, Instant::now(), limits);
        let Some(records) = chosen else { return Ok(false) };
        let Some(entry) = sealed.into_iter().find(|entry| records_of(entry) == records) else {
            return Ok(false);
        };
        let id = entry.row.id;
        let rewritten = has_outdated(&entry, &*rules, || self.give_way())?;
        if rewritten {
            match self.merge_into_one("rewriting routes", vec![entry], &|| self.give_way()) {
                Ok(()) => {}
                Err(EarlyEnd::GaveWay(to)) => return Err(EarlyEnd::GaveWay(to)),
                // As if done: nothing is wrong with its hits, and it may fail again.
                Err(EarlyEnd::Failed(problem)) => {
                    tracing::warn!(%problem, file = id, "a file keeps routes that were learned or renamed later");
                }
            }
        }
        self.outdated_routes.note(records, rewritten, Instant::now());
        Ok(true)
    }

    /// The same files are tried again later, with growing delays. Reads are slower meanwhile; nothing is missing.
    fn postpone(&mut self, files: HashSet<u64>, problem: &StoreError) {
        let before = self.postponed.iter().position(|postponed| postponed.files == files);
        let before = before.map(|place| self.postponed.swap_remove(place).wait * 2);
        let wait = before
            .unwrap_or(Duration::from_secs(limits::MERGE_RETRY_SECONDS))
            .min(Duration::from_secs(limits::MERGE_RETRY_MOST_SECONDS));
        tracing::warn!(%problem, files = files.len(), wait_s = wait.as_secs(), "a merge was postponed");
        self.store.notes.note(
            "merge",
            format!(
                "{} files could not be merged ({problem}); it is tried again within {} minutes, and nothing is missing",
                files.len(),
                wait.as_secs().div_ceil(60)
            ),
        );
        self.postponed.push(Postponed { files, wait, until: Instant::now() + wait });
    }

    fn text_bytes_of(&mut self, entry: &Entry) -> Result<u64, StoreError> {
        if let Some(bytes) = self.text_bytes.get(&entry.row.id) {
            return Ok(*bytes);
        }
        let instance = entry.file.instance();
        let connection = instance.connect()?;
        let by_project = merge::text_bytes(&connection, std::slice::from_ref(&entry.file.alias))?;
        instance.give_back(connection);
        let bytes = by_project.values().sum();
        self.text_bytes.insert(entry.row.id, bytes);
        Ok(bytes)
    }

    /// Whether an unreadable file lies between the first and the last: a merged file would seem to hold its records.
    fn reaches_over_damaged(&self, window: &[&Entry]) -> bool {
        let (Some(first), Some(last)) = (window.first(), window.last()) else { return false };
        let damaged = self.store.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        damaged.iter().any(|file| {
            file.row.first_seq >= first.row.first_seq && file.row.first_seq < last.row.last_seq
        })
    }

    /// Puts files back into the snapshot that the disk can read again.
    fn retry_damaged(&mut self) -> Result<(), EarlyEnd> {
        if self.retried.elapsed() < Duration::from_secs(limits::UNREADABLE_RETRY_SECONDS) {
            return Ok(());
        }
        self.retried = Instant::now();
        for damaged in self.store.damaged().into_iter().filter(|damaged| damaged.may_pass) {
            let row = damaged.row;
            let engine = self.engine()?;
            let file = match attach::attach_fixed(&engine, &self.store, &row) {
                Ok(file) => file,
                Err(problem) => {
                    self.store.add_damaged(&row, &problem);
                    continue;
                }
            };
            let (id, is_frozen) = (row.id, row.kind == FileKind::Frozen);
            self.store.files.change(
                || Ok(()),
                |picture| {
                    if !picture.entries.iter().any(|entry| entry.row.id == id) {
                        picture.entries.push(Entry { file, row: row.clone() });
                    }
                },
            )?;
            self.store.clear_damaged(&row);
            if is_frozen {
                self.store.jobs.push(Job::Seal(id));
            }
        }
        Ok(())
    }

    /// Reads one sealed file that this run has not read yet, completely, and compares it with its checksum.
    fn check(&mut self) -> Result<(), StoreError> {
        let snapshot = self.store.files.now();
        let unread = |entry: &&Entry| {
            entry.row.kind == FileKind::Sealed && !self.checked.contains(&entry.row.id)
        };
        let Some(entry) = snapshot.entries.iter().find(unread).cloned() else {
            return Ok(());
        };
        drop(snapshot);
        let measured = measure(&entry.file.path)?;
        self.checked.insert(entry.row.id);
        if measured != (entry.row.bytes, entry.row.checksum.clone()) {
            self.store.files.change(
                || Ok(()),
                |picture| picture.entries.retain(|other| other.row.id != entry.row.id),
            )?;
            let why = "its bytes are not those that were written";
            self.store.add_damaged(&entry.row, &StoreError::Damaged(why.into()));
        }
        Ok(())
    }

    /// Rewrites every file that holds hits to be erased, and returns once the old ones are gone.
    fn erase(&self, seq: u64, erasure: &Erasure) -> Result<(), EarlyEnd> {
        let project = erasure.project();
        ledger::append(&self.store.options.data, &self.store.key, seq, erasure)?;
        let bound = HitId::new(self.store.options.node, seq, 0).0;
        let mut erased = 0;
        // TRICKY: no snapshot may be held over `replace`, which waits until nobody holds one with the old file.
        let ids: Vec<u64> =
            self.store.files.now().entries.iter().map(|entry| entry.row.id).collect();
        for id in ids {
            let Some(entry) = self.find(id) else { continue };
            if entry.row.kind != FileKind::Sealed || !entry.file.stats.load().contains_key(&project)
            {
                continue;
            }
            let Some((edit, rows)) = self.edit(&entry, project, bound, erasure)? else { continue };
            if rows > 0 {
                erased += rows;
                self.replace("erasing", &self.fast_engines, vec![entry], |target, from| {
                    copy_without(target, &from[0], &edit)?;
                    derive::derive(target, Some(project), self.rollups(), &|| self.go_on())
                })?;
            }
        }
        let names = self.store.damaged().into_iter().map(|file| file.row.name());
        if let Some(file) = names.into_iter().find(|name| self.store.file_path(name).exists()) {
            return Err(StoreError::ErasureBlocked { file }.into());
        }
        remove_bad_logs(&self.store.folder(), Duration::ZERO)?;
        let options = &self.store.options;
        let left = set_aside::erase(&options.data, erasure, options.limits.duckdb.builder_memory)?;
        self.store.note_set_aside(left);
        // Hits that are merely too old may stay in it: no caller waits for them to be gone.
        if !matches!(erasure, Erasure::Before(..)) {
            hits_copy::delete(&options.data)?;
        }
        self.store.inbox.change_blocking(Change::Erased { seq, erasure: erasure.clone() })?;
        // Nobody reads the old files any more: from here on caches are filled without the erased texts.
        self.store.names.clear();
        self.store.filters.clear();
        self.store.joined_routes.clear();
        self.store.rankings.clear();
        self.store.tail.forget(self.store.options.node, seq, erasure);
        self.store.erased.done(seq, erased);
        Ok(())
    }

    /// The erasure as an edit of this file, and the number of rows that it touches; none if it touches none.
    fn edit(
        &self,
        entry: &Entry,
        project: ProjectId,
        bound: i64,
        erasure: &Erasure,
    ) -> Result<Option<(Edit, u64)>, StoreError> {
        let context = "looking for what to erase";
        let connection = entry.file.instance().connect()?;
        let file = &entry.file.alias;
        let tables = entry.file.tables();
        let p = project.0;
        let older = format!("project = {p} AND hit_id < {bound}");
        let find = |kind: TextKind, text: &str| -> Result<Option<u32>, StoreError> {
            let (find, bound) = sql::build::find_text(tables, p, kind, text);
            let mut statement = connection.prepare(&find).map_err(failed(context))?;
            let mut rows =
                statement.query(duckdb::params_from_iter(bound)).map_err(failed(context))?;
            rows.next()
                .map_err(failed(context))?
                .map(|row| row.get(0).map_err(failed(context)))
                .transpose()
        };
        let mut edit = Edit { project: p, ..Edit::default() };
        match erasure {
            Erasure::Project(_) => edit.drop_rows = Some(older),
            Erasure::User(_, text) => match find(TextKind::User, text)? {
                Some(id) => edit.drop_rows = Some(format!("{older} AND user_id = {id}")),
                None => return Ok(None),
            },
            Erasure::Address(_, text) => match find(TextKind::Address, text)? {
                Some(id) => edit.drop_rows = Some(format!("{older} AND address = {id}")),
                None => return Ok(None),
            },
            Erasure::Before(_, time_us) => {
                edit.drop_rows = Some(format!("{older} AND time_us < {time_us}"))
            }
            Erasure::Addresses(_) => edit.clear(1, older),
            Erasure::AddressesAndCountries(_) => edit.clear(2, older),
        }
        let Some(touched) = edit.touched(tables) else {
            return Ok(None);
        };
        let rows: i64 = connection
            .query_row(&sql::build::count_rows(file, &touched), [], |row| row.get(0))
            .map_err(failed(context))?;
        entry.file.instance().give_back(connection);
        Ok(Some((edit, rows as u64)))
    }

    /// Builds one sealed file from `inputs` and switches to it. Returns once the old ones are unlinked. `work` is part
    /// of the unfinished file's name, so that the folder shows what a crash interrupted.
    fn replace(
        &self,
        work: &str,
        engines: &Engines,
        inputs: Vec<Entry>,
        fill: impl FnOnce(Target<'_>, &[String]) -> Result<(), EarlyEnd>,
    ) -> Result<(), EarlyEnd> {
        let engine = self.engine()?;
        let folder = self.store.folder();
        let id = self.store.next_file.fetch_add(1, Ordering::Relaxed);
        let mut row = FileRow {
            id,
            kind: FileKind::Sealed,
            first_seq: inputs.iter().map(|entry| entry.row.first_seq).min().unwrap_or(0),
            last_seq: inputs.iter().map(|entry| entry.row.last_seq).max().unwrap_or(0),
            rows: 0,
            bytes: 0,
            checksum: Vec::new(),
        };
        let path = folder.join(row.name());
        let making = folder.join(format!("{}.{work}", row.name()));
        let built = self.with_engine(engines, |engine| {
            build(engine, &making, &format!("b{id}"), &inputs, fill)
        });
        row.rows = built.inspect_err(|_| {
            // A file that can't be removed now is removed at the next start.
            for unfinished in [DataFile::wal(&making), making.clone()] {
                let _ = std::fs::remove_file(unfinished);
            }
        })?;
        let drop_ids: Vec<u64> = inputs.iter().map(|entry| entry.row.id).collect();
        let mut put = Vec::new();
        let mut added = None;
        if row.rows > 0 {
            std::fs::rename(&making, &path).map_err(io("naming a sealed file"))?;
            sync(&folder).map_err(io("naming a sealed file"))?;
            (row.bytes, row.checksum) = measure(&path)?;
            let file = DataFile::attach(&engine, &folder, &row)?;
            added = Some(Entry { file, row: row.clone() });
            put.push(row);
        } else {
            std::fs::remove_file(&making).map_err(io("removing an empty file"))?;
        }
        self.store.files.change(
            || self.store.inbox.change_blocking(Change::Switch { put, drop: drop_ids.clone() }),
            |picture| {
                picture.entries.retain(|entry| !drop_ids.contains(&entry.row.id));
                picture.entries.extend(added);
            },
        )?;
        let (done, gone) = mpsc::channel();
        for entry in &inputs {
            entry.file.retire(done.clone());
        }
        drop((inputs, done));
        // Ends when the last reader drops its snapshot.
        while let Err(mpsc::RecvTimeoutError::Timeout) =
            gone.recv_timeout(Duration::from_millis(100))
        {
            if self.store.jobs.closing() {
                return Err(EarlyEnd::GaveWay(GaveWayTo::Close));
            }
        }
        Ok(())
    }
}

/// Fills a new file from `inputs` and closes it, complete and on disk. Returns its rows.
fn build(
    engine: &Instance,
    path: &Path,
    alias: &str,
    inputs: &[Entry],
    fill: impl FnOnce(Target<'_>, &[String]) -> Result<(), EarlyEnd>,
) -> Result<u64, EarlyEnd> {
    let context = "building a sealed file";
    for stale in [path.to_path_buf(), DataFile::wal(path)] {
        match std::fs::remove_file(stale) {
            Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
                return Err(io(context)(problem).into());
            }
            _ => {}
        }
    }
    let connection = engine.connect()?;
    let run = |statement: &str| connection.execute_batch(statement).map_err(failed(context));
    for entry in inputs {
        run(&sql::file::attach(path_text(&entry.file.path)?, &entry.file.alias))?;
    }
    run(&sql::file::attach_making(path_text(path)?, alias))?;
    run(&sql::file::create_sealed(alias))?;
    let from: Vec<String> = inputs.iter().map(|entry| entry.file.alias.clone()).collect();
    let target = Target {
        connection: &connection,
        scans: engine.scans(),
        new_numbers: engine.new_numbers(),
        into: alias,
    };
    fill(target, &from)?;
    let first_seq = inputs.iter().map(|entry| entry.row.first_seq).min().unwrap_or(0);
    let last_seq = inputs.iter().map(|entry| entry.row.last_seq).max().unwrap_or(0);
    run(&sql::build::finish(alias, first_seq, last_seq))?;
    run(&sql::file::checkpoint(alias))?;
    let rows: i64 = connection
        .query_row(&sql::build::count_rows(alias, "TRUE"), [], |row| row.get(0))
        .map_err(failed(context))?;
    for alias in from.iter().map(String::as_str).chain([alias]) {
        run(&sql::file::detach(alias))?;
    }
    sync(path).map_err(io(context))?;
    Ok(rows as u64)
}

/// One sealed file after an edit: other projects' rows are copied as they are. The edited project's derived tables are
/// computed afterwards.
fn copy_without(target: Target<'_>, from: &str, edit: &Edit) -> Result<(), StoreError> {
    let context = "erasing from a sealed file";
    let (connection, into) = (target.connection, target.into);
    let format = format_of(connection, from)?;
    let tables = Tables { file: from, format };
    let mut statements = vec![
        sql::build::copy_hits(into, tables, edit),
        sql::build::copy_strings(into, tables, edit.project),
        sql::build::copy_other_marks(into, from, edit.project),
        sql::build::make_marks(into, edit.project),
    ];
    statements.extend(sql::build::copy_other_derived(into, tables, edit.project));
    for statement in statements {
        connection.execute_batch(&statement).map_err(failed(context))?;
    }
    Ok(())
}

/// A file's size in bytes and its BLAKE3.
pub fn measure(path: &Path) -> Result<(u64, Vec<u8>), StoreError> {
    let context = "reading a sealed file";
    let mut file = File::open(path).map_err(io(context))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let size = file.read(&mut buffer).map_err(io(context))?;
        if size == 0 {
            break;
        }
        hasher.update(&buffer[..size]);
        bytes += size as u64;
    }
    Ok((bytes, hasher.finalize().as_bytes().to_vec()))
}

/// Logs of the active file that could not be read are set aside. They hold rows, so the next erasure deletes them.
pub fn remove_bad_logs(folder: &Path, older_than: Duration) -> Result<(), StoreError> {
    let context = "removing a bad log";
    for entry in std::fs::read_dir(folder).map_err(io(context))? {
        let entry = entry.map_err(io(context))?;
        let bad = entry.file_name().to_str().is_some_and(|name| name.contains(".bad-"));
        let age = entry
            .metadata()
            .ok()
            .and_then(|meta| meta.modified().ok())
            .and_then(|time| time.elapsed().ok());
        if bad && age.is_none_or(|age| age >= older_than) {
            std::fs::remove_file(entry.path()).map_err(io(context))?;
        }
    }
    Ok(())
}
