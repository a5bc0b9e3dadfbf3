//! The channel to the thread that owns the inbox, for other threads and for async code.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::command::{Change, Command, Reply};
use super::queue::Queue;
use crate::types::StoreError;

/// Sends commands and waits for their answers. Cheap to clone.
#[derive(Clone)]
pub struct InboxSender {
    commands: mpsc::Sender<Command>,
    /// Knows whether the store closes.
    queue: Arc<Queue>,
}

impl InboxSender {
    pub fn new(commands: mpsc::Sender<Command>, queue: Arc<Queue>) -> InboxSender {
        InboxSender { commands, queue }
    }

    /// Returns once the command's effect is on disk.
    pub async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| self.no_answer())?;
        answer.await.map_err(|_| self.no_answer())?
    }

    pub async fn change(&self, change: Change) -> Result<(), StoreError> {
        self.ask(|reply| Command::Change { change, reply }).await
    }

    /// Like `ask`, for the store's own threads.
    pub fn ask_blocking<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.commands.blocking_send(command(reply)).map_err(|_| self.no_answer())?;
        answer.blocking_recv().map_err(|_| self.no_answer())?
    }

    /// Like `change`, for the store's own threads.
    pub fn change_blocking(&self, change: Change) -> Result<(), StoreError> {
        self.ask_blocking(|reply| Command::Change { change, reply })
    }

    /// Ends the thread after all earlier commands.
    pub fn close_blocking(&self) {
        // A thread that has ended needs no message.
        let _ = self.commands.blocking_send(Command::Close);
    }

    /// Only closing the store, or a bug, ends the thread.
    fn no_answer(&self) -> StoreError {
        match self.queue.is_closing() {
            true => StoreError::Closing,
            false => StoreError::Panicked("the inbox's thread"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inbox_that_does_not_answer_is_closing_or_has_panicked() {
        let queue = Arc::new(Queue::new(0, 0));
        let (commands, receiver) = mpsc::channel(1);
        let inbox = InboxSender::new(commands, queue.clone());
        drop(receiver);
        let change = || inbox.change_blocking(Change::Trim { to: 0 });
        assert!(matches!(change(), Err(StoreError::Panicked("the inbox's thread"))));
        queue.close();
        assert!(matches!(change(), Err(StoreError::Closing)));

        let queue = Arc::new(Queue::new(0, 0));
        let (commands, mut receiver) = mpsc::channel(1);
        let inbox = InboxSender::new(commands, queue.clone());
        // The thread takes the command and ends without an answer.
        let thread = std::thread::spawn(move || drop(receiver.blocking_recv()));
        let unanswered = inbox.change_blocking(Change::Trim { to: 0 });
        assert!(matches!(unanswered, Err(StoreError::Panicked(_))), "{unanswered:?}");
        thread.join().unwrap();
    }
}
