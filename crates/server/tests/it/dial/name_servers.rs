//! Name servers that fail: for one zone, which counts as down, or for everything, which says nothing about any host.

use serde_json::{Value, json};

use super::servers::{Lookup, NameServer};
use crate::app::TestApp;
use crate::watching::{call, create};

/// The outcome and failure of a check of each of these names, one after the other.
async fn look(
    answer: impl Fn(&str, usize) -> Lookup + Send + 'static,
    names: &[&str],
) -> Vec<(String, Value)> {
    let server = NameServer::start(answer).await;
    let address = server.address.to_string();
    let app =
        TestApp::with(&[("name_servers", &address), ("allow_networks", "127.0.0.2/32")]).await;
    let project = app.project().await;
    let mut found = Vec::new();
    for name in names {
        let settings = json!({ "kind": "http", "url": format!("http://{name}/"), "timeout_ms": 900, "paused": true });
        let monitor = create(&app, &project, settings).await;
        let path = format!("/api/v1/monitors/{}/check", monitor["id"]);
        let looked = call(&app, &project.key, "POST", &path, Value::Null).await.json();
        found.push((looked["outcome"].as_str().unwrap().to_owned(), looked["failure"].clone()));
    }
    found
}

fn is(outcome: &str, failure: &str) -> (String, Value) {
    (outcome.to_owned(), json!(failure))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_whose_name_servers_fail_is_down_and_all_of_them_are_unknown() {
    let of_one_zone = |name: &str, _: usize| match name {
        "api.broken.example." => Lookup::Broken,
        _ => Lookup::NoName,
    };
    let found = look(of_one_zone, &["api.broken.example", "api.missing.example"]).await;
    assert_eq!(found, [is("down", "resolver_failed"), is("down", "name_not_found")]);

    let found = look(|_, _| Lookup::Broken, &["api.one.example", "www.two.example"]).await;
    assert_eq!(found, [is("unknown", "no_name_server"), is("unknown", "no_name_server")]);

    // They know the names of a closed network, and nothing else.
    let inner = |name: &str, _: usize| match name {
        "known.inner.example." => Lookup::addresses(&["127.0.0.2"]),
        _ => Lookup::Broken,
    };
    let found = look(inner, &["known.inner.example", "api.broken.test"]).await;
    assert_eq!(found[1], is("down", "resolver_failed"));
    assert_ne!(found[0].1, json!("resolver_failed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn name_servers_that_say_nothing_are_no_outage_of_a_host() {
    let found = look(|_, _| Lookup::Silent, &["api.one.example"]).await;
    assert_eq!(found, [is("unknown", "no_name_server")]);
    let of_one_zone = |name: &str, _: usize| match name {
        "api.slow.example." => Lookup::Silent,
        _ => Lookup::NoName,
    };
    let found = look(of_one_zone, &["api.slow.example"]).await;
    assert_eq!(found, [is("down", "timeout_dns")]);
}
