//! `/api/v1/channels`: the destinations of a project's notices. Their secrets are shown to nobody: an answer has null
//! in their place.

mod shape;

use std::sync::Arc;
use std::time::Duration;

use analytics::hit::ProjectId;
use analytics::notice::webhook::Webhook;
use analytics::notice::{ChannelConfig, Notice, Outgoing, QuietHours, Sending, outbox};
use analytics::{limits, target};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use store::meta::{ChannelRow, ChannelSettings};
use utoipa::ToSchema;

use crate::address::own_host;
use crate::app::{App, SharedApp, live_channels};
use crate::auth::{Holder, Owner};
use crate::body::{JsonObject, nullable};
use crate::error::{ApiError, Code};
use crate::notice::send;
use crate::parameters::Parameters;
use crate::projects::check_name;
use crate::random::random_bytes;

pub use shape::{
    ChannelAnswer, ChannelDelivery, ChannelList, ChannelTest, CreatedChannel, DeliveryList,
};

/// A channel's settings as its owner sends them.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelBody {
    /// At most 100 characters. Default: the kind's name.
    name: Option<String>,
    /// Whether notices are sent to it. Default: true.
    enabled: Option<bool>,
    /// `kind` (webhook, email, slack, discord, telegram, ntfy, pagerduty, teams, gotify, pushover or matrix) and the fields of that
    /// kind. In a change, fields that are missing stay. A webhook without `secret` gets one.
    #[schema(value_type = Option<Object>, example = json!({ "kind": "webhook", "url": "https://example.com/hook" }))]
    config: Option<Map<String, Value>>,
    /// When only critical notices and tests are sent; the others wait for their end. At most 16 hours a day. Default: never.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<QuietHours>)]
    quiet_hours: Option<Option<QuietHours>>,
}

/// The project's channels.
#[utoipa::path(
    get, path = "/api/v1/channels", tag = "channels",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    responses(
        (status = 200, description = "The channels, without their secrets", body = ChannelList),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show channels", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_channels(
    State(app): State<SharedApp>,
    holder: Holder,
) -> Result<Json<ChannelList>, ApiError> {
    let mut channels = Vec::new();
    for row in app.meta.channels(holder.project) {
        channels.push(to_answer(&app, &row).await?);
    }
    Ok(Json(ChannelList { channels }))
}

