//! The demo: a project of the server's own, whose hits are generated up to the current minute and stored like any
//! batch.
//!
//! If the setting is off the project is deleted with its hits. A crash duplicates nothing.

use analytics::demo::{self, DemoBatch};
use analytics::enrich::Settings;
use analytics::hit::ProjectId;
use analytics::{ingest, limits};
use store::Append;
use store::meta::{NewProject, Project};

use crate::app::SharedApp;
use crate::clock::US_PER_DAY;
use crate::projects::delete_project;

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
const NAME: &str = "Demo shop";

/// The seed of the whole demo: the same on every server.
const SEED: u64 = 2_026;

pub(super) async fn keep_up(app: SharedApp) -> anyhow::Result<()> {
    let project = app.meta.demo_project();
    if !app.offers_demo {
        if let Some(project) = project {
            let deleted = delete_project(&app, project.id).await;
            deleted.map_err(|error| anyhow::anyhow!(error.message))?;
        }
        return Ok(());
    }
    let now_us = app.clock.now_us();
    let oldest_us = now_us - limits::DEMO_DAYS as i64 * US_PER_DAY;
    let project = match project {
        Some(project)
            if project.demo_until_us.is_some_and(|until_us| until_us > now_us + HOUR_US) =>
        {
            // Made while the clock was ahead: its requests are in the future.
            let deleted = delete_project(&app, project.id).await;
            deleted.map_err(|error| anyhow::anyhow!(error.message))?;
            new_demo(&app, oldest_us, now_us).await?
        }
        Some(project) => project,
        None => new_demo(&app, oldest_us, now_us).await?,
    };
    let known = app.meta.deploys(project.id, oldest_us, now_us).await?;
    for deploy in demo::deploys(oldest_us, now_us) {
        if known.iter().all(|row| row.deploy != deploy) {
            app.meta.add_deploy(project.id, &deploy, limits::DEPLOYS_PER_PROJECT).await?;
        }
    }
    fill(&app, &project, oldest_us, now_us).await
}

async fn new_demo(app: &SharedApp, oldest_us: i64, now_us: i64) -> anyhow::Result<Project> {
    let keep_hits_days = Some(limits::DEMO_DAYS as u32);
    let new = NewProject { name: NAME.to_owned(), keep_hits_days, ..NewProject::default() };
    let from_us = floor(oldest_us, MINUTE_US) + MINUTE_US;
    Ok(app.meta.create_demo_project(new, from_us, now_us).await?)
}

async fn fill(
    app: &SharedApp,
    project: &Project,
    oldest_us: i64,
    now_us: i64,
) -> anyhow::Result<()> {
    // After a long pause, hits that would expire at once are left out.
    let mut until_us = project.demo_until_us.unwrap_or(now_us).max(floor(oldest_us, MINUTE_US));
    loop {
        let length_us = match now_us - until_us {
            US_PER_DAY.. => US_PER_DAY,
            HOUR_US.. => HOUR_US,
            MINUTE_US.. => MINUTE_US,
            _ => return Ok(()),
        };
        let next_us = until_us + length_us;
        // A day has the same batch id when it is retried, however late. An hour may not, so a crash leaves a gap in it
        // rather than duplicates.
        if length_us < US_PER_DAY {
            app.meta.set_demo_until(project.id, next_us).await?;
        }
        if let Err(error) = keep(app, project.id, until_us, length_us).await {
            app.meta.set_demo_until(project.id, until_us).await?;
            return Err(error);
        }
        if length_us == US_PER_DAY {
            app.meta.set_demo_until(project.id, next_us).await?;
        }
        until_us = next_us;
    }
}

async fn keep(
    app: &SharedApp,
    project: ProjectId,
    from_us: i64,
    length_us: i64,
) -> anyhow::Result<()> {
    let shared = app.clone();
    let making = tokio::task::spawn_blocking(move || make(&shared, from_us, length_us));
    let mut batch = making.await??;
    if batch.hits.is_empty() {
        return Ok(());
    }
    batch.repeat_hashes.clear();
    let name = format!("demo-{}-{}", from_us / MINUTE_US, length_us / MINUTE_US);
    let append = Append {
        project,
        batch,
        batch_hash: Some(ingest::batch_hash(project, &name)),
        rejected: Vec::new(),
        rejected_total: 0,
    };
    app.store.append(append).await?;
    Ok(())
}

fn make(app: &SharedApp, from_us: i64, length_us: i64) -> anyhow::Result<analytics::batch::Batch> {
    let DemoBatch { body, countries } =
        demo::batch(SEED, from_us / MINUTE_US, length_us / MINUTE_US);
    let settings = Settings { privacy_level: 0, max_age_us: None, keep_us: None };
    let enriched = app.enricher.enrich(ingest::decode(&body)?, &settings, None, app.clock.now_us());
    let mut batch = enriched.batch;
    anyhow::ensure!(batch.hits.len() == countries.len(), "a made-up hit was rejected");
    for (hit, country) in batch.hits.iter_mut().zip(countries) {
        hit.country = country;
    }
    Ok(batch)
}

fn floor(time_us: i64, unit_us: i64) -> i64 {
    time_us - time_us.rem_euclid(unit_us)
}
