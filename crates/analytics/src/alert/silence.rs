//! Consumers that fall silent: the times at which a project's busiest were seen, and whether one is silent for longer
//! than usual.
//!
//! Only a bit per 5 minutes is kept of a consumer. The rule fires after an hour at the earliest, so gaps within two
//! cells are only counted, without their length.

use std::collections::VecDeque;

use super::timeline::{MINUTE_US, WEEK_US};
use super::{Counts, Finding, Observed, ReadyMade, Silence, judge};

pub const CELL_US: i64 = 5 * MINUTE_US;
const CELLS_PER_WORD: i64 = 64;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;

/// The 5-minute cells in which a consumer was seen, a bit each, and the time of its newest request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// The number of the first word. Words hold 64 cells and count from 1970.
    first: i64,
    words: VecDeque<u64>,
    newest_us: Option<i64>,
}

/// A consumer whose silence would be noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    pub name: String,
    /// Requests in 7 days.
    pub requests: u64,
    pub presence: Presence,
}

/// From the first time to before the second, microseconds.
pub type Stretch = (i64, i64);

impl Presence {
    pub fn see(&mut self, time_us: i64) {
        let cell = time_us.div_euclid(CELL_US);
        let word = cell.div_euclid(CELLS_PER_WORD);
        *self.word(word) |= 1 << cell.rem_euclid(CELLS_PER_WORD);
        self.newest_us = self.newest_us.max(Some(time_us));
    }

    pub fn merge(&mut self, other: &Presence) {
        for (place, bits) in other.words.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            *self.word(other.first + place as i64) |= bits;
        }
        self.newest_us = self.newest_us.max(other.newest_us);
    }

    /// Forgets older cells, except those in the same word.
    pub fn forget_before(&mut self, time_us: i64) {
        let word = time_us.div_euclid(CELL_US * CELLS_PER_WORD);
        while self.first < word && self.words.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// Time of the newest request.
    pub fn newest_us(&self) -> Option<i64> {
        self.newest_us
    }

    fn word(&mut self, number: i64) -> &mut u64 {
        if self.words.is_empty() {
            self.first = number;
        }
        while number < self.first {
            self.words.push_front(0);
            self.first -= 1;
        }
        let place = (number - self.first) as usize;
        if place >= self.words.len() {
            self.words.resize(place + 1, 0);
        }
        &mut self.words[place]
    }

    /// The numbers of the cells in which it was seen, between the cells of two times.
    fn cells(&self, from_us: i64, to_us: i64) -> impl Iterator<Item = i64> {
        let (from, to) = (from_us.div_euclid(CELL_US), to_us.div_euclid(CELL_US));
        let words = (self.first..).zip(&self.words);
        let cells = words.flat_map(|(word, bits)| {
            let set = (0..CELLS_PER_WORD).filter(move |bit| bits >> bit & 1 == 1);
            set.map(move |bit| word * CELLS_PER_WORD + bit)
        });
        cells.filter(move |cell| (from..=to).contains(cell))
    }

    /// Stretches between two cells with one at least between them.
    fn gaps(&self, from_us: i64, to_us: i64) -> Vec<Stretch> {
        let cells: Vec<i64> = self.cells(from_us, to_us).collect();
        let neighbours = cells.windows(2).filter(|pair| pair[1] - pair[0] > 1);
        neighbours.map(|pair| (pair[0] * CELL_US, pair[1] * CELL_US)).collect()
    }

    /// The figures that the rule needs, except for the silence itself. `requests`: in 7 days.
    fn observe(&self, requests: u64, end_us: i64) -> Observed {
        let newest_us = self.newest_us.unwrap_or(end_us);
        let week_us = newest_us - WEEK_US;
        let mut gaps: Vec<i64> = self.gaps(week_us, newest_us).iter().map(length_of).collect();
        gaps.sort_unstable_by_key(|us| -us);
        // Shorter gaps are not listed: they are too short to matter.
        let number = (requests.saturating_sub(1) as usize).max(gaps.len());
        let above_p99 = number.saturating_sub(1) - number.saturating_sub(1) * 99 / 100;
        let ms = |place: usize| gaps.get(place).map_or(0, |us| us / 1_000);
        let mut days: Vec<i64> = self
            .cells(week_us, newest_us)
            .map(|cell| (newest_us - cell * CELL_US).div_euclid(DAY_US))
            .collect();
        days.dedup();
        let then_us = end_us - WEEK_US;
        Observed {
            week: Counts { requests, ..Counts::default() },
            days_seen: days.len() as u32,
            gap_p99_ms: ms(above_p99),
            gap_second_ms: ms(1),
            is_expected: self.cells(then_us - 2 * HOUR_US, then_us - HOUR_US).next().is_some(),
            ..Observed::default()
        }
    }
}

