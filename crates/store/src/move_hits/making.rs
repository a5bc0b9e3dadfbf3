//! A folder whose hits are in files, under construction. Its files have all hits up to a record. Hits of later records
//! come in files of their own, and what the database has erased meanwhile is erased from the files before.
//!
//! A file that is full is complete: a run that was interrupted goes on with the next one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use analytics::hit::{HitId, ProjectId};
use analytics::limits;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::Handle;

use super::reach::Reach;
use crate::blocking;
use crate::clickhouse::leaving::Leaving;
use crate::disk::{io, path_text};
use crate::duckdb::active::Active;
use crate::duckdb::engine::Engine;
use crate::inbox::{self, FileKind, FileRow, manifest};
use crate::ledger::Line;
use crate::progress::{self, Progress, Unit};
use crate::restore;
use crate::sql;
use crate::store::Store;
use crate::types::{Erasure, HitsPlace, StoreError, StoreOptions};

/// In the data folder.
const FOLDER: &str = "hits.arriving";

const MARK: &str = "moving-hits.json";

/// A database, and the folder whose hits it has.
pub struct Source {
    /// It has all hits of records up to this one.
    pub last_seq: u64,
    /// The inbox, or a copy of it.
    pub inbox: PathBuf,
    /// Erasures that have been carried out, by their records.
    pub erased: BTreeMap<u64, Line>,
}

#[derive(Clone)]
pub struct Making {
    /// Of the folder that the hits are for.
    options: StoreOptions,
    folder: PathBuf,
    /// For the mark: the other side, and the folder.
    of: String,
}

/// How far the move has come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reached {
    of: String,
    /// The files have all hits up to this record.
    done: u64,
    /// Those up to this one are being moved, into files after this one.
    goal: u64,
    files_before: u64,
    /// The hits of each new file that is complete, in the order of their ids.
    files: Vec<u64>,
    /// The project that is being moved, and its last hit in a complete file.
    project: u32,
    hit_id: Option<i64>,
    /// The records of erasures that the files know.
    erased: Vec<u64>,
}

impl Making {
    pub fn new(options: StoreOptions, of: String) -> Making {
        Making { folder: options.data.join(FOLDER), options, of }
    }

    pub fn hits(&self) -> PathBuf {
        self.folder.join("hits")
    }

    pub fn inbox(&self) -> PathBuf {
        self.folder.join("inbox.sqlite")
    }

    pub fn discard(&self) -> Result<(), StoreError> {
        std::fs::remove_dir_all(&self.folder).map_err(io("deleting the folder of the move"))
    }

    /// How far an interrupted move from this place has come; else an empty folder.
    pub fn begin(&self, source: &Source) -> Result<Reached, StoreError> {
        let context = "making data files";
        let mark = self.folder.join(MARK);
        if mark.exists() {
            let text =
                std::fs::read_to_string(&mark).map_err(io("reading how far the move has come"))?;
            let reached: Reached = serde_json::from_str(&text).unwrap_or_default();
            if reached.of == self.of {
                return Ok(reached);
            }
        }
        if self.folder.exists() {
            self.discard()?;
        }
        std::fs::create_dir_all(self.hits()).map_err(io(context))?;
        let erased = source.erased.keys().copied().collect();
        let reached = Reached { of: self.of.clone(), erased, ..Reached::default() };
        self.note(&reached)?;
        Ok(reached)
    }

    fn note(&self, reached: &Reached) -> Result<(), StoreError> {
        let (mark, text) =
            (self.folder.join(MARK), serde_json::to_string(reached).unwrap_or_default());
        let fresh = mark.with_extension("new");
        std::fs::write(&fresh, text)
            .and_then(|()| std::fs::rename(&fresh, &mark))
            .map_err(io("noting how far the move has come"))
    }

    /// Brings the files to where the database is.
    pub async fn fill(
        &self,
        reached: &mut Reached,
        source: &Source,
        leaving: &Arc<Leaving>,
        progress: &Arc<dyn Progress>,
    ) -> Result<(), StoreError> {
        if reached.goal > reached.done {
            self.pass(reached, source, leaving, progress, BTreeMap::new()).await?;
        }
        if source.last_seq > reached.done {
            let mut there = BTreeMap::new();
            if reached.done > 0 {
                there = self.erase(reached, source, leaving, &**progress).await?;
            }
            let named = match self.inbox().exists() {
                true => self.manifest().await?,
                false => Vec::new(),
            };
            reached.files_before = named.iter().map(|row| row.id).max().unwrap_or(0);
            reached.goal = source.last_seq;
            (reached.project, reached.hit_id, reached.files) = (0, None, Vec::new());
            self.note(reached)?;
            self.pass(reached, source, leaving, progress, there).await?;
        }
        Ok(())
    }

