//! Maintenance windows: their settings, made and changed by the project's owner.

use std::sync::Arc;

use analytics::hit::ProjectId;
use analytics::maintenance::MaintenanceSettings;

use super::directory::Directory;
use super::error::MetaError;
use super::handle::Meta;
use super::rows::{Rows, SettingsRow};
use super::settings_rows::SettingsKind;

/// A stored maintenance window.
pub type MaintenanceRow = SettingsRow<MaintenanceSettings>;

impl SettingsKind for MaintenanceSettings {
    const TABLE: &'static str = "maintenance";

    fn rows(directory: &Directory) -> &Rows<MaintenanceSettings> {
        &directory.maintenance
    }

    fn rows_mut(directory: &mut Directory) -> &mut Rows<MaintenanceSettings> {
        &mut directory.maintenance
    }

    fn too_many() -> MetaError {
        MetaError::TooManyMaintenanceWindows
    }
}

impl Meta {
    /// None if there is no such project. `most`: how many a project may have.
    pub async fn add_maintenance(
        &self,
        project: ProjectId,
        settings: MaintenanceSettings,
        most: usize,
        now_us: i64,
    ) -> Result<Option<Arc<MaintenanceRow>>, MetaError> {
        self.add_settings(project, settings, most, now_us).await
    }

    /// None if the project has no such window.
    pub async fn change_maintenance(
        &self,
        project: ProjectId,
        id: i64,
        settings: MaintenanceSettings,
    ) -> Result<Option<Arc<MaintenanceRow>>, MetaError> {
        self.change_settings(project, id, settings).await
    }

    /// False if the project has no such window.
    pub async fn remove_maintenance(&self, project: ProjectId, id: i64) -> Result<bool, MetaError> {
        self.remove_settings::<MaintenanceSettings>(project, id).await
    }

    /// In order of their numbers.
    pub fn maintenance(&self, project: ProjectId) -> Vec<Arc<MaintenanceRow>> {
        self.settings(project)
    }

    pub fn maintenance_of(&self, project: ProjectId, id: i64) -> Option<Arc<MaintenanceRow>> {
        self.any_settings(id).filter(|row: &Arc<MaintenanceRow>| row.project == project)
    }

    /// Of all projects, in order of their numbers.
    pub fn all_maintenance(&self) -> Vec<Arc<MaintenanceRow>> {
        self.all_settings()
    }
}
