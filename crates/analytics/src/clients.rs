//! Which client library a source of hits is, and what another one would give.
//!
//! Our clients say `LANGUAGE/VERSION` in a batch's `sdk`; those of the original API Analytics say only their framework.

/// A language that has or may have a client.
#[derive(Debug, PartialEq, Eq)]
pub struct Language {
    /// As in `sdk` and in addresses; "" if there is no client of ours.
    pub name: &'static str,
    pub label: &'static str,
    /// Frameworks as the original's clients write them.
    frameworks: &'static [&'static str],
    /// Where ours is better than the original's in this language alone.
    gain: &'static str,
}

pub const LANGUAGES: [Language; 5] = [
    Language {
        name: "python",
        label: "Python",
        frameworks: &[
            "FastAPI",
            "Flask",
            "Django",
            "Tornado",
            "Starlette",
            "aiohttp",
            "Falcon",
            "Sanic",
        ],
        gain: "Times have their zone, so that no clock has to be guessed. Streamed answers and errors are counted as the caller saw them.",
    },
    Language {
        name: "node",
        label: "Node",
        frameworks: &["Express", "Fastify", "Koa", "Hono", "NestJS", "Bun", "Elysia", "H3", "Oak"],
        gain: "Callers who leave before the answer are counted. The app goes on when this server cannot be reached, which ends it with version 1.3.0 of the original’s package.",
    },
    Language {
        name: "go",
        label: "Go",
        frameworks: &["Gin", "Echo", "Fiber", "Chi"],
        gain: "Errors that a handler returns are counted with the status that the caller got. Streams, WebSockets and panics pass through untouched.",
    },
    Language {
        name: "rust",
        label: "Rust",
        frameworks: &["Axum", "Actix", "Rocket"],
        gain: "It also works with axum 0.8; the original’s package for that cannot be pointed to this server.",
    },
    Language {
        name: "",
        label: "",
        frameworks: &["Rails", "Sinatra", "Laravel", "PHP", "ASP.NET Core"],
        gain: "",
    },
];

/// Gains by any of our clients over one of the original’s.
const GAINS: [&str; 3] = [
    "Requests arrive within seconds. The original’s clients post with the first request that comes a minute after their last post, and lose what waits when the process ends.",
    "Routes are those of the framework instead of guesses from paths, and durations have fractions of a millisecond.",
    "Nothing is lost or counted twice while this server is away: posts are tried again for a day, under one id.",
];

/// A version of a client of ours, and its gain over the one before.
pub struct Change {
    pub language: &'static str,
    pub version: &'static str,
    pub gain: &'static str,
}

/// Every version after the first one of its language, oldest first.
pub const CHANGES: &[Change] = &[];

/// A source's client library.
#[derive(Debug, PartialEq, Eq)]
pub enum Client {
    /// `version`: as it says.
    Ours { language: &'static Language, version: String },
    /// One of the original's.
    Original { language: &'static Language },
    /// Anything else, such as `curl`.
    Unknown,
}

/// `sdk`, `framework`: as the client sends them; "" for none.
pub fn recognise(sdk: &str, framework: &str) -> Client {
    if let Some((name, version)) = sdk.split_once('/')
        && let Some(language) = LANGUAGES.iter().find(|one| !name.is_empty() && one.name == name)
    {
        return Client::Ours { language, version: version.to_owned() };
    }
    let has = |one: &&Language| one.frameworks.contains(&framework);
    match LANGUAGES.iter().find(has) {
        Some(language) if sdk.is_empty() => Client::Original { language },
        _ => Client::Unknown,
    }
}

/// The gains by its successor, most important first; empty if there is nothing to upgrade to.
///
/// `current`: the version of this language's client that the server hands out, if any.
pub fn gains(client: &Client, current: Option<&str>) -> Vec<&'static str> {
    gains_by(client, current, CHANGES)
}

fn gains_by(
    client: &Client,
    current: Option<&str>,
    changes: &'static [Change],
) -> Vec<&'static str> {
    let Some(current) = current else { return Vec::new() };
    match client {
        Client::Unknown => Vec::new(),
        Client::Original { language } => {
            GAINS.into_iter().chain([language.gain]).filter(|gain| !gain.is_empty()).collect()
        }
        Client::Ours { language, version } => {
            let (Some(has), Some(current)) = (to_numbers(version), to_numbers(current)) else {
                return Vec::new();
            };
            let is_new = |change: &&Change| {
                to_numbers(change.version).is_some_and(|made| has < made && made <= current)
            };
            let own = changes.iter().filter(|change| change.language == language.name);
            own.filter(is_new).map(|change| change.gain).rev().collect()
        }
    }
}

/// The numbers of a version `1.2.3`; none if it is anything else, as one of a developer's build.
pub fn to_numbers(version: &str) -> Option<[u32; 3]> {
    let mut numbers = version.split('.').map(|part| part.parse().ok());
    let found = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: &[Change] = &[
        Change { language: "python", version: "0.2.0", gain: "a" },
        Change { language: "node", version: "0.2.0", gain: "b" },
        Change { language: "python", version: "0.10.0", gain: "c" },
        Change { language: "python", version: "0.11.0", gain: "d" },
    ];

    #[test]
    fn ours_are_known_by_their_sdk_and_the_originals_by_their_framework() {
        assert!(matches!(
            recognise("python/0.1.0", "Flask"),
            Client::Ours { language: Language { name: "python", .. }, version } if version == "0.1.0"
        ));
        for (framework, name) in [
            ("FastAPI", "python"),
            ("Express", "node"),
            ("Chi", "go"),
            ("Axum", "rust"),
            ("Rails", ""),
        ] {
            assert!(
                matches!(recognise("", framework), Client::Original { language } if language.name == name),
                "{framework}"
            );
        }
        for (sdk, framework) in [
            ("", "curl"),
            ("", ""),
            ("/1.0.0", ""),
            ("cobol/1.0.0", "Express"),
            ("python", "FastAPI"),
        ] {
            assert_eq!(recognise(sdk, framework), Client::Unknown, "{sdk} {framework}");
        }
    }

    #[test]
    fn an_old_client_of_ours_is_told_what_every_later_version_gives_newest_first() {
        let of = |sdk: &str, current| gains_by(&recognise(sdk, ""), current, SOME);
        assert_eq!(of("python/0.1.0", Some("0.10.0")), ["c", "a"]);
        assert_eq!(of("python/0.9.7", Some("0.10.0")), ["c"]);
        assert!(of("python/0.10.0", Some("0.10.0")).is_empty());
        assert!(of("python/1.0.0", Some("0.10.0")).is_empty(), "newer than the server");
        assert!(of("python/0.1.0.dev1", Some("0.10.0")).is_empty());
        assert!(of("python/0.1.0", None).is_empty(), "nothing to upgrade to");
    }

    #[test]
    fn the_originals_are_told_of_ours_if_there_is_one() {
        let of = |framework: &str, current| gains(&recognise("", framework), current);
        assert_eq!(of("Gin", Some("0.1.0")).len(), 4);
        assert!(of("Gin", None).is_empty());
        assert!(of("Rails", None).is_empty());
        assert!(of("curl", Some("0.1.0")).is_empty());
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert_eq!(to_numbers("1.20.3"), Some([1, 20, 3]));
        for text in ["", "1", "1.2", "1.2.3.4", "1.2.3a1", "v1.2.3"] {
            assert_eq!(to_numbers(text), None, "{text}");
        }
    }
}
