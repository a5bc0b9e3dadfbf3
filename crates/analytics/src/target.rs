//! Parses the targets of checks and notices: a web address, or a host with a port.
//!
//! A single parser decides, the WHATWG's, which resolves every spelling of a numeric host (`0x7f.1`, `2130706433`,
//! full-width digits) to its address. A text that other parsers read differently is refused. Whether the address may be
//! called is judged elsewhere (`address`), at each call.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use crate::address::{self, Special};
use crate::limits;

/// Why a text is not a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("is empty")]
    Empty,
    #[error("is longer than {} characters", limits::TARGET_CHARACTERS)]
    TooLong,
    #[error(
        "has a space, a control character or a backslash in it, which programs read differently; encode it or take it out"
    )]
    Ambiguous,
    #[error("begins with `{0}:`; only http:// and https:// can be checked")]
    Scheme(String),
    #[error("has a user name or a password in it; send them in a header such as Authorization")]
    UserInfo,
    #[error("names no host")]
    NoHost,
    #[error(
        "has no port from 1 to 65535; write HOST:PORT, such as db.example.com:5432 or [2001:db8::1]:5432"
    )]
    NoPort,
    #[error("cannot be read: {0}")]
    Unreadable(url::ParseError),
}

/// A host and a port, for a connection without HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    pub host: Host<String>,
    pub port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A web address, normalised; its fragment is cut off.
pub fn parse_url(text: &str) -> Result<Url, TargetError> {
    let text = text.trim();
    check_text(text)?;
    let mut url = Url::parse(text).map_err(TargetError::Unreadable)?;
    check_url(&url)?;
    url.set_fragment(None);
    Ok(url)
}

/// The target of a redirect, under the same rules as an address that somebody typed.
pub fn parse_redirect(from: &Url, location: &str) -> Result<Url, TargetError> {
    let location = location.trim();
    check_text(location)?;
    let mut url = from.join(location).map_err(TargetError::Unreadable)?;
    check_url(&url)?;
    url.set_fragment(None);
    Ok(url)
}

/// `HOST:PORT`; an IPv6 address is in brackets.
pub fn parse_host_port(text: &str) -> Result<HostPort, TargetError> {
    let text = text.trim();
    check_text(text)?;
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(TargetError::Scheme(scheme.to_owned()));
    }
    if text.contains('@') {
        return Err(TargetError::UserInfo);
    }
    let (host, port) = text.rsplit_once(':').ok_or(TargetError::NoPort)?;
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port =
        port.parse().ok().filter(|port| *port > 0 && is_number).ok_or(TargetError::NoPort)?;
    if host.is_empty() {
        return Err(TargetError::NoHost);
    }
    // The parser of URL hosts, so that `0x7f000001` is an address here too.
    let host = Host::parse(host).map_err(TargetError::Unreadable)?;
    check_host(Some(&host))?;
    Ok(HostPort { host, port })
}

/// The address, if the host is one; none for a name.
pub fn literal<S>(host: &Host<S>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some((*address).into()),
    }
}

/// For a readable message on saving: an error if the host is an address that would be refused. A name passes; its
/// addresses are judged at each connection.
pub fn judge_literal<S>(host: &Host<S>, allowed: &[IpNet]) -> Result<(), Special> {
    literal(host).map_or(Ok(()), |address| address::judge(address, allowed))
}

fn check_text(text: &str) -> Result<(), TargetError> {
    if text.is_empty() {
        return Err(TargetError::Empty);
    }
    if text.chars().count() > limits::TARGET_CHARACTERS as usize {
        return Err(TargetError::TooLong);
    }
    // Full-width and other spaces too.
    let is_ambiguous =
        |character: char| character.is_whitespace() || character.is_control() || character == '\\';
    if text.contains(is_ambiguous) {
        return Err(TargetError::Ambiguous);
    }
    Ok(())
}

fn check_url(url: &Url) -> Result<(), TargetError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(TargetError::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(TargetError::UserInfo);
    }
    if url.port() == Some(0) {
        return Err(TargetError::NoPort);
    }
    check_host(url.host().as_ref())
}

