//! `/api/v1/consumers/{id}`: everything stored about one consumer, and its erasure.

use std::net::IpAddr;

use analytics::filter::{Condition, Field, Filter, Test};
use analytics::ingest::kept_user_id;
use analytics::limits;
use analytics::period::Period;
use analytics::query::HitsQuery;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Response;
use store::Erasure;

use super::hits::{Export, Lines, send_lines};
use super::project::Erased;
use crate::app::SharedApp;
use crate::auth::{Holder, Owner, Shows};
use crate::error::{ApiError, Code};
use crate::parameters::Parameters;
use crate::projects::BACKUPS_REMAIN;
use crate::servers::{erase, wait_for_others};

/// Everything that is kept about one consumer: every hit, newest first, sent while it is read.
#[utoipa::path(
    get, path = "/api/v1/consumers/{id}", tag = "consumers",
    params(
        ("id" = String, Path, description = "`u:ID` for a user id, `a:ADDRESS` for every hit from that address, also those with a user id"),
        ("format" = Option<String>, Query, description = "ndjson (default) or csv"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The hits, as a file", content(
            (crate::hit_schema::ApiHit = "application/x-ndjson"),
            (String = "text/csv"),
        )),
        (status = 400, description = "Neither u:ID nor a:ADDRESS", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link shows no one's hits", body = crate::schema::ErrorAnswer),
        (status = 404, description = "No request of this consumer is kept", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn show_consumer(
    State(app): State<SharedApp>,
    holder: Holder,
    Path(id): Path<String>,
    mut parameters: Parameters,
) -> Result<Response<Body>, ApiError> {
    let lines = parameters.take_as(&["format"], "ndjson or csv", |text| match text {
        "ndjson" => Some(Lines::Json),
        "csv" => Some(Lines::Csv),
        _ => None,
    })?;
    parameters.finish()?;
    let (field, value) = match parse_consumer(&id)? {
        Consumer::User(user) => (Field::User, user),
        Consumer::Address(address) => (Field::Address, address),
    };
    let condition = Condition { field, negated: false, tests: vec![Test::Is(value)] };
    let reader = holder.reader();
    let query = HitsQuery {
        scope: holder.scope,
        period: Period::default(),
        filter: Filter { conditions: vec![condition] },
        after: None,
        limit: limits::HITS_PAGE as usize,
    };
    if app.hits(reader, HitsQuery { limit: 1, ..query.clone() }).await?.is_empty() {
        return Err(unknown_consumer());
    }
    let export = Export {
        reader,
        query,
        limit: None,
        lines: lines.unwrap_or(Lines::Json),
        shows: Shows::EVERYTHING,
        attachment: Some("consumer"),
    };
    send_lines(app, export).await
}

/// Erase every hit of one consumer: whole hits, since paths hold ids too.
#[utoipa::path(
    delete, path = "/api/v1/consumers/{id}", tag = "consumers",
    params(
        ("id" = String, Path, description = "`u:ID` for a user id, `a:ADDRESS` for every hit from that address, also those with a user id"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "Every copy on disk is gone", body = Erased),
        (status = 400, description = "Neither u:ID nor a:ADDRESS", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits", body = crate::schema::ErrorAnswer),
        (status = 404, description = "No request of this consumer is kept: nothing was to be erased", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn erase_consumer(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<Json<Erased>, ApiError> {
    let erasure = match parse_consumer(&id)? {
        Consumer::User(user) => Erasure::User(owner.project, user),
        Consumer::Address(address) => Erasure::Address(owner.project, address),
    };
    app.learned_routes.forget_texts(&app.meta, owner.project).await?;
    // Once begun it continues, even if the caller disconnects.
    let erasing = tokio::spawn(async move {
        let others = wait_for_others(&app).await;
        let erased = erase(&app, erasure).await?;
        others.map(|()| erased)
    });
    let erased =
        erasing.await.map_err(|error| ApiError::internal("erasing a consumer", &error))??;
    if erased == 0 {
        return Err(unknown_consumer());
    }
    tracing::info!(project = owner.project.0, erased, "consumer erased");
    Ok(Json(Erased { erased, message: format!("erased; {BACKUPS_REMAIN}") }))
}

fn unknown_consumer() -> ApiError {
    ApiError::new(
        Code::UnknownConsumer,
        "no request of this consumer is kept; check the id (it is case-sensitive) and the project",
    )
}

enum Consumer {
    /// Cut as in hits.
    User(String),
    /// As in hits.
    Address(String),
}

fn parse_consumer(id: &str) -> Result<Consumer, ApiError> {
    let invalid = || {
        ApiError::new(
            Code::InvalidConsumer,
            "a consumer is u:ID (a user id) or a:ADDRESS (an address), such as u:alice or a:203.0.113.9",
        )
    };
    match id.split_once(':') {
        Some(("u", user)) if !user.is_empty() => Ok(Consumer::User(kept_user_id(user).to_owned())),
        Some(("a", address)) => {
            let address: IpAddr = address.parse().map_err(|_| invalid())?;
            Ok(Consumer::Address(address.to_canonical().to_string()))
        }
        _ => Err(invalid()),
    }
}
