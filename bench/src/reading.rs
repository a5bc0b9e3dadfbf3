//! Ten million hits of 1,000 projects, half of them of one project: size on disk, restart, pages, erasing. And the size
//! of as many hits of 1,000 small projects.

use std::time::{Duration, Instant};

use crate::client::Client;
use crate::data::{Post, Random};
use crate::ingest::{load, median, now_us, wait_until_applied};
use crate::server::Server;
use crate::{Options, Table};

pub fn run(options: &Options, table: &mut Table) {
    let data = options.folder.join("reading");
    let mut server = Server::start(&options.binary, &data, &[]);
    let keys: Vec<String> =
        (0..1_000u64).map(|n| format!("10000000-0000-4000-8000-{n:012x}")).collect();
    let list = options.folder.join("keys.txt");
    std::fs::write(&list, keys.join("\n") + "\n").expect("a file of keys");
    server.command(&["key", "add", "--file", list.to_str().expect("a path")]);
    let day = Duration::from_secs(86_400);
    load(&server.address, &keys[..1], 4, 1_000, options.hits / 2, day);
    load(&server.address, &keys[1..], 4, 1_000, options.hits / 2, day);
    wait_until_applied(&server);
    wait_until_quiet(&server);
    let (rows, bytes) =
        (server.metric("api_analytics_sealed_rows"), server.metric("api_analytics_sealed_bytes"));
    table.add("bytes_per_sealed_hit", bytes / rows, "bytes", "20");
    table.add("sealed_files", server.metric("api_analytics_sealed_files"), "files", "");
    let restarts = (0..5).map(|_| server.crash_and_restart().as_secs_f64()).collect();
    table.add("restart_after_kill", median(restarts), "s", "0.5");

    let big = &keys[0];
    let deep = options.hits / 2 / 50_000 - 1;
    page(table, &server, big, "data_page_first", "/api/data", "150");
    page(table, &server, big, "data_page_deep", &format!("/api/data?page={deep}"), "150");
    page(table, &server, big, "data_page_first_compact", "/api/data?compact=true", "");
    page(table, &server, &keys[500], "data_page_of_a_small_project", "/api/data", "");
    page(table, &server, big, "hits_page_first_100", "/api/v1/hits", "");
    page(table, &server, big, "hits_page_first_10000", "/api/v1/hits?limit=10000", "");
    page(
        table,
        &server,
        big,
        "hits_page_filtered",
        "/api/v1/hits?limit=1000&q=status:5xx%20path:/v1/*",
        "",
    );
    let cursor = deep_cursor(&server, big);
    page(
        table,
        &server,
        big,
        "hits_page_deep_10000",
        &format!("/api/v1/hits?limit=10000&after={cursor}"),
        "",
    );

    let started = Instant::now();
    let mut client = Client::connect(&server.address).expect("a connection");
    let (status, answer) =
        client.send("DELETE", "/api/v1/project", &keys[700], &[]).expect("an answer");
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    table.add("erase_small_project", started.elapsed().as_secs_f64(), "s", "10");
    server.stop();
}

/// The size of hits of 1,000 projects that are all small: a year of each, arriving in batches of 1,000 in order of
/// time.
pub fn small_projects(options: &Options, table: &mut Table) {
    const PROJECTS: u64 = 1_000;
    const BATCH: u64 = 1_000;
    let data = options.folder.join("small-projects");
    let server = Server::start(&options.binary, &data, &[]);
    let keys: Vec<String> =
        (0..PROJECTS).map(|n| format!("30000000-0000-4000-8000-{n:012x}")).collect();
    let list = options.folder.join("keys-of-small-projects.txt");
    std::fs::write(&list, keys.join("\n") + "\n").expect("a file of keys");
    server.command(&["key", "add", "--file", list.to_str().expect("a path")]);
    let mut client = Client::connect(&server.address).expect("a connection");
    let mut random = Random::new(1);
    let rounds = (options.hits / PROJECTS / BATCH).max(1);
    let (end, length) = (now_us(), 360 * 86_400_000_000 / rounds as i64);
    for round in 0..rounds {
        let from = end - length * (rounds - round) as i64;
        for (n, key) in keys.iter().enumerate() {
            let mut post = Post::new(&mut random, BATCH, from, from + length);
            post.set_key(key);
            post.set_id((round << 32) + n as u64);
            let (status, _) = client.post(&post).expect("an answer");
            assert_eq!(status, 200);
        }
    }
    wait_until_applied(&server);
    wait_until_quiet(&server);
    let (rows, bytes) =
        (server.metric("api_analytics_sealed_rows"), server.metric("api_analytics_sealed_bytes"));
    table.add("bytes_per_sealed_hit_of_small_projects", bytes / rows, "bytes", "20");
    server.stop();
}

/// Until nothing is being sealed or merged; unfinished files have their own names in the folder.
pub fn wait_until_quiet(server: &Server) {
    let making = || {
        std::fs::read_dir(server.data.join("hits")).is_ok_and(|mut files| {
            files.any(|file| {
                file.is_ok_and(|file| file.file_name().to_string_lossy().contains("ing"))
            })
        })
    };
    let files = || server.metric("api_analytics_sealed_files");
    let mut known = files();
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_millis(200));
        let now = files();
        if now != known || making() {
            (known, since) = (now, Instant::now());
        }
    }
}

fn page(table: &mut Table, server: &Server, key: &str, name: &str, path: &str, aim: &'static str) {
    let mut client = Client::connect(&server.address).expect("a connection");
    let times = (0..7)
        .map(|_| {
            let asked = Instant::now();
            let (status, body) = client.get(path, key).expect("an answer");
            assert!(
                status == 200 && body.len() > 100,
                "{path}: {}",
                String::from_utf8_lossy(&body)
            );
            asked.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    table.add(name, median(times), "ms", aim);
}

/// The cursor after 500,000 hits.
fn deep_cursor(server: &Server, key: &str) -> String {
    let mut client = Client::connect(&server.address).expect("a connection");
    let mut path = "/api/v1/hits?limit=10000".to_owned();
    let mut cursor = String::new();
    for _ in 0..50 {
        let (_, body) = client.get(&path, key).expect("an answer");
        let answer: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        cursor = answer["next"].as_str().expect("there is more").to_owned();
        path = format!("/api/v1/hits?limit=10000&after={cursor}");
    }
    cursor
}
