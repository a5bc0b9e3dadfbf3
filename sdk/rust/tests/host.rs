//! The ways in which a client can hurt its host, each provoked: see `contract/PROTOCOL.md`, "Towards the host". The service is tower's, since
//! that is the least that has requests; no runtime runs it.

mod common;

use std::convert::Infallible;
use std::future::{pending, ready, Future};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use api_analytics_client::tower::Analytics;
use bytes::Bytes;
use common::{printed, run, Sink};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use serde_json::Value;
use tower_layer::Layer;
use tower_service::Service;

/// A body of two pieces and trailers.
#[derive(Default)]
struct Pieces(usize);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0 += 1;
        Poll::Ready(match self.0 {
            1 | 2 => Some(Ok(Frame::data(Bytes::from_static(b"abc")))),
            3 => Some(Ok(Frame::trailers(HeaderMap::from_iter([("x-end".parse().unwrap(), HeaderValue::from_static("1"))])))),
            _ => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(6)
    }
}

type Handler = fn(Request<()>) -> Pin<Box<dyn Future<Output = Result<Response<Pieces>, Infallible>> + Send>>;

#[derive(Clone)]
struct App(Handler);

impl Service<Request<()>> for App {
    type Response = Response<Pieces>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Pieces>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        (self.0)(request)
    }
}

fn answers(_: Request<()>) -> <App as Service<Request<()>>>::Future {
    Box::pin(ready(Ok(Response::new(Pieces(0)))))
}

fn panics(_: Request<()>) -> <App as Service<Request<()>>>::Future {
    Box::pin(async { panic!("the handler's own") })
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(noop()))
}

fn noop() -> &'static Waker {
    static WAKER: std::sync::OnceLock<Waker> = std::sync::OnceLock::new();
    struct Nothing;
    impl std::task::Wake for Nothing {
        fn wake(self: Arc<Self>) {}
    }
    WAKER.get_or_init(|| Arc::new(Nothing).into())
}

fn get(path: &str) -> Request<()> {
    Request::get(path).header("host", "a.example:80").header("user-agent", "test").body(()).unwrap()
}

/// Answers a request to the last frame, and returns the frames' number.
fn ask<S, B>(service: &mut S, request: Request<()>) -> usize
where
    S: Service<Request<()>, Response = Response<B>>,
    B: Body,
{
    let future = service.call(request);
    let Poll::Ready(Ok(response)) = poll(std::pin::pin!(future)) else { panic!("no answer") };
    let mut body = std::pin::pin!(response.into_body());
    let mut frames = 0;
    while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut Context::from_waker(noop())) {
        frames += 1;
    }
    frames
}

fn to(sink: &Sink) -> Analytics {
    Analytics::new("k").with_server_url(&sink.url)
}

/// One that waits for the client does so every time, for two seconds; a busy machine delays one in a while.
fn is_not_held(run: impl Fn() -> Duration) {
    let took: Vec<Duration> = (0..3).map(|_| run()).collect();
    assert!(took.iter().any(|took| *took < Duration::from_millis(1500)), "{took:?}");
}

fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks.filter(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "api-analytics")).count()
}

#[test]
fn a_request_is_recorded_without_any_runtime_and_its_answer_passes_unchanged() {
    let sink = Sink::start();
    let mut service = to(&sink).with_release("v1").layer(App(answers));
    let future = service.call(get("/a?secret=1"));
    let Poll::Ready(Ok(response)) = poll(std::pin::pin!(future)) else { panic!("no answer") };
    assert_eq!(response.body().size_hint().exact(), Some(6));
    let mut body = std::pin::pin!(response.into_body());
    let mut trailers = None;
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut Context::from_waker(noop())) {
        trailers = frame.into_trailers().ok().or(trailers);
    }
    assert_eq!(trailers.unwrap()["x-end"], "1");
    let hit = &sink.flushed(1)[0];
    assert_eq!([&hit["path"], &hit["hostname"], &hit["method"]], ["/a", "a.example", "GET"]);
    assert_eq!([&hit["status"], &hit["response_size"]], [200, 6]);
    let post = &sink.posts()[0];
    assert_eq!([&post["framework"], &post["release"], &post["sdk"]], ["Tower", "v1", "rust/0.1.0"]);
}

#[test]
fn nothing_happens_before_the_first_hit() {
    let sink = Sink::start();
    let (output, _) = run("child_counts_threads", &sink.url, "k");
    assert_eq!(printed(&output), "0 threads before, 1 after");
}

#[test]
#[ignore = "a child"]
fn child_counts_threads() {
    let mut service = Analytics::from_env().layer(App(answers));
    let before = threads();
    ask(&mut service, get("/a"));
    for _ in 0..100 {
        // It takes its name itself.
        if threads() == 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    println!("{before} threads before, {} after", threads());
}

#[test]
fn without_a_key_nothing_is_recorded_and_it_is_said_once() {
    let sink = Sink::start();
    let (output, _) = run("child_counts_threads_twice", &sink.url, "");
    let text = printed(&output);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("API_ANALYTICS_KEY") && text.contains("0 threads after"), "{text}");
    assert_eq!(sink.posts().len(), 0);
}

