//! Settings become a monitor: defaults are filled in, and every field is checked.

use std::time::Duration;

use ipnet::IpNet;

use super::heartbeat::{self, Heartbeat};
use super::http::{self, HttpProbe, StatusRange};
use super::json_rule::JsonTest;
use super::settings::{Kind, MonitorSettings};
use super::{Monitor, Probe, TcpProbe, check_literal};
use crate::fields::{self, FieldError};
use crate::limits;
use crate::target;
use crate::uptime::Confirm;

/// Fields that belong to one kind alone.
fn fields_of_kinds(settings: &MonitorSettings) -> [(&'static str, &'static [Kind], bool); 17] {
    const HTTP: &[Kind] = &[Kind::Http];
    const TCP: &[Kind] = &[Kind::Tcp];
    const CALLS: &[Kind] = &[Kind::Http, Kind::Tcp];
    const HEARTBEAT: &[Kind] = &[Kind::Heartbeat];
    [
        ("timeout_ms", CALLS, settings.timeout_ms.is_some()),
        ("degraded_above_ms", CALLS, settings.degraded_above_ms.is_some()),
        ("address_family", CALLS, settings.address_family.is_some()),
        ("url", HTTP, settings.url.is_some()),
        ("method", HTTP, settings.method.is_some()),
        ("headers", HTTP, settings.headers.is_some()),
        ("body", HTTP, settings.body.is_some()),
        ("expected_statuses", HTTP, settings.expected_statuses.is_some()),
        ("body_contains", HTTP, settings.body_contains.is_some()),
        ("body_excludes", HTTP, settings.body_excludes.is_some()),
        ("json", HTTP, settings.json.is_some()),
        ("follow_redirects", HTTP, settings.follow_redirects.is_some()),
        ("verify_certificate", HTTP, settings.verify_certificate.is_some()),
        ("target", TCP, settings.target.is_some()),
        ("period_s", HEARTBEAT, settings.period_s.is_some()),
        ("cron", HEARTBEAT, settings.cron.is_some()),
        ("grace_s", HEARTBEAT, settings.grace_s.is_some()),
    ]
}

pub(super) fn compile(
    mut settings: MonitorSettings,
    allowed: Option<&[IpNet]>,
) -> Result<Monitor, FieldError> {
    let kind = settings
        .kind
        .ok_or_else(|| FieldError::new("kind", "is missing; it is `http`, `tcp` or `heartbeat`"))?;
    for (field, kinds, is_set) in fields_of_kinds(&settings) {
        if is_set && !kinds.contains(&kind) {
            return Err(FieldError::new(
                field,
                format!("isn't a field of a monitor of kind `{}`", kind.as_str()),
            ));
        }
    }
    let interval_s = within(
        "interval_s",
        settings.interval_s,
        limits::MONITOR_INTERVAL_SECONDS,
        limits::MONITOR_INTERVAL_LEAST_SECONDS..=limits::MONITOR_INTERVAL_MOST_SECONDS,
    )?;
    settings.interval_s = Some(interval_s);
    let is_heartbeat = kind == Kind::Heartbeat;
    let runs = 1..=limits::CONFIRM_MOST;
    let down_after = if is_heartbeat { 1 } else { limits::DOWN_AFTER };
    let up_after = if is_heartbeat { 1 } else { limits::UP_AFTER };
    let down_after = within("down_after", settings.down_after, down_after, runs.clone())?;
    let up_after = within("up_after", settings.up_after, up_after, runs)?;
    (settings.down_after, settings.up_after) = (Some(down_after), Some(up_after));
    let paused = *settings.paused.get_or_insert(false);
    let probe = match kind {
        Kind::Http => Probe::Http(Box::new(compile_http(&mut settings, allowed)?)),
        Kind::Tcp => Probe::Tcp(compile_tcp(&mut settings, allowed)?),
        Kind::Heartbeat => Probe::Heartbeat(compile_heartbeat(&mut settings)?),
    };
    let host = match &probe {
        Probe::Http(probe) => probe.url.host_str().unwrap_or_default().to_owned(),
        Probe::Tcp(probe) => probe.target.to_string(),
        Probe::Heartbeat(_) => "Heartbeat".to_owned(),
    };
    let name = fields::label("name", settings.name.as_deref().unwrap_or_default())?;
    let name = if name.is_empty() {
        host.chars().take(limits::NAME_CHARACTERS as usize).collect()
    } else {
        name
    };
    settings.name = Some(name.clone());
    Ok(Monitor {
        settings,
        name,
        paused,
        interval_ms: i64::from(interval_s) * 1_000,
        confirm: Confirm { down_after, up_after },
        probe,
    })
}

