//! Schemas that only the OpenAPI document needs, for bodies that `analytics` parses or that are written by hand. Tests
//! compare them with real answers.

use analytics::answer::{
    BreakdownAnswer, ConsumersAnswer, EndpointsAnswer, HoursAnswer, LatencyAnswer, SeriesAnswer,
    StatAnswer, TrafficAnswer,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::hit_schema::BatchHit;

/// A batch of hits, as any client of the original or of ours posts it.
#[derive(ToSchema)]
pub struct Batch {
    /// The project's key, where it is not in a header.
    pub api_key: Option<String>,
    #[schema(example = "FastAPI")]
    pub framework: Option<String>,
    /// 0 keeps addresses, 1 takes the country from them and drops them, 2 never looks at them.
    #[schema(maximum = 2)]
    pub privacy_level: Option<u8>,
    pub requests: Vec<BatchHit>,
    /// The same over all tries to send this batch: it is kept once.
    pub batch_id: Option<String>,
    /// The version of the app that these requests came from, at most 100 characters. The first batch with a new release adds a
    /// deploy.
    #[schema(example = "v2.4.1")]
    pub release: Option<String>,
    /// Name and version of the client.
    #[schema(example = "python/1.0.0")]
    pub sdk: Option<String>,
    /// RFC 3339; set again at each attempt.
    pub sent_at: Option<String>,
    /// Hits that the client had to drop since its last batch.
    pub dropped: Option<u64>,
}

/// By the time it is read, the accepted hits are on disk.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchAnswer {
    #[schema(example = 200)]
    pub status: u16,
    pub message: String,
    pub accepted: u32,
    /// The first 1,000.
    pub rejected: Vec<RejectedHit>,
    pub rejected_total: u32,
    /// Hits that this client posted before and that are not counted twice.
    pub repeated: u32,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectedHit {
    /// Its place among the posted hits, from 0.
    pub index: u32,
    #[schema(example = "invalid_status")]
    pub reason: String,
}

/// The body of every error.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct ErrorAnswer {
    /// The HTTP status.
    #[schema(example = 401)]
    pub status: u16,
    /// Stable.
    #[schema(example = "unknown_key")]
    pub code: String,
    /// The problem, its place, and the remedy.
    pub message: String,
    /// With `invalid_query`: the position of the error in `q`, in characters from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
}

/// A hit as the original's data API shows it; `""` for none.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OriginalHit {
    pub hostname: String,
    pub ip_address: String,
    pub path: String,
    pub user_agent: String,
    /// GET 0, POST 1, PUT 2, PATCH 3, DELETE 4, OPTIONS 5, CONNECT 6, HEAD 7, TRACE 8, else 9.
    pub method: u8,
    pub status: u16,
    /// Whole milliseconds, rounded.
    pub response_time: u64,
    /// Country, two letters.
    pub location: String,
    pub user_id: String,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// Address, path, host, user agent's id, method, response time, status, country, user id, time.
pub type OriginalRow = (String, String, String, u64, u8, u64, u16, String, String, String);

/// The original dashboard's raw rows.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OriginalRequests {
    /// `[ip, path, hostname, user_agent_id, method, response_time, status, location, user_id, created_at]`.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub requests: Vec<OriginalRow>,
    /// User agents by their id.
    pub user_agents: std::collections::BTreeMap<String, String>,
}

/// The panels that were asked for, by name.
#[derive(ToSchema)]
pub struct DashboardPanels {
    pub requests: Option<StatAnswer>,
    pub success_rate: Option<StatAnswer>,
    pub client_errors: Option<StatAnswer>,
    pub server_errors: Option<StatAnswer>,
    pub consumers: Option<StatAnswer>,
    pub latency: Option<LatencyAnswer>,
    pub latency_over_time: Option<SeriesAnswer>,
    pub activity: Option<SeriesAnswer>,
    pub endpoints: Option<EndpointsAnswer>,
    pub statuses: Option<BreakdownAnswer>,
    pub versions: Option<BreakdownAnswer>,
    pub countries: Option<BreakdownAnswer>,
    pub clients: Option<BreakdownAnswer>,
    pub operating_systems: Option<BreakdownAnswer>,
    pub devices: Option<BreakdownAnswer>,
    pub hours: Option<HoursAnswer>,
    pub top_consumers: Option<ConsumersAnswer>,
    pub traffic: Option<TrafficAnswer>,
    pub referrers: Option<BreakdownAnswer>,
    pub hosts: Option<BreakdownAnswer>,
    pub frameworks: Option<BreakdownAnswer>,
    pub sdks: Option<BreakdownAnswer>,
}
