//! The answer to the sender of a batch.

use std::io::Write;

use analytics::ingest::{Reason, Rejection};
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use store::{Receipt, Rejected};

use super::listed;
use crate::error::{ApiError, Code};

pub(super) fn kept(receipt: &Receipt) -> Response<Body> {
    // Written by hand: this answer is made 20,000 times a second.
    let mut body = Vec::with_capacity(96);
    let message = if receipt.replayed {
        "this batch had been kept before"
    } else if receipt.rejected_total > 0 {
        "kept, without the rejected hits"
    } else {
        "kept"
    };
    let _ = write!(
        body,
        r#"{{"status":200,"message":"{message}","accepted":{},"rejected":["#,
        receipt.accepted
    );
    for (index, rejected) in receipt.rejected.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ =
            write!(body, r#"{comma}{{"index":{},"reason":"{}"}}"#, rejected.index, name(rejected));
    }
    let _ = write!(
        body,
        r#"],"rejected_total":{},"repeated":{}}}"#,
        receipt.rejected_total, receipt.repeated
    );
    json(body)
}

pub(super) fn nothing_sent() -> Response<Body> {
    json(br#"{"status":200,"message":"the batch is empty","accepted":0,"rejected":[],"rejected_total":0,"repeated":0}"#.to_vec())
}

pub(super) fn every_hit_rejected(rejected: &[Rejection]) -> ApiError {
    let first = rejected.first().map_or("", |one| one.reason.as_str());
    let count = rejected.len();
    let mut error = ApiError::new(
        Code::EveryHitRejected,
        format!(
            "none of the {count} hits could be kept, the first because of {first}; `rejected` lists them"
        ),
    );
    let list = listed(rejected);
    let list = list
        .iter()
        .map(|one| serde_json::json!({ "index": one.index, "reason": name(one) }))
        .collect();
    let mut extra = serde_json::Map::new();
    extra.insert("accepted".to_owned(), 0.into());
    extra.insert("rejected".to_owned(), serde_json::Value::Array(list));
    extra.insert("rejected_total".to_owned(), count.into());
    error.extra = Some(extra);
    error
}

fn name(rejected: &Rejected) -> &'static str {
    // A receipt of a later version may hold an unknown reason.
    Reason::from_number(rejected.reason).map_or("unknown", Reason::as_str)
}

fn json(body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
