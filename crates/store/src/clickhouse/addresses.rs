//! Addresses as numbers: every address that both engines write alike is an `IPv6` in ClickHouse, and any other text stays
//! a text.

use std::net::{IpAddr, Ipv6Addr};

/// The number of an address in its usual spelling. None for any other text, which would be shown differently than it
/// came, and for what begins with 96 zero bits: `::` means "none", and engines disagree on how to write the others.
pub fn to_ip(text: &str) -> Option<Ipv6Addr> {
    match text.parse::<IpAddr>().ok()? {
        // Only one spelling is accepted.
        IpAddr::V4(ip) => Some(ip.to_ipv6_mapped()),
        IpAddr::V6(ip) => {
            let is_plain = ip.segments()[..6] != [0; 6] && ip.to_ipv4_mapped().is_none();
            (is_plain && ip.to_string() == text).then_some(ip)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_that_is_written_as_it_came_is_a_number() {
        for text in ["203.0.113.9", "0.0.0.0", "2001:db8::1", "fe80::", "::ffff:0:1:2"] {
            assert!(to_ip(text).is_some(), "{text}");
        }
        for text in [
            "",
            "x",
            "::",
            "::1",
            "::1.2.3.4",
            "::ffff:1.2.3.4",
            "2001:DB8::1",
            "2001:db8:0::1",
            "01.2.3.4",
        ] {
            assert_eq!(to_ip(text), None, "{text}");
        }
        assert_eq!(to_ip("1.2.3.4").unwrap().segments(), [0, 0, 0, 0, 0, 0xffff, 0x102, 0x304]);
    }
}
