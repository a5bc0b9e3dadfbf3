//! `/api/v1/changes`: differences from the period before, in a few rows. `analytics::changes` decides what counts as
//! one; this module reads the two periods, and nothing about consumers for viewers who don't see them.

use analytics::changes::{
    Change, ConsumerChange, appeared, choose, compare_endpoints, missing_up_to, quiet, regular,
};
use analytics::filter::Filter;
use analytics::grid::{Grid, ResolvedPeriod};
use analytics::limits;
use analytics::query::SumsQuery;
use analytics::tally::{Needs, Top, Total};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use super::dashboard::{Previous, Question, question};
use crate::app::{App, SharedApp};
use crate::auth::Viewer;
use crate::error::ApiError;
use crate::json::send_json;
use crate::parameters::Parameters;
use crate::pieces::to_rfc3339;

#[derive(Serialize, ToSchema)]
pub struct Changes {
    /// The period that was compared with; null where nothing is compared.
    pub previous: Option<Previous>,
    /// Endpoints that fail more, slower ones, consumers that went quiet, new ones: at most five, and none where there is
    /// nothing to say.
    pub rows: Vec<Change>,
    /// The rows are of the busiest endpoints or consumers: of those with at most this many requests nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_up_to: Option<u64>,
}

/// Changes against the period before.
#[utoipa::path(
    get, path = "/api/v1/changes", tag = "dashboard",
    params(
        ("project" = Option<String>, Query, description = "Which of the session's projects; `demo` for the demo"),
        ("period" = Option<String>, Query, description = "24h, 7d (the default), 30d, 6mo, 12mo or all"),
        ("from" = Option<String>, Query, description = "RFC 3339, included"),
        ("to" = Option<String>, Query, description = "RFC 3339, excluded"),
        ("tz" = Option<String>, Query, description = "IANA name; the project's by default"),
        ("q" = Option<String>, Query, description = "Only hits that pass this filter"),
        ("compare" = Option<String>, Query, description = "`previous`: with the period of equal length before. Without it there are no rows"),
    ),
    responses(
        (status = 200, description = "The rows", body = Changes),
        (status = 304, description = "As the ETag in If-None-Match says"),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits, or the share link does not show a field of `q`", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The server has no demo", body = crate::schema::ErrorAnswer),
        (status = 503, description = "The query took too long; ask for a shorter period", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = []), ("share_link" = []), ()),
)]
pub async fn show_changes(
    State(app): State<SharedApp>,
    viewer: Viewer,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response<Body>, ApiError> {
    let Question { asked, filter, .. } = question(&app, &viewer, &mut parameters).await?;
    let compare = parameters
        .take_as(&["compare"], "`previous`", |text| (text == "previous").then_some(()))?;
    parameters.finish()?;
    let ResolvedPeriod { grid, previous, .. } = asked;
    let Some((from_us, to_us)) = previous.filter(|_| compare.is_some()) else {
        return send_json(
            &Changes { previous: None, rows: Vec::new(), missing_up_to: None },
            &headers,
        );
    };
    let reading = Reading { app: &app, viewer: &viewer, filter: &filter };
    let consumers = if viewer.shows.consumers { Needs::CONSUMERS } else { Needs::default() };
    let needs = Needs::STATUSES.and(Needs::ENDPOINTS).and(consumers);
    let before = reading.sums(from_us, to_us, needs).await?;
    let mut rows = Vec::new();
    let mut missing = 0;
    // With nothing before, everything would be different.
    if before.requests() > 0 {
        let after = reading.sums(grid.from_us, grid.to_us, needs).await?;
        let endpoints = compare_endpoints(&before.endpoints, &after.endpoints);
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        // If the project began, or its retention ends, within the period before, neither new nor regular consumers can
        // be told.
        let oldest_us =
            app.store.extent(&viewer.scope).await?.map_or(i64::MAX, |(oldest, _)| oldest);
        let is_whole = oldest_us <= from_us.saturating_add((to_us - from_us) / 4);
        if viewer.shows.consumers && is_whole {
            gone = reading.regular(shown(quiet(&before, &after), &viewer), from_us, to_us).await?;
            new = shown(appeared(&before, &after), &viewer);
        }
        // Rows below the least volume are not compared anyway.
        let of_endpoints = missing_up_to(&after.endpoints, |row| row.requests);
        if of_endpoints >= limits::CHANGE_REQUESTS {
            missing = of_endpoints;
        }
        let of_consumers = missing_up_to(&after.consumers, |row| row.requests);
        if viewer.shows.consumers && of_consumers >= limits::CHANGE_CONSUMER_REQUESTS {
            missing = missing.max(of_consumers);
        }
        rows = choose(endpoints, gone, new);
    }
    let changes = Changes {
        previous: Some(Previous { from: to_rfc3339(from_us), to: to_rfc3339(to_us) }),
        rows,
        missing_up_to: (missing > 0).then_some(missing),
    };
    send_json(&changes, &headers)
}

/// Without rows named by an address that isn't shown.
fn shown(rows: Vec<ConsumerChange>, viewer: &Viewer) -> Vec<ConsumerChange> {
    let is_shown = |row: &ConsumerChange| viewer.shows.addresses || row.address.is_empty();
    rows.into_iter().filter(is_shown).collect()
}

struct Reading<'a> {
    app: &'a App,
    viewer: &'a Viewer,
    filter: &'a Filter,
}

impl Reading<'_> {
    /// The busiest endpoints and consumers, as many as a call may ask for.
    async fn sums(&self, from_us: i64, to_us: i64, needs: Needs) -> Result<Total, ApiError> {
        let query = SumsQuery {
            scope: self.viewer.scope.clone(),
            grid: Grid::whole(from_us, to_us, &TimeZone::UTC),
            filter: self.filter.clone(),
            needs,
            values: Vec::new(),
            prefix: String::new(),
            top: Top {
                consumers: needs.has(Needs::CONSUMERS),
                rows: limits::PANEL_ROWS as usize,
                ..Top::default()
            },
        };
        self.app.sums(self.viewer.reader(), query).await
    }

    /// Consumers that called in most quarters of the period. It is read again only if there are candidates.
    async fn regular(
        &self,
        quiet: Vec<ConsumerChange>,
        from_us: i64,
        to_us: i64,
    ) -> Result<Vec<ConsumerChange>, ApiError> {
        if quiet.is_empty() {
            return Ok(quiet);
        }
        let edge = |n: i64| from_us + (to_us - from_us) / 4 * n;
        let mut parts = Vec::new();
        for n in 0..4 {
            let end_us = if n == 3 { to_us } else { edge(n + 1) };
            parts.push(self.sums(edge(n), end_us.max(edge(n) + 1), Needs::CONSUMERS).await?);
        }
        Ok(regular(quiet, &parts))
    }
}
