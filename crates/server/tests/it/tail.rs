//! `GET /api/v1/tail`: hits as they are stored.

use std::time::Duration;

use analytics::limits;
use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::app::{TestApp, TestProject, hit};

/// A client that follows.
struct Follower {
    body: Incoming,
    text: String,
    last_id: String,
    _sender: http1::SendRequest<Body>,
}

#[derive(Debug, PartialEq)]
struct Event {
    id: String,
    kind: String,
    data: Value,
}

impl Follower {
    async fn open(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Follower {
        let stream = tokio::net::TcpStream::connect(app.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().uri(path).header("host", app.address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = sender.send_request(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let body = response.into_body();
        Follower { body, text: String::new(), last_id: String::new(), _sender: sender }
    }

    /// Follows from now on.
    async fn start(app: &TestApp, key: &str, query: &str) -> Follower {
        let path = format!("/api/v1/tail?{query}");
        let mut follower = Follower::open(app, &path, &[("x-auth-token", key)]).await;
        follower.wait_for("id: ").await;
        follower
    }

    async fn resume(app: &TestApp, key: &str, after: &str) -> Follower {
        let headers = [("x-auth-token", key), ("last-event-id", after)];
        Follower::open(app, "/api/v1/tail", &headers).await
    }

    async fn wait_for(&mut self, words: &str) {
        while !self.text.contains(words) {
            assert!(self.read().await, "{:?}", self.text);
        }
    }

    /// False if the stream has ended.
    async fn read(&mut self) -> bool {
        let frame = tokio::time::timeout(Duration::from_secs(60), self.body.frame());
        let Some(Ok(frame)) = frame.await.expect("nothing came") else { return false };
        self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        true
    }

    /// The next event; none if the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (mut kind, mut data) = ("message".to_owned(), None);
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("id", id)) => id.clone_into(&mut self.last_id),
                        Some(("event", name)) => name.clone_into(&mut kind),
                        Some(("data", text)) => data = Some(serde_json::from_str(text).unwrap()),
                        Some(("retry", _)) => {}
                        _ => assert_eq!(line, ":"),
                    }
                }
                self.text = rest.to_owned();
                if let Some(data) = data {
                    return Some(Event { id: self.last_id.clone(), kind, data });
                }
            }
            if !self.read().await {
                return None;
            }
        }
    }

    async fn paths(&mut self, count: usize) -> Vec<String> {
        let mut paths = Vec::new();
        while paths.len() < count {
            let event = self.next().await.expect("the stream has ended");
            assert_eq!(event.kind, "message", "{event:?}");
            assert_eq!(event.data["hit_id"], event.id);
            paths.push(event.data["path"].as_str().unwrap().to_owned());
        }
        paths
    }
}

async fn started() -> (TestApp, TestProject) {
    let app = TestApp::start().await;
    let project = app.project().await;
    (app, project)
}

