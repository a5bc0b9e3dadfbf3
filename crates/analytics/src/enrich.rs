//! Adds to a posted batch, and takes from it, before anything is kept.
//!
//! The steps, in order: `privacy` drops everything that the level does not allow, before anything reads it; `clock`
//! mends times and rejects hits that are too old; `country` from the address, which is dropped at level 1; `route` and
//! API `version` from the path (routes also from the project's earlier paths); `client`, OS and device from the user
//! agent; `repeat` hashes hits that a published client posts again. Most steps work on the distinct texts of the batch,
//! not on its hits.
//!
//! It keeps nothing of a batch except the traits of user agents, and knows no project: its settings are passed in.

mod client;
mod clock;
mod country;
mod known_agents;
mod privacy;
mod repeat;
mod route;
mod version;

use std::sync::Mutex;

use crate::batch::{Batch, Dictionary};
use crate::hit::{Hit, TextKind};
use crate::hit_fields::STRICTEST_LEVEL;
use crate::ingest::{Posted, Rejection, Repairs, Sample, Texts, posts_its_buffer_again};
use crate::learned_routes::LearnedRoutes;
use crate::limits;
use crate::text_list::TextList;

pub use client::AgentReader;
pub use clock::ClockSeen;
pub use country::{Countries, CountryError};
pub use route::derive_route;

const DAY_US: i64 = 86_400_000_000;

/// A project's settings for ingest. Times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// 0, 1 or 2 (others count as 2); the batch may ask for more privacy, never for less.
    pub privacy_level: u8,
    /// Hits older than this at arrival are rejected; none: imports.
    pub max_age_us: Option<i64>,
    /// How long the project keeps hits, older ones being rejected too; none: for ever.
    pub keep_us: Option<i64>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            privacy_level: 0,
            max_age_us: Some(limits::MAX_AGE_DAYS as i64 * DAY_US),
            keep_us: None,
        }
    }
}

/// A batch that may be kept, and reports on the rest.
#[derive(Debug)]
pub struct Enriched {
    pub batch: Batch,
    /// All of the batch's rejected hits, in order of index.
    pub rejected: Vec<Rejection>,
    /// An example of each reason in `rejected`, as far as the privacy level allows keeping one.
    pub samples: Vec<Sample>,
    pub repairs: Repairs,
    pub clock: ClockSeen,
}

/// Shared by all threads; only its caches change.
pub struct Enricher {
    countries: Countries,
    agents: AgentReader,
}

impl Enricher {
    /// Cheap: the patterns for user agents are compiled at the first batch, or by `warm`.
    pub fn new(countries: Countries) -> Enricher {
        Enricher { countries, agents: AgentReader::default() }
    }

    pub fn countries(&self) -> &Countries {
        &self.countries
    }

    /// Compiles the patterns for user agents now (about 0.1 s).
    pub fn warm(&self) {
        self.agents.read("");
    }

    /// `learned`: the routes learned from the project's paths, which this batch extends; none: nothing is learned.
    /// `arrival_us`: when the server read the batch, microseconds since 1970.
    pub fn enrich(
        &self,
        posted: Posted,
        settings: &Settings,
        learned: Option<&Mutex<LearnedRoutes>>,
        arrival_us: i64,
    ) -> Enriched {
        let Posted {
            privacy_level,
            framework,
            sdk,
            batch_id,
            sent_at_us,
            flat,
            mut hits,
            mut texts,
            ..
        } = posted;
        let Posted { mut rejected, mut samples, mut repairs, leftovers, .. } = posted;

        let level = privacy_level.max(settings.privacy_level).min(STRICTEST_LEVEL);
        privacy::drop_texts(&mut hits, &mut texts, level);

        let mended = clock::mend(&hits, sent_at_us, arrival_us);
        repairs.zone_corrected += mended.zone_corrected;
        repairs.clock_shifted += mended.clock_shifted;
        let dropped = clock::drop_impossible(
            &mut hits,
            &mended,
            settings,
            arrival_us,
            &mut rejected,
            &mut samples,
        );
        let samples = samples.into_iter().map(|sample| sample.at_level(level)).collect();
        if dropped || leftovers {
            texts = texts.only_of(&mut hits);
        }

        let addresses = privacy::put_countries(&mut texts, level, &self.countries);
        let framework_number = texts.put(TextKind::Framework, &framework);
        let sdk_number = texts.put(TextKind::Sdk, &sdk);
        let routes = route::put_routes(&hits, &mut texts, learned);
        let enriched = hits.iter().map(|posted| {
            let mut numbers = posted.texts;
            let address = addresses[posted.text(TextKind::Address) as usize];
            repairs.invalid_address += u64::from(address.invalid);
            numbers[TextKind::Address as usize] = address.number;
            numbers[TextKind::Framework as usize] = framework_number;
            numbers[TextKind::Sdk as usize] = sdk_number;
            if numbers[TextKind::Route as usize] == 0 {
                numbers[TextKind::Route as usize] =
                    routes[numbers[TextKind::Path as usize] as usize];
            }
            Hit {
                time_us: mended.time_us(posted),
                duration_us: posted.duration_us,
                status: posted.status,
                country: address.country,
                request_size: posted.request_size,
                response_size: posted.response_size,
                texts: numbers,
            }
        });
        let enriched: Vec<Hit> = enriched.collect();

        let dictionary = self.to_dictionary(texts);
        let repeat_hashes = if !flat && posts_its_buffer_again(&framework, batch_id.as_deref()) {
            repeat::hashes(&hits, &enriched, &dictionary, arrival_us)
        } else {
            Vec::new()
        };
        Enriched {
            batch: Batch { arrival_us, dictionary, hits: enriched, repeat_hashes },
            rejected,
            samples,
            repairs,
            clock: mended.seen,
        }
    }

    fn to_dictionary(&self, texts: Texts) -> Dictionary {
        let texts = texts.into_kinds();
        let agents =
            texts[TextKind::Agent as usize].iter().map(|agent| self.agents.read(agent)).collect();
        let mut versions = TextList::default();
        for path in texts[TextKind::Path as usize].iter().skip(1) {
            let version = version::of_path(path).unwrap_or_default();
            // Nearly all versions are in lower case already.
            match version.bytes().any(|byte| byte.is_ascii_uppercase()) {
                false => versions.push(version),
                true => versions.push(&version.to_ascii_lowercase()),
            }
        }
        Dictionary { versions, agents, texts }
    }
}
