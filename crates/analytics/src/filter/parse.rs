//! `q` to conditions. An error says what is wrong, where, and what to write instead.

use super::{Condition, Field, Filter, FilterError, Kind, Test};
use crate::hit_fields::filterable;
use crate::limits;

/// Reads `q`; "" is everything.
pub fn parse(q: &str) -> Result<Filter, FilterError> {
    let text: Vec<char> = q.chars().collect();
    if text.len() as u64 > limits::QUERY_CHARACTERS {
        let message = format!(
            "the filter is longer than {} characters; shorten it",
            limits::QUERY_CHARACTERS
        );
        return Err(FilterError { message, offset: limits::QUERY_CHARACTERS as usize });
    }
    let mut parser = Parser { text: &text, at: 0 };
    let mut filter = Filter::default();
    loop {
        parser.skip_spaces();
        if parser.peek().is_none() {
            check_wildcards(filter.wildcards())?;
            return Ok(filter);
        }
        if filter.conditions.len() as u64 == limits::QUERY_CONDITIONS {
            return Err(parser.error(format!(
                "the filter has more than {} conditions; use fewer",
                limits::QUERY_CONDITIONS
            )));
        }
        filter.conditions.push(parser.condition()?);
    }
}

/// An error if a filter has more `*` than one query may have. A locked filter and a `q` are one query.
pub fn check_wildcards(wildcards: u64) -> Result<(), FilterError> {
    if wildcards <= limits::QUERY_WILDCARDS {
        return Ok(());
    }
    let most = limits::QUERY_WILDCARDS;
    let message = format!("the filter has {wildcards} `*`; use at most {most}");
    Err(FilterError { message, offset: 0 })
}

struct Parser<'a> {
    text: &'a [char],
    at: usize,
}

/// A value as it was written.
struct Written {
    text: String,
    /// In quotes: it stands for itself.
    quoted: bool,
    /// Byte offsets in `text` of characters that `\` escapes.
    escaped_star: bool,
    offset: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn error(&self, message: impl Into<String>) -> FilterError {
        FilterError { message: message.into(), offset: self.at }
    }

    fn condition(&mut self) -> Result<Condition, FilterError> {
        let negated = self.peek() == Some('-');
        self.at += usize::from(negated);
        let start = self.at;
        while self.peek().is_some_and(|c| c != ':' && !c.is_whitespace()) {
            self.at += 1;
        }
        let name: String = self.text[start..self.at].iter().collect();
        let at_start = |message| FilterError { message, offset: start };
        if self.peek() != Some(':') {
            return Err(at_start(format!(
                "`{}` names no field; write field:value, as in path:*{}*",
                short(&name),
                short(&name)
            )));
        }
        let Some(field) = Field::find(&name) else {
            let names: Vec<&str> = filterable().map(|info| info.name).collect();
            return Err(at_start(format!(
                "there is no field `{}`; the fields are {}",
                short(&name),
                names.join(", ")
            )));
        };
        self.at += 1;

        let mut tests = Vec::new();
        loop {
            if tests.len() as u64 == limits::QUERY_VALUES {
                return Err(self.error(format!(
                    "`{}` has more than {} values; use fewer",
                    field.info().name,
                    limits::QUERY_VALUES
                )));
            }
            let written = self.value(field)?;
            let offset = written.offset;
            tests.push(to_test(field, written).map_err(|message| FilterError { message, offset })?);
            if self.peek() != Some(',') {
                return Ok(Condition { field, negated, tests });
            }
            self.at += 1;
        }
    }

    /// Up to the next comma, space or end outside quotes.
    fn value(&mut self, field: Field) -> Result<Written, FilterError> {
        let offset = self.at;
        let mut written = Written {
            text: String::new(),
            quoted: self.peek() == Some('"'),
            escaped_star: false,
            offset,
        };
        if written.quoted {
            self.quoted(&mut written.text)?;
            if self.peek().is_some_and(|c| c != ',' && !c.is_whitespace()) {
                return Err(self.error("a comma or a space must follow the closing quote"));
            }
            return Ok(written);
        }
        while let Some(c) = self.peek() {
            if c == ',' || c.is_whitespace() {
                break;
            }
            self.at += 1;
            if c != '\\' {
                written.text.push(c);
                continue;
            }
            let Some(escaped) = self.peek() else {
                return Err(
                    self.error("a character must follow `\\`; for a backslash write `\\\\`")
                );
            };
            written.escaped_star |= escaped == '*';
            written.text.push(escaped);
            self.at += 1;
        }
        if written.text.is_empty() {
            return Err(self
                .error(format!("a value is missing; for none write {}:\"\"", field.info().name)));
        }
        Ok(written)
    }

