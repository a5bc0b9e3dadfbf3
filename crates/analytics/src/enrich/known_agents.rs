//! User agents that matter to APIs and that uap-core names otherwise or not at all: libraries, tools, bots, probes.
//!
//! To add one: a row in `STARTS`. Browsers don't belong here.

/// The start of a user agent in lower case, its name, its device. The first match wins.
const STARTS: &[(&str, &str, &str)] = &[
    // Python.
    ("python-httpx/", "python-httpx", "library"),
    ("python-requests/", "python-requests", "library"),
    ("python-urllib3/", "urllib3", "library"),
    ("python-urllib/", "python-urllib", "library"),
    ("aiohttp/", "aiohttp", "library"),
    ("testclient", "testclient", "library"),
    ("werkzeug/", "Werkzeug", "library"),
    ("openai/python", "openai-python", "library"),
    ("scrapy/", "Scrapy", "bot"),
    // JavaScript.
    ("axios/", "axios", "library"),
    ("node-fetch", "node-fetch", "library"),
    ("node-superagent/", "superagent", "library"),
    ("superagent", "superagent", "library"),
    ("undici", "undici", "library"),
    ("got (", "got", "library"),
    ("got/", "got", "library"),
    ("node.js", "node", "library"),
    ("node/", "node", "library"),
    ("bun/", "Bun", "library"),
    ("deno/", "Deno", "library"),
    ("supertest", "supertest", "library"),
    // Go, Rust, C, Swift, Dart.
    ("go-http-client/", "Go-http-client", "library"),
    ("go-resty/", "resty", "library"),
    ("fasthttp", "fasthttp", "library"),
    ("reqwest/", "reqwest", "library"),
    ("ureq/", "ureq", "library"),
    ("hyper/", "hyper", "library"),
    ("curl/", "curl", "library"),
    ("libcurl/", "curl", "library"),
    ("wget/", "Wget", "library"),
    ("alamofire/", "Alamofire", "library"),
    ("dart/", "Dart", "library"),
    ("dart:io", "Dart", "library"),
    // JVM, .NET, Ruby, PHP, Perl.
    ("okhttp", "okhttp", "library"),
    ("apache-httpclient/", "Apache-HttpClient", "library"),
    ("apache-httpasyncclient/", "Apache-HttpClient", "library"),
    ("java-http-client/", "Java-http-client", "library"),
    ("java/", "Java", "library"),
    ("reactornetty/", "ReactorNetty", "library"),
    ("ktor", "Ktor", "library"),
    ("feign", "Feign", "library"),
    ("restsharp/", "RestSharp", "library"),
    ("refit", "Refit", "library"),
    ("faraday", "Faraday", "library"),
    ("rest-client/", "rest-client", "library"),
    ("ruby", "Ruby", "library"),
    ("guzzlehttp/", "Guzzle", "library"),
    ("symfony httpclient", "Symfony", "library"),
    ("php/", "PHP", "library"),
    ("libwww-perl/", "libwww-perl", "library"),
    ("lwp::", "libwww-perl", "library"),
    // Tools for trying and for loading APIs.
    ("postmanruntime/", "Postman", "library"),
    ("insomnia/", "Insomnia", "library"),
    ("httpie/", "HTTPie", "library"),
    ("xh/", "xh", "library"),
    ("bruno", "Bruno", "library"),
    ("hoppscotch", "Hoppscotch", "library"),
    ("k6/", "k6", "library"),
    ("grafana k6/", "k6", "library"),
    ("apachebench/", "ApacheBench", "library"),
    ("hey/", "hey", "library"),
    ("vegeta", "vegeta", "library"),
    ("locust", "Locust", "library"),
    ("oha/", "oha", "library"),
    ("mcp-", "MCP", "library"),
    // Probes.
    ("kube-probe/", "kube-probe", "bot"),
    ("elb-healthchecker/", "ELB-HealthChecker", "bot"),
    ("googlehc/", "GoogleHC", "bot"),
    ("amazon-route53-health-check", "Route 53", "bot"),
    ("consul health check", "Consul", "bot"),
    ("prometheus/", "Prometheus", "bot"),
    ("blackbox", "Prometheus", "bot"),
    ("better uptime bot", "Better Uptime", "bot"),
    ("pingdom", "Pingdom", "bot"),
    ("datadog", "Datadog", "bot"),
    ("uptime-kuma/", "Uptime Kuma", "bot"),
    ("statuscake", "StatusCake", "bot"),
    ("facebookexternalhit/", "facebookexternalhit", "bot"),
];

