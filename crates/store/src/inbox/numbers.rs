//! Project numbers that are written down before they are given.

use analytics::hit::ProjectId;
use tokio::sync::{mpsc, oneshot};

use super::command::{Change, Command};
use crate::types::StoreError;

/// Where `meta.sqlite` writes down the number of a project before it makes the project. Cheap to clone.
#[derive(Clone)]
pub struct ProjectNumbers(mpsc::Sender<Command>);

impl ProjectNumbers {
    pub fn new(commands: mpsc::Sender<Command>) -> ProjectNumbers {
        ProjectNumbers(commands)
    }

    /// Returns when the number is on disk.
    pub async fn reserve(&self, project: ProjectId) -> Result<(), StoreError> {
        self.change(Change::Reserve(project)).await
    }

    /// The project is made: a `meta.sqlite` without it is an older copy.
    pub async fn given(&self, project: ProjectId) -> Result<(), StoreError> {
        self.change(Change::Given(project)).await
    }

    async fn change(&self, change: Change) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Change { change, reply };
        self.0.send(command).await.map_err(|_| StoreError::Closing)?;
        answer.await.map_err(|_| StoreError::Closing)?
    }
}
