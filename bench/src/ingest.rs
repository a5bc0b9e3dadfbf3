//! Hits accepted over HTTP: how many, at what cost, in how much memory, how soon visible.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::client::Client;
use crate::crowd::{self, Stock};
use crate::data::{Post, Random};
use crate::server::{Server, own_cpu};
use crate::{Options, Table};

static BATCH_ID: AtomicU64 = AtomicU64::new(1);

#[expect(clippy::disallowed_methods, reason = "hits have the time at which they are made")]
pub fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Posts until `hits` are accepted or `time` is over; returns hits accepted, posts made and seconds.
pub fn load(
    address: &str,
    keys: &[String],
    connections: usize,
    batch: u64,
    hits: u64,
    time: Duration,
) -> (u64, u64, f64) {
    let kept = Arc::new(AtomicU64::new(0));
    let posts = Arc::new(AtomicU64::new(0));
    let now = now_us();
    let started = Instant::now();
    let threads: Vec<_> = (0..connections)
        .map(|n| {
            let (kept, posts, keys, address) =
                (kept.clone(), posts.clone(), keys.to_vec(), address.to_owned());
            std::thread::spawn(move || {
                let mut random = Random::new(n as u64 + 1);
                let count = (20_000 / batch).clamp(2, 200);
                let mut ready: Vec<_> = (0..count)
                    .map(|_| {
                        let back = random.below(3_600_000_000) as i64;
                        Post::new(&mut random, batch, now - back - 5_000_000, now - back)
                    })
                    .collect();
                let mut client = Client::connect(&address).expect("a connection");
                while started.elapsed() < time && kept.load(Ordering::Relaxed) < hits {
                    let id = BATCH_ID.fetch_add(1, Ordering::Relaxed);
                    let post = &mut ready[(id % count) as usize];
                    post.set_id(id);
                    post.set_key(&keys[(id as usize) % keys.len()]);
                    let (status, answer) = client.post(post).expect("an answer");
                    match status {
                        200 => {
                            kept.fetch_add(batch, Ordering::Relaxed);
                            posts.fetch_add(1, Ordering::Relaxed);
                        }
                        503 => std::thread::sleep(Duration::from_millis(50)),
                        other => panic!("{other}: {}", String::from_utf8_lossy(&answer)),
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("a client ends well");
    }
    (kept.load(Ordering::Relaxed), posts.load(Ordering::Relaxed), started.elapsed().as_secs_f64())
}

/// Milliseconds until an acknowledged hit is in an answer.
fn ack_to_visible(server: &Server, key: &str) -> f64 {
    let mut client = Client::connect(&server.address).expect("a connection");
    let name = format!("/visible/{}", BATCH_ID.fetch_add(1, Ordering::Relaxed));
    let hit =
        format!("{{\"requests\":[{{\"path\":\"{name}\",\"method\":\"GET\",\"status\":200}}]}}");
    let (status, _) = client.send("POST", "/api/requests", key, hit.as_bytes()).expect("an answer");
    assert_eq!(status, 200);
    let acknowledged = Instant::now();
    loop {
        let (_, answer) =
            client.get(&format!("/api/v1/hits?limit=1&q=path:{name}"), key).expect("an answer");
        if String::from_utf8_lossy(&answer).contains(&name) {
            return acknowledged.elapsed().as_secs_f64() * 1e3;
        }
        assert!(acknowledged.elapsed() < Duration::from_secs(60), "{name} does not become visible");
        // A poll is a query, and must not become a load of its own.
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn run(options: &Options, table: &mut Table) {
    let time = Duration::from_secs(options.seconds);
    let server = Server::start(&options.binary, &options.folder.join("ingest"), &[]);
    let key = vec![server.new_key()];
    let (resident, anonymous) = server.memory();
    table.add("memory_idle", resident, "MB", "100");
    table.add("memory_idle_anonymous", anonymous, "MB", "60");
    let visible: Vec<f64> = (0..15).map(|_| ack_to_visible(&server, &key[0])).collect();
    table.add("ack_to_visible_idle", median(visible), "ms", "1000");

    for (connections, batch) in [(1, 1_000), (2, 1_000), (1, 50), (2, 50), (16, 50)] {
        let (kept, _, seconds) = load(&server.address, &key, connections, batch, u64::MAX, time);
        table.add(
            format!("kept_batches_of_{batch}_from_{connections}"),
            kept as f64 / seconds,
            "hits/s",
            "",
        );
        wait_until_applied(&server);
    }
    sustained(options, table, &server, &key);
    server.stop();
    small_posts(options, table);
}

/// Posts of 10 hits, like middleware that posts often. Measures the cost per post of the server, and of the bench's
/// client, which has the same processors.
pub fn small_posts(options: &Options, table: &mut Table) {
    let server = Server::start(&options.binary, &options.folder.join("small-posts"), &[]);
    let key = vec![server.new_key()];
    let time = Duration::from_secs(options.seconds);
    // The first posts compile the patterns for user agents, and create files.
    crowd(&server.address, &key, Duration::from_secs(1));
    wait_until_applied(&server);
    let (before, client_before) = (server.cpu(), own_cpu());
    let (posts, seconds) = crowd(&server.address, &key, time);
    let client = own_cpu() - client_before;
    wait_until_applied(&server);
    table.add("posts_of_10_from_64", posts as f64 / seconds, "posts/s", "20000");
    add_cpu(table, &server, &before, posts, "cpu_per_post_of_10", "");
    table.add("cpu_per_post_of_10_of_the_client", client / posts as f64 * 1e6, "us", "");
    server.stop();
}

/// Posts of 10 hits from 64 connections; returns how many were accepted, in how many seconds.
fn crowd(address: &str, keys: &[String], time: Duration) -> (u64, f64) {
    let mut random = Random::new(64);
    let now = now_us();
    let posts = (0..200).map(|_| {
        let back = random.below(3_600_000_000) as i64;
        Post::new(&mut random, 10, now - back - 5_000_000, now - back)
    });
    let stock = Stock { posts: posts.collect(), keys, next_id: &BATCH_ID };
    let started = Instant::now();
    let kept = crowd::post(address, 64, stock, time);
    (kept, started.elapsed().as_secs_f64())
}

/// The server's CPU since `before`, by thread and in total, per item.
fn add_cpu(
    table: &mut Table,
    server: &Server,
    before: &[(String, f64)],
    things: u64,
    name: &str,
    aim: &'static str,
) {
    let mut total = 0.0;
    for (thread, cpu) in server.cpu() {
        let known = before.iter().find(|(other, _)| *other == thread).map_or(0.0, |(_, cpu)| *cpu);
        let each = (cpu - known) / things as f64 * 1e6;
        total += each;
        if each >= 0.01 {
            table.add(format!("{name}_{thread}"), each, "us", "");
        }
    }
    table.add(name, total, "us", aim);
}

/// The main load; also measures memory, visibility and pauses.
fn sustained(options: &Options, table: &mut Table, server: &Server, key: &[String]) {
    let time = Duration::from_secs(options.seconds * 3);
    let stop = Arc::new(AtomicBool::new(false));
    let before = server.cpu();
    let watcher = {
        let (address, key, stop) = (server.address.clone(), key[0].clone(), stop.clone());
        std::thread::spawn(move || {
            let mut client = Client::connect(&address).expect("a connection");
            let mut pauses = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let asked = Instant::now();
                let (status, _) = client.get("/api/v1/hits?limit=10", &key).expect("an answer");
                assert_eq!(status, 200);
                pauses.push(asked.elapsed().as_secs_f64() * 1e3);
                std::thread::sleep(Duration::from_millis(500));
            }
            pauses
        })
    };
    let loading = {
        let (address, key) = (server.address.clone(), key.to_vec());
        std::thread::spawn(move || load(&address, &key, 16, 1_000, u64::MAX, time))
    };
    let (mut resident, mut anonymous, mut inbox, mut visible) = (0f64, 0f64, 0f64, Vec::new());
    while !loading.is_finished() {
        let (one, other) = server.memory();
        resident = resident.max(one);
        anonymous = anonymous.max(other);
        inbox = inbox.max(server.metric("api_analytics_inbox_bytes"));
        visible.push(ack_to_visible(server, &key[0]));
        std::thread::sleep(Duration::from_secs(2));
    }
    let (kept, _, seconds) = loading.join().expect("the load ends well");
    stop.store(true, Ordering::Relaxed);
    let pauses = watcher.join().expect("the watcher ends well");
    table.add("kept_batches_of_1000_from_16_sustained", kept as f64 / seconds, "hits/s", "400000");
    let lag = wait_until_applied(server);
    table.add("seconds_behind_at_the_end", lag, "s", "1");
    add_cpu(table, server, &before, kept, "cpu_per_hit", "3 to 4");
    table.add("memory_under_load", resident, "MB", "400");
    table.add("memory_under_load_anonymous", anonymous, "MB", "");
    table.add("inbox_under_load", inbox / 1e6, "MB", "");
    table.add("ack_to_visible_under_load_median", median(visible.clone()), "ms", "1000");
    table.add(
        "ack_to_visible_under_load_longest",
        visible.iter().copied().fold(0.0, f64::max),
        "ms",
        "1000",
    );
    table.add("read_under_load_median", median(pauses.clone()), "ms", "");
    table.add("read_under_load_longest", pauses.iter().copied().fold(0.0, f64::max), "ms", "");
}

/// Seconds until the inbox is empty.
pub fn wait_until_applied(server: &Server) -> f64 {
    let started = Instant::now();
    while server.metric("api_analytics_inbox_records") > 0.0 {
        assert!(started.elapsed() < Duration::from_secs(600), "the inbox does not empty");
        std::thread::sleep(Duration::from_millis(50));
    }
    started.elapsed().as_secs_f64()
}
