//! Certificates: which are trusted, and that the dates and names of untrusted ones are known too.

use std::sync::Arc;

use analytics::certificate::TlsProblem;
use analytics::check::{Failure, Phase};
use analytics::incident::certificate::Level;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use server::dial::{Answer, Call};
use time::{Duration, OffsetDateTime};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

use super::servers::{TcpServer, ok, read_head};
use super::{assert_fails, dialer_that_trusts, request, two_names};
use crate::app::NOW;

const DAY_S: i64 = 86_400;
const NOW_S: i64 = NOW / 1_000_000;

/// A certificate authority of a test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub certificate: CertificateDer<'static>,
    pub pem: String,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, "Testers");
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let (certificate, pem) = (made.der().clone(), made.pem());
        Authority { issuer: Issuer::new(params, key), certificate, pem }
    }

    /// A server's certificate, valid between two days counted from now.
    pub fn issue(&self, names: &[&str], from_days: i64, to_days: i64) -> Identity {
        let (params, key) = leaf(names, from_days, to_days);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Identity { certificate, key }
    }
}

/// A certificate with its key.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

fn self_signed(names: &[&str], from_days: i64, to_days: i64) -> Identity {
    let (params, key) = leaf(names, from_days, to_days);
    Identity { certificate: params.self_signed(&key).unwrap().der().clone(), key }
}

fn leaf(names: &[&str], from_days: i64, to_days: i64) -> (CertificateParams, KeyPair) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let now = OffsetDateTime::from_unix_timestamp(NOW_S).unwrap();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "leaf");
    params.not_before = now + Duration::days(from_days);
    params.not_after = now + Duration::days(to_days);
    (params, KeyPair::generate().unwrap())
}

/// Answers `hello` over TLS.
pub async fn https(at: &str, identity: &Identity) -> TcpServer {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    TcpServer::start(at, move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            read_head(&mut stream).await;
            let _ = stream.write_all(ok("hello").as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

/// A GET of `https://outside.test` from a host with this certificate.
async fn call(authority: &Authority, identity: &Identity, verify: bool) -> Call<Answer> {
    let names = two_names().await;
    let dialer = dialer_that_trusts(&names, vec![authority.certificate.clone()]);
    let server = https("127.0.0.2:0", identity).await;
    let mut request = request(&format!("https://outside.test:{}/", server.address.port()));
    request.verify = verify;
    dialer.fetch(&request).await
}

#[tokio::test]
async fn a_good_certificate_is_trusted_and_shown() {
    let authority = Authority::new("Test Root");
    let identity = authority.issue(&["outside.test", "*.outside.test", "127.0.0.2"], -10, 80);
    let call = call(&authority, &identity, true).await;
    assert_eq!(call.result.as_ref().unwrap().body, "hello");
    assert!(call.phases.get(Phase::Tls).is_some());
    let shown = call.certificate.unwrap();
    assert_eq!((shown.not_before_s, shown.not_after_s), (NOW_S - 10 * DAY_S, NOW_S + 80 * DAY_S));
    assert_eq!(shown.names, ["outside.test", "*.outside.test", "127.0.0.2"]);
    assert_eq!((shown.issuer.as_str(), shown.problem), ("Testers, Test Root", None));
    assert_eq!(shown.level(NOW / 1_000), Level::Fine);
}

#[tokio::test]
async fn one_that_soon_expires_is_trusted_and_warned_of() {
    let authority = Authority::new("Test Root");
    for (days, expected) in [(13, Level::Warn), (2, Level::Critical)] {
        let call = call(&authority, &authority.issue(&["outside.test"], -77, days), true).await;
        assert_eq!(call.result.as_ref().unwrap().status, 200);
        assert_eq!(call.certificate.unwrap().level(NOW / 1_000), expected);
    }
}

#[tokio::test]
async fn one_that_is_not_trusted_fails_with_its_reason_and_still_shows_its_dates() {
    let authority = Authority::new("Test Root");
    let stranger = Authority::new("Strangers");
    for (identity, problem) in [
        (authority.issue(&["outside.test"], -90, -1), TlsProblem::Expired),
        (authority.issue(&["outside.test"], 1, 90), TlsProblem::NotYetValid),
        (authority.issue(&["elsewhere.test"], -10, 80), TlsProblem::WrongName),
        (stranger.issue(&["outside.test"], -10, 80), TlsProblem::UnknownIssuer),
        (stranger.issue(&["outside.test"], -90, -1), TlsProblem::Expired),
        (self_signed(&["outside.test"], -10, 80), TlsProblem::SelfSigned),
        (self_signed(&["outside.test"], -90, -1), TlsProblem::Expired),
    ] {
        let refused = call(&authority, &identity, true).await;
        assert_fails(&refused, Failure::Tls(problem));
        let shown = refused.certificate.unwrap();
        assert_eq!((shown.problem, shown.names.len()), (Some(problem), 1));
        // A check that does not verify continues, and shows the same.
        let accepted = call(&authority, &identity, false).await;
        assert_eq!(accepted.result.as_ref().unwrap().body, "hello", "{problem:?}");
        assert_eq!(accepted.certificate, Some(shown));
    }
}

#[tokio::test]
async fn a_port_without_tls_is_told() {
    let names = two_names().await;
    let dialer = dialer_that_trusts(&names, Vec::new());
    let plain_http = TcpServer::start("127.0.0.2:0", |mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await;
    })
    .await;
    let call = dialer.fetch(&request(&format!("https://{}/", plain_http.address))).await;
    assert_fails(&call, Failure::Tls(TlsProblem::Handshake));
    assert_eq!(call.certificate, None);
}
