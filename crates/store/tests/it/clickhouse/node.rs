//! A node whose hits are in ClickHouse: outages, lost answers, erasures in their order, other nodes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use analytics::batch::Batch;
use analytics::filter::Filter;
use analytics::hit::ProjectId;
use analytics::query::ProjectScope;
use store::{
    Append, ClickHousePlace, DuckDbLimits, Erasure, HitRow, Store, StoreError, StoreLimits,
    StoreOptions,
};

use super::front::{Front, open, open_in, place, place_at};
use crate::make::{P, Q, batch, everything, latest, on_any_disk, plain, to_plain};

pub fn append(project: ProjectId, batch: Batch) -> Append {
    Append { project, batch, batch_hash: None, rejected: Vec::new(), rejected_total: 0 }
}

/// `count` hits from the number `from` on.
fn hits(from: i64, count: i64) -> Batch {
    batch(&(from..from + count).map(plain).collect::<Vec<_>>())
}

pub fn any_disk() -> StoreLimits {
    on_any_disk(DuckDbLimits::default())
}

async fn all(store: &Store, project: ProjectId) -> Vec<HitRow> {
    store.arrivals(everything(project)).await.expect("it reads")
}

pub async fn count(store: &Store) -> u64 {
    let scopes = [P, Q].map(|project| ProjectScope::granted(project, Filter::default()));
    store.rows_between(&scopes, i64::MIN, i64::MAX).await.expect("it counts")
}

pub fn has_problem(store: &Store, words: &str) -> bool {
    store.stats().problems.iter().any(|problem| problem.contains(words))
}

pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what} does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_costs_no_batch_and_no_second_copy() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let front = Front::start_in(data.path(), 0);
    let place = place_at(front.port);
    let limits = StoreLimits { inbox_bytes: 20_000, ..any_disk() };
    let open = || open_in(folder.path(), 3, &place, limits.clone());
    let store = open().await.unwrap();
    store.append(append(P, hits(0, 5))).await.unwrap();
    store.settle().await.unwrap();
    let rows = all(&store, P).await;
    assert_eq!(
        rows.iter().map(to_plain).collect::<Vec<_>>(),
        (0..5).map(plain).collect::<Vec<_>>()
    );
    assert!(rows.iter().all(|row| row.hit_id >> 55 == 3), "the node is part of a hit's id");

    front.stop();
    let began = Instant::now();
    let found = store.hits(latest(P, 10)).await;
    assert!(matches!(found, Err(StoreError::EngineAway { .. })), "{found:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "an error at once");
    let mut acknowledged = 5;
    let refused = loop {
        match store.append(append(P, hits(acknowledged, 10))).await {
            Ok(_) => acknowledged += 10,
            Err(problem) => break problem,
        }
        assert!(acknowledged < 5_000, "the inbox has a limit");
    };
    assert!(matches!(refused, StoreError::Full) && acknowledged > 50, "{refused} {acknowledged}");
    until("the failure", || has_problem(&store, "hits wait in the inbox")).await;
    // The node is restarted while the server is away.
    store.close().await.unwrap();
    let store = open().await.expect("it takes batches");
    assert!(has_problem(&store, "hits wait in the inbox") && !store.stats().ready);
    store.close().await.unwrap();

    let front = Front::start_in(data.path(), front.port);
    let store = open().await.unwrap();
    store.settle().await.unwrap();
    let rows: Vec<_> = all(&store, P).await.iter().map(to_plain).collect();
    assert_eq!(rows, (0..acknowledged).map(plain).collect::<Vec<_>>());
    until("the end of the failure", || store.stats().problems.is_empty()).await;
    store.close().await.unwrap();
    front.stop();
}

/// Forwards everything, but loses the answers to inserts of hits while it is told to.
pub struct LossyProxy {
    pub port: u16,
    pub loses: Arc<AtomicBool>,
    pub lost: Arc<AtomicU64>,
}

