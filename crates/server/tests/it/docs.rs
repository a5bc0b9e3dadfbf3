//! The documentation: served, true, and complete. `UPDATE=1 cargo test -p server docs` (or `make gen`) writes the parts
//! of `docs/*.md` that follow from the program's tables, and this test compares them.

use std::fmt::Write;

use analytics::hit_fields::{FIELDS, Part, Posted, STRICTEST_LEVEL};
use axum::http::Method;
use server::error::Code;
use server::metrics::{Metrics, ServerStats};
use server::web::docs::PAGES;
use server::web::packages::Package;

use crate::app::{TestApp, root};

/// The setting's row of the table, and each call: the facts that a reader needs.
fn generated(name: &str) -> String {
    match name {
        "settings" => settings(),
        "errors" => errors(),
        "fields" => fields(),
        "calls" => calls(),
        "metrics" => metrics(),
        _ => panic!("nothing makes `{name}`"),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn settings() -> String {
    let mut out = String::new();
    for (title, is_limit) in
        [("Settings of the server", false), ("Limits that may be changed", true)]
    {
        let _ = write!(out, "\n## {title}\n\n| key | default | meaning |\n|---|---|---|\n");
        let rows = server::config::settings();
        for row in rows.iter().filter(|row| row.limit.is_some() == is_limit) {
            let default = if row.default.is_empty() { "none" } else { &row.default };
            let values =
                if is_limit { String::new() } else { format!(" `{}`", cell(row.value_name)) };
            let _ = writeln!(
                out,
                "| `{}`{values} | {} | {}. |",
                row.key,
                cell(default),
                cell(&row.help)
            );
        }
    }
    out + "\n"
}

fn errors() -> String {
    let mut out = "\n| code | status | meaning |\n|---|---|---|\n".to_owned();
    for code in Code::ALL {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} |",
            code.name(),
            code.status().as_u16(),
            cell(code.meaning())
        );
    }
    out + "\n"
}

fn metrics() -> String {
    // Those of either engine.
    let store = store::StoreStats {
        duckdb: Some(store::DuckDbStats::default()),
        clickhouse: Some(store::ClickHouseStats::default()),
        ..store::StoreStats::default()
    };
    let text = Metrics::default().to_text(&store, &ServerStats::default());
    let mut out = "\n| name | kind | meaning |\n|---|---|---|\n".to_owned();
    for line in text.lines() {
        if let Some((name, help)) =
            line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '))
        {
            let kind =
                text.split(&format!("# TYPE {name} ")).nth(1).unwrap().lines().next().unwrap();
            let _ = writeln!(out, "| `{name}` | {kind} | {} |", cell(help));
        }
    }
    out + "\n"
}

fn fields() -> String {
    let mut out =
        "\n| filter | JSON, CSV | posted as | meaning | kept |\n|---|---|---|---|---|\n".to_owned();
    for info in FIELDS {
        let filter = if info.filterable { format!("`{}`", info.name) } else { "-".to_owned() };
        let listed = match info.listed {
            "" => "-".to_owned(),
            key => format!("`{key}`"),
        };
        let posted = match info.posted {
            None => "-".to_owned(),
            Some(Posted { key, part: Part::Batch, .. }) => format!("`{key}` of the batch"),
            Some(Posted { key, limit: 0, .. }) => format!("`{key}`"),
            Some(Posted { key, limit, .. }) => format!("`{key}`, {limit} characters"),
        };
        let kept = match info.kept_up_to {
            STRICTEST_LEVEL => "always".to_owned(),
            level => format!("up to level {level}"),
        };
        let _ = writeln!(
            out,
            "| {filter} | {listed} | {posted} | {} | {kept} |",
            cell(&info.filter_doc())
        );
    }
    out + "\n"
}