    /// Moves hits of records after `reached.done` up to `reached.goal`. `there`: hits by project in the files.
    async fn pass(
        &self,
        reached: &mut Reached,
        source: &Source,
        leaving: &Arc<Leaving>,
        progress: &Arc<dyn Progress>,
        there: BTreeMap<u32, u64>,
    ) -> Result<(), StoreError> {
        let stored = leaving.projects().await?;
        let hits = stored.iter().map(|(project, of)| (*project, of.hits)).collect();
        let copying = Copying {
            making: self.clone(),
            leaving: leaving.clone(),
            runtime: Handle::current(),
            hits,
            there,
        };
        let (begun, told) = (reached.clone(), progress.clone());
        let copy = move || copying.copy(begun, &*told);
        *reached = blocking::run("moving hits", copy).await??;
        self.attach(reached, source).await?;
        reached.done = reached.goal;
        self.note(reached)
    }

    /// Gives the folder an inbox as of the source's last record, with all files in its manifest.
    async fn attach(&self, reached: &Reached, source: &Source) -> Result<(), StoreError> {
        let context = "copying the inbox";
        let mut files = match self.inbox().exists() {
            true => self.manifest().await?,
            false => Vec::new(),
        };
        // The last time that the folder was open it had an empty one, and it opens with another.
        for row in files.iter().filter(|row| row.kind == FileKind::Active) {
            remove_named(&self.hits(), &row.name())?;
        }
        files.retain(|row| row.kind != FileKind::Active && row.id <= reached.files_before);
        let first_id = reached.files_before + 1;
        files.extend(reached.files.iter().zip(first_id..).map(|(rows, id)| FileRow {
            kind: FileKind::Frozen,
            last_seq: reached.goal,
            rows: *rows,
            ..FileRow::active(id, reached.done)
        }));
        let fresh = self.folder.join("inbox.new");
        for stale in ["inbox.new", "inbox.new-wal", "inbox.new-shm"] {
            let stale = self.folder.join(stale);
            if stale.exists() {
                std::fs::remove_file(&stale).map_err(io(context))?;
            }
        }
        let mut db = connect(&source.inbox, context).await?;
        sqlx::query(sql::inbox::SNAPSHOT)
            .bind(path_text(&fresh)?)
            .execute(&mut db)
            .await
            .map_err(inbox::failed(context))?;
        db.close().await.map_err(inbox::failed(context))?;
        let mut db = connect(&fresh, context).await?;
        inbox::hand_over(&mut db, false, &files).await?;
        inbox::forget_waiting(&mut db).await?;
        db.close().await.map_err(inbox::failed(context))?;
        for old in ["inbox.sqlite-wal", "inbox.sqlite-shm"] {
            let old = self.folder.join(old);
            if old.exists() {
                std::fs::remove_file(&old).map_err(io(context))?;
            }
        }
        std::fs::rename(&fresh, self.inbox()).map_err(io(context))
    }

    async fn manifest(&self) -> Result<Vec<FileRow>, StoreError> {
        let context = "reading the manifest";
        let mut db = connect(&self.inbox(), context).await?;
        let files = manifest::read(&mut db).await?;
        db.close().await.map_err(inbox::failed(context))?;
        Ok(files)
    }

    pub async fn open(&self) -> Result<Store, StoreError> {
        let (data, hits) = (self.folder.clone(), HitsPlace::Folder);
        let mut options = StoreOptions { data, hits, ..self.options.clone() };
        options.limits.reserve_bytes = 0;
        Store::open(options).await
    }

    /// Erases from the files what the database has erased. The hits that they have then, by project.
    async fn erase(
        &self,
        reached: &mut Reached,
        source: &Source,
        leaving: &Leaving,
        progress: &dyn Progress,
    ) -> Result<BTreeMap<u32, u64>, StoreError> {
        let lines: Vec<_> =
            source.erased.iter().filter(|(seq, _)| !reached.erased.contains(seq)).collect();
        progress.begin("erasing", lines.len() as u64, Unit::Erasures);
        let stored = leaving.projects().await?;
        let files = self.open().await?;
        let erased = async {
            for (seq, line) in lines {
                progress::check(progress)?;
                restore::apply(&files, line).await?;
                reached.erased.push(*seq);
                progress.advance(1);
            }
            // Hits that were too old are in no ledger.
            for project in super::projects_of(&files).into_keys() {
                let extent = files.extent(&super::scope(project)).await?;
                match (stored.get(&project), extent) {
                    (None, _) => files.erase(Erasure::Project(ProjectId(project))).await?,
                    (Some(of), Some((first_us, _))) if first_us < of.first_us => {
                        files.erase(Erasure::Before(ProjectId(project), of.first_us)).await?
                    }
                    _ => 0,
                };
            }
            Ok(super::projects_of(&files))
        };
        let erased: Result<BTreeMap<u32, u64>, StoreError> = erased.await;
        files.close().await?;
        let there = erased?;
        self.note(reached)?;
        Ok(there)
    }
}

