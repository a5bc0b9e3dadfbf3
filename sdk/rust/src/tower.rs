//! A layer for tower: any service that takes `http::Request` and answers with `http::Response`, on hyper or elsewhere.
//!
//! ```
//! use api_analytics_client::tower::Analytics;
//! use tower_layer::Layer;
//!
//! # let service = ();
//! let watched = Analytics::new("YOUR-KEY").layer(service);
//! ```
//!
//! The caller's address is read from an extension of the request: a `SocketAddr` or an `IpAddr`, put there by who accepts the connections.
//! Without a router of its own tower has no routes: the server derives them from the paths.
//!
//! The answer's body is wrapped, since the last byte is what ends a request. Whatever drops the future or the body ends it too: a caller who
//! leaves, a panic.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{ready, Context, Poll};

use bytes::Buf;
use http::{Extensions, HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::builder_methods;
use crate::config::Settings;
use crate::hit::Field;
use crate::recorder::{Header, Recorder, Watch, HEADERS};

/// Facts about a request that only the framework around a service knows.
#[doc(hidden)]
pub trait Framework: Sized + Send + Sync + 'static {
    /// As its makers write it.
    const NAME: &'static str;
    /// The body of the requests that mappers get; it is empty.
    type Body: Default + 'static;
    /// The template of the route that answers, spelled `/items/{id}`.
    fn set_route(_extensions: &Extensions, _set: &mut dyn FnMut(&str)) {}
    /// The address at the other end of the connection.
    fn address(extensions: &Extensions) -> Option<IpAddr>;
    /// The requested path, if `Request::uri` has lost a part of it.
    fn original_path(_extensions: &Extensions) -> Option<&str> {
        None
    }
}

/// tower without a framework.
#[doc(hidden)]
pub struct Plain;

impl Framework for Plain {
    const NAME: &'static str = "Tower";
    type Body = ();
    fn address(extensions: &Extensions) -> Option<IpAddr> {
        let socket = extensions.get::<SocketAddr>().map(SocketAddr::ip);
        socket.or_else(|| extensions.get::<IpAddr>().copied())
    }
}

type MapperOf<A> = dyn Fn(&Request<<A as Framework>::Body>) -> Option<String> + Send + Sync;

/// The middleware: a layer. Add it so that it sees every answer: in a stack it is the outermost.
pub type Analytics = AnalyticsOf<Plain>;

/// The layer for one framework's requests.
pub struct AnalyticsOf<A: Framework> {
    settings: Settings<MapperOf<A>>,
    /// Made with the first service, and shared by all.
    recorder: Arc<OnceLock<Arc<Recorder<MapperOf<A>>>>>,
}

impl<A: Framework> Clone for AnalyticsOf<A> {
    fn clone(&self) -> Self {
        Self { settings: self.settings.clone(), recorder: self.recorder.clone() }
    }
}

impl<A: Framework> std::fmt::Debug for AnalyticsOf<A> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the key.
        formatter.debug_struct("Analytics").finish_non_exhaustive()
    }
}

impl<A: Framework> AnalyticsOf<A> {
    builder_methods!(Request<A::Body>);

    fn from_settings(settings: Settings<MapperOf<A>>) -> Self {
        Self { settings, recorder: Arc::default() }
    }

    fn change(mut self, change: impl FnOnce(&mut Settings<MapperOf<A>>)) -> Self {
        change(&mut self.settings);
        Self::from_settings(self.settings)
    }
}

impl<A: Framework, S> Layer<S> for AnalyticsOf<A> {
    type Service = Watched<S, A>;

    fn layer(&self, inner: S) -> Watched<S, A> {
        let recorder = self.recorder.get_or_init(|| Arc::new(Recorder::new(A::NAME, &self.settings)));
        Watched { inner, recorder: recorder.clone() }
    }
}

/// A service whose requests are recorded.
pub struct Watched<S, A: Framework = Plain> {
    inner: S,
    recorder: Arc<Recorder<MapperOf<A>>>,
}

impl<S: Clone, A: Framework> Clone for Watched<S, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), recorder: self.recorder.clone() }
    }
}

