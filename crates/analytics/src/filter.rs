//! The search language `q`: text to conditions on a hit's fields, and back to the same text.
//!
//! `status:5xx method:POST path:/v1/* -country:US,GB duration:>1s user:""`: conditions stand between spaces and all must
//! hold; a comma separates values of which one must hold; `-` before a field turns its condition round. In a bare value
//! `*` stands for any run of characters, and `\` takes the meaning off the next character; a value in double quotes stands
//! for itself; `""` is "none". Numbers take `>`, `>=`, `<`, `<=`, `a..b`, `a..` and `..b`, both ends included; `*` is "any".
//!
//! It is a conjunction of what a field can answer alone, no more: nothing here knows SQL, and there is no "or".
//! One more field: a name in `Field`, a row in `FIELDS`, its column in the store.

mod evaluate;
mod parse;
mod pattern;
mod print;

pub use evaluate::{HitView, matches};
pub use parse::{check_wildcards, parse};
pub use pattern::{Pattern, TextTests};

/// What a condition may speak of. A row per field in `FIELDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Status,
    Method,
    Host,
    Path,
    Route,
    Country,
    Duration,
    /// `u:ID`, `a:ADDRESS`, or either where no prefix is given.
    Consumer,
    User,
    Address,
    Agent,
    Client,
    Os,
    Device,
    Version,
    Referrer,
    Framework,
    Sdk,
    RequestSize,
    ResponseSize,
}

/// One test of a field's value. Numbers are in the stored unit: status as it is, durations in microseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// Equal; for `Country` two capitals, for `Method` capitals, for `Host` lower case. "" is "none", of numbers too.
    Is(String),
    /// `*` stands for any run of characters, everything else for itself.
    Wildcard(String),
    /// Both ends included; none: open. A missing number is in no range, also not in one that is open on both sides.
    Range { min: Option<u64>, max: Option<u64> },
}

/// True where any of `tests` holds; turned round by `negated`.
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
    /// The `*` of all its wildcards.
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

/// What kind of value a field has, and so which tests it understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Equal or wildcard.
    Text,
    /// As `Duration` and `Size`, without a unit.
    Number,
    /// In microseconds; written with `us`, `ms`, `s`, `m` or `h`, and in milliseconds where without.
    Duration,
    /// In bytes; written with `b`, `kb`, `mb` or `gb` (of 1,024), and in bytes where without.
    Size,
    /// Two letters or a wildcard.
    Country,
    /// A number from 100 to 599, a class as `5xx`, a comparison or range.
    Status,
}

/// A row of `FIELDS`.
#[derive(Clone, Copy, Debug)]
pub struct FieldInfo {
    pub field: Field,
    /// As printed.
    pub name: &'static str,
    /// Also understood: the names of the original's data API and of our JSON.
    pub aliases: &'static [&'static str],
    pub kind: Kind,
    /// One line, for documents and completion.
    pub doc: &'static str,
}

const fn field(
    field: Field,
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
    doc: &'static str,
) -> FieldInfo {
    FieldInfo { field, name, aliases, kind, doc }
}

/// All fields, in the order in which documents list them (that of `Field`).
pub const FIELDS: &[FieldInfo] = &[
    field(
        Field::Status,
        "status",
        &["status_code"],
        Kind::Status,
        "The answer's status: `404`, `5xx`, `>=400`.",
    ),
    field(Field::Method, "method", &[], Kind::Text, "The request's method, in any case."),
    field(
        Field::Host,
        "host",
        &["hostname"],
        Kind::Text,
        "The host that was asked, without a port.",
    ),
    field(
        Field::Path,
        "path",
        &[],
        Kind::Text,
        "The path that was asked for, without its query string: `/users/42`.",
    ),
    field(Field::Route, "route", &["endpoint"], Kind::Text, "The path's template: `/users/{id}`."),
    field(
        Field::Country,
        "country",
        &["location"],
        Kind::Country,
        "The caller's country, two letters: `US`.",
    ),
    field(
        Field::Duration,
        "duration",
        &["response_time", "latency"],
        Kind::Duration,
        "How long the answer took: `>1s`, `100ms..1s`.",
    ),
    field(
        Field::Consumer,
        "consumer",
        &[],
        Kind::Text,
        "Who called: `u:ID`, `a:ADDRESS` where there is no user id, or either.",
    ),
    field(Field::User, "user", &["user_id"], Kind::Text, "The user id that the API gave."),
    field(
        Field::Address,
        "address",
        &["ip_address", "ip"],
        Kind::Text,
        "The caller's address, where the project keeps it.",
    ),
    field(Field::Agent, "agent", &["user_agent"], Kind::Text, "The whole user agent."),
    field(
        Field::Client,
        "client",
        &["browser"],
        Kind::Text,
        "The client's name, read from the user agent: `Chrome`, `curl`.",
    ),
    field(
        Field::Os,
        "os",
        &["operating_system"],
        Kind::Text,
        "The operating system, read from the user agent.",
    ),
    field(
        Field::Device,
        "device",
        &[],
        Kind::Text,
        "`desktop`, `mobile`, `tablet`, `bot`, `library` or none.",
    ),
    field(
        Field::Version,
        "version",
        &["api_version"],
        Kind::Text,
        "The API's version, read from the path: `v1`.",
    ),
    field(
        Field::Referrer,
        "referrer",
        &["referer"],
        Kind::Text,
        "The page that the caller came from.",
    ),
    field(
        Field::Framework,
        "framework",
        &[],
        Kind::Text,
        "The framework that the client named: `FastAPI`.",
    ),
    field(Field::Sdk, "sdk", &[], Kind::Text, "The client library and its version."),
    field(
        Field::RequestSize,
        "request_size",
        &[],
        Kind::Size,
        "The size of the request's body: `>1mb`.",
    ),
    field(
        Field::ResponseSize,
        "response_size",
        &["size"],
        Kind::Size,
        "The size of the answer's body.",
    ),
];

impl Field {
    pub fn info(self) -> &'static FieldInfo {
        &FIELDS[self as usize]
    }

    /// By name or alias, in any case.
    pub fn find(name: &str) -> Option<Field> {
        let is_it = |info: &&FieldInfo| {
            info.name.eq_ignore_ascii_case(name)
                || info.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        };
        FIELDS.iter().find(is_it).map(|info| info.field)
    }
}

/// What is wrong with a `q`, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {offset})")]
pub struct FilterError {
    pub message: String,
    /// Characters from the start of `q`, from 0.
    pub offset: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_row_in_its_place_and_names_of_its_own() {
        let mut names = Vec::new();
        for (place, info) in FIELDS.iter().enumerate() {
            assert_eq!(info.field as usize, place, "{}", info.name);
            assert_eq!(info.field.info().name, info.name);
            for name in info.aliases.iter().chain([&info.name]) {
                assert_eq!(Field::find(&name.to_uppercase()), Some(info.field), "{name}");
                names.push(*name);
            }
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(Field::ResponseSize as usize + 1, FIELDS.len());
        assert_eq!(Field::find("nothing"), None);
    }
}
