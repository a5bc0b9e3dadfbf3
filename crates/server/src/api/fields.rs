//! `/api/v1/fields`: the fields of filters and their existing values, for menus and completion.

use std::cmp::Reverse;

use analytics::filter::{Field, Kind};
use analytics::hit_fields::filterable;
use analytics::limits;
use analytics::panels::{Source, source};
use analytics::query::SumsQuery;
use analytics::tally::{Needs, Sort, Top};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::dashboard::{Question, question, take_count};
use crate::app::SharedApp;
use crate::auth::Viewer;
use crate::error::{ApiError, Code};
use crate::json::send_json;
use crate::parameters::Parameters;

#[derive(Serialize, ToSchema)]
pub struct FieldList {
    pub fields: Vec<FieldDescription>,
}

#[derive(Serialize, ToSchema)]
pub struct FieldDescription {
    pub name: &'static str,
    /// Other names that are understood.
    pub aliases: &'static [&'static str],
    /// text, number, duration, size, country or status.
    pub kind: &'static str,
    pub doc: String,
    /// Its values can be listed.
    pub counted: bool,
    /// As the page calls it.
    pub label: &'static str,
    /// Its key in a hit of `/api/v1/hits`; null if hits are listed without it.
    pub key: Option<&'static str>,
    /// Shown in a monospaced face.
    pub code: bool,
}

#[derive(Serialize, ToSchema)]
pub struct FieldValues {
    /// The most frequent first.
    pub values: Vec<FieldValue>,
}

#[derive(Serialize, ToSchema)]
pub struct FieldValue {
    /// As `q` takes it; "" for none.
    pub value: String,
    pub requests: u64,
}

/// The fields of a filter.
#[utoipa::path(
    get, path = "/api/v1/fields", tag = "dashboard",
    responses((status = 200, description = "All fields", body = FieldList)),
)]
pub async fn list_fields() -> Json<FieldList> {
    let fields = filterable().map(|info| FieldDescription {
        name: info.name,
        aliases: info.aliases,
        kind: match info.kind {
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Duration => "duration",
            Kind::Size => "size",
            Kind::Country => "country",
            Kind::Status => "status",
        },
        doc: info.filter_doc(),
        counted: source(info.field).is_some(),
        label: info.label,
        key: (!info.listed.is_empty()).then_some(info.listed),
        code: info.is_code,
    });
    Json(FieldList { fields: fields.collect() })
}

/// The values of a field, with their hits.
#[utoipa::path(
    get, path = "/api/v1/fields/{field}/values", tag = "dashboard",
    params(
        ("field" = String, Path, description = "Its name; see /api/v1/fields"),
        ("project" = Option<String>, Query, description = "Which of the session's projects; `demo` for the demo"),
        ("period" = Option<String>, Query, description = "24h, 7d (the default), 30d, 6mo, 12mo or all"),
        ("from" = Option<String>, Query, description = "RFC 3339, included"),
        ("to" = Option<String>, Query, description = "RFC 3339, excluded"),
        ("tz" = Option<String>, Query, description = "IANA name; the project's by default"),
        ("q" = Option<String>, Query, description = "Only hits that pass this filter"),
        ("prefix" = Option<String>, Query, description = "How the value begins, in any case"),
        ("limit" = Option<u32>, Query, description = "At most 200; 20 by default"),
    ),
    responses(
        (status = 200, description = "The values", body = FieldValues),
        (status = 304, description = "As the ETag in If-None-Match says"),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits, or the share link does not show the field", body = crate::schema::ErrorAnswer),
        (status = 404, description = "There is no such field, or no demo", body = crate::schema::ErrorAnswer),
        (status = 503, description = "The query took too long", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = []), ("share_link" = []), ()),
)]
pub async fn list_values(
    State(app): State<SharedApp>,
    viewer: Viewer,
    Path(field): Path<String>,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response<Body>, ApiError> {
    let Some(field) = Field::find(&field) else {
        return Err(ApiError::new(
            Code::NotFound,
            "there is no such field; /api/v1/fields lists them",
        ));
    };
    viewer.require_field(field)?;
    let Some(source) = source(field) else {
        let name = field.info().name;
        let example = if field.info().kind == Kind::Text { "abc*" } else { ">1" };
        let message =
            format!("the values of `{name}` are not counted; filter by it, as in {name}:{example}");
        return Err(ApiError::new(Code::NotFound, message));
    };
    let Question { asked, filter, .. } = question(&app, &viewer, &mut parameters).await?;
    let prefix = parameters.take(&["prefix"])?.unwrap_or_default().to_lowercase();
    let limit =
        take_count(&mut parameters, "limit", limits::FIELD_VALUES_DEFAULT, limits::FIELD_VALUES)?;
    parameters.finish()?;

    let (needs, values) = match source {
        Source::Status => (Needs::STATUSES, Vec::new()),
        Source::Consumer => (Needs::CONSUMERS, Vec::new()),
        Source::Value(value) => (Needs::default(), vec![value]),
    };
    // Only the busiest consumers: there may be too many to search them all for a prefix.
    let rows = if source == Source::Consumer { limits::PANEL_ROWS as usize } else { limit };
    let top = Top { consumers: source == Source::Consumer, rows, sort: Sort::Requests };
    let query = SumsQuery {
        scope: viewer.scope.clone(),
        grid: asked.grid,
        filter,
        needs,
        values,
        prefix: prefix.clone(),
        top,
    };
    let total = app.sums(viewer.reader(), query).await?;
    let mut counted: Vec<FieldValue> = match source {
        Source::Status => {
            let statuses = total.statuses.iter();
            statuses
                .map(|(status, requests)| FieldValue {
                    value: status.to_string(),
                    requests: *requests,
                })
                .collect()
        }
        // Only the busiest: there may be millions.
        Source::Consumer => {
            let rows = total.consumers.rows.iter();
            rows.map(|consumer| {
                let value = match consumer.user.as_str() {
                    "" => format!("a:{}", consumer.address),
                    user => format!("u:{user}"),
                };
                FieldValue { value, requests: consumer.requests }
            })
            .collect()
        }
        Source::Value(value) => total
            .values
            .get(&value)
            .into_iter()
            .flat_map(|listing| &listing.rows)
            .map(|(text, count)| FieldValue { value: text.to_string(), requests: count.requests })
            .collect(),
    };
    counted.retain(|one| {
        let text = one.value.to_lowercase();
        let name =
            if source == Source::Consumer { text.get(2..).unwrap_or_default() } else { &text };
        text.starts_with(&prefix) || name.starts_with(&prefix)
    });
    counted.sort_by(|a, b| (Reverse(a.requests), &a.value).cmp(&(Reverse(b.requests), &b.value)));
    counted.truncate(limit);
    send_json(&FieldValues { values: counted }, &headers)
}
