//! ClickHouse's errors as the store's.

use clickhouse::error::Error;

use crate::types::StoreError;

const LOST_DISK: &str = "a host without tables is known to Keeper. If it lost its disk, run SYSTEM DROP REPLICA as \
                         docs/clickhouse.md says (A host that lost its disk)";

/// An error of a statement that was given `seconds`.
pub fn failed(context: &'static str, seconds: u64) -> impl Fn(Error) -> StoreError {
    move |cause| match &cause {
        Error::Network(_) | Error::TimedOut => StoreError::EngineAway { cause: in_full(&cause) },
        Error::BadResponse(text) => match code_of(text) {
            // TIMEOUT_EXCEEDED
            Some(159) => StoreError::Timeout(seconds),
            // MEMORY_LIMIT_EXCEEDED
            Some(241) => StoreError::OutOfMemory(context),
            // QUERY_WAS_CANCELLED
            Some(394) => StoreError::Cancelled,
            // Of a replica or a keeper that is away: ALL_CONNECTION_TRIES_FAILED, TABLE_IS_READ_ONLY, KEEPER_EXCEPTION,
            // NO_ZOOKEEPER.
            Some(279 | 242 | 999 | 225) => StoreError::EngineAway { cause: text.clone() },
            // REPLICA_ALREADY_EXISTS: a host that lost its disk gets no tables until the operator has told Keeper. As the
            // other replicas have the hits, a server that starts meanwhile takes batches.
            Some(253) => StoreError::EngineAway { cause: format!("{LOST_DISK}: {text}") },
            // A proxy in front of it has no server.
            None if text.starts_with("502") || text.starts_with("503") => {
                StoreError::EngineAway { cause: text.clone() }
            }
            _ => StoreError::Engine { context, cause: Box::new(cause) },
        },
        _ => StoreError::Engine { context, cause: Box::new(cause) },
    }
}

/// The number after "Code: ".
fn code_of(text: &str) -> Option<u32> {
    let digits = text.split("Code: ").nth(1)?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// With its causes: "network error: client error (Connect)" alone names no reason.
fn in_full(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_error_decides_whether_to_retry() {
        let of = |text: &str| failed("reading hits", 30)(Error::BadResponse(text.to_owned()));
        assert!(matches!(of("Code: 159. DB::Exception: Timeout"), StoreError::Timeout(30)));
        assert!(matches!(of("Code: 241. DB::Exception"), StoreError::OutOfMemory("reading hits")));
        assert!(matches!(of("Code: 242. DB::Exception"), StoreError::EngineAway { .. }));
        assert!(matches!(of("Code: 225. DB::Exception"), StoreError::EngineAway { .. }));
        match of("Code: 253. DB::Exception: Replica /a/replicas/two already exists") {
            StoreError::EngineAway { cause } => {
                assert!(
                    cause.contains("SYSTEM DROP REPLICA") && cause.ends_with("exists"),
                    "{cause}"
                );
            }
            other => panic!("{other}"),
        }
        assert!(matches!(of("503 Service Unavailable"), StoreError::EngineAway { .. }));
        assert!(matches!(of("Code: 47. DB::Exception"), StoreError::Engine { .. }));
    }
}
