//! Made-up endpoints and consumers, before and after: the differences that are reported, and those that are not.

use std::sync::Arc;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::grid::Grid;
use crate::latency::bucket;
use crate::tally::DistinctCount;

fn endpoint(route: &str, requests: u64, server_errors: u64, ms: &[(u64, u64)]) -> Endpoint {
    let mut latency = Histogram::default();
    ms.iter().for_each(|(ms, count)| latency.add(bucket(ms * 1_000), *count));
    Endpoint {
        method: Arc::from("GET"),
        route: Arc::from(route),
        requests,
        server_errors,
        latency,
        ..Endpoint::default()
    }
}

fn listing<T>(rows: Vec<T>) -> Listing<T> {
    let count = DistinctCount { count: rows.len() as u64, about: false };
    Listing { rows, count, ..Listing::default() }
}

fn consumer(user: &str, requests: u64) -> Consumer {
    Consumer { user: user.into(), requests, ..Consumer::default() }
}

/// All requests with status 200.
fn total(requests: u64, consumers: Vec<Consumer>) -> Total {
    let mut total = Total::new(Grid::whole(0, 1, &TimeZone::UTC));
    total.statuses.insert(200, requests);
    total.consumers = listing(consumers);
    total
}

/// The verdict of one endpoint, by (requests, server errors) of both sides.
fn verdict(before: (u64, u64), after: (u64, u64)) -> Option<Verdict> {
    let side = |(requests, errors)| listing(vec![endpoint("/a", requests, errors, &[])]);
    compare_endpoints(&side(before), &side(after)).first().map(|change| change.verdict)
}

#[test]
fn an_endpoint_fails_more_where_it_is_no_chance() {
    assert_eq!(verdict((10_000, 20), (1_204, 49)), Some(Verdict::FailsMore));
    assert_eq!(verdict((1_204, 49), (10_000, 20)), Some(Verdict::FailsLess));
    // Twice as many errors, but so few that it is chance.
    assert_eq!(verdict((100, 4), (100, 8)), Some(Verdict::Steady));
    assert_eq!(verdict((10_000, 400), (10_000, 800)), Some(Verdict::FailsMore));
    // Not chance, but too small to report.
    assert_eq!(verdict((10_000_000, 1_000), (10_000_000, 90_000)), Some(Verdict::Steady));
    // Too few requests, or too few errors.
    assert_eq!(verdict((29, 0), (10_000, 5_000)), None);
    assert_eq!(verdict((10_000, 0), (29, 29)), None);
    assert_eq!(verdict((10_000, 0), (30, 4)), Some(Verdict::Steady));
}

#[test]
fn a_new_endpoint_is_news_where_it_fails_and_the_list_before_had_all() {
    let after = listing(vec![endpoint("/new", 60, 30, &[]), endpoint("/fine", 60, 0, &[])]);
    let mut before = listing(vec![endpoint("/old", 900, 0, &[])]);
    let changes = compare_endpoints(&before, &after);
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].route.as_str(), changes[0].before.requests), ("/new", 0));
    before.missing_up_to = 3;
    assert_eq!(compare_endpoints(&before, &after), []);
    let mut cut = listing(vec![endpoint("/old", 900, 0, &[])]);
    cut.count.count = 2;
    assert_eq!(compare_endpoints(&cut, &after), []);
}

#[test]
fn an_endpoint_is_slower_where_more_requests_than_before_are_above_its_percentile() {
    let verdict = |before: &[(u64, u64)], after: &[(u64, u64)]| {
        let side = |ms: &[(u64, u64)]| listing(vec![endpoint("/a", 1_000, 0, ms)]);
        compare_endpoints(&side(before), &side(after))[0].verdict
    };
    let usual = [(20, 900), (100, 100)];
    assert_eq!(verdict(&usual, &[(20, 500), (200, 500)]), Verdict::Slower);
    assert_eq!(verdict(&[(20, 500), (200, 500)], &usual), Verdict::Faster);
    assert_eq!(verdict(&usual, &[(20, 940), (200, 60)]), Verdict::Slower);
    let few = [(20, 90), (100, 10)];
    assert_eq!(verdict(&few, &[(20, 94), (200, 6)]), Verdict::Steady, "that may be chance");
    assert_eq!(verdict(&usual, &[(20, 9), (200, 20)]), Verdict::Steady, "too few");
    assert_eq!(verdict(&[(1, 1_000)], &[(8, 1_000)]), Verdict::Steady, "7 ms are no news");
    assert_eq!(verdict(&[(100, 1_000)], &[(120, 1_000)]), Verdict::Steady, "nor is a fifth");
}

