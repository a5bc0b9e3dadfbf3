//! The settings: one table of keys, the sources of their values (flags over environment over file), and their meaning.
//!
//! A bad value stops the start with a message that names the key and its source. Nothing of the server is imported
//! here, and nothing is read after the start.

mod source;
mod table;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use analytics::limits;
use ipnet::IpNet;
use store::{ClickHousePlace, PostgresUrl};

pub use source::{Found, Origin, UnknownVariable, Values, read_file, unknown_variables};
pub use table::{Setting, settings};
pub use values::PublicUrl;

/// The operator's settings. Only `Settings::from_values` makes them, so they are always valid.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `address:port` or `name:port`.
    pub listen: String,
    pub data: PathBuf,
    /// Whether the operator named the folder. Commands create no folder in a default place.
    pub data_is_named: bool,
    /// The PostgreSQL database of projects and settings; none: in the data folder.
    pub meta: Option<PostgresUrl>,
    pub meta_password_file: Option<PathBuf>,
    /// The ClickHouse database of hits; none: files in the data folder.
    pub hits: Option<ClickHousePlace>,
    pub hits_password_file: Option<PathBuf>,
    pub node: Option<u8>,
    /// None: plain HTTP.
    pub tls: Option<TlsSource>,
    /// `address:port` of a port without TLS that redirects to the one with it.
    pub redirect_from: Option<String>,
    pub public_url: Option<PublicUrl>,
    /// Proxies that may state the client's address.
    pub trusted_proxies: Vec<IpNet>,
    pub registration: Registration,
    /// None: the same as whether registration is open.
    pub demo: Option<bool>,
    /// Whether `GET /api/delete/{api_key}` works, the original's deletion by a plain link.
    pub get_delete: bool,
    pub country_database: Option<PathBuf>,
    pub metrics: MetricsFor,
    /// Networks that may be called although they are not public.
    pub allow_networks: Vec<IpNet>,
    /// Name servers to resolve with; none: the system's.
    pub name_servers: Vec<SocketAddr>,
    /// Certificate authorities (PEM) that are trusted besides the system's.
    pub trusted_certificates: Option<PathBuf>,
    /// The operator's file of monitors (TOML).
    pub monitors: Option<PathBuf>,
    /// None: no e-mail is sent.
    pub mail: Option<MailServer>,
    /// In the form of `RUST_LOG`.
    pub log: String,
    pub log_format: LogFormat,
    /// Whether each call gets a log line.
    pub access_log: bool,
    pub limits: SetLimits,
}

/// Who may create projects over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Open if only this machine can connect, else closed.
    Auto,
    Open,
    Closed,
}

/// The server that sends e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    /// None: without signing in.
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
    /// The sender of every message.
    pub from: String,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// Begins in the clear, and continues only if the server then encrypts.
    Starttls,
    /// Encrypted from the first byte.
    Tls,
    /// Unencrypted, for a server on this machine.
    Off,
}

impl MailServer {
    fn read(values: &Values) -> Result<Option<MailServer>, ConfigError> {
        let tls = values.get("smtp_tls").read(values::parse_mail_tls)?;
        let address = values.get("smtp_server").read(values::parse_mail_server)?;
        let text = |key| {
            values.get(key).read(|text| Ok(Some(text.to_owned()).filter(|text| !text.is_empty())))
        };
        let (user, from) =
            (text("smtp_user")?, values.get("smtp_from").read(values::parse_sender)?);
        let password_file = values.get("smtp_password_file").read(values::parse_path)?;
        let Some((host, port)) = address else { return Ok(None) };
        let port = port.unwrap_or(match tls {
            MailTls::Starttls => 587,
            MailTls::Tls => 465,
            MailTls::Off => 25,
        });
        let from = from.unwrap_or_else(|| format!("api-analytics@{host}"));
        Ok(Some(MailServer { host, port, tls, user, password_file, from }))
    }
}

/// Where the port's certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsSource {
    Files(TlsFiles),
    Acme(AcmeOrder),
}

/// The files of the port's TLS, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A certificate that the server orders and renews by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeOrder {
    /// DNS names, at least one.
    pub names: Vec<String>,
    /// Address of the authority's directory.
    pub directory: String,
}

impl TlsSource {
    /// Files, an order, or neither.
    fn read(values: &Values) -> Result<Option<TlsSource>, ConfigError> {
        let certificate: Option<PathBuf> =
            values.get("tls_certificate").read(values::parse_path)?;
        let key: Option<PathBuf> = values.get("tls_key").read(values::parse_path)?;
        let names = values.get("acme").read(values::parse_names)?;
        let directory = values.get("acme_directory").read(values::parse_directory)?;
        let refuse = |key: &'static str, why: &str| {
            values.get(key).read(|_| Err::<Option<TlsSource>, String>(why.to_owned()))
        };
        match (certificate, key) {
            (Some(_) | None, Some(_)) | (Some(_), None) if !names.is_empty() => {
                refuse("acme", "orders a certificate; leave out `tls_certificate` and `tls_key`")
            }
            (Some(certificate), Some(key)) => {
                Ok(Some(TlsSource::Files(TlsFiles { certificate, key })))
            }
            (Some(_), None) => refuse("tls_certificate", "is of no use without `tls_key`"),
            (None, Some(_)) => refuse("tls_key", "is of no use without `tls_certificate`"),
            (None, None) if names.is_empty() => Ok(None),
            (None, None) => Ok(Some(TlsSource::Acme(AcmeOrder { names, directory }))),
        }
    }
}

