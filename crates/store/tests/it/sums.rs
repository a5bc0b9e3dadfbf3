//! Panels over random hits, random seals and random questions: the store's sums equal a plain computation over the same
//! hits, from rollups and from hits alike.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use analytics::answer::{self, Cut};
use analytics::batch::{AgentTraits, Batch};
use analytics::filter::{self, Field, Filter, HitView};
use analytics::grid::Grid;
use analytics::hit::{Country, Hit, ProjectId, TextKind};
use analytics::hit_fields::Stored;
use analytics::latency;
use analytics::panels::{PANELS, Shape};
use analytics::period::parse_zone;
use analytics::query::{ProjectScope, SumsQuery};
use analytics::tally::{Dimension, Needs, Sort, TallyLimits, Top, Total};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use store::{Append, DuckDbLimits, Erasure, Store, StoreLimits};

use super::make::{P, Q, open, small, small_but};

const HOUR_US: i64 = 3_600_000_000;
pub(super) const DAY_US: i64 = 24 * HOUR_US;
/// 2026-10-20T00:00:00Z: summer time ends in Europe five days later.
pub(super) const START: i64 = 1_792_454_400_000_000;

#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) time_us: i64,
    pub(super) status: u16,
    pub(super) duration_us: Option<u64>,
    pub(super) country: &'static str,
    pub(super) sizes: (Option<u64>, Option<u64>),
    pub(super) method: &'static str,
    pub(super) route: String,
    pub(super) path: String,
    pub(super) version: &'static str,
    pub(super) agent: usize,
    pub(super) user: String,
    pub(super) address: String,
    pub(super) referrer: &'static str,
    pub(super) host: &'static str,
}

/// User agent, client, system, device.
const AGENTS: [(&str, &str, &str, &str); 4] = [
    ("", "", "", ""),
    ("curl/8.1", "curl", "", "library"),
    ("Mozilla Chrome 1", "Chrome", "Windows", "desktop"),
    ("Mozilla Chrome 2", "Chrome", "Mac OS X", "desktop"),
];

/// A hit derived from a number; `spread_us` is the time that they cover.
pub(super) fn seen(n: u64, spread_us: i64) -> Seen {
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |most: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % most
    };
    let route = below(4);
    let version = ["v1", "v2", ""][below(3) as usize];
    let prefix = if version.is_empty() { String::new() } else { format!("/{version}") };
    Seen {
        time_us: START + (i128::from(below(1_000_000)) * i128::from(spread_us) / 1_000_000) as i64,
        status: [200, 200, 201, 304, 404, 422, 500, 503][below(8) as usize],
        duration_us: (below(8) > 0).then(|| ((below(1_000) as f64 / 80.0).exp()) as u64),
        country: ["", "US", "GB", "NZ"][below(4) as usize],
        sizes: ((below(3) == 0).then(|| below(5_000)), (below(2) == 0).then(|| below(90_000))),
        method: ["GET", "POST"][below(2) as usize],
        route: format!("{prefix}/things{route}/{{id}}"),
        path: format!("{prefix}/things{route}/{}", below(6)),
        version,
        agent: below(4) as usize,
        user: if below(3) == 0 { String::new() } else { format!("user-{}", below(5)) },
        address: if below(4) == 0 { String::new() } else { format!("203.0.113.{}", below(7)) },
        referrer: ["", "https://a.example", "https://b.example"][below(3) as usize],
        host: ["", "api.example.com"][below(2) as usize],
    }
}

impl HitView for Seen {
    fn text(&self, field: Field) -> &str {
        let agent = AGENTS[self.agent];
        match field {
            Field::Method => self.method,
            Field::Host => self.host,
            Field::Path => &self.path,
            Field::Route => &self.route,
            Field::Country => self.country,
            Field::User => &self.user,
            Field::Address => &self.address,
            Field::Agent => agent.0,
            Field::Client => agent.1,
            Field::Os => agent.2,
            Field::Device => agent.3,
            Field::Version => self.version,
            Field::Referrer => self.referrer,
            Field::Framework => "FastAPI",
            other => {
                assert!(matches!(other.info().stored, Stored::Text(_)), "{other:?} is no text");
                ""
            }
        }
    }

    fn number(&self, field: Field) -> Option<u64> {
        match field {
            Field::Status => Some(u64::from(self.status)),
            Field::Duration => self.duration_us,
            Field::RequestSize => self.sizes.0,
            Field::ResponseSize => self.sizes.1,
            other => panic!("{other:?} is no number"),
        }
    }
}

