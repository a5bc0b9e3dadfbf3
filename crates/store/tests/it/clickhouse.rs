//! Both engines get the same batches and the same questions, and give the same answers.

#[path = "clickhouse/busiest.rs"]
mod busiest;
#[path = "clickhouse/front.rs"]
#[expect(dead_code, reason = "tests of the server need the rest")]
mod front;
#[path = "clickhouse/known.rs"]
mod known;
#[path = "clickhouse/moving.rs"]
mod moving;
#[path = "clickhouse/node.rs"]
mod node;
#[path = "clickhouse/outdated_routes.rs"]
mod outdated_routes;
#[path = "clickhouse/ring.rs"]
mod ring;
#[path = "clickhouse/rollups.rs"]
mod rollups;

use analytics::filter::{self, Filter};
use analytics::grid::Grid;
use analytics::hit::ProjectId;
use analytics::period::{Period, parse_zone};
use analytics::query::{
    ArrivalQuery, CellsQuery, EndpointsQuery, HitsQuery, PresenceQuery, ProjectScope, RankingQuery,
    SlowestQuery, SumsQuery,
};
use analytics::ranking::{RANKING_SORTS, RankingLimits, SearchWords, View};
use analytics::tally::{Needs, Sort, TallyLimits, Top};
use proptest::prelude::*;
use serde_json::Value as Json;
use store::{Append, ClickHouseLimits, Erasure, Looked, Slowest, Store, StoreLimits};

use super::make::{P, Q, small};
use super::rankings::LISTS;
use super::sums::{
    DAY_US, Question, START, Seen, all_panels, answers_from, question, seen, to_batch,
};

const MINUTE_US: i64 = 60_000_000;

/// The same hits in both engines.
struct Both {
    duckdb: Store,
    clickhouse: Store,
    _data: [tempfile::TempDir; 2],
}

impl Both {
    async fn open(tally: TallyLimits) -> Both {
        Both::open_at(tally, &front::place()).await
    }

    async fn open_at(tally: TallyLimits, place: &store::ClickHousePlace) -> Both {
        let data = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        // So that a day of a few hits has a list.
        let clickhouse =
            ClickHouseLimits { busiest_from: 10, busiest_worth: 0, ..ClickHouseLimits::default() };
        let limits = StoreLimits { tally, clickhouse, ..small() };
        Both {
            duckdb: super::make::open(data[0].path(), limits.clone()).await,
            clickhouse: front::open_in(data[1].path(), 0, place, limits).await.unwrap(),
            _data: data,
        }
    }

    async fn append(&self, project: ProjectId, hits: &[Seen]) {
        for store in [&self.duckdb, &self.clickhouse] {
            store.append(append(project, hits)).await.unwrap();
            store.settle().await.unwrap();
        }
    }

    async fn erase(&self, erasure: &Erasure) {
        let erased = self.clickhouse.erase(erasure.clone()).await.unwrap();
        assert_eq!(self.duckdb.erase(erasure.clone()).await.unwrap(), erased, "{erasure:?}");
    }

    async fn close(&self) {
        self.duckdb.close().await.unwrap();
        self.clickhouse.close().await.unwrap();
    }

    async fn compare_sums(&self, query: &SumsQuery) {
        // Of rows with equally many hits either may be the last, so all are asked for.
        let query = &SumsQuery { top: Top { rows: 5_000, ..query.top }, ..query.clone() };
        let wanted = answers_from(&self.duckdb.sums(query.clone()).await.unwrap());
        let found = answers_from(&self.clickhouse.sums(query.clone()).await.unwrap());
        assert_eq!(found.len(), wanted.len());
        for (panel, wanted) in &wanted {
            let (q, locked) = (&query.filter, query.scope.locked());
            if let Some(difference) = difference(panel, &found[panel], wanted) {
                panic!("{difference}, of {q:?} {locked:?} {:?}", query.grid.step);
            }
        }
    }