struct Copying {
    making: Making,
    leaving: Arc<Leaving>,
    runtime: Handle,
    /// By project: in the database, and in the files.
    hits: BTreeMap<u32, u64>,
    there: BTreeMap<u32, u64>,
}

impl Copying {
    /// Blocks.
    fn copy(&self, mut reached: Reached, progress: &dyn Progress) -> Result<Reached, StoreError> {
        let folder = self.making.hits();
        progress.begin("moving hits", self.hits.values().sum(), Unit::Hits);
        progress.advance(self.there.values().sum::<u64>() + reached.files.iter().sum::<u64>());
        remove_incomplete(&folder, reached.files_before + reached.files.len() as u64)?;
        let engine = Arc::new(Engine::open(&folder, &self.making.options.limits.duckdb)?);
        let (mut file, begins_with): (Option<Active>, u32) = (None, reached.project);
        for (project, hits) in self.hits.range(begins_with..) {
            // TRICKY: if as many hits came as went, the comparison finds it.
            if reached.done > 0 && self.there.get(project) == Some(hits) {
                continue;
            }
            let reach = Reach {
                read: async |query| self.leaving.page(query).await,
                project: *project,
                after: reached.done,
                up_to: reached.goal,
            };
            let read = |position| self.runtime.block_on(reach.page(position));
            let position = reached.hit_id.filter(|_| reached.project == *project);
            let mut page = read(position)?;
            while let Some(last) = page.last().map(|hit| hit.hit_id) {
                progress::check(progress)?;
                for hit in &page {
                    if file.as_ref().is_some_and(|file| self.is_full(file))
                        && reached.hit_id.map(record_of) != Some(record_of(hit.hit_id))
                    {
                        self.complete(file.take(), &mut reached)?;
                    }
                    let file = match &mut file {
                        Some(file) => file,
                        none => none.insert(self.next_file(&engine, &reached)?),
                    };
                    file.push_row(ProjectId(*project), hit);
                    reached.project = *project;
                    reached.hit_id = Some(hit.hit_id);
                }
                if let Some(file) = &mut file {
                    file.commit()?;
                }
                progress.advance(page.len() as u64);
                page = read(Some(last))?;
            }
        }
        self.complete(file, &mut reached)?;
        Ok(reached)
    }

    fn next_file(&self, engine: &Arc<Engine>, reached: &Reached) -> Result<Active, StoreError> {
        let id = reached.files_before + reached.files.len() as u64 + 1;
        Active::create(engine, &self.making.hits(), FileRow::active(id, reached.done))
    }

    fn is_full(&self, file: &Active) -> bool {
        file.rows() >= self.making.options.limits.duckdb.active_rows
            || file.text_bytes() as u64 >= limits::ACTIVE_TEXT_BYTES
    }

    fn complete(&self, file: Option<Active>, reached: &mut Reached) -> Result<(), StoreError> {
        let Some(mut file) = file else { return Ok(()) };
        file.pass(reached.goal);
        file.commit()?;
        file.checkpoint()?;
        reached.files.push(file.rows());
        drop(file);
        self.making.note(reached)
    }
}

pub async fn connect(path: &Path, context: &'static str) -> Result<SqliteConnection, StoreError> {
    inbox::connect_options(path).connect().await.map_err(inbox::failed(context))
}

/// The node and the record that a hit is of.
fn record_of(hit_id: i64) -> i64 {
    hit_id >> HitId::INDEX_BITS
}

/// Only files up to this id are complete.
fn remove_incomplete(folder: &Path, last: u64) -> Result<(), StoreError> {
    let context = "making data files";
    for entry in std::fs::read_dir(folder).map_err(io(context))? {
        let path = entry.map_err(io(context))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_complete = FileRow::id_in(&name).is_some_and(|id| id <= last);
        if path.is_file() && !is_complete {
            std::fs::remove_file(&path).map_err(io(context))?;
        }
    }
    Ok(())
}

/// The file, and those beside it.
fn remove_named(folder: &Path, name: &str) -> Result<(), StoreError> {
    let context = "making data files";
    for entry in std::fs::read_dir(folder).map_err(io(context))? {
        let entry = entry.map_err(io(context))?;
        if entry.file_name().to_string_lossy().starts_with(name) {
            std::fs::remove_file(entry.path()).map_err(io(context))?;
        }
    }
    Ok(())
}
