//! The body of a batch: read, and inflated within a size.

use std::io::Read;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;

use crate::app::SharedApp;
use crate::auth::Sender;
use crate::bodies::{self, Charged, Payer, too_large};
use crate::error::{ApiError, Code};

/// A body that counts as bytes in flight while it lives.
pub(super) struct HeldBody {
    state: State,
    charge: Charged,
    most: usize,
}

enum State {
    Plain(Bytes),
    Inflating { reader: Box<MultiGzDecoder<std::io::Cursor<Bytes>>>, out: Vec<u8> },
}

/// Reads the whole body, still compressed if it was sent so.
pub(super) async fn read(
    app: &SharedApp,
    request: Request,
    caller: &Sender,
) -> Result<HeldBody, ApiError> {
    let most = app.ingest.body_bytes;
    let is_gzip = is_gzip(request.headers())?;
    let payer = caller.project().map_or(Payer::Address(caller.network()), Payer::Project);
    let mut charge = Charged::new(&app.bodies, payer);
    // The original's clients send their key in the body, as its first field.
    let begins = |start: &[u8]| caller.project_of(app, find_key(start)?);
    let bytes = bodies::read(request.into_body(), most, &mut charge, begins).await?;
    let state = if is_gzip {
        let reader = Box::new(MultiGzDecoder::new(std::io::Cursor::new(bytes)));
        State::Inflating { reader, out: Vec::new() }
    } else {
        State::Plain(bytes)
    };
    Ok(HeldBody { state, charge, most })
}

/// The key at the start of a batch. It only decides who pays: a key elsewhere, or with escapes, is found when the whole
/// batch is parsed.
fn find_key(start: &[u8]) -> Option<&str> {
    const LOOKED_AT: usize = 256;
    let start = &start[..start.len().min(LOOKED_AT)];
    let rest = start.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"api_key\"")?.trim_ascii_start();
    let text = rest.strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let end = text.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&text[..end]).ok()
}

impl HeldBody {
    /// Inflates until the body is complete (true) or larger than `enough` (false). An uncompressed one is complete
    /// already; false if it is larger than `enough`.
    pub(super) fn inflate_up_to(&mut self, enough: usize) -> Result<bool, ApiError> {
        const STEP: usize = 64 << 10;
        let State::Inflating { reader, out } = &mut self.state else {
            return Ok(self.bytes().len() <= enough);
        };
        while out.len() <= enough {
            let before = out.len();
            let step = STEP.min(self.most.saturating_add(1).saturating_sub(before));
            if out.capacity() < before + step {
                // Doubles, so that a large body is not copied at each step; reserved memory is charged.
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

    /// The whole body, once `inflate_up_to` returned true.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.state {
            State::Plain(bytes) => bytes,
            State::Inflating { out, .. } => out,
        }
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

#[cfg(test)]
mod tests {
    use super::find_key;

    #[test]
    fn the_key_is_found_where_the_originals_clients_put_it() {
        for (start, key) in [
            (&b"{\"api_key\":\"abc\",\"requests\":["[..], Some("abc")),
            (b" {\n \"api_key\" : \"abc\", ", Some("abc")),
            (b"{\"api_key\":\"abc", None),
            (b"{\"api_key\":null}", None),
            (b"{\"requests\":[{\"api_key\":\"abc\"", None),
            (b"", None),
            (b"\x1f\x8b\x08", None),
        ] {
            assert_eq!(find_key(start), key);
        }
    }
}
