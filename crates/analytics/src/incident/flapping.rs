//! Whether a monitor changes too often to announce each change: the weighted share of changes among its newest results,
//! the newest weighing half as much again as the oldest (as in Icinga 2 and Nagios).

use serde::{Deserialize, Serialize};

use crate::limits;

const RESULTS: u32 = limits::FLAPPING_RESULTS as u32;

/// The weight of the oldest result; each newer one weighs 1 more. With 20 results: from 40 to 59.
const OLDEST_WEIGHT: u32 = 2 * RESULTS;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flapping {
    last_is_success: Option<bool>,
    /// A bit per result, the newest lowest: whether it differed from the previous one.
    changes: u32,
}

impl Flapping {
    pub fn push(&mut self, is_success: bool) {
        let changed = self.last_is_success.is_some_and(|last| last != is_success);
        self.changes = (self.changes << 1 | u32::from(changed)) & ((1 << RESULTS) - 1);
        self.last_is_success = Some(is_success);
    }

    pub fn begins(self) -> bool {
        let (changed, whole) = self.weights();
        changed * 100 >= whole * limits::FLAPPING_ON_PERCENT as u32
    }

    pub fn ends(self) -> bool {
        let (changed, whole) = self.weights();
        changed * 100 < whole * limits::FLAPPING_OFF_PERCENT as u32
    }

    fn weights(self) -> (u32, u32) {
        let weight = |age: u32| OLDEST_WEIGHT + RESULTS - 1 - age;
        let changed = (0..RESULTS).filter(|age| self.changes >> age & 1 == 1).map(weight).sum();
        (changed, (0..RESULTS).map(weight).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const _: () = assert!(RESULTS < 32);

    fn after(marks: &str) -> Flapping {
        let mut flapping = Flapping::default();
        marks.bytes().for_each(|mark| flapping.push(mark == b'.'));
        flapping
    }

    #[test]
    fn flapping_begins_at_six_changes_and_ends_below_a_quarter() {
        assert!(!after("").begins() && after("").ends());
        assert!(!after("x.x.x.").begins(), "five changes, and the first result is none");
        assert!(after("x.x.x.x").begins());
        // The same six changes weigh less with every result, and still more than a quarter when they leave one by one.
        let calm = |results: usize| after(&format!("x.x.x.x{}", "x".repeat(results)));
        assert!(calm(0).begins() && calm(1).begins());
        let ended = (0..30).find(|results| calm(*results).ends());
        assert_eq!(ended, Some(15), "the second of the changes leaves");
        assert_eq!(after("x".repeat(50).as_str()).weights().0, 0);
        assert_eq!(after(&"x.".repeat(30)).weights(), (990, 990));
    }
}
