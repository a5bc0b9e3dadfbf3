//! Creates and deletes monitors, for our own API and the original's.

use std::sync::Arc;

use analytics::fields::FieldError;
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::monitor::{Monitor, MonitorSettings};
use serde_json::{Map, Value};
use store::meta::{MonitorRow, NewMonitor};
use url::{Origin, Url};

use crate::app::{App, live_monitors};
use crate::error::{ApiError, Code};

/// Compiles the settings, stores the monitor, and plans it.
pub async fn add_monitor(
    app: &App,
    project: ProjectId,
    mut new: NewMonitor,
) -> Result<Arc<MonitorRow>, ApiError> {
    new.settings = Monitor::compile(new.settings, Some(app.dialer.allowed()))?.settings;
    if let Some(parent) = new.settings.part_of {
        check_parent(app, project, None, parent)?;
    }
    let most = app.settings.limits.get("monitors_per_project") as usize;
    let made = app.meta.add_monitor(project, new, most, app.clock.now_us()).await?;
    let row =
        made.ok_or_else(|| ApiError::new(Code::UnknownKey, "the project of this key is gone"))?;
    app.monitors.put(row.clone());
    tracing::info!(project = project.0, monitor = row.id, "monitor made");
    Ok(row)
}

/// Whether a monitor, `id` if it exists already, can be a part of `parent`.
pub fn check_parent(
    app: &App,
    project: ProjectId,
    id: Option<i64>,
    parent: i64,
) -> Result<(), ApiError> {
    let refused = |message: String| ApiError::from(FieldError::new("part_of", message));
    let parent_of = |id: i64| app.meta.monitor(project, id)?.settings.part_of;
    if app.meta.monitor(project, parent).is_none() {
        return Err(refused(format!("names monitor {parent}, which the project doesn't have")));
    }
    let mut followed = std::iter::successors(Some(parent), |at| parent_of(*at));
    let most = limits::PARENTS_FOLLOWED as usize;
    if followed.by_ref().take(most).any(|ancestor| Some(ancestor) == id) {
        return Err(refused("makes the monitor a part of itself".to_owned()));
    }
    match followed.next() {
        Some(_) => Err(refused(format!("makes a chain of more than {most} monitors"))),
        None => Ok(()),
    }
}

/// A header's value may be a credential, which a monitor's managers never see. A kept one must not be sent to another
/// host, which may be theirs.
pub fn check_kept_headers(
    before: &MonitorSettings,
    change: &Map<String, Value>,
    after: &MonitorSettings,
) -> Result<(), ApiError> {
    let keeps = match change.get("headers") {
        None => before.headers.as_ref().is_some_and(|headers| !headers.is_empty()),
        Some(headers) => {
            headers.as_object().is_some_and(|named| named.values().any(Value::is_null))
        }
    };
    let origin = |settings: &MonitorSettings| -> Option<Origin> {
        Some(Url::parse(settings.url.as_deref()?).ok()?.origin())
    };
    if !keeps || origin(before) == origin(after) {
        return Ok(());
    }
    Err(ApiError::from(FieldError::new(
        "headers",
        "has values that were given for another host; send their values again, or leave them out with `{}`",
    )))
}

/// A monitor in the operator's file can only be changed there.
pub fn check_unmanaged(row: &MonitorRow) -> Result<(), ApiError> {
    match &row.file_entry {
        None => Ok(()),
        Some(entry) => Err(ApiError::new(
            Code::ManagedByFile,
            format!("the operator keeps this monitor in a file (`id` {entry:?}); change it there"),
        )),
    }
}

/// Returns once nothing of the monitor is in a file any more.
pub async fn delete_monitor(app: &App, row: &MonitorRow) -> Result<(), ApiError> {
    check_unmanaged(row)?;
    app.meta.remove_monitor(row.project, row.id).await?;
    app.meta.catch_up().await?;
    app.monitors.forget_gone(&app.meta, &app.checks).await;
    app.checks.keep_only(&live_monitors(&app.meta)).await?;
    app.status_views.forget(row.project);
    tracing::info!(project = row.project.0, monitor = row.id, "monitor deleted");
    Ok(())
}
