//! `/api/v1/deploys`: the versions of the watched app and their start times, and its endpoints before and after each.
//!
//! Any key may post a deploy: the one in an app or its pipeline can only post. Everyone who may see the dashboard sees
//! versions and times, which mark its charts. A note may mention people and internal work: a share link shows it only
//! if it shows individual requests.

use analytics::changes::{self, EndpointChange, EndpointNumbers};
use analytics::deploy::{NewDeploy, windows};
use analytics::filter::Filter;
use analytics::grid::Grid;
use analytics::limits;
use analytics::period::{self, PeriodText, parse_zone};
use analytics::query::SumsQuery;
use analytics::tally::{Needs, Top, Total};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use serde::Serialize;
use store::meta::DeployRow;
use utoipa::ToSchema;

use crate::app::{App, SharedApp};
use crate::auth::{AnyKey, Owner, Viewer};
use crate::body::JsonObject;
use crate::error::{ApiError, Code};
use crate::parameters::Parameters;
use crate::pieces::to_rfc3339;

#[derive(Serialize, ToSchema)]
pub struct DeployList {
    /// The latest first.
    pub deploys: Vec<DeployAnswer>,
}

/// A deploy.
#[derive(Serialize, ToSchema)]
pub struct DeployAnswer {
    pub id: i64,
    #[schema(example = "v2.4.1")]
    pub version: String,
    pub at: String,
    /// Null without one, or where a share link does not show it.
    pub text: Option<String>,
    pub source: DeploySource,
}

/// Origin of a deploy.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeploySource {
    /// A person or a pipeline.
    Posted,
    /// A batch of requests came with a `release` that was new.
    Requests,
}

/// How a project did before and after a deploy.
#[derive(Serialize, ToSchema)]
pub struct DeployEffect {
    pub deploy: DeployAnswer,
    /// Null where no time has passed since the deploy.
    pub compared: Option<ComparedTimes>,
    /// All requests.
    pub before: EndpointNumbers,
    pub after: EndpointNumbers,
    /// Endpoints with enough requests on both sides, and new ones that fail; the worst first, the best last.
    pub endpoints: Vec<EndpointChange>,
    /// Number of endpoints compared.
    pub total_endpoints: u64,
    /// An endpoint with at most this many requests may be missing: there are too many to list them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_up_to: Option<u64>,
    /// Requests that an endpoint needs on both sides.
    pub least_requests: u64,
}

/// From `from` to before `at`, and from `at` to before `to`: equally long.
#[derive(Serialize, ToSchema)]
pub struct ComparedTimes {
    pub from: String,
    pub at: String,
    pub to: String,
}

/// Say that a version was deployed. Any key of the project may, also one that can only post requests. The same version at the
/// same time is one deploy, however often it is posted.
#[utoipa::path(
    post, path = "/api/v1/deploys", tag = "deploys",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = NewDeploy,
    responses(
        (status = 200, description = "The deploy was known", body = DeployAnswer),
        (status = 201, description = "The deploy", body = DeployAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many deploys from this address", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn create_deploy(
    State(app): State<SharedApp>,
    caller: AnyKey,
    JsonObject(new): JsonObject<NewDeploy>,
) -> Result<(StatusCode, Json<DeployAnswer>), ApiError> {
    let now_us = app.clock.now_us();
    app.deploys.take(caller.client, now_us).map_err(|seconds| {
        let message = format!("too many deploys were posted from this address; wait {seconds} s");
        ApiError::new(Code::TooManyDeploys, message).retry_after(seconds)
    })?;
    let deploy = new
        .check(now_us)
        .map_err(|problem| ApiError::new(Code::InvalidDeploy, problem.to_string()))?;
    let added = app.meta.add_deploy(caller.project, &deploy, limits::DEPLOYS_PER_PROJECT).await?;
    let (row, is_new) =
        added.ok_or_else(|| ApiError::new(Code::UnknownKey, "the project of this key is gone"))?;
    if is_new {
        tracing::info!(project = caller.project.0, deploy = row.id, "deploy added");
    }
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    // A caller knows the text that it posted. That of an earlier deploy is not for a key that may only post.
    let row = if is_new { row } else { without_text(row) };
    Ok((status, Json(to_answer(row, true))))
}

/// The deploys of a period; all of them by default.
#[utoipa::path(
    get, path = "/api/v1/deploys", tag = "deploys",
    params(
        ("project" = Option<String>, Query, description = "Which of the session's projects; `demo` for the demo"),
        ("period" = Option<String>, Query, description = "24h, 7d, 30d, 6mo, 12mo or all (the default)"),
        ("from" = Option<String>, Query, description = "RFC 3339, included"),
        ("to" = Option<String>, Query, description = "RFC 3339, excluded"),
        ("tz" = Option<String>, Query, description = "IANA name; the project's by default"),
    ),
    responses(
        (status = 200, description = "The deploys", body = DeployList),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The server has no demo", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = []), ("share_link" = []), ()),
)]
pub async fn list_deploys(
    State(app): State<SharedApp>,
    viewer: Viewer,
    mut parameters: Parameters,
) -> Result<Json<DeployList>, ApiError> {
    let own_tz = app.meta.project(viewer.project).map(|project| project.tz).unwrap_or_default();
    let zone = parse_zone(&parameters.take(&["tz"])?.unwrap_or(own_tz))?;
    let (period, from, to) =
        (parameters.take(&["period"])?, parameters.take(&["from"])?, parameters.take(&["to"])?);
    parameters.finish()?;
    let text = PeriodText { period: period.as_deref(), from: from.as_deref(), to: to.as_deref() };
    let asked = period::parse(text, app.clock.now_us(), &zone)?.unwrap_or_default();
    let (from_us, to_us) = (asked.from_us.unwrap_or(i64::MIN), asked.to_us.unwrap_or(i64::MAX));
    let rows = app.meta.deploys(viewer.project, from_us, to_us).await?;
    let shows_text = viewer.shows.hits;
    Ok(Json(DeployList {
        deploys: rows.into_iter().map(|row| to_answer(row, shows_text)).collect(),
    }))
}

