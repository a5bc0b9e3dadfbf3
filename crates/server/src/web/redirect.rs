//! The redirect of a port without TLS to the one with it.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;

use crate::address::host_of;
use crate::app::SharedApp;
use crate::error::ApiError;

/// To `public_url`, or else to the requested host. A client repeats its post, since 308 keeps method and body.
pub async fn to_https(
    State(app): State<SharedApp>,
    port: u16,
    request: Request,
) -> Result<Response<Body>, ApiError> {
    let public = app.settings.public_url.as_ref().filter(|public| public.is_https());
    let origin = match public {
        Some(public) => public.as_text(),
        None => {
            let asked = host_of(&request)?.unwrap_or("localhost");
            let (name, _) = crate::address::split_port(asked);
            match port {
                443 => format!("https://{name}"),
                port => format!("https://{name}:{port}"),
            }
        }
    };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = HeaderValue::try_from(format!("{origin}{path}"));
    let location = location.map_err(|error| ApiError::internal("redirecting", &error))?;
    Ok((StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response())
}
