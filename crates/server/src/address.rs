//! The other end of a call: the client's address, and the address by which the client reached us.
//!
//! Headers are trusted only if the connection comes from a proxy that the operator trusts.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::Request;
use axum::http::{HeaderMap, Version, header};
use ipnet::IpNet;

use crate::config::Settings;
use crate::error::{ApiError, Code};

/// The other end of the connection; the connection loop attaches it to every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The client's address: the last one in `X-Forwarded-For` that is not a trusted proxy's, if the connection comes from
/// a trusted proxy; else the connection's.
pub fn client_address(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer.0.ip().to_canonical();
    if trusted.is_empty() || !is_trusted(client) {
        return client;
    }
    let forwarded =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    for hop in hops.iter().rev() {
        let Some(address) = parse_hop(hop.trim()) else { break };
        client = address;
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// True if the call was made on this machine and not passed on by a proxy that hides its caller.
pub fn is_local(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let passed_on = ["forwarded", "x-forwarded-for", "x-real-ip"]
        .iter()
        .any(|name| headers.contains_key(*name));
    if passed_on && trusted.is_empty() {
        return false;
    }
    client_address(peer, headers, trusted).is_loopback()
}

/// This server's name in notices and mails.
pub fn own_host(settings: &Settings) -> String {
    let public = settings.public_url.as_ref();
    let url = public.and_then(|public| url::Url::parse(&public.origin).ok());
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "localhost".to_owned())
}

/// The address by which clients reach this server, without a trailing slash: `public_url`, else the one that this
/// client used.
pub fn own_address(headers: &HeaderMap, settings: &Settings) -> String {
    if let Some(public) = &settings.public_url {
        return public.as_text();
    }
    let plain = |host: &&str| {
        host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(plain);
    format!(
        "{}://{}",
        settings.scheme(),
        host.filter(|host| !host.is_empty()).unwrap_or(&settings.listen)
    )
}

/// The requested host, with its port; none if HTTP/1.0 omitted it.
pub fn host_of(request: &Request) -> Result<Option<&str>, ApiError> {
    let invalid =
        |what: &str| ApiError::new(Code::InvalidHost, format!("the header `Host` {what}"));
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_10 => Ok(None),
        (None, _) => Err(invalid("is missing; HTTP/1.1 needs it")),
        (Some(_), Some(_)) => Err(invalid("is there twice")),
        (Some(host), None) => match host.to_str().ok().filter(|host| is_host(host)) {
            Some(host) => Ok(Some(host)),
            None => Err(invalid("is not a name or an address, with or without a port")),
        },
    }
}

/// A name or an address, with or without a port.
fn is_host(host: &str) -> bool {
    let (name, port) = split_port(host);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    let is_name = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(is_plain),
    };
    is_name && port.is_none_or(|port| port.is_empty() || port.parse::<u16>().is_ok())
}

/// The name, and the text after its colon.
pub fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

/// Whether only this machine and its operator can make the host resolve to it: an address, localhost, or the name that
/// the server was told to listen on.
pub fn is_own_host(host: &str, settings: &Settings) -> bool {
    let (name, _) = split_port(host);
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_address = name.starts_with('[') || name.parse::<IpAddr>().is_ok();
    let is_loopback = name == "localhost" || name.ends_with(".localhost");
    is_address || is_loopback || name == split_port(&settings.listen).0.to_ascii_lowercase()
}

/// Whether the header `Origin`, which browsers send with every call that changes something, names this server: the
/// origin of `public_url`, else of the requested host.
pub fn is_own_origin(headers: &HeaderMap, settings: &Settings) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some((scheme, asked)) = text(header::ORIGIN).and_then(|origin| origin.split_once("://"))
    else {
        return false;
    };
    let same = |one: &str, other: &str| {
        let bare = |host: &str| -> String {
            let port = if scheme == "https" { ":443" } else { ":80" };
            host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase()
        };
        bare(one) == bare(other)
    };
    match &settings.public_url {
        Some(public) => public
            .origin
            .split_once("://")
            .is_some_and(|(own, host)| own == scheme && same(host, asked)),
        // It is not known here whether a proxy before us speaks TLS.
        None => {
            matches!(scheme, "http" | "https")
                && text(header::HOST).is_some_and(|host| !host.is_empty() && same(host, asked))
        }
    }
}

