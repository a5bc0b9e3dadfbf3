//! Keys, dashboard ids and the server's secret: parsing, display and hashing.
//!
//! Keys have 122 random bits, so one keyed hash is enough at rest; slow password hashes exist for guessable secrets.

use std::fmt;

/// 32 random bytes, created at the first start. Each use derives its own key, so that a value made for one purpose
/// reveals nothing about another.
pub struct ServerSecret {
    secret: [u8; 32],
    key_hashes: [u8; 32],
    dashboard_ids: [u8; 32],
    session_hashes: [u8; 32],
    share_link_hashes: [u8; 32],
    heartbeats: [u8; 32],
    acknowledgements: [u8; 32],
}

impl ServerSecret {
    pub(super) fn new(secret: [u8; 32]) -> ServerSecret {
        ServerSecret {
            key_hashes: blake3::derive_key("api-analytics 2026 hash of a key", &secret),
            dashboard_ids: blake3::derive_key("api-analytics 2026 dashboard id", &secret),
            session_hashes: blake3::derive_key(
                "api-analytics 2026 hash of a session's token",
                &secret,
            ),
            share_link_hashes: blake3::derive_key(
                "api-analytics 2026 hash of a share link's token",
                &secret,
            ),
            heartbeats: blake3::derive_key("api-analytics 2026 heartbeat", &secret),
            acknowledgements: blake3::derive_key("api-analytics 2026 acknowledgement", &secret),
            secret,
        }
    }

    /// A key for `purpose` (a constant that no other caller uses).
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        blake3::derive_key(purpose, &self.secret)
    }

    pub(super) fn hash_key(&self, key: &Key) -> SecretHash {
        *blake3::keyed_hash(&self.key_hashes, &key.0).as_bytes()
    }

    pub(super) fn hash_session(&self, token: &Token) -> SecretHash {
        *blake3::keyed_hash(&self.session_hashes, &token.0).as_bytes()
    }

    pub(super) fn hash_share_link(&self, token: &Token) -> SecretHash {
        *blake3::keyed_hash(&self.share_link_hashes, &token.0).as_bytes()
    }

    pub(super) fn hash_user_id(&self, id: &DashboardId) -> SecretHash {
        let mut hasher = blake3::Hasher::new_keyed(&self.dashboard_ids);
        hasher.update(b"imported");
        hasher.update(&id.0);
        *hasher.finalize().as_bytes()
    }

    /// The secret in a heartbeat's address. It depends on the monitor's creation time, so that a number that an older
    /// copy of the file assigns again gets another one.
    pub(super) fn heartbeat(&self, monitor: i64, created_us: i64) -> Token {
        token(&self.heartbeats, &[monitor, created_us])
    }

    /// The secret in the link that acknowledges an incident of a monitor (or, below 0, of a rule).
    pub(super) fn acknowledgement(&self, source: i64, created_us: i64, number: u64) -> Token {
        token(&self.acknowledgements, &[source, created_us, number as i64])
    }

    pub(super) fn dashboard_id(&self, project: u32, generation: u32) -> DashboardId {
        let mut hasher = blake3::Hasher::new_keyed(&self.dashboard_ids);
        hasher.update(b"made");
        hasher.update(&project.to_le_bytes());
        hasher.update(&generation.to_le_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        DashboardId(as_uuid(bytes))
    }
}

fn token(key: &[u8; 32], of: &[i64]) -> Token {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for number in of {
        hasher.update(&number.to_le_bytes());
    }
    let mut bytes = [0; 24];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..24]);
    Token(bytes)
}

pub(super) type SecretHash = [u8; 32];

/// A project's secret, a UUID.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; 16]);

/// A project's second secret, a UUID: the original's "user id".
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DashboardId([u8; 16]);

/// The secret of a session, a share link or a heartbeat: 48 hexadecimal digits, so that it is never mistaken for a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token([u8; 24]);

impl Token {
    /// A new token from 24 random bytes.
    pub fn from_random(bytes: [u8; 24]) -> Token {
        Token(bytes)
    }

