//! The certificate that a host presented, and why it is not trusted. How soon it ends is judged by `incident`.

use serde::{Deserialize, Serialize};

use crate::incident::certificate::{Certificate, Level};

/// The parts of a leaf certificate that are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresentedCertificate {
    /// Seconds since 1970, UTC; it is valid from here ...
    pub not_before_s: i64,
    /// ... until here.
    pub not_after_s: i64,
    /// Its DNS names and addresses, at most `CERTIFICATE_NAMES` of `limits`.
    pub names: Vec<String>,
    pub issuer: String,
    /// Why it is not trusted. None if it is, or if the check does not ask for trust.
    pub problem: Option<TlsProblem>,
}

/// Why a TLS connection was not made or not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsProblem {
    Expired,
    NotYetValid,
    WrongName,
    SelfSigned,
    /// The chain does not end at a trusted authority; it may be incomplete.
    UnknownIssuer,
    Revoked,
    /// The certificate cannot be read, or breaks a rule.
    BadCertificate,
    /// The certificate was not the reason: protocol versions, ciphers, or a port that does not speak TLS.
    Handshake,
}

impl TlsProblem {
    /// In words that continue "the certificate" or "TLS".
    pub fn meaning(self) -> &'static str {
        match self {
            TlsProblem::Expired => "the certificate has expired",
            TlsProblem::NotYetValid => "the certificate is not valid yet",
            TlsProblem::WrongName => "the certificate is for other names",
            TlsProblem::SelfSigned => "the certificate is self-signed",
            TlsProblem::UnknownIssuer => {
                "the certificate's issuer is not trusted, or an intermediate certificate is missing"
            }
            TlsProblem::Revoked => "the certificate was revoked",
            TlsProblem::BadCertificate => "the certificate cannot be used",
            TlsProblem::Handshake => "no TLS connection could be agreed on",
        }
    }
}

impl PresentedCertificate {
    /// How urgent its expiry is.
    pub fn level(&self, now_ms: i64) -> Level {
        self.dates().level(now_ms)
    }

    pub fn dates(&self) -> Certificate {
        let to_ms = |seconds: i64| seconds.saturating_mul(1_000);
        Certificate {
            not_before_ms: to_ms(self.not_before_s),
            not_after_ms: to_ms(self.not_after_s),
        }
    }
}
