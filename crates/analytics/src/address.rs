//! The addresses that a server may call on somebody else's behalf: public ones, and those that its operator names.
//!
//! Anyone with a project may have this server call an address of their choice. An address inside the operator's network,
//! or one that leads there through a tunnel, would show them what only this machine can reach. The judgement is about
//! addresses alone: names are resolved first, and the address that passed is the one to connect to.
//!
//! The tables follow the IANA registries of special-purpose addresses (RFC 6890 and its successors), and refuse more
//! rather than less: of IPv6 only what is allocated for global unicast (2000::/3) passes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Why an address is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// "This" network: 0.0.0.0 and `::` lead to the machine itself.
    Unspecified,
    Loopback,
    Private,
    /// Carrier-grade NAT, 100.64.0.0/10.
    Shared,
    LinkLocal,
    /// Where cloud providers answer with a machine's credentials.
    Metadata,
    Documentation,
    Benchmarking,
    Multicast,
    Broadcast,
    /// Set aside by the IETF or not allocated.
    Reserved,
    UniqueLocal,
    SiteLocal,
    /// An IPv4 address inside an IPv6 one: mapped, compatible, translated, NAT64, 6to4, Teredo or ISATAP.
    Tunnel,
}

impl Special {
    pub fn as_str(self) -> &'static str {
        match self {
            Special::Unspecified => "unspecified",
            Special::Loopback => "loopback",
            Special::Private => "private",
            Special::Shared => "shared (carrier-grade NAT)",
            Special::LinkLocal => "link-local",
            Special::Metadata => "cloud metadata",
            Special::Documentation => "documentation",
            Special::Benchmarking => "benchmarking",
            Special::Multicast => "multicast",
            Special::Broadcast => "broadcast",
            Special::Reserved => "reserved",
            Special::UniqueLocal => "unique local",
            Special::SiteLocal => "site-local",
            Special::Tunnel => "tunnelled",
        }
    }
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

/// The first that holds an address decides.
const SPECIAL_V4: &[(Ipv4Net, Special)] = &[
    (v4(169, 254, 169, 254, 32), Special::Metadata),
    // The metadata of tasks and pods at AWS.
    (v4(169, 254, 170, 2, 32), Special::Metadata),
    (v4(169, 254, 170, 23, 32), Special::Metadata),
    // Alibaba.
    (v4(100, 100, 100, 200, 32), Special::Metadata),
    // Azure answers here in every machine of a customer.
    (v4(168, 63, 129, 16, 32), Special::Metadata),
    // Oracle.
    (v4(192, 0, 0, 192, 32), Special::Metadata),
    (v4(0, 0, 0, 0, 8), Special::Unspecified),
    (v4(10, 0, 0, 0, 8), Special::Private),
    (v4(100, 64, 0, 0, 10), Special::Shared),
    (v4(127, 0, 0, 0, 8), Special::Loopback),
    (v4(169, 254, 0, 0, 16), Special::LinkLocal),
    (v4(172, 16, 0, 0, 12), Special::Private),
    (v4(192, 0, 0, 0, 24), Special::Reserved),
    (v4(192, 0, 2, 0, 24), Special::Documentation),
    // Relays of 6to4 that nobody runs any more.
    (v4(192, 88, 99, 0, 24), Special::Reserved),
    (v4(192, 168, 0, 0, 16), Special::Private),
    (v4(198, 18, 0, 0, 15), Special::Benchmarking),
    (v4(198, 51, 100, 0, 24), Special::Documentation),
    (v4(203, 0, 113, 0, 24), Special::Documentation),
    (v4(224, 0, 0, 0, 4), Special::Multicast),
    (v4(255, 255, 255, 255, 32), Special::Broadcast),
    (v4(240, 0, 0, 0, 4), Special::Reserved),
];

const fn v6(groups: [u16; 8], length: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = groups;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length)
}

/// The first row that holds an address decides. Other addresses are public inside `GLOBAL_UNICAST` and reserved
/// elsewhere.
const SPECIAL_V6: &[(Ipv6Net, Special)] = &[
    // AWS and Google.
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), Special::Metadata),
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), Special::Metadata),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), Special::Unspecified),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Special::Loopback),
    // Compatible, mapped and translated.
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), Special::Tunnel),
    (v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), Special::Tunnel),
    (v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), Special::Tunnel),
    // NAT64: the well-known prefix and the one for local use.
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), Special::Tunnel),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), Special::Tunnel),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), Special::Tunnel),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), Special::Tunnel),
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), Special::Benchmarking),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), Special::Documentation),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), Special::Documentation),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), Special::Reserved),
    // Segment routing.
    (v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), Special::Reserved),
    // Discard only.
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), Special::Reserved),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Special::UniqueLocal),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), Special::LinkLocal),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), Special::SiteLocal),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Special::Multicast),
];

