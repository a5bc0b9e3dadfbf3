//! The shapes of answers about channels.

use analytics::notice::{Judgement, QuietHours, Stage};
use serde::Serialize;
use serde_json::{Map, Value};
use store::checks::{Delivery, Try};
use store::meta::ChannelRow;
use utoipa::ToSchema;

use crate::notice::Sent;
use crate::pieces::to_rfc3339;

#[derive(Serialize, ToSchema)]
pub struct ChannelList {
    pub channels: Vec<ChannelAnswer>,
}

/// Where notices go.
#[derive(Serialize, ToSchema)]
pub struct ChannelAnswer {
    pub id: i64,
    pub name: String,
    #[schema(example = "webhook")]
    pub kind: &'static str,
    /// Whether notices are sent to it.
    pub enabled: bool,
    /// When it gets critical notices and tests alone; null: never.
    pub quiet_hours: Option<QuietHours>,
    /// Why the server switched it off: the far side said that it is gone.
    pub problem: Option<String>,
    /// `kind` and its fields; those that are secret are null.
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
    pub created_at: String,
    /// Notices that are not delivered yet.
    pub waiting: usize,
    /// Since when it delivers nothing, once that is an hour.
    pub failing_since: Option<String>,
}

/// A channel that was just made.
#[derive(Serialize, ToSchema)]
pub struct CreatedChannel {
    pub channel: ChannelAnswer,
    /// With which a webhook's notices are signed (Standard Webhooks), where it was made here. Shown only once.
    pub secret: Option<String>,
}

/// The answer to a test notice.
#[derive(Serialize, ToSchema)]
pub struct ChannelTest {
    pub delivered: bool,
    /// Null if no answer came.
    pub status: Option<u16>,
    /// The beginning of the answer, at most 200 characters.
    pub answer: Option<String>,
    /// Why it was not delivered.
    pub reason: Option<String>,
    pub took_ms: i64,
}

#[derive(Serialize, ToSchema)]
pub struct DeliveryList {
    /// Newest first.
    pub deliveries: Vec<ChannelDelivery>,
    /// `before` of the next page; null if there is none.
    pub next: Option<i64>,
}

/// A notice for a channel.
#[derive(Serialize, ToSchema)]
pub struct ChannelDelivery {
    pub id: i64,
    /// The same over all tries: the far side sees it, where the channel has a place for it.
    #[schema(example = "monitor-12-3-1")]
    pub notice: String,
    /// `opening`, `update` or `resolved`.
    #[schema(example = "opening", value_type = String)]
    pub stage: Stage,
    /// The monitor's name.
    pub subject: String,
    /// `waiting`, `delivered`, `failed` (the far side refused it) or `given_up` (it was tried for 24 hours).
    #[schema(example = "delivered")]
    pub state: String,
    pub created_at: String,
    /// When it is tried again, while it waits.
    pub next_try_at: Option<String>,
    pub ended_at: Option<String>,
    /// In order.
    pub tries: Vec<DeliveryTry>,
}

#[derive(Serialize, ToSchema)]
pub struct DeliveryTry {
    pub at: String,
    pub took_ms: i64,
    /// Null if no answer came.
    pub status: Option<u16>,
    /// Null if it was delivered.
    pub reason: Option<String>,
}

fn to_time(ms: i64) -> String {
    to_rfc3339(ms.saturating_mul(1_000))
}

impl ChannelAnswer {
    pub fn of(row: &ChannelRow, waiting: usize, failing_since_ms: Option<i64>) -> ChannelAnswer {
        let settings = &row.settings;
        let channel = settings.config.channel();
        let mut config = match serde_json::to_value(&settings.config) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        for (field, value) in &mut config {
            if channel.secrets.contains(&field.as_str()) {
                *value = Value::Null;
            }
        }
        ChannelAnswer {
            id: row.id,
            name: settings.name.clone(),
            kind: channel.name,
            enabled: settings.enabled,
            quiet_hours: settings.quiet_hours.clone(),
            problem: settings.problem.clone(),
            config,
            created_at: to_rfc3339(row.created_us),
            waiting,
            failing_since: failing_since_ms.map(to_time),
        }
    }
}

impl ChannelTest {
    pub fn of(sent: Sent) -> ChannelTest {
        let (delivered, reason) = match sent.judgement {
            Judgement::Delivered { .. } => (true, None),
            Judgement::Again { reason, .. } | Judgement::Permanent { reason, .. } => {
                (false, Some(reason))
            }
            Judgement::Moved { chat_id } => {
                (false, Some(format!("the chat has another id now: {chat_id}")))
            }
        };
        let Sent { status, answer, took_ms, .. } = sent;
        ChannelTest { delivered, status, answer, reason, took_ms }
    }
}

impl ChannelDelivery {
    pub fn of(delivery: Delivery) -> ChannelDelivery {
        let waits = delivery.state == "waiting";
        ChannelDelivery {
            id: delivery.id,
            notice: delivery.notice.id,
            stage: delivery.notice.stage,
            subject: delivery.notice.subject,
            created_at: to_time(delivery.created_ms),
            next_try_at: waits.then(|| to_time(delivery.next_ms)),
            ended_at: delivery.ended_ms.map(to_time),
            state: delivery.state,
            tries: delivery.tries.into_iter().map(DeliveryTry::of).collect(),
        }
    }
}

impl DeliveryTry {
    fn of(tried: Try) -> DeliveryTry {
        let Try { at_ms, took_ms, status, reason } = tried;
        DeliveryTry { at: to_time(at_ms), took_ms, status, reason }
    }
}
