//! `/api/v1/openapi.json`: every route, described beside its handler. `contract/openapi.json` is the same text; tests
//! compare both with the router and the handlers' answers.

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
        crate::original::monitor::show_pings,
        crate::original::monitor::add,
        crate::original::monitor::delete,
        crate::original::health::show_health,
        super::session::open_session,
        super::session::close_session,
        super::projects::list_projects,
        super::projects::create_project,
        super::server::show_server,
        super::project::show_project,
        super::project::change_project,
        super::project::remove_project,
        super::project::regenerate_dashboard_id,
        super::keys::list_keys,
        super::keys::create_key,
        super::keys::revoke_key,
        super::routes::list_routes,
        super::routes::decide_route,
        super::share_links::list_share_links,
        super::share_links::create_share_link,
        super::share_links::revoke_share_link,
        super::monitors::list_monitors,
        super::monitors::create_monitor,
        super::monitors::show_monitor,
        super::monitors::change_monitor,
        super::monitors::remove_monitor,
        super::monitors::list_checks,
        super::monitors::history::show_history,
        super::monitors::check_now,
        super::heartbeat::succeed_by_get,
        super::heartbeat::succeed,
        super::heartbeat::signal_by_get,
        super::heartbeat::signal,
        super::incidents::list_incidents,
        super::incidents::show_incident,
        super::incidents::change_incident,
        super::rules::list_rules,
        super::rules::create_rule,
        super::rules::show_rule,
        super::rules::change_rule,
        super::rules::remove_rule,
        super::channels::list_channels,
        super::channels::create_channel,
        super::channels::show_channel,
        super::channels::change_channel,
        super::channels::remove_channel,
        super::channels::test_channel,
        super::channels::list_deliveries,
        super::maintenance::list_maintenance,
        super::maintenance::create_maintenance,
        super::maintenance::preview_maintenance,
        super::maintenance::show_maintenance,
        super::maintenance::change_maintenance,
        super::maintenance::remove_maintenance,
        super::status_page::show_status_page,
        super::status_page::change_status_page,
        super::status_page::remove_status_page,
        super::subscribers::list_subscribers,
        super::subscribers::remove_subscriber,
        crate::web::status::json::show_json,
        super::ingest_health::show_ingest_health,
        super::consumers::show_consumer,
        super::consumers::erase_consumer,
        super::hits::list_hits,
        super::hits::one::show_hit,
        super::tail::follow_hits,
        super::dashboard::show_dashboard,
        super::changes::show_changes,
        super::deploys::list_deploys,
        super::deploys::create_deploy,
        super::deploys::show_effect,
        super::deploys::remove_deploy,
        super::views::list_views,
        super::views::create_view,
        super::views::change_view,
        super::views::remove_view,
        super::lists::show_list,
        super::fields::list_fields,
        super::fields::list_values,
        show_openapi,
        crate::web::metrics::show_metrics,
        crate::web::packages::list_packages,
        crate::web::packages::send_package,
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
        let link = ApiKeyValue::with_description(
            "X-AUTH-TOKEN",
            "A share link's token: shows one project, changes nothing",
        );
        components.add_security_scheme("share_link", SecurityScheme::ApiKey(ApiKey::Header(link)));
        let session = ApiKeyValue::with_description(
            "api_analytics_session",
            "The page's cookie; with `?project=ID` where the session holds several. What changes something must come from the page (header Origin)",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
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
