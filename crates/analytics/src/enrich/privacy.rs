//! Drops, at each privacy level, addresses and the other texts that the table of fields does not keep at it.
//!
//! 0: the address gives the country and is kept. 1: it gives the country and is dropped. 2: it is dropped unread.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::Countries;
use crate::hit::{Country, TextKind};
use crate::hit_fields::{Field, Stored, not_kept_at};
use crate::ingest::{PostedHit, Texts};

/// The rest of a posted address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Address {
    /// Its number in the dictionary; 0 if it is not kept.
    pub number: u32,
    pub country: Country,
    /// A text was posted that is not an address.
    pub invalid: bool,
}

/// Removes the texts that the level does not keep. It is the first step, so that no later one can read them. Addresses
/// stay if they give the country.
pub(super) fn drop_texts(hits: &mut [PostedHit], texts: &mut Texts, level: u8) {
    for info in not_kept_at(level) {
        let Stored::Text(kind) = info.stored else { continue };
        if kind == TextKind::Address && level <= Field::Country.info().kept_up_to {
            continue;
        }
        texts.take(kind);
        for hit in hits.iter_mut() {
            hit.texts[kind as usize] = 0;
        }
    }
}

/// Replaces the posted addresses of `texts` by those that the level allows. The answer is indexed by the number of the
/// posted text.
pub(super) fn put_countries(texts: &mut Texts, level: u8, countries: &Countries) -> Vec<Address> {
    let posted = texts.take(TextKind::Address);
    let read: Vec<Option<Read>> = posted.iter().map(read_address).collect();
    let mut addresses: Vec<Address> =
        read.iter().map(|read| to_address(read.as_ref(), countries)).collect();
    addresses[0] = Address::default();
    if level > Field::Address.info().kept_up_to {
        return addresses;
    }
    // Most batches have only plain addresses: those stay in place.
    if read[1..].iter().all(|read| read.is_some_and(|read| read.as_posted)) {
        for (number, address) in addresses.iter_mut().enumerate() {
            address.number = number as u32;
        }
        texts.give_back(TextKind::Address, posted);
        return addresses;
    }
    for (number, read) in read.iter().enumerate() {
        addresses[number].number = match read {
            None => 0,
            Some(read) if read.as_posted => texts.put(TextKind::Address, &posted[number]),
            Some(read) => texts.put(TextKind::Address, &read.ip.to_string()),
        };
    }
    addresses
}

fn to_address(read: Option<&Read>, countries: &Countries) -> Address {
    match read {
        None => Address { invalid: true, ..Address::default() },
        Some(read) => Address { number: 0, country: countries.of(read.ip), invalid: false },
    }
}

#[derive(Clone, Copy)]
struct Read {
    ip: IpAddr,
    /// It prints as it was posted.
    as_posted: bool,
}

fn read_address(text: &str) -> Option<Read> {
    // An IPv4 address that parses has only one spelling.
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Some(Read { ip: IpAddr::V4(ip), as_posted: true });
    }
    first_address(text).map(|ip| Read { ip, as_posted: false })
}

/// The first valid address of a list, an IPv4 address not mapped into IPv6. Ports, brackets and zones are cut off.
fn first_address(list: &str) -> Option<IpAddr> {
    if let Ok(ip) = list.parse::<IpAddr>() {
        return Some(ip.to_canonical());
    }
    list.split(',').find_map(|item| {
        let item = item.trim();
        let ip = match item.parse::<SocketAddr>() {
            Ok(with_port) => with_port.ip(),
            Err(_) => item.trim_matches(['[', ']']).split('%').next()?.parse().ok()?,
        };
        Some(ip.to_canonical())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_valid_address_of_a_list_counts() {
        for (posted, kept) in [
            ("203.0.113.9", Some("203.0.113.9")),
            ("::ffff:127.0.0.1", Some("127.0.0.1")),
            ("198.51.100.7, 10.0.0.1", Some("198.51.100.7")),
            ("unknown, 198.51.100.7", Some("198.51.100.7")),
            (" 198.51.100.7 ", Some("198.51.100.7")),
            ("198.51.100.7:4711", Some("198.51.100.7")),
            ("2001:DB8::1", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("localhost", None),
            ("999.1.1.1", None),
            (",,", None),
        ] {
            assert_eq!(first_address(posted).map(|ip| ip.to_string()).as_deref(), kept, "{posted}");
        }
    }
}