#[test]
#[ignore = "a child"]
fn child_counts_threads_twice() {
    for _ in 0..2 {
        ask(&mut Analytics::from_env().layer(App(answers)), get("/a"));
    }
    std::thread::sleep(Duration::from_millis(100));
    println!("{} threads after", threads());
}

#[test]
fn a_process_that_ends_posts_what_waits() {
    for (child, code) in [("child_returns", 0), ("child_exits", 3)] {
        let sink = Sink::start();
        let (output, took) = run(child, &sink.url, "k");
        assert_eq!((output.status.code(), printed(&output).as_str()), (Some(code), ""));
        assert!(took < Duration::from_millis(2500), "{took:?}");
        assert_eq!(sink.hits().len(), 1, "{child}");
    }
}

#[test]
#[ignore = "a child"]
fn child_returns() {
    ask(&mut Analytics::from_env().layer(App(answers)), get("/a"));
}

#[test]
#[ignore = "a child"]
fn child_exits() {
    ask(&mut Analytics::from_env().layer(App(answers)), get("/a"));
    std::process::exit(3);
}

#[test]
fn a_server_that_is_not_there_neither_ends_nor_holds_the_process_and_prints_nothing() {
    is_not_held(|| {
        let (output, took) = run("child_returns", "http://127.0.0.1:9", "k");
        assert_eq!((output.status.code(), printed(&output).as_str()), (Some(0), ""));
        took
    });
}

#[test]
fn a_signal_ends_the_process_as_it_would_without_the_client() {
    use std::os::unix::process::ExitStatusExt;
    let sink = Sink::start();
    let (output, _) = run("child_is_terminated", &sink.url, "k");
    assert_eq!(output.status.signal(), Some(15));
}

#[test]
#[ignore = "a child"]
fn child_is_terminated() {
    ask(&mut Analytics::from_env().layer(App(answers)), get("/a"));
    let me = std::process::id().to_string();
    std::process::Command::new("kill").args(["-TERM", &me]).status().unwrap();
    std::thread::sleep(Duration::from_secs(5));
}

#[test]
fn a_forked_child_posts_nothing_of_its_parent_and_is_not_held() {
    is_not_held(|| {
        let sink = Sink::start();
        let (output, took) = run("child_forks", &sink.url, "k");
        assert_eq!(printed(&output), "the fork ended");
        assert_eq!(sink.hits().len(), 1);
        took
    });
}

#[test]
#[ignore = "a child"]
#[allow(unsafe_code)]
fn child_forks() {
    extern "C" {
        fn fork() -> i32;
        fn exit(code: i32) -> !;
        fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    }
    ask(&mut Analytics::from_env().layer(App(answers)), get("/a"));
    // SAFETY: the child calls nothing but `exit`, as a host that forks late would.
    unsafe {
        let child = fork();
        if child == 0 {
            exit(0);
        }
        waitpid(child, std::ptr::null_mut(), 0);
    }
    println!("the fork ended");
}

#[test]
fn everything_goes_to_the_log_and_the_key_to_none() {
    let (output, _) = run("child_logs", "http://127.0.0.1:9", "the-secret-key");
    let text = printed(&output);
    assert!(text.contains("cannot reach 127.0.0.1:9"), "{text}");
    assert!(!text.contains("the-secret-key"), "{text}");
}

#[test]
#[ignore = "a child"]
fn child_logs() {
    struct Print;
    impl log::Log for Print {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            println!("{} {}", record.target(), record.args());
        }
        fn flush(&self) {}
    }
    log::set_logger(&Print).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let analytics = Analytics::from_env();
    println!("{analytics:?}");
    ask(&mut analytics.layer(App(answers)), get("/a"));
    assert!(!api_analytics_client::flush(Duration::from_secs(2)));
}

#[test]
fn a_panic_in_the_handler_counts_500_and_goes_on() {
    let sink = Sink::start();
    let mut service = to(&sink).layer(App(panics));
    // The future dropped by the unwinding, as in tokio, and after it, as in a layer that catches panics.
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let mut future = Box::pin(service.call(get("/in")));
        let _ = poll(future.as_mut());
    }));
    let mut future = Box::pin(service.call(get("/after")));
    let caught = catch_unwind(AssertUnwindSafe(|| drop(poll(future.as_mut()))));
    drop(future);
    for panic in [unwound, caught] {
        assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "the handler's own");
    }
    let found: Vec<_> = sink.flushed(2).iter().map(|hit| hit["status"].clone()).collect();
    assert_eq!(found, [500, 500]);
}

#[test]
fn a_panic_in_a_mapper_costs_its_field_also_while_the_handler_panics() {
    let sink = Sink::start();
    let analytics = to(&sink)
        .with_path_mapper(|_| -> String { panic!("a mapper's") })
        .with_user_id_mapper(|request| request.headers()["user-agent"].to_str().unwrap().to_owned());
    ask(&mut analytics.layer(App(answers)), get("/secret"));
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let mut future = Box::pin(analytics.layer(App(panics)).call(get("/secret")));
        let _ = poll(future.as_mut());
    }));
    assert!(unwound.is_err());
    let hits = sink.flushed(2);
    for (hit, status) in hits.iter().zip([200, 500]) {
        assert_eq!([&hit["path"], &hit["user_id"]], ["/", "test"], "a path that should have been masked is not shown");
        assert_eq!(hit["status"], status);
    }
}

