//! A project's key as clients write it, in canonical form, so that two spellings are one key.
//!
//! It does not know which keys exist.

/// Strips spaces and quotes around it; a UUID, in any case, with or without dashes, becomes lower case with dashes;
/// anything else stays. "" if nothing is left.
pub fn canonical_key(key: &str) -> String {
    let key = key.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'));
    let dashed = key.len() == 36 && [8, 13, 18, 23].iter().all(|&at| key.as_bytes()[at] == b'-');
    if !dashed && key.len() != 32 {
        return key.to_owned();
    }
    let digits: String =
        key.chars().filter(|&c| c != '-').map(|c| c.to_ascii_lowercase()).collect();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return key.to_owned();
    }
    format!(
        "{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_read_in_any_case_with_or_without_dashes_and_quotes() {
        let canonical = "3f0c1c4e-2b1a-4f0e-9a52-5d1c7b2f9e11";
        for written in [
            canonical,
            "3F0C1C4E-2B1A-4F0E-9A52-5D1C7B2F9E11",
            "3f0c1c4e2b1a4f0e9a525d1c7b2f9e11",
            " \"3f0c1c4e-2b1a-4f0e-9a52-5d1c7b2f9e11\"\n",
            "'3F0C1C4E2B1A4F0E9A525D1C7B2F9E11'",
        ] {
            assert_eq!(canonical_key(written), canonical, "{written:?}");
        }
    }

    #[test]
    fn anything_else_stays_as_it_is() {
        for written in [
            "",
            "Secret-Key",
            "3f0c1c4e-2b1a-4f0e-9a52-5d1c7b2f9e1g",
            "zz0c1c4e2b1a4f0e9a525d1c7b2f9e11",
            "ü0c1c4e2b1a4f0e9a525d1c7b2f9e11",
        ] {
            assert_eq!(canonical_key(written), written);
        }
        assert_eq!(canonical_key("\"\""), "");
    }
}
