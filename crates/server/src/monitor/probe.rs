//! One check of a host: sends the monitor's request, and has the response judged.

use std::sync::Arc;

use analytics::certificate::PresentedCertificate;
use analytics::check::{Failure, Phase, Phases};
use analytics::limits;
use analytics::monitor::{AddressFamily, HttpProbe, Monitor, Probe, TcpProbe, Verdict};
use analytics::uptime::Outcome;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;
use tokio::task::JoinSet;
use url::Host;

use crate::dial::{Dialer, Family, FetchRequest};

/// The result of one check. Contains nothing of a response's body.
#[derive(Clone, Debug)]
pub struct ProbeResult {
    pub verdict: Verdict,
    /// Status of the HTTP response.
    pub status: Option<u16>,
    pub phases: Phases,
    pub certificate: Option<PresentedCertificate>,
    pub redirects: u32,
}

impl Default for ProbeResult {
    fn default() -> ProbeResult {
        ProbeResult {
            verdict: Verdict { outcome: Outcome::Unknown, failure: None, detail: None },
            status: None,
            phases: Phases::default(),
            certificate: None,
            redirects: 0,
        }
    }
}

/// A heartbeat has no host to check, so its result is unknown here. A panic over a host's response counts as this
/// server's failure, and ends nothing else. Dropping the future cancels the check.
pub async fn look(dialer: &Dialer, monitor: &Arc<Monitor>) -> ProbeResult {
    let (dialer, monitor) = (dialer.clone(), monitor.clone());
    let mut looking = JoinSet::new();
    looking.spawn(async move { look_at(&dialer, &monitor).await });
    match looking.join_next().await {
        Some(Ok(found)) => found,
        _ => ProbeResult { verdict: Verdict::of(Failure::Ours), ..ProbeResult::default() },
    }
}

async fn look_at(dialer: &Dialer, monitor: &Monitor) -> ProbeResult {
    match &monitor.probe {
        Probe::Http(probe) => look_at_http(dialer, probe).await,
        Probe::Tcp(probe) => look_at_tcp(dialer, probe).await,
        Probe::Heartbeat(_) => ProbeResult::default(),
    }
}

async fn look_at_http(dialer: &Dialer, probe: &HttpProbe) -> ProbeResult {
    let Some(request) = to_request(probe) else {
        let verdict = Verdict::of(Failure::Protocol);
        return ProbeResult { verdict, ..ProbeResult::default() };
    };
    let call = dialer.fetch(&request).await;
    let (verdict, status) = match call.result {
        Err(failure) => {
            let host = probe.url.host().map(|host| host.to_owned());
            (Verdict::of(blame(dialer, host.as_ref(), failure).await), None)
        }
        Ok(answer) => {
            let (status, took) = (answer.status.as_u16(), call.phases.total());
            (judge(probe, status, answer.body, took).await, Some(status))
        }
    };
    ProbeResult {
        verdict,
        status,
        phases: call.phases,
        certificate: call.certificate,
        redirects: call.redirects,
    }
}

/// Searching a large body may take milliseconds, for which other calls must not wait.
async fn judge(probe: &HttpProbe, status: u16, body: Bytes, took: std::time::Duration) -> Verdict {
    if (body.len() as u64) < limits::JUDGED_ASIDE_BYTES {
        return probe.judge(status, &body, took);
    }
    let probe = probe.clone();
    let judging = tokio::task::spawn_blocking(move || probe.judge(status, &body, took));
    judging.await.unwrap_or_else(|_| Verdict::of(Failure::Ours))
}

async fn look_at_tcp(dialer: &Dialer, probe: &TcpProbe) -> ProbeResult {
    let call = dialer.connect(&probe.target, to_family(probe.family), probe.timeout).await;
    let verdict = match call.result {
        Ok(_) => probe.judge(call.phases.total()),
        Err(failure) => Verdict::of(blame(dialer, Some(&probe.target.host), failure).await),
    };
    ProbeResult { verdict, phases: call.phases, ..ProbeResult::default() }
}

/// A failed lookup counts as down only if other names can be resolved.
async fn blame(dialer: &Dialer, host: Option<&Host<String>>, failure: Failure) -> Failure {
    let is_of_names = matches!(failure, Failure::ResolverFailed | Failure::TimedOut(Phase::Dns));
    match host {
        Some(host) if is_of_names && !dialer.name_servers_answer(host).await => {
            Failure::NoNameServer
        }
        _ => failure,
    }
}

/// None if the settings hold something that HTTP cannot send, which parsing has excluded.
fn to_request(probe: &HttpProbe) -> Option<FetchRequest> {
    let mut headers = HeaderMap::new();
    for (name, value) in &probe.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(value.reveal()).ok()?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Some(FetchRequest {
        url: probe.url.clone(),
        method: Method::from_bytes(probe.method.as_bytes()).ok()?,
        headers,
        body: Bytes::from(probe.body.clone()),
        family: to_family(probe.family),
        follow_redirects: probe.follow_redirects,
        verify: probe.verify,
        timeout: probe.timeout,
    })
}

fn to_family(family: AddressFamily) -> Family {
    match family {
        AddressFamily::Any => Family::Any,
        AddressFamily::Ipv4 => Family::V4,
        AddressFamily::Ipv6 => Family::V6,
    }
}
