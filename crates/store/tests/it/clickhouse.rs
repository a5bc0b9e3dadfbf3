//! Both engines get the same batches and the same questions, and give the same answers.

#[path = "clickhouse/front.rs"]
mod front;

use std::collections::BTreeMap;

use analytics::filter::{self, Filter};
use analytics::grid::Grid;
use analytics::hit::ProjectId;
use analytics::period::{Period, parse_zone};
use analytics::query::{
    ArrivalQuery, CellsQuery, EndpointsQuery, HitsQuery, PresenceQuery, ProjectScope, RankingQuery,
    SlowestQuery, SumsQuery,
};
use analytics::ranking::{RANKING_SORTS, RankingLimits, SearchWords, View};
use analytics::tally::{Sort, TallyLimits, Top};
use proptest::prelude::*;
use serde_json::Value as Json;
use store::{Append, ClickHouse, Erasure, Group, Looked, Slowest, Store, StoreError, StoreLimits};

use super::make::{P, Q, small};
use super::rankings::LISTS;
use super::sums::{
    DAY_US, FILTERS, Question, START, Seen, all_panels, answers_from, question, seen, to_batch,
};

const MINUTE_US: i64 = 60_000_000;

/// The same hits in both engines.
struct Both {
    duckdb: Store,
    clickhouse: ClickHouse,
    _data: tempfile::TempDir,
}

impl Both {
    async fn open(tally: TallyLimits) -> Both {
        let data = tempfile::tempdir().unwrap();
        let limits = StoreLimits { tally, ..small() };
        Both {
            duckdb: super::make::open(data.path(), limits).await,
            clickhouse: front::open(tally).await,
            _data: data,
        }
    }

    async fn append(&self, project: ProjectId, hits: &[Seen]) {
        let append = Append {
            project,
            batch: to_batch(hits),
            batch_hash: None,
            rejected: Vec::new(),
            rejected_total: 0,
        };
        self.duckdb.append(append).await.unwrap();
        self.duckdb.settle().await.unwrap();
        let seq = self.duckdb.stats().last_seq;
        let group = Group { node: 0, first_seq: seq, last_seq: seq };
        self.clickhouse.insert(group, &[(seq, project, to_batch(hits))]).await.unwrap();
    }

    async fn erase(&self, erasure: &Erasure) {
        let erased = self.clickhouse.erase(erasure).await.unwrap();
        assert_eq!(self.duckdb.erase(erasure.clone()).await.unwrap(), erased, "{erasure:?}");
    }

    async fn compare_sums(&self, query: &SumsQuery) {
        // Of rows with equally many hits either may be the last, so all are asked for.
        let query = &SumsQuery { top: Top { rows: 5_000, ..query.top }, ..query.clone() };
        let wanted = answers_from(&self.duckdb.sums(query.clone()).await.unwrap());
        let found = answers_from(&self.clickhouse.sums(query).await.unwrap());
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
            assert_eq!(self.clickhouse.hits(query).await.unwrap(), wanted, "{q}");
            let Some(last) = wanted.last() else { break };
            after = Some((last.time_us, last.hit_id));
        }
        let mut after = None;
        for offset in [0, 2, 0] {
            let query = ArrivalQuery {
                scope: scope.clone(),
                period,
                filter: filter.clone(),
                after,
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
            assert_eq!(self.clickhouse.slowest(query).await.unwrap(), wanted, "{q}");
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
            let found = self.clickhouse.ranking(&query).await.unwrap();
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
            assert_eq!(self.clickhouse.cells(&query).await.unwrap(), wanted);
            let query = EndpointsQuery { scopes, from_us, to_us };
            let wanted = self.duckdb.endpoint_counts(query.clone()).await.unwrap();
            assert_eq!(self.clickhouse.endpoint_counts(&query).await.unwrap(), wanted);
        }
        let names = ["user-1", "user-3", "203.0.113.2", "nobody"].map(str::to_owned).to_vec();
        let consumers = vec![(whole(P), names.clone()), (whole(Q), names[1..].to_vec())];
        let query = PresenceQuery { consumers, from_us, to_us };
        let wanted = self.duckdb.presences(query.clone()).await.unwrap();
        assert_eq!(self.clickhouse.presences(&query).await.unwrap(), wanted);
        let scope = whole(P);
        assert_eq!(self.clickhouse.extent(&scope).await.unwrap(), self.duckdb.extent(&scope));
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
        user: if n % 3 == 0 { format!("user {odd}{n}") } else { String::new() },
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
    #![proptest_config(ProptestConfig { cases: super::sums::cases().div_ceil(3), max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn both_engines_give_the_same_answers(
        batches in prop::collection::vec((0..1_000u64, 1..120u64, any::<bool>()), 1..7),
        days in 1..14i64,
        erase in prop::option::of(0..5u8),
        questions in prop::collection::vec(question(), 3),
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
            }
            both.compare(&questions).await;
            both.compare(&[Question { q: odd, locked: "", off_us: 0, quarters: (0, 1_344), tz: "Europe/Berlin" }]).await;
            if let Some(n) = erase {
                both.erase(&Erasure::User(P, format!("user-{n}"))).await;
                both.compare(&questions[..1]).await;
            }
            both.duckdb.close().await.unwrap();
        });
    }
}