fn compile_http(
    settings: &mut MonitorSettings,
    allowed: Option<&[IpNet]>,
) -> Result<HttpProbe, FieldError> {
    let text = settings.url.as_deref().ok_or_else(|| FieldError::new("url", "is missing"))?;
    let url =
        target::parse_url(text).map_err(|problem| FieldError::new("url", problem.to_string()))?;
    if let Some(host) = url.host() {
        check_literal("url", &host, allowed)?;
    }
    settings.url = Some(url.to_string());
    let method = settings.method.as_deref().unwrap_or("GET").trim().to_ascii_uppercase();
    if !http::METHODS.contains(&method.as_str()) {
        return Err(FieldError::new("method", format!("is none of {}", http::METHODS.join(", "))));
    }
    settings.method = Some(method.clone());
    let headers = http::check_headers(settings.headers.get_or_insert_default())?;
    let body = settings.body.get_or_insert_default().clone();
    if body.len() as u64 > limits::MONITOR_BODY_BYTES {
        return Err(FieldError::new(
            "body",
            format!("is larger than {} KiB", limits::MONITOR_BODY_BYTES >> 10),
        ));
    }
    let statuses = settings.expected_statuses.get_or_insert_with(|| vec!["2xx".to_owned()]);
    let statuses: Vec<StatusRange> = http::parse_statuses(statuses)?;
    for (field, text) in [
        ("body_contains", &mut settings.body_contains),
        ("body_excludes", &mut settings.body_excludes),
    ] {
        if text.as_deref().is_some_and(str::is_empty) {
            *text = None;
        }
        let length = text.as_deref().map_or(0, |text| text.chars().count()) as u64;
        if length > limits::MONITOR_TEXT_CHARACTERS {
            return Err(FieldError::new(
                field,
                format!("is longer than {} characters", limits::MONITOR_TEXT_CHARACTERS),
            ));
        }
    }
    let json = settings.json.as_ref().map(JsonTest::compile).transpose()?;
    let looks_at_body =
        settings.body_contains.is_some() || settings.body_excludes.is_some() || json.is_some();
    if looks_at_body && method == "HEAD" {
        return Err(FieldError::new(
            "method",
            "is HEAD, whose answer has no body to look at; use GET",
        ));
    }
    let (timeout, degraded_above) = compile_times(settings)?;
    Ok(HttpProbe {
        url,
        method,
        headers,
        body,
        family: *settings.address_family.get_or_insert_default(),
        timeout,
        follow_redirects: *settings.follow_redirects.get_or_insert(true),
        verify: *settings.verify_certificate.get_or_insert(true),
        statuses,
        contains: settings.body_contains.clone(),
        excludes: settings.body_excludes.clone(),
        json,
        degraded_above,
    })
}

fn compile_tcp(
    settings: &mut MonitorSettings,
    allowed: Option<&[IpNet]>,
) -> Result<TcpProbe, FieldError> {
    let text = settings.target.as_deref().ok_or_else(|| FieldError::new("target", "is missing"))?;
    let target = target::parse_host_port(text)
        .map_err(|problem| FieldError::new("target", problem.to_string()))?;
    check_literal("target", &target.host, allowed)?;
    settings.target = Some(target.to_string());
    let (timeout, degraded_above) = compile_times(settings)?;
    let family = *settings.address_family.get_or_insert_default();
    Ok(TcpProbe { target, family, timeout, degraded_above })
}

/// The timeout, and the time above which a check is degraded.
fn compile_times(
    settings: &mut MonitorSettings,
) -> Result<(Duration, Option<Duration>), FieldError> {
    let interval_ms = settings.interval_s.map_or(0, u64::from) * 1_000;
    let timeout_ms = within(
        "timeout_ms",
        settings.timeout_ms,
        limits::CHECK_TIMEOUT_MS,
        limits::CHECK_TIMEOUT_LEAST_MS..=limits::CHECK_TIMEOUT_MOST_MS,
    )?;
    if u64::from(timeout_ms) >= interval_ms {
        return Err(FieldError::new(
            "timeout_ms",
            format!(
                "has to be below the interval of {}: a check must have ended before the next begins",
                fields::length(interval_ms)
            ),
        ));
    }
    settings.timeout_ms = Some(timeout_ms);
    if let Some(most) = settings.degraded_above_ms {
        within("degraded_above_ms", Some(most), 1, 1..=u64::from(timeout_ms))?;
    }
    let degraded_above = settings.degraded_above_ms.map(|ms| Duration::from_millis(ms.into()));
    Ok((Duration::from_millis(timeout_ms.into()), degraded_above))
}

fn compile_heartbeat(settings: &mut MonitorSettings) -> Result<Heartbeat, FieldError> {
    let year_s = 366 * 86_400;
    let grace_s =
        within("grace_s", settings.grace_s, limits::HEARTBEAT_GRACE_SECONDS, 10..=year_s)?;
    settings.grace_s = Some(grace_s);
    if settings.time_zone.is_some() && settings.cron.is_none() {
        return Err(FieldError::new("time_zone", "goes with `cron`, which is missing"));
    }
    let schedule = match (settings.period_s, settings.cron.as_deref()) {
        (Some(period_s), None) => {
            let period_s =
                within("period_s", Some(period_s), 0, limits::HEARTBEAT_LEAST_SECONDS..=year_s)?;
            heartbeat::Schedule::Period { ms: i64::from(period_s) * 1_000 }
        }
        (None, Some(cron)) => {
            let zone = settings.time_zone.get_or_insert_with(|| "UTC".to_owned());
            heartbeat::Schedule::cron(cron, zone)?
        }
        (Some(_), Some(_)) => {
            return Err(FieldError::new("cron", "and `period_s` are both there; choose one"));
        }
        (None, None) => {
            return Err(FieldError::new(
                "period_s",
                "is missing, and so is `cron`: one says when the job calls",
            ));
        }
    };
    Ok(Heartbeat { schedule, grace_ms: i64::from(grace_s) * 1_000 })
}

fn within(
    field: &'static str,
    value: Option<u32>,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u32, FieldError> {
    let value = value.map_or(default, u64::from);
    match range.contains(&value) {
        true => Ok(value as u32),
        false => {
            let bounds = [*range.start(), *range.end()];
            let [least, most] = bounds.map(|bound| match field {
                _ if field.ends_with("_ms") => fields::length(bound),
                _ if field.ends_with("_s") => fields::length(bound * 1_000),
                _ => bound.to_string(),
            });
            Err(FieldError::new(field, format!("is not from {least} to {most}")))
        }
    }
}
