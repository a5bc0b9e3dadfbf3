//! Actix Web 4.
//!
//! ```no_run
//! use actix_web::{web, App, HttpServer};
//! use api_analytics_client::actix::Analytics;
//!
//! # async fn serve() -> std::io::Result<()> {
//! HttpServer::new(|| {
//!     App::new()
//!         .wrap(Analytics::new("YOUR-KEY"))
//!         .route("/items/{id}", web::get().to(|| async { "an item" }))
//! })
//! .bind("127.0.0.1:3000")?
//! .run()
//! .await
//! # }
//! ```
//!
//! Wrap it last, since Actix runs the last one first.

use std::future::{ready, Future, Ready};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{ready, Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{Error, HttpMessage};
use bytes::Bytes;
use pin_project_lite::pin_project;

use crate::builder_methods;
use crate::config::Settings;
use crate::hit::Field;
use crate::recorder::{Header, Recorder, Watch, HEADERS};
use crate::template::{to_template, Style};

type MapperOf = dyn Fn(&ServiceRequest) -> Option<String> + Send + Sync;

/// The middleware, for `App::wrap`.
#[derive(Clone)]
pub struct Analytics {
    settings: Settings<MapperOf>,
    recorder: Arc<OnceLock<Arc<Recorder<MapperOf>>>>,
}

impl std::fmt::Debug for Analytics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the key.
        formatter.debug_struct("Analytics").finish_non_exhaustive()
    }
}

impl Analytics {
    builder_methods!(ServiceRequest);

    fn from_settings(settings: Settings<MapperOf>) -> Self {
        Self { settings, recorder: Arc::default() }
    }

    fn change(mut self, change: impl FnOnce(&mut Settings<MapperOf>)) -> Self {
        change(&mut self.settings);
        Self::from_settings(self.settings)
    }
}

impl<S, B> Transform<S, ServiceRequest> for Analytics
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<WatchedBody<B>>;
    type Error = Error;
    type Transform = Watched<S>;
    type InitError = ();
    type Future = Ready<Result<Watched<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        let recorder = self.recorder.get_or_init(|| Arc::new(Recorder::new("Actix Web", &self.settings)));
        ready(Ok(Watched { inner, recorder: recorder.clone() }))
    }
}

/// A service whose requests are recorded.
pub struct Watched<S> {
    inner: S,
    recorder: Arc<Recorder<MapperOf>>,
}

impl<S, B> Service<ServiceRequest> for Watched<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<WatchedBody<B>>;
    type Error = Error;
    type Future = WatchedFuture<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let mut ending = Ending::begin(&self.recorder, &request);
        if let Some(ending) = &mut ending {
            ending.watch.is_inside = true;
        }
        let inner = self.inner.call(request);
        if let Some(ending) = &mut ending {
            ending.watch.is_inside = false;
        }
        WatchedFuture { inner, ending }
    }
}

/// The projects for which a request is watched already, by an outer middleware: it counts once for each.
struct WatchedFor(Vec<u32>);

/// A request until its end, which is when this is dropped.
///
/// TRICKY: it holds no `HttpRequest`. A second copy of one makes Actix panic where it changes the request, so mappers can only run once the
/// answer brings the request back, and not at all for a request that brings none.
struct Ending {
    watch: Watch,
    recorder: Arc<Recorder<MapperOf>>,
    is_mapped: bool,
}

impl Ending {
    fn begin(recorder: &Arc<Recorder<MapperOf>>, request: &ServiceRequest) -> Option<Self> {
        let client = recorder.active_client()?;
        {
            let mut extensions = request.extensions_mut();
            match extensions.get_mut::<WatchedFor>() {
                Some(WatchedFor(projects)) if projects.contains(&client.project) => return None,
                Some(WatchedFor(projects)) => projects.push(client.project),
                None => {
                    extensions.insert(WatchedFor(vec![client.project]));
                }
            }
        }
        let mut watch = Watch::begin(client, recorder, request.method().as_str(), request.uri().path());
        let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
        watch.read_request(recorder, |name| match header(request.headers(), name) {
            // HTTP/2 has the host in the address.
            None if name == Header::Host => authority,
            found => found,
        });
        if recorder.reads_address {
            if let Some(peer) = request.peer_addr() {
                watch.set_address(peer.ip());
            }
        }
        Some(Self { watch, recorder: recorder.clone(), is_mapped: false })
    }

    fn read_answer<B>(&mut self, response: ServiceResponse<B>) -> ServiceResponse<B> {
        self.watch.read_answer(response.status().as_u16(), |name| header(response.headers(), name));
        if let Some(pattern) = response.request().match_pattern() {
            if let Some(template) = to_template(&pattern, Style::Braces) {
                self.watch.set(Field::Route, &template);
            }
        }
        if !self.recorder.mappers.are_any() {
            return response;
        }
        self.is_mapped = true;
        let (request, response) = response.into_parts();
        let request = ServiceRequest::from_request(request);
        self.watch.map(&self.recorder.mappers, Some(&|mapper| mapper(&request)));
        ServiceResponse::new(request.into_parts().0, response)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.is_mapped {
            self.watch.map(&self.recorder.mappers, None);
        }
        self.watch.finish();
    }
}

/// Parsed once, for lookups.
static NAMES: [HeaderName; HEADERS.len()] = [
    HeaderName::from_static(HEADERS[0]),
    HeaderName::from_static(HEADERS[1]),
    HeaderName::from_static(HEADERS[2]),
    HeaderName::from_static(HEADERS[3]),
    HeaderName::from_static(HEADERS[4]),
    HeaderName::from_static(HEADERS[5]),
    HeaderName::from_static(HEADERS[6]),
];

fn header(headers: &HeaderMap, name: Header) -> Option<&[u8]> {
    headers.get(&NAMES[name as usize]).map(|value| value.as_bytes())
}

pin_project! {
    /// The answer to come of a request that is recorded.
    pub struct WatchedFuture<S> {
        #[pin]
        inner: S,
        ending: Option<Ending>,
    }
}

impl<S, B> Future for WatchedFuture<S>
where
    S: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<WatchedBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(ending) = this.ending {
            ending.watch.is_inside = true;
        }
        let polled = this.inner.poll(context);
        if let Some(ending) = this.ending {
            ending.watch.is_inside = false;
        }
        let ending = &mut *this.ending;
        let mut response = match ready!(polled) {
            Ok(response) => response,
            Err(error) => {
                // An inner middleware refused the request, and whoever turns this into an answer asks for the same status.
                if let Some(mut ending) = ending.take() {
                    ending.watch.set_status(error.as_response_error().status_code().as_u16());
                }
                return Poll::Ready(Err(error));
            }
        };
        let mut ending = ending.take();
        if response.status().as_u16() == 101 {
            if let Some(mut ending) = ending.take() {
                ending.watch.forget_hit();
            }
        }
        if let Some(ending) = &mut ending {
            response = ending.read_answer(response);
        }
        Poll::Ready(Ok(response.map_body(|_, inner| WatchedBody { inner, ending })))
    }
}

pin_project! {
    /// An answer's body whose end is the end of its request.
    pub struct WatchedBody<B> {
        #[pin]
        inner: B,
        ending: Option<Ending>,
    }
}

impl<B: MessageBody> MessageBody for WatchedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        let this = self.project();
        let polled = ready!(this.inner.poll_next(context));
        match (&polled, &mut *this.ending) {
            (Some(Ok(piece)), Some(ending)) => ending.watch.sent += piece.len() as u64,
            (Some(Ok(_)), None) => {}
            _ => *this.ending = None,
        }
        Poll::Ready(polled)
    }
}
