//! One check of a host: its phases, and every way in which it can fail. Its meaning for a monitor is in `monitor`.
//!
//! A failure has a stable code (stored, shown, filtered by), and a sentence that names no address and quotes nothing of
//! a response: the monitor's owner may see neither.

use std::fmt;
use std::time::Duration;

use crate::certificate::TlsProblem;

/// A phase of a check, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Dns,
    Connect,
    Tls,
    /// From sending the request to the head of the response.
    FirstByte,
    Body,
}

impl Phase {
    pub const ALL: [Phase; 5] =
        [Phase::Dns, Phase::Connect, Phase::Tls, Phase::FirstByte, Phase::Body];

    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Dns => "dns",
            Phase::Connect => "connect",
            Phase::Tls => "tls",
            Phase::FirstByte => "first_byte",
            Phase::Body => "body",
        }
    }

    fn doing(self) -> &'static str {
        match self {
            Phase::Dns => "looking up the name",
            Phase::Connect => "connecting",
            Phase::Tls => "agreeing on TLS",
            Phase::FirstByte => "waiting for the answer to begin",
            Phase::Body => "reading the body",
        }
    }
}

/// How long each phase took, summed over redirects. None if it was not reached or does not exist (no TLS for http).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases([Option<Duration>; Phase::ALL.len()]);

impl Phases {
    pub fn get(&self, phase: Phase) -> Option<Duration> {
        self.0[phase as usize]
    }

    pub fn add(&mut self, phase: Phase, took: Duration) {
        *self.0[phase as usize].get_or_insert_default() += took;
    }

    pub fn total(&self) -> Duration {
        self.0.iter().flatten().sum()
    }
}

/// Why a check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    NameNotFound,
    /// The name servers answered with an error or could not be reached.
    ResolverFailed,
    /// The name servers answer for no other name either. Says nothing about the host.
    NoNameServer,
    /// The server may not call this address.
    RefusedAddress,
    ConnectionRefused,
    /// No route to the address.
    Unreachable,
    TimedOut(Phase),
    Tls(TlsProblem),
    /// The connection ended before the answer did.
    ClosedEarly,
    /// The answer isn't valid HTTP.
    Protocol,
    HeadTooLarge,
    BodyTooLarge,
    TooManyRedirects,
    /// A redirect without a target, or to one that cannot be followed.
    BadRedirect,
    Status,
    /// The body fails the monitor's assertion.
    Assertion,
    /// A heartbeat that did not arrive in time.
    Missed,
    /// A heartbeat that reported a failure.
    ReportedFailure,
    /// This server could not check: it is out of files or memory. Says nothing about the host.
    Ours,
}

impl Failure {
    /// Every code with its meaning, in one line each. Those of timeouts and TLS in full.
    pub const ALL: [Failure; 30] = [
        Failure::NameNotFound,
        Failure::ResolverFailed,
        Failure::NoNameServer,
        Failure::RefusedAddress,
        Failure::ConnectionRefused,
        Failure::Unreachable,
        Failure::TimedOut(Phase::Dns),
        Failure::TimedOut(Phase::Connect),
        Failure::TimedOut(Phase::Tls),
        Failure::TimedOut(Phase::FirstByte),
        Failure::TimedOut(Phase::Body),
        Failure::Tls(TlsProblem::Expired),
        Failure::Tls(TlsProblem::NotYetValid),
        Failure::Tls(TlsProblem::WrongName),
        Failure::Tls(TlsProblem::SelfSigned),
        Failure::Tls(TlsProblem::UnknownIssuer),
        Failure::Tls(TlsProblem::Revoked),
        Failure::Tls(TlsProblem::BadCertificate),
        Failure::Tls(TlsProblem::Handshake),
        Failure::ClosedEarly,
        Failure::Protocol,
        Failure::HeadTooLarge,
        Failure::BodyTooLarge,
        Failure::TooManyRedirects,
        Failure::BadRedirect,
        Failure::Status,
        Failure::Assertion,
        Failure::Missed,
        Failure::ReportedFailure,
        Failure::Ours,
    ];

