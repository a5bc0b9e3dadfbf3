//! Subscriptions to status pages by e-mail: where they are offered, who may request one, and the bulletin of a changed
//! incident. `mailing` sends mails, `analytics::status_page::bulletin` renders them.

use std::net::IpAddr;

use analytics::status_page::StatusPage;
use analytics::status_page::bulletin::{Bulletin, News};
use analytics::status_page::publication::Stage;
use analytics::status_page::subscriber::Address;
use store::checks::{IncidentUpdate, KeptIncident};
use store::meta::{StatusPageRow, SubscriberLimits};

use crate::app::App;
use crate::error::{ApiError, Code};

/// The settings that the operator must make before anyone can subscribe. None: all are made.
pub fn missing_settings(app: &App) -> Option<&'static str> {
    match (&app.carriers.mailer, &app.settings.public_url) {
        (Some(_), Some(_)) => None,
        (None, Some(_)) => Some("`smtp_server`"),
        (Some(_), None) => Some("`public_url`"),
        (None, None) => Some("`smtp_server` and `public_url`"),
    }
}

/// Visitors can subscribe, and subscribers are mailed.
pub fn is_offered(app: &App, page: &StatusPage) -> bool {
    page.enabled && page.subscriptions && missing_settings(app).is_none()
}

/// Requests a subscription of an address. Reveals nothing about whether it was known.
pub async fn ask(
    app: &App,
    row: &StatusPageRow,
    address: &str,
    client: IpAddr,
) -> Result<(), ApiError> {
    if !is_offered(app, &row.page) {
        let message = "this status page sends no e-mail; its feed has all updates too";
        return Err(ApiError::new(Code::UnknownSubscription, message));
    }
    let address = Address::parse(address).ok_or_else(|| {
        let message = "this is not an e-mail address; it should look like ann@example.com";
        ApiError::new(Code::InvalidSubscription, message)
    })?;
    let now_us = app.clock.now_us();
    app.subscriptions_asked.take(client, now_us).map_err(|seconds| {
        let minutes = seconds.div_ceil(60);
        let message = format!(
            "too many subscriptions were asked for from your network; try again in {minutes} min"
        );
        ApiError::new(Code::TooManySubscriptions, message).retry_after(seconds)
    })?;
    let most = SubscriberLimits {
        subscribers: app.settings.limits.get("subscribers_per_project"),
        asked_a_day: app.settings.limits.get("subscriptions_per_day"),
    };
    app.meta.ask_subscription(row.project, &address, most, now_us).await?;
    app.subscriber_mail.wake();
    Ok(())
}

/// The bulletin for the owner's change of an incident. `before` and `incident`: the old and the new publication;
/// `newest`: its newest update; `is_new`: this change added that.
pub fn bulletin_of_incident(
    before: bool,
    incident: &KeptIncident,
    newest: Option<&IncidentUpdate>,
    is_new: bool,
    now_ms: i64,
) -> Option<Bulletin> {
    let publication = incident.publication.as_ref()?;
    if before && !is_new {
        return None;
    }
    let is_over = incident.found.until_ms.is_some();
    let stage = newest.map(|update| update.stage);
    // As on the page: an incident that is published late may be over.
    let stage = if !before && is_over { Some(Stage::Resolved) } else { stage };
    Some(Bulletin {
        at_ms: now_ms,
        title: publication.title.clone(),
        text: newest.map(|update| update.text.clone()).unwrap_or_default(),
        news: News::Incident { severity: publication.severity, stage, opens: !before },
    })
}
