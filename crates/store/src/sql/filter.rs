//! A filter's conditions as SQL over one file's hits. User text is bound, never pasted.

use analytics::filter::{Condition, Field, Filter, Test};
use analytics::hit::{Country, Text};

/// A condition on the rows of `hits` (alias `h`), and what to bind to its `?`s, in order.
#[derive(Debug, Default)]
pub struct Compiled {
    pub sql: String,
    pub values: Vec<String>,
}

/// `TRUE` for an empty filter.
pub fn compile(filter: &Filter, file: &str, project: u32) -> Compiled {
    let mut out = Compiled::default();
    for condition in &filter.conditions {
        if !out.sql.is_empty() {
            out.sql.push_str(" AND ");
        }
        compile_condition(condition, file, project, &mut out);
    }
    if out.sql.is_empty() {
        out.sql.push_str("TRUE");
    }
    out
}

fn compile_condition(condition: &Condition, file: &str, project: u32, out: &mut Compiled) {
    // A missing number makes a comparison NULL: such a row is in no range, and in every negation of one.
    out.sql.push_str(if condition.negated { "NOT coalesce(" } else { "coalesce(" });
    if condition.tests.is_empty() {
        out.sql.push_str("FALSE");
    }
    for (n, test) in condition.tests.iter().enumerate() {
        if n > 0 {
            out.sql.push_str(" OR ");
        }
        compile_test(condition.field, test, file, project, out);
    }
    out.sql.push_str(", FALSE)");
}

fn compile_test(field: Field, test: &Test, file: &str, project: u32, out: &mut Compiled) {
    if let Some((kind, column)) = text_of(field) {
        return compile_text(kind, column, test, file, project, out);
    }
    match field {
        Field::Duration => compile_number("h.duration_us", test, out),
        Field::RequestSize => compile_number("h.request_size", test, out),
        Field::ResponseSize => compile_number("h.response_size", test, out),
        Field::Country => compile_country(test, out),
        Field::Consumer => compile_consumer(test, file, project, out),
        _ => compile_number("h.status", test, out),
    }
}

/// The text that a field is, or is read from, and the column of `strings` that holds it; none for numbers, countries and
/// `consumer`, which is two.
pub fn text_of(field: Field) -> Option<(Text, &'static str)> {
    let kind = match field {
        Field::Method => Text::Method,
        Field::Host => Text::Host,
        Field::Path => Text::Path,
        Field::Route => Text::Route,
        Field::User => Text::User,
        Field::Address => Text::Address,
        Field::Agent => Text::Agent,
        Field::Referrer => Text::Referrer,
        Field::Framework => Text::Framework,
        Field::Sdk => Text::Sdk,
        Field::Client => return Some((Text::Agent, "client")),
        Field::Os => return Some((Text::Agent, "os")),
        Field::Device => return Some((Text::Agent, "device")),
        Field::Version => return Some((Text::Path, "version")),
        Field::Status
        | Field::Country
        | Field::Duration
        | Field::Consumer
        | Field::RequestSize
        | Field::ResponseSize => return None,
    };
    Some((kind, "text"))
}

/// The ids of the texts that pass any of the tests.
pub fn ids(file: &str, project: u32, kind: Text, column: &str, tests: &[Test]) -> Compiled {
    let mut out = Compiled::default();
    let any: Vec<&str> = tests
        .iter()
        .filter_map(|test| {
            let (condition, value) = compile_words(test)?;
            out.values.push(value);
            Some(condition)
        })
        .collect();
    let any = any.iter().map(|condition| format!("{column} {condition}")).collect::<Vec<_>>();
    out.sql = format!(
        "SELECT id FROM {file}.strings WHERE kind = {} AND project = {project} AND ({})",
        kind as u8,
        if any.is_empty() { "FALSE".to_owned() } else { any.join(" OR ") }
    );
    out
}

/// Whether "no text" passes any of the tests.
pub fn match_none(tests: &[Test]) -> bool {
    tests.iter().any(|test| match test {
        Test::Is(value) => value.is_empty(),
        Test::Wildcard(pattern) => pattern.chars().all(|c| c == '*'),
        Test::Range { .. } => false,
    })
}

/// What stands behind a column, and what is bound to it.
fn compile_words(test: &Test) -> Option<(&'static str, String)> {
    match test {
        Test::Is(value) => Some(("= ?", value.clone())),
        Test::Wildcard(pattern) => Some(("LIKE ? ESCAPE '\\'", like(pattern))),
        Test::Range { .. } => None,
    }
}

