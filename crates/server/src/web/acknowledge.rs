//! `/acknowledge/{id}/{token}`: the target of a notice's link. Opening it changes nothing, since mail filters and
//! previews follow links; the button does. The secret in the address permits acknowledging this one incident and
//! nothing else.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Response, header};
use store::checks::{IncidentSource, KeptIncident};
use store::meta::Token;

use super::escape;
use crate::app::{App, SharedApp};
use crate::auth::{ClientAddress, limit_unknown};
use crate::error::{ApiError, Code};
use crate::incident::parse_incident_id;
use crate::pieces::to_rfc3339;

const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Asks for confirmation.
pub async fn ask(
    State(app): State<SharedApp>,
    Path((id, token)): Path<(String, String)>,
    ClientAddress(client): ClientAddress,
) -> Result<Response<Body>, ApiError> {
    Ok(match find(&app, &id, &token, client).await? {
        Some(incident) => page(&app, &body(&app, &incident)),
        None => gone(&app),
    })
}

/// Acknowledges.
pub async fn acknowledge(
    State(app): State<SharedApp>,
    Path((id, token)): Path<(String, String)>,
    ClientAddress(client): ClientAddress,
) -> Result<Response<Body>, ApiError> {
    let Some(mut incident) = find(&app, &id, &token, client).await? else { return Ok(gone(&app)) };
    if incident.acknowledged_ms.is_none() && incident.found.until_ms.is_none() {
        incident.acknowledged_ms = Some(app.clock.now_us().div_euclid(1_000));
        app.checks.change_incident(&incident, None, None).await?;
        tracing::info!(incident = id, "incident acknowledged by the link of a notice");
    }
    Ok(page(&app, &body(&app, &incident)))
}

/// None if the link is invalid or no longer valid.
async fn find(
    app: &App,
    id: &str,
    token: &str,
    client: IpAddr,
) -> Result<Option<KeptIncident>, ApiError> {
    let known = parse_incident_id(id).and_then(|(source, number)| {
        let (project, created_us) = match source {
            IncidentSource::Monitor(id) => {
                app.meta.any_monitor(id).map(|row| (row.project, row.created_us))?
            }
            IncidentSource::Rule(id) => {
                app.meta.any_rule(id).map(|row| (row.project, row.created_us))?
            }
        };
        let expected = app.meta.acknowledge_token(source.to_column(), created_us, number.into());
        // Hashes are compared in constant time.
        let hash = |token: Token| blake3::hash(token.to_string().as_bytes());
        (hash(Token::parse(token)?) == hash(expected)).then_some((project, source, number))
    });
    let Some((project, source, number)) = known else {
        limit_unknown(app, client)?;
        return Ok(None);
    };
    Ok(app.checks.incident(project, source, number.into()).await?)
}

fn body(app: &App, incident: &KeptIncident) -> String {
    let found = &incident.found;
    let name = match found.source {
        IncidentSource::Monitor(id) => {
            app.meta.any_monitor(id).and_then(|monitor| monitor.settings.name.clone())
        }
        IncidentSource::Rule(id) => app.meta.any_rule(id).map(|rule| rule.settings.label()),
    };
    let name = name.unwrap_or_default();
    let project = app.meta.project(found.project).map(|project| project.name).unwrap_or_default();
    let time =
        |ms: i64| to_rfc3339(ms.saturating_mul(1_000)).replace('T', " ").replace('Z', " UTC");
    let since = time(found.since_ms);
    let then = match (found.until_ms, incident.acknowledged_ms) {
        (Some(until_ms), _) => format!("<p>It is over since {}.</p>", time(until_ms)),
        (None, Some(at_ms)) => format!("<p><strong>Acknowledged</strong> at {}.</p>", time(at_ms)),
        (None, None) => "<p>Let the others know that somebody is looking into it?</p>\
             <form method=post><button>Acknowledge</button></form>"
            .to_owned(),
    };
    format!(
        "<h1>{}</h1><p>An incident of {} since {since}.</p>{then}",
        escape(&name),
        escape(&project)
    )
}

fn gone(app: &App) -> Response<Body> {
    let body = "<h1>This link leads nowhere</h1><p>The incident or its monitor or rule was deleted, or the link is incomplete.</p>";
    let (mut response, code) = (page(app, body), Code::UnknownIncident);
    *response.status_mut() = code.status();
    response.extensions_mut().insert(code);
    response
}

fn page(app: &App, body: &str) -> Response<Body> {
    let base_path = app.settings.public_url.as_ref().map_or("", |public| &public.base_path);
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <meta name=robots content=noindex><title>Acknowledge</title><link rel=stylesheet href=\"{base_path}/page.css\"><main>{body}</main></html>"
    );
    let mut response = Response::new(Body::from(html));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
