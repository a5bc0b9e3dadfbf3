//! The user's settings, their sources, and the handling of invalid ones. Code wins over the environment, the environment over the defaults.
//! A wrong setting is said and never an error: an API must start even when its analytics are set up badly.

use crate::log::{complain_once, tell};
use crate::mapper::Mapper;

const DEFAULT_SERVER_URL: &str = "http://127.0.0.1:8080";
const MAX_RELEASE: usize = 100;

/// The user's settings. `F` is the type of the framework's mappers.
pub(crate) struct Settings<F: ?Sized> {
    pub key: String,
    pub server_url: String,
    pub privacy_level: i32,
    pub release: String,
    pub mappers: Mappers<F>,
}

pub(crate) struct Mappers<F: ?Sized> {
    pub path: Option<Mapper<F>>,
    pub hostname: Option<Mapper<F>>,
    pub address: Option<Mapper<F>>,
    pub user_agent: Option<Mapper<F>>,
    pub user_id: Option<Mapper<F>>,
}

impl<F: ?Sized> Settings<F> {
    pub(crate) fn new(key: String) -> Self {
        let mappers = Mappers { path: None, hostname: None, address: None, user_agent: None, user_id: None };
        Self { key, server_url: String::new(), privacy_level: 0, release: String::new(), mappers }
    }
}

impl<F: ?Sized> Clone for Settings<F> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            server_url: self.server_url.clone(),
            privacy_level: self.privacy_level,
            release: self.release.clone(),
            mappers: self.mappers.clone(),
        }
    }
}

impl<F: ?Sized> Clone for Mappers<F> {
    fn clone(&self) -> Self {
        Self {
            path: self.path.clone(),
            hostname: self.hostname.clone(),
            address: self.address.clone(),
            user_agent: self.user_agent.clone(),
            user_id: self.user_id.clone(),
        }
    }
}

impl<F: ?Sized> Mappers<F> {
    pub(crate) fn are_any(&self) -> bool {
        self.path.is_some() || self.hostname.is_some() || self.address.is_some() || self.user_agent.is_some() || self.user_id.is_some()
    }
}

/// The server's address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    pub secure: bool,
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// Without a slash at its end.
    pub path: String,
    /// The host and, unless it is the scheme's own, the port: the header `Host`.
    pub authority: String,
}

fn or_environment(given: &str, name: &str) -> String {
    match given.trim().is_empty() {
        true => std::env::var(name).unwrap_or_default(),
        false => given.to_owned(),
    }
}

/// The key without the blanks and quotes that copying leaves around it; none if a header cannot hold it.
pub(crate) fn to_key(given: &str) -> Option<String> {
    let chosen = or_environment(given, "API_ANALYTICS_KEY");
    let key = chosen.trim().trim_matches(['"', '\'']).trim();
    if key.is_empty() {
        complain_once("no key given and no API_ANALYTICS_KEY in the environment: nothing is recorded");
        return None;
    }
    if key.len() > 512 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        complain_once("the key holds characters that no key has: nothing is recorded");
        return None;
    }
    Some(key.to_owned())
}

/// The address that posts go to; none if it cannot be one. Its text is not said: it may hold a password.
pub(crate) fn to_server_url(given: &str) -> Option<ServerUrl> {
    let chosen = or_environment(given, "API_ANALYTICS_SERVER_URL");
    let chosen = chosen.trim();
    if chosen.is_empty() {
        tell("posting to http://127.0.0.1:8080, as neither with_server_url nor API_ANALYTICS_SERVER_URL is given");
    }
    match parse_server_url(if chosen.is_empty() { DEFAULT_SERVER_URL } else { chosen }) {
        Ok(url) if url.secure && !cfg!(feature = "tls") => {
            complain_once(
                "the server's address is https, but api-analytics-client is built without its feature `tls`: nothing is recorded",
            );
            None
        }
        Ok(url) => Some(url),
        Err(why) => {
            complain_once(&format!("the server's address cannot be used, nothing is recorded: {why}"));
            None
        }
    }
}

fn parse_server_url(text: &str) -> Result<ServerUrl, &'static str> {
    const FORM: &str = "it must look like http://host:port or https://host";
    let (scheme, rest) = text.split_once("://").ok_or(FORM)?;
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err(FORM),
    };
    if rest.contains(['@', '?', '#']) {
        return Err("it must hold neither user, password, query nor fragment");
    }
    let (place, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("its path holds characters that must be encoded");
    }
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => {
            host.parse::<std::net::Ipv6Addr>().map_err(|_| FORM)?;
            (host, port.strip_prefix(':').or(port.is_empty().then_some("")).ok_or(FORM)?)
        }
        None => place.split_once(':').unwrap_or((place, "")),
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        return Err(FORM);
    }
    let own = if secure { 443 } else { 80 };
    let port = if port.is_empty() { own } else { port.parse().ok().filter(|port| *port > 0).ok_or(FORM)? };
    let named = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let authority = if port == own { named } else { format!("{named}:{port}") };
    Ok(ServerUrl { secure, host: host.to_owned(), port, path: path.trim_end_matches('/').to_owned(), authority })
}

/// 0, 1 or 2. The server reads an unknown level as 2 too, but then it has seen the address.
pub(crate) fn to_privacy_level(given: i32) -> u8 {
    match given {
        0..=2 => given as u8,
        _ => {
            complain_once("the privacy level must be 0, 1 or 2: using 2, the most private");
            2
        }
    }
}

/// The version of the app; "" if there is none, or none that the server would use.
pub(crate) fn to_release(given: &str) -> String {
    let chosen = or_environment(given, "API_ANALYTICS_RELEASE");
    let plain: String = chosen.chars().filter(|character| !character.is_control()).collect();
    let release = plain.trim();
    if release.chars().count() <= MAX_RELEASE {
        return release.to_owned();
    }
    complain_once("the release is longer than 100 characters: it is not posted");
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lose_what_copying_leaves_around_them() {
        assert_eq!(to_key(" \"abc-1\" \n").as_deref(), Some("abc-1"));
        for wrong in ["a b", "a\nb", "\u{e9}", &"x".repeat(513)] {
            assert_eq!(to_key(wrong), None);
        }
    }

    #[test]
    fn addresses_are_taken_apart() {
        let parts = |text: &str| parse_server_url(text).map(|url| (url.secure, url.host, url.port, url.path, url.authority)).ok();
        let found = |secure, host: &str, port, path: &str, authority: &str| {
            Some((secure, host.to_owned(), port, path.to_owned(), authority.to_owned()))
        };
        assert_eq!(parts("http://127.0.0.1:8080"), found(false, "127.0.0.1", 8080, "", "127.0.0.1:8080"));
        assert_eq!(parts("HTTPS://a.example/stats/"), found(true, "a.example", 443, "/stats", "a.example"));
        assert_eq!(parts("http://[::1]:80/"), found(false, "::1", 80, "", "[::1]"));
        assert_eq!(parts("http://[::1]:81"), found(false, "::1", 81, "", "[::1]:81"));
        for wrong in [
            "127.0.0.1:8080",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:70000",
            "http://a:b",
            "http://u:p@a",
            "http://a?x",
            "http://a#x",
            "http://a b",
            "http://a/\u{e9}",
            "http://[a]",
            "http://[::1]x",
            "http://\u{e9}",
        ] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_release_is_short_and_without_control_characters() {
        assert_eq!(to_release(" v1\n.2 "), "v1.2");
        assert_eq!(to_release(&"x".repeat(101)), "");
        assert_eq!([-1, 0, 1, 2, 3].map(to_privacy_level), [2, 0, 1, 2, 2]);
    }
}