/// `u:ID` is a user id, `a:ADDRESS` the caller's address where there is no user id, anything else is either.
fn compile_consumer(test: &Test, file: &str, project: u32, out: &mut Compiled) {
    let (user, address) = split_consumer(test);
    let of = |kind: Text, is: &str, test: Option<Test>, out: &mut Compiled| {
        let Some(test) = test else { return out.sql.push_str("FALSE") };
        out.sql.push_str(&format!("(h.user_id {is} 0 AND "));
        compile_text(kind, "text", &test, file, project, out);
        out.sql.push(')');
    };
    out.sql.push('(');
    of(Text::User, ">", user, out);
    out.sql.push_str(" OR ");
    of(Text::Address, "=", address, out);
    out.sql.push(')');
}

/// What a test of a consumer means for its user id where there is one, and for its address where there is none.
pub fn split_consumer(test: &Test) -> (Option<Test>, Option<Test>) {
    let with = |rest: &str| match test {
        Test::Wildcard(_) => Test::Wildcard(rest.to_owned()),
        _ => Test::Is(rest.to_owned()),
    };
    let (Test::Is(value) | Test::Wildcard(value)) = test else { return (None, None) };
    if let Some(rest) = value.strip_prefix("u:") {
        (Some(with(rest)), None)
    } else if let Some(rest) = value.strip_prefix("a:") {
        (None, Some(with(rest)))
    } else {
        (Some(test.clone()), Some(test.clone()))
    }
}

fn compile_text(
    kind: Text,
    column: &str,
    test: &Test,
    file: &str,
    project: u32,
    out: &mut Compiled,
) {
    let Some((condition, value)) = compile_words(test) else {
        out.sql.push_str("FALSE");
        return;
    };
    out.sql.push_str(&format!(
        "(h.{name} IN (SELECT id FROM {file}.strings WHERE kind = {kind} AND project = {project} AND {column} {condition})",
        name = kind.name(),
        kind = kind as u8,
    ));
    if match_none(std::slice::from_ref(test)) {
        out.sql.push_str(&format!(" OR h.{} = 0", kind.name()));
    }
    out.sql.push(')');
    out.values.push(value);
}

/// `*` becomes `%`; what LIKE would read as a pattern is escaped.
fn like(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    for c in pattern.chars() {
        match c {
            '*' => out.push('%'),
            '%' | '_' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn compile_number(column: &str, test: &Test, out: &mut Compiled) {
    let number = |value: u64| value.min(i64::MAX as u64);
    match test {
        Test::Range { min, max } => {
            let low = min.map(|min| format!("{column} >= {}", number(min)));
            let high = max.map(|max| format!("{column} <= {}", number(max)));
            let both: Vec<String> = low.into_iter().chain(high).collect();
            if both.is_empty() {
                out.sql.push_str(&format!("{column} IS NOT NULL"));
            } else {
                out.sql.push_str(&format!("({})", both.join(" AND ")));
            }
        }
        Test::Is(value) => match value.parse::<u64>() {
            Ok(value) => out.sql.push_str(&format!("{column} = {}", number(value))),
            Err(_) if value.is_empty() => out.sql.push_str(&format!("{column} IS NULL")),
            Err(_) => out.sql.push_str("FALSE"),
        },
        Test::Wildcard(_) => out.sql.push_str("FALSE"),
    }
}

/// A file has countries as numbers or as their letters, see `Country::from_number`.
fn compile_country(test: &Test, out: &mut Compiled) {
    match test {
        Test::Is(value) if value.is_empty() => out.sql.push_str("h.country = 0"),
        Test::Is(value) => match *value.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => {
                let (number, letters) = (Country([a, b]).number(), u16::from_be_bytes([a, b]));
                out.sql.push_str(&format!("h.country IN ({number}, {letters})"));
            }
            _ => out.sql.push_str("FALSE"),
        },
        Test::Wildcard(pattern) => {
            let numbers = Country::NUMBERS;
            out.sql.push_str(&format!(
                "((CASE WHEN h.country = 0 THEN ''
                 WHEN h.country < {numbers} THEN chr((h.country // 32 + 64)::INTEGER) || chr((h.country % 32 + 64)::INTEGER)
                 ELSE chr((h.country // 256)::INTEGER) || chr((h.country % 256)::INTEGER) END) LIKE ? ESCAPE '\\')"
            ));
            out.values.push(like(pattern));
        }
        Test::Range { .. } => out.sql.push_str("FALSE"),
    }
}
