//! TLS of the port. Certificate and key come from two files, which are read again when they change, so that a renewal needs no
//! restart; or the server orders them itself (`acme`).

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use analytics::limits;
use anyhow::{Context, bail};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::server::TlsStream;

use super::acme;
use super::certificates::{Certificates, PROOF};
use crate::app::SharedApp;
use crate::config::{AcmeOrder, TlsFiles, TlsSource};

/// TLS of a port, shared by all of its connections.
pub struct ServerTls {
    acceptor: TlsAcceptor,
    certificates: Arc<Certificates>,
    source: Source,
}

enum Source {
    /// With their state when they were last read.
    Files(TlsFiles, Mutex<Stamp>),
    Order(AcmeOrder),
}

/// Time of change and size of certificate and key.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl ServerTls {
    /// `data`: the folder where an ordered certificate is kept. An error names the setting that cannot be used.
    pub fn open(source: &TlsSource, data: &Path) -> anyhow::Result<ServerTls> {
        let (source, certificate) = match source {
            TlsSource::Files(files) => {
                let seen = Mutex::new(stamp(files));
                (Source::Files(files.clone(), seen), read(files)?)
            }
            TlsSource::Acme(order) => {
                (Source::Order(order.clone()), acme::kept_or_placeholder(data, order)?)
            }
        };
        let certificates = Certificates::new(certificate);
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("TLS cannot be set up")?
            .with_no_client_auth()
            .with_cert_resolver(certificates.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if matches!(source, Source::Order(_)) {
            config.alpn_protocols.push(PROOF.to_vec());
        }
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(ServerTls { acceptor, certificates, source })
    }

    /// Performs the handshake, within a time. None: an authority only looked at a proof.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<Option<TlsStream<S>>> {
        let time = Duration::from_secs(limits::TLS_HANDSHAKE_SECONDS);
        let mut stream = tokio::time::timeout(time, self.acceptor.accept(stream)).await??;
        if stream.get_ref().1.alpn_protocol() == Some(PROOF) {
            let _ = tokio::time::timeout(time, stream.shutdown()).await;
            return Ok(None);
        }
        Ok(Some(stream))
    }

    /// Reads the files again. If they are unusable, the old certificate stays.
    pub fn reload(&self) {
        let Source::Files(files, seen) = &self.source else { return };
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = stamp(files);
        match read(files) {
            Ok(certificate) => {
                self.certificates.present(certificate);
                tracing::info!("the certificate was read again");
            }
            Err(problem) => tracing::error!(
                problem = format!("{problem:#}"),
                "the new certificate cannot be used; the one of before goes on being presented"
            ),
        }
    }
}

/// Keeps the certificate a valid one until `stopping`: files are read when they have changed, an ordered one is renewed.
pub(super) async fn keep(tls: Arc<ServerTls>, app: SharedApp, stopping: watch::Receiver<bool>) {
    match &tls.source {
        Source::Files(files, seen) => follow(&tls, files, seen, stopping).await,
        Source::Order(order) => acme::keep(order, &tls.certificates, &app, stopping).await,
    }
}

/// Reads the files when they change. A pair that is written one file after the other is read once it is complete: the second
/// file is another change.
async fn follow(
    tls: &ServerTls,
    files: &TlsFiles,
    seen: &Mutex<Stamp>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(limits::TLS_LOOK_SECONDS)) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        let has_changed = *seen.lock().unwrap_or_else(PoisonError::into_inner) != stamp(files);
        if has_changed {
            tls.reload();
        }
    }
}

fn read(files: &TlsFiles) -> anyhow::Result<CertifiedKey> {
    let (certificate, key) = (&files.certificate, &files.key);
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(|chain| chain.collect::<Result<Vec<_>, _>>())
        .with_context(|| format!("`tls_certificate`: {} cannot be read", certificate.display()))?;
    if chain.is_empty() {
        bail!("`tls_certificate`: {} holds no certificate in PEM", certificate.display());
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("`tls_key`: {} cannot be read", key.display()))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider())
        .with_context(|| format!("`tls_key`: {} does not fit the certificate", key.display()))
}

fn stamp(files: &TlsFiles) -> Stamp {
    let of = |file: &Path| {
        let found = std::fs::metadata(file).ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    [of(&files.certificate), of(&files.key)]
}
