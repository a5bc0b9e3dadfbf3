//! The parameters of a call: each is read once by its names, and unknown ones are errors. Otherwise a mistyped
//! parameter would silently drop a filter.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::error::{ApiError, Code};

/// Marks a call whose `project` parameter authentication has read.
#[derive(Clone, Copy)]
pub struct ProjectRead;

/// The query string.
pub struct Parameters {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Parameters, Self::Rejection> {
        let mut parameters = Parameters::parse(parts.uri.query().unwrap_or_default());
        if parts.extensions.get::<ProjectRead>().is_some() {
            parameters.pairs.retain(|(name, _)| name != "project");
        }
        Ok(parameters)
    }
}

impl Parameters {
    fn parse(query: &str) -> Parameters {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let pairs = pairs.map(|(name, value)| (name.into_owned(), value.trim().to_owned()));
        Parameters { pairs: pairs.collect(), known: Vec::new() }
    }

    /// A value without taking it.
    pub fn peek(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(other, value)| other == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// The value of one of these names; missing and empty are the same. Two different values are an error.
    pub fn take(&mut self, names: &[&'static str]) -> Result<Option<String>, ApiError> {
        self.known.extend(names);
        let mut found: Option<&str> = None;
        for (name, value) in &self.pairs {
            if !names.contains(&name.as_str()) || value.is_empty() {
                continue;
            }
            if found.is_some_and(|before| before != value) {
                return Err(bad(name, "is there twice, with different values"));
            }
            found = Some(value);
        }
        Ok(found.map(str::to_owned))
    }

    /// Like `take`, parsed by `parse`, whose none means that the value is not `expected`.
    pub fn take_as<T>(
        &mut self,
        names: &[&'static str],
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        match self.take(names)? {
            None => Ok(None),
            Some(text) => match parse(&text) {
                Some(value) => Ok(Some(value)),
                None => Err(bad(self.used_name(names), &format!("is not {expected}"))),
            },
        }
    }

    /// Call it after all were taken: any left are unknown.
    pub fn finish(self) -> Result<(), ApiError> {
        match self.pairs.iter().find(|(name, _)| !self.known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => Err(bad(
                name,
                &format!("is not a parameter of this call; it has {}", self.known.join(", ")),
            )),
        }
    }

    fn used_name(&self, names: &[&'static str]) -> &'static str {
        names
            .iter()
            .find(|name| self.pairs.iter().any(|(given, _)| given == *name))
            .unwrap_or(&names[0])
    }
}

/// Names the parameter, never its value, which may be an address or a user.
pub fn bad(name: &str, what: &str) -> ApiError {
    let name: String = name.chars().filter(|character| !character.is_control()).take(60).collect();
    ApiError::new(Code::InvalidParameter, format!("the parameter `{name}` {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_taken_by_any_of_its_names() {
        let mut parameters = Parameters::parse("ip=192.0.2.1&ipAddress=192.0.2.1&page=&x+y=1");
        assert_eq!(parameters.take(&["ipAddress", "ip"]).unwrap().as_deref(), Some("192.0.2.1"));
        assert_eq!(parameters.take(&["page"]).unwrap(), None);
        let message = parameters.finish().unwrap_err().message;
        assert!(message.contains("`x y`"), "{message}");
    }

    #[test]
    fn two_values_and_wrong_values_are_named() {
        let mut parameters = Parameters::parse("ip=1&ipAddress=2&page=two");
        assert!(parameters.take(&["ipAddress", "ip"]).unwrap_err().message.contains("twice"));
        let wrong = parameters
            .take_as(&["page"], "a number from 1", |text| text.parse::<u64>().ok())
            .unwrap_err();
        assert_eq!(wrong.message, "the parameter `page` is not a number from 1");
    }
}
