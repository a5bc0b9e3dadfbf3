//! A filter's conditions on numbers as SQL over one file's hits, and the scan of its texts for the others
//! (`crate::duckdb::filter`). User text is bound, never pasted.

use analytics::filter::{Condition, Field, Filter, Test, TextTests};
use analytics::hit::{Country, TextKind};
use analytics::hit_fields::{Stored, Word};

use super::file::Tables;

/// A statement and the values of its `?`, in order.
#[derive(Debug, Default)]
pub struct Compiled {
    pub sql: String,
    pub values: Vec<String>,
}

/// Conditions on numbers and countries; `TRUE` for an empty filter.
pub fn compile(filter: &Filter) -> String {
    let (countries, numbers): (Vec<&Condition>, Vec<&Condition>) =
        filter.conditions.iter().partition(|condition| condition.field == Field::Country);
    let mut conditions: Vec<String> = numbers.into_iter().map(compile_numbers).collect();
    if !countries.is_empty() {
        conditions.push(compile_countries(&countries));
    }
    match conditions.is_empty() {
        true => "TRUE".into(),
        false => conditions.join(" AND "),
    }
}

/// A missing number makes a comparison NULL: such a row is in no range, and in every negation of one.
fn compile_numbers(condition: &Condition) -> String {
    let tests: Vec<String> =
        condition.tests.iter().map(|test| compile_test(condition.field, test)).collect();
    let any = if tests.is_empty() { "FALSE".to_owned() } else { tests.join(" OR ") };
    match condition.negated {
        // A missing number passes no test.
        true => format!("NOT coalesce({any}, FALSE)"),
        // The engine finds comparisons of columns, and skips what they rule out, but not within a function.
        false => format!("({any})"),
    }
}

fn compile_test(field: Field, test: &Test) -> String {
    compile_number(&format!("h.{}", field.info().column), test)
}

/// A text, or a word derived from it: a column of `strings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextField {
    Text,
    Word(Word),
}

impl TextField {
    const ALL: [TextField; 5] = [
        TextField::Text,
        TextField::Word(Word::Client),
        TextField::Word(Word::Os),
        TextField::Word(Word::Device),
        TextField::Word(Word::Version),
    ];

    /// Its expression over the `strings` of a file.
    fn column(self, of: Tables<'_>, kind: TextKind) -> String {
        match self {
            TextField::Text => of.full_text(kind),
            TextField::Word(word) => word.column().to_owned(),
        }
    }

    /// Its index among the columns that `texts` selects.
    pub fn place(self) -> usize {
        match self {
            TextField::Text => 0,
            TextField::Word(word) => 1 + word as usize,
        }
    }
}

/// A restriction of a scan of texts for which the engine's statistics help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Only {
    Equal(TextField, String),
    Prefix(TextField, String),
}

/// id, then each `TextField` at its index: the texts of a kind, or those that one of `only` allows. Fields not in
/// `fields` are NULL.
pub fn texts(
    of: Tables<'_>,
    project: u32,
    kind: TextKind,
    fields: &[TextField],
    only: Option<&[Only]>,
) -> Compiled {
    let select = TextField::ALL.map(|field| match fields.contains(&field) {
        true => field.column(of, kind),
        false => "NULL::VARCHAR".to_owned(),
    });
    let mut values = Vec::new();
    let only = only.map_or_else(String::new, |only| {
        let any: Vec<String> = only
            .iter()
            .map(|one| match one {
                Only::Equal(TextField::Text, value) => {
                    let (condition, bound) = of.is_text(kind, value);
                    values.extend(bound);
                    condition
                }
                Only::Equal(field, value) => {
                    values.push(value.clone());
                    format!("coalesce({}, '') = ?", field.column(of, kind))
                }
                Only::Prefix(field, prefix) => {
                    values.push(prefix.clone());
                    format!("starts_with({}, ?)", field.column(of, kind))
                }
            })
            .collect();
        format!(" AND ({})", if any.is_empty() { "FALSE".to_owned() } else { any.join(" OR ") })
    });
    let sql = format!(
        "SELECT id, {} FROM {}.strings WHERE kind = {} AND project = {project}{only}",
        select.join(", "),
        of.file,
        kind as u8
    );
    Compiled { sql, values }
}

/// The text that a field is or derives from, and the column of `strings` that holds it; none for numbers, countries and
/// `consumer`, which is two texts.
pub fn text_of(field: Field) -> Option<(TextKind, TextField)> {
    match field.info().stored {
        Stored::Text(kind) => Some((kind, TextField::Text)),
        Stored::Word(word) => Some((word.source(), TextField::Word(word))),
        Stored::Time | Stored::Number(_) | Stored::Country | Stored::Nothing => None,
    }
}

/// A test of a consumer as a test of its user id if there is one, and of its address if not.
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

fn compile_number(column: &str, test: &Test) -> String {
    let number = |value: u64| value.min(i64::MAX as u64);
    match test {
        Test::Range { min, max } => {
            let low = min.map(|min| format!("{column} >= {}", number(min)));
            let high = max.map(|max| format!("{column} <= {}", number(max)));
            let both: Vec<String> = low.into_iter().chain(high).collect();
            match both.is_empty() {
                true => format!("{column} IS NOT NULL"),
                false => format!("({})", both.join(" AND ")),
            }
        }
        Test::Is(value) => match value.parse::<u64>() {
            Ok(value) => format!("{column} = {}", number(value)),
            Err(_) if value.is_empty() => format!("{column} IS NULL"),
            Err(_) => "FALSE".into(),
        },
        Test::Wildcard(_) => "FALSE".into(),
    }
}

/// There are few countries: each is tested here, and a hit's is compared with those that pass all conditions. A file
/// stores countries as numbers or as their letters, see `Country::from_number`.
fn compile_countries(conditions: &[&Condition]) -> String {
    let tests: Vec<(bool, TextTests)> =
        conditions.iter().map(|one| (one.negated, TextTests::new(&one.tests))).collect();
    let passes = |text: &str| tests.iter().all(|(negated, tests)| tests.pass(text) != *negated);
    let letters = || b'A'..=b'Z';
    let countries = letters().flat_map(|a| letters().map(move |b| Country([a, b])));
    let (passing, failing): (Vec<Country>, Vec<Country>) =
        countries.chain([Country::NONE]).partition(|country| passes(country.as_str()));
    let (is, fewer) =
        if passing.len() <= failing.len() { ("IN", passing) } else { ("NOT IN", failing) };
    let numbers = fewer.iter().flat_map(|one| [one.number(), u16::from_be_bytes(one.0)]);
    let list = numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(", ");
    match (is, list.as_str()) {
        ("IN", "") => "FALSE".into(),
        (_, "") => "TRUE".into(),
        _ => format!("h.country {is} ({list})"),
    }
}
