//! Watchers receive the hits that a query finds, and none that was erased.

use std::time::Duration;

use analytics::filter::{Filter, parse};
use analytics::period::Period;
use analytics::query::{ArrivalQuery, ProjectScope};
use store::{CaughtUp, Erasure, HitRow, Store, Watcher};

use super::make::{P, Plain, Q, append, open, plain, small, to_plain};
use analytics::hit::ProjectId;

fn scope(project: ProjectId) -> ProjectScope {
    ProjectScope::granted(project, Filter::default())
}

async fn found(store: &Store, filter: &Filter, after: i64) -> Vec<HitRow> {
    let query = ArrivalQuery {
        scope: scope(P),
        period: Period::default(),
        filter: filter.clone(),
        after: Some(after),
        up_to: None,
        offset: 0,
        limit: 10_000,
    };
    store.arrivals(query).await.unwrap()
}

/// All news so far, and the number left out.
async fn heard(watcher: &mut Watcher) -> (Vec<HitRow>, u64) {
    let (mut hits, mut missed) = (Vec::new(), 0);
    while let Ok(heard) = tokio::time::timeout(Duration::from_millis(100), watcher.next(999)).await
    {
        let heard = heard.expect("the watching has ended");
        missed += heard.missed;
        hits.extend(heard.hits.iter().map(|hit| (**hit).clone()));
    }
    (hits, missed)
}

async fn append_some(store: &Store, project: ProjectId, from: i64, to: i64) {
    let hits: Vec<Plain> = (from..to).map(plain).collect();
    append(store, project, &hits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_is_shown_what_a_query_with_its_filter_finds() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    append_some(&store, P, 0, 30).await;
    let mut watchers = Vec::new();
    for q in [
        "",
        "status:5xx",
        "-status:404",
        "path:/items/3",
        "path:/items/*",
        "path:*3,*4 country:NZ",
        "country:\"\"",
        "country:n*",
        "user:user-1",
        "user:\"\"",
        "consumer:user-1",
        "consumer:a:*",
        "consumer:\"\"",
        "address:203.0.113.*",
        "duration:>1ms",
        "duration:\"\"",
        "-duration:*",
        "response_size:12",
        "request_size:*",
        "client:curl",
        "os:\"\"",
        "device:library",
        "version:v1",
        "version:v2",
        "agent:curl*",
        "method:GET route:/items/*",
        "host:\"\"",
        "referrer:x",
        "user:user-9",
    ] {
        let filter = parse(q).unwrap();
        let watcher = store.watch(&scope(P), &filter, true);
        let notice = store.watch(&scope(P), &filter, false);
        watchers.push((q, filter, watcher, notice));
    }
    let mut others = store.watch(&scope(Q), &Filter::default(), true);
    for n in 0..6 {
        append_some(&store, P, 30 * n, 30 * n + 37).await;
        append_some(&store, Q, 7 * n, 7 * n + 3).await;
    }
    store.settle().await.unwrap();
    let mut some = 0;
    for (q, filter, watcher, notice) in &mut watchers {
        let after = watcher.began_after();
        let expected = found(&store, filter, after).await;
        assert_eq!(heard(watcher).await, (expected.clone(), 0), "{q}");
        let notified = tokio::time::timeout(Duration::from_millis(50), notice.next(0)).await;
        assert_eq!(notified.is_ok_and(|heard| heard.unwrap().any), !expected.is_empty(), "{q}");
        some += usize::from(!expected.is_empty());
        assert!(watcher.position().and_then(|at| at.after(0)).is_some_and(|id| id > after));
    }
    assert_eq!(some, 25);
    assert_eq!(heard(&mut others).await.0.len(), 18);
    assert_eq!(store.stats().watchers, 2 * 29 + 1);
    drop(watchers);
    assert_eq!(store.stats().watchers, 1);
    store.close().await.unwrap();
    assert_eq!(others.next(1).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_of_what_was_erased_before() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    let everything = Filter::default();
    for (erasure, is_kept) in [
        (Erasure::User(P, "user-1".into()), (|hit| hit.user != "user-1") as fn(&Plain) -> bool),
        (Erasure::Address(P, "203.0.113.2".into()), |hit| hit.address != "203.0.113.2"),
        (Erasure::Before(P, plain(20).time_us), |hit| hit.time_us >= plain(20).time_us),
        (Erasure::User(Q, "user-1".into()), |_| true),
    ] {
        let mut watcher = store.watch(&scope(P), &everything, true);
        let mut unread = store.watch(&scope(P), &everything, true);
        append_some(&store, P, 0, 50).await;
        store.settle().await.unwrap();
        // It is there if nothing is erased.
        let before: Vec<Plain> = heard(&mut watcher).await.0.iter().map(to_plain).collect();
        assert_eq!(before.len(), 50);
        let (erasures, files) = (unread.erasures(), found(&store, &everything, 0).await);
        store.erase(erasure.clone()).await.unwrap();
        append_some(&store, P, 0, 3).await;
        store.settle().await.unwrap();
        let after: Vec<Plain> = heard(&mut unread).await.0.iter().map(to_plain).collect();
        let mut expected: Vec<Plain> = before.into_iter().filter(is_kept).collect();
        expected.extend((0..3).map(plain));
        assert_eq!(after, expected, "{erasure:?}");
        // Hits read from the files before the erasure.
        let is_old = erasure.project() == P;
        let caught_up = CaughtUp { hits: files, ..CaughtUp::default() };
        assert_eq!(unread.put_caught_up(caught_up, erasures), !is_old);
        assert_eq!(heard(&mut unread).await.0.is_empty(), is_old);
    }
    let mut watcher = store.watch(&scope(P), &everything, true);
    append_some(&store, P, 0, 4).await;
    store.settle().await.unwrap();
    store.erase(Erasure::AddressesAndCountries(P)).await.unwrap();
    let (hits, _) = heard(&mut watcher).await;
    let bare = |hit: &HitRow| to_plain(hit).address.is_empty() && to_plain(hit).country == [0, 0];
    assert!(hits.len() == 4 && hits.iter().all(bare), "{hits:?}");
    store.erase(Erasure::Project(P)).await.unwrap();
    assert_eq!(watcher.next(1).await, None);
}