impl LossyProxy {
    pub fn start(to: u16) -> LossyProxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (loses, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (told, counted) = (loses.clone(), lost.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
                let (told, counted) = (told.clone(), counted.clone());
                std::thread::spawn(move || forward(&client, &server, &told, &counted));
            }
        });
        LossyProxy { port, loses, lost }
    }
}

fn forward(client: &TcpStream, server: &TcpStream, loses: &AtomicBool, lost: &AtomicU64) {
    let inserts = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut from, mut to, mut piece) = (client, server, [0; 65_536]);
            while let Ok(size @ 1..) = from.read(&mut piece) {
                let text = String::from_utf8_lossy(&piece[..size]);
                if text.starts_with("POST") {
                    let is_insert =
                        text.contains("INSERT+INTO+hits") || text.contains("INSERT%20INTO%20hits");
                    inserts.store(is_insert, Ordering::SeqCst);
                }
                if to.write_all(&piece[..size]).is_err() {
                    break;
                }
            }
            let _ = server.shutdown(Shutdown::Both);
        });
        let (mut from, mut to, mut piece) = (server, client, [0; 65_536]);
        while let Ok(size @ 1..) = from.read(&mut piece) {
            if inserts.load(Ordering::SeqCst) && loses.load(Ordering::SeqCst) {
                lost.fetch_add(1, Ordering::SeqCst);
                break;
            }
            if to.write_all(&piece[..size]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_answer_was_lost_is_stored_once() {
    let real = place();
    let proxy = LossyProxy::start(real.url.rsplit(':').next().unwrap().parse().unwrap());
    let place = ClickHousePlace { url: format!("http://127.0.0.1:{}", proxy.port), ..real.clone() };
    let folder = tempfile::tempdir().unwrap();
    let open = || open_in(folder.path(), 0, &place, any_disk());
    let store = open().await.unwrap();
    store.append(append(P, hits(0, 4))).await.unwrap();
    store.settle().await.unwrap();
    proxy.loses.store(true, Ordering::SeqCst);
    store.append(append(P, hits(4, 4))).await.unwrap();
    until("a second try", || proxy.lost.load(Ordering::SeqCst) >= 2).await;
    assert_eq!(count(&store).await, 8, "it has arrived all the same");
    // More has come by the time of the restart: the group stays what it was.
    store.append(append(P, hits(8, 4))).await.unwrap();
    store.close().await.unwrap();
    proxy.loses.store(false, Ordering::SeqCst);
    let store = open().await.unwrap();
    store.settle().await.unwrap();
    let rows: Vec<_> = all(&store, P).await.iter().map(to_plain).collect();
    assert_eq!(rows, (0..12).map(plain).collect::<Vec<_>>());
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_concerns_the_hits_that_came_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), any_disk()).await;
    store.append(append(P, hits(0, 40))).await.unwrap();
    store.append(append(Q, hits(0, 40))).await.unwrap();
    let erasure = Erasure::User(P, "user-1".into());
    let of_user = (0..40).filter(|n| plain(*n).user == "user-1").count();
    // It needs not be complete for later hits to be stored.
    let erasing = store.erase(erasure);
    let appending = store.append(append(P, hits(0, 40)));
    let (erased, appended) = tokio::join!(erasing, appending);
    assert_eq!(erased.unwrap(), of_user as u64);
    appended.unwrap();
    store.settle().await.unwrap();
    let of_user_in =
        |rows: &[HitRow]| rows.iter().filter(|row| to_plain(row).user == "user-1").count();
    let (in_p, in_q) = (all(&store, P).await, all(&store, Q).await);
    assert!(of_user > 0 && of_user_in(&in_p) == of_user && of_user_in(&in_q) == of_user);
    assert_eq!(in_p.len(), 80 - of_user);
    assert_eq!(store.erase(Erasure::Project(P)).await.unwrap(), in_p.len() as u64);
    let refused = store.append(append(P, hits(0, 1))).await;
    assert!(matches!(refused, Err(StoreError::ProjectGone)), "{refused:?}");
    assert_eq!(count(&store).await, 40);
    store.close().await.unwrap();
    let ledger = std::fs::read_to_string(folder.path().join("erasures.jsonl")).unwrap();
    assert_eq!(ledger.lines().count(), 2);
}

