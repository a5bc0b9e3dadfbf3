//! The owner's own webhook, signed as in Standard Webhooks 1.0.0. The body is the notice itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::kind::{Channel, ChannelError, check_address};
use super::request::{Method, OutgoingRequest, Sending};
use super::secret::Secret;
use super::{Notice, Stage, text};
use crate::limits;

pub(super) const CHANNEL: Channel = Channel {
    name: "webhook",
    label: "Webhook",
    secrets: &["url", "secret", "previous_secret"],
    gap_ms: 0,
    keeps_state: true,
};

const SECRET_PREFIX: &str = "whsec_";
const LEAST_SECRET_BYTES: usize = 24;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub url: Secret,
    /// `whsec_` and the base64 of 24 to 64 bytes.
    pub secret: Secret,
    /// Signs too, until every receiver knows the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_secret: Option<Secret>,
}

impl Webhook {
    /// A secret made of random bytes.
    pub fn secret_of(random: [u8; 32]) -> Secret {
        Secret::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(random)))
    }

    pub(super) fn check(&self) -> Result<(), ChannelError> {
        check_address("url", self.url.expose(), &["https://", "http://"], "https://")?;
        let expected = "`whsec_` and the base64 of 24 to 64 bytes";
        for (field, secret) in
            [("secret", Some(&self.secret)), ("previous_secret", self.previous_secret.as_ref())]
        {
            if secret.is_some_and(|secret| key(secret).is_none()) {
                return Err(ChannelError::Invalid { field, expected });
            }
        }
        Ok(())
    }

    pub(super) fn render(&self, notice: &Notice, sending: Sending<'_>) -> OutgoingRequest {
        let mut data = notice.cleaned();
        data.items.truncate(limits::NOTICE_LISTED as usize);
        let body = json!({
            "type": event_type(notice.stage),
            "timestamp": super::message::instant(notice.at_ms),
            "data": data,
        });
        let request = OutgoingRequest::json(Method::Post, self.url.expose(), &body);
        let id = text::id(&notice.id, 128);
        let timestamp = sending.now_ms.div_euclid(1_000).to_string();
        let secrets = [Some(&self.secret), self.previous_secret.as_ref()];
        let signatures: Vec<String> = secrets
            .into_iter()
            .flatten()
            .filter_map(key)
            .map(|key| sign(&key, &id, &timestamp, request.body.expose()))
            .collect();
        request
            .with("webhook-id", id)
            .with("webhook-timestamp", timestamp)
            .with("webhook-signature", signatures.join(" "))
    }
}

/// Signs the bytes exactly as sent.
fn sign(key: &hmac::Key, id: &str, timestamp: &str, body: &str) -> String {
    let mut context = hmac::Context::with_key(key);
    for part in [id, ".", timestamp, ".", body] {
        context.update(part.as_bytes());
    }
    format!("v1,{}", STANDARD.encode(context.sign()))
}

fn event_type(stage: Stage) -> &'static str {
    match stage {
        Stage::Opening => "incident.opened",
        Stage::Update => "incident.updated",
        Stage::Resolved => "incident.resolved",
        Stage::Digest => "incident.digest",
        Stage::Test => "test",
    }
}

fn key(secret: &Secret) -> Option<hmac::Key> {
    let bytes = STANDARD.decode(secret.expose().strip_prefix(SECRET_PREFIX)?).ok()?;
    let is_long_enough = bytes.len() >= LEAST_SECRET_BYTES;
    (is_long_enough && bytes.len() as u64 <= limits::WEBHOOK_SECRET_BYTES)
        .then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification_s_example() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let key = key(&secret).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        assert_eq!(
            sign(&key, id, "1614265330", r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        let has_key = |bytes: usize| {
            key(&Secret::new(format!("whsec_{}", STANDARD.encode(vec![7; bytes])))).is_some()
        };
        assert_eq!([23, 24, 64, 65].map(has_key), [false, true, true, false]);
        assert!(key(&Webhook::secret_of([9; 32])).is_some());
        assert!(key(&Secret::new("whsec_?")).is_none());
        assert!(key(&Secret::new(STANDARD.encode([7; 32]))).is_none());
    }
}
