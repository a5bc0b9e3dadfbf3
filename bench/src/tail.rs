//! Following hits: 10,000 a second, and 50 followers, most of them with their own filter. Measures the delay from a
//! hit's post to its followers, and the CPU of the server's thread for them.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::ingest::now_us;
use crate::server::Server;
use crate::{Options, Table};

const FOLLOWERS: usize = 50;
/// They follow everything, so that some is left out.
const UNFILTERED: usize = 5;
const HITS_PER_POST: usize = 100;
const POSTS_PER_SECOND: u64 = 100;

pub fn run(options: &Options, table: &mut Table) {
    let server = Server::start(&options.binary, &options.folder.join("tail"), &[]);
    let key = server.new_key();
    let is_over = Arc::new(AtomicBool::new(false));
    let followers: Vec<_> = (0..FOLLOWERS)
        .map(|n| {
            let query = match n < UNFILTERED {
                true => String::new(),
                false => format!("?q=path:/items/{n}/*"),
            };
            let (address, key, is_over) = (server.address.clone(), key.clone(), is_over.clone());
            std::thread::spawn(move || follow(&address, &key, &query, &is_over))
        })
        .collect();
    std::thread::sleep(Duration::from_secs(1));
    let cpu = |name: &str| -> f64 {
        server.cpu().iter().filter(|(thread, _)| thread == name).map(|(_, cpu)| cpu).sum()
    };
    let (of_tail, of_all) = (cpu("tail"), server.cpu_of_process());
    let mut client = Client::connect(&server.address).expect("a connection");
    let began = Instant::now();
    let posts = options.seconds * POSTS_PER_SECOND;
    for post in 0..posts {
        let due = Duration::from_millis(post * 1_000 / POSTS_PER_SECOND);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        let (status, answer) =
            client.send("POST", "/api/requests", &key, batch(post).as_bytes()).expect("an answer");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    }
    let took = began.elapsed().as_secs_f64();
    std::thread::sleep(Duration::from_secs(3));
    let (of_tail, of_all) = (cpu("tail") - of_tail, server.cpu_of_process() - of_all);
    is_over.store(true, Ordering::Relaxed);
    server.stop();
    let (mut delays, mut missed) = (Vec::new(), 0);
    for follower in followers {
        let (some, left_out) = follower.join().expect("a follower");
        delays.extend(some);
        missed += left_out;
    }
    delays.sort_unstable();
    let at = |share: f64| delays[(delays.len() as f64 * share) as usize] as f64 / 1e3;
    let hits = posts as f64 * HITS_PER_POST as f64;
    table.add("tail_hits_posted", hits / took, "1/s", "10,000");
    table.add("tail_hits_sent_to_50", delays.len() as f64 / took, "1/s", "");
    table.add("tail_left_out", missed as f64, "hits", "");
    table.add("tail_delay_p50", at(0.5), "ms", "");
    table.add("tail_delay_p99", at(0.99), "ms", "1500");
    table.add("tail_thread_cpu", of_tail / took * 100.0, "%", "");
    table.add("tail_server_cpu", of_all / took * 100.0, "%", "");
}

fn batch(post: u64) -> String {
    let mut body = String::from(r#"{"framework":"FastAPI","requests":["#);
    for n in 0..HITS_PER_POST {
        let comma = if n == 0 { "" } else { "," };
        let (item, now) = ((post as usize * 7 + n) % FOLLOWERS, now_us());
        let _ = write!(
            body,
            r#"{comma}{{"path":"/items/{item}/{post}","method":"GET","status":200,"response_time":3,"request_id":"{now}"}}"#
        );
    }
    body + "]}"
}

/// The delay of each hit, in microseconds, and the number left out.
fn follow(address: &str, key: &str, query: &str, is_over: &AtomicBool) -> (Vec<i64>, u64) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "GET /api/v1/tail{query} HTTP/1.1\r\nHost: localhost\r\nX-AUTH-TOKEN: {key}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it takes the call");
    let (mut delays, mut missed) = (Vec::new(), 0);
    // Chunks may cut a line: such a hit is not counted.
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { break };
        let after = |mark: &str| line.split(mark).nth(1);
        let number = |text: &str| -> Option<i64> {
            text.split(|digit: char| !digit.is_ascii_digit()).next()?.parse().ok()
        };
        if let Some(posted) = after(r#""request_id":""#).and_then(number) {
            delays.push(now_us() - posted);
        } else if let Some(count) = after(r#"{"requests":"#).and_then(number) {
            missed += count as u64;
        }
        if is_over.load(Ordering::Relaxed) {
            break;
        }
    }
    (delays, missed)
}