    async fn compare_lists(&self, q: &str, locked: &str, period: Period, page: usize) {
        let scope = ProjectScope::granted(P, filter::parse(locked).unwrap());
        let filter = filter::parse(q).unwrap();
        let mut after = None;
        for _ in 0..3 {
            let query = HitsQuery {
                scope: scope.clone(),
                period,
                filter: filter.clone(),
                after,
                limit: page,
            };
            let wanted = self.duckdb.hits(query.clone()).await.unwrap();
            assert_eq!(self.clickhouse.hits(query.clone()).await.unwrap(), wanted, "{q}");
            let Some(last) = wanted.last() else { break };
            // Who reads the hits later asks for none in full.
            let none = self.clickhouse.part_of_hits(query, 0).await.unwrap();
            assert_eq!((none.hits.len(), none.found.total()), (0, wanted.len()));
            after = Some((last.time_us, last.hit_id));
        }
        let mut after = None;
        for offset in [0, 2, 0] {
            let query = ArrivalQuery {
                scope: scope.clone(),
                period,
                filter: filter.clone(),
                after,
                up_to: None,
                offset,
                limit: page,
            };
            let wanted = self.duckdb.arrivals(query.clone()).await.unwrap();
            assert_eq!(self.clickhouse.arrivals(query).await.unwrap(), wanted, "{q}");
            let Some(last) = wanted.last() else { break };
            after = Some(last.hit_id);
        }
        let mut after = None;
        // The hits without a duration come last, so all pages are read.
        for _ in 0..8 {
            let query = SlowestQuery {
                scope: scope.clone(),
                period,
                filter: filter.clone(),
                after,
                limit: 3 * page,
            };
            let wanted = slowest(&self.duckdb, &query).await;
            assert_eq!(slowest(&self.clickhouse, &query).await, wanted, "{q}");
            let Some(last) = wanted.last() else { break };
            after = Some((last.duration_us, last.time_us, last.hit_id));
        }
    }

    async fn compare_rankings(&self, q: &str, locked: &str, (from_us, to_us): (i64, i64)) {
        for of in LISTS {
            let query = RankingQuery {
                scope: ProjectScope::granted(P, filter::parse(locked).unwrap()),
                from_us,
                to_us,
                filter: filter::parse(q).unwrap(),
                of,
                addresses: true,
                search: SearchWords::default(),
            };
            let (_, wanted) = self.duckdb.ranking(query.clone()).await.unwrap();
            let (_, found) = self.clickhouse.ranking(query.clone()).await.unwrap();
            for (_, sort) in RANKING_SORTS.into_iter().filter(|(_, sort)| of.has_sort(*sort)) {
                let view = View { sort, ..View::default() };
                let rows = |ranking: &analytics::ranking::Ranking| -> Vec<String> {
                    let order = ranking.order(&view);
                    order.iter().map(|at| format!("{:?}", ranking.row(*at))).collect()
                };
                assert_eq!(rows(&found), rows(&wanted), "{query:?}");
            }
        }
    }

    /// The questions of alert rules.
    async fn compare_windows(&self, from_us: i64, to_us: i64) {
        let whole = |project| ProjectScope::granted(project, Filter::default());
        let locked = ProjectScope::granted(Q, filter::parse("status:404").unwrap());
        for scopes in [vec![whole(P), whole(Q)], vec![whole(P), locked], Vec::new()] {
            let query = CellsQuery { scopes: scopes.clone(), from_us, to_us, cell_us: MINUTE_US };
            let wanted = self.duckdb.cells(query.clone()).await.unwrap();
            assert_eq!(self.clickhouse.cells(query).await.unwrap(), wanted);
            let query = EndpointsQuery { scopes, from_us, to_us };
            let wanted = self.duckdb.endpoint_counts(query.clone()).await.unwrap();
            assert_eq!(self.clickhouse.endpoint_counts(query).await.unwrap(), wanted);
        }
        let names = ["user-1", "user-3", "203.0.113.2", "nobody"].map(str::to_owned).to_vec();
        let consumers = vec![(whole(P), names.clone()), (whole(Q), names[1..].to_vec())];
        let query = PresenceQuery { consumers, from_us, to_us };
        let wanted = self.duckdb.presences(query.clone()).await.unwrap();
        assert_eq!(self.clickhouse.presences(query).await.unwrap(), wanted);
        let scope = whole(P);
        let wanted = self.duckdb.extent(&scope).await.unwrap();
        assert_eq!(self.clickhouse.extent(&scope).await.unwrap(), wanted);
    }

    async fn compare(&self, questions: &[Question]) {
        for question in questions {
            let (from, to) = question.quarters;
            let at = |quarter: i64| START + quarter * 15 * MINUTE_US + question.off_us;
            let tz = parse_zone(question.tz).unwrap();
            let grid = Grid::over(at(from), at(to), &tz).unwrap();
            self.compare_sums(&all_panels(&grid, question.q, question.locked)).await;
            let period = Period { from_us: Some(at(from)), to_us: Some(at(to)) };
            self.compare_lists(question.q, question.locked, period, 7).await;
            self.compare_rankings(question.q, question.locked, (at(from), at(to))).await;
        }
        self.compare_windows(START, START + 3 * DAY_US).await;
    }
}

