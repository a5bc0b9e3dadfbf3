//! Fills a project with a year of hits, over several connections that take turns: posts arrive in order of time, except
//! for the few that are in progress at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::data::{Post, Year};
use crate::ingest::wait_until_applied;
use crate::reading::wait_until_quiet;
use crate::server::Server;

const CONNECTIONS: usize = 4;
/// How often a long fill reports its progress.
const TOLD_EACH: Duration = Duration::from_secs(10);

/// Posts the year.
pub fn fill(server: &Server, key: &str, year: &Year) {
    let next = AtomicU64::new(0);
    let kept = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let posting: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::connect(&server.address).expect("a connection");
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= year.posts() {
                            return;
                        }
                        let mut post = year.post(number);
                        post.set_key(key);
                        keep(&mut client, &post);
                        let hits = year.hits_before(number + 1) - year.hits_before(number);
                        kept.fetch_add(hits, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let mut told = started;
        while !posting.iter().all(|thread| thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(5));
            if told.elapsed() >= TOLD_EACH {
                told = Instant::now();
                let (kept, seconds) = (kept.load(Ordering::Relaxed), started.elapsed().as_secs());
                println!("  ... {kept} of {} hits kept after {seconds} s", year.hits);
            }
        }
    });
    assert_eq!(kept.load(Ordering::Relaxed), year.hits, "every hit is kept");
}

/// Until everything is applied and nothing is being sealed or merged.
pub fn settle(server: &Server) {
    wait_until_applied(server);
    wait_until_quiet(server);
}

fn keep(client: &mut Client, post: &Post) {
    loop {
        let (status, answer) = client.post(post).expect("an answer");
        match status {
            200 => return,
            503 => std::thread::sleep(Duration::from_millis(100)),
            other => panic!("{other}: {}", String::from_utf8_lossy(&answer)),
        }
    }
}
