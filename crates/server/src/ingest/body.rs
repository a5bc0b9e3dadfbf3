//! A body on its way in: read within a time, inflated within a size, and all bodies together within a bound.
//!
//! Bytes are charged before they are held, and given back when the `HeldBody` goes.

use std::io::Read;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;

use crate::app::Shared;
use crate::error::{ApiError, Code};

/// A body that counts as bytes in flight for as long as it lives.
pub(super) struct HeldBody {
    state: State,
    charge: Charge,
    most: usize,
}

enum State {
    Plain(Bytes),
    Inflating { reader: Box<MultiGzDecoder<std::io::Cursor<Bytes>>>, out: Vec<u8> },
}

/// Reads the whole body, still compressed where it came so.
pub(super) async fn read(app: &Shared, request: Request) -> Result<HeldBody, ApiError> {
    let most = app.ingest.body_bytes;
    let is_gzip = is_gzip(request.headers())?;
    let mut charge = Charge { app: app.clone(), bytes: 0 };
    let reading = read_all(request.into_body(), most, &mut charge);
    let bytes = tokio::time::timeout(app.ingest.body_read, reading).await.map_err(|_| {
        let seconds = app.ingest.body_read.as_secs();
        ApiError::new(
            Code::RequestTimeout,
            format!("the body did not arrive within {seconds} s; send smaller batches"),
        )
    })??;
    let state = if is_gzip {
        let reader = Box::new(MultiGzDecoder::new(std::io::Cursor::new(bytes)));
        State::Inflating { reader, out: Vec::new() }
    } else {
        State::Plain(bytes)
    };
    Ok(HeldBody { state, charge, most })
}

async fn read_all(mut body: Body, most: usize, charge: &mut Charge) -> Result<Bytes, ApiError> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|bytes| bytes > most as u64) {
        return Err(too_large(most));
    }
    let mut first: Option<Bytes> = None;
    let mut all: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            tracing::debug!(%error, "a body broke off");
            ApiError::new(Code::UnreadableBody, "the body broke off; send it again")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if charge.bytes + data.len() > most {
            return Err(too_large(most));
        }
        charge.add(data.len())?;
        match first.take() {
            // Most bodies come in one piece, which is then used as it is.
            None if all.is_empty() => first = Some(data),
            None => all.extend_from_slice(&data),
            Some(before) => {
                let announced = announced.map_or(0, |bytes| bytes as usize);
                all.reserve_exact(announced.max(before.len() + data.len()));
                all.extend_from_slice(&before);
                all.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| Bytes::from(all)))
}

impl HeldBody {
    /// Inflates until the body is whole (true) or larger than `enough` (false). An uncompressed one is whole already;
    /// false where it is larger than `enough`.
    pub(super) fn inflate_up_to(&mut self, enough: usize) -> Result<bool, ApiError> {
        const STEP: usize = 64 << 10;
        let State::Inflating { reader, out } = &mut self.state else {
            return Ok(self.bytes().len() <= enough);
        };
        while out.len() <= enough {
            let before = out.len();
            let step = STEP.min(self.most.saturating_add(1).saturating_sub(before));
            if out.capacity() < before + step {
                // Doubling, so that a large body is not copied at each step; what is reserved is charged.
                let capacity = (out.capacity() * 2).clamp(before + step, self.most + 1);
                self.charge.add(capacity - out.capacity())?;
                out.reserve_exact(capacity - before);
            }
            let read = reader.by_ref().take(step as u64).read_to_end(out).map_err(|error| {
                ApiError::new(
                    Code::InvalidEncoding,
                    format!("the body is not valid gzip, as its Content-Encoding says: {error}"),
                )
            })?;
            if out.len() > self.most {
                return Err(too_large(self.most));
            }
            if read < step {
                let out = std::mem::take(out);
                self.state = State::Plain(Bytes::from(out));
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The whole body once `inflate_up_to` said that it is whole.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.state {
            State::Plain(bytes) => bytes,
            State::Inflating { out, .. } => out,
        }
    }
}

/// This body's share of the bytes in flight.
struct Charge {
    app: Shared,
    bytes: usize,
}

impl Charge {
    fn add(&mut self, bytes: usize) -> Result<(), ApiError> {
        let most = self.app.ingest.in_flight_bytes;
        let in_flight = &self.app.metrics.bytes_in_flight;
        let before = in_flight.fetch_add(bytes as u64, Ordering::Relaxed);
        self.bytes += bytes;
        // One body alone may always be read, whatever the operator set.
        if before + bytes as u64 > most && before > (self.bytes - bytes) as u64 {
            return Err(ApiError::new(
                Code::Overloaded,
                "too many bodies are being read at once; send this batch again after the time in Retry-After",
            )
            .retry_after(1));
        }
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.app.metrics.bytes_in_flight.fetch_sub(self.bytes as u64, Ordering::Relaxed);
    }
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, ApiError> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else { return Ok(false) };
    match encoding.to_str().unwrap_or("?").trim() {
        encoding
            if encoding.eq_ignore_ascii_case("gzip") || encoding.eq_ignore_ascii_case("x-gzip") =>
        {
            Ok(true)
        }
        encoding if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") => Ok(false),
        _ => Err(ApiError::new(
            Code::UnsupportedEncoding,
            "this Content-Encoding is not known here; send gzip or none",
        )),
    }
}

fn too_large(most: usize) -> ApiError {
    ApiError::new(
        Code::BodyTooLarge,
        format!("the body is larger than {most} bytes (inflated); split the batch"),
    )
}
