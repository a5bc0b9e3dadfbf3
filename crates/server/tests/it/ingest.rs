//! `POST /api/requests` and `/api/log-request`: the call's headers, and its limits. `contract` tests the content of
//! batches.

use std::io::Write;
use std::sync::atomic::Ordering;

use axum::http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::app::{TestApp, hit};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_addresses_keep_hits_and_say_what_they_did_not() {
    let app = TestApp::start().await;
    let project = app.project().await;
    for (path, total) in [("/api/requests", 1), ("/api/log-request", 2)] {
        let body = json!({ "api_key": project.key, "requests": [hit("/a", json!({})), hit("/b", json!({ "status": 99 }))] });
        let answer = app.post(path, &[("content-type", "application/json")], &body).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.json(),
            json!({
                "status": 200, "message": "kept, without the rejected hits", "accepted": 1,
                "rejected": [{ "index": 1, "reason": "invalid_status" }], "rejected_total": 1, "repeated": 0
            })
        );
        app.settle().await;
        let kept = app.get_as(&project.key, "/api/v1/hits").await.json();
        assert_eq!(kept["hits"].as_array().unwrap().len(), total);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_comes_in_a_header_or_in_the_body_and_both_must_agree() {
    let app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    let ingest = app.ingest_key(&project).await;
    let bearer = format!("Bearer {}", project.key);
    let upper = format!("\"{}\"", project.key.to_uppercase().replace('-', ""));
    let unknown = "00000000-0000-4000-8000-000000000000";
    let post = async |headers: &[(&str, &str)], body_key: Option<&str>| {
        let answer = app
            .post(
                "/api/requests",
                headers,
                &json!({ "api_key": body_key, "requests": [hit("/a", json!({}))] }),
            )
            .await;
        if answer.status == 200 {
            "kept".to_owned()
        } else {
            format!("{} {}", answer.status.as_u16(), answer.code())
        }
    };
    let key = project.key.as_str();
    for (headers, body_key, expect) in [
        (vec![("x-auth-token", key)], None, "kept"),
        (vec![("authorization", bearer.as_str())], None, "kept"),
        (vec![], Some(key), "kept"),
        (vec![], Some(upper.as_str()), "kept"),
        (vec![("x-auth-token", upper.as_str())], Some(key), "kept"),
        (vec![("x-auth-token", key), ("authorization", bearer.as_str())], Some(key), "kept"),
        (vec![("x-auth-token", ingest.as_str())], None, "kept"),
        // Another scheme is not for us.
        (vec![("authorization", "Basic dXNlcjpwYXNz")], Some(key), "kept"),
        (vec![("x-auth-token", key)], Some(other.key.as_str()), "401 keys_disagree"),
        (
            vec![("x-auth-token", other.key.as_str()), ("authorization", bearer.as_str())],
            None,
            "401 keys_disagree",
        ),
        (vec![("x-auth-token", key)], Some("nonsense"), "401 keys_disagree"),
        (vec![("x-auth-token", unknown)], Some(key), "401 unknown_key"),
        (vec![("x-auth-token", "nonsense")], Some(key), "401 unknown_key"),
        (vec![], Some(unknown), "401 unknown_key"),
        (vec![], Some(""), "401 missing_key"),
        (vec![], None, "401 missing_key"),
    ] {
        assert_eq!(post(&headers, body_key).await, expect, "{headers:?} {body_key:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_in_a_header_is_refused_before_the_body_is_read() {
    let app = TestApp::start().await;
    let mut stream = tokio::net::TcpStream::connect(app.address).await.unwrap();
    let head = "POST /api/requests HTTP/1.1\r\nhost: x\r\nx-auth-token: 00000000-0000-4000-8000-000000000000\r\ncontent-length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    // No byte of the body is sent, and the answer is there.
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 401");
}

#[tokio::test(flavor = "multi_thread")]
async fn gzip_is_inflated_and_other_encodings_are_not_known() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let small = json!({ "requests": [hit("/a", json!({}))] }).to_string();
    let large = json!({ "requests": vec![hit("/a", json!({})); 2_000] }).to_string();
    assert!(large.len() > 65_536);
    let key = ("x-auth-token", project.key.as_str());
    for (encoding, body, expect) in [
        ("gzip", gzip(small.as_bytes()), "200"),
        ("GZIP", gzip(large.as_bytes()), "200"),
        ("identity", large.clone().into_bytes(), "200"),
        ("br", small.clone().into_bytes(), "415 unsupported_encoding"),
        ("gzip, gzip", small.clone().into_bytes(), "415 unsupported_encoding"),
        ("gzip", small.clone().into_bytes(), "400 invalid_encoding"),
        ("gzip", gzip(small.as_bytes())[..30].to_vec(), "400 invalid_encoding"),
        ("gzip", Vec::new(), "400 invalid_encoding"),
    ] {
        let answer = app
            .send(Method::POST, "/api/requests", &[key, ("content-encoding", encoding)], body)
            .await;
        let code = if answer.status == 200 { String::new() } else { format!(" {}", answer.code()) };
        assert_eq!(format!("{}{code}", answer.status.as_u16()), expect, "{encoding}");
    }
    app.settle().await;
    let page = app.get_as(&project.key, "/api/v1/hits?limit=10000").await.json();
    assert_eq!(page["hits"].as_array().unwrap().len(), 1 + 2_000 + 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_limited_in_size_inflated_or_not() {
    let app = TestApp::with(&[("body_bytes", "100kb")]).await;
    let project = app.project().await;
    let key = ("x-auth-token", project.key.as_str());
    let padded = |bytes: usize| {
        let body = json!({ "requests": [hit("/a", json!({}))], "padding": "" }).to_string();
        let padding = " ".repeat(bytes - body.len());
        format!("{body}{padding}").into_bytes()
    };
    let at_limit = padded(100 << 10);
    let above = padded((100 << 10) + 1);
    for (body, encoding, status) in [
        (at_limit.clone(), "identity", 200),
        (above.clone(), "identity", 413),
        (gzip(&at_limit), "gzip", 200),
        (gzip(&above), "gzip", 413),
        (gzip(&vec![b' '; 400 << 10]), "gzip", 413),
    ] {
        let answer = app
            .send(Method::POST, "/api/requests", &[key, ("content-encoding", encoding)], body)
            .await;
        assert_eq!(answer.status.as_u16(), status);
        if status == 413 {
            assert_eq!(answer.code(), "body_too_large");
        }
    }
    // All charges were returned.
    assert_eq!(app.shared().metrics.bytes_in_flight.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_all_of_a_refused_body_first_still_reads_why() {
    let app = TestApp::with(&[("body_bytes", "100kb")]).await;
    let project = app.project().await;
    // More than the kernel's buffers of both ends hold.
    let body = vec![b' '; 32 << 20];
    let chunked = "transfer-encoding: chunked".to_owned();
    let announced = format!("content-length: {}", body.len());
    for (key, length, code) in [
        (project.key.as_str(), &announced, "413"),
        (project.key.as_str(), &chunked, "413"),
        ("00000000-0000-4000-8000-000000000000", &announced, "401"),
    ] {
        let mut client = tokio::net::TcpStream::connect(app.address).await.unwrap();
        let head = format!(
            "POST /api/requests HTTP/1.1\r\nhost: x\r\nx-auth-token: {key}\r\n{length}\r\n\r\n"
        );
        client.write_all(head.as_bytes()).await.unwrap();
        if length == &chunked {
            client.write_all(format!("{:x}\r\n", body.len()).as_bytes()).await.unwrap();
        }
        client.write_all(&body).await.expect("the server reads on");
        if length == &chunked {
            client.write_all(b"\r\n0\r\n\r\n").await.unwrap();
        }
        // The same connection takes another call.
        client
            .write_all(b"GET /robots.txt HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answers = String::new();
        client.read_to_string(&mut answers).await.unwrap();
        assert!(answers.starts_with(&format!("HTTP/1.1 {code} ")), "{answers}");
        assert!(answers.contains("HTTP/1.1 200 OK"), "{answers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gzip_bomb_costs_no_more_than_the_limit() {
    let app = TestApp::with(&[("body_bytes", "1MiB")]).await;
    let project = app.project().await;
    let bomb = gzip(&vec![b' '; 200 << 20]);
    let headers = [("x-auth-token", project.key.as_str()), ("content-encoding", "gzip")];
    let answer = app.send(Method::POST, "/api/requests", &headers, bomb).await;
    assert_eq!(answer.code(), "body_too_large");
    assert_eq!(app.shared().metrics.bytes_in_flight.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_in_flight_are_bounded_together_and_a_slow_one_makes_room() {
    let app = TestApp::with(&[("bodies_in_flight_bytes", "100kb")]).await;
    let project = app.project().await;
    // One client sends most of a body and then nothing.
    let mut slow = tokio::net::TcpStream::connect(app.address).await.unwrap();
    let head = format!(
        "POST /api/requests HTTP/1.1\r\nhost: x\r\nx-auth-token: {}\r\ncontent-length: 100000\r\n\r\n",
        project.key
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    slow.write_all(&[b' '; 90_000]).await.unwrap();
    while app.shared().metrics.bytes_in_flight.load(Ordering::Relaxed) < 90_000 {
        tokio::task::yield_now().await;
    }
    let body = json!({ "requests": vec![hit("/a", json!({})); 2_000] });
    let key = ("x-auth-token", project.key.as_str());
    // The next one waits for it; the slow one is aborted.
    assert_eq!(app.post("/api/requests", &[key], &body).await.status, 200);
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    // Inflating does not wait: it is refused if its memory is not available.
    let mut other = tokio::net::TcpStream::connect(app.address).await.unwrap();
    other.write_all(head.as_bytes()).await.unwrap();
    other.write_all(&[b' '; 90_000]).await.unwrap();
    while app.shared().metrics.bytes_in_flight.load(Ordering::Relaxed) < 90_000 {
        tokio::task::yield_now().await;
    }
    let packed = gzip(body.to_string().as_bytes());
    let gzipped = [key, ("content-encoding", "gzip")];
    let refused = app.send(Method::POST, "/api/requests", &gzipped, packed.clone()).await;
    assert_eq!((refused.code().as_str(), refused.status.as_u16()), ("overloaded", 503));
    assert!(!refused.header("retry-after").is_empty());
    drop(other);
    while app.shared().metrics.bytes_in_flight.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.send(Method::POST, "/api/requests", &gzipped, packed).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_given_up() {
    let app = TestApp::with(&[]).await;
    let project = app.project().await;
    // A truncated body is not a batch, and its connection is not kept.
    let mut broken = tokio::net::TcpStream::connect(app.address).await.unwrap();
    let head = format!(
        "POST /api/requests HTTP/1.1\r\nhost: x\r\nx-auth-token: {}\r\ncontent-length: 100\r\n\r\n{{",
        project.key
    );
    broken.write_all(head.as_bytes()).await.unwrap();
    broken.shutdown().await.unwrap();
    let mut rest = Vec::new();
    broken.read_to_end(&mut rest).await.unwrap();
    assert!(
        rest.is_empty() || rest.starts_with(b"HTTP/1.1 400"),
        "{}",
        String::from_utf8_lossy(&rest)
    );
    assert_eq!(app.get_as(&project.key, "/api/v1/hits").await.json()["hits"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_id_makes_a_retry_free() {
    let app = TestApp::start().await;
    let (project, other) = (app.project().await, app.project().await);
    let body = json!({ "batch_id": "b-1", "requests": [hit("/a", json!({})), hit("/b", json!({ "status": 1 }))] });
    let first = app.post("/api/requests", &[("x-auth-token", &project.key)], &body).await.json();
    let second = app.post("/api/requests", &[("x-auth-token", &project.key)], &body).await.json();
    for field in ["status", "accepted", "rejected", "rejected_total"] {
        assert_eq!(first[field], second[field], "{field}");
    }
    assert_eq!(first["accepted"], 1);
    // The same id in another project is another batch.
    let elsewhere = app.post("/api/requests", &[("x-auth-token", &other.key)], &body).await.json();
    assert_eq!(elsewhere["accepted"], 1);
    app.settle().await;
    for project in [&project, &other] {
        assert_eq!(
            app.get_as(&project.key, "/api/v1/hits").await.json()["hits"].as_array().unwrap().len(),
            1
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_are_limited_per_address_and_known_ones_are_not() {
    let app =
        TestApp::with(&[("unknown_keys_per_minute", "3"), ("trusted_proxies", "127.0.0.1")]).await;
    let project = app.project().await;
    let body = json!({ "requests": [] });
    let post = async |key: &str, client: &str| {
        app.post("/api/requests", &[("x-auth-token", key), ("x-forwarded-for", client)], &body)
            .await
    };
    let unknown = "00000000-0000-4000-8000-000000000000";
    for _ in 0..3 {
        assert_eq!(post(unknown, "192.0.2.1").await.code(), "unknown_key");
    }
    let refused = post(unknown, "192.0.2.1").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "too_many_unknown_keys"));
    assert_eq!(refused.header("retry-after"), "60");
    // Other addresses, and known keys from the same one, are not affected.
    assert_eq!(post(unknown, "192.0.2.2").await.code(), "unknown_key");
    for _ in 0..30 {
        assert_eq!(post(&project.key, "192.0.2.1").await.status, 200);
    }
    app.set_time(crate::app::NOW + 60_000_000);
    assert_eq!(post(unknown, "192.0.2.1").await.code(), "unknown_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_is_there_after_a_restart() {
    let mut app = TestApp::start().await;
    let project = app.project().await;
    let answer =
        app.post_hits(&project.key, json!([hit("/a", json!({})), hit("/b", json!({}))])).await;
    assert_eq!(answer.json()["accepted"], 2);
    let before = app.get_as(&project.key, "/api/v1/hits").await.json();
    app.restart().await;
    assert_eq!(app.get_as(&project.key, "/api/v1/hits").await.json(), before);
}
