//! Durations as log-spaced buckets: counts per bucket add up in any engine, and a quantile read from them is off by at
//! most 1 %.
//!
//! Bucket 0 holds durations of 0; bucket i > 0 holds (GAMMA^(i-2), GAMMA^(i-1)] microseconds. Its value is the midpoint
//! 2 * GAMMA^(i-1) / (GAMMA + 1), at most (GAMMA - 1) / (GAMMA + 1) = 0.99 % away from anything in it (Masson, Rim and Lee,
//! "DDSketch", VLDB 2019).

use std::sync::LazyLock;

use crate::slots::Slots;

pub const GAMMA: f64 = 1.02;

/// The longest duration kept, microseconds (24 h); longer ones count as this.
pub const MAX_US: u64 = 86_400_000_000;

/// `bucket(MAX_US)` is the last one.
#[inline]
pub fn bucket(duration_us: u64) -> u16 {
    let us = duration_us.min(MAX_US);
    let Buckets { of_stretch, most_us } = &*BUCKETS;
    let bucket = of_stretch[stretch(us)];
    bucket + u16::from(us > most_us[usize::from(bucket)])
}

fn by_logarithm(us: u64) -> u16 {
    if us == 0 {
        return 0;
    }
    ((us as f64).ln() / GAMMA.ln()).ceil().max(0.0) as u16 + 1
}

/// The buckets as tables: faster than logarithms, and hits ask for theirs each time they are read.
struct Buckets {
    /// Of the least duration of each stretch.
    of_stretch: Vec<u16>,
    /// The longest duration of each bucket.
    most_us: Vec<u64>,
}

static BUCKETS: LazyLock<Buckets> = LazyLock::new(|| {
    let mut most_us = vec![0; usize::from(LAST) + 1];
    for bucket in 1..=LAST {
        let end = end_us(bucket) as u64;
        // The logarithm decides, which may round differently from the power. A narrow bucket holds nothing.
        let near = (end.saturating_sub(1)..=end + 1).rev();
        let within = near.filter(|us| by_logarithm(*us) <= bucket);
        most_us[usize::from(bucket)] = within.into_iter().next().unwrap_or(end).min(MAX_US);
    }
    let of_stretch = (0..=stretch(MAX_US)).map(|stretch| by_logarithm(least_of(stretch))).collect();
    Buckets { of_stretch, most_us }
});

/// A duration's first bits decide its bucket but for one: stretches are narrower than buckets.
const STRETCH_BITS: u32 = 6;

/// The number of a duration's stretch: its power of two, and the bits after the first one.
#[inline]
fn stretch(us: u64) -> usize {
    if us < 1 << STRETCH_BITS {
        return us as usize;
    }
    let power = us.ilog2();
    let bits = us >> (power - STRETCH_BITS);
    (((u64::from(power - STRETCH_BITS)) << STRETCH_BITS) + bits) as usize
}

/// The shortest duration of a stretch.
fn least_of(stretch: usize) -> u64 {
    let (power, bits) = (stretch >> STRETCH_BITS, stretch as u64 % (1 << STRETCH_BITS));
    match power {
        0 => bits,
        power => ((1 << STRETCH_BITS) + bits) << (power - 1),
    }
}

/// The bucket's midpoint in microseconds.
pub fn value_us(bucket: u16) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    2.0 * GAMMA.powi(i32::from(bucket) - 1) / (GAMMA + 1.0)
}

/// The last bucket: a histogram has `LAST + 1`.
pub const LAST: u16 = 1_273;

/// The bucket's upper end in microseconds, included.
pub fn end_us(bucket: u16) -> f64 {
    if bucket == 0 { 0.0 } else { GAMMA.powi(i32::from(bucket) - 1) }
}

/// Counts per bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    counts: Slots<u64>,
}

impl Histogram {
    #[inline]
    pub fn add(&mut self, bucket: u16, count: u64) {
        *self.counts.slot(u32::from(bucket)) += count;
    }

    pub fn add_all(&mut self, other: &Histogram) {
        for (bucket, count) in other.iter() {
            self.add(bucket, count);
        }
    }

    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// (bucket, count), ascending, without empty buckets.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.counts
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(bucket, count)| (bucket as u16, *count))
    }

    /// By nearest rank (the smallest value that at least `share` of all do not exceed), microseconds; none if empty.
    pub fn quantile_us(&self, share: f64) -> Option<f64> {
        let total = self.total();
        let rank = ((share * total as f64).ceil() as u64).clamp(1, total.max(1));
        let mut below = 0;
        self.iter().find_map(|(bucket, count)| {
            below += count;
            (below >= rank).then(|| value_us(bucket))
        })
    }

    /// The number of durations in buckets up to the one that holds `us`.
    pub fn up_to(&self, us: u64) -> u64 {
        let last = bucket(us);
        self.iter().take_while(|(bucket, _)| *bucket <= last).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_one_percent_of_the_exact_ones() {
        let mut random = 7u64;
        for size in [1usize, 2, 3, 10, 1_000, 20_000] {
            let mut histogram = Histogram::default();
            let mut exact = Vec::new();
            for _ in 0..size {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let us = (((random >> 33) as f64 / 3e8).exp() * 10.0) as u64;
                exact.push(us);
                histogram.add(bucket(us), 1);
            }
            exact.sort_unstable();
            for share in [0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0] {
                let rank = ((share * size as f64).ceil() as usize).clamp(1, size);
                let (exact, found) =
                    (exact[rank - 1] as f64, histogram.quantile_us(share).unwrap());
                assert!((found - exact).abs() <= exact * 0.01, "{size} {share}: {found} {exact}");
            }
        }
        assert_eq!(Histogram::default().quantile_us(0.5), None);
    }

    #[test]
    fn the_tables_say_what_the_logarithm_does() {
        for us in 0..3_000_000 {
            assert_eq!(bucket(us), by_logarithm(us), "{us}");
        }
        for at in 0..=stretch(MAX_US) {
            assert_eq!(stretch(least_of(at)), at);
        }
        // Around the ends of all buckets and stretches.
        let ends = (1..=LAST).map(|bucket| end_us(bucket) as u64);
        for near in ends.chain((0..=stretch(MAX_US)).map(least_of)) {
            for us in near.saturating_sub(3)..=(near + 3).min(MAX_US) {
                assert_eq!(bucket(us), by_logarithm(us), "{us}");
            }
        }
    }

    #[test]
    fn the_last_bucket_is_the_last() {
        assert_eq!(bucket(u64::MAX), LAST);
        assert!(end_us(LAST) >= MAX_US as f64 && end_us(LAST - 1) < MAX_US as f64);
    }

    #[test]
    fn a_bucket_is_within_one_percent_of_what_it_holds() {
        let mut us = 1u64;
        while us < MAX_US {
            let off = (value_us(bucket(us)) - us as f64).abs() / us as f64;
            assert!(off < 0.01, "{us} us reads as {}", value_us(bucket(us)));
            us += 1 + us / 300;
        }
        assert_eq!(bucket(0), 0);
        assert!(bucket(u64::MAX) == bucket(MAX_US) && bucket(MAX_US) < 1300);
    }
}
