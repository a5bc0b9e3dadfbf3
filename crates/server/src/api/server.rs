//! `/api/v1/server`: facts that the page needs before anyone has signed in. Nothing here is secret.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::address::own_address;
use crate::app::SharedApp;
use crate::web::packages::PACKAGES;

#[derive(Serialize, ToSchema)]
pub struct ServerInfo {
    pub version: String,
    /// Whether anyone may create projects.
    pub registration_open: bool,
    /// Whether there is a demo (`project=demo`).
    pub demo: bool,
    /// Where this server is reached, without a slash at the end.
    pub base_url: String,
    pub clients: Vec<ClientPackage>,
}

/// A client library that this server hands out.
#[derive(Serialize, ToSchema)]
pub struct ClientPackage {
    #[schema(example = "python")]
    pub language: String,
    /// As the language's tool is told to install it. Python, Node: the name of a file at `/sdk/{language}/` below
    /// `base_url`; others: a name with a version.
    #[schema(example = "api_analytics_client-0.1.0-py3-none-any.whl")]
    pub package: String,
}

/// Facts about this server.
#[utoipa::path(
    get, path = "/api/v1/server", tag = "operation",
    responses((status = 200, description = "For anyone", body = ServerInfo)),
)]
pub async fn show_server(State(app): State<SharedApp>, headers: HeaderMap) -> Json<ServerInfo> {
    let clients = PACKAGES.iter().map(|package| ClientPackage {
        language: package.language.to_owned(),
        package: package.name.to_owned(),
    });
    Json(ServerInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        registration_open: app.registration_is_open,
        demo: app.meta.demo_project().is_some(),
        base_url: own_address(&headers, &app.settings),
        clients: clients.collect(),
    })
}
