//! Rocket 0.5.
//!
//! ```no_run
//! use api_analytics_client::rocket::Analytics;
//!
//! # fn build() -> rocket::Rocket<rocket::Build> {
//! rocket::build().attach(Analytics::new("YOUR-KEY"))
//! # }
//! ```
//!
//! Attach it last, so that it sees what other fairings make of an answer. When Rocket shuts down, waiting requests are posted, within two
//! seconds.
//!
//! Rocket ends a handler whose caller has left like any other. Such a request counts as 499 if its answer has a body.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{ready, Context, Poll};
use std::time::{Instant, SystemTime};

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::Method;
use rocket::response::Body;
use rocket::tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use rocket::{Data, Orbit, Request, Response, Rocket};

use crate::builder_methods;
use crate::config::Settings;
use crate::hit::Field;
use crate::recorder::{Recorder, Watch, HEADERS};
use crate::template::{to_template, Style};

type MapperOf = dyn for<'r> Fn(&Request<'r>) -> Option<String> + Send + Sync;

/// The fairing.
#[derive(Clone)]
pub struct Analytics {
    settings: Settings<MapperOf>,
    recorder: OnceLock<Arc<Recorder<MapperOf>>>,
}

impl std::fmt::Debug for Analytics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the key.
        formatter.debug_struct("Analytics").finish_non_exhaustive()
    }
}

impl Analytics {
    builder_methods!(Request<'_>);

    fn from_settings(settings: Settings<MapperOf>) -> Self {
        Self { settings, recorder: OnceLock::new() }
    }

    fn change(mut self, change: impl FnOnce(&mut Settings<MapperOf>)) -> Self {
        change(&mut self.settings);
        Self::from_settings(self.settings)
    }

    fn recorder(&self) -> &Arc<Recorder<MapperOf>> {
        self.recorder.get_or_init(|| Arc::new(Recorder::new("Rocket", &self.settings)))
    }
}

/// When a request began, by project and fairing: the first fairing of a project records it.
#[derive(Default)]
struct Begun(Mutex<Vec<Beginning>>);

#[derive(Clone, Copy)]
struct Beginning {
    project: u32,
    /// The address of its recorder.
    fairing: usize,
    /// Rocket answers HEAD by the route of GET, and then calls the request one.
    method: Method,
    began: Instant,
    started_at: SystemTime,
}

#[rocket::async_trait]
impl Fairing for Analytics {
    fn info(&self) -> Info {
        Info { name: "API Analytics", kind: Kind::Request | Kind::Response | Kind::Shutdown }
    }

    async fn on_request(&self, request: &mut Request<'_>, _data: &mut Data<'_>) {
        let recorder = self.recorder();
        let Some(client) = recorder.active_client() else { return };
        let mut begun = lock(request);
        if begun.iter().all(|other| other.project != client.project) {
            let fairing = Arc::as_ptr(recorder) as usize;
            let (began, started_at) = (Instant::now(), SystemTime::now());
            begun.push(Beginning { project: client.project, fairing, method: request.method(), began, started_at });
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let recorder = self.recorder();
        let Some(client) = recorder.active_client() else { return };
        let fairing = Arc::as_ptr(recorder) as usize;
        let Some(beginning) = lock(request).iter().find(|one| one.fairing == fairing).copied() else { return };
        let asked_for = request.headers().get("upgrade").flat_map(|value| value.split(','));
        let is_upgrade = asked_for.map(str::trim).any(|protocol| response.upgrade(protocol).is_some());
        if is_upgrade || response.status().code == 101 {
            return;
        }
        let mut watch = Watch::begin(client, recorder, beginning.method.as_str(), request.uri().path().as_str());
        watch.began_at(beginning.began, beginning.started_at);
        watch.read_request(recorder, |name| request.headers().get_one(HEADERS[name as usize]).map(str::as_bytes));
        watch.read_answer(response.status().code, |name| response.headers().get_one(HEADERS[name as usize]).map(str::as_bytes));
        if let Some(route) = request.route() {
            let pattern = route.uri.as_str().split('?').next().unwrap_or_default();
            if let Some(template) = to_template(pattern, Style::Angles) {
                watch.set(Field::Route, &template);
            }
        }
        if recorder.reads_address {
            if let Some(address) = request.client_ip() {
                watch.set_address(address);
            }
        }
        let ending = Ending { watch, recorder: recorder.clone(), request };
        let mut body = response.body_mut().take();
        if body.is_none() {
            *response.body_mut() = body;
            return;
        }
        let (size, max_chunk_size) = (body.size().await, body.max_chunk_size());
        // Neither has a body whatever the handler gave, so nobody reads it.
        let is_read = beginning.method != Method::Head && !matches!(response.status().code, 204 | 304);
        let watched = WatchedBody { inner: body, ending: Some(ending), is_read: !is_read };
        match size {
            Some(size) => response.set_sized_body(size, watched),
            None => response.set_streamed_body(watched),
        }
        response.set_max_chunk_size(max_chunk_size);
    }

    async fn on_shutdown(&self, _rocket: &Rocket<Orbit>) {
        let _ = rocket::tokio::task::spawn_blocking(crate::shutdown).await;
    }
}

fn lock<'r>(request: &'r Request<'_>) -> std::sync::MutexGuard<'r, Vec<Beginning>> {
    request.local_cache(Begun::default).0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request until its end, which is when this is dropped.
struct Ending<'r, 's> {
    watch: Watch,
    recorder: Arc<Recorder<MapperOf>>,
    request: &'r Request<'s>,
}

impl Drop for Ending<'_, '_> {
    fn drop(&mut self) {
        let request = self.request;
        self.watch.map(&self.recorder.mappers, Some(&|mapper| mapper(request)));
        self.watch.finish();
    }
}

/// An answer's body whose end is the end of its request.
struct WatchedBody<'r, 's> {
    inner: Body<'r>,
    ending: Option<Ending<'r, 's>>,
    /// Rocket reads a body once its head is on the way. One that is dropped before had nobody to read it.
    is_read: bool,
}

impl AsyncRead for WatchedBody<'_, '_> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.is_read = true;
        let before = buffer.filled().len();
        let polled = ready!(Pin::new(&mut self.inner).poll_read(context, buffer));
        let count = buffer.filled().len() - before;
        match &mut self.ending {
            Some(ending) if count > 0 && polled.is_ok() => ending.watch.sent += count as u64,
            _ => self.ending = None,
        }
        Poll::Ready(polled)
    }
}

/// Rocket asks for it with a body of a known size, and uses it only to find a size.
impl AsyncSeek for WatchedBody<'_, '_> {
    fn start_seek(self: Pin<&mut Self>, _position: io::SeekFrom) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn poll_complete(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }
}

impl Drop for WatchedBody<'_, '_> {
    fn drop(&mut self) {
        if let (false, Some(ending)) = (self.is_read, &mut self.ending) {
            ending.watch.set_status(499);
        }
    }
}
