//! Rules that are ready to be switched on. Each compares a window with the usual one, so that none needs a threshold of
//! the project's own. Without a baseline only the fixed part of a rule is judged, or nothing.

use super::{Base, Counts, Group, Severity, Timing, Verdict};
use crate::limits;

const MINUTE_MS: i64 = 60_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadyMade {
    ServerErrorSpike,
    TrafficStopped,
    TrafficBurst,
    SlowerThanUsual,
    NewFailingEndpoint,
    SilentConsumer,
    DeniedStorm,
}

/// A row of `READY_MADE`.
#[derive(Clone, Copy, Debug)]
pub struct ReadyMadeRule {
    pub kind: ReadyMade,
    /// In JSON and in `monitors.toml`.
    pub name: &'static str,
    /// Its name in notices.
    pub label: &'static str,
    /// When it fires, in words, with its numbers.
    pub condition: &'static str,
    /// `TrafficStopped` uses a longer window if traffic is low (`stopped_window_minutes`).
    pub window_minutes: u32,
    /// A second window for projects with few requests, if the rule has one (`Observed::longer`).
    pub longer_window_minutes: Option<u32>,
    pub hold_minutes: u32,
    pub keep_minutes: u32,
    pub group_by: Group,
    pub severity: Severity,
    /// Worth having in every project.
    pub is_recommended: bool,
}

/// All ready-made rules, in the order of `ReadyMade`.
pub const READY_MADE: &[ReadyMadeRule] = &[
    ReadyMadeRule {
        kind: ReadyMade::ServerErrorSpike,
        name: "server_error_spike",
        label: "more server errors than usual",
        condition: "at least 20 requests and 5 % fail with a status from 500 on, or at least 5 and 20 % in the longer window, and three times the usual share, which counts as at least 0.5 %",
        window_minutes: 5,
        longer_window_minutes: Some(15),
        hold_minutes: 2,
        keep_minutes: 10,
        group_by: Group::All,
        severity: Severity::Critical,
        is_recommended: true,
    },
    ReadyMadeRule {
        kind: ReadyMade::TrafficStopped,
        name: "traffic_stopped",
        label: "requests have stopped",
        condition: "a tenth of the usual requests or less, in the shortest window of 5 minutes to 6 hours in which 20 are usual",
        window_minutes: 5,
        longer_window_minutes: None,
        hold_minutes: 10,
        keep_minutes: 5,
        group_by: Group::All,
        severity: Severity::Critical,
        is_recommended: true,
    },
    ReadyMadeRule {
        kind: ReadyMade::TrafficBurst,
        name: "traffic_burst",
        label: "many more requests than usual",
        condition: "at least 200 requests, and five times as many as usual",
        window_minutes: 5,
        longer_window_minutes: None,
        hold_minutes: 5,
        keep_minutes: 10,
        group_by: Group::All,
        severity: Severity::Info,
        is_recommended: false,
    },
    ReadyMadeRule {
        kind: ReadyMade::SlowerThanUsual,
        name: "slower_than_usual",
        label: "slower than usual",
        condition: "the 95th percentile of an endpoint's response times is one and a half times the usual one and 100 ms above it, with 200 requests on both sides and 2 % of the traffic",
        window_minutes: 15,
        longer_window_minutes: None,
        hold_minutes: 10,
        keep_minutes: 30,
        group_by: Group::Endpoint,
        severity: Severity::Warning,
        is_recommended: true,
    },
    ReadyMadeRule {
        kind: ReadyMade::NewFailingEndpoint,
        name: "new_failing_endpoint",
        label: "an endpoint fails that did not before",
        condition: "at least 5 requests and 20 % of an endpoint fail with a status from 500 on, and none did in the 7 days before",
        window_minutes: 10,
        longer_window_minutes: None,
        hold_minutes: 0,
        keep_minutes: 60,
        group_by: Group::Endpoint,
        severity: Severity::Warning,
        is_recommended: true,
    },
    ReadyMadeRule {
        kind: ReadyMade::SilentConsumer,
        name: "silent_consumer",
        label: "a consumer has gone silent",
        condition: "no request of a consumer for an hour, three times the 99th percentile of the gaps between its requests and twice the longest but one, though it called on 5 of 7 days, 100 times, and at this time a week ago",
        window_minutes: 1,
        longer_window_minutes: None,
        hold_minutes: 0,
        keep_minutes: 0,
        group_by: Group::Consumer,
        severity: Severity::Warning,
        is_recommended: false,
    },
    ReadyMadeRule {
        kind: ReadyMade::DeniedStorm,
        name: "denied_storm",
        label: "many requests are denied or limited",
        condition: "at least 100 answers with 401, 403 or 429, and five times as many as usual",
        window_minutes: 10,
        longer_window_minutes: None,
        hold_minutes: 5,
        keep_minutes: 10,
        group_by: Group::All,
        severity: Severity::Warning,
        is_recommended: false,
    },
];

