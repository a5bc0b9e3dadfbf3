//! How often each route was called, by method and status.
//!
//! A label is a row of the router's table and never the client's text, so their number is bounded.

use std::collections::BTreeMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{Method, StatusCode};

/// The template of a route, attached to an answer by the router.
#[derive(Clone, Copy, Debug)]
pub struct RouteTemplate(pub &'static str);

impl RouteTemplate {
    /// For calls without a route.
    pub const NONE: RouteTemplate = RouteTemplate("none");
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    route: &'static str,
    method: &'static str,
    status: u16,
}

/// A counter for each kind of call so far.
#[derive(Default)]
pub struct Calls(RwLock<BTreeMap<Call, AtomicU64>>);

impl Calls {
    pub fn note(&self, method: &Method, route: RouteTemplate, status: StatusCode) {
        let call = Call { route: route.0, method: label(method), status: status.as_u16() };
        if let Ok(calls) = self.0.read()
            && let Some(counter) = calls.get(&call)
        {
            counter.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if let Ok(mut calls) = self.0.write() {
            calls.entry(call).or_default().fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The labels of each counter in Prometheus' format, and its value.
    pub(super) fn counted(&self) -> Vec<(String, u64)> {
        let Ok(calls) = self.0.read() else { return Vec::new() };
        let labelled = calls.iter().map(|(call, counter)| {
            let Call { route, method, status } = call;
            let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
            (labels, counter.load(Ordering::Relaxed))
        });
        labelled.collect()
    }
}

/// A client may send any word as a method.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_method_is_no_label() {
        let calls = Calls::default();
        for method in ["GET", "GET", "BREW", "STEAM"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            calls.note(&method, RouteTemplate("/docs/{name}"), StatusCode::OK);
        }
        let counted = calls.counted();
        assert_eq!(
            counted,
            [
                (r#"method="GET",route="/docs/{name}",status="200""#.to_owned(), 2),
                (r#"method="other",route="/docs/{name}",status="200""#.to_owned(), 2),
            ]
        );
    }
}
