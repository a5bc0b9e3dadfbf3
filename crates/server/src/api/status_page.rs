//! `/api/v1/status-page`: the monitors that a project publishes, and the page's settings. The page itself is at
//! `/status/{slug}` (`web::status`).

use std::sync::Arc;

use analytics::hit::ProjectId;
use analytics::status_page::accent::Accent;
use analytics::status_page::logo::Logo;
use analytics::status_page::{DEFAULT_TITLE, ServiceGroup, StatusPage, slug};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use store::meta::StatusPageRow;
use utoipa::ToSchema;

use crate::address::own_address;
use crate::app::{App, SharedApp};
use crate::auth::{Holder, Owner};
use crate::body::{JsonObject, nullable};
use crate::error::{ApiError, Code};
use crate::subscription::missing_settings;

/// A project's status page, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct StatusPageAnswer {
    /// Anyone may look at it.
    pub enabled: bool,
    /// The last part of its address. One is proposed as long as the page was never changed.
    #[schema(example = "shop-k3vq8wfn")]
    pub slug: String,
    /// Its address, also while it is not shown.
    pub url: String,
    #[schema(example = "Shop status")]
    pub title: String,
    /// Null: the colour of API Analytics.
    #[schema(example = "#0c7d5b")]
    pub accent: Option<String>,
    /// Its logo's address. Null: the mark of API Analytics.
    pub logo_url: Option<String>,
    /// Whether the share of requests without a server error is shown beside the bars.
    pub show_requests: bool,
    /// Visitors can subscribe by e-mail, and subscribers are mailed what is published.
    pub subscriptions: bool,
    /// Why nobody can be mailed, and what the server's operator must set. Null: all is set.
    #[schema(example = json!(null))]
    pub subscriptions_problem: Option<String>,
    pub groups: Vec<PageGroup>,
}

/// Services under a heading.
#[derive(Serialize, ToSchema)]
pub struct PageGroup {
    /// "": no heading.
    pub name: String,
    pub services: Vec<PageService>,
}

/// A monitor as visitors know it.
#[derive(Serialize, ToSchema)]
pub struct PageService {
    /// The monitor's `id`.
    pub monitor: i64,
    #[schema(example = "Orders")]
    pub name: String,
    /// An SVG with its state.
    pub badge_url: String,
}

/// The owner's changes. A missing field stays as it is.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StatusPageChange {
    /// True shows the page to anyone.
    enabled: Option<bool>,
    /// 3 to 60 of the letters a to z, digits and hyphens. Null: the proposed one, which nobody can guess.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    slug: Option<Option<String>>,
    /// At most 100 characters. Null: Status.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    title: Option<Option<String>>,
    /// `#rrggbb`. It is darkened or lightened where it could not be read. Null: the colour of API Analytics.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    accent: Option<Option<String>>,
    /// A PNG, JPEG or WebP image of at most 32 KiB, as base64 or a `data:` address. Null deletes it.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    logo: Option<Option<String>>,
    /// Shows the share of requests to each monitor's host that were answered without a server error.
    show_requests: Option<bool>,
    /// True lets visitors subscribe by e-mail, where the server's operator has set what that needs.
    subscriptions: Option<bool>,
    /// All services of the page, each with the name that visitors see.
    groups: Option<Vec<ServiceGroup>>,
}

/// The project's status page. As long as there is none, its defaults.
#[utoipa::path(
    get, path = "/api/v1/status-page", tag = "status page",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 200, description = "The page's settings", body = StatusPageAnswer),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show the settings of a status page", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn show_status_page(
    State(app): State<SharedApp>,
    holder: Holder,
    headers: HeaderMap,
) -> Json<StatusPageAnswer> {
    Json(to_answer(&app, &kept_or_new(&app, holder.project), &headers))
}