#[test]
fn a_caller_who_leaves_counts_as_499_before_the_head_and_as_sent_after_it() {
    let sink = Sink::start();
    let mut never = to(&sink).layer(App(|_| Box::pin(pending())));
    let mut future = Box::pin(never.call(get("/before")));
    assert!(poll(future.as_mut()).is_pending());
    drop(future);
    let mut service = to(&sink).layer(App(answers));
    let mut future = Box::pin(service.call(get("/after")));
    let Poll::Ready(Ok(response)) = poll(future.as_mut()) else { panic!("no answer") };
    let mut body = Box::pin(response.into_body());
    assert!(body.as_mut().poll_frame(&mut Context::from_waker(noop())).is_ready());
    drop(body);
    let found: Vec<_> = sink.flushed(2).iter().map(|hit| (hit["status"].clone(), hit["response_size"].clone())).collect();
    assert_eq!(found, [(499.into(), 0.into()), (200.into(), 3.into())]);
}

#[test]
fn watched_twice_a_request_counts_once_for_each_key() {
    let sink = Sink::start();
    let other = Analytics::new("another").with_server_url(&sink.url);
    let mut service = to(&sink).with_user_id_mapper(|_| "outer".to_owned()).layer(to(&sink).layer(other.layer(App(answers))));
    assert_eq!(ask(&mut service, get("/a")), 3);
    let mut users: Vec<_> = sink.flushed(2).iter().map(|hit| hit["user_id"].clone()).collect();
    users.sort_by_key(Value::is_null);
    assert_eq!(users, [Value::from("outer"), Value::Null]);
}

#[test]
fn at_privacy_level_2_no_address_is_read_or_sent() {
    let sink = Sink::start();
    let watched = |level| {
        to(&sink).with_privacy_level(level).with_ip_address_mapper(move |_| -> String {
            if level == 2 {
                panic!("called")
            } else {
                "203.0.113.9".into()
            }
        })
    };
    for level in [2, 1] {
        ask(&mut watched(level).layer(App(answers)), get("/a"));
    }
    // Without a mapper it is the connection's.
    for level in [2, 1] {
        let mut request = get("/b");
        request.extensions_mut().insert(std::net::SocketAddr::from(([192, 0, 2, 1], 5)));
        ask(&mut to(&sink).with_privacy_level(level).layer(App(answers)), request);
    }
    sink.flushed(4);
    for post in sink.posts() {
        for hit in post["requests"].as_array().unwrap() {
            let expected = match (post["privacy_level"].as_u64(), hit["path"].as_str()) {
                (Some(2), _) => Value::Null,
                (_, Some("/a")) => "203.0.113.9".into(),
                _ => "192.0.2.1".into(),
            };
            assert_eq!(hit["ip_address"], expected);
        }
    }
}

#[test]
fn waiting_hits_keep_nothing_of_a_request_alive() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    #[derive(Clone)]
    struct Large(#[allow(dead_code)] Arc<Counted>);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let sink = Sink::start();
    let mut service = to(&sink).with_user_id_mapper(|request| Some(request.uri().path().to_owned())).layer(App(answers));
    for _ in 0..3 {
        let mut request = get("/a");
        ALIVE.fetch_add(1, Ordering::SeqCst);
        request.extensions_mut().insert(Large(Arc::new(Counted)));
        ask(&mut service, request);
    }
    assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
    sink.flushed(3);
}

#[test]
fn headers_of_any_bytes_and_length_cost_nobody_an_answer() {
    let sink = Sink::start();
    let mut request = get("/a");
    let long = HeaderValue::from_bytes(&[b'x'; 10_000]).unwrap();
    for name in ["user-agent", "referer", "x-request-id", "content-length"] {
        request.headers_mut().insert(name, long.clone());
    }
    request.headers_mut().insert("host", HeaderValue::from_bytes(b"[\xff\xe9").unwrap());
    ask(&mut to(&sink).layer(App(answers)), request);
    let hit = &sink.flushed(1)[0];
    let length = |name: &str| hit[name].as_str().map(str::len);
    assert_eq!([length("user_agent"), length("referrer"), length("request_id")], [Some(1024), Some(2048), Some(128)]);
    assert_eq!([&hit["hostname"], &hit["request_size"]], [&Value::from("\u{ff}\u{e9}"), &Value::Null]);
}

#[test]
fn upgrades_are_not_recorded() {
    let sink = Sink::start();
    let upgrade: Handler = |_| Box::pin(ready(Ok(Response::builder().status(101).body(Pieces(3)).unwrap())));
    ask(&mut to(&sink).layer(App(upgrade)), get("/socket"));
    ask(&mut to(&sink).layer(App(answers)), get("/a"));
    assert_eq!(sink.flushed(1)[0]["path"], "/a");
}
