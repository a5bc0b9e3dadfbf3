//! `identity(text)`: a 64-bit hash that identifies a text in every file.
//!
//! Files store some of them, so it must never change; a database engine's own hash may change with any version.

use std::hash::Hasher;
use std::ops::RangeInclusive;

use siphasher::sip::SipHasher13;

/// SipHash-1-3 with a key of zeros.
pub fn identity(text: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(text);
    hasher.finish()
}

/// `identity` of an IPv4 address in dotted notation. A page of many callers asks for millions: the text is in two
/// registers, and only its one or two blocks are hashed, which takes less than half as long as hashing a slice.
#[inline]
pub fn identity_of_ipv4(number: u32) -> u64 {
    let Ipv4Text { bytes, length } = Ipv4Text::new(number);
    let text = u128::from_le_bytes(bytes);
    let (first, last) = if length < 8 { (None, text) } else { (Some(text as u64), text >> 64) };
    sip_of_blocks(first, last as u64 | (length as u64) << 56)
}

/// SipHash-1-3 with a key of zeros, of at most one whole block and the last one, which ends with the length.
#[inline]
fn sip_of_blocks(first: Option<u64>, last: u64) -> u64 {
    let mut state: [u64; 4] = [
        0x736f_6d65_7073_6575,
        0x646f_7261_6e64_6f6d,
        0x6c79_6765_6e65_7261,
        0x7465_6462_7974_6573,
    ];
    for block in first.into_iter().chain([last]) {
        state[3] ^= block;
        sip_round(&mut state);
        state[0] ^= block;
    }
    state[2] ^= 0xff;
    for _ in 0..3 {
        sip_round(&mut state);
    }
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

#[inline]
fn sip_round([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *c = c.wrapping_add(*d);
    *b = b.rotate_left(13) ^ *a;
    *d = d.rotate_left(16) ^ *c;
    *a = a.rotate_left(32).wrapping_add(*d);
    *c = c.wrapping_add(*b);
    *d = d.rotate_left(21) ^ *a;
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

/// An IPv4 address in dotted notation, without an allocation.
pub struct Ipv4Text {
    /// Zeros after the text.
    bytes: [u8; 16],
    length: usize,
}

impl Ipv4Text {
    #[inline]
    pub fn new(number: u32) -> Ipv4Text {
        // The first character in the lowest byte.
        let (mut text, mut length) = (0u128, 0);
        for part in number.to_be_bytes() {
            let (digits, count) = PARTS[usize::from(part)];
            text |= u128::from(digits) << (8 * length);
            length += count;
        }
        // Without the last dot.
        length -= 1;
        let bytes = (text & !(0xff << (8 * length))).to_le_bytes();
        Ipv4Text { bytes, length: length as usize }
    }

    pub fn as_str(&self) -> &str {
        // Always valid: digits and dots.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// The range of all IPv4 addresses that begin with this text; some in it may not. None if none does.
pub fn ipv4_range(prefix: &str) -> Option<RangeInclusive<u32>> {
    let mut parts: Vec<&str> = prefix.split('.').collect();
    let last = parts.pop().unwrap_or_default();
    let is_number = last.len() <= 3 && last.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || parts.len() > 3 {
        return None;
    }
    let (mut least, mut free) = (0u32, u32::BITS);
    for part in parts {
        let byte: u8 = part.parse().ok().filter(|byte: &u8| byte.to_string() == part)?;
        free -= 8;
        least |= u32::from(byte) << free;
    }
    Some(least..=least | 1u32.checked_shl(free).map_or(u32::MAX, |above| above - 1))
}

/// The digits of each byte and a dot, the first in the lowest byte, and their number.
const PARTS: [(u32, u32); 256] = {
    let mut all = [(0, 0); 256];
    let mut byte: u32 = 0;
    while byte < 256 {
        // From the dot on, each digit in front of the ones known.
        let (mut text, mut count, mut rest) = (b'.' as u32, 1, byte);
        loop {
            text = text << 8 | (b'0' as u32 + rest % 10);
            count += 1;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        all[byte as usize] = (text, count);
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
    fn addresses_that_begin_with_a_text_are_in_its_range() {
        let numbers: Vec<u32> = (0..20_000u64)
            .map(|n| {
                identity(&n.to_le_bytes()) as u32 & if n % 2 > 0 { u32::MAX } else { 0x0fff_03ff }
            })
            .collect();
        for number in &numbers {
            let text = Ipv4Addr::from(*number).to_string();
            for length in 0..=text.len() {
                let range = ipv4_range(&text[..length]).unwrap();
                assert!(range.contains(number), "{text} {range:?}");
            }
        }
        assert_eq!(ipv4_range("10.2"), Some(0x0a00_0000..=0x0aff_ffff));
        assert_eq!(ipv4_range("10.2."), Some(0x0a02_0000..=0x0a02_ffff));
        assert_eq!(ipv4_range("10.2.3.4"), Some(0x0a02_0300..=0x0a02_03ff));
        for none in ["10.2.3.4.", "a", "10.a", "2001:db8", ".", "256.1", "01.2", "10..2", "1234"] {
            assert_eq!(ipv4_range(none), None, "{none}");
        }
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
