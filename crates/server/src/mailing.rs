//! The loop that mails subscribers of status pages: confirmations first, since somebody waits for them, then bulletins.
//! It has its own pace and connections, so that thousands of subscribers delay no other notice.
//!
//! A mail is marked as sent after the mail server accepted it. A process that is killed in between sends it once more,
//! with the same Message-ID.

use std::sync::Arc;
use std::time::Duration;

use analytics::hit::ProjectId;
use analytics::limits;
use analytics::notice::Email;
use analytics::notice::outbox::next_try_ms;
use analytics::status_page::bulletin::{Letterhead, confirmation, mail};
use store::checks::{About, ChecksError, Claim, Mailing};
use store::meta::{Confirmation, MetaError, StatusPageRow, Subscriber};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::address::own_host;
use crate::app::{App, SharedApp};
use crate::delivery::until_noted;
use crate::mail::Refused;
use crate::subscription::is_offered;

const HOUR_MS: i64 = 3_600_000;

#[derive(Debug, thiserror::Error)]
enum MailingError {
    #[error(transparent)]
    Meta(#[from] MetaError),
    #[error(transparent)]
    Checks(#[from] ChecksError),
}

impl MailingError {
    fn is_away(&self) -> bool {
        match self {
            MailingError::Meta(problem) => problem.is_away(),
            MailingError::Checks(problem) => problem.is_away(),
        }
    }
}

/// A due mail.
enum Letter {
    Confirmation(Confirmation),
    Bulletin(Mailing),
}

/// The result of a round.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    /// There may be more to send.
    Busy,
    Idle,
    /// The mail server cannot be used.
    Unreachable,
}

/// Mails until `stopping`, then waits for those in progress.
pub async fn run(app: SharedApp, mut stopping: watch::Receiver<bool>) {
    loop {
        let round = match round(&app, &stopping).await {
            Ok(round) => {
                app.subscriber_mail.health.set_problem(None);
                round
            }
            Err(problem) => {
                tracing::error!(%problem, "subscribers cannot be mailed");
                let problem = format!("subscribers are not mailed: {problem}");
                app.subscriber_mail.health.set_problem(Some(problem));
                Round::Unreachable
            }
        };
        let wait = match round {
            Round::Busy => Duration::ZERO,
            Round::Idle => Duration::from_millis(limits::NOTICE_LOOK_MS),
            Round::Unreachable => Duration::from_secs(limits::SUBSCRIBER_REST_SECONDS),
        };
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => break,
            () = app.subscriber_mail.changed(), if round == Round::Idle => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn round(app: &SharedApp, stopping: &watch::Receiver<bool>) -> Result<Round, MailingError> {
    app.subscriber_mail.health.note_look();
    // Another server may be mailing.
    if !app.meta.leads() || !app.checks.claim(Claim::Mailings).await? {
        return Ok(Round::Idle);
    }
    let round = mail_due(app, stopping).await;
    app.checks.release(Claim::Mailings).await;
    round
}

async fn mail_due(
    app: &SharedApp,
    stopping: &watch::Receiver<bool>,
) -> Result<Round, MailingError> {
    spread(app).await?;
    let due = due(app).await?;
    let round = if due.is_empty() { Round::Idle } else { Round::Busy };
    let mut sending = JoinSet::new();
    let mut ended = Vec::with_capacity(due.len());
    for letter in due {
        if *stopping.borrow() {
            break;
        }
        if sending.len() as u64 >= limits::SUBSCRIBER_MAILS_AT_ONCE {
            ended.extend(sending.join_next().await);
        }
        app.subscriber_mail.health.note_look();
        let (app, stopping) = (app.clone(), stopping.clone());
        sending.spawn(async move { deliver(&app, &stopping, &letter).await });
        tokio::time::sleep(Duration::from_millis(limits::SUBSCRIBER_MAIL_GAP_MS)).await;
    }
    while let Some(one) = sending.join_next().await {
        ended.push(one);
    }
    if round == Round::Busy {
        app.checks.forget_sent_bulletins().await?;
    }
    // It pauses after a panic too, or it would loop without pause.
    let results: Result<Vec<bool>, MailingError> =
        ended.into_iter().map(|one| one.unwrap_or(Ok(false))).collect();
    Ok(if results?.contains(&false) { Round::Unreachable } else { round })
}

/// Chooses the recipients of new bulletins.
async fn spread(app: &App) -> Result<(), MailingError> {
    let most = limits::SUBSCRIBER_MAILS_PLANNED as usize;
    for (bulletin, project, at_ms) in app.checks.bulletins_to_spread(most).await? {
        let subscribers = match offered_page(app, project) {
            Some(_) => app.meta.subscribers_since(project, at_ms * 1_000).await?,
            None => Vec::new(),
        };
        app.checks.spread(bulletin, at_ms, &subscribers).await?;
    }
    app.checks.forget_sent_bulletins().await?;
    Ok(())
}

async fn due(app: &App) -> Result<Vec<Letter>, MailingError> {
    let now_us = app.clock.now_us();
    let most = limits::SUBSCRIBER_MAILS_PLANNED as usize;
    let confirmations = app.meta.confirmations_due(now_us, most).await?;
    let left = most - confirmations.len();
    let mailings = app.checks.mailings_due(now_us.div_euclid(1_000), left).await?;
    let confirmations = confirmations.into_iter().map(Letter::Confirmation);
    Ok(confirmations.chain(mailings.into_iter().map(Letter::Bulletin)).collect())
}

/// False if the mail server cannot be used.
async fn deliver(
    app: &App,
    stopping: &watch::Receiver<bool>,
    letter: &Letter,
) -> Result<bool, MailingError> {
    let (Some(email), Some(mailer)) = (compose(app, letter).await?, &app.carriers.mailer) else {
        // The subscriber has left, or the page has ended its subscriptions.
        end(app, letter, None).await?;
        return Ok(true);
    };
    let sent = mailer.send(&email, app.clock.now_us().div_euclid(1_000)).await;
    let now_ms = app.clock.now_us().div_euclid(1_000);
    // The reply may repeat the address, so it is not logged.
    let (again, reachable) = match sent {
        Ok(()) => (false, true),
        Err(Refused::Reply { code, .. }) => {
            tracing::warn!(
                project = letter.project().0,
                code,
                "a mail to a subscriber was refused"
            );
            (code < 500, true)
        }
        Err(Refused::Unreachable(problem)) => {
            tracing::warn!(problem, "subscribers are mailed later");
            (true, false)
        }
    };
    let next_ms = next_try_ms(letter.subscriber() as u64, letter.tries() + 1, None, now_ms);
    let give_up_ms = letter.written_ms() + limits::NOTICE_GIVE_UP_HOURS as i64 * HOUR_MS;
    let again_ms = Some(next_ms).filter(|next_ms| again && *next_ms < give_up_ms);
    // A mail that was sent must not be sent again because the database is away for a while.
    until_noted(stopping, MailingError::is_away, || end(app, letter, again_ms)).await?;
    Ok(reachable)
}

/// `again_ms`: the time of the next try; none if it was sent or is given up.
async fn end(app: &App, letter: &Letter, again_ms: Option<i64>) -> Result<(), MailingError> {
    match letter {
        Letter::Confirmation(confirmation) => {
            let again_us = again_ms.map(|again_ms| again_ms * 1_000);
            app.meta.note_confirmation(confirmation.subscriber.id, again_us).await?;
        }
        Letter::Bulletin(mailing) => match again_ms {
            Some(again_ms) => app.checks.try_mailing_again(mailing, again_ms).await?,
            None => app.checks.end_mailing(mailing).await?,
        },
    }
    Ok(())
}

/// None if it must not be sent (any more).
async fn compose(app: &App, letter: &Letter) -> Result<Option<Email>, MailingError> {
    let Some(row) = offered_page(app, letter.project()) else { return Ok(None) };
    let Some(subscriber) = app.meta.subscriber(letter.subscriber()).await? else {
        return Ok(None);
    };
    let Some(links) = Links::of(app, &row, &subscriber) else { return Ok(None) };
    let host = own_host(&app.settings);
    let recipient = app.meta.public_subscriber_id(&subscriber);
    let letterhead = Letterhead {
        title: &row.page.title,
        page_url: &links.page,
        leave_url: &links.leave,
        to: &subscriber.address,
        recipient: &recipient,
        host: &host,
    };
    Ok(match letter {
        Letter::Confirmation(written) => subscriber
            .confirmed_us
            .is_none()
            .then(|| confirmation(letterhead, &links.confirm, written.written_us / 1_000)),
        Letter::Bulletin(mailing) => {
            // A subscriber's number may belong to another if one of the files was restored from an older copy.
            let asked_for = subscriber.project == mailing.project
                && subscriber.confirmed_us.is_some_and(|us| us <= mailing.bulletin.at_ms * 1_000);
            let thread = match &mailing.about {
                About::Incident(source, number) => {
                    app.meta.public_incident_id(source.to_column(), *number)
                }
                About::Maintenance(id) => id.clone(),
            };
            asked_for.then(|| mail(letterhead, &mailing.bulletin, &thread))
        }
    })
}

/// The addresses in the mails of a subscriber.
struct Links {
    page: String,
    confirm: String,
    leave: String,
}

impl Links {
    /// None if the operator has not set this server's address.
    fn of(app: &App, row: &StatusPageRow, subscriber: &Subscriber) -> Option<Links> {
        let address = app.settings.public_url.as_ref()?.as_text();
        let subscription =
            format!("{address}/subscription/{}", app.meta.subscription_token(subscriber));
        Some(Links {
            page: format!("{address}/status/{}", row.page.slug),
            confirm: format!("{subscription}/confirm"),
            leave: format!("{subscription}/leave"),
        })
    }
}

fn offered_page(app: &App, project: ProjectId) -> Option<Arc<StatusPageRow>> {
    app.meta.status_page(project).filter(|row| is_offered(app, &row.page))
}

impl Letter {
    fn project(&self) -> ProjectId {
        match self {
            Letter::Confirmation(confirmation) => confirmation.subscriber.project,
            Letter::Bulletin(mailing) => mailing.project,
        }
    }

    fn subscriber(&self) -> i64 {
        match self {
            Letter::Confirmation(confirmation) => confirmation.subscriber.id,
            Letter::Bulletin(mailing) => mailing.subscriber,
        }
    }

    fn tries(&self) -> u32 {
        match self {
            Letter::Confirmation(confirmation) => confirmation.tries,
            Letter::Bulletin(mailing) => mailing.tries,
        }
    }

    fn written_ms(&self) -> i64 {
        match self {
            Letter::Confirmation(confirmation) => confirmation.written_us.div_euclid(1_000),
            Letter::Bulletin(mailing) => mailing.bulletin.at_ms,
        }
    }
}
