//! The logo of a status page: a small image, recognised by its first bytes. SVG is refused because it can hold scripts.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::StatusPageError;
use crate::limits;

/// An image as it is stored and sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    bytes: Vec<u8>,
    content_type: &'static str,
}

impl Logo {
    /// From base64, alone or as a `data:` address.
    pub fn from_base64(text: &str) -> Result<Logo, StatusPageError> {
        let text = text.trim();
        let encoded = match text.strip_prefix("data:") {
            Some(rest) => {
                let (_, encoded) =
                    rest.split_once(";base64,").ok_or(StatusPageError::LogoEncoding)?;
                encoded
            }
            None => text,
        };
        // Refused before it is decoded: four characters are three bytes.
        if encoded.len() as u64 / 4 * 3 > limits::STATUS_LOGO_BYTES + 3 {
            return Err(StatusPageError::LogoSize);
        }
        let bytes = STANDARD.decode(encoded).map_err(|_| StatusPageError::LogoEncoding)?;
        Logo::from_bytes(bytes)
    }

    pub fn from_bytes(bytes: Vec<u8>) -> Result<Logo, StatusPageError> {
        if bytes.len() as u64 > limits::STATUS_LOGO_BYTES {
            return Err(StatusPageError::LogoSize);
        }
        let content_type = content_type(&bytes).ok_or(StatusPageError::LogoKind)?;
        Ok(Logo { bytes, content_type })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn content_type(&self) -> &'static str {
        self.content_type
    }
}

/// Without the image.
impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({}, {} bytes)", self.content_type, self.bytes.len())
    }
}

fn content_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else {
        None
    }
}