const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// None for a public address.
pub fn special(address: IpAddr) -> Option<Special> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<Special> {
    let row = SPECIAL_V4.iter().find(|(network, _)| network.contains(&address));
    row.map(|(_, special)| *special)
}

fn special_v6(address: Ipv6Addr) -> Option<Special> {
    let row = SPECIAL_V6.iter().find(|(network, _)| network.contains(&address));
    match row {
        Some((_, special)) => Some(*special),
        None if is_isatap(address) => Some(Special::Tunnel),
        None if GLOBAL_UNICAST.contains(&address) => None,
        None => Some(Special::Reserved),
    }
}

/// `::0:5efe:a.b.c.d` and `::200:5efe:a.b.c.d` below any prefix (RFC 5214).
fn is_isatap(address: Ipv6Addr) -> bool {
    let groups = address.segments();
    matches!(groups[4], 0 | 0x200) && groups[5] == 0x5efe
}

/// The IPv4 address that a tunnelled one leads to. None if the address is not tunnelled, or if the inner address
/// depends on a network's own prefix.
pub fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let groups = address.segments();
    let joined = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    let last = joined(groups[6], groups[7]);
    match groups {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] => Some(last),
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Some(last),
        [0x2002, high, low, ..] => Some(joined(high, low)),
        // Teredo keeps its client's address with every bit inverted.
        [0x2001, 0, ..] => Some(joined(!groups[6], !groups[7])),
        _ if is_isatap(address) => Some(last),
        _ => None,
    }
}

/// Ok if the address may be called: it is public, or in one of the networks that the operator allows.
///
/// A tunnelled address is judged by the IPv4 address inside it, which must be public or allowed too; if it is public,
/// the tunnel itself must be allowed. Metadata addresses are allowed one by one only (/32, /128): an operator who
/// allows 169.254.0.0/16 for a printer does not mean to hand out credentials.
pub fn judge(address: IpAddr, allowed: &[IpNet]) -> Result<(), Special> {
    let Some(kind) = special(address) else { return Ok(()) };
    let is_named = names(allowed, address, kind);
    let inner = match address {
        IpAddr::V6(address) => inner_v4(address).map(IpAddr::V4),
        IpAddr::V4(_) => None,
    };
    match inner.map(|inner| (inner, special(inner))) {
        Some((inner, Some(kind))) if !names(allowed, inner, kind) => Err(kind),
        // The network inside is one that the operator named.
        Some((_, Some(_))) => Ok(()),
        Some((_, None)) | None if is_named => Ok(()),
        Some((_, None)) | None => Err(kind),
    }
}

