//! Every setting, one row each. `--help`, the environment's names, the file's keys and `check-config` derive from it.
//!
//! To add a setting: a row here, a field of `Settings`, and a line in `Settings::from_values`. A limit that the
//! operator may change is only a row of `analytics::limits::LIMITS`.

use analytics::limits::{self, LIMITS, Limit};

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its key in the file.
    pub key: &'static str,
    /// Placeholder of its value in `--help`.
    pub value_name: &'static str,
    /// As one would write it; "" for none.
    pub default: String,
    pub help: String,
    /// The row of `LIMITS`, if it is a limit.
    pub limit: Option<&'static Limit>,
    /// Commands other than `serve` use it too.
    pub everywhere: bool,
}

impl Setting {
    /// `--public-url`, without the leading dashes.
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// `API_ANALYTICS_PUBLIC_URL`.
    pub fn environment(&self) -> String {
        format!("{VARIABLES}{}", self.key.to_ascii_uppercase())
    }
}

/// The prefix of all our variables.
pub(super) const VARIABLES: &str = "API_ANALYTICS_";

/// key, value's name, default, used by all commands, help.
const ROWS: &[(&str, &str, &str, bool, &str)] = &[
    (
        "data",
        "DIR",
        "./data",
        true,
        "The folder that holds everything: hits, projects, keys. Back it up with `api-analytics backup`",
    ),
    (
        "meta",
        "postgres://USER@HOST/DATABASE",
        "",
        true,
        "Keep projects, keys and settings in this PostgreSQL database (14 or later) instead of the data folder. Hits stay in the folder. The database needs its own backups",
    ),
    ("meta_password_file", "FILE", "", true, "The file with the password of the user in meta"),
    (
        "hits",
        "clickhouse://USER@HOST:PORT/DATABASE",
        "",
        true,
        "Keep hits in this ClickHouse database instead of files in the data folder; with ?secure=true over TLS, and with ?cluster=NAME spread over a cluster, of which several hosts may be named: HOST:PORT,HOST:PORT. Batches wait in the folder until they are there. The database needs its own backups",
    ),
    ("hits_password_file", "FILE", "", true, "The file with the password of the user in hits"),
    (
        "node",
        "0-255",
        "auto",
        true,
        "The number of this server among those that write to one ClickHouse database: each has its own, and keeps it. auto: servers that share a database in meta get theirs there; otherwise it is 0",
    ),
    (
        "listen",
        "ADDRESS:PORT",
        "127.0.0.1:8080",
        false,
        "Where to listen. 0.0.0.0:8080 lets other machines in. A socket that systemd hands over is used in its place",
    ),
    (
        "tls_certificate",
        "FILE",
        "",
        false,
        "Serve HTTPS in place of HTTP, with this certificate and the chain behind it (PEM). Read again when it changes, and on SIGHUP. Without it, put a proxy before the server for TLS",
    ),
    ("tls_key", "FILE", "", false, "The private key of tls_certificate (PEM)"),
    (
        "acme",
        "DOMAIN,...",
        "",
        false,
        "Serve HTTPS in place of HTTP, with a certificate for these names that the server orders from Let's Encrypt and renews by itself; port 443 of each name has to lead here. Using it accepts the authority's terms of service. public_url is https:// and the first name unless set",
    ),
    (
        "acme_directory",
        "URL",
        "https://acme-v02.api.letsencrypt.org/directory",
        false,
        "The ACME directory of the authority that acme orders from; it has to offer TLS-ALPN-01",
    ),
    (
        "redirect_from",
        "ADDRESS:PORT",
        "",
        false,
        "Where to answer plain HTTP with a redirect to HTTPS, such as 0.0.0.0:80. Only with tls_certificate or acme",
    ),
    (
        "public_url",
        "URL",
        "",
        false,
        "The address under which others reach this server, with its path if it has one: https://stats.example.com or https://example.com/stats. Links and snippets follow it",
    ),
    (
        "trusted_proxies",
        "LIST",
        "",
        false,
        "Reverse proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas, such as 127.0.0.1, 10.0.0.0/8",
    ),
    (
        "registration",
        "open|closed|auto",
        "auto",
        false,
        "Who may create projects over HTTP. auto: open while the server listens on loopback only and neither public_url nor trusted_proxies is set; else create them with `api-analytics project create`",
    ),
    (
        "demo",
        "on|off|auto",
        "auto",
        false,
        "Offer a demo at /dashboard/demo, with made-up requests of the last 60 days, about 3,000 a day. auto: where registration is open",
    ),
    (
        "get_delete",
        "on|off",
        "off",
        false,
        "Answer GET /api/delete/{api_key} as the original did. A link that deletes can be followed by accident, so ours is DELETE /api/v1/project",
    ),
    (
        "country_database",
        "FILE",
        "",
        false,
        "A country database in MaxMind's format (GeoLite2, DB-IP ...) in place of the one that is built in",
    ),
    (
        "metrics",
        "loopback|everyone|nobody",
        "loopback",
        false,
        "Who may read /metrics (Prometheus)",
    ),
    (
        "allow_networks",
        "LIST",
        "",
        false,
        "Networks that checks and notices may call although they are not public, separated by commas, such as 10.20.0.0/16, fd00::/8. Everyone who owns a project here can then find out what answers in them. Addresses of cloud metadata are allowed only where they are named one by one",
    ),
    (
        "name_servers",
        "LIST",
        "",
        false,
        "Name servers that checks and notices ask in place of the system's: addresses, with a port unless it is 53, separated by commas",
    ),
    (
        "trusted_certificates",
        "FILE",
        "",
        false,
        "Certificate authorities (PEM) that checks and notices trust besides the system's",
    ),
    (
        "monitors",
        "FILE",
        "",
        false,
        "Monitors that are kept in a file (TOML): read at the start and on SIGHUP, read-only on the page",
    ),
    (
        "smtp_server",
        "HOST[:PORT]",
        "",
        false,
        "The mail server through which notices are sent, and mails to the subscribers of status pages; without it no channel of kind `email` can be made. Anyone who owns a project can then have notices sent to any address",
    ),
    (
        "smtp_tls",
        "starttls|tls|off",
        "starttls",
        false,
        "How the connection to it is encrypted: starttls (port 587), tls (465), or off (25), for a server on this machine",
    ),
    ("smtp_user", "NAME", "", false, "Signs in to the mail server"),
    ("smtp_password_file", "FILE", "", false, "The file with the password of smtp_user"),
    (
        "smtp_from",
        "ADDRESS",
        "",
        false,
        "The sender of e-mail, such as alerts@example.com. Default: api-analytics at the mail server's host",
    ),
    (
        "log",
        "LEVEL",
        "info",
        true,
        "error, warn, info, debug, or a filter such as info,server=debug",
    ),
    (
        "log_format",
        "text|json",
        "text",
        true,
        "How the log is written to standard error: text for people, or json, an object a line",
    ),
    (
        "access_log",
        "on|off",
        "off",
        false,
        "Log each call when its answer was sent: method, route, status, bytes, duration, client and request id. The route stands in place of the address, which may hold a secret",
    ),
];

