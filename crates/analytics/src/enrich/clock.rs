//! Clients' clocks: naive times get a zone, clocks that are ahead are corrected, impossible times are rejected.
//!
//! Hits with a zone and hits without are two groups, each shifted as a whole, so that its shape stays. Nothing here reads
//! our own clock: `arrival_us` is passed in. All times are microseconds since 1970.

use super::{DAY_US, Settings};
use crate::ingest::{PostedHit, Reason, Rejection, Sample, TimeKind, put_sample};
use crate::limits;

const QUARTER_US: i64 = 900_000_000;
const HOUR_US: i64 = 3_600_000_000;
const SKEW_US: i64 = limits::CLOCK_SKEW_SECONDS as i64 * 1_000_000;
const YEAR_US: i64 = limits::MAX_AGE_DAYS as i64 * DAY_US;

/// The state of a client's clock, as its batch shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockSeen {
    /// How far it was ahead of ours, behind if negative; none if the batch does not show it.
    pub ahead_us: Option<i64>,
    /// Some hits have times without a zone.
    pub is_naive: bool,
}

/// Corrections to the times of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mended {
    arrival_us: i64,
    naive_shift_us: i64,
    zoned_shift_us: i64,
    /// Later times are invalid (see `outlier_us`).
    newest_us: i64,
    /// Hits whose times changed, by cause.
    pub zone_corrected: u64,
    pub clock_shifted: u64,
    pub seen: ClockSeen,
}

impl Mended {
    pub fn time_us(&self, hit: &PostedHit) -> i64 {
        match hit.time_kind {
            TimeKind::Missing => self.arrival_us,
            TimeKind::Naive => hit.time_us + self.naive_shift_us,
            TimeKind::Zoned => hit.time_us + self.zoned_shift_us,
        }
    }
}

/// Finds out by how much the batch's clock is off.
pub(super) fn mend(hits: &[PostedHit], sent_at_us: Option<i64>, arrival_us: i64) -> Mended {
    let newest_us = outlier_us(hits, arrival_us);
    let mut mended = Mended {
        arrival_us,
        naive_shift_us: 0,
        zoned_shift_us: 0,
        newest_us,
        zone_corrected: 0,
        clock_shifted: 0,
        seen: ClockSeen::default(),
    };
    let naive = Group::of(hits, TimeKind::Naive, newest_us);
    let zoned = Group::of(hits, TimeKind::Zoned, newest_us);

    if let Some(newest) = naive.newest_us {
        // The newest hit triggered the post, so its difference is the zone, plus seconds of delay.
        let correction = (arrival_us - newest + QUARTER_US / 2).div_euclid(QUARTER_US) * QUARTER_US;
        if (-14 * HOUR_US..=12 * HOUR_US).contains(&correction) && correction != 0 {
            mended.naive_shift_us = correction;
            mended.zone_corrected = naive.hits;
        }
        if newest + mended.naive_shift_us > arrival_us + SKEW_US {
            mended.naive_shift_us = arrival_us - newest;
            mended.clock_shifted += naive.hits;
        }
    }

    if let Some(newest) = zoned.newest_us {
        if let Some(sent_at) = sent_at_us.filter(|&sent_at| sent_at > arrival_us + SKEW_US) {
            mended.zoned_shift_us = arrival_us - sent_at;
        }
        // Also if `sent_at` is right and the hits claim to be later.
        if newest + mended.zoned_shift_us > arrival_us + SKEW_US {
            mended.zoned_shift_us = arrival_us - newest;
        }
        if mended.zoned_shift_us != 0 {
            mended.clock_shifted += zoned.hits;
        }
    }
    let shifted_us = Some(-mended.zoned_shift_us).filter(|ahead_us| *ahead_us != 0);
    mended.seen = ClockSeen {
        ahead_us: sent_at_us.map(|sent_at| sent_at.saturating_sub(arrival_us)).or(shifted_us),
        is_naive: naive.hits > 0,
    };
    mended
}

