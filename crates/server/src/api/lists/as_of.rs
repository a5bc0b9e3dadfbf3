//! The id of a page's list, as text: the data visible when it was made, and its range of time. It names no project, so
//! in another project it is only a moment.

use store::DataVersion;

use crate::parameters::Parameters;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AsOf {
    pub version: DataVersion,
    pub from_us: i64,
    pub to_us: i64,
}

/// A hash of the period's parameters: lists of other periods are other lists.
pub(super) fn period_of(parameters: &Parameters) -> u64 {
    let mut hash = blake3::Hasher::new();
    for name in ["period", "from", "to", "tz"] {
        let value = parameters.peek(name).unwrap_or_default();
        hash.update(name.as_bytes()).update(b"=").update(value.as_bytes()).update(b"&");
    }
    let bytes = hash.finalize();
    bytes.as_bytes()[..8].iter().fold(0, |all, byte| all << 8 | u64::from(*byte))
}

impl AsOf {
    /// 96 hexadecimal digits.
    pub fn to_text(self, period: u64) -> String {
        let AsOf { version: DataVersion { applied, erasures, routes }, from_us, to_us } = self;
        let (from, to) = (from_us as u64, to_us as u64);
        format!("{applied:016x}{erasures:016x}{routes:016x}{from:016x}{to:016x}{period:016x}")
    }

    /// None unless `to_text` made it for this period. A list that is no longer cached is made again, with a new id.
    pub fn parse(text: &str, period: u64) -> Option<AsOf> {
        if text.len() != 96 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |n: usize| u64::from_str_radix(&text[16 * n..16 * (n + 1)], 16).ok();
        (part(5)? == period).then_some(())?;
        let version = DataVersion { applied: part(0)?, erasures: part(1)?, routes: part(2)? };
        let (from_us, to_us) = (part(3)? as i64, part(4)? as i64);
        (from_us < to_us).then_some(AsOf { version, from_us, to_us })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_only_for_its_period() {
        let version = DataVersion { applied: 7, erasures: 1, routes: 3 };
        let as_of = AsOf { version, from_us: -5, to_us: i64::MAX };
        let text = as_of.to_text(9);
        assert_eq!(AsOf::parse(&text, 9), Some(as_of));
        assert_eq!(AsOf::parse(&text, 8), None);
        for text in ["", "abc", &"+".repeat(96), &"é".repeat(48), &"0".repeat(96)] {
            assert_eq!(AsOf::parse(text, 0), None, "{text}");
        }
    }
}
