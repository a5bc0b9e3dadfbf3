//! Filters in plain Rust: the reference that the SQL of every engine is tested against, and the judge of single hits
//! (the tail, rules).

use super::pattern::Pattern;
use super::{Condition, Field, Filter, Kind, Test};

/// A hit as a filter sees it.
pub trait HitView {
    /// The text of a field of kind `Text` or `Country`, "" for none; never called for `Consumer`, which is made of
    /// `User` and `Address`.
    fn text(&self, field: Field) -> &str;
    /// The number of any other field, in its stored unit; none if missing.
    fn number(&self, field: Field) -> Option<u64>;
}

/// Whether all conditions hold.
pub fn matches(filter: &Filter, hit: &impl HitView) -> bool {
    filter.conditions.iter().all(|condition| holds(condition, hit))
}

fn holds(condition: &Condition, hit: &impl HitView) -> bool {
    let field = condition.field;
    let any = condition.tests.iter().any(|test| match (field, field.info().kind) {
        (Field::Consumer, _) => is_consumer(test, hit),
        (_, Kind::Text | Kind::Country) => is_text(test, hit.text(field)),
        _ => is_number(test, hit.number(field)),
    });
    any != condition.negated
}

fn is_text(test: &Test, text: &str) -> bool {
    match test {
        Test::Is(value) => value == text,
        Test::Wildcard(pattern) => fits(pattern, text),
        Test::Range { .. } => false,
    }
}

fn is_number(test: &Test, number: Option<u64>) -> bool {
    match (test, number) {
        (Test::Is(value), None) => value.is_empty(),
        (Test::Is(value), Some(number)) => value.parse() == Ok(number),
        (Test::Wildcard(_), _) | (Test::Range { .. }, None) => false,
        (Test::Range { min, max }, Some(number)) => {
            min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max)
        }
    }
}

/// The user id if there is one, else the address: a hit has at most one consumer.
fn is_consumer(test: &Test, hit: &impl HitView) -> bool {
    let (Test::Is(value) | Test::Wildcard(value)) = test else { return false };
    let (user, address) = (hit.text(Field::User), hit.text(Field::Address));
    let fits = |value: &str, text: &str| match test {
        Test::Wildcard(_) => fits(value, text),
        _ => value == text,
    };
    if let Some(id) = value.strip_prefix("u:") {
        !user.is_empty() && fits(id, user)
    } else if let Some(wanted) = value.strip_prefix("a:") {
        user.is_empty() && fits(wanted, address)
    } else if user.is_empty() {
        fits(value, address)
    } else {
        fits(value, user)
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    Pattern::new(pattern).matches(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::parse;

    /// A hit as the fields that it has.
    struct View<'a>(&'a [(Field, &'a str)], &'a [(Field, u64)]);

    impl HitView for View<'_> {
        fn text(&self, field: Field) -> &str {
            assert_ne!(field, Field::Consumer);
            self.0.iter().find(|(of, _)| *of == field).map_or("", |(_, text)| text)
        }

        fn number(&self, field: Field) -> Option<u64> {
            self.1.iter().find(|(of, _)| *of == field).map(|(_, number)| *number)
        }
    }

    fn check(hit: &View<'_>, holding: &[&str], failing: &[&str]) {
        for q in holding {
            assert!(matches(&parse(q).unwrap(), hit), "{q}");
        }
        for q in failing {
            assert!(!matches(&parse(q).unwrap(), hit), "{q}");
        }
    }

    #[test]
    fn conditions_mean_what_they_say() {
        let alice = View(
            &[
                (Field::Method, "POST"),
                (Field::Host, "api.example.com"),
                (Field::Path, "/v1/users/42"),
                (Field::Country, "GB"),
                (Field::User, "alice"),
                (Field::Address, "203.0.113.9"),
            ],
            &[(Field::Status, 503), (Field::Duration, 1_000_000)],
        );
        check(
            &alice,
            &[
                "",
                "status:5xx",
                "status:503",
                "status:>=500",
                "-status:404",
                "status:404,5xx",
                "method:post",
                "host:API.example.com",
                "path:/v1/*",
                "path:*42",
                "path:*users*",
                "path:/v1/*/42",
                "path:*",
                "country:us,gb",
                "-country:US",
                "duration:1s",
                "duration:>=1s",
                "duration:100ms..1s",
                "duration:..1s",
                "duration:*",
                "consumer:alice",
                "consumer:u:alice",
                "consumer:al*",
                "user:alice",
                "address:203.0.113.*",
                "referrer:\"\"",
                "request_size:\"\"",
                "-request_size:>1",
                "status:5xx method:POST path:/v1/* -country:US consumer:alice",
            ],
            &[
                "status:404",
                "-status:5xx",
                "status:4xx method:POST",
                "path:/v1",
                "path:/v2/*",
                "path:*43",
                "path:\"/v1/*\"",
                "country:US",
                "country:\"\"",
                "duration:>1s",
                "duration:<1s",
                "duration:\"\"",
                "consumer:203.0.113.9",
                "consumer:a:203.0.113.9",
                "consumer:u:bob",
                "consumer:\"\"",
                "user:\"\"",
                "request_size:*",
                "request_size:<1gb",
                "sdk:x",
            ],
        );
        let stranger = View(&[(Field::Address, "203.0.113.9")], &[]);
        check(
            &stranger,
            &[
                "consumer:203.0.113.9",
                "consumer:a:203.*",
                "-consumer:u:*",
                "user:\"\"",
                "-duration:>1s",
            ],
            &["consumer:u:*", "consumer:\"\"", "duration:>1s"],
        );
        check(
            &View(&[], &[]),
            &["consumer:\"\"", "country:\"\"", "duration:\"\""],
            &["consumer:u:*", "duration:*"],
        );
    }
}
