//! Every route of the server, in one table, and the common parts of all answers.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, Response, Uri, header};
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use tower::util::MapResponseLayer;

use crate::address::{host_of, is_own_host};
use crate::api::{
    changes, channels, consumers, dashboard, deploys, fields, heartbeat, hits, incidents,
    ingest_health, keys as project_keys, lists, maintenance, monitors, openapi, project, projects,
    routes as route_templates, rules, server, session, share_links, status_page, subscribers, tail,
    views,
};
use crate::app::{App, SharedApp};
use crate::config::Settings;
use crate::error::{ApiError, Code};
use crate::ingest;
use crate::metrics::RouteTemplate;
use crate::original::{data, health, keys, monitor, requests};
use crate::web::{
    acknowledge, docs, metrics, missing, packages, page, redirect, root, status, style,
    subscription,
};

/// A row of the table.
pub struct Route {
    pub method: &'static str,
    /// As in the OpenAPI document. A parameter named `path` takes the rest, with its slashes.
    pub path: &'static str,
    /// Credentials of a caller.
    pub access: Access,
    handler: MethodRouter<SharedApp>,
}

/// Credentials that a caller needs. The handlers' extractors enforce it; this tells tests what to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Anyone,
    /// A page for people and its resources: not part of the API.
    Page,
    /// Any key.
    Ingest,
    /// Any key in a header, or a session that was signed in with one of full access.
    AnyKey,
    /// A key with full access, in a header, or a session that was signed in with one.
    Owner,
    /// The same, or a session that was signed in with the dashboard id.
    Holder,
    /// The same, to change monitoring.
    Manager,
    /// The same, or a share link's token, or nothing for the demo.
    Viewer,
    /// A key with full access in the address.
    KeyInAddress,
    /// A dashboard id in the address or the body.
    Dashboard,
    /// A heartbeat's secret in the address.
    Heartbeat,
}

