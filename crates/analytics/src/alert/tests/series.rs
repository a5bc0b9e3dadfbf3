//! Stories of single alerts, and random ones against a computation over all verdicts at once.

use proptest::prelude::*;

use super::*;

fn minutes(hold: i64, keep: i64, unknown: i64) -> Timing {
    Timing { hold_ms: hold * MINUTE_MS, keep_ms: keep * MINUTE_MS, unknown_ms: unknown * MINUTE_MS }
}

/// A minute each: `b` bad, `n` near, `g` good, `?` unknown, `l` late, `_` the server is off.
fn run(marks: &str, timing: Timing) -> Vec<(i64, AlertTransition)> {
    let mut state = RuleState::default();
    let mut transitions = Vec::new();
    for (minute, mark) in marks.chars().enumerate() {
        let now_ms = minute as i64 * MINUTE_MS;
        state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        let verdict = match mark {
            'b' => Verdict::Bad,
            'n' => Verdict::Near,
            'g' => Verdict::Good,
            '?' => Verdict::Unknown,
            'l' => {
                state.rest(now_ms);
                continue;
            }
            _ => continue,
        };
        let found = state.judge(&[(String::new(), verdict)], Verdict::Good, now_ms, timing);
        transitions.extend(found.into_iter().map(|(_, transition)| (minute as i64, transition)));
    }
    transitions
}

fn check(marks: &str, timing: Timing, expected: &[(i64, &str)]) {
    let found: Vec<(i64, String)> = run(marks, timing)
        .iter()
        .map(|(minute, one)| {
            (*minute, format!("{}.{} {:?}", one.alert, one.transition, one.change))
        })
        .collect();
    let found: Vec<(i64, &str)> = found.iter().map(|(at, text)| (*at, text.as_str())).collect();
    assert_eq!(found, expected, "{marks}");
}

#[test]
fn an_alert_fires_after_for_and_resolves_after_keep() {
    check("gbbg", minutes(0, 0, 5), &[(1, "1.1 Fired"), (3, "1.2 Resolved")]);
    check("gbbbg", minutes(2, 0, 5), &[(3, "1.1 Fired"), (4, "1.2 Resolved")]);
    check("gbbgbbb", minutes(2, 0, 5), &[(6, "1.1 Fired")]);
    check("bgggb", minutes(0, 3, 5), &[(0, "1.1 Fired"), (3, "1.2 Resolved"), (4, "2.1 Fired")]);
    check("bggbgggb", minutes(0, 3, 5), &[(0, "1.1 Fired"), (6, "1.2 Resolved"), (7, "2.1 Fired")]);
}

#[test]
fn near_values_end_pending_and_hold_what_fires() {
    check("nnnn", minutes(0, 0, 5), &[]);
    check("bbnbb", minutes(2, 0, 5), &[]);
    check("bnnnng", minutes(0, 0, 5), &[(0, "1.1 Fired"), (5, "1.2 Resolved")]);
}

#[test]
fn unknown_values_neither_fire_nor_resolve_for_a_while() {
    check("b????", minutes(0, 0, 5), &[(0, "1.1 Fired")]);
    check("b??????", minutes(0, 0, 5), &[(0, "1.1 Fired"), (6, "1.2 NoData")]);
    check("b????b????g", minutes(0, 0, 5), &[(0, "1.1 Fired"), (10, "1.2 Resolved")]);
    check("b??b", minutes(3, 0, 5), &[]);
    check("b??bbb", minutes(3, 0, 5), &[(5, "1.1 Fired")]);
    check("b??????bb", minutes(1, 0, 5), &[(8, "1.1 Fired")]);
}