/// How lines of the log are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Human-readable.
    Text,
    /// One JSON object per line.
    Json,
}

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsFor {
    Loopback,
    Everyone,
    Nobody,
}

/// The rows of `analytics::limits::LIMITS` that the operator changed.
#[derive(Clone, Debug, Default)]
pub struct SetLimits {
    set: BTreeMap<&'static str, u64>,
}

impl SetLimits {
    /// The number of a row of `LIMITS`; `limits::UNLIMITED` for none.
    ///
    /// # Panics
    /// Where `LIMITS` has no such row: a mistake in this program, found by the first test that starts it.
    pub fn get(&self, name: &str) -> u64 {
        let row = limits::find(name).unwrap_or_else(|| panic!("no limit is called {name}"));
        self.set.get(name).copied().unwrap_or(row.value)
    }

    /// None: no limit.
    pub fn get_days(&self, name: &str) -> Option<u32> {
        let days = self.get(name);
        (days != limits::UNLIMITED).then(|| days.min(u64::from(u32::MAX)) as u32)
    }
}

impl Settings {
    /// Parses every key of the table; missing keys get their default.
    pub fn from_values(values: &Values) -> Result<Settings, ConfigError> {
        let text = |key: &'static str| values.get(key);
        let tls = TlsSource::read(values)?;
        let mut public_url = text("public_url").read(values::parse_public_url)?;
        if let (None, Some(TlsSource::Acme(AcmeOrder { names, .. }))) = (&public_url, &tls) {
            public_url = names.first().map(|name| PublicUrl {
                origin: format!("https://{name}"),
                base_path: String::new(),
            });
        }
        Ok(Settings {
            listen: text("listen").read(values::parse_listen)?,
            data: text("data").read(values::parse_path)?.unwrap_or_default(),
            data_is_named: text("data").origin != Origin::Default,
            meta: text("meta").read(values::parse_postgres_url)?,
            meta_password_file: text("meta_password_file").read(values::parse_path)?,
            hits: text("hits").read(values::parse_clickhouse)?,
            hits_password_file: text("hits_password_file").read(values::parse_path)?,
            node: text("node").read(values::parse_node)?,
            redirect_from: values.get("redirect_from").read(|text| {
                let from = values::parse_redirect(text)?;
                match from.is_some() && tls.is_none() {
                    true => {
                        Err("there is no HTTPS to lead to; set tls_certificate or acme".to_owned())
                    }
                    false => Ok(from),
                }
            })?,
            tls,
            public_url,
            trusted_proxies: text("trusted_proxies").read(values::parse_networks)?,
            registration: text("registration").read(values::parse_registration)?,
            demo: text("demo").read(values::parse_demo)?,
            get_delete: text("get_delete").read(values::parse_switch)?,
            country_database: text("country_database").read(values::parse_path)?,
            metrics: text("metrics").read(values::parse_metrics)?,
            allow_networks: text("allow_networks").read(values::parse_networks)?,
            name_servers: text("name_servers").read(values::parse_name_servers)?,
            trusted_certificates: text("trusted_certificates").read(values::parse_path)?,
            monitors: text("monitors").read(values::parse_path)?,
            mail: MailServer::read(values)?,
            log: text("log").read(|text| Ok(text.to_owned()))?,
            log_format: text("log_format").read(values::parse_log_format)?,
            access_log: text("access_log").read(values::parse_switch)?,
            limits: values.read_limits()?,
        })
    }

    /// Whether people reach the server over TLS.
    pub fn is_https(&self) -> bool {
        match &self.public_url {
            Some(public) => public.is_https(),
            None => self.tls.is_some(),
        }
    }

    /// Scheme of this server's addresses: `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.is_https() { "https" } else { "http" }
    }

    /// Whether anyone may create projects over HTTP, depending on the listening addresses.
    pub fn registration_is_open(&self, listens_on: &[SocketAddr]) -> bool {
        match self.registration {
            Registration::Open => true,
            Registration::Closed => false,
            Registration::Auto => {
                listens_on.iter().all(|address| address.ip().is_loopback())
                    && self.public_url.is_none()
                    && self.trusted_proxies.is_empty()
            }
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("`{key}` ({origin}): {message}")]
    Bad { key: String, origin: Origin, message: String },
    #[error("`{key}` ({origin}) is not a setting{}", .meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default())]
    Unknown { key: String, origin: Origin, meant: Option<&'static str> },
    #[error("the configuration file {file}: {message}")]
    File { file: String, message: String },
}

#[cfg(test)]
mod tests;
