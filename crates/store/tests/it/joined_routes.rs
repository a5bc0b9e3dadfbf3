//! Routes that a rule of today joins or renames are counted, listed, filtered and named by what they become, in files that
//! still have them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use analytics::filter;
use analytics::grid::Grid;
use analytics::hit::{ProjectId, TextKind};
use analytics::period::parse_zone;
use analytics::query::{EndpointsQuery, HitsQuery, SumsQuery};
use analytics::ranking::Ranked;
use analytics::tally::{Dimension, Needs};
use store::{RouteRules, Store, StoreLimits};

use super::make::{P, Q, latest, on_any_disk, open, scope, small_but, until_sealed};
use super::rankings;
use super::sums::{DAY_US, START, Seen, all_panels, append, check, seen};

/// The rules that the owner decides on while files stay as they are. 0: nothing yet.
pub(super) struct Rules(pub AtomicU64);

pub(super) const NONE: u64 = 0;
pub(super) const JOINED: u64 = 1;
pub(super) const RENAMED: u64 = 2;

fn join(rules: u64, route: &str) -> Option<String> {
    let name = match rules {
        NONE => return None,
        JOINED => "slug",
        _ => "title",
    };
    let below = route.strip_prefix("/b/").filter(|word| *word != "kept")?;
    let rest = below.split_once('/').map_or(String::new(), |(_, rest)| format!("/{rest}"));
    Some(format!("/b/{{{name}}}{rest}"))
}

impl RouteRules for Rules {
    fn join(&self, project: ProjectId, route: &str) -> Option<String> {
        if project == P { join(self.version(), route) } else { None }
    }

    fn version(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn version_of(&self, project: ProjectId) -> u64 {
        if project == P { self.version() } else { 0 }
    }
}

/// Some routes become one that is there, one that is not, or nothing else.
pub(super) fn hits(count: u64) -> Vec<Seen> {
    let route = |n: u64| match n % 8 {
        0 => "/b/{slug}".to_owned(),
        1 => "/b/kept".to_owned(),
        2 => "/c".to_owned(),
        3 => format!("/b/{}/comments", n % 5),
        _ => format!("/b/{}", n * 7 % 40),
    };
    (0..count).map(|n| Seen { route: route(n), ..seen(n, 20 * DAY_US) }).collect()
}

pub(super) fn by(rules: u64, hits: &[Seen]) -> Vec<Seen> {
    let joined = |hit: &Seen| join(rules, &hit.route).unwrap_or_else(|| hit.route.clone());
    hits.iter().map(|hit| Seen { route: joined(hit), ..hit.clone() }).collect()
}

const FILTERS: [&str; 8] = [
    "",
    "status:5xx",
    "route:/b/{slug}",
    "-route:/b/{slug}",
    "route:/b/{title}",
    "route:/b/7",
    "-route:/b/*/comments",
    "route:/b/{*",
];

/// Whole files and parts of them.
fn grids() -> Vec<Grid> {
    let zone = parse_zone("UTC").unwrap();
    [(0, 20 * DAY_US + 1), (3 * DAY_US, 9 * DAY_US), (DAY_US / 3, 12 * DAY_US + DAY_US / 7)]
        .map(|(from, to)| Grid::over(START + from, START + to, &zone).unwrap())
        .to_vec()
}

async fn check_all(store: &Store, hits: &[Seen]) {
    for grid in grids() {
        for q in FILTERS {
            check(store, hits, &grid, q, "").await;
        }
        check(store, hits, &grid, "status:2xx", "route:/b/{slug}").await;
    }
    for q in FILTERS {
        let route = Ranked::Value(Dimension::Text(TextKind::Route));
        for of in [Ranked::Endpoints, route, Ranked::Value(Dimension::Country)] {
            for search in ["", "slug", "comments get"] {
                let query = rankings::query(of, (0, 20), q, "");
                let list = rankings::list(store, &query).await;
                rankings::check(&list, hits, &query, search);
            }
        }
        let query = HitsQuery { filter: filter::parse(q).unwrap(), ..latest(P, 1_000) };
        let found = store.hits(query.clone()).await.unwrap();
        let mut wanted: Vec<&Seen> =
            hits.iter().filter(|hit| filter::matches(&query.filter, *hit)).collect();
        wanted.sort_by_key(|hit| std::cmp::Reverse(hit.time_us));
        let of_found = found.iter().map(|hit| (hit.time_us, hit.text(TextKind::Route).to_string()));
        let of_wanted = wanted.iter().map(|hit| (hit.time_us, hit.route.clone()));
        let sorted = |pairs: &mut dyn Iterator<Item = (i64, String)>| {
            let mut pairs: Vec<_> = pairs.collect();
            pairs.sort();
            pairs
        };
        assert_eq!(sorted(&mut { of_found }), sorted(&mut { of_wanted }), "{q}");
    }
    let scopes = vec![scope(P)];
    let query = EndpointsQuery { scopes, from_us: START, to_us: START + 20 * DAY_US };
    let counts = store.endpoint_counts(query).await.unwrap();
    let mut names: Vec<String> =
        hits.iter().map(|hit| format!("{} {}", hit.method, hit.route)).collect();
    names.sort();
    let total: u64 = counts[&P].values().map(|counts| counts.requests).sum();
    assert_eq!(total, hits.len() as u64);
    names.dedup();
    assert_eq!(counts[&P].keys().cloned().collect::<Vec<_>>(), names);
    check_values(store, hits).await;
}

/// Values of the menu that begin with what was typed.
async fn check_values(store: &Store, hits: &[Seen]) {
    for prefix in ["", "/b/", "/b/7", "/b/{", "/c"] {
        let route = Dimension::Text(TextKind::Route);
        let query = SumsQuery {
            needs: Needs::default(),
            values: vec![route],
            prefix: prefix.to_owned(),
            ..all_panels(&grids()[0], "", "")
        };
        let total = store.sums(query).await.unwrap();
        let rows = &total.values[&route].rows;
        let mut found: Vec<(String, u64)> =
            rows.iter().map(|(name, count)| (name.to_string(), count.requests)).collect();
        found.sort();
        let mut wanted: Vec<(String, u64)> = Vec::new();
        let mut routes: Vec<&str> = hits.iter().map(|hit| hit.route.as_str()).collect();
        routes.sort_unstable();
        for group in routes.chunk_by(|one, other| one == other) {
            if group[0].starts_with(prefix) {
                wanted.push((group[0].to_owned(), group.len() as u64));
            }
        }
        assert_eq!(found, wanted, "{prefix}");
    }
}

async fn follow_rules(limits: StoreLimits, count: u64, is_sealed: bool) {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), limits).await;
    let rules = Arc::new(Rules(AtomicU64::new(NONE)));
    store.set_route_rules(rules.clone());
    let hits = hits(count);
    for some in hits.chunks(40) {
        append(&store, P, some).await;
    }
    append(&store, Q, &hits[..10]).await;
    store.settle().await.unwrap();
    if is_sealed {
        until_sealed(&store).await;
    }
    // Back to none in the end: the files have never changed.
    for decided in [NONE, JOINED, RENAMED, NONE] {
        rules.0.store(decided, Ordering::SeqCst);
        check_all(&store, &by(decided, &hits)).await;
    }
    store.close().await.unwrap();
}

