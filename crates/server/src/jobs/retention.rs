//! `keep_hits`: hits older than a project keeps them are erased, once a day.

use store::Erasure;

use crate::app::SharedApp;
use crate::clock::US_PER_DAY;
use crate::servers::erase;

pub(super) async fn erase_expired(app: SharedApp) -> anyhow::Result<()> {
    if !app.clock_watch.is_believed() {
        tracing::warn!("expired requests are not erased: the clock is not believed");
        return Ok(());
    }
    let default = app.settings.limits.get_days("keep_hits");
    let now_us = app.clock.now_us();
    for project in app.meta.projects().into_iter().filter(|project| !project.deleting) {
        let Some(days) = project.keep_hits_days.or(default) else { continue };
        let before_us = now_us - i64::from(days) * US_PER_DAY;
        let erased = erase(&app, Erasure::Before(project.id, before_us))
            .await
            .map_err(|error| anyhow::anyhow!(error.message))?;
        if erased > 0 {
            app.learned_routes.forget_texts(&app.meta, project.id).await?;
            tracing::info!(project = project.id.0, erased, days, "expired hits were erased");
        }
    }
    Ok(())
}