pub(super) fn to_batch(hits: &[Seen]) -> Batch {
    let mut batch = Batch { arrival_us: START, ..Batch::default() };
    for hit in hits {
        let mut texts = [0; TextKind::COUNT];
        for (kind, text) in [
            (TextKind::Method, hit.method),
            (TextKind::Host, hit.host),
            (TextKind::Path, &hit.path),
            (TextKind::Route, &hit.route),
            (TextKind::Agent, AGENTS[hit.agent].0),
            (TextKind::User, &hit.user),
            (TextKind::Address, &hit.address),
            (TextKind::Referrer, hit.referrer),
            (TextKind::Framework, "FastAPI"),
        ] {
            if text.is_empty() {
                continue;
            }
            let known = &mut batch.dictionary.texts[kind as usize];
            let place = known.iter().position(|other| other == text);
            texts[kind as usize] = match place {
                Some(at) => at as u32,
                None => {
                    known.push(text);
                    let (_, client, os, device) = AGENTS[hit.agent];
                    match kind {
                        TextKind::Agent => batch.dictionary.agents.push(
                            AgentTraits {
                                client: client.into(),
                                os: os.into(),
                                device: device.into(),
                            }
                            .into(),
                        ),
                        TextKind::Path => batch.dictionary.versions.push(hit.version),
                        _ => {}
                    }
                    known.len() as u32 - 1
                }
            };
        }
        let country = match *hit.country.as_bytes() {
            [a, b] => Country([a, b]),
            _ => Country::NONE,
        };
        batch.hits.push(Hit {
            time_us: hit.time_us,
            duration_us: hit.duration_us,
            status: hit.status,
            country,
            request_size: hit.sizes.0,
            response_size: hit.sizes.1,
            texts,
        });
    }
    batch
}

/// Every file has rollups of every project, and they are read.
pub(super) fn rolled_up() -> StoreLimits {
    small_but(|limits| {
        limits.rollup_from = 0;
        limits.rolled_up_from = 0;
    })
}

pub(super) async fn append(store: &Store, project: ProjectId, hits: &[Seen]) {
    let append = Append {
        project,
        batch: to_batch(hits),
        batch_hash: None,
        rejected: Vec::new(),
        rejected_total: 0,
    };
    store.append(append).await.expect("the batch is kept");
}

/// All values that can be listed.
const VALUES: [Dimension; 9] = [
    Dimension::Version,
    Dimension::Country,
    Dimension::Client,
    Dimension::Os,
    Dimension::Device,
    Dimension::Text(TextKind::Referrer),
    Dimension::Text(TextKind::Host),
    Dimension::Text(TextKind::Framework),
    Dimension::Text(TextKind::Sdk),
];

const CUT: Cut = Cut { rows: 100, sort: Sort::Requests, apdex_us: 2_000 };

pub(super) async fn answers(
    store: &Store,
    grid: &Grid,
    q: &str,
    locked: &str,
) -> BTreeMap<&'static str, Json> {
    let total = store.sums(all_panels(grid, q, locked)).await.unwrap();
    answers_from(&total)
}

/// Everything that the dashboard asks for.
pub(super) fn all_panels(grid: &Grid, q: &str, locked: &str) -> SumsQuery {
    let needs = PANELS.iter().fold(Needs::default(), |needs, panel| needs.and(panel.needs));
    SumsQuery {
        scope: ProjectScope::granted(P, filter::parse(locked).unwrap()),
        grid: grid.clone(),
        filter: filter::parse(q).unwrap(),
        needs,
        values: VALUES.to_vec(),
        prefix: String::new(),
        top: Top { consumers: true, rows: CUT.rows, sort: CUT.sort },
    }
}

pub(super) fn answers_from(total: &Total) -> BTreeMap<&'static str, Json> {
    PANELS
        .iter()
        .map(|panel| {
            (panel.name, serde_json::to_value(answer::answer(panel, total, None, CUT)).unwrap())
        })
        .collect()
}

/// The hits in the period that pass the filters.
fn shown<'a>(hits: &'a [Seen], grid: &Grid, filters: [&str; 2]) -> Vec<&'a Seen> {
    let filters: Vec<Filter> = filters.iter().map(|q| filter::parse(q).unwrap()).collect();
    let hits = hits.iter().filter(|hit| hit.time_us >= grid.from_us && hit.time_us < grid.to_us);
    hits.filter(|hit| filters.iter().all(|filter| filter::matches(filter, *hit))).collect()
}