fn names(allowed: &[IpNet], address: IpAddr, kind: Special) -> bool {
    allowed.iter().any(|network| {
        let is_exact = network.prefix_len() == network.max_prefix_len();
        network.contains(&address) && (is_exact || kind != Special::Metadata)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(address: &str) -> Option<Special> {
        special(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001:80b::200e",
            "2001:4860:4860::8888",
            "2003::1",
            "2400:cb00::1",
            "3ffe::1",
        ] {
            assert_eq!(kind(address), None, "{address}");
        }
    }

    #[test]
    fn special_addresses_are_told_apart() {
        use Special::*;
        for (address, expected) in [
            ("0.0.0.0", Unspecified),
            ("0.255.255.255", Unspecified),
            ("10.0.0.1", Private),
            ("10.255.255.255", Private),
            ("100.64.0.0", Shared),
            ("100.127.255.255", Shared),
            ("100.100.100.200", Metadata),
            ("127.0.0.1", Loopback),
            ("127.255.255.254", Loopback),
            ("168.63.129.16", Metadata),
            ("169.254.0.1", LinkLocal),
            ("169.254.169.254", Metadata),
            ("169.254.170.2", Metadata),
            ("172.16.0.0", Private),
            ("172.31.255.255", Private),
            ("192.0.0.8", Reserved),
            ("192.0.0.192", Metadata),
            ("192.0.2.1", Documentation),
            ("192.88.99.1", Reserved),
            ("192.168.0.1", Private),
            ("198.18.0.1", Benchmarking),
            ("198.19.255.255", Benchmarking),
            ("198.51.100.7", Documentation),
            ("203.0.113.7", Documentation),
            ("224.0.0.1", Multicast),
            ("239.255.255.255", Multicast),
            ("240.0.0.1", Reserved),
            ("255.255.255.255", Broadcast),
            ("::", Unspecified),
            ("::1", Loopback),
            ("::7f00:1", Tunnel),
            ("::ffff:10.0.0.1", Tunnel),
            ("::ffff:8.8.8.8", Tunnel),
            ("::ffff:0:10.0.0.1", Tunnel),
            ("64:ff9b::a00:1", Tunnel),
            ("64:ff9b:1::a00:1", Tunnel),
            ("100::1", Reserved),
            ("2001::1", Tunnel),
            ("2001:2::1", Benchmarking),
            ("2001:10::1", Reserved),
            ("2001:20::1", Reserved),
            ("2001:1ff::1", Reserved),
            ("2001:db8::1", Documentation),
            ("2002:a00:1::", Tunnel),
            ("3fff::1", Documentation),
            ("4000::1", Reserved),
            ("5f00::1", Reserved),
            ("fc00::1", UniqueLocal),
            ("fd12:3456::1", UniqueLocal),
            ("fd00:ec2::254", Metadata),
            ("fe80::1", LinkLocal),
            ("febf::1", LinkLocal),
            ("fec0::1", SiteLocal),
            ("feff::1", SiteLocal),
            ("ff02::1", Multicast),
            ("2606:4700::5efe:10.0.0.1", Tunnel),
            ("2606:4700::200:5efe:10.0.0.1", Tunnel),
            ("::2", Tunnel),
            ("1::1", Reserved),
        ] {
            assert_eq!(kind(address), Some(expected), "{address}");
        }
    }

    #[test]
    fn a_tunnel_is_judged_by_what_is_inside() {
        for (address, inner) in [
            ("::10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("::ffff:0:10.0.0.1", "10.0.0.1"),
            ("64:ff9b::10.0.0.1", "10.0.0.1"),
            ("2002:a00:1::5", "10.0.0.1"),
            ("2001:0:808:808::f5ff:fffe", "10.0.0.1"),
            ("2606:4700::5efe:10.0.0.1", "10.0.0.1"),
        ] {
            let address: Ipv6Addr = address.parse().unwrap();
            assert_eq!(inner_v4(address), Some(inner.parse().unwrap()), "{address}");
            assert_eq!(judge(address.into(), &[]), Err(Special::Private), "{address}");
            assert_eq!(
                judge(address.into(), &["10.0.0.0/8".parse().unwrap()]),
                Ok(()),
                "{address}"
            );
            // Allowing the tunnel alone does not allow what it leads to.
            assert_eq!(
                judge(address.into(), &["::/0".parse().unwrap()]),
                Err(Special::Private),
                "{address}"
            );
        }
        let public: IpAddr = "64:ff9b::8.8.8.8".parse().unwrap();
        assert_eq!(judge(public, &[]), Err(Special::Tunnel));
        assert_eq!(judge(public, &["64:ff9b::/96".parse().unwrap()]), Ok(()));
    }

    #[test]
    fn an_allowed_network_opens_itself_and_metadata_only_by_name() {
        let allowed = |networks: &[&str]| {
            networks.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpNet>>()
        };
        let judged =
            |address: &str, networks: &[&str]| judge(address.parse().unwrap(), &allowed(networks));
        assert_eq!(judged("10.1.2.3", &["10.1.0.0/16"]), Ok(()));
        assert_eq!(judged("10.2.2.3", &["10.1.0.0/16"]), Err(Special::Private));
        assert_eq!(judged("fd00::5", &["fd00::/8"]), Ok(()));
        assert_eq!(judged("127.0.0.1", &["127.0.0.0/8", "::1/128"]), Ok(()));
        assert_eq!(judged("::1", &["127.0.0.0/8", "::1/128"]), Ok(()));
        assert_eq!(judged("::1", &["127.0.0.0/8"]), Err(Special::Loopback));
        assert_eq!(judged("169.254.7.7", &["169.254.0.0/16"]), Ok(()));
        assert_eq!(judged("169.254.169.254", &["169.254.0.0/16"]), Err(Special::Metadata));
        assert_eq!(
            judged("::ffff:169.254.169.254", &["169.254.0.0/16", "::/0"]),
            Err(Special::Metadata)
        );
        assert_eq!(judged("169.254.169.254", &["169.254.169.254/32"]), Ok(()));
    }
}
