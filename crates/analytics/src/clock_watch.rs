//! Whether to trust the wall clock when, by it, something is old enough to be erased.
//!
//! A clock that leaps ahead (a dead battery, a wrong time server, a typo) makes every request look expired. So erasing
//! by age needs a clock that agrees with the last time at which this server ran, or one that has run steadily for some
//! days since its leap. This file only decides; the caller passes the times and keeps the state over restarts.

use crate::limits;

const HOUR_US: i64 = 3_600_000_000;
const LEAP_US: i64 = limits::CLOCK_LEAP_HOURS as i64 * HOUR_US;
const CONFIRM_US: i64 = limits::CLOCK_CONFIRM_HOURS as i64 * HOUR_US;

/// How far the wall clock may drift from the time that has passed before it counts as changed.
const STEADY_US: i64 = HOUR_US;

/// Kept over restarts. Times are microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockWatch {
    /// The last time that was trusted.
    pub believed_us: i64,
    /// Set while the clock is not trusted.
    pub doubt: Option<Doubt>,
}

/// A clock that leapt, and how long it has run steadily since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The size of the leap.
    pub ahead_us: i64,
    /// The last time it showed.
    pub last_us: i64,
    /// How long the server has run since the leap, by the monotonic clock.
    pub ran_us: i64,
}

impl ClockWatch {
    /// `believed_us`: the newest time known from before, such as that of the last batch.
    pub fn new(believed_us: i64) -> ClockWatch {
        ClockWatch { believed_us, doubt: None }
    }

    /// Notes the wall clock. `ran_us`: how long the server has run since the last call, 0 at the first call after a
    /// start.
    pub fn look(&mut self, now_us: i64, ran_us: i64) {
        let ahead_us = now_us.saturating_sub(self.believed_us.saturating_add(ran_us));
        let Some(doubt) = self.doubt else {
            match ahead_us > LEAP_US {
                true => self.doubt = Some(Doubt { ahead_us, last_us: now_us, ran_us: 0 }),
                false => self.believed_us = now_us,
            }
            return;
        };
        let total_us = doubt.ran_us.saturating_add(ran_us);
        let from_last_us = now_us.saturating_sub(doubt.last_us.saturating_add(ran_us));
        let is_steady = (-STEADY_US..=LEAP_US).contains(&from_last_us);
        if now_us <= self.believed_us.saturating_add(total_us).saturating_add(LEAP_US)
            || (is_steady && total_us >= CONFIRM_US)
        {
            // Set right, or confirmed.
            *self = ClockWatch::new(now_us);
        } else if is_steady {
            self.doubt = Some(Doubt { last_us: now_us, ran_us: total_us, ..doubt });
        } else {
            let ahead_us = now_us.saturating_sub(self.believed_us);
            self.doubt = Some(Doubt { ahead_us, last_us: now_us, ran_us: 0 });
        }
    }

    pub fn is_believed(&self) -> bool {
        self.doubt.is_none()
    }

    /// A sentence for the operator; none while the clock is trusted.
    pub fn note(&self) -> Option<String> {
        let doubt = self.doubt?;
        let ahead_days = (doubt.ahead_us + 12 * HOUR_US) / (24 * HOUR_US);
        let left_hours = ((CONFIRM_US - doubt.ran_us).max(0) + HOUR_US - 1) / HOUR_US;
        Some(format!(
            "the clock is {ahead_days} days ahead of the last time at which this server ran: expired requests and inactive projects are not erased until it has run for {left_hours} h more; if the clock is wrong, set it right"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_US: i64 = 24 * HOUR_US;
    const MINUTE_US: i64 = HOUR_US / 60;
    const START_US: i64 = 20_000 * DAY_US;

    /// Runs for `hours`, with a look each minute, and returns the wall clock's time at the end.
    fn run(watch: &mut ClockWatch, mut now_us: i64, hours: i64) -> i64 {
        for _ in 0..hours * 60 {
            now_us += MINUTE_US;
            watch.look(now_us, MINUTE_US);
        }
        now_us
    }

    #[test]
    fn a_clock_that_runs_is_believed_also_over_a_long_weekend_of_being_off() {
        let mut watch = ClockWatch::new(START_US);
        let now_us = run(&mut watch, START_US, 100);
        assert_eq!(watch, ClockWatch::new(now_us));
        watch.look(now_us + LEAP_US, 0);
        assert!(watch.is_believed() && watch.note().is_none());
    }

    #[test]
    fn a_clock_that_leaps_is_doubted_until_it_has_run_for_days() {
        for at_start in [true, false] {
            let mut watch = ClockWatch::new(START_US);
            watch.look(START_US + 400 * DAY_US, if at_start { 0 } else { MINUTE_US });
            assert!(watch.note().unwrap().contains("400 days ahead"));
            let now_us = run(&mut watch, START_US + 400 * DAY_US, CONFIRM_US / HOUR_US - 1);
            assert!(watch.note().unwrap().contains("1 h more"), "{:?}", watch.note());
            let now_us = run(&mut watch, now_us, 2);
            assert_eq!(watch, ClockWatch::new(now_us));
        }
    }

    #[test]
    fn a_clock_that_is_set_right_is_believed_at_once_and_its_leap_is_forgotten() {
        let mut watch = ClockWatch::new(START_US);
        watch.look(START_US + 400 * DAY_US, 0);
        run(&mut watch, START_US + 400 * DAY_US, 2);
        watch.look(START_US + 2 * HOUR_US, MINUTE_US);
        assert_eq!(watch, ClockWatch::new(START_US + 2 * HOUR_US));
        watch.look(START_US + 400 * DAY_US, MINUTE_US);
        assert!(!watch.is_believed(), "a second leap is one too");
    }

    #[test]
    fn restarts_and_further_leaps_do_not_shorten_the_doubt() {
        let mut watch = ClockWatch::new(START_US);
        let mut now_us = START_US + 400 * DAY_US;
        watch.look(now_us, 0);
        // Only the hours that it runs count, not those between two starts.
        for night in 1..=3 {
            now_us = run(&mut watch, now_us, 8);
            assert_eq!(watch.doubt.unwrap().ran_us, night * 8 * HOUR_US);
            now_us += 16 * HOUR_US;
            watch.look(now_us, 0);
        }
        watch.look(now_us + 10_000 * DAY_US, MINUTE_US);
        assert_eq!(watch.doubt.unwrap().ran_us, 0, "it leapt again");
        let now_us = run(&mut watch, now_us + 10_000 * DAY_US, 10);
        watch.look(now_us + 3 * DAY_US, 0);
        assert_eq!(watch.doubt.unwrap().ran_us, 0, "it leapt between two starts");
    }

    #[test]
    fn a_clock_that_goes_back_is_believed_since_nothing_looks_older_by_it() {
        let mut watch = ClockWatch::new(START_US);
        watch.look(START_US - 400 * DAY_US, MINUTE_US);
        assert_eq!(watch, ClockWatch::new(START_US - 400 * DAY_US));
        // A clock that is set right again looks like a leap ahead.
        watch.look(START_US, MINUTE_US);
        assert!(!watch.is_believed());
    }
}
