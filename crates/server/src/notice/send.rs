//! One try to send a notice: rendered for its channel, sent through the dialer, and the response judged.

use std::time::Duration;

use analytics::check::Failure;
use analytics::notice::{
    Answer, ChannelConfig, Judgement, Notice, Outgoing, OutgoingRequest, Sending,
};
use analytics::{limits, target};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use bytes::Bytes;

use crate::clock::Clock;
use crate::dial::{Dialer, Family, FetchRequest};
use crate::mail::{Mailer, Refused};

/// The ways to send notices. Cheap to clone.
#[derive(Clone)]
pub struct Carriers {
    pub dialer: Dialer,
    /// None: this server sends no e-mail.
    pub mailer: Option<Mailer>,
    pub clock: Clock,
}

/// The result of one attempt.
#[derive(Clone, Debug)]
pub struct Sent {
    pub judgement: Judgement,
    /// None if no answer came.
    pub status: Option<u16>,
    /// The beginning of the response, in one line and without the channel's secrets.
    pub answer: Option<String>,
    pub took_ms: i64,
}

pub async fn send(
    carriers: &Carriers,
    config: &ChannelConfig,
    notice: &Notice,
    sending: Sending<'_>,
) -> Sent {
    let began_us = carriers.clock.passing_us();
    let mut sent = match config.render(notice, sending) {
        Outgoing::Http(request) => match to_fetch(&request) {
            Some(fetch) => exchange(&carriers.dialer, config, &fetch, sending.now_ms).await,
            None => Sent::failed("the address or a header of the channel cannot be sent"),
        },
        Outgoing::Email(email) => match &carriers.mailer {
            Some(mailer) => {
                let sent = mailer.send(&email, sending.now_ms).await;
                judge_mail(config, sent, sending.now_ms)
            }
            None => Sent::failed("this server no longer sends e-mail"),
        },
    };
    sent.took_ms = (carriers.clock.passing_us() - began_us) / 1_000;
    sent
}

impl Sent {
    fn failed(reason: &str) -> Sent {
        let judgement = Judgement::Permanent { gone: false, reason: reason.to_owned() };
        Sent { judgement, status: None, answer: None, took_ms: 0 }
    }
}

async fn exchange(
    dialer: &Dialer,
    config: &ChannelConfig,
    request: &FetchRequest,
    now_ms: i64,
) -> Sent {
    let answer = match dialer.fetch(request).await.result {
        Ok(answer) => answer,
        // Retrying helps neither; a service that answers with a megabyte has most likely accepted the notice.
        Err(failure @ (Failure::RefusedAddress | Failure::BodyTooLarge)) => {
            return Sent::failed(&failure.to_string());
        }
        Err(failure) => {
            let judgement = Judgement::Again { after_ms: None, reason: failure.to_string() };
            return Sent { judgement, status: None, answer: None, took_ms: 0 };
        }
    };
    let most = limits::NOTICE_ANSWER_BYTES as usize;
    let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(most)]);
    let retry_after = answer.headers.get(header::RETRY_AFTER);
    let status = answer.status.as_u16();
    let judgement = config.judge(Answer {
        status,
        retry_after: retry_after.and_then(|text| text.to_str().ok()),
        body: &body,
        now_ms,
    });
    let line: String = config
        .redacted(&body)
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(limits::NOTICE_ANSWER_CHARACTERS as usize)
        .collect();
    let line = line.trim().to_owned();
    Sent { judgement, status: Some(status), answer: (!line.is_empty()).then_some(line), took_ms: 0 }
}

fn judge_mail(config: &ChannelConfig, sent: Result<(), Refused>, now_ms: i64) -> Sent {
    let (status, text) = match sent {
        Ok(()) => (250, None),
        Err(Refused::Reply { code, text }) => (code, Some(text)),
        Err(Refused::Unreachable(reason)) => {
            let judgement = Judgement::Again { after_ms: None, reason };
            return Sent { judgement, status: None, answer: None, took_ms: 0 };
        }
    };
    let body = text.as_deref().unwrap_or_default();
    let judgement = config.judge(Answer { status, retry_after: None, body, now_ms });
    Sent { judgement, status: Some(status), answer: text, took_ms: 0 }
}

/// None if the channel's settings hold something that HTTP cannot send.
fn to_fetch(request: &OutgoingRequest) -> Option<FetchRequest> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let mut value = HeaderValue::from_str(value.expose()).ok()?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Some(FetchRequest {
        url: target::parse_url(request.url.expose()).ok()?,
        method: Method::from_bytes(request.method.as_str().as_bytes()).ok()?,
        headers,
        body: Bytes::copy_from_slice(request.body.expose().as_bytes()),
        family: Family::Any,
        follow_redirects: false,
        verify: true,
        timeout: Duration::from_secs(limits::NOTICE_SEND_SECONDS),
    })
}
