//! The outgoing request and the answer to it, as data.

use std::fmt;

use jiff::fmt::rfc2822;
use serde::{Deserialize, Serialize};

use super::secret::Secret;
use super::text;
use crate::limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Post,
    Put,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Put => "PUT",
        }
    }
}

/// One notice being sent.
#[derive(Clone, Debug)]
pub enum Outgoing {
    Http(OutgoingRequest),
    Email(Email),
}

/// An e-mail: everything but the sender and the date. No value holds a line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    pub to: Vec<String>,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub headers: Vec<(&'static str, String)>,
}

/// An HTTP request. Redirects must not be followed.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingRequest {
    pub method: Method,
    pub url: Secret,
    /// Names in lower case; `content-type` among them.
    pub headers: Vec<(&'static str, Secret)>,
    /// Some services take their token in the body.
    pub body: Secret,
}

impl OutgoingRequest {
    pub(super) fn json(method: Method, url: &str, body: &serde_json::Value) -> OutgoingRequest {
        OutgoingRequest {
            method,
            url: Secret::new(url),
            headers: vec![("content-type", Secret::new("application/json"))],
            body: Secret::new(body.to_string()),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> OutgoingRequest {
        self.headers.push((name, Secret::new(value)));
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.expose())
    }
}

/// Only the parts that hold no secret: paths and queries are left out as well.
impl fmt::Debug for OutgoingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("OutgoingRequest")
            .field("method", &self.method)
            .field("headers", &names)
            .field("body_bytes", &self.body.expose().len())
            .finish_non_exhaustive()
    }
}

/// The context of one send, besides the notice.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    pub now_ms: i64,
    /// The name of this server.
    pub host: &'a str,
    /// The service's id of the thread's first message, if `Judgement::Delivered` had one.
    pub reply_to: Option<&'a str>,
}

/// The service's response, as far as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub status: u16,
    /// The header's value, if there is one.
    pub retry_after: Option<&'a str>,
    pub body: &'a str,
    pub now_ms: i64,
}

/// The verdict on an answer: delivered, try again, or give up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// `message`: its id at the service, to which later notices of the thread can reply.
    Delivered { message: Option<String> },
    /// Try again, after `after_ms` if the service gave a delay.
    Again { after_ms: Option<i64>, reason: String },
    /// It will never work; `gone` if nothing on this channel will until someone changes it.
    Permanent { gone: bool, reason: String },
    /// The Telegram chat has a new id: store it and try again.
    Moved { chat_id: String },
}

impl Judgement {
    pub(super) const DELIVERED: Judgement = Judgement::Delivered { message: None };
}

impl Answer<'_> {
    /// For services whose status alone decides.
    pub(super) fn judge_status(&self) -> Judgement {
        match self.status {
            200..300 => Judgement::DELIVERED,
            408 | 425 | 429 | 500.. => self.again(self.retry_after_ms()),
            410 => self.permanent(true),
            _ => self.permanent(false),
        }
    }

    pub(super) fn again(&self, after_ms: Option<i64>) -> Judgement {
        let most_ms = limits::NOTICE_RETRY_AFTER_SECONDS as i64 * 1_000;
        let after_ms = after_ms.map(|after_ms| after_ms.clamp(0, most_ms));
        Judgement::Again { after_ms, reason: self.reason() }
    }

    pub(super) fn permanent(&self, gone: bool) -> Judgement {
        Judgement::Permanent { gone, reason: self.reason() }
    }

    /// Seconds or a date (RFC 9110).
    pub(super) fn retry_after_ms(&self) -> Option<i64> {
        let text = self.retry_after?.trim();
        if let Ok(seconds) = text.parse::<u32>() {
            return Some(i64::from(seconds) * 1_000);
        }
        let date = rfc2822::parse(text).ok()?;
        Some((date.timestamp().as_millisecond() - self.now_ms).max(0))
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.body).unwrap_or_default()
    }

    /// The status and the beginning of the body, in one line.
    fn reason(&self) -> String {
        let most = limits::NOTICE_ANSWER_CHARACTERS as usize;
        let head: String = self.body.chars().take(4 * most).collect();
        if head.trim().is_empty() {
            return format!("status {}", self.status);
        }
        let line = format!("status {}: {}", self.status, text::clean(&head));
        text::fit(&line, most, text::LengthUnit::Characters, text::plain)
    }
}