/// Names inside user agents that begin like a browser's, in lower case.
const WITHIN: &[(&str, &str, &str)] = &[
    ("aiohttp/", "aiohttp", "library"),
    ("uptimerobot/", "UptimeRobot", "bot"),
    ("gptbot/", "GPTBot", "bot"),
    ("chatgpt-user/", "ChatGPT-User", "bot"),
    ("oai-searchbot/", "OAI-SearchBot", "bot"),
    ("claudebot/", "ClaudeBot", "bot"),
    ("claude-user/", "Claude-User", "bot"),
    ("perplexitybot/", "PerplexityBot", "bot"),
    ("ccbot/", "CCBot", "bot"),
    ("bytespider", "Bytespider", "bot"),
    ("headlesschrome/", "HeadlessChrome", "bot"),
    ("googleother", "GoogleOther", "bot"),
    ("google-inspectiontool", "Google-InspectionTool", "bot"),
];

/// The client's name and its device.
pub(super) fn find(agent: &str) -> Option<(&'static str, &'static str)> {
    let lower = agent.to_ascii_lowercase();
    if lower == "node" {
        return Some(("node", "library"));
    }
    let starts = STARTS.iter().find(|(start, ..)| lower.starts_with(start));
    let found = starts.or_else(|| WITHIN.iter().find(|(name, ..)| lower.contains(name)));
    found.map(|&(_, client, device)| (client, device))
}

/// Whether the words of a user agent, in lower case, make it a bot's.
pub(super) fn is_bot(lower: &str) -> bool {
    const WORDS: [&str; 12] = [
        "crawler",
        "spider",
        "crawling",
        "slurp",
        "mediapartners-google",
        "lighthouse",
        "feedfetcher",
        "bingpreview",
        "whatsapp/",
        "monitoring",
        "healthcheck",
        "health-check",
    ];
    if WORDS.iter().any(|word| lower.contains(word)) {
        return true;
    }
    // "Googlebot/2.1", "bot.html", "SomeBot"; not "bottle", and not the phones called Cubot.
    lower.match_indices("bot").any(|(at, _)| {
        let next = lower.as_bytes().get(at + 3);
        !next.is_some_and(u8::is_ascii_alphabetic) && !lower[..at].ends_with("cu")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_lower_case_and_without_doubles() {
        let rows = || STARTS.iter().chain(WITHIN);
        for (place, (start, ..)) in rows().enumerate() {
            assert_eq!(*start, start.to_ascii_lowercase());
            let earlier =
                rows().take(place).take(STARTS.len()).find(|(other, ..)| start.starts_with(other));
            assert!(
                place >= STARTS.len() || earlier.is_none(),
                "{start} is never reached behind {earlier:?}"
            );
        }
        assert!(rows().all(|(_, _, device)| matches!(*device, "library" | "bot")));
    }

    #[test]
    fn bots_are_known_by_their_words() {
        for bot in [
            "somebot/1.0",
            "a robot",
            "x (+http://x.org/bot.html)",
            "yetanothercrawler",
            "baiduspider",
        ] {
            assert!(is_bot(bot), "{bot}");
        }
        for other in ["bottle/0.13", "cubot x30", "mozilla/5.0", "botany app"] {
            assert!(!is_bot(other), "{other}");
        }
    }
}
