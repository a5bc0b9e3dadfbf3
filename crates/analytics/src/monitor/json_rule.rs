//! A value in a JSON body (RFC 9535), and the comparison that it must pass.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json_path::JsonPath;
use utoipa::ToSchema;

use crate::fields::FieldError;
use crate::limits;

/// The comparison that a value in the body must pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonRule {
    /// A JSONPath (RFC 9535).
    #[schema(example = "$.status")]
    pub path: String,
    pub operator: JsonOperator,
    /// Not for `exists` and `missing`. A text and a number that read the same are equal.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Object, example = "ok")]
    pub value: Value,
}

/// Where a path leads to several values, one of them has to fit; for `not_equals` all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JsonOperator {
    Equals,
    NotEquals,
    Contains,
    Less,
    Greater,
    Exists,
    Missing,
}

/// A parsed rule.
#[derive(Clone, Debug)]
pub struct JsonTest {
    path: JsonPath,
    operator: JsonOperator,
    value: Value,
}

impl JsonTest {
    pub fn compile(rule: &JsonRule) -> Result<JsonTest, FieldError> {
        let wrong = |message: String| FieldError::new("json", message);
        if rule.path.chars().count() as u64 > limits::JSON_PATH_CHARACTERS {
            return Err(wrong(format!(
                "has a `path` longer than {} characters",
                limits::JSON_PATH_CHARACTERS
            )));
        }
        let path = JsonPath::parse(&rule.path)
            .map_err(|problem| wrong(format!("has a `path` that cannot be read: {problem}")))?;
        // Each of these may multiply the matches: searching a body of a megabyte must not take a gigabyte.
        let count = |text: &str| rule.path.matches(text).count();
        let steps = count("*") + count("?") + count(",") + count("..");
        if count("..") > 1 || steps as u64 > limits::JSON_PATH_STEPS {
            return Err(wrong(format!(
                "has a `path` that looks at too much: at most one `..`, and {} of `..`, `*`, `?` and `,` together",
                limits::JSON_PATH_STEPS
            )));
        }
        let (operator, value) = (rule.operator, rule.value.clone());
        match operator {
            JsonOperator::Exists | JsonOperator::Missing if !value.is_null() => {
                Err(wrong("has a `value`, which `exists` and `missing` do not take".to_owned()))
            }
            JsonOperator::Less | JsonOperator::Greater if number(&value).is_none() => {
                Err(wrong("needs a number as its `value` for `less` and `greater`".to_owned()))
            }
            JsonOperator::Contains if !value.is_string() => {
                Err(wrong("needs a string as its `value` for `contains`".to_owned()))
            }
            _ => Ok(JsonTest { path, operator, value }),
        }
    }

    /// The error states the problem and quotes nothing of the body.
    pub fn judge(&self, body: &[u8]) -> Result<(), String> {
        let body: Value =
            serde_json::from_slice(body).map_err(|_| "the body is not JSON".to_owned())?;
        let found = self.path.query(&body).all();
        let fits = match self.operator {
            JsonOperator::Exists => !found.is_empty(),
            JsonOperator::Missing => found.is_empty(),
            JsonOperator::NotEquals => {
                !found.is_empty() && !found.iter().any(|value| are_equal(value, &self.value))
            }
            _ => found.iter().any(|value| self.fits(value)),
        };
        match (fits, found.is_empty()) {
            (true, _) => Ok(()),
            (false, true) => Err("the JSON path leads to nothing".to_owned()),
            (false, false) => Err("the value at the JSON path is not as expected".to_owned()),
        }
    }

    fn fits(&self, found: &Value) -> bool {
        let compared = number(found).zip(number(&self.value));
        match self.operator {
            JsonOperator::Equals => are_equal(found, &self.value),
            JsonOperator::Less => compared.is_some_and(|(found, bound)| found < bound),
            JsonOperator::Greater => compared.is_some_and(|(found, bound)| found > bound),
            JsonOperator::Contains => match found {
                Value::String(text) => text.contains(self.value.as_str().unwrap_or_default()),
                Value::Array(values) => values.iter().any(|value| are_equal(value, &self.value)),
                _ => false,
            },
            JsonOperator::NotEquals | JsonOperator::Exists | JsonOperator::Missing => false,
        }
    }
}

/// The page's form sends only texts: `"200"` equals 200, and `"true"` true.
fn are_equal(one: &Value, other: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    one == other || text(one).is_some_and(|one| Some(one) == text(other))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
