//! `/api/v1/incidents`: what failed, since when, why, and who is affected; and what the project's people add. Checks
//! and rules open and close incidents.

mod shape;

use analytics::hit::ProjectId;
use analytics::limits;
use analytics::notice::source::Source;
use analytics::status_page::publication::{Publication, Severity, Stage};
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use store::checks::{IncidentQuery, IncidentSource, IncidentUpdate, KeptIncident};
use utoipa::ToSchema;

use crate::app::{App, SharedApp};
use crate::auth::{Holder, Manager};
use crate::body::{JsonObject, nullable};
use crate::error::{ApiError, Code};
use crate::incident::parse_incident_id;
use crate::parameters::Parameters;
use crate::subscription::bulletin_of_incident;

use shape::SourceNames;

pub use shape::{IncidentAnswer, IncidentList, IncidentNotice, MonitorIncident};

/// The project's incidents, newest first. They are kept for 13 months.
#[utoipa::path(
    get, path = "/api/v1/incidents", tag = "monitors",
    params(
        ("monitor" = Option<i64>, Query, description = "Only those of this monitor"),
        ("rule" = Option<i64>, Query, description = "Only those of this rule; not together with `monitor`"),
        ("state" = Option<String>, Query, description = "`open`: only those that are not over"),
        ("limit" = Option<u32>, Query, description = "At most so many, 1 to 500. Default: 50"),
        ("before" = Option<String>, Query, description = "Only those that began before this time (RFC 3339), such as `next` of the page before"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The incidents", body = IncidentList),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show incidents", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_incidents(
    State(app): State<SharedApp>,
    holder: Holder,
    mut parameters: Parameters,
) -> Result<Json<IncidentList>, ApiError> {
    let monitor =
        parameters.take_as(&["monitor"], "a monitor's `id`", |text| text.parse::<i64>().ok())?;
    let rule = parameters.take_as(&["rule"], "a rule's `id`, without `monitor`", |text| {
        text.parse::<i64>().ok().filter(|rule| *rule > 0 && monitor.is_none())
    })?;
    let open = parameters.take_as(&["state"], "`open`", |text| (text == "open").then_some(()))?;
    let limit = parameters.take_as(&["limit"], "a number from 1 to 500", |text| {
        text.parse().ok().filter(|limit| (1..=limits::INCIDENTS_PAGE).contains(limit))
    })?;
    let before =
        parameters.take_as(&["before"], "a time such as 2027-01-31T00:00:00Z", |text| {
            text.parse::<jiff::Timestamp>().ok()
        })?;
    parameters.finish()?;
    let limit = limit.unwrap_or(limits::INCIDENTS_PAGE_DEFAULT) as usize;
    let query = IncidentQuery {
        project: holder.project,
        source: monitor.map(IncidentSource::Monitor).or(rule.map(IncidentSource::Rule)),
        open: open.is_some(),
        before_ms: before.map_or(i64::MAX, |before| before.as_millisecond()),
        limit: limit + 1,
    };
    let _turn = app.reads.take(holder.reader(), shape::READ).await?;
    let mut rows = app.checks.incidents(query).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| shape::to_time(row.found.since_ms));
    let incidents = rows.iter().map(|row| MonitorIncident::of(row, &name_of(&app, row)));
    Ok(Json(IncidentList { incidents: incidents.collect(), next }))
}

/// One incident, how it came to be so, and its updates.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}", tag = "monitors",
    params(
        ("id" = String, Path, description = "The incident's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The incident", body = IncidentAnswer),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show incidents", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such incident", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn show_incident(
    State(app): State<SharedApp>,
    holder: Holder,
    Path(id): Path<String>,
) -> Result<Json<IncidentAnswer>, ApiError> {
    let _turn = app.reads.take(holder.reader(), shape::READ).await?;
    let row = find(&app, holder.project, &id).await?;
    Ok(Json(to_answer(&app, row).await?))
}

/// Changes to an incident by the project's people. A missing field stays as it is.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IncidentChange {
    /// Somebody is working on it; false undoes that.
    acknowledged: Option<bool>,
    /// For the project's people. Null deletes it.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    note: Option<Option<String>>,
    /// Publishes the incident on the status page under this title. Null takes it off the page.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    public_title: Option<Option<String>>,
    /// `minor` or `major`, of an incident with a public title. Default: major for an outage.
    #[schema(value_type = Option<String>)]
    severity: Option<Severity>,
    /// One more update, for visitors of the status page.
    update: Option<String>,
    /// Stage of that update: `investigating`, `identified`, `monitoring` or `resolved`. Default: that of the update before. May come
    /// without a text.
    #[schema(value_type = Option<String>)]
    stage: Option<Stage>,
}

/// Acknowledge an incident, write a note, publish it on the status page, or add an update there.
#[utoipa::path(
    patch, path = "/api/v1/incidents/{id}", tag = "monitors",
    params(
        ("id" = String, Path, description = "The incident's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    request_body = IncidentChange,
    responses(
        (status = 200, description = "The incident as it is now", body = IncidentAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such incident", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn change_incident(
    State(app): State<SharedApp>,
    manager: Manager,
    Path(id): Path<String>,
    JsonObject(body): JsonObject<IncidentChange>,
) -> Result<Json<IncidentAnswer>, ApiError> {
    let mut row = find(&app, manager.project, &id).await?;
    let now_ms = app.clock.now_us().div_euclid(1_000);
    match body.acknowledged {
        Some(true) => row.acknowledged_ms = row.acknowledged_ms.or(Some(now_ms)),
        Some(false) => row.acknowledged_ms = None,
        None => {}
    }
    if let Some(note) = body.note {
        let note = note.map(|note| check_text("note", &note)).transpose()?;
        row.note = note.filter(|note| !note.is_empty());
    }
    let was_published = row.publication.is_some();
    change_publication(&mut row, body.public_title, body.severity)?;
    let before = app.checks.incident_updates(row.found.source, row.found.number).await?;
    let update = match (body.update, body.stage) {
        (None, None) => None,
        (text, stage) => Some(new_update(&before, &text.unwrap_or_default(), stage, now_ms)?),
    };
    let newest = update.as_ref().or(before.last());
    let bulletin = bulletin_of_incident(was_published, &row, newest, update.is_some(), now_ms);
    app.checks.change_incident(&row, update, bulletin.as_ref()).await?;
    app.subscriber_mail.wake();
    app.status_views.forget(manager.project);
    tracing::info!(project = manager.project.0, incident = id, "incident changed");
    Ok(Json(to_answer(&app, row).await?))
}

fn new_update(
    before: &[IncidentUpdate],
    text: &str,
    stage: Option<Stage>,
    at_ms: i64,
) -> Result<IncidentUpdate, ApiError> {
    let text = check_text("update", text)?;
    if text.is_empty() && stage.is_none() {
        return Err(ApiError::new(Code::InvalidIncident, "`update` is empty"));
    }
    if before.len() as u64 >= limits::INCIDENT_UPDATES {
        let most = limits::INCIDENT_UPDATES;
        let message = format!("the incident has {most} updates, which is as many as it may have");
        return Err(ApiError::new(Code::InvalidIncident, message));
    }
    let stage = stage.or(before.last().map(|last| last.stage)).unwrap_or_default();
    Ok(IncidentUpdate { at_ms, stage, text })
}

fn change_publication(
    row: &mut KeptIncident,
    title: Option<Option<String>>,
    severity: Option<Severity>,
) -> Result<(), ApiError> {
    match title {
        Some(Some(title)) => {
            let title = check_title(&title)?;
            let before = row.publication.as_ref().map(|public| public.severity);
            let severity = before.unwrap_or(Severity::of(row.found.cause));
            row.publication = Some(Publication { title, severity });
        }
        Some(None) => row.publication = None,
        None => {}
    }
    match (severity, row.publication.as_mut()) {
        (Some(severity), Some(publication)) => publication.severity = severity,
        (Some(_), None) => {
            return Err(ApiError::new(
                Code::InvalidIncident,
                "`severity` is shown beside the public title, and the incident has none; send `public_title` with it",
            ));
        }
        (None, _) => {}
    }
    Ok(())
}

/// One line.
fn check_title(text: &str) -> Result<String, ApiError> {
    let title: String = text.chars().filter(|character| !character.is_control()).collect();
    let title = title.trim();
    let most = limits::STATUS_TITLE_CHARACTERS;
    let problem = if title.is_empty() {
        "`public_title` is empty; null takes the incident off the status page".to_owned()
    } else if title.chars().count() as u64 > most {
        format!("`public_title` is longer than {most} characters")
    } else {
        return Ok(title.to_owned());
    };
    Err(ApiError::new(Code::InvalidIncident, problem))
}

/// Keeps line breaks and removes invisible characters.
fn check_text(field: &str, text: &str) -> Result<String, ApiError> {
    let is_kept = |character: &char| *character == '\n' || !character.is_control();
    let text: String = text.chars().filter(is_kept).collect();
    let text = text.trim();
    let most = limits::INCIDENT_NOTE_CHARACTERS;
    if text.chars().count() as u64 > most {
        let message = format!("`{field}` is longer than {most} characters");
        return Err(ApiError::new(Code::InvalidIncident, message));
    }
    Ok(text.to_owned())
}

/// By the monitor's number and its own within it, as `12-3`; for a rule as `r12-3`.
async fn find(app: &App, project: ProjectId, id: &str) -> Result<KeptIncident, ApiError> {
    let unknown = || {
        ApiError::new(
            Code::UnknownIncident,
            "the project has no such incident; GET /api/v1/incidents lists them",
        )
    };
    let (source, number) = parse_incident_id(id).ok_or_else(unknown)?;
    app.checks.incident(project, source, number.into()).await?.ok_or_else(unknown)
}

/// The thread of its notices.
fn thread_of(source: IncidentSource, number: u64) -> String {
    match source {
        IncidentSource::Monitor(id) => Source::incident_thread(&id.to_string(), number),
        IncidentSource::Rule(id) => Source::alert_thread(&id.to_string(), number),
    }
}

async fn to_answer(app: &App, row: KeptIncident) -> Result<IncidentAnswer, ApiError> {
    let (source, number) = (row.found.source, row.found.number);
    let updates = app.checks.incident_updates(source, number).await?;
    let transitions = app.checks.transitions(source, number).await?;
    let mut notices = Vec::new();
    for notice in app.checks.thread_notices(source, &thread_of(source, number)).await? {
        // The channel is gone if it was just deleted, and its notices are about to be.
        let channel = app.meta.channel(row.found.project, notice.channel);
        notices.extend(
            channel.map(|channel| IncidentNotice::of(notice, channel.settings.name.clone())),
        );
    }
    Ok(IncidentAnswer::of(&row, &name_of(app, &row), &updates, &transitions, notices))
}

fn name_of(app: &App, row: &KeptIncident) -> SourceNames {
    let project = row.found.project;
    let mut names = SourceNames::default();
    match row.found.source {
        IncidentSource::Monitor(id) => {
            let monitor = app.meta.monitor(project, id);
            let name = monitor.and_then(|monitor| monitor.settings.name.clone());
            names.monitor = name.unwrap_or_default();
        }
        IncidentSource::Rule(id) => {
            let rule = app.meta.rule(project, id);
            names.rule = rule.map(|rule| rule.settings.label()).unwrap_or_default();
        }
    }
    names
}
