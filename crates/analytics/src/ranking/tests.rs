//! Random rows, in every order, searched and paged, against a plain computation.

use proptest::prelude::*;

use super::*;
use crate::latency::Histogram;
use crate::tally::{Columns, NO_LATENCY};

const METHODS: [&str; 3] = ["", "GET", "POST"];
const ROUTES: [&str; 6] = ["", "/cart", "/Cart/{id}", "/caf\u{e9}", "/b", "/a b"];

/// Method, route, status, bucket of the duration.
type PlainHit = (usize, usize, u16, u16);

fn hits() -> impl Strategy<Value = Vec<PlainHit>> {
    let status = prop::sample::select(vec![200u16, 301, 404, 500]);
    let bucket = prop_oneof![3 => 0u16..5, 1 => Just(NO_LATENCY)];
    prop::collection::vec((0..METHODS.len(), 0..ROUTES.len(), status, bucket), 0..400)
}

/// The list of `files` files, each read by `threads` threads. Each file has its own text ids.
fn ranking(hits: &[PlainHit], files: usize, threads: usize) -> Ranking {
    let of = Ranked::Endpoints;
    let mut builder = RankingBuilder::new(of, RankingLimits::default());
    for (file, own) in hits.chunks(hits.len() / files + 1).enumerate() {
        let id = |text: usize| (text * 1_000 + file) as u32;
        let with_columns = |hits: &[PlainHit], take: &mut dyn FnMut(&Columns<'_>)| {
            let times: Vec<i64> = hits.iter().map(|hit| hit.2.into()).collect();
            let status: Vec<u16> = hits.iter().map(|hit| hit.2).collect();
            let latency: Vec<u16> = hits.iter().map(|hit| hit.3).collect();
            let methods: Vec<u32> = hits.iter().map(|hit| id(hit.0)).collect();
            let routes: Vec<u32> = hits.iter().map(|hit| id(hit.1)).collect();
            let (time_us, status, latency) = (&times[..], &status[..], &latency[..]);
            let mut columns = Columns { time_us, status, latency, ..Columns::default() };
            columns.texts[TextKind::Method as usize] = &methods;
            columns.texts[TextKind::Route as usize] = &routes;
            take(&columns);
        };
        let mut found = FoundRows::new(of, true);
        with_columns(own, &mut |columns| found.add_hits(columns));
        let mut texts = FileTexts::new(&found);
        for (place, all) in [&METHODS[..], &ROUTES[..]].into_iter().enumerate() {
            let wanted = found.texts(place);
            // Files don't store the empty text.
            for (n, text) in all.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
                if wanted.get(id(n)).copied().unwrap_or_default() {
                    builder.put_text(&mut texts, place, id(n), text).unwrap();
                }
            }
        }
        let rows = builder.name_rows(&found, &texts).unwrap();
        let make = || HitSorter::new(builder.sums().clone(), rows.clone(), true);
        let mut sorters: Vec<HitSorter> = (0..threads).map(|_| make()).collect();
        for (n, stretch) in own.chunks(7).enumerate() {
            with_columns(stretch, &mut |columns| sorters[n % threads].add_hits(columns));
        }
        sorters.into_iter().for_each(HitSorter::finish);
    }
    builder.finish().unwrap()
}

#[derive(Debug)]
struct PlainRow {
    method: &'static str,
    route: &'static str,
    hits: Vec<PlainHit>,
}

impl PlainRow {
    fn value(&self, sort: RankingSort) -> Option<f64> {
        let mut latency = Histogram::default();
        self.hits.iter().filter(|hit| hit.3 != NO_LATENCY).for_each(|hit| latency.add(hit.3, 1));
        let quantile = |share| latency.quantile_us(share).filter(|_| latency.total() > 0);
        let errors = self.hits.iter().filter(|hit| hit.2 >= 400).count() as f64;
        match sort {
            RankingSort::Requests => Some(self.hits.len() as f64),
            RankingSort::ErrorRate => Some(errors / self.hits.len() as f64),
            RankingSort::P50 => quantile(0.5),
            RankingSort::P95 => quantile(0.95),
            RankingSort::P99 => quantile(0.99),
            RankingSort::LastSeen => self.hits.iter().map(|hit| f64::from(hit.2)).reduce(f64::max),
            RankingSort::Name => None,
        }
    }
}

fn plain(hits: &[PlainHit], search: &str, sort: RankingSort, ascending: bool) -> Vec<PlainRow> {
    let mut rows: Vec<PlainRow> = Vec::new();
    for hit in hits {
        let (method, route) = (METHODS[hit.0], ROUTES[hit.1]);
        match rows.iter_mut().find(|row| (row.method, row.route) == (method, route)) {
            Some(row) => row.hits.push(*hit),
            None => rows.push(PlainRow { method, route, hits: vec![*hit] }),
        }
    }
    let search = search.to_lowercase();
    rows.retain(|row| {
        let text = format!("{} {}", row.method, row.route).to_lowercase();
        search.split_whitespace().all(|word| text.contains(word))
    });
    rows.sort_by_key(|row| (std::cmp::Reverse(row.hits.len()), row.route, row.method));
    match (sort, ascending) {
        (RankingSort::Name, true) => rows.sort_by_key(|row| (row.route, row.method)),
        (RankingSort::Name, false) => {
            rows.sort_by_key(|row| std::cmp::Reverse((row.route, row.method)));
        }
        _ => {
            let missing = if ascending { f64::INFINITY } else { f64::NEG_INFINITY };
            let value = |row: &PlainRow| row.value(sort).unwrap_or(missing);
            rows.sort_by(|one, other| match ascending {
                true => value(one).total_cmp(&value(other)),
                false => value(other).total_cmp(&value(one)),
            });
        }
    }
    rows
}

