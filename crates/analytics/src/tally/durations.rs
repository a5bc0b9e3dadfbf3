//! Durations of single consumers. Only those of consumers that an answer shows matter, which are known at the end.
//!
//! They are gathered one by one while they are few; then only for the consumers that had most of them so far, since the
//! busiest of a stretch are mostly the busiest of all. A consumer that is shown but not among these is read again.

use super::NO_LATENCY;
use super::counts;
use crate::limits;
use crate::slots::Slots;

/// Consumers are numbers chosen by the caller, close together.
#[derive(Debug)]
pub(super) enum Durations {
    /// (consumer, latency).
    Each(Vec<(u32, u16)>),
    Busiest {
        /// By consumer: an index in `latencies`, plus one.
        of: Slots<u32>,
        latencies: Vec<counts::Durations>,
    },
}

impl Default for Durations {
    fn default() -> Durations {
        Durations::Each(Vec::new())
    }
}

impl Durations {
    /// Each hit's consumer (`u32::MAX`: none wanted) and duration. `is_sparse`: consumers are few of very many numbers.
    pub fn add(&mut self, hits: impl Iterator<Item = (u32, u16)>, is_sparse: bool) {
        let known = hits.filter(|(whose, latency)| *whose != u32::MAX && *latency != NO_LATENCY);
        match self {
            Durations::Each(each) => {
                each.extend(known);
                if each.len() > limits::GATHERED_DURATIONS as usize {
                    *self = Durations::of_busiest(each, is_sparse);
                }
            }
            Durations::Busiest { of, latencies } => {
                for (whose, latency) in known {
                    if let Some(at) = of.get(whose).and_then(|at| (*at as usize).checked_sub(1)) {
                        latencies[at].add(latency, 1);
                    }
                }
            }
        }
    }

    fn of_busiest(each: &[(u32, u16)], is_sparse: bool) -> Durations {
        let slots = || if is_sparse { Slots::sparse() } else { Slots::default() };
        let mut counts: Slots<u32> = slots();
        each.iter().for_each(|(whose, _)| *counts.slot(*whose) += 1);
        let mut busiest: Vec<(u32, u32)> =
            counts.iter().filter(|(_, count)| **count > 0).map(|(whose, n)| (*n, whose)).collect();
        busiest.sort_unstable_by(|one, other| other.cmp(one));
        busiest.truncate(limits::GATHERED_CONSUMERS as usize);
        let mut of: Slots<u32> = slots();
        for (at, (_, whose)) in (1..).zip(&busiest) {
            *of.slot(*whose) = at;
        }
        let mut made =
            Durations::Busiest { of, latencies: vec![counts::Durations::default(); busiest.len()] };
        made.add(each.iter().copied(), is_sparse);
        made
    }

    /// Gives back the room for more.
    pub fn shrink(&mut self) {
        match self {
            Durations::Each(each) => each.shrink_to_fit(),
            Durations::Busiest { latencies, .. } => {
                latencies.iter_mut().for_each(counts::Durations::shrink);
            }
        }
    }

    /// Gives the latency of each hit of the `wanted` consumers, with its count. False if not all of theirs were
    /// gathered.
    pub fn each(&self, wanted: &Slots<bool>, mut take: impl FnMut(u32, u16, u64)) -> bool {
        match self {
            Durations::Each(each) => {
                for (whose, latency) in each {
                    if wanted.get(*whose).copied().unwrap_or_default() {
                        take(*whose, *latency, 1);
                    }
                }
            }
            Durations::Busiest { of, latencies } => {
                for (whose, _) in wanted.iter().filter(|(_, wanted)| **wanted) {
                    let at = of.get(whose).and_then(|at| (*at as usize).checked_sub(1));
                    let Some(at) = at else { return false };
                    for (latency, count) in latencies[at].iter() {
                        take(whose, latency, count);
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
        [false, true].into_iter().for_each(busiest_keep_all);
    }

    fn busiest_keep_all(is_sparse: bool) {
        let mut durations = Durations::default();
        // One consumer has every other hit; the other half belongs to so many that not all can be kept.
        let others = 2 * limits::GATHERED_CONSUMERS as u32;
        let hits = 2 * limits::GATHERED_DURATIONS as u32;
        for start in (0..hits).step_by(1_000) {
            let hits = start..start + 1_000;
            let places: Vec<u32> =
                hits.clone().map(|n| if n % 2 == 0 { 0 } else { 1 + n / 2 % others }).collect();
            durations.add(places.into_iter().map(|whose| (whose, 7)), is_sparse);
            durations.add([(u32::MAX, 7), (0, NO_LATENCY)].into_iter(), is_sparse);
        }
        assert!(matches!(durations, Durations::Busiest { .. }));
        let asked = |whose: u32| {
            let mut wanted = Slots::default();
            *wanted.slot(whose) = true;
            let mut found = 0;
            let all = durations.each(&wanted, |of, latency, count| {
                assert_eq!((of, latency), (whose, 7));
                found += count;
            });
            (all, found)
        };
        assert_eq!(asked(0), (true, u64::from(hits / 2)));
        let kept = (1..=others).filter(|whose| asked(*whose).0).count();
        assert_eq!(kept as u64, limits::GATHERED_CONSUMERS - 1);
    }
}