/// The same by a plain computation.
fn expected(hits: &[Seen], grid: &Grid, filters: [&str; 2]) -> BTreeMap<&'static str, Json> {
    let hits: Vec<&Seen> = shown(hits, grid, filters);
    let bucket = |hit: &Seen| grid.edges_us.iter().rposition(|edge| *edge <= hit.time_us).unwrap();
    let buckets: Vec<Vec<&Seen>> = (0..grid.buckets())
        .map(|n| hits.iter().copied().filter(|hit| bucket(hit) == n).collect())
        .collect();
    let class =
        |hits: &[&Seen], class: u16| hits.iter().filter(|hit| hit.status / 100 == class).count();
    let rate = |hits: &[&Seen]| {
        (!hits.is_empty())
            .then(|| hits.iter().filter(|hit| hit.status < 400).count() as f64 / hits.len() as f64)
    };
    let who = |hit: &Seen| match (hit.user.as_str(), hit.address.as_str()) {
        ("", "") => None,
        ("", address) => Some(format!("a:{address}")),
        (user, _) => Some(format!("u:{user}")),
    };
    let distinct =
        |hits: &[&Seen]| hits.iter().filter_map(|hit| who(hit)).collect::<BTreeSet<_>>().len();
    let stat = |of: &dyn Fn(&[&Seen]) -> Option<f64>| {
        let series: Vec<_> = buckets.iter().map(|hits| of(hits)).collect();
        json!({"value": of(&hits), "previous": null, "series": series})
    };
    let edges: Vec<i64> = grid.edges_us.iter().map(|us| us / 1_000).collect();
    let series = |of: &dyn Fn(&[&Seen]) -> Option<f64>| {
        buckets.iter().map(|hits| of(hits)).collect::<Vec<_>>()
    };
    let breakdown = |of: &dyn Fn(&Seen) -> String| {
        let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for hit in &hits {
            let count = counts.entry(of(hit)).or_default();
            count.0 += 1;
            count.1 += u64::from(hit.status >= 400);
        }
        let mut rows: Vec<_> = counts.into_iter().collect();
        rows.sort_by_key(|(key, (requests, _))| (std::cmp::Reverse(*requests), key.clone()));
        let total_rows = rows.len();
        let rows: Vec<Json> = rows
            .into_iter()
            .map(|(key, (requests, errors))| json!({"key": key, "requests": requests, "errors": errors}))
            .collect();
        json!({"rows": rows, "total_rows": total_rows})
    };

    let mut out = BTreeMap::new();
    out.insert("requests", stat(&|hits| Some(hits.len() as f64)));
    out.insert("success_rate", stat(&rate));
    out.insert("client_errors", stat(&|hits| Some(class(hits, 4) as f64)));
    out.insert("server_errors", stat(&|hits| Some(class(hits, 5) as f64)));
    out.insert("consumers", stat(&|hits| Some(distinct(hits) as f64)));
    let classes: BTreeMap<String, Vec<Option<f64>>> =
        (1..=5).map(|n| (format!("{n}xx"), series(&|hits| Some(class(hits, n) as f64)))).collect();
    let mut activity = json!({"edges": edges, "series": classes});
    activity["series"]["consumers"] = json!(series(&|hits| Some(distinct(hits) as f64)));
    activity["series"]["success_rate"] = json!(series(&rate));
    out.insert("activity", activity);
    out.insert("statuses", breakdown(&|hit| hit.status.to_string()));
    out.insert("versions", breakdown(&|hit| hit.version.to_owned()));
    out.insert("countries", breakdown(&|hit| hit.country.to_owned()));
    out.insert("clients", breakdown(&|hit| AGENTS[hit.agent].1.to_owned()));
    out.insert("operating_systems", breakdown(&|hit| AGENTS[hit.agent].2.to_owned()));
    out.insert("devices", breakdown(&|hit| AGENTS[hit.agent].3.to_owned()));
    out.insert("referrers", breakdown(&|hit| hit.referrer.to_owned()));
    out.insert("hosts", breakdown(&|hit| hit.host.to_owned()));
    out.insert("frameworks", breakdown(&|_| "FastAPI".to_owned()));
    out.insert("sdks", breakdown(&|_| String::new()));
    let mut cells = vec![vec![0u64; 24]; 7];
    for hit in &hits {
        let local = Timestamp::from_microsecond(hit.time_us).unwrap().to_zoned(grid.tz.clone());
        let day = local.weekday().to_monday_zero_offset() as usize;
        cells[day][local.hour() as usize] += 1;
    }
    out.insert("hours", json!({"cells": cells}));

    let quantile = |hits: &[&Seen], share: f64| {
        let mut durations: Vec<u64> = hits.iter().filter_map(|hit| hit.duration_us).collect();
        durations.sort_unstable();
        let rank = ((share * durations.len() as f64).ceil() as usize).max(1);
        durations.get(rank - 1).map(|us| *us as f64 / 1_000.0)
    };
    let mut by_endpoint: HashMap<(&str, &str), Vec<&Seen>> = HashMap::new();
    let mut by_consumer: HashMap<String, Vec<&Seen>> = HashMap::new();
    for hit in &hits {
        by_endpoint.entry((hit.method, &hit.route)).or_default().push(hit);
        if let Some(who) = who(hit) {
            by_consumer.entry(who).or_default().push(hit);
        }
    }
    let last = |hits: &[&Seen]| {
        Timestamp::from_microsecond(hits.iter().map(|hit| hit.time_us).max().unwrap())
            .unwrap()
            .to_string()
    };
    let mut rows: Vec<_> = by_endpoint.iter().collect();
    rows.sort_by_key(|((method, route), hits)| {
        (std::cmp::Reverse(hits.len()), format!("{route} {method}"))
    });
    let endpoints: Vec<Json> = rows
        .iter()
        .map(|((method, route), hits)| {
            json!({"method": method, "route": route, "requests": hits.len(), "client_errors": class(hits, 4),
                "server_errors": class(hits, 5), "p50_ms": quantile(hits, 0.5), "p95_ms": quantile(hits, 0.95),
                "p99_ms": quantile(hits, 0.99), "last_seen": last(hits)})
        })
        .collect();
    out.insert("endpoints", json!({"rows": endpoints, "total_rows": rows.len()}));
    let mut rows: Vec<_> = by_consumer.iter().collect();
    rows.sort_by_key(|(key, hits)| (std::cmp::Reverse(hits.len()), (*key).clone()));
    let consumers: Vec<Json> = rows
        .iter()
        .map(|(key, hits)| {
            let newest = hits.iter().filter(|hit| !hit.country.is_empty()).max_by_key(|hit| (hit.time_us, hit.country));
            let (user, address) = match key.strip_prefix("u:") {
                Some(user) => (user, ""),
                None => ("", &key[2..]),
            };
            json!({"key": key, "user": user, "address": address, "country": newest.map_or("", |hit| hit.country),
                "requests": hits.len(), "client_errors": class(hits, 4), "server_errors": class(hits, 5),
                "p95_ms": quantile(hits, 0.95), "last_seen": last(hits)})
        })
        .collect();
    out.insert(
        "top_consumers",
        json!({"rows": consumers, "total_rows": rows.len(), "hidden": false}),
    );

    let bytes = |hits: &[&Seen]| {
        let request: u64 = hits.iter().filter_map(|hit| hit.sizes.0).sum();
        let response: u64 = hits.iter().filter_map(|hit| hit.sizes.1).sum();
        (request, response)
    };
    let mut rows: Vec<_> = by_endpoint
        .iter()
        .map(|((method, route), hits)| (*method, *route, hits.len(), bytes(hits)))
        .filter(|(_, _, _, (request, response))| request + response > 0)
        .collect();
    rows.sort_by_key(|(method, route, requests, (request, response))| {
        (
            std::cmp::Reverse(request + response),
            std::cmp::Reverse(*requests),
            format!("{route} {method}"),
        )
    });
    let traffic: Vec<Json> = rows
        .iter()
        .map(|(method, route, requests, (request, response))| {
            json!({"method": method, "route": route, "requests": requests, "request_bytes": request, "response_bytes": response})
        })
        .collect();
    let sized = hits.iter().filter(|hit| hit.sizes.0.is_some() || hit.sizes.1.is_some()).count();
    out.insert(
        "traffic",
        json!({"edges": edges, "series": {
            "request_bytes": series(&|hits| Some(bytes(hits).0 as f64)),
            "response_bytes": series(&|hits| Some(bytes(hits).1 as f64))},
            "request_bytes": bytes(&hits).0, "response_bytes": bytes(&hits).1, "sized": sized, "rows": traffic}),
    );
    out.insert(
        "latency_over_time",
        json!({"edges": edges, "series": {
            "p50_ms": series(&|hits| quantile(hits, 0.5)),
            "p95_ms": series(&|hits| quantile(hits, 0.95)),
            "p99_ms": series(&|hits| quantile(hits, 0.99))}}),
    );
    let durations: Vec<u64> = hits.iter().filter_map(|hit| hit.duration_us).collect();
    let all = durations.len() as f64;
    let up_to = |us: u64| {
        durations.iter().filter(|other| latency::bucket(**other) <= latency::bucket(us)).count()
            as f64
    };
    let satisfied = up_to(CUT.apdex_us);
    let apdex = (satisfied + (up_to(4 * CUT.apdex_us) - satisfied) / 2.0) / all;
    let some = |value: f64| (all > 0.0).then_some(value);
    out.insert(
        "latency",
        json!({"requests": all as u64, "p50_ms": quantile(&hits, 0.5), "p75_ms": quantile(&hits, 0.75),
            "p90_ms": quantile(&hits, 0.9), "p95_ms": quantile(&hits, 0.95), "p99_ms": quantile(&hits, 0.99),
            "p999_ms": quantile(&hits, 0.999), "mean_ms": some(durations.iter().sum::<u64>() as f64 / all / 1_000.0),
            "apdex": some(apdex), "apdex_ms": 2.0, "previous": null}),
    );
    out
}