fn append(project: ProjectId, hits: &[Seen]) -> Append {
    Append {
        project,
        batch: to_batch(hits),
        batch_hash: None,
        rejected: Vec::new(),
        rejected_total: 0,
    }
}

/// The first difference of two answers.
fn difference(at: &str, found: &Json, wanted: &Json) -> Option<String> {
    match (found, wanted) {
        (Json::Object(found), Json::Object(wanted))
            if found.len() == wanted.len() && !found.contains_key("requests") =>
        {
            let mut keys = wanted.keys();
            keys.find_map(|key| difference(&format!("{at}.{key}"), found.get(key)?, &wanted[key]))
        }
        (Json::Array(found), Json::Array(wanted)) if found.len() == wanted.len() => {
            let mut pairs = (0..).zip(found.iter().zip(wanted));
            pairs.find_map(|(n, (found, wanted))| difference(&format!("{at}[{n}]"), found, wanted))
        }
        _ => (found != wanted).then(|| format!("{at}: {found}, and not {wanted}")),
    }
}

async fn slowest(store: &Store, query: &SlowestQuery) -> Vec<store::HitRow> {
    let mut looked = Looked::default();
    loop {
        match store.slowest(query.clone(), looked).await.unwrap() {
            Slowest::Hits(hits) => return hits,
            Slowest::Looked(next) => looked = next,
        }
    }
}

/// A public API's hit: a caller and a path each, in signs that a statement, a pattern or an address could stumble over.
fn unlike_others(n: u64, spread_us: i64) -> Seen {
    let address = match n % 5 {
        0 => String::new(),
        1 => format!("2001:db8::{:x}:0:0:{:x}", n % 7, n % 3),
        2 => format!("::{:x}", n % 4),
        3 => format!("odd {n}"),
        _ => format!("198.51.{}.{}", n % 3, n % 251),
    };
    let odd = ["%", "_", "\\", "'", "\t", "\n", "ü", "?", "{p0:String}"][n as usize % 9];
    Seen {
        user: if n.is_multiple_of(3) { format!("user {odd}{n}") } else { String::new() },
        address,
        path: format!("/a{odd}b/{n}"),
        route: format!("/a{odd}b/{}", n % 50),
        ..seen(n, spread_us)
    }
}

/// Beside the usual filters, those for signs with a meaning in SQL and in patterns.
const ODD_FILTERS: [&str; 12] = [
    r#"path:"/a%b/1","/a'b/3""#,
    r"path:/a%b/*",
    r"path:/a_b/*",
    r"path:/a\\b/*",
    r#"-path:*?b/* user:"user '3""#,
    "address:198.51.0.*,::1",
    "address:\"\"",
    "-address:2001:db8::*",
    "consumer:a:198.51.1.*",
    "-consumer:u:user*",
    "request_size:\"\" response_size:*",
    "-duration:0..2ms -status:200,404",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: super::sums::cases().div_ceil(5), max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn both_engines_give_the_same_answers(
        batches in prop::collection::vec((0..1_000u64, 1..120u64, any::<bool>()), 1..7),
        days in 1..14i64,
        erase in prop::option::of(0..5u8),
        derive in any::<bool>(),
        questions in prop::collection::vec(question(), 2),
        odd in prop::sample::select(&ODD_FILTERS[..]),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let both = Both::open(TallyLimits::default()).await;
            for (from, count, unlike) in &batches {
                let hit = |n| if *unlike { unlike_others(n, days * DAY_US) } else { seen(n, days * DAY_US) };
                let batch: Vec<Seen> = (*from..from + count).map(hit).collect();
                both.append(P, &batch).await;
                both.append(Q, &batch[..1]).await;
                if derive {
                    both.derive().await;
                }
            }
            both.compare(&questions).await;
            both.compare(&[Question { q: odd, locked: "", off_us: 0, quarters: (0, 1_344), tz: "Europe/Berlin" }]).await;
            if let Some(n) = erase {
                both.erase(&Erasure::User(P, format!("user-{n}"))).await;
                both.compare(&questions[..1]).await;
            }
            both.close().await;
        });
    }
}

