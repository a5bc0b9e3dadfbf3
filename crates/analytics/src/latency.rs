//! Durations as log-spaced buckets: counts per bucket add up in any engine, and a quantile read from them is off by at
//! most 1 %.
//!
//! Bucket 0 holds durations of 0; bucket i > 0 holds (GAMMA^(i-2), GAMMA^(i-1)] microseconds. Its value is the midpoint
//! 2 * GAMMA^(i-1) / (GAMMA + 1), at most (GAMMA - 1) / (GAMMA + 1) = 0.99 % away from anything in it (Masson, Rim and Lee,
//! "DDSketch", VLDB 2019).

pub const GAMMA: f64 = 1.02;

/// The longest duration kept, microseconds (24 h); longer ones count as this.
pub const MAX_US: u64 = 86_400_000_000;

/// `bucket(MAX_US)` is the last one.
pub fn bucket(duration_us: u64) -> u16 {
    if duration_us == 0 {
        return 0;
    }
    let us = duration_us.min(MAX_US) as f64;
    (us.ln() / GAMMA.ln()).ceil().max(0.0) as u16 + 1
}

/// The bucket's midpoint in microseconds.
pub fn value_us(bucket: u16) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    2.0 * GAMMA.powi(i32::from(bucket) - 1) / (GAMMA + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

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
