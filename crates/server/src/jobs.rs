//! Periodic jobs: one table, run by one task, one job after the other.
//!
//! To add a job: a row. A failed job is retried in the next round; the database stores when one succeeded, so neither a
//! restart nor another server that leads repeats a daily one.

mod demo;
mod inactivity;
mod maintenance;
mod retention;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use store::meta::{MetaError, Standing};
use tokio::sync::watch;

use crate::app::{App, JobMemory, SharedApp};
use crate::projects::{delete_project, erase_above_level};

type JobFuture = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// Who runs a job if several servers share PostgreSQL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Each server: it writes what only this one has in memory.
    Each,
    /// The one that leads.
    Leader,
}

/// A row of the table.
struct Job {
    name: &'static str,
    whose: Whose,
    every_s: i64,
    run: fn(SharedApp) -> JobFuture,
}

const KEEP_HITS: &str = "keep_hits";

/// The interval of rounds.
const TURN: Duration = Duration::from_secs(30);

const JOBS: &[Job] = &[
    // First, so that later jobs know whether the clock is trusted.
    Job {
        name: "watch_clock",
        whose: Whose::Each,
        every_s: 0,
        run: |app| Box::pin(watch_clock(app)),
    },
    Job {
        name: "write_times",
        whose: Whose::Each,
        every_s: 60,
        run: |app| Box::pin(write_times(app)),
    },
    Job {
        name: "write_ingest_health",
        whose: Whose::Each,
        every_s: 60,
        run: |app| Box::pin(write_ingest_health(app)),
    },
    Job {
        name: "write_learned_routes",
        whose: Whose::Each,
        every_s: 60,
        run: |app| Box::pin(write_learned_routes(app)),
    },
    Job {
        name: "note_running_day",
        whose: Whose::Each,
        every_s: 600,
        run: |app| Box::pin(note_running_day(app)),
    },
    // In every round, so also right after a start: the caller was told that it is in progress.
    Job {
        name: "finish_deletions",
        whose: Whose::Leader,
        every_s: 0,
        run: |app| Box::pin(finish_deletions(app)),
    },
    // In every round, so that it is never more than a minute behind.
    Job { name: "demo", whose: Whose::Leader, every_s: 0, run: |app| Box::pin(demo::keep_up(app)) },
    Job {
        name: "finish_privacy",
        whose: Whose::Leader,
        every_s: 0,
        run: |app| Box::pin(finish_privacy(app)),
    },
    Job {
        name: "forget_expired_sessions",
        whose: Whose::Leader,
        every_s: 3_600,
        run: |app| Box::pin(forget_expired_sessions(app)),
    },
    Job {
        name: "forget_unconfirmed",
        whose: Whose::Leader,
        every_s: 3_600,
        run: |app| Box::pin(forget_unconfirmed(app)),
    },
    Job {
        name: "forget_taken_batches",
        whose: Whose::Leader,
        every_s: 600,
        run: |app| Box::pin(forget_taken_batches(app)),
    },
    // In every round: a text that its owner corrects at once is not mailed.
    Job {
        name: "announce_maintenance",
        whose: Whose::Leader,
        every_s: 0,
        run: |app| Box::pin(maintenance::announce(app)),
    },
    Job {
        name: "derive_sums",
        whose: Whose::Leader,
        every_s: 60,
        run: |app| Box::pin(derive_sums(app)),
    },
    Job {
        name: "bring_routes_up_to_date",
        whose: Whose::Leader,
        every_s: 60,
        run: |app| Box::pin(bring_routes_up_to_date(app)),
    },
    Job {
        name: "trim_checks",
        whose: Whose::Leader,
        every_s: 3_600,
        run: |app| Box::pin(trim_checks(app)),
    },
    Job {
        name: KEEP_HITS,
        whose: Whose::Leader,
        every_s: 86_400,
        run: |app| Box::pin(retention::erase_expired(app)),
    },
    Job {
        name: "inactivity",
        whose: Whose::Leader,
        every_s: 86_400,
        run: |app| Box::pin(inactivity::look_after(app)),
    },
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
pub async fn next_erasure_us(app: &App) -> Result<i64, MetaError> {
    let now_us = app.clock.now_us();
    let every_s = JOBS.iter().find(|job| job.name == KEEP_HITS).map_or(0, |job| job.every_s);
    let ended_us = app.meta.job_ended(KEEP_HITS).await?.filter(|ended_us| *ended_us <= now_us);
    let due_us = ended_us.map_or(now_us, |ended_us| ended_us + every_s * 1_000_000);
    Ok(due_us.max(now_us))
}

/// One round.
pub async fn run_due(app: &SharedApp) {
    let mut memory = app.running_jobs.lock().await;
    // Every job needs the database of projects.
    let standing = match begin_round(app, &mut memory).await {
        Ok(standing) => standing,
        Err(problem) => {
            tracing::error!(%problem, "no job runs before PostgreSQL can be used again");
            return;
        }
    };
    let leads = matches!(standing, Standing::Leads { .. });
    for job in JOBS.iter().filter(|job| leads || job.whose == Whose::Each) {
        if let Err(error) = run_if_due(app, job, &mut memory).await {
            tracing::error!(
                job = job.name,
                error = format!("{error:#}"),
                "a job failed; it is tried again"
            );
        }
    }
}

/// A server that leads anew first reads what the one before has done.
async fn begin_round(app: &SharedApp, memory: &mut JobMemory) -> Result<Standing, MetaError> {
    let standing = app.meta.beat().await?;
    if standing != Standing::Follows && memory.standing != Some(standing) {
        app.meta.catch_up().await?;
    }
    memory.standing = Some(standing);
    Ok(standing)
}

async fn run_if_due(app: &SharedApp, job: &Job, memory: &mut JobMemory) -> anyhow::Result<()> {
    let ended_us = match job.whose {
        Whose::Each => memory.ended_us.get(job.name).copied(),
        Whose::Leader => app.meta.job_ended(job.name).await?,
    };
    let due_us = ended_us.map(|ended_us| ended_us.saturating_add(job.every_s * 1_000_000));
    let now_us = app.clock.now_us();
    // An end in the future was noted by a clock that has been corrected since.
    if due_us.is_some_and(|due_us| now_us < due_us)
        && ended_us.is_some_and(|ended_us| ended_us <= now_us)
    {
        return Ok(());
    }
    (job.run)(app.clone()).await?;
    match job.whose {
        Whose::Each => drop(memory.ended_us.insert(job.name, now_us)),
        Whose::Leader => app.meta.note_job_ended(job.name, now_us).await?,
    }
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

/// Batch ids that no client sends again.
async fn forget_taken_batches(app: SharedApp) -> anyhow::Result<()> {
    let most = app.settings.limits.get("receipts");
    let (forgotten, early) = app.meta.forget_taken_batches(most).await?;
    if early {
        tracing::warn!(
            forgotten,
            "batch ids are forgotten before their time, so a batch that is sent again late may count twice; raise `receipts`"
        );
    }
    Ok(())
}

/// Days that have become complete, or have changed.
async fn derive_sums(app: SharedApp) -> anyhow::Result<()> {
    let days = app.store.derive(app.clock.now_us()).await?;
    if days > 0 {
        tracing::debug!(days, "sums derived");
    }
    Ok(())
}

/// Of hits that are stored, where the store has no thread for it.
async fn bring_routes_up_to_date(app: SharedApp) -> anyhow::Result<()> {
    let routes = app.store.bring_routes_up_to_date().await?;
    if routes > 0 {
        tracing::info!(routes, "stored requests get routes that were learned or changed later");
    }
    Ok(())
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
