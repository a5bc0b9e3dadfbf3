//! Counts distinct values: exactly while they are few, above that with a HyperLogLog sketch of 8 KB.
//!
//! The sketch (Flajolet, Fusy, Gandouet and Meunier, 2007) over 64-bit hashes, read with Ertl's estimator ("New
//! cardinality estimation algorithms for HyperLogLog sketches", 2017), which needs no correction by range. Its relative
//! standard error is 1.04 / sqrt(8192) = 1.15 %. Sketches and exact sets merge in any order to the same result, so the
//! number does not depend on how hits are spread over files and threads.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// log2 of the number of registers.
const PRECISION: u32 = 13;
const REGISTERS: usize = 1 << PRECISION;
/// The first byte written by `Distinct::to_bytes`.
const AS_HASHES: u8 = 1;
const AS_REGISTERS: u8 = 2;
/// The greatest rank of the remaining bits of a hash.
const MAX_RANK: usize = 64 - PRECISION as usize + 1;

/// A distinct count over hashes.
#[derive(Clone, Debug)]
pub struct Distinct {
    seen: Seen,
    /// The greatest count that is exact.
    exact: usize,
}

#[derive(Clone, Debug)]
enum Seen {
    Hashes(HashSet<u64, BuildHasherDefault<Prehashed>>),
    Registers(Box<[u8; REGISTERS]>),
}

/// A distinct count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DistinctCount {
    pub count: u64,
    /// Whether it is an estimate, with a relative standard error of 1.15 %.
    pub about: bool,
}

impl DistinctCount {
    pub fn at_most(self, most: u64) -> DistinctCount {
        DistinctCount { count: self.count.min(most), ..self }
    }
}

impl Distinct {
    /// `exact`: the greatest count that is exact.
    pub fn new(exact: u64) -> Distinct {
        Distinct { seen: Seen::Hashes(HashSet::default()), exact: exact as usize }
    }

    /// `hash`: well mixed in all of its bits.
    #[inline]
    pub fn add(&mut self, hash: u64) {
        match &mut self.seen {
            Seen::Registers(registers) => add_to(registers, hash),
            Seen::Hashes(hashes) => {
                hashes.insert(hash);
                if hashes.len() > self.exact {
                    self.estimate_from_now_on();
                }
            }
        }
    }

    pub fn merge(&mut self, other: &Distinct) {
        match (&mut self.seen, &other.seen) {
            (_, Seen::Hashes(hashes)) => hashes.iter().for_each(|hash| self.add(*hash)),
            (Seen::Hashes(_), Seen::Registers(_)) => {
                self.estimate_from_now_on();
                self.merge(other);
            }
            (Seen::Registers(into), Seen::Registers(from)) => {
                into.iter_mut()
                    .zip(from.iter())
                    .for_each(|(into, from)| *into = (*into).max(*from));
            }
        }
    }

    pub fn count(&self) -> DistinctCount {
        match &self.seen {
            Seen::Hashes(hashes) => DistinctCount { count: hashes.len() as u64, about: false },
            Seen::Registers(registers) => {
                DistinctCount { count: estimate(registers).round() as u64, about: true }
            }
        }
    }

    /// For a file: a byte that says which form it is, then the hashes in ascending order (little-endian), or the
    /// registers.
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.seen {
            Seen::Hashes(hashes) => {
                let mut sorted: Vec<u64> = hashes.iter().copied().collect();
                sorted.sort_unstable();
                let hashes = sorted.iter().flat_map(|hash| hash.to_le_bytes());
                std::iter::once(AS_HASHES).chain(hashes).collect()
            }
            Seen::Registers(registers) => {
                std::iter::once(AS_REGISTERS).chain(registers.iter().copied()).collect()
            }
        }
    }

    /// Reads the bytes of `to_bytes`; None for any others. Merge it into a count that has a limit.
    pub fn from_bytes(bytes: &[u8]) -> Option<Distinct> {
        let (kind, bytes) = bytes.split_first()?;
        let mut distinct = Distinct::new(u64::MAX);
        match *kind {
            AS_HASHES => {
                let (hashes, []) = bytes.as_chunks() else { return None };
                hashes.iter().for_each(|hash| distinct.add(u64::from_le_bytes(*hash)));
            }
            AS_REGISTERS => {
                let registers: [u8; REGISTERS] = bytes.try_into().ok()?;
                if registers.iter().any(|rank| usize::from(*rank) > MAX_RANK) {
                    return None;
                }
                distinct.seen = Seen::Registers(Box::new(registers));
            }
            _ => return None,
        }
        Some(distinct)
    }

    #[cold]
    fn estimate_from_now_on(&mut self) {
        let mut registers = Box::new([0; REGISTERS]);
        if let Seen::Hashes(hashes) = &self.seen {
            hashes.iter().for_each(|hash| add_to(&mut registers, *hash));
        }
        self.seen = Seen::Registers(registers);
    }
}

#[inline]
fn add_to(registers: &mut [u8; REGISTERS], hash: u64) {
    let register = &mut registers[(hash >> (64 - PRECISION)) as usize];
    // The lowest bit is set, so that the run of zeros ends.
    let rank = ((hash << PRECISION) | (1 << (PRECISION - 1))).leading_zeros() as u8 + 1;
    *register = (*register).max(rank);
}

