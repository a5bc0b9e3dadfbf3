//! Tests of a text, prepared once for many texts: equal values in a set, wildcards split at their `*`.
//!
//! A wildcard is matched greedily from left to right, each part by a search that is linear in the text's length, so that
//! no pattern costs more than a few passes over the text. Numbers and ranges are not tested here.

use std::collections::HashSet;

use memchr::memmem::Finder;

use super::Test;

/// A wildcard: `*` stands for any run of characters, everything else for itself.
pub struct Pattern {
    /// Before the first `*`.
    prefix: Vec<u8>,
    /// Between two `*`, none of them empty, in order.
    middle: Vec<Finder<'static>>,
    /// After the last `*`; `None` if the pattern has no `*`.
    suffix: Option<Vec<u8>>,
}

impl Pattern {
    pub fn new(pattern: &str) -> Pattern {
        let mut parts = pattern.split('*').map(str::as_bytes);
        let prefix = parts.next().unwrap_or_default().to_vec();
        let suffix = parts.next_back().map(<[u8]>::to_vec);
        let middle = parts.filter(|part| !part.is_empty());
        let middle = middle.map(|part| Finder::new(part).into_owned()).collect();
        Pattern { prefix, middle, suffix }
    }

    pub fn matches(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let Some(suffix) = &self.suffix else { return text == self.prefix };
        let rest = text.strip_prefix(self.prefix.as_slice());
        let Some(mut rest) = rest.and_then(|rest| rest.strip_suffix(suffix.as_slice())) else {
            return false;
        };
        // The leftmost match leaves the most room for the parts that follow, so no other one need be tried.
        for part in &self.middle {
            let Some(at) = part.find(rest) else { return false };
            rest = &rest[at + part.needle().len()..];
        }
        true
    }
}

/// True for a text that passes any of a condition's tests.
pub struct TextTests {
    equal: HashSet<String>,
    wildcards: Vec<Pattern>,
}

impl TextTests {
    pub fn new(tests: &[Test]) -> TextTests {
        let mut prepared = TextTests { equal: HashSet::new(), wildcards: Vec::new() };
        for test in tests {
            match test {
                Test::Is(value) => drop(prepared.equal.insert(value.clone())),
                Test::Wildcard(pattern) => prepared.wildcards.push(Pattern::new(pattern)),
                Test::Range { .. } => {}
            }
        }
        prepared
    }

    pub fn pass(&self, text: &str) -> bool {
        (!self.equal.is_empty() && self.equal.contains(text))
            || self.wildcards.iter().any(|pattern| pattern.matches(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By definition: `*` matches nothing, or one more character.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((&'*', rest)), None) => naive(rest, text),
            (Some((&'*', rest)), Some((_, shorter))) => {
                naive(rest, text) || naive(pattern, shorter)
            }
            (Some((one, rest)), Some((other, shorter))) => one == other && naive(rest, shorter),
            _ => false,
        }
    }

    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} on {text}");
    }

    #[test]
    fn a_star_is_any_run_of_characters_and_nothing_else_is_special() {
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
        check("a", "a", true);
        check("a", "A", false);
        check("a*", "a", true);
        check("*a", "ba", true);
        check("a*a", "a", false);
        check("a*a", "aa", true);
        check("ab*ba", "aba", false);
        check("*a*b*", "xbxaxb", true);
        check("*a*b*", "ba", false);
        check("%_\\", "%_\\", true);
        check("%*", "abc", false);
        check("/v1/*/42", "/v1/users/42", true);
        check("*ä*", "näh", true);
    }

    proptest! {
        #[test]
        fn a_pattern_means_what_its_definition_says(pattern in "[ab*ü]{0,8}", text in "[abü]{0,12}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Pattern::new(&pattern).matches(&text), naive(&p, &t));
        }
    }

    #[test]
    fn a_hostile_pattern_takes_linear_time() {
        // A backtracking matcher would need 4,000 * 400,000 steps for each of these.
        let text = "a".repeat(400_000);
        for pattern in [
            "a*".repeat(2_000) + "b",
            format!("*{}b*", "a".repeat(4_000)),
            format!("{}b", "*a".repeat(2_000)),
        ] {
            let pattern = Pattern::new(&pattern);
            for _ in 0..50 {
                assert!(!pattern.matches(&text));
            }
        }
    }

    #[test]
    fn any_of_the_tests_is_enough() {
        let tests = [
            Test::Is("a".into()),
            Test::Wildcard("b*".into()),
            Test::Range { min: None, max: None },
        ];
        let tests = TextTests::new(&tests);
        assert!(tests.pass("a") && tests.pass("bcd") && !tests.pass("") && !tests.pass("ab"));
        assert!(!TextTests::new(&[]).pass(""));
    }
}
