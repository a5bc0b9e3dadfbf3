//! The connection loop: hyper itself instead of `axum::serve`, whose timeouts for headers do nothing.
//!
//! HTTP/1.1 only: clients of this server are middleware, scrapers and browsers behind a proxy or on one machine.

use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use analytics::limits;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::Response;
use axum::response::IntoResponse;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tower::Service;

use super::access_log::AccessLine;
use super::slots::{Admission, SlotId, SlotLimits, Slots};
use super::tls::ServerTls;
use super::unread;
use super::watched::Watched;
use crate::address::{Peer, client_address};
use crate::answers::{Accounted, WaitingCount};
use crate::app::SharedApp;
use crate::budget::Charge;
use crate::call_id;
use crate::error::ApiError;
use crate::network::network_of;
use crate::router;

/// A port and its router.
pub(super) struct Port {
    pub(super) listener: TcpListener,
    pub(super) router: Router,
    /// None: plain HTTP.
    pub(super) tls: Option<Arc<ServerTls>>,
}

/// Serves until `stopping`, then until every running call has its answer, within the limit `drain_seconds`.
pub(super) async fn serve(
    app: SharedApp,
    port: Port,
    room: Arc<Room>,
    mut stopping: watch::Receiver<bool>,
) {
    let Port { listener, router, tls } = port;
    let limit = |name: &str| app.settings.limits.get(name);
    let drain = Duration::from_secs(limit("drain_seconds"));
    let mut http = http1::Builder::new();
    // The time between two calls on one connection counts as time for headers too.
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limit("header_read_seconds")));
    // TRICKY: never `pipeline_flush`: with it hyper buffers all of an answer, whether the client reads or not.
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Most likely out of file descriptors: retrying at once would only burn the processor.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let slot = tokio::select! {
            // First: an accepted connection is served, unless it would have to wait.
            biased;
            slot = room.take(&app, peer) => slot,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let Some(slot) = slot else { continue };
        let slot = Arc::new(slot);
        let stream = Watched::new(stream, {
            let app = app.clone();
            move || app.answers.is_short() || app.metrics.connections_waiting() > 0
        });
        let conversation = Conversation {
            http: http.clone(),
            app: app.clone(),
            router: router.clone(),
            peer: Peer(peer),
            slot,
            watcher: graceful.watcher(),
        };
        let tls = tls.clone();
        tokio::spawn(async move {
            let metrics = conversation.app.metrics.clone();
            metrics.connections.fetch_add(1, Ordering::Relaxed);
            match tls {
                None => conversation.hold(stream).await,
                Some(tls) => conversation.hold_over_tls(&tls, stream).await,
            }
            metrics.connections.fetch_sub(1, Ordering::Relaxed);
        });
    }
    drop(listener);
    // TRICKY: hyper closes a connection that has not sent anything yet at once. A client that has just connected is
    // about to call, and published clients do not retry.
    let grace = tokio::time::Instant::now() + Duration::from_millis(limits::FIRST_CALL_MS);
    while room.slots().silent() > 0 && tokio::time::Instant::now() < grace {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // hyper waits for the rest of a call whose head has begun.
    let idle = room.slots().close_idle();
    idle.iter().for_each(|close| close.notify_one());
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            seconds = drain.as_secs(),
            "calls were still under way when the time for draining was over"
        );
    }
}

/// An accepted connection, until it ends.
struct Conversation {
    http: http1::Builder,
    app: SharedApp,
    router: Router,
    peer: Peer,
    slot: Arc<Slot>,
    watcher: Watcher,
}

impl Conversation {
    async fn hold_over_tls<S>(self, tls: &ServerTls, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let agreed = tokio::select! {
            biased;
            agreed = tls.accept(stream) => agreed,
            () = self.slot.told_to_close() => return,
        };
        match agreed {
            Ok(Some(stream)) => self.hold(stream).await,
            Ok(None) => {
                tracing::info!(peer = %self.peer.0, "a certificate authority looked at a proof")
            }
            Err(error) => tracing::debug!(%error, "a connection did not agree on TLS"),
        }
    }

    async fn hold<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Conversation { http, app, router, peer, slot, watcher } = self;
        let connection = http.serve_connection(TokioIo::new(stream), {
            let slot = slot.clone();
            service_fn(move |request| {
                answer(app.clone(), router.clone(), peer, Call::begin(&slot), request)
            })
        });
        let mut connection = pin!(watcher.watch(connection));
        tokio::select! {
            // First, so that a call that has just come is seen before the connection is closed.
            biased;
            ended = connection.as_mut() => if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            },
            () = slot.told_to_close() => {}
        }
    }
}

/// How often timeouts are checked while a connection waits for a slot.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The slots of all listeners.
pub(super) struct Room {
    slots: Mutex<Slots<Arc<Notify>>>,
    /// A slot was released, or a connection that was to be closed has a call.
    changed: Notify,
}

impl Room {
    /// For this many connections.
    pub(super) fn new(connections: usize, app: &SharedApp) -> Arc<Room> {
        let of_one = app.settings.limits.get("connections_per_address") as usize;
        let limits = SlotLimits {
            all: connections,
            // However few there are, one address does not get them all.
            of_one_address: of_one.min(connections / 2).max(1),
            first_call: Duration::from_millis(limits::SILENT_MS),
            next_call: Duration::from_secs(limits::KEPT_ALIVE_SECONDS),
            patience: Duration::from_secs(limits::FULL_SECONDS),
            patience_per_end: Duration::from_millis(limits::FULL_MS_PER_END),
        };
        Arc::new(Room { slots: Mutex::new(Slots::new(limits)), changed: Notify::new() })
    }

