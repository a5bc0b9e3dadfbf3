//! The table of channels, and the settings that are refused.

use super::*;

#[test]
fn channels_are_listed_in_order_and_named_as_in_json() {
    let configs = channels();
    assert_eq!(configs.len(), CHANNELS.len());
    for (config, row) in configs.iter().zip(CHANNELS) {
        let fields = serde_json::to_value(config).unwrap();
        assert_eq!((config.channel().name, &fields["kind"]), (row.name, &json!(row.name)));
        for secret in row.secrets.iter().filter(|name| **name != "previous_secret") {
            assert!(fields[secret].is_string(), "{}: {secret}", row.name);
        }
    }
}

#[test]
fn a_channel_that_cannot_work_is_refused() {
    let refused = |json: Value| {
        serde_json::from_value::<ChannelConfig>(json).unwrap().check().unwrap_err().to_string()
    };
    let key = "k".repeat(32);
    let cases = [
        (json!({"kind": "slack", "url": "https://evil.example/services/T/B/x"}), "`url`"),
        (json!({"kind": "slack", "url": "https://hooks.slack.com.evil.example/x"}), "`url`"),
        (json!({"kind": "discord", "url": "https://discord.com/api/users/1"}), "`url`"),
        (
            json!({"kind": "discord", "url": "https://discord.com/api/webhooks/1/x?wait=false"}),
            "`url`",
        ),
        (json!({"kind": "teams", "url": "http://x.logic.azure.com/w"}), "`url`"),
        (json!({"kind": "teams", "url": "https://x.example/a b"}), "`url`"),
        (json!({"kind": "teams", "url": "https://x.example\\@y/"}), "`url`"),
        (json!({"kind": "webhook", "url": "ftp://x.example/", "secret": "whsec_aaaa"}), "`url`"),
        (
            json!({"kind": "webhook", "url": "https://x.example/", "secret": "whsec_aaaa"}),
            "`secret`",
        ),
        (
            json!({"kind": "webhook", "url": "https://x.example/",
                "secret": "whsec_hushhushhushhushhushhushhushhush", "previous_secret": "x"}),
            "`previous_secret`",
        ),
        (json!({"kind": "telegram", "token": "123", "chat_id": "1"}), "`token`"),
        (json!({"kind": "telegram", "token": "123:abcdefghijk/../x", "chat_id": "1"}), "`token`"),
        (json!({"kind": "telegram", "token": "123:abcdefghijk", "chat_id": "ops"}), "`chat_id`"),
        (json!({"kind": "ntfy", "server": "https://ntfy.sh", "topic": "a/b"}), "`topic`"),
        (json!({"kind": "ntfy", "server": "https://u@ntfy.sh", "topic": "a"}), "`server`"),
        (json!({"kind": "ntfy", "server": "https://", "topic": "a"}), "`server`"),
        (
            json!({"kind": "ntfy", "server": "https://n.sh", "topic": "a", "token": "a\r\nb: c"}),
            "`token`",
        ),
        (json!({"kind": "ntfy", "server": "https://n.sh", "topic": "a", "user": "a:b"}), "`user`"),
        (json!({"kind": "pagerduty", "routing_key": &key[1..]}), "`routing_key`"),
        (json!({"kind": "gotify", "server": "https://g.sh?x", "token": "t"}), "`server`"),
        (json!({"kind": "gotify", "server": "https://g.sh", "token": ""}), "`token`"),
        (json!({"kind": "pushover", "token": &key[2..], "user": "short"}), "`user`"),
        (
            json!({"kind": "matrix", "server": "https://m.sh", "room": "#a:m.sh", "token": "t"}),
            "`room`",
        ),
        (json!({"kind": "email", "to": []}), "`to`"),
        (json!({"kind": "email", "to": ["a@example.com\r\nBcc: b@example.com"]}), "`to`"),
        (json!({"kind": "email", "to": ["a,b@example.com"]}), "`to`"),
        (json!({"kind": "email", "to": ["nobody"]}), "`to`"),
        (json!({"kind": "email", "to": vec!["a@example.com"; 21]}), "`to`"),
    ];
    for (json, field) in cases {
        let error = refused(json.clone());
        assert!(error.contains(field), "{json}: {error}");
    }
}
