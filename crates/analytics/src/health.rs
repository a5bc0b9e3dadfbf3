//! Ingest health: the hits that came into a project, their sources, and those that were refused, in numbers that add
//! up.
//!
//! A `Health` covers some stretch of time. The server counts a stretch in memory and adds it to the stored one; so
//! counting needs no reading, and a restart loses at most the last stretch. Bounded: a project's sources are limited,
//! and reasons and codes are closed lists.

use serde::{Deserialize, Serialize};

use crate::enrich::ClockSeen;
use crate::ingest::{Reason, Repairs, Sample};
use crate::limits;

/// Times in microseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// When counting began.
    pub since_us: i64,
    pub last_batch_us: Option<i64>,
    /// The most recent last; at most `limits::HEALTH_SOURCES`.
    pub sources: Vec<Source>,
    pub rejected: Vec<RejectedFor>,
    /// Whole posts.
    pub refused: Vec<Refused>,
    pub repeated: u64,
    pub truncated: u64,
    pub bad_utf8: u64,
    pub invalid_privacy_level: u64,
    /// Batches whose release was ignored.
    pub releases_ignored: u64,
}

/// A source of hits: one client library in one framework on one host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// "" for none, like the fields below.
    pub sdk: String,
    pub framework: String,
    pub host: String,
    pub first_us: i64,
    pub last_us: i64,
    pub batches: u64,
    pub accepted: u64,
    pub rejected: u64,
    /// Hits that the client had to drop.
    pub dropped: u64,
    /// How far its clock was ahead when last seen; none if unknown.
    pub clock_skew_us: Option<i64>,
    /// Its times had no zone.
    pub naive_times: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectedFor {
    /// A name of `Reason`.
    pub reason: String,
    pub hits: u64,
    pub last_us: i64,
    /// The first one.
    pub sample: Option<Example>,
}

/// A `Sample` as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    pub index: u32,
    pub field: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// A stable error code.
    pub code: String,
    pub posts: u64,
    pub last_us: i64,
}

/// A batch that was read, for counting.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    pub sdk: &'a str,
    pub framework: &'a str,
    /// The host of its first hit.
    pub host: &'a str,
    pub accepted: u64,
    /// The hits of each reason.
    pub rejected: &'a [(Reason, u64)],
    pub samples: &'a [Sample],
    pub repeated: u64,
    pub repairs: &'a Repairs,
    pub clock: ClockSeen,
}

impl Health {
    /// Empty, counting from now.
    pub fn new(now_us: i64) -> Health {
        Health { since_us: now_us, ..Health::default() }
    }

    pub fn note(&mut self, batch: &Arrived<'_>, now_us: i64) {
        let rejected: u64 = batch.rejected.iter().map(|(_, hits)| hits).sum();
        self.last_batch_us = self.last_batch_us.max(Some(now_us));
        let source = self.source(batch.sdk, batch.framework, batch.host, now_us);
        source.last_us = source.last_us.max(now_us);
        source.batches += 1;
        source.accepted += batch.accepted;
        source.rejected += rejected;
        // Saturating: the number is the client's.
        source.dropped = source.dropped.saturating_add(batch.repairs.client_dropped);
        source.clock_skew_us = batch.clock.ahead_us.or(source.clock_skew_us);
        source.naive_times = batch.clock.is_naive;
        for (reason, hits) in batch.rejected {
            let sample = batch.samples.iter().find(|sample| sample.reason == *reason);
            self.add_rejected(RejectedFor {
                reason: reason.as_str().to_owned(),
                hits: *hits,
                last_us: now_us,
                sample: sample.map(|sample| Example {
                    index: sample.index,
                    field: sample.field.to_owned(),
                    value: sample.value.clone(),
                }),
            });
        }
        self.repeated += batch.repeated;
        self.truncated += batch.repairs.truncated;
        self.bad_utf8 += batch.repairs.bad_utf8;
        self.invalid_privacy_level += batch.repairs.invalid_privacy_level;
        self.releases_ignored += batch.repairs.releases_ignored;
    }

    /// A post that was refused as a whole, with this code.
    pub fn note_refused(&mut self, code: &str, now_us: i64) {
        self.add_refused(Refused { code: code.to_owned(), posts: 1, last_us: now_us });
    }

    /// Drops examples kept at a lower privacy level; the next ones take their place.
    pub fn forget_samples(&mut self) {
        for rejected in &mut self.rejected {
            rejected.sample = None;
        }
    }

    /// Adds a later stretch.
    pub fn add(&mut self, later: Health) {
        self.last_batch_us = self.last_batch_us.max(later.last_batch_us);
        for source in later.sources {
            let mine = self.source(&source.sdk, &source.framework, &source.host, source.first_us);
            mine.last_us = mine.last_us.max(source.last_us);
            mine.batches += source.batches;
            mine.accepted += source.accepted;
            mine.rejected += source.rejected;
            mine.dropped = mine.dropped.saturating_add(source.dropped);
            mine.clock_skew_us = source.clock_skew_us.or(mine.clock_skew_us);
            mine.naive_times = source.naive_times;
        }
        later.rejected.into_iter().for_each(|rejected| self.add_rejected(rejected));
        later.refused.into_iter().for_each(|refused| self.add_refused(refused));
        self.repeated += later.repeated;
        self.truncated += later.truncated;
        self.bad_utf8 += later.bad_utf8;
        self.invalid_privacy_level += later.invalid_privacy_level;
        self.releases_ignored += later.releases_ignored;
    }

