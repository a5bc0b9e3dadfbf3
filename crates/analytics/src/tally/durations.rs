//! Durations of single consumers, of whom only those that an answer shows matter: which these are is known at the end.
//!
//! They are gathered one by one as long as they are few; then of those consumers alone who had most of them until then, since
//! the busiest of a stretch are mostly the busiest of all. Whoever is shown and is not among these is read once more.

use crate::latency::Histogram;
use crate::limits;
use crate::slots::Slots;

use super::NO_LATENCY;

#[derive(Debug)]
pub(super) enum Durations {
    /// (place of the consumer, latency).
    Each(Vec<(u32, u16)>),
    Busiest {
        /// By the consumer's place: a place in `latencies`, and one more.
        of: Slots<u32>,
        latencies: Vec<Histogram>,
    },
}

impl Default for Durations {
    fn default() -> Durations {
        Durations::Each(Vec::new())
    }
}

impl Durations {
    /// Of each hit whose it is (`u32::MAX`: nobody's) and how long it took.
    pub fn add(&mut self, places: &[u32], latencies: &[u16]) {
        let known = places.iter().zip(latencies).map(|(&place, &latency)| (place, latency));
        let known = known.filter(|(place, latency)| *place != u32::MAX && *latency != NO_LATENCY);
        match self {
            Durations::Each(each) => {
                each.extend(known);
                if each.len() > limits::GATHERED_DURATIONS as usize {
                    *self = Durations::of_busiest(each);
                }
            }
            Durations::Busiest { of, latencies } => {
                for (place, latency) in known {
                    if let Some(at) = of.get(place).and_then(|at| (*at as usize).checked_sub(1)) {
                        latencies[at].add(latency, 1);
                    }
                }
            }
        }
    }

    fn of_busiest(each: &[(u32, u16)]) -> Durations {
        let mut counts: Slots<u32> = Slots::default();
        each.iter().for_each(|(place, _)| *counts.slot(*place) += 1);
        let mut busiest: Vec<(u32, u32)> =
            counts.iter().filter(|(_, count)| **count > 0).map(|(place, n)| (*n, place)).collect();
        busiest.sort_unstable_by(|one, other| other.cmp(one));
        busiest.truncate(limits::GATHERED_CONSUMERS as usize);
        let mut of: Slots<u32> = Slots::default();
        for (at, (_, place)) in (1..).zip(&busiest) {
            *of.slot(*place) = at;
        }
        let mut made =
            Durations::Busiest { of, latencies: vec![Histogram::default(); busiest.len()] };
        let (places, latencies): (Vec<u32>, Vec<u16>) = each.iter().copied().unzip();
        made.add(&places, &latencies);
        made
    }

    /// Gives the durations of those consumers that `wanted` has a number for (by place; and one more): the number, the
    /// latency, how many. False where not all of theirs were gathered.
    pub fn each(&self, wanted: &[u32], mut take: impl FnMut(u32, u16, u64)) -> bool {
        match self {
            Durations::Each(each) => {
                for (place, latency) in each {
                    if let Some(number) = wanted[*place as usize].checked_sub(1) {
                        take(number, *latency, 1);
                    }
                }
            }
            Durations::Busiest { of, latencies } => {
                let numbers = (0..).zip(wanted).filter(|(_, number)| **number > 0);
                for (place, number) in numbers {
                    let at = of.get(place).and_then(|at| (*at as usize).checked_sub(1));
                    let Some(at) = at else { return false };
                    for (latency, count) in latencies[at].iter() {
                        take(number - 1, latency, count);
                    }
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_keep_all_their_durations_and_the_rest_is_said_to_be_missing() {
        let mut durations = Durations::default();
        // One consumer has every other hit, the other half is of so many that not all can be kept.
        let others = 2 * limits::GATHERED_CONSUMERS as u32;
        let hits = 2 * limits::GATHERED_DURATIONS as u32;
        for start in (0..hits).step_by(1_000) {
            let hits = start..start + 1_000;
            let places: Vec<u32> =
                hits.clone().map(|n| if n % 2 == 0 { 0 } else { 1 + n / 2 % others }).collect();
            durations.add(&places, &vec![7; 1_000]);
            durations.add(&[u32::MAX, 0], &[7, NO_LATENCY]);
        }
        assert!(matches!(durations, Durations::Busiest { .. }));
        let asked = |place: usize| {
            let mut wanted = vec![0; others as usize + 1];
            wanted[place] = 5;
            let mut found = 0;
            let all = durations.each(&wanted, |number, latency, count| {
                assert_eq!((number, latency), (4, 7));
                found += count;
            });
            (all, found)
        };
        assert_eq!(asked(0), (true, u64::from(hits / 2)));
        let kept = (1..=others as usize).filter(|place| asked(*place).0).count();
        assert_eq!(kept as u64, limits::GATHERED_CONSUMERS - 1);
    }
}
