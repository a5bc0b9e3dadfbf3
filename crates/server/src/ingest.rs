//! The POST of hits: read, check the key, decode, enrich, store, answer. A 2xx means that the hits are on disk.
//!
//! `analytics::ingest` defines the format of a batch, `store` its storage; this module has the order of steps and their
//! limits.

mod answer;
mod body;

use std::net::IpAddr;
use std::time::Duration;

use analytics::batch::Batch;
use analytics::deploy::Deploy;
use analytics::enrich::{Enriched, Settings};
use analytics::health::{Arrived, by_reason};
use analytics::hit::{ProjectId, TextKind};
use analytics::ingest::{self, Rejection, Repairs};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use store::meta::KeyGrant;
use store::{Append, Rejected};

use crate::app::{App, SharedApp};
use crate::auth::{Ingest, Sender};
use crate::clock::US_PER_DAY;
use crate::error::{ApiError, Code};
use crate::in_flight::InFlightPost;
use crate::refusals::Refused;
use body::HeldBody;

/// An answer does not wait longer for a database that is away.
const TEMPLATES_WAIT: Duration = Duration::from_millis(analytics::limits::TEMPLATES_WAIT_MS);

/// Bodies up to this size are decoded on the thread that read them: handing one over costs more.
const SMALL: usize = 64 << 10;

/// Post a batch of hits.
#[utoipa::path(
    post, path = "/api/requests", tag = "ingest",
    request_body(content = crate::schema::Batch, content_type = "application/json"),
    responses(
        (status = 200, description = "The hits are on disk", body = crate::schema::BatchAnswer),
        (status = 400, description = "The body cannot be read, or every hit was rejected", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 413, description = "The batch is too large", body = crate::schema::ErrorAnswer),
        (status = 415, description = "Compressed with something other than gzip", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many unknown keys from this address", body = crate::schema::ErrorAnswer),
        (status = 503, description = "Cannot be kept now; see Retry-After", body = crate::schema::ErrorAnswer),
    ),
    security((), ("key" = [])),
)]
pub async fn post_requests(
    State(app): State<SharedApp>,
    ingest: Ingest,
) -> Result<Response<Body>, ApiError> {
    post_hits(app, ingest).await
}

/// The same under the address of the original's first clients.
#[utoipa::path(
    post, path = "/api/log-request", tag = "ingest",
    request_body(content = crate::schema::Batch, content_type = "application/json"),
    responses(
        (status = 200, description = "The hits are on disk", body = crate::schema::BatchAnswer),
        (status = 400, description = "The body cannot be read, or every hit was rejected", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
    ),
    security((), ("key" = [])),
)]
pub async fn post_log_request(
    State(app): State<SharedApp>,
    ingest: Ingest,
) -> Result<Response<Body>, ApiError> {
    post_hits(app, ingest).await
}

async fn post_hits(app: SharedApp, ingest: Ingest) -> Result<Response<Body>, ApiError> {
    let (request, caller) = ingest.into_parts();
    let (mut project, client) = (caller.project(), caller.client());
    let answer = take(&app, request, caller, &mut project).await;
    if let Err(error) = &answer {
        note_refusal(&app, error, project, client);
    }
    answer
}

/// Shows a refusal to the project's owner, if the project is known, and logs it for the operator. Authentication has
/// done so for a key that it refuses.
fn note_refusal(app: &App, error: &ApiError, project: Option<ProjectId>, client: IpAddr) {
    let now_us = app.clock.now_us();
    if let Some(project) = project
        && error.code != Code::EveryHitRejected
    {
        app.ingest_health.note_refused(project, error.code, now_us);
    }
    if !error.code.is_about_a_key() {
        app.refusals.note(error, &Refused { client, key: None, project }, now_us);
    }
}

/// `project`: set as soon as it is known, so that its owner sees a refusal.
async fn take(
    app: &SharedApp,
    request: Request,
    caller: Sender,
    project: &mut Option<ProjectId>,
) -> Result<Response<Body>, ApiError> {
    let mut held = body::read(app, request, &caller).await?;
    // Most batches are small; a large one must not hold up the connections on this thread.
    let is_small = held.inflate_up_to(SMALL)?;
    let prepared = if is_small {
        prepare(app, &caller, held)?
    } else {
        let _turn = app
            .decoding
            .acquire()
            .await
            .map_err(|error| ApiError::internal("reading a batch", &error))?;
        let shared = app.clone();
        let work = tokio::task::spawn_blocking(move || {
            held.inflate_up_to(usize::MAX)?;
            prepare(&shared, &caller, held)
        });
        work.await.map_err(|error| ApiError::internal("reading a batch", &error))??
    };
    *project = Some(prepared.grant.project());
    keep(app, prepared).await
}

/// A batch ready to be stored.
struct Prepared {
    grant: KeyGrant,
    enriched: Enriched,
    release: Option<String>,
    batch_hash: Option<u128>,
    sent: usize,
    _turn: InFlightPost,
    /// Counts as bytes in flight until the batch is stored.
    _held: HeldBody,
}

