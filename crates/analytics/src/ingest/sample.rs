//! An example of a rejected hit, so that its owner can find the mistake: the field and its value, cut.
//!
//! Never an address or a user id, in whatever field, and above privacy level 0 only a text's shape (`2026-11-22`
//! becomes `0000-00-00`). At most one per reason and batch, so good hits cost nothing.

use std::net::{IpAddr, SocketAddr};

use super::raw_hit::RawHit;
use super::value::Value;
use super::{Reason, Rejection};
use crate::hit_fields::Field;
use crate::limits;

/// The first rejected hit of a batch with this reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub reason: Reason,
    /// Its place among the posted hits.
    pub index: u32,
    /// As posted; "" if no field is to blame.
    pub field: &'static str,
    /// "" for missing.
    pub value: String,
}

/// Keeps a sample for the rejection unless its reason has one.
pub(super) fn put(samples: &mut Vec<Sample>, rejection: Rejection, raw: Option<&RawHit<'_>>) {
    put_value(samples, rejection, || match (rejection.reason, raw) {
        (_, None) => String::new(),
        // A user's number is a user id too.
        (Reason::Invalid(Field::User), Some(_)) => "neither a text nor a whole number".to_owned(),
        (reason, Some(raw)) => to_text(value_of(reason, raw)),
    });
}

/// Like `put`, with a value from elsewhere.
pub(crate) fn put_value(
    samples: &mut Vec<Sample>,
    rejection: Rejection,
    value: impl FnOnce() -> String,
) {
    let Rejection { reason, index } = rejection;
    if !samples.iter().any(|sample| sample.reason == reason) {
        samples.push(Sample { reason, index, field: reason.field(), value: value() });
    }
}

impl Sample {
    /// The part of it that this privacy level may keep.
    pub(crate) fn at_level(mut self, level: u8) -> Sample {
        if looks_private(&self.value) {
            self.value = "(hidden)".to_owned();
        } else if level > 0 {
            self.value = self.value.chars().map(to_shape).collect();
        }
        self
    }
}

fn to_text(value: &Value<'_>) -> String {
    let most = limits::SAMPLE_CHARACTERS as usize;
    match value {
        Value::None => String::new(),
        Value::Text(text) => {
            text.chars().filter(|character| !character.is_control()).take(most).collect()
        }
        Value::Unsigned(number) => number.to_string(),
        Value::Negative(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Other => "neither a text nor a number".to_owned(),
    }
}

/// Whether it is or contains an address of a machine or of a person.
fn looks_private(value: &str) -> bool {
    let is_address = |word: &str| {
        let bare = word.trim_matches(['[', ']', '.', ':']);
        let with_port = |word: &str| word.parse::<SocketAddr>().is_ok();
        with_port(word) || [word, bare].iter().any(|word| word.parse::<IpAddr>().is_ok())
    };
    value.contains('@')
        || value
            .split(|character: char| character.is_whitespace() || ",;/\"'()=".contains(character))
            .any(is_address)
}

fn to_shape(character: char) -> char {
    match character {
        _ if character.is_ascii_digit() => '0',
        _ if character.is_alphanumeric() => 'a',
        _ => character,
    }
}

impl Reason {
    /// The field to blame, as posted; "" if it is not a field's fault.
    pub fn field(self) -> &'static str {
        let field = match self {
            Reason::NotAnObject | Reason::Unreadable => return "",
            Reason::TooOld | Reason::TooNew => Field::Time,
            Reason::Invalid(field) => field,
        };
        field.info().posted.map_or("", |posted| posted.key)
    }
}

/// The value that a reason is about.
fn value_of<'r, 'a>(reason: Reason, raw: &'r RawHit<'a>) -> &'r Value<'a> {
    match reason {
        Reason::NotAnObject | Reason::Unreadable => &Value::None,
        Reason::TooOld | Reason::TooNew => raw.of(Field::Time),
        Reason::Invalid(field) => raw.of(field),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::decode;

    /// The samples of a body, at a level, as `index field value`.
    fn check(body: &str, level: u8) -> Vec<String> {
        let posted = decode(body.as_bytes()).unwrap();
        let samples = posted.samples.into_iter().map(|sample| sample.at_level(level));
        samples.map(|one| format!("{} {} {}", one.index, one.field, one.value)).collect()
    }

    #[test]
    fn the_first_of_each_reason_is_an_example() {
        let body = r#"{"requests": [
            {"path": "/", "method": "GET", "status": 200},
            {"path": "/", "method": "GET", "status": 99},
            {"path": "/", "method": "GET", "status": 98},
            {"path": ["/"], "method": "GET", "status": 200},
            {"path": "/", "method": "GET /", "status": 200},
            {"path": "/", "method": "GET", "status": 200, "created_at": "22.11.2026"},
            {"path": "/", "method": "GET", "status": 200, "user_id": {"id": "alice"}},
            {"path": "/", "method": "GET", "status": 200, "user_id": 1.5},
            7
        ]}"#;
        assert_eq!(
            check(body, 0),
            [
                "1 status 99",
                "3 path neither a text nor a number",
                "4 method GET /",
                "5 created_at 22.11.2026",
                "6 user_id neither a text nor a whole number",
                "8  ",
            ]
        );
        let masked = check(body, 1);
        assert_eq!(
            (masked[0].as_str(), masked[3].as_str()),
            ("1 status 00", "5 created_at 00.00.0000")
        );
    }

    #[test]
    fn a_zero_status_is_an_example_too() {
        let body = r#"{"requests": [{"path": "/", "method": "GET", "status": 0}]}"#;
        assert_eq!(check(body, 0), ["0 status 0"]);
    }

    #[test]
    fn no_example_holds_an_address_of_a_machine_or_a_person() {
        for value in [
            "203.0.113.9",
            "203.0.113.9:443",
            "203.0.113.9, 10.0.0.1",
            "from 203.0.113.9",
            "2001:db8::1",
            "[2001:db8::1]:443",
            "alice@example.com",
            "ip=203.0.113.9",
        ] {
            let body = format!(
                r#"{{"requests": [{{"path": "/", "method": "GET", "status": {}}}]}}"#,
                serde_json::json!(value)
            );
            for level in [0, 1] {
                assert_eq!(check(&body, level), ["0 status (hidden)"], "{value}");
            }
        }
        let long = format!(
            r#"{{"requests": [{{"path": "/", "method": "{}", "status": 1}}]}}"#,
            "x".repeat(500)
        );
        assert_eq!(
            check(&long, 0)[0].len(),
            "0 method ".len() + limits::SAMPLE_CHARACTERS as usize
        );
    }
}
