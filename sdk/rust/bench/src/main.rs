//! The client's cost to an axum app whose router is called in this process, beside the bare router:
//! - layer: what axum takes for a layer that does nothing;
//! - inline: nanoseconds and allocations of a request, without the posts;
//! - flushed: processor time of a request with everything that follows, the posts too. Their server is another process;
//! - held: bytes of a waiting hit.
//!
//! Medians of rounds that alternate, since a machine's speed drifts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use api_analytics_client::axum::Analytics;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path};
use axum::http::Request;
use axum::routing::get;
use axum::Router;
use http_body_util::BodyExt;
use tower_service::Service;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicI64 = AtomicI64::new(0);

// SAFETY: hands everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        LIVE.fetch_add(layout.size() as i64, Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROUNDS: usize = 21;
const BLOCKS: usize = 50;
/// Fewer than the 500 at which the client posts by itself, in a thread that would be counted.
const BLOCK: usize = 400;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words.get(1).is_some_and(|word| word == "sink") {
        sink();
    }
    let mut child = Command::new(&words[0]).arg("sink").stdout(Stdio::piped()).spawn().expect("a sink");
    let mut port = [0; 5];
    child.stdout.take().expect("its output").read_exact(&mut port).expect("its port");
    let url = format!("http://127.0.0.1:{}", String::from_utf8_lossy(&port));
    let wall = Instant::now();
    let wall_time = || wall.elapsed();
    // axum pays for any layer, so this one's own part is the rest.
    let (layer_ns, layer_allocations) = compare(&mut app(), &mut app().layer(Nothing), wall_time, false).await;
    let mut watched = app().layer(Analytics::new("k").with_server_url(url));
    let (inline_ns, allocations) = compare(&mut app(), &mut watched, wall_time, false).await;
    let (flushed_ns, _) = compare(&mut app(), &mut watched, cpu_time, true).await;
    let held = held(&mut app().layer(Analytics::new("k").with_server_url("http://127.0.0.1:9"))).await;
    let _ = child.kill();
    let results = serde_json::json!({
        "layer_ns": layer_ns, "layer_allocations": layer_allocations,
        "inline_ns": inline_ns, "allocations": allocations, "flushed_cpu_ns": flushed_ns, "held_bytes": held,
    });
    println!("{results:#}");
    if let Some(file) = words.get(1) {
        std::fs::write(file, format!("{results:#}\n")).expect("the file can be written");
    }
}

/// A layer that does nothing.
#[derive(Clone)]
struct Nothing;

impl<S> tower_layer::Layer<S> for Nothing {
    type Service = Passing<S>;
    fn layer(&self, inner: S) -> Passing<S> {
        Passing(inner)
    }
}

#[derive(Clone)]
struct Passing<S>(S);

impl<S: Service<Request<Body>>> Service<Request<Body>> for Passing<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;
    fn poll_ready(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }
    fn call(&mut self, request: Request<Body>) -> S::Future {
        self.0.call(request)
    }
}

fn app() -> Router {
    Router::new().route("/items/{id}", get(|Path(id): Path<u32>| async move { format!("item {id}") }))
}

async fn ask(app: &mut Router, number: usize) {
    let mut request = Request::get("/items/42?page=1")
        .header("host", "api.example.com")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36")
        .header("referer", "https://example.com/items?page=1")
        .body(Body::empty())
        .expect("a request");
    let caller = SocketAddr::from(([198, 51, 100, (number % 250) as u8], 40_000));
    request.extensions_mut().insert(ConnectInfo(caller));
    let answer = app.call(request).await.expect("an answer");
    black_box(answer.into_body().collect().await.expect("a body"));
}

/// Nanoseconds and allocations of a request that `watched` takes more than `bare`, by a clock, with or without the posts that follow.
async fn compare(bare: &mut Router, watched: &mut Router, clock: impl Fn() -> Duration, with_posts: bool) -> (f64, f64) {
    let (mut nanoseconds, mut allocations) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 2 {
        let mut found = [(0.0, 0.0); 2];
        for (app, found) in [&mut *bare, &mut *watched].into_iter().zip(&mut found) {
            // In blocks that the queue holds, so that every hit is posted.
            for _ in 0..BLOCKS {
                let (before, began) = (ALLOCATIONS.load(Relaxed), clock());
                for number in 0..BLOCK {
                    ask(app, number).await;
                }
                let (ended, after) = (clock(), ALLOCATIONS.load(Relaxed));
                api_analytics_client::flush(Duration::from_secs(10));
                let took = if with_posts { clock() } else { ended } - began;
                let count = (BLOCK * BLOCKS) as f64;
                *found = (found.0 + took.as_nanos() as f64 / count, found.1 + (after - before) as f64 / count);
            }
        }
        if round >= 2 {
            nanoseconds.push(found[1].0 - found[0].0);
            allocations.push(found[1].1 - found[0].1);
        }
    }
    (median(nanoseconds).round(), (median(allocations) * 10.0).round() / 10.0)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

async fn held(watched: &mut Router) -> i64 {
    ask(watched, 0).await;
    let before = LIVE.load(Relaxed);
    for number in 0..5000 {
        ask(watched, number).await;
    }
    (LIVE.load(Relaxed) - before) / 5000
}

/// Of all threads of this process.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let own: u64 = stat.split(' ').next().and_then(|time| time.parse().ok()).unwrap_or(0);
    let others: u64 = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten()
        .map(|task| {
            let stat = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            stat.split(' ').next().and_then(|time| time.parse::<u64>().ok()).unwrap_or(0)
        })
        .sum();
    Duration::from_nanos(others.max(own))
}

/// Accepts whatever is posted, for ever; prints its port.
fn sink() -> ! {
    let listener = (10_000..).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).expect("a port");
    print!("{:05}", listener.local_addr().expect("an address").port());
    std::io::stdout().flush().expect("an output");
    for mut stream in listener.incoming().flatten() {
        let mut bytes = Vec::new();
        let mut piece = [0; 65_536];
        while let Ok(count @ 1..) = stream.read(&mut piece) {
            bytes.extend_from_slice(&piece[..count]);
            let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                bytes.clear();
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"accepted\":1}");
            }
        }
    }
    std::process::exit(0)
}
