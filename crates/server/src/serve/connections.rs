//! The connection loop: hyper itself in place of `axum::serve`, whose timeouts for headers do nothing.
//!
//! HTTP/1.1 only: clients of this server are middleware, scrapers and browsers behind a proxy or on one machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use analytics::limits;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::Service;

use crate::address::Peer;
use crate::app::Shared;
use crate::router;

/// Serves until `stopping`, then until every call under way has its answer, within the limit `drain_seconds`.
pub(super) async fn serve(
    app: Shared,
    listener: TcpListener,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) {
    let limit = |name: &str| app.settings.limits.get(name);
    let free =
        Arc::new(Semaphore::new((limit("connections") as usize).min(Semaphore::MAX_PERMITS)));
    let drain = Duration::from_secs(limit("drain_seconds"));
    let mut http = http1::Builder::new();
    // The time between two calls on one connection counts as time for headers too.
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limit("header_read_seconds")))
        .pipeline_flush(true);
    let graceful = GracefulShutdown::new();
    let uncalled = Arc::new(AtomicUsize::new(0));
    loop {
        let permit = tokio::select! {
            permit = free.clone().acquire_owned() => permit,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of file descriptors, most likely: trying again at once would only burn the processor.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let new = Arc::new(New::count(&uncalled));
        let connection = http.serve_connection(TokioIo::new(prepare(stream)), {
            let (app, router, new) = (app.clone(), router.clone(), new.clone());
            service_fn(move |request| {
                new.has_called();
                answer(app.clone(), router.clone(), Peer(peer), request)
            })
        });
        let connection = graceful.watch(connection);
        let app = app.clone();
        tokio::spawn(async move {
            app.metrics.connections.fetch_add(1, Ordering::Relaxed);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            app.metrics.connections.fetch_sub(1, Ordering::Relaxed);
            new.has_called();
            drop(permit);
        });
    }
    drop(listener);
    // TRICKY: hyper closes a connection that has not sent anything yet at once. Who has just connected is about to call,
    // and published clients do not try again.
    let grace = tokio::time::Instant::now() + Duration::from_millis(limits::FIRST_CALL_MS);
    while uncalled.load(Ordering::Relaxed) > 0 && tokio::time::Instant::now() < grace {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            seconds = drain.as_secs(),
            "calls were still under way when the time for draining was over"
        );
    }
}

/// A connection on which nothing was called yet, while it is one.
struct New {
    uncalled: Arc<AtomicUsize>,
    called: AtomicBool,
}

impl New {
    fn count(uncalled: &Arc<AtomicUsize>) -> New {
        uncalled.fetch_add(1, Ordering::Relaxed);
        New { uncalled: uncalled.clone(), called: AtomicBool::new(false) }
    }

    fn has_called(&self) {
        if !self.called.swap(true, Ordering::Relaxed) {
            self.uncalled.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn prepare(stream: TcpStream) -> TcpStream {
    // Small answers must not wait for more to come.
    let _ = stream.set_nodelay(true);
    stream
}

async fn answer(
    app: Shared,
    mut router: Router,
    peer: Peer,
    request: hyper::Request<Incoming>,
) -> Result<Response<Body>, std::convert::Infallible> {
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    if let Some(public) = &app.settings.public_url {
        router::strip_base_path(&mut request, &public.base_path);
    }
    let mut response = match router::check_host(&request, &app.settings) {
        Ok(()) => match router.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        Err(refused) => refused.into_response(),
    };
    router::finish(&app, &mut response);
    Ok(response)
}