impl<S: std::fmt::Debug, A: Framework> std::fmt::Debug for Watched<S, A> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Watched").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, A, Sent, Received> Service<Request<Sent>> for Watched<S, A>
where
    S: Service<Request<Sent>, Response = Response<Received>>,
    A: Framework,
    Received: Body,
{
    type Response = Response<WatchedBody<Received, A>>;
    type Error = S::Error;
    type Future = WatchedFuture<S::Future, A>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Sent>) -> Self::Future {
        let mut ending = Ending::begin(&self.recorder, &mut request);
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

/// The projects for which a request is watched already, by an outer layer: it counts once for each.
#[derive(Clone, Copy)]
struct WatchedFor([u32; 4]);

impl WatchedFor {
    /// False if the project was there.
    fn add(extensions: &mut Extensions, project: u32) -> bool {
        match extensions.get_mut::<Self>() {
            Some(Self(projects)) if projects.contains(&project) => return false,
            Some(Self(projects)) => {
                if let Some(free) = projects.iter_mut().find(|other| **other == 0) {
                    *free = project;
                }
            }
            None => {
                extensions.insert(Self([project, 0, 0, 0]));
            }
        }
        true
    }
}

/// A request until its end, which is when this is dropped.
struct Ending<A: Framework> {
    watch: Watch,
    /// With it the mappers run at the end; only made if there are any.
    mapping: Option<Mapping<A>>,
}

struct Mapping<A: Framework> {
    request: Request<A::Body>,
    recorder: Arc<Recorder<MapperOf<A>>>,
}

impl<A: Framework> Ending<A> {
    /// None if nothing is recorded for this request.
    fn begin<B>(recorder: &Arc<Recorder<MapperOf<A>>>, request: &mut Request<B>) -> Option<Self> {
        let client = recorder.active_client()?;
        if !WatchedFor::add(request.extensions_mut(), client.project) {
            return None;
        }
        let path = A::original_path(request.extensions()).unwrap_or_else(|| request.uri().path());
        let mut watch = Watch::begin(client, recorder, request.method().as_str(), path);
        A::set_route(request.extensions(), &mut |route| watch.set(Field::Route, route));
        let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
        watch.read_request(recorder, |name| match header(request.headers(), name) {
            // HTTP/2 has the host in the address.
            None if name == Header::Host => authority,
            found => found,
        });
        if recorder.reads_address {
            if let Some(address) = A::address(request.extensions()) {
                watch.set_address(address);
            }
        }
        let mapping = recorder.mappers.are_any().then(|| {
            let mut copy = Request::new(A::Body::default());
            *copy.method_mut() = request.method().clone();
            *copy.uri_mut() = request.uri().clone();
            *copy.version_mut() = request.version();
            *copy.headers_mut() = request.headers().clone();
            *copy.extensions_mut() = request.extensions().clone();
            Mapping { request: copy, recorder: recorder.clone() }
        });
        Some(Self { watch, mapping })
    }
}

impl<A: Framework> Drop for Ending<A> {
    fn drop(&mut self) {
        if let Some(Mapping { request, recorder }) = &self.mapping {
            self.watch.map(&recorder.mappers, Some(&|mapper| mapper(request)));
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
    pub struct WatchedFuture<S, A: Framework = Plain> {
        #[pin]
        inner: S,
        ending: Option<Ending<A>>,
    }
}

impl<S, A, Received, Failed> Future for WatchedFuture<S, A>
where
    S: Future<Output = Result<Response<Received>, Failed>>,
    A: Framework,
    Received: Body,
{
    type Output = Result<Response<WatchedBody<Received, A>>, Failed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(ending) = this.ending {
            ending.watch.is_inside = true;
        }
        let polled = this.inner.poll(context);
        if let Some(ending) = this.ending {
            ending.watch.is_inside = false;
        }
        let response = match ready!(polled) {
            Ok(response) => response,
            Err(error) => {
                if let Some(mut ending) = this.ending.take() {
                    ending.watch.set_status(500);
                }
                return Poll::Ready(Err(error));
            }
        };
        let ending = this.ending.take().and_then(|mut ending| {
            if response.status() == StatusCode::SWITCHING_PROTOCOLS || ending.is_tunnel(response.status()) {
                ending.watch.forget_hit();
                return None;
            }
            ending.watch.read_answer(response.status().as_u16(), |name| header(response.headers(), name));
            Some(ending)
        });
        Poll::Ready(Ok(response.map(|inner| WatchedBody { inner, ending })))
    }
}

impl<A: Framework> Ending<A> {
    /// HTTP/2 has upgrades as `CONNECT`.
    fn is_tunnel(&self, status: StatusCode) -> bool {
        status.is_success() && self.watch.method() == Method::CONNECT.as_str()
    }
}

pin_project! {
    /// An answer's body whose end is the end of its request.
    pub struct WatchedBody<B, A: Framework = Plain> {
        #[pin]
        inner: B,
        ending: Option<Ending<A>>,
    }
}

impl<B: Body, A: Framework> Body for WatchedBody<B, A> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let polled = ready!(this.inner.as_mut().poll_frame(context));
        match &polled {
            Some(Ok(frame)) => {
                if let (Some(ending), Some(data)) = (&mut *this.ending, frame.data_ref()) {
                    ending.watch.sent += data.remaining() as u64;
                }
                // Then nobody asks for a further frame.
                if this.inner.is_end_stream() {
                    *this.ending = None;
                }
            }
            _ => *this.ending = None,
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Default, A: Framework> Default for WatchedBody<B, A> {
    fn default() -> Self {
        Self { inner: B::default(), ending: None }
    }
}

/// The same for each version of axum, whose types differ.
macro_rules! axum_framework {
    ($axum:ident, $style:expr) => {
        #[doc(hidden)]
        pub struct Axum;

        impl crate::tower::Framework for Axum {
            const NAME: &'static str = "Axum";
            type Body = ::$axum::body::Body;

            fn set_route(extensions: &http::Extensions, set: &mut dyn FnMut(&str)) {
                let Some(matched) = extensions.get::<::$axum::extract::MatchedPath>() else { return };
                if let Some(template) = crate::template::to_template(matched.as_str(), $style) {
                    set(&template);
                }
            }

            fn address(extensions: &http::Extensions) -> Option<std::net::IpAddr> {
                let found = extensions.get::<::$axum::extract::ConnectInfo<std::net::SocketAddr>>();
                if found.is_none() {
                    static SAID: std::sync::Once = std::sync::Once::new();
                    SAID.call_once(|| {
                        crate::log::tell(
                            "callers' addresses are unknown: serve the app with into_make_service_with_connect_info::<SocketAddr>()",
                        );
                    });
                }
                found.map(|info| info.0.ip())
            }

            fn original_path(extensions: &http::Extensions) -> Option<&str> {
                extensions.get::<::$axum::extract::OriginalUri>().map(|original| original.0.path())
            }
        }
    };
}
pub(crate) use axum_framework;
