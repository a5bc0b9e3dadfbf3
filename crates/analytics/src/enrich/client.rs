//! Client, operating system and device of a user agent.
//!
//! Our own table (`known_agents`) recognises well-known libraries and bots, uap-core's patterns recognise browsers and
//! the rest. Reading a user agent takes microseconds, so the latest are cached. Versions are not kept.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hashbrown::{HashMap, HashSet};
use ua_parser::{Extractor, Regexes};

use super::known_agents;
use crate::batch::AgentTraits;
use crate::limits;

/// Made by `scripts/gen-agents.sh`.
static PATTERNS: &str = include_str!("../../data/agents.json");

const SHARDS: usize = 16;

/// Reads user agents; shared by all threads.
#[derive(Default)]
pub struct AgentReader {
    patterns: OnceLock<Extractor<'static>>,
    /// Keyed anew for each process: a client cannot prepare user agents that collide.
    hashers: [RandomState; 2],
    shards: [Mutex<Shard>; SHARDS],
    /// The traits of requests without a user agent.
    nothing: Arc<AgentTraits>,
}

/// Two generations: when the young one is full, the old one is dropped and the young one takes its place.
#[derive(Default)]
struct Shard {
    young: Generation,
    old: Generation,
}

/// Most user agents differ only in a version, so they share their traits; only a hash of the text itself is kept.
#[derive(Default)]
struct Generation {
    by_hash: HashMap<AgentHash, Arc<AgentTraits>, foldhash::fast::RandomState>,
    traits: HashSet<Arc<AgentTraits>, foldhash::fast::RandomState>,
}

/// 128 bits, so that two user agents never share theirs.
type AgentHash = [u64; 2];

impl AgentReader {
    pub fn read(&self, agent: &str) -> Arc<AgentTraits> {
        if agent.is_empty() {
            self.patterns();
            return Arc::clone(&self.nothing);
        }
        let hash = [0, 1].map(|n: usize| self.hashers[n].hash_one(agent));
        let shard = &self.shards[hash[0] as usize % SHARDS];
        // A panic while a shard is locked leaves it whole: entries are put in one call.
        if let Some(traits) = shard.lock().unwrap_or_else(PoisonError::into_inner).find(hash) {
            return traits;
        }
        let traits = Arc::new(self.read_anew(agent));
        shard.lock().unwrap_or_else(PoisonError::into_inner).put(hash, traits)
    }

    fn read_anew(&self, agent: &str) -> AgentTraits {
        let patterns = self.patterns();
        let os = patterns.os.extract(agent).map(|os| os.os.into_owned()).unwrap_or_default();
        if let Some((client, device)) = known_agents::find(agent) {
            return AgentTraits { client: client.to_owned(), os, device: device.to_owned() };
        }
        let client = match patterns.ua.extract(agent) {
            Some(client) if !client.family.is_empty() => client.family.into_owned(),
            _ => product(agent).to_owned(),
        };
        let device = device(agent, &os).to_owned();
        AgentTraits { client, os, device }
    }

    fn patterns(&self) -> &Extractor<'static> {
        self.patterns.get_or_init(|| {
            let regexes: Regexes<'static> =
                serde_json::from_str(PATTERNS).expect("the patterns are tested to be readable");
            Extractor::try_from(regexes).expect("the patterns are tested to compile")
        })
    }
}

impl Shard {
    fn find(&mut self, hash: AgentHash) -> Option<Arc<AgentTraits>> {
        if let Some(traits) = self.young.by_hash.get(&hash) {
            return Some(Arc::clone(traits));
        }
        let traits = self.old.by_hash.remove(&hash)?;
        Some(self.put(hash, traits))
    }

    fn put(&mut self, hash: AgentHash, traits: Arc<AgentTraits>) -> Arc<AgentTraits> {
        if self.young.is_full() {
            self.old = std::mem::take(&mut self.young);
        }
        let traits = Arc::clone(self.young.traits.get_or_insert(traits));
        self.young.by_hash.insert(hash, Arc::clone(&traits));
        traits
    }
}

impl Generation {
    const MOST: usize = limits::AGENTS_CACHED as usize / SHARDS / 2;
    const MOST_TRAITS: usize = limits::AGENT_TRAITS_CACHED as usize / SHARDS / 2;

    fn is_full(&self) -> bool {
        self.by_hash.len() >= Generation::MOST || self.traits.len() >= Generation::MOST_TRAITS
    }
}