/// The number of an endpoint's requests, now and usually, from which its response times are compared
/// (`SlowerThanUsual`).
pub const COMPARED_REQUESTS: u64 = 200;

/// The number of requests in 7 days that makes a consumer a regular caller (`SilentConsumer`).
pub const REGULAR_REQUESTS: u64 = 100;

impl ReadyMade {
    pub fn rule(self) -> &'static ReadyMadeRule {
        &READY_MADE[self as usize]
    }

    /// Whether a rule about endpoints may find one in a project with these requests in its window. An endpoint counts
    /// as near to failing from 80 % of 5 failures.
    pub fn may_find_endpoint(self, counts: &Counts) -> bool {
        match self {
            ReadyMade::NewFailingEndpoint => counts.server_errors >= 4,
            ReadyMade::SlowerThanUsual => counts.requests >= COMPARED_REQUESTS,
            _ => false,
        }
    }
}

impl ReadyMadeRule {
    pub fn timing(&self) -> Timing {
        let (window, keep) = (i64::from(self.window_minutes), i64::from(self.keep_minutes));
        Timing {
            hold_ms: i64::from(self.hold_minutes) * MINUTE_MS,
            keep_ms: keep * MINUTE_MS,
            unknown_ms: keep.max(window) * MINUTE_MS,
        }
    }
}

/// The input of a ready-made rule. A rule ignores the fields that it does not need; leave them at their default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Observed {
    /// The window of this series.
    pub counts: Counts,
    /// Baseline of a window of the same length.
    pub base: Option<Base>,
    /// The longer window of this series, for rules that have one.
    pub longer: Counts,
    /// The window of the whole project.
    pub project_requests: u64,
    /// The series in the 7 days before the window.
    pub week: Counts,
    /// The number of these days on which the series was seen.
    pub days_seen: u32,
    /// The series has an alert, pending or firing. Then `week` may hold the failures that the alert is about.
    pub is_active: bool,
    /// Time since the newest request.
    pub silent_ms: i64,
    /// The 99th percentile of the gaps between the series' requests in these 7 days, and the second longest gap: a
    /// single holiday does not make a gap usual.
    pub gap_p99_ms: i64,
    pub gap_second_ms: i64,
    /// The series was seen a week ago by this time: an hour or two before it.
    pub is_expected: bool,
}

impl Observed {
    /// The longest silence that is still normal.
    pub(super) fn usual_silence_ms(&self) -> i64 {
        (60 * MINUTE_MS).max(3 * self.gap_p99_ms).max(2 * self.gap_second_ms)
    }
}

pub fn judge(kind: ReadyMade, observed: &Observed) -> Verdict {
    match kind {
        ReadyMade::ServerErrorSpike => server_error_spike(observed),
        ReadyMade::TrafficStopped => traffic_stopped(observed),
        ReadyMade::TrafficBurst => traffic_burst(observed),
        ReadyMade::SlowerThanUsual => slower_than_usual(observed),
        ReadyMade::NewFailingEndpoint => new_failing_endpoint(observed),
        ReadyMade::SilentConsumer => silent_consumer(observed),
        ReadyMade::DeniedStorm => denied_storm(observed),
    }
}

