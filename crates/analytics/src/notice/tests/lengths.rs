//! Each service's limits, at the edge and with as much as a notice can hold.

use super::text::LengthUnit;
use super::*;

/// Texts that grow most when escaped or counted: HTML, Markdown, JSON, UTF-8, UTF-16.
const FILLERS: [&str; 6] = ["x", "&", "_", "\"", "中", "😀"];

fn full(filler: &str) -> Notice {
    let name = filler.repeat(300);
    let count = Count { name: name.clone(), requests: u64::MAX };
    let item = Item {
        stage: Stage::Opening,
        topic: Topic::Certificate,
        subject: name.clone(),
        since_ms: AT_MS,
        until_ms: None,
    };
    Notice {
        project: name.clone(),
        subject: name.clone(),
        cause: Some(name.clone()),
        phases: vec![Phase { name: name.clone(), duration_ms: u64::MAX }; 30],
        hit: Some(Hit {
            requests: u64::MAX,
            endpoints: vec![count.clone(); 40],
            endpoints_total: 1_000,
            consumers: vec![count; 40],
            consumers_total: u64::MAX,
        }),
        until_ms: Some(AT_MS + MINUTE_MS),
        items: vec![item; 60],
        ..opening()
    }
}

fn all() -> impl Iterator<Item = Notice> {
    let stages = [Stage::Opening, Stage::Update, Stage::Resolved, Stage::Digest, Stage::Test];
    FILLERS.into_iter().flat_map(move |filler| {
        stages.map(|stage| Notice { stage, combined: stage == Stage::Resolved, ..full(filler) })
    })
}

fn characters(value: &Value) -> usize {
    value.as_str().unwrap().chars().count()
}

/// An opening with a title of this many characters.
fn titled(characters: usize, filler: &str) -> Notice {
    let subject = filler.repeat(characters - "Down: ".len());
    Notice { subject, ..opening() }
}

