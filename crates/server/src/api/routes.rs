//! `/api/v1/routes`: the parameters in paths of clients that send no routes, learned or set by the owner.

use analytics::hit::ProjectId;
use analytics::learned_routes::Template;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::SharedApp;
use crate::auth::{Holder, Owner};
use crate::body::JsonObject;
use crate::error::{ApiError, Code};

#[derive(Serialize, ToSchema)]
pub struct RouteTemplates {
    /// In the order of their texts.
    pub routes: Vec<RouteTemplate>,
}

#[derive(Serialize, ToSchema)]
pub struct RouteTemplate {
    /// The path up to and including the parameter.
    #[schema(example = "/articles/{slug}")]
    pub template: String,
    /// `learned` from paths, or `owner` where somebody has added, renamed or refused it.
    pub source: &'static str,
    /// True: values at this place stay endpoints of their own.
    pub refused: bool,
    /// Values at this place that have an endpoint of their own, because they are frequent or were added.
    pub kept_words: usize,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteDecision {
    /// Ends in a parameter, which is added or renamed; or in a fixed word, which keeps an endpoint of its own beside the parameter.
    #[schema(example = "/articles/{title}")]
    pub template: String,
    /// True: this place must not become a parameter.
    #[serde(default)]
    pub refused: bool,
}

/// The templates of paths without a route.
#[utoipa::path(
    get, path = "/api/v1/routes", tag = "routes",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 200, description = "The templates", body = RouteTemplates),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link doesn't show them", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_routes(
    State(app): State<SharedApp>,
    holder: Holder,
) -> Result<Json<RouteTemplates>, ApiError> {
    Ok(Json(RouteTemplates { routes: templates(&app, holder.project)? }))
}

/// Add, rename or refuse a template. It applies to all requests, also to earlier ones; what was counted under a template for a while stays there when it is refused.
#[utoipa::path(
    put, path = "/api/v1/routes", tag = "routes",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = RouteDecision,
    responses(
        (status = 200, description = "All templates", body = RouteTemplates),
        (status = 400, description = "The template cannot be used; the message says why", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn decide_route(
    State(app): State<SharedApp>,
    owner: Owner,
    JsonObject(decision): JsonObject<RouteDecision>,
) -> Result<Json<RouteTemplates>, ApiError> {
    app.learned_routes.catch_up(&app.meta, owner.project).await?;
    let of_project = app.learned_routes.of(owner.project).map_err(no_random)?;
    let template = decision.template.trim();
    let decided = of_project.lock().decide(template, decision.refused);
    decided.map_err(|error| ApiError::new(Code::InvalidSetting, format!("`template`: {error}")))?;
    app.learned_routes.write_templates(&app.meta, owner.project).await?;
    Ok(Json(RouteTemplates { routes: templates(&app, owner.project)? }))
}

fn templates(app: &SharedApp, project: ProjectId) -> Result<Vec<RouteTemplate>, ApiError> {
    let of_project = app.learned_routes.of(project).map_err(no_random)?;
    let templates = of_project.lock().templates();
    let describe = |Template { template, by_owner, refused, kept_words }| RouteTemplate {
        template,
        source: if by_owner { "owner" } else { "learned" },
        refused,
        kept_words,
    };
    Ok(templates.into_iter().map(describe).collect())
}

fn no_random(error: anyhow::Error) -> ApiError {
    ApiError::internal("reading learned routes", &error)
}
