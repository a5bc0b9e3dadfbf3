//! `/metrics`, for Prometheus.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::{Extension, body::Body, http::Response};

use crate::address::{Peer, is_local};
use crate::app::SharedApp;
use crate::config::MetricsFor;
use crate::error::{ApiError, Code};
use crate::metrics::ServerStats;

/// The server's counters, in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses(
        (status = 200, description = "Counters and gauges", body = String, content_type = "text/plain"),
        (status = 403, description = "Only for this machine, unless the setting `metrics` says otherwise", body = crate::schema::ErrorAnswer),
    ),
)]
pub async fn show_metrics(
    State(app): State<SharedApp>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let may = match app.settings.metrics {
        MetricsFor::Everyone => true,
        MetricsFor::Nobody => false,
        MetricsFor::Loopback => is_local(peer, &headers, &app.settings.trusted_proxies),
    };
    if !may {
        return Err(ApiError::new(
            Code::MetricsPrivate,
            "the metrics can be read from the server's own machine; its setting `metrics = \"everyone\"` lets others",
        ));
    }
    let now_us = app.clock.now_us();
    let now_s = now_us.max(0) as u64 / 1_000_000;
    let server = ServerStats {
        projects: app.meta.live_projects().len(),
        monitors: app.monitors.monitors(),
        uptime_s: (now_us - app.started_us).max(0) as u64 / 1_000_000,
        reads: app.reads.stats(),
        country_database_age_s: now_s.saturating_sub(app.enricher.countries().build_epoch()),
    };
    let text = app.metrics.to_text(&app.store.stats(), &server);
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    Ok(response)
}
