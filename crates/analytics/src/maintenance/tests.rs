//! Windows over both changes of the clocks in two zones, and unions against a computation minute by minute.

use jiff::{SignedDuration, Zoned};
use proptest::prelude::*;

use super::*;

fn ms(rfc3339: &str) -> i64 {
    rfc3339.parse::<Timestamp>().unwrap().as_millisecond()
}

fn weekly_on(weekdays: &[Weekday], from: &str, to: &str, zone: &str) -> Schedule {
    let (from, to, zone) = (from.to_owned(), to.to_owned(), zone.to_owned());
    Schedule::Weekly { weekdays: weekdays.to_vec(), from, to, time_zone: zone }
}

/// The windows of two weeks from midnight UTC on, as local start, local end and hours.
fn check(schedule: &Schedule, zone: &str, from: &str, expected: &[(&str, &str, f64)]) {
    let json = serde_json::to_string(schedule).unwrap();
    let windows = serde_json::from_str::<Schedule>(&json).unwrap().read().unwrap();
    let from_ms = ms(&format!("{from}T00:00:00Z"));
    let within = Span { from_ms, to_ms: from_ms + 14 * DAY_MS };
    let local = |at_ms: i64| {
        let zoned = Timestamp::from_millisecond(at_ms).unwrap().in_tz(zone).unwrap();
        zoned.strftime("%m-%d %H:%M").to_string()
    };
    let spans = windows.spans(within);
    let found: Vec<(String, String, f64)> = spans
        .iter()
        .map(|span| (local(span.from_ms), local(span.to_ms), span.length_ms() as f64 / 3_600_000.0))
        .collect();
    let found: Vec<(&str, &str, f64)> =
        found.iter().map(|(from, to, hours)| (from.as_str(), to.as_str(), *hours)).collect();
    assert_eq!(found, expected, "{schedule:?}");

    for span in spans {
        assert!(windows.is_active(span.from_ms) && windows.is_active(span.to_ms - 1));
        assert!(!windows.is_active(span.from_ms - 1) && !windows.is_active(span.to_ms));
        assert_eq!(windows.next(span.from_ms - 1), Some(span));
    }
}

#[test]
fn a_weekly_window_follows_the_clocks_of_berlin() {
    use Weekday::{Saturday, Sunday};
    // Spring: 29 March 2026 has 23 hours, 02:00 becomes 03:00.
    let over = weekly_on(&[Saturday], "23:00", "05:00", "Europe/Berlin");
    check(
        &over,
        "Europe/Berlin",
        "2026-03-20",
        &[("03-21 23:00", "03-22 05:00", 6.0), ("03-28 23:00", "03-29 05:00", 5.0)],
    );
    // Autumn: 25 October 2026 has 25 hours, 03:00 becomes 02:00.
    check(
        &over,
        "Europe/Berlin",
        "2026-10-16",
        &[("10-17 23:00", "10-18 05:00", 6.0), ("10-24 23:00", "10-25 05:00", 7.0)],
    );
    let whole_day = weekly_on(&[Sunday], "00:00", "00:00", "Europe/Berlin");
    check(
        &whole_day,
        "Europe/Berlin",
        "2026-03-20",
        &[("03-22 00:00", "03-23 00:00", 24.0), ("03-29 00:00", "03-30 00:00", 23.0)],
    );
    check(
        &whole_day,
        "Europe/Berlin",
        "2026-10-16",
        &[("10-18 00:00", "10-19 00:00", 24.0), ("10-25 00:00", "10-26 00:00", 25.0)],
    );
    // A skipped start is the moment of the change; a window that is skipped as a whole does not happen.
    let skipped = weekly_on(&[Sunday], "02:30", "04:00", "Europe/Berlin");
    check(
        &skipped,
        "Europe/Berlin",
        "2026-03-20",
        &[("03-22 02:30", "03-22 04:00", 1.5), ("03-29 03:00", "03-29 04:00", 1.0)],
    );
    let gone = weekly_on(&[Sunday], "02:00", "02:45", "Europe/Berlin");
    check(&gone, "Europe/Berlin", "2026-03-23", &[("04-05 02:00", "04-05 02:45", 0.75)]);
    // An end that comes twice is the second one, so that the planned work lies inside.
    let twice = weekly_on(&[Sunday], "02:15", "02:45", "Europe/Berlin");
    check(
        &twice,
        "Europe/Berlin",
        "2026-10-16",
        &[("10-18 02:15", "10-18 02:45", 0.5), ("10-25 02:15", "10-25 02:45", 1.5)],
    );
}

