//! `inactive_after`: a project without an accepted batch or an authenticated visit for that many days is reported as
//! inactive, and erased 14 days later. Only days on which the server ran count, for both.

use store::meta::Project;

use crate::app::{App, SharedApp};
use crate::clock::US_PER_DAY;
use crate::projects::delete_project;

pub(super) async fn look_after(app: SharedApp) -> anyhow::Result<()> {
    if !app.clock_watch.is_believed() {
        tracing::warn!("inactive projects are not looked for: the clock is not believed");
        return Ok(());
    }
    let Some(inactive_after) = app.settings.limits.get_days("inactive_after") else {
        return forget_warnings(&app).await;
    };
    let grace = app.settings.limits.get_days("inactive_grace").unwrap_or_default();
    // Today counts from the moment at which it is noted, whichever job runs first.
    app.meta.note_running_day(app.clock.today()).await?;
    for project in app
        .meta
        .projects()
        .into_iter()
        .filter(|project| !project.deleting && project.demo_until_us.is_none())
    {
        let idle_days = app.meta.running_days_after(last_active_day(&app, &project).await?).await?;
        let is_inactive = idle_days > inactive_after;
        match project.warned_day {
            Some(_) if !is_inactive => app.meta.set_warned(project.id, None).await?,
            None if is_inactive => {
                app.meta.set_warned(project.id, Some(app.clock.today())).await?;
                tracing::warn!(
                    project = project.id.0,
                    idle_days,
                    grace,
                    "inactive project: it will be erased after the days of grace"
                );
            }
            Some(day) if app.meta.running_days_after(day).await? >= grace => {
                let erased = delete_project(&app, project.id)
                    .await
                    .map_err(|error| anyhow::anyhow!(error.message))?;
                tracing::warn!(
                    project = project.id.0,
                    idle_days,
                    erased,
                    "inactive project erased"
                );
            }
            Some(_) => {
                tracing::warn!(
                    project = project.id.0,
                    idle_days,
                    grace,
                    "inactive project: it will be erased after the days of grace"
                );
            }
            None => {}
        }
    }
    Ok(())
}

/// The day (since 1970) of the project's last use.
async fn last_active_day(app: &App, project: &Project) -> anyhow::Result<i64> {
    let arrived_us = app.store.last_arrival(project.id).await?;
    // Batches may have come through other servers, which write when they last used a key.
    let keys = match app.meta.is_shared() {
        true => app.meta.keys(Some(project.id)).await?,
        false => Vec::new(),
    };
    let used_us = keys.iter().filter_map(|key| key.last_used_us).max();
    let last_us = [Some(project.created_us), project.last_look_us, arrived_us, used_us];
    let last_us = last_us.into_iter().flatten().max();
    Ok(last_us.unwrap_or(project.created_us).div_euclid(US_PER_DAY))
}

/// The setting was turned off: nothing is about to be erased any more.
async fn forget_warnings(app: &App) -> anyhow::Result<()> {
    for project in app.meta.projects().into_iter().filter(|project| project.warned_day.is_some()) {
        app.meta.set_warned(project.id, None).await?;
    }
    Ok(())
}
