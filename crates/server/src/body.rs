//! A small JSON object as the body of a call. Posts of hits are read differently (`ingest`).

use analytics::hit::ProjectId;
use analytics::limits;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};

use crate::app::SharedApp;
use crate::auth::{client_of, known_dashboard};
use crate::bodies::{self, Charged, Payer};
use crate::error::{ApiError, Code};
use crate::network::network_of;

/// The fields of a form that a browser has posted (`application/x-www-form-urlencoded`).
pub struct Form(Vec<(String, String)>);

impl FromRequest<SharedApp> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Form, ApiError> {
        let body = small_body(request, app).await?;
        Ok(Form(form_urlencoded::parse(&body).into_owned().collect()))
    }
}

impl Form {
    /// "" if the form has no such field.
    pub fn get(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(field, _)| field == name);
        field.map_or("", |(_, value)| value)
    }
}

/// The body parsed as `T`. No body is an empty object; an unknown field is an error if `T` denies them.
pub struct JsonObject<T>(pub T);

impl<T: DeserializeOwned> FromRequest<SharedApp> for JsonObject<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &SharedApp) -> Result<JsonObject<T>, ApiError> {
        let body = small_body(request, app).await?;
        let body = if body.trim_ascii().is_empty() { &b"{}"[..] } else { &body };
        // Via a map, because serde accepts an array for a struct.
        let read = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body);
        read.and_then(|map| serde_json::from_value(map.into())).map(JsonObject).map_err(|error| {
            // serde's messages repeat the input, which may be a secret; its position is enough.
            let what = if error.is_data() { describe(&error.to_string()) } else { "it is not JSON".to_owned() };
            ApiError::new(
                Code::InvalidJson,
                format!("the body is not the object that this call takes: {what}; /api/v1/openapi.json describes it"),
            )
        })
    }
}

/// Holder of a project's dashboard id, in the body as `user_id` beside the other fields, as in the original.
pub struct DashboardInBody<T> {
    pub project: ProjectId,
    pub body: T,
}

impl<T: DeserializeOwned> FromRequest<SharedApp> for DashboardInBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct WithId<T> {
            user_id: String,
            #[serde(flatten)]
            body: T,
        }
        let client = client_of(request.extensions().get(), request.headers(), app);
        let JsonObject(WithId { user_id, body }) = JsonObject::from_request(request, app).await?;
        Ok(DashboardInBody { project: known_dashboard(app, &user_id, client)?, body })
    }
}

async fn small_body(request: Request, app: &SharedApp) -> Result<Bytes, ApiError> {
    let client = client_of(request.extensions().get(), request.headers(), app);
    let mut charged = Charged::new(&app.bodies, Payer::Address(network_of(client)));
    let most = limits::SMALL_BODY_BYTES as usize;
    let body = bodies::read(request.into_body(), most, &mut charged, |_| None).await;
    body.map_err(|error| match error.code {
        Code::BodyTooLarge => ApiError::new(
            Code::BodyTooLarge,
            format!("the body is larger than {most} bytes, which no call but a post of hits needs"),
        ),
        _ => error,
    })
}

/// The part of serde's message that names fields and types and not values.
fn describe(message: &str) -> String {
    let known = ["unknown field", "missing field"];
    match known.iter().any(|start| message.starts_with(start)) {
        // `unknown field `nam`, expected `name``: the name of a field is not cut off, but its length is bounded.
        true => message.chars().filter(|character| !character.is_control()).take(200).collect(),
        false => match message.split_once("expected ") {
            Some((_, expected)) => {
                format!("expected {}", expected.split(" at line").next().unwrap_or_default())
            }
            None => "a field holds something other than it should".to_owned(),
        },
    }
}

/// Distinguishes `null` from a missing field: `Some(None)` from none.
pub fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
