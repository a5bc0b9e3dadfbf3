//! The whole page: of projects of several sizes, unfiltered and with each kind of filter, cold and warm, alone and beside
//! ingest, and of a small project among 1,000.
//!
//! A project's hits lie evenly in a year and arrive in order of time, as they would have. `BENCH_PAGES=100000,1000000`
//! chooses the sizes (default 100,000, 1,000,000 and 10,000,000; 100,000,000 takes an hour and 3 GB).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::data::{Random, body};
use crate::ingest::{median, now_us, wait_until_applied};
use crate::reading::wait_until_quiet;
use crate::server::{Client, Server};
use crate::{Options, Table};

const DAY_US: i64 = 86_400_000_000;
const DAYS: i64 = 360;

/// Name, parameters, aim at 10 million hits.
const PAGES: [(&str, &str, &str); 13] = [
    ("all", "period=all", "60"),
    ("all_in_berlin", "period=all&tz=Europe/Berlin", "60"),
    ("6_months", "period=6mo&tz=Europe/Berlin", ""),
    ("30_days", "period=30d", ""),
    ("7_days", "period=7d", "40"),
    ("7_days_compared", "period=7d&compare=previous", ""),
    ("24_hours", "period=24h", ""),
    ("status_5xx", "period=all&q=status:5xx", "200"),
    ("one_consumer", "period=all&q=consumer:u:customer-3", "200"),
    ("slow", "period=all&q=duration:%3E200ms", "200"),
    ("path_pattern", "period=all&q=path:/v1/resource1*", "400"),
    ("not_a_path_pattern", "period=all&q=-path:*/7*/items", "400"),
    ("not_curl", "period=all&q=-client:curl", "400"),
];

pub fn run(options: &Options, table: &mut Table) {
    let sizes =
        std::env::var("BENCH_PAGES").unwrap_or_else(|_| "100000,1000000,10000000".to_owned());
    for size in sizes.split(',').filter_map(|text| text.trim().parse::<u64>().ok()) {
        one_project(options, table, size);
    }
    among_many(options, table);
}

fn one_project(options: &Options, table: &mut Table, hits: u64) {
    let data = options.folder.join(format!("pages-{hits}"));
    let mut server = Server::start(&options.binary, &data, &[]);
    let key = server.new_key();
    fill(&server, &key, hits, 1);
    settle(&server);
    table.add(
        format!("pages_{hits}_sealed_files"),
        server.metric("api_analytics_sealed_files"),
        "files",
        "",
    );
    server.crash_and_restart();
    let mut client = Client::connect(&server.address).expect("a connection");
    for (name, parameters, aim) in PAGES {
        let aim = if hits == 10_000_000 { aim } else { "" };
        let path = format!("/api/v1/dashboard?{parameters}");
        let (cold, bytes) = ask(&mut client, &path, &key);
        if name == "all" {
            table.add(format!("page_{hits}_{name}_cold"), cold, "ms", "");
            table.add(format!("page_{hits}_bytes_before_gzip"), bytes as f64, "bytes", "");
        }
        let times = (0..9).map(|_| ask(&mut client, &path, &key).0).collect();
        table.add(format!("page_{hits}_{name}"), median(times), "ms", aim);
    }
    if hits == 10_000_000 {
        beside_ingest(table, &server, &key);
    }
    server.stop();
}

