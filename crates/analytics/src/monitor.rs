//! Monitors: the settings of a check, and the verdict on its result.
//!
//! `MonitorSettings` is what an owner writes, by the API or in a file; `Monitor::compile` turns them into what a check
//! needs, or into an error that names the field. Judging takes the response and says up, degraded or down, and why. The
//! scheduler decides when a monitor is checked; `uptime` and `incident` sum up its results.

mod compile;
pub mod heartbeat;
mod http;
mod json_rule;
mod settings;

use std::time::Duration;

use ipnet::IpNet;

use crate::check::Failure;
use crate::fields::FieldError;
use crate::limits;
use crate::target::{self, HostPort};
use crate::uptime::{Confirm, Outcome};

pub use heartbeat::{Heartbeat, Signals};
pub use http::{HttpProbe, StatusRange};
pub use json_rule::{JsonOperator, JsonRule};
pub use settings::{AddressFamily, Kind, MonitorSettings, SecretText};

/// Parsed settings, ready to be checked.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// With every default filled in.
    pub settings: MonitorSettings,
    pub name: String,
    pub paused: bool,
    pub interval_ms: i64,
    pub confirm: Confirm,
    pub probe: Probe,
}

/// How it is checked.
#[derive(Clone, Debug)]
pub enum Probe {
    Http(Box<HttpProbe>),
    Tcp(TcpProbe),
    Heartbeat(Heartbeat),
}

#[derive(Clone, Debug)]
pub struct TcpProbe {
    pub target: HostPort,
    pub family: AddressFamily,
    pub timeout: Duration,
    /// A connection that takes longer is degraded.
    pub degraded_above: Option<Duration>,
}

/// The verdict on one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub outcome: Outcome,
    /// None if it succeeded, or if nothing is known.
    pub failure: Option<Failure>,
    /// The expectation that failed, in words. Never contains any part of the response body.
    pub detail: Option<String>,
}

impl Verdict {
    pub fn up() -> Verdict {
        Verdict { outcome: Outcome::Up, failure: None, detail: None }
    }

    /// A failure on this server's side says nothing about the host.
    pub fn of(failure: Failure) -> Verdict {
        let outcome = match failure {
            Failure::Ours | Failure::NoNameServer => Outcome::Unknown,
            _ => Outcome::Down,
        };
        Verdict { outcome, failure: Some(failure), detail: None }
    }

    fn with(failure: Failure, detail: String) -> Verdict {
        Verdict { detail: Some(detail), ..Verdict::of(failure) }
    }

    /// Up, or degraded if it took longer than the monitor allows.
    fn by_time(took: Duration, degraded_above: Option<Duration>) -> Verdict {
        match degraded_above.filter(|most| took > *most) {
            None => Verdict::up(),
            Some(most) => Verdict {
                outcome: Outcome::Degraded,
                failure: None,
                detail: Some(format!("slower than {} ms", most.as_millis())),
            },
        }
    }
}

impl TcpProbe {
    /// The verdict on an established connection.
    pub fn judge(&self, took: Duration) -> Verdict {
        Verdict::by_time(took, self.degraded_above)
    }
}

impl Monitor {
    /// `allowed`: the networks that the operator allows. An address outside of them is refused here with a message, and
    /// again at each check. None: only at each check.
    pub fn compile(
        settings: MonitorSettings,
        allowed: Option<&[IpNet]>,
    ) -> Result<Monitor, FieldError> {
        compile::compile(settings, allowed)
    }

    /// The host (name or address) whose real requests can confirm or contradict a check. None for a heartbeat.
    pub fn host(&self) -> Option<String> {
        match &self.probe {
            Probe::Http(probe) => probe.url.host_str().map(str::to_owned),
            Probe::Tcp(probe) => Some(probe.target.host.to_string()),
            Probe::Heartbeat(_) => None,
        }
    }
}

/// A readable error if the address of a monitor would be refused anyway.
fn check_literal<S>(
    field: &'static str,
    host: &url::Host<S>,
    allowed: Option<&[IpNet]>,
) -> Result<(), FieldError> {
    let judged = allowed.map(|allowed| target::judge_literal(host, allowed));
    match judged {
        Some(Err(special)) => Err(FieldError::new(
            field,
            format!(
                "is a {special} address, which this server does not call; its operator allows networks with the setting \
                 `allow_networks`"
            ),
        )),
        _ => Ok(()),
    }
}

/// The slot of a monitor on the grid of absolute time: checks of the same interval are spread evenly over it, and fall into
/// the same slots after a restart.
pub fn slot_offset_ms(id: i64, interval_ms: i64) -> i64 {
    use std::hash::Hasher;
    let mut hasher = siphasher::sip::SipHasher13::new();
    hasher.write_i64(id);
    (hasher.finish() % interval_ms.max(1) as u64) as i64
}

/// The first slot after `now_ms`.
pub fn next_slot_ms(id: i64, interval_ms: i64, now_ms: i64) -> i64 {
    let offset_ms = slot_offset_ms(id, interval_ms);
    let passed = (now_ms - offset_ms).div_euclid(interval_ms);
    (passed + 1) * interval_ms + offset_ms
}

const _: () = assert!(limits::MONITOR_INTERVAL_LEAST_SECONDS * 1_000 > limits::CHECK_TIMEOUT_MS);

#[cfg(test)]
mod tests;
