//! A request, and the expectations of its response.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::Verdict;
use super::json_rule::JsonTest;
use super::settings::{AddressFamily, SecretText};
use crate::check::Failure;
use crate::fields::FieldError;
use crate::limits;

/// The methods that a check may use. CONNECT would turn the host into a proxy, and TRACE sends headers back.
pub(super) const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Headers that no owner may set: they frame the message or control the connection.
const OWN_HEADERS: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
];

#[derive(Clone, Debug)]
pub struct HttpProbe {
    pub url: Url,
    pub method: String,
    pub headers: Vec<(String, SecretText)>,
    pub body: String,
    pub family: AddressFamily,
    pub timeout: Duration,
    pub follow_redirects: bool,
    /// Whether an untrusted certificate is a failure.
    pub verify: bool,
    pub statuses: Vec<StatusRange>,
    pub contains: Option<String>,
    pub excludes: Option<String>,
    pub(super) json: Option<JsonTest>,
    pub degraded_above: Option<Duration>,
}

impl HttpProbe {
    /// The verdict on a complete response.
    pub fn judge(&self, status: u16, body: &[u8], took: Duration) -> Verdict {
        if !self.statuses.iter().any(|range| range.contains(status)) {
            let expected: Vec<String> = self.statuses.iter().map(ToString::to_string).collect();
            return Verdict::with(
                Failure::Status,
                format!("status {status}, expected {}", expected.join(", ")),
            );
        }
        let text = String::from_utf8_lossy(body);
        if self.contains.as_deref().is_some_and(|wanted| !text.contains(wanted)) {
            return Verdict::with(
                Failure::Assertion,
                "the body lacks the text of `body_contains`".to_owned(),
            );
        }
        if self.excludes.as_deref().is_some_and(|unwanted| text.contains(unwanted)) {
            return Verdict::with(
                Failure::Assertion,
                "the body has the text of `body_excludes`".to_owned(),
            );
        }
        if let Some(Err(problem)) = self.json.as_ref().map(|json| json.judge(body)) {
            return Verdict::with(Failure::Assertion, problem);
        }
        Verdict::by_time(took, self.degraded_above)
    }
}

/// Statuses from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    pub from: u16,
    pub to: u16,
}

impl StatusRange {
    /// `204`, `2xx` or `200-299`.
    pub fn parse(text: &str) -> Option<StatusRange> {
        let text = text.trim();
        let number = |text: &str| {
            let is_status = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>().ok().filter(|status| is_status && (100..600).contains(status))
        };
        if let Some(class) = text.to_ascii_lowercase().strip_suffix("xx") {
            let from = number(&format!("{class}00"))?;
            return Some(StatusRange { from, to: from + 99 });
        }
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let range = StatusRange { from: number(from.trim())?, to: number(to.trim())? };
        (range.from <= range.to).then_some(range)
    }

    pub fn contains(&self, status: u16) -> bool {
        (self.from..=self.to).contains(&status)
    }
}

impl std::fmt::Display for StatusRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.from, self.to) {
            (from, to) if from == to => write!(f, "{from}"),
            (from, to) if from % 100 == 0 && to == from + 99 => write!(f, "{}xx", from / 100),
            (from, to) => write!(f, "{from}-{to}"),
        }
    }
}

pub(super) fn parse_statuses(texts: &[String]) -> Result<Vec<StatusRange>, FieldError> {
    if texts.is_empty() || texts.len() as u64 > limits::MONITOR_STATUSES {
        return Err(FieldError::new(
            "expected_statuses",
            format!("has to have 1 to {} entries", limits::MONITOR_STATUSES),
        ));
    }
    let parse = |text: &String| {
        StatusRange::parse(text).ok_or_else(|| {
            FieldError::new(
                "expected_statuses",
                format!("has {text:?}, which is none of 204, 2xx and 200-299"),
            )
        })
    };
    texts.iter().map(parse).collect()
}

/// Names in lower case, so that none occurs twice.
pub(super) fn check_headers(
    headers: &mut BTreeMap<String, Option<SecretText>>,
) -> Result<Vec<(String, SecretText)>, FieldError> {
    let wrong = |message: String| Err(FieldError::new("headers", message));
    if headers.len() as u64 > limits::MONITOR_HEADERS {
        return wrong(format!("has more than {} entries", limits::MONITOR_HEADERS));
    }
    let mut checked = BTreeMap::new();
    for (name, value) in std::mem::take(headers) {
        let lower = name.to_ascii_lowercase();
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty()
            || name.len() as u64 > limits::MONITOR_HEADER_NAME_CHARACTERS
            || !name.bytes().all(is_token)
        {
            return wrong(format!("has the name {name:?}, which no header can have"));
        }
        if OWN_HEADERS.contains(&lower.as_str()) {
            return wrong(format!("has `{lower}`, which this server sets itself"));
        }
        let Some(value) = value else { return wrong(format!("has no value for `{lower}`")) };
        let is_shown = |character: char| matches!(character, ' '..='~' | '\t');
        let text = value.reveal();
        if text.len() as u64 > limits::MONITOR_HEADER_CHARACTERS || !text.chars().all(is_shown) {
            return wrong(format!(
                "has a value for `{lower}` that is longer than {} characters or not ASCII",
                limits::MONITOR_HEADER_CHARACTERS
            ));
        }
        if checked.insert(lower.clone(), Some(value)).is_some() {
            return wrong(format!("has `{lower}` twice"));
        }
    }
    *headers = checked;
    Ok(headers.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect())
}