async fn post(app: &TestApp, project: &TestProject, paths: &[&str]) {
    let hits: Vec<Value> = paths.iter().map(|path| hit(path, json!({}))).collect();
    assert_eq!(app.post_hits(&project.key, json!(hits)).await.json()["accepted"], paths.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_is_sent_as_it_is_listed_to_those_whose_filter_it_passes() {
    let (app, project) = started().await;
    let other = app.project().await;
    post(&app, &project, &["/before"]).await;
    let mut all = Follower::start(&app, &project.key, "").await;
    let mut failed = Follower::start(&app, &project.key, "q=status:5xx%20client:curl").await;
    let mut others = Follower::start(&app, &other.key, "").await;
    let more = json!({ "status": 503, "user_id": "alice", "ip_address": "8.8.8.8", "response_time": 1.5, "user_agent": "curl/8.1", "hostname": "a.example" });
    app.post_hits(&project.key, json!([hit("/v1/\"a\nb", json!({})), hit("/b", more)])).await;
    let list = app.get_as(&project.key, "/api/v1/hits?limit=2").await.json();
    let (first, second) = (all.next().await.unwrap(), all.next().await.unwrap());
    // Same time, the newest first.
    assert_eq!([&second.data, &first.data], [&list["hits"][0], &list["hits"][1]]);
    assert_eq!(first.data["path"], "/v1/\"a\nb");
    assert_eq!(failed.next().await.unwrap().data, second.data);
    post(&app, &other, &["/other"]).await;
    assert_eq!(others.paths(1).await, ["/other"]);
    post(&app, &project, &["/c"]).await;
    assert_eq!(all.paths(1).await, ["/c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_comes_back_is_sent_each_hit_once() {
    let (app, project) = started().await;
    let posting = async {
        for n in 0..40 {
            post(&app, &project, &[&format!("/{n}/a"), &format!("/{n}/b")]).await;
        }
    };
    let following = async {
        let mut follower = Follower::start(&app, &project.key, "").await;
        let mut paths = Vec::new();
        for count in [1, 7, 3, 30, 2, 37] {
            paths.extend(follower.paths(count).await);
            let last = follower.last_id.clone();
            follower = Follower::resume(&app, &project.key, &last).await;
        }
        paths
    };
    // The first one may arrive before the follower.
    post(&app, &project, &["/first"]).await;
    let ((), paths) = tokio::join!(posting, following);
    let mut expected: Vec<String> =
        (0..40).flat_map(|n| [format!("/{n}/a"), format!("/{n}/b")]).collect();
    expected.retain(|path| paths.contains(path));
    assert_eq!(paths, expected);
    assert_eq!(paths.len(), 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_was_away_for_long_is_sent_the_newest_and_told_how_many_it_missed() {
    let (app, project) = started().await;
    let mut follower = Follower::start(&app, &project.key, "").await;
    post(&app, &project, &["/known"]).await;
    follower.paths(1).await;
    let known = follower.last_id.clone();
    drop(follower);
    let sent = limits::TAIL_RESUMED_HITS as usize;
    let hits: Vec<Value> = (0..sent + 20).map(|n| hit(&format!("/{n}"), json!({}))).collect();
    app.post_hits(&project.key, json!(hits)).await;
    let mut back = Follower::resume(&app, &project.key, &known).await;
    let event = back.next().await.unwrap();
    assert_eq!((event.kind.as_str(), &event.data), ("missed", &json!({ "requests": 20 })));
    let paths = back.paths(sent).await;
    assert_eq!((paths[0].as_str(), paths[sent - 1].as_str()), ("/20", "/519"));
    // More than are counted.
    let many = limits::TAIL_RESUMED_COUNTED as usize;
    let hits: Vec<Value> = (0..many).map(|_| hit("/many", json!({}))).collect();
    app.post_hits(&project.key, json!(hits)).await;
    let mut back = Follower::resume(&app, &project.key, &known).await;
    let event = back.next().await.unwrap();
    assert_eq!((event.kind.as_str(), &event.data), ("missed", &json!({ "requests": null })));
    post(&app, &project, &["/then"]).await;
    assert_eq!(back.paths(1).await, ["/then"]);
    for after in ["x", "-1", "9223372036854775808"] {
        let headers = [("x-auth-token", project.key.as_str()), ("last-event-id", after)];
        let refused = app.send(Method::GET, "/api/v1/tail", &headers, Vec::new()).await;
        assert_eq!(refused.code(), "invalid_parameter", "{after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_more_than_can_be_read_some_are_left_out_and_counted() {
    let (app, project) = started().await;
    let mut follower = Follower::start(&app, &project.key, "").await;
    let room = limits::TAIL_QUEUE_HITS as usize;
    let hits: Vec<Value> = (0..2 * room).map(|_| hit("/", json!({}))).collect();
    app.post_hits(&project.key, json!(hits)).await;
    let (mut sent, mut missed) = (0, 0);
    while sent + missed < 2 * room as u64 {
        let event = follower.next().await.unwrap();
        match event.kind.as_str() {
            "missed" => missed += event.data["requests"].as_u64().unwrap(),
            _ => sent += 1,
        }
    }
    assert_eq!((sent, missed), (room as u64, room as u64));
    tokio::time::sleep(Duration::from_millis(100)).await;
    post(&app, &project, &["/later"]).await;
    assert_eq!(follower.paths(1).await, ["/later"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_wants_no_hits_hears_that_there_were_some() {
    let (app, project) = started().await;
    let mut follower = Follower::start(&app, &project.key, "hits=none&q=status:5xx").await;
    post(&app, &project, &["/well"]).await;
    let began = std::time::Instant::now();
    for n in 0..3 {
        let failed = hit(&format!("/{n}"), json!({ "status": 500 }));
        app.post_hits(&project.key, json!([failed])).await;
        let event = follower.next().await.unwrap();
        assert_eq!((event.kind.as_str(), &event.data), ("kept", &json!({})));
    }
    // The first at once, further ones apart.
    assert!(began.elapsed() >= Duration::from_millis(2 * limits::TAIL_NOTICE_MS));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_link_follows_what_it_shows_and_no_longer_than_it_holds() {
    let (app, project) = started().await;
    let link = async |more: Value| {
        let mut body = json!({ "name": "x", "q": "status:5xx" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let headers = [("x-auth-token", project.key.as_str())];
        app.post("/api/v1/share-links", &headers, &body).await.json()
    };
    let bare = link(json!({})).await;
    let token = |link: &Value| {
        let text = link["url"].as_str().or(link["token"].as_str()).unwrap();
        text.rsplit('/').next().unwrap().to_owned()
    };
    let refused = app.get_as(&token(&bare), "/api/v1/tail").await;
    assert_eq!(refused.code(), "hidden_field");
    let mut notices = Follower::start(&app, &token(&bare), "hits=none").await;
    let shown = link(json!({ "hits": true })).await;
    let hidden = app.get_as(&token(&shown), "/api/v1/tail?q=user:alice").await;
    assert_eq!(hidden.code(), "hidden_field");
    let mut follower = Follower::start(&app, &token(&shown), "").await;
    let of = |status: u16| json!({ "status": status, "user_id": "alice", "ip_address": "8.8.8.8" });
    app.post_hits(&project.key, json!([hit("/well", of(200)), hit("/failed", of(500))])).await;
    let event = follower.next().await.unwrap();
    assert_eq!(event.data["path"], "/failed");
    assert_eq!([&event.data["user_id"], &event.data["address"]], [&Value::Null, &Value::Null]);
    assert_eq!(event.data["country"], "US");
    assert_eq!(notices.next().await.unwrap().kind, "kept");
    // Its owner sees both.
    let list = app.get_as(&project.key, "/api/v1/hits").await.json();
    assert_eq!(list["hits"][0]["user_id"], "alice");
    let id = &shown["id"];
    let gone = app.delete_as(&project.key, &format!("/api/v1/share-links/{id}")).await;
    assert_eq!(gone.status, 204);
    assert_eq!(follower.next().await, None);
    app.post_hits(&project.key, json!([hit("/failed", of(500))])).await;
    assert_eq!(notices.next().await.unwrap().kind, "kept", "another link");
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_are_so_many_and_end_with_the_server_and_with_their_project() {
    let mut app = TestApp::with(&[("tail_watchers", "4")]).await;
    let (project, other) = (app.project().await, app.project().await);
    let first = Follower::start(&app, &project.key, "").await;
    let mut second = Follower::start(&app, &project.key, "hits=none").await;
    let refused = app.get_as(&project.key, "/api/v1/tail").await;
    assert_eq!(
        (refused.code().as_str(), refused.header("retry-after")),
        ("too_many_watchers", "30")
    );
    let mut others = Follower::start(&app, &other.key, "").await;
    drop(first);
    let mut tries = 0;
    let mut again = loop {
        let answer =
            app.send(Method::HEAD, "/api/v1/tail", &[("x-auth-token", &project.key)], vec![]).await;
        if answer.status == 200 {
            break Follower::start(&app, &project.key, "").await;
        }
        tries += 1;
        assert!(tries < 100, "the place of one who has gone is not given to another");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(app.delete_as(&project.key, "/api/v1/project").await.status, 200);
    assert_eq!((again.next().await, second.next().await), (None, None));
    let began = std::time::Instant::now();
    app.stop().await;
    assert_eq!(others.next().await, None);
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
}
