//! `/api/v1/share-links`: read-only addresses of a project's dashboard, for its owner. A link's token is shown once.

use analytics::filter;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use store::meta::{NewShareLink, ShareLink, Token};
use utoipa::ToSchema;

use crate::address::own_address;
use crate::app::SharedApp;
use crate::auth::Owner;
use crate::body::JsonObject;
use crate::error::{ApiError, Code};
use crate::pieces::to_rfc3339;
use crate::projects::check_name;
use crate::random::random_bytes;

#[derive(Serialize, ToSchema)]
pub struct ShareLinkList {
    pub share_links: Vec<ProjectShareLink>,
}

#[derive(Serialize, ToSchema)]
pub struct ProjectShareLink {
    pub id: i64,
    pub name: String,
    /// The locked filter, which viewers cannot remove; "" for none.
    pub q: String,
    /// Parts that its viewers see besides the numbers.
    pub addresses: bool,
    pub consumers: bool,
    /// Individual requests.
    pub hits: bool,
    pub created_at: String,
    /// Null: never.
    pub expires_at: Option<String>,
    /// Null: never.
    pub last_used_at: Option<String>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewLink {
    /// At most 100 characters.
    pub name: Option<String>,
    /// The search language; locked into every answer.
    #[schema(example = "path:/v1/*")]
    pub q: Option<String>,
    pub addresses: bool,
    pub consumers: bool,
    pub hits: bool,
    /// RFC 3339, later than now.
    pub expires_at: Option<String>,
}

/// A link that was just made.
#[derive(Serialize, ToSchema)]
pub struct CreatedShareLink {
    pub id: i64,
    /// Shown only once.
    pub token: String,
    /// To be sent to the people who may look. Shown only once.
    pub url: String,
    pub name: String,
    pub q: String,
    pub addresses: bool,
    pub consumers: bool,
    pub hits: bool,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
}

/// The project's share links.
#[utoipa::path(
    get, path = "/api/v1/share-links", tag = "share links",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 200, description = "The links, without their tokens", body = ShareLinkList),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_share_links(State(app): State<SharedApp>, owner: Owner) -> Json<ShareLinkList> {
    let links = app.meta.share_links(owner.project).into_iter().map(to_link);
    Json(ShareLinkList { share_links: links.collect() })
}

/// Make a share link.
#[utoipa::path(
    post, path = "/api/v1/share-links", tag = "share links",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = NewLink,
    responses(
        (status = 201, description = "The link with its token, shown only once", body = CreatedShareLink),
        (status = 400, description = "The filter or the time cannot be used; the message says why", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 409, description = "The project has as many share links as it may have", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn create_share_link(
    State(app): State<SharedApp>,
    owner: Owner,
    headers: HeaderMap,
    JsonObject(body): JsonObject<NewLink>,
) -> Result<(StatusCode, Json<CreatedShareLink>), ApiError> {
    let now_us = app.clock.now_us();
    let q = body.q.unwrap_or_default().trim().to_owned();
    filter::parse(&q)?;
    let expires_us = match body.expires_at.as_deref().filter(|text| !text.trim().is_empty()) {
        None => None,
        Some(text) => Some(parse_expiry(text.trim(), now_us)?),
    };
    let new = NewShareLink {
        name: check_name(&body.name.unwrap_or_default())?,
        q,
        addresses: body.addresses,
        consumers: body.consumers,
        hits: body.hits,
        expires_us,
    };
    let random =
        random_bytes().map_err(|error| ApiError::internal("making a share link", &error))?;
    let token = Token::from_random(random);
    let made = app.meta.add_share_link(owner.project, &token, new, now_us).await?;
    let made =
        made.ok_or_else(|| ApiError::new(Code::UnknownKey, "the project of this key is gone"))?;
    tracing::info!(project = owner.project.0, link = made.id, "share link made");
    let link = to_link(made);
    let created = CreatedShareLink {
        url: format!("{}/share/{token}", own_address(&headers, &app.settings)),
        token: token.to_string(),
        id: link.id,
        name: link.name,
        q: link.q,
        addresses: link.addresses,
        consumers: link.consumers,
        hits: link.hits,
        created_at: link.created_at,
        expires_at: link.expires_at,
        last_used_at: link.last_used_at,
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Revoke a share link. It stops working at once.
#[utoipa::path(
    delete, path = "/api/v1/share-links/{id}", tag = "share links",
    params(
        ("id" = i64, Path, description = "The link's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 204, description = "Revoked"),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such link", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn revoke_share_link(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let revoked = match id.parse() {
        Ok(id) => app.meta.revoke_share_link(owner.project, id).await?,
        Err(_) => false,
    };
    if !revoked {
        return Err(ApiError::new(
            Code::UnknownShareLink,
            "the project has no such share link; GET /api/v1/share-links lists them",
        ));
    }
    tracing::info!(project = owner.project.0, link = id, "share link revoked");
    Ok(StatusCode::NO_CONTENT)
}

fn to_link(link: ShareLink) -> ProjectShareLink {
    ProjectShareLink {
        id: link.id,
        name: link.new.name,
        q: link.new.q,
        addresses: link.new.addresses,
        consumers: link.new.consumers,
        hits: link.new.hits,
        created_at: to_rfc3339(link.created_us),
        expires_at: link.new.expires_us.map(to_rfc3339),
        last_used_at: link.last_used_us.map(to_rfc3339),
    }
}

fn parse_expiry(text: &str, now_us: i64) -> Result<i64, ApiError> {
    let expires_us = text.parse::<jiff::Timestamp>().ok().map(|time| time.as_microsecond());
    expires_us.filter(|expires_us| *expires_us > now_us).ok_or_else(|| {
        ApiError::new(
            Code::InvalidSetting,
            "`expires_at` is not a time to come, such as 2027-01-31T00:00:00Z",
        )
    })
}
