//! Telegram's bots. Foreign text is in `<code>`, in which Telegram finds no mentions, commands or links.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Notice;
use super::kind::{Channel, ChannelError};
use super::message::Message;
use super::request::{Answer, Judgement, Method, OutgoingRequest, Sending};
use super::secret::Secret;
use super::text::{LengthUnit, escape_all, fit, html, plain};

pub(super) const CHANNEL: Channel = Channel {
    name: "telegram",
    label: "Telegram",
    secrets: &["token"],
    // 20 per minute in a group.
    gap_ms: 3_000,
    keeps_state: false,
};

/// Telegram counts after it has read the entities; UTF-16 units are the strictest reading of that.
const TEXT: usize = 4_096;
/// Far less, so that two links fit beside them.
const TITLE: usize = 300;
const VALUE: usize = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telegram {
    /// The bot's token, as BotFather gives it.
    pub token: Secret,
    /// A number, or `@name` of a public channel.
    pub chat_id: String,
    /// A topic of a forum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_thread_id: Option<i64>,
}

impl Telegram {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        let invalid = |field, expected| Err(ChannelError::Invalid { field, expected });
        let is_token = self.token.expose().split_once(':').is_some_and(|(bot, rest)| {
            !bot.is_empty()
                && bot.bytes().all(|byte| byte.is_ascii_digit())
                && (10..=100).contains(&rest.len())
                && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        });
        if !is_token {
            return invalid("token", "a bot's token, such as `123456:ABC...`");
        }
        let chat = self.chat_id.as_str();
        let is_name = chat.strip_prefix('@').is_some_and(|name| {
            name.len() >= 4 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        match chat.parse::<i64>().is_ok() || is_name {
            true => Ok(()),
            false => invalid("chat_id", "a chat's number or the `@name` of a channel"),
        }
    }

    pub(super) fn render(&self, notice: &Notice, sending: Sending<'_>) -> OutgoingRequest {
        let message = Message::of(notice);
        let links: Vec<&(&str, String)> =
            message.links.iter().filter(|(_, link)| link.len() <= 500).collect();
        let length = |text: &str| LengthUnit::Utf16.length(text);
        let mut room = TEXT;
        // Links first, so that facts are cut to make room for them and not the other way round.
        let mut foot = String::new();
        for (label, link) in links {
            room -= length(label) + 1;
            let link = escape_all(link, html);
            foot.push_str(&format!("\n<a href=\"{link}\">{label}</a>"));
        }
        let title = fit(&message.title, TITLE, LengthUnit::Utf16, plain);
        room -= length(&title);
        let mut text = format!("<code>{}</code>", escape_all(&title, html));
        for fact in &message.facts {
            room = room.saturating_sub(length(fact.label) + 3);
            let value = fit(&fact.value, room.min(VALUE), LengthUnit::Utf16, plain);
            if value.is_empty() {
                break;
            }
            room -= length(&value);
            text.push_str(&format!("\n{}: <code>{}</code>", fact.label, escape_all(&value, html)));
        }
        text.push_str(&foot);
        let mut body = json!({
            "chat_id": self.chat_id,
            "text": text,
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": true},
        });
        if let Some(topic) = self.message_thread_id {
            body["message_thread_id"] = json!(topic);
        }
        if let Some(message) = sending.reply_to.and_then(|id| id.parse::<i64>().ok()) {
            body["reply_parameters"] =
                json!({"message_id": message, "allow_sending_without_reply": true});
        }
        let url = format!("https://api.telegram.org/bot{}/sendMessage", self.token.expose());
        OutgoingRequest::json(Method::Post, &url, &body)
    }
}

pub(super) fn judge(answer: Answer<'_>) -> Judgement {
    let body = answer.json();
    let parameters = &body["parameters"];
    match answer.status {
        200 if body["ok"] == true => {
            let message = body["result"]["message_id"].as_i64().map(|id| id.to_string());
            Judgement::Delivered { message }
        }
        200 => answer.again(None),
        429 => {
            let seconds = parameters["retry_after"].as_i64();
            let after_ms = seconds.map(|seconds| seconds.saturating_mul(1_000));
            answer.again(after_ms.or_else(|| answer.retry_after_ms()))
        }
        400 => match parameters["migrate_to_chat_id"].as_i64() {
            Some(chat_id) => Judgement::Moved { chat_id: chat_id.to_string() },
            None => answer.permanent(false),
        },
        // A wrong token, or the bot was removed.
        401 | 403 | 404 => answer.permanent(true),
        _ => answer.judge_status(),
    }
}
