//! The certificate that a connection gets: the port's, or a proof for an authority that asks for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// Certificates that the next connections get.
#[derive(Debug)]
pub struct Certificates {
    presented: ArcSwap<CertifiedKey>,
    /// Proofs that a name is ours, for an authority that was asked to verify it.
    proofs: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Certificates {
    pub fn new(presented: CertifiedKey) -> Arc<Certificates> {
        let presented = ArcSwap::from_pointee(presented);
        Arc::new(Certificates { presented, proofs: Mutex::default() })
    }

    pub fn present(&self, certificate: CertifiedKey) {
        self.presented.store(Arc::new(certificate));
    }

    pub fn add_proof(&self, name: String, proof: CertifiedKey) {
        self.proofs().insert(name, Arc::new(proof));
    }

    pub fn drop_proofs(&self) {
        self.proofs().clear();
    }

    fn proofs(&self) -> MutexGuard<'_, HashMap<String, Arc<CertifiedKey>>> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asks_for_proof =
            hello.alpn().is_some_and(|mut offered| offered.any(|name| name == PROOF));
        if asks_for_proof {
            return self.proofs().get(hello.server_name()?).cloned();
        }
        Some(self.presented.load_full())
    }
}

/// The protocol by which an authority asks for a proof (RFC 8737).
pub const PROOF: &[u8] = b"acme-tls/1";