/// All settings, in the order of the documentation.
pub fn settings() -> Vec<Setting> {
    let rows = ROWS.iter().map(|(key, value_name, default, everywhere, help)| Setting {
        key,
        value_name,
        default: (*default).to_owned(),
        help: (*help).to_owned(),
        limit: None,
        everywhere: *everywhere,
    });
    let limits = LIMITS.iter().filter(|limit| limit.settable).map(|limit| Setting {
        key: limit.name,
        value_name: value_name(limit),
        default: default_text(limit),
        help: limit.reason.trim_end_matches('.').to_owned(),
        limit: Some(limit),
        everywhere: false,
    });
    rows.chain(limits).collect()
}

fn value_name(limit: &Limit) -> &'static str {
    match limit.unit {
        limits::Unit::Bytes => "BYTES",
        limits::Unit::Days => "DAYS",
        limits::Unit::Seconds => "SECONDS",
        limits::Unit::Milliseconds => "MS",
        limits::Unit::Percent => "PERCENT",
        _ => "NUMBER",
    }
}

fn default_text(limit: &Limit) -> String {
    match (limit.value, limit.unit) {
        (limits::UNLIMITED, _) => "off".to_owned(),
        (value, limits::Unit::Bytes) if value % (1 << 20) == 0 => format!("{}MiB", value >> 20),
        (value, limits::Unit::Days) => format!("{value}d"),
        (value, _) => value.to_string(),
    }
}
