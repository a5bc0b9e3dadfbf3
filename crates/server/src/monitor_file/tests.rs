//! Files with and without mistakes.

use super::*;

const GOOD: &str = r#"
[[monitors]]
id = "shop"
project = 1
part_of = "host"
kind = "http"
url = "https://shop.example.com/health"
headers = { authorization = "Bearer needle" }

[[monitors]]
id = "host"
project = 1
kind = "tcp"
target = "shop.example.com:443"
name = "The host"
"#;

fn parsed(text: &str) -> Result<Vec<Entry>, MonitorFileError> {
    parse(text, "monitors.toml".to_owned(), &[])
}

#[test]
fn parents_come_first_and_defaults_are_filled_in() {
    let entries = parsed(GOOD).unwrap();
    let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["host", "shop"]);
    let names: Vec<_> = entries.iter().map(|entry| entry.settings.name.as_deref()).collect();
    assert_eq!(names, [Some("The host"), Some("shop")]);
    assert_eq!(entries[1].settings.interval_s, Some(60));
    assert_eq!(entries[1].part_of.as_deref(), Some("host"));
    assert!(parsed("").unwrap().is_empty());
}

#[test]
fn a_mistake_is_named_with_its_place_and_without_a_secret() {
    let broken = GOOD.replace("\"Bearer needle\" }", "\"Bearer needle\"");
    for (text, words) in [
        (broken, "monitors.toml, line 10"),
        (
            GOOD.replace("kind = \"tcp\"", "kind = \"icmp\""),
            "monitor \"host\": `kind` cannot be read",
        ),
        (GOOD.replace("id = \"host\"", "id = \"shop\""), "two monitors have the `id` \"shop\""),
        (GOOD.replace("id = \"host\"\n", ""), "monitor 2 has no `id`"),
        (
            GOOD.replace("project = 1\nkind = \"tcp\"", "kind = \"tcp\""),
            "monitor \"host\": `project` is missing",
        ),
        (
            GOOD.replace("part_of = \"host\"", "part_of = \"moon\""),
            "monitor \"shop\": `part_of` names \"moon\"",
        ),
        (GOOD.replace("kind = \"tcp\"", "kind = \"tcp\"\npart_of = \"shop\""), "a part of itself"),
        (
            GOOD.replace("shop.example.com:443", "127.0.0.1:443"),
            "monitor \"host\": `target` is a loopback address",
        ),
        (GOOD.replace("[[monitors]]", "[[monitor]]"), "monitors.toml, line 2: unknown field"),
        (
            GOOD.replace("target =", "interval_s = \"often\"\ntarget ="),
            "`interval_s` cannot be read",
        ),
    ] {
        let problem = parsed(&text).unwrap_err().to_string();
        assert!(problem.contains(words), "{words}: {problem}");
        assert!(!problem.contains("needle"), "{problem}");
    }
}