    /// Waits for a slot, and closes an idle connection if there is none. None: this caller's address has too many.
    async fn take(self: &Arc<Self>, app: &SharedApp, peer: SocketAddr) -> Option<Slot> {
        let address = limited_address(app, peer);
        let close = Arc::new(Notify::new());
        self.slots().note_arrival();
        loop {
            // TRICKY: from here on no change is missed, even one that comes before the wait.
            let changed = self.changed.notified();
            let taken = self.slots().take(address, &close, Instant::now());
            match taken {
                Admission::Slot(id) => {
                    let left_rest = Arc::default();
                    return Some(Slot { room: self.clone(), id, close, left_rest });
                }
                Admission::Close(other) => {
                    app.metrics.connections_closed_for_room.fetch_add(1, Ordering::Relaxed);
                    other.notify_one();
                }
                Admission::Wait => {}
                Admission::Refused => {
                    app.metrics.connections_refused.fetch_add(1, Ordering::Relaxed);
                    return None;
                }
            }
            let _waits = WaitingCount::count(&app.metrics.connections_waiting);
            // Or a timeout has passed.
            let _ = tokio::time::timeout(LOOK_EVERY, changed).await;
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots<Arc<Notify>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// None: this machine and trusted proxies, which carry the connections of many.
fn limited_address(app: &SharedApp, peer: SocketAddr) -> Option<IpAddr> {
    let address = peer.ip().to_canonical();
    let trusted = &app.settings.trusted_proxies;
    let carries_many =
        address.is_loopback() || trusted.iter().any(|network| network.contains(&address));
    (!carries_many).then(|| network_of(address))
}

/// A connection's slot, released at its end.
struct Slot {
    room: Arc<Room>,
    id: SlotId,
    close: Arc<Notify>,
    /// The last call was answered before its body had come.
    left_rest: Arc<AtomicBool>,
}

impl Slot {
    /// Returns when others need the slot and no call has come meanwhile.
    async fn told_to_close(&self) {
        loop {
            self.close.notified().await;
            if self.room.slots().is_closing(self.id) {
                return;
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.room.slots().let_go(self.id, Instant::now());
        self.room.changed.notify_waiters();
    }
}

/// A running call, until its answer was handed to the kernel.
struct Call(Arc<Slot>);

impl Call {
    fn begin(slot: &Arc<Slot>) -> Call {
        slot.left_rest.store(false, Ordering::Relaxed);
        if slot.room.slots().begin_call(slot.id) {
            slot.room.changed.notify_waiters();
        }
        Call(slot.clone())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let left_rest = self.0.left_rest.load(Ordering::Relaxed);
        self.0.room.slots().end_call(self.0.id, left_rest, Instant::now());
        // Idle now: a waiting connection can have it closed.
        self.0.room.changed.notify_waiters();
    }
}

/// Held by an answer until it was sent: its call, which is running until then, and its memory.
struct UntilSent {
    _call: Call,
    _memory: Option<Charge>,
    line: Option<AccessLine>,
}

/// An answer's body.
struct AnswerBody {
    body: Body,
    held: Arc<UntilSent>,
}

/// Pieces up to this size go into the kernel's buffer at once: nothing is held for them.
const SMALL: usize = 16 << 10;

/// A piece waiting to be sent.
struct Waiting {
    piece: Bytes,
    _held: Arc<UntilSent>,
}

impl AsRef<[u8]> for Waiting {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        let hold = |piece: Bytes| {
            if let Some(line) = &self.held.line {
                line.count(piece.len());
            }
            if piece.len() <= SMALL {
                return piece;
            }
            Bytes::from_owner(Waiting { piece, _held: self.held.clone() })
        };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(hold))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn answer(
    app: SharedApp,
    mut router: Router,
    peer: Peer,
    call: Call,
    request: hyper::Request<Incoming>,
) -> Result<Response<AnswerBody>, std::convert::Infallible> {
    let mut request: Request = unread::discard_rest(request, &call.0.left_rest);
    request.extensions_mut().insert(peer);
    if let Some(public) = &app.settings.public_url {
        router::strip_base_path(&mut request, &public.base_path);
    }
    let client = client_address(peer, request.headers(), &app.settings.trusted_proxies);
    let id = app.call_ids.id_of(request.headers());
    let method = request.method().clone();
    let mut line =
        (app.settings.access_log).then(|| AccessLine::begin(method.clone(), client, id.clone()));
    let mut response = match router::check_host(&request, &app.settings) {
        Ok(()) => match call_id::within(id.clone(), router.call(request)).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        Err(refused) => refused.into_response(),
    };
    let memory = match charge(&app, network_of(client), &response) {
        Ok(memory) => memory,
        Err(refusal) => {
            response = refusal.into_response();
            None
        }
    };
    let template = router::finish(&app, &method, &mut response);
    response.headers_mut().insert(call_id::HEADER, id.to_header());
    if let Some(line) = &mut line {
        line.set_answer(template, response.status());
    }
    let held = Arc::new(UntilSent { _call: call, _memory: memory, line });
    Ok(response.map(|body| AnswerBody { body, held }))
}

/// The charge of an answer built as a whole, if it is worth counting.
fn charge(
    app: &SharedApp,
    client: IpAddr,
    response: &Response<Body>,
) -> Result<Option<Charge>, ApiError> {
    let bytes = response.body().size_hint().exact().unwrap_or(0) as usize;
    if bytes <= SMALL || response.extensions().get::<Accounted>().is_some() {
        return Ok(None);
    }
    app.answers.charge(client, bytes).map(Some)
}
