//! The loop that sends the notices of the outbox: one at a time per channel, channels in parallel.
//!
//! A notice is marked as delivered after the service confirmed it. A process that is killed in between sends it once
//! more, with the same id.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use analytics::limits;
use analytics::notice::outbox::{Dispatch, Form, Pace, next_try_ms, plan};
use analytics::notice::{ChannelConfig, Judgement, Notice, Sending};
use store::checks::{ChecksError, Claim, Ended, Try};
use store::meta::{ChannelRow, ChannelSettings};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use crate::address::own_host;
use crate::app::{App, SharedApp};
use crate::notice::{Sent, send};
use crate::random::random_bytes;

/// Sends until `stopping`, then waits for those in progress.
pub async fn run(app: SharedApp, mut stopping: watch::Receiver<bool>) {
    let mut sending = Deliveries::default();
    loop {
        let wait = match turn(&app, &mut sending, &stopping).await {
            Ok(wait) => {
                app.outbox.health.set_problem(None);
                wait
            }
            Err(problem) => {
                tracing::error!(%problem, "the outbox cannot be read");
                app.outbox.health.set_problem(Some(format!("notices are not sent: {problem}")));
                Duration::from_millis(limits::NOTICE_LOOK_MS)
            }
        };
        let ended = tokio::select! {
            () = tokio::time::sleep(wait) => None,
            () = app.outbox.changed() => None,
            Some(ended) = sending.tasks.join_next_with_id() => {
                let id = ended.map_or_else(|panicked| panicked.id(), |(id, ())| id);
                sending.channels.remove(&id)
            }
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        if let Some(channel) = ended {
            app.checks.release(Claim::Channel(channel)).await;
        }
    }
    while sending.tasks.join_next().await.is_some() {}
}

#[derive(Default)]
struct Deliveries {
    tasks: JoinSet<()>,
    /// By their tasks.
    channels: HashMap<Id, i64>,
}

/// Starts due deliveries. Returns the time until the next.
async fn turn(
    app: &SharedApp,
    sending: &mut Deliveries,
    stopping: &watch::Receiver<bool>,
) -> Result<Duration, ChecksError> {
    app.outbox.health.note_look();
    if !app.meta.leads() {
        return Ok(Duration::from_millis(limits::NOTICE_LOOK_MS));
    }
    let now_ms = app.clock.now_us().div_euclid(1_000);
    let mut wake_ms = now_ms + limits::NOTICE_LOOK_MS as i64;
    for id in app.checks.channels_waited_for().await? {
        if sending.channels.values().any(|busy| *busy == id) {
            continue;
        }
        let channel = app.meta.any_channel(id).filter(|channel| channel.settings.enabled);
        let Some(channel) = channel else {
            app.checks.fail_all(id, now_ms).await?;
            continue;
        };
        // Another server may be sending its notices: only then they are read.
        if !app.checks.claim(Claim::Channel(id)).await? {
            continue;
        }
        let turn = turn_of(app, sending, stopping, channel, now_ms).await;
        if !matches!(turn, Ok(Turn::Sending)) {
            app.checks.release(Claim::Channel(id)).await;
        }
        if let Turn::Waiting(until_ms) = turn? {
            wake_ms = wake_ms.min(until_ms.unwrap_or(wake_ms));
        }
    }
    Ok(Duration::from_millis((wake_ms - now_ms).max(1) as u64))
}

/// The state of a channel after its turn.
enum Turn {
    /// A task sends a notice; the claim ends with it.
    Sending,
    /// Until that time, if it is known.
    Waiting(Option<i64>),
}

/// Starts the due delivery of a channel that this server has claimed.
async fn turn_of(
    app: &SharedApp,
    sending: &mut Deliveries,
    stopping: &watch::Receiver<bool>,
    channel: Arc<ChannelRow>,
    now_ms: i64,
) -> Result<Turn, ChecksError> {
    let id = channel.id;
    let rows = app.checks.waiting(id).await?;
    let kind = channel.settings.config.channel();
    let quiet = channel.settings.quiet_hours.as_ref();
    let pace = Pace {
        keeps_state: kind.keeps_state,
        gap_ms: kind.gap_ms,
        last_sent_ms: app.outbox.last_sent_ms(id),
        quiet_until_ms: quiet.and_then(|quiet| quiet.until_ms(now_ms)),
    };
    let planned = plan(&rows, pace, now_ms);
    if !planned.give_up.is_empty() {
        app.checks.end(&planned.give_up, Ended::GivenUp, None, None, now_ms).await?;
    }
    let Some(dispatch) = planned.dispatch else { return Ok(Turn::Waiting(planned.wake_ms)) };
    if sending.tasks.len() as u64 >= limits::NOTICES_AT_ONCE {
        // The end of one wakes the loop.
        return Ok(Turn::Waiting(planned.wake_ms));
    }
    let tries = rows.iter().filter(|row| dispatch.rows.contains(&row.id));
    let tries = tries.map(|row| row.tries).max().unwrap_or_default();
    let (app, stopping) = (app.clone(), stopping.clone());
    let task = sending.tasks.spawn(async move {
        let delivered = deliver(&app, &stopping, &channel, &dispatch, tries).await;
        if let Err(problem) = delivered {
            tracing::error!(channel = channel.id, %problem, "a delivery could not be noted");
            app.outbox.health.set_problem(Some(format!("deliveries cannot be noted: {problem}")));
            // It is sent again, but not at once.
            tokio::time::sleep(Duration::from_millis(limits::NOTICE_LOOK_MS)).await;
        }
    });
    sending.channels.insert(task.id(), id);
    Ok(Turn::Sending)
}

async fn deliver(
    app: &App,
    stopping: &watch::Receiver<bool>,
    channel: &ChannelRow,
    dispatch: &Dispatch,
    tries_before: u32,
) -> Result<(), ChecksError> {
    let now_ms = app.clock.now_us().div_euclid(1_000);
    let notices = app.checks.notices(&dispatch.rows).await?;
    // None if the channel or monitor was deleted meanwhile.
    let Some(notice) = to_one(notices, dispatch, now_ms) else { return Ok(()) };
    let reply_to = app.checks.reply_to(channel.id, &notice.thread).await?;
    let host = own_host(&app.settings);
    let sending = Sending { now_ms, host: &host, reply_to: reply_to.as_deref() };
    let sent = send(&app.carriers, &channel.settings.config, &notice, sending).await;
    let ended_ms = app.clock.now_us().div_euclid(1_000);
    app.outbox.note_sent(channel.id, ended_ms);
    let Sent { judgement, status, took_ms, .. } = sent;
    let mut tried = Try { at_ms: now_ms, took_ms, status, reason: None };
    let (rows, checks) = (&dispatch.rows, &app.checks);
    let first = rows.first().copied().unwrap_or_default();
    let again_ms = |after_ms| next_try_ms(first, tries_before + 1, after_ms, ended_ms);
    match judgement {
        Judgement::Delivered { message } => {
            // A notice that was taken must not be sent again because the database is away for a while.
            let note =
                || checks.end(rows, Ended::Delivered, Some(&tried), message.as_deref(), ended_ms);
            until_noted(stopping, ChecksError::is_away, note).await?;
        }
        Judgement::Again { after_ms, reason } => {
            tried.reason = Some(reason);
            checks.try_again(rows, &tried, again_ms(after_ms)).await?;
        }
        Judgement::Permanent { gone, reason } => {
            tried.reason = Some(reason.clone());
            checks.end(rows, Ended::Failed, Some(&tried), None, ended_ms).await?;
            tracing::warn!(channel = channel.id, gone, "a channel refused a notice");
            if gone {
                let off = |settings: &mut ChannelSettings| {
                    settings.enabled = false;
                    settings.problem = Some(reason);
                };
                change(app, channel, off).await;
                checks.fail_all(channel.id, ended_ms).await?;
            }
        }
        Judgement::Moved { chat_id } => {
            tried.reason = Some("the chat has another id now".to_owned());
            let moved = |settings: &mut ChannelSettings| {
                if let ChannelConfig::Telegram(telegram) = &mut settings.config {
                    telegram.chat_id = chat_id;
                }
            };
            change(app, channel, moved).await;
            checks.try_again(rows, &tried, ended_ms).await?;
        }
    }
    Ok(())
}

/// Repeats a change until the database is back, or the server stops.
pub async fn until_noted<E, F: Future<Output = Result<(), E>>>(
    stopping: &watch::Receiver<bool>,
    is_away: impl Fn(&E) -> bool,
    note: impl Fn() -> F,
) -> Result<(), E> {
    loop {
        match note().await {
            Err(problem) if is_away(&problem) && !*stopping.borrow() => {
                tokio::time::sleep(Duration::from_millis(limits::NOTICE_LOOK_MS)).await;
            }
            noted => return noted,
        }
    }
}

/// None without notices.
fn to_one(notices: Vec<(u64, Notice)>, dispatch: &Dispatch, now_ms: i64) -> Option<Notice> {
    let newest = notices.last().map(|(_, notice)| notice.clone());
    match dispatch.form {
        Form::Single => newest,
        Form::Combined => newest.map(|notice| Notice { combined: true, ..notice }),
        Form::Digest => {
            let first = notices.first().map(|(id, _)| *id)?;
            let mut threads = BTreeMap::new();
            for (id, notice) in notices {
                threads.insert(notice.thread.clone(), (id, notice));
            }
            let mut newest: Vec<(u64, Notice)> = threads.into_values().collect();
            newest.sort_by_key(|(id, _)| *id);
            let newest: Vec<Notice> = newest.into_iter().map(|(_, notice)| notice).collect();
            Notice::digest(&format!("digest-{first}"), &newest, now_ms)
        }
    }
}

/// Changes a channel after the service reported it as gone or moved. If that can't be saved, the next try finds it
/// again.
async fn change(app: &App, channel: &ChannelRow, change: impl FnOnce(&mut ChannelSettings)) {
    let Some(now) = app.meta.any_channel(channel.id) else { return };
    if now.settings != channel.settings {
        // Its owner has changed it meanwhile.
        return;
    }
    let mut settings = now.settings.clone();
    change(&mut settings);
    let Ok(nonce) = random_bytes() else { return };
    let changed = app.meta.change_channel(now.project, now.id, settings, nonce).await;
    if let Err(problem) = changed {
        tracing::error!(channel = channel.id, %problem, "a channel cannot be changed");
    }
}
