//! Settings that are sent field by field: a change names some fields, null restores the default, and an error names the
//! field.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::limits;

/// A field that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {message}")]
pub struct FieldError {
    pub field: String,
    /// Continues the field's name.
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), message: message.into() }
    }
}

/// A name or title without control characters and outer spaces, at most 100 characters long.
pub(crate) fn label(field: &str, text: &str) -> Result<String, FieldError> {
    let text: String = text.chars().filter(|character| !character.is_control()).collect();
    let text = text.trim();
    if text.chars().count() as u64 > limits::NAME_CHARACTERS {
        let message = format!("is longer than {} characters", limits::NAME_CHARACTERS);
        return Err(FieldError::new(field, message));
    }
    Ok(text.to_owned())
}

/// A length of time as a person reads it, exact: `20 s`, `366 days`, `1500 ms`.
pub(crate) fn length(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(86_400_000, "day"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let fitting = UNITS.iter().find(|(size, _)| ms > 0 && ms.is_multiple_of(*size));
    match fitting.map(|(size, unit)| (ms / size, *unit)) {
        None => format!("{ms} ms"),
        Some((count, "day")) if count != 1 => format!("{count} days"),
        Some((count, unit)) => format!("{count} {unit}"),
    }
}

/// The fields that are set.
pub(crate) fn of<T: Serialize>(settings: &T) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// `fields` with those of `change` replaced. `owner`, such as "a monitor", is the thing that they describe; `T` denies
/// unknown fields and requires none.
pub(crate) fn changed<T: DeserializeOwned>(
    mut fields: Map<String, Value>,
    change: Map<String, Value>,
    owner: &str,
) -> Result<T, FieldError> {
    for (field, value) in change {
        check::<T>(&field, value.clone(), owner)?;
        match value {
            Value::Null => drop(fields.remove(&field)),
            value => drop(fields.insert(field, value)),
        }
    }
    serde_json::from_value(Value::Object(fields))
        .map_err(|problem| FieldError::new(owner, format!("cannot be read: {problem}")))
}

/// Whether the field exists and the value has its type.
fn check<T: DeserializeOwned>(field: &str, value: Value, owner: &str) -> Result<(), FieldError> {
    let alone = Map::from_iter([(field.to_owned(), value)]);
    let Err(problem) = serde_json::from_value::<T>(Value::Object(alone)) else { return Ok(()) };
    let problem = problem.to_string();
    let message = match problem.starts_with(&format!("unknown field `{field}`")) {
        true => format!("isn't a field of {owner}"),
        false => format!("cannot be read: {problem}"),
    };
    Err(FieldError::new(field, message))
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn a_length_is_written_in_the_largest_unit_that_divides_it() {
        let lengths =
            [0, 999, 1_500, 20_000, 90_000, 120_000, 3_600_000, 86_400_000, 366 * 86_400_000];
        assert_eq!(
            lengths.map(length),
            ["0 ms", "999 ms", "1500 ms", "20 s", "90 s", "2 min", "1 h", "1 day", "366 days"]
        );
    }
}
