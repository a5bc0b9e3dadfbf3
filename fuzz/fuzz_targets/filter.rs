//! Any text as `q`: no panic; what is understood is printed as a text that means the same, and its wildcards are judged in
//! linear time, as a plain search judges them.
#![no_main]

use analytics::filter::{self, Pattern, Test};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(found) = filter::parse(text) else { return };
    let printed = found.to_string();
    assert_eq!(filter::parse(&printed).as_ref(), Ok(&found), "{text:?} is printed as {printed:?}");
    for condition in &found.conditions {
        for test in &condition.tests {
            let Test::Wildcard(pattern) = test else { continue };
            // Every text is found by a pattern that is the text itself with more wildcards.
            let literal = pattern.replace('*', "ab");
            assert!(Pattern::new(pattern).matches(&literal), "{pattern:?} does not find {literal:?}");
        }
    }
});