fn estimate(registers: &[u8; REGISTERS]) -> f64 {
    let mut ranks = [0u32; MAX_RANK + 1];
    registers.iter().for_each(|rank| ranks[usize::from(*rank)] += 1);
    let m = REGISTERS as f64;
    let mut z = m * tau(1.0 - f64::from(ranks[MAX_RANK]) / m);
    for rank in (1..MAX_RANK).rev() {
        z = 0.5 * (z + f64::from(ranks[rank]));
    }
    z += m * sigma(f64::from(ranks[0]) / m);
    m * m / (2.0 * std::f64::consts::LN_2 * z)
}

/// x + the sum over k >= 1 of x^(2^k) * 2^(k-1).
fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut factor, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * factor;
        factor *= 2.0;
        if sum <= before {
            return sum;
        }
    }
}

/// (1 - x - the sum over k >= 1 of (1 - x^(2^-k))^2 * 2^-k) / 3.
fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut factor, mut rest) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        factor *= 0.5;
        let before = rest;
        rest -= (1.0 - x).powi(2) * factor;
        if rest >= before {
            return rest / 3.0;
        }
    }
}

/// Keys are hashes already and need no other.
#[derive(Clone, Debug, Default)]
pub(super) struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers of 64 bits are hashed");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64: the n-th of a sequence without repetition.
    fn hash(n: u64) -> u64 {
        let mut mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    #[test]
    fn a_count_is_exact_up_to_its_limit() {
        let mut distinct = Distinct::new(1_000);
        for n in 0..1_000 {
            distinct.add(hash(n));
            distinct.add(hash(n / 2));
        }
        assert_eq!(distinct.count(), DistinctCount { count: 1_000, about: false });
        distinct.add(hash(1_000));
        let DistinctCount { count, about } = distinct.count();
        assert!(about && (950..=1_050).contains(&count), "{count}");
    }

    #[test]
    fn an_estimate_is_off_by_what_is_promised() {
        for size in [100, 3_000, 20_000, 50_000, 200_000, 1_000_000] {
            let rounds = 60;
            let errors: Vec<f64> = (0..rounds)
                .map(|round| {
                    let mut distinct = Distinct::new(0);
                    (0..size).for_each(|n| distinct.add(hash(round << 40 | n)));
                    distinct.count().count as f64 / size as f64 - 1.0
                })
                .collect();
            let mean = errors.iter().sum::<f64>() / rounds as f64;
            let deviation =
                (errors.iter().map(|error| error * error).sum::<f64>() / rounds as f64).sqrt();
            // Five standard errors of the measured mean.
            assert!(mean.abs() < 0.0115 * 5.0 / (rounds as f64).sqrt(), "{size}: bias {mean}");
            assert!(deviation < 0.0115 * 1.5, "{size}: deviation {deviation}");
        }
    }

    #[test]
    fn parts_add_up_to_the_same_however_they_are_cut() {
        for (size, exact) in [(500, 1_000), (5_000, 1_000), (5_000, 100)] {
            let mut whole = Distinct::new(exact);
            (0..size).for_each(|n| whole.add(hash(n)));
            for parts in [2, 7] {
                let part = |part: u64| {
                    let mut distinct = Distinct::new(exact);
                    // The parts overlap.
                    let own = (0..size).filter(|n| n % parts == part || n % 3 == 0);
                    own.for_each(|n| distinct.add(hash(n)));
                    distinct
                };
                let mut merged = Distinct::new(exact);
                (0..parts).for_each(|n| merged.merge(&part(n)));
                assert_eq!(merged.count(), whole.count(), "{size} in {parts}");
                let mut backwards = Distinct::new(exact);
                (0..parts).rev().for_each(|n| backwards.merge(&part(n)));
                assert_eq!(backwards.count(), whole.count(), "{size} in {parts}");
            }
        }
    }

    #[test]
    fn bytes_are_read_back_and_others_are_refused() {
        for (size, exact) in [(0, 10), (10, 10), (11, 10), (5_000, 10)] {
            let mut distinct = Distinct::new(exact);
            (0..size).for_each(|n| distinct.add(hash(n)));
            let bytes = distinct.to_bytes();
            let back = Distinct::from_bytes(&bytes).unwrap();
            assert_eq!((back.count(), back.to_bytes()), (distinct.count(), bytes.clone()));
            let mut limited = Distinct::new(5);
            limited.merge(&back);
            assert_eq!(limited.count().about, size > 5);
            assert!(Distinct::from_bytes(&bytes[..bytes.len() - 1]).is_none());
            assert!(Distinct::from_bytes(&[&bytes[..], &[0]].concat()).is_none());
        }
        let no_rank = [&[AS_REGISTERS], &[99; REGISTERS][..]].concat();
        assert!(Distinct::from_bytes(&no_rank).is_none());
        assert!(Distinct::from_bytes(&[7]).is_none());
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(Distinct::new(0).count(), DistinctCount::default());
        let mut sketch = Distinct::new(0);
        sketch.estimate_from_now_on();
        assert_eq!(sketch.count().count, 0);
    }
}