#[test]
fn the_worst_is_first_and_the_best_is_last() {
    let fine = [(20, 1_000)];
    let slow = [(500, 1_000)];
    let before = listing(vec![
        endpoint("/better", 1_000, 300, &fine),
        endpoint("/steady", 1_000, 0, &fine),
        endpoint("/slower", 1_000, 0, &fine),
        endpoint("/fails", 1_000, 0, &fine),
        endpoint("/fails-most", 1_000, 0, &fine),
    ]);
    let after = listing(vec![
        endpoint("/better", 1_000, 0, &fine),
        endpoint("/steady", 1_000, 0, &fine),
        endpoint("/slower", 1_000, 0, &slow),
        endpoint("/fails", 1_000, 50, &slow),
        endpoint("/fails-most", 1_000, 400, &fine),
    ]);
    let changes = compare_endpoints(&before, &after);
    let routes: Vec<&str> = changes.iter().map(|change| change.route.as_str()).collect();
    assert_eq!(routes, ["/fails-most", "/fails", "/slower", "/steady", "/better"]);
    assert_eq!(changes[2].before.p95_ms.map(f64::round), Some(20.0));
}

#[test]
fn a_consumer_is_quiet_that_had_called_regularly_and_hardly_calls_now() {
    let before = total(
        1_000,
        vec![consumer("gone", 300), consumer("stays", 500), consumer("few", 49), consumer("b", 90)],
    );
    let after = total(900, vec![consumer("stays", 700), consumer("b", 4)]);
    let found = quiet(&before, &after);
    let named: Vec<(&str, u64, u64)> =
        found.iter().map(|row| (row.key.as_str(), row.before, row.after)).collect();
    assert_eq!(named, [("u:gone", 300, 0), ("u:b", 90, 4)]);

    let part = |names: &[&str]| total(9, names.iter().map(|name| consumer(name, 9)).collect());
    let parts = [part(&["gone"]), part(&["gone", "b"]), part(&["gone"]), part(&[])];
    let kept = regular(found, &parts);
    assert_eq!(kept.len(), 1, "the other had one burst");
    assert_eq!(kept[0].user, "gone");
}

#[test]
fn where_all_calls_stop_nobody_is_quiet() {
    let before = total(1_000, vec![consumer("a", 500), consumer("b", 500)]);
    assert_eq!(quiet(&before, &total(0, vec![])), []);
    assert_eq!(quiet(&before, &total(40, vec![consumer("a", 40)])), []);
    assert_eq!(quiet(&before, &total(900, vec![consumer("a", 900)])).len(), 1);
}

#[test]
fn a_consumer_that_a_list_may_lack_is_neither_quiet_nor_new() {
    let before = total(1_000, vec![consumer("a", 500), consumer("b", 500)]);
    let mut after = total(1_000, vec![consumer("a", 500), consumer("c", 500)]);
    assert_eq!((quiet(&before, &after).len(), appeared(&before, &after).len()), (1, 1));
    after.consumers.missing_up_to = 20;
    let found = quiet(&before, &after);
    assert_eq!((found[0].after, found[0].at_most), (20, true));
    after.consumers.missing_up_to = 26;
    assert_eq!(quiet(&before, &after), []);

    let mut cut = before.clone();
    cut.consumers.count.count = 3;
    assert_eq!(appeared(&cut, &after), [], "one with up to 500 requests may not be listed");
    cut.consumers.rows[1].requests = 25;
    let found = appeared(&cut, &after);
    assert_eq!((found[0].user.as_str(), found[0].before, found[0].at_most), ("c", 25, true));
    cut.consumers.rows[1].requests = 26;
    assert_eq!(appeared(&cut, &after), []);
    assert_eq!(appeared(&total(0, vec![]), &after), [], "everything is new at first");
    let crowd = total(100_000, vec![consumer("c", 500)]);
    assert_eq!(appeared(&before, &crowd), [], "one of very many");
}

