//! Costs of damage: none for a bad log, that file for a bad file.

use std::path::{Path, PathBuf};

use super::make::{P, Plain, all, append, open, plain, small, small_but, try_open, until_sealed};
use store::StoreError;

fn files(data: &Path, part: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(data.join("hits"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().contains(part))
        .collect();
    found.sort();
    found
}

/// A copy of the data folder as after a power cut: taken while the store runs.
fn snapshot(data: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(copy.path().join("hits/tmp")).unwrap();
    for folder in ["", "hits"] {
        for entry in std::fs::read_dir(data.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, copy.path().join(folder).join(path.file_name().unwrap()))
                    .unwrap();
            }
        }
    }
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_log_of_the_active_file_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    // One checkpoint at the start, none after it: everything is in the log and in the inbox.
    let limits = small_but(|limits| {
        limits.checkpoint_every_ms = 3_600_000;
        limits.active_rows = 100_000;
    });
    let store = open(data.path(), limits.clone()).await;
    let hits: Vec<Plain> = (0..500).map(plain).collect();
    for chunk in hits.chunks(50) {
        append(&store, P, chunk).await;
        store.settle().await.unwrap();
    }
    let whole = snapshot(data.path());
    store.close().await.unwrap();
    let log =
        |folder: &Path| files(folder, ".duckdb.wal").into_iter().next().expect("there is a log");
    assert!(std::fs::metadata(log(whole.path())).unwrap().len() > 5_000, "the log holds the rows");
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..12 {
        let copy = snapshot(whole.path());
        let path = log(copy.path());
        let mut bytes = std::fs::read(&path).unwrap();
        let at = (random() % bytes.len() as u64) as usize;
        match round % 3 {
            0 => bytes.truncate(at),
            1 => bytes[at..].fill_with(|| random() as u8),
            _ => bytes[at] ^= 1 << (random() % 8),
        }
        std::fs::write(&path, bytes).unwrap();
        let store = open(copy.path(), limits.clone()).await;
        assert_eq!(all(&store, P).await, hits, "round {round}, from byte {at}");
        store.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_sealed_file_is_named_and_the_rest_is_served() {
    let data = tempfile::tempdir().unwrap();
    let limits = small_but(|limits| limits.merge_at = 1_000);
    let store = open(data.path(), limits.clone()).await;
    let hits: Vec<Plain> = (0..200).map(plain).collect();
    for chunk in hits.chunks(40) {
        append(&store, P, chunk).await;
        store.settle().await.unwrap();
        until_sealed(&store).await;
    }
    store.close().await.unwrap();
    let sealed = files(data.path(), "sealed-");
    assert!(sealed.len() >= 4, "{sealed:?}");
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();

    // Truncated: found at the start.
    let cut = snapshot(data.path());
    let victim = cut.path().join("hits").join(name(&sealed[1]));
    let bytes = std::fs::read(&victim).unwrap();
    std::fs::write(&victim, &bytes[..bytes.len() / 2]).unwrap();
    let store = open(cut.path(), limits.clone()).await;
    let rest: Vec<Plain> = hits
        .iter()
        .enumerate()
        .filter(|(n, _)| !(40..80).contains(n))
        .map(|(_, hit)| hit.clone())
        .collect();
    assert_eq!(all(&store, P).await, rest);
    assert!(
        store.stats().problems.iter().any(|problem| problem.contains(&name(&sealed[1]))),
        "{:?}",
        store.stats()
    );
    store.close().await.unwrap();

    // One flipped bit, same size: found by reading the whole file, in the background.
    let flipped = snapshot(data.path());
    let victim = flipped.path().join("hits").join(name(&sealed[2]));
    let mut bytes = std::fs::read(&victim).unwrap();
    let at = bytes.len() - 20_000;
    bytes[at] ^= 4;
    std::fs::write(&victim, &bytes).unwrap();
    let store = open(flipped.path(), limits).await;
    for _ in 0..2_000 {
        if !store.stats().problems.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(
        store.stats().problems.iter().any(|problem| problem.contains(&name(&sealed[2]))),
        "{:?}",
        store.stats()
    );
    assert_eq!(all(&store, P).await.len(), 160, "the rest is served");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_store_on_the_same_folder_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    let second = try_open(data.path(), small()).await;
    assert!(matches!(&second, Err(StoreError::Locked(folder)) if folder == data.path()));
    store.close().await.unwrap();
    drop(store);
    open(data.path(), small()).await.close().await.unwrap();
}
