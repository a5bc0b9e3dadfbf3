//! Discord's webhooks. Markdown is escaped, and `allowed_mentions` allows none.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kind::{Channel, ChannelError, check_address};
use super::message::Message;
use super::request::{Answer, Judgement, Method, OutgoingRequest};
use super::secret::Secret;
use super::text::{LengthUnit, fit};
use super::{Notice, Tone};

pub(super) const CHANNEL: Channel = Channel {
    name: "discord",
    label: "Discord",
    secrets: &["url"],
    gap_ms: 1_000,
    keeps_state: false,
};

/// Discord's own limits, in characters. All texts of an embed together may have 6,000.
const TITLE: usize = 256;
const FIELDS: usize = 25;
/// Discord allows 1,024.
const VALUE: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discord {
    pub url: Secret,
}

impl Discord {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        let hosts = [
            "https://discord.com/api/webhooks/",
            "https://discordapp.com/api/webhooks/",
            "https://canary.discord.com/api/webhooks/",
            "https://ptb.discord.com/api/webhooks/",
        ];
        let url = self.url.expose();
        check_address("url", url, &hosts, "https://discord.com/api/webhooks/")?;
        match url.contains(['?', '#']) {
            true => Err(ChannelError::Invalid { field: "url", expected: "an address without `?`" }),
            false => Ok(()),
        }
    }

    pub(super) fn render(&self, notice: &Notice) -> OutgoingRequest {
        let message = Message::of(notice);
        let title = fit(&message.title, TITLE, LengthUnit::Characters, escape);
        let mut fields: Vec<Value> = message
            .facts
            .iter()
            .map(|fact| {
                let value = fit(&fact.value, VALUE, LengthUnit::Characters, escape);
                json!({"name": fact.label, "value": value, "inline": fact.value.len() < 30})
            })
            .collect();
        for (label, link) in message.links.iter().filter(|(_, link)| link.len() <= VALUE) {
            fields.push(json!({"name": label, "value": link, "inline": false}));
        }
        fields.truncate(FIELDS);
        let color = match notice.tone() {
            Tone::Bad => 0xd6_3b_3b,
            Tone::Warn => 0xe0_a0_20,
            Tone::Good => 0x2f_9e_5b,
            Tone::Neutral => 0x80_80_80,
        };
        let body = json!({
            // Phones show only this in a notification.
            "content": title,
            "embeds": [{"title": title, "color": color, "fields": fields}],
            "allowed_mentions": {"parse": []},
        });
        let url = format!("{}?wait=true", self.url.expose());
        OutgoingRequest::json(Method::Post, &url, &body)
    }
}

pub(super) fn judge(answer: Answer<'_>) -> Judgement {
    let body = answer.json();
    match answer.status {
        200 => {
            let message = body["id"].as_str().map(str::to_owned);
            Judgement::Delivered { message }
        }
        429 => {
            let seconds = body["retry_after"].as_f64();
            let after_ms = seconds.map(|seconds| (seconds * 1_000.0).ceil() as i64);
            answer.again(after_ms.or_else(|| answer.retry_after_ms()))
        }
        401 | 403 | 404 => answer.permanent(true),
        _ => answer.judge_status(),
    }
}

fn escape(into: &mut String, character: char) {
    if r"\*_~`|>#-[]()<@:".contains(character) {
        into.push('\\');
    }
    into.push(character);
}
