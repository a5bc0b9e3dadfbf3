//! A cluster of ClickHouse: two hosts of the real engine with a shard each, and ZooKeeper as their Keeper
//! (`tests/clickhouse_ring`). It can't show replicas of one shard, and ClickHouse's queue of statements ON CLUSTER:
//! `tests/test_replicas.py` does, with an old version.
//! With `RING_LONG=1` hosts are also lost, and more answers compared.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use analytics::tally::TallyLimits;
use proptest::prelude::*;
use store::{ClickHousePlace, Erasure, Store, StoreError};

use super::front::{open_in, place as new_place};
use super::node::{LossyProxy, any_disk, append, count, has_problem, until};
use super::outdated_routes::at_once;
use super::rollups::tell;
use super::{Both, ODD_FILTERS, Question, question, unlike_others};
use crate::joined_routes::{JOINED, Rules};
use crate::make::{P, Q};
use crate::sums::{DAY_US, Seen, seen, to_batch};

/// A running cluster. It ends when this process does, because its standard input ends then.
pub struct Ring {
    ports: Vec<u16>,
    talk: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    _child: Child,
}

/// The hosts of tests that stop none.
pub fn shared() -> &'static Ring {
    static RING: OnceLock<Ring> = OnceLock::new();
    RING.get_or_init(Ring::start)
}

/// For the hosts to find each other again.
const PATIENCE: Duration = Duration::from_secs(180);

/// Held by a test of the shared hosts: the first mutation of one would end the sessions of all others.
async fn one_at_a_time() -> tokio::sync::MutexGuard<'static, ()> {
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ONE.lock().await
}

impl Ring {
    pub fn start() -> Ring {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../store/tests/clickhouse_ring/run.sh");
        let mut child = Command::new(script)
            .arg("2")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the cluster starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("it prints its ports");
        let ports: Vec<u16> =
            line.split_whitespace().map(|port| port.parse().expect("a port")).collect();
        assert_eq!(ports.len(), 2, "if there are none, the reason is above");
        let talk = Mutex::new((child.stdin.take().expect("its input is piped"), out));
        Ring { ports, talk, _child: child }
    }

    /// `stop 0`, `start 0`: a host; `empty 0`: its disk, while it is stopped; `close 0`, `open 0`: what leads there, while the other host reaches it.
    pub fn tell(&self, command: &str) {
        let mut talk = self.talk.lock().unwrap();
        writeln!(talk.0, "{command}").expect("it listens");
        let mut line = String::new();
        talk.1.read_line(&mut line).expect("it answers");
        assert_eq!(line.trim(), command);
    }