#[test]
fn late_requests_and_our_own_outage_stop_the_clock() {
    check("bllllllb", minutes(2, 0, 5), &[]);
    check("bllllllbb", minutes(2, 0, 5), &[(8, "1.1 Fired")]);
    check("b______b", minutes(2, 0, 5), &[]);
    check("b______bb", minutes(2, 0, 5), &[(8, "1.1 Fired")]);
    check("b_b", minutes(2, 0, 5), &[(2, "1.1 Fired")]);
    check("bgllllllgg", minutes(0, 3, 5), &[(0, "1.1 Fired"), (9, "1.2 Resolved")]);
    check("bg______gg", minutes(0, 3, 5), &[(0, "1.1 Fired"), (9, "1.2 Resolved")]);
    let long = format!("bb{}b", "_".repeat(61));
    check(&long, minutes(2, 0, 5), &[]);
    let long = format!("bbb{}g", "_".repeat(61));
    check(&long, minutes(2, 0, 5), &[(2, "1.1 Fired"), (64, "1.2 Resolved")]);
}

#[test]
fn a_clock_that_is_set_back_moves_everything_with_it() {
    let mut state = RuleState::default();
    let mut at = |minute: i64| {
        let named = [(String::new(), Verdict::Bad)];
        state.judge(&named, Verdict::Good, minute * MINUTE_MS, minutes(3, 0, 5)).len()
    };
    assert_eq!([at(100), at(101), at(50), at(51), at(52), at(53)], [0, 0, 0, 0, 1, 0]);
}

#[test]
fn series_are_apart_and_only_bad_ones_are_remembered() {
    let mut state = RuleState::default();
    let named = |list: &[(&str, Verdict)]| -> Vec<(Key, Verdict)> {
        list.iter().map(|(key, verdict)| ((*key).to_owned(), *verdict)).collect()
    };
    let timing = minutes(0, 0, 5);
    let first = named(&[("a", Verdict::Bad), ("b", Verdict::Good), ("c", Verdict::Bad)]);
    let fired = state.judge(&first, Verdict::Good, 0, timing);
    let ids: Vec<(&str, u64)> = fired.iter().map(|(key, one)| (key.as_str(), one.alert)).collect();
    assert_eq!(ids, [("a", 1), ("c", 2)]);
    assert!(state.get("b").is_none() && state.get("a").unwrap().is_firing());
    // The answer no longer names `a`.
    let second = state.judge(&named(&[("c", Verdict::Bad)]), Verdict::Good, MINUTE_MS, timing);
    assert_eq!((second.len(), second[0].0.as_str()), (1, "a"));
    assert_eq!(state.series().count(), 1);
    // Numbers are never reused, even those of a forgotten series.
    let third =
        state.judge(&named(&[("a", Verdict::Bad)]), Verdict::Unknown, 2 * MINUTE_MS, timing);
    assert_eq!(third.iter().map(|(_, one)| one.alert).collect::<Vec<u64>>(), [3]);
    let stopped = state.stop(3 * MINUTE_MS);
    assert_eq!(stopped.len(), 2);
    assert!(stopped.iter().all(|(_, one)| one.change == AlertChange::NoData));
    assert_eq!(state.series().count(), 0);
}

#[test]
fn a_rule_about_too_little_misses_what_it_knew_and_forgets_it_after_a_week() {
    let mut state = RuleState::default();
    let timing = minutes(0, 0, 5);
    let named = [("u:alice".to_owned(), Verdict::Good)];
    assert_eq!(state.judge(&named, Verdict::Bad, 0, timing), []);
    let fired = state.judge(&[], Verdict::Bad, MINUTE_MS, timing);
    assert_eq!((fired.len(), fired[0].1.change), (1, AlertChange::Fired));
    let mut ended = Vec::new();
    for minute in 2..=7 * 1_440 {
        ended.extend(state.judge(&[], Verdict::Bad, minute * MINUTE_MS, timing));
    }
    assert_eq!((ended.len(), ended[0].1.change), (1, AlertChange::NoData));
    assert_eq!(state.series().count(), 0);
}

#[test]
fn one_rule_remembers_so_many_series_and_no_more() {
    let mut state = RuleState::default();
    let named: Vec<(Key, Verdict)> =
        (0..limits::RULE_SERIES + 7).map(|n| (n.to_string(), Verdict::Bad)).collect();
    let fired = state.judge(&named, Verdict::Good, 0, minutes(0, 0, 5));
    assert_eq!(fired.len() as u64, limits::RULE_SERIES);
    assert_eq!(state.judge(&named, Verdict::Good, MINUTE_MS, minutes(0, 0, 5)), []);
}

