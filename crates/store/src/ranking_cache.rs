//! A cache of recent lists, so that the next page, search or sort of one shows the same rows without a scan. Bounded by
//! bytes and by time since the last use; the least recently used goes first.
//!
//! TRICKY: lists hold names of users and addresses. An erasure changes the version, and the next access drops lists
//! with another number of erasures.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use analytics::limits;
use analytics::query::RankingQuery;
use analytics::ranking::Ranking;

/// State of the data when a list was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataVersion {
    /// The record up to which hits are visible. It rises with time if other servers store hits, too.
    pub applied: u64,
    /// Erasures completed since the start, and those that were heard of.
    pub erasures: u64,
    /// Of the project's route rules.
    pub routes: u64,
}

#[derive(Default)]
pub struct RankingCache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// The most recently used last.
    entries: VecDeque<Entry>,
    bytes: usize,
}

struct Entry {
    query: RankingQuery,
    version: DataVersion,
    ranking: Arc<Ranking>,
    bytes: usize,
    used: Instant,
}

const KEPT: Duration = Duration::from_secs(limits::LISTS_KEPT_SECONDS);

impl RankingCache {
    /// `now`: the version of this moment.
    pub fn get(
        &self,
        query: &RankingQuery,
        version: DataVersion,
        now: DataVersion,
    ) -> Option<Arc<Ranking>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.let_go_of_erased(now);
        let is_it = |entry: &Entry| entry.version == version && entry.query == *query;
        let at = kept.entries.iter().position(is_it)?;
        let mut entry = kept.entries.remove(at)?;
        entry.used = Instant::now();
        let ranking = entry.ranking.clone();
        kept.entries.push_back(entry);
        Some(ranking)
    }

    pub fn put(
        &self,
        query: RankingQuery,
        version: DataVersion,
        now: DataVersion,
        ranking: &Arc<Ranking>,
    ) {
        let bytes = size_of::<Entry>() + ranking.bytes();
        let most = limits::LISTS_KEPT_BYTES as usize;
        if bytes > most || version.erasures != now.erasures {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.let_go_of_erased(now);
        let (ranking, used) = (ranking.clone(), Instant::now());
        kept.entries.push_back(Entry { query, version, ranking, bytes, used });
        kept.bytes += bytes;
        while kept.bytes > most {
            let Some(oldest) = kept.entries.pop_front() else { break };
            kept.bytes -= oldest.bytes;
        }
    }

    /// Drops lists that were not used for `LISTS_KEPT_SECONDS`. Called every few seconds.
    pub fn let_go_of_unused(&self) {
        self.let_go_of_unused_since(KEPT);
    }

    fn let_go_of_unused_since(&self, kept_for: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|entry| entry.used.elapsed() < kept_for);
    }

    /// After an erasure.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }
}

impl Kept {
    fn let_go_of_erased(&mut self, now: DataVersion) {
        self.retain(|entry| entry.version.erasures == now.erasures);
    }

    fn retain(&mut self, is_kept: impl Fn(&Entry) -> bool) {
        self.entries.retain(is_kept);
        self.bytes = self.entries.iter().map(|entry| entry.bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use analytics::filter::Filter;
    use analytics::hit::ProjectId;
    use analytics::latency::Histogram;
    use analytics::query::ProjectScope;
    use analytics::ranking::{Ranked, RankingBuilder, RankingLimits, RowName, RowSum, SearchWords};
    use analytics::tally::Count;

    use super::*;

    fn query(project: u32) -> RankingQuery {
        RankingQuery {
            scope: ProjectScope::granted(ProjectId(project), Filter::default()),
            from_us: 0,
            to_us: 1,
            filter: Filter::default(),
            of: Ranked::Endpoints,
            addresses: true,
            search: SearchWords::default(),
        }
    }

    fn ranking(name: &str) -> Arc<Ranking> {
        let mut builder = RankingBuilder::new(Ranked::Endpoints, RankingLimits::default());
        let name = RowName { first: "GET", second: name };
        let sum = RowSum::of_count(Count { requests: 1, errors: 0 });
        builder.add(name, &sum, &Histogram::default()).unwrap();
        Arc::new(builder.finish().unwrap())
    }

    #[test]
    fn a_list_is_found_by_its_question_and_version_until_something_is_erased() {
        let cache = RankingCache::default();
        let at = |applied, erasures| DataVersion { applied, erasures, routes: 0 };
        cache.put(query(1), at(5, 0), at(6, 0), &ranking("/a"));
        assert!(cache.get(&query(1), at(5, 0), at(9, 0)).is_some());
        assert!(cache.get(&query(1), at(6, 0), at(9, 0)).is_none());
        assert!(cache.get(&query(2), at(5, 0), at(9, 0)).is_none());
        assert!(cache.get(&query(1), at(5, 0), at(9, 1)).is_none());
        assert!(cache.0.lock().unwrap().entries.is_empty());
        // Made before an erasure that is complete by now.
        cache.put(query(1), at(9, 0), at(9, 1), &ranking("/a"));
        assert!(cache.0.lock().unwrap().entries.is_empty());
    }

    #[test]
    fn an_unused_list_is_dropped() {
        let cache = RankingCache::default();
        let now = DataVersion { applied: 1, erasures: 0, routes: 0 };
        cache.put(query(1), now, now, &ranking("/a"));
        cache.let_go_of_unused();
        assert!(cache.get(&query(1), now, now).is_some());
        cache.let_go_of_unused_since(Duration::ZERO);
        assert!(cache.get(&query(1), now, now).is_none());
        assert_eq!(cache.0.lock().unwrap().bytes, 0);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let cache = RankingCache::default();
        let now = DataVersion { applied: 1, erasures: 0, routes: 0 };
        let long = ranking(&"a".repeat(8 << 20));
        let fits = limits::LISTS_KEPT_BYTES as usize / long.bytes();
        for project in 0..=fits as u32 {
            cache.put(query(project), now, now, &long);
        }
        assert!(cache.get(&query(0), now, now).is_none());
        assert!(cache.get(&query(1), now, now).is_some());
        assert!(cache.0.lock().unwrap().bytes <= limits::LISTS_KEPT_BYTES as usize);
        cache.clear();
        assert!(cache.get(&query(1), now, now).is_none());
    }
}
