//! Parses the texts of settings. A message says what was expected, not what it is for (`--help` does).

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use analytics::limits::{self, Limit, UNLIMITED, Unit};
use ipnet::IpNet;
use store::{ClickHousePlace, PostgresUrl};

use super::{LogFormat, MailTls, MetricsFor, Registration};

/// The public address of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// `https://stats.example.com`, without a trailing slash.
    pub origin: String,
    /// `/stats`, or "" at the root; without a trailing slash.
    pub base_path: String,
}

impl PublicUrl {
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// The full address, without a trailing slash.
    pub fn as_text(&self) -> String {
        format!("{}{}", self.origin, self.base_path)
    }
}

pub(super) fn parse_listen(text: &str) -> Result<String, String> {
    let port = text
        .rsplit_once(':')
        .and_then(|(host, port)| (!host.is_empty()).then_some(port)?.parse::<u16>().ok());
    match port {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("{text:?} is not ADDRESS:PORT, such as 127.0.0.1:8080 or [::]:8080")),
    }
}

pub(super) fn parse_path<T: From<PathBuf>>(text: &str) -> Result<Option<T>, String> {
    Ok((!text.is_empty()).then(|| T::from(PathBuf::from(text))))
}

pub(super) fn parse_postgres_url(text: &str) -> Result<Option<PostgresUrl>, String> {
    if text.is_empty() { Ok(None) } else { PostgresUrl::parse(text).map(Some) }
}

pub(super) fn parse_clickhouse(text: &str) -> Result<Option<ClickHousePlace>, String> {
    if text.is_empty() { Ok(None) } else { ClickHousePlace::parse(text).map(Some) }
}

/// None: it is found at the start.
pub(super) fn parse_node(text: &str) -> Result<Option<u8>, String> {
    if text == "auto" {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| format!("{text:?} is neither a number from 0 to 255 nor auto"))
}

pub(super) fn parse_public_url(text: &str) -> Result<Option<PublicUrl>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let expected = || {
        format!(
            "{text:?} is not an address such as https://stats.example.com or https://example.com/stats"
        )
    };
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or_else(expected)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |part: &str, more: &[u8]| {
        part.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    if host.is_empty() || !plain(host, b".-:[]") || !plain(path, b".-_~/") {
        return Err(expected());
    }
    let path = path.trim_matches('/');
    Ok(Some(PublicUrl {
        origin: text[..text.len() - rest.len() + host.len()].to_owned(),
        base_path: if path.is_empty() { String::new() } else { format!("/{path}") },
    }))
}

pub(super) fn parse_networks(text: &str) -> Result<Vec<IpNet>, String> {
    let entries = text.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            entry.parse::<IpNet>().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from)).map_err(
                |_| format!("{entry:?} is neither an address nor a network such as 10.0.0.0/8"),
            )
        })
        .collect()
}

/// The port of a name server is 53 unless it says otherwise.
pub(super) fn parse_name_servers(text: &str) -> Result<Vec<SocketAddr>, String> {
    let entries = text.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
    let parsed = entries.map(|entry| {
        let address = entry.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
        address.or_else(|_| entry.parse::<SocketAddr>()).map_err(|_| {
            format!("{entry:?} is neither an address such as 9.9.9.9 nor ADDRESS:PORT")
        })
    });
    parsed.collect()
}

/// DNS names, in lower case; none where no certificate is ordered.
pub(super) fn parse_names(text: &str) -> Result<Vec<String>, String> {
    let entries = text.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
    let parsed = entries.map(|entry| match url::Host::parse(entry) {
        Ok(url::Host::Domain(name)) if !entry.contains('*') => Ok(name),
        _ => Err(format!("{entry:?} isn't a DNS name such as stats.example.com")),
    });
    let names: Vec<String> = parsed.collect::<Result<_, _>>()?;
    match names.len() as u64 > limits::ACME_NAMES {
        true => Err(format!("names more than {} domains", limits::ACME_NAMES)),
        false => Ok(names),
    }
}

pub(super) fn parse_directory(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if url.scheme() == "https" && url.has_host() => Ok(text.to_owned()),
        _ => Err(format!("{text:?} isn't an address that begins with https://")),
    }
}

/// None: nothing is redirected.
pub(super) fn parse_redirect(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    parse_listen(text).map(Some)
}

