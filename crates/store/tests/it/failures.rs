//! Failures: each is reported, and acknowledged hits are kept.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::make::{
    P, Plain, all, append, append_named, batch, everything, open, plain, small, small_but,
    try_open, until_sealed,
};
use analytics::batch::Batch;
use analytics::hit::HitId;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};
use store::{Append, Erasure, Silent, Store, StoreError, StoreLimits, StoreOptions, restore};

async fn inbox(data: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(data.join("inbox.sqlite"));
    options.connect().await.unwrap()
}

async fn run(inbox: &mut SqliteConnection, statement: &'static str) {
    sqlx::query(statement).execute(inbox).await.unwrap();
}

/// The disk refuses writes to this table of the inbox, until `DROP TRIGGER full`.
async fn fill_up(data: &Path, statement: &'static str) -> SqliteConnection {
    let mut inbox = inbox(data).await;
    run(&mut inbox, statement).await;
    inbox
}

const NO_RECORDS: &str = "CREATE TRIGGER full BEFORE INSERT ON records
    BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
const NO_FILES: &str = "CREATE TRIGGER full BEFORE INSERT ON files
    BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited a minute: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_is_not_called_a_full_inbox() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    append(&store, P, &[plain(1)]).await;
    let mut inbox = fill_up(data.path(), NO_RECORDS).await;
    let refused = append_named(&store, P, &[plain(2)], Some(7)).await;
    assert!(matches!(refused, Err(StoreError::CommitFailed)), "{refused:?}");
    let refused = store.erase(Erasure::User(P, "user-1".into())).await;
    assert!(matches!(refused, Err(StoreError::CommitFailed)), "{refused:?}");
    assert_eq!(all(&store, P).await, [plain(1)], "nothing of it was kept or erased");
    run(&mut inbox, "DROP TRIGGER full").await;
    let retried = append_named(&store, P, &[plain(2)], Some(7)).await.unwrap();
    assert!(!retried.replayed);
    assert_eq!(all(&store, P).await, [plain(1), plain(2)]);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_that_could_not_be_committed_are_no_repeats_when_they_are_posted_again() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    let post = async |hits: &[Plain]| {
        let batch = Batch {
            // Later than any clock, so the posts are within the window of repeats.
            arrival_us: 4_000_000_000_000_000,
            repeat_hashes: hits.iter().map(|hit| hit.time_us as u64).collect(),
            ..batch(hits)
        };
        let append =
            Append { project: P, batch, batch_hash: None, rejected: Vec::new(), rejected_total: 0 };
        store.append(append).await
    };
    let hits: Vec<Plain> = (0..5).map(plain).collect();
    assert_eq!(post(&hits[..2]).await.unwrap().accepted, 2);
    let mut inbox = fill_up(data.path(), NO_RECORDS).await;
    let refused = post(&hits).await;
    assert!(matches!(refused, Err(StoreError::CommitFailed)), "{refused:?}");
    run(&mut inbox, "DROP TRIGGER full").await;
    let kept = post(&hits).await.unwrap();
    assert_eq!((kept.accepted, kept.repeated), (3, 2), "those that are on disk are repeats");
    assert_eq!(all(&store, P).await, hits);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_nearly_full_is_said_to_be() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), StoreLimits { disk_free_bytes: u64::MAX, ..small() }).await;
    let refused = append_named(&store, P, &[plain(1)], None).await;
    assert!(matches!(refused, Err(StoreError::DiskLow)), "{refused:?}");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn record_numbers_end_where_hit_ids_have_no_room_for_them() {
    let data = tempfile::tempdir().unwrap();
    open(data.path(), small()).await.close().await.unwrap();
    let mut inbox = inbox(data.path()).await;
    let last = (1_u64 << HitId::SEQ_BITS) - 2;
    sqlx::query("INSERT INTO state VALUES ('count_from', ?)")
        .bind(last.to_le_bytes().to_vec())
        .execute(&mut inbox)
        .await
        .unwrap();
    inbox.close().await.unwrap();
    let store = open(data.path(), small()).await;
    append(&store, P, &[plain(1)]).await;
    let refused = append_named(&store, P, &[plain(2)], None).await;
    assert!(matches!(refused, Err(StoreError::NumbersUsedUp)), "{refused:?}");
    let refused = store.erase(Erasure::Project(P)).await;
    assert!(matches!(refused, Err(StoreError::NumbersUsedUp)), "{refused:?}");
    assert_eq!(all(&store, P).await, [plain(1)]);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_closed_says_so_to_everyone() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    append(&store, P, &[plain(1)]).await;
    store.close().await.unwrap();
    let refused = append_named(&store, P, &[plain(2)], None).await;
    assert!(matches!(refused, Err(StoreError::Closing)), "{refused:?}");
    let refused = store.arrivals(everything(P)).await;
    assert!(matches!(refused, Err(StoreError::Closing)), "{refused:?}");
    let refused = store.erase(Erasure::Project(P)).await;
    assert!(matches!(refused, Err(StoreError::Closing)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_takes_too_long_is_said_to() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), StoreLimits { query_seconds: 0, ..small() }).await;
    append(&store, P, &[plain(1)]).await;
    store.settle().await.unwrap();
    let asked = store.arrivals(everything(P)).await;
    assert!(matches!(asked, Err(StoreError::Timeout(0))), "{asked:?}");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_waits_while_files_cannot_be_written_and_is_done_afterwards() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    let hits: Vec<Plain> = (0..50).map(plain).collect();
    append(&store, P, &hits).await;
    store.settle().await.unwrap();
    until_sealed(&store).await;
    let mut inbox = fill_up(data.path(), NO_FILES).await;
    let waits = store.erase(Erasure::User(P, "user-1".into())).await;
    assert!(matches!(waits, Err(StoreError::ErasureWaits)), "{waits:?}");
    assert_eq!(store.stats().erasures_pending, 1);
    run(&mut inbox, "DROP TRIGGER full").await;
    until("the erasure is done", || store.stats().erasures_pending == 0).await;
    let left: Vec<Plain> = hits.into_iter().filter(|hit| hit.user != "user-1").collect();
    assert_eq!(all(&store, P).await, left);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_a_damaged_file_blocks_names_the_file_and_is_done_without_it() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small_but(|limits| limits.merge_at = 1_000)).await;
    for n in 0..3 {
        append(&store, P, &(n * 50..n * 50 + 50).map(plain).collect::<Vec<_>>()).await;
        store.settle().await.unwrap();
        until_sealed(&store).await;
    }
    store.close().await.unwrap();
    let is_sealed = |path: &std::path::PathBuf| path.to_str().unwrap().contains("sealed-");
    let entries = std::fs::read_dir(data.path().join("hits")).unwrap();
    let victim = entries.map(|entry| entry.unwrap().path()).find(is_sealed).unwrap();
    std::fs::write(&victim, b"torn").unwrap();
    let store = open(data.path(), small_but(|limits| limits.merge_at = 1_000)).await;
    let asked = store.erase(Erasure::User(P, "user-1".into())).await;
    let Err(StoreError::ErasureBlocked { file }) = asked else { panic!("{asked:?}") };
    assert_eq!(file, victim.file_name().unwrap().to_str().unwrap());
    assert_eq!(store.stats().erasures_pending, 1);
    std::fs::remove_file(&victim).unwrap();
    until("the erasure is done", || store.stats().erasures_pending == 0).await;
    assert!(all(&store, P).await.iter().all(|hit| hit.user != "user-1"));
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_waits_while_the_bytes_in_the_inbox_s_log_are_read() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    append(&store, P, &(0..50).map(plain).collect::<Vec<_>>()).await;
    store.settle().await.unwrap();
    let mut inbox = inbox(data.path()).await;
    run(&mut inbox, "BEGIN").await;
    let read = sqlx::query("SELECT count(*) FROM state").fetch_one(&mut inbox).await.unwrap();
    assert!(read.get::<i64, _>(0) > 0);
    let waits = store.erase(Erasure::User(P, "user-1".into())).await;
    assert!(matches!(waits, Err(StoreError::ErasureWaits)), "{waits:?}");
    let problems = store.stats().problems;
    assert!(problems.iter().any(|problem| problem.contains("log is being read")), "{problems:?}");
    run(&mut inbox, "COMMIT").await;
    until("the erasure is done", || store.stats().erasures_pending == 0).await;
    store.close().await.unwrap();
}

