//! `/api/v1/ingest-health`: accepted and rejected hits, with reasons, per client.

use analytics::clients::{self, Client};
use analytics::health::{Health, RejectedFor, Source};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::SharedApp;
use crate::auth::Holder;
use crate::error::ApiError;
use crate::pieces::to_rfc3339;
use crate::web::packages::find_version;

#[derive(Serialize, ToSchema)]
pub struct IngestHealthAnswer {
    /// When counting began; null if nothing has come yet.
    pub since: Option<String>,
    pub last_batch_at: Option<String>,
    /// The latest first.
    pub sources: Vec<IngestSource>,
    /// Clients among `sources` that have a better successor here.
    pub upgrades: Vec<ClientUpgrade>,
    /// Hits, by reason, the most first.
    pub rejected: Vec<RejectedHits>,
    /// Posts that were refused as a whole, by error code, the most first.
    pub refused: Vec<RefusedPosts>,
    /// Hits that a client posted again and that were not counted twice.
    pub repeated: u64,
    /// Texts that were cut to their limit.
    pub truncated: u64,
    /// Characters that were no UTF-8.
    pub bad_utf8: u64,
    /// Batches whose privacy level was none.
    pub invalid_privacy_level: u64,
    /// Batches whose `release` was not used: not a text of at most 100 characters, or over the hourly limit of new releases.
    pub releases_ignored: u64,
}

/// One client library in one framework on one host; "" for none.
#[derive(Serialize, ToSchema)]
pub struct IngestSource {
    #[schema(example = "python/1.0.0")]
    pub sdk: String,
    #[schema(example = "FastAPI")]
    pub framework: String,
    pub client: ClientKind,
    pub host: String,
    pub first_at: String,
    pub last_at: String,
    pub batches: u64,
    pub accepted: u64,
    pub rejected: u64,
    /// Hits that the client itself had to drop.
    pub dropped: u64,
    /// How far its clock is ahead of the server's (negative: behind), including the way; null if unknown.
    pub clock_skew_ms: Option<i64>,
    /// Its times say no zone.
    pub naive_times: bool,
}

/// Whose client library a source has, by its `sdk` and `framework`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// One of this server's.
    Own,
    /// One of the original API Analytics'.
    Original,
    Unknown,
}

/// A client library that this server has a better one for.
#[derive(Serialize, ToSchema)]
pub struct ClientUpgrade {
    #[schema(example = "python")]
    pub language: String,
    #[schema(example = "Python")]
    pub label: String,
    /// The version in use; null for one of the original's.
    pub from: Option<String>,
    /// The version that this server hands out.
    #[schema(example = "0.1.0")]
    pub to: String,
    /// Where it is in use.
    pub frameworks: Vec<String>,
    /// Its gains, a sentence or two each.
    pub gains: Vec<String>,
    /// How to install it, below `base_url`.
    #[schema(example = "/docs/clients/python")]
    pub page: String,
}

#[derive(Serialize, ToSchema)]
pub struct RejectedHits {
    #[schema(example = "invalid_status")]
    pub reason: String,
    pub hits: u64,
    pub last_at: String,
    /// The first one.
    pub sample: Option<RejectedSample>,
}

/// Why one hit was rejected. Never an address or a user id; above privacy level 0 only the shape of its texts.
#[derive(Serialize, ToSchema)]
pub struct RejectedSample {
    /// Its place in its batch, from 0.
    pub index: u32,
    #[schema(example = "status")]
    pub field: String,
    #[schema(example = "99")]
    pub value: String,
}

#[derive(Serialize, ToSchema)]
pub struct RefusedPosts {
    #[schema(example = "body_too_large")]
    pub code: String,
    pub posts: u64,
    pub last_at: String,
}

