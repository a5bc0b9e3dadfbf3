//! Pseudo-random numbers, always the same for the same seed. Not for secrets.

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(super) struct Random {
    state: u64,
}

/// A hash of several numbers: a change of any changes all of it.
pub(super) fn hash(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |hash, part| mix(hash ^ mix(*part)))
}

impl Random {
    pub fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// From 0 to 1, 1 excluded.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 to `end`, which is excluded.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.share() * end as f64) as u64
    }

    /// Like `below`, with low numbers more often: a few of many callers make most of the calls.
    pub fn often_low(&mut self, end: u64) -> u64 {
        let share = self.share();
        (share * share * share * end as f64) as u64
    }

    /// Around 0, with a standard deviation of 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let (one, other) = (1.0 - self.share(), self.share());
        (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }

    /// Poisson: how many independent events happen if `mean` are expected (Knuth); for small means.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        let (enough, mut product, mut count) = ((-mean).exp(), self.share(), 0);
        while product > enough {
            product *= self.share();
            count += 1;
        }
        count
    }

    /// A random index into `weights`, each as often as its weight says. There is at least one.
    pub fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut left = self.share() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (place, weight) in weights.enumerate() {
            last = place;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        last
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
