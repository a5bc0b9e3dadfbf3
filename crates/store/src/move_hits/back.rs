//! From ClickHouse into data files, in a folder beside the inbox (`making.rs`), in as many runs as are wanted: while a
//! server goes on inserting, and in the end when none does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;

use super::compare::compare;
use super::making::{Making, Source, connect};
use super::{MovedHits, check_free, check_unchanged, lock_move, look_at, settle};
use crate::clickhouse::{self, leaving::Leaving};
use crate::disk::{io, sync};
use crate::hit_store::HitStore;
use crate::hits_copy::{self, HITS_COPY};
use crate::inbox::identity::FolderId;
use crate::inbox::{self, Identity, manifest};
use crate::ledger::{self, Line};
use crate::open::lock;
use crate::progress::{self, Progress, Unit};
use crate::store::Store;
use crate::types::{ClickHousePlace, HitsPlace, StoreError, StoreOptions};

/// Between two looks at how many files are left to be sealed.
const LOOK: Duration = Duration::from_millis(200);

/// No server holds the folder, which changes hands in the end. `options.hits` is ClickHouse. Can be interrupted at any
/// moment and begun again. The database is left as it is.
pub async fn move_hits_back(
    mut options: StoreOptions,
    progress: Arc<dyn Progress>,
) -> Result<MovedHits, StoreError> {
    let from = place_of(&options)?;
    let data = options.data.clone();
    let folder = folder_of(&data).await?;
    let _moving = lock_move(&data)?;
    find_node(&mut options, &from, &folder).await?;
    let last_seq = settle_folder(options.clone()).await?;
    let _lock = lock(&data)?;
    check_unchanged(&data, last_seq).await?;
    hits_copy::delete(&data)?;
    let leaving = Arc::new(Leaving::begin(&from, &options.limits, &folder).await?);
    let projects: BTreeMap<u32, u64> =
        leaving.projects().await?.into_iter().map(|(project, of)| (project, of.hits)).collect();
    let moved = MovedHits { hits: projects.values().sum(), projects: projects.len(), old: None };
    let erased = erasures_of(&data)?;
    let source = Source { last_seq, inbox: data.join("inbox.sqlite"), erased };
    let making = making_of(options, &from, &folder);
    let mut reached = making.begin(&source)?;
    // Interrupted in the very end, it has only that left.
    if making.hits().exists() {
        check_free(&data.join("hits"))?;
        making.fill(&mut reached, &source, &leaving, &progress).await?;
        let files = making.open().await?;
        let compared = async {
            seal(&files, &*progress).await?;
            let original = HitStore::ClickHouse(leaving.store());
            compare(&original, files.hit_store(), &projects, &*progress).await
        };
        let compared = compared.await;
        files.close().await?;
        if let Err(StoreError::UnusablePath(problem)) = compared {
            making.discard()?;
            return Err(StoreError::UnusablePath(format!(
                "{problem}. The copy is deleted: run the command again, it begins anew"
            )));
        }
        compared?;
    }
    switch(&making, &data).await?;
    Ok(moved)
}

/// A server may hold the folder, of which `HITS_COPY` is a backup. The folder does not change. Can be interrupted at any
/// moment and begun again.
pub async fn copy_hits_back(
    mut options: StoreOptions,
    progress: Arc<dyn Progress>,
) -> Result<MovedHits, StoreError> {
    let from = place_of(&options)?;
    let data = options.data.clone();
    let copy = data.join(HITS_COPY);
    let folder = folder_of(&copy).await?;
    let _moving = lock_move(&data)?;
    find_node(&mut options, &from, &folder).await?;
    let leaving = Arc::new(Leaving::begin(&from, &options.limits, &folder).await?);
    let source = source_of_copy(&copy).await?;
    let making = making_of(options, &from, &folder);
    let mut reached = making.begin(&source)?;
    if making.hits().exists() {
        making.fill(&mut reached, &source, &leaving, &progress).await?;
        let files = making.open().await?;
        let sealed = seal(&files, &*progress).await;
        let moved = MovedHits {
            hits: files.stats().rows,
            projects: super::projects_of(&files).len(),
            old: None,
        };
        files.close().await?;
        sealed?;
        hits_copy::delete(&data)?;
        return Ok(moved);
    }
    Err(StoreError::UnusablePath(
        "a move was interrupted in its last moment: stop the server, and run this command again"
            .into(),
    ))
}