/// The name that an unknown program gives itself: `my-app/1.0 (x)` is `my-app`. "" if that is no name.
fn product(agent: &str) -> &str {
    let name = agent.split(['/', ' ', '(', ';']).next().unwrap_or_default();
    let is_name = name.len() <= 64
        && name.bytes().any(|byte| byte.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+@".contains(&byte));
    if is_name && name != "Mozilla" { name } else { "" }
}

fn device(agent: &str, os: &str) -> &'static str {
    let lower = agent.to_ascii_lowercase();
    let has = |word: &str| lower.contains(word);
    if known_agents::is_bot(&lower) {
        return "bot";
    }
    if ["smart-tv", "smarttv", "appletv", "apple tv", "android tv", "googletv", "crkey", "roku"]
        .iter()
        .any(|word| has(word))
    {
        return "";
    }
    let is_browser = lower.starts_with("mozilla/") || lower.starts_with("opera/");
    // Android's browsers say "Mobile" on phones; its apps never do.
    if ["ipad", "tablet", "kindle", "silk/", "playbook"].iter().any(|word| has(word))
        || (os == "Android" && is_browser && !has("mobi"))
    {
        return "tablet";
    }
    if matches!(
        os,
        "iOS"
            | "Android"
            | "Windows Phone"
            | "Windows Mobile"
            | "BlackBerry OS"
            | "KaiOS"
            | "HarmonyOS"
    ) || has("mobi")
        || has("iphone")
    {
        return "mobile";
    }
    const DESKTOPS: [&str; 12] = [
        "Windows",
        "Mac OS X",
        "Linux",
        "Ubuntu",
        "Fedora",
        "Debian",
        "Chrome OS",
        "FreeBSD",
        "OpenBSD",
        "NetBSD",
        "Mac OS",
        "Solaris",
    ];
    // A program other than a browser runs anywhere: a desktop system alone does not make it a desktop.
    if DESKTOPS.contains(&os) && is_browser {
        return "desktop";
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_agents_are_told_apart() {
        let reader = AgentReader::default();
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
        let ipad = "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1";
        let firefox =
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 Edg/125.0.0.0";
        let android = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36";
        let galaxy_tab = "Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
        let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15";
        let googlebot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
        let gptbot = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)";
        let cubot = "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.0.0 Mobile Safari/537.36";
        for (agent, client, os, device) in [
            ("", "", "", ""),
            (chrome, "Chrome", "Windows", "desktop"),
            (safari, "Mobile Safari", "iOS", "mobile"),
            (ipad, "Mobile Safari", "iOS", "tablet"),
            (firefox, "Firefox", "Ubuntu", "desktop"),
            (edge, "Edge", "Windows", "desktop"),
            (android, "Chrome Mobile", "Android", "mobile"),
            (galaxy_tab, "Chrome", "Android", "tablet"),
            (mac, "Safari", "Mac OS X", "desktop"),
            (cubot, "Chrome Mobile", "Android", "mobile"),
            (googlebot, "Googlebot", "", "bot"),
            (gptbot, "GPTBot", "", "bot"),
            ("python-httpx/0.28.1", "python-httpx", "", "library"),
            ("python-requests/2.34.2", "python-requests", "", "library"),
            ("Python/3.11 aiohttp/3.9.1", "aiohttp", "", "library"),
            ("curl/8.5.0", "curl", "", "library"),
            ("okhttp/4.9.0", "okhttp", "", "library"),
            ("axios/1.7.2", "axios", "", "library"),
            ("node", "node", "", "library"),
            ("node-fetch", "node-fetch", "", "library"),
            ("Go-http-client/1.1", "Go-http-client", "", "library"),
            ("PostmanRuntime/7.39.0", "Postman", "", "library"),
            ("Werkzeug/3.1.9", "Werkzeug", "", "library"),
            ("kube-probe/1.29", "kube-probe", "", "bot"),
            (
                "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
                "UptimeRobot",
                "",
                "bot",
            ),
            (
                "Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A)",
                "Android",
                "Android",
                "mobile",
            ),
            ("my-app/1.0 (build 7)", "my-app", "", ""),
            ("O'Brien/1.0; --x", "", "", ""),
            ("\u{FFFD}\u{FFFD}", "", "", ""),
        ] {
            let read = reader.read(agent);
            assert_eq!((&*read.client, &*read.os, &*read.device), (client, os, device), "{agent}");
            assert_eq!(reader.read(agent), read, "remembered as read");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_still_right() {
        let remembered = |reader: &AgentReader| {
            let shards = reader.shards.iter().map(|shard| shard.lock().unwrap());
            shards.fold((0, 0), |(agents, traits), shard| {
                (
                    agents + shard.young.by_hash.len() + shard.old.by_hash.len(),
                    traits + shard.young.traits.len() + shard.old.traits.len(),
                )
            })
        };
        // Many versions of one program share its traits; different programs have their own.
        let reader = AgentReader::default();
        for number in 0..limits::AGENTS_CACHED + 5_000 {
            reader.read(&format!("curl/{number}"));
        }
        let (agents, traits) = remembered(&reader);
        assert!(agents > limits::AGENTS_CACHED as usize / 2, "{agents}");
        assert!(agents <= limits::AGENTS_CACHED as usize, "{agents}");
        assert!(traits <= 2 * SHARDS, "{traits}");
        for number in 0..limits::AGENT_TRAITS_CACHED + 5_000 {
            reader.read(&format!("app{number}/1"));
        }
        let (_, traits) = remembered(&reader);
        assert!(traits <= limits::AGENT_TRAITS_CACHED as usize, "{traits}");
        assert_eq!(reader.read("app7/1").client, "app7");
        assert_eq!(reader.read("curl/7").client, "curl");
    }
}
