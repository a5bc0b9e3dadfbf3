//! The OpenAPI document is true: it has every route, every answer matches it, and the committed copy is current.
//!
//! The few rules of JSON Schema in our document are checked here in thirty lines, which saves a validator and its
//! hundred dependencies.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use server::router::{Access, routes};

use crate::app::{Answer, TestApp, hit, root};

fn document() -> Value {
    serde_json::from_str(&server::api::openapi::to_text()).unwrap()
}

#[test]
fn every_route_is_in_the_document_and_nothing_else() {
    let document = document();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .unwrap()
                .keys()
                .map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    // Pages are for people.
    let of_the_api = || routes().into_iter().filter(|route| route.access != Access::Page);
    let routed: BTreeSet<(String, String)> =
        of_the_api().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(described, routed);
    for route in of_the_api() {
        let operation = &document["paths"][route.path][route.method.to_lowercase()];
        let secured = operation["security"].is_array();
        assert_eq!(
            secured,
            matches!(
                route.access,
                Access::Owner
                    | Access::Manager
                    | Access::Holder
                    | Access::Viewer
                    | Access::Ingest
                    | Access::AnyKey
            ),
            "{} {}",
            route.method,
            route.path
        );
        for parameter in route.path.split('/').filter_map(|part| part.strip_prefix('{')) {
            let name = parameter.trim_end_matches('}');
            let parameters = operation["parameters"].as_array().unwrap();
            assert!(
                parameters.iter().any(|one| one["name"] == name && one["in"] == "path"),
                "{} {name}",
                route.path
            );
        }
    }
}

#[test]
fn every_panel_is_in_the_document() {
    let document = document();
    let described =
        document["components"]["schemas"]["DashboardPanels"]["properties"].as_object().unwrap();
    let described: BTreeSet<&str> = described.keys().map(String::as_str).collect();
    let panels: BTreeSet<&str> = analytics::panels::PANELS.iter().map(|panel| panel.name).collect();
    assert_eq!(described, panels);
}

/// `UPDATE=1 cargo test -p server openapi`, or `make gen`, writes it.
#[test]
fn the_committed_copy_is_up_to_date() {
    let file = root().join("contract/openapi.json");
    let text = server::api::openapi::to_text() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "{} is not what the server serves: run `make gen`", file.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_as_the_document_says() {
    let app = TestApp::with(&[("get_delete", "on"), ("unknown_keys_per_minute", "1000")]).await;
    let document = document();
    let mut seen = BTreeSet::new();
    for _ in 0..2 {
        let project = app.project().await;
        let hits = json!([
            hit("/a/1", json!({ "ip_address": "8.8.8.8", "response_time": 1.5, "user_id": "u" })),
            hit("/b", json!({ "status": 1 }))
        ]);
        check(&document, "POST", "/api/requests", &app.post_hits(&project.key, hits).await);
        for route in routes().into_iter().filter(|route| route.access != Access::Page) {
            let path = route
                .path
                .replace("{api_key}", &project.key)
                .replace("{user_id}", &project.dashboard_id)
                .replace("{page}", "1")
                .replace("{id}", "u:x")
                .replace("{token}", "x")
                .replace("{slug}", "x")
                .replace("{signal}", "start")
                .replace("{field}", "country")
                .replace("{panel}", "endpoints")
                .replace("{language}", "python")
                .replace("{path}", server::web::packages::find_package("python").unwrap_or("none"));
            let method: Method = route.method.parse().unwrap();
            let headers = [("x-auth-token", project.key.as_str())];
            let body = match route.path {
                "/api/v1/projects" => b"{}".to_vec(),
                "/api/v1/session" => json!({ "key": project.key }).to_string().into_bytes(),
                "/api/v1/keys" => br#"{"can":"ingest"}"#.to_vec(),
                "/api/v1/project" if route.method == "PATCH" => br#"{"privacy_level":1}"#.to_vec(),
                path if route.access == Access::Ingest => {
                    json!({ "requests": [hit(path, json!({}))] }).to_string().into_bytes()
                }
                _ => Vec::new(),
            };
            // The document id changes and projects are deleted: those calls come last, in the second round.
            let ends = route.path.contains("delete")
                || route.path.contains("regenerate")
                || route.path == "/api/v1/project";
            if ends && route.method != "GET" || route.path.contains("/api/delete") {
                let fresh = app.project().await;
                let path = path.replace(&project.key, &fresh.key);
                let answer =
                    app.send(method, &path, &[("x-auth-token", fresh.key.as_str())], body).await;
                check(&document, route.method, route.path, &answer);
            } else {
                let answer = app.send(method.clone(), &path, &headers, body).await;
                check(&document, route.method, route.path, &answer);
                if route.access != Access::Anyone {
                    let wrong = path.replace(&project.key, "x").replace(&project.dashboard_id, "x");
                    let answer =
                        app.send(method, &wrong, &[("x-auth-token", "x")], Vec::new()).await;
                    assert!(answer.status.is_client_error());
                    check(&document, route.method, route.path, &answer);
                }
            }
            seen.insert((route.method, route.path));
        }
    }
    let pages = routes().iter().filter(|route| route.access == Access::Page).count();
    assert_eq!(seen.len() + pages, routes().len());
    assert_eq!(app.get("/api/v1/openapi.json").await.json(), document);
}

#[track_caller]
fn check(document: &Value, method: &str, path: &str, answer: &Answer) {
    let status = answer.status.as_u16().to_string();
    let response = &document["paths"][path][method.to_lowercase()]["responses"][&status];
    assert!(
        response.is_object(),
        "{method} {path} answered {status}, which is not described: {}",
        answer.text()
    );
    let kind = answer.header("content-type").split(';').next().unwrap();
    let Some(content) = response["content"].as_object() else {
        assert!(answer.body.is_empty(), "{method} {path} {status}: {}", answer.text());
        return;
    };
    let described = content
        .get(kind)
        .unwrap_or_else(|| panic!("{method} {path}: {kind} is not among {:?}", content.keys()));
    if kind == "application/json" {
        let mut wrong = Vec::new();
        compare(document, &described["schema"], &answer.json(), "answer", &mut wrong);
        assert!(wrong.is_empty(), "{method} {path} {status}: {wrong:?}\n{}", answer.text());
    }
}

/// Places where `value` does not match `schema`.
fn compare(document: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return compare(document, &document["components"]["schemas"][name], value, at, wrong);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = choices.iter().any(|choice| {
            let mut wrong = Vec::new();
            compare(document, choice, value, at, &mut wrong);
            wrong.is_empty()
        });
        if !fits {
            wrong.push(format!("{at} fits none of oneOf"));
        }
        return;
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is_described = kinds.contains(&kind) || kind == "integer" && kinds.contains(&"number");
    if !is_described {
        wrong.push(format!("{at} is {kind}, described as {kinds:?}"));
        return;
    }
    if let Value::Array(items) = value {
        for (index, item) in items.iter().enumerate() {
            compare(document, &schema["items"], item, &format!("{at}[{index}]"), wrong);
        }
    }
    let (Value::Object(fields), Some(properties)) = (value, schema["properties"].as_object())
    else {
        return;
    };
    for (name, value) in fields {
        match properties.get(name) {
            Some(schema) => compare(document, schema, value, &format!("{at}.{name}"), wrong),
            // Extra fields of errors are not in the schema.
            None if properties.contains_key("code") => {}
            None => wrong.push(format!("{at}.{name} is not described")),
        }
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(name.as_str().unwrap()) {
            wrong.push(format!("{at}.{name} is missing"));
        }
    }
}