/// Make a channel. From here on it is sent every notice of the project.
#[utoipa::path(
    post, path = "/api/v1/channels", tag = "channels",
    params(("project" = Option<u32>, Query, description = "Which of the session's projects")),
    request_body = ChannelBody,
    responses(
        (status = 201, description = "The channel, and the signing secret of a webhook that was made for it", body = CreatedChannel),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 409, description = "The project has as many channels as it may have", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn create_channel(
    State(app): State<SharedApp>,
    owner: Owner,
    JsonObject(body): JsonObject<ChannelBody>,
) -> Result<(StatusCode, Json<CreatedChannel>), ApiError> {
    let mut fields = body.config.unwrap_or_default();
    let secret = give_secret(&mut fields)?;
    let config = read_config(&app, fields)?;
    let name = check_name(&body.name.unwrap_or_default())?;
    let settings = ChannelSettings {
        name: if name.is_empty() { config.channel().label.to_owned() } else { name },
        enabled: body.enabled.unwrap_or(true),
        config,
        quiet_hours: check_quiet(body.quiet_hours.flatten())?,
        problem: None,
    };
    let most = app.settings.limits.get("channels_per_project") as usize;
    let now_us = app.clock.now_us();
    let made = app.meta.add_channel(owner.project, settings, nonce()?, most, now_us).await?;
    let row =
        made.ok_or_else(|| ApiError::new(Code::UnknownKey, "the project of this key is gone"))?;
    tracing::info!(project = owner.project.0, channel = row.id, "channel made");
    let channel = to_answer(&app, &row).await?;
    Ok((StatusCode::CREATED, Json(CreatedChannel { channel, secret })))
}

/// A channel.
#[utoipa::path(
    get, path = "/api/v1/channels/{id}", tag = "channels",
    params(
        ("id" = i64, Path, description = "The channel's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The channel, without its secrets", body = ChannelAnswer),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "A share link does not show channels", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such channel", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn show_channel(
    State(app): State<SharedApp>,
    holder: Holder,
    Path(id): Path<String>,
) -> Result<Json<ChannelAnswer>, ApiError> {
    let row = find(&app, holder.project, &id)?;
    Ok(Json(to_answer(&app, &row).await?))
}

/// Change a channel. One that the far side has ended works again once it is enabled.
#[utoipa::path(
    patch, path = "/api/v1/channels/{id}", tag = "channels",
    params(
        ("id" = i64, Path, description = "The channel's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    request_body = ChannelBody,
    responses(
        (status = 200, description = "The channel as it is now", body = ChannelAnswer),
        (status = 400, description = "A field cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such channel", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn change_channel(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
    JsonObject(body): JsonObject<ChannelBody>,
) -> Result<Json<ChannelAnswer>, ApiError> {
    let row = find(&app, owner.project, &id)?;
    let mut settings = row.settings.clone();
    if let Some(change) = body.config {
        settings.config = read_config(&app, changed(&settings.config, change)?)?;
        settings.problem = None;
    }
    if let Some(name) = body.name {
        settings.name = check_name(&name)?;
    }
    if let Some(quiet_hours) = body.quiet_hours {
        settings.quiet_hours = check_quiet(quiet_hours)?;
    }
    if let Some(enabled) = body.enabled {
        settings.enabled = enabled;
        settings.problem = settings.problem.filter(|_| !enabled);
    }
    let made = app.meta.change_channel(owner.project, row.id, settings, nonce()?).await?;
    let row = made.ok_or_else(unknown)?;
    app.outbox.wake();
    tracing::info!(project = owner.project.0, channel = row.id, "channel changed");
    Ok(Json(to_answer(&app, &row).await?))
}

/// Delete a channel with its deliveries.
#[utoipa::path(
    delete, path = "/api/v1/channels/{id}", tag = "channels",
    params(
        ("id" = i64, Path, description = "The channel's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such channel", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn remove_channel(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let row = find(&app, owner.project, &id)?;
    app.meta.remove_channel(owner.project, row.id).await?;
    app.meta.catch_up().await?;
    app.checks.keep_channels(&live_channels(&app.meta)).await?;
    tracing::info!(project = owner.project.0, channel = row.id, "channel deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// Send a test notice now, and say what the far side answered. It is not tried again.
#[utoipa::path(
    post, path = "/api/v1/channels/{id}/test", tag = "channels",
    params(
        ("id" = i64, Path, description = "The channel's `id`"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The response of the channel's service", body = ChannelTest),
        (status = 400, description = "The session holds several projects and `project` is missing", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such channel", body = crate::schema::ErrorAnswer),
        (status = 429, description = "Too many tests were asked for from this address", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn test_channel(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<Json<ChannelTest>, ApiError> {
    let row = find(&app, owner.project, &id)?;
    let now_us = app.clock.now_us();
    app.channel_tests.take(owner.client, now_us).map_err(|seconds| {
        let message = format!("too many tests were asked for from this address; wait {seconds} s");
        ApiError::new(Code::TooManyTests, message).retry_after(seconds)
    })?;
    let now_ms = now_us.div_euclid(1_000);
    let project = app.meta.project(owner.project).map(|project| project.name).unwrap_or_default();
    let number = u64::from_le_bytes(fresh()?);
    let notice = Notice::test(&format!("test-{number:016x}"), &project, &row.settings.name, now_ms);
    let host = own_host(&app.settings);
    let sending = Sending { now_ms, host: &host, reply_to: None };
    let sent = send(&app.carriers, &row.settings.config, &notice, sending).await;
    Ok(Json(ChannelTest::of(sent)))
}

/// The channel's notices, newest first, each with every try to deliver it. Kept for 90 days.
#[utoipa::path(
    get, path = "/api/v1/channels/{id}/deliveries", tag = "channels",
    params(
        ("id" = i64, Path, description = "The channel's `id`"),
        ("limit" = Option<u32>, Query, description = "At most so many, 1 to 200. Default: 50"),
        ("before" = Option<i64>, Query, description = "Only those before this one, such as `next` of the page before"),
        ("project" = Option<u32>, Query, description = "Which of the session's projects"),
    ),
    responses(
        (status = 200, description = "The deliveries", body = DeliveryList),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "Nothing that opens the project came with the call", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The caller may look and not change", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The project has no such channel", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = [])),
)]
pub async fn list_deliveries(
    State(app): State<SharedApp>,
    owner: Owner,
    Path(id): Path<String>,
    mut parameters: Parameters,
) -> Result<Json<DeliveryList>, ApiError> {
    let row = find(&app, owner.project, &id)?;
    let limit = parameters.take_as(&["limit"], "a number from 1 to 200", |text| {
        text.parse().ok().filter(|limit| (1..=limits::DELIVERIES_PAGE).contains(limit))
    })?;
    let before =
        parameters.take_as(&["before"], "a delivery's `id`", |text| text.parse::<i64>().ok())?;
    parameters.finish()?;
    let limit = limit.unwrap_or(limits::DELIVERIES_PAGE_DEFAULT) as usize;
    let _turn = app.reads.take(owner.reader(), Duration::from_millis(10)).await?;
    let mut rows = app.checks.deliveries(row.id, before.unwrap_or(i64::MAX), limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.id);
    let deliveries = rows.into_iter().map(ChannelDelivery::of).collect();
    Ok(Json(DeliveryList { deliveries, next }))
}

fn find(app: &App, project: ProjectId, id: &str) -> Result<Arc<ChannelRow>, ApiError> {
    id.parse().ok().and_then(|id| app.meta.channel(project, id)).ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::new(
        Code::UnknownChannel,
        "the project has no such channel; GET /api/v1/channels lists them",
    )
}

async fn to_answer(app: &App, row: &ChannelRow) -> Result<ChannelAnswer, ApiError> {
    let waiting = app.checks.waiting(row.id).await?;
    let now_ms = app.clock.now_us().div_euclid(1_000);
    Ok(ChannelAnswer::of(row, waiting.len(), outbox::failing_since_ms(&waiting, now_ms)))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(Code::InvalidChannel, message)
}

fn check_quiet(quiet_hours: Option<QuietHours>) -> Result<Option<QuietHours>, ApiError> {
    if let Some(quiet_hours) = &quiet_hours {
        quiet_hours.check().map_err(|problem| invalid(problem.to_string()))?;
    }
    Ok(quiet_hours)
}

fn fresh<const N: usize>() -> Result<[u8; N], ApiError> {
    random_bytes().map_err(|error| ApiError::internal("making a channel", &error))
}

fn nonce() -> Result<store::meta::FreshNonce, ApiError> {
    fresh()
}

/// Generates and returns a signing secret for a webhook without one.
fn give_secret(fields: &mut Map<String, Value>) -> Result<Option<String>, ApiError> {
    let is_webhook = fields.get("kind").is_some_and(|kind| kind == "webhook");
    if !is_webhook || fields.get("secret").is_some_and(|secret| !secret.is_null()) {
        return Ok(None);
    }
    let secret = Webhook::secret_of(fresh()?).expose().to_owned();
    fields.insert("secret".to_owned(), Value::String(secret.clone()));
    Ok(Some(secret))
}

/// The fields with those of `change` replaced. Null removes a field, but keeps a secret's value.
fn changed(
    config: &ChannelConfig,
    change: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(config) else {
        return Err(ApiError::internal("changing a channel", &"its settings cannot be written"));
    };
    if change.get("kind").is_some_and(|kind| fields.get("kind") != Some(kind)) {
        return Err(invalid("`config.kind` of a channel cannot be changed; make another channel"));
    }
    let secrets = config.channel().secrets;
    for (field, value) in change {
        match value {
            Value::Null if secrets.contains(&field.as_str()) => {}
            Value::Null => drop(fields.remove(&field)),
            value => drop(fields.insert(field, value)),
        }
    }
    Ok(fields)
}

/// Checks that a notice can be sent with it, including whether its host's address may be called.
fn read_config(app: &App, fields: Map<String, Value>) -> Result<ChannelConfig, ApiError> {
    // serde's message may repeat a value, which may be a secret.
    let config: ChannelConfig =
        serde_json::from_value(Value::Object(fields)).map_err(|problem| {
            let problem = problem.to_string();
            let known = ["missing field", "unknown variant"];
            let what = known.iter().any(|start| problem.starts_with(start));
            invalid(match what {
                true => format!("`config`: {}", problem.chars().take(200).collect::<String>()),
                false => "`config` holds a field of another type than it should".to_owned(),
            })
        })?;
    config.check()?;
    let host = own_host(&app.settings);
    let sending = Sending { now_ms: 0, host: &host, reply_to: None };
    match config.render(&Notice::test("test", "", "", 0), sending) {
        Outgoing::Email(_) if app.carriers.mailer.is_some() => Ok(config),
        Outgoing::Email(_) => Err(invalid(
            "`config.kind`: this server sends no e-mail; its operator names a mail server with the setting `smtp_server`",
        )),
        Outgoing::Http(request) => {
            let url = target::parse_url(request.url.expose())
                .map_err(|problem| invalid(format!("the address of the channel {problem}")))?;
            if let Some(host) = url.host() {
                target::judge_literal(&host, app.dialer.allowed()).map_err(|special| {
                    invalid(format!(
                        "the address of the channel is a {special} address, which this server does not call; its operator \
                         allows networks with the setting `allow_networks`"
                    ))
                })?;
            }
            Ok(config)
        }
    }
}