/// Removes hits that are too old to be true or to be kept, or too new for their batch. True if there were any.
pub(super) fn drop_impossible(
    hits: &mut Vec<PostedHit>,
    mended: &Mended,
    settings: &Settings,
    arrival_us: i64,
    rejected: &mut Vec<Rejection>,
    samples: &mut Vec<Sample>,
) -> bool {
    let oldest =
        |age_us: Option<i64>| age_us.map_or(i64::MIN, |age| arrival_us.saturating_sub(age));
    let oldest_us = oldest(settings.max_age_us).max(oldest(settings.keep_us));
    let before = hits.len();
    hits.retain(|hit| {
        let reason = if hit.time_kind != TimeKind::Missing && hit.time_us > mended.newest_us {
            Reason::TooNew
        } else if mended.time_us(hit) < oldest_us {
            Reason::TooOld
        } else {
            return true;
        };
        let rejection = Rejection { index: hit.index, reason };
        put_sample(samples, rejection, || {
            let time = jiff::Timestamp::from_microsecond(mended.time_us(hit));
            time.map(|time| time.to_string()).unwrap_or_default()
        });
        rejected.push(rejection);
        false
    });
    if hits.len() == before {
        return false;
    }
    rejected.sort_unstable();
    true
}

/// One hit from the far future would shift its whole batch so far into the past that all of it is too old. A hit that
/// is a year ahead of the batch's median and ahead of us has an invalid time; `i64::MAX` if all are sane.
fn outlier_us(hits: &[PostedHit], arrival_us: i64) -> i64 {
    let times =
        || hits.iter().filter(|hit| hit.time_kind != TimeKind::Missing).map(|hit| hit.time_us);
    let (Some(oldest), Some(newest)) = (times().min(), times().max()) else { return i64::MAX };
    if newest - oldest <= YEAR_US || newest <= arrival_us + SKEW_US {
        return i64::MAX;
    }
    let mut times: Vec<i64> = times().collect();
    let middle = (times.len() - 1) / 2;
    let (_, &mut median, _) = times.select_nth_unstable(middle);
    // If the median itself is far in the past, true present times must not be rejected because of it.
    median.max(arrival_us) + YEAR_US
}

/// The hits of one kind of time.
struct Group {
    hits: u64,
    newest_us: Option<i64>,
}