/// The server is away when the erasure is accepted, and the node is restarted before it is back.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_outlasts_an_outage_and_a_restart() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let front = Front::start_in(data.path(), 0);
    let place = place_at(front.port);
    let open = || open_in(folder.path(), 0, &place, any_disk());
    let store = open().await.unwrap();
    store.append(append(P, hits(0, 40))).await.unwrap();
    store.settle().await.unwrap();
    front.stop();
    let erased = store.erase(Erasure::User(P, "user-1".into())).await;
    assert!(matches!(erased, Err(StoreError::ErasureWaits)), "{erased:?}");
    store.append(append(P, hits(0, 40))).await.unwrap();
    store.close().await.unwrap();
    let front = Front::start_in(data.path(), front.port);
    let store = open().await.unwrap();
    store.settle().await.unwrap();
    until("the erasure", || store.stats().erasures_pending == 0).await;
    let of_user = (0..40).filter(|n| plain(*n).user == "user-1").count();
    assert_eq!(all(&store, P).await.len(), 80 - of_user);
    store.close().await.unwrap();
    front.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_gets_the_hits_that_are_in_clickhouse() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), any_disk()).await;
    let scope = ProjectScope::granted(P, Filter::default());
    let mut watcher = store.watch(&scope, &Filter::default(), true);
    store.append(append(P, hits(0, 3))).await.unwrap();
    let update =
        tokio::time::timeout(Duration::from_secs(10), watcher.next(usize::MAX)).await.unwrap();
    let found = update.expect("the store is open").hits;
    assert_eq!(found.iter().map(|row| to_plain(row)).collect::<Vec<_>>(), [0, 1, 2].map(plain));
    assert_eq!(all(&store, P).await.len(), 3, "they can be read by then");
    store.close().await.unwrap();
}

/// Compressed parts hide a name, so their number counts; the server's other files are searched.
#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_the_server_has_no_old_part_and_no_statement_that_names_the_person() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let front = Front::start_in(data.path(), 0);
    let store = open_in(folder.path(), 0, &place_at(front.port), any_disk()).await.unwrap();
    let mut hits: Vec<_> = (0..40).map(plain).collect();
    hits.iter_mut().for_each(|hit| hit.user = "needle-1".into());
    hits[20..].iter_mut().for_each(|hit| hit.user = "other".into());
    store.append(append(P, batch(&hits))).await.unwrap();
    store.settle().await.unwrap();
    let mut parts = Vec::new();
    files(data.path(), &mut |path| {
        let name = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        // Parts of hits are named after their month; other tables have other parts.
        if path.ends_with("data.bin") && name.starts_with("2026") {
            parts.push(name.to_owned());
        }
    });
    assert!(!parts.is_empty(), "the search finds parts");
    assert_eq!(store.erase(Erasure::User(P, "needle-1".into())).await.unwrap(), 20);
    assert_eq!(store.erase(Erasure::Address(P, "203.0.113.5".into())).await.unwrap(), 1);
    let (mut left, mut naming, mut statements) = (Vec::new(), Vec::new(), 0);
    files(data.path(), &mut |path| {
        let text = path.to_str().unwrap();
        let bytes = std::fs::read(path).unwrap_or_default();
        left.extend(parts.iter().filter(|part| text.contains(&format!("/{part}/"))));
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|part| part == needle);
        if has(b"needle-1") || has(b"203.0.113.5") {
            naming.push(text.to_owned());
        }
        statements += usize::from(has(b"sipHash128Keyed"));
    });
    assert!(statements > 0, "the search finds the statements that erase");
    assert_eq!((left, naming), (Vec::<&String>::new(), Vec::new()));
    assert_eq!(count(&store).await, 19);
    store.close().await.unwrap();
    front.stop();
}

