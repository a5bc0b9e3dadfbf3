//! `/status/{slug}/json`: the status page's content, for programs.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Public, send, words};
use crate::address::own_address;
use crate::app::SharedApp;
use crate::auth::ClientAddress;
use crate::error::ApiError;
use crate::status_page;
use crate::status_view::{DayView, IncidentView, MaintenanceView, ServiceView, StatusView};

/// A public status page.
#[derive(Serialize, ToSchema)]
pub struct PublicStatus {
    #[schema(example = "Shop status")]
    pub title: String,
    /// Address of the page for people.
    pub url: String,
    /// `operational`, `maintenance`, `degraded`, `disrupted`, `down` or `unknown`.
    #[schema(example = "disrupted")]
    pub state: &'static str,
    pub updated_at: String,
    pub groups: Vec<PublicGroup>,
    /// Maintenance now or within 14 days, by start.
    pub maintenance: Vec<PublicMaintenance>,
    /// Open incidents, newest first.
    pub incidents: Vec<PublicIncident>,
    /// Closed incidents of the last 90 days, newest first.
    pub earlier: Vec<PublicIncident>,
}

/// Services under a heading.
#[derive(Serialize, ToSchema)]
pub struct PublicGroup {
    /// "": none.
    pub name: String,
    pub services: Vec<PublicService>,
}

#[derive(Serialize, ToSchema)]
pub struct PublicService {
    #[schema(example = "Orders")]
    pub name: String,
    /// `up`, `degraded`, `down`, `maintenance` or `unknown`.
    #[schema(example = "up")]
    pub state: &'static str,
    /// Uptime of the last 90 days, rounded down. Null if less than half of the time is known.
    #[schema(example = "99.98")]
    pub uptime_percent: Option<String>,
    /// Share of the requests of the last 90 days that were answered without a server error, rounded down. Null if it is not shown.
    #[schema(example = "99.97")]
    pub requests_percent: Option<String>,
    pub badge_url: String,
    /// The last 90 days, in order.
    pub days: Vec<PublicDay>,
}

/// A day (UTC) of a service.
#[derive(Serialize, ToSchema)]
pub struct PublicDay {
    /// When it begins.
    #[schema(example = "2027-01-31T00:00:00Z")]
    pub day: String,
    /// `up`, `degraded`, `down`, `maintenance` or `unknown`.
    #[schema(example = "up")]
    pub state: &'static str,
    pub down_ms: i64,
    pub degraded_ms: i64,
    pub maintenance_ms: i64,
    /// Today's is counted up to now.
    pub unknown_ms: i64,
}

/// A maintenance window as its owner has published it.
#[derive(Serialize, ToSchema)]
pub struct PublicMaintenance {
    pub id: String,
    #[schema(example = "Database upgrade")]
    pub title: String,
    /// May be empty.
    pub text: String,
    pub from: String,
    pub to: String,
    /// It takes place now.
    pub current: bool,
    /// The names of the services that it concerns; empty for all of them.
    pub services: Vec<String>,
}

/// An incident as its owner has published it.
#[derive(Serialize, ToSchema)]
pub struct PublicIncident {
    pub id: String,
    #[schema(example = "Orders cannot be placed")]
    pub title: String,
    /// `minor` or `major`.
    #[schema(example = "major")]
    pub severity: &'static str,
    pub began_at: String,
    /// Null while it is not over.
    pub ended_at: Option<String>,
    /// In order.
    pub updates: Vec<IncidentStep>,
}

#[derive(Serialize, ToSchema)]
pub struct IncidentStep {
    pub at: String,
    /// `investigating`, `identified`, `monitoring` or `resolved`.
    #[schema(example = "identified")]
    pub stage: &'static str,
    /// May be empty.
    pub text: String,
}

/// The content of a public status page. Pages of any site may read it.
#[utoipa::path(
    get, path = "/status/{slug}/json", tag = "status page",
    params(("slug" = String, Path, description = "The last part of the page's address")),
    responses(
        (status = 200, description = "The page", body = PublicStatus),
        (status = 304, description = "As the ETag in If-None-Match says"),
        (status = 404, description = "There is no status page at this address", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many queries wait for their turn", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn show_json(
    State(app): State<SharedApp>,
    Path(slug): Path<String>,
    ClientAddress(client): ClientAddress,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let view = status_page::view(&app, &slug, client).await?;
    let answer = to_public(&view, &own_address(&headers, &app.settings));
    let text = serde_json::to_string(&answer)
        .map_err(|error| ApiError::internal("writing an answer", &error))?;
    send(&app, &view, Public { text, content_type: "application/json", open: true }, &headers)
}

fn to_public(view: &StatusView, address: &str) -> PublicStatus {
    let url = format!("{address}/status/{}", view.slug);
    let groups = view.groups.iter().map(|group| {
        let services = group.services.iter().map(|service| to_service(service, &url));
        PublicGroup { name: group.name.clone(), services: services.collect() }
    });
    PublicStatus {
        title: view.title.clone(),
        state: view.overall.as_str(),
        updated_at: words::machine_time(view.made_ms),
        groups: groups.collect(),
        maintenance: view.maintenance.iter().map(to_maintenance).collect(),
        incidents: view.current.iter().map(to_incident).collect(),
        earlier: view.earlier.iter().map(to_incident).collect(),
        url,
    }
}

fn to_service(service: &ServiceView, url: &str) -> PublicService {
    PublicService {
        name: service.name.clone(),
        state: service.state.as_str(),
        uptime_percent: service.uptime.map(|share| share.percent(2)),
        requests_percent: service.requests.map(|share| share.percent(2)),
        badge_url: format!("{url}/badge/{}.svg", service.slug),
        days: service.days.iter().map(to_day).collect(),
    }
}

fn to_day(day: &DayView) -> PublicDay {
    PublicDay {
        day: words::machine_time(day.from_ms),
        state: day.state.as_str(),
        down_ms: day.millis.down,
        degraded_ms: day.millis.degraded,
        maintenance_ms: day.millis.maintenance,
        unknown_ms: day.millis.unknown,
    }
}

fn to_maintenance(maintenance: &MaintenanceView) -> PublicMaintenance {
    PublicMaintenance {
        id: maintenance.id.clone(),
        title: maintenance.title.clone(),
        text: maintenance.text.clone(),
        from: words::machine_time(maintenance.from_ms),
        to: words::machine_time(maintenance.to_ms),
        current: maintenance.is_current,
        services: maintenance.services.clone(),
    }
}

fn to_incident(incident: &IncidentView) -> PublicIncident {
    let updates = incident.updates.iter().map(|update| IncidentStep {
        at: words::machine_time(update.at_ms),
        stage: update.stage.as_str(),
        text: update.text.clone(),
    });
    PublicIncident {
        id: incident.id.clone(),
        title: incident.title.clone(),
        severity: incident.severity.as_str(),
        began_at: words::machine_time(incident.since_ms),
        ended_at: incident.until_ms.map(words::machine_time),
        updates: updates.collect(),
    }
}
