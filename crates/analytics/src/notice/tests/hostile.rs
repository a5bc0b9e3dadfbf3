//! Names chosen by strangers, on every channel: no mention, no markup, no added header, line or field.

use super::*;

const HOSTILE: &[&str] = &[
    "@everyone",
    "@here",
    "@channel",
    "<!channel>",
    "<!here|here>",
    "<!subteam^S1|ops>",
    "<@U024BE7LH>",
    "<@123456789012345678>",
    "<@&123456789012345678>",
    "<#C024BE7LR>",
    "<https://evil.example|Click>",
    "[Click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<a href=\"https://evil.example\">x</a>",
    "</code></pre><b>x</b>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href=\"https://matrix.to/#/@a:b\">@a:b</a>",
    "@room",
    "<at>Ann</at>",
    "&lt;b&gt;&amp;",
    "\" onmouseover=\"alert(1)",
    "' or '1'='1",
    "*bold* _it_ ~strike~ `code` ```block```",
    "**bold** __u__ ||spoiler||",
    "# heading\n- list\n> quote",
    "line\r\nBcc: evil@example.com",
    "a\r\n\r\n<html>",
    "x\u{0}y\u{7}z\u{1b}[31m",
    "\u{202e}gnp.exe\u{202c}",
    "zero\u{200b}width\u{feff}",
    "\u{2028}line\u{2029}paragraph",
    "/start /stop@bot #tag $TSLA",
    "{{7*7}} ${jndi:ldap://evil.example/a} %s%n",
    "\\@everyone \\<@1>",
    "<t:0:R> :smile: <:x:1>",
    "tel:+1234 mailto:a@b.c javascript:alert(1)",
    "../../etc/passwd?x=1#y",
    "&token=stolen&priority=2&retry=30",
    "\u{1f600}\u{200d}\u{e0041}\u{e007f}",
    "",
    "   ",
];

/// Everything that a stranger or an owner may name.
fn notice_of(text: &str) -> Notice {
    let count = Count { name: text.to_owned(), requests: 1 };
    let mut notice = opening();
    notice.project = text.to_owned();
    notice.subject = text.to_owned();
    notice.cause = Some(text.to_owned());
    notice.phases[0].name = text.to_owned();
    notice.hit = Some(Hit {
        requests: 1,
        endpoints: vec![count.clone(), count.clone()],
        endpoints_total: 2,
        consumers: vec![count],
        consumers_total: 1,
    });
    notice.items = vec![Item {
        stage: Stage::Opening,
        topic: Topic::Down,
        subject: text.to_owned(),
        since_ms: AT_MS,
        until_ms: None,
    }];
    notice
}

/// The text outside `<code>`. Every tag must be one of `allowed`, and closed.
fn outside_of_code(html: &str, allowed: &[&str]) -> String {
    let (mut rest, mut outside, mut open) = (html, String::new(), Vec::<&str>::new());
    while let Some((before, after)) = rest.split_once('<') {
        let (tag, after) = after.split_once('>').expect("a tag ends");
        if open.last() != Some(&"code") {
            outside.push_str(before);
        }
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        assert!(allowed.contains(&name), "<{tag}> in {html}");
        match tag.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{html}"),
            None if ["br", "!doctype"].contains(&name) => {}
            None => open.push(name),
        }
        rest = after;
    }
    assert!(open.is_empty() && !rest.contains('>'), "{html}");
    outside + rest
}

#[test]
fn there_are_enough_of_them() {
    assert!(HOSTILE.len() >= 40);
}

#[test]
fn no_name_changes_where_a_request_goes_or_which_fields_it_has() {
    for text in HOSTILE {
        for config in channels() {
            if config.channel().name == "email" {
                continue;
            }
            let (plain, hostile) =
                (request(&config, &notice_of("x")), request(&config, &notice_of(text)));
            assert_eq!((plain.method, &plain.url), (hostile.method, &hostile.url));
            let names = |request: &OutgoingRequest| -> Vec<&'static str> {
                request.headers.iter().map(|(name, _)| *name).collect()
            };
            assert_eq!(names(&plain), names(&hostile));
            for (name, value) in &hostile.headers {
                let value = value.expose();
                assert!(value.bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{name}: {value}");
            }
        }
    }
}

