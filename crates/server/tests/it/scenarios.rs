//! Runs `scenarios/*.json`: hits in, requests, expected JSON. `scenarios/README.md` describes the files.

use axum::http::Method;
use serde_json::{Map, Value, json};
use store::meta::NewProject;

use crate::app::{Answer, TestApp, TestProject, root};
use crate::clickhouse;

#[tokio::test(flavor = "multi_thread")]
async fn scenarios_hold() {
    all(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenarios_hold_with_hits_in_clickhouse() {
    all(true).await;
}

async fn all(in_clickhouse: bool) {
    let mut files: Vec<_> = std::fs::read_dir(root().join("scenarios"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    files.sort();
    assert!(files.len() > 5);
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let scenario: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        run(&name, &scenario, in_clickhouse).await;
    }
}

async fn run(name: &str, scenario: &Value, in_clickhouse: bool) {
    let settings: Vec<(String, String)> = scenario["settings"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    let mut settings: Vec<(&str, &str)> =
        settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let database = in_clickhouse.then(clickhouse::new_database);
    settings.extend(database.iter().map(|database| ("hits", database.as_str())));
    let app = TestApp::with(&settings).await;
    let new = NewProject {
        privacy_level: scenario["project"]["privacy_level"].as_u64().unwrap_or(0) as u8,
        keep_hits_days: scenario["project"]["keep_hits_days"].as_u64().map(|days| days as u32),
        ..NewProject::default()
    };
    let project = app.project_with(new, None).await;
    for (number, step) in scenario["steps"].as_array().unwrap().iter().enumerate() {
        let at = format!("{name}, step {number}");
        if let Some(time) = step["at"].as_str() {
            app.set_time(time.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        }
        for _ in 0..step["times"].as_u64().unwrap_or(1) {
            let answer = call(&app, &project, step).await;
            expect(&at, &step["expect"], &answer);
        }
    }
}

async fn call(app: &TestApp, project: &TestProject, step: &Value) -> Answer {
    let fill = |text: &str| {
        let filled =
            text.replace("{key}", &project.key).replace("{dashboard_id}", &project.dashboard_id);
        // So that an address is readable in its file.
        filled
            .replace('{', "%7B")
            .replace('}', "%7D")
            .replace('>', "%3E")
            .replace('"', "%22")
            .replace('\'', "%27")
            .replace(' ', "%20")
    };
    if let Some(path) = step["get"].as_str() {
        return app.get_as(&project.key, &fill(path)).await;
    }
    if let Some(path) = step["delete"].as_str() {
        return app.delete_as(&project.key, &fill(path)).await;
    }
    let mut body = expand(&step["post"]);
    body["api_key"] = json!(project.key);
    let answer = app
        .send(
            Method::POST,
            "/api/log-request",
            &[("content-type", "application/json")],
            body.to_string().into_bytes(),
        )
        .await;
    app.settle().await;
    answer
}

/// `{"$repeat": n, "hit": {...}}` stands for n hits; `$n` in a text for the number of each, from 0.
fn expand(body: &Value) -> Value {
    let mut body = body.clone();
    let Some(times) = body["requests"]["$repeat"].as_u64() else { return body };
    let template = body["requests"]["hit"].to_string();
    body["requests"] = (0..times)
        .map(|n| serde_json::from_str::<Value>(&template.replace("$n", &n.to_string())).unwrap())
        .collect();
    body
}

#[track_caller]
fn expect(at: &str, expect: &Value, answer: &Answer) {
    assert_eq!(
        answer.status.as_u16(),
        expect["status"].as_u64().unwrap_or(200) as u16,
        "{at}: {}",
        answer.text()
    );
    if let Some(count) = expect["count"].as_u64() {
        let found = answer.json();
        let rows = found
            .as_array()
            .or_else(|| found["hits"].as_array())
            .or_else(|| found["requests"].as_array());
        assert_eq!(rows.unwrap().len() as u64, count, "{at}");
    }
    if let Some(json) = expect.get("json") {
        let found = answer.json();
        assert!(fits(json, &found), "{at}: expected {json:#}\nfound {found:#}");
    }
}

/// Equal, except that an object may have more fields than expected, and `"$any"` matches anything.
fn fits(expect: &Value, found: &Value) -> bool {
    match (expect, found) {
        (Value::String(any), _) if any == "$any" => true,
        (Value::Object(expect), Value::Object(found)) => {
            let fits = |(name, value): (&String, &Value)| {
                found.get(name).is_some_and(|found| fits(value, found))
            };
            Map::iter(expect).all(fits)
        }
        (Value::Array(expect), Value::Array(found)) => {
            expect.len() == found.len()
                && expect.iter().zip(found).all(|(expect, found)| fits(expect, found))
        }
        // 3 and 3.0 are one number.
        (Value::Number(expect), Value::Number(found)) => expect.as_f64() == found.as_f64(),
        _ => expect == found,
    }
}
