//! Creates and deletes monitors, for our own API and the original's.

use std::sync::Arc;

use analytics::hit::ProjectId;
use analytics::monitor::Monitor;
use store::meta::{MonitorRow, NewMonitor};

use crate::app::{App, live_monitors};
use crate::error::{ApiError, Code};

/// The settings are read, and the monitor is kept and planned.
pub async fn add_monitor(
    app: &App,
    project: ProjectId,
    mut new: NewMonitor,
) -> Result<Arc<MonitorRow>, ApiError> {
    new.settings = Monitor::compile(new.settings, Some(app.dialer.allowed()))?.settings;
    let most = app.settings.limits.get("monitors_per_project") as usize;
    let made = app.meta.add_monitor(project, new, most, app.clock.now_us()).await?;
    let row =
        made.ok_or_else(|| ApiError::new(Code::UnknownKey, "the project of this key is gone"))?;
    app.monitors.put(row.clone());
    tracing::info!(project = project.0, monitor = row.id, "monitor made");
    Ok(row)
}

/// Returns when nothing of the monitor is in a file any more.
pub async fn delete_monitor(app: &App, row: &MonitorRow) -> Result<(), ApiError> {
    app.meta.remove_monitor(row.project, row.id).await?;
    app.monitors.forget_gone(&app.meta, &app.checks).await;
    app.checks.keep_only(&live_monitors(&app.meta)).await?;
    app.status_views.forget(row.project);
    tracing::info!(project = row.project.0, monitor = row.id, "monitor deleted");
    Ok(())
}