#[test]
fn slack_keeps_150_in_the_header_and_2000_in_a_field() {
    for notice in all() {
        let json = body(&channel("slack"), &notice);
        let blocks = json["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50 && characters(&json["blocks"][0]["text"]["text"]) <= 150);
        let fields = json["blocks"][1]["fields"].as_array().unwrap();
        assert!((1..=10).contains(&fields.len()));
        let lengths: Vec<usize> = fields.iter().map(|field| characters(&field["text"])).collect();
        assert!(lengths.iter().all(|length| (1..=2_000).contains(length)));
        assert!(lengths.iter().sum::<usize>() <= 12_500);
    }
    let header =
        |length| body(&channel("slack"), &titled(length, "x"))["blocks"][0]["text"]["text"].clone();
    assert_eq!(characters(&header(150)), 150);
    assert!(header(150).as_str().unwrap().ends_with('x'));
    assert_eq!(characters(&header(151)), 150);
    assert!(header(151).as_str().unwrap().ends_with("x…"));
    // `&amp;` counts as five.
    let escaped = body(&channel("slack"), &titled(40, "&"));
    assert!(escaped["blocks"][0]["text"]["text"].as_str().unwrap().ends_with("&amp;…"));
}

#[test]
fn discord_keeps_256_1024_25_fields_and_6000_in_all() {
    for notice in all() {
        let json = body(&channel("discord"), &notice);
        assert!(characters(&json["content"]) <= 2_000);
        let embed = &json["embeds"][0];
        let mut sum = characters(&embed["title"]);
        assert!(sum <= 256);
        let fields = embed["fields"].as_array().unwrap();
        assert!(fields.len() <= 25);
        for field in fields {
            let (name, value) = (characters(&field["name"]), characters(&field["value"]));
            assert!((1..=256).contains(&name) && (1..=1_024).contains(&value));
            sum += name + value;
        }
        assert!(sum <= 6_000, "{sum}");
    }
    // "Down\: " has 7 characters, and escaping doubles each `_`.
    let title =
        |count: usize| body(&channel("discord"), &titled(6 + count, "_"))["content"].clone();
    assert_eq!((characters(&title(124)), title(124).as_str().unwrap().ends_with('_')), (255, true));
    assert_eq!((characters(&title(125)), title(125).as_str().unwrap().ends_with('…')), (256, true));
}

#[test]
fn telegram_keeps_4096_units_after_its_entities() {
    let mut longest = 0;
    for notice in all() {
        let json = body(&channel("telegram"), &notice);
        let mut visible = String::new();
        let mut rest = json["text"].as_str().unwrap();
        while let Some((before, after)) = rest.split_once('<') {
            visible.push_str(before);
            rest = after.split_once('>').unwrap().1;
        }
        visible.push_str(rest);
        let entities =
            [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
        for (entity, character) in entities {
            visible = visible.replace(entity, character);
        }
        let length = LengthUnit::Utf16.length(&visible);
        assert!((1..=4_096).contains(&length), "{length}");
        longest = longest.max(length);
        assert!(
            notice.stage == Stage::Test
                || visible.ends_with(
                    if notice.stage == Stage::Opening || notice.stage == Stage::Update {
                        "\nOpen\nAcknowledge"
                    } else {
                        "\nOpen"
                    }
                )
        );
    }
    assert!(longest > 4_090, "{longest}: the limit is used");
}

#[test]
fn ntfy_keeps_4096_bytes() {
    let mut longest = 0;
    for notice in all() {
        let json = body(&channel("ntfy"), &notice);
        let length = json["message"].as_str().unwrap().len();
        assert!((1..=4_096).contains(&length) && json["title"].as_str().unwrap().len() <= 250);
        assert!(json["actions"].as_array().unwrap().len() <= 3);
        longest = longest.max(length);
    }
    assert!(longest > 3_072, "{longest}: the limit is used");
    let title = |count: usize| body(&channel("ntfy"), &titled(6 + count, "中"))["title"].clone();
    assert_eq!(title(81).as_str().unwrap().len(), 6 + 243);
    assert!(title(81).as_str().unwrap().ends_with('中'));
    assert!(title(82).as_str().unwrap().ends_with("中…"));
}

#[test]
fn pushover_keeps_1024_and_250() {
    for notice in all() {
        let fields: std::collections::BTreeMap<String, String> =
            form(&notice).into_iter().collect();
        let length = |name: &str| fields[name].chars().count();
        assert!((1..=1_024).contains(&length("message")) && length("title") <= 250);
    }
    let long = Notice {
        links: Links { page: Some(format!("https://x/{}", "y".repeat(502))), ..Links::default() },
        ..opening()
    };
    assert!(form(&long).iter().any(|(name, value)| name == "url" && value.len() == 512));
    let longer = Notice {
        links: Links { page: Some(format!("https://x/{}", "y".repeat(503))), ..Links::default() },
        ..opening()
    };
    assert!(form(&longer).iter().all(|(name, _)| name != "url"));
}

#[test]
fn bodies_keep_the_bytes_of_their_service() {
    let check = |name: &str, most: usize| {
        for notice in all() {
            let length = request(&channel(name), &notice).body.expose().len();
            assert!(length <= most, "{name}: {length}");
        }
    };
    check("teams", 28_000);
    check("matrix", 48_000);
    check("pagerduty", 512_000);
    check("gotify", 20_000);
    check("webhook", 100_000);
    // Standard Webhooks recommends 20 kB, enough for real names.
    assert!(request(&channel("webhook"), &opening()).body.expose().len() < 20_000);
}

#[test]
fn summaries_and_subjects_keep_theirs() {
    for notice in all() {
        let json = body(&channel("pagerduty"), &notice);
        assert!(characters(&json["payload"]["summary"]) <= 1_024);
        assert!(characters(&json["dedup_key"]) <= 255);
        assert!(mail(&notice).subject.chars().count() <= 200);
        assert!(characters(&body(&channel("gotify"), &notice)["message"]) <= 4_000);
    }
    let thread = Notice { thread: "t".repeat(300), ..opening() };
    assert_eq!(characters(&body(&channel("pagerduty"), &thread)["dedup_key"]), 255);
    assert_eq!(characters(&body(&channel("ntfy"), &thread)["sequence_id"]), 64);
}