#[test]
fn no_text_holds_controls_or_characters_that_hide_others() {
    for text in HOSTILE {
        let mut all = Vec::new();
        for config in channels() {
            match config.channel().name {
                "email" => all.extend([mail(&notice_of(text)).subject]),
                "pushover" => {
                    all.extend(form(&notice_of(text)).into_iter().map(|(_, value)| value))
                }
                _ => texts(&body(&config, &notice_of(text)), &mut all),
            }
        }
        assert!(all.len() > 100);
        for found in all {
            let hidden = |one: char| {
                (one.is_control() && one != '\n')
                    || "\u{202e}\u{200b}\u{feff}\u{2028}\u{e0041}".contains(one)
            };
            assert!(!found.contains(hidden), "{found:?}");
        }
    }
}

#[test]
fn slack_has_no_markup_at_all() {
    for text in HOSTILE {
        let json = body(&channel("slack"), &notice_of(text));
        assert_eq!(
            (&json["parse"], &json["link_names"], &json["mrkdwn"]),
            (&json!("none"), &json!(false), &json!(false))
        );
        let mut all = Vec::new();
        texts(&json, &mut all);
        assert!(!all.contains(&"mrkdwn_text".to_owned()) && all.contains(&"plain_text".to_owned()));
        for found in all {
            assert!(!found.contains(['<', '>']), "{found}");
            let entities = ["amp;", "lt;", "gt;"];
            for after in found.split('&').skip(1) {
                assert!(entities.iter().any(|entity| after.starts_with(entity)), "{found}");
            }
        }
        let kinds: Vec<&Value> = json["blocks"][1]["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| &field["type"])
            .collect();
        assert!(kinds.iter().all(|kind| **kind == "plain_text"));
    }
}

#[test]
fn discord_escapes_all_markdown_and_allows_no_mention() {
    for text in HOSTILE {
        let json = body(&channel("discord"), &notice_of(text));
        assert_eq!(json["allowed_mentions"], json!({"parse": []}));
        let fields = json["embeds"][0]["fields"].as_array().unwrap();
        let links = ["Open", "Acknowledge"];
        let values =
            fields.iter().filter(|field| !links.contains(&field["name"].as_str().unwrap()));
        let values = values
            .map(|field| &field["value"])
            .chain([&json["content"], &json["embeds"][0]["title"]]);
        for value in values {
            let mut characters = value.as_str().unwrap().chars();
            while let Some(character) = characters.next() {
                match character {
                    '\\' => assert!(characters.next().is_some(), "{value}"),
                    _ => assert!(!"*_~`|>#[]()<@".contains(character), "{value}"),
                }
            }
        }
    }
}

#[test]
fn telegram_and_matrix_hold_foreign_text_in_code_only() {
    let labels = [
        "Project",
        "Cause",
        "First failing",
        "Last good",
        "Phases",
        "Failed requests",
        "Endpoints",
        "Consumers",
        "Notices",
        "Open",
        "Acknowledge",
    ];
    for text in HOSTILE {
        let json = body(&channel("telegram"), &notice_of(text));
        assert_eq!(json["parse_mode"], "HTML");
        let outside = outside_of_code(json["text"].as_str().unwrap(), &["code", "a"]);
        for line in outside.lines() {
            let label = line.trim().trim_end_matches(':');
            assert!(label.is_empty() || labels.contains(&label), "{line:?} of {text}");
        }
        let json = body(&channel("matrix"), &notice_of(text));
        assert_eq!(json["m.mentions"], json!({}));
        outside_of_code(json["formatted_body"].as_str().unwrap(), &["code", "a", "br", "strong"]);
        let lines = json["body"].as_str().unwrap().lines().count();
        assert_eq!(
            lines,
            body(&channel("matrix"), &notice_of("x"))["body"].as_str().unwrap().lines().count()
        );
    }
}

#[test]
fn teams_holds_foreign_text_in_runs_only_and_names_nobody() {
    for text in HOSTILE {
        let json = body(&channel("teams"), &notice_of(text));
        let card = &json["attachments"][0]["content"];
        assert!(card.get("msteams").is_none());
        for line in card["body"].as_array().unwrap() {
            assert_eq!(line["type"], "RichTextBlock");
            assert!(line["inlines"].as_array().unwrap().iter().all(|run| run["type"] == "TextRun"));
        }
    }
}

#[test]
fn plain_channels_have_the_same_lines_and_fields() {
    for text in HOSTILE {
        for (name, field) in [("ntfy", "message"), ("gotify", "message"), ("ntfy", "title")] {
            let lines = |notice: &Notice| {
                body(&channel(name), notice)[field].as_str().unwrap().lines().count()
            };
            assert_eq!(lines(&notice_of(text)), lines(&notice_of("x")), "{name} {text}");
        }
        assert_eq!(body(&channel("ntfy"), &notice_of(text))["markdown"], false);
        let keys = |notice: &Notice| -> Vec<String> {
            form(notice).into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys(&notice_of(text)), keys(&notice_of("x")));
        let details = |notice: &Notice| {
            body(&channel("pagerduty"), notice)["payload"]["custom_details"]
                .as_object()
                .unwrap()
                .len()
        };
        assert_eq!(details(&notice_of(text)), details(&notice_of("x")));
    }
}

#[test]
fn e_mail_has_one_line_a_header_and_no_foreign_tag() {
    let allowed = ["!doctype", "html", "body", "h2", "table", "tr", "th", "td", "p", "a"];
    for text in HOSTILE {
        let (plain, hostile) = (mail(&notice_of("x")), mail(&notice_of(text)));
        assert_eq!(plain.headers, hostile.headers);
        assert!(!hostile.subject.contains(['\r', '\n']));
        assert_eq!(plain.text.lines().count(), hostile.text.lines().count(), "{text}");
        let html = hostile.html.replace("<!doctype html>", "");
        outside_of_code(&html, &allowed);
        assert_eq!(plain.html.matches('<').count(), hostile.html.matches('<').count());
        assert_eq!(plain.html.matches('"').count(), hostile.html.matches('"').count());
    }
}

#[test]
fn ids_and_hosts_cannot_leave_their_place() {
    let notice =
        Notice { id: "a/../b\r\nx".to_owned(), thread: "t\r\nBcc: x".to_owned(), ..opening() };
    let url = request(&channel("matrix"), &notice).url;
    assert!(url.expose().ends_with("/send/m.room.message/a-..-b--x"));
    let webhook = request(&channel("webhook"), &notice);
    assert_eq!(webhook.header("webhook-id"), Some("a-..-b--x"));
    let sending = Sending { host: "x>\r\nBcc: y", ..SENDING };
    let Outgoing::Email(mail) = channel("email").render(&notice, sending) else { panic!() };
    assert!(mail.headers.iter().all(|(_, value)| !value.contains(['\r', '\n'])));
    assert_eq!(mail.headers[1].1, "<t--Bcc--x@x---Bcc--y>");
}

#[test]
fn secrets_show_in_no_debug_output_and_in_no_reason() {
    for config in channels().into_iter().filter(|config| config.channel().name != "email") {
        let sent = request(&config, &opening());
        let printed = format!("{config:?} {sent:?}");
        assert!(!printed.contains("hush"), "{printed}");
        let whole = format!(
            "{:?}{:?}{:?}",
            sent.url.expose(),
            sent.headers.iter().map(|(_, value)| value.expose()).collect::<Vec<&str>>(),
            sent.body.expose()
        );
        assert!(whole.contains("hush") || config.channel().name == "webhook", "the secret is used");
        // A service that repeats what it was sent.
        let secrets: Vec<String> = serde_json::to_value(&config)
            .unwrap()
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| config.channel().secrets.contains(&name.as_str()))
            .filter_map(|(_, value)| value.as_str().map(str::to_owned))
            .filter(|secret| !secret.is_empty())
            .collect();
        assert!(!secrets.is_empty());
        for secret in secrets {
            let echo = format!("no such: {secret}");
            let answer = Answer { status: 400, retry_after: None, body: &echo, now_ms: AT_MS };
            let Judgement::Permanent { reason, .. } = config.judge(answer) else {
                panic!("{config:?}")
            };
            assert!(reason.contains("no such") && !reason.contains("hush"), "{reason}");
        }
    }
}
