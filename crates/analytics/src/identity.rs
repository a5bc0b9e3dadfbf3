//! `identity(text)`: a 64-bit hash that identifies a text in every file.
//!
//! Files store some of them, so it must never change; a database engine's own hash may change with any version.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// SipHash-1-3 with a key of zeros.
pub fn identity(text: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(text);
    hasher.finish()
}

/// `identity` of an IPv4 address in dotted notation.
pub fn identity_of_ipv4(number: u32) -> u64 {
    identity(Ipv4Text::new(number).as_bytes())
}

/// An IPv4 address in dotted notation, without an allocation.
pub struct Ipv4Text {
    bytes: [u8; IPV4_LENGTH],
    length: usize,
}

impl Ipv4Text {
    pub fn new(number: u32) -> Ipv4Text {
        // Room for three digits after the last dot: shorter numbers write three, too, and are overwritten.
        let mut bytes = [0; IPV4_LENGTH];
        let mut length = 0;
        for (n, part) in number.to_be_bytes().into_iter().enumerate() {
            if n > 0 {
                bytes[length] = b'.';
                length += 1;
            }
            let (digits, count) = DIGITS[usize::from(part)];
            // Always copies three, so that the cost does not depend on their number.
            bytes[length..length + 3].copy_from_slice(&digits);
            length += usize::from(count);
        }
        Ipv4Text { bytes, length }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub fn as_str(&self) -> &str {
        // Always valid: digits and dots.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// The length of "255.255.255.255".
const IPV4_LENGTH: usize = 15;

/// The digits of each byte, left-aligned, and their number.
const DIGITS: [([u8; 3], u8); 256] = {
    let mut all = [([0; 3], 0); 256];
    let mut byte = 0;
    while byte < 256 {
        let digits = [(byte / 100) as u8, (byte / 10 % 10) as u8, (byte % 10) as u8];
        let zeros = if byte >= 100 { 0 } else { 1 + (byte < 10) as usize };
        let mut place = zeros;
        while place < 3 {
            all[byte].0[place - zeros] = b'0' + digits[place];
            place += 1;
        }
        all[byte].1 = 3 - zeros as u8;
        byte += 1;
    }
    all
};

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn it_is_what_files_of_before_have() {
        assert_eq!(identity(b""), 0xd1fb_a762_150c_532c);
        assert_eq!(identity(b"203.0.113.7"), 0x8b2e_f1b1_0220_8939);
    }

    #[test]
    fn an_address_has_the_identity_of_its_text() {
        // Every byte in every position, and random addresses.
        let random = (0..20_000u64).map(|n| identity(&n.to_le_bytes()) as u32);
        let each = (0..=255).flat_map(|byte| (0..4).map(move |n| byte << (8 * n)));
        for number in each.chain(random).chain([0, u32::MAX]) {
            let text = Ipv4Addr::from(number).to_string();
            assert_eq!(identity_of_ipv4(number), identity(text.as_bytes()), "{text}");
            assert_eq!(Ipv4Text::new(number).as_str(), text);
        }
    }
}
