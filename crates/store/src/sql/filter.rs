//! A filter's conditions as SQL over one file's hits. User text is bound, never pasted.

use analytics::filter::{Condition, Field, Filter, Test};
use analytics::hit::Text;

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
    let text = |kind: Text, column: &str, out: &mut Compiled| {
        compile_text(kind, column, test, file, project, out)
    };
    match field {
        Field::Status => compile_number("h.status", test, out),
        Field::Duration => compile_number("h.duration_us", test, out),
        Field::RequestSize => compile_number("h.request_size", test, out),
        Field::ResponseSize => compile_number("h.response_size", test, out),
        Field::Country => compile_country(test, out),
        Field::Method => text(Text::Method, "text", out),
        Field::Host => text(Text::Host, "text", out),
        Field::Path => text(Text::Path, "text", out),
        Field::Route => text(Text::Route, "text", out),
        Field::User => text(Text::User, "text", out),
        Field::Address => text(Text::Address, "text", out),
        Field::Agent => text(Text::Agent, "text", out),
        Field::Referrer => text(Text::Referrer, "text", out),
        Field::Framework => text(Text::Framework, "text", out),
        Field::Sdk => text(Text::Sdk, "text", out),
        Field::Client => text(Text::Agent, "client", out),
        Field::Os => text(Text::Agent, "os", out),
        Field::Device => text(Text::Agent, "device", out),
        Field::Version => text(Text::Path, "version", out),
        Field::Consumer => compile_consumer(test, file, project, out),
    }
}

/// `u:ID` is a user id, `a:ADDRESS` the caller's address where there is no user id, anything else is either.
fn compile_consumer(test: &Test, file: &str, project: u32, out: &mut Compiled) {
    let with = |rest: &str| match test {
        Test::Wildcard(_) => Test::Wildcard(rest.to_owned()),
        _ => Test::Is(rest.to_owned()),
    };
    let (Test::Is(value) | Test::Wildcard(value)) = test else {
        out.sql.push_str("FALSE");
        return;
    };
    let user = |test: &Test, out: &mut Compiled| {
        out.sql.push_str("(h.user_id > 0 AND ");
        compile_text(Text::User, "text", test, file, project, out);
        out.sql.push(')');
    };
    let address = |test: &Test, out: &mut Compiled| {
        out.sql.push_str("(h.user_id = 0 AND ");
        compile_text(Text::Address, "text", test, file, project, out);
        out.sql.push(')');
    };
    if let Some(rest) = value.strip_prefix("u:") {
        user(&with(rest), out);
    } else if let Some(rest) = value.strip_prefix("a:") {
        address(&with(rest), out);
    } else {
        out.sql.push('(');
        user(test, out);
        out.sql.push_str(" OR ");
        address(test, out);
        out.sql.push(')');
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
    let (condition, value, matches_none) = match test {
        Test::Is(value) => ("= ?", value.clone(), value.is_empty()),
        Test::Wildcard(pattern) => {
            ("LIKE ? ESCAPE '\\'", like(pattern), pattern.chars().all(|c| c == '*'))
        }
        Test::Range { .. } => {
            out.sql.push_str("FALSE");
            return;
        }
    };
    out.sql.push_str(&format!(
        "(h.{name} IN (SELECT id FROM {file}.strings WHERE kind = {kind} AND project = {project} AND {column} {condition})",
        name = kind.name(),
        kind = kind as u8,
    ));
    if matches_none {
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

fn compile_country(test: &Test, out: &mut Compiled) {
    match test {
        Test::Is(value) if value.is_empty() => out.sql.push_str("h.country = 0"),
        Test::Is(value) => match *value.as_bytes() {
            [a, b] => out.sql.push_str(&format!("h.country = {}", u16::from_be_bytes([a, b]))),
            _ => out.sql.push_str("FALSE"),
        },
        Test::Wildcard(pattern) => {
            out.sql.push_str("((CASE WHEN h.country = 0 THEN '' ELSE chr((h.country // 256)::INTEGER) || chr((h.country % 256)::INTEGER) END) LIKE ? ESCAPE '\\')");
            out.values.push(like(pattern));
        }
        Test::Range { .. } => out.sql.push_str("FALSE"),
    }
}