/// Every kind of erasure, each with the hits that the others left.
#[tokio::test(flavor = "multi_thread")]
async fn both_engines_erase_the_same_hits_and_fields() {
    let both = Both::open(TallyLimits::default()).await;
    let hits: Vec<Seen> = (0..150).map(|n| seen(n, DAY_US)).collect();
    let odd: Vec<Seen> = (0..150).map(|n| unlike_others(n, DAY_US)).collect();
    for batch in [&hits, &odd] {
        both.append(P, batch).await;
        both.append(Q, batch).await;
    }
    let whole = [question_of("", (0, 200)), question_of("country:US,GB", (0, 200))];
    both.compare(&whole).await;
    for erasure in [
        Erasure::User(P, "user '3".into()),
        Erasure::Address(P, "203.0.113.4".into()),
        Erasure::Address(P, "2001:db8::1:0:0:1".into()),
        Erasure::Address(P, "::2".into()),
        Erasure::Address(P, "odd 3".into()),
        Erasure::User(P, "nobody".into()),
        Erasure::Before(P, START + DAY_US / 3),
        Erasure::Addresses(P),
        Erasure::AddressesAndCountries(P),
    ] {
        both.erase(&erasure).await;
        both.compare_lists("", "", Period::default(), 150).await;
    }
    both.compare(&whole).await;
    both.erase(&Erasure::Project(P)).await;
    let scopes = [P, Q].map(|project| ProjectScope::granted(project, Filter::default()));
    let left = both.clickhouse.rows_between(&scopes, i64::MIN, i64::MAX).await.unwrap();
    assert_eq!(left, 300);
    both.close().await;
}

fn question_of(q: &'static str, quarters: (i64, i64)) -> Question {
    Question { q, locked: "", off_us: 0, quarters, tz: "UTC" }
}