    pub fn parse(text: &str) -> Option<Token> {
        let mut bytes = [0u8; 24];
        if text.len() != 2 * bytes.len() {
            return None;
        }
        for (place, character) in text.bytes().enumerate() {
            let digit = (character as char).to_digit(16)? as u8;
            bytes[place / 2] = bytes[place / 2] << 4 | digit;
        }
        Some(Token(bytes))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Key {
    /// A new key from 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Key {
        Key(as_uuid(bytes))
    }

    /// Reads a UUID in any case, with or without dashes, quotes around it stripped.
    pub fn parse(text: &str) -> Option<Key> {
        parse_uuid(text).map(Key)
    }

    /// The first characters, by which its owner recognises it.
    pub fn prefix(&self) -> String {
        self.to_string()[..6].to_owned()
    }
}

impl DashboardId {
    /// Reads a UUID in any case, with or without dashes, quotes around it stripped.
    pub fn parse(text: &str) -> Option<DashboardId> {
        parse_uuid(text).map(DashboardId)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_uuid(&self.0, f)
    }
}

impl fmt::Display for DashboardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_uuid(&self.0, f)
    }
}

// Secrets must not reach a log as part of a value printed for debugging.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl fmt::Debug for DashboardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DashboardId(..)")
    }
}

impl fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSecret(..)")
    }
}

/// Sets the bits that mark a random UUID (version 4, RFC 9562).
fn as_uuid(mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    bytes
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.trim().trim_matches(['"', '\'']);
    let mut bytes = [0u8; 16];
    let mut digits = 0;
    for character in text.bytes().filter(|character| *character != b'-') {
        let digit = (character as char).to_digit(16)? as u8;
        *bytes.get_mut(digits / 2)? |= if digits % 2 == 0 { digit << 4 } else { digit };
        digits += 1;
    }
    (digits == 32).then_some(bytes)
}

fn show_uuid(bytes: &[u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            f.write_str("-")?;
        }
        write!(f, "{byte:02x}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_people_paste_it() {
        let key = Key::parse("0b0f5a6e-2a33-4c55-9d1e-0123456789ab").unwrap();
        for text in [
            "0B0F5A6E-2A33-4C55-9D1E-0123456789AB",
            "0b0f5a6e2a334c559d1e0123456789ab",
            "\"0b0f5a6e-2a33-4c55-9d1e-0123456789ab\"",
            " '0b0f5a6e-2a33-4c55-9d1e-0123456789ab'\n",
        ] {
            assert_eq!(Key::parse(text), Some(key), "{text}");
        }
        assert_eq!(key.to_string(), "0b0f5a6e-2a33-4c55-9d1e-0123456789ab");
        for text in [
            "",
            "0b0f5a6e",
            "0b0f5a6e-2a33-4c55-9d1e-0123456789abc",
            "zb0f5a6e-2a33-4c55-9d1e-0123456789ab",
        ] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_dashboard_id_depends_on_secret_project_and_generation() {
        let (one, other) = (ServerSecret::new([1; 32]), ServerSecret::new([2; 32]));
        let id = one.dashboard_id(7, 0);
        assert_eq!(id, one.dashboard_id(7, 0));
        assert_eq!(DashboardId::parse(&id.to_string()), Some(id));
        for different in [one.dashboard_id(7, 1), one.dashboard_id(8, 0), other.dashboard_id(7, 0)]
        {
            assert_ne!(id, different);
        }
    }

    #[test]
    fn a_token_is_read_back_and_is_no_key() {
        let token = Token::from_random(std::array::from_fn(|place| place as u8 * 11));
        let text = token.to_string();
        assert_eq!(Token::parse(&text), Some(token));
        assert_eq!(Token::parse(&text.to_uppercase()), Some(token));
        assert!(Key::parse(&text).is_none());
        for wrong in ["", &text[1..], &format!("{text}0"), &text.replacen('0', "g", 1)] {
            assert_eq!(Token::parse(wrong), None, "{wrong}");
        }
        let secret = ServerSecret::new([1; 32]);
        assert_ne!(secret.hash_session(&token), secret.hash_share_link(&token));
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let key = Key::from_random([0xab; 16]);
        let token = Token::from_random([0xab; 24]);
        let shown = format!("{key:?} {token:?} {:?}", ServerSecret::new([0xab; 32]));
        assert!(!shown.contains("ab"), "{shown}");
    }
}
