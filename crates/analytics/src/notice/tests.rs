//! Each channel's format, limits and responses; hostile texts on all of them; and the outbox.

mod answers;
mod delivery;
mod formats;
mod hostile;
mod lengths;
mod messages;
mod setup;

use serde_json::{Value, json};

use super::*;

const AT_MS: i64 = 1_795_719_900_000;
const MINUTE_MS: i64 = 60_000;

const SENDING: Sending<'_> =
    Sending { now_ms: AT_MS + 1_500, host: "stats.example.com", reply_to: None };

/// The facts of `opening`, as each channel lists them.
const FACTS: [(&str, &str); 8] = [
    ("Project", "shop"),
    ("Cause", "connection refused"),
    ("First failing", "2026-11-26 19:03 UTC"),
    ("Last good", "2026-11-26 19:02 UTC"),
    ("Phases", "DNS 3 ms"),
    ("Failed requests", "120"),
    ("Endpoints", "POST /orders (100), GET /cart (20), 3 more"),
    ("Consumers", "alice (7)"),
];

/// One channel of each kind, in the order of `CHANNELS`. Every secret holds `hush`.
fn channels() -> Vec<ChannelConfig> {
    let key = "hush".repeat(8);
    let config = |json: Value| serde_json::from_value::<ChannelConfig>(json).unwrap();
    let configs = vec![
        config(json!({
            "kind": "webhook",
            "url": "https://example.com/hook/hush",
            "secret": "whsec_hushhushhushhushhushhushhushhush",
        })),
        config(json!({"kind": "email", "to": ["ops@example.com"]})),
        config(json!({"kind": "slack", "url": "https://hooks.slack.com/services/T1/B1/hush"})),
        config(json!({"kind": "discord", "url": "https://discord.com/api/webhooks/1/hush"})),
        config(json!({"kind": "telegram", "token": "123:hushhushhush", "chat_id": "-1001"})),
        config(json!({
            "kind": "ntfy", "server": "https://ntfy.sh", "topic": "ops", "token": "tk_hush",
        })),
        config(json!({"kind": "pagerduty", "routing_key": key})),
        config(json!({"kind": "teams", "url": "https://x.logic.azure.com/w?sig=hush"})),
        config(json!({
            "kind": "gotify", "server": "https://push.example.com/", "token": "hushhush",
        })),
        config(json!({"kind": "pushover", "token": &key[..30], "user": &key[2..]})),
        config(json!({
            "kind": "matrix",
            "server": "https://matrix.org",
            "room": "!abc:matrix.org",
            "token": "hushhush",
        })),
    ];
    for config in &configs {
        assert_eq!(config.check(), Ok(()), "{config:?}");
    }
    configs
}

fn channel(name: &str) -> ChannelConfig {
    channels().into_iter().find(|config| config.channel().name == name).unwrap()
}

/// An opening with everything in it.
fn opening() -> Notice {
    let count = |name: &str, requests| Count { name: name.to_owned(), requests };
    Notice {
        id: "n-17".to_owned(),
        thread: "shop-down-3".to_owned(),
        subject: "checkout".to_owned(),
        topic: Topic::Down,
        stage: Stage::Opening,
        severity: Severity::Critical,
        cause: Some("connection refused".to_owned()),
        phases: vec![Phase { name: "DNS".to_owned(), duration_ms: 3 }],
        hit: Some(Hit {
            requests: 120,
            endpoints: vec![count("POST /orders", 100), count("GET /cart", 20)],
            endpoints_total: 5,
            consumers: vec![count("alice", 7)],
            consumers_total: 1,
        }),
        first_failing_ms: Some(AT_MS - 2 * MINUTE_MS),
        last_good_ms: Some(AT_MS - 3 * MINUTE_MS),
        links: Links {
            page: Some("https://stats.example.com/incidents/3".to_owned()),
            acknowledge: Some("https://stats.example.com/ack/3".to_owned()),
        },
        ..Notice::test("", "shop", "", AT_MS)
    }
}

fn resolved() -> Notice {
    Notice {
        id: "n-18".to_owned(),
        stage: Stage::Resolved,
        until_ms: Some(AT_MS + 3 * MINUTE_MS),
        ..opening()
    }
}

fn request(config: &ChannelConfig, notice: &Notice) -> OutgoingRequest {
    match config.render(notice, SENDING) {
        Outgoing::Http(request) => request,
        Outgoing::Email(email) => panic!("{email:?}"),
    }
}

fn mail(notice: &Notice) -> request::Email {
    match channel("email").render(notice, SENDING) {
        Outgoing::Email(email) => email,
        Outgoing::Http(request) => panic!("{request:?}"),
    }
}

fn body(config: &ChannelConfig, notice: &Notice) -> Value {
    serde_json::from_str(request(config, notice).body.expose()).unwrap()
}

/// The fields of a form.
fn form(notice: &Notice) -> Vec<(String, String)> {
    let request = request(&channel("pushover"), notice);
    form_urlencoded::parse(request.body.expose().as_bytes()).into_owned().collect()
}

/// All texts in it, also the names of fields.
fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            into.push(name.clone());
            texts(value, into);
        }),
        _ => {}
    }
}
