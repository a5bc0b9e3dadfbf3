//! The embedded page: its addresses, and its restrictions. A build without it has the plain page instead.

use axum::http::Method;
use server::web::page::{ADDRESSES, FILES, is_built};

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn every_address_of_the_page_answers_with_it_and_a_strict_policy() {
    for base in ["", "/base"] {
        let url = format!("https://stats.example.com{base}");
        let app = TestApp::with(&[("public_url", &url)]).await;
        for address in ADDRESSES {
            let path = format!("{base}{address}").replace(['{', '}'], "");
            let page = app.get(&path).await;
            assert_eq!(page.status, 200, "{path}");
            assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
            assert_eq!(page.header("cache-control"), "no-store", "{path}");
            assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
            let policy = page.header("content-security-policy");
            assert!(
                policy.starts_with("default-src 'none'")
                    && policy.contains("frame-ancestors 'none'")
            );
            assert!(!policy.contains("unsafe"), "{policy}");
            if is_built() {
                assert!(policy.contains("connect-src 'self'"), "{policy}");
                assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
                assert!(page.header("permissions-policy").contains("camera=()"));
                let text = page.text();
                assert!(text.contains(&format!("name=\"base-path\" content=\"{base}\"")), "{text}");
                assert!(!base.is_empty() || text.contains("\"/assets/"), "{text}");
                assert!(base.is_empty() || !text.contains("\"/assets/"), "{text}");
            } else {
                assert!(page.text().contains("make build"), "{path}");
            }
            let head = app.send(Method::HEAD, &path, &[], Vec::new()).await;
            assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_page_are_cached_for_ever_and_compressed() {
    let app = TestApp::start().await;
    for asset in FILES.iter().filter(|asset| asset.name.starts_with("assets/")) {
        let path = format!("/{}", asset.name);
        let plain = app.get(&path).await;
        assert_eq!((plain.status.as_u16(), plain.body.as_slice()), (200, asset.plain), "{path}");
        assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
        for (coding, bytes) in [("br", asset.br), ("gzip", asset.gz)] {
            let sent =
                app.send(Method::GET, &path, &[("accept-encoding", coding)], Vec::new()).await;
            let expect = bytes.map_or("", |_| coding);
            assert_eq!(sent.header("content-encoding"), expect, "{path}");
            assert_eq!(sent.body, bytes.unwrap_or(asset.plain), "{path}");
            let known = [("accept-encoding", coding), ("if-none-match", sent.header("etag"))];
            let again = app.send(Method::GET, &path, &known, Vec::new()).await;
            assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{path}");
        }
    }
    for path in ["/assets/none.js", "/assets/..%2Findex.html", "/assets/index.html"] {
        assert_eq!(app.get(path).await.code(), "not_found", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_addresses_show_the_page_to_people_and_an_error_to_programs() {
    let app = TestApp::start().await;
    let people = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for path in
        ["/nothing", "/settings/x", "/share", "/docs/none", "/dashboard/a/b", "//a.example/"]
    {
        let page = app.send(Method::GET, path, &people, Vec::new()).await;
        assert_eq!(page.status, 404, "{path}");
        if is_built() {
            assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
            assert!(page.text().contains("id=\"app\""), "{path}");
        }
        assert_eq!(app.get(path).await.code(), "not_found", "{path}");
    }
    for path in ["/api/nothing", "/api/v1/nothing/"] {
        let answer = app.send(Method::GET, path, &people, Vec::new()).await;
        assert_eq!(answer.code(), "not_found", "{path}");
    }
    assert_eq!(app.send(Method::POST, "/nothing", &people, Vec::new()).await.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trailing_slash_is_taken_off_within_this_host() {
    for base in ["", "/base"] {
        let url = format!("https://stats.example.com{base}");
        let app = TestApp::with(&[("public_url", &url)]).await;
        for (path, target) in [
            ("/dashboard/?project=1&q=a%20b", "/dashboard?project=1&q=a%20b"),
            ("/dashboard/demo/", "/dashboard/demo"),
            ("/settings//", "/settings"),
            ("/docs/", "/docs"),
            ("/docs/api/", "/docs/api"),
            ("/status/shop/", "/status/shop"),
        ] {
            let answer = app.get(&format!("{base}{path}")).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("location")),
                (308, &*format!("{base}{target}")),
                "{path}"
            );
        }
        for path in ["//a.example/", "/%5Ca.example/", "/nothing/"] {
            assert_eq!(app.get(&format!("{base}{path}")).await.header("location"), "", "{path}");
        }
    }
}
