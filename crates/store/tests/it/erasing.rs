//! Erasing: erased hits are gone from every file, and nothing else is.

use std::path::Path;

use super::make::{P, Plain, Q, all, append, append_named, open, plain, small, until_sealed};
use store::{Erasure, Store, StoreError};

async fn filled(data: &Path) -> (Store, Vec<Plain>) {
    let store = open(data, small()).await;
    let hits: Vec<Plain> = (0..230).map(plain).collect();
    for chunk in hits.chunks(23) {
        append(&store, P, chunk).await;
        append(&store, Q, chunk).await;
        store.settle().await.unwrap();
    }
    (store, hits)
}

/// Whether these bytes are in any file of the folder.
fn found(folder: &Path, needle: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(found(&path, needle));
            continue;
        }
        // A file that is unlinked between listing and reading is no longer there to be searched.
        let bytes = match std::fs::read(&path) {
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => continue,
            read => read.unwrap(),
        };
        if bytes.windows(needle.len()).any(|window| window == needle) {
            names.push(path.display().to_string());
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn each_erasure_takes_what_it_names_and_nothing_else() {
    type Keeps = fn(&Plain) -> bool;
    let cases: [(Erasure, Keeps); 4] = [
        (Erasure::User(P, "user-1".into()), |hit| hit.user != "user-1"),
        (Erasure::Address(P, "203.0.113.3".into()), |hit| hit.address != "203.0.113.3"),
        (Erasure::Before(P, plain(100).time_us), |hit| hit.time_us >= plain(100).time_us),
        (Erasure::Project(P), |_| false),
    ];
    for (erasure, keeps) in cases {
        let data = tempfile::tempdir().unwrap();
        let (store, hits) = filled(data.path()).await;
        let expected: Vec<Plain> = hits.iter().filter(|hit| keeps(hit)).cloned().collect();
        let erased = store.erase(erasure.clone()).await.unwrap();
        assert_eq!(erased as usize, hits.len() - expected.len(), "{erasure:?}");
        assert_eq!(all(&store, P).await, expected, "{erasure:?}");
        assert_eq!(all(&store, Q).await, hits, "{erasure:?} touched another project");
        if erasure != Erasure::Project(P) {
            append(&store, P, &[hits[1].clone()]).await;
            assert_eq!(all(&store, P).await.len(), expected.len() + 1, "what comes later stays");
        }
        store.close().await.unwrap();
        let store = open(data.path(), small()).await;
        assert_eq!(all(&store, P).await[..expected.len()], expected, "{erasure:?} after a restart");
        assert_eq!(all(&store, Q).await, hits);
        store.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn raising_privacy_takes_addresses_and_keeps_hits() {
    let data = tempfile::tempdir().unwrap();
    let (store, hits) = filled(data.path()).await;
    store.erase(Erasure::Addresses(P)).await.unwrap();
    let expected: Vec<Plain> =
        hits.iter().map(|hit| Plain { address: String::new(), ..hit.clone() }).collect();
    assert_eq!(all(&store, P).await, expected);
    store.erase(Erasure::AddressesAndCountries(P)).await.unwrap();
    let expected: Vec<Plain> =
        expected.into_iter().map(|hit| Plain { country: [0, 0], ..hit }).collect();
    assert_eq!(all(&store, P).await, expected);
    assert_eq!(all(&store, Q).await, hits);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_go_too() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    let needle = "needle-7c2e9a41-haystack";
    let mut hit = plain(5);
    hit.user = needle.into();
    append(&store, P, &[hit, plain(6)]).await;
    append(&store, Q, &(0..50).map(plain).collect::<Vec<_>>()).await;
    store.settle().await.unwrap();
    assert!(
        !found(data.path(), needle.as_bytes()).is_empty(),
        "the search finds it while it is there"
    );
    store.erase(Erasure::User(P, needle.into())).await.unwrap();
    assert_eq!(
        found(data.path(), needle.as_bytes()),
        [""; 0],
        "no file holds it, while the server runs"
    );
    assert_eq!(all(&store, P).await, [plain(6)]);
    store.close().await.unwrap();
    assert_eq!(found(data.path(), needle.as_bytes()), [""; 0], "nor after it has stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_project_takes_no_more_batches() {
    let data = tempfile::tempdir().unwrap();
    let (store, _) = filled(data.path()).await;
    store.erase(Erasure::Project(P)).await.unwrap();
    let late = append_named(&store, P, &[plain(1)], None).await;
    assert!(matches!(late, Err(StoreError::ProjectGone)), "{late:?}");
    store.close().await.unwrap();
    let store = open(data.path(), small()).await;
    let late = append_named(&store, P, &[plain(1)], None).await;
    assert!(matches!(late, Err(StoreError::ProjectGone)), "{late:?}");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_come_and_are_read_while_something_is_erased() {
    let data = tempfile::tempdir().unwrap();
    let (store, hits) = filled(data.path()).await;
    let erasing = tokio::spawn({
        let store = store.clone();
        async move { store.erase(Erasure::User(P, "user-1".into())).await.unwrap() }
    });
    let mut added = 0;
    while !erasing.is_finished() {
        append(&store, Q, &[plain(added)]).await;
        added += 1;
        assert!(all(&store, Q).await.len() >= hits.len() + added as usize);
    }
    erasing.await.unwrap();
    assert!(added > 0);
    assert!(all(&store, P).await.iter().all(|hit| hit.user != "user-1"));
    until_sealed(&store).await;
    store.close().await.unwrap();
}
