//! A budget of memory with many users, of which one payer may have half.
//!
//! Dropping a `Charge` returns its amount.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// `K`: the payer, such as a client's address.
pub struct Budget<K> {
    size: usize,
    of_one: usize,
    all: Arc<Semaphore>,
    payers: Mutex<HashMap<K, Arc<Semaphore>>>,
}

/// A part of a budget, returned on drop.
#[derive(Debug)]
pub struct Charge {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

/// Payers remembered before idle ones are removed.
const TIDY_FROM: usize = 256;

impl<K: Eq + Hash + Copy> Budget<K> {
    pub fn new(size: usize) -> Budget<K> {
        // A single charge is counted in 32 bits.
        let size = size.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Budget {
            size,
            of_one: (size / 2).max(1),
            all: Arc::new(Semaphore::new(size)),
            payers: Mutex::default(),
        }
    }

    /// Takes `amount` once it is available, first come, first served; none if it exceeds the whole budget.
    pub async fn take(&self, payer: K, amount: usize) -> Option<Charge> {
        let amount = u32::try_from(amount).ok().filter(|amount| *amount as usize <= self.of_one)?;
        // The payer's own budget first: a payer with many charges does not get in the way of others.
        let own = self.of_payer(payer).acquire_many_owned(amount).await.ok()?;
        Some(Charge { own, all: self.all.clone().acquire_many_owned(amount).await.ok()? })
    }

    /// Takes `amount`, or none if there is not enough left.
    pub fn try_take(&self, payer: K, amount: usize) -> Option<Charge> {
        let amount = u32::try_from(amount).ok()?;
        let own = self.of_payer(payer).try_acquire_many_owned(amount).ok()?;
        Some(Charge { own, all: self.all.clone().try_acquire_many_owned(amount).ok()? })
    }

    /// The most that one payer may have.
    pub fn of_one(&self) -> usize {
        self.of_one
    }

    /// True if little of it is left, for any of its payers or overall.
    pub fn is_short(&self) -> bool {
        let payers = self.payers.lock().unwrap_or_else(PoisonError::into_inner);
        is_low(&self.all, self.size) || payers.values().any(|one| is_low(one, self.of_one))
    }

    /// True if little of it is left for this payer.
    pub fn is_short_for(&self, payer: K) -> bool {
        is_low(&self.all, self.size) || is_low(&self.of_payer(payer), self.of_one)
    }

    fn of_payer(&self, payer: K) -> Arc<Semaphore> {
        let mut payers = self.payers.lock().unwrap_or_else(PoisonError::into_inner);
        if payers.len() >= TIDY_FROM && !payers.contains_key(&payer) {
            // A payer without a charge that nobody waits for equals a new one.
            payers.retain(|_, one| {
                Arc::strong_count(one) > 1 || one.available_permits() < self.of_one
            });
        }
        payers.entry(payer).or_insert_with(|| Arc::new(Semaphore::new(self.of_one))).clone()
    }
}

fn is_low(left: &Semaphore, size: usize) -> bool {
    left.available_permits() < size.div_ceil(4)
}

impl Charge {
    /// Merges two charges of the same budget and payer.
    pub fn merge(&mut self, more: Charge) {
        self.own.merge(more.own);
        self.all.merge(more.all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_payer_has_half_and_all_have_what_there_is() {
        let budget = Budget::new(100);
        let mut one = budget.try_take("one", 40).unwrap();
        assert!(budget.is_short(), "of its half little is left");
        assert!(budget.try_take("one", 11).is_none());
        one.merge(budget.try_take("one", 10).unwrap());
        let other = budget.try_take("other", 40).unwrap();
        assert!(budget.try_take("third", 11).is_none(), "all of it is used");
        drop(other);
        assert!(budget.try_take("third", 11).is_some());
        drop(one);
        assert!(budget.try_take("one", 50).is_some());
        assert!(!budget.is_short());
    }

    #[tokio::test]
    async fn whoever_waits_is_served_when_something_comes_back() {
        let budget = Budget::new(100);
        let held = [budget.try_take("one", 50).unwrap(), budget.try_take("other", 50).unwrap()];
        assert!(budget.take("third", 51).await.is_none(), "more than it may ever have");
        let later = async {
            tokio::task::yield_now().await;
            drop(held);
        };
        let (taken, ()) = tokio::join!(budget.take("third", 20), later);
        assert!(taken.is_some());
    }

    #[test]
    fn payers_are_forgotten_when_they_have_nothing() {
        let budget = Budget::new(1_000_000);
        let held = budget.try_take(0, 1).unwrap();
        for payer in 1..10_000 {
            drop(budget.try_take(payer, 1));
        }
        let payers = budget.payers.lock().unwrap();
        assert!(payers.len() <= TIDY_FROM && payers.contains_key(&0));
        drop(held);
    }
}
