//! From ClickHouse into data files, in a folder beside the inbox. A file that is full is complete: a move that was
//! interrupted goes on with the next one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use analytics::hit::{HitId, ProjectId};
use analytics::limits;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::Handle;

use super::compare::compare;
use super::{MovedHits, Reached, check_free, check_unchanged, look_at, page_of};
use crate::blocking;
use crate::clickhouse::{self, leaving::Leaving};
use crate::disk::{io, path_text, sync};
use crate::duckdb::active::Active;
use crate::duckdb::engine::Engine;
use crate::hit_store::HitStore;
use crate::inbox::{self, FileKind, FileRow, Identity, manifest};
use crate::open::lock;
use crate::progress::{self, Progress, Unit};
use crate::sql;
use crate::store::Store;
use crate::types::{HitsPlace, StoreError, StoreOptions};

/// In the data folder: a folder whose hits are in files, under construction.
const MAKING: &str = "hits.arriving";

const MARK: &str = "moving-hits.json";

/// Between two looks at how many files are left to be sealed.
const LOOK: Duration = Duration::from_millis(200);

/// `options.hits` is ClickHouse. Can be interrupted at any moment and begun again. The database is left as it is.
pub async fn move_hits_back(
    mut options: StoreOptions,
    progress: Arc<dyn Progress>,
) -> Result<MovedHits, StoreError> {
    let HitsPlace::ClickHouse(from) = options.hits.clone() else {
        return Err(StoreError::UnusablePath("name the place of the hits with --hits".into()));
    };
    let data = options.data.clone();
    let inbox = look_at(&data).await?;
    let Some(Identity { folder, .. }) = inbox.identity.filter(|_| inbox.is_in_clickhouse) else {
        return Err(StoreError::UnusablePath("the hits of this folder are in its files".into()));
    };
    // Unless it is named: one that the folder has, perhaps leased.
    if !options.node_is_named {
        let folders = clickhouse::node::folders(&from, options.limits.query_seconds).await?;
        let own = folders.iter().filter(|(_, holder)| *holder == folder).map(|(node, _)| *node);
        options.node = own.max().unwrap_or(options.node);
    }
    let last_seq = settle(options.clone()).await?;
    let _lock = lock(&data)?;
    check_unchanged(&data, last_seq).await?;
    let leaving = Leaving::begin(&from, &options.limits, &folder).await?;
    let projects = leaving.projects().await?;
    let moved = MovedHits { hits: projects.values().sum(), projects: projects.len(), old: None };
    let making = data.join(MAKING);
    let of = format!("{} {} {} {last_seq}", from.url, from.database, options.node);
    let work = Work { options, making, of, last_seq, projects };
    let reached = work.begin()?;
    // Interrupted in the very end, it has only that left.
    if work.hits().exists() {
        check_free(&data.join("hits"))?;
        work.fill(reached, leaving, progress).await?;
    }
    work.switch().await?;
    Ok(moved)
}

/// Everything that waits in the folder is inserted and erased. The last record.
async fn settle(options: StoreOptions) -> Result<u64, StoreError> {
    let store = Store::open(options).await?;
    let settled = async {
        store.settle().await?;
        let shared = store.shared();
        shared.wait(shared.erased.wait_for_all(), || Ok(())).await?;
        Ok(shared.queue.last_seq())
    };
    let settled: Result<u64, StoreError> = settled.await;
    store.close().await?;
    settled
}

/// The builder makes sealed files, which are compared and stay.
async fn seal(files: &Store, progress: &dyn Progress) -> Result<(), StoreError> {
    let left = || files.stats().duckdb.map_or(0, |files| files.frozen_files);
    let mut most = left();
    progress.begin("sealing", most, Unit::Files);
    while most > 0 {
        progress::check(progress)?;
        tokio::time::sleep(LOOK).await;
        let now = left().min(most);
        progress.advance(most - now);
        most = now;
    }
    Ok(())
}

#[derive(Clone)]
struct Work {
    options: StoreOptions,
    /// The folder under construction.
    making: PathBuf,
    /// For the mark: the other side, and the last record of the folder.
    of: String,
    last_seq: u64,
    /// Hits by project.
    projects: BTreeMap<u32, u64>,
}

impl Work {
    fn mark(&self) -> PathBuf {
        self.making.join(MARK)
    }

    fn hits(&self) -> PathBuf {
        self.making.join("hits")
    }

    fn inbox(&self) -> PathBuf {
        self.making.join("inbox.sqlite")
    }

    /// How far an interrupted move to this place has come; else an empty folder.
    fn begin(&self) -> Result<Reached, StoreError> {
        let context = "making data files";
        if let Some(reached) = Reached::read(&self.mark(), &self.of)? {
            return Ok(reached);
        }
        if self.making.exists() {
            std::fs::remove_dir_all(&self.making).map_err(io(context))?;
        }
        std::fs::create_dir_all(self.hits()).map_err(io(context))?;
        let reached = Reached::default();
        reached.write(&self.mark(), &self.of)?;
        Ok(reached)
    }

