//! `/api/v1/hits/{id}`: one hit of any age, for links to it.

use analytics::filter::Filter;
use analytics::period::Period;
use analytics::query::ArrivalQuery;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Response;
use axum::response::IntoResponse;

use super::format::Listed;
use super::hide;
use crate::app::SharedApp;
use crate::auth::Viewer;
use crate::error::{ApiError, Code};
use crate::hit_schema::ApiHit;
use crate::parameters::Parameters;

/// One hit by its id, whenever it came.
#[utoipa::path(
    get, path = "/api/v1/hits/{id}", tag = "hits",
    params(
        ("id" = String, Path, description = "Its `hit_id`"),
        ("project" = Option<String>, Query, description = "Which of the session's projects; `demo` for the demo"),
    ),
    responses(
        (status = 200, description = "The hit", body = ApiHit),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits, or the share link does not show them", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such hit, the share link does not show it, or the server has no demo", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = []), ("share_link" = []), ()),
)]
pub async fn show_hit(
    State(app): State<SharedApp>,
    viewer: Viewer,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Response<Body>, ApiError> {
    viewer.require_hits()?;
    parameters.finish()?;
    let unknown = || {
        let message = "the project has no such hit; it may have been erased since";
        ApiError::new(Code::UnknownHit, message)
    };
    let id: i64 = id.parse().map_err(|_| unknown())?;
    let (shows, reader) = (viewer.shows, viewer.reader());
    // Ids ascend with arrival: if the first hit after the previous id is another, there is none.
    let query = ArrivalQuery {
        scope: viewer.scope,
        period: Period::default(),
        filter: Filter::default(),
        after: Some(id.checked_sub(1).ok_or_else(unknown)?),
        up_to: None,
        offset: 0,
        limit: 1,
    };
    let mut rows = app.part_of_arrivals(reader, query, usize::MAX).await?.hits;
    rows.retain(|row| row.hit_id == id);
    hide(&mut rows, shows);
    let row = rows.first().ok_or_else(unknown)?;
    Ok(Json(Listed(row)).into_response())
}