/// Equal; durations within 1.05 % (a bucket's width and four digits).
pub(super) fn same(at: &str, found: &Json, wanted: &Json) {
    match (found, wanted) {
        (Json::Object(found), Json::Object(wanted)) => {
            for (key, wanted) in wanted {
                let found = found.get(key).unwrap_or_else(|| panic!("{at}.{key} is missing"));
                same(&format!("{at}.{key}"), found, wanted);
            }
        }
        (Json::Array(found), Json::Array(wanted)) => {
            assert_eq!(found.len(), wanted.len(), "{at}: {found:?} {wanted:?}");
            for (n, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                same(&format!("{at}[{n}]"), found, wanted);
            }
        }
        (Json::Number(found), Json::Number(wanted)) => {
            let (found, wanted) = (found.as_f64().unwrap(), wanted.as_f64().unwrap());
            let off = if at.contains("_ms") {
                wanted.abs() * 0.0105 + 1e-9
            } else {
                wanted.abs() * 1e-12
            };
            assert!((found - wanted).abs() <= off, "{at}: {found}, and not {wanted}");
        }
        (found, wanted) => assert_eq!(found, wanted, "{at}"),
    }
}

/// Removes from an answer the parts that it declares as uncertain: rows with few hits of a list that was cut, and rows
/// by bytes of cut endpoints.
pub(super) fn leave_what_is_promised(panel: &str, found: &mut Json, wanted: &mut Json) {
    let rows = |json: &mut Json, keep: &dyn Fn(&Json) -> bool| {
        if let Some(rows) = json["rows"].as_array_mut() {
            rows.retain(|row| keep(row));
        }
    };
    if let Some(low_by) = found["low_by_up_to"].as_u64() {
        // Files list only the busiest consumers: the requests of one elsewhere are known up to a bound.
        let all = found["rows"].as_array().unwrap();
        for wanted in wanted["rows"].as_array().unwrap() {
            let requests = wanted["requests"].as_u64().unwrap();
            let Some(row) = all.iter().find(|row| row["key"] == wanted["key"]) else {
                let missing_up_to = found["missing_up_to"].as_u64().unwrap_or_default();
                assert!(requests <= missing_up_to, "{wanted} is missing");
                continue;
            };
            let known = row["requests"].as_u64().unwrap();
            assert!(known <= requests && requests <= known + low_by, "{row}, and not {wanted}");
            if known == requests {
                same("top_consumers", row, wanted);
            }
        }
        found["rows"] = json!([]);
        wanted["rows"] = json!([]);
    } else if let Some(most) = found["missing_up_to"].as_u64() {
        let is_promised = |row: &Json| row["requests"].as_u64().unwrap() > most;
        rows(found, &is_promised);
        rows(wanted, &is_promised);
    }
    if panel == "traffic" {
        let listed: Vec<Json> = found["rows"].as_array().unwrap().clone();
        rows(wanted, &|row| listed.contains(row));
    }
}