#[test]
fn each_kind_has_two_rows_before_one_has_more() {
    let failing = |n: usize, verdict| -> Vec<EndpointChange> {
        let change = |n: usize| EndpointChange {
            method: "GET".into(),
            route: format!("/{n}"),
            verdict,
            before: EndpointNumbers::default(),
            after: EndpointNumbers::default(),
            touched: 0.0,
        };
        (0..n).map(change).collect()
    };
    let consumers = |n: usize, news| -> Vec<ConsumerChange> {
        (0..n).map(|n| to_change(&consumer(&n.to_string(), 60), news, 60, 0, false)).collect()
    };
    let count = |f: usize, s: usize, q: usize, a: usize| -> [usize; 4] {
        let mut endpoints = failing(f, Verdict::FailsMore);
        endpoints.extend(failing(s, Verdict::Slower));
        endpoints.extend(failing(9, Verdict::Steady));
        endpoints.extend(failing(9, Verdict::FailsLess));
        let mut counts = [0; 4];
        let quiet = consumers(q, ConsumerNews::Quiet);
        for change in choose(endpoints, quiet, consumers(a, ConsumerNews::Appeared)) {
            let kind = match change {
                Change::Endpoint(EndpointChange { verdict: Verdict::FailsMore, .. }) => 0,
                Change::Endpoint(EndpointChange { verdict: Verdict::Slower, .. }) => 1,
                Change::Consumer(ConsumerChange { news: ConsumerNews::Quiet, .. }) => 2,
                Change::Consumer(_) => 3,
                Change::Endpoint(_) => panic!("neither worse nor slower"),
            };
            counts[kind] += 1;
        }
        counts
    };
    assert_eq!(count(0, 0, 0, 0), [0; 4]);
    assert_eq!(count(9, 9, 9, 9), [2, 2, 1, 0]);
    assert_eq!(count(9, 0, 0, 1), [4, 0, 0, 1]);
    assert_eq!(count(1, 0, 9, 9), [1, 0, 2, 2]);
    assert_eq!(count(0, 9, 0, 0), [0, 5, 0, 0]);
}

/// Two samples of the same coin, `n` throws each: the largest score of `pairs` pairs.
fn largest_score(pairs: u64, n: u64, mut random: u64) -> f64 {
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) as f64 / f64::from(1u32 << 31)
    };
    let mut most: f64 = 0.0;
    for _ in 0..pairs {
        let mut throw = |n: u64| (0..n).filter(|_| next() < 0.1).count() as u64;
        let (one, other) = (throw(n), throw(n));
        most = most.max(score((one, n), (other, n)));
    }
    most
}

#[test]
fn chance_alone_hardly_ever_reaches_the_score() {
    let largest = largest_score(2_000, 400, 7);
    assert!((2.5..SCORE).contains(&largest), "{largest}");
    assert!(score((40, 400), (120, 400)) > SCORE);
}

proptest! {
    #[test]
    fn what_is_worse_one_way_is_better_the_other(
        n1 in 50u64..100_000, n2 in 50u64..100_000, e1 in 0.0..1.0f64, e2 in 0.0..1.0f64,
    ) {
        let side = |n: u64, share: f64| (n, (n as f64 * share) as u64);
        let there = verdict(side(n1, e1), side(n2, e2));
        let back = verdict(side(n2, e2), side(n1, e1));
        let mirrored = match there {
            Some(Verdict::FailsMore) => Some(Verdict::FailsLess),
            Some(Verdict::FailsLess) => Some(Verdict::FailsMore),
            other => other,
        };
        prop_assert_eq!(back, mirrored);
        // It never contradicts the shares themselves.
        if there == Some(Verdict::FailsMore) {
            prop_assert!(side(n2, e2).1 as f64 / n2 as f64 > side(n1, e1).1 as f64 / n1 as f64);
        }
    }

    #[test]
    fn at_most_five_rows_are_chosen_and_all_where_there_are_fewer(
        f in 0usize..8, s in 0usize..8, q in 0usize..8, a in 0usize..8,
    ) {
        let change = |verdict| move |n: usize| EndpointChange {
            method: "GET".into(), route: format!("/{n}"), verdict,
            before: EndpointNumbers::default(), after: EndpointNumbers::default(), touched: 0.0,
        };
        let endpoints = (0..f).map(change(Verdict::FailsMore)).chain((0..s).map(change(Verdict::Slower)));
        let named = |news| move |n: usize| to_change(&consumer(&n.to_string(), 60), news, 60, 0, false);
        let chosen = choose(
            endpoints.collect(),
            (0..q).map(named(ConsumerNews::Quiet)).collect(),
            (0..a).map(named(ConsumerNews::Appeared)).collect(),
        );
        prop_assert_eq!(chosen.len(), (f + s + q + a).min(5));
    }
}
