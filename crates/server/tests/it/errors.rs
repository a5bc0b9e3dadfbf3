//! Properties common to all errors.

use axum::http::Method;
use serde_json::json;

use crate::app::{TestApp, hit};

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_and_an_unknown_method_answer_like_every_error() {
    let app = TestApp::start().await;
    for path in
        ["/nothing", "/api", "/api/v1/nothing", "/api/requests/a/b/c", "/sdk/python/none.whl"]
    {
        let answer = app.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "not_found"), "{path}");
    }
    for route in server::router::routes() {
        let path =
            route.path.replace("{api_key}", "x").replace("{user_id}", "x").replace(['{', '}'], "");
        let answer = app.send(Method::TRACE, &path, &[], Vec::new()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (405, "method_not_allowed"),
            "{path}"
        );
        assert!(
            answer.header("allow").contains(route.method),
            "{path}: {}",
            answer.header("allow")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_cached_sniffed_or_told_to_others() {
    let app = TestApp::start().await;
    for route in server::router::routes() {
        let path = route.path.replace(['{', '}'], "");
        let method: Method = route.method.parse().unwrap();
        let answer = app.send(method, &path, &[], Vec::new()).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        if path.starts_with("/api") {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_shows_no_secret_that_came_with_the_call() {
    let app = TestApp::start().await;
    let secret = "5ec4e700-0000-4000-8000-000000000000";
    for route in server::router::routes() {
        let path = route
            .path
            .replace("{api_key}", secret)
            .replace("{user_id}", secret)
            .replace("{id}", secret)
            .replace("{path}", secret)
            .replace("{token}", secret);
        let path = format!("{}?ip={secret}&q={secret}", path.replace("{page}", secret));
        let method: Method = route.method.parse().unwrap();
        let body = json!({ "api_key": secret, "requests": [secret] }).to_string();
        let answer = app.send(method, &path, &[("x-auth-token", secret)], body.into_bytes()).await;
        assert!(!answer.text().contains(&secret[..8]), "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_says_how_to_send_a_key() {
    let app = TestApp::start().await;
    let answer = app.get("/api/v1/hits").await;
    assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, "Bearer"));
    assert!(answer.text().contains("X-AUTH-TOKEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_calls_while_the_store_closes_is_told_so_and_when_to_come_again() {
    let mut app = TestApp::start().await;
    let project = app.project().await;
    let batch = json!({ "api_key": project.key, "requests": [hit("/a", json!({}))] });
    assert_eq!(app.post("/api/requests", &[], &batch).await.status, 200);
    app.shared().store.close().await.unwrap();
    let closing = |answer: crate::app::Answer| {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "closing"));
        assert_eq!(answer.header("retry-after"), "2");
    };
    closing(app.post("/api/requests", &[], &batch).await);
    closing(app.get_as(&project.key, "/api/v1/hits").await);
    // A project's number is stored in the inbox before the project is created.
    closing(app.get("/api/generate").await);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_told_that_the_disk_is_nearly_full() {
    let app = TestApp::with(&[("disk_free_percent", "99")]).await;
    let project = app.project().await;
    let batch = json!({ "api_key": project.key, "requests": [hit("/a", json!({}))] });
    let refused = app.post("/api/requests", &[], &batch).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "disk_low"));
    assert_eq!(refused.header("retry-after"), "60");
}
