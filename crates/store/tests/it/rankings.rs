//! Lists over random hits, random seals and random questions: every row, in every order, equals a plain computation over the
//! same hits, while more of them arrive.

use std::collections::BTreeMap;

use analytics::filter::{self, Field, HitView};
use analytics::query::{ProjectScope, RankingQuery};
use analytics::ranking::{
    RANKING_SORTS, Ranked, RankedRow, Ranking, RankingLimits, RankingSort, SearchWords, View,
};
use analytics::tally::Dimension;
use analytics::{hit::TextKind, latency};
use proptest::prelude::*;
use store::{Erasure, Store, StoreLimits};

use super::make::{P, Q, open, small};
use super::sums::{DAY_US, FILTERS, START, Seen, append, rolled_up, seen};

pub(super) const LISTS: [Ranked; 8] = [
    Ranked::Endpoints,
    Ranked::Consumers,
    Ranked::Statuses,
    Ranked::Value(Dimension::Country),
    Ranked::Value(Dimension::Client),
    Ranked::Value(Dimension::Version),
    Ranked::Value(Dimension::Text(TextKind::Referrer)),
    Ranked::Value(Dimension::Text(TextKind::Path)),
];

const SEARCHES: [&str; 6] = ["", "THINGS1", "post v2", "USER-", "203.0 7", "nothing"];

pub(super) fn query(of: Ranked, days: (i64, i64), q: &str, locked: &str) -> RankingQuery {
    RankingQuery {
        scope: ProjectScope::granted(P, filter::parse(locked).unwrap()),
        // Every other period begins within a day, but rollups have whole days.
        from_us: START + days.0 * DAY_US + days.0 % 2 * DAY_US / 3,
        to_us: START + days.1 * DAY_US + 1,
        filter: filter::parse(q).unwrap(),
        of,
        addresses: true,
        search: SearchWords::default(),
    }
}

/// A row: its names as the list shows them, requests, errors, last, bucket of the 95th percentile.
type Plain = ((String, String), u64, u64, i64, Option<u16>);

fn name_of(hit: &Seen, of: Ranked) -> Option<(String, String)> {
    let alone = |text: &str| Some((String::new(), text.to_owned()));
    match of {
        Ranked::Endpoints => Some((hit.method.to_owned(), hit.route.clone())),
        Ranked::Consumers => match (hit.user.as_str(), hit.address.as_str()) {
            ("", "") => None,
            ("", address) => Some(("a".to_owned(), address.to_owned())),
            (user, _) => Some(("u".to_owned(), user.to_owned())),
        },
        Ranked::Statuses => alone(&hit.status.to_string()),
        Ranked::Value(Dimension::Country) => alone(hit.text(Field::Country)),
        Ranked::Value(Dimension::Client) => alone(hit.text(Field::Client)),
        Ranked::Value(Dimension::Os) => alone(hit.text(Field::Os)),
        Ranked::Value(Dimension::Device) => alone(hit.text(Field::Device)),
        Ranked::Value(Dimension::Version) => alone(hit.text(Field::Version)),
        Ranked::Value(Dimension::Text(TextKind::Referrer)) => alone(hit.text(Field::Referrer)),
        Ranked::Value(Dimension::Text(TextKind::Path)) => alone(hit.text(Field::Path)),
        Ranked::Value(Dimension::Text(TextKind::Route)) => alone(&hit.route),
        Ranked::Value(other) => panic!("{other:?} is not asked for here"),
    }
}

