//! From files into an empty database. Each page is inserted under a token of its own: a move that was interrupted goes on,
//! and what arrived is not stored twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use analytics::hit::ProjectId;
use sqlx::{ConnectOptions, Connection};

use super::compare::compare;
use super::{MOVED, MovedHits, Reached, check_free, check_unchanged, look_at, page_of};
use crate::clickhouse::arriving::Arriving;
use crate::disk::{io, sync};
use crate::hit_store::HitStore;
use crate::inbox;
use crate::open::lock;
use crate::progress::{self, Progress, Unit};
use crate::store::Store;
use crate::types::{ClickHousePlace, HitsPlace, StoreError, StoreOptions};

/// In the data folder. If it is lost, the last pages are inserted again under the same tokens, and are no more.
const MARK: &str = "moving-hits.json";

/// `options.hits` is the folder. Can be interrupted at any moment and begun again with the same place.
pub async fn move_hits(
    options: StoreOptions,
    to: ClickHousePlace,
    progress: Arc<dyn Progress>,
) -> Result<MovedHits, StoreError> {
    let data = options.data.clone();
    if look_at(&data).await?.is_in_clickhouse {
        return Err(StoreError::UnusablePath(
            "the hits of this folder are in ClickHouse already; start the server with --hits"
                .into(),
        ));
    }
    check_free(&data.join(MOVED))?;
    let (node, limits) = (options.node, options.limits.clone());
    let place = format!("{} {} {node}", to.url, to.database);
    let store = Store::open(StoreOptions { hits: HitsPlace::Folder, ..options }).await?;
    let moved = async {
        store.settle().await?;
        // An erasure names hits by their texts, and finds them where they are.
        let shared = store.shared();
        shared.wait(shared.erased.wait_for_all(), || Ok(())).await?;
        let folder = shared.identity.folder;
        let last_seq = shared.queue.last_seq();
        let place = format!("{place} {last_seq}");
        let begun = Reached::read(&data.join(MARK), &place)?;
        let arriving = Arriving::begin(&to, &limits, node, &folder, begun.is_some()).await?;
        let projects = projects_of(&store);
        let reached = begun.unwrap_or_default();
        reached.write(&data.join(MARK), &place)?;
        copy(&store, &arriving, &projects, reached, &data, &place, &*progress).await?;
        let arrived = HitStore::ClickHouse(Arc::new(arriving.into_store()));
        compare(store.hit_store(), &arrived, &projects, &*progress).await?;
        let moved = MovedHits {
            hits: projects.values().sum(),
            projects: projects.len(),
            old: Some(data.join(MOVED)),
        };
        Ok((moved, last_seq))
    };
    let moved: Result<(MovedHits, u64), StoreError> = moved.await;
    // Its last act writes everything to the data files.
    store.close().await?;
    let (moved, last_seq) = moved?;
    switch(&data, last_seq).await?;
    Ok(moved)
}

/// Hits by project.
fn projects_of(store: &Store) -> BTreeMap<u32, u64> {
    let mut projects = BTreeMap::new();
    let Some(files) = store.duckdb() else { return projects };
    for entry in &files.files.now().entries {
        for (project, share) in entry.file.stats.load().iter().filter(|(_, share)| share.rows > 0) {
            *projects.entry(project.0).or_default() += share.rows;
        }
    }
    projects
}

async fn copy(
    store: &Store,
    arriving: &Arriving,
    projects: &BTreeMap<u32, u64>,
    mut reached: Reached,
    data: &Path,
    place: &str,
    progress: &dyn Progress,
) -> Result<(), StoreError> {
    progress.begin("moving hits", projects.values().sum(), Unit::Hits);
    progress.advance(reached.hits);
    let read = |project, after| store.arrivals(page_of(project, after));
    for project in projects.range(reached.project..).map(|(project, _)| *project) {
        let mut page = read(project, reached.in_project(project)).await?;
        while let Some(last) = page.last().map(|hit| hit.hit_id) {
            progress::check(progress)?;
            // The next one is read meanwhile.
            let insert = arriving.insert(ProjectId(project), &page);
            let (inserted, next) = tokio::join!(insert, read(project, Some(last)));
            inserted?;
            let hits = reached.hits + page.len() as u64;
            reached = Reached { project, hit_id: Some(last), hits, files: Vec::new() };
            reached.write(&data.join(MARK), place)?;
            progress.advance(page.len() as u64);
            page = next?;
        }
    }
    Ok(())
}

/// From here on the folder's hits are in ClickHouse.
async fn switch(data: &Path, last_seq: u64) -> Result<(), StoreError> {
    let context = "noting where the hits are";
    let _lock = lock(data)?;
    check_unchanged(data, last_seq).await?;
    let path = data.join("inbox.sqlite");
    let mut db = inbox::connect_options(&path).connect().await.map_err(inbox::failed(context))?;
    inbox::hand_over(&mut db, true, &[]).await?;
    db.close().await.map_err(inbox::failed(context))?;
    std::fs::rename(data.join("hits"), data.join(MOVED)).map_err(io(context))?;
    std::fs::remove_file(data.join(MARK)).map_err(io(context))?;
    sync(data).map_err(io(context))
}