pub(super) async fn check(store: &Store, hits: &[Seen], grid: &Grid, q: &str, locked: &str) {
    let mut found = answers(store, grid, q, locked).await;
    let mut wanted = expected(hits, grid, [q, locked]);
    assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (panel, wanted) in &mut wanted {
        let found = found.get_mut(panel).unwrap();
        leave_what_is_promised(panel, found, wanted);
        same(panel, found, wanted);
    }
    let bars = found["latency"]["histogram"].as_array().unwrap();
    let in_bars: u64 = bars.iter().map(|bar| bar["requests"].as_u64().unwrap()).sum();
    assert_eq!(in_bars, found["latency"]["requests"].as_u64().unwrap());
    assert!(bars.windows(2).all(|pair| pair[0]["to_ms"] == pair[1]["from_ms"]));
}

pub(super) const FILTERS: [&str; 10] = [
    "",
    "status:5xx",
    "-status:5xx",
    "path:/v1/*",
    "country:US,GB method:GET",
    "duration:>1ms",
    "consumer:u:user-1",
    "-consumer:203.0.113.*",
    "client:Chrome",
    "version:v2 user:\"\"",
];

#[derive(Clone, Debug)]
pub(super) struct Question {
    /// Hours after `START`, in quarters; both ends.
    pub(super) quarters: (i64, i64),
    /// The start's offset from its quarter, microseconds.
    pub(super) off_us: i64,
    pub(super) tz: &'static str,
    pub(super) q: &'static str,
    pub(super) locked: &'static str,
}

