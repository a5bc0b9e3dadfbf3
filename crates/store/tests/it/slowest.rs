//! Lists by duration equal all hits sorted: with ties, missing durations, filters, pages, erasures, and parts.

use std::cmp::Reverse;

use analytics::filter::{Filter, parse};
use analytics::period::Period;
use analytics::query::{ArrivalQuery, ProjectScope, SlowestQuery};
use proptest::prelude::*;
use store::{Erasure, HitRow, Looked, Slowest, Store};

use super::make::{P, Plain, Q, append, open, plain, small};

fn scope() -> ProjectScope {
    ProjectScope::granted(P, parse("-status:404").unwrap())
}

/// All hits, page by page, and the number of parts.
async fn paged(
    store: &Store,
    filter: &Filter,
    period: Period,
    size: usize,
) -> (Vec<HitRow>, usize) {
    let (mut all, mut after, mut parts) = (Vec::new(), None, 0);
    loop {
        let mut looked = Looked::default();
        let page = loop {
            let query =
                SlowestQuery { scope: scope(), period, filter: filter.clone(), after, limit: size };
            parts += 1;
            match store.slowest(query, looked).await.unwrap() {
                Slowest::Hits(hits) => break hits,
                Slowest::Looked(so_far) => looked = so_far,
            }
        };
        let Some(last) = page.last() else { return (all, parts) };
        after = Some((last.duration_us, last.time_us, last.hit_id));
        assert!(page.len() <= size);
        all.extend(page);
    }
}

async fn sorted(store: &Store, filter: &Filter, period: Period) -> Vec<HitRow> {
    let query = ArrivalQuery {
        scope: scope(),
        period,
        filter: filter.clone(),
        after: None,
        up_to: None,
        offset: 0,
        limit: 10_000,
    };
    let mut all = store.arrivals(query).await.unwrap();
    all.sort_by_key(|hit| Reverse((hit.duration_us, hit.time_us, hit.hit_id)));
    all
}

/// With few different durations and times.
fn tied(n: i64) -> Plain {
    let duration_us = (n % 5 != 0).then_some(n as u64 % 4 * 1_000);
    Plain { duration_us, time_us: plain(n / 3).time_us, ..plain(n) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn pages_by_duration_are_all_hits_sorted(
        batches in prop::collection::vec((0..400i64, 1..70i64, any::<bool>()), 1..7),
        size in 1..60usize,
        erased in 0..5u8,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let data = tempfile::tempdir().unwrap();
            let store = open(data.path(), small()).await;
            let mut rows = 0;
            for (from, count, ties) in batches {
                let hits: Vec<Plain> = (from..from + count).map(if ties { tied } else { plain }).collect();
                append(&store, P, &hits).await;
                append(&store, Q, &hits[..1]).await;
                rows += hits.len();
            }
            store.settle().await.unwrap();
            let some = Period { from_us: Some(plain(50).time_us), to_us: Some(plain(300).time_us) };
            for _ in 0..2 {
                for (q, period) in [
                    ("", Period::default()), ("", some), ("path:/items/3,/items/4", Period::default()), ("-duration:*", Period::default()),
                    ("duration:>1ms user:user-*", some), ("status:404", Period::default()),
                ] {
                    let filter = parse(q).unwrap();
                    let expected = sorted(&store, &filter, period).await;
                    let (found, parts) = paged(&store, &filter, period, size).await;
                    assert_eq!(found, expected, "{q}");
                    // A part scans 50 hits, or a few times as many if they are not spread evenly.
                    assert!(!q.is_empty() || period == some || parts > rows / 400, "{parts} of {rows}");
                }
                store.erase(Erasure::User(P, format!("user-{erased}"))).await.unwrap();
            }
        });
    }
}