    /// Stable; stored and shown.
    pub fn code(self) -> &'static str {
        match self {
            Failure::NameNotFound => "name_not_found",
            Failure::ResolverFailed => "resolver_failed",
            Failure::NoNameServer => "no_name_server",
            Failure::RefusedAddress => "refused_address",
            Failure::ConnectionRefused => "connection_refused",
            Failure::Unreachable => "unreachable",
            Failure::TimedOut(Phase::Dns) => "timeout_dns",
            Failure::TimedOut(Phase::Connect) => "timeout_connect",
            Failure::TimedOut(Phase::Tls) => "timeout_tls",
            Failure::TimedOut(Phase::FirstByte) => "timeout_first_byte",
            Failure::TimedOut(Phase::Body) => "timeout_body",
            Failure::Tls(TlsProblem::Expired) => "tls_expired",
            Failure::Tls(TlsProblem::NotYetValid) => "tls_not_yet_valid",
            Failure::Tls(TlsProblem::WrongName) => "tls_wrong_name",
            Failure::Tls(TlsProblem::SelfSigned) => "tls_self_signed",
            Failure::Tls(TlsProblem::UnknownIssuer) => "tls_unknown_issuer",
            Failure::Tls(TlsProblem::Revoked) => "tls_revoked",
            Failure::Tls(TlsProblem::BadCertificate) => "tls_bad_certificate",
            Failure::Tls(TlsProblem::Handshake) => "tls_handshake",
            Failure::ClosedEarly => "closed_early",
            Failure::Protocol => "protocol",
            Failure::HeadTooLarge => "head_too_large",
            Failure::BodyTooLarge => "body_too_large",
            Failure::TooManyRedirects => "too_many_redirects",
            Failure::BadRedirect => "bad_redirect",
            Failure::Status => "status",
            Failure::Assertion => "assertion",
            Failure::Missed => "missed",
            Failure::ReportedFailure => "reported_failure",
            Failure::Ours => "ours",
        }
    }

    pub fn parse(code: &str) -> Option<Failure> {
        Failure::ALL.into_iter().find(|failure| failure.code() == code)
    }
}

/// One sentence without a full stop.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Failure::NameNotFound => "the name does not exist",
            Failure::ResolverFailed => "the name servers could not answer",
            Failure::NoNameServer => {
                "no name server answers this server, about this name or any other"
            }
            Failure::RefusedAddress => {
                "the address is inside a private or reserved network, which this server does not call; its operator allows \
                 networks with the setting `allow_networks`"
            }
            Failure::ConnectionRefused => "the connection was refused",
            Failure::Unreachable => "the host cannot be reached",
            Failure::TimedOut(phase) => return write!(f, "timed out while {}", phase.doing()),
            Failure::Tls(problem) => problem.meaning(),
            Failure::ClosedEarly => "the connection was closed before the answer was complete",
            Failure::Protocol => "the answer is not HTTP",
            Failure::HeadTooLarge => "the head of the answer is too large",
            Failure::BodyTooLarge => "the body is too large; check with HEAD, or a smaller page",
            Failure::TooManyRedirects => "too many redirects",
            Failure::BadRedirect => "a redirect cannot be followed",
            Failure::Status => "the status is not one that was expected",
            Failure::Assertion => "the body is not as expected",
            Failure::Missed => "no heartbeat came in time",
            Failure::ReportedFailure => "the job reported a failure",
            Failure::Ours => "this server could not look: it is short of files or memory",
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_code_of_its_own_that_is_read_back() {
        for failure in Failure::ALL {
            assert_eq!(Failure::parse(failure.code()), Some(failure));
            assert!(failure.to_string().len() > 10);
        }
        assert_eq!(Failure::parse("nothing"), None);
    }

    #[test]
    fn phases_add_up_over_redirects() {
        let mut phases = Phases::default();
        assert_eq!((phases.get(Phase::Tls), phases.total()), (None, Duration::ZERO));
        phases.add(Phase::Dns, Duration::from_millis(3));
        phases.add(Phase::Dns, Duration::from_millis(4));
        phases.add(Phase::Body, Duration::from_millis(5));
        assert_eq!(phases.get(Phase::Dns), Some(Duration::from_millis(7)));
        assert_eq!(phases.total(), Duration::from_millis(12));
    }
}