    /// Makes the files, and compares them with the database.
    async fn fill(
        &self,
        mut reached: Reached,
        leaving: Leaving,
        progress: Arc<dyn Progress>,
    ) -> Result<(), StoreError> {
        let leaving = Arc::new(leaving);
        // Else all files are there, and perhaps sealed.
        if !self.inbox().exists() {
            let (work, from, runtime) = (self.clone(), leaving.clone(), Handle::current());
            let progress = progress.clone();
            let copying = move || work.copy(reached, &from, &runtime, &*progress);
            reached = blocking::run("moving hits", copying).await??;
        }
        let files = self.open_files(&reached).await?;
        let compared = async {
            seal(&files, &*progress).await?;
            let original = HitStore::ClickHouse(leaving.store());
            compare(&original, files.hit_store(), &self.projects, &*progress).await
        };
        let compared = compared.await;
        files.close().await?;
        compared
    }

    /// Blocks.
    fn copy(
        &self,
        mut reached: Reached,
        leaving: &Leaving,
        runtime: &Handle,
        progress: &dyn Progress,
    ) -> Result<Reached, StoreError> {
        progress.begin("moving hits", self.projects.values().sum(), Unit::Hits);
        progress.advance(reached.hits);
        remove_incomplete(&self.hits(), reached.files.len() as u64)?;
        let engine = Arc::new(Engine::open(&self.hits(), &self.options.limits.duckdb)?);
        let mut file: Option<Active> = None;
        for project in self.projects.range(reached.project..).map(|(project, _)| *project) {
            let read = |after| runtime.block_on(leaving.page(page_of(project, after)));
            let mut page = read(reached.in_project(project))?;
            while let Some(last) = page.last().map(|hit| hit.hit_id) {
                progress::check(progress)?;
                for hit in &page {
                    if file.as_ref().is_some_and(|file| self.is_full(file))
                        && reached.hit_id.map(record_of) != Some(record_of(hit.hit_id))
                    {
                        self.complete(file.take(), &mut reached)?;
                    }
                    let id = reached.files.len() as u64 + 1;
                    let file = match &mut file {
                        Some(file) => file,
                        none => none.insert(Active::create(
                            &engine,
                            &self.hits(),
                            FileRow::active(id, 0),
                        )?),
                    };
                    file.push_row(ProjectId(project), hit);
                    reached.project = project;
                    reached.hit_id = Some(hit.hit_id);
                    reached.hits += 1;
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

    fn is_full(&self, file: &Active) -> bool {
        file.rows() >= self.options.limits.duckdb.active_rows
            || file.text_bytes() as u64 >= limits::ACTIVE_TEXT_BYTES
    }

    fn complete(&self, file: Option<Active>, reached: &mut Reached) -> Result<(), StoreError> {
        let Some(mut file) = file else { return Ok(()) };
        file.pass(self.last_seq);
        file.commit()?;
        file.checkpoint()?;
        reached.files.push(file.rows());
        drop(file);
        reached.write(&self.mark(), &self.of)
    }

    /// Opens the new files as those of a folder of its own, with a copy of the inbox.
    async fn open_files(&self, reached: &Reached) -> Result<Store, StoreError> {
        let context = "copying the inbox";
        // Its files may be sealed already.
        if !self.inbox().exists() {
            let fresh = self.making.join("inbox.new");
            if fresh.exists() {
                std::fs::remove_file(&fresh).map_err(io(context))?;
            }
            let from = self.options.data.join("inbox.sqlite");
            let mut db = connect(&from, context).await?;
            sqlx::query(sql::inbox::SNAPSHOT)
                .bind(path_text(&fresh)?)
                .execute(&mut db)
                .await
                .map_err(inbox::failed(context))?;
            db.close().await.map_err(inbox::failed(context))?;
            let frozen = |(at, rows): (usize, &u64)| FileRow {
                kind: FileKind::Frozen,
                last_seq: self.last_seq,
                rows: *rows,
                ..FileRow::active(at as u64 + 1, 0)
            };
            let files: Vec<FileRow> = reached.files.iter().enumerate().map(frozen).collect();
            let mut db = connect(&fresh, context).await?;
            inbox::hand_over(&mut db, false, &files).await?;
            db.close().await.map_err(inbox::failed(context))?;
            std::fs::rename(&fresh, self.inbox()).map_err(io(context))?;
        }
        let (data, hits) = (self.making.clone(), HitsPlace::Folder);
        Store::open(StoreOptions { data, hits, ..self.options.clone() }).await
    }

    /// From here on the folder's hits are in its files.
    async fn switch(&self) -> Result<(), StoreError> {
        let context = "noting where the hits are";
        let mut db = connect(&self.inbox(), context).await?;
        let files = manifest::read(&mut db).await?;
        db.close().await.map_err(inbox::failed(context))?;
        let data = &self.options.data;
        // First, as the manifest must name files that are there. A start in between finds files that nobody names.
        if self.hits().exists() {
            std::fs::rename(self.hits(), data.join("hits")).map_err(io(context))?;
            sync(data).map_err(io(context))?;
        }
        let mut db = connect(&data.join("inbox.sqlite"), context).await?;
        inbox::hand_over(&mut db, false, &files).await?;
        db.close().await.map_err(inbox::failed(context))?;
        std::fs::remove_dir_all(&self.making).map_err(io(context))
    }
}

async fn connect(path: &Path, context: &'static str) -> Result<SqliteConnection, StoreError> {
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
