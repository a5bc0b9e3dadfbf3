//! `/api/v1/session`: signing in with a pasted secret, and out again.
//!
//! The secret is in a body and never in an address; the browser stores a token that its scripts cannot read.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use store::meta::{DashboardId, Key};
use utoipa::ToSchema;

use super::projects::{ProjectList, to_overview};
use crate::app::SharedApp;
use crate::auth::{ClientAddress, PageCall, Secret, cookie, sign_in};
use crate::body::JsonObject;
use crate::error::{ApiError, Code};
use crate::parameters::Parameters;

/// One of the two.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// A key with full access.
    #[serde(default)]
    pub key: Option<String>,
    /// The original's "user id": sees everything and manages monitors.
    #[serde(default)]
    pub dashboard_id: Option<String>,
}

/// Sign in to a project, with its key or its dashboard id; one session may hold several.
#[utoipa::path(
    post, path = "/api/v1/session", tag = "session",
    request_body = SignIn,
    responses(
        (status = 200, description = "Signed in; the cookie holds the session", body = ProjectList),
        (status = 400, description = "The body cannot be read", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key or dashboard id is not known", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits, or the call comes from another site", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many unknown keys from this address", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn open_session(
    State(app): State<SharedApp>,
    ClientAddress(client): ClientAddress,
    call: PageCall,
    JsonObject(body): JsonObject<SignIn>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<ProjectList>), ApiError> {
    call.refuse_elsewhere()?;
    let secret = match (&body.key, &body.dashboard_id) {
        (Some(key), None) => Secret::Key(Key::parse(key)),
        (None, Some(id)) => Secret::Dashboard(DashboardId::parse(id)),
        _ => {
            return Err(ApiError::new(
                Code::InvalidJson,
                "send `key` or `dashboard_id`, one of the two",
            ));
        }
    };
    let (token, holder) = sign_in(&app, &call, secret, client).await?;
    let list = ProjectList { projects: vec![to_overview(&app, &holder).await?] };
    Ok(([(header::SET_COOKIE, cookie::keep(&app.settings, &token))], Json(list)))
}

/// Sign out: of all projects, or of one.
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "session",
    params(("project" = Option<u32>, Query, description = "Only this one")),
    responses(
        (status = 204, description = "Signed out, also where nobody was signed in"),
        (status = 400, description = "A parameter cannot be used", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The call comes from another site", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn close_session(
    State(app): State<SharedApp>,
    call: PageCall,
    mut parameters: Parameters,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), ApiError> {
    let project =
        parameters.take_as(&["project"], "a project's number", |text| text.parse().ok())?;
    parameters.finish()?;
    let mut kept = None;
    if let Some(token) = &call.token {
        app.meta.sign_out(token, project.map(analytics::hit::ProjectId)).await?;
        kept = app.meta.session(token, app.clock.now_us()).filter(|left| !left.is_empty());
    }
    let cookie = match (&call.token, kept) {
        (Some(token), Some(_)) => cookie::keep(&app.settings, token),
        _ => cookie::clear(&app.settings),
    };
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}
