//! Each service's documented format, compared as a whole.

use super::*;

const PAGE: &str = "https://stats.example.com/incidents/3";
const ACKNOWLEDGE: &str = "https://stats.example.com/ack/3";

#[test]
fn webhook() {
    let config = channel("webhook");
    let sent = request(&config, &opening());
    assert_eq!((sent.method, sent.url.expose()), (Method::Post, "https://example.com/hook/hush"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.header("webhook-id"), Some("n-17"));
    assert_eq!(sent.header("webhook-timestamp"), Some("1795719901"));
    let signature = sent.header("webhook-signature").unwrap();
    assert!(signature.starts_with("v1,") && !signature.contains(' '));
    let json = body(&config, &opening());
    assert_eq!(json["type"], "incident.opened");
    assert_eq!(json["timestamp"], "2026-11-26T19:05:00Z");
    assert_eq!(serde_json::from_value::<Notice>(json["data"].clone()).unwrap(), opening());
    assert_eq!(json.as_object().unwrap().len(), 3);
    let types = [Stage::Update, Stage::Resolved, Stage::Digest, Stage::Test]
        .map(|stage| body(&config, &Notice { stage, ..opening() })["type"].clone());
    let expected = ["incident.updated", "incident.resolved", "incident.digest", "test"];
    assert_eq!(types, expected.map(|name| json!(name)));
}

#[test]
fn webhook_signs_with_both_secrets_while_they_rotate() {
    let rotating: ChannelConfig = serde_json::from_value(json!({
        "kind": "webhook",
        "url": "https://example.com/hook",
        "secret": webhook::Webhook::secret_of([1; 32]).expose(),
        "previous_secret": "whsec_hushhushhushhushhushhushhushhush",
    }))
    .unwrap();
    assert_eq!(rotating.check(), Ok(()));
    let of = |config: &ChannelConfig| {
        request(config, &opening()).header("webhook-signature").unwrap().to_owned()
    };
    let both: Vec<String> = of(&rotating).split(' ').map(str::to_owned).collect();
    assert_eq!(both.len(), 2);
    assert_ne!(both[0], both[1]);
    assert_eq!(both[1], of(&channel("webhook")), "the old one signs the same bytes");
    // A later try has the same id and another timestamp.
    let later = Sending { now_ms: SENDING.now_ms + 5_000, ..SENDING };
    let Outgoing::Http(again) = rotating.render(&opening(), later) else { panic!() };
    assert_eq!(again.header("webhook-id"), Some("n-17"));
    assert_eq!(again.header("webhook-timestamp"), Some("1795719906"));
    assert!(!of(&rotating).contains(again.header("webhook-signature").unwrap()));
}

#[test]
fn slack() {
    let sent = request(&channel("slack"), &opening());
    assert_eq!(sent.url.expose(), "https://hooks.slack.com/services/T1/B1/hush");
    let plain = |text: String| json!({"type": "plain_text", "text": text, "emoji": false});
    let fields: Vec<Value> =
        FACTS.iter().map(|(label, value)| plain(format!("{label}: {value}"))).collect();
    assert_eq!(
        body(&channel("slack"), &opening()),
        json!({
            "text": "Down: checkout",
            "mrkdwn": false,
            "link_names": false,
            "parse": "none",
            "unfurl_links": false,
            "unfurl_media": false,
            "blocks": [
                {"type": "header", "text": plain("Down: checkout".to_owned())},
                {"type": "section", "fields": fields},
                {"type": "actions", "elements": [
                    {"type": "button", "text": plain("Open".to_owned()), "url": PAGE},
                    {"type": "button", "text": plain("Acknowledge".to_owned()), "url": ACKNOWLEDGE},
                ]},
            ],
        })
    );
    let bare = Notice { links: Links::default(), ..opening() };
    assert_eq!(body(&channel("slack"), &bare)["blocks"].as_array().unwrap().len(), 2);
}

#[test]
fn discord() {
    let sent = request(&channel("discord"), &opening());
    assert_eq!(sent.url.expose(), "https://discord.com/api/webhooks/1/hush?wait=true");
    let json = body(&channel("discord"), &opening());
    assert_eq!(json["allowed_mentions"], json!({"parse": []}));
    assert_eq!(json["content"], r"Down\: checkout");
    let embed = &json["embeds"][0];
    assert_eq!((&embed["title"], &embed["color"]), (&json["content"], &json!(0xd6_3b_3b)));
    let fields = embed["fields"].as_array().unwrap();
    assert_eq!(fields.len(), FACTS.len() + 2);
    assert_eq!(fields[1], json!({"name": "Cause", "value": "connection refused", "inline": true}));
    assert_eq!(
        fields[6],
        json!({
            "name": "Endpoints",
            "value": r"POST /orders \(100\), GET /cart \(20\), 3 more",
            "inline": false,
        })
    );
    assert_eq!(fields[8], json!({"name": "Open", "value": PAGE, "inline": false}));
}

#[test]
fn telegram() {
    let config = channel("telegram");
    let sent = request(&config, &opening());
    assert_eq!(sent.url.expose(), "https://api.telegram.org/bot123:hushhushhush/sendMessage");
    let mut text = "<code>Down: checkout</code>".to_owned();
    for (label, value) in FACTS {
        text.push_str(&format!("\n{label}: <code>{value}</code>"));
    }
    text.push_str(&format!("\n<a href=\"{PAGE}\">Open</a>"));
    text.push_str(&format!("\n<a href=\"{ACKNOWLEDGE}\">Acknowledge</a>"));
    assert_eq!(
        body(&config, &opening()),
        json!({
            "chat_id": "-1001",
            "text": text,
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": true},
        })
    );
    let forum: ChannelConfig = serde_json::from_value(json!({
        "kind": "telegram", "token": "123:hushhushhush", "chat_id": "@channel", "message_thread_id": 9,
    }))
    .unwrap();
    assert_eq!(forum.check(), Ok(()));
    let reply = Sending { reply_to: Some("55"), ..SENDING };
    let Outgoing::Http(sent) = forum.render(&resolved(), reply) else { panic!() };
    let json: Value = serde_json::from_str(sent.body.expose()).unwrap();
    assert_eq!(json["message_thread_id"], 9);
    let expected = json!({"message_id": 55, "allow_sending_without_reply": true});
    assert_eq!(json["reply_parameters"], expected);
}

#[test]
fn ntfy() {
    let sent = request(&channel("ntfy"), &opening());
    assert_eq!(sent.url.expose(), "https://ntfy.sh/");
    assert_eq!(sent.header("authorization"), Some("Bearer tk_hush"));
    let lines: Vec<String> =
        FACTS.iter().map(|(label, value)| format!("{label}: {value}")).collect();
    assert_eq!(
        body(&channel("ntfy"), &opening()),
        json!({
            "topic": "ops",
            "title": "Down: checkout",
            "message": lines.join("\n"),
            "priority": 5,
            "tags": ["rotating_light"],
            "markdown": false,
            "sequence_id": "shop-down-3",
            "click": PAGE,
            "actions": [
                {"action": "view", "label": "Open", "url": PAGE},
                {"action": "view", "label": "Acknowledge", "url": ACKNOWLEDGE},
            ],
        })
    );
    assert_eq!(body(&channel("ntfy"), &resolved())["priority"], 3);
    let basic: ChannelConfig = serde_json::from_value(json!({
        "kind": "ntfy", "server": "https://n.example.com/sub/", "topic": "t", "user": "u", "password": "p",
    }))
    .unwrap();
    let sent = request(&basic, &opening());
    assert_eq!(sent.url.expose(), "https://n.example.com/sub/");
    assert_eq!(sent.header("authorization"), Some("Basic dTpw"));
}

#[test]
fn pagerduty() {
    let config = channel("pagerduty");
    assert_eq!(
        request(&config, &opening()).url.expose(),
        "https://events.pagerduty.com/v2/enqueue"
    );
    let details: serde_json::Map<String, Value> =
        FACTS.iter().map(|(label, value)| ((*label).to_owned(), json!(value))).collect();
    assert_eq!(
        body(&config, &opening()),
        json!({
            "routing_key": "hush".repeat(8),
            "event_action": "trigger",
            "dedup_key": "shop-down-3",
            "payload": {
                "summary": "Down: checkout",
                "source": "stats.example.com",
                "severity": "critical",
                "timestamp": "2026-11-26T19:05:00Z",
                "custom_details": details,
            },
            "links": [{"href": PAGE, "text": "Open"}, {"href": ACKNOWLEDGE, "text": "Acknowledge"}],
            "client": "API Analytics",
        })
    );
    let over = body(&config, &resolved());
    assert_eq!(
        (&over["event_action"], &over["dedup_key"]),
        (&json!("resolve"), &json!("shop-down-3"))
    );
    let eu: ChannelConfig = serde_json::from_value(json!({
        "kind": "pagerduty", "routing_key": "hush".repeat(8), "eu": true,
    }))
    .unwrap();
    assert_eq!(request(&eu, &opening()).url.expose(), "https://events.eu.pagerduty.com/v2/enqueue");
}

#[test]
fn teams() {
    let config = channel("teams");
    assert_eq!(request(&config, &opening()).url.expose(), "https://x.logic.azure.com/w?sig=hush");
    let json = body(&config, &opening());
    assert_eq!(json["type"], "message");
    let attachment = &json["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    let card = &attachment["content"];
    assert_eq!((&card["type"], &card["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
    let lines = card["body"].as_array().unwrap();
    assert_eq!(lines.len(), 1 + FACTS.len());
    assert_eq!(
        lines[0]["inlines"],
        json!([{
            "type": "TextRun", "text": "Down: checkout",
            "weight": "bolder", "size": "large", "color": "attention",
        }])
    );
    assert_eq!(
        lines[2]["inlines"],
        json!([
            {"type": "TextRun", "text": "Cause: ", "isSubtle": true},
            {"type": "TextRun", "text": "connection refused"},
        ])
    );
    assert_eq!(
        card["actions"],
        json!([
            {"type": "Action.OpenUrl", "title": "Open", "url": PAGE},
            {"type": "Action.OpenUrl", "title": "Acknowledge", "url": ACKNOWLEDGE},
        ])
    );
}

#[test]
fn gotify() {
    let sent = request(&channel("gotify"), &opening());
    assert_eq!(sent.url.expose(), "https://push.example.com/message");
    assert_eq!(sent.header("x-gotify-key"), Some("hushhush"));
    let json = body(&channel("gotify"), &opening());
    assert_eq!((&json["title"], &json["priority"]), (&json!("Down: checkout"), &json!(8)));
    let message = json["message"].as_str().unwrap();
    assert!(message.starts_with("Project: shop\nCause: connection refused\n"), "{message}");
    assert!(message.ends_with(&format!("\nOpen: {PAGE}\nAcknowledge: {ACKNOWLEDGE}")));
    assert_eq!(
        json["extras"],
        json!({
            "client::display": {"contentType": "text/plain"},
            "client::notification": {"click": {"url": PAGE}},
        })
    );
}

#[test]
fn pushover() {
    let sent = request(&channel("pushover"), &opening());
    assert_eq!(sent.url.expose(), "https://api.pushover.net/1/messages.json");
    assert_eq!(sent.header("content-type"), Some("application/x-www-form-urlencoded"));
    let lines: Vec<String> =
        FACTS.iter().map(|(label, value)| format!("{label}: {value}")).collect();
    let key = "hush".repeat(8);
    let expected = [
        ("token", &key[..30]),
        ("user", &key[2..]),
        ("title", "Down: checkout"),
        ("message", &lines.join("\n")),
        ("priority", "1"),
        ("timestamp", "1795719900"),
        ("url", PAGE),
        ("url_title", "Open"),
    ];
    let expected: Vec<(String, String)> =
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(form(&opening()), expected);
    let emergency: ChannelConfig = serde_json::from_value(json!({
        "kind": "pushover", "token": &key[..30], "user": &key[2..], "emergency": true,
    }))
    .unwrap();
    let text = request(&emergency, &opening()).body.expose().to_owned();
    assert!(text.contains("&priority=2&") && text.contains("&retry=60&expire=3600"));
    let over = request(&emergency, &resolved()).body.expose().to_owned();
    assert!(over.contains("&priority=0&") && !over.contains("retry="));
}

#[test]
fn matrix() {
    let config = channel("matrix");
    let sent = request(&config, &opening());
    assert_eq!(sent.method, Method::Put);
    assert_eq!(
        sent.url.expose(),
        "https://matrix.org/_matrix/client/v3/rooms/%21abc%3Amatrix.org/send/m.room.message/n-17"
    );
    assert_eq!(sent.header("authorization"), Some("Bearer hushhush"));
    let json = body(&config, &opening());
    assert_eq!(
        (&json["msgtype"], &json["format"]),
        (&json!("m.text"), &json!("org.matrix.custom.html"))
    );
    assert_eq!(json["m.mentions"], json!({}));
    let plain = json["body"].as_str().unwrap();
    assert!(plain.starts_with("Down: checkout\nProject: shop\nCause: connection refused\n"));
    let html = json["formatted_body"].as_str().unwrap();
    assert!(html.starts_with("<strong>Down: checkout</strong><br>Project: <code>shop</code><br>"));
    assert!(html.ends_with(&format!("<br><a href=\"{ACKNOWLEDGE}\">Acknowledge</a>")));
    let reply = Sending { reply_to: Some("$first"), ..SENDING };
    let Outgoing::Http(sent) = config.render(&resolved(), reply) else { panic!() };
    let json: Value = serde_json::from_str(sent.body.expose()).unwrap();
    assert_eq!(json["m.relates_to"], json!({"m.in_reply_to": {"event_id": "$first"}}));
}

#[test]
fn email() {
    let first = mail(&opening());
    assert_eq!(first.to, ["ops@example.com"]);
    assert_eq!(first.subject, "[shop] Down: checkout");
    let auto = ("Auto-Submitted", "auto-generated".to_owned());
    let thread = "<shop-down-3@stats.example.com>".to_owned();
    assert_eq!(first.headers, [auto.clone(), ("Message-ID", thread.clone())]);
    let later = mail(&resolved());
    assert_eq!(
        later.headers,
        [
            auto,
            ("Message-ID", "<n-18@stats.example.com>".to_owned()),
            ("In-Reply-To", thread.clone()),
            ("References", thread.clone()),
        ]
    );
    let combined = mail(&Notice { combined: true, ..resolved() });
    assert_eq!(combined.headers[1..], [("Message-ID", thread)]);
    assert!(first.text.starts_with("Down: checkout\n\nProject: shop\nCause: connection refused\n"));
    assert!(first.text.ends_with(&format!("\n\nOpen: {PAGE}\nAcknowledge: {ACKNOWLEDGE}\n")));
    assert!(
        first.html.contains("<tr><th align=\"left\">Cause</th><td>connection refused</td></tr>")
    );
    assert!(first.html.contains(&format!("<a href=\"{PAGE}\">Open</a>")));
}
