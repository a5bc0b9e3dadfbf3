//! The access log: a line per call, written when its answer was sent or aborted.
//!
//! It has the route's template instead of the address, which may hold a key or a token, and nothing of the query, the
//! headers or the body.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::http::{Method, StatusCode};

use crate::call_id::CallId;
use crate::metrics::RouteTemplate;

/// The status of a call whose caller left before there was an answer, as nginx writes it.
const CALLER_LEFT: u16 = 499;

/// The line of a running call. It is written when this is dropped.
pub(super) struct AccessLine {
    method: Method,
    route: &'static str,
    status: u16,
    client: IpAddr,
    id: CallId,
    began: Instant,
    /// Bytes of the body, as sent.
    bytes: AtomicU64,
}

impl AccessLine {
    pub(super) fn begin(method: Method, client: IpAddr, id: CallId) -> AccessLine {
        AccessLine {
            method,
            route: RouteTemplate::NONE.0,
            status: CALLER_LEFT,
            client,
            id,
            began: Instant::now(),
            bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn set_answer(&mut self, route: RouteTemplate, status: StatusCode) {
        (self.route, self.status) = (route.0, status.as_u16());
    }

    pub(super) fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for AccessLine {
    fn drop(&mut self) {
        let duration_ms = self.began.elapsed().as_micros() as f64 / 1e3;
        tracing::info!(
            method = self.method.as_str(),
            route = self.route,
            status = self.status,
            bytes = self.bytes.load(Ordering::Relaxed),
            duration_ms,
            client = %self.client,
            request_id = self.id.as_str(),
            "call"
        );
    }
}