pub(super) fn question() -> impl Strategy<Value = Question> {
    let zone = prop_oneof![
        Just("UTC"),
        Just("Europe/Berlin"),
        Just("Asia/Kathmandu"),
        Just("America/Los_Angeles")
    ];
    let off = prop_oneof![3 => Just(0i64), 1 => Just(123_456_789i64)];
    let filter = prop_oneof![3 => Just(""), 2 => prop::sample::select(&FILTERS[..])];
    let locked = prop_oneof![4 => Just(""), 1 => prop::sample::select(&FILTERS[..])];
    (0..400i64, 1..1_500i64, off, zone, filter, locked).prop_map(
        |(from, length, off_us, tz, q, locked)| Question {
            quarters: (from - 40, from - 40 + length),
            off_us,
            tz,
            q,
            locked,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn sums_are_those_of_a_plain_computation(
        batches in prop::collection::vec((0..1_000u64, 1..70u64), 1..9),
        days in 1..14i64,
        merging in any::<bool>(),
        erase in prop::option::of(0..5u8),
        few in prop::option::of(0..9u64),
        at_once in prop::sample::select(&[1, 3, 1_000_000][..]),
        kept in prop::sample::select(&[0, 40, 1_000_000][..]),
        questions in prop::collection::vec(question(), 6),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let data = tempfile::tempdir().unwrap();
            let tally = match few {
                None => TallyLimits::default(),
                Some(few) => TallyLimits {
                    consumers_summed: few,
                    endpoints_summed: few,
                    listed_whole: few,
                    listed_of_file: few / 2 + 1,
                    listed_of_day: few / 3 + 1,
                    candidates: 0,
                    consumers_at_once: at_once,
                    consumer_hits_kept: kept,
                    values_at_once: at_once,
                    ..TallyLimits::default()
                },
            };
            let limits = |rollup_from, rolled_up_from| {
                let change = |limits: &mut DuckDbLimits| {
                    limits.merge_at = if merging { 2 } else { 1_000 };
                    limits.merge_piece_rows = 100;
                    limits.rollup_from = rollup_from;
                    limits.rolled_up_from = rolled_up_from;
                };
                StoreLimits { tally, ..small_but(change) }
            };
            let mut hits = Vec::new();
            let store = open(data.path(), limits(0, 0)).await;
            for (from, count) in &batches {
                let batch: Vec<Seen> = (*from..from + count).map(|n| seen(n, days * DAY_US)).collect();
                append(&store, P, &batch).await;
                // Another project's hits must not count.
                append(&store, Q, &batch[..1]).await;
                hits.extend(batch);
                store.settle().await.unwrap();
            }
            if let Some(n) = erase {
                let user = format!("user-{n}");
                store.erase(Erasure::User(P, user.clone())).await.unwrap();
                hits.retain(|hit| hit.user != user);
            }
            let ask = async |store: &Store| {
                for question in &questions {
                    let (from, to) = question.quarters;
                    let at = |quarter: i64| START + quarter * HOUR_US / 4;
                    let tz = parse_zone(question.tz).unwrap();
                    let grid = Grid::over(at(from) + question.off_us, at(to) + question.off_us, &tz).unwrap();
                    check(store, &hits, &grid, question.q, question.locked).await;
                    // A cut list may name others of those with equally many hits.
                    if few.is_none() {
                        check_menus(store, &hits, &grid, question.q, question.locked).await;
                    }
                }
                let all = Grid::over(START, START + 30 * DAY_US, &parse_zone("Europe/Berlin").unwrap()).unwrap();
                check(store, &hits, &all, "", "").await;
            };
            ask(&store).await;
            store.close().await.unwrap();
            // The same from hits alone.
            let store = open(data.path(), limits(u64::MAX, 0)).await;
            ask(&store).await;
            assert_eq!(store.stats().problems, [""; 0]);
            store.close().await.unwrap();
        });
    }
}

/// The menus of fields whose values may be as many as hits, all and those that begin with a text.
async fn check_menus(store: &Store, hits: &[Seen], grid: &Grid, q: &str, locked: &str) {
    let of = |hit: &Seen, kind| match kind {
        TextKind::User => hit.user.clone(),
        TextKind::Address => hit.address.clone(),
        _ => hit.path.clone(),
    };
    for (kind, prefix) in [
        (TextKind::User, ""),
        (TextKind::User, "user"),
        (TextKind::Address, ""),
        (TextKind::Address, "198.51.100.1"),
        (TextKind::Address, "2001:"),
        (TextKind::Path, ""),
        (TextKind::Path, "/things"),
    ] {
        let mut wanted: BTreeMap<String, u64> = BTreeMap::new();
        for hit in shown(hits, grid, [q, locked]) {
            let value = of(hit, kind);
            if value.to_lowercase().starts_with(prefix) {
                *wanted.entry(value).or_default() += 1;
            }
        }
        assert_eq!(
            menu(store, grid, [q, locked], (kind, prefix), 10_000).await,
            wanted,
            "{kind:?} {prefix} {q}"
        );
    }
}

