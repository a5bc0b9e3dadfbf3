//! Settings from texts.

use super::*;

fn with(key: &str, text: &str) -> Result<Settings, ConfigError> {
    let mut values = Values::default();
    values.set(key, text.to_owned(), Origin::Flag(format!("--{key}")))?;
    Settings::from_values(&values)
}

fn refused(key: &str, text: &str) -> String {
    with(key, text).unwrap_err().to_string()
}

#[test]
fn the_defaults_are_valid_and_are_those_of_the_table_of_limits() {
    let settings = Settings::from_values(&Values::default()).unwrap();
    assert_eq!(settings.listen, "127.0.0.1:8080");
    for row in limits::LIMITS {
        assert_eq!(settings.limits.get(row.name), row.value, "{}", row.name);
    }
}

#[test]
fn a_bad_value_is_refused_by_the_name_of_its_key() {
    for (key, text) in [
        ("listen", "8080"),
        ("public_url", "stats.example.com"),
        ("public_url", "https://a b"),
        ("trusted_proxies", "10.0.0.0/8, proxy"),
        ("registration", "maybe"),
        ("get_delete", "perhaps"),
        ("metrics", "all"),
        ("body_bytes", "lots"),
        ("body_bytes", "0"),
        ("body_bytes", "-1"),
        ("disk_free_percent", "100"),
        ("keep_hits", "3 eons"),
        ("connections", "off"),
        ("smtp_server", "mail.example.com:smtp"),
        ("smtp_server", "mail example"),
        ("smtp_tls", "ssl"),
        ("smtp_from", "nobody"),
        ("log_format", "xml"),
        ("access_log", "loud"),
    ] {
        let message = refused(key, text);
        assert!(message.starts_with(&format!("`{key}` (from --{key}): ")), "{message}");
    }
    assert_eq!(refused("colour", "x"), "`colour` (from --colour) is not a setting");
    assert!(refused("listn", "x").ends_with("did you mean `listen`?"));
    assert_eq!(
        refused("public-url", "x"),
        "`public-url` (from --public-url) is not a setting; did you mean `public_url`?"
    );
}

#[test]
fn days_and_bytes_are_read_as_people_write_them() {
    for (text, days) in
        [("90", Some(90)), ("90d", Some(90)), ("6mo", Some(180)), ("1y", Some(365)), ("off", None)]
    {
        assert_eq!(with("keep_hits", text).unwrap().limits.get_days("keep_hits"), days, "{text}");
    }
    for (text, bytes) in [("1000", 1000), ("64MiB", 64 << 20), ("1 GiB", 1 << 30), ("8kb", 8 << 10)]
    {
        assert_eq!(with("body_bytes", text).unwrap().limits.get("body_bytes"), bytes, "{text}");
    }
}

#[test]
fn a_public_url_has_an_origin_and_a_base_path() {
    let url = |text: &str| with("public_url", text).unwrap().public_url.unwrap();
    assert_eq!(url("https://a.example").as_text(), "https://a.example");
    assert_eq!(url("https://a.example/").base_path, "");
    let deep = url("http://[::1]:8080/x/stats/");
    assert_eq!((deep.origin.as_str(), deep.base_path.as_str()), ("http://[::1]:8080", "/x/stats"));
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:1\"\nget_delete = true\nconnections = 5\ntrusted_proxies = [\"10.0.0.1\", \"::1\"]\n").unwrap();
    let mut values = Values::default();
    values
        .set("listen", "127.0.0.1:2".into(), Origin::Environment("API_ANALYTICS_LISTEN".into()))
        .unwrap();
    read_file(&mut values, &file).unwrap();
    let settings = Settings::from_values(&values).unwrap();
    assert_eq!(settings.listen, "127.0.0.1:2");
    assert!(settings.get_delete);
    assert_eq!(settings.limits.get("connections"), 5);
    assert_eq!(settings.trusted_proxies.len(), 2);
    values.set("listen", "127.0.0.1:3".into(), Origin::Flag("--listen".into())).unwrap();
    assert_eq!(Settings::from_values(&values).unwrap().listen, "127.0.0.1:3");
}