fn prepare(app: &App, caller: &Sender, held: HeldBody) -> Result<Prepared, ApiError> {
    let arrival_us = app.clock.now_us();
    let mut posted = ingest::decode(held.bytes())?;
    let turn = app.in_flight.take();
    // The key was looked up before the body came, which may have taken a minute.
    let grant = app.meta.refresh(caller.confirm(app, posted.api_key.as_deref())?);
    grant.touch_used(arrival_us);
    let settings = Settings {
        privacy_level: grant.privacy_level(),
        max_age_us: app.ingest.max_age_us,
        keep_us: grant
            .keep_hits_days()
            .map(|days| i64::from(days) * US_PER_DAY)
            .or(app.ingest.keep_us),
    };
    let sent = posted.hits_sent();
    let batch_hash = posted.batch_id.as_deref().map(|id| ingest::batch_hash(grant.project(), id));
    let release = posted.release.take();
    let learned = app.learned_routes.of(grant.project());
    let learned = learned.map_err(|error| ApiError::internal("reading learned routes", &error))?;
    let enriched = app.enricher.enrich(posted, &settings, Some(learned.as_mutex()), arrival_us);
    Ok(Prepared { grant, enriched, release, batch_hash, sent, _turn: turn, _held: held })
}

async fn keep(app: &App, prepared: Prepared) -> Result<Response<Body>, ApiError> {
    let Prepared { grant, enriched, release, batch_hash, sent, _turn, _held } = prepared;
    let Enriched { batch, rejected, samples, mut repairs, clock } = enriched;
    let told = SenderInfo::of(&batch);
    let oldest_us = batch.hits.iter().map(|hit| hit.time_us).min();
    let arrived_us = batch.arrival_us;
    let note = |accepted: u64, repeated: u64, repairs: &Repairs| {
        app.metrics.note_rejected(&rejected);
        app.metrics.note_repairs(repairs);
        let arrived = Arrived {
            sdk: &told.sdk,
            framework: &told.framework,
            host: &told.host,
            accepted,
            rejected: &by_reason(&rejected),
            samples: &samples,
            repeated,
            repairs,
            clock,
        };
        app.ingest_health.note(grant.project(), &arrived, arrived_us);
    };
    if batch.hits.is_empty() {
        note(0, 0, &repairs);
        return if sent == 0 {
            Ok(answer::nothing_sent())
        } else {
            Err(answer::every_hit_rejected(&rejected))
        };
    }
    // Before the batch: after a crash its routes must not be learned again with other names.
    let writing = app.learned_routes.write_templates(&app.meta, grant.project());
    let written = tokio::time::timeout(TEMPLATES_WAIT, writing).await;
    let problem = written.map_or_else(
        |_| Some("it took too long".into()),
        |written| written.err().map(|error| error.to_string()),
    );
    if let Some(problem) = problem {
        tracing::warn!(%problem, "a learned route could not be written; it is tried again within a minute");
    }
    let append = Append {
        project: grant.project(),
        batch,
        batch_hash,
        rejected: listed(&rejected),
        rejected_total: rejected.len() as u32,
    };
    let receipt = app.store.append(append).await?;
    app.metrics.note_receipt(&receipt);
    if !receipt.replayed {
        if let Some(oldest_us) = oldest_us {
            app.arrivals.note(grant.project(), oldest_us, arrived_us);
            if let Some(release) = release.filter(|_| receipt.accepted > 0) {
                let deploy = Deploy::of_release(&release, oldest_us);
                let is_used = app.releases.see(&app.meta, grant.project(), deploy, arrived_us);
                repairs.releases_ignored += u64::from(!is_used.await);
            }
        }
        note(u64::from(receipt.accepted), u64::from(receipt.repeated), &repairs);
    }
    Ok(answer::kept(&receipt))
}

/// A batch's sender, as it describes itself.
struct SenderInfo {
    sdk: String,
    framework: String,
    /// The host of its first hit: most clients have one.
    host: String,
}

impl SenderInfo {
    fn of(batch: &Batch) -> SenderInfo {
        let first = |kind: TextKind| {
            let texts = &batch.dictionary.texts[kind as usize];
            texts.get(1).unwrap_or_default().to_owned()
        };
        let host = batch.hits.first().map(|hit| batch.text(hit, TextKind::Host).to_owned());
        SenderInfo {
            sdk: first(TextKind::Sdk),
            framework: first(TextKind::Framework),
            host: host.unwrap_or_default(),
        }
    }
}

/// As many as an answer may list.
fn listed(rejected: &[Rejection]) -> Vec<Rejected> {
    let most = analytics::limits::REJECTED_LISTED as usize;
    rejected
        .iter()
        .take(most)
        .map(|one| Rejected { index: one.index, reason: one.reason.number() })
        .collect()
}
