//! Rows of hits on their way out: times as text, and bodies that are sent while they are made, so that memory does not
//! grow with the answer.

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header;
use futures_util::stream;

use crate::error::ApiError;

/// RFC 3339 in UTC with as many digits as needed: `2026-11-22T07:25:10.887565Z`.
pub fn to_rfc3339(time_us: i64) -> String {
    // What does not fit jiff's years does not fit ours either.
    jiff::Timestamp::from_microsecond(time_us).unwrap_or_default().to_string()
}

/// Makes the next piece of a body; none at its end. Called once a piece, in order.
pub trait Pieces: Send + 'static {
    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, ApiError>> + Send;
}

/// A body out of pieces. An error in the middle breaks the connection: the status has been sent, and a cut answer must
/// not look whole.
pub fn body_of(first: Vec<u8>, pieces: impl Pieces) -> Body {
    let stream = stream::try_unfold((Some(first), pieces), |(first, mut pieces)| async move {
        let piece = match first {
            Some(first) => Some(first),
            None => pieces.next().await.map_err(|error| std::io::Error::other(error.message))?,
        };
        Ok::<_, std::io::Error>(piece.map(|piece| (Bytes::from(piece), (None, pieces))))
    });
    Body::from_stream(stream)
}

/// True where the client takes gzip.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    accepts(headers, "gzip")
}

/// True where the client takes this coding of a body.
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