#[test]
fn a_weekly_window_follows_the_clocks_of_new_york() {
    use Weekday::{Friday, Saturday, Sunday};
    // 8 March 2026: 02:00 becomes 03:00. 1 November 2026: 02:00 becomes 01:00.
    let over = weekly_on(&[Saturday], "22:00", "06:00", "America/New_York");
    check(
        &over,
        "America/New_York",
        "2026-02-28",
        &[("02-28 22:00", "03-01 06:00", 8.0), ("03-07 22:00", "03-08 06:00", 7.0)],
    );
    check(
        &over,
        "America/New_York",
        "2026-10-24",
        &[("10-24 22:00", "10-25 06:00", 8.0), ("10-31 22:00", "11-01 06:00", 9.0)],
    );
    let two_days = weekly_on(&[Friday, Sunday], "20:00", "21:00", "America/New_York");
    check(
        &two_days,
        "America/New_York",
        "2026-10-25",
        &[
            ("10-25 20:00", "10-25 21:00", 1.0),
            ("10-30 20:00", "10-30 21:00", 1.0),
            ("11-01 20:00", "11-01 21:00", 1.0),
            ("11-06 20:00", "11-06 21:00", 1.0),
        ],
    );
}

#[test]
fn a_window_by_cron_begins_by_the_clocks_and_lasts_its_minutes() {
    let nightly = Schedule::Cron {
        cron: "30 2 * * SUN".to_owned(),
        minutes: 120,
        time_zone: "Europe/Berlin".to_owned(),
    };
    check(
        &nightly,
        "Europe/Berlin",
        "2026-03-20",
        &[("03-22 02:30", "03-22 04:30", 2.0), ("03-29 03:00", "03-29 05:00", 2.0)],
    );
    check(
        &nightly,
        "Europe/Berlin",
        "2026-10-16",
        &[("10-18 02:30", "10-18 04:30", 2.0), ("10-25 02:30", "10-25 03:30", 2.0)],
    );
    let monthly = Schedule::Cron {
        cron: "0 22 1 * *".to_owned(),
        minutes: 1_440,
        time_zone: "America/New_York".to_owned(),
    };
    check(&monthly, "America/New_York", "2026-10-24", &[("11-01 22:00", "11-02 22:00", 24.0)]);
    // A window that began before the period touches it.
    let within = Span { from_ms: ms("2026-11-02T12:00:00Z"), to_ms: ms("2026-11-02T13:00:00Z") };
    assert_eq!(monthly.read().unwrap().spans(within).len(), 1);
}

#[test]
fn a_single_window_is_itself_and_touches_what_it_overlaps() {
    let windows = Schedule::Once { from_ms: 100, to_ms: 200 }.read().unwrap();
    let count = |from_ms, to_ms| windows.spans(Span { from_ms, to_ms }).len();
    assert_eq!((count(0, 100), count(0, 101), count(199, 300), count(200, 300)), (0, 1, 1, 0));
    assert_eq!(windows.next(99), Some(Span { from_ms: 100, to_ms: 200 }));
    assert_eq!(windows.next(100), None);
    assert_eq!((windows.upcoming(99, 3).len(), windows.upcoming(100, 3).len()), (1, 0));
}

#[test]
fn the_times_to_come_follow_the_clocks() {
    let windows = weekly_on(&[Weekday::Sunday], "02:30", "04:00", "Europe/Berlin").read().unwrap();
    let after_ms = "2026-03-20T00:00:00Z".parse::<Timestamp>().unwrap().as_millisecond();
    let hours = windows.upcoming(after_ms, 3).into_iter().map(|window| {
        let from = Timestamp::from_millisecond(window.from_ms).unwrap();
        (from.to_string(), window.length_ms() / 60_000)
    });
    // On the 29th the clocks go from 2:00 to 3:00.
    let expected =
        [("2026-03-22T01:30:00Z", 90), ("2026-03-29T01:00:00Z", 60), ("2026-04-05T00:30:00Z", 90)];
    assert_eq!(
        hours.collect::<Vec<_>>(),
        expected.map(|(from, minutes)| (from.to_owned(), minutes))
    );
}