    /// A new database.
    pub fn place(&self) -> ClickHousePlace {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let url = |port: &u16| format!("http://127.0.0.1:{port}");
        ClickHousePlace {
            url: url(&self.ports[0]),
            other_urls: self.ports[1..].iter().map(url).collect(),
            database: format!("ring`{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            cluster: Some("ring".to_owned()),
            ..ClickHousePlace::default()
        }
    }
}

/// The same database without the cluster, asked by this host alone.
pub fn alone(place: &ClickHousePlace, host: usize) -> ClickHousePlace {
    let url = std::iter::once(&place.url).chain(&place.other_urls).nth(host).unwrap().clone();
    ClickHousePlace { url, other_urls: Vec::new(), cluster: None, ..place.clone() }
}

fn is_long() -> bool {
    std::env::var_os("RING_LONG").is_some()
}

/// Hits of a fortnight: some days of them in each shard.
fn fortnight(from: u64, count: u64) -> Vec<Seen> {
    (from..from + count).map(|n| seen(n, 14 * DAY_US)).collect()
}

async fn post(store: &Store, hits: &[Seen]) {
    store.append(append(P, to_batch(hits))).await.unwrap();
}

/// TRICKY: the first mutation of a table ends the library's session with ZooKeeper (why was not found out), as it may end at
/// any time. Then the call says that the erasure waits, and it is tried again.
pub async fn erase(store: &Store, erasure: Erasure) {
    match store.erase(erasure).await {
        Ok(_) => {}
        Err(StoreError::ErasureWaits) => {
            let began = Instant::now();
            while store.stats().erasures_pending > 0 {
                assert!(began.elapsed() < PATIENCE, "{:?}", store.stats().problems);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Err(problem) => panic!("{problem}"),
    }
}

/// Makes the lists of all days, as the server does: what a session that ends keeps waiting is done in a later round.
async fn derive(both: &Both) {
    let (began, mut made) = (Instant::now(), both.try_derive().await);
    while !matches!(made, Ok(0)) {
        assert!(began.elapsed() < PATIENCE, "{made:?}");
        made = both.try_derive().await;
    }
}

/// The answer of each host by itself.
fn on_each(place: &ClickHousePlace, question: &str) -> Vec<u64> {
    [0, 1].map(|host| tell(&alone(place, host), question).parse().expect("a number")).to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::sums::cases().div_ceil(if is_long() { 5 } else { 50 }), max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn a_cluster_gives_the_same_answers_as_files(
        batches in prop::collection::vec((0..1_000u64, 1..120u64, any::<bool>()), 1..5),
        days in 1..14i64,
        user in 0..5u8,
        questions in prop::collection::vec(question(), 2),
        odd in prop::sample::select(&ODD_FILTERS[..]),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let _alone = one_at_a_time().await;
            let both = Both::open_at(TallyLimits::default(), &shared().place()).await;
            for (from, count, unlike) in &batches {
                let hit = |n| if *unlike { unlike_others(n, days * DAY_US) } else { seen(n, days * DAY_US) };
                let batch: Vec<Seen> = (*from..from + count).map(hit).collect();
                both.append(P, &batch).await;
                both.append(Q, &batch[..1]).await;
            }
            derive(&both).await;
            both.compare(&questions[..if is_long() { 2 } else { 1 }]).await;
            if is_long() {
                both.compare(&[Question { q: odd, locked: "", off_us: 0, quarters: (0, 1_344), tz: "Europe/Berlin" }]).await;
            }
            let erasure = Erasure::User(P, format!("user-{user}"));
            both.duckdb.erase(erasure.clone()).await.unwrap();
            erase(&both.clickhouse, erasure).await;
            both.compare_lists("", "", analytics::period::Period::default(), 100).await;
            both.close().await;
        });
    }
}

/// A day's list is on the host of the day's hits.
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_busiest_consumers_are_spread_and_forget_the_erased() {
    let (_alone, place) = (one_at_a_time().await, shared().place());
    let both = Both::open_at(TallyLimits::default(), &place).await;
    both.append(P, &fortnight(0, 400)).await;
    derive(&both).await;
    assert!(
        tell(&place, "SELECT count() FROM busiest_rows WHERE key = 0").parse::<u64>().unwrap() > 5
    );
    let listed = "SELECT countIf(user = 'user-1') FROM busiest_rows_local";
    assert!(on_each(&place, listed).iter().all(|days| *days > 0));
    let grid = super::rollups::grid(crate::sums::START, crate::sums::START + 14 * DAY_US, "UTC");
    let page = crate::sums::all_panels(&grid, "", "");
    both.compare_sums(&page).await;
    both.duckdb.erase(Erasure::User(P, "user-1".into())).await.unwrap();
    erase(&both.clickhouse, Erasure::User(P, "user-1".into())).await;
    assert_eq!(on_each(&place, listed), [0, 0]);
    both.compare_sums(&page).await;
    both.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_repeated_through_another_host_is_stored_once() {
    let (_alone, real) = (one_at_a_time().await, shared().place());
    let proxy = LossyProxy::start(real.url.rsplit(':').next().unwrap().parse().unwrap());
    let place = ClickHousePlace { url: format!("http://127.0.0.1:{}", proxy.port), ..real.clone() };
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let open = |node: u8| open_in(folders[usize::from(node)].path(), node, &place, any_disk());
    // All make the tables at once.
    let stores = tokio::join!(open(0), open(1), open(2));
    let stores = [stores.0.unwrap(), stores.1.unwrap(), stores.2.unwrap()];
    proxy.loses.store(true, std::sync::atomic::Ordering::SeqCst);
    for (n, store) in (0..).zip(&stores) {
        post(store, &fortnight(100 * n, 100)).await;
        store.settle().await.unwrap();
    }
    // A store that met a broken session of the first host has gone to the second.
    assert!(
        proxy.lost.load(std::sync::atomic::Ordering::SeqCst) > 0,
        "the first host took a group"
    );
    assert_eq!(count(&stores[0]).await, 300);
    let shards = on_each(&real, "SELECT count() FROM hits_local");
    assert!(shards.iter().all(|hits| *hits > 0) && shards.iter().sum::<u64>() == 300, "{shards:?}");
    for store in &stores {
        store.close().await.unwrap();
    }
    let taken = open_in(tempfile::tempdir().unwrap().path(), 1, &real, any_disk()).await.map(drop);
    assert!(matches!(taken, Err(StoreError::NodeTaken { node: 1 })), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_no_host_has_the_hits_or_an_old_part_and_routes_follow_a_rule() {
    let _alone = one_at_a_time().await;
    let (place, folder) = (shared().place(), tempfile::tempdir().unwrap());
    let store = open_in(folder.path(), 0, &place, at_once()).await.unwrap();
    let mut hits = fortnight(0, 300);
    (0..).zip(&mut hits).for_each(|(n, hit)| hit.route = format!("/b/{n}"));
    post(&store, &hits).await;
    store.settle().await.unwrap();
    let of_user = "SELECT count() FROM hits_local WHERE user_id = 'user-1'";
    let before = on_each(&place, of_user);
    assert!(before.iter().all(|hits| *hits > 0), "{before:?}");
    // Those that no mutation has rewritten.
    let parts = "SELECT count() FROM system.parts
         WHERE database = currentDatabase() AND table = 'hits_local' AND data_version = min_block_number";
    assert!(on_each(&place, parts).iter().all(|parts| *parts > 0), "the search finds parts");
    erase(&store, Erasure::User(P, "user-1".into())).await;
    assert_eq!(on_each(&place, of_user), [0, 0]);
    assert_eq!(on_each(&place, parts), [0, 0]);
    assert_eq!(count(&store).await, 300 - before.iter().sum::<u64>());

    // Each host rewrites its own hits. A statement that meets a session that has ended is given again.
    let outdated = || on_each(&place, "SELECT count() FROM hits_local WHERE route != '/b/{slug}'");
    assert!(outdated().iter().all(|hits| *hits > 0), "{:?}", outdated());
    store.set_route_rules(Arc::new(Rules(AtomicU64::new(JOINED))));
    let began = Instant::now();
    while outdated() != [0, 0] {
        assert!(began.elapsed() < PATIENCE, "{:?}", outdated());
        let _ = store.bring_routes_up_to_date().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    store.close().await.unwrap();
}

/// The ways to a host are closed, and then a host dies with its shard.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_host_costs_no_hit_and_no_erasure() {
    if !is_long() {
        return;
    }
    let (ring, folder) = (Ring::start(), tempfile::tempdir().unwrap());
    let place = ring.place();
    let store = open_in(folder.path(), 0, &place, any_disk()).await.unwrap();
    post(&store, &fortnight(0, 100)).await;
    store.settle().await.unwrap();
    ring.tell("close 0");
    post(&store, &fortnight(100, 100)).await;
    store.settle().await.unwrap();
    assert_eq!(count(&store).await, 200, "the other host answers");
    let of_user = |hits: &[Seen]| hits.iter().filter(|hit| hit.user == "user-1").count() as u64;
    let first = of_user(&fortnight(0, 200));
    erase(&store, Erasure::User(P, "user-1".into())).await;
    assert_eq!(count(&store).await, 200 - first);
    ring.tell("open 0");

    ring.tell("stop 1");
    let scopes = [analytics::query::ProjectScope::granted(P, analytics::filter::Filter::default())];
    let read = store.rows_between(&scopes, i64::MIN, i64::MAX).await;
    assert!(matches!(read, Err(StoreError::EngineAway { .. })), "{read:?}");
    post(&store, &fortnight(200, 100)).await;
    until("the failure", || has_problem(&store, "hits wait in the inbox")).await;
    let erased = store.erase(Erasure::User(P, "user-2".into())).await;
    assert!(matches!(erased, Err(StoreError::ErasureWaits)), "{erased:?}");
    // A server is restarted meanwhile.
    store.close().await.unwrap();
    let store = open_in(folder.path(), 0, &place, any_disk()).await.expect("it takes batches");
    post(&store, &fortnight(300, 100)).await;
    ring.tell("start 1");
    store.settle().await.unwrap();
    until("the erasure", || store.stats().erasures_pending == 0).await;
    let with =
        |user: &str, hits: &[Seen]| hits.iter().filter(|hit| hit.user == user).count() as u64;
    let gone = first + with("user-2", &fortnight(0, 300));
    assert_eq!(count(&store).await, 400 - gone);
    store.close().await.unwrap();
}

/// Keeper still has its replica. Each shard of these tests has one, so its hits are lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_lost_its_disk_gets_its_tables_once_keeper_has_forgotten_it() {
    if !is_long() {
        return;
    }
    let (ring, folder) = (Ring::start(), tempfile::tempdir().unwrap());
    let place = ring.place();
    let store = open_in(folder.path(), 0, &place, any_disk()).await.unwrap();
    post(&store, &fortnight(0, 100)).await;
    store.settle().await.unwrap();
    let kept = on_each(&place, "SELECT count() FROM hits_local")[0];
    store.close().await.unwrap();
    for command in ["stop 1", "empty 1", "start 1"] {
        ring.tell(command);
    }

    let store = open_in(folder.path(), 0, &place, any_disk()).await.expect("it takes batches");
    post(&store, &fortnight(100, 100)).await;
    until("advice", || has_problem(&store, "SYSTEM DROP REPLICA")).await;
    let began = Instant::now();
    for table in ["versions", "nodes", "hits", "busiest_rows"] {
        let path = format!("/clickhouse/tables/{}/2/{table}", place.database);
        let forget = format!("SYSTEM DROP REPLICA 'one' FROM ZKPATH '{path}'");
        let host = alone(&place, 0);
        let client = clickhouse::Client::default().with_url(&host.url);
        // The host's former session has to end first.
        while let Err(problem) = client.query_raw(&forget).execute().await {
            assert!(began.elapsed() < PATIENCE, "{problem}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    store.settle().await.unwrap();
    assert_eq!(count(&store).await, kept + 100);
    assert!(on_each(&place, "SELECT count() FROM hits_local")[1] > 0);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_keeps_its_layout_and_the_other_one_is_refused_with_what_to_do() {
    let _alone = one_at_a_time().await;
    let (on_cluster, on_host) = (shared().place(), new_place());
    let other_cluster = ClickHousePlace { cluster: Some("other".into()), ..on_cluster.clone() };
    for place in [&on_cluster, &on_host] {
        let folder = tempfile::tempdir().unwrap();
        let store = open_in(folder.path(), 0, place, any_disk()).await.unwrap();
        store.append(append(Q, to_batch(&fortnight(0, 3)))).await.unwrap();
        store.close().await.unwrap();
    }
    let of_host = ClickHousePlace { database: "on_host".into(), ..alone(&on_cluster, 0) };
    let folder = tempfile::tempdir().unwrap();
    open_in(folder.path(), 0, &of_host, any_disk()).await.unwrap().close().await.unwrap();
    for (place, words) in [
        (alone(&on_cluster, 1), "of the cluster ring. Nothing was changed. Add ?cluster=ring"),
        (ClickHousePlace { cluster: Some("ring".into()), ..of_host }, "on one host"),
        (other_cluster, "no cluster other (it has: "),
        (ClickHousePlace { cluster: Some("ring".into()), ..on_host }, "no cluster ring"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        match open_in(folder.path(), 1, &place, any_disk()).await.map(drop) {
            Err(StoreError::UnusablePath(found)) => assert!(found.contains(words), "{found}"),
            other => panic!("{other:?}"),
        }
    }
}
