//! From files into an empty database, in as many runs as are wanted: while a server holds the folder from a copy of it,
//! and in the end from the folder itself. Each run brings the database to where its source is (`bring.rs`).

use std::path::Path;
use std::sync::Arc;

use sqlx::{ConnectOptions, Connection};

use super::bring::Bringing;
use super::compare::{find_differences, other_hits};
use super::mark::Mark;
use super::{
    MOVED, MovedHits, check_free, check_unchanged, lock_move, look_at, projects_of, settle,
};
use crate::clickhouse::arriving::{Arriving, Stretch};
use crate::disk::{io, sync};
use crate::hit_store::HitStore;
use crate::hits_copy::{self, HITS_COPY};
use crate::inbox;
use crate::open::lock;
use crate::progress::Progress;
use crate::store::Store;
use crate::types::{ClickHousePlace, HitsPlace, StoreError, StoreOptions};

/// Rounds of comparing and replacing: days that differ, then projects whose days are the same, and nothing more.
const ROUNDS: usize = 3;

/// No server holds the folder, which changes hands in the end. `options.hits` is the folder. Can be interrupted at any
/// moment and begun again with the same place.
pub async fn move_hits(
    options: StoreOptions,
    to: ClickHousePlace,
    progress: Arc<dyn Progress>,
) -> Result<MovedHits, StoreError> {
    let data = options.data.clone();
    check_in_files(&data).await?;
    check_free(&data.join(MOVED))?;
    let _moving = lock_move(&data)?;
    let options = StoreOptions { hits: HitsPlace::Folder, ..options };
    let source = |last_seq| format!("folder {last_seq}");
    let (moved, last_seq) = bring(options, &data, to, source, &*progress).await?;
    // Of a run that was stopped: the folder itself has been read.
    hits_copy::delete(&data)?;
    switch(&data, last_seq).await?;
    Ok(moved)
}

/// A server may hold the folder, of which `HITS_COPY` is a complete backup. The folder does not change, and the copy is
/// deleted in the end. Can be interrupted at any moment and begun again with the same copy.
pub async fn copy_hits(
    options: StoreOptions,
    to: ClickHousePlace,
    progress: Arc<dyn Progress>,
) -> Result<MovedHits, StoreError> {
    let data = options.data.clone();
    let copy = data.join(HITS_COPY);
    check_in_files(&copy).await?;
    let _moving = lock_move(&data)?;
    let mut options = StoreOptions { data: copy, hits: HitsPlace::Folder, ..options };
    options.limits.reserve_bytes = 0;
    // A copy that is made anew has other pages.
    let source = |last_seq| format!("copy {last_seq}");
    let brought = bring(options, &data, to, source, &*progress).await;
    if brought.is_err() && !data.join(HITS_COPY).exists() {
        return Err(StoreError::UnusablePath(
            "something was erased from the folder meanwhile, and with it the copy that hits are moved from. Run the command again: it \
             makes a new one and goes on where it was"
                .into(),
        ));
    }
    let (moved, _) = brought?;
    hits_copy::delete(&data)?;
    Ok(moved)
}

async fn check_in_files(data: &Path) -> Result<(), StoreError> {
    match look_at(data).await?.is_in_clickhouse {
        false => Ok(()),
        true => Err(StoreError::UnusablePath(
            "the hits of this folder are in ClickHouse already; start the server with --hits"
                .into(),
        )),
    }
}

/// Makes the database the same as the folder of `options`. `data` has the mark. Returns the last record too.
async fn bring(
    options: StoreOptions,
    data: &Path,
    to: ClickHousePlace,
    source: impl Fn(u64) -> String,
    progress: &dyn Progress,
) -> Result<(MovedHits, u64), StoreError> {
    let (node, limits) = (options.node, options.limits.clone());
    let store = Store::open(options).await?;
    let moved = async {
        settle(&store).await?;
        let shared = store.shared();
        let (folder, last_seq) = (shared.identity.folder, shared.queue.last_seq());
        let of = format!("{} {} {node} {}", to.url, to.database, u128::from_be_bytes(folder));
        let begun = Mark::read(data, &of)?;
        let arriving = Arriving::begin(&to, &limits, node, &folder, begun.is_some()).await?;
        let mark = begun.unwrap_or(Mark { of, ..Mark::default() });
        mark.write(data)?;
        let projects = projects_of(&store);
        let mut bringing =
            Bringing { store: &store, arriving: &arriving, data, node, projects: &projects, mark };
        bringing.begin(&source(last_seq), progress).await?;
        bringing.erase(last_seq, progress).await?;
        bringing.copy_to(last_seq, progress).await?;
        bringing.remove_excess(progress).await?;
        let arrived = HitStore::ClickHouse(arriving.asked());
        let mut rounds = 0;
        loop {
            let found = find_differences(store.hit_store(), &arrived, &projects, progress).await?;
            rounds += 1;
            match found.first() {
                None => break,
                Some(first) if rounds == ROUNDS => return Err(differ(first)),
                Some(_) => bringing.replace(&found, progress).await?,
            }
        }
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
    moved
}

fn differ(first: &Stretch) -> StoreError {
    StoreError::UnusablePath(format!(
        "the database has {} than the folder, also after they were moved again. Nothing of the folder was changed: move into another, \
         empty database",
        other_hits(first)
    ))
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
    std::fs::remove_file(Mark::file(data)).map_err(io(context))?;
    sync(data).map_err(io(context))
}