async fn backup(store: &Store, to: &Path) -> Result<(), StoreError> {
    std::fs::create_dir_all(to).unwrap();
    store.backup(to, Arc::new(Silent)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_fails_says_why_and_the_store_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let store = open(&data, small()).await;
    append(&store, P, &[plain(1)]).await;
    store.settle().await.unwrap();
    let mut inbox = fill_up(&data, NO_FILES).await;
    let failed = backup(&store, &folder.path().join("first")).await;
    let Err(StoreError::BackupFailed(why)) = failed else { panic!("{failed:?}") };
    assert!(why.contains("disk is full"), "{why}");
    run(&mut inbox, "DROP TRIGGER full").await;
    append(&store, P, &[plain(2)]).await;
    assert_eq!(all(&store, P).await, [plain(1), plain(2)]);
    backup(&store, &folder.path().join("second")).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_cannot_be_used_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let store = open(&data, small()).await;
    append(&store, P, &[plain(1)]).await;
    backup(&store, &copy).await.unwrap();
    let refused = backup(&store, &copy).await;
    assert!(matches!(refused, Err(StoreError::UnusablePath(_))), "{refused:?}");
    store.close().await.unwrap();
    let options = || StoreOptions::new(data.clone(), small());
    let no_backup = folder.path().join("empty");
    std::fs::create_dir(&no_backup).unwrap();
    let refused = restore(&no_backup, options(), None, Arc::new(Silent)).await;
    assert!(matches!(refused, Err(StoreError::UnusablePath(_))), "{refused:?}");
    let nowhere = folder.path().join("nowhere.jsonl");
    let refused = restore(&copy, options(), Some(&nowhere), Arc::new(Silent)).await;
    assert!(matches!(refused, Err(StoreError::UnusablePath(_))), "{refused:?}");
    std::fs::write(copy.join("erasures.jsonl"), "{}\n").unwrap();
    let damaged = restore(&copy, options(), None, Arc::new(Silent)).await;
    assert!(matches!(damaged, Err(StoreError::Damaged(_))), "{damaged:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_whole_and_one_of_a_newer_program_are_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    append(&store, P, &(0..50).map(plain).collect::<Vec<_>>()).await;
    store.settle().await.unwrap();
    until_sealed(&store).await;
    store.close().await.unwrap();

    let (inbox_file, aside) = (data.path().join("inbox.sqlite"), data.path().join("aside"));
    std::fs::rename(&inbox_file, &aside).unwrap();
    let refused = try_open(data.path(), small()).await.map(drop);
    assert!(matches!(refused, Err(StoreError::NotWhole(_))), "{refused:?}");
    std::fs::rename(&aside, &inbox_file).unwrap();

    let mut inbox = inbox(data.path()).await;
    // A group of one record, one byte long: its version.
    run(&mut inbox, "INSERT INTO records VALUES (9000, 9000, X'0100000000000000FF')").await;
    let refused = try_open(data.path(), small()).await.map(drop);
    assert!(matches!(refused, Err(StoreError::Newer(_))), "{refused:?}");
    run(&mut inbox, "DELETE FROM records WHERE first_seq = 9000").await;
    inbox.close().await.unwrap();
    let store = open(data.path(), small()).await;
    assert_eq!(all(&store, P).await.len(), 50);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_newer_program_stops_the_writer_and_is_not_passed_over() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    append(&store, P, &[plain(1)]).await;
    store.settle().await.unwrap();
    store.close().await.unwrap();
    let mut inbox = inbox(data.path()).await;
    // A group of two records, one byte long each, their version: one that no program ever wrote, and a future one. The
    // start checks the first of a group.
    run(
        &mut inbox,
        "INSERT INTO records VALUES (9000, 9001, X'0100000000000000000100000000000000FF')",
    )
    .await;
    let store = open(data.path(), small()).await;
    until("the writer says why it stopped", || {
        store
            .stats()
            .problems
            .iter()
            .any(|problem| problem.contains("record 9001") && problem.contains("has version 255"))
    })
    .await;
    // A damaged record is skipped and reported; posts are kept, files are readable, and an erasure waits.
    assert!(store.stats().problems.iter().any(|problem| problem.contains("9000")));
    append(&store, P, &[plain(2)]).await;
    assert_eq!(store.arrivals(everything(P)).await.unwrap().len(), 1);
    let waits = store.erase(Erasure::User(P, "nobody".into())).await;
    assert!(matches!(waits, Err(StoreError::ErasureWaits)), "{waits:?}");
    store.close().await.unwrap();
    let left = "SELECT count(*) FROM records WHERE first_seq >= 9000";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&mut inbox).await.unwrap();
    assert!(left >= 2, "{left} groups are left");
    // A program that can read it would apply it; here it is removed.
    let without =
        "UPDATE records SET bytes = X'010000000000000000', last_seq = 9000 WHERE first_seq = 9000";
    run(&mut inbox, without).await;
    inbox.close().await.unwrap();
    let store = open(data.path(), small()).await;
    assert_eq!(all(&store, P).await, [plain(1), plain(2)]);
    store.close().await.unwrap();
}