/// Files with few hits for each statement, with rollups, which never change.
fn files() -> StoreLimits {
    small_but(|limits| {
        limits.merge_at = 1_000;
        limits.rollup_from = 0;
        limits.rolled_up_from = 0;
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_files_with_rollups_follow_the_rules() {
    follow_rules(files(), 330, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_files_without_rollups_follow_the_rules() {
    let mut limits = files();
    limits.duckdb.rollup_from = u64::MAX;
    follow_rules(limits, 330, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_active_file_follows_the_rules() {
    follow_rules(on_any_disk(Default::default()), 330, false).await;
}

/// Only the rows of a table are summed up, in a second scan.
#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_are_only_counted_follow_the_rules() {
    let mut limits = files();
    limits.tally.endpoints_summed = 3;
    follow_rules(limits, 330, true).await;
}

/// The identities of hits' consumers are kept apart from those of other texts, and routes go by today's rules there too.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_very_many_consumers_follow_the_rules() {
    let mut limits = files();
    // More than the joined endpoints, and less than the consumers.
    limits.tally.listed_whole = 9;
    limits.tally.listed_of_file = 5;
    limits.tally.listed_of_day = 5;
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), limits).await;
    let rules = Arc::new(Rules(AtomicU64::new(JOINED)));
    let mut hits = hits(330);
    // No two files have one of these in common.
    let unlike = (0..).zip(&mut hits).filter(|(n, _)| n % 8 > 3);
    unlike.for_each(|(n, hit)| hit.route = format!("/b/{n:03}"));
    for some in hits.chunks(110) {
        append(&store, P, some).await;
        store.settle().await.unwrap();
    }
    until_sealed(&store).await;
    store.set_route_rules(rules.clone());
    // The same hits are asked for one after the other, so that what is kept of their consumers suffices.
    for grid in grids() {
        for q in ["", "status:5xx", "method:GET"] {
            for decided in [JOINED, RENAMED, JOINED] {
                rules.0.store(decided, Ordering::SeqCst);
                check(&store, &by(decided, &hits), &grid, q, "").await;
            }
        }
    }
    store.close().await.unwrap();
}
