//! Microsoft Teams through a workflow's address. Foreign text is in text runs, which have no Markdown, and the card
//! names no entities, so that nothing in it is a mention.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kind::{Channel, ChannelError, check_address};
use super::message::Message;
use super::request::{Answer, Judgement, Method, OutgoingRequest};
use super::secret::Secret;
use super::text::{LengthUnit, fit, plain};
use super::{Notice, Tone};

pub(super) const CHANNEL: Channel = Channel {
    name: "teams",
    label: "Microsoft Teams",
    secrets: &["url"],
    gap_ms: 1_000,
    keeps_state: false,
};

/// A message may have 28 KB. Ten facts of this many bytes and a title stay below it, even if JSON doubles each byte.
const VALUE_BYTES: usize = 1_200;
const TITLE_BYTES: usize = 400;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Teams {
    /// It holds a signature.
    pub url: Secret,
}

impl Teams {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        check_address("url", self.url.expose(), &["https://"], "https://")
    }

    pub(super) fn render(&self, notice: &Notice) -> OutgoingRequest {
        let message = Message::of(notice);
        let color = match notice.tone() {
            Tone::Bad => "attention",
            Tone::Warn => "warning",
            Tone::Good => "good",
            Tone::Neutral => "default",
        };
        let title = fit(&message.title, TITLE_BYTES, LengthUnit::Bytes, plain);
        let mut lines = vec![json!({
            "type": "RichTextBlock",
            "inlines": [{"type": "TextRun", "text": title, "weight": "bolder", "size": "large", "color": color}],
        })];
        lines.extend(message.facts.iter().map(|fact| {
            let value = fit(&fact.value, VALUE_BYTES, LengthUnit::Bytes, plain);
            json!({
                "type": "RichTextBlock",
                "spacing": "small",
                "inlines": [
                    {"type": "TextRun", "text": format!("{}: ", fact.label), "isSubtle": true},
                    {"type": "TextRun", "text": value},
                ],
            })
        }));
        let actions: Vec<Value> = message
            .links
            .iter()
            .filter(|(_, link)| link.len() <= VALUE_BYTES)
            .map(|(label, link)| json!({"type": "Action.OpenUrl", "title": label, "url": link}))
            .collect();
        let body = json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": lines,
                    "actions": actions,
                },
            }],
        });
        OutgoingRequest::json(Method::Post, self.url.expose(), &body)
    }
}

/// 202 means that the workflow accepted it, which does not prove a post. 200 with a text is an error of the old
/// connectors.
pub(super) fn judge(answer: Answer<'_>) -> Judgement {
    let body = answer.body.trim().to_ascii_lowercase();
    match answer.status {
        200 if body.contains("error") || body.contains("failed") => match body.contains("429") {
            true => answer.again(answer.retry_after_ms()),
            false => answer.permanent(false),
        },
        _ => answer.judge_status(),
    }
}