    /// The source with that name, moved to the end: the one silent for longest makes room.
    fn source(&mut self, sdk: &str, framework: &str, host: &str, now_us: i64) -> &mut Source {
        let is_it = |source: &Source| {
            source.sdk == sdk && source.framework == framework && source.host == host
        };
        let found = match self.sources.iter().position(is_it) {
            // Nearly always: one client posts again and again.
            Some(place) if place + 1 == self.sources.len() => None,
            Some(place) => Some(self.sources.remove(place)),
            None => {
                if self.sources.len() as u64 >= limits::HEALTH_SOURCES {
                    self.sources.remove(0);
                }
                Some(Source {
                    sdk: sdk.to_owned(),
                    framework: framework.to_owned(),
                    host: host.to_owned(),
                    first_us: now_us,
                    last_us: now_us,
                    ..Source::default()
                })
            }
        };
        self.sources.extend(found);
        let last = self.sources.len() - 1;
        &mut self.sources[last]
    }

    fn add_rejected(&mut self, later: RejectedFor) {
        match self.rejected.iter_mut().find(|mine| mine.reason == later.reason) {
            None => self.rejected.push(later),
            Some(mine) => {
                mine.hits += later.hits;
                mine.last_us = mine.last_us.max(later.last_us);
                if mine.sample.is_none() {
                    mine.sample = later.sample;
                }
            }
        }
    }

    fn add_refused(&mut self, later: Refused) {
        match self.refused.iter_mut().find(|mine| mine.code == later.code) {
            None => self.refused.push(later),
            Some(mine) => {
                mine.posts += later.posts;
                mine.last_us = mine.last_us.max(later.last_us);
            }
        }
    }
}

/// How many hits were rejected for each reason.
pub fn by_reason(rejected: &[crate::ingest::Rejection]) -> Vec<(Reason, u64)> {
    let mut counts: Vec<(Reason, u64)> = Vec::new();
    for rejection in rejected {
        match counts.iter_mut().find(|(reason, _)| *reason == rejection.reason) {
            Some((_, hits)) => *hits += 1,
            None => counts.push((rejection.reason, 1)),
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hit_fields::Field;

    fn arrived<'a>(
        host: &'a str,
        rejected: &'a [(Reason, u64)],
        repairs: &'a Repairs,
    ) -> Arrived<'a> {
        Arrived {
            sdk: "python/1.0.0",
            framework: "FastAPI",
            host,
            accepted: 10,
            rejected,
            samples: &[],
            repeated: 2,
            repairs,
            clock: ClockSeen::default(),
        }
    }

    #[test]
    fn stretches_add_up_to_the_whole() {
        let repairs = Repairs { client_dropped: 3, truncated: 1, ..Repairs::default() };
        let (mut whole, mut kept) = (Health::new(0), Health::new(0));
        for stretch in 0..4 {
            let mut part = Health::new(stretch * 100);
            for number in 0..10 {
                let now_us = stretch * 100 + number;
                let host = ["a", "b", "c"][(number % 3) as usize];
                let rejected =
                    [(Reason::Invalid(Field::Status), 1), (Reason::TooOld, number as u64)];
                for health in [&mut whole, &mut part] {
                    health.note(&arrived(host, &rejected, &repairs), now_us);
                    health.note_refused("body_too_large", now_us);
                }
            }
            kept.add(part);
        }
        assert_eq!(kept, whole);
        assert_eq!(whole.sources.len(), 3);
        assert_eq!(whole.sources.iter().map(|source| source.accepted).sum::<u64>(), 400);
        assert_eq!(whole.sources.iter().map(|source| source.dropped).sum::<u64>(), 120);
        assert_eq!((whole.rejected[0].hits, whole.rejected[1].hits), (40, 180));
        assert_eq!((whole.refused[0].posts, whole.refused[0].last_us), (40, 309));
        assert_eq!((whole.repeated, whole.truncated, whole.last_batch_us), (80, 40, Some(309)));
    }

    #[test]
    fn the_source_that_is_silent_for_longest_makes_room() {
        let repairs = Repairs::default();
        let mut health = Health::new(0);
        let most = limits::HEALTH_SOURCES as i64;
        for number in 0..most {
            health.note(&arrived(&format!("host-{number}"), &[], &repairs), number);
        }
        health.note(&arrived("host-0", &[], &repairs), most);
        health.note(&arrived("another", &[], &repairs), most + 1);
        let has = |host: &str| health.sources.iter().any(|source| source.host == host);
        assert_eq!(health.sources.len() as i64, most);
        assert!(has("host-0") && has("another") && !has("host-1"));
    }
}
