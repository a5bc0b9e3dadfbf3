//! `TestApp`: a separate server for each test.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use server::clock::Clock;
use server::config::{Origin, Settings, Values};
use server::serve::{RunningServer, bind};
use store::meta::{Can, Key, NewProject};

/// 2026-11-22T12:00:00Z.
pub const NOW: i64 = 1_795_348_800_000_000;

pub struct TestApp {
    pub running: Option<RunningServer>,
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
    settings: Vec<(String, String)>,
    now_us: Arc<AtomicI64>,
}

/// A project of a test.
pub struct TestProject {
    pub id: u32,
    pub key: String,
    pub dashboard_id: String,
}

/// An answer that was read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The error's code; asserts that the body is an error body of this status.
    #[track_caller]
    pub fn code(&self) -> String {
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16(), "{body}");
        assert!(body["message"].as_str().is_some_and(|message| message.len() > 10), "{body}");
        body["code"].as_str().unwrap_or_else(|| panic!("no code in {body}")).to_owned()
    }
}

impl TestApp {
    pub async fn start() -> TestApp {
        TestApp::with(&[]).await
    }

    /// With these settings instead of their defaults.
    pub async fn with(settings: &[(&str, &str)]) -> TestApp {
        let mut settings: Vec<(String, String)> =
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        // Projects and settings of every test in PostgreSQL: see CONTRIBUTING.md.
        if std::env::var_os("API_ANALYTICS_TEST_POSTGRES").is_some() {
            settings.push(("meta".to_owned(), crate::postgres::new_database()));
        }
        if std::env::var_os("API_ANALYTICS_TEST_CLICKHOUSE").is_some() {
            settings.push(("hits".to_owned(), crate::clickhouse::new_database()));
        }
        let folder = tempfile::tempdir().unwrap();
        let mut app = TestApp {
            running: None,
            address: "127.0.0.1:0".parse().unwrap(),
            folder,
            settings,
            now_us: Arc::new(AtomicI64::new(NOW)),
        };
        app.launch().await;
        app
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    pub fn settings(&self) -> Settings {
        let mut values = Values::default();
        let set = |values: &mut Values, key: &str, text: &str| {
            values.set(key, text.to_owned(), Origin::Flag(format!("--{key}"))).unwrap();
        };
        set(&mut values, "listen", "127.0.0.1:0");
        // The demo would be in every count.
        set(&mut values, "demo", "off");
        set(&mut values, "data", self.data().to_str().unwrap());
        for (key, value) in &self.settings {
            set(&mut values, key, value);
        }
        Settings::from_values(&values).unwrap()
    }

    /// Changes a setting, from the next launch on.
    pub fn change(&mut self, key: &str, value: &str) {
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    async fn launch(&mut self) {
        let settings = self.settings();
        let listeners = bind(&settings.listen).unwrap();
        let now_us = self.now_us.clone();
        let clock = Clock::from_fn(move || now_us.load(Ordering::SeqCst));
        let running = RunningServer::start(settings, clock, listeners).await.unwrap();
        self.address = running.addresses[0];
        self.running = Some(running);
    }

    /// Call it after `stop`.
    pub async fn launch_again(&mut self) {
        assert!(self.running.is_none());
        self.launch().await;
    }

    pub async fn stop(&mut self) {
        self.running.take().unwrap().stop().await.unwrap();
    }

    pub async fn restart(&mut self) {
        self.stop().await;
        self.launch().await;
    }

    pub fn shared(&self) -> &server::app::SharedApp {
        &self.running.as_ref().unwrap().app
    }

    pub fn set_time(&self, now_us: i64) {
        self.now_us.store(now_us, Ordering::SeqCst);
    }

    pub fn time(&self) -> i64 {
        self.now_us.load(Ordering::SeqCst)
    }

    pub fn pass_days(&self, days: i64) {
        self.now_us.fetch_add(days * 86_400_000_000, Ordering::SeqCst);
    }

    /// Waits until all earlier posts can be read.
    pub async fn settle(&self) {
        self.shared().store.settle().await.unwrap();
    }

    pub async fn project(&self) -> TestProject {
        self.project_with(NewProject::default(), None).await
    }

    pub async fn project_with(&self, new: NewProject, key: Option<Key>) -> TestProject {
        let created = server::projects::create_project(self.shared(), new, key, Can::Everything)
            .await
            .unwrap();
        TestProject {
            id: created.project.id.0,
            key: created.key.to_string(),
            dashboard_id: created.dashboard_id.to_string(),
        }
    }

    /// A key of the project that may only post.
    pub async fn ingest_key(&self, project: &TestProject) -> String {
        let key = server::projects::new_key().unwrap();
        let project = analytics::hit::ProjectId(project.id);
        self.shared().meta.add_key(project, &key, Can::Ingest, NOW).await.unwrap().unwrap();
        key.to_string()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    pub async fn get_as(&self, key: &str, path: &str) -> Answer {
        self.send(Method::GET, path, &[("x-auth-token", key)], Vec::new()).await
    }

    pub async fn delete_as(&self, key: &str, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[("x-auth-token", key)], Vec::new()).await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.send(Method::POST, path, headers, body.to_string().into_bytes()).await
    }

    /// Posts hits and waits until they can be read.
    #[track_caller]
    pub fn post_hits(&self, key: &str, hits: Value) -> impl Future<Output = Answer> {
        let body = json!({ "api_key": key, "framework": "FastAPI", "requests": hits });
        async move {
            let answer = self.post("/api/requests", &[], &body).await;
            self.settle().await;
            answer
        }
    }

    /// The `Origin` that a browser sends from this server's page.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Signs in like the page; returns the cookie.
    pub async fn sign_in(&self, cookie: Option<&str>, secret: Value) -> String {
        let origin = self.origin();
        let mut headers = vec![("origin", origin.as_str())];
        headers.extend(cookie.map(|cookie| ("cookie", cookie)));
        let answer = self.post("/api/v1/session", &headers, &secret).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// A call like the page's, signed in.
    pub async fn page_call(&self, cookie: &str, method: Method, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.send(method, path, &[("cookie", cookie), ("origin", &self.origin())], body).await
    }

    /// One call on its own connection.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header("host", self.address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send_request(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn send_request(&self, request: Request<Body>) -> Answer {
        let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        let (parts, mut body) = response.into_parts();
        let is_endless =
            parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let body = if is_endless {
            let first = body.frame().await;
            drop(body);
            first
                .map_or(Vec::new(), |first| first.unwrap().into_data().unwrap_or_default().to_vec())
        } else {
            body.collect().await.unwrap().to_bytes().to_vec()
        };
        drop(sender);
        let _ = connection.await;
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

/// A hit with the required fields, plus `more`.
pub fn hit(path: &str, more: Value) -> Value {
    let mut hit = json!({ "path": path, "method": "GET", "status": 200, "created_at": "2026-11-22T11:59:00Z" });
    for (name, value) in more.as_object().unwrap() {
        hit[name] = value.clone();
    }
    hit
}

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
