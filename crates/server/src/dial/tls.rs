//! TLS of a call: the trusted authorities, and a note of the certificate that the host presented, even if it is
//! refused, so that its dates and names can be shown.
//!
//! Trusted are the authorities of the system, where operators add their own and updates arrive; if it has none, as in a
//! bare container, Mozilla's, which are built in; and those of the setting `trusted_certificates`.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use analytics::certificate::{PresentedCertificate, TlsProblem};
use analytics::check::{Failure, Phase};
use analytics::limits;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::time_provider::TimeProvider;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use url::Host;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Trace;
use crate::clock::Clock;

/// State that all TLS connections share.
pub struct Tls {
    provider: Arc<CryptoProvider>,
    /// None if no authority can be read: then every certificate has an unknown issuer.
    verifier: Option<Arc<WebPkiServerVerifier>>,
    clock: Clock,
}

impl Tls {
    pub fn new(authorities: &[CertificateDer<'static>], clock: Clock) -> Tls {
        let provider = Arc::new(ring::default_provider());
        let system = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(system.certs);
        if roots.is_empty() {
            tracing::info!(
                "the system has no certificate authorities; Mozilla's, built in, are used"
            );
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        roots.add_parsable_certificates(authorities.iter().cloned());
        let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier = built.build().map_err(|problem| {
            tracing::error!(%problem, "no certificate can be verified");
        });
        Tls { provider, verifier: verifier.ok(), clock }
    }

    /// Performs the TLS handshake over `stream`. Notes the presented certificate in `trace`, trusted or not.
    pub async fn connect(
        &self,
        stream: TcpStream,
        host: &Host<String>,
        verify: bool,
        trace: &mut Trace,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        trace.enter(Phase::Tls);
        let name = server_name(host).ok_or(Failure::Tls(TlsProblem::WrongName))?;
        let noting = Arc::new(NotingVerifier {
            provider: self.provider.clone(),
            verifier: self.verifier.clone(),
            verify,
            presented: Mutex::default(),
        });
        let mut config = ClientConfig::builder_with_details(
            self.provider.clone(),
            Arc::new(Now(self.clock.clone())),
        )
        .with_safe_default_protocol_versions()
        .map_err(|_| Failure::Tls(TlsProblem::Handshake))?
        .dangerous()
        .with_custom_certificate_verifier(noting.clone())
        .with_no_client_auth();
        config.resumption = Resumption::disabled();
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let presented = noting.presented.lock().unwrap_or_else(PoisonError::into_inner).take();
        let refused = presented.as_ref().and_then(|presented| presented.problem);
        trace.certificate = presented;
        connected.map_err(|problem| match refused {
            Some(reason) if verify => Failure::Tls(reason),
            _ => classify(&problem),
        })
    }
}

/// For the handshake and the certificate.
fn server_name(host: &Host<String>) -> Option<ServerName<'static>> {
    match host {
        // A trailing dot makes a name absolute and is not part of it.
        Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned()).ok(),
        Host::Ipv4(address) => Some(ServerName::from(std::net::IpAddr::from(*address))),
        Host::Ipv6(address) => Some(ServerName::from(std::net::IpAddr::from(*address))),
    }
}

fn classify(problem: &io::Error) -> Failure {
    let tls = problem.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match (tls, problem.kind()) {
        (Some(Error::InvalidCertificate(problem)), _) => Failure::Tls(reason(problem)),
        (Some(_), _) => Failure::Tls(TlsProblem::Handshake),
        (None, io::ErrorKind::InvalidData) => Failure::Tls(TlsProblem::Handshake),
        (None, _) => Failure::ClosedEarly,
    }
}

fn reason(problem: &CertificateError) -> TlsProblem {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsProblem::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsProblem::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsProblem::WrongName
        }
        CertificateError::UnknownIssuer => TlsProblem::UnknownIssuer,
        CertificateError::Revoked => TlsProblem::Revoked,
        _ => TlsProblem::BadCertificate,
    }
}

/// Our clock's time.
#[derive(Debug)]
struct Now(Clock);

impl TimeProvider for Now {
    fn current_time(&self) -> Option<UnixTime> {
        let now_us = u64::try_from(self.0.now_us()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_micros(now_us)))
    }
}

/// Verifies, after noting what was presented.
#[derive(Debug)]
struct NotingVerifier {
    provider: Arc<CryptoProvider>,
    verifier: Option<Arc<WebPkiServerVerifier>>,
    /// Whether an untrusted certificate ends the handshake.
    verify: bool,
    presented: Mutex<Option<PresentedCertificate>>,
}

impl ServerCertVerifier for NotingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = match &self.verifier {
            Some(verifier) => verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        };
        let problem = verified.as_ref().err().map(|problem| match problem {
            Error::InvalidCertificate(problem) => reason(problem),
            _ => TlsProblem::BadCertificate,
        });
        let presented = read(end_entity, problem, now);
        let trusted = presented.as_ref().is_some_and(|presented| presented.problem.is_none());
        *self.presented.lock().unwrap_or_else(PoisonError::into_inner) = presented;
        match verified {
            Err(problem) if self.verify => Err(problem),
            Ok(_) if self.verify && !trusted => {
                Err(Error::InvalidCertificate(CertificateError::BadEncoding))
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The parts of a certificate that are shown. None if it can't be parsed.
/// || The verifier names the first problem that it meets, which for an untrusted certificate is its issuer. Dates are
/// checked here as well: an expired certificate is something that its owner can fix.
fn read(
    certificate: &CertificateDer<'_>,
    problem: Option<TlsProblem>,
    now: UnixTime,
) -> Option<PresentedCertificate> {
    let (_, read) = X509Certificate::from_der(certificate).ok()?;
    let not_before_s = read.validity().not_before.timestamp();
    let not_after_s = read.validity().not_after.timestamp();
    let now_s = now.as_secs() as i64;
    let is_self_signed = read.issuer().as_raw() == read.subject().as_raw();
    let problem = problem.map(|problem| match problem {
        _ if now_s > not_after_s => TlsProblem::Expired,
        _ if now_s < not_before_s => TlsProblem::NotYetValid,
        TlsProblem::UnknownIssuer | TlsProblem::BadCertificate if is_self_signed => {
            TlsProblem::SelfSigned
        }
        other => other,
    });
    let names = read.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(to_text);
    let names: Vec<String> = names.take(limits::CERTIFICATE_NAMES as usize).collect();
    let issuer = common_name(&read).unwrap_or_else(|| cut(&read.issuer().to_string()));
    Some(PresentedCertificate { not_before_s, not_after_s, names, issuer, problem })
}

fn common_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let issuer = certificate.issuer();
    let names = issuer.iter_organization().chain(issuer.iter_common_name());
    let names: Vec<&str> = names.filter_map(|name| name.as_str().ok()).collect();
    (!names.is_empty()).then(|| cut(&names.join(", ")))
}

fn to_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(cut(name)),
        GeneralName::IPAddress(bytes) => match *bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
            bytes => <[u8; 16]>::try_from(bytes)
                .ok()
                .map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}

/// A stranger's text: shortened and without invisible characters.
fn cut(text: &str) -> String {
    let shown = text.chars().filter(|character| !character.is_control());
    shown.take(limits::HOST_CHARACTERS as usize).collect()
}
