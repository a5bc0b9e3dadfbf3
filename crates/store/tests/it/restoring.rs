//! Backups: equal to the original, and never a way back for hits erased since.

use super::make::{P, Plain, Q, all, append, open, plain, small};
use std::path::Path;
use std::sync::Arc;
use store::meta::{Can, Key, NewProject};
use store::{Erasure, Silent, Store, StoreError, StoreOptions, restore};

async fn backup(store: &Store, folder: &Path) -> Result<(), StoreError> {
    if !folder.exists() {
        std::fs::create_dir(folder).unwrap();
    }
    store.backup(folder, Arc::new(Silent)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_restores_to_a_prefix_that_holds_everything_acknowledged_before() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let store = open(&data, small()).await;
    let hits: Vec<Plain> = (0..400).map(plain).collect();
    for chunk in hits[..200].chunks(20) {
        append(&store, P, chunk).await;
    }
    let (saved, ()) = tokio::join!(backup(&store, &copy), async {
        for chunk in hits[200..].chunks(5) {
            append(&store, P, chunk).await;
        }
    });
    saved.unwrap();
    assert_eq!(all(&store, P).await, hits);
    let again = backup(&store, &copy).await;
    assert!(again.is_err(), "a folder that holds something is not written over");
    store.close().await.unwrap();

    let options = StoreOptions::new(data.clone(), small());
    let restored = restore(&copy, options, None, Arc::new(Silent)).await.unwrap();
    assert!(restored.replaced.is_some_and(|path| path.exists()));
    let store = open(&data, small()).await;
    let back = all(&store, P).await;
    assert!(back.len() >= 200 && back == hits[..back.len()], "{} hits", back.len());
    append(&store, P, &[plain(7)]).await;
    let rows = store.arrivals(super::make::everything(P)).await.unwrap();
    let mut ids: Vec<i64> = rows.iter().map(|row| row.hit_id).collect();
    ids.dedup();
    assert_eq!(ids.len(), rows.len());
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_after_the_backup_stays_erased() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let store = open(&data, small()).await;
    let hits: Vec<Plain> = (0..120).map(plain).collect();
    append(&store, P, &hits).await;
    append(&store, Q, &hits).await;
    backup(&store, &copy).await.unwrap();
    store.erase(Erasure::User(P, "user-1".into())).await.unwrap();
    store.erase(Erasure::Project(Q)).await.unwrap();
    append(&store, P, &[plain(500)]).await;
    store.settle().await.unwrap();
    let last = store.arrivals(super::make::everything(P)).await.unwrap().last().unwrap().hit_id;
    store.close().await.unwrap();

    let options = StoreOptions::new(data.clone(), small());
    let restored = restore(&copy, options, None, Arc::new(Silent)).await.unwrap();
    assert_eq!(restored.erasures, 2);
    let store = open(&data, small()).await;
    let expected: Vec<Plain> = hits.iter().filter(|hit| hit.user != "user-1").cloned().collect();
    assert_eq!(all(&store, P).await, expected);
    assert_eq!(all(&store, Q).await, []);
    append(&store, P, &[plain(501)]).await;
    store.settle().await.unwrap();
    let newest = store.arrivals(super::make::everything(P)).await.unwrap().last().unwrap().hit_id;
    assert!(newest > last, "no hit id is given twice");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_and_nothing_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let store = open(&data, small()).await;
    append(&store, P, &(0..120).map(plain).collect::<Vec<_>>()).await;
    store.settle().await.unwrap();
    super::make::until_sealed(&store).await;
    backup(&store, &copy).await.unwrap();
    store.close().await.unwrap();
    let victim = std::fs::read_dir(copy.join("hits"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.display().to_string().contains("sealed-"))
        .unwrap();
    let mut bytes = std::fs::read(&victim).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&victim, bytes).unwrap();
    let options = StoreOptions::new(data.clone(), small());
    let refused = restore(&copy, options, None, Arc::new(Silent)).await.unwrap_err().to_string();
    assert!(refused.contains(victim.file_name().unwrap().to_str().unwrap()), "{refused}");
    let store = open(&data, small()).await;
    assert_eq!(all(&store, P).await.len(), 120);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn learned_routes_of_a_backup_are_marked_until_they_are_written_anew() {
    const NOW: i64 = 1_795_348_800_000_000;
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let options = || StoreOptions::new(data.clone(), small());
    let (store, meta) = store::open_folder(options(), [7; 32], NOW).await.unwrap();
    let key = Key::from_random([1; 16]);
    let made = meta.create_project(NewProject::default(), &key, Can::Everything, NOW).await;
    let project = made.unwrap().id;
    meta.write_learned_routes(project, "learned").await.unwrap();
    assert!(!meta.learned_routes().await.unwrap()[0].restored);
    backup(&store, &copy).await.unwrap();
    meta.backup(&copy.join("meta.sqlite")).await.unwrap();
    meta.close().await.unwrap();
    store.close().await.unwrap();

    restore(&copy, options(), None, Arc::new(Silent)).await.unwrap();
    let (store, meta) = store::open_folder(options(), [8; 32], NOW).await.unwrap();
    let row = meta.learned_routes().await.unwrap().remove(0);
    assert_eq!((row.project, row.state.as_str(), row.restored), (project, "learned", true));
    meta.write_learned_routes(project, "again").await.unwrap();
    let row = meta.learned_routes().await.unwrap().remove(0);
    assert_eq!((row.state.as_str(), row.restored), ("again", false));
    meta.close().await.unwrap();
    store.close().await.unwrap();
}
