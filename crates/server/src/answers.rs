//! The memory of answers: a shared budget, whoever asks for however much.
//!
//! A list is sent in pieces. Before it is read it takes a share of the budget, which covers a piece in the making and
//! one waiting to be sent, and keeps it until its last byte has been handed to the network. The number of shares is
//! limited, and one client address may hold half of them. A list that gets no share in time is refused.
//!
//! Answers built as a whole are charged by their size, and refused at once if there is no room. Small ones (pages,
//! mostly) have their own budget, so that they never wait for somebody's export; one address may use half of it, too.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use analytics::limits;
use axum::body::Bytes;

use crate::budget::{Budget, Charge};
use crate::error::{ApiError, Code};

/// The budgets of all answers.
pub struct Answers {
    lists: Budget<IpAddr>,
    wait: Duration,
    /// Lists waiting for a share: each holds a connection.
    waits: Budget<IpAddr>,
    waiting: AtomicUsize,
    /// Bytes of small answers built as a whole.
    small: Budget<IpAddr>,
    large: Budget<IpAddr>,
    /// Bytes of names that lists gather while they are sent.
    names: Budget<IpAddr>,
    /// Bytes of lists that files are written from while they are sent.
    written_from: Budget<IpAddr>,
}

#[derive(Clone, Copy, Debug)]
pub struct AnswerLimits {
    /// Lists that may be in progress at once.
    pub lists: usize,
    pub wait: Duration,
    /// Lists that may wait for their turn.
    pub waiting: usize,
    /// Bytes of small answers built as a whole, and of large ones.
    pub whole_bytes: usize,
    /// Bytes of names that lists gather while they are sent.
    pub names_bytes: usize,
    /// Bytes of lists that files are written from while they are sent.
    pub lists_bytes: usize,
}

/// Marks an answer whose memory is counted already, or is the program's own.
#[derive(Clone, Copy)]
pub struct Accounted;

/// A list's share, held by the remaining pieces.
#[derive(Clone)]
pub struct Share {
    _held: Arc<Charge>,
}

/// Counts as waiting while it lives.
pub struct WaitingCount<'a>(&'a AtomicUsize);

impl Answers {
    pub fn new(limits: AnswerLimits) -> Answers {
        Answers {
            lists: Budget::new(limits.lists),
            wait: limits.wait,
            waits: Budget::new(limits.waiting),
            waiting: AtomicUsize::new(0),
            small: Budget::new(limits.whole_bytes),
            large: Budget::new(limits.whole_bytes),
            names: Budget::new(limits.names_bytes),
            written_from: Budget::new(limits.lists_bytes),
        }
    }

    /// Waits for a list's share.
    pub async fn take(&self, client: IpAddr) -> Result<Share, ApiError> {
        let _place = self.waits.try_take(client, 1).ok_or_else(overloaded)?;
        let _waits = WaitingCount::count(&self.waiting);
        match tokio::time::timeout(self.wait, self.lists.take(client, 1)).await {
            Ok(Some(charge)) => Ok(Share { _held: Arc::new(charge) }),
            _ => Err(overloaded()),
        }
    }

    /// Charges an answer built as a whole; an error if too many are in progress.
    pub fn charge(&self, client: IpAddr, bytes: usize) -> Result<Charge, ApiError> {
        let is_small = bytes as u64 <= limits::SMALL_ANSWER_BYTES;
        let budget = if is_small { &self.small } else { &self.large };
        budget.try_take(client, bytes).ok_or_else(overloaded)
    }

    /// Charges names that a list gathers beside its share; an error if there are too many.
    pub fn charge_names(&self, client: IpAddr, bytes: usize) -> Result<Charge, ApiError> {
        self.names.try_take(client, bytes).ok_or_else(overloaded)
    }

    /// Charges a list that a file is written from; an error if too many are in progress.
    pub fn charge_list(&self, client: IpAddr, bytes: usize) -> Result<Charge, ApiError> {
        self.written_from.try_take(client, bytes).ok_or_else(overloaded)
    }

    /// True if clients that do not read their answers get in the way of others.
    pub fn is_short(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
            || self.small.is_short()
            || self.large.is_short()
            || self.names.is_short()
            || self.written_from.is_short()
    }
}

impl Share {
    /// A piece that holds the share until it has been handed to the network.
    pub fn hold(&self, piece: Vec<u8>) -> Bytes {
        Bytes::from_owner(HeldPiece { piece, _share: self.clone() })
    }
}

struct HeldPiece {
    piece: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for HeldPiece {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

impl WaitingCount<'_> {
    pub fn count(waiting: &AtomicUsize) -> WaitingCount<'_> {
        waiting.fetch_add(1, Ordering::Relaxed);
        WaitingCount(waiting)
    }
}

impl Drop for WaitingCount<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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
        Answers::new(AnswerLimits {
            lists: 4,
            wait,
            waiting: 100,
            whole_bytes: 1_000,
            names_bytes: 1_000,
            lists_bytes: 1_000,
        })
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
        assert!(!answers.is_short());
    }

    #[tokio::test]
    async fn a_share_is_held_until_the_last_piece_is_gone() {
        let answers = answers();
        let share = answers.take(client(1)).await.ok().unwrap();
        let piece = share.hold(b"hits".to_vec());
        drop(share);
        assert!(has_half(&answers).await.is_none());
        assert_eq!(piece.slice(1..), b"its"[..]);
        drop(piece);
        assert!(has_half(&answers).await.is_some());
    }

    /// The two shares that an address may have.
    async fn has_half(answers: &Answers) -> Option<[Share; 2]> {
        Some([answers.take(client(1)).await.ok()?, answers.take(client(1)).await.ok()?])
    }

    #[test]
    fn whole_answers_are_charged_by_their_size() {
        let answers = answers();
        let one = answers.charge(client(1), 400).ok().unwrap();
        assert!(answers.charge(client(1), 200).is_err() && answers.is_short());
        drop(one);
        assert!(answers.charge(client(1), 500).is_ok() && !answers.is_short());
        let large = limits::SMALL_ANSWER_BYTES as usize + 1;
        assert!(answers.charge(client(1), large).is_err(), "larger than there is at all");
    }
}
