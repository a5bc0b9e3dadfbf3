//! How soon a certificate expires, relative to its lifetime: a fixed number of days would warn about every healthy
//! certificate of a short-lived profile. Names and chains belong to the TLS check.

use serde::{Deserialize, Serialize};

use crate::limits;

const DAY_MS: i64 = 86_400_000;

/// The dates of a leaf certificate, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pub not_before_ms: i64,
    pub not_after_ms: i64,
}

/// In ascending order of urgency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    #[default]
    Fine,
    Warn,
    Critical,
    NotYetValid,
    Expired,
}

impl Certificate {
    pub fn level(self, now_ms: i64) -> Level {
        let life_ms = self.not_after_ms - self.not_before_ms;
        let left_ms = self.not_after_ms - now_ms;
        let below = |days: u64, percent: u64| {
            let of_life_ms = i128::from(life_ms) * i128::from(percent) / 100;
            i128::from(left_ms) < of_life_ms.min(i128::from(days as i64 * DAY_MS))
        };
        if left_ms < 0 {
            Level::Expired
        } else if now_ms < self.not_before_ms {
            Level::NotYetValid
        } else if below(limits::CERTIFICATE_CRITICAL_DAYS, limits::CERTIFICATE_CRITICAL_PERCENT) {
            Level::Critical
        } else if below(limits::CERTIFICATE_WARN_DAYS, limits::CERTIFICATE_WARN_PERCENT) {
            Level::Warn
        } else {
            Level::Fine
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = DAY_MS / 24;

    /// The level of a certificate with a lifetime of `life_days`, `left_hours` before it expires.
    fn check(life_days: i64, left_hours: i64, expected: Level) {
        let now_ms = 20_000 * DAY_MS;
        let not_after_ms = now_ms + left_hours * HOUR_MS;
        let certificate =
            Certificate { not_before_ms: not_after_ms - life_days * DAY_MS, not_after_ms };
        assert_eq!(certificate.level(now_ms), expected, "{life_days} d, {left_hours} h left");
    }

    #[test]
    fn a_certificate_is_judged_by_days_and_by_its_life() {
        // 14 days are less than a quarter of 90, 3 days less than a tenth.
        check(90, 14 * 24, Level::Fine);
        check(90, 14 * 24 - 1, Level::Warn);
        check(90, 3 * 24, Level::Warn);
        check(90, 3 * 24 - 1, Level::Critical);
        check(90, 0, Level::Critical);
        check(90, -1, Level::Expired);
        // A quarter of 45 days is 11.25, a tenth of 20 is 2.
        check(45, 11 * 24 + 6, Level::Fine);
        check(45, 11 * 24 + 5, Level::Warn);
        check(20, 48, Level::Warn);
        check(20, 47, Level::Critical);
        // Six days: it is renewed when two are left, which is not worth a warning.
        check(6, 48, Level::Fine);
        check(6, 36, Level::Fine);
        check(6, 35, Level::Warn);
        check(6, 14, Level::Critical);
        check(10_000, 15 * 24, Level::Fine);
        check(90, 91 * 24, Level::NotYetValid);
        check(90, 90 * 24, Level::Fine);
    }
}
