//! A monitor's settings as its owner sends them. Every field is optional; an error names the field.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::json_rule::JsonRule;
use crate::fields::{self, FieldError};

/// How a monitor is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A request to `url`.
    Http,
    /// A connection to `target`.
    Tcp,
    /// A secret address that a job calls every so often.
    Heartbeat,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Http => "http",
            Kind::Tcp => "tcp",
            Kind::Heartbeat => "heartbeat",
        }
    }
}

/// Which addresses of a name are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AddressFamily {
    #[default]
    Any,
    Ipv4,
    Ipv6,
}

/// The value of a header, which may be a credential: it is stored and sent, and shown nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> SecretText {
        SecretText(text.to_owned())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// A monitor as it is written. A field that is missing has its default; one that belongs to another kind is an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MonitorSettings {
    /// `http`, `tcp` or `heartbeat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// At most 100 characters. Default: the host that is checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Not checked while true. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// Seconds between two checks, 20 to 86,400. Default: 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_s: Option<u32>,
    /// For the whole check, below the interval. Default: 10,000. Not for a heartbeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// Failures in a row until it is down, 1 to 20. Default: 3; of a heartbeat 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down_after: Option<u32>,
    /// Successes in a row until it is up again, 1 to 20. Default: 2; of a heartbeat 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_after: Option<u32>,
    /// A check that takes longer is degraded. Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded_above_ms: Option<u32>,
    /// Which addresses of the name are called: `any`, `ipv4` or `ipv6`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_family: Option<AddressFamily>,
    /// The `id` of a monitor of the same project that this one depends on, such as the host behind it: while that one fails,
    /// no notices are sent about this one. Its state is not changed by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_of: Option<i64>,

    /// http: the address, with http:// or https://.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://api.example.com/health")]
    pub url: Option<String>,
    /// http: GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS. Default: GET.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// http: sent with the request. Values are never shown: an answer has null in their place, and null in a change keeps
    /// the value that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, additional_properties, example = json!({ "authorization": null }))]
    pub headers: Option<BTreeMap<String, Option<SecretText>>>,
    /// http: the body of the request, at most 16 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// http: statuses that count as success: `200`, `2xx` or `200-299`. Default: `2xx`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_statuses: Option<Vec<String>>,
    /// http: a text that the body must contain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_contains: Option<String>,
    /// http: a text that the body must not contain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_excludes: Option<String>,
    /// http: a value in a JSON body, and what it has to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<JsonRule>,
    /// http: whether redirects are followed, at most 5. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_redirects: Option<bool>,
    /// http: whether a certificate that is not trusted is a failure. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_certificate: Option<bool>,

    /// tcp: `HOST:PORT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "db.example.com:5432")]
    pub target: Option<String>,

    /// heartbeat: the job calls at least this often, 30 seconds to 366 days. This or `cron`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_s: Option<u32>,
    /// heartbeat: the job calls after each of these times: minute, hour, day, month, weekday.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "30 2 * * *")]
    pub cron: Option<String>,
    /// heartbeat: the zone of `cron`, an IANA name. Default: UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// heartbeat: how long after it is due a call may come, 10 seconds to 366 days. Default: 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_s: Option<u32>,
}

impl MonitorSettings {
    /// These settings with the fields of `change` replaced. Null restores a default; as the value of a header it keeps
    /// the stored one.
    pub fn changed(&self, mut change: Map<String, Value>) -> Result<MonitorSettings, FieldError> {
        let fields = fields::of(self);
        if let Some(Value::Object(headers)) = change.get_mut("headers") {
            keep_values(headers, fields.get("headers"))?;
        }
        fields::changed(fields, change, "a monitor")
    }

    /// As the API shows them.
    pub fn without_secrets(mut self) -> MonitorSettings {
        for value in self.headers.iter_mut().flat_map(BTreeMap::values_mut) {
            *value = None;
        }
        self
    }
}

fn keep_values(headers: &mut Map<String, Value>, before: Option<&Value>) -> Result<(), FieldError> {
    for (name, value) in headers.iter_mut().filter(|(_, value)| value.is_null()) {
        let kept = before.and_then(|before| {
            before.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
        });
        let (_, kept) = kept.ok_or_else(|| {
            FieldError::new(
                "headers",
                format!("has no value for `{name}`, and none is kept from before"),
            )
        })?;
        *value = kept.clone();
    }
    Ok(())
}
