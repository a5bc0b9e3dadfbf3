//! The whole page: for projects of several sizes, unfiltered and with each kind of filter, cold and warm, alone and
//! beside ingest, and for a small project among 1,000; compared with the same panels in plain SQL.
//!
//! A project's hits are spread evenly over a year and arrive in order of time, as in reality.
//! `BENCH_PAGES=100000,1000000` chooses the sizes (default 100,000, 1,000,000 and 10,000,000; 100,000,000 takes 15
//! minutes and 3 GB more), `BENCH_SQL_UP_TO` the largest for which plain SQL runs too (default 10,000,000; 0: none).
//!
//! Cold: the first page after the server was killed and restarted, so that nothing of ours is in memory; the kernel's
//! cache of the files stays. Warm: the median of the nine after it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::data::{Post, Random, Shape, Year};
use crate::fill::{fill, settle};
use crate::ingest::{median, now_us};
use crate::plain_sql;
use crate::server::Server;
use crate::{Options, Table};

/// Name, parameters, aim at 10 million hits.
const PAGES: [(&str, &str, &str); 18] = [
    ("all", "period=all", "60"),
    ("all_in_berlin", "period=all&tz=Europe/Berlin", "60"),
    ("6_months", "period=6mo&tz=Europe/Berlin", ""),
    ("30_days", "period=30d", ""),
    ("7_days", "period=7d", "40"),
    ("7_days_compared", "period=7d&compare=previous", ""),
    ("24_hours", "period=24h", ""),
    ("status_5xx", "period=all&q=status:5xx", "200"),
    ("not_status_5xx", "period=all&q=-status:5xx", "400"),
    ("one_consumer", "period=all&q=consumer:u:customer-3", "200"),
    ("countries", "period=all&q=country:US,DE,FR", "400"),
    ("method", "period=all&q=method:POST", "400"),
    ("slow", "period=all&q=duration:%3E200ms", "200"),
    ("durations", "period=all&q=duration:5ms..20ms", "400"),
    ("path_pattern", "period=all&q=path:/v1/resource1*", "400"),
    ("not_a_path_pattern", "period=all&q=-path:*/7*/items", "400"),
    ("not_curl", "period=all&q=-client:curl", "400"),
    ("two_conditions", "period=all&q=status:4xx%20method:GET", "200"),
];

/// Pages whose count of hits is compared with that of plain SQL.
const COUNTED: [&str; 3] = ["all", "status_5xx", "path_pattern"];

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
    let year = Year { shape: Shape::Kind, hits, end_us: now_us(), seed: 1 };
    let started = Instant::now();
    fill(&server, &key, &year);
    table.add(
        format!("pages_{hits}_filled_at"),
        hits as f64 / started.elapsed().as_secs_f64(),
        "hits/s",
        "",
    );
    settle(&server);
    let files = server.metric("api_analytics_sealed_files");
    table.add(format!("pages_{hits}_sealed_files"), files, "files", "");
    let mut counted = BTreeMap::new();
    for (name, parameters, aim) in PAGES {
        let aim = match (hits, name) {
            (10_000_000, _) => aim,
            (100_000_000, "all") => "120",
            _ => "",
        };
        let path = format!("/api/v1/dashboard?{parameters}");
        server.crash_and_restart();
        let mut client = Client::connect(&server.address).expect("a connection");
        let (cold, body) = ask(&mut client, &path, &key);
        table.add(format!("page_{hits}_{name}_cold"), cold, "ms", "");
        let times = (0..9).map(|_| ask(&mut client, &path, &key).0).collect();
        table.add(format!("page_{hits}_{name}"), median(times), "ms", aim);
        counted.insert(name, requests(&body));
        if name == "all" {
            let (_, compressed) = client.get_compressed(&path, &key).expect("an answer");
            table.add(format!("page_{hits}_{name}_bytes"), body.len() as f64, "bytes", "");
            let compressed = compressed.len() as f64;
            table.add(format!("page_{hits}_{name}_bytes_over_the_wire"), compressed, "bytes", "");
        }
    }
    assert_eq!(counted["all"], hits, "every hit is on the page");
    if hits == 10_000_000 {
        beside_ingest(table, &server, &key);
    }
    server.stop();
    if hits <= options.sql_up_to {
        let file = options.folder.join(format!("plain-{hits}.duckdb"));
        let counted: Vec<(&str, u64)> = COUNTED.iter().map(|name| (*name, counted[name])).collect();
        plain_sql::run(table, &file, &year, &counted);
    }
}

/// Pages of an idle server, and during 20,000 hits a second.
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
        let mut post = Post::new(&mut Random::new(77), 1_000, now_us() - 60_000_000, now_us());
        post.set_key(&other);
        let started = Instant::now();
        let mut posts = 0u64;
        while !stopping.load(Ordering::Relaxed) {
            post.set_id(0xfeed_0000_0000 + posts);
            let (status, _) = client.post(&post).expect("an answer");
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
    let mut server = Server::start(&options.binary, &data, &[]);
    let keys: Vec<String> =
        (0..1_000u64).map(|n| format!("20000000-0000-4000-8000-{n:012x}")).collect();
    let list = options.folder.join("keys-of-pages.txt");
    std::fs::write(&list, keys.join("\n") + "\n").expect("a file of keys");
    server.command(&["key", "add", "--file", list.to_str().expect("a path")]);
    let year = |n: usize, hits: u64| Year {
        shape: Shape::Kind,
        hits,
        end_us: now_us(),
        seed: n as u64 + 1,
    };
    fill(&server, &keys[0], &year(0, options.hits / 4));
    for (n, key) in keys.iter().enumerate().skip(1) {
        fill(&server, key, &year(n, 1_000 + (n as u64 % 7) * 500));
    }
    settle(&server);
    for (whose, key, aim) in [("small", &keys[500], "15"), ("large", &keys[0], "")] {
        for (name, parameters, _) in PAGES {
            let path = format!("/api/v1/dashboard?{parameters}");
            server.crash_and_restart();
            let mut client = Client::connect(&server.address).expect("a connection");
            let (cold, _) = ask(&mut client, &path, key);
            let times = (0..9).map(|_| ask(&mut client, &path, key).0).collect();
            let row = format!("page_of_a_{whose}_project_among_1000_{name}");
            table.add(format!("{row}_cold"), cold, "ms", "");
            table.add(row, median(times), "ms", aim);
        }
    }
    server.stop();
}

fn ask(client: &mut Client, path: &str, key: &str) -> (f64, Vec<u8>) {
    let asked = Instant::now();
    let (status, body) = client.get(path, key).expect("an answer");
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    (asked.elapsed().as_secs_f64() * 1e3, body)
}

/// The hits that a page counts.
fn requests(body: &[u8]) -> u64 {
    let page: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    page["panels"]["requests"]["value"].as_f64().expect("a number of hits") as u64
}
