//! Slack's incoming webhooks. Foreign text is in `plain_text` objects, which have neither formatting nor mentions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Notice;
use super::kind::{Channel, ChannelError, check_address};
use super::message::Message;
use super::request::{Answer, Judgement, Method, OutgoingRequest};
use super::secret::Secret;
use super::text::{LengthUnit, fit};

pub(super) const CHANNEL: Channel =
    Channel { name: "slack", label: "Slack", secrets: &["url"], gap_ms: 1_000, keeps_state: false };

/// Slack's own limits, in characters.
const HEADER: usize = 150;
const FIELDS: usize = 10;
/// Slack allows 2,000, and about 13,000 for all blocks together.
const FIELD: usize = 1_000;
const BUTTON_URL: usize = 3_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slack {
    pub url: Secret,
}

impl Slack {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        let hosts = ["https://hooks.slack.com/", "https://hooks.slack-gov.com/"];
        check_address("url", self.url.expose(), &hosts, "https://hooks.slack.com/")
    }

    pub(super) fn render(&self, notice: &Notice) -> OutgoingRequest {
        let message = Message::of(notice);
        let title = |limit| fit(&message.title, limit, LengthUnit::Characters, escape);
        let fields: Vec<Value> = message
            .facts
            .iter()
            .take(FIELDS)
            .map(|fact| {
                let text = format!("{}: {}", fact.label, fact.value);
                plain_text(fit(&text, FIELD, LengthUnit::Characters, escape))
            })
            .collect();
        let mut blocks = vec![
            json!({"type": "header", "text": plain_text(title(HEADER))}),
            json!({"type": "section", "fields": fields}),
        ];
        let buttons: Vec<Value> = message
            .links
            .iter()
            .filter(|(_, link)| link.len() <= BUTTON_URL)
            .map(|(label, link)| {
                json!({"type": "button", "text": plain_text((*label).to_owned()), "url": link})
            })
            .collect();
        if !buttons.is_empty() {
            blocks.push(json!({"type": "actions", "elements": buttons}));
        }
        let body = json!({
            // For notifications and screen readers.
            "text": title(FIELD),
            "mrkdwn": false,
            "link_names": false,
            "parse": "none",
            "unfurl_links": false,
            "unfurl_media": false,
            "blocks": blocks,
        });
        OutgoingRequest::json(Method::Post, self.url.expose(), &body)
    }
}

/// Success is the body `ok`. Errors are words such as `no_service`.
pub(super) fn judge(answer: Answer<'_>) -> Judgement {
    let body = answer.body.trim();
    match answer.status {
        200 if body == "ok" => Judgement::DELIVERED,
        // Not Slack's response, perhaps a proxy's.
        200 if !is_error_word(body) => answer.again(None),
        200 => answer.permanent(false),
        400..500 => {
            let gone = ["no_service", "no_active_hooks", "channel_not_found", "no_team"];
            match answer.judge_status() {
                Judgement::Permanent { .. } => answer.permanent(
                    gone.contains(&body) || body.ends_with("_is_archived") || answer.status == 410,
                ),
                other => other,
            }
        }
        _ => answer.judge_status(),
    }
}

fn is_error_word(body: &str) -> bool {
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn plain_text(text: String) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": false})
}

/// Escapes the three characters that mean something to Slack, as in `<!channel>`.
fn escape(into: &mut String, character: char) {
    match character {
        '&' => into.push_str("&amp;"),
        '<' => into.push_str("&lt;"),
        '>' => into.push_str("&gt;"),
        other => into.push(other),
    }
}
