//! A socket that drops a client who does not read: an answer that nobody reads holds memory and a connection.
//!
//! Progress is measured while the kernel accepts no more of the answer. A slow but steady reader gets all of it.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use analytics::limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

const LOOK_EVERY: Duration = Duration::from_secs(limits::UNREAD_LOOK_SECONDS);

/// `F`: whether others wait for the memory that an answer holds.
pub(super) struct Watched<F> {
    stream: TcpStream,
    others_wait: F,
    /// The time since when the kernel accepts no more of an answer; none while it does.
    stalled: Option<Stalled>,
}

struct Stalled {
    since: Instant,
    written: usize,
    next_look: Pin<Box<Sleep>>,
}

impl<F: Fn() -> bool + Unpin> Watched<F> {
    pub(super) fn new(stream: TcpStream, others_wait: F) -> Watched<F> {
        // Small answers must not wait for more data.
        let _ = stream.set_nodelay(true);
        let buffer = limits::SEND_BUFFER_BYTES as usize;
        if let Err(error) = socket2::SockRef::from(&stream).set_send_buffer_size(buffer) {
            tracing::debug!(%error, "the size of a send buffer could not be set");
        }
        Watched { stream, others_wait, stalled: None }
    }

    fn note(
        &mut self,
        context: &mut Context<'_>,
        wrote: Poll<Result<usize>>,
    ) -> Poll<Result<usize>> {
        match wrote {
            Poll::Ready(Ok(bytes)) => {
                if let Some(stalled) = &mut self.stalled {
                    stalled.written += bytes;
                    if stalled.written as u64 >= limits::UNREAD_BYTES {
                        self.stalled = None;
                    }
                }
                wrote
            }
            Poll::Ready(Err(_)) => wrote,
            Poll::Pending => self.poll_patience(context),
        }
    }

    /// An error if the client has read next to nothing for too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<Result<usize>> {
        let stalled = self.stalled.get_or_insert_with(|| Stalled {
            since: Instant::now(),
            written: 0,
            next_look: Box::pin(tokio::time::sleep(LOOK_EVERY)),
        });
        while stalled.next_look.as_mut().poll(context).is_ready() {
            let waited = stalled.since.elapsed();
            let patience = if (self.others_wait)() {
                limits::UNREAD_WHEN_SHORT_SECONDS
            } else {
                limits::UNREAD_SECONDS
            };
            if waited >= Duration::from_secs(patience) {
                return Poll::Ready(Err(Error::new(
                    ErrorKind::TimedOut,
                    "the client does not read its answer",
                )));
            }
            stalled.next_look.as_mut().reset(Instant::now() + LOOK_EVERY);
        }
        Poll::Pending
    }
}

impl<F: Fn() -> bool + Unpin> AsyncWrite for Watched<F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(context, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note(context, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        // Everything so far was accepted.
        self.stalled = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<F: Fn() -> bool + Unpin> AsyncRead for Watched<F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
