//! The operator's tools: health, metrics, the first page, the packages.

use axum::http::{HeaderMap, Method, header};
use serde_json::json;

use server::metrics::{Metrics, ServerStats};
use server::web::packages::PackageFile;

use crate::app::{TestApp, hit, root};

#[tokio::test(flavor = "multi_thread")]
async fn health_is_short_while_all_is_well() {
    let app = TestApp::start().await;
    let answer = app.get("/api/health").await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "status": "healthy" })));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_happened() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let hits = json!([
        hit("/a", json!({})),
        hit("/b", json!({ "status": 1 })),
        hit("/c", json!({ "ip_address": "nonsense" }))
    ]);
    app.post_hits(&project.key, hits).await;
    app.get_as(&project.key, "/api/v1/hits").await;
    app.get_as("nonsense", "/api/v1/hits").await;
    app.get("/not/a/route").await;
    let answer = app.get("/metrics").await;
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = answer.text();
    for line in [
        "api_analytics_hits_accepted_total 2",
        "api_analytics_batches_total 1",
        "api_analytics_hits_rejected_total{reason=\"invalid_status\"} 1",
        "api_analytics_hits_rejected_total{reason=\"too_old\"} 0",
        "api_analytics_repairs_total{kind=\"invalid_address\"} 1",
        "api_analytics_refused_total{code=\"unknown_key\"} 1",
        "api_analytics_query_seconds_count 1",
        "api_analytics_projects 1",
        "api_analytics_calls_total{method=\"POST\",route=\"/api/requests\",status=\"200\"} 1",
        "api_analytics_calls_total{method=\"GET\",route=\"/api/v1/hits\",status=\"200\"} 1",
        "api_analytics_calls_total{method=\"GET\",route=\"/api/v1/hits\",status=\"401\"} 1",
        "api_analytics_calls_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        concat!("api_analytics_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        "api_analytics_records_total 1",
        "api_analytics_records_applied_total 1",
        "api_analytics_inbox_records 0",
        "api_analytics_bodies_in_flight_bytes 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    // Every sample belongs to a family that was announced, once.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(name);
        assert_eq!(text.matches(&format!("# TYPE {family} ")).count(), 1, "{name}");
        assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
        // Prometheus' own rule, on which queries rely.
        let is_counter = text.contains(&format!("# TYPE {family} counter\n"));
        assert!(!is_counter || family.ends_with("_total"), "{family} counts and is not named so");
    }
}