fn expected(hits: &[Seen], query: &RankingQuery, view: &View, search: &str) -> Vec<Plain> {
    let filters = [&query.filter, query.scope.locked()];
    let mut rows: BTreeMap<(String, String), Vec<&Seen>> = BTreeMap::new();
    for hit in hits {
        let is_in = (query.from_us..query.to_us).contains(&hit.time_us)
            && filters.iter().all(|filter| filter::matches(filter, hit));
        if let (true, Some(name)) = (is_in, name_of(hit, query.of)) {
            rows.entry(name).or_default().push(hit);
        }
    }
    let search = search.to_lowercase();
    let mut rows: Vec<Plain> = rows
        .into_iter()
        .filter(|((first, second), _)| {
            let shown = if query.of == Ranked::Consumers { "" } else { first };
            let text = format!("{shown} {second}").to_lowercase();
            search.split_whitespace().all(|word| text.contains(word))
        })
        .map(|(name, hits)| {
            let errors = hits.iter().filter(|hit| hit.status >= 400).count() as u64;
            let last = hits.iter().map(|hit| hit.time_us).max().unwrap();
            let mut durations: Vec<u16> =
                hits.iter().filter_map(|hit| hit.duration_us).map(latency::bucket).collect();
            durations.sort_unstable();
            let rank = ((0.95 * durations.len() as f64).ceil() as usize).max(1);
            let p95 = durations.get(rank - 1).copied();
            (name, hits.len() as u64, errors, last, p95)
        })
        .collect();
    let by_name = |row: &Plain| {
        let (first, second) = row.0.clone();
        if query.of == Ranked::Consumers { (first, second) } else { (second, first) }
    };
    rows.sort_by_key(|row| (std::cmp::Reverse(row.1), by_name(row)));
    let value = |row: &Plain| match view.sort {
        RankingSort::Requests => Some(row.1 as f64),
        RankingSort::ErrorRate => Some(row.2 as f64 / row.1 as f64),
        RankingSort::P95 => row.4.map(f64::from),
        RankingSort::LastSeen => Some(row.3 as f64),
        _ => None,
    };
    if view.sort == RankingSort::Name {
        rows.sort_by_key(by_name);
        if !view.ascending {
            rows.reverse();
        }
    } else {
        rows.sort_by(|one, other| match (value(one), value(other)) {
            (Some(one), Some(other)) if view.ascending => one.total_cmp(&other),
            (Some(one), Some(other)) => other.total_cmp(&one),
            (one, other) => other.is_some().cmp(&one.is_some()),
        });
    }
    rows
}

/// The rows of a view, in the form of `expected`.
fn found(ranking: &Ranking, view: &View) -> Vec<Plain> {
    let time = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    let bucket = |ms: Option<f64>| ms.map(|ms| latency::bucket((ms * 1_000.0).round() as u64));
    let order = ranking.order(view);
    let rows = order.iter().map(|at| match ranking.row(*at) {
        RankedRow::Endpoint(row) => (
            (row.method, row.route),
            row.requests,
            row.client_errors + row.server_errors,
            time(&row.last_seen),
            bucket(row.p95_ms),
        ),
        RankedRow::Consumer(row) => (
            (row.key[..1].to_owned(), format!("{}{}", row.user, row.address)),
            row.requests,
            row.client_errors + row.server_errors,
            time(&row.last_seen),
            bucket(row.p95_ms),
        ),
        RankedRow::Value(row) => ((String::new(), row.key), row.requests, row.errors, 0, None),
    });
    rows.collect::<Vec<_>>()
}

pub(super) fn check(ranking: &Ranking, hits: &[Seen], query: &RankingQuery, search: &str) {
    assert!(ranking.is_complete());
    let sorts = RANKING_SORTS.iter().map(|(_, sort)| *sort).filter(|sort| {
        query.of.has_sort(*sort) && !matches!(sort, RankingSort::P50 | RankingSort::P99)
    });
    for (sort, ascending) in sorts.flat_map(|sort| [(sort, false), (sort, true)]) {
        let view = View { search: SearchWords::parse(search).unwrap(), sort, ascending };
        let wanted = expected(hits, query, &view, search);
        let found = found(ranking, &view);
        assert_eq!(found.len(), wanted.len(), "{query:?} {view:?}");
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_eq!((&found.0, found.1, found.2), (&wanted.0, wanted.1, wanted.2), "{view:?}");
            if query.of.is_detailed() {
                assert_eq!(found.3, wanted.3, "{view:?}");
                // Durations are shown to four digits, which may be the next bucket.
                let (found, wanted) = (found.4, wanted.4);
                let is_near = found.zip(wanted).is_none_or(|(one, other)| one.abs_diff(other) <= 1);
                assert!(found.is_some() == wanted.is_some() && is_near, "{found:?} {wanted:?}");
            }
        }
    }
}

pub(super) async fn list(store: &Store, query: &RankingQuery) -> std::sync::Arc<Ranking> {
    store.ranking(query.clone()).await.unwrap().1
}

