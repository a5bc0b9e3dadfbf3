//! Pushover. Its messages are plain text, and its token and user are in the body.

use serde::{Deserialize, Serialize};

use super::kind::{Channel, ChannelError};
use super::message::Message;
use super::request::{Answer, Judgement, Method, OutgoingRequest};
use super::secret::Secret;
use super::text::{LengthUnit, fit, plain};
use super::{Notice, Tone};

pub(super) const CHANNEL: Channel = Channel {
    name: "pushover",
    label: "Pushover",
    secrets: &["token", "user"],
    gap_ms: 500,
    keeps_state: false,
};

/// Pushover's own limits, in characters.
const MESSAGE: usize = 1_024;
const TITLE: usize = 250;
const URL: usize = 512;
/// An emergency is repeated each minute for an hour (in seconds), until someone confirms it.
const EMERGENCY_RETRY: &str = "60";
const EMERGENCY_EXPIRE: &str = "3600";
/// The delay once the month's quota is used up.
const QUOTA_RETRY_MS: i64 = 3_600_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushover {
    /// An application's token.
    pub token: Secret,
    /// The key of a user or a group.
    pub user: Secret,
    /// Critical notices are repeated until someone confirms them.
    #[serde(default)]
    pub emergency: bool,
}

impl Pushover {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        for (field, key) in [("token", &self.token), ("user", &self.user)] {
            let key = key.expose();
            if key.len() != 30 || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                let expected = "a key of 30 letters and digits";
                return Err(ChannelError::Invalid { field, expected });
            }
        }
        Ok(())
    }

    pub(super) fn render(&self, notice: &Notice) -> OutgoingRequest {
        let message = Message::of(notice);
        let priority = match notice.tone() {
            Tone::Bad if self.emergency => "2",
            Tone::Bad => "1",
            Tone::Warn | Tone::Good => "0",
            Tone::Neutral => "-1",
        };
        let cut = |text: &str, limit| fit(text, limit, LengthUnit::Characters, plain);
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", self.token.expose())
            .append_pair("user", self.user.expose())
            .append_pair("title", &cut(&message.title, TITLE))
            .append_pair("message", &cut(&message.lines(), MESSAGE))
            .append_pair("priority", priority)
            .append_pair("timestamp", &notice.at_ms.div_euclid(1_000).to_string());
        if priority == "2" {
            form.append_pair("retry", EMERGENCY_RETRY).append_pair("expire", EMERGENCY_EXPIRE);
        }
        let link = message.links.iter().find(|(_, link)| link.chars().count() <= URL);
        if let Some((label, link)) = link {
            form.append_pair("url", link).append_pair("url_title", label);
        }
        OutgoingRequest {
            method: Method::Post,
            url: Secret::new("https://api.pushover.net/1/messages.json"),
            headers: vec![("content-type", Secret::new("application/x-www-form-urlencoded"))],
            body: Secret::new(form.finish()),
        }
    }
}

pub(super) fn judge(answer: Answer<'_>) -> Judgement {
    match answer.status {
        200 if answer.json()["status"] == 1 => Judgement::DELIVERED,
        200 => answer.again(None),
        429 => answer.again(Some(answer.retry_after_ms().unwrap_or(QUOTA_RETRY_MS))),
        _ => answer.judge_status(),
    }
}
