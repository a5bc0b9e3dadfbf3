//! `/api/v1/projects`

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::Shared;
use crate::auth::Client;
use crate::error::{ApiError, Code};
use crate::projects::register_project;

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// At most 100 characters.
    #[serde(default)]
    pub name: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct CreatedProject {
    pub project_id: u32,
    /// Shown this once.
    pub key: String,
    pub dashboard_id: String,
}

/// Create a project.
#[utoipa::path(
    post, path = "/api/v1/projects", tag = "projects",
    request_body(content = NewProject, description = "May be left out"),
    responses(
        (status = 201, description = "Created; the key is shown this once", body = CreatedProject),
        (status = 400, description = "The body cannot be read", body = crate::schema::ErrorAnswer),
        (status = 403, description = "Registration is closed", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many projects from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn create_project(
    State(app): State<Shared>,
    Client(client): Client,
    body: Bytes,
) -> Result<(StatusCode, Json<CreatedProject>), ApiError> {
    let new: NewProject = if body.trim_ascii().is_empty() {
        NewProject::default()
    } else {
        // By way of a map: an array would do for a struct.
        let read = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body);
        read.and_then(|map| serde_json::from_value(map.into())).map_err(|error| {
            ApiError::new(
                Code::InvalidJson,
                format!("the body is not an object like {{\"name\": \"shop\"}}: {error}"),
            )
        })?
    };
    let created = register_project(&app, new.name.as_deref().unwrap_or_default(), client).await?;
    let answer = CreatedProject {
        project_id: created.project.id.0,
        key: created.key.to_string(),
        dashboard_id: created.dashboard_id.to_string(),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}
