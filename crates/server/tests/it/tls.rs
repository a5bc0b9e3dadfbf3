//! The port over TLS: certificate and key from files, reloaded when they change, and the port that redirects to it.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::app::{Answer, TestApp, hit};

/// The two files, as a renewal replaces them.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    _folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Files {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        Files { certificate, key, _folder: folder }
    }

    /// Writes a new certificate and key; returns the certificate, for a client to trust.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(&self.certificate, made.cert.pem()).unwrap();
        std::fs::write(&self.key, made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    async fn serve(&self, more: &[(&str, &str)]) -> TestApp {
        let mut settings = vec![
            ("tls_certificate", self.certificate.to_str().unwrap()),
            ("tls_key", self.key.to_str().unwrap()),
        ];
        settings.extend(more);
        TestApp::with(&settings).await
    }
}

/// One call of a client that trusts only this certificate; none if it rejects the server's.
async fn call(
    app: &TestApp,
    trusted: &CertificateDer<'static>,
    request: Request<Body>,
) -> Option<Answer> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(app.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Some(Answer { status: parts.status, headers: parts.headers, body })
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", "localhost").body(Body::empty()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_speaks_tls_and_a_session_over_it_is_bound_to_it() {
    let files = Files::new();
    let trusted = files.renew();
    let app = files.serve(&[]).await;
    let health = call(&app, &trusted, get("/api/health")).await.unwrap();
    assert_eq!(health.status, 200);
    assert_eq!(health.header("strict-transport-security"), "max-age=31536000");
    let project = app.project().await;
    let batch = json!({ "api_key": project.key, "requests": [hit("/a", json!({}))] });
    let post = Request::post("/api/requests").header("host", "localhost");
    let post = post.body(Body::from(batch.to_string())).unwrap();
    assert_eq!(call(&app, &trusted, post).await.unwrap().json()["accepted"], 1);
    let origin = format!("https://localhost:{}", app.address.port());
    let sign_in = Request::post("/api/v1/session")
        .header("host", format!("localhost:{}", app.address.port()))
        .header("origin", &origin)
        .body(Body::from(json!({ "key": project.key }).to_string()))
        .unwrap();
    let cookie = call(&app, &trusted, sign_in).await.unwrap();
    let cookie = cookie.header("set-cookie");
    assert!(cookie.starts_with("__Host-") && cookie.ends_with("; Secure"), "{cookie}");
    let server = call(&app, &trusted, get("/api/v1/server")).await.unwrap().json();
    assert_eq!(server["base_url"], "https://localhost");

    // Without TLS there is no answer, and the server continues.
    let mut plain = tokio::net::TcpStream::connect(app.address).await.unwrap();
    plain.write_all(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said).await;
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
    assert!(call(&app, &trusted, get("/api/health")).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_presented_and_a_broken_one_is_not() {
    let files = Files::new();
    let first = files.renew();
    let app = files.serve(&[("hsts_days", "off")]).await;
    let before = call(&app, &first, get("/api/health")).await.unwrap();
    assert_eq!(before.header("strict-transport-security"), "");
    let running = app.running.as_ref().unwrap();
    let second = files.renew();
    running.reload().await;
    assert!(call(&app, &first, get("/api/health")).await.is_none());
    assert!(call(&app, &second, get("/api/health")).await.is_some());
    // The first half of a pair being written, and garbage.
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    for key in [other.signing_key.serialize_pem(), "nonsense".to_owned()] {
        std::fs::write(&files.key, key).unwrap();
        running.reload().await;
        assert!(call(&app, &second, get("/api/health")).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_without_tls_leads_to_the_one_with() {
    let files = Files::new();
    files.renew();
    for (public_url, location) in [
        ("", "https://a.localhost:PORT/dashboard?project=1"),
        ("https://stats.example.com/base", "https://stats.example.com/base/dashboard?project=1"),
    ] {
        let more = [("redirect_from", "127.0.0.1:0"), ("public_url", public_url)];
        let app = files.serve(&more).await;
        let from = app.running.as_ref().unwrap().redirects_from[0];
        let stream = tokio::net::TcpStream::connect(from).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get("/dashboard?project=1").header("host", "a.localhost:80");
        let answer = sender.send_request(request.body(Body::empty()).unwrap()).await.unwrap();
        let expect = location.replace("PORT", &app.address.port().to_string());
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
            (308, &*expect)
        );
    }
}