/// At least 20 errors and 5 %, or in the longer window at least 5 and 20 %; and three times the usual share, taken as
/// at least 0.5 %. With a few requests a minute nothing reaches 20 errors in five minutes, however much fails.
fn server_error_spike(observed: &Observed) -> Verdict {
    let usual = observed.base.map_or(0.0, |base| {
        base.server_error_share.unwrap_or(0.0).max(0.005) * 3.0 * base.strictness()
    });
    // A project in which most requests fail may still get worse, up to all of them.
    let usual = usual.min(1.0);
    let holds = |counts: &Counts, least: f64, least_share: f64, scale: f64| {
        let of_share = least_share.max(usual) * counts.requests as f64;
        counts.server_errors as f64 >= least.max(of_share) * scale
    };
    if observed.counts.requests == 0 && observed.longer.requests == 0 {
        return Verdict::Unknown;
    }
    Verdict::of(|scale| {
        holds(&observed.counts, 20.0, 0.05, scale) || holds(&observed.longer, 5.0, 0.2, scale)
    })
}

/// A tenth of the usual requests or less, if any can be expected. During maintenance none are; the rule rests then.
fn traffic_stopped(observed: &Observed) -> Verdict {
    let expected = |base: &Base| {
        let least = limits::EXPECTED_REQUESTS as f64 * base.strictness();
        base.requests >= least && !base.disagrees()
    };
    let Some(base) = observed.base.filter(expected) else { return Verdict::Unknown };
    Verdict::of(|scale| observed.counts.requests as f64 * scale <= base.requests / 10.0)
}

/// At least 200 requests and five times as many as usual.
fn traffic_burst(observed: &Observed) -> Verdict {
    let Some(base) = observed.base else { return Verdict::Unknown };
    let requests = observed.counts.requests as f64;
    Verdict::of(|scale| {
        requests >= 200.0 * scale && requests >= 5.0 * base.strictness() * base.requests * scale
    })
}

/// For an endpoint, or for all requests together with `project_requests` equal to their number. The 95th percentile is
/// one and a half times the usual one and 100 ms above it; both sides have 200 requests, and the endpoint has 2 % of
/// the traffic.
fn slower_than_usual(observed: &Observed) -> Verdict {
    let counts = &observed.counts;
    let has_enough = |base: &Base| {
        base.requests >= COMPARED_REQUESTS as f64 && counts.requests >= COMPARED_REQUESTS
    };
    let Some(base) = observed.base.filter(has_enough) else { return Verdict::Unknown };
    let (Some(p95_us), Some(usual_us)) = (counts.p95_us, base.p95_us) else {
        return Verdict::Unknown;
    };
    if counts.requests * 50 < observed.project_requests {
        return Verdict::Unknown;
    }
    let threshold_us = (usual_us * 1.5 * base.strictness()).max(usual_us + 100_000.0);
    // 80 % of a threshold that is one and a half times the usual one: 1.2 times.
    Verdict::of(|scale| p95_us as f64 >= threshold_us * scale)
}

/// At least 5 failures and 20 % of an endpoint that did not fail for 7 days, and that is not new or has 10 requests.
fn new_failing_endpoint(observed: &Observed) -> Verdict {
    let counts = &observed.counts;
    if counts.requests == 0 {
        return Verdict::Unknown;
    }
    let week = &observed.week;
    let is_new = observed.is_active || week.server_errors == 0;
    let is_endpoint = observed.is_active || week.requests > 0 || counts.requests >= 10;
    if !is_new || !is_endpoint {
        return Verdict::Good;
    }
    let least = (0.2 * counts.requests as f64).max(5.0);
    Verdict::of(|scale| counts.server_errors as f64 >= least * scale)
}

/// Silent for an hour, three times the 99th percentile of its gaps and twice the second longest one, though the
/// consumer called on 5 of 7 days and 100 times. It called at this time a week ago: one that rests at weekends is not
/// missed on a Sunday.
fn silent_consumer(observed: &Observed) -> Verdict {
    let is_regular = observed.days_seen >= 5 && observed.week.requests >= REGULAR_REQUESTS;
    let may_be_missed = is_regular && observed.is_expected;
    if !observed.is_active && !may_be_missed {
        return Verdict::Good;
    }
    // The next request ends it, so there is no `Near`.
    match observed.silent_ms > observed.usual_silence_ms() {
        true => Verdict::Bad,
        false => Verdict::Good,
    }
}

/// At least 100 answers with 401, 403 or 429, and five times as many as usual.
fn denied_storm(observed: &Observed) -> Verdict {
    let Some(base) = observed.base else { return Verdict::Unknown };
    let denied = observed.counts.denied as f64;
    Verdict::of(|scale| {
        denied >= 100.0 * scale && denied >= 5.0 * base.strictness() * base.denied * scale
    })
}
