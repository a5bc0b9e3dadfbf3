//! Where hits, and where projects and settings are stored.

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The engine of hits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HitsPlace {
    /// DuckDB files in the data folder.
    #[default]
    Folder,
    ClickHouse(ClickHousePlace),
}

/// The address of a ClickHouse server (or of what distributes calls to several), the database, and the user.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClickHousePlace {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: String,
    /// The same of other hosts of the cluster, for when one is away.
    pub other_urls: Vec<String>,
    pub database: String,
    /// "" for the server's default user.
    pub user: String,
    pub password: String,
    /// A cluster of ClickHouse's configuration, over which the hits are spread. None: they are on one host.
    pub cluster: Option<String>,
}

/// The database of projects and settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MetaPlace {
    /// `meta.sqlite` in the data folder.
    #[default]
    Folder,
    Postgres(PostgresUrl),
}

impl ClickHousePlace {
    /// `clickhouse://USER@HOST:PORT/DATABASE`, with `?secure=true` over TLS, and with `?cluster=NAME` for a cluster, of which
    /// several hosts may be named: `HOST:PORT,HOST:PORT`. Without a password: whoever sees the settings must not learn it.
    /// Ports: 8123, with TLS 8443.
    pub fn parse(text: &str) -> Result<ClickHousePlace, String> {
        let expected = "expected clickhouse://USER@HOST:PORT/DATABASE, with ?secure=true for TLS and ?cluster=NAME for a cluster";
        let rest = text.strip_prefix("clickhouse://").ok_or(expected)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (user, hosts) = rest[..end].rsplit_once('@').unwrap_or(("", &rest[..end]));
        let mut places = Vec::new();
        for host in hosts.split(',') {
            let at = if user.is_empty() { "" } else { "@" };
            places.push(parse_host(&format!("clickhouse://{user}{at}{host}{}", &rest[end..]))?);
        }
        let mut places = places.into_iter();
        let first = places.next().ok_or(expected)?;
        let other_urls: Vec<String> = places.map(|place| place.url).collect();
        if !other_urls.is_empty() && first.cluster.is_none() {
            return Err("several hosts are named, and no cluster: their tables would have nothing to do with each other. Add \
                        ?cluster=NAME, by the name of the cluster in ClickHouse's configuration, or name one host"
                .to_owned());
        }
        Ok(ClickHousePlace { other_urls, ..first })
    }

    pub fn with_password(self, password: &str) -> ClickHousePlace {
        ClickHousePlace { password: password.to_owned(), ..self }
    }
}

/// The same of one host.
fn parse_host(text: &str) -> Result<ClickHousePlace, String> {
    let expected = "expected clickhouse://USER@HOST:PORT/DATABASE, with ?secure=true for TLS and ?cluster=NAME for a cluster";
    let url = url::Url::parse(text).map_err(|_| expected)?;
    if url.password().is_some() {
        return Err(
            "it holds a password; put that into a file and name it with hits_password_file"
                .to_owned(),
        );
    }
    let (mut secure, mut cluster) = (false, None);
    for (key, value) in url.query_pairs() {
        match (&*key, &*value) {
            ("secure", "false") => secure = false,
            ("secure", "true") => secure = true,
            ("cluster", name) if is_cluster_name(name) => cluster = Some(name.to_owned()),
            ("cluster", _) => {
                return Err("a cluster's name has letters, digits, _, - and . only".to_owned());
            }
            _ => return Err(expected.to_owned()),
        }
    }
    let database = url.path().trim_start_matches('/');
    let (Some(host), false, None) =
        (url.host_str(), database.is_empty() || database.contains('/'), url.fragment())
    else {
        return Err(expected.to_owned());
    };
    let (scheme, port) = if secure { ("https", 8443) } else { ("http", 8123) };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Ok(ClickHousePlace {
        url: format!("{scheme}://{host}:{}", url.port().unwrap_or(port)),
        database: decoded(database),
        user: decoded(url.username()),
        cluster,
        ..ClickHousePlace::default()
    })
}

fn is_cluster_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

impl fmt::Debug for ClickHousePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClickHousePlace { url, other_urls, database, user, cluster, .. } = self;
        write!(
            f,
            "ClickHousePlace {{ {url}, {other_urls:?}, database {database}, user {user:?}, {cluster:?} }}"
        )
    }
}

