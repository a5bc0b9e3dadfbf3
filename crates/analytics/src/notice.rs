//! Notices: one value for everything worth announcing, and for each channel the request that announces it.
//!
//! A `Notice` becomes a `Message` of a title and facts, and each channel renders that in its format and within its
//! limits. Names of endpoints and consumers come from strangers: every channel escapes them, and none lets them mention
//! anyone. The service's response is judged here too, and `outbox` decides when to send. Sending, storing and
//! encrypting are the server's part.
//!
//! To add a channel: a file in `notice/`, a variant of `ChannelConfig`, a row in `CHANNELS`.

pub mod channel;
pub mod discord;
pub mod email;
pub mod gotify;
mod kind;
pub mod matrix;
pub mod message;
pub mod ntfy;
pub mod outbox;
pub mod pagerduty;
pub mod pushover;
pub mod quiet;
pub mod reach;
pub mod request;
pub mod secret;
pub mod slack;
pub mod source;
pub mod teams;
pub mod telegram;
pub mod text;
pub mod webhook;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::alert::Severity;
use crate::limits;

pub use channel::{CHANNELS, ChannelConfig};
pub use kind::{Channel, ChannelError};
pub use quiet::QuietHours;
pub use request::{Answer, Email, Judgement, Method, Outgoing, OutgoingRequest, Sending};
pub use secret::Secret;

/// The content of a notice; also the `data` of a webhook. Times in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for all tries to deliver it, and unique to this notice.
    pub id: String,
    /// The same for all notices of one incident or alert, so that later ones refer to the first.
    pub thread: String,
    pub stage: Stage,
    pub topic: Topic,
    pub severity: Severity,
    pub project: String,
    /// The name of the monitor, rule or channel.
    pub subject: String,
    pub at_ms: i64,
    /// In words: "connection refused".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Checks fail while requests succeed: the fault is likely on our side.
    #[serde(default)]
    pub unconfirmed: bool,
    /// How long each phase of the failing check took, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// The real requests that were affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hit: Option<Hit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_failing_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good_ms: Option<i64>,
    /// Set once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// The opening was never delivered: this notice stands for both.
    #[serde(default)]
    pub combined: bool,
    /// In a digest, the notices that it contains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    #[serde(default)]
    pub links: Links,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Opening,
    Update,
    Resolved,
    /// Several notices in one.
    Digest,
    /// Sent by hand, to see whether the channel works.
    Test,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    Down,
    Flapping,
    Certificate,
    Rule,
    /// Requests arrive late, and no rule can be judged.
    RulesUnjudged,
    /// Another channel delivers nothing.
    ChannelFailing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    pub name: String,
    pub duration_ms: u64,
}

/// Requests that failed since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Hit {
    pub requests: u64,
    /// The most hit first; at most `limits::NOTICE_LISTED` are shown.
    pub endpoints: Vec<Count>,
    /// All of them, also those that are not listed.
    pub endpoints_total: u64,
    pub consumers: Vec<Count>,
    pub consumers_total: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = HitCount)]
pub struct Count {
    pub name: String,
    pub requests: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Bad,
    Warn,
    Good,
    Neutral,
}

/// A line of a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub stage: Stage,
    pub topic: Topic,
    pub subject: String,
    pub since_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// Addresses of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Links {
    /// The incident or rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Asks for confirmation before it acknowledges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<String>,
}

impl Notice {
    /// For "send a test".
    pub fn test(id: &str, project: &str, channel: &str, at_ms: i64) -> Notice {
        Notice {
            id: id.to_owned(),
            thread: id.to_owned(),
            stage: Stage::Test,
            topic: Topic::Down,
            severity: Severity::Info,
            project: project.to_owned(),
            subject: channel.to_owned(),
            at_ms,
            cause: None,
            unconfirmed: false,
            phases: Vec::new(),
            hit: None,
            first_failing_ms: None,
            last_good_ms: None,
            until_ms: None,
            combined: false,
            items: Vec::new(),
            links: Links::default(),
        }
    }

    /// Red, yellow, green or grey.
    pub(crate) fn tone(&self) -> Tone {
        match (self.stage, self.severity) {
            (Stage::Resolved, _) => Tone::Good,
            (Stage::Test, _) | (_, Severity::Info) => Tone::Neutral,
            (_, Severity::Warning) => Tone::Warn,
            (_, Severity::Critical) => Tone::Bad,
        }
    }

    /// With names reduced to a length and to characters that a message can hold, and lists no longer than shown. All
    /// items are kept, to be counted.
    pub(crate) fn cleaned(&self) -> Notice {
        let mut notice = self.clone();
        let tidy = |name: &mut String| *name = text::clean(name);
        tidy(&mut notice.project);
        tidy(&mut notice.subject);
        notice.cause.iter_mut().for_each(tidy);
        notice.phases.truncate(limits::NOTICE_LISTED as usize);
        notice.phases.iter_mut().for_each(|phase| tidy(&mut phase.name));
        let listed = notice.items.iter_mut().take(limits::NOTICE_LISTED as usize);
        listed.for_each(|item| tidy(&mut item.subject));
        if let Some(hit) = notice.hit.as_mut() {
            for counts in [&mut hit.endpoints, &mut hit.consumers] {
                counts.truncate(limits::NOTICE_LISTED as usize);
                counts.iter_mut().for_each(|count| tidy(&mut count.name));
            }
        }
        notice
    }
}
