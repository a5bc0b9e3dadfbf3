//! The ready-made rules on the demo's traffic, about 2 requests a minute: they find the incidents in it and nothing
//! else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::*;
use crate::alert::silence::{Presence, Watched, silent};
use crate::demo;

const DAY: i64 = 1_440;
/// Three weeks for the base, two that are judged. 2026-11-16 is a Monday.
const BASE_DAYS: i64 = 21;
const DAYS: i64 = 35;
const FIRST: i64 = (20_773 - DAYS) * DAY;
/// The demo's outages lie in these minutes of a day, and a window that looks back over one ends soon after.
const NIGHT: std::ops::Range<i64> = 70..300;

static TRAFFIC: LazyLock<Traffic> = LazyLock::new(Traffic::read);

/// Running sums: entry i is the sum of the minutes before minute i.
struct Traffic {
    requests: Vec<u64>,
    server_errors: Vec<u64>,
    denied: Vec<u64>,
    /// The minutes of each user's requests.
    users: BTreeMap<String, Vec<i64>>,
}

impl Traffic {
    fn read() -> Traffic {
        let minutes = (DAYS * DAY) as usize;
        let mut traffic = Traffic {
            requests: vec![0; minutes + 1],
            server_errors: vec![0; minutes + 1],
            denied: vec![0; minutes + 1],
            users: BTreeMap::new(),
        };
        for day in 0..DAYS {
            let body = demo::batch(7, FIRST + day * DAY, DAY).body;
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            for hit in body["requests"].as_array().unwrap() {
                let at: jiff::Timestamp = hit["created_at"].as_str().unwrap().parse().unwrap();
                let minute = at.as_second() / 60 - FIRST;
                let status = hit["status"].as_u64().unwrap();
                let after = minute as usize + 1;
                traffic.requests[after] += 1;
                traffic.server_errors[after] += u64::from(status >= 500);
                traffic.denied[after] += u64::from([401, 403, 429].contains(&status));
                if let Some(user) = hit["user_id"].as_str() {
                    traffic.users.entry(user.to_owned()).or_default().push(minute);
                }
            }
        }
        let sums = [&mut traffic.requests, &mut traffic.server_errors, &mut traffic.denied];
        for sums in sums {
            for minute in 1..sums.len() {
                sums[minute] += sums[minute - 1];
            }
        }
        traffic
    }

    fn window(&self, from: i64, to: i64) -> Counts {
        let sum = |sums: &[u64]| sums[to as usize] - sums[from as usize];
        Counts {
            requests: sum(&self.requests),
            server_errors: sum(&self.server_errors),
            denied: sum(&self.denied),
            ..Counts::default()
        }
    }

    /// The baseline from the same window and its neighbours in three weeks.
    fn base(&self, end: i64, minutes: i64) -> Option<Base> {
        let weeks: Vec<Counts> = (1..=3)
            .map(|week| end - week * 7 * DAY)
            .filter(|end| end - 2 * minutes >= 0)
            .map(|end| self.window(end - 2 * minutes, end + minutes))
            .collect();
        Base::of(&weeks, 3)
    }

    fn nights_with_an_outage(&self) -> BTreeSet<i64> {
        let failures = |day: i64| self.window(day * DAY + 70, day * DAY + 265).server_errors;
        // Usually there is about one.
        (BASE_DAYS..DAYS).filter(|day| failures(*day) >= 8).collect()
    }
}

/// The minutes at which a rule fires, judged each minute of the last two weeks.
fn fired(timing: Timing, judged: impl Fn(i64) -> Verdict) -> Vec<i64> {
    let mut state = RuleState::default();
    let mut fired = Vec::new();
    for end in BASE_DAYS * DAY..DAYS * DAY {
        let named = [(String::new(), judged(end))];
        let transitions = state.judge(&named, Verdict::Good, end * MINUTE_MS, timing);
        fired.extend(
            transitions.iter().filter(|(_, one)| one.change == AlertChange::Fired).map(|_| end),
        );
    }
    fired
}

#[test]
fn ready_made_rules_find_the_demo_s_outages_and_nothing_else() {
    let traffic = &*TRAFFIC;
    let outages = traffic.nights_with_an_outage();
    assert!((2..=7).contains(&outages.len()), "{outages:?}");

    let rule = ReadyMade::ServerErrorSpike.rule();
    let longer = i64::from(rule.longer_window_minutes.unwrap());
    let spikes = fired(rule.timing(), |end| {
        let observed = Observed {
            counts: traffic.window(end - 5, end),
            longer: traffic.window(end - longer, end),
            base: traffic.base(end, 5),
            ..Observed::default()
        };
        judge(ReadyMade::ServerErrorSpike, &observed)
    });
    assert!(spikes.iter().all(|end| NIGHT.contains(&(end % DAY))), "{spikes:?}");
    assert_eq!(spikes.iter().map(|end| end / DAY).collect::<BTreeSet<i64>>(), outages);

    for kind in [ReadyMade::TrafficBurst, ReadyMade::DeniedStorm] {
        let minutes = i64::from(kind.rule().window_minutes);
        let found = fired(kind.rule().timing(), |end| {
            let counts = traffic.window(end - minutes, end);
            let base = traffic.base(end, minutes);
            judge(kind, &Observed { counts, base, ..Observed::default() })
        });
        assert!(found.is_empty(), "{kind:?}: {found:?}");
    }

    let goal = Goal::from_percent(99.0).unwrap();
    let at_once = Timing { hold_ms: 0, keep_ms: 0, unknown_ms: 10 * MINUTE_MS };
    let burns = fired(at_once, |end| {
        let window = |minutes: u32| traffic.window(end - i64::from(minutes), end);
        let rate = BURN_RATES[0];
        rate.judge(goal, &window(rate.long_minutes), &window(rate.short_minutes))
    });
    assert!(!burns.is_empty());
    assert!(burns.iter().all(|end| outages.contains(&(end / DAY))), "{burns:?}");
}

