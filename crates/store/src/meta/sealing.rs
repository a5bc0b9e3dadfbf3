//! Settings with credentials are encrypted in the file with a key derived from the server's secret, and readable only
//! in memory. A copy of `meta.sqlite` has both, so it is as secret as they are; a fragment of it, or a log, reveals
//! nothing.

use analytics::hit::ProjectId;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::secrets::ServerSecret;

/// Bytes that must be used only once.
pub type FreshNonce = [u8; NONCE_LEN];

pub(super) struct Sealing {
    key: LessSafeKey,
    nonces: [u8; 32],
}

/// A ciphertext's row, so that it cannot be moved to another.
#[derive(Clone, Copy)]
pub(super) struct Belonging {
    pub project: ProjectId,
    pub created_us: i64,
}

impl Sealing {
    /// `purpose`: a constant per kind of settings.
    pub(super) fn new(secret: &ServerSecret, purpose: &str) -> Result<Sealing, sqlx::Error> {
        let key = secret.derive(purpose);
        let nonces = blake3::derive_key("api-analytics 2026 nonces", &key);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key).map_err(|_| damaged())?;
        Ok(Sealing { key: LessSafeKey::new(key), nonces })
    }

    pub(super) fn seal(
        &self,
        of: Belonging,
        nonce: FreshNonce,
        mut bytes: Vec<u8>,
    ) -> Result<Vec<u8>, sqlx::Error> {
        let nonce_of_key = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(nonce_of_key, Aad::from(of.to_bytes()), &mut bytes)
            .map_err(|_| damaged())?;
        let mut sealed = nonce.to_vec();
        sealed.append(&mut bytes);
        Ok(sealed)
    }

    /// With a nonce derived from the content: it repeats only for the same text of the same row, whose ciphertext is
    /// then the same.
    pub(super) fn seal_by_content(
        &self,
        of: Belonging,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, sqlx::Error> {
        let mut hasher = blake3::Hasher::new_keyed(&self.nonces);
        hasher.update(&of.to_bytes()).update(&bytes);
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&hasher.finalize().as_bytes()[..NONCE_LEN]);
        self.seal(of, nonce, bytes)
    }

    pub(super) fn open(&self, of: Belonging, sealed: &[u8]) -> Result<Vec<u8>, sqlx::Error> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut bytes = sealed.to_vec();
        let opened = self.key.open_in_place(nonce, Aad::from(of.to_bytes()), &mut bytes);
        let length = opened.map_err(|_| damaged())?.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl Belonging {
    fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.project.0.to_le_bytes());
        bytes[4..].copy_from_slice(&self.created_us.to_le_bytes());
        bytes
    }
}

fn damaged() -> sqlx::Error {
    sqlx::Error::Protocol("settings that are kept encrypted are damaged".into())
}
