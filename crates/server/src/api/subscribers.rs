//! `/api/v1/status-page/subscribers`: the recipients of a status page's mails. Visitors subscribe on the page itself
//! (`web::subscription`).

use analytics::limits;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use store::meta::Subscriber;
use utoipa::ToSchema;

use crate::app::SharedApp;
use crate::auth::Owner;
use crate::error::{ApiError, Code};
use crate::parameters::Parameters;
use crate::pieces::to_rfc3339;

/// The addresses that are subscribed to the status page.
#[derive(Serialize, ToSchema)]
pub struct SubscriberList {
    /// How many are subscribed.
    #[schema(example = 214)]
    pub confirmed: u64,
    /// Addresses that have not been confirmed yet. They are not listed, and are deleted after three days.
    #[schema(example = 3)]
    pub unconfirmed: u64,
    /// By `id`.
    pub subscribers: Vec<SubscriberAnswer>,
    /// `after` of the next page; null on the last one.
    pub next: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct SubscriberAnswer {
    pub id: i64,
    #[schema(example = "ann@example.com")]
    pub address: String,
    pub confirmed_at: String,
}

/// The confirmed subscribers of the project's status page.
#[utoipa::path(
    get, path = "/api/v1/status-page/subscribers", tag = "status page",
    params(
        ("limit" = Option<u32>, Query, description = "At most so many, 1 to 1,000. Default: 1,000"),
        ("after" = Option<i64>, Query, description = "Only those after this one, such as `next` of the page before"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The subscribers", body = SubscriberList),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_subscribers(
    State(app): State<SharedApp>,
    owner: Owner,
    mut parameters: Parameters,
) -> Result<Json<SubscriberList>, ApiError> {
    let limit = parameters.take_as(&["limit"], "a number from 1 to 1,000", |text| {
        text.parse().ok().filter(|limit| (1..=limits::SUBSCRIBERS_PAGE).contains(limit))
    })?;
    let after =
        parameters.take_as(&["after"], "a subscriber's `id`", |text| text.parse::<i64>().ok())?;
    parameters.finish()?;
    let limit = limit.unwrap_or(limits::SUBSCRIBERS_PAGE) as usize;
    let count = app.meta.subscriber_count(owner.project).await?;
    let mut rows =
        app.meta.subscribers(owner.project, after.unwrap_or_default(), limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Json(SubscriberList {
        confirmed: count.confirmed,
        unconfirmed: count.unconfirmed,
        next: rows.last().filter(|_| more).map(|row| row.id),
        subscribers: rows.iter().map(to_answer).collect(),
    }))
}

/// End a subscription. The address is deleted.
#[utoipa::path(
    delete, path = "/api/v1/status-page/subscribers/{id}", tag = "status page",
    params(
        ("id" = i64, Path, description = "The subscriber's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The status page has no such subscriber", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn remove_subscriber(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let removed = match id.parse() {
        Ok(id) => app.meta.remove_subscriber(owner.project, id).await?,
        Err(_) => false,
    };
    if !removed {
        return Err(ApiError::new(
            Code::UnknownSubscription,
            "the status page has no such subscriber; GET /api/v1/status-page/subscribers lists them",
        ));
    }
    tracing::info!(project = owner.project.0, "a subscriber of a status page was deleted");
    Ok(StatusCode::NO_CONTENT)
}

fn to_answer(row: &Subscriber) -> SubscriberAnswer {
    SubscriberAnswer {
        id: row.id,
        address: row.address.as_str().to_owned(),
        confirmed_at: to_rfc3339(row.confirmed_us.unwrap_or(row.created_us)),
    }
}
