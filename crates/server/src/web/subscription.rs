//! Subscribing to a status page by e-mail: the answer to its form, and the targets of the mails' links. Opening them
//! changes nothing, since mail filters and previews follow links; the button does. A mail program's one click (RFC
//! 8058) is the button's POST.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use store::meta::{StatusPageRow, Subscriber, Token};

use super::escape;
use super::status::{base_path, document};
use crate::address::is_own_origin;
use crate::app::{App, SharedApp};
use crate::auth::{ClientAddress, limit_unknown};
use crate::body::Form;
use crate::error::{ApiError, Code};
use crate::{status_page, subscription};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Answers the same for any address.
pub async fn subscribe(
    State(app): State<SharedApp>,
    Path(slug): Path<String>,
    ClientAddress(client): ClientAddress,
    headers: HeaderMap,
    form: Form,
) -> Result<Response<Body>, ApiError> {
    let row = status_page::find(&app, &slug)?;
    let asked = match is_from_elsewhere(&headers, &app) {
        true => {
            let message = "the form was sent from another site; use the one on the status page";
            Err(ApiError::new(Code::WrongOrigin, message))
        }
        false => subscription::ask(&app, &row, form.get("email"), client).await,
    };
    let text = match asked {
        Ok(()) => {
            "<p>If this address can be subscribed, a mail with a link is on its way to it. Open the link to confirm.</p>\
             <p>The mail is sent once a day at most. Look into the spam folder before you try again.</p>"
        }
        Err(error) => return Ok(refused(&app, &row, &error)),
    };
    Ok(page(&app, Some(&row), "Look into your mailbox", text))
}

pub async fn ask_to_confirm(
    State(app): State<SharedApp>,
    Path(token): Path<String>,
    ClientAddress(client): ClientAddress,
) -> Result<Response<Body>, ApiError> {
    let Some((subscriber, row)) = find(&app, &token, client).await? else { return Ok(gone(&app)) };
    if subscriber.confirmed_us.is_some() {
        return Ok(confirmed(&app, &row));
    }
    let text = format!("<p>Have the updates of {} mailed to you?</p>", escape(&row.page.title));
    let text = text + &button("Confirm");
    Ok(page(&app, Some(&row), "Confirm your subscription", &text))
}

pub async fn confirm(
    State(app): State<SharedApp>,
    Path(token): Path<String>,
    ClientAddress(client): ClientAddress,
) -> Result<Response<Body>, ApiError> {
    let Some((subscriber, row)) = find(&app, &token, client).await? else { return Ok(gone(&app)) };
    app.meta.confirm_subscriber(subscriber.id, app.clock.now_us()).await?;
    tracing::info!(project = row.project.0, "a subscription to a status page was confirmed");
    Ok(confirmed(&app, &row))
}

pub async fn ask_to_leave(
    State(app): State<SharedApp>,
    Path(token): Path<String>,
    ClientAddress(client): ClientAddress,
) -> Result<Response<Body>, ApiError> {
    let Some((_, row)) = find(&app, &token, client).await? else { return Ok(gone(&app)) };
    let text = format!("<p>Stop the mails about {} to this address?</p>", escape(&row.page.title));
    Ok(page(&app, Some(&row), "Unsubscribe", &(text + &button("Unsubscribe"))))
}

/// Whatever the body is: only the address of the call matters.
pub async fn leave(
    State(app): State<SharedApp>,
    Path(token): Path<String>,
    ClientAddress(client): ClientAddress,
) -> Result<Response<Body>, ApiError> {
    let Some((subscriber, row)) = find(&app, &token, client).await? else { return Ok(gone(&app)) };
    app.meta.remove_subscriber(subscriber.project, subscriber.id).await?;
    tracing::info!(project = row.project.0, "a subscription to a status page was ended");
    let text = "<p>The address was deleted here, and gets no more mails.</p>";
    Ok(page(&app, Some(&row), "Unsubscribed", text))
}

/// None if the link is invalid or no longer valid.
async fn find(
    app: &App,
    token: &str,
    client: IpAddr,
) -> Result<Option<(Subscriber, Arc<StatusPageRow>)>, ApiError> {
    let found = match Token::parse(token) {
        Some(token) => app.meta.subscriber_by_link(&token, app.clock.now_us()).await?,
        None => None,
    };
    // Without its status page the subscriber no longer exists.
    let found = found.and_then(|subscriber| {
        let row = app.meta.status_page(subscriber.project)?;
        Some((subscriber, row))
    });
    if found.is_none() {
        limit_unknown(app, client)?;
    }
    Ok(found)
}

/// Another site's page has sent the form: the limits would count its visitors' addresses, and not its author's.
fn is_from_elsewhere(headers: &HeaderMap, app: &App) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => !["same-origin", "none"].iter().any(|own| site == own),
        // Browsers without it send `null` if an answer forbids referrers, as all of ours do.
        None => {
            let origin = headers.get(header::ORIGIN).filter(|origin| *origin != "null");
            origin.is_some() && !is_own_origin(headers, &app.settings)
        }
    }
}

fn confirmed(app: &App, row: &StatusPageRow) -> Response<Body> {
    let text = "<p>Updates are mailed to your address from now on. Each mail has a link to unsubscribe.</p>";
    page(app, Some(row), "You are subscribed", text)
}

fn button(label: &str) -> String {
    format!("<form method=post><button class=\"btn primary\">{label}</button></form>")
}

fn gone(app: &App) -> Response<Body> {
    let text =
        "<p>The address is no longer subscribed, the link has expired, or it is incomplete.</p>";
    let response = page(app, None, "This link leads nowhere", text);
    with_code(response, Code::UnknownSubscription)
}

fn refused(app: &App, row: &StatusPageRow, error: &ApiError) -> Response<Body> {
    let text = format!("<p>{}.</p>", escape(&capitalized(&error.message)));
    let mut response = page(app, Some(row), "This address was not subscribed", &text);
    if let Some(seconds) = error.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    with_code(response, error.code)
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}

fn with_code(mut response: Response<Body>, code: Code) -> Response<Body> {
    *response.status_mut() = code.status();
    response.extensions_mut().insert(code);
    response
}

/// `text` is HTML.
fn page(app: &App, row: Option<&StatusPageRow>, heading: &str, text: &str) -> Response<Body> {
    let html = document::message(row.map(|row| &row.page), base_path(app), heading, text);
    let mut response = Response::new(Body::from(html));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
