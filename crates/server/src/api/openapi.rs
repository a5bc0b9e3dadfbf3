//! `/api/v1/openapi.json`: every address of the router, described where its handler is. `contract/openapi.json` is the
//! same text; tests hold both against the router and the handlers' answers.

use axum::Json;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "API Analytics",
        description = "Hits come in, are kept, and come back out. Errors are {status, code, message}; codes are stable.",
        license(name = "MIT"),
    ),
    paths(
        crate::ingest::post_requests,
        crate::ingest::post_log_request,
        crate::original::keys::generate,
        crate::original::keys::generate_api_key,
        crate::original::keys::show_user_id,
        crate::original::keys::regenerate_user_id,
        crate::original::keys::delete_by_get,
        crate::original::data::show_data,
        crate::original::requests::show_requests,
        crate::original::requests::show_requests_page,
        crate::original::health::show_health,
        super::projects::create_project,
        super::project::show_project,
        super::project::remove_project,
        super::consumers::erase_consumer,
        super::hits::list_hits,
        show_openapi,
        crate::web::page::show_page,
        crate::web::page::show_style,
        crate::web::metrics::show_metrics,
        crate::web::wheels::list_wheels,
        crate::web::wheels::send_wheel,
    ),
    modifiers(&Keys),
)]
struct Document;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let key = ApiKeyValue::with_description(
            "X-AUTH-TOKEN",
            "A project's key; `Authorization: Bearer KEY` does as well",
        );
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::ApiKey(ApiKey::Header(key)));
    }
}

/// This document.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)),
)]
pub async fn show_openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}

pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// As in `contract/openapi.json`.
pub fn to_text() -> String {
    document().to_pretty_json().unwrap_or_default()
}
