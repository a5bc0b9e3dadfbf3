//! Detects breaks in time: a clock that was set, a machine that slept, a process that hung.
//!
//! The wall clock names slots, the monotonic clock measures. The planner compares both in each round.

use analytics::limits;

/// Why the plan is no longer valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The wall clock advanced by this much more (or less) than the time that passed: it was set, or the machine slept.
    Clock { by_ms: i64 },
    /// Time passed without a round.
    Stall { ms: i64 },
}

pub struct Timekeeper {
    wall_ms: i64,
    passing_ms: i64,
}

impl Timekeeper {
    pub fn new(wall_ms: i64, passing_ms: i64) -> Timekeeper {
        Timekeeper { wall_ms, passing_ms }
    }

    /// Compares both clocks with those of the last call.
    pub fn look(&mut self, wall_ms: i64, passing_ms: i64) -> Option<Break> {
        let passed_ms = passing_ms - self.passing_ms;
        let by_ms = wall_ms - self.wall_ms - passed_ms;
        *self = Timekeeper { wall_ms, passing_ms };
        if by_ms.abs() > limits::CLOCK_BREAK_MS as i64 {
            return Some(Break::Clock { by_ms });
        }
        (passed_ms > limits::PLANNER_STALL_MS as i64).then_some(Break::Stall { ms: passed_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_agree_are_no_break() {
        let mut timekeeper = Timekeeper::new(1_000_000, 5);
        assert_eq!(timekeeper.look(1_001_000, 1_005), None);
        // NTP causes half a second of drift between two rounds.
        assert_eq!(timekeeper.look(1_002_500, 2_005), None);
        assert_eq!(timekeeper.look(1_003_500, 3_005), None);
    }

    #[test]
    fn a_clock_that_is_set_and_a_sleep_are_noticed_once() {
        let mut timekeeper = Timekeeper::new(1_000_000, 0);
        assert_eq!(timekeeper.look(4_601_000, 1_000), Some(Break::Clock { by_ms: 3_600_000 }));
        assert_eq!(timekeeper.look(4_602_000, 2_000), None);
        assert_eq!(timekeeper.look(1_003_000, 3_000), Some(Break::Clock { by_ms: -3_600_000 }));
        assert_eq!(timekeeper.look(1_004_000, 4_000), None);
    }

    #[test]
    fn standing_still_is_noticed() {
        let mut timekeeper = Timekeeper::new(0, 0);
        assert_eq!(timekeeper.look(5_000, 5_000), None);
        assert_eq!(timekeeper.look(35_000, 35_000), Some(Break::Stall { ms: 30_000 }));
        assert_eq!(timekeeper.look(36_000, 36_000), None);
    }
}