/// How requests went before and after a deploy: equally long on both sides, until the next deploy or now, a day at most.
#[utoipa::path(
    get, path = "/api/v1/deploys/{id}/effect", tag = "deploys",
    params(
        ("id" = i64, Path, description = "The deploy's `id`"),
        ("project" = Option<String>, Query, description = "Which of the session's projects; `demo` for the demo"),
    ),
    responses(
        (status = 200, description = "Both sides", body = DeployEffect),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such deploy, or there is no demo", body = crate::schema::ErrorAnswer),
        (status = 503, description = "The query took too long", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = []), ("share_link" = []), ()),
)]
pub async fn show_effect(
    State(app): State<SharedApp>,
    viewer: Viewer,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Json<DeployEffect>, ApiError> {
    parameters.finish()?;
    let found = match id.parse() {
        Ok(id) => app.meta.deploy(viewer.project, id).await?,
        Err(_) => None,
    };
    let (row, next_us) = found.ok_or_else(unknown)?;
    let compared = windows(row.deploy.at_us, next_us, app.clock.now_us());
    let deploy = to_answer(row, viewer.shows.hits);
    let Some([before, after]) = compared else {
        return Ok(Json(DeployEffect {
            deploy,
            compared: None,
            before: EndpointNumbers::default(),
            after: EndpointNumbers::default(),
            endpoints: Vec::new(),
            total_endpoints: 0,
            missing_up_to: None,
            least_requests: limits::CHANGE_REQUESTS,
        }));
    };
    let totals = [sums(&app, &viewer, before).await?, sums(&app, &viewer, after).await?];
    let mut endpoints = changes::compare_endpoints(&totals[0].endpoints, &totals[1].endpoints);
    let total_endpoints = endpoints.len() as u64;
    endpoints.truncate(limits::DEPLOY_EFFECT_ROWS as usize);
    let missing = totals
        .iter()
        .map(|total| changes::missing_up_to(&total.endpoints, |row| row.requests))
        .max()
        .unwrap_or_default();
    Ok(Json(DeployEffect {
        deploy,
        compared: Some(ComparedTimes {
            from: to_rfc3339(before.0),
            at: to_rfc3339(after.0),
            to: to_rfc3339(after.1),
        }),
        before: of_all(&totals[0]),
        after: of_all(&totals[1]),
        endpoints,
        total_endpoints,
        missing_up_to: (missing >= limits::CHANGE_REQUESTS).then_some(missing),
        least_requests: limits::CHANGE_REQUESTS,
    }))
}

/// Delete a deploy.
#[utoipa::path(
    delete, path = "/api/v1/deploys/{id}", tag = "deploys",
    params(
        ("id" = i64, Path, description = "The deploy's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such deploy", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn remove_deploy(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let removed = match id.parse() {
        Ok(id) => app.meta.remove_deploy(owner.project, id).await?,
        Err(_) => false,
    };
    if !removed {
        return Err(unknown());
    }
    tracing::info!(project = owner.project.0, deploy = id, "deploy deleted");
    Ok(StatusCode::NO_CONTENT)
}

fn unknown() -> ApiError {
    ApiError::new(
        Code::UnknownDeploy,
        "the project has no such deploy; GET /api/v1/deploys lists them",
    )
}

fn without_text(mut row: DeployRow) -> DeployRow {
    row.deploy.text.clear();
    row
}

fn to_answer(row: DeployRow, shows_text: bool) -> DeployAnswer {
    let DeployRow { id, deploy } = row;
    DeployAnswer {
        id,
        version: deploy.version,
        source: match deploy.from_requests {
            true => DeploySource::Requests,
            false => DeploySource::Posted,
        },
        at: to_rfc3339(deploy.at_us),
        text: Some(deploy.text).filter(|text| shows_text && !text.is_empty()),
    }
}

async fn sums(app: &App, viewer: &Viewer, (from_us, to_us): (i64, i64)) -> Result<Total, ApiError> {
    let query = SumsQuery {
        scope: viewer.scope.clone(),
        grid: Grid::whole(from_us, to_us, &TimeZone::UTC),
        filter: Filter::default(),
        needs: Needs::STATUSES.and(Needs::LATENCY).and(Needs::ENDPOINTS),
        values: Vec::new(),
        prefix: String::new(),
        top: Top { rows: limits::PANEL_ROWS as usize, ..Top::default() },
    };
    app.sums(viewer.reader(), query).await
}

fn of_all(total: &Total) -> EndpointNumbers {
    let of_class = |from: u16, to: u16| total.statuses.range(from..to).map(|(_, hits)| hits).sum();
    EndpointNumbers {
        requests: total.requests(),
        client_errors: of_class(400, 500),
        server_errors: of_class(500, 600),
        p95_ms: changes::to_p95(&total.latency),
    }
}
