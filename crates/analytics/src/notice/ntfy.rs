//! ntfy, at ntfy.sh or on one's own server. Its messages are plain text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kind::{Channel, ChannelError, check_server, check_token};
use super::message::Message;
use super::request::{Method, OutgoingRequest};
use super::secret::Secret;
use super::text::{self, LengthUnit, fit, plain};
use super::{Notice, Tone};

pub(super) const CHANNEL: Channel = Channel {
    name: "ntfy",
    label: "ntfy",
    secrets: &["token", "password"],
    // ntfy.sh: one in 5 s after a burst of 60.
    gap_ms: 1_000,
    keeps_state: false,
};

/// Longer messages become attachments.
const MESSAGE_BYTES: usize = 4_096;
const TITLE_BYTES: usize = 250;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ntfy {
    pub server: String,
    pub topic: String,
    /// An access token, or a user and a password, or neither.
    #[serde(default)]
    pub token: Secret,
    #[serde(default)]
    pub user: String,
    #[serde(default)]
    pub password: Secret,
}

impl Ntfy {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        check_server("server", &self.server)?;
        let is_topic = (1..=64).contains(&self.topic.len())
            && self.topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_topic {
            let expected = "a topic: letters, digits, `-` and `_`";
            return Err(ChannelError::Invalid { field: "topic", expected });
        }
        if !self.token.is_empty() {
            check_token("token", self.token.expose(), "an access token")?;
        }
        match self.user.contains(':') || self.user.len() > 255 {
            true => Err(ChannelError::Invalid { field: "user", expected: "a user's name" }),
            false => Ok(()),
        }
    }

    pub(super) fn render(&self, notice: &Notice) -> OutgoingRequest {
        let message = Message::of(notice);
        let (priority, tag) = match notice.tone() {
            Tone::Bad => (5, "rotating_light"),
            Tone::Warn => (4, "warning"),
            Tone::Good => (3, "white_check_mark"),
            Tone::Neutral => (3, "information_source"),
        };
        let actions: Vec<Value> = message
            .links
            .iter()
            .map(|(label, link)| json!({"action": "view", "label": label, "url": link}))
            .collect();
        let mut body = json!({
            "topic": self.topic,
            "title": fit(&message.title, TITLE_BYTES, LengthUnit::Bytes, plain),
            "message": fit(&message.lines(), MESSAGE_BYTES, LengthUnit::Bytes, plain),
            "priority": priority,
            "tags": [tag],
            "markdown": false,
            // Later notices of the thread replace the first one in the list.
            "sequence_id": text::id(&notice.thread, 64),
        });
        if let Some((_, link)) = message.links.first() {
            body["click"] = json!(link);
            body["actions"] = json!(actions);
        }
        let server = format!("{}/", self.server.trim_end_matches('/'));
        let request = OutgoingRequest::json(Method::Post, &server, &body);
        if !self.token.is_empty() {
            return request.with("authorization", format!("Bearer {}", self.token.expose()));
        }
        if self.user.is_empty() {
            return request;
        }
        let credentials = STANDARD.encode(format!("{}:{}", self.user, self.password.expose()));
        request.with("authorization", format!("Basic {credentials}"))
    }
}
