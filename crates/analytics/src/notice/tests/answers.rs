//! A table: the verdict on each response of each service.

use super::*;

const SECOND_MS: i64 = 1_000;

fn judged(name: &str, status: u16, retry_after: Option<&str>, body: &str) -> Judgement {
    channel(name).judge(Answer { status, retry_after, body, now_ms: AT_MS })
}

/// `delivered`, `again`, `again 5000`, `permanent`, `gone`, or `moved to ...`.
fn check(name: &str, status: u16, retry_after: Option<&str>, body: &str, expected: &str) {
    let found = match judged(name, status, retry_after, body) {
        Judgement::Delivered { message: None } => "delivered".to_owned(),
        Judgement::Delivered { message: Some(message) } => format!("delivered {message}"),
        Judgement::Again { after_ms: None, .. } => "again".to_owned(),
        Judgement::Again { after_ms: Some(after_ms), .. } => format!("again {after_ms}"),
        Judgement::Permanent { gone: false, .. } => "permanent".to_owned(),
        Judgement::Permanent { gone: true, .. } => "gone".to_owned(),
        Judgement::Moved { chat_id } => format!("moved to {chat_id}"),
    };
    assert_eq!(found, expected, "{name} {status} {retry_after:?} {body}");
}

#[test]
fn every_service_is_tried_again_when_it_asks_for_it_or_fails() {
    for config in channels().iter().filter(|config| config.channel().name != "email") {
        let name = config.channel().name;
        for status in [408, 429, 500, 502, 503, 504] {
            let judgement = judged(name, status, Some("7"), "");
            let expected = Some(7 * SECOND_MS);
            assert!(
                matches!(judgement, Judgement::Again { after_ms, .. } if after_ms == expected),
                "{name} {status}: {judgement:?}"
            );
        }
        for status in [301, 302, 307, 400, 413, 422] {
            let judgement = judged(name, status, None, "");
            assert!(
                matches!(judgement, Judgement::Permanent { gone: false, .. }),
                "{name} {status}: {judgement:?}"
            );
        }
    }
}

#[test]
fn a_wait_is_seconds_or_a_date_and_an_hour_at_most() {
    check("webhook", 429, None, "", "again");
    check("webhook", 429, Some("0"), "", "again 0");
    check("webhook", 429, Some(" 120 "), "", "again 120000");
    check("webhook", 503, Some("Thu, 26 Nov 2026 19:05:30 GMT"), "", "again 30000");
    check("webhook", 503, Some("Thu, 26 Nov 2026 19:04:30 GMT"), "", "again 0");
    check("webhook", 429, Some("3601"), "", "again 3600000");
    check("webhook", 429, Some("Fri, 26 Nov 2027 19:05:30 GMT"), "", "again 3600000");
    for unreadable in ["soon", "-5", "1e9", "99999999999999", ""] {
        check("webhook", 429, Some(unreadable), "", "again");
    }
}

#[test]
fn each_service_has_its_own_words() {
    check("webhook", 200, None, "", "delivered");
    check("webhook", 204, None, "", "delivered");
    check("webhook", 302, None, "", "permanent");
    check("webhook", 404, None, "", "permanent");
    check("webhook", 410, None, "", "gone");

    check("slack", 200, None, "ok", "delivered");
    check("slack", 200, None, "invalid_payload", "permanent");
    check("slack", 200, None, "<html>Sign in to the hotel's network</html>", "again");
    check("slack", 400, None, "invalid_payload", "permanent");
    check("slack", 404, None, "no_service", "gone");
    check("slack", 410, None, "channel_is_archived", "gone");
    check("slack", 429, Some("30"), "", "again 30000");

    check("discord", 200, None, r#"{"id":"99"}"#, "delivered 99");
    check("discord", 204, None, "", "delivered");
    check("discord", 429, None, r#"{"retry_after":1.5,"global":false}"#, "again 1500");
    check("discord", 429, Some("2"), "", "again 2000");
    check("discord", 404, None, r#"{"code":10015}"#, "gone");
    check("discord", 400, None, "{}", "permanent");

    check("telegram", 200, None, r#"{"ok":true,"result":{"message_id":55}}"#, "delivered 55");
    check("telegram", 200, None, "<html>", "again");
    check("telegram", 429, None, r#"{"ok":false,"parameters":{"retry_after":40}}"#, "again 40000");
    check(
        "telegram",
        400,
        None,
        r#"{"parameters":{"migrate_to_chat_id":-100123}}"#,
        "moved to -100123",
    );
    check("telegram", 400, None, r#"{"description":"chat not found"}"#, "permanent");
    check("telegram", 403, None, "{}", "gone");
    check("telegram", 401, None, "{}", "gone");

    check("ntfy", 200, None, "{}", "delivered");
    check("ntfy", 429, None, r#"{"code":42908}"#, "again");
    check("ntfy", 403, None, "", "permanent");

    check("pagerduty", 202, None, "{}", "delivered");
    check("pagerduty", 400, None, "{}", "permanent");
    check("pagerduty", 429, None, "", "again 120000");
    check("pagerduty", 500, Some("5"), "", "again 5000");

    check("teams", 202, None, "", "delivered");
    check("teams", 200, None, "1", "delivered");
    check("teams", 200, None, "Webhook message delivery failed with error: HTTP 400", "permanent");
    check(
        "teams",
        200,
        None,
        "delivery failed: Microsoft Teams endpoint returned HTTP error 429",
        "again",
    );

    check("gotify", 200, None, "{}", "delivered");
    check("gotify", 401, None, "", "gone");

    check("pushover", 200, None, r#"{"status":1}"#, "delivered");
    check("pushover", 200, None, r#"{"status":0}"#, "again");
    check("pushover", 400, None, r#"{"status":0}"#, "permanent");
    check("pushover", 429, None, "", "again 3600000");

    check("matrix", 200, None, r#"{"event_id":"$e"}"#, "delivered $e");
    check("matrix", 200, None, "<html>", "again");
    check(
        "matrix",
        429,
        None,
        r#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2500}"#,
        "again 2500",
    );
    check("matrix", 403, None, r#"{"errcode":"M_FORBIDDEN"}"#, "gone");

    check("email", 250, None, "", "delivered");
    check("email", 421, None, "", "again");
    check("email", 451, None, "greylisted", "again");
    check("email", 550, None, "no such user", "permanent");
}

#[test]
fn a_reason_is_one_short_line_of_the_answer() {
    let reason = |body: &str| match judged("webhook", 400, None, body) {
        Judgement::Permanent { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(""), "status 400");
    assert_eq!(reason("bad\r\nrequest\u{1b}[31m"), "status 400: bad request [31m");
    assert_eq!(reason(&"x".repeat(9_999)).chars().count(), 200);
}
