//! Bodies that are sent while they are made, so that memory does not grow with the answer; and times as text.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, header};
use futures_util::{StreamExt, stream};

use crate::answers::Accounted;
use crate::error::ApiError;

/// RFC 3339 in UTC with as many digits as needed: `2026-11-22T07:25:10.887565Z`.
pub fn to_rfc3339(time_us: i64) -> String {
    // Times beyond jiff's years are invalid here too.
    jiff::Timestamp::from_microsecond(time_us).unwrap_or_default().to_string()
}

/// Writes rows off the threads that serve connections: thousands of them take milliseconds.
pub async fn write_rows<T: Send + 'static>(
    write: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let writing = tokio::task::spawn_blocking(write);
    writing.await.map_err(|error| ApiError::internal("writing rows", &error))
}

/// Makes the pieces of a body, in order.
pub trait Pieces: Send + 'static {
    /// The next piece, and whether it is the last.
    fn next(&mut self) -> impl Future<Output = Result<(Bytes, bool), ApiError>> + Send;
}

/// An answer made of pieces, which account for their own memory.
///
/// The first piece is made before the status is sent, so that an error can still be one. A later error breaks the
/// connection: a truncated answer must not look complete.
pub async fn send_pieces(mut pieces: impl Pieces) -> Result<Response<Body>, ApiError> {
    let (first, is_last) = pieces.next().await?;
    let body = if is_last {
        // With its length in the header.
        Body::from(first)
    } else {
        let rest = stream::try_unfold((pieces, false), |(mut pieces, is_over)| async move {
            if is_over {
                return Ok(None);
            }
            let made = pieces.next().await.map_err(|error| std::io::Error::other(error.message));
            made.map(|(piece, is_last)| Some((piece, (pieces, is_last))))
        });
        let first = stream::once(std::future::ready(Ok::<_, std::io::Error>(first)));
        Body::from_stream(first.chain(rest))
    };
    let mut response = Response::new(body);
    response.extensions_mut().insert(Accounted);
    Ok(response)
}

/// True if the client accepts gzip.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    accepts(headers, "gzip")
}

/// True if the client accepts this coding of a body.
pub fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let accepted =
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused =
            quality.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
        let name = name.trim();
        (name.eq_ignore_ascii_case(wanted) || name == "*") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_the_digits_they_need() {
        assert_eq!(to_rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(to_rfc3339(1_764_000_000_887_565), "2025-11-24T16:00:00.887565Z");
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let accepts = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            accepts_gzip(&headers)
        };
        for (value, expect) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("br", false),
        ] {
            assert_eq!(accepts(value), expect, "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