#[test]
fn the_examples_for_prometheus_ask_for_metrics_that_there_are() {
    let store = store::StoreStats {
        duckdb: Some(store::DuckDbStats::default()),
        ..store::StoreStats::default()
    };
    let text = Metrics::default().to_text(&store, &ServerStats::default());
    let read = |name: &str| {
        std::fs::read_to_string(root().join("examples/prometheus").join(name)).unwrap()
    };
    let (alerts, dashboard) = (read("alerts.yaml"), read("dashboard.json"));
    serde_json::from_str::<serde_json::Value>(&dashboard).unwrap();
    for file in [&alerts, &dashboard] {
        let mut names = 0;
        for rest in file.split("api_analytics_").skip(1) {
            let end = rest.find(|end: char| end != '_' && !end.is_ascii_alphanumeric()).unwrap();
            let name = rest[..end].trim_end_matches("_bucket");
            assert!(text.contains(&format!("# TYPE api_analytics_{name} ")), "{name}");
            names += 1;
        }
        assert!(names > 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_this_machine_unless_said_otherwise() {
    let forwarded = [("x-forwarded-for", "192.0.2.1")];
    for (settings, headers, status) in [
        (&[][..], &[][..], 200),
        // An unknown proxy passed the call on.
        (&[], &forwarded, 403),
        (&[("trusted_proxies", "127.0.0.1")], &forwarded, 403),
        (&[("metrics", "everyone")], &forwarded, 200),
        (&[("metrics", "nobody")], &[], 403),
    ] {
        let app = TestApp::with(settings).await;
        let answer = app.send(Method::GET, "/metrics", headers, Vec::new()).await;
        assert_eq!(answer.status.as_u16(), status, "{settings:?} {headers:?}");
        if status == 403 {
            assert_eq!(answer.code(), "metrics_private");
        }
    }
}

/// The start page of a build without the dashboard, requested by this host name.
fn plain_page(app: &TestApp, host: &str) -> String {
    let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
    server::web::plain::to_page(app.shared(), &headers)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_s_commands_work_when_pasted() {
    let app = TestApp::start().await;
    let text = plain_page(&app, &app.address.to_string());
    assert!(!text.contains("<script") && !text.contains("https://"), "{text}");
    let plain = text
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    let commands: Vec<&str> =
        plain.split("<pre>").skip(1).map(|part| part.split("</pre>").next().unwrap()).collect();
    let script = commands[..3].join("\nsleep 2\n");
    let shell = script.clone();
    let output = tokio::task::spawn_blocking(move || {
        std::process::Command::new("sh").arg("-c").arg(shell).output()
    });
    let output = output.await.unwrap().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("\"accepted\":1") && said.contains("\"path\":\"/hello\""), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_follows_the_public_url_and_shows_nothing_that_a_client_made_up() {
    let app = TestApp::with(&[("public_url", "https://stats.example.com/base")]).await;
    let page = plain_page(&app, "127.0.0.1");
    assert!(page.contains("curl -sS https://stats.example.com/base/api/requests"));
    assert!(
        page.contains("api-analytics project create") && page.contains("href=\"/base/page.css\"")
    );
    for path in ["/", "/base", "/base/"] {
        assert_eq!(app.get(path).await.status, 200, "{path}");
    }
    assert_eq!(app.get("/base/api/health").await.status, 200);
    assert_eq!(app.get("/basement/api/health").await.status, 404);
    let app = TestApp::start().await;
    assert!(!plain_page(&app, "evil\"><b>").contains("<b>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_are_listed_and_sent() {
    let app = TestApp::start().await;
    for language in server::web::packages::LANGUAGES {
        assert_eq!(app.get(&format!("/sdk/{language}/")).await.status, 200);
    }
    let none = app.get("/sdk/cobol/").await;
    assert_eq!(none.status, 404);
    assert!(none.text().contains("python, node"), "says which there are");
    for PackageFile { language, path, bytes } in server::web::packages::FILES {
        let list = app.get(&format!("/sdk/{language}/")).await;
        assert!(list.text().contains(path));
        let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
        let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(list.text().contains(&format!("href=\"{path}#sha256={hash}\"")), "to pin it");
        let sent = app.get(&format!("/sdk/{language}/{path}")).await;
        assert_eq!(
            (sent.header("content-type"), sent.body.as_slice()),
            ("application/octet-stream", *bytes)
        );
        assert_eq!(sent.header("content-encoding"), "", "its hash is that of the file");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cargo_is_told_the_address_of_the_archives_by_which_it_reached_the_server() {
    let app = TestApp::with(&[("public_url", "https://stats.example.com/base")]).await;
    let config = app.get("/base/sdk/rust/config.json").await;
    assert_eq!(
        config.json()["dl"],
        "https://stats.example.com/base/sdk/rust/crates/{crate}-{version}.crate"
    );
    let app = TestApp::start().await;
    let config = app.get("/sdk/rust/config.json").await.json();
    let address = format!("http://{}/sdk/rust/crates/", app.address);
    assert!(config["dl"].as_str().unwrap().starts_with(&address), "{config}");
    assert_eq!(app.get("/sdk/node/config.json").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_name_reaches_nothing_but_what_middleware_and_monitoring_call() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let ask = async |app: &TestApp, host: &str, path: &str| {
        let request = axum::http::Request::get(path)
            .header("host", host)
            .header("x-auth-token", &project.key)
            .body(axum::body::Body::empty());
        app.send_request(request.unwrap()).await
    };
    let port = app.address.port();
    for path in ["/api/v1/hits", "/api/generate", "/", "/api/v1/server", "/nowhere", "/api/data"] {
        let refused = ask(&app, "rebound.example", path).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (421, "unknown_host"),
            "{path}"
        );
        assert!(refused.text().contains("public_url"));
        for own in [format!("localhost:{port}"), "10.1.2.3".to_owned(), "[::1]:80".to_owned()] {
            assert_ne!(ask(&app, &own, path).await.status, 421, "{own} {path}");
        }
    }
    for path in ["/api/health", "/metrics"] {
        assert_eq!(ask(&app, "analytics.internal:8080", path).await.status, 200, "{path}");
    }
    let body = json!({ "api_key": project.key, "requests": [hit("/a", json!({}))] });
    let post = axum::http::Request::post("/api/requests").header("host", "analytics:8080");
    let post = post.body(axum::body::Body::from(body.to_string())).unwrap();
    assert!(app.send_request(post).await.status.is_success());
    // With a public address the operator has set the name; a proxy may send anything.
    let app = TestApp::with(&[("public_url", "https://stats.example.com")]).await;
    assert_eq!(ask(&app, "upstream", "/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_names_one_host() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = TestApp::start().await;
    let status = async |head: &str| {
        let mut stream = tokio::net::TcpStream::connect(app.address).await.unwrap();
        let call = format!("GET /api/health {head}Connection: close\r\n\r\n");
        stream.write_all(call.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer[9..12].to_owned()
    };
    for (head, expect) in [
        ("HTTP/1.1\r\nHost: a.example\r\n", "200"),
        ("HTTP/1.0\r\n", "200"),
        ("HTTP/1.1\r\n", "400"),
        ("HTTP/1.1\r\nHost:\r\n", "400"),
        ("HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n", "400"),
        ("HTTP/1.1\r\nHost: a.example\r\nhost: b.example\r\n", "400"),
        ("HTTP/1.0\r\nHost: a\r\nHost: b\r\n", "400"),
        ("HTTP/1.1\r\nHost: a/b\r\n", "400"),
    ] {
        assert_eq!(status(head).await, expect, "{head:?}");
    }
}