#[test]
fn a_file_with_an_unknown_key_or_a_table_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    for (text, named) in [
        ("lissten = 1", "lissten"),
        ("[server]\nlisten = 1", "server"),
        ("listen = ", "settings.toml"),
    ] {
        std::fs::write(&file, text).unwrap();
        let message = read_file(&mut Values::default(), &file).unwrap_err().to_string();
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn a_misspelt_variable_is_named_with_what_may_be_meant() {
    let names = ["API_ANALYTICS_LISTN", "API_ANALYTICS_LISTEN", "API_ANALYTICS_KEY", "PATH"];
    let said: Vec<String> = unknown_variables(names.into_iter().map(str::to_owned))
        .iter()
        .map(UnknownVariable::to_string)
        .collect();
    assert_eq!(
        said,
        [
            "the variable API_ANALYTICS_LISTN is not a setting and is ignored; did you mean API_ANALYTICS_LISTEN?"
        ]
    );
    let strange = unknown_variables(["API_ANALYTICS_XYZZY".to_owned()].into_iter());
    assert_eq!(strange[0].meant, None);
}

#[test]
fn registration_is_open_by_default_only_where_nobody_else_can_ask() {
    let open = |settings: Settings, listen: &str| {
        settings.registration_is_open(&[listen.parse().unwrap()])
    };
    let default = || Settings::from_values(&Values::default()).unwrap();
    assert!(open(default(), "127.0.0.1:80"));
    assert!(open(default(), "[::1]:80"));
    assert!(!open(default(), "0.0.0.0:80"));
    assert!(!open(with("public_url", "https://a.example").unwrap(), "127.0.0.1:80"));
    assert!(!open(with("trusted_proxies", "127.0.0.1").unwrap(), "127.0.0.1:80"));
    assert!(open(with("registration", "open").unwrap(), "0.0.0.0:80"));
    assert!(!open(with("registration", "closed").unwrap(), "127.0.0.1:80"));
}

#[test]
fn tls_needs_both_of_its_files_and_a_redirect_needs_tls() {
    let read = |pairs: &[(&str, &str)]| {
        let mut values = Values::default();
        for (key, text) in pairs {
            values.set(key, (*text).to_owned(), Origin::Flag(format!("--{key}"))).unwrap();
        }
        Settings::from_values(&values).map_err(|error| error.to_string())
    };
    let (certificate, key) = (("tls_certificate", "a.pem"), ("tls_key", "a.key"));
    let redirect = ("redirect_from", "0.0.0.0:80");
    assert!(read(&[certificate]).unwrap_err().contains("without `tls_key`"));
    assert!(read(&[key]).unwrap_err().contains("without `tls_certificate`"));
    assert!(read(&[redirect]).unwrap_err().starts_with("`redirect_from`"));
    let settings = read(&[certificate, key, redirect]).unwrap();
    assert!(settings.tls.is_some() && settings.is_https());
    assert_eq!(settings.redirect_from.as_deref(), Some("0.0.0.0:80"));
    let behind = read(&[certificate, key, ("public_url", "http://a.example")]).unwrap();
    assert!(!behind.is_https(), "what people use counts");
}

#[test]
fn an_ordered_certificate_is_for_dns_names_and_stands_alone() {
    let read = |pairs: &[(&str, &str)]| {
        let mut values = Values::default();
        for (key, text) in pairs {
            values.set(key, (*text).to_owned(), Origin::Flag(format!("--{key}"))).unwrap();
        }
        Settings::from_values(&values).map_err(|error| error.to_string())
    };
    let settings = read(&[("acme", "Stats.Example, www.stats.example")]).unwrap();
    let Some(TlsSource::Acme(order)) = &settings.tls else { panic!("{:?}", settings.tls) };
    assert_eq!(order.names, ["stats.example", "www.stats.example"]);
    assert!(order.directory.starts_with("https://acme-v02.api.letsencrypt.org/"));
    assert!(settings.is_https());
    assert_eq!(settings.public_url.unwrap().as_text(), "https://stats.example");
    let elsewhere = [("acme", "stats.example"), ("public_url", "https://other.example/stats")];
    assert_eq!(
        read(&elsewhere).unwrap().public_url.unwrap().as_text(),
        "https://other.example/stats"
    );
    assert!(read(&[("acme", "stats.example"), ("redirect_from", "0.0.0.0:80")]).is_ok());
    for name in ["127.0.0.1", "*.example", "a b c/d", "[::1]"] {
        assert!(read(&[("acme", name)]).unwrap_err().starts_with("`acme`"), "{name}");
    }
    let many: Vec<String> = (0..21).map(|number| format!("{number}.example")).collect();
    assert!(read(&[("acme", &many.join(","))]).unwrap_err().contains("more than 20"));
    let both = [("acme", "a.example"), ("tls_certificate", "a.pem"), ("tls_key", "a.key")];
    assert!(read(&both).unwrap_err().contains("leave out `tls_certificate`"));
    let plain = [("acme", "a.example"), ("acme_directory", "http://a.example/directory")];
    assert!(read(&plain).unwrap_err().starts_with("`acme_directory`"));
}

#[test]
fn a_mail_server_has_the_port_of_its_encryption() {
    let mail = |pairs: &[(&str, &str)]| {
        let mut values = Values::default();
        for (key, text) in pairs {
            values.set(key, (*text).to_owned(), Origin::Flag(format!("--{key}"))).unwrap();
        }
        Settings::from_values(&values).unwrap().mail
    };
    assert_eq!(mail(&[("smtp_from", "a@b.example")]), None);
    for (tls, port) in [("starttls", 587), ("tls", 465), ("off", 25)] {
        let server = mail(&[("smtp_server", "mail.example"), ("smtp_tls", tls)]).unwrap();
        assert_eq!((server.host.as_str(), server.port), ("mail.example", port));
        assert_eq!((server.user, server.from.as_str()), (None, "api-analytics@mail.example"));
    }
    assert_eq!(mail(&[("smtp_server", "mail.example:2525")]).unwrap().port, 2525);
}