/// Make, change, show or hide the project's status page.
#[utoipa::path(
    patch, path = "/api/v1/status-page", tag = "status page",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = StatusPageChange,
    responses(
        (status = 200, description = "The page's settings as they are now", body = StatusPageAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 409, description = "Another status page has this address", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn change_status_page(
    State(app): State<SharedApp>,
    owner: Owner,
    headers: HeaderMap,
    JsonObject(change): JsonObject<StatusPageChange>,
) -> Result<Json<StatusPageAnswer>, ApiError> {
    let mut row = StatusPageRow::clone(&kept_or_new(&app, owner.project));
    let page = &mut row.page;
    page.enabled = change.enabled.unwrap_or(page.enabled);
    page.show_requests = change.show_requests.unwrap_or(page.show_requests);
    if let Some(subscriptions) = change.subscriptions {
        if let Some(problem) =
            problem_of_subscriptions(&app).filter(|_| subscriptions && !page.subscriptions)
        {
            let message = format!("`subscriptions` cannot be switched on: {problem}");
            return Err(ApiError::new(Code::InvalidStatusPage, message));
        }
        page.subscriptions = subscriptions;
    }
    if let Some(slug) = change.slug {
        page.slug = slug.unwrap_or_else(|| app.meta.proposed_slug(owner.project));
    }
    if let Some(title) = change.title {
        page.title = title.unwrap_or_else(|| DEFAULT_TITLE.to_owned());
    }
    if let Some(accent) = change.accent {
        page.accent = accent.map(|text| text.trim().parse::<Accent>()).transpose()?;
    }
    if let Some(groups) = change.groups {
        page.groups = groups;
    }
    if let Some(logo) = change.logo {
        row.logo = logo.map(|text| Logo::from_base64(&text)).transpose()?;
    }
    row.page = row.page.checked(|monitor| app.meta.monitor(owner.project, monitor).is_some())?;
    let kept = app.meta.put_status_page(row).await?;
    let row =
        kept.ok_or_else(|| ApiError::new(Code::UnknownKey, "the project of this key is gone"))?;
    app.status_views.forget(owner.project);
    tracing::info!(project = owner.project.0, shown = row.page.enabled, "status page changed");
    Ok(Json(to_answer(&app, &row, &headers)))
}

/// Delete the project's status page and its subscribers. What was published of incidents stays with them.
#[utoipa::path(
    delete, path = "/api/v1/status-page", tag = "status page",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no status page", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn remove_status_page(
    State(app): State<SharedApp>,
    owner: Owner,
) -> Result<StatusCode, ApiError> {
    if !app.meta.remove_status_page(owner.project).await? {
        return Err(ApiError::new(
            Code::UnknownStatusPage,
            "the project has no status page; PATCH /api/v1/status-page makes one",
        ));
    }
    app.checks.forget_bulletins(owner.project).await?;
    app.status_views.remove(owner.project);
    tracing::info!(project = owner.project.0, "status page deleted");
    Ok(StatusCode::NO_CONTENT)
}

fn problem_of_subscriptions(app: &App) -> Option<String> {
    let missing = missing_settings(app)?;
    Some(format!("nobody can be mailed before this server's operator has set {missing}"))
}

/// Without services whose monitor is gone.
fn kept_or_new(app: &App, project: ProjectId) -> Arc<StatusPageRow> {
    let Some(kept) = app.meta.status_page(project) else {
        let slug = app.meta.proposed_slug(project);
        let page = StatusPage { slug, ..StatusPage::default() };
        return Arc::new(StatusPageRow { project, page, logo: None });
    };
    let page = kept.page.with_monitors(|monitor| app.meta.monitor(project, monitor).is_some());
    Arc::new(StatusPageRow { page, ..StatusPageRow::clone(&kept) })
}

fn to_answer(app: &App, row: &StatusPageRow, headers: &HeaderMap) -> StatusPageAnswer {
    let page = &row.page;
    let url = format!("{}/status/{}", own_address(headers, &app.settings), page.slug);
    let mut slugs = slug::of_services(page.services()).into_iter();
    let groups = page.groups.iter().map(|group| {
        let services = group.services.iter().map(|service| PageService {
            monitor: service.monitor,
            name: service.name.clone(),
            badge_url: format!("{url}/badge/{}.svg", slugs.next().unwrap_or_default()),
        });
        PageGroup { name: group.name.clone(), services: services.collect() }
    });
    StatusPageAnswer {
        enabled: page.enabled,
        slug: page.slug.clone(),
        title: page.title.clone(),
        accent: page.accent.map(|accent| accent.to_string()),
        logo_url: row.logo.as_ref().map(|_| format!("{url}/logo")),
        show_requests: page.show_requests,
        subscriptions: page.subscriptions,
        subscriptions_problem: problem_of_subscriptions(app),
        groups: groups.collect(),
        url,
    }
}