/// Accepted, rejected and refused hits, for the project's owner.
#[utoipa::path(
    get, path = "/api/v1/ingest-health", tag = "projects",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 200, description = "Counts since counting began", body = IngestHealthAnswer),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show it", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn show_ingest_health(
    State(app): State<SharedApp>,
    holder: Holder,
) -> Result<Json<IngestHealthAnswer>, ApiError> {
    let health = app.ingest_health.of(&app.meta, holder.project).await?;
    let since = health.as_ref().map(|health| to_rfc3339(health.since_us));
    Ok(Json(to_answer(since, health.unwrap_or_default())))
}

fn to_answer(since: Option<String>, health: Health) -> IngestHealthAnswer {
    let Health { mut rejected, mut refused, .. } = health;
    rejected.sort_by_key(|one| std::cmp::Reverse(one.hits));
    refused.sort_by_key(|one| std::cmp::Reverse(one.posts));
    let refused = refused.into_iter().map(|one| RefusedPosts {
        code: one.code,
        posts: one.posts,
        last_at: to_rfc3339(one.last_us),
    });
    IngestHealthAnswer {
        since,
        last_batch_at: health.last_batch_us.map(to_rfc3339),
        upgrades: to_upgrades(&health.sources),
        sources: health.sources.into_iter().rev().map(to_source).collect(),
        rejected: rejected.into_iter().map(to_rejected).collect(),
        refused: refused.collect(),
        repeated: health.repeated,
        truncated: health.truncated,
        bad_utf8: health.bad_utf8,
        invalid_privacy_level: health.invalid_privacy_level,
        releases_ignored: health.releases_ignored,
    }
}

/// One for each client and version in use, in the order of `sources`, latest first.
fn to_upgrades(sources: &[Source]) -> Vec<ClientUpgrade> {
    let mut upgrades: Vec<ClientUpgrade> = Vec::new();
    for source in sources.iter().rev() {
        let client = clients::recognise(&source.sdk, &source.framework);
        let (language, from) = match &client {
            Client::Ours { language, version } => (*language, Some(version.clone())),
            Client::Original { language } => (*language, None),
            Client::Unknown => continue,
        };
        let Some(to) = find_version(language.name) else { continue };
        let gains = clients::gains(&client, Some(to));
        if gains.is_empty() {
            continue;
        }
        let same = |one: &&mut ClientUpgrade| one.language == language.name && one.from == from;
        match upgrades.iter_mut().find(same) {
            Some(one) if one.frameworks.contains(&source.framework) => {}
            Some(one) => one.frameworks.push(source.framework.clone()),
            None => upgrades.push(ClientUpgrade {
                language: language.name.to_owned(),
                label: language.label.to_owned(),
                from,
                to: to.to_owned(),
                frameworks: vec![source.framework.clone()],
                gains: gains.into_iter().map(str::to_owned).collect(),
                page: format!("/docs/clients/{}", language.name),
            }),
        }
    }
    upgrades
}

fn to_source(source: Source) -> IngestSource {
    IngestSource {
        client: match clients::recognise(&source.sdk, &source.framework) {
            Client::Ours { .. } => ClientKind::Own,
            Client::Original { .. } => ClientKind::Original,
            Client::Unknown => ClientKind::Unknown,
        },
        sdk: source.sdk,
        framework: source.framework,
        host: source.host,
        first_at: to_rfc3339(source.first_us),
        last_at: to_rfc3339(source.last_us),
        batches: source.batches,
        accepted: source.accepted,
        rejected: source.rejected,
        dropped: source.dropped,
        clock_skew_ms: source.clock_skew_us.map(|us| us / 1_000),
        naive_times: source.naive_times,
    }
}

fn to_rejected(rejected: RejectedFor) -> RejectedHits {
    RejectedHits {
        reason: rejected.reason,
        hits: rejected.hits,
        last_at: to_rfc3339(rejected.last_us),
        sample: rejected.sample.map(|sample| RejectedSample {
            index: sample.index,
            field: sample.field,
            value: sample.value,
        }),
    }
}