/// The findings about consumers that have an alert, or whose alert begins. `is_active`: the consumer has one.
/// `unexpected`: stretches in which no request could be counted.
pub fn silent(
    watched: &[Watched],
    end_us: i64,
    is_active: impl Fn(&str) -> bool,
    unexpected: &[Stretch],
) -> Vec<Finding> {
    let mut unexpected = unexpected.to_vec();
    unexpected.extend(common_silence(watched, end_us));
    let mut findings = Vec::new();
    for consumer in watched {
        let Some(newest_us) = consumer.presence.newest_us() else { continue };
        let is_active = is_active(&consumer.name);
        if end_us - newest_us < HOUR_US && !is_active {
            continue;
        }
        // An alert ends with the next request, and with nothing else.
        let unexpected: &[Stretch] = if is_active { &[] } else { &unexpected };
        let silent_us = uncovered(newest_us, end_us, unexpected);
        let observed = Observed {
            silent_ms: silent_us / 1_000,
            is_active,
            ..consumer.presence.observe(consumer.requests, end_us)
        };
        let verdict = judge(ReadyMade::SilentConsumer, &observed);
        if verdict != super::Verdict::Bad && !is_active {
            continue;
        }
        let minutes = |ms: i64| (ms / 60_000) as u32;
        findings.push(Finding {
            key: consumer.name.clone(),
            verdict,
            window_minutes: ReadyMade::SilentConsumer.rule().window_minutes,
            counts: observed.week,
            base: None,
            silence: Some(Silence {
                minutes: minutes((end_us - newest_us).max(0) / 1_000),
                usual_minutes: minutes(observed.gap_second_ms),
            }),
        });
    }
    findings
}

/// Stretches in which none of several consumers was seen, longer than is usual for all of them together. They are an
/// outage of the project or of the network before it, which other rules notice, and not the silence of a consumer.
fn common_silence(watched: &[Watched], end_us: i64) -> Vec<Stretch> {
    if watched.len() < 2 {
        return Vec::new();
    }
    let (mut all, mut requests) = (Presence::default(), 0);
    for consumer in watched {
        all.merge(&consumer.presence);
        requests += consumer.requests;
    }
    let Some(newest_us) = all.newest_us() else { return Vec::new() };
    let mut gaps = all.gaps(i64::MIN, newest_us);
    gaps.push((newest_us, end_us.max(newest_us)));
    let usual_us = all.observe(requests, end_us).usual_silence_ms() * 1_000;
    gaps.retain(|gap| length_of(gap) > usual_us);
    gaps
}

fn length_of(stretch: &Stretch) -> i64 {
    stretch.1 - stretch.0
}

/// The time between `from_us` and `to_us` that no stretch covers.
fn uncovered(from_us: i64, to_us: i64, stretches: &[Stretch]) -> i64 {
    let mut stretches = stretches.to_vec();
    stretches.sort_unstable();
    let (mut uncovered, mut at_us) = (0, from_us);
    for (begin_us, end_us) in stretches {
        uncovered += (begin_us.min(to_us) - at_us).max(0);
        at_us = at_us.max(end_us);
    }
    uncovered + (to_us - at_us).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presence_remembers_cells_in_any_order_and_forgets_old_ones() {
        let mut presence = Presence::default();
        let minutes = |presence: &Presence| {
            let cells = presence.cells(0, 100 * DAY_US);
            cells.map(|cell| cell * 5).collect::<Vec<i64>>()
        };
        for minute in [4_000, 12, 14, 9_000] {
            presence.see(minute * MINUTE_US);
        }
        assert_eq!(minutes(&presence), [10, 4_000, 9_000]);
        assert_eq!(presence.newest_us(), Some(9_000 * MINUTE_US));
        let mut other = Presence::default();
        other.see(-7 * MINUTE_US);
        other.see(500 * MINUTE_US);
        other.merge(&presence);
        assert_eq!(minutes(&other), [10, 500, 4_000, 9_000]);
        assert_eq!(other.newest_us(), presence.newest_us());
        assert_eq!(other.gaps(0, 600 * MINUTE_US), [(10 * MINUTE_US, 500 * MINUTE_US)]);
        other.forget_before(3_900 * MINUTE_US);
        assert_eq!(minutes(&other), [4_000, 9_000]);
        other.forget_before(99_000 * MINUTE_US);
        assert_eq!((minutes(&other), other.newest_us()), (Vec::new(), presence.newest_us()));
        other.see(20 * MINUTE_US);
        assert_eq!(minutes(&other), [20]);
    }

    #[test]
    fn covered_time_counts_once() {
        let all = [(5, 8), (2, 6), (20, 30), (0, 1)];
        assert_eq!(uncovered(0, 10, &all), 3);
        assert_eq!(uncovered(3, 25, &all), 12);
        assert_eq!(uncovered(0, 10, &[]), 10);
        assert_eq!(uncovered(22, 28, &all), 0);
    }
}