/// Above a limit distinct rows are estimated: by ClickHouse with a standard error of 0.6 %, by ours with 1.2 %.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_consumers_and_endpoints_counts_are_near_and_sums_are_exact() {
    const CONSUMERS: u64 = 3_000;
    let tally = TallyLimits {
        listed_whole: 40,
        distinct_exact: 40,
        bucket_consumers_exact: 20,
        ..TallyLimits::default()
    };
    let both = Both::open(tally).await;
    let hit = |n: u64| Seen {
        user: format!("caller {}", n % CONSUMERS),
        route: format!("/r/{}", n % 900),
        method: "GET",
        ..seen(n, DAY_US)
    };
    // The first 30 consumers and endpoints have more hits than others, each another number of them.
    let busy = (0..30u64).flat_map(|n| (0..40 - n).map(move |_| n));
    let hits: Vec<Seen> = (0..CONSUMERS).chain(busy).map(hit).collect();
    both.append(P, &hits).await;
    let grid = Grid::over(START, START + DAY_US, &parse_zone("UTC").unwrap()).unwrap();
    for sort in [Sort::Requests, Sort::ErrorRate, Sort::P95, Sort::LastSeen] {
        let top = Top { consumers: true, rows: 30, sort };
        let query = SumsQuery { top, ..all_panels(&grid, "", "") };
        let total = both.clickhouse.sums(query.clone()).await.unwrap();
        let near = |counted: u64, truth: u64| {
            assert!(counted.abs_diff(truth) * 30 < truth, "{counted}, and not about {truth}");
        };
        assert_eq!((total.consumers.count.count, total.consumers.count.about), (CONSUMERS, false));
        assert!(total.endpoints.count.about);
        near(total.endpoints.count.count, 900);
        assert_eq!((total.consumers.missing_up_to, total.consumers.low_by_up_to), (0, 0));
        let wanted = both.duckdb.sums(query.clone()).await.unwrap();
        let alone = SumsQuery { needs: Needs::CONSUMER_SERIES, values: Vec::new(), ..query };
        let alone = both.clickhouse.sums(alone).await.unwrap();
        let series = total.consumer_series.iter().zip(&alone.consumer_series);
        for ((found, alone), wanted) in series.zip(&wanted.consumer_series) {
            // Beside the busiest consumers of the same hits they are counted one by one.
            assert_eq!((found.about, alone.about), (false, wanted.about));
            for found in [found, alone] {
                let away = found.count.abs_diff(wanted.count);
                assert!(away * 20 <= wanted.count, "{found:?} {wanted:?}");
            }
        }
        assert_eq!(total.statuses, wanted.statuses);
        if sort == Sort::Requests {
            let mut rows = total.consumers.rows.clone();
            rows.sort_by_key(|row| std::cmp::Reverse(row.requests));
            for (n, row) in (0..).zip(&rows) {
                assert_eq!((row.user.as_str(), row.requests), (&*format!("caller {n}"), 41 - n));
            }
            assert_eq!(total.endpoints.rows.len(), 30);
            let busiest = total.endpoints.rows.iter().max_by_key(|row| row.requests).unwrap();
            let truth = hits.iter().filter(|hit| hit.route == "/r/0").count();
            assert_eq!((&*busiest.route, busiest.requests), ("/r/0", truth as u64));
            let durations =
                hits.iter().filter(|hit| hit.route == "/r/0" && hit.duration_us.is_some());
            assert_eq!(busiest.latency.total(), durations.count() as u64);
        }
    }
    both.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_rows_the_busiest_are_listed_and_a_search_finds_all_others() {
    let both = Both::open(TallyLimits::default()).await;
    let hits: Vec<Seen> = (0..300).map(|n| unlike_others(n, DAY_US)).collect();
    both.append(P, &hits).await;
    let few = RankingLimits { rows: 6, ..RankingLimits::default() };
    let data = tempfile::tempdir().unwrap();
    let limited = front::open(data.path(), StoreLimits { ranking: few, ..small() }).await;
    limited.append(append(P, &hits)).await.unwrap();
    limited.settle().await.unwrap();
    let consumers = |search: &str| RankingQuery {
        scope: ProjectScope::granted(P, Filter::default()),
        from_us: START,
        to_us: START + DAY_US + 1,
        filter: Filter::default(),
        of: analytics::ranking::Ranked::Consumers,
        addresses: true,
        search: SearchWords::parse(search).unwrap(),
    };
    let (_, busiest) = limited.ranking(consumers("")).await.unwrap();
    assert!(!busiest.is_complete() && busiest.all().missing_up_to > 0);
    for search in ["USER 12", "ü Ser 9", "2001:DB8::1: :2", "198.51.1.24", "nothing"] {
        let (_, found) = limited.ranking(consumers(search)).await.unwrap();
        let (_, wanted) = both.duckdb.ranking(consumers("")).await.unwrap();
        let view = View { search: SearchWords::parse(search).unwrap(), ..View::default() };
        let rows = |ranking: &analytics::ranking::Ranking, view: &View| -> Vec<String> {
            ranking.order(view).iter().map(|at| format!("{:?}", ranking.row(*at))).collect()
        };
        assert!(found.is_complete() || found.all().count.count > 6, "{search}");
        if found.is_complete() {
            assert_eq!(rows(&found, &View::default()), rows(&wanted, &view), "{search}");
        }
    }
    both.close().await;
    limited.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_lists_the_values_that_begin_with_a_text() {
    use analytics::tally::{Dimension, Needs};
    let both = Both::open(TallyLimits::default()).await;
    let hits: Vec<Seen> = (0..100).map(|n| unlike_others(n, DAY_US)).collect();
    both.append(P, &hits).await;
    let grid = Grid::whole(START, START + DAY_US + 1, &parse_zone("UTC").unwrap());
    for (kind, prefix) in [
        (analytics::hit::TextKind::User, "user %"),
        (analytics::hit::TextKind::User, "user '"),
        (analytics::hit::TextKind::Route, "/aüb/"),
        (analytics::hit::TextKind::Address, "198.51.2."),
        (analytics::hit::TextKind::Path, "%"),
    ] {
        let value = Dimension::Text(kind);
        let query = SumsQuery {
            values: vec![value],
            needs: Needs::default(),
            prefix: prefix.to_owned(),
            top: Top { rows: 200, ..Top::default() },
            ..all_panels(&grid, "", "")
        };
        let sorted = |total: analytics::tally::Total| {
            let listing = &total.values[&value];
            let mut rows = listing.rows.clone();
            rows.sort_by(|one, other| one.0.cmp(&other.0));
            (rows, listing.count)
        };
        let found = sorted(both.clickhouse.sums(query.clone()).await.unwrap());
        assert_eq!(found, sorted(both.duckdb.sums(query).await.unwrap()), "{prefix}");
        assert_eq!(found.0.is_empty(), prefix == "%", "{prefix}");
    }
    both.close().await;
}