proptest! {
    #![proptest_config(ProptestConfig { cases: super::sums::cases(), max_shrink_iters: 30, ..ProptestConfig::default() })]

    #[test]
    fn lists_are_those_of_a_plain_computation_while_hits_arrive(
        batches in prop::collection::vec((0..1_000u64, 1..70u64), 2..9),
        days in 1..14i64,
        from_rollups in any::<bool>(),
        erase in prop::option::of(0..5u8),
        questions in prop::collection::vec(
            (
                prop::sample::select(&LISTS[..]),
                (0..6i64, 1..14i64),
                prop::sample::select(&FILTERS[..]),
                prop_oneof![3 => Just(""), 1 => prop::sample::select(&FILTERS[..])],
                prop::sample::select(&SEARCHES[..]),
            ),
            6,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let data = tempfile::tempdir().unwrap();
            let limits = if from_rollups { rolled_up() } else { small() };
            let store = open(data.path(), limits).await;
            let mut hits = Vec::new();
            let (last, first) = batches.split_last().unwrap();
            let of_batch = |(from, count): (u64, u64)| (from..from + count).map(|n| seen(n, days * DAY_US)).collect::<Vec<_>>();
            for batch in first {
                let batch = of_batch(*batch);
                append(&store, P, &batch).await;
                // Another project's hits must not be listed.
                append(&store, Q, &batch[..1]).await;
                hits.extend(batch);
                store.settle().await.unwrap();
            }
            if let Some(n) = erase {
                let user = format!("user-{n}");
                store.erase(Erasure::User(P, user.clone())).await.unwrap();
                hits.retain(|hit| hit.user != user);
            }
            let mut before = Vec::new();
            for (of, (from, length), q, locked, search) in &questions {
                let query = query(*of, (*from, from + length), q, locked);
                let (version, ranking) = store.ranking(query.clone()).await.unwrap();
                check(&ranking, &hits, &query, search);
                before.push((query, version, *search));
            }
            let more = of_batch(*last);
            append(&store, P, &more).await;
            store.settle().await.unwrap();
            let all: Vec<Seen> = hits.iter().chain(&more).cloned().collect();
            for (query, version, search) in &before {
                // Pages of a requested list are from its moment, a new list has all.
                let kept = store.kept_ranking(query, *version).expect("it is kept");
                check(&kept, &hits, query, search);
                check(&*list(&store, query).await, &all, query, search);
            }
            store.close().await.unwrap();
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_lets_go_of_lists_that_were_kept() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    let hits: Vec<Seen> = (0..200).map(|n| seen(n, DAY_US)).collect();
    append(&store, P, &hits).await;
    store.settle().await.unwrap();
    let query = query(Ranked::Consumers, (0, 1), "", "");
    let (version, _) = store.ranking(query.clone()).await.unwrap();
    assert!(store.kept_ranking(&query, version).is_some());
    store.erase(Erasure::User(P, "user-1".into())).await.unwrap();
    assert!(store.kept_ranking(&query, version).is_none());
    let names = found(&*list(&store, &query).await, &View::default());
    assert!(names.iter().all(|((_, name), ..)| name != "user-1") && !names.is_empty());
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_rows_the_busiest_are_listed_and_a_search_finds_all_others() {
    let data = tempfile::tempdir().unwrap();
    let ranking = RankingLimits { rows: 6, ..RankingLimits::default() };
    let store = open(data.path(), StoreLimits { ranking, ..small() }).await;
    let hits: Vec<Seen> = (0..600).map(|n| seen(n, DAY_US)).collect();
    append(&store, P, &hits).await;
    store.settle().await.unwrap();
    for of in [Ranked::Endpoints, Ranked::Consumers, Ranked::Value(Dimension::Text(TextKind::Path))]
    {
        let whole = query(of, (0, 1), "", "");
        let list = list(&store, &whole).await;
        let wanted = expected(&hits, &whole, &View::default(), "");
        assert!(!list.is_complete() && list.all().count.count == wanted.len() as u64);
        assert!(list.all().missing_up_to > 0);
        let search = match of {
            Ranked::Endpoints => "post THINGS1",
            Ranked::Consumers => "user-",
            _ => "v1/things1/3",
        };
        let words = SearchWords::parse(search).unwrap();
        let narrowed = RankingQuery { search: words, ..whole.clone() };
        check(&*self::list(&store, &narrowed).await, &hits, &whole, search);
    }
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_left_out_for_those_who_may_not_see_them() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    let hits: Vec<Seen> = (0..100).map(|n| seen(n, DAY_US)).collect();
    append(&store, P, &hits).await;
    store.settle().await.unwrap();
    let all = query(Ranked::Consumers, (0, 1), "", "");
    let kinds = |rows: Vec<Plain>| rows.into_iter().map(|row| row.0.0).collect::<Vec<_>>();
    assert!(kinds(found(&*list(&store, &all).await, &View::default())).contains(&"a".to_owned()));
    let users = RankingQuery { addresses: false, ..all };
    let kinds = kinds(found(&*list(&store, &users).await, &View::default()));
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| kind == "u"));
    store.close().await.unwrap();
}
