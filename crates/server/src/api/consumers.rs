//! `/api/v1/consumers/{id}`

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Path, State};
use store::Erasure;

use super::project::Erased;
use crate::app::Shared;
use crate::auth::Owner;
use crate::error::{ApiError, Code};
use crate::projects::BACKUPS_REMAIN;

/// Erase every hit of one consumer: whole hits, since paths hold ids too.
#[utoipa::path(
    delete, path = "/api/v1/consumers/{id}", tag = "consumers",
    params(("id" = String, Path, description = "`u:ID` for a user id, `a:ADDRESS` for every hit from that address, also those with a user id")),
    responses(
        (status = 200, description = "No file holds those hits any more", body = Erased),
        (status = 400, description = "Neither u:ID nor a:ADDRESS", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = [])),
)]
pub async fn erase_consumer(
    State(app): State<Shared>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<Json<Erased>, ApiError> {
    let invalid = || {
        ApiError::new(
            Code::InvalidConsumer,
            "a consumer is u:ID (a user id) or a:ADDRESS (an address), such as u:alice or a:203.0.113.9",
        )
    };
    let erasure = match id.split_once(':') {
        Some(("u", user)) if !user.is_empty() => Erasure::User(owner.project, user.to_owned()),
        Some(("a", address)) => {
            let address: IpAddr = address.parse().map_err(|_| invalid())?;
            Erasure::Address(owner.project, address.to_canonical().to_string())
        }
        _ => return Err(invalid()),
    };
    // Begun is begun, also where the caller goes away.
    let erasing = tokio::spawn(async move { app.store.erase(erasure).await });
    let erased =
        erasing.await.map_err(|error| ApiError::internal("erasing a consumer", &error))??;
    tracing::info!(project = owner.project.0, erased, "consumer erased");
    Ok(Json(Erased { erased, message: format!("erased; {BACKUPS_REMAIN}") }))
}