/// All of them, grouped by caller.
pub fn routes() -> Vec<Route> {
    use Access::{
        AnyKey, Anyone, Dashboard, Heartbeat, Holder, Ingest, KeyInAddress, Manager, Owner, Page,
        Viewer,
    };
    let route = |method, path, access, handler| Route { method, path, access, handler };
    let mut routes = vec![
        // Middleware in an app.
        route("POST", "/api/requests", Ingest, post(ingest::post_requests)),
        route("POST", "/api/log-request", Ingest, post(ingest::post_log_request)),
        route("POST", "/api/v1/deploys", AnyKey, post(deploys::create_deploy)),
        // Users of the original.
        route("GET", "/api/generate", Anyone, get(keys::generate).head(no_head)),
        route("GET", "/api/generate-api-key", Anyone, get(keys::generate_api_key).head(no_head)),
        route("GET", "/api/user-id/{api_key}", KeyInAddress, get(keys::show_user_id)),
        route("POST", "/api/regenerate-user-id", Owner, post(keys::regenerate_user_id)),
        route("GET", "/api/delete/{api_key}", KeyInAddress, get(keys::delete_by_get).head(no_head)),
        route("GET", "/api/data", Owner, get(data::show_data)),
        route("GET", "/api/requests/{user_id}", Dashboard, get(requests::show_requests)),
        route(
            "GET",
            "/api/requests/{user_id}/{page}",
            Dashboard,
            get(requests::show_requests_page),
        ),
        route("GET", "/api/monitor/pings/{user_id}", Dashboard, get(monitor::show_pings)),
        route("POST", "/api/monitor/add", Dashboard, post(monitor::add)),
        route("POST", "/api/monitor/delete", Dashboard, post(monitor::delete)),
        // Jobs.
        route(
            "GET",
            "/api/heartbeat/{token}",
            Heartbeat,
            get(heartbeat::succeed_by_get).head(no_head),
        ),
        route("POST", "/api/heartbeat/{token}", Heartbeat, post(heartbeat::succeed)),
        route(
            "GET",
            "/api/heartbeat/{token}/{signal}",
            Heartbeat,
            get(heartbeat::signal_by_get).head(no_head),
        ),
        route("POST", "/api/heartbeat/{token}/{signal}", Heartbeat, post(heartbeat::signal)),
        // Signing in, and one's projects.
        route("POST", "/api/v1/session", Anyone, post(session::open_session)),
        route("DELETE", "/api/v1/session", Anyone, delete(session::close_session)),
        route("GET", "/api/v1/projects", Anyone, get(projects::list_projects)),
        route("POST", "/api/v1/projects", Anyone, post(projects::create_project)),
        route("GET", "/api/v1/server", Anyone, get(server::show_server)),
        // Viewers of a project.
        route("GET", "/api/v1/project", Viewer, get(project::show_project)),
        route("GET", "/api/v1/hits", Viewer, get(hits::list_hits)),
        route("GET", "/api/v1/hits/{id}", Viewer, get(hits::one::show_hit)),
        route("GET", "/api/v1/tail", Viewer, get(tail::follow_hits)),
        route("GET", "/api/v1/dashboard", Viewer, get(dashboard::show_dashboard)),
        route("GET", "/api/v1/changes", Viewer, get(changes::show_changes)),
        route("GET", "/api/v1/deploys", Viewer, get(deploys::list_deploys)),
        route("GET", "/api/v1/deploys/{id}/effect", Viewer, get(deploys::show_effect)),
        route("GET", "/api/v1/lists/{panel}", Viewer, get(lists::show_list)),
        route("GET", "/api/v1/fields/{field}/values", Viewer, get(fields::list_values)),
        route("GET", "/api/v1/consumers/{id}", Holder, get(consumers::show_consumer)),
        route("GET", "/api/v1/monitors", Holder, get(monitors::list_monitors)),
        route("GET", "/api/v1/monitors/{id}", Holder, get(monitors::show_monitor)),
        route("GET", "/api/v1/monitors/{id}/checks", Holder, get(monitors::list_checks)),
        route("GET", "/api/v1/monitors/{id}/history", Holder, get(monitors::history::show_history)),
        route("GET", "/api/v1/incidents", Holder, get(incidents::list_incidents)),
        route("GET", "/api/v1/incidents/{id}", Holder, get(incidents::show_incident)),
        route("GET", "/api/v1/rules", Holder, get(rules::list_rules)),
        route("GET", "/api/v1/rules/{id}", Holder, get(rules::show_rule)),
        route("GET", "/api/v1/channels", Holder, get(channels::list_channels)),
        route("GET", "/api/v1/channels/{id}", Holder, get(channels::show_channel)),
        route("GET", "/api/v1/maintenance", Holder, get(maintenance::list_maintenance)),
        route("GET", "/api/v1/maintenance/{id}", Holder, get(maintenance::show_maintenance)),
        route("GET", "/api/v1/status-page", Holder, get(status_page::show_status_page)),
        route("GET", "/api/v1/routes", Holder, get(route_templates::list_routes)),
        route("GET", "/api/v1/ingest-health", Holder, get(ingest_health::show_ingest_health)),
        route("GET", "/api/v1/views", Holder, get(views::list_views)),
        // Managers of monitoring.
        route("POST", "/api/v1/monitors", Manager, post(monitors::create_monitor)),
        route("PATCH", "/api/v1/monitors/{id}", Manager, patch(monitors::change_monitor)),
        route("DELETE", "/api/v1/monitors/{id}", Manager, delete(monitors::remove_monitor)),
        route("POST", "/api/v1/monitors/{id}/check", Manager, post(monitors::check_now)),
        route("PATCH", "/api/v1/incidents/{id}", Manager, patch(incidents::change_incident)),
        route("POST", "/api/v1/maintenance", Manager, post(maintenance::create_maintenance)),
        route(
            "POST",
            "/api/v1/maintenance/preview",
            Manager,
            post(maintenance::preview_maintenance),
        ),
        route("PATCH", "/api/v1/maintenance/{id}", Manager, patch(maintenance::change_maintenance)),
        route(
            "DELETE",
            "/api/v1/maintenance/{id}",
            Manager,
            delete(maintenance::remove_maintenance),
        ),
        // The owner.
        route("PATCH", "/api/v1/project", Owner, patch(project::change_project)),
        route("DELETE", "/api/v1/project", Owner, delete(project::remove_project)),
        route(
            "POST",
            "/api/v1/project/dashboard-id",
            Owner,
            post(project::regenerate_dashboard_id),
        ),
        route("DELETE", "/api/v1/deploys/{id}", Owner, delete(deploys::remove_deploy)),
        route("POST", "/api/v1/views", Owner, post(views::create_view)),
        route("PATCH", "/api/v1/views/{id}", Owner, patch(views::change_view)),
        route("DELETE", "/api/v1/views/{id}", Owner, delete(views::remove_view)),
        route("GET", "/api/v1/keys", Owner, get(project_keys::list_keys)),
        route("POST", "/api/v1/keys", Owner, post(project_keys::create_key)),
        route("DELETE", "/api/v1/keys/{id}", Owner, delete(project_keys::revoke_key)),
        route("PUT", "/api/v1/routes", Owner, put(route_templates::decide_route)),
        route("GET", "/api/v1/share-links", Owner, get(share_links::list_share_links)),
        route("POST", "/api/v1/share-links", Owner, post(share_links::create_share_link)),
        route("DELETE", "/api/v1/share-links/{id}", Owner, delete(share_links::revoke_share_link)),
        route("POST", "/api/v1/rules", Owner, post(rules::create_rule)),
        route("PATCH", "/api/v1/rules/{id}", Owner, patch(rules::change_rule)),
        route("DELETE", "/api/v1/rules/{id}", Owner, delete(rules::remove_rule)),
        route("POST", "/api/v1/channels", Owner, post(channels::create_channel)),
        route("PATCH", "/api/v1/channels/{id}", Owner, patch(channels::change_channel)),
        route("DELETE", "/api/v1/channels/{id}", Owner, delete(channels::remove_channel)),
        route("POST", "/api/v1/channels/{id}/test", Owner, post(channels::test_channel)),
        route("GET", "/api/v1/channels/{id}/deliveries", Owner, get(channels::list_deliveries)),
        route("PATCH", "/api/v1/status-page", Owner, patch(status_page::change_status_page)),
        route("DELETE", "/api/v1/status-page", Owner, delete(status_page::remove_status_page)),
        route("GET", "/api/v1/status-page/subscribers", Owner, get(subscribers::list_subscribers)),
        route(
            "DELETE",
            "/api/v1/status-page/subscribers/{id}",
            Owner,
            delete(subscribers::remove_subscriber),
        ),
        route("DELETE", "/api/v1/consumers/{id}", Owner, delete(consumers::erase_consumer)),
        // Recipients of notices.
        route("GET", "/acknowledge/{id}/{token}", Page, get(acknowledge::ask)),
        route("POST", "/acknowledge/{id}/{token}", Page, post(acknowledge::acknowledge)),
        // Visitors of a project's status page.
        route("GET", "/status/{slug}", Page, get(status::show_document)),
        route("GET", "/status/{slug}/json", Anyone, get(status::json::show_json)),
        route("GET", "/status/{slug}/rss", Page, get(status::show_feed)),
        route("GET", "/status/{slug}/badge.svg", Page, get(status::show_badge)),
        route("GET", "/status/{slug}/badge/{service}", Page, get(status::show_service_badge)),
        route("GET", "/status/{slug}/logo", Page, get(status::show_logo)),
        route("POST", "/status/{slug}/subscribe", Page, post(subscription::subscribe)),
        route("GET", "/subscription/{token}/confirm", Page, get(subscription::ask_to_confirm)),
        route("POST", "/subscription/{token}/confirm", Page, post(subscription::confirm)),
        route("GET", "/subscription/{token}/leave", Page, get(subscription::ask_to_leave)),
        route("POST", "/subscription/{token}/leave", Page, post(subscription::leave)),
        route("GET", "/status.css", Page, get(status::show_style)),
        route("GET", "/status.svg", Page, get(status::show_mark)),
        route("GET", "/status.js", Page, get(status::show_script)),
        // The operator's tools.
        route("GET", "/api/health", Anyone, get(health::show_health)),
        route("GET", "/metrics", Anyone, get(metrics::show_metrics)),
        // People and their tools.
        route("GET", "/api/v1/fields", Anyone, get(fields::list_fields)),
        route("GET", "/api/v1/openapi.json", Anyone, get(openapi::show_openapi)),
        route("GET", "/docs", Page, get(docs::show_index)),
        route("GET", "/docs/search", Page, get(docs::search)),
        route("GET", "/docs/{name}", Page, get(docs::show_doc)),
        route("GET", "/docs/{folder}/{name}", Page, get(docs::show_doc)),
        route("GET", "/docs.js", Page, get(docs::show_script)),
        route("GET", "/assets/{file}", Page, get(page::send_asset)),
        route("GET", "/page.css", Page, get(style::show_style)),
        route("GET", "/favicon.ico", Page, get(root::show_icon)),
        route("GET", "/robots.txt", Page, get(root::show_robots)),
        route("GET", "/sdk/{language}/", Anyone, get(packages::list_packages)),
        route("GET", "/sdk/{language}/{path}", Anyone, get(packages::send_package)),
    ];
    for address in page::ADDRESSES {
        routes.push(route("GET", address, Page, get(page::show_page)));
    }
    routes
}

