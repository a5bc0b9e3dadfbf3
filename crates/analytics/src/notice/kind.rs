//! A kind of channel as a row of the table, and the checks of settings that several kinds share.

use thiserror::Error;

use crate::limits;

/// A row of `CHANNELS`.
#[derive(Clone, Copy, Debug)]
pub struct Channel {
    /// `kind` in JSON and in `monitors.toml`.
    pub name: &'static str,
    pub label: &'static str,
    /// Fields that are shown once and kept encrypted.
    pub secrets: &'static [&'static str],
    /// The least time between two notices to one channel.
    pub gap_ms: i64,
    /// The service keeps state per thread, so every notice of a thread is sent by itself and in order: no digests, no
    /// combined ones.
    pub keeps_state: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChannelError {
    #[error("`{field}` must be an address that begins with {expected}")]
    Address { field: &'static str, expected: &'static str },
    #[error("`{field}` is not {expected}")]
    Invalid { field: &'static str, expected: &'static str },
}

/// Checks that an address begins with one of `prefixes` and has nothing that an HTTP client would have to guess about.
pub(super) fn check_address(
    field: &'static str,
    address: &str,
    prefixes: &[&str],
    expected: &'static str,
) -> Result<(), ChannelError> {
    let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let fits = address.len() as u64 <= limits::PATH_CHARACTERS;
    let begins =
        prefixes.iter().any(|prefix| address.starts_with(prefix) && address.len() > prefix.len());
    match is_plain && fits && begins {
        true => Ok(()),
        false => Err(ChannelError::Address { field, expected }),
    }
}

/// Checks the address of a server, to which paths are added.
pub(super) fn check_server(field: &'static str, address: &str) -> Result<(), ChannelError> {
    check_address(field, address, &["https://", "http://"], "https://")?;
    match address.contains(['?', '#', '@']) {
        true => Err(ChannelError::Invalid { field, expected: "the address of a server" }),
        false => Ok(()),
    }
}

/// Checks for visible ASCII, which is safe in a header.
pub(super) fn check_token(
    field: &'static str,
    token: &str,
    expected: &'static str,
) -> Result<(), ChannelError> {
    let is_token = token.bytes().all(|byte| byte.is_ascii_graphic()) && !token.is_empty();
    match is_token && token.len() <= 512 {
        true => Ok(()),
        false => Err(ChannelError::Invalid { field, expected }),
    }
}