fn calls() -> String {
    let document: serde_json::Value =
        serde_json::from_str(&server::api::openapi::to_text()).unwrap();
    let mut out = String::new();
    // In the order of the router, grouped by audience.
    for route in server::router::routes() {
        let call = &document["paths"][route.path][route.method.to_lowercase()];
        let Some(summary) = call["summary"].as_str() else { continue };
        let _ = write!(out, "\n### {} {}\n\n{summary}", route.method, route.path);
        out.push_str(if summary.ends_with('.') { "\n" } else { ".\n" });
        let parameters = call["parameters"].as_array().cloned().unwrap_or_default();
        if !parameters.is_empty() {
            out.push_str("\n| parameter | meaning |\n|---|---|\n");
        }
        for parameter in parameters {
            let text = |name: &str| parameter[name].as_str().unwrap_or_default();
            let _ = writeln!(out, "| `{}` | {} |", text("name"), cell(text("description")));
        }
        let body = &call["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        put_fields(&mut out, &document, body, "field sent");
        let answers = call["responses"].as_object().unwrap();
        let success = answers.iter().find(|(status, _)| status.starts_with('2'));
        let answer =
            success.map(|(_, answer)| &answer["content"]["application/json"]["schema"]["$ref"]);
        put_fields(
            &mut out,
            &document,
            answer.unwrap_or(&serde_json::Value::Null),
            "field of the answer",
        );
        let statuses: Vec<String> = answers
            .iter()
            .map(|(status, answer)| {
                format!("{status} ({})", answer["description"].as_str().unwrap_or_default())
            })
            .collect();
        let _ = write!(out, "\nAnswers: {}.\n", statuses.join("; "));
    }
    out + "\n"
}

fn put_fields(
    out: &mut String,
    document: &serde_json::Value,
    reference: &serde_json::Value,
    title: &str,
) {
    let Some(name) = reference.as_str().and_then(|reference| reference.rsplit('/').next()) else {
        return;
    };
    let Some(fields) = document["components"]["schemas"][name]["properties"].as_object() else {
        return;
    };
    let _ = write!(out, "\n| {title} | meaning |\n|---|---|\n");
    for (field, schema) in fields {
        let _ = writeln!(out, "| `{field}` | {} |", cell(&meaning(document, schema)));
    }
}

/// A field's own description, or its type's, or else its type.
fn meaning(document: &serde_json::Value, schema: &serde_json::Value) -> String {
    let name = |schema: &serde_json::Value| {
        let reference = schema["$ref"].as_str()?;
        Some(reference.rsplit('/').next()?.to_owned())
    };
    let described = |name: &str| {
        let text = document["components"]["schemas"][name]["description"].as_str();
        text.map_or_else(
            || format!("`{name}`"),
            |text| text.split("\n\n").next().unwrap().to_owned(),
        )
    };
    if let Some(text) = schema["description"].as_str() {
        return text.to_owned();
    }
    if let Some(name) = name(schema) {
        return described(&name);
    }
    if let Some(name) = name(&schema["items"]) {
        return format!("A list, each: {}", described(&name));
    }
    let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    if let Some(name) = choices.and_then(|choices| choices.iter().find_map(name)) {
        return format!("{} Or null.", described(&name));
    }
    let types = match &schema["type"] {
        serde_json::Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    let words = types.iter().filter_map(|one| match one.as_str()? {
        "string" => Some("a text"),
        "integer" => Some("a whole number"),
        "number" => Some("a number"),
        "boolean" => Some("true or false"),
        "array" => Some("a list"),
        "object" => Some("an object"),
        other => (other == "null").then_some("null"),
    });
    let words = words.collect::<Vec<_>>().join(" or ");
    if words.is_empty() { "any JSON".to_owned() } else { words }
}

/// The text with everything between its markers regenerated.
fn renewed(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!-- generated: ") {
        let (name, after) = after.split_once(" -->").unwrap();
        let (_, after) = after.split_once("<!-- end -->").unwrap();
        let _ = write!(out, "{before}<!-- generated: {name} -->\n{}<!-- end -->", generated(name));
        rest = after;
    }
    out + rest
}

#[test]
fn what_is_made_from_tables_is_up_to_date() {
    for page in PAGES {
        let file = root().join(format!("docs/{}.md", page.name));
        let text = std::fs::read_to_string(&file).unwrap();
        let expect = renewed(&text);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &expect).unwrap();
        } else {
            assert!(
                text == expect,
                "{} is not what the program says: run `make gen`",
                file.display()
            );
        }
    }
}