pub fn router(app: &SharedApp) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let template = RouteTemplate(route.path);
        let named = MapResponseLayer::new(move |mut response: Response<Body>| {
            response.extensions_mut().insert(template);
            response
        });
        let path = route.path.replace("{path}", "{*path}");
        router = router.route(&path, route.handler.layer(named));
    }
    router
        .fallback(missing::answer)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app.clone())
}

/// For a port without TLS: redirects every address to the same one with TLS, at `port`.
pub fn to_https(app: &SharedApp, port: u16) -> Router {
    Router::new()
        .fallback(move |state, request| redirect::to_https(state, port, request))
        .with_state(app.clone())
}

/// For routes where `GET` changes something: `HEAD` must not.
async fn no_head() -> ([(HeaderName, HeaderValue); 1], ApiError) {
    ([(header::ALLOW, HeaderValue::from_static("GET"))], method_not_allowed().await)
}

/// Routes that middleware and monitoring call by any host name, such as a container's. None of their answers can be
/// abused by a forged name.
const BY_ANY_NAME: [&str; 4] = ["/api/requests", "/api/log-request", "/api/health", "/metrics"];

/// Jobs call by such names too; an answer reveals nothing new to them.
const HEARTBEATS: &str = "/api/heartbeat/";

/// An error if the call names no host, or one that is not this server's: a page of another site can make its own name
/// resolve to this machine, and would then read what only its visitor can reach (DNS rebinding).
pub fn check_host(request: &Request, settings: &Settings) -> Result<(), ApiError> {
    let Some(host) = host_of(request)? else { return Ok(()) };
    let path = request.uri().path();
    let is_known = settings.public_url.is_some()
        || BY_ANY_NAME.contains(&path)
        || path.starts_with(HEARTBEATS)
        || is_own_host(host, settings);
    if is_known {
        return Ok(());
    }
    Err(ApiError::new(
        Code::UnknownHost,
        "this server answers to IP addresses and localhost alone, because nobody has said what else it is called; its \
         operator sets `public_url` to the address that people use, such as http://stats.lan:8080",
    ))
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(
        Code::MethodNotAllowed,
        "this address does not know the method; the header Allow lists those that it knows",
    )
}

/// Strips the base path of `public_url`, if a proxy passes it on.
pub fn strip_base_path(request: &mut Request, base_path: &str) {
    let Some(rest) = request.uri().path().strip_prefix(base_path).filter(|_| !base_path.is_empty())
    else {
        return;
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return;
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let slash = if rest.is_empty() { "/" } else { "" };
    if let Ok(uri) = format!("{slash}{rest}{query}").parse::<Uri>() {
        *request.uri_mut() = uri;
    }
}

/// Counts an answer, and adds the headers that every answer has.
///
/// An address may carry a secret and an answer a hit, so nothing is cached unless a handler says so.
pub fn finish(app: &App, method: &Method, response: &mut Response<Body>) -> RouteTemplate {
    if let Some(code) = response.extensions().get::<Code>() {
        app.metrics.note_refused(*code);
    }
    let template = response.extensions().get::<RouteTemplate>().copied();
    let template = template.unwrap_or(RouteTemplate::NONE);
    app.metrics.calls.note(method, template, response.status());
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Some(days) = app.settings.tls.as_ref().and(app.settings.limits.get_days("hsts_days"))
        && let Ok(policy) = HeaderValue::try_from(format!("max-age={}", u64::from(days) * 86_400))
    {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, policy);
    }
    template
}