impl Group {
    fn of(hits: &[PostedHit], kind: TimeKind, newest_us: i64) -> Group {
        let mut group = Group { hits: 0, newest_us: None };
        for hit in hits.iter().filter(|hit| hit.time_kind == kind && hit.time_us <= newest_us) {
            group.hits += 1;
            group.newest_us = group.newest_us.max(Some(hit.time_us));
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hit::TextKind;

    const ARRIVAL: i64 = 1_795_332_000_000_000;
    const SECOND: i64 = 1_000_000;
    const MINUTE: i64 = 60 * SECOND;

    fn hit(time_kind: TimeKind, time_us: i64) -> PostedHit {
        PostedHit {
            index: 0,
            time_us,
            time_kind,
            duration_us: None,
            status: 200,
            request_size: None,
            response_size: None,
            texts: [0; TextKind::COUNT],
        }
    }

    /// Times relative to arrival before and after.
    fn check(kind: TimeKind, sent_at: Option<i64>, before: &[i64], after: &[i64]) -> Mended {
        let hits: Vec<PostedHit> = before.iter().map(|&time| hit(kind, ARRIVAL + time)).collect();
        let mended = mend(&hits, sent_at.map(|sent_at| ARRIVAL + sent_at), ARRIVAL);
        let times: Vec<i64> = hits.iter().map(|hit| mended.time_us(hit) - ARRIVAL).collect();
        assert_eq!(times, after);
        mended
    }

    #[test]
    fn naive_times_get_the_zone_of_the_newest() {
        let kathmandu = 5 * HOUR_US + 45 * MINUTE;
        let mended = check(
            TimeKind::Naive,
            None,
            &[kathmandu - 60 * SECOND, kathmandu - SECOND],
            &[-60 * SECOND, -SECOND],
        );
        assert_eq!((mended.zone_corrected, mended.clock_shifted), (2, 0));
        check(TimeKind::Naive, None, &[-8 * HOUR_US - MINUTE], &[-MINUTE]);
        check(TimeKind::Naive, None, &[14 * HOUR_US], &[0]);
        check(TimeKind::Naive, None, &[-12 * HOUR_US], &[0]);
        assert_eq!(check(TimeKind::Naive, None, &[-3 * SECOND], &[-3 * SECOND]).zone_corrected, 0);
    }

    #[test]
    fn naive_times_of_no_zone_are_utc() {
        check(TimeKind::Naive, None, &[-13 * HOUR_US], &[-13 * HOUR_US]);
        check(TimeKind::Naive, None, &[-40 * DAY_US, -30 * DAY_US], &[-40 * DAY_US, -30 * DAY_US]);
        let mended = check(TimeKind::Naive, None, &[20 * HOUR_US, 19 * HOUR_US], &[0, -HOUR_US]);
        assert_eq!((mended.zone_corrected, mended.clock_shifted), (0, 2));
    }

    #[test]
    fn a_zoned_clock_that_is_ahead_is_put_right_and_keeps_its_shape() {
        check(TimeKind::Zoned, None, &[-DAY_US, 4 * MINUTE], &[-DAY_US, 4 * MINUTE]);
        let mended = check(TimeKind::Zoned, None, &[50 * MINUTE, 60 * MINUTE], &[-10 * MINUTE, 0]);
        assert_eq!(mended.clock_shifted, 2);
        check(TimeKind::Zoned, Some(60 * MINUTE), &[0, 50 * MINUTE], &[-60 * MINUTE, -10 * MINUTE]);
        check(TimeKind::Zoned, Some(SECOND), &[-HOUR_US], &[-HOUR_US]);
        check(TimeKind::Zoned, Some(-60 * MINUTE), &[-70 * MINUTE], &[-70 * MINUTE]);
        // The hits of a retried batch are older than its `sent_at`: only the clock's own error is corrected.
        check(TimeKind::Zoned, Some(60 * MINUTE), &[-20 * HOUR_US], &[-21 * HOUR_US]);
    }

    #[test]
    fn a_missing_time_is_arrival_whatever_the_others_are() {
        let hits = [
            hit(TimeKind::Missing, 0),
            hit(TimeKind::Naive, ARRIVAL + HOUR_US),
            hit(TimeKind::Zoned, ARRIVAL - HOUR_US),
        ];
        let mended = mend(&hits, None, ARRIVAL);
        assert_eq!(hits.map(|hit| mended.time_us(&hit) - ARRIVAL), [0, 0, -HOUR_US]);
    }

    #[test]
    fn one_hit_from_the_far_future_costs_itself_alone() {
        for kind in [TimeKind::Naive, TimeKind::Zoned] {
            let mut hits = vec![
                hit(kind, ARRIVAL - SECOND),
                hit(kind, ARRIVAL + 900 * YEAR_US),
                hit(kind, ARRIVAL),
            ];
            hits[1].index = 1;
            let mended = mend(&hits, None, ARRIVAL);
            let mut rejected = Vec::new();
            assert!(drop_impossible(
                &mut hits,
                &mended,
                &Settings::default(),
                ARRIVAL,
                &mut rejected,
                &mut Vec::new()
            ));
            assert_eq!(rejected, [Rejection { index: 1, reason: Reason::TooNew }]);
            assert_eq!(
                hits.iter().map(|hit| mended.time_us(hit) - ARRIVAL).collect::<Vec<_>>(),
                [-SECOND, 0]
            );
        }
    }

    #[test]
    fn a_hit_older_than_a_year_or_than_the_project_keeps_is_too_old() {
        let kept = |settings: Settings, age_us: i64| {
            let mut hits = vec![hit(TimeKind::Zoned, ARRIVAL - age_us)];
            let mended = mend(&hits, None, ARRIVAL);
            !drop_impossible(
                &mut hits,
                &mended,
                &settings,
                ARRIVAL,
                &mut Vec::new(),
                &mut Vec::new(),
            )
        };
        assert!(kept(Settings::default(), YEAR_US));
        assert!(!kept(Settings::default(), YEAR_US + 1));
        let month = Settings { keep_us: Some(30 * DAY_US), ..Settings::default() };
        assert!(kept(month, 30 * DAY_US) && !kept(month, 31 * DAY_US));
        let import = Settings { max_age_us: None, ..Settings::default() };
        assert!(kept(import, 40 * YEAR_US));
    }
}
