//! Messages from the tails of other servers, until they are taken.

use analytics::limits;
use tokio::sync::{Mutex, mpsc};

/// From the other servers.
#[derive(Debug, PartialEq, Eq)]
pub enum HeardTail {
    Message(String),
    /// The connection was lost.
    Lost,
    /// Everything that is said from here on will be heard.
    Found,
}

pub(super) struct Tails {
    heard: mpsc::Sender<HeardTail>,
    waiting: Mutex<mpsc::Receiver<HeardTail>>,
}

impl Default for Tails {
    fn default() -> Tails {
        let (heard, waiting) = mpsc::channel(limits::TAIL_HEARD as usize);
        Tails { heard, waiting: Mutex::new(waiting) }
    }
}

impl Tails {
    pub(super) async fn put(&self, heard: HeardTail) {
        // Its receiver is here.
        let _ = self.heard.send(heard).await;
    }

    pub(super) async fn take(&self) -> HeardTail {
        match self.waiting.lock().await.recv().await {
            Some(heard) => heard,
            // Its sender is here too.
            None => std::future::pending().await,
        }
    }
}