fn files(folder: &std::path::Path, each: &mut dyn FnMut(&std::path::Path)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => files(&path, each),
            path => each(&path),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_start_at_the_same_time_and_two_folders_never_write_as_one_node() {
    let place = place();
    let folders = [0, 1, 2, 3].map(|_| tempfile::tempdir().unwrap());
    let open = |folder: usize, node: u8| open_in(folders[folder].path(), node, &place, any_disk());
    let (one, two, three) = tokio::join!(open(0, 0), open(1, 1), open(2, 2));
    let nodes = [one.unwrap(), two.unwrap(), three.unwrap()];
    for (n, node) in (0..).zip(&nodes) {
        node.append(append(P, hits(4 * n, 4))).await.unwrap();
    }
    for node in &nodes {
        node.settle().await.unwrap();
    }
    let rows: Vec<_> = all(&nodes[0], P).await.iter().map(to_plain).collect();
    assert_eq!(rows, (0..12).map(plain).collect::<Vec<_>>(), "each has the hits of all");
    let erasure = Erasure::User(P, "user-1".into());
    let of_user = (0..12).filter(|n| plain(*n).user == "user-1").count() as u64;
    assert_eq!(nodes[2].erase(erasure).await.unwrap(), of_user, "also those of other nodes");
    let refused = open(3, 1).await.map(drop);
    assert!(matches!(refused, Err(StoreError::NodeTaken { node: 1 })), "{refused:?}");
    for node in &nodes {
        node.close().await.unwrap();
    }
    open(1, 1).await.expect("a restart").close().await.unwrap();
}

/// It would give two hits one id, and take a new group for one that ClickHouse has.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_a_folder_does_not_start() {
    let place = place();
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open_in(folder.path(), 0, &place, any_disk()).await.unwrap();
    store.append(append(P, hits(0, 4))).await.unwrap();
    store.close().await.unwrap();
    std::fs::copy(folder.path().join("inbox.sqlite"), copy.path().join("inbox.sqlite")).unwrap();
    let same = open_in(copy.path(), 0, &place, any_disk()).await.expect("nothing has come since");
    same.close().await.unwrap();
    let store = open_in(folder.path(), 0, &place, any_disk()).await.unwrap();
    store.append(append(P, hits(4, 4))).await.unwrap();
    store.close().await.unwrap();
    match open_in(copy.path(), 0, &place, any_disk()).await.map(drop) {
        Err(StoreError::NotWhole(words)) => assert!(words.contains("older copy"), "{words}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_its_engine() {
    let place = place();
    let (files, clickhouse) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let in_files = |folder: &tempfile::TempDir| {
        Store::open(StoreOptions::new(folder.path().to_path_buf(), any_disk()))
    };
    let in_clickhouse = |folder: &tempfile::TempDir| {
        let (folder, place) = (folder.path().to_path_buf(), place.clone());
        async move { open_in(&folder, 0, &place, any_disk()).await }
    };
    // Without a hit it makes no difference.
    in_files(&clickhouse).await.unwrap().close().await.unwrap();
    for (store, words) in [
        (in_files(&files).await.unwrap(), "in its own files"),
        (in_clickhouse(&clickhouse).await.unwrap(), "names no database"),
    ] {
        store.append(append(P, hits(0, 4))).await.unwrap();
        store.close().await.unwrap();
        let wrong = match words {
            "names no database" => in_files(&clickhouse).await.map(drop),
            _ => in_clickhouse(&files).await.map(drop),
        };
        match wrong {
            Err(StoreError::NotWhole(found)) => assert!(found.contains(words), "{found}"),
            other => panic!("{other:?}"),
        }
    }
    in_files(&files).await.unwrap().close().await.unwrap();
    in_clickhouse(&clickhouse).await.unwrap().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_says_that_the_server_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = place_at(listener.local_addr().unwrap().port());
    drop(listener);
    let refused = open_in(folder.path(), 0, &place, any_disk()).await.map(drop);
    assert!(matches!(refused, Err(StoreError::EngineAway { .. })), "{refused:?}");
}