proptest! {
    #[test]
    fn every_order_search_and_page_is_that_of_a_plain_computation(
        hits in hits(),
        files in 1..4usize,
        threads in 1..4usize,
        search in prop::sample::select(vec!["", "CART", "get /c", "caf\u{c9}", "b a", "tg", "nothing"]),
        (offset, limit) in (0..12usize, 1..6usize),
    ) {
        let ranking = ranking(&hits, files, threads);
        prop_assert!(ranking.is_complete());
        for (_, sort) in RANKING_SORTS {
            for ascending in [false, true] {
                let words = SearchWords::parse(search).unwrap();
                let order = ranking.order(&View { search: words, sort, ascending });
                let wanted = plain(&hits, search, sort, ascending);
                prop_assert_eq!(order.len(), wanted.len());
                let page = order.iter().skip(offset).take(limit).map(|at| ranking.row(*at));
                for (found, wanted) in page.zip(wanted.iter().skip(offset)) {
                    let RankedRow::Endpoint(found) = found else { panic!("{found:?}") };
                    let at = (found.method.as_str(), found.route.as_str(), found.requests);
                    prop_assert_eq!(
                        at,
                        (wanted.method, wanted.route, wanted.hits.len() as u64),
                        "{:?} {}", sort, ascending
                    );
                    let ms = wanted.value(RankingSort::P95).map(|us| us / 1_000.0);
                    prop_assert_eq!(found.p95_ms.is_some(), ms.is_some());
                    if let (Some(found), Some(ms)) = (found.p95_ms, ms) {
                        prop_assert!((found - ms).abs() <= ms * 1e-3, "{} {}", found, ms);
                    }
                }
            }
        }
    }
}

#[test]
fn many_durations_have_the_quantiles_of_few() {
    let hits: Vec<PlainHit> = (0..1_000u16).map(|n| (1, 1, 200, n % 90)).collect();
    let ranking = ranking(&hits, 2, 3);
    let RankedRow::Endpoint(row) = ranking.row(0) else { panic!("an endpoint") };
    let mut latency = Histogram::default();
    hits.iter().for_each(|hit| latency.add(hit.3, 1));
    let ms = |share| latency.quantile_us(share).map(|us| us / 1_000.0).unwrap();
    for (found, share) in [(row.p50_ms, 0.5), (row.p95_ms, 0.95), (row.p99_ms, 0.99)] {
        let (found, wanted) = (found.unwrap(), ms(share));
        assert!((found - wanted).abs() <= wanted * 1e-3, "{found} {wanted}");
    }
}

#[test]
fn durations_added_in_descending_order_are_counted() {
    let mut builder = RankingBuilder::new(Ranked::Endpoints, RankingLimits::default());
    let name = RowName { first: "GET", second: "/" };
    builder.add(name, &RowSum::default(), &Histogram::default()).unwrap();
    for bucket in (0..1_000).rev() {
        builder.sums().add_durations(0, &[bucket], &[1]);
    }
    let ranking = builder.finish().unwrap();
    let RankedRow::Endpoint(row) = ranking.row(0) else { panic!("an endpoint") };
    assert!(row.p50_ms < row.p95_ms && row.p95_ms < row.p99_ms);
}

#[test]
fn a_list_has_an_end() {
    let limits = RankingLimits { rows: 2, ..RankingLimits::default() };
    let mut builder = RankingBuilder::new(Ranked::Statuses, limits);
    let sum = RowSum { requests: 1, ..RowSum::default() };
    let none = Histogram::default();
    fn name(second: &str) -> RowName<'_> {
        RowName { first: "", second }
    }
    for status in ["200", "404", "200"] {
        assert_eq!(builder.add(name(status), &sum, &none), Ok(()));
    }
    assert_eq!(builder.add(name("500"), &sum, &none), Err(TooManyRows));
    let limits = RankingLimits { sums_bytes: 1_000, ..RankingLimits::default() };
    let mut builder = RankingBuilder::new(Ranked::Statuses, limits);
    assert!(!builder.sums().is_too_large());
    for status in 100..200 {
        builder.add(name(&status.to_string()), &sum, &none).unwrap();
    }
    assert!(builder.sums().is_too_large());
    assert_eq!(builder.finish().err(), Some(TooManyRows));
}

#[test]
fn a_search_has_few_words() {
    let many = "a ".repeat(crate::limits::LIST_SEARCH_WORDS as usize);
    assert!(SearchWords::parse(&many).is_some_and(|words| !words.is_empty()));
    assert!(SearchWords::parse(&format!("{many} b")).is_none());
    assert!(SearchWords::parse(" \t ").is_some_and(|words| words.is_empty()));
}
