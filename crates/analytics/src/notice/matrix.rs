//! Matrix: a message into a room. The transaction id makes a retry the same message.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Notice;
use super::kind::{Channel, ChannelError, check_server, check_token};
use super::message::Message;
use super::request::{Answer, Judgement, Method, OutgoingRequest, Sending};
use super::secret::Secret;
use super::text::{self, LengthUnit, escape_all, fit, html, plain};

pub(super) const CHANNEL: Channel = Channel {
    name: "matrix",
    label: "Matrix",
    secrets: &["token"],
    gap_ms: 1_000,
    keeps_state: false,
};

/// An event has at most 64 KiB, including everything that servers add. Two forms of ten facts stay far below, even
/// escaped.
const VALUE_BYTES: usize = 1_200;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// The homeserver.
    pub server: String,
    /// `!id:server`, in which the user is a member.
    pub room: String,
    /// An access token.
    pub token: Secret,
}

impl Matrix {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        check_server("server", &self.server)?;
        check_token("token", self.token.expose(), "an access token")?;
        // Newer rooms have no server in their id.
        let is_room = self.room.starts_with('!') && (2..=255).contains(&self.room.len());
        match is_room && self.room.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(()),
            false => Err(ChannelError::Invalid {
                field: "room",
                expected: "a room's id, such as `!abc:example.org`",
            }),
        }
    }

    pub(super) fn render(&self, notice: &Notice, sending: Sending<'_>) -> OutgoingRequest {
        let message = Message::of(notice);
        let cut = |text: &str| fit(text, VALUE_BYTES, LengthUnit::Bytes, plain);
        let title = cut(&message.title);
        let (mut body, mut formatted) =
            (title.clone(), format!("<strong>{}</strong>", escape_all(&title, html)));
        for fact in &message.facts {
            let value = cut(&fact.value);
            body.push_str(&format!("\n{}: {value}", fact.label));
            let value = escape_all(&value, html);
            formatted.push_str(&format!("<br>{}: <code>{value}</code>", fact.label));
        }
        for (label, link) in message.links.iter().filter(|(_, link)| link.len() <= VALUE_BYTES) {
            body.push_str(&format!("\n{label}: {link}"));
            let link = escape_all(link, html);
            formatted.push_str(&format!("<br><a href=\"{link}\">{label}</a>"));
        }
        let mut event = json!({
            "msgtype": "m.text",
            "body": body,
            "format": "org.matrix.custom.html",
            "formatted_body": formatted,
            // Without it clients search the text for names.
            "m.mentions": {},
        });
        if let Some(event_id) = sending.reply_to {
            event["m.relates_to"] = json!({"m.in_reply_to": {"event_id": event_id}});
        }
        let url = format!(
            "{}/_matrix/client/v3/rooms/{}/send/m.room.message/{}",
            self.server.trim_end_matches('/'),
            text::path_segment(&self.room),
            text::id(&notice.id, 128),
        );
        let bearer = format!("Bearer {}", self.token.expose());
        OutgoingRequest::json(Method::Put, &url, &event).with("authorization", bearer)
    }
}

pub(super) fn judge(answer: Answer<'_>) -> Judgement {
    let body = answer.json();
    match answer.status {
        200 => match body["event_id"].as_str() {
            Some(event_id) => Judgement::Delivered { message: Some(event_id.to_owned()) },
            // Not a homeserver's response.
            None => answer.again(None),
        },
        429 => answer.again(body["retry_after_ms"].as_i64().or_else(|| answer.retry_after_ms())),
        401 | 403 => answer.permanent(true),
        _ => answer.judge_status(),
    }
}
