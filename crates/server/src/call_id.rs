//! The id of a call: the caller's in `X-Request-ID` if it is harmless anywhere, else one of ours. It is in the answer,
//! in log lines about failures, and in the access log.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use analytics::limits;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header, both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a call.
#[derive(Clone, Debug)]
pub struct CallId(HeaderValue);

impl CallId {
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub fn to_header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Generates ids that reveal nothing: neither the number of calls nor when the server was started.
#[derive(Default)]
pub struct CallIds {
    keyed: RandomState,
    next: AtomicU64,
}

impl CallIds {
    pub fn id_of(&self, headers: &HeaderMap) -> CallId {
        match headers.get(HEADER) {
            Some(given) if is_harmless(given.as_bytes()) => CallId(given.clone()),
            _ => self.new_id(),
        }
    }

    fn new_id(&self) -> CallId {
        let id = self.keyed.hash_one(self.next.fetch_add(1, Ordering::Relaxed));
        let id = HeaderValue::try_from(format!("{id:016x}"));
        CallId(id.unwrap_or_else(|_| HeaderValue::from_static("-")))
    }
}

/// Letters, digits and a few signs: no special meaning in a log line, a shell or a page.
fn is_harmless(id: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
    !id.is_empty() && id.len() as u64 <= limits::CALL_ID_CHARACTERS && id.iter().all(is_plain)
}

tokio::task_local! {
    static CURRENT: CallId;
}

/// Runs the handler, so that `current` knows the call's id.
pub async fn within<T>(id: CallId, answering: impl Future<Output = T>) -> T {
    CURRENT.scope(id, answering).await
}

/// The id of the current call; none outside of one, and on other threads.
pub fn current() -> Option<CallId> {
    CURRENT.try_with(CallId::clone).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::error::ApiError;

    fn id_of(given: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(given.as_bytes()).unwrap());
        CallIds::default().id_of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_callers_id_is_kept_unless_it_could_do_harm() {
        let long = "x".repeat(129);
        for kept in
            ["a", "7f3c-1", "0b0f5a6e-2a33-4c55-9d1e-0123456789ab", "a/b:c=d+e@f_g.h", &long[1..]]
        {
            assert_eq!(id_of(kept), kept);
        }
        for replaced in ["", "a b", "a\"b", "<b>", "a;b", "\t", "\u{e9}", "$(id)", &long] {
            let id = id_of(replaced);
            assert!(id != replaced && id.len() == 16, "{replaced:?}");
        }
    }

    /// A log kept in memory.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_line_about_a_failure_has_the_id_of_its_call() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
        let _log = tracing::subscriber::set_default(log.finish());
        let id = CallIds::default().id_of(&HeaderMap::new());
        let named = format!("request_id=\"{}\"", id.as_str());
        let fail = async || ApiError::internal("reading", &"the disk is gone");
        fail().await;
        within(id, fail()).await;
        let said = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let [without, with] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
        assert!(!without.contains("request_id") && without.contains("the disk is gone"), "{said}");
        assert!(with.contains(&named), "{said}");
    }

    #[test]
    fn ids_of_ours_differ() {
        let ids = CallIds::default();
        let made: std::collections::HashSet<String> =
            (0..1_000).map(|_| ids.id_of(&HeaderMap::new()).as_str().to_owned()).collect();
        assert_eq!(made.len(), 1_000);
        assert!(made.iter().all(|id| id.len() == 16 && is_harmless(id.as_bytes())));
        assert!(!made.contains(CallIds::default().id_of(&HeaderMap::new()).as_str()));
    }
}
