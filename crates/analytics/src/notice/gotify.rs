//! Gotify on one's own server. Its messages are plain text.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::kind::{Channel, ChannelError, check_server, check_token};
use super::message::Message;
use super::request::{Answer, Judgement, Method, OutgoingRequest};
use super::secret::Secret;
use super::text::{LengthUnit, fit, plain};
use super::{Notice, Tone};

pub(super) const CHANNEL: Channel =
    Channel { name: "gotify", label: "Gotify", secrets: &["token"], gap_ms: 0, keeps_state: false };

/// Gotify documents no limits; phones show about this much.
const MESSAGE: usize = 4_000;
const TITLE: usize = 250;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gotify {
    pub server: String,
    /// An application's token.
    pub token: Secret,
}

impl Gotify {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        check_server("server", &self.server)?;
        check_token("token", self.token.expose(), "an application's token")
    }

    pub(super) fn render(&self, notice: &Notice) -> OutgoingRequest {
        let message = Message::of(notice);
        let priority = match notice.tone() {
            Tone::Bad => 8,
            Tone::Warn => 6,
            Tone::Good | Tone::Neutral => 4,
        };
        let mut text = message.lines();
        let links = message.link_lines();
        let room = MESSAGE.saturating_sub(links.chars().count() + 1);
        text = fit(&text, room, LengthUnit::Characters, plain);
        if !links.is_empty() {
            text = format!("{text}\n{links}");
        }
        let mut body = json!({
            "title": fit(&message.title, TITLE, LengthUnit::Characters, plain),
            "message": text,
            "priority": priority,
            "extras": {"client::display": {"contentType": "text/plain"}},
        });
        if let Some((_, link)) = message.links.first() {
            body["extras"]["client::notification"] = json!({"click": {"url": link}});
        }
        let url = format!("{}/message", self.server.trim_end_matches('/'));
        OutgoingRequest::json(Method::Post, &url, &body).with("x-gotify-key", self.token.expose())
    }
}

pub(super) fn judge(answer: Answer<'_>) -> Judgement {
    match answer.status {
        401 | 403 => answer.permanent(true),
        _ => answer.judge_status(),
    }
}
