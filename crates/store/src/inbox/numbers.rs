//! Project numbers, which are stored before they are assigned.

use analytics::hit::ProjectId;

use super::command::Change;
use super::sender::InboxSender;
use crate::types::StoreError;

/// Lets `meta.sqlite` store a project's number in the inbox before it creates the project. Cheap to clone.
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

    /// The project is created: a `meta.sqlite` without it is an older copy.
    pub async fn given(&self, project: ProjectId) -> Result<(), StoreError> {
        self.0.change(Change::Given(project)).await
    }
}