/// The address of a PostgreSQL database. It may hold a password, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// `postgres://USER@HOST:PORT/DATABASE`, without a password: whoever sees the settings must not learn it.
    pub fn parse(text: &str) -> Result<PostgresUrl, String> {
        let expected = "expected postgres://USER@HOST:PORT/DATABASE";
        let scheme = ["postgres://", "postgresql://"].into_iter().find(|it| text.starts_with(it));
        let (Some(scheme), Ok(_)) = (scheme, text.parse::<sqlx::postgres::PgConnectOptions>())
        else {
            return Err(expected.to_owned());
        };
        let (place, parameters) = text.split_once('?').unwrap_or((text, ""));
        let authority = place[scheme.len()..].split('/').next().unwrap_or_default();
        let has_password = parameters.split('&').any(|one| one.starts_with("password="));
        match authority.rsplit_once('@') {
            None | Some(("", _)) => Err(format!("no user is named; {expected}")),
            Some((user, _)) if user.contains(':') || has_password => {
                Err("it holds a password; put that into a file and name it with meta_password_file"
                    .to_owned())
            }
            Some(_) => Ok(PostgresUrl(text.to_owned())),
        }
    }

    pub fn with_password(self, password: &str) -> PostgresUrl {
        let password = utf8_percent_encode(password, NON_ALPHANUMERIC);
        PostgresUrl(self.0.replacen('@', &format!(":{password}@"), 1))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://...")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_clickhouse_names_its_database_and_no_password() {
        let parsed = |text| ClickHousePlace::parse(text).unwrap();
        let place = |url: &str, database: &str, user: &str| ClickHousePlace {
            url: url.into(),
            database: database.into(),
            user: user.into(),
            ..ClickHousePlace::default()
        };
        assert_eq!(
            parsed("clickhouse://stats@db.example/hits"),
            place("http://db.example:8123", "hits", "stats")
        );
        assert_eq!(
            parsed("clickhouse://[::1]:9000/hits%20all?secure=true"),
            place("https://[::1]:9000", "hits all", "")
        );
        assert_eq!(
            parsed("clickhouse://a%40b@db/hits?secure=true"),
            place("https://db:8443", "hits", "a@b")
        );
        assert_eq!(
            parsed("clickhouse://stats@one,two:1,[::1]/hits?cluster=ring-1&secure=true"),
            ClickHousePlace {
                other_urls: vec!["https://two:1".into(), "https://[::1]:8443".into()],
                cluster: Some("ring-1".into()),
                ..place("https://one:8443", "hits", "stats")
            }
        );
        for (wrong, why) in [
            ("", "expected"),
            ("http://stats@db/hits", "expected"),
            ("clickhouse://stats@db", "expected"),
            ("clickhouse://stats@db/", "expected"),
            ("clickhouse://stats@db/a/b", "expected"),
            ("clickhouse:///hits", "expected"),
            ("clickhouse://stats@db/hits?password=needle", "expected"),
            ("clickhouse://stats@one,two/hits", "cluster"),
            ("clickhouse://stats@one,/hits?cluster=ring", "expected"),
            ("clickhouse://stats@one,x:y/hits?cluster=ring", "expected"),
            ("clickhouse://stats@one/hits?cluster=", "letters"),
            ("clickhouse://stats@one/hits?cluster=a%27b", "letters"),
            ("clickhouse://stats:needle@db/hits", "hits_password_file"),
        ] {
            let problem = ClickHousePlace::parse(wrong).unwrap_err();
            assert!(problem.contains(why) && !problem.contains("needle"), "{wrong}: {problem}");
        }
        let place = parsed("clickhouse://stats@db/hits").with_password("needle");
        assert!(place.password == "needle" && !format!("{place:?}").contains("needle"));
    }

    #[test]
    fn an_address_names_its_user_and_no_password() {
        for good in [
            "postgres://stats@db.example/stats",
            "postgresql://stats@[::1]:5433/stats?sslmode=verify-full",
            "postgres://stats@localhost/stats?host=/run/postgresql",
        ] {
            assert_eq!(PostgresUrl::parse(good).unwrap().as_str(), good);
        }
        for (wrong, why) in [
            ("", "expected"),
            ("mysql://stats@db/stats", "expected"),
            ("postgres://stats@db:port/stats", "expected"),
            ("postgres://db/stats", "no user"),
            ("postgres://@db/stats", "no user"),
            ("postgres://stats:needle@db/stats", "meta_password_file"),
            ("postgres://stats@db/stats?sslmode=require&password=needle", "meta_password_file"),
        ] {
            let problem = PostgresUrl::parse(wrong).unwrap_err();
            assert!(problem.contains(why) && !problem.contains("needle"), "{wrong}: {problem}");
        }
    }

    #[test]
    fn a_password_of_any_letters_is_kept_and_not_shown() {
        let url = PostgresUrl::parse("postgres://stats@db/stats").unwrap();
        let url = url.with_password("a:@/?%é needle");
        assert_eq!(url.as_str(), "postgres://stats:a%3A%40%2F%3F%25%C3%A9%20needle@db/stats");
        assert!(url.as_str().parse::<sqlx::postgres::PgConnectOptions>().is_ok());
        assert!(!format!("{url:?}").contains("needle"));
    }
}
