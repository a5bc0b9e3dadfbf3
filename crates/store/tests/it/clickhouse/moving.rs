//! The hits of a folder move to ClickHouse: all of them, once, also after interruptions.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use analytics::hit::ProjectId;
use store::{
    ClickHousePlace, DuckDbLimits, Erasure, HITS_COPY, HitRow, HitsPlace, MovedHits, Progress,
    Silent, Store, StoreError, StoreLimits, StoreOptions, Unit, copy_hits, copy_hits_back,
    move_hits, move_hits_back,
};

use super::front::{open_in, place};
use super::unlike_others;
use crate::make::{P, Q, everything, on_any_disk, open};
use crate::sums::{DAY_US, Seen, append, seen};

const NODE: u8 = 3;

/// Several files of each kind.
fn few() -> StoreLimits {
    on_any_disk(DuckDbLimits { active_rows: 8_000, ..DuckDbLimits::default() })
}

/// Ends the work after so many hits.
#[derive(Default)]
struct Until {
    hits: u64,
    moved: AtomicU64,
    counts_hits: AtomicBool,
}

impl Progress for Until {
    fn begin(&self, _: &str, _: u64, unit: Unit) {
        self.counts_hits.store(unit == Unit::Hits, Ordering::Relaxed);
    }

    fn advance(&self, more: u64) {
        if self.counts_hits.load(Ordering::Relaxed) {
            self.moved.fetch_add(more, Ordering::Relaxed);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.moved.load(Ordering::Relaxed) >= self.hits
    }
}

async fn all(store: &Store) -> Vec<(ProjectId, Vec<HitRow>)> {
    let mut found = Vec::new();
    for project in [P, Q] {
        found.push((project, store.arrivals(everything(project)).await.unwrap()));
    }
    found
}

async fn move_to(
    data: &Path,
    place: &ClickHousePlace,
    progress: Arc<dyn Progress>,
) -> Result<MovedHits, StoreError> {
    let options = StoreOptions { node: NODE, ..StoreOptions::new(data.to_path_buf(), few()) };
    move_hits(options, place.clone(), progress).await
}

async fn move_back(
    data: &Path,
    place: &ClickHousePlace,
    progress: Arc<dyn Progress>,
) -> Result<MovedHits, StoreError> {
    let hits = HitsPlace::ClickHouse(place.clone());
    let options = StoreOptions::new(data.to_path_buf(), few());
    // Its number is found in the database.
    move_hits_back(StoreOptions { hits, ..options }, progress).await
}

async fn open_as(data: &Path, node: u8) -> Store {
    let options = StoreOptions::new(data.to_path_buf(), few());
    Store::open(StoreOptions { node, ..options }).await.unwrap()
}

/// Hits of several kinds in files, some of them erased; all that are left.
async fn filled(data: &Path, hits: u64) -> Vec<(ProjectId, Vec<HitRow>)> {
    let store = open(data, few()).await;
    for first in (0..hits).step_by(5_000) {
        let hits: Vec<Seen> = (first..first + 5_000)
            .map(|n| if n % 4 == 0 { unlike_others(n, 90 * DAY_US) } else { seen(n, 90 * DAY_US) })
            .collect();
        append(&store, P, &hits).await;
        append(&store, Q, &hits[..30]).await;
    }
    store.settle().await.unwrap();
    store.erase(Erasure::User(P, "user-1".into())).await.unwrap();
    let found = all(&store).await;
    store.close().await.unwrap();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_of_files_move_to_clickhouse_and_each_arrives_once() {
    let (data, place) = (tempfile::tempdir().unwrap(), place());
    let data = data.path();
    let wanted = filled(data, 45_000).await;
    assert!(wanted[0].1.len() > 40_000, "several pages");

    let stopped = Until { hits: 1, ..Until::default() };
    let stopped = move_to(data, &place, Arc::new(stopped)).await;
    assert!(matches!(stopped, Err(StoreError::Cancelled)), "{stopped:?}");
    let files = open(data, few()).await;
    assert_eq!(all(&files).await, wanted, "nothing of the folder has changed");
    files.close().await.unwrap();

    // As after a crash between an insert and the note of it.
    let mark = data.join("moving-hits.json");
    let first_page = std::fs::read_to_string(&mark).unwrap();
    let stopped = Until { hits: 40_000, ..Until::default() };
    let stopped = move_to(data, &place, Arc::new(stopped)).await;
    assert!(matches!(stopped, Err(StoreError::Cancelled)), "{stopped:?}");
    assert_ne!(std::fs::read_to_string(&mark).unwrap(), first_page, "the second went on");
    std::fs::write(&mark, first_page).unwrap();

    let moved = move_to(data, &place, Arc::new(Silent)).await.unwrap();
    let total: usize = wanted.iter().map(|(_, hits)| hits.len()).sum();
    assert_eq!((moved.hits, moved.projects), (total as u64, 2));
    let old = moved.old.unwrap();
    assert!(old.join("tmp").exists() && !data.join("hits").exists() && !mark.exists());

    let refused = Store::open(StoreOptions::new(data.to_path_buf(), few())).await.err();
    assert!(matches!(&refused, Some(StoreError::NotWhole(_))), "{refused:?}");
    let there = open_in(data, NODE, &place, few()).await.unwrap();
    assert_eq!(all(&there).await, wanted);
    // It goes on: new hits come after the moved ones, and those are found by erasures.
    append(&there, P, &[seen(7, DAY_US)]).await;
    there.settle().await.unwrap();
    let hits = there.arrivals(everything(P)).await.unwrap();
    assert_eq!(hits.len(), wanted[0].1.len() + 1);
    assert!(hits.last().unwrap().hit_id > wanted[0].1.last().unwrap().hit_id);
    assert!(there.erase(Erasure::User(P, "user-2".into())).await.unwrap() > 1_000);
    let wanted = all(&there).await;
    there.close().await.unwrap();
    let again = move_to(data, &place, Arc::new(Silent)).await;
    assert!(again.unwrap_err().to_string().contains("already"));

    // Back again, through as many interruptions as there are pages.
    let mut stops = 0;
    let moved = loop {
        let stop = Until { hits: 1 + 15_000 * stops, ..Until::default() };
        match move_back(data, &place, Arc::new(stop)).await {
            Err(StoreError::Cancelled) => stops += 1,
            moved => break moved.unwrap(),
        }
        assert!(stops < 20, "it does not go on");
    };
    assert!(stops >= 3, "{stops} interruptions");
    let total: usize = wanted.iter().map(|(_, hits)| hits.len()).sum();
    assert_eq!((moved.hits, moved.projects), (total as u64, 2));
    let files = open_as(data, NODE).await;
    assert_eq!(all(&files).await, wanted);
    assert_eq!(files.stats().duckdb.unwrap().frozen_files, 0, "all are sealed");
    append(&files, P, &[seen(8, DAY_US)]).await;
    files.settle().await.unwrap();
    let hits = files.arrivals(everything(P)).await.unwrap();
    assert_eq!(hits.len(), wanted[0].1.len() + 1);
    assert!(files.erase(Erasure::User(P, "user-3".into())).await.unwrap() > 1_000);
    files.close().await.unwrap();
    assert!(!data.join("hits.arriving").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_hold_the_hits_of_one_server_only() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let place = place();
    for (folder, node) in [(&data, NODE), (&other, NODE + 1)] {
        let store = open_in(folder.path(), node, &place, few()).await.unwrap();
        append(&store, P, &[seen(1, DAY_US)]).await;
        store.settle().await.unwrap();
        store.close().await.unwrap();
    }
    let refused = move_back(data.path(), &place, Arc::new(Silent)).await.unwrap_err();
    assert!(refused.to_string().contains("has hits of node 4"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_has_changed_since_a_move_began_goes_on() {
    let (data, place) = (tempfile::tempdir().unwrap(), place());
    let data = data.path();
    filled(data, 45_000).await;
    let stopped = Until { hits: 25_000, ..Until::default() };
    assert!(move_to(data, &place, Arc::new(stopped)).await.is_err());
    // As after a crash within an insert, some of whose hits are erased then.
    let mark = data.join("moving-hits.json");
    let mut reached: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&mark).unwrap()).unwrap();
    assert_eq!(reached["inserting"], serde_json::Value::Null);
    let files = open(data, few()).await;
    let hits = files.arrivals(everything(P)).await.unwrap();
    (reached["inserting"], reached["hit_id"]) =
        (serde_json::json!([hits[0].hit_id, hits[19_999].hit_id]), serde_json::Value::Null);
    std::fs::write(&mark, reached.to_string()).unwrap();
    append(&files, P, &[seen(7, DAY_US)]).await;
    assert!(files.erase(Erasure::User(P, "user-2".into())).await.unwrap() > 1_000);
    let wanted = all(&files).await;
    files.close().await.unwrap();
    move_to(data, &place, Arc::new(Silent)).await.unwrap();
    let there = open_in(data, NODE, &place, few()).await.unwrap();
    assert_eq!(all(&there).await, wanted);
    there.close().await.unwrap();
}

async fn copy(
    data: &Path,
    place: &ClickHousePlace,
    progress: Arc<dyn Progress>,
) -> Result<MovedHits, StoreError> {
    let options = StoreOptions { node: NODE, ..StoreOptions::new(data.to_path_buf(), few()) };
    copy_hits(options, place.clone(), progress).await
}

async fn link(store: &Store, data: &Path) {
    let folder = data.join(HITS_COPY);
    std::fs::create_dir(&folder).unwrap();
    store.link(&folder, Arc::new(Silent)).await.unwrap();
}

/// While the folder changes in every way, it is copied again and again, with interruptions.
#[tokio::test(flavor = "multi_thread")]
async fn hits_move_from_a_folder_that_is_in_use() {
    use std::os::unix::fs::MetadataExt;

    let (data, place) = (tempfile::tempdir().unwrap(), place());
    let data = data.path();
    filled(data, 45_000).await;
    let files = open(data, few()).await;
    link(&files, data).await;
    let linked = std::fs::read_dir(data.join(HITS_COPY).join("hits")).unwrap();
    let linked = linked.filter(|file| file.as_ref().unwrap().metadata().unwrap().nlink() == 2);
    assert!(linked.count() > 0, "sealed files are not copied");
    let stopped = copy(data, &place, Arc::new(Until { hits: 1, ..Until::default() })).await;
    assert!(matches!(stopped, Err(StoreError::Cancelled)), "{stopped:?}");
    append(&files, P, &[seen(7, DAY_US), seen(8, 2 * DAY_US)]).await;
    // The copy holds what is erased, so it goes too, and the next one has other pages.
    assert!(data.join(HITS_COPY).exists());
    assert!(files.erase(Erasure::User(P, "user-2".into())).await.unwrap() > 1_000);
    assert!(!data.join(HITS_COPY).exists());
    append(&files, P, &(0..30).map(|n| seen(n, 5 * DAY_US)).collect::<Vec<_>>()).await;
    link(&files, data).await;
    let copied = copy(data, &place, Arc::new(Silent)).await.unwrap();
    assert!(copied.hits > 30_000 && !data.join(HITS_COPY).exists());

    // Hits get too old, lose their addresses, and a project goes.
    let first_us = files.extent(&everything(P).scope).await.unwrap().unwrap().0;
    assert!(files.erase(Erasure::Before(P, first_us + 20 * DAY_US)).await.unwrap() > 1_000);
    assert!(files.erase(Erasure::Addresses(P)).await.unwrap() > 1_000);
    link(&files, data).await;
    let stopped = copy(data, &place, Arc::new(Until { hits: 1, ..Until::default() })).await;
    assert!(matches!(stopped, Err(StoreError::Cancelled)), "{stopped:?}");
    append(&files, P, &(0..25_000).map(|n| seen(n, 50 * DAY_US)).collect::<Vec<_>>()).await;
    files.erase(Erasure::Project(Q)).await.unwrap();
    assert!(files.erase(Erasure::User(P, "user-3".into())).await.unwrap() > 100);
    assert!(!data.join(HITS_COPY).exists());
    let wanted = all(&files).await;
    assert!(wanted[1].1.is_empty() && wanted[0].1.iter().any(|hit| hit.hit_id > 0));
    files.close().await.unwrap();

    let stopped = move_to(data, &place, Arc::new(Until { hits: 30_000, ..Until::default() })).await;
    assert!(matches!(stopped, Err(StoreError::Cancelled)), "{stopped:?}");
    let moved = move_to(data, &place, Arc::new(Silent)).await.unwrap();
    assert_eq!((moved.hits, moved.projects), (wanted[0].1.len() as u64, 1));
    assert!(!data.join(HITS_COPY).exists() && !data.join("moving-hits.json").exists());
    let there = open_in(data, NODE, &place, few()).await.unwrap();
    assert_eq!(all(&there).await, wanted);
    there.close().await.unwrap();
}

async fn copy_back(
    data: &Path,
    place: &ClickHousePlace,
    progress: Arc<dyn Progress>,
) -> Result<MovedHits, StoreError> {
    let hits = HitsPlace::ClickHouse(place.clone());
    let options = StoreOptions::new(data.to_path_buf(), few());
    copy_hits_back(StoreOptions { hits, ..options }, progress).await
}

async fn link_anew(store: &Store, data: &Path) {
    let _ = std::fs::remove_dir_all(data.join(HITS_COPY));
    link(store, data).await;
}

/// The same from ClickHouse into files.
#[tokio::test(flavor = "multi_thread")]
async fn hits_move_into_files_while_their_folder_is_in_use() {
    let (data, place) = (tempfile::tempdir().unwrap(), place());
    let data = data.path();
    filled(data, 45_000).await;
    move_to(data, &place, Arc::new(Silent)).await.unwrap();
    let there = open_in(data, NODE, &place, few()).await.unwrap();
    link(&there, data).await;
    let stopped = copy_back(data, &place, Arc::new(Until { hits: 1, ..Until::default() })).await;
    assert!(matches!(stopped, Err(StoreError::Cancelled)), "{stopped:?}");
    append(&there, P, &[seen(7, DAY_US), seen(8, 2 * DAY_US)]).await;
    assert!(there.erase(Erasure::User(P, "user-2".into())).await.unwrap() > 1_000);
    append(&there, P, &(0..30).map(|n| seen(n, 5 * DAY_US)).collect::<Vec<_>>()).await;
    there.settle().await.unwrap();
    // It goes on to where it began to go, and further.
    link_anew(&there, data).await;
    let copied = copy_back(data, &place, Arc::new(Silent)).await.unwrap();
    assert!(copied.hits > 30_000 && copied.projects == 2, "{copied:?}");

    let first_us = there.extent(&everything(P).scope).await.unwrap().unwrap().0;
    assert!(there.erase(Erasure::Before(P, first_us + 20 * DAY_US)).await.unwrap() > 1_000);
    assert!(there.erase(Erasure::Addresses(P)).await.unwrap() > 1_000);
    append(&there, P, &(0..12_000).map(|n| seen(n, 50 * DAY_US)).collect::<Vec<_>>()).await;
    there.settle().await.unwrap();
    link_anew(&there, data).await;
    let until = Until { hits: copied.hits, ..Until::default() };
    let stopped = copy_back(data, &place, Arc::new(until)).await;
    assert!(matches!(&stopped, Err(StoreError::Cancelled) | Ok(_)), "{stopped:?}");
    append(&there, P, &(0..12_000).map(|n| seen(n, 50 * DAY_US)).collect::<Vec<_>>()).await;
    there.erase(Erasure::Project(Q)).await.unwrap();
    assert!(there.erase(Erasure::User(P, "user-3".into())).await.unwrap() > 100);
    append(&there, P, &[seen(9, DAY_US)]).await;
    there.settle().await.unwrap();
    let wanted = all(&there).await;
    assert!(wanted[1].1.is_empty());
    there.close().await.unwrap();

    // Hits that were too old are in no ledger, and later ones with older times hide that they are gone.
    let refused = move_back(data, &place, Arc::new(Silent)).await.unwrap_err().to_string();
    assert!(refused.contains("run the command again, it begins anew"), "{refused}");
    let moved = move_back(data, &place, Arc::new(Silent)).await.unwrap();
    assert_eq!((moved.hits, moved.projects), (wanted[0].1.len() as u64, 1));
    assert!(!data.join("hits.arriving").exists() && !data.join(HITS_COPY).exists());
    let files = open_as(data, NODE).await;
    assert_eq!(all(&files).await, wanted);
    assert_eq!(files.stats().problems, Vec::<String>::new());
    append(&files, P, &[seen(8, DAY_US)]).await;
    files.settle().await.unwrap();
    let hits = files.arrivals(everything(P)).await.unwrap();
    assert_eq!(hits.len(), wanted[0].1.len() + 1);
    assert!(hits.last().unwrap().hit_id > wanted[0].1.last().unwrap().hit_id);
    files.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_with_other_hits_is_refused() {
    let (data, place) = (tempfile::tempdir().unwrap(), place());
    let data = data.path();
    let wanted = filled(data, 5_000).await;
    let stopped = Until { hits: 1, ..Until::default() };
    assert!(move_to(data, &place, Arc::new(stopped)).await.is_err());
    // Somebody else's hit, in the middle of the project's.
    let other = tempfile::tempdir().unwrap();
    let intruder = open_in(other.path(), NODE + 1, &place, few()).await.unwrap();
    append(&intruder, P, &[seen(2_500, 90 * DAY_US)]).await;
    intruder.settle().await.unwrap();
    intruder.close().await.unwrap();
    let refused = move_to(data, &place, Arc::new(Silent)).await.unwrap_err().to_string();
    assert!(refused.contains("has hits of node 4"), "{refused}");
    let files = open(data, few()).await;
    assert_eq!(all(&files).await, wanted);
    files.close().await.unwrap();
}