/// Host and port; none if there is no mail server.
pub(super) fn parse_mail_server(text: &str) -> Result<Option<(String, Option<u16>)>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let expected = || format!("{text:?} is neither a host nor HOST:PORT");
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().map_err(|_| expected())?)),
        None => (text, None),
    };
    let host = url::Host::parse(host).map_err(|_| expected())?;
    Ok(Some((host.to_string(), port)))
}

pub(super) fn parse_mail_tls(text: &str) -> Result<MailTls, String> {
    match text {
        "starttls" => Ok(MailTls::Starttls),
        "tls" => Ok(MailTls::Tls),
        "off" => Ok(MailTls::Off),
        _ => Err(format!("{text:?} is none of starttls, tls and off")),
    }
}

/// `ADDRESS` or `NAME <ADDRESS>`.
pub(super) fn parse_sender(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<lettre::message::Mailbox>() {
        Ok(_) => Ok(Some(text.to_owned())),
        Err(_) => Err(format!("{text:?} isn't an e-mail address")),
    }
}

pub(super) fn parse_registration(text: &str) -> Result<Registration, String> {
    match text {
        "auto" => Ok(Registration::Auto),
        "open" => Ok(Registration::Open),
        "closed" => Ok(Registration::Closed),
        _ => Err(format!("{text:?} is none of open, closed and auto")),
    }
}

pub(super) fn parse_metrics(text: &str) -> Result<MetricsFor, String> {
    match text {
        "loopback" => Ok(MetricsFor::Loopback),
        "everyone" => Ok(MetricsFor::Everyone),
        "nobody" => Ok(MetricsFor::Nobody),
        _ => Err(format!("{text:?} is none of loopback, everyone and nobody")),
    }
}

pub(super) fn parse_log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("{text:?} is neither text nor json")),
    }
}

pub(super) fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(format!("{text:?} is neither on nor off")),
    }
}

/// None: depends on other settings.
pub(super) fn parse_demo(text: &str) -> Result<Option<bool>, String> {
    if text == "auto" {
        return Ok(None);
    }
    parse_switch(text).map(Some).map_err(|_| format!("{text:?} is none of on, off and auto"))
}

/// Days: `90`, `90d`, `12w`, `6mo`, `1y`. Bytes: `1048576`, `64MiB`, `4GiB`. Else whole numbers. `off` if a row of days
/// is optional.
pub(super) fn parse_limit(text: &str, limit: &Limit) -> Result<u64, String> {
    let can_be_off = matches!(limit.name, "keep_hits" | "inactive_after" | "max_age" | "hsts_days");
    if can_be_off && matches!(text, "off" | "never" | "forever" | "unlimited") {
        return Ok(UNLIMITED);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = text.split_at(digits);
    let suffix = suffix.trim().to_ascii_lowercase();
    let factor = match (limit.unit, suffix.as_str()) {
        (Unit::Days, "" | "d" | "day" | "days") => Some(1),
        (Unit::Days, "w") => Some(7),
        (Unit::Days, "mo") => Some(30),
        (Unit::Days, "y") => Some(365),
        (Unit::Bytes, "" | "b") => Some(1),
        (Unit::Bytes, "k" | "kb" | "kib") => Some(1 << 10),
        (Unit::Bytes, "m" | "mb" | "mib") => Some(1 << 20),
        (Unit::Bytes, "g" | "gb" | "gib") => Some(1 << 30),
        (Unit::Seconds, "" | "s") | (Unit::Milliseconds, "" | "ms") | (Unit::Percent, "" | "%") => {
            Some(1)
        }
        (Unit::Days | Unit::Bytes | Unit::Seconds | Unit::Milliseconds | Unit::Percent, _) => None,
        (_, "") => Some(1),
        _ => None,
    };
    let value = number
        .parse::<u64>()
        .ok()
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor));
    let expected = match limit.unit {
        Unit::Days if can_be_off => "days such as 90d, 6mo or 1y, or off",
        Unit::Days => "days such as 90d, 6mo or 1y",
        Unit::Bytes => "bytes such as 64MiB",
        Unit::Percent => "a percentage from 1 to 99",
        _ => "a whole number above 0",
    };
    let most = if limit.unit == Unit::Percent { 99 } else { UNLIMITED - 1 };
    value
        .filter(|value| (1..=most).contains(value))
        .ok_or_else(|| format!("{text:?} is not {expected}"))
}
