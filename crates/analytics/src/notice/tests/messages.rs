//! The words of a notice, before any channel escapes them.

use super::*;

#[test]
fn a_message_says_what_and_since_when() {
    let check = |notice: Notice, title: &str| {
        let message = message::Message::of(&notice);
        assert_eq!(message.title, title);
        message
    };
    let message = check(opening(), "Down: checkout");
    let facts: Vec<(&str, &str)> =
        message.facts.iter().map(|fact| (fact.label, fact.value.as_str())).collect();
    assert_eq!(facts, FACTS);
    assert_eq!(message.links.len(), 2);
    check(Notice { unconfirmed: true, ..opening() }, "Check fails, requests succeed: checkout");
    check(Notice { stage: Stage::Update, ..opening() }, "Update: Down: checkout");
    let over = check(resolved(), "Up again: checkout");
    assert_eq!(over.links.len(), 1, "nothing is left to acknowledge");
    let value = |label: &str| {
        over.facts.iter().find(|fact| fact.label == label).map(|fact| fact.value.as_str())
    };
    assert_eq!(value("Lasted"), Some("5 min"));
    assert_eq!(value("Over since"), Some("2026-11-26 19:08 UTC"));
    let combined = Notice { combined: true, ..resolved() };
    check(combined, "Up again: checkout (lasted 5 min)");
    let titles = [
        (Topic::Flapping, "Flapping: checkout", "No longer flapping: checkout"),
        (Topic::Certificate, "Certificate ends soon: checkout", "Certificate renewed: checkout"),
        (Topic::Rule, "Alert: checkout", "Resolved: checkout"),
        (
            Topic::RulesUnjudged,
            "Rules cannot be judged: checkout",
            "Rules are judged again: checkout",
        ),
        (
            Topic::ChannelFailing,
            "Notices are not delivered: checkout",
            "Notices are delivered again: checkout",
        ),
    ];
    for (topic, open, over) in titles {
        check(Notice { topic, ..opening() }, open);
        check(Notice { topic, ..resolved() }, over);
    }
    let test = check(Notice::test("t", "shop", "Ops chat", AT_MS), "Test notice for Ops chat");
    assert_eq!(test.facts.len(), 2);
}

#[test]
fn a_digest_lists_twenty_and_counts_the_rest() {
    let item = |n: i64| Item {
        stage: if n % 2 == 0 { Stage::Opening } else { Stage::Resolved },
        topic: Topic::Down,
        subject: format!("m{n}"),
        since_ms: AT_MS,
        until_ms: (n % 2 == 1).then_some(AT_MS + n * MINUTE_MS),
    };
    let items = (0..23).map(item).collect();
    let digest = Notice { stage: Stage::Digest, items, ..opening() };
    let message = message::Message::of(&digest);
    assert_eq!(message.title, "23 notices, 12 of them new: shop");
    let listed = &message.facts.last().unwrap().value;
    assert!(listed.starts_with(
        "Down: m0 (since 2026-11-26 19:05 UTC); Up again: m1 (lasted 1 min); Down: m2"
    ));
    assert!(listed.ends_with("; Up again: m19 (lasted 19 min); 3 more"), "{listed}");
}

#[test]
fn durations_have_two_units() {
    let check = |seconds: i64, expected: &str| {
        assert_eq!(message::duration(seconds * 1_000), expected);
    };
    check(0, "0 s");
    check(59, "59 s");
    check(60, "1 min");
    check(125, "2 min 5 s");
    check(3_600, "1 h");
    check(7_500, "2 h 5 min");
    check(86_400, "1 d");
    check(90_000, "1 d 1 h");
    check(-5, "0 s");
}
