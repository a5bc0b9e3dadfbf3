//! Alert rules: their settings, made and changed by the project's owner. Where their alerts stand is not here (`checks`).

use std::sync::Arc;

use analytics::alert::RuleSettings;
use analytics::hit::ProjectId;

use super::directory::Directory;
use super::error::MetaError;
use super::handle::Meta;
use super::rows::{Rows, SettingsRow};
use super::settings_rows::Kept;

/// A rule as it is kept.
pub type RuleRow = SettingsRow<RuleSettings>;

impl Kept for RuleSettings {
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
    /// None where there is no such project. `most`: how many a project may have.
    pub async fn add_rule(
        &self,
        project: ProjectId,
        settings: RuleSettings,
        most: usize,
        now_us: i64,
    ) -> Result<Option<Arc<RuleRow>>, MetaError> {
        self.add_settings(project, settings, most, now_us).await
    }

    /// None where the project has no such one.
    pub async fn change_rule(
        &self,
        project: ProjectId,
        id: i64,
        settings: RuleSettings,
    ) -> Result<Option<Arc<RuleRow>>, MetaError> {
        self.change_settings(project, id, settings).await
    }

    /// False where the project has no such one.
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

    /// Whichever project it belongs to: for what runs by itself.
    pub fn any_rule(&self, id: i64) -> Option<Arc<RuleRow>> {
        self.any_settings(id)
    }

    /// Of all projects, in order of their numbers.
    pub fn all_rules(&self) -> Vec<Arc<RuleRow>> {
        self.all_settings()
    }
}