#[test]
fn traffic_that_stops_is_noticed_and_traffic_that_goes_on_is_not() {
    let traffic = &*TRAFFIC;
    let kind = ReadyMade::TrafficStopped;
    let judged = |end: i64, stopped: i64| {
        let per_5_minutes = traffic.base(end, 30).unwrap().requests / 6.0;
        let Some(minutes) = stopped_window_minutes(per_5_minutes) else { return Verdict::Unknown };
        let from = end - i64::from(minutes);
        let counts = traffic.window(from.min(stopped), end.min(stopped));
        let base = traffic.base(end, i64::from(minutes));
        judge(kind, &Observed { counts, base, ..Observed::default() })
    };
    assert!(fired(kind.rule().timing(), |end| judged(end, i64::MAX)).is_empty());
    // By day: twice the time that 20 requests take, plus `for`. At night it takes as long as requests are few.
    for (hour, most_minutes) in [(3, 130), (9, 45), (15, 45), (21, 45)] {
        let stopped = (BASE_DAYS + 3) * DAY + hour * 60;
        let found = fired(kind.rule().timing(), |end| judged(end, stopped));
        let after = found[0] - stopped;
        assert!((10..=most_minutes).contains(&after), "{hour} h: after {after} minutes");
    }
}

/// The consumers for which the rule fires, judged each hour, and the hours since `stopped` at that time.
fn silent_consumers(from: i64, to: i64, stopped: Option<(&str, i64)>) -> Vec<(String, i64)> {
    let traffic = &*TRAFFIC;
    let minute_us = MINUTE_MS * 1_000;
    let mut watched = Vec::new();
    let mut read = Vec::new();
    for (name, minutes) in traffic.users.iter().filter(|(_, minutes)| minutes.len() > 500) {
        watched.push(Watched { name: name.clone(), requests: 0, presence: Presence::default() });
        read.push(minutes);
    }
    let mut silent_now = BTreeSet::new();
    let mut fired = Vec::new();
    for end in (0..to).step_by(60) {
        for (consumer, minutes) in watched.iter_mut().zip(&read) {
            let stop = stopped.filter(|(name, _)| *name == consumer.name).map_or(end, |(_, at)| at);
            let before = |minute: i64| minutes.partition_point(|at| *at < minute.min(stop));
            let new = &minutes[before(end - 60)..before(end)];
            new.iter().for_each(|minute| consumer.presence.see(minute * minute_us));
            consumer.presence.forget_before((end - 9 * DAY) * minute_us);
            consumer.requests = (before(end) - before(end - 7 * DAY)) as u64;
        }
        if end < from {
            continue;
        }
        let found = silent(&watched, end * minute_us, |name| silent_now.contains(name), &[]);
        for finding in found {
            match finding.verdict == Verdict::Bad {
                false => drop(silent_now.remove(&finding.key)),
                true if !silent_now.insert(finding.key.clone()) => {}
                true => fired.push((finding.key, (end - stopped.map_or(0, |(_, at)| at)) / 60)),
            }
        }
    }
    fired
}

#[test]
fn consumers_that_call_now_and_then_are_not_taken_for_silent() {
    let false_alarms = silent_consumers(BASE_DAYS * DAY, DAYS * DAY, None);
    assert!(false_alarms.is_empty(), "{false_alarms:?}");
    // Consumers that call more than about 60 times a day are missed before their week is over; no others are.
    let traffic = &*TRAFFIC;
    let busy = traffic.users.iter().filter(|(_, minutes)| minutes.len() as i64 > 60 * DAYS);
    let busy: Vec<&String> = busy.map(|(user, _)| user).collect();
    assert!(busy.len() >= 4, "{busy:?}");
    let stopped = (BASE_DAYS + 1) * DAY;
    for user in busy.into_iter().take(4) {
        let fired = silent_consumers(stopped, stopped + 7 * DAY, Some((user, stopped)));
        let [(silent, hours)] = &fired[..] else { panic!("{user}: {fired:?}") };
        assert_eq!(silent, user);
        assert!(*hours <= 5 * 24, "{user}: after {hours} hours");
    }
}