    fn quoted(&mut self, text: &mut String) -> Result<(), FilterError> {
        let opening = self.at;
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '"' => return Ok(()),
                '\\' => match self.peek() {
                    Some(escaped) => {
                        text.push(escaped);
                        self.at += 1;
                    }
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(FilterError { message: "the quote is not closed; add a `\"`".into(), offset: opening })
    }
}

/// A long text, shortened for a message.
fn short(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn to_test(field: Field, written: Written) -> Result<Test, String> {
    let info = field.info();
    match info.kind {
        Kind::Text => to_text_test(field, written),
        Kind::Country => to_country_test(field, written),
        Kind::Number | Kind::Duration | Kind::Size | Kind::Status => {
            if written.quoted && written.text.is_empty() && info.kind != Kind::Status {
                return Ok(Test::Is(String::new()));
            }
            to_range(info.kind, &written.text).map_err(|problem| {
                format!("`{}` of {}: {problem}", short(&written.text), info.name)
            })
        }
    }
}

fn to_text_test(field: Field, written: Written) -> Result<Test, String> {
    let text = match field {
        Field::Method => written.text.to_ascii_uppercase(),
        Field::Host => written.text.to_ascii_lowercase(),
        _ => written.text,
    };
    if written.quoted || !text.contains('*') {
        return Ok(Test::Is(text));
    }
    if written.escaped_star {
        if text.matches('*').count() == 1 {
            return Ok(Test::Is(text));
        }
        return Err("a `*` that stands for itself cannot stand beside one that does not; put the value in quotes".into());
    }
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '*' || !pattern.ends_with('*') {
            pattern.push(c);
        }
    }
    Ok(Test::Wildcard(pattern))
}

fn to_country_test(field: Field, mut written: Written) -> Result<Test, String> {
    written.text.make_ascii_uppercase();
    match written.text.as_bytes() {
        [] => Ok(Test::Is(String::new())),
        [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => Ok(Test::Is(written.text)),
        bytes if !written.quoted && !written.escaped_star && bytes.contains(&b'*') => {
            to_text_test(field, written)
        }
        _ => Err(format!(
            "`{}` isn't a country; write its two letters, as in country:US",
            short(&written.text)
        )),
    }
}

/// The problem alone; the caller names the field and the value.
fn to_range(kind: Kind, text: &str) -> Result<Test, String> {
    let range = |min, max| Ok(Test::Range { min, max });
    let number = |text: &str| to_number(kind, text);
    if text == "*" {
        return range(None, None);
    }
    if let Some(rest) = text.strip_prefix(">=") {
        return range(Some(number(rest)?), None);
    }
    if let Some(rest) = text.strip_prefix('>') {
        let least = number(rest)?.checked_add(1).ok_or("nothing is larger than that")?;
        return range(Some(least), None);
    }
    if let Some(rest) = text.strip_prefix("<=") {
        return range(None, Some(number(rest)?));
    }
    if let Some(rest) = text.strip_prefix('<') {
        let most = number(rest)?.checked_sub(1).ok_or("nothing is smaller than that")?;
        return range(None, Some(most));
    }
    if let Some((from, to)) = text.split_once("..") {
        let end = |text: &str| if text.is_empty() { Ok(None) } else { number(text).map(Some) };
        return match (end(from)?, end(to)?) {
            (None, None) => {
                Err("a range needs an end, as in 1..2, 1.. or ..2; write * for any".into())
            }
            (Some(min), Some(max)) if min > max => {
                Err("the range is empty: its first end is larger than its second".into())
            }
            (min, max) => range(min, max),
        };
    }
    if kind == Kind::Status {
        return to_status(text);
    }
    let exactly = number(text)?;
    range(Some(exactly), Some(exactly))
}

fn to_status(text: &str) -> Result<Test, String> {
    if let [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] = text.as_bytes() {
        let first = u64::from(class - b'0') * 100;
        return Ok(Test::Range { min: Some(first), max: Some(first + 99) });
    }
    match to_number(Kind::Status, text) {
        Ok(status @ 100..=599) => Ok(Test::Range { min: Some(status), max: Some(status) }),
        _ => Err("write a status from 100 to 599, a class as 5xx, or a comparison as >=400".into()),
    }
}

/// A decimal number with a unit, to the whole number of the smallest unit: "1.5s" is 1,500,000 microseconds.
fn to_number(kind: Kind, text: &str) -> Result<u64, String> {
    let expected = match kind {
        Kind::Duration => "write a duration as 250us, 100ms, 1.5s, 2m or 1h",
        Kind::Size => "write a size as 512, 100kb, 1.5mb or 1gb",
        _ => "write a whole number",
    };
    let digits_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let scale: u64 = match (kind, unit.to_ascii_lowercase().as_str()) {
        (Kind::Duration, "us" | "µs") => 1,
        (Kind::Duration, "ms" | "") => 1_000,
        (Kind::Duration, "s") => 1_000_000,
        (Kind::Duration, "m" | "min") => 60_000_000,
        (Kind::Duration, "h") => 3_600_000_000,
        (Kind::Size, "b" | "") => 1,
        (Kind::Size, "kb") => 1 << 10,
        (Kind::Size, "mb") => 1 << 20,
        (Kind::Size, "gb") => 1 << 30,
        (Kind::Number | Kind::Status, "") => 1,
        _ => return Err(expected.into()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty()
        || (digits.contains('.') && fraction.is_empty())
        || fraction.contains('.')
        || fraction.len() > 12
    {
        return Err(expected.into());
    }
    let too_large = || "the number is too large".to_string();
    let whole: u64 = whole.parse().map_err(|_| too_large())?;
    let mut number = whole.checked_mul(scale).ok_or_else(too_large)?;
    if !fraction.is_empty() {
        let parts: u128 = fraction.parse().map_err(|_| expected.to_owned())?;
        let of = 10u128.pow(fraction.len() as u32);
        if !(parts * u128::from(scale)).is_multiple_of(of) {
            return Err(
                "the fraction is finer than what is stored; write a whole number of a smaller unit"
                    .into(),
            );
        }
        number =
            number.checked_add((parts * u128::from(scale) / of) as u64).ok_or_else(too_large)?;
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `q` prints as `expected`, or fails with it.
    fn check(q: &str, expected: &str) {
        let printed = match parse(q) {
            Ok(filter) => filter.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(printed, expected, "{q}");
        if parse(q).is_ok() {
            assert_eq!(
                parse(&printed),
                parse(q),
                "{q} is printed as {printed}, which is read otherwise"
            );
        }
    }

    #[test]
    fn what_is_read_is_printed_in_one_way() {
        check("", "");
        check("  \n ", "");
        check(
            "status:5xx method:POST path:/v1/* -country:US duration:>1s consumer:alice",
            "status:5xx method:POST path:/v1/* -country:US duration:>=1000001us consumer:alice",
        );
        check("country:us,GB", "country:US,GB");
        check("duration:100ms..1s", "duration:100ms..1s");
        check("duration:1.5s", "duration:1500ms");
        check("duration:100", "duration:100ms");
        check("duration:<1ms,>=2h", "duration:<=999us,>=2h");
        check("duration:..90s", "duration:<=90s");
        check("duration:60s..", "duration:>=1m");
        check("latency:*", "duration:*");
        check("duration:\"\"", "duration:\"\"");
        check("STATUS:404,5XX,>=400,400..499,200..299,..250", "status:404,5xx,>=400,4xx,2xx,<=250");
        check("request_size:1.5kb,1mb,0", "request_size:1536b,1mb,0b");
        check("user:\"\"", "user:\"\"");
        check("path:\"/a b\",/c,\"/v1/*\"", "path:\"/a b\",/c,\"/v1/*\"");
        check(r#"path:/a\ b*,"q\"\\",\*"#, r#"path:/a\ b*,"q\"\\","*""#);
        check("path:/a**b", "path:/a*b");
        check("consumer:a:2001:db8::1", "consumer:a:2001:db8::1");
        check("hostname:API.Example.com method:ge*", "host:api.example.com method:GE*");
        check("country:*,\"\"", "country:*,\"\"");
    }

    #[test]
    fn what_cannot_be_read_is_told_what_where_and_what_to_do() {
        check(
            "status:500 foo",
            "`foo` names no field; write field:value, as in path:*foo* (at character 11)",
        );
        check("-foo", "`foo` names no field; write field:value, as in path:*foo* (at character 1)");
        assert!(
            parse("colour:red")
                .unwrap_err()
                .message
                .starts_with("there is no field `colour`; the fields are method, host, ")
        );
        check("user:", "a value is missing; for none write user:\"\" (at character 5)");
        check("user:a,,b", "a value is missing; for none write user:\"\" (at character 7)");
        check("path:\"/a", "the quote is not closed; add a `\"` (at character 5)");
        check("path:\"/a\"b", "a comma or a space must follow the closing quote (at character 9)");
        check(
            "path:a\\",
            "a character must follow `\\`; for a backslash write `\\\\` (at character 7)",
        );
        check(
            r"path:\*a*",
            "a `*` that stands for itself cannot stand beside one that does not; put the value in quotes (at character 5)",
        );
        check(
            "country:\\*",
            "`*` isn't a country; write its two letters, as in country:US (at character 8)",
        );
        check(
            "country:Germany",
            "`GERMANY` isn't a country; write its two letters, as in country:US (at character 8)",
        );
        check(
            "status:99",
            "`99` of status: write a status from 100 to 599, a class as 5xx, or a comparison as >=400 (at character 7)",
        );
        check(
            "status:\"\"",
            "`` of status: write a status from 100 to 599, a class as 5xx, or a comparison as >=400 (at character 7)",
        );
        check(
            "duration:fast",
            "`fast` of duration: write a duration as 250us, 100ms, 1.5s, 2m or 1h (at character 9)",
        );
        check(
            "duration:0.5us",
            "`0.5us` of duration: the fraction is finer than what is stored; write a whole number of a smaller unit (at character 9)",
        );
        check(
            "duration:2s..1s",
            "`2s..1s` of duration: the range is empty: its first end is larger than its second (at character 9)",
        );
        check(
            "duration:..",
            "`..` of duration: a range needs an end, as in 1..2, 1.. or ..2; write * for any (at character 9)",
        );
        check("duration:<0", "`<0` of duration: nothing is smaller than that (at character 9)");
        check(
            "size:99999999999gb",
            "`99999999999gb` of response_size: the number is too large (at character 5)",
        );
        check(
            "ü:1 ä",
            &format!(
                "there is no field `ü`; the fields are {} (at character 0)",
                filterable().map(|info| info.name).collect::<Vec<_>>().join(", ")
            ),
        );
    }

    #[test]
    fn a_filter_is_bounded() {
        assert!(parse(&"a".repeat(5_000)).unwrap_err().message.contains("longer than 4096"));
        assert!(
            parse(&"user:a ".repeat(51)).unwrap_err().message.contains("more than 50 conditions")
        );
        assert!(
            parse(&format!("user:{}", vec!["a"; 101].join(",")))
                .unwrap_err()
                .message
                .contains("more than 100 values")
        );
        assert!(parse(&format!("user:{}", vec!["a"; 100].join(","))).is_ok());
        let wildcards = |count| parse(&"-path:*a*e*%d* ".repeat(count));
        assert!(wildcards(25).is_ok());
        let message = wildcards(26).unwrap_err().message;
        assert_eq!(message, "the filter has 104 `*`; use at most 100");
        assert!(parse(&format!("path:\"{}\"", "*".repeat(200))).is_ok());
    }

    fn a_test(field: Field) -> BoxedStrategy<Test> {
        let text = prop_oneof!["[a-zA-Z0-9/:.>\"\\\\, *äß\\-]{0,12}", "\\PC{0,8}"];
        let normal = move |text: String| match field {
            Field::Method => text.to_ascii_uppercase(),
            Field::Host => text.to_ascii_lowercase(),
            _ => text,
        };
        let range = (any::<Option<u64>>(), any::<Option<u64>>()).prop_map(|(a, b)| match (a, b) {
            (Some(a), Some(b)) => Test::Range { min: Some(a.min(b)), max: Some(a.max(b)) },
            (min, max) => Test::Range { min, max },
        });
        match field.info().kind {
            Kind::Text => prop_oneof![
                text.clone().prop_map(move |text| Test::Is(normal(text))),
                (text.clone(), text).prop_map(move |(a, b)| {
                    Test::Wildcard(normal(format!("{}*{}", a.replace('*', ""), b.replace('*', ""))))
                }),
            ]
            .boxed(),
            Kind::Country => prop_oneof!["([A-Z]{2})?".prop_map(Test::Is), "[A-Z]?\\*".prop_map(Test::Wildcard)].boxed(),
            Kind::Status => prop_oneof![range, (100u64..600).prop_map(|n| Test::Range { min: Some(n), max: Some(n) })]
                .prop_filter("a status alone is from 100 to 599", |test| {
                    !matches!(test, Test::Range { min: Some(a), max: Some(b) } if a == b && !(100..600).contains(a))
                })
                .boxed(),
            _ => prop_oneof![range, Just(Test::Is(String::new()))].boxed(),
        }
    }

    fn a_condition() -> impl Strategy<Value = Condition> {
        let fields: Vec<Field> = filterable().map(|info| info.field).collect();
        let field = prop::sample::select(fields);
        field.prop_flat_map(|field| {
            (any::<bool>(), prop::collection::vec(a_test(field), 1..4))
                .prop_map(move |(negated, tests)| Condition { field, negated, tests })
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_as_the_same(conditions in prop::collection::vec(a_condition(), 0..4)) {
            let filter = Filter { conditions };
            let printed = filter.to_string();
            prop_assert_eq!(parse(&printed), Ok(filter), "{}", printed);
        }

        #[test]
        fn any_text_is_read_or_refused(q in "\\PC{0,60}") {
            if let Ok(filter) = parse(&q) {
                prop_assert_eq!(parse(&filter.to_string()), Ok(filter));
            }
        }

        #[test]
        fn any_condition_is_read_or_refused(q in "-?(status|duration|size|path|country|consumer):[0-9a-z.,<>*\"\\\\ ]{0,20}") {
            if let Ok(filter) = parse(&q) {
                prop_assert_eq!(parse(&filter.to_string()), Ok(filter));
            }
        }
    }
}
