//! `/api/v1/rules`: the conditions on hits that send a project notices, and the state of their alerts.

mod shape;

use std::sync::Arc;

use analytics::alert::RuleSettings;
use analytics::hit::ProjectId;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Map, Value};
use store::meta::RuleRow;

use crate::app::{App, SharedApp};
use crate::auth::{Holder, Owner};
use crate::body::JsonObject;
use crate::error::{ApiError, Code};

pub use shape::{ReadyMadeAnswer, RuleAnswer, RuleList};

/// The project's rules, and the ready-made ones with their numbers.
#[utoipa::path(
    get, path = "/api/v1/rules", tag = "rules",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 200, description = "The rules and where they stand", body = RuleList),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show rules", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_rules(
    State(app): State<SharedApp>,
    holder: Holder,
) -> Result<Json<RuleList>, ApiError> {
    let rows = app.meta.rules(holder.project);
    let rules = rows.iter().map(|row| to_answer(&app, row)).collect();
    Ok(Json(RuleList { rules, ready_made: ReadyMadeAnswer::all() }))
}

/// Make a rule: a ready-made one by its name, or one of the project's own. It is judged within two minutes.
#[utoipa::path(
    post, path = "/api/v1/rules", tag = "rules",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = RuleSettings,
    responses(
        (status = 201, description = "The rule with its numbers", body = RuleAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 409, description = "The project has as many rules as it may have", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn create_rule(
    State(app): State<SharedApp>,
    owner: Owner,
    JsonObject(body): JsonObject<Map<String, Value>>,
) -> Result<(StatusCode, Json<RuleAnswer>), ApiError> {
    let settings = RuleSettings::default().changed(body)?;
    settings.compile()?;
    let most = app.settings.limits.get("rules_per_project") as usize;
    let made = app.meta.add_rule(owner.project, settings, most, app.clock.now_us()).await?;
    let row =
        made.ok_or_else(|| ApiError::new(Code::UnknownKey, "the project of this key is gone"))?;
    tracing::info!(project = owner.project.0, rule = row.id, "rule made");
    Ok((StatusCode::CREATED, Json(to_answer(&app, &row))))
}

/// A rule and its alerts.
#[utoipa::path(
    get, path = "/api/v1/rules/{id}", tag = "rules",
    params(
        ("id" = i64, Path, description = "The rule's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The rule", body = RuleAnswer),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show rules", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such rule", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn show_rule(
    State(app): State<SharedApp>,
    holder: Holder,
    Path(id): Path<String>,
) -> Result<Json<RuleAnswer>, ApiError> {
    let row = find(&app, holder.project, &id)?;
    Ok(Json(to_answer(&app, &row)))
}

/// Change a rule. Fields that are not there stay, null is the default again. Its alerts end without a notice.
#[utoipa::path(
    patch, path = "/api/v1/rules/{id}", tag = "rules",
    params(
        ("id" = i64, Path, description = "The rule's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    request_body = RuleSettings,
    responses(
        (status = 200, description = "The rule as it is now", body = RuleAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such rule", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn change_rule(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
    JsonObject(body): JsonObject<Map<String, Value>>,
) -> Result<Json<RuleAnswer>, ApiError> {
    let before = find(&app, owner.project, &id)?;
    let settings = before.settings.changed(body)?;
    settings.compile()?;
    let changed = app.meta.change_rule(owner.project, before.id, settings).await?;
    let row = changed.ok_or_else(unknown)?;
    let renamed = RuleSettings { name: row.settings.name.clone(), ..before.settings.clone() };
    if renamed != row.settings {
        let now_ms = app.clock.now_us().div_euclid(1_000);
        app.rules.stop(&app.meta, &app.checks, &row, now_ms).await?;
    }
    tracing::info!(project = owner.project.0, rule = row.id, "rule changed");
    Ok(Json(to_answer(&app, &row)))
}

/// Delete a rule with its incidents.
#[utoipa::path(
    delete, path = "/api/v1/rules/{id}", tag = "rules",
    params(
        ("id" = i64, Path, description = "The rule's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such rule", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn remove_rule(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let row = find(&app, owner.project, &id)?;
    app.meta.remove_rule(owner.project, row.id).await?;
    app.meta.catch_up().await?;
    app.rules.forget_gone(&app.meta, &app.checks).await?;
    tracing::info!(project = owner.project.0, rule = row.id, "rule deleted");
    Ok(StatusCode::NO_CONTENT)
}

fn find(app: &App, project: ProjectId, id: &str) -> Result<Arc<RuleRow>, ApiError> {
    id.parse().ok().and_then(|id| app.meta.rule(project, id)).ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::new(Code::UnknownRule, "the project has no such rule; GET /api/v1/rules lists them")
}

fn to_answer(app: &App, row: &RuleRow) -> RuleAnswer {
    RuleAnswer::of(row, &app.rules.state(row))
}
