//! Periodic jobs: one table, run by one task, one job after the other.
//!
//! To add a job: a row. A failed job is retried in the next round; the data folder stores when one succeeded, so a
//! restart does not repeat a daily one.

mod demo;
mod inactivity;
mod maintenance;
mod retention;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::{App, SharedApp};
use crate::projects::{delete_project, erase_above_level};

type JobFuture = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// A row of the table.
struct Job {
    name: &'static str,
    every_s: i64,
    run: fn(SharedApp) -> JobFuture,
}

const KEEP_HITS: &str = "keep_hits";

/// The interval of rounds.
const TURN: Duration = Duration::from_secs(30);

const JOBS: &[Job] = &[
    // First, so that later jobs know whether the clock is trusted.
    Job { name: "watch_clock", every_s: 0, run: |app| Box::pin(watch_clock(app)) },
    Job { name: "write_times", every_s: 60, run: |app| Box::pin(write_times(app)) },
    Job { name: "write_ingest_health", every_s: 60, run: |app| Box::pin(write_ingest_health(app)) },
    Job {
        name: "write_learned_routes",
        every_s: 60,
        run: |app| Box::pin(write_learned_routes(app)),
    },
    Job { name: "note_running_day", every_s: 600, run: |app| Box::pin(note_running_day(app)) },
    // In every round, so also right after a start: the caller was told that it is in progress.
    Job { name: "finish_deletions", every_s: 0, run: |app| Box::pin(finish_deletions(app)) },
    // In every round, so that it is never more than a minute behind.
    Job { name: "demo", every_s: 0, run: |app| Box::pin(demo::keep_up(app)) },
    Job { name: "finish_privacy", every_s: 0, run: |app| Box::pin(finish_privacy(app)) },
    Job {
        name: "forget_expired_sessions",
        every_s: 3_600,
        run: |app| Box::pin(forget_expired_sessions(app)),
    },
    Job {
        name: "forget_unconfirmed",
        every_s: 3_600,
        run: |app| Box::pin(forget_unconfirmed(app)),
    },
    // In every round: a text that its owner corrects at once is not mailed.
    Job {
        name: "announce_maintenance",
        every_s: 0,
        run: |app| Box::pin(maintenance::announce(app)),
    },
    Job { name: "trim_checks", every_s: 3_600, run: |app| Box::pin(trim_checks(app)) },
    Job { name: KEEP_HITS, every_s: 86_400, run: |app| Box::pin(retention::erase_expired(app)) },
    Job { name: "inactivity", every_s: 86_400, run: |app| Box::pin(inactivity::look_after(app)) },
];

/// Runs due jobs, round after round, until `stopping`.
pub async fn run(app: SharedApp, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = run_due(&app) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(TURN) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// The next time at which expired hits are erased.
pub async fn next_erasure_us(app: &App) -> anyhow::Result<i64> {
    let now_us = app.clock.now_us();
    let every_s = JOBS.iter().find(|job| job.name == KEEP_HITS).map_or(0, |job| job.every_s);
    let ended_us = app.meta.job_ended(KEEP_HITS).await?.filter(|ended_us| *ended_us <= now_us);
    let due_us = ended_us.map_or(now_us, |ended_us| ended_us + every_s * 1_000_000);
    Ok(due_us.max(now_us))
}

/// One round.
pub async fn run_due(app: &SharedApp) {
    let _running = app.running_jobs.lock().await;
    // Every job needs the database of projects.
    if let Err(problem) = app.meta.stay_alone().await {
        tracing::error!(%problem, "no job runs before PostgreSQL can be used again");
        return;
    }
    for job in JOBS {
        if let Err(error) = run_if_due(app, job).await {
            tracing::error!(
                job = job.name,
                error = format!("{error:#}"),
                "a job failed; it is tried again"
            );
        }
    }
}

async fn run_if_due(app: &SharedApp, job: &Job) -> anyhow::Result<()> {
    let ended_us = app.meta.job_ended(job.name).await?;
    let due_us = ended_us.map(|ended_us| ended_us.saturating_add(job.every_s * 1_000_000));
    let now_us = app.clock.now_us();
    // An end in the future was noted by a clock that has been corrected since.
    if due_us.is_some_and(|due_us| now_us < due_us)
        && ended_us.is_some_and(|ended_us| ended_us <= now_us)
    {
        return Ok(());
    }
    (job.run)(app.clone()).await?;
    app.meta.note_job_ended(job.name, now_us).await?;
    Ok(())
}

async fn watch_clock(app: SharedApp) -> anyhow::Result<()> {
    Ok(app.clock_watch.look(&app.meta, &app.clock).await?)
}

async fn write_times(app: SharedApp) -> anyhow::Result<()> {
    Ok(app.meta.flush().await?)
}

async fn write_learned_routes(app: SharedApp) -> anyhow::Result<()> {
    Ok(app.learned_routes.write(&app.meta).await?)
}

async fn write_ingest_health(app: SharedApp) -> anyhow::Result<()> {
    Ok(app.ingest_health.write(&app.meta).await?)
}

async fn note_running_day(app: SharedApp) -> anyhow::Result<()> {
    Ok(app.meta.note_running_day(app.clock.today()).await?)
}

async fn forget_expired_sessions(app: SharedApp) -> anyhow::Result<()> {
    Ok(app.meta.forget_expired_sessions(app.clock.now_us()).await?)
}

/// Deletes addresses whose subscription nobody confirmed.
async fn forget_unconfirmed(app: SharedApp) -> anyhow::Result<()> {
    Ok(app.meta.forget_unconfirmed(app.clock.now_us()).await?)
}

async fn trim_checks(app: SharedApp) -> anyhow::Result<()> {
    Ok(app.checks.trim(app.clock.now_us().div_euclid(1_000)).await?)
}

/// Completes raised privacy levels whose erasure a crash interrupted.
async fn finish_privacy(app: SharedApp) -> anyhow::Result<()> {
    for project in app.meta.projects() {
        erase_above_level(&app, project.id)
            .await
            .map_err(|error| anyhow::anyhow!(error.message))?;
    }
    Ok(())
}

/// Completes deletions that a crash interrupted.
async fn finish_deletions(app: SharedApp) -> anyhow::Result<()> {
    for project in app.meta.projects().into_iter().filter(|project| project.deleting) {
        delete_project(&app, project.id).await.map_err(|error| anyhow::anyhow!(error.message))?;
    }
    Ok(())
}