#[test]
fn every_setting_every_error_and_every_call_is_described() {
    let read =
        |name: &str| std::fs::read_to_string(root().join(format!("docs/{name}.md"))).unwrap();
    let (settings, api) = (read("settings"), read("api"));
    for setting in server::config::settings() {
        assert!(settings.contains(&format!("| `{}`", setting.key)), "{}", setting.key);
    }
    for code in Code::ALL {
        assert!(api.contains(&format!("| `{}` |", code.name())), "{}", code.name());
    }
    for route in server::router::routes() {
        let is_page = route.access == server::router::Access::Page;
        let is_there = api.contains(&format!("### {} {}\n", route.method, route.path));
        assert_eq!(is_there, !is_page, "{} {}", route.method, route.path);
    }
    assert!(!settings.contains("`no_such_setting`"));
    for line in api.lines().filter(|line| line.starts_with('|')) {
        assert!(!line.contains("|  |"), "a cell says nothing: {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_served_with_their_links_and_no_script_of_others() {
    for base in ["", "/base"] {
        let url = format!("https://stats.example.com{base}");
        let app = TestApp::with(&[("public_url", &url)]).await;
        let mut links = Vec::new();
        for page in PAGES {
            let path = format!("{base}/docs/{}", page.name);
            let answer = app.get(&path).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("content-type")),
                (200, "text/html; charset=utf-8")
            );
            let policy = answer.header("content-security-policy");
            let expected = "default-src 'none'; script-src 'self'; style-src 'self'";
            assert!(policy.starts_with(expected), "{policy}");
            let html = answer.text();
            let script = format!("<script src=\"{base}/docs.js\"></script>");
            assert!(html.contains(&script), "{path}");
            assert!(html.matches("<script").count() == 1 && !html.contains(" style="), "{path}");
            let here = format!("aria-current=page>{}<", page.title.replace('&', "&amp;"));
            assert!(html.contains(&here), "{path}");
            links.extend(
                html.split("href=\"")
                    .skip(1)
                    .map(|rest| rest.split('"').next().unwrap().to_owned()),
            );
        }
        links.sort();
        links.dedup();
        for link in
            links.iter().filter(|link| !link.starts_with('#') && !link.starts_with("https://"))
        {
            let path = link.split('#').next().unwrap();
            assert!(path.starts_with(&format!("{base}/")), "{path}");
            let answer = app.send(Method::GET, path, &[], Vec::new()).await;
            assert_eq!(answer.status, 200, "{path} of the documentation leads nowhere");
        }
        let first = app.get(&format!("{base}/docs")).await;
        assert!(first.text().contains("<h1 id=\"getting-started\">"));
        assert!(
            first.text().contains(&format!("curl -sS {url}/api/generate")),
            "commands name this server"
        );
        assert_eq!(app.get(&format!("{base}/docs/none")).await.code(), "not_found");
        let found = app.get(&format!("{base}/docs/search?q=restore+%3Cb%3E")).await.text();
        assert!(found.contains("Nothing found for “restore &lt;b&gt;”"), "{found}");
        let found = app.get(&format!("{base}/docs/search?q=Restore")).await.text();
        assert!(found.contains(&format!("<li><a href=\"{base}/docs/backup#")), "{found}");
        assert!(found.contains("<mark>restore</mark>") || found.contains("<mark>Restore</mark>"));
        let script = app.get(&format!("{base}/docs.js")).await;
        assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(
            app.get(&format!("{base}/page.css")).await.header("content-type"),
            "text/css; charset=utf-8"
        );
    }
}

/// This build hands out the files of `sdk/*/dist`; without them it hands out nothing.
#[test]
fn the_package_to_install_is_the_one_that_is_handed_out() {
    for Package { language, name } in server::web::packages::PACKAGES {
        let page = format!("docs/clients/{language}.md");
        let text = std::fs::read_to_string(root().join(&page)).unwrap();
        assert!(text.contains(name), "{page} does not name {name}");
    }
}
