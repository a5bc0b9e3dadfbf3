//! How late a project's requests arrive: the time from a batch's oldest request to its arrival, as a histogram of an
//! hour or two. Rules judge windows that ended this long ago, so that requests still on their way don't look like
//! silence.

use crate::limits;

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3_600 * SECOND_US;

/// Upper ends, seconds. A later batch was held back by its client and does not predict the next ones.
const BUCKETS_S: [i64; 13] = [5, 10, 15, 20, 30, 45, 60, 75, 90, 120, 180, 240, MOST_S];
const MOST_S: i64 = limits::RULE_DELAY_MOST_SECONDS as i64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArrivalLag {
    hour: i64,
    batches: [u32; BUCKETS_S.len()],
}

impl ArrivalLag {
    /// `lag_us`: from the oldest request of a batch to its arrival.
    pub fn note(&mut self, lag_us: i64, now_us: i64) {
        let hour = now_us.div_euclid(HOUR_US);
        if hour != self.hour {
            // Older batches count half each hour.
            let halvings = (hour - self.hour).clamp(1, 31) as u32;
            self.batches.iter_mut().for_each(|batches| *batches >>= halvings);
            self.hour = hour;
        }
        let bucket = BUCKETS_S.iter().position(|end_s| lag_us <= end_s * SECOND_US);
        if let Some(batches) = bucket.and_then(|bucket| self.batches.get_mut(bucket)) {
            *batches = batches.saturating_add(1);
        }
    }

    /// How long before now a window has to end.
    pub fn delay_us(&self) -> i64 {
        let all: u64 = self.batches.iter().map(|batches| u64::from(*batches)).sum();
        if all < limits::RULE_DELAY_BATCHES {
            return limits::RULE_DELAY_SECONDS as i64 * SECOND_US;
        }
        let mut left = all - all / 100;
        let p99_s = BUCKETS_S.iter().zip(&self.batches).find_map(|(end_s, batches)| {
            left = left.saturating_sub(u64::from(*batches));
            (left == 0).then_some(*end_s)
        });
        p99_s.unwrap_or(MOST_S).max(limits::RULE_DELAY_LEAST_SECONDS as i64) * SECOND_US
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(batches: &[(i64, u32)]) -> ArrivalLag {
        let mut lag = ArrivalLag::default();
        for (seconds, count) in batches {
            (0..*count).for_each(|_| lag.note(seconds * SECOND_US, HOUR_US));
        }
        lag
    }

    #[test]
    fn a_window_ends_where_99_of_100_batches_have_arrived() {
        for (batches, expected_s) in [
            // Too few to tell.
            (&[][..], 75),
            (&[(4, 29)], 75),
            (&[(4, 30)], 15),
            (&[(-9, 99), (12, 1)], 15),
            (&[(4, 60), (33, 40)], 45),
            (&[(61, 100)], 75),
            (&[(4, 99), (200, 1)], 15),
            (&[(4, 98), (200, 2)], 240),
            (&[(290, 50)], 300),
            // The batch held back by its client does not count.
            (&[(4, 40), (301, 400)], 15),
            (&[(9_000, 400)], 75),
        ] {
            assert_eq!(lag(batches).delay_us(), expected_s * SECOND_US, "{batches:?}");
        }
    }

    #[test]
    fn what_was_hours_ago_is_forgotten() {
        let mut lag = lag(&[(200, 1_000)]);
        for _ in 0..1_000 {
            lag.note(SECOND_US, 3 * HOUR_US);
        }
        assert_eq!(lag.delay_us(), 240 * SECOND_US);
        lag.note(SECOND_US, 9 * HOUR_US);
        assert_eq!(lag.delay_us(), 75 * SECOND_US, "few are left");
        for _ in 0..400 {
            lag.note(SECOND_US, 9 * HOUR_US);
        }
        assert_eq!(lag.delay_us(), 15 * SECOND_US);
    }
}
