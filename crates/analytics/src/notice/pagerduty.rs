//! PagerDuty's Events API v2. It keeps the state of each thread by `dedup_key`, so it receives every change.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::kind::{Channel, ChannelError};
use super::message::{Message, instant};
use super::request::{Answer, Judgement, Method, OutgoingRequest, Sending};
use super::secret::Secret;
use super::text::{self, LengthUnit, fit, plain};
use super::{Notice, Stage};
use crate::alert::Severity;

pub(super) const CHANNEL: Channel = Channel {
    name: "pagerduty",
    label: "PagerDuty",
    secrets: &["routing_key"],
    // About 120 per minute.
    gap_ms: 500,
    keeps_state: true,
};

const SUMMARY: usize = 1_024;
const DEDUP_KEY: usize = 255;
const RETRY_MS: i64 = 120_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pagerduty {
    /// The 32 characters of an "Events API v2" integration.
    pub routing_key: Secret,
    /// The account is in PagerDuty's European region.
    #[serde(default)]
    pub eu: bool,
}

impl Pagerduty {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        let key = self.routing_key.expose();
        match key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            true => Ok(()),
            false => Err(ChannelError::Invalid {
                field: "routing_key",
                expected: "an integration key of 32 letters and digits",
            }),
        }
    }

    pub(super) fn render(&self, notice: &Notice, sending: Sending<'_>) -> OutgoingRequest {
        let message = Message::of(notice);
        let action = match notice.stage {
            Stage::Resolved => "resolve",
            _ => "trigger",
        };
        let severity = match notice.severity {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let details: Map<String, Value> =
            message.facts.iter().map(|fact| (fact.label.to_owned(), json!(fact.value))).collect();
        let links: Vec<Value> =
            message.links.iter().map(|(text, href)| json!({"href": href, "text": text})).collect();
        let body = json!({
            "routing_key": self.routing_key.expose(),
            "event_action": action,
            "dedup_key": text::id(&notice.thread, DEDUP_KEY),
            "payload": {
                "summary": fit(&message.title, SUMMARY, LengthUnit::Characters, plain),
                "source": sending.host,
                "severity": severity,
                "timestamp": instant(notice.at_ms),
                "custom_details": details,
            },
            "links": links,
            "client": "API Analytics",
        });
        let region = if self.eu { "eu." } else { "" };
        let url = format!("https://events.{region}pagerduty.com/v2/enqueue");
        OutgoingRequest::json(Method::Post, &url, &body)
    }
}

pub(super) fn judge(answer: Answer<'_>) -> Judgement {
    match answer.judge_status() {
        // It asks for minutes, and only sometimes says how many.
        Judgement::Again { after_ms, .. } => answer.again(Some(after_ms.unwrap_or(RETRY_MS))),
        other => other,
    }
}