/// An address with or without a port, IPv6 with or without brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    let address =
        bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        client_address(Peer(peer.parse().unwrap()), &headers, &trusted).to_string()
    }

    #[test]
    fn a_header_counts_only_from_a_trusted_proxy() {
        let proxies = ["10.0.0.0/8", "127.0.0.1/32"];
        assert_eq!(client("192.0.2.9:1", &["198.51.100.1"], &[]), "192.0.2.9");
        assert_eq!(client("192.0.2.9:1", &["198.51.100.1"], &proxies), "192.0.2.9");
        assert_eq!(client("127.0.0.1:1", &["198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(client("[::ffff:127.0.0.1]:1", &["198.51.100.1"], &proxies), "198.51.100.1");
        // Hops written by the client are to the left of those added by our proxies.
        assert_eq!(
            client("127.0.0.1:1", &["1.2.3.4, 198.51.100.1, 10.0.0.2"], &proxies),
            "198.51.100.1"
        );
        assert_eq!(client("127.0.0.1:1", &["1.2.3.4", "198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(client("127.0.0.1:1", &["nonsense, 10.0.0.2"], &proxies), "10.0.0.2");
        assert_eq!(client("127.0.0.1:1", &[], &proxies), "127.0.0.1");
        assert_eq!(client("127.0.0.1:1", &["[2001:db8::1]:443"], &proxies), "2001:db8::1");
        assert_eq!(client("127.0.0.1:1", &["198.51.100.1:443"], &proxies), "198.51.100.1");
    }

    fn asked(version: Version, hosts: &[&[u8]]) -> Result<Option<String>, ApiError> {
        let mut request = Request::new(axum::body::Body::empty());
        *request.version_mut() = version;
        for host in hosts {
            let host = axum::http::HeaderValue::from_bytes(host).unwrap();
            request.headers_mut().append(header::HOST, host);
        }
        host_of(&request).map(|host| host.map(str::to_owned))
    }

    #[test]
    fn a_call_names_one_host() {
        for good in
            ["a.example", "a.example:8080", "127.0.0.1", "[::1]", "[::1]:8080", "a:", "under_score"]
        {
            let host = asked(Version::HTTP_11, &[good.as_bytes()]).unwrap();
            assert_eq!(host.as_deref(), Some(good));
        }
        assert_eq!(asked(Version::HTTP_10, &[]).unwrap(), None);
        let wrong: [&[&[u8]]; 11] = [
            &[],
            &[b""],
            &[b"a", b"a"],
            &[b"a", b"b"],
            &[b":80"],
            &[b"a:b"],
            &[b"a b"],
            &[b"a/b"],
            &[b"[::1"],
            &[b"a@b"],
            &[b"\xff"],
        ];
        for hosts in wrong {
            let refused = asked(Version::HTTP_11, hosts).unwrap_err();
            assert_eq!(refused.code, Code::InvalidHost, "{hosts:?}");
        }
    }

    #[test]
    fn only_this_machine_can_be_meant_by_its_own_names() {
        let mut settings = Settings::from_values(&crate::config::Values::default()).unwrap();
        settings.listen = "stats.lan:8080".into();
        for own in [
            "localhost",
            "LocalHost.:80",
            "app.localhost:3000",
            "10.0.0.7:8080",
            "[fe80::1]:80",
            "stats.lan:8080",
        ] {
            assert!(is_own_host(own, &settings), "{own}");
        }
        for other in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "notlocalhost",
            "10.0.0",
            "lan",
        ] {
            assert!(!is_own_host(other, &settings), "{other}");
        }
    }

    #[test]
    fn a_call_that_an_unknown_proxy_passed_on_is_not_local() {
        let peer = Peer("127.0.0.1:1".parse().unwrap());
        let mut headers = HeaderMap::new();
        assert!(is_local(peer, &headers, &[]));
        headers.insert("x-forwarded-for", "127.0.0.1".parse().unwrap());
        assert!(!is_local(peer, &headers, &[]));
        assert!(!is_local(Peer("192.0.2.1:1".parse().unwrap()), &HeaderMap::new(), &[]));
    }
}
