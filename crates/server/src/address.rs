//! Who is on the other end: the client's address, and the address under which the client reached us.
//!
//! A header is believed only where the connection comes from a proxy that the operator trusts.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header};
use ipnet::IpNet;

use crate::config::Settings;

/// The other end of the connection; put beside every request by the connection loop.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The client's address: the last one in `X-Forwarded-For` that no trusted proxy has, where the connection comes from a
/// trusted proxy; else the connection's.
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

/// Whom an address stands for where callers are counted: of IPv6 its network, because a household or a server has 2^64 of them.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::from((u128::from(address) >> 64 << 64).to_be_bytes()),
        address => address,
    }
}

/// True where the call was made on this machine and was not passed on by a proxy that hides who asked.
pub fn is_local(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let passed_on = ["forwarded", "x-forwarded-for", "x-real-ip"]
        .iter()
        .any(|name| headers.contains_key(*name));
    if passed_on && trusted.is_empty() {
        return false;
    }
    client_address(peer, headers, trusted).is_loopback()
}

/// Where clients reach this server, without a slash at the end: `public_url`, else what this one client used.
pub fn own_address(headers: &HeaderMap, settings: &Settings) -> String {
    if let Some(public) = &settings.public_url {
        return public.as_text();
    }
    let plain = |host: &&str| {
        host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(plain);
    format!("http://{}", host.filter(|host| !host.is_empty()).unwrap_or(&settings.listen))
}

/// Whether the header `Origin`, which browsers put to every call that changes something, names this server: that of
/// `public_url`, else the host that was asked.
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
        // Whether a proxy before us speaks TLS is not known here.
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
        // What the client itself wrote stands to the left of what our proxies saw.
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