#[test]
fn late_requests_are_told_once_after_five_minutes_and_once_when_over() {
    let mut lateness = Lateness::default();
    let mut told = Vec::new();
    for (minute, mark) in "_lll_llllllll_".chars().enumerate() {
        lateness = serde_json::from_str(&serde_json::to_string(&lateness).unwrap()).unwrap();
        told.extend(lateness.look(mark == 'l', minute as i64 * MINUTE_MS));
    }
    let since_ms = 5 * MINUTE_MS;
    assert_eq!(
        told,
        [
            LatenessChange::CannotJudge { since_ms },
            LatenessChange::CanJudge { since_ms, until_ms: 13 * MINUTE_MS },
        ]
    );
}

/// Computed from all marks at once. Time is counted on two clocks: one stands still while nothing is judged, the other
/// also while verdicts are unknown.
fn expected(marks: &[char], hold: i64, keep: i64, unknown: i64) -> Vec<(i64, AlertChange)> {
    let mut judged = Vec::new();
    let (mut clock, mut known_clock, mut before) = (0, 0, None::<usize>);
    for (minute, mark) in marks.iter().enumerate() {
        if *mark == '_' {
            continue;
        }
        let elapsed = before.map_or(0, |before| (minute - before) as i64);
        let counted = if elapsed > 2 { 1 } else { elapsed };
        before = Some(minute);
        if *mark == 'l' {
            continue;
        }
        clock += counted;
        known_clock += if *mark == '?' { 0 } else { counted };
        judged.push((minute as i64, *mark, clock, known_clock));
    }
    let is_over = |place: usize| -> bool {
        // The run of unknown verdicts that ends here is long enough.
        let first = (0..=place).rev().take_while(|n| judged[*n].1 == '?').last();
        first.is_some_and(|first| judged[place].2 - judged[first].2 >= unknown)
    };
    let (mut found, mut place) = (Vec::new(), 0);
    let (mut began, mut last_bad) = (None::<usize>, None::<usize>);
    while place < judged.len() {
        let (minute, mark, clock, known_clock) = judged[place];
        match (last_bad, mark) {
            (None, 'b') => {
                let first = *began.get_or_insert(place);
                if known_clock - judged[first].3 >= hold {
                    found.push((minute, AlertChange::Fired));
                    last_bad = Some(place);
                }
            }
            (None, '?') if !is_over(place) => {}
            (None, _) => began = None,
            (Some(_), 'b' | 'n') => last_bad = Some(place),
            (Some(last), 'g') if clock - judged[last].2 >= keep => {
                found.push((minute, AlertChange::Resolved));
                (began, last_bad) = (None, None);
            }
            (Some(_), '?') if is_over(place) => {
                found.push((minute, AlertChange::NoData));
                (began, last_bad) = (None, None);
            }
            _ => {}
        }
        place += 1;
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_alert_is_what_all_its_verdicts_say(
        stretches in prop::collection::vec(
            (prop_oneof![4 => Just('b'), 1 => Just('n'), 3 => Just('g'), 2 => Just('?'), 1 => Just('l'), 1 => Just('_')], 1usize..7),
            0..25,
        ),
        hold in 0i64..5,
        keep in 0i64..5,
        unknown in 1i64..6,
    ) {
        let marks: Vec<char> =
            stretches.iter().flat_map(|(mark, count)| vec![*mark; *count]).collect();
        let text: String = marks.iter().collect();
        let transitions = run(&text, minutes(hold, keep, unknown));
        let found: Vec<(i64, AlertChange)> =
            transitions.iter().map(|(minute, one)| (*minute, one.change)).collect();
        prop_assert_eq!(found, expected(&marks, hold, keep, unknown), "{}", text);
        let ids: Vec<(u64, u32)> =
            transitions.iter().map(|(_, one)| (one.alert, one.transition)).collect();
        let in_order: Vec<(u64, u32)> =
            (0..ids.len() as u64).map(|n| (n / 2 + 1, (n % 2 + 1) as u32)).collect();
        prop_assert_eq!(ids, in_order);
    }
}