/// The values of a field and their hits.
async fn menu(
    store: &Store,
    grid: &Grid,
    [q, locked]: [&str; 2],
    (kind, prefix): (TextKind, &str),
    rows: usize,
) -> BTreeMap<String, u64> {
    let value = Dimension::Text(kind);
    let top = Top { consumers: false, rows, sort: Sort::Requests };
    let asked = all_panels(grid, q, locked);
    let query = SumsQuery {
        needs: Needs::default(),
        values: vec![value],
        prefix: prefix.into(),
        top,
        ..asked
    };
    let total = store.sums(query).await.unwrap();
    total.values[&value]
        .rows
        .iter()
        .map(|(name, count)| (name.to_string(), count.requests))
        .collect()
}

/// `STORE_MODEL_CASES` sets a longer run.
pub(super) fn cases() -> u32 {
    std::env::var("STORE_MODEL_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_one_hit_and_ties() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    let grid = Grid::over(START, START + 2 * DAY_US, &parse_zone("UTC").unwrap()).unwrap();
    check(&store, &[], &grid, "", "").await;
    let found = answers(&store, &grid, "", "").await;
    assert_eq!(found["success_rate"]["value"], Json::Null);
    assert_eq!(found["latency"]["p50_ms"], Json::Null);
    assert_eq!(found["latency"]["histogram"], json!([]));
    // On an edge: it belongs to the bucket that begins there.
    let one = Seen {
        time_us: START + HOUR_US,
        user: "alice".into(),
        duration_us: Some(0),
        ..seen(1, DAY_US)
    };
    append(&store, P, std::slice::from_ref(&one)).await;
    store.settle().await.unwrap();
    check(&store, std::slice::from_ref(&one), &grid, "", "").await;
    let found = answers(&store, &grid, "", "").await;
    assert_eq!(found["requests"]["series"][4], json!(1.0));
    assert_eq!(found["latency"]["p999_ms"], json!(0.0));
    assert_eq!(found["latency"]["apdex"], json!(1.0));
    let twins = vec![one.clone(); 200];
    append(&store, P, &twins[1..]).await;
    store.settle().await.unwrap();
    super::make::until_sealed(&store).await;
    check(&store, &twins, &grid, "", "").await;
    check(&store, &twins, &grid, "status:5xx", "").await;
    assert!(matches!(PANELS[0].shape, Shape::Stat(_)));
}

/// A rollup counts a consumer by the day, and a day as of its beginning: buckets are shorter.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_hits_lie_in_one_part_of_a_day() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), rolled_up()).await;
    let hit = seen(222, DAY_US);
    append(&store, P, std::slice::from_ref(&hit)).await;
    store.settle().await.unwrap();
    // Seals the file.
    store.erase(Erasure::User(P, "nobody".into())).await.unwrap();
    for (days, tz) in [(30, "UTC"), (30, "Europe/Berlin"), (300, "Asia/Kathmandu"), (2, "UTC")] {
        let grid = Grid::over(START, START + days * DAY_US, &parse_zone(tz).unwrap()).unwrap();
        check(&store, std::slice::from_ref(&hit), &grid, "", "").await;
    }
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_consumers_a_file_keeps_the_busiest_and_counts_the_others() {
    let data = tempfile::tempdir().unwrap();
    let tally = TallyLimits {
        listed_whole: 3,
        listed_of_file: 2,
        listed_of_day: 2,
        ..TallyLimits::default()
    };
    let limits = StoreLimits { tally, ..rolled_up() };
    let store = open(data.path(), limits).await;
    let hits: Vec<Seen> = (0..600).map(|n| seen(n, 5 * DAY_US)).collect();
    append(&store, P, &hits).await;
    store.settle().await.unwrap();
    // Seals the file.
    store.erase(Erasure::User(P, "nobody".into())).await.unwrap();
    for (from, to, rows) in [(0, 5, 2..=2), (1, 4, 2..=6)] {
        let utc = parse_zone("UTC").unwrap();
        let grid = Grid::over(START + from * DAY_US, START + to * DAY_US, &utc).unwrap();
        check(&store, &hits, &grid, "", "").await;
        let found = answers(&store, &grid, "", "").await;
        let (found, wanted) =
            (&found["top_consumers"], &expected(&hits, &grid, ["", ""])["top_consumers"]);
        let listed = found["rows"].as_array().unwrap();
        assert!(rows.contains(&listed.len()), "{} rows", listed.len());
        assert!(found["low_by_up_to"].as_u64().is_some_and(|most| most > 0));
        assert_eq!(found["total_rows"], wanted["total_rows"]);
        // Consumers with rows are summed up as a whole.
        for row in listed {
            let wanted = wanted["rows"].as_array().unwrap();
            same("row", row, wanted.iter().find(|other| other["key"] == row["key"]).unwrap());
        }
    }
    store.close().await.unwrap();
}

/// However few consumers are counted at once, and however few hits are kept to look up theirs, an answer is the same.
#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_consumers_no_more_are_counted_at_once_than_there_is_room_for() {
    let questions = [
        ((0, 5 * 96), "status:5xx"),
        ((0, 5 * 96), "method:GET"),
        ((5, 2 * 96), ""),
        ((90, 400), "country:US,GB method:GET"),
    ];
    let hits: Vec<Seen> = (0..900)
        .map(|n| {
            let mut hit = seen(n, 5 * DAY_US);
            // Users, numeric addresses, others, and nobody.
            match n % 4 {
                0 => hit.user = format!("user {}", n % 80),
                1 => (hit.user, hit.address) = (String::new(), format!("198.51.100.{}", n % 90)),
                2 => (hit.user, hit.address) = (String::new(), format!("2001:db8::{}", n % 70)),
                _ => {}
            }
            hit
        })
        .collect();
    for (consumers_at_once, consumer_hits_kept) in [(9, 0), (1_000, 0), (1_000, 1_000)] {
        let data = tempfile::tempdir().unwrap();
        let tally = TallyLimits {
            listed_whole: 3,
            listed_of_file: 2,
            listed_of_day: 2,
            consumers_at_once,
            consumer_hits_kept,
            values_at_once: consumers_at_once,
            ..TallyLimits::default()
        };
        let store = open(data.path(), StoreLimits { tally, ..rolled_up() }).await;
        append(&store, P, &hits).await;
        append(&store, Q, &hits[..50]).await;
        store.settle().await.unwrap();
        // Seals the file.
        store.erase(Erasure::User(P, "nobody".into())).await.unwrap();
        for ((from, to), q) in questions {
            let at = |quarter: i64| START + quarter * HOUR_US / 4;
            let grid = Grid::over(at(from), at(to), &parse_zone("Europe/Berlin").unwrap()).unwrap();
            // The second time names and identities are cached.
            for _ in 0..2 {
                check(&store, &hits, &grid, q, "").await;
            }
        }
        store.close().await.unwrap();
    }
}

