//! Hits that a published client is known to post again while a POST is in flight: an equal hit is counted as often as
//! it occurs in the batch that has it most often, not once per batch.

use std::collections::HashMap;

use analytics::hit::ProjectId;
use analytics::limits;

/// How long an equal hit counts as the same one.
pub const WINDOW_US: i64 = limits::REPEAT_WINDOW_MINUTES as i64 * 60_000_000;

const MAX: usize = limits::REPEATS_REMEMBERED as usize;

#[derive(Debug, Default)]
pub struct Repeats {
    seen: HashMap<(ProjectId, u64), Seen>,
    swept_us: i64,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    most: u32,
    arrival_us: i64,
}

impl Repeats {
    /// The rows of this batch that were counted before, ascending; remembers the batch.
    pub fn pass_over(&mut self, project: ProjectId, arrival_us: i64, hashes: &[u64]) -> Vec<u32> {
        self.sweep(arrival_us);
        let mut here: HashMap<u64, u32> = HashMap::with_capacity(hashes.len());
        let mut skips = Vec::new();
        for (row, &hash) in hashes.iter().enumerate() {
            let times = here.entry(hash).or_default();
            *times += 1;
            let known = self.seen.get(&(project, hash));
            if known.is_some_and(|seen| {
                seen.arrival_us + WINDOW_US >= arrival_us && seen.most >= *times
            }) {
                skips.push(row as u32);
            }
        }
        for (hash, times) in here {
            let seen = self.seen.entry((project, hash)).or_insert(Seen { most: 0, arrival_us });
            if seen.arrival_us + WINDOW_US < arrival_us {
                seen.most = 0;
            }
            *seen = Seen { most: seen.most.max(times), arrival_us };
        }
        skips
    }

    fn sweep(&mut self, now_us: i64) {
        if now_us - self.swept_us >= WINDOW_US / 10 || self.seen.len() > MAX {
            self.swept_us = now_us;
            self.seen.retain(|_, seen| seen.arrival_us + WINDOW_US >= now_us);
            if self.seen.len() > MAX {
                let mut ages: Vec<i64> = self.seen.values().map(|seen| seen.arrival_us).collect();
                let middle = ages.len() / 2;
                let median = *ages.select_nth_unstable(middle).1;
                self.seen.retain(|_, seen| seen.arrival_us > median);
            }
        }
    }
}

pub fn to_bytes(hashes: &[u64]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect()
}

pub fn from_bytes(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks().0.iter().map(|hash| u64::from_le_bytes(*hash)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: ProjectId = ProjectId(1);

    #[test]
    fn a_hit_counts_as_often_as_in_the_batch_that_holds_it_most_often() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.pass_over(P, 1, &[7, 8]), [0u32; 0]);
        assert_eq!(
            repeats.pass_over(P, 2, &[7, 8, 9]),
            [0, 1],
            "the whole buffer again and one more"
        );
        assert_eq!(repeats.pass_over(P, 3, &[7, 7]), [0], "twice in one batch: the second is real");
        assert_eq!(repeats.pass_over(P, 4, &[7, 7]), [0, 1]);
        assert_eq!(repeats.pass_over(ProjectId(2), 4, &[7]), [0u32; 0], "another project's");
        assert_eq!(repeats.pass_over(P, 4 + WINDOW_US, &[7]), [0], "within the window");
        assert_eq!(repeats.pass_over(P, 5 + 2 * WINDOW_US, &[7]), [0u32; 0], "after it");
        assert_eq!(from_bytes(&to_bytes(&[1, u64::MAX])), [1, u64::MAX]);
    }
}
