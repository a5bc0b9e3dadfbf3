//! Alert rules: their settings, created and changed by the project's owner. The state of their alerts is in `checks`.

use std::sync::Arc;

use analytics::alert::RuleSettings;
use analytics::hit::ProjectId;

use super::directory::Directory;
use super::error::MetaError;
use super::handle::Meta;
use super::rows::{Rows, SettingsRow};
use super::settings_rows::SettingsKind;

/// A stored rule.
pub type RuleRow = SettingsRow<RuleSettings>;

impl SettingsKind for RuleSettings {
    const TABLE: &'static str = "rules";

    fn rows(directory: &Directory) -> &Rows<RuleSettings> {
        &directory.rules
    }

    fn rows_mut(directory: &mut Directory) -> &mut Rows<RuleSettings> {
        &mut directory.rules
    }

    fn too_many() -> MetaError {
        MetaError::TooManyRules
    }
}

impl Meta {
    /// None if there is no such project. `most`: how many a project may have.
    pub async fn add_rule(
        &self,
        project: ProjectId,
        settings: RuleSettings,
        most: usize,
        now_us: i64,
    ) -> Result<Option<Arc<RuleRow>>, MetaError> {
        self.add_settings(project, settings, most, now_us).await
    }

    /// None if the project has no such rule.
    pub async fn change_rule(
        &self,
        project: ProjectId,
        id: i64,
        settings: RuleSettings,
    ) -> Result<Option<Arc<RuleRow>>, MetaError> {
        self.change_settings(project, id, settings).await
    }

    /// False if the project has no such rule.
    pub async fn remove_rule(&self, project: ProjectId, id: i64) -> Result<bool, MetaError> {
        self.remove_settings::<RuleSettings>(project, id).await
    }

    /// In order of their numbers.
    pub fn rules(&self, project: ProjectId) -> Vec<Arc<RuleRow>> {
        self.settings(project)
    }

    pub fn rule(&self, project: ProjectId, id: i64) -> Option<Arc<RuleRow>> {
        self.any_settings(id).filter(|row: &Arc<RuleRow>| row.project == project)
    }

    /// Of any project: for background jobs.
    pub fn any_rule(&self, id: i64) -> Option<Arc<RuleRow>> {
        self.any_settings(id)
    }

    /// Of all projects, in order of their numbers.
    pub fn all_rules(&self) -> Vec<Arc<RuleRow>> {
        self.all_settings()
    }
}