#[test]
fn a_schedule_that_cannot_be_meant_is_refused_with_a_reason() {
    let refused = |schedule: Schedule| schedule.check().unwrap_err();
    let cron = |cron: &str, minutes| Schedule::Cron {
        cron: cron.to_owned(),
        minutes,
        time_zone: "UTC".to_owned(),
    };
    assert_eq!(refused(Schedule::Once { from_ms: 5, to_ms: 5 }), ScheduleError::Empty);
    let endless = Schedule::Once { from_ms: i64::MIN, to_ms: i64::MAX };
    assert_eq!(refused(endless), ScheduleError::TooLong);
    assert_eq!(refused(cron("0 0 * * *", 0)), ScheduleError::NoLength);
    assert_eq!(refused(cron("0 0 30 2 *", 10)), ScheduleError::Never);
    assert_eq!(refused(cron("* * * * *", 1)), ScheduleError::TooOften);
    assert_eq!(refused(cron("0,30 * * 2-12 *", 1)), ScheduleError::TooOften);
    assert!(cron("0 * * * *", 1).check().is_ok(), "every hour is the most");
    assert_eq!(refused(weekly_on(&[], "1:00", "2:00", "UTC")), ScheduleError::NoWeekday);
    for time in ["24:00", "12:60", "noon", "", "12:00:00"] {
        let error = refused(weekly_on(&[Weekday::Monday], "10:00", time, "UTC"));
        assert_eq!(error, ScheduleError::InvalidTime { field: "to", text: time.to_owned() });
    }
    let nowhere = refused(weekly_on(&[Weekday::Monday], "10:00", "11:00", "Mars/Olympus"));
    assert!(nowhere.to_string().contains("`Mars/Olympus`"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_union_covers_the_same_minutes_once(
        spans in prop::collection::vec((0i64..200, -5i64..40), 0..12),
    ) {
        let spans: Vec<Span> = spans
            .iter()
            .map(|(from, length)| Span { from_ms: *from, to_ms: from + length })
            .collect();
        let apart = union(spans.clone());
        prop_assert!(apart.windows(2).all(|pair| pair[0].to_ms < pair[1].from_ms));
        for at_ms in -10..260 {
            let covered = spans.iter().any(|span| span.contains(at_ms));
            prop_assert_eq!(covered, apart.iter().any(|span| span.contains(at_ms)));
        }
    }

    /// Minute by minute through a whole year: inside if the local clock lies between the two times.
    #[test]
    fn a_weekly_window_is_where_the_local_clock_says(
        day in 0i64..365,
        from in 0i8..24,
        length in 1i8..24,
        berlin in any::<bool>(),
    ) {
        let zone = if berlin { "Europe/Berlin" } else { "America/New_York" };
        let to = (from + length) % 24;
        let schedule = weekly_on(
            &[Weekday::Saturday, Weekday::Sunday],
            &format!("{from:02}:00"),
            &format!("{to:02}:00"),
            zone,
        );
        let windows = schedule.read().unwrap();
        let start: Zoned = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap().in_tz(zone).unwrap();
        let start = start.checked_add(SignedDuration::from_hours(24 * day)).unwrap();
        for half_hour in 0..48i64 {
            let now = start.checked_add(SignedDuration::from_mins(30 * half_hour + 15)).unwrap();
            let (today, hour) = (now.weekday().to_monday_zero_offset(), now.hour());
            let begun_today = today >= 5 && hour >= from && (to <= from || hour < to);
            let begun_yesterday = (today == 6 || today == 0) && to <= from && hour < to;
            // The hour that comes twice lies between its first start and its last end, even outside the named times.
            let repeats = zone_change_is_near(&now);
            if !repeats {
                prop_assert_eq!(
                    windows.is_active(now.timestamp().as_millisecond()),
                    begun_today || begun_yesterday,
                    "{}", now
                );
            }
        }
    }
}

fn zone_change_is_near(now: &Zoned) -> bool {
    let before = now.checked_sub(SignedDuration::from_hours(2)).unwrap();
    let after = now.checked_add(SignedDuration::from_hours(2)).unwrap();
    before.offset() > after.offset()
}
