//! Routes of hits in ClickHouse follow a rule that was learned or changed later.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use analytics::hit::TextKind;
use store::{ClickHousePlace, Store, StoreLimits};

use super::append;
use super::front::{open_in, place};
use super::rollups::{grid, tell};
use crate::joined_routes::{JOINED, NONE, RENAMED, Rules, by, hits};
use crate::make::{P, Q, latest, open, small};
use crate::sums::{DAY_US, START, Seen, answers, same, seen};

pub(super) fn at_once() -> StoreLimits {
    let mut limits = small();
    limits.routes.quiet = Duration::ZERO;
    limits.routes.rewritten = Duration::ZERO;
    limits
}

/// Returns once the server is done with it.
async fn follow(store: &Store, place: &ClickHousePlace) -> u64 {
    let changed = store.bring_routes_up_to_date().await.unwrap();
    let began = Instant::now();
    while tell(place, UNFINISHED) != "0" {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", tell(place, UNFINISHED));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    changed
}

const UNFINISHED: &str =
    "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done";
const STATEMENTS: &str =
    "SELECT command FROM system.mutations WHERE database = currentDatabase() FORMAT TSVRaw";

async fn routes(store: &Store) -> BTreeMap<String, usize> {
    let mut routes = BTreeMap::new();
    for hit in store.hits(latest(P, 10_000)).await.unwrap() {
        *routes.entry(hit.text(TextKind::Route).to_string()).or_default() += 1;
    }
    routes
}

fn routes_of(hits: &[Seen]) -> BTreeMap<String, usize> {
    let mut routes = BTreeMap::new();
    hits.iter().for_each(|hit| *routes.entry(hit.route.clone()).or_default() += 1);
    routes
}

async fn open_with_rules(
    folder: &tempfile::TempDir,
    place: &ClickHousePlace,
) -> (Store, Arc<Rules>) {
    let store = open_in(folder.path(), 0, place, at_once()).await.unwrap();
    let rules = Arc::new(Rules(AtomicU64::new(NONE)));
    store.set_route_rules(rules.clone());
    (store, rules)
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_hits_follow_the_rules_and_no_statement_names_a_path() {
    let (folder, place) = (tempfile::tempdir().unwrap(), place());
    let (store, rules) = open_with_rules(&folder, &place).await;
    let mut hits = hits(330);
    hits.extend((400..403).map(|n| Seen { route: "/b/anna-smith".to_owned(), ..seen(n, DAY_US) }));
    store.append(append(P, &hits)).await.unwrap();
    store.append(append(Q, &hits[..10])).await.unwrap();
    store.settle().await.unwrap();
    let of_q = || {
        tell(
            &place,
            "SELECT groupArray(toString(route)) FROM (SELECT route FROM hits WHERE project = 2 ORDER BY hit_id)",
        )
    };
    let before = of_q();
    let of_anna = "SELECT count() FROM hits WHERE route LIKE '%anna%'";
    assert_eq!(tell(&place, of_anna), "3");

    assert_eq!(follow(&store, &place).await, 0, "there are no rules");
    assert_eq!(routes(&store).await, routes_of(&hits));
    for decided in [JOINED, RENAMED] {
        rules.0.store(decided, Ordering::SeqCst);
        assert!(follow(&store, &place).await > 0);
        assert_eq!(follow(&store, &place).await, 0, "all are up to date");
        let wanted = by(decided, &hits);
        assert_eq!(routes(&store).await, routes_of(&wanted));

        // From rollups, and from hits.
        let data = tempfile::tempdir().unwrap();
        let files = open(data.path(), small()).await;
        files.append(append(P, &wanted)).await.unwrap();
        files.settle().await.unwrap();
        for q in ["", "status:5xx", "route:/b/{slug}"] {
            let grid = grid(START, START + 20 * DAY_US + 1, "UTC");
            let (found, wanted) =
                (answers(&store, &grid, q, "").await, answers(&files, &grid, q, "").await);
            same("endpoints", &found["endpoints"], &wanted["endpoints"]);
            same("latency", &found["latency"], &wanted["latency"]);
        }
        files.close().await.unwrap();
    }
    assert_eq!(of_q(), before, "another project's rules");
    let statements = tell(&place, STATEMENTS);
    assert!(statements.contains("UPDATE route") && statements.contains("{slug}"), "{statements}");
    assert!(!statements.contains("anna"), "{statements}");
    assert_eq!(tell(&place, of_anna), "0");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_routes_some_change_with_each_statement() {
    let (folder, place) = (tempfile::tempdir().unwrap(), place());
    let (store, rules) = open_with_rules(&folder, &place).await;
    let hits: Vec<Seen> =
        (0..2_100).map(|n| Seen { route: format!("/b/x{n}"), ..seen(n, DAY_US) }).collect();
    for some in hits.chunks(700) {
        store.append(append(P, some)).await.unwrap();
    }
    store.settle().await.unwrap();
    rules.0.store(JOINED, Ordering::SeqCst);
    let mut changed = Vec::new();
    for _ in 0..3 {
        changed.push(follow(&store, &place).await);
    }
    assert_eq!(changed, [2_000, 100, 0]);
    assert_eq!(routes(&store).await, BTreeMap::from([("/b/{slug}".to_owned(), 2_100)]));
    store.close().await.unwrap();
}