/// Pages of an idle server, and beside 20,000 hits a second.
fn beside_ingest(table: &mut Table, server: &Server, key: &str) {
    let pages = |seconds: u64| {
        let mut client = Client::connect(&server.address).expect("a connection");
        let started = Instant::now();
        let mut times = Vec::new();
        while started.elapsed() < Duration::from_secs(seconds) {
            times.push(ask(&mut client, "/api/v1/dashboard?period=7d", key).0);
        }
        times.sort_by(f64::total_cmp);
        times[times.len() * 99 / 100]
    };
    let idle = pages(10);
    table.add("page_7_days_p99_idle", idle, "ms", "");
    let stop = Arc::new(AtomicBool::new(false));
    let (address, other, stopping) = (server.address.clone(), server.new_key(), stop.clone());
    let ingest = std::thread::spawn(move || {
        let mut client = Client::connect(&address).expect("a connection");
        let mut random = Random(77);
        let mut post = body(&mut random, 1_000, now_us() - 60_000_000, now_us());
        let started = Instant::now();
        let mut posts = 0u64;
        while !stopping.load(Ordering::Relaxed) {
            post.set_id(0xfeed_0000_0000 + posts);
            let (status, _) =
                client.send("POST", "/api/requests", &other, &post.bytes).expect("an answer");
            assert_eq!(status, 200);
            posts += 1;
            let due = Duration::from_millis(50 * posts);
            std::thread::sleep(due.saturating_sub(started.elapsed()));
        }
        posts as f64 * 1_000.0 / started.elapsed().as_secs_f64()
    });
    let busy = pages(20);
    stop.store(true, Ordering::Relaxed);
    let rate = ingest.join().expect("the load ends well");
    table.add("page_7_days_p99_beside_ingest", busy, "ms", "");
    table.add("page_7_days_p99_ratio", busy / idle, "times", "3");
    table.add("page_beside_ingest_of", rate, "hits/s", "20000");
}

/// A small project beside a large one and 998 others.
fn among_many(options: &Options, table: &mut Table) {
    let data = options.folder.join("pages-among-many");
    let server = Server::start(&options.binary, &data, &[]);
    let keys: Vec<String> =
        (0..1_000u64).map(|n| format!("20000000-0000-4000-8000-{n:012x}")).collect();
    let list = options.folder.join("keys-of-pages.txt");
    std::fs::write(&list, keys.join("\n") + "\n").expect("a file of keys");
    server.command(&["key", "add", "--file", list.to_str().expect("a path")]);
    let large = options.hits / 4;
    fill(&server, &keys[0], large, 1);
    for (n, key) in keys.iter().enumerate().skip(1) {
        fill(&server, key, 1_000 + (n as u64 % 7) * 500, n as u64 + 1);
    }
    settle(&server);
    let mut client = Client::connect(&server.address).expect("a connection");
    for (name, key) in [("small", &keys[500]), ("large", &keys[0])] {
        for (period, parameters) in [
            ("all", "period=all"),
            ("7_days", "period=7d"),
            ("filtered", "period=all&q=status:5xx"),
        ] {
            let path = format!("/api/v1/dashboard?{parameters}");
            let times = (0..9).map(|_| ask(&mut client, &path, key).0).collect();
            let aim = if name == "small" { "15" } else { "" };
            table.add(
                format!("page_of_a_{name}_project_among_1000_{period}"),
                median(times),
                "ms",
                aim,
            );
        }
    }
    server.stop();
}

fn ask(client: &mut Client, path: &str, key: &str) -> (f64, usize) {
    let asked = Instant::now();
    let (status, body) = client.get(path, key).expect("an answer");
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    (asked.elapsed().as_secs_f64() * 1e3, body.len())
}

/// Posts a year of hits in order of time.
fn fill(server: &Server, key: &str, hits: u64, seed: u64) {
    let mut client = Client::connect(&server.address).expect("a connection");
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed << 20));
    let (start, end) = (now_us() - DAYS * DAY_US, now_us());
    let batch = 5_000.min(hits);
    let at = |hit: u64| start + ((end - start) as i128 * i128::from(hit) / i128::from(hits)) as i64;
    let mut posted = 0;
    while posted < hits {
        let count = batch.min(hits - posted);
        let mut post = body(&mut random, count, at(posted), at(posted + count));
        post.set_id((seed << 40) + posted);
        let (status, answer) =
            client.send("POST", "/api/requests", key, &post.bytes).expect("an answer");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        posted += count;
    }
}

/// Until all is applied and nothing is sealed or merged any more.
fn settle(server: &Server) {
    wait_until_applied(server);
    wait_until_quiet(server);
}
