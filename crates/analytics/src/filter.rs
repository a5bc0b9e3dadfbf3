//! The search language `q`: text to conditions on a hit's fields, and back to the same text.
//!
//! `status:5xx method:POST path:/v1/* -country:US,GB duration:>1s user:""`: conditions are separated by spaces and all
//! must hold; a comma separates values of which one must match; `-` before a field negates its condition. In a bare
//! value `*` matches any run of characters, and `\` escapes the next character; a value in double quotes is literal;
//! `""` is "none". Numbers take `>`, `>=`, `<`, `<=`, `a..b`, `a..` and `..b`, both ends included; `*` is "any".
//!
//! A conjunction of tests of single fields, no more: nothing here knows SQL, and there is no "or".
//! The fields are those of `hit_fields::FIELDS` that are filterable.

mod evaluate;
mod parse;
mod pattern;
mod print;

pub use crate::hit_fields::{Field, Kind};
pub use evaluate::{HitView, matches};
pub use parse::{check_wildcards, parse};
pub use pattern::{Pattern, TextTests};

/// One test of a field's value. Numbers are in the stored unit: status as it is, durations in microseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// Equal; for `Country` two capitals, for `Method` capitals, for `Host` lower case. "" is "none", of numbers too.
    Is(String),
    /// `*` stands for any run of characters, everything else for itself.
    Wildcard(String),
    /// Both ends included; none: open. A missing number is in no range, not even in one open on both sides.
    Range { min: Option<u64>, max: Option<u64> },
}

/// True if any of `tests` holds; `negated` inverts it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    pub field: Field,
    pub negated: bool,
    pub tests: Vec<Test>,
}

/// All of them must hold. Empty: everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    pub conditions: Vec<Condition>,
}

impl Filter {
    /// The number of `*` in all its wildcards.
    pub fn wildcards(&self) -> u64 {
        let tests = self.conditions.iter().flat_map(|condition| &condition.tests);
        tests
            .map(|test| match test {
                Test::Wildcard(pattern) => pattern.matches('*').count() as u64,
                Test::Is(_) | Test::Range { .. } => 0,
            })
            .sum()
    }
}

/// A problem of a `q`, its place, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {offset})")]
pub struct FilterError {
    pub message: String,
    /// Characters from the start of `q`, from 0.
    pub offset: usize,
}
