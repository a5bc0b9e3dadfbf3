//! The rest of a body that was answered before it had come whole: too large, an unknown key, no memory.
//!
//! hyper closes such a connection at once. Most clients send all of a body before they look for the answer, so they would find
//! a broken connection instead of an error that says what to do. The rest is read and dropped, within limits.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use analytics::limits;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};

/// The request with a body whose rest is discarded if the handler does not read it. `left_rest` becomes true then.
pub(super) fn discard_rest(
    request: hyper::Request<Incoming>,
    left_rest: &Arc<AtomicBool>,
) -> Request {
    // A client that waits for `100 Continue` has sent nothing yet, and reading on would ask for it.
    let waits = request.headers().contains_key(header::EXPECT);
    let left_rest = left_rest.clone();
    request.map(|body| Body::new(RequestBody { has_begun: !waits, rest: Some(body), left_rest }))
}

struct RequestBody {
    has_begun: bool,
    /// None once it is complete.
    rest: Option<Incoming>,
    left_rest: Arc<AtomicBool>,
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.has_begun = true;
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(rest).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.rest = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.as_ref().map_or(SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(rest) = self.rest.take() else { return };
        let is_worth_it =
            self.has_begun && rest.size_hint().lower() <= limits::DISCARDED_BODY_BYTES;
        if rest.is_end_stream() {
            return;
        }
        self.left_rest.store(true, Ordering::Relaxed);
        if !is_worth_it {
            return;
        }
        // The answer is sent in the meantime.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(
                Duration::from_secs(limits::DISCARDED_BODY_SECONDS),
                discard(rest),
            ));
        }
    }
}

/// Gives up if hardly anything arrives.
async fn discard(mut rest: Incoming) {
    let look = Duration::from_secs(limits::BODY_LOOK_SECONDS);
    let mut left = limits::DISCARDED_BODY_BYTES;
    while left > 0 {
        let some = discard_some(&mut rest, limits::SLOW_BODY_BYTES.min(left));
        match tokio::time::timeout(look, some).await {
            Ok(Some(bytes)) => left = left.saturating_sub(bytes),
            Ok(None) | Err(_) => return,
        }
    }
}

/// Reads at least this many bytes. None: the body has ended.
async fn discard_some(rest: &mut Incoming, least: u64) -> Option<u64> {
    let mut bytes = 0;
    while bytes < least {
        let frame = rest.frame().await?.ok()?;
        bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    Some(bytes)
}
