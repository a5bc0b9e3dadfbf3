//! A filter as a condition on rows of `hits`. `analytics::filter::matches` is the reference.

use analytics::filter::{Condition, Field, Filter, Kind, Test};
use analytics::hit::TextKind;
use analytics::hit_fields::Stored;

use super::params::Params;
use super::schema::{IP, OTHER_ADDRESS};
use crate::clickhouse::addresses::to_ip;

/// All conditions; `1` for an empty filter.
pub fn compile(filter: &Filter, params: &mut Params) -> String {
    let all: Vec<String> =
        filter.conditions.iter().map(|condition| compile_condition(condition, params)).collect();
    if all.is_empty() { "1".to_owned() } else { all.join(" AND ") }
}

fn compile_condition(condition: &Condition, params: &mut Params) -> String {
    let Condition { field, negated, tests } = condition;
    let any = match (field.info().stored, field.info().kind) {
        (Stored::Nothing, _) if *field == Field::Consumer => consumer(tests, params),
        (Stored::Text(TextKind::Address), _) => address(tests, params),
        (_, Kind::Text | Kind::Country) => text(field.info().column, tests, params),
        _ => number(field.info().column, tests),
    };
    format!("{}({any})", if *negated { "NOT " } else { "" })
}

fn any(tests: Vec<String>) -> String {
    if tests.is_empty() { "0".to_owned() } else { tests.join(" OR ") }
}

/// Whether a text column passes any of the tests.
pub fn text(column: &str, tests: &[Test], params: &mut Params) -> String {
    let values: Vec<String> = values(tests).map(str::to_owned).collect();
    let mut all = wildcards(column, tests, params);
    if !values.is_empty() {
        all.push(format!("{column} IN {}", params.texts(values)));
    }
    any(all)
}

/// The same of addresses. Numbers are compared as numbers, which reads fewer bytes and makes no texts.
pub fn address(tests: &[Test], params: &mut Params) -> String {
    let mut all = wildcards("address", tests, params);
    let (mut ips, mut others) = (Vec::new(), Vec::new());
    for value in values(tests) {
        match to_ip(value) {
            Some(_) => ips.push(value.to_owned()),
            None => others.push(value.to_owned()),
        }
    }
    if !ips.is_empty() {
        all.push(format!("{IP} IN arrayMap(ip -> toIPv6(ip), {})", params.texts(ips)));
    }
    if !others.is_empty() {
        let others = params.texts(others);
        all.push(format!("({IP} = toIPv6('::') AND {OTHER_ADDRESS} IN {others})"));
    }
    any(all)
}

fn consumer(tests: &[Test], params: &mut Params) -> String {
    let (users, addresses): (Vec<_>, Vec<_>) = tests.iter().map(split_consumer).unzip();
    let users: Vec<Test> = users.into_iter().flatten().collect();
    let addresses: Vec<Test> = addresses.into_iter().flatten().collect();
    let (user, address) = (text("user_id", &users, params), address(&addresses, params));
    format!("if(user_id != '', {user}, {address})")
}

/// A test of a consumer as a test of its user id if there is one, and of its address if not.
fn split_consumer(test: &Test) -> (Option<Test>, Option<Test>) {
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

fn values(tests: &[Test]) -> impl Iterator<Item = &str> {
    tests.iter().filter_map(|test| match test {
        Test::Is(value) => Some(value.as_str()),
        Test::Wildcard(_) | Test::Range { .. } => None,
    })
}

fn wildcards(column: &str, tests: &[Test], params: &mut Params) -> Vec<String> {
    let patterns = tests.iter().filter_map(|test| match test {
        Test::Wildcard(pattern) => Some(pattern),
        Test::Is(_) | Test::Range { .. } => None,
    });
    patterns.map(|pattern| format!("{column} LIKE {}", params.text(&to_like(pattern)))).collect()
}

/// In LIKE, `%` is any run of characters, `_` is one, and `\` escapes.
fn to_like(pattern: &str) -> String {
    let mut like = String::with_capacity(pattern.len());
    for character in pattern.chars() {
        match character {
            '*' => like.push('%'),
            '%' | '_' | '\\' => like.extend(['\\', character]),
            other => like.push(other),
        }
    }
    like
}

/// A missing number is in no range, and in every negation of one.
fn number(column: &str, tests: &[Test]) -> String {
    let test = |test: &Test| match test {
        Test::Range { min: None, max: None } => format!("{column} IS NOT NULL"),
        Test::Range { min, max } => {
            let low = min.map(|min| format!("{column} >= {min}"));
            let high = max.map(|max| format!("{column} <= {max}"));
            let both: Vec<String> = low.into_iter().chain(high).collect();
            format!("({})", both.join(" AND "))
        }
        Test::Is(value) => match value.parse::<u64>() {
            Ok(value) => format!("{column} = {value}"),
            Err(_) if value.is_empty() => format!("{column} IS NULL"),
            Err(_) => "0".to_owned(),
        },
        Test::Wildcard(_) => "0".to_owned(),
    };
    format!("ifNull({}, 0)", any(tests.iter().map(test).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_user_is_a_parameter_and_never_part_of_the_statement() {
        let hostile = "x') OR 1 = 1 --";
        for q in [
            format!("path:\"{hostile}\""),
            format!("-route:\"{hostile}\",\"b\" consumer:\"{hostile}\""),
            format!("address:\"{hostile}\" country:GB"),
        ] {
            let mut params = Params::default();
            let filter = analytics::filter::parse(&q).unwrap();
            let sql = compile(&filter, &mut params);
            assert!(!sql.contains("OR 1 = 1"), "{sql}");
            assert!(params.iter().any(|(_, param)| format!("{param:?}").contains(hostile)), "{q}");
        }
    }

    #[test]
    fn a_wildcard_escapes_the_signs_that_like_knows() {
        assert_eq!(to_like(r"/100%_\*ü"), r"/100\%\_\\%ü");
    }
}
