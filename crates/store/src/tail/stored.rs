//! Hits of one project that one server has put into ClickHouse, by their numbers: enough to find them there fast.

use std::ops::RangeInclusive;

use analytics::hit::{HitId, ProjectId};
use analytics::limits;
use serde::{Deserialize, Serialize};

const SPANS: usize = limits::TAIL_SPANS as usize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredHits {
    pub project: u32,
    /// Records of the server, both included.
    pub seqs: (u64, u64),
    pub hits: u64,
    /// Their times, microseconds, both ends included. TRICKY: not only the first and the last: one late hit would have years
    /// of the table searched.
    pub spans: Vec<(i64, i64)>,
    /// There may be more, which were not examined.
    pub more: bool,
}

impl StoredHits {
    pub fn new(project: ProjectId, seq: u64, times: impl Iterator<Item = i64>) -> StoredHits {
        let mut all: Vec<i64> = times.collect();
        all.sort_unstable();
        let mut spans = Vec::new();
        all.iter().for_each(|time| add(&mut spans, (*time, *time)));
        let hits = all.len() as u64;
        StoredHits { project: project.0, seqs: (seq, seq), hits, spans, more: false }
    }

    /// Hits that nobody has counted.
    pub fn unseen(project: ProjectId, seq: u64) -> StoredHits {
        StoredHits { more: true, ..StoredHits::new(project, seq, std::iter::empty()) }
    }

    /// Later ones of the same server.
    pub fn add(&mut self, later: &StoredHits) {
        self.seqs = (self.seqs.0.min(later.seqs.0), self.seqs.1.max(later.seqs.1));
        self.hits += later.hits;
        self.more |= later.more;
        later.spans.iter().for_each(|span| add(&mut self.spans, *span));
    }

    pub fn ids(&self, node: u8) -> RangeInclusive<i64> {
        HitId::new(node, self.seqs.0, 0).0..=HitId::new(node, self.seqs.1 + 1, 0).0 - 1
    }
}

/// Keeps the spans in order and apart. If there are too many, the two that are closest become one.
pub fn add(spans: &mut Vec<(i64, i64)>, (from, to): (i64, i64)) {
    const CLOSE: i64 = limits::TAIL_SPAN_SECONDS as i64 * 1_000_000;
    let at = spans.partition_point(|span| *span < (from, to));
    spans.insert(at, (from, to));
    let gap = |spans: &[(i64, i64)], n: usize| spans[n + 1].0.saturating_sub(spans[n].1);
    let mut n = 0;
    while n + 1 < spans.len() {
        if gap(spans, n) > CLOSE {
            n += 1;
            continue;
        }
        join(spans, n);
    }
    while spans.len() > SPANS
        && let Some(n) = (0..spans.len() - 1).min_by_key(|n| gap(spans, *n))
    {
        join(spans, n);
    }
}

/// A span and the next one become one.
fn join(spans: &mut Vec<(i64, i64)>, n: usize) {
    let next = spans.remove(n + 1);
    spans[n].1 = spans[n].1.max(next.1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_hit_does_not_stretch_the_span_of_the_others() {
        let (now, year) = (1_795_348_800_000_000, 365 * 86_400_000_000);
        let times = [now, now - year, now + 1_000, now - 5_000];
        let mut told = StoredHits::new(ProjectId(3), 7, times.into_iter());
        assert_eq!(told.spans, [(now - year, now - year), (now - 5_000, now + 1_000)]);
        let first = HitId::new(2, 7, 0).0;
        assert_eq!((told.hits, told.ids(2)), (4, first..=first + (1 << HitId::INDEX_BITS) - 1));
        let later = StoredHits::new(ProjectId(3), 9, [now + 2_000, now - year].into_iter());
        told.add(&later);
        assert_eq!(told.spans, [(now - year, now - year), (now - 5_000, now + 2_000)]);
        assert_eq!((told.hits, told.seqs, told.more), (6, (7, 9), false));
        told.add(&StoredHits::unseen(ProjectId(3), 10));
        assert_eq!((told.hits, told.seqs, told.more), (6, (7, 10), true));
    }

    #[test]
    fn no_time_is_left_out_however_many_spans_there_would_be() {
        let days: Vec<i64> = (0..200).map(|day| day * day * 86_400_000_000).collect();
        let told = StoredHits::new(ProjectId(3), 7, days.iter().copied());
        assert_eq!(told.spans.len(), SPANS);
        let has = |time: &i64| told.spans.iter().any(|(from, to)| from <= time && time <= to);
        assert!(days.iter().all(has));
        // The newest stand alone: they are the furthest apart.
        assert!(told.spans.ends_with(&[(days[199], days[199])]));
    }
}