fn check_host<S: AsRef<str>>(host: Option<&Host<S>>) -> Result<(), TargetError> {
    match host {
        Some(Host::Domain(name)) if name.as_ref().trim_matches('.').is_empty() => {
            Err(TargetError::NoHost)
        }
        Some(_) => Ok(()),
        None => Err(TargetError::NoHost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_normalised() {
        for (text, expected) in [
            ("https://Example.COM", "https://example.com/"),
            (" http://example.com:80/a?b=c#d ", "http://example.com/a?b=c"),
            ("https://b\u{fc}cher.example/\u{fc}", "https://xn--bcher-kva.example/%C3%BC"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/", "http://127.0.0.1/"),
        ] {
            assert_eq!(parse_url(text).map(String::from), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_told_why() {
        for (text, expected) in [
            ("", TargetError::Empty),
            ("http://a b/", TargetError::Ambiguous),
            ("http://example.com\\@10.0.0.1/", TargetError::Ambiguous),
            ("http://exa\tmple.com/", TargetError::Ambiguous),
            ("http://example.com/\u{3000}a", TargetError::Ambiguous),
            ("ftp://example.com/", TargetError::Scheme("ftp".into())),
            ("file:///etc/passwd", TargetError::Scheme("file".into())),
            ("gopher://example.com/", TargetError::Scheme("gopher".into())),
            ("http://user@example.com/", TargetError::UserInfo),
            ("http://example.com:80@10.0.0.1/", TargetError::UserInfo),
            ("http://:secret@example.com/", TargetError::UserInfo),
            ("http://example.com:0/", TargetError::NoPort),
            ("example.com", TargetError::Unreadable(url::ParseError::RelativeUrlWithoutBase)),
            ("http://999.1.1.1/", TargetError::Unreadable(url::ParseError::InvalidIpv4Address)),
            (
                "http://[fe80::1%25eth0]/",
                TargetError::Unreadable(url::ParseError::InvalidIpv6Address),
            ),
            ("http://./", TargetError::NoHost),
        ] {
            assert_eq!(parse_url(text).map(String::from), Err(expected), "{text:?}");
        }
        assert_eq!(
            parse_url(&format!("http://example.com/{}", "a".repeat(2_048))),
            Err(TargetError::TooLong)
        );
    }

    #[test]
    fn a_host_with_a_port_is_read_as_in_a_url() {
        for (text, host) in [
            ("db.example.com:5432", "db.example.com"),
            ("0x7f000001:5432", "127.0.0.1"),
            ("2130706433:5432", "127.0.0.1"),
            ("0177.0.0.1:5432", "127.0.0.1"),
            ("127.1.:5432", "127.0.0.1"),
            ("[::ffff:7f00:1]:5432", "[::ffff:7f00:1]"),
            ("\u{2460}27.0.0.1:5432", "127.0.0.1"),
        ] {
            let target = parse_host_port(text).unwrap();
            assert_eq!((target.host.to_string().as_str(), target.port), (host, 5_432), "{text}");
        }
        for (text, expected) in [
            ("example.com", TargetError::NoPort),
            ("example.com:", TargetError::NoPort),
            ("example.com:0", TargetError::NoPort),
            ("example.com:65536", TargetError::NoPort),
            ("example.com:+80", TargetError::NoPort),
            (":80", TargetError::NoHost),
            ("tcp://example.com:80", TargetError::Scheme("tcp".into())),
            ("user@example.com:80", TargetError::UserInfo),
            ("a/b:80", TargetError::Unreadable(url::ParseError::IdnaError)),
            ("::1:80", TargetError::Unreadable(url::ParseError::IdnaError)),
        ] {
            assert_eq!(parse_host_port(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn a_redirect_is_held_to_the_same_rules() {
        let from = parse_url("https://example.com/a/b").unwrap();
        let to = |location: &str| parse_redirect(&from, location).map(String::from);
        assert_eq!(to("../c#top"), Ok("https://example.com/c".to_owned()));
        assert_eq!(to("//other.example/"), Ok("https://other.example/".to_owned()));
        assert_eq!(to("file:///etc/passwd"), Err(TargetError::Scheme("file".into())));
        assert_eq!(to("http://a@other.example/"), Err(TargetError::UserInfo));
        assert_eq!(to("\\\\10.0.0.1\\"), Err(TargetError::Ambiguous));
        assert_eq!(to(""), Err(TargetError::Empty));
    }

    #[test]
    fn an_address_is_judged_when_it_is_written_and_a_name_is_not() {
        let judged = |text: &str| judge_literal(&parse_url(text).unwrap().host().unwrap(), &[]);
        assert_eq!(judged("http://10.0.0.1/"), Err(Special::Private));
        assert_eq!(judged("http://[::1]/"), Err(Special::Loopback));
        assert_eq!(judged("http://8.8.8.8/"), Ok(()));
        assert_eq!(judged("http://localhost/"), Ok(()));
    }
}
