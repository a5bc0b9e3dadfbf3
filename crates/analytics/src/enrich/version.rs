//! The version of an API, if its path has it: `/v2/users`, `/api/v1`.

/// The first segment that is a `v` and up to three digits, as written.
pub(super) fn of_path(path: &str) -> Option<&str> {
    // A fast way out: most paths have no "v" after a slash, and every distinct path gets here.
    memchr::memchr2_iter(b'v', b'V', path.as_bytes()).find_map(|start| {
        let starts_segment = start == 0 || path.as_bytes()[start - 1] == b'/';
        let digits =
            path.as_bytes()[start + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let end = start + 1 + digits;
        let ends_segment = path.as_bytes().get(end).is_none_or(|byte| *byte == b'/');
        (starts_segment && ends_segment && (1..=3).contains(&digits)).then(|| &path[start..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_segment_of_its_own() {
        for (path, version) in [
            ("/v1/users", Some("v1")),
            ("/api/v2", Some("v2")),
            ("/V3/x", Some("V3")),
            ("/v1/v2", Some("v1")),
            ("/v", None),
            ("/v1beta/x", None),
            ("/videos/v2024x", None),
            ("/v2024", None),
            ("/", None),
        ] {
            assert_eq!(of_path(path), version, "{path}");
        }
    }
}
