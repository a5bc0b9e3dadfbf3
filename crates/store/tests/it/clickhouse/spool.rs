//! A node's inbox in front of ClickHouse: outages, lost answers, erasures in their order.

use std::time::{Duration, Instant};

use analytics::batch::Batch;
use analytics::hit::ProjectId;
use analytics::ranking::RankingLimits;
use analytics::tally::TallyLimits;
use store::{
    Append, ClickHouse, DuckDbLimits, Erasure, Group, HitRow, Spool, StoreError, StoreLimits,
};

use super::front::{Front, open, options, options_of};
use crate::make::{P, Q, batch, everything, latest, on_any_disk, plain, to_plain};

fn append(project: ProjectId, batch: Batch) -> Append {
    Append { project, batch, batch_hash: None, rejected: Vec::new(), rejected_total: 0 }
}

/// `count` hits from the number `from` on.
fn hits(from: i64, count: i64) -> Batch {
    batch(&(from..from + count).map(plain).collect::<Vec<_>>())
}

fn any_disk() -> StoreLimits {
    on_any_disk(DuckDbLimits::default())
}

async fn all(clickhouse: &ClickHouse, project: ProjectId) -> Vec<HitRow> {
    clickhouse.arrivals(everything(project)).await.expect("it reads")
}

async fn until(what: &str, holds: impl Fn() -> bool) {
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
    let options = options_of(&front);
    let (tally, ranking) = (TallyLimits::default(), RankingLimits::default());
    let clickhouse = ClickHouse::open(&options, tally, ranking).await.unwrap();
    let limits = StoreLimits { inbox_bytes: 20_000, ..any_disk() };
    let spool = Spool::open(folder.path(), 3, &clickhouse, limits.clone()).await.unwrap();
    spool.append(append(P, hits(0, 5))).await.unwrap();
    spool.settle().await.unwrap();
    let rows = all(&clickhouse, P).await;
    assert_eq!(
        rows.iter().map(to_plain).collect::<Vec<_>>(),
        (0..5).map(plain).collect::<Vec<_>>()
    );
    assert!(rows.iter().all(|row| row.hit_id >> 55 == 3), "the node is part of a hit's id");

    front.stop();
    let began = Instant::now();
    let found = clickhouse.hits(latest(P, 10)).await;
    assert!(matches!(found, Err(StoreError::EngineAway { .. })), "{found:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "an error at once");
    // The first batch is a group alone: it is tried at once.
    spool.append(append(P, hits(5, 5))).await.unwrap();
    until("the failure", || spool.problem().contains("hits wait in the inbox")).await;
    let mut acknowledged = 10;
    let refused = loop {
        match spool.append(append(P, hits(acknowledged, 10))).await {
            Ok(_) => acknowledged += 10,
            Err(problem) => break problem,
        }
        assert!(acknowledged < 5_000, "the inbox has a limit");
    };
    assert!(matches!(refused, StoreError::Full) && acknowledged > 50, "{refused} {acknowledged}");
    // The node is restarted while the server is away.
    spool.close().await.unwrap();
    let spool = Spool::open(folder.path(), 3, &clickhouse, limits.clone()).await.unwrap();
    until("the failure", || !spool.problem().is_empty()).await;
    spool.close().await.unwrap();

    let front = Front::start_in(data.path(), front.port);
    // The first batch had arrived, only the answer was lost: seq 2, as a group of its own.
    let group = Group { node: 3, first_seq: 2, last_seq: 2 };
    clickhouse.insert(group, &[(2, P, hits(5, 5))]).await.unwrap();
    assert_eq!(all(&clickhouse, P).await.len(), 10);
    let spool = Spool::open(folder.path(), 3, &clickhouse, limits).await.unwrap();
    spool.settle().await.unwrap();
    let rows: Vec<_> = all(&clickhouse, P).await.iter().map(to_plain).collect();
    assert_eq!(rows, (0..acknowledged).map(plain).collect::<Vec<_>>());
    assert_eq!(spool.problem(), "");
    spool.close().await.unwrap();
    front.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_stored_once_and_another_group_is_not_taken_for_it() {
    let clickhouse = open(TallyLimits::default()).await;
    let group = Group { node: 0, first_seq: 1, last_seq: 2 };
    let batches = [(1, P, hits(0, 4)), (2, Q, hits(4, 3))];
    for _ in 0..3 {
        clickhouse.insert(group, &batches).await.unwrap();
        assert_eq!(clickhouse.rows().await.unwrap(), 7);
    }
    // The same hits under another token are new: it is the token that tells.
    let other = Group { node: 1, ..group };
    clickhouse.insert(other, &batches).await.unwrap();
    assert_eq!(clickhouse.rows().await.unwrap(), 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_concerns_the_hits_that_came_before_it() {
    let clickhouse = open(TallyLimits::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), 0, &clickhouse, any_disk()).await.unwrap();
    spool.append(append(P, hits(0, 40))).await.unwrap();
    spool.append(append(Q, hits(0, 40))).await.unwrap();
    let erasure = Erasure::User(P, "user-1".into());
    let of_user = (0..40).filter(|n| plain(*n).user == "user-1").count();
    assert_eq!(spool.erase(erasure).await.unwrap(), of_user as u64);
    spool.append(append(P, hits(0, 40))).await.unwrap();
    spool.settle().await.unwrap();
    let count = |rows: &[HitRow]| rows.iter().filter(|row| to_plain(row).user == "user-1").count();
    let (in_p, in_q) = (all(&clickhouse, P).await, all(&clickhouse, Q).await);
    assert!(of_user > 0 && count(&in_p) == of_user && count(&in_q) == of_user);
    assert_eq!(in_p.len(), 80 - of_user);
    assert_eq!(clickhouse.running_erasures().await.unwrap(), []);
    assert_eq!(spool.erase(Erasure::Project(P)).await.unwrap(), in_p.len() as u64);
    let refused = spool.append(append(P, hits(0, 1))).await;
    assert!(matches!(refused, Err(StoreError::ProjectGone)), "{refused:?}");
    assert_eq!(clickhouse.rows().await.unwrap(), 40);
    spool.close().await.unwrap();
}

/// Compressed parts hide a name, so their number counts; the server's other files are searched.
#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_the_server_has_no_old_part_and_no_statement_that_names_the_person() {
    let data = tempfile::tempdir().unwrap();
    let front = Front::start_in(data.path(), 0);
    let (tally, ranking) = (TallyLimits::default(), RankingLimits::default());
    let clickhouse = ClickHouse::open(&options_of(&front), tally, ranking).await.unwrap();
    let mut hits: Vec<_> = (0..40).map(plain).collect();
    hits.iter_mut().for_each(|hit| hit.user = "needle-1".into());
    hits[20..].iter_mut().for_each(|hit| hit.user = "other".into());
    let group = Group { node: 0, first_seq: 1, last_seq: 1 };
    clickhouse.insert(group, &[(1, P, batch(&hits))]).await.unwrap();
    let mut parts = Vec::new();
    files(data.path(), &mut |path| {
        let name = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        // Parts of hits are named after their month; other tables have other parts.
        if path.ends_with("data.bin") && name.starts_with("2026") {
            parts.push(name.to_owned());
        }
    });
    assert!(!parts.is_empty(), "the search finds parts");
    assert_eq!(clickhouse.erase(&Erasure::User(P, "needle-1".into())).await.unwrap(), 20);
    assert_eq!(clickhouse.erase(&Erasure::Address(P, "203.0.113.5".into())).await.unwrap(), 1);
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
    assert_eq!(clickhouse.rows().await.unwrap(), 19);
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
async fn nodes_may_prepare_the_tables_at_the_same_time_and_again() {
    let options = options();
    let open = || ClickHouse::open(&options, TallyLimits::default(), RankingLimits::default());
    let (one, two, three) = tokio::join!(open(), open(), open());
    let clickhouse = one.and(two).and(three).expect("all nodes start");
    let group = Group { node: 0, first_seq: 1, last_seq: 1 };
    clickhouse.insert(group, &[(1, P, hits(0, 4))]).await.unwrap();
    assert_eq!(open().await.expect("a restart").rows().await.unwrap(), 4);
}
