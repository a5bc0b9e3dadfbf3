//! The memory of answers: a budget for all of them together, whoever asks for however much.
//!
//! A list is sent in pieces. Before it is read it takes a share of the budget, which covers a piece that is being made and
//! one that waits to be sent, and keeps it until its last byte has been handed to the network. There are so many shares; of one
//! client address only half. An answer that gets none in time is refused.
//!
//! Answers that are made whole are small, and charged by their size. They have a budget of their own, so that a page never
//! waits for somebody's export.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{ApiError, Code};

/// The budget of all answers.
pub struct Answers {
    shares: Arc<Semaphore>,
    of_one_address: usize,
    addresses: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
    wait: Duration,
    waiting: AtomicUsize,
    /// Bytes of answers that were made whole.
    whole: Arc<Semaphore>,
    /// Bytes of names that lists gather while they are sent.
    names: Arc<Semaphore>,
}

#[derive(Clone, Copy, Debug)]
pub struct AnswerLimits {
    /// Lists that may be on their way at a time.
    pub lists: usize,
    pub wait: Duration,
    /// Bytes of all answers that were made whole.
    pub whole_bytes: usize,
    /// Bytes of names that lists gather while they are sent.
    pub names_bytes: usize,
}

/// Put beside an answer whose memory is counted already, or is the program's own.
#[derive(Clone, Copy)]
pub struct Accounted;

/// A list's share, held by what is still to be sent of it.
#[derive(Clone)]
pub struct Share {
    _held: Arc<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

/// Counts as waiting for as long as it lives.
pub struct Waits<'a>(&'a AtomicUsize);

impl Answers {
    pub fn new(limits: AnswerLimits) -> Answers {
        Answers {
            shares: Arc::new(Semaphore::new(limits.lists)),
            of_one_address: (limits.lists / 2).max(1),
            addresses: Mutex::default(),
            wait: limits.wait,
            waiting: AtomicUsize::new(0),
            whole: Arc::new(Semaphore::new(limits.whole_bytes)),
            names: Arc::new(Semaphore::new(limits.names_bytes)),
        }
    }

    /// Waits for a list's share.
    pub async fn take(&self, client: IpAddr) -> Result<Share, ApiError> {
        let _waits = Waits::count(&self.waiting);
        let of_address = self.of_address(client);
        let taking = async {
            // The address's own first: who has many under way does not stand in the way of others.
            let own = of_address.acquire_owned().await.ok()?;
            Some((own, self.shares.clone().acquire_owned().await.ok()?))
        };
        match tokio::time::timeout(self.wait, taking).await {
            Ok(Some(held)) => Ok(Share { _held: Arc::new(held) }),
            _ => Err(overloaded()),
        }
    }

    /// Charges an answer that was made whole; none where too many are on their way.
    pub fn charge(&self, bytes: usize) -> Result<OwnedSemaphorePermit, ApiError> {
        charge(&self.whole, bytes)
    }

    /// Charges names that a list gathers beside its share; none where there are too many.
    pub fn charge_names(&self, bytes: usize) -> Result<OwnedSemaphorePermit, ApiError> {
        charge(&self.names, bytes)
    }

    /// Lists that wait for a share: those who do not read theirs are in their way.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn of_address(&self, client: IpAddr) -> Arc<Semaphore> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        // One that nobody waits for or holds a share of is as good as a new one.
        addresses.retain(|_, one| {
            Arc::strong_count(one) > 1 || one.available_permits() < self.of_one_address
        });
        let fresh = || Arc::new(Semaphore::new(self.of_one_address));
        addresses.entry(client).or_insert_with(fresh).clone()
    }
}

impl Share {
    /// A piece that keeps the share until it was handed to the network.
    pub fn hold(&self, piece: Vec<u8>) -> Bytes {
        Bytes::from_owner(Held { piece, _share: self.clone() })
    }
}

struct Held {
    piece: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

impl Waits<'_> {
    pub fn count(waiting: &AtomicUsize) -> Waits<'_> {
        waiting.fetch_add(1, Ordering::Relaxed);
        Waits(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn charge(budget: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, ApiError> {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    budget.clone().try_acquire_many_owned(bytes).map_err(|_| overloaded())
}

fn overloaded() -> ApiError {
    ApiError::new(
        Code::Overloaded,
        "too many answers are on their way to clients that read slowly; ask again after the time in Retry-After",
    )
    .retry_after(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Answers {
        let wait = Duration::from_millis(20);
        Answers::new(AnswerLimits { lists: 4, wait, whole_bytes: 1_000, names_bytes: 1_000 })
    }

    fn client(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[tokio::test]
    async fn an_address_has_half_of_the_shares_and_all_together_have_as_many_as_there_are() {
        let answers = answers();
        let mut held = vec![
            answers.take(client(1)).await.ok().unwrap(),
            answers.take(client(1)).await.ok().unwrap(),
        ];
        assert!(answers.take(client(1)).await.is_err_and(|error| error.code == Code::Overloaded));
        held.push(answers.take(client(2)).await.ok().unwrap());
        held.push(answers.take(client(3)).await.ok().unwrap());
        assert!(answers.take(client(4)).await.is_err());
        held.pop();
        assert!(answers.take(client(4)).await.is_ok());
        drop(held);
        assert!(answers.take(client(1)).await.is_ok());
        assert_eq!(answers.waiting(), 0);
        assert_eq!(answers.addresses.lock().unwrap().len(), 1, "the others are forgotten");
    }

    #[tokio::test]
    async fn a_share_is_held_until_the_last_piece_is_gone() {
        let answers = answers();
        let share = answers.take(client(1)).await.ok().unwrap();
        let piece = share.hold(b"hits".to_vec());
        drop(share);
        assert_eq!(answers.shares.available_permits(), 3);
        assert_eq!(piece.slice(1..), b"its"[..]);
        drop(piece);
        assert_eq!(answers.shares.available_permits(), 4);
    }

    #[test]
    fn whole_answers_are_charged_by_their_size() {
        let answers = answers();
        let one = answers.charge(800).ok().unwrap();
        assert!(answers.charge(300).is_err());
        drop(one);
        assert!(answers.charge(300).is_ok());
    }
}
