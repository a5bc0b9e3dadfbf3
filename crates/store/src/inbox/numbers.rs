//! Project numbers that are written down before they are given.

use analytics::hit::ProjectId;

use super::command::Change;
use super::sender::InboxSender;
use crate::types::StoreError;

/// Where `meta.sqlite` writes down the number of a project before it makes the project. Cheap to clone.
#[derive(Clone)]
pub struct ProjectNumbers(InboxSender);

impl ProjectNumbers {
    pub fn new(inbox: InboxSender) -> ProjectNumbers {
        ProjectNumbers(inbox)
    }

    /// Returns when the number is on disk.
    pub async fn reserve(&self, project: ProjectId) -> Result<(), StoreError> {
        self.0.change(Change::Reserve(project)).await
    }

    /// The project is made: a `meta.sqlite` without it is an older copy.
    pub async fn given(&self, project: ProjectId) -> Result<(), StoreError> {
        self.0.change(Change::Given(project)).await
    }
}