fn place_of(options: &StoreOptions) -> Result<ClickHousePlace, StoreError> {
    match &options.hits {
        HitsPlace::ClickHouse(from) => Ok(from.clone()),
        HitsPlace::Folder => {
            Err(StoreError::UnusablePath("name the place of the hits with --hits".into()))
        }
    }
}

async fn folder_of(data: &Path) -> Result<FolderId, StoreError> {
    let inbox = look_at(data).await?;
    match inbox.identity.filter(|_| inbox.is_in_clickhouse) {
        Some(Identity { folder, .. }) => Ok(folder),
        None => Err(StoreError::UnusablePath("the hits of this folder are in its files".into())),
    }
}

/// Unless it is named: the number that the folder has, perhaps leased.
async fn find_node(
    options: &mut StoreOptions,
    from: &ClickHousePlace,
    folder: &FolderId,
) -> Result<(), StoreError> {
    if options.node_is_named {
        return Ok(());
    }
    let folders = clickhouse::node::folders(from, options.limits.query_seconds).await?;
    let own = folders.iter().filter(|(_, holder)| holder == folder).map(|(node, _)| *node);
    options.node = own.max().unwrap_or(options.node);
    Ok(())
}

fn making_of(options: StoreOptions, from: &ClickHousePlace, folder: &FolderId) -> Making {
    let folder = u128::from_be_bytes(*folder);
    let of = format!("{} {} {} {folder}", from.url, from.database, options.node);
    Making::new(options, of)
}

fn erasures_of(data: &Path) -> Result<BTreeMap<u64, Line>, StoreError> {
    let file = data.join(ledger::FILE);
    let lines = if file.exists() { ledger::read(&file)? } else { Vec::new() };
    Ok(lines.into_iter().map(|line| (line.seq, line)).collect())
}

/// TRICKY: an erasure is in the ledger before it is carried out. The copy's inbox has those that wait.
async fn source_of_copy(copy: &Path) -> Result<Source, StoreError> {
    let (context, inbox) = ("reading the copy of the inbox", copy.join("inbox.sqlite"));
    let mut db = connect(&inbox, context).await?;
    let last_seq = inbox::get_number(&mut db, "trimmed_to").await?;
    let waiting = inbox::read_erasures(&mut db).await?;
    db.close().await.map_err(inbox::failed(context))?;
    let mut erased = erasures_of(copy)?;
    for (seq, _) in waiting {
        erased.remove(&seq);
    }
    Ok(Source { last_seq, inbox, erased })
}

/// Everything that waits in the folder is inserted and erased. The last record.
async fn settle_folder(options: StoreOptions) -> Result<u64, StoreError> {
    let store = Store::open(options).await?;
    let settled = async {
        settle(&store).await?;
        Ok(store.shared().queue.last_seq())
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

/// From here on the folder's hits are in its files.
async fn switch(making: &Making, data: &Path) -> Result<(), StoreError> {
    let context = "noting where the hits are";
    let mut db = connect(&making.inbox(), context).await?;
    let files = manifest::read(&mut db).await?;
    db.close().await.map_err(inbox::failed(context))?;
    // First, as the manifest must name files that are there. A start in between finds files that nobody names.
    if making.hits().exists() {
        std::fs::rename(making.hits(), data.join("hits")).map_err(io(context))?;
        sync(data).map_err(io(context))?;
    }
    let mut db = connect(&data.join("inbox.sqlite"), context).await?;
    inbox::hand_over(&mut db, false, &files).await?;
    db.close().await.map_err(inbox::failed(context))?;
    making.discard()
}
