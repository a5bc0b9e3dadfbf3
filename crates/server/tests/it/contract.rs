//! The golden batches of `contract/batches/` through the whole system: posted over HTTP, stored, read back. The
//! decoder's own tests run the same files; this shows that nothing is lost or altered between its answer and ours.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Map, Value, json};
use store::meta::{Key, NewProject};

use crate::app::{TestApp, root};

/// The key in the captured batches.
const KEY: &str = "3f0c1c4e-2b1a-4f0e-9a52-5d1c7b2f9e11";

#[tokio::test(flavor = "multi_thread")]
async fn golden_batches_are_kept_and_come_back() {
    let mut count = 0;
    let mut files: Vec<_> = std::fs::read_dir(root().join("contract/batches"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        run(&name, &case).await;
        count += 1;
    }
    assert!(count > 50, "{count} files");
}

async fn run(name: &str, case: &Value) {
    let settings = match &case["project"]["max_age_days"] {
        Value::Number(days) => vec![("max_age", format!("{days}d"))],
        Value::Null if case["project"].get("max_age_days").is_some() => {
            vec![("max_age", "off".to_owned())]
        }
        _ => vec![],
    };
    let settings: Vec<(&str, &str)> =
        settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let app = TestApp::with(&settings).await;
    let new = NewProject {
        privacy_level: case["project"]["privacy_level"].as_u64().unwrap_or(0) as u8,
        keep_hits_days: case["project"]["keep_days"].as_u64().map(|days| days as u32),
        ..NewProject::default()
    };
    let project = app.project_with(new, Key::parse(KEY)).await;
    let mut kept: Vec<Value> = Vec::new();
    let mut most: BTreeMap<String, usize> = BTreeMap::new();
    for (number, post) in case["posts"].as_array().unwrap().iter().enumerate() {
        let at = format!("{name}, post {number}");
        let arrival: jiff::Timestamp = post["arrival"].as_str().unwrap().parse().unwrap();
        app.set_time(arrival.as_microsecond());
        let body = to_body(&post["request"]);
        let key_in_body = analytics::ingest::decode(&body).ok().and_then(|posted| posted.api_key);
        let mut headers = vec![("content-type", "application/json")];
        if key_in_body.is_none() {
            headers.push(("x-auth-token", KEY));
        }
        let answer = app.send(Method::POST, "/api/log-request", &headers, body).await;
        if key_in_body.is_some_and(|key| Key::parse(&key) != Key::parse(KEY)) {
            assert_eq!(answer.code(), "unknown_key", "{at}");
            continue;
        }
        let expect = &post["expect"];
        assert_eq!(answer.status.as_u16(), expect["status"], "{at}: {}", answer.text());
        if let Some(code) = expect["code"].as_str() {
            assert_eq!(answer.code(), code, "{at}");
            continue;
        }
        let said = answer.json();
        assert_eq!(said["accepted"], expect["accepted"], "{at}: {said}");
        assert_eq!(said["rejected"], expect["rejected"], "{at}");
        if let Some(repeated) = expect.get("repeated") {
            assert_eq!(said["repeated"], *repeated, "{at}");
        }
        let times = post["request"]["times"].as_u64().unwrap_or(1);
        keep(expect, times, &posted_hits(post), &mut kept, &mut most);
    }
    app.settle().await;
    let lines = app.get_as(&project.key, "/api/v1/hits?format=ndjson").await.text();
    let mut found: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    found.sort_by_key(|hit| hit["hit_id"].as_str().unwrap().parse::<i64>().unwrap());
    let found: Vec<Value> = found.iter().map(to_golden).collect();
    assert_eq!(found.len(), kept.len(), "{name}");
    for (index, (found, kept)) in found.iter().zip(&kept).enumerate() {
        assert_eq!(found, kept, "{name}, hit {index}");
    }
}

fn to_body(request: &Value) -> Vec<u8> {
    if let Some(text) = request["body_text"].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(text) = request["body_base64"].as_str() {
        return from_base64(text);
    }
    let mut body = request["body"].clone();
    if let Some(times) = request["times"].as_u64() {
        let hits = body["requests"].as_array().unwrap().clone();
        body["requests"] = (0..times).flat_map(|_| hits.clone()).collect();
    }
    body.to_string().into_bytes()
}

/// Adds the hits that a post's expectation says are kept. If a client posts its hits again, a hit counts as often as it
/// is in the batch that has it most often.
fn keep(
    expect: &Value,
    times: u64,
    posted: &[String],
    kept: &mut Vec<Value>,
    most: &mut BTreeMap<String, usize>,
) {
    let mut here: BTreeMap<String, usize> = BTreeMap::new();
    let hits = expect["hits"].as_array().into_iter().flatten();
    for (index, hit) in hits.flat_map(|hit| (0..times).map(move |_| hit)).enumerate() {
        let mut fields: Map<String, Value> =
            expect["each"].as_object().cloned().unwrap_or_default();
        fields.extend(hit.as_object().unwrap().clone());
        // Fields that our API does not show.
        fields.remove("sdk");
        let time: jiff::Timestamp = fields["time"].as_str().unwrap().parse().unwrap();
        fields.insert("time".to_owned(), json!(time.to_string()));
        let hit = Value::Object(fields);
        if expect.get("repeated").is_none() {
            kept.push(hit);
            continue;
        }
        // It is identified by the posted text: a shifted clock gives the same hit another time.
        let name = posted.get(index).cloned().unwrap_or_else(|| hit.to_string());
        let times = here.entry(name.clone()).or_default();
        *times += 1;
        let before = most.entry(name).or_default();
        if *times > *before {
            kept.push(hit);
            *before = *times;
        }
    }
}

/// The accepted hits of a post, as text.
fn posted_hits(post: &Value) -> Vec<String> {
    let is_rejected = |index: usize| {
        post["expect"]["rejected"].as_array().into_iter().flatten().any(|one| one["index"] == index)
    };
    let hits = post["request"]["body"]["requests"].as_array().into_iter().flatten();
    let framework = &post["request"]["body"]["framework"];
    let kept = hits.enumerate().filter(|(index, _)| !is_rejected(*index));
    // A hit without a time is like no other: its time is the arrival of its batch.
    kept.map(|(_, hit)| match hit["created_at"].is_null() {
        true => format!("{framework} {hit} {}", post["arrival"]),
        false => format!("{framework} {hit}"),
    })
    .collect()
}

/// A hit of our API in the format of the contract.
fn to_golden(hit: &Value) -> Value {
    let mut fields = Map::new();
    for (name, value) in hit.as_object().unwrap() {
        let (name, value) = match name.as_str() {
            "hit_id" => continue,
            "user_id" => ("user", value.clone()),
            "user_agent" => ("agent", value.clone()),
            "duration_ms" => (
                "duration_us",
                value.as_f64().map_or(Value::Null, |ms| json!((ms * 1_000.0).round() as u64)),
            ),
            name => (name, value.clone()),
        };
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    }
    Value::Object(fields)
}

fn from_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for character in text.bytes().filter(|character| *character != b'=') {
        bits = bits << 6 | DIGITS.iter().position(|digit| *digit == character).unwrap() as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}
