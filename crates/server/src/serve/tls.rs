//! TLS of the port: a certificate and its key out of two files, which are read again when they change, so that whoever renews
//! them need not restart the server.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use analytics::limits;
use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::server::TlsStream;

use crate::config::TlsFiles;

/// TLS of a port: shared by all of its connections.
pub struct ServerTls {
    files: TlsFiles,
    acceptor: TlsAcceptor,
    presented: Arc<Presented>,
    /// How the files looked when they were last read.
    seen: Mutex<Stamp>,
}

/// The certificate that the next connection gets.
#[derive(Debug)]
struct Presented(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Presented {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Time of change and size of certificate and key.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl ServerTls {
    /// An error names the setting of the file that cannot be used.
    pub fn open(files: &TlsFiles) -> anyhow::Result<ServerTls> {
        let seen = stamp(files);
        let presented = Arc::new(Presented(ArcSwap::from_pointee(read(files)?)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("TLS cannot be set up")?
            .with_no_client_auth()
            .with_cert_resolver(presented.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(ServerTls { files: files.clone(), acceptor, presented, seen: Mutex::new(seen) })
    }

    /// Agrees on TLS, within a time.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<TlsStream<S>> {
        let time = Duration::from_secs(limits::TLS_HANDSHAKE_SECONDS);
        tokio::time::timeout(time, self.acceptor.accept(stream)).await?
    }

    /// Reads the files again. Where they cannot be used, the certificate stays what it is.
    pub fn reload(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamp(&self.files);
        match read(&self.files) {
            Ok(certificate) => {
                self.presented.0.store(Arc::new(certificate));
                tracing::info!("the certificate was read again");
            }
            Err(problem) => tracing::error!(
                problem = format!("{problem:#}"),
                "the new certificate cannot be used; the one of before goes on being presented"
            ),
        }
    }

    fn has_changed(&self) -> bool {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) != stamp(&self.files)
    }
}

/// Reads the files when they have changed, until `stopping`. A pair that is written one after the other is read when it is whole:
/// the second file is another change.
pub(super) async fn follow(tls: Arc<ServerTls>, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(limits::TLS_LOOK_SECONDS)) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        if tls.has_changed() {
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