/// A menu shows exact counts of the values with most hits, also of those that a file's list leaves out, in files of any
/// kind, and however few values are counted at once.
#[tokio::test(flavor = "multi_thread")]
async fn menus_are_counted_in_stretches() {
    let grid = Grid::over(START, START + 9 * DAY_US, &parse_zone("UTC").unwrap()).unwrap();
    // The n-th address and path of a file has n hits, in the second file in another order.
    let file = |order: fn(u64) -> u64| -> Vec<Seen> {
        let each = (1..40u64).flat_map(|n| (0..order(n)).map(move |m| (n, m)));
        each.map(|(n, m)| {
            let mut hit = seen(n * 100 + m, 5 * DAY_US);
            hit.user = String::new();
            hit.address = match n {
                39 => String::new(),
                n if n % 3 == 0 => format!("2001:db8::{n}"),
                n => format!("198.51.100.{n}"),
            };
            hit.path = format!("/p/{n}");
            hit
        })
        .collect()
    };
    for values_at_once in [3, 1_000] {
        let data = tempfile::tempdir().unwrap();
        let tally = TallyLimits {
            listed_whole: 5,
            listed_of_file: 12,
            distinct_exact: 5,
            values_at_once,
            ..TallyLimits::default()
        };
        let store = open(data.path(), StoreLimits { tally, ..rolled_up() }).await;
        let mut hits = Vec::new();
        let orders: [fn(u64) -> u64; 3] = [|n| n, |n| 40 - n, |n| n % 7 + 1];
        for (n, order) in orders.into_iter().enumerate() {
            let of_file = file(order);
            append(&store, P, &of_file).await;
            append(&store, Q, &of_file[..9]).await;
            store.settle().await.unwrap();
            if n < 2 {
                // Seals the file.
                store.erase(Erasure::User(P, "nobody".into())).await.unwrap();
            }
            hits.extend(of_file);
        }
        for (kind, prefix) in
            [(TextKind::Address, ""), (TextKind::Address, "198.51.100.3"), (TextKind::Path, "")]
        {
            for q in ["", "method:GET,POST", "-status:5xx"] {
                let found = menu(&store, &grid, [q, ""], (kind, prefix), 8).await;
                assert_eq!(
                    found.len(),
                    if prefix.is_empty() { 8 } else { found.len().clamp(3, 8) }
                );
                for (value, requests) in found {
                    let of = |hit: &&Seen| match kind {
                        TextKind::Address => hit.address == value,
                        _ => hit.path == value,
                    };
                    let wanted = shown(&hits, &grid, [q, ""]).into_iter().filter(of).count() as u64;
                    assert_eq!(requests, wanted, "{kind:?} {value} {q}");
                    assert!(value.starts_with(prefix));
                }
            }
        }
        store.close().await.unwrap();
    }
}
