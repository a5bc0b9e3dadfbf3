//! Where projects and settings are stored.

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The database of projects and settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MetaPlace {
    /// `meta.sqlite` in the data folder.
    #[default]
    Folder,
    Postgres(PostgresUrl),
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
