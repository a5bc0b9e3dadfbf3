//! The loops of a server that shares PostgreSQL with others: it tells them that it lives, follows their changes, checks
//! monitors while it leads and shows the leader's results otherwise, lets erasures pass, and shows watchers the hits of all.
//! A server that shares nothing has nothing to do here.

use std::time::Duration;

use analytics::limits;
use store::checks::ChecksError;
use store::meta::{Changed, HeardTail, MetaError, Project, Routes, ServerRow, Standing};
use store::{Erasure, TailMessage};
use tokio::sync::watch;

use crate::app::{App, SharedApp, live_monitors};
use crate::error::{ApiError, Code};

const BEAT: Duration = Duration::from_millis(limits::SERVER_BEAT_MS);
const LOOK: Duration = Duration::from_secs(limits::FOLLOWER_LOOK_SECONDS);
const GONE_US: i64 = limits::SERVER_GONE_SECONDS as i64 * 1_000_000;
const STEP: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
enum SharingError {
    #[error(transparent)]
    Meta(#[from] MetaError),
    #[error(transparent)]
    Checks(#[from] ChecksError),
}

/// Runs until `stopping`.
pub async fn run(app: SharedApp, mut stopping: watch::Receiver<bool>) {
    if !app.meta.is_shared() {
        return;
    }
    tokio::select! {
        () = app.meta.listen() => {}
        () = beat(&app) => {}
        () = follow(&app) => {}
        () = show_others_results(&app) => {}
        () = pass_barriers(&app) => {}
        () = app.store.show_others_hits() => {}
        () = tell_tails(&app) => {}
        () = hear_tails(&app) => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}

async fn beat(app: &App) {
    // The turn in which monitors are checked here.
    let mut checks_in: Option<i64> = None;
    loop {
        let problem = match look(app, &mut checks_in).await {
            Ok(()) => None,
            Err(problem) => Some(format!("this server is cut off from the others: {problem}")),
        };
        let (is_new, text) = (problem.is_some(), problem.clone().unwrap_or_default());
        match (app.sharing.set_problem(problem), is_new) {
            (true, true) => tracing::warn!("{text}"),
            (true, false) => tracing::info!("this server is in touch with the others again"),
            (false, _) => {}
        }
        tokio::time::sleep(BEAT).await;
    }
}

async fn tell_tails(app: &App) {
    loop {
        for message in app.store.tail_messages().await {
            let text = message.to_text();
            while let Err(problem) = app.meta.tell_tails(&text).await {
                tracing::debug!(%problem, "watchers at other servers are told later");
                tokio::time::sleep(BEAT).await;
            }
        }
    }
}

async fn hear_tails(app: &App) {
    loop {
        match app.meta.next_tail().await {
            HeardTail::Message(text) => {
                // A newer server may say more.
                if let Some(message) = TailMessage::parse(&text) {
                    app.store.hear_tail(message);
                }
            }
            HeardTail::Lost => app.store.set_hears_tails(false),
            HeardTail::Found => app.store.set_hears_tails(true),
        }
    }
}

async fn look(app: &App, checks_in: &mut Option<i64>) -> Result<(), SharingError> {
    match app.meta.beat().await? {
        Standing::Leads { turn } if *checks_in == Some(turn) => {}
        Standing::Leads { turn } => {
            app.meta.catch_up().await?;
            app.monitors.begin_checks(&app.checks).await?;
            *checks_in = Some(turn);
            tracing::info!(
                turn,
                "this server leads: it checks monitors, judges rules and sends notices"
            );
        }
        Standing::Follows => {
            if checks_in.take().is_some() {
                let dropped = app.monitors.end_checks();
                tracing::warn!(
                    dropped,
                    "another server leads; results that were not written are dropped"
                );
            }
        }
    }
    let runs = |row: &ServerRow| {
        !row.has_left && row.seen_before_us.is_some_and(|before_us| before_us < GONE_US)
    };
    let servers = app.meta.servers().await?;
    app.store.set_tails(servers.iter().filter(|row| runs(row)).map(|row| row.node).collect());
    Ok(())
}

async fn follow(app: &App) {
    loop {
        let changed = app.meta.next_change().await;
        if let Err(problem) = apply(app, changed).await {
            tracing::warn!(%problem, "a change of another server is applied later");
        }
    }
}

/// The rows are in memory already.
async fn apply(app: &App, changed: Changed) -> Result<(), SharingError> {
    changed.maintenance.iter().for_each(|project| app.monitors.plan_maintenance(*project));
    changed.monitors.into_iter().for_each(|row| app.monitors.put(row));
    changed.status_pages.iter().for_each(|project| app.status_views.forget(*project));
    if changed.barrier {
        app.sharing.barrier.notify_one();
    }
    if changed.monitors_gone {
        app.monitors.forget_gone(&app.meta, &app.checks).await;
        if app.meta.leads() {
            // Results that were written after the other server had deleted them.
            app.checks.keep_only(&live_monitors(&app.meta)).await?;
        }
    }
    if changed.rules && app.meta.leads() {
        app.rules.forget_gone(&app.meta, &app.checks).await?;
    }
    if changed.signals {
        app.monitors.take_signals(&app.checks).await?;
    }
    match changed.routes {
        Routes::None => {}
        Routes::Of(projects) => {
            for project in projects {
                app.learned_routes.catch_up(&app.meta, project).await?;
            }
        }
        Routes::All => app.learned_routes.catch_up_all(&app.meta).await?,
    }
    Ok(())
}

async fn show_others_results(app: &App) {
    loop {
        if !app.monitors.checks_here() {
            let shown = app.monitors.show_written(&app.checks).await;
            let shown = match shown {
                Ok(()) => app.rules.refresh(&app.checks).await,
                Err(problem) => Err(problem),
            };
            if let Err(problem) = shown {
                tracing::debug!(%problem, "results of another server cannot be read");
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn pass_barriers(app: &App) {
    loop {
        if let Err(problem) = pass_barrier(app).await {
            tracing::debug!(%problem, "a barrier is passed later");
        }
        let _ = tokio::time::timeout(LOOK, app.sharing.barrier.notified()).await;
    }
}

/// Everything that this server accepted before the barrier is in ClickHouse, by settings that were in force then, and it has
/// no sample of a rejected hit in memory that a privacy level raised since would not have kept.
async fn pass_barrier(app: &App) -> Result<(), MetaError> {
    let Some(barrier) = app.meta.barrier_ahead().await? else { return Ok(()) };
    app.meta.catch_up().await?;
    let patience = Duration::from_secs(limits::BODY_READ_SECONDS);
    if app.in_flight.wait_for_earlier(patience).await && app.store.settle().await.is_ok() {
        let raised = |project: &Project| project.erased_level < project.privacy_level;
        for project in app.meta.projects().into_iter().filter(raised) {
            app.ingest_health.forget_new_samples(project.id).await;
        }
        app.meta.pass_barrier(barrier).await?;
    }
    Ok(())
}

/// Erases, and lets no server show what it has in memory of it. Returns the number of hits erased.
pub async fn erase(app: &App, erasure: Erasure) -> Result<u64, ApiError> {
    let erased = app.store.erase(erasure).await?;
    app.meta.note_erasure().await?;
    Ok(erased)
}

/// Drops lists of which another server has erased something. Without an answer of PostgreSQL all are dropped.
pub async fn hear_of_erasures(app: &App) {
    app.store.hear_of_erasures(app.meta.erasures_noted().await.ok());
}

/// Returns once every other server has put into ClickHouse what it accepted until now. An erasure finds it there.
pub async fn wait_for_others(app: &App) -> Result<(), ApiError> {
    let Some(barrier) = app.meta.begin_barrier().await? else { return Ok(()) };
    let mut waited = Duration::ZERO;
    loop {
        let behind = app.meta.others_behind(barrier).await?;
        if behind.is_empty() {
            return Ok(());
        }
        if waited >= Duration::from_secs(limits::BARRIER_SECONDS) {
            let nodes: Vec<String> = behind.iter().map(u8::to_string).collect();
            let message = format!(
                "everything that is in ClickHouse was erased, but another server may hold requests that it has accepted and not stored \
                 there yet: node {}. Send this again once it runs or is drained; /api/health lists the servers",
                nodes.join(", ")
            );
            return Err(ApiError::new(Code::ErasureWaits, message).retry_after(60));
        }
        tokio::time::sleep(STEP).await;
        waited += STEP;
    }
}
