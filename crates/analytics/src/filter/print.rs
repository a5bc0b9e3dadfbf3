//! Conditions to the text that `parse` reads back as the same conditions.

use std::fmt::{Display, Formatter, Result, Write};

use super::{Condition, Field, Filter, Kind, Test};

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (n, condition) in self.conditions.iter().enumerate() {
            if n > 0 {
                f.write_char(' ')?;
            }
            condition.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let info = self.field.info();
        write!(f, "{}{}:", if self.negated { "-" } else { "" }, info.name)?;
        for (n, test) in self.tests.iter().enumerate() {
            if n > 0 {
                f.write_char(',')?;
            }
            match test {
                Test::Is(text) => print_text(text, f)?,
                Test::Wildcard(pattern) => print_pattern(pattern, f)?,
                Test::Range { min, max } => print_range(self.field, *min, *max, f)?,
            }
        }
        Ok(())
    }
}

fn print_text(text: &str, f: &mut Formatter<'_>) -> Result {
    let needs_quotes = |c: char| c.is_whitespace() || matches!(c, ',' | '"' | '\\' | '*');
    if !text.is_empty() && !text.contains(needs_quotes) {
        return f.write_str(text);
    }
    f.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}

fn print_pattern(pattern: &str, f: &mut Formatter<'_>) -> Result {
    for c in pattern.chars() {
        if c.is_whitespace() || matches!(c, ',' | '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    Ok(())
}

fn print_range(field: Field, min: Option<u64>, max: Option<u64>, f: &mut Formatter<'_>) -> Result {
    let kind = field.info().kind;
    match (min, max) {
        (None, None) => f.write_char('*'),
        (Some(min), None) => write!(f, ">={}", Number(kind, min)),
        (None, Some(max)) => write!(f, "<={}", Number(kind, max)),
        (Some(min), Some(max))
            if kind == Kind::Status
                && min % 100 == 0
                && max == min + 99
                && (100..600).contains(&min) =>
        {
            write!(f, "{}xx", min / 100)
        }
        // A status below 100 or over 599 is refused as a value, but not as a range of one.
        (Some(min), Some(max))
            if min == max && (kind != Kind::Status || (100..600).contains(&min)) =>
        {
            write!(f, "{}", Number(kind, min))
        }
        (Some(min), Some(max)) => write!(f, "{}..{}", Number(kind, min), Number(kind, max)),
    }
}

/// In the largest unit of which it is a whole number.
struct Number(Kind, u64);

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Number(kind, number) = *self;
        let units: &[(u64, &str)] = match kind {
            Kind::Duration => &[
                (3_600_000_000, "h"),
                (60_000_000, "m"),
                (1_000_000, "s"),
                (1_000, "ms"),
                (1, "us"),
            ],
            Kind::Size => &[(1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb"), (1, "b")],
            _ => &[(1, "")],
        };
        let fits = |(scale, _): &&(u64, &str)| number > 0 && number.is_multiple_of(*scale);
        let (scale, unit) = units.iter().find(fits).or(units.last()).copied().unwrap_or((1, ""));
        write!(f, "{}{unit}", number / scale)
    }
}
