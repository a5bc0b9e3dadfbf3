//! Builds the visitors' view of a status page: the state of its monitors, their last 90 days, and the published
//! incidents and maintenance. Nothing else of a monitor or an incident gets into a view.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use analytics::limits;
use analytics::status_page::publication::Stage;
use analytics::status_page::requests::{questions, shares};
use analytics::status_page::{Overall, slug, state_of_day};
use analytics::target::parse_url;
use analytics::uptime::{Millis, State};
use store::checks::{IncidentUpdate, KeptIncident};
use store::meta::StatusPageRow;

use crate::app::App;
use crate::auth::scope_of_server;
use crate::error::{ApiError, Code};
use crate::reads::Reader;
use crate::status_view::{
    DayView, GroupView, IncidentView, MaintenanceView, RequestShares, ServiceView, StatusView,
    UpdateView,
};
use crate::subscription;

const DAY_MS: i64 = 86_400_000;

/// The page at this address, if it is enabled.
pub fn find(app: &App, slug: &str) -> Result<Arc<StatusPageRow>, ApiError> {
    let row = app.meta.status_page_at(slug).filter(|row| row.page.enabled);
    row.ok_or_else(|| {
        ApiError::new(
            Code::UnknownStatusPage,
            "there is no status page at this address; ask those who run the service for the right one",
        )
    })
}

/// The cached view, or a new one. `client`: the visitor.
pub async fn view(app: &App, slug: &str, client: IpAddr) -> Result<Arc<StatusView>, ApiError> {
    let remembered = app.status_views.view(find(app, slug)?.project);
    let mut remembered = remembered.lock().await;
    // Read again: a change made meanwhile must not be cached in its old form.
    let row = find(app, slug)?;
    let now_ms = app.clock.now_us().div_euclid(1_000);
    if let Some(view) = remembered.as_ref().filter(|view| view.fresh_seconds(now_ms).is_some()) {
        return Ok(view.clone());
    }
    let view = Arc::new(make(app, &row, client, now_ms).await?);
    *remembered = Some(view.clone());
    Ok(view)
}

async fn make(
    app: &App,
    row: &StatusPageRow,
    client: IpAddr,
    now_ms: i64,
) -> Result<StatusView, ApiError> {
    let project = row.project;
    let page = row.page.with_monitors(|monitor| app.meta.monitor(project, monitor).is_some());
    let shares = match page.show_requests {
        true => request_shares(app, row, now_ms).await,
        false => Arc::default(),
    };
    let today = now_ms.div_euclid(DAY_MS);
    let first_day = today - limits::UPTIME_BARS as i64 + 1;
    let (mut days, incidents) = {
        let _turn = app.reads.take(Reader::new(project, client), READ).await?;
        // The board is ahead of the file: its sums are written first.
        app.monitors.write_all(&app.checks).await;
        let monitors: Vec<i64> = page.services().map(|service| service.monitor).collect();
        let days = app.checks.days(&monitors, first_day).await?;
        let most = limits::STATUS_INCIDENTS as usize;
        let since_ms = first_day * DAY_MS;
        (days, app.checks.published_incidents(project, since_ms, most).await?)
    };
    let mut slugs = slug::of_services(page.services()).into_iter();
    let mut to_service = |name: &str, monitor: i64| {
        let sums = days.remove(&monitor).unwrap_or_default();
        let days =
            to_days(&sums, Millis::of(&app.monitors.tail(monitor, now_ms)), first_day, now_ms);
        let mut whole = Millis::default();
        days.iter().for_each(|day| whole += day.millis);
        let standing = app.monitors.standing(monitor);
        ServiceView {
            name: name.to_owned(),
            slug: slugs.next().unwrap_or_default(),
            state: standing.map_or(State::Unknown, |standing| standing.state),
            uptime: whole.uptime(),
            requests: host_of(app, row, monitor).and_then(|host| shares.get(&host).copied()),
            days,
        }
    };
    let groups = page.groups.iter().map(|group| {
        let services = group.services.iter();
        let services = services.map(|service| to_service(&service.name, service.monitor));
        GroupView { name: group.name.clone(), services: services.collect() }
    });
    let groups: Vec<GroupView> = groups.collect();
    let incidents = incidents.iter();
    let incidents = incidents.filter_map(|(row, updates)| to_incident(app, row, updates));
    let (current, earlier): (Vec<_>, Vec<_>) =
        incidents.partition(|incident| incident.until_ms.is_none());
    let states: Vec<State> =
        groups.iter().flat_map(|group| &group.services).map(|service| service.state).collect();
    let severities: Vec<_> = current.iter().map(|incident| incident.severity).collect();
    let maintenance = maintenance(app, row, now_ms);
    Ok(StatusView {
        takes_subscribers: subscription::is_offered(app, &page),
        slug: page.slug,
        title: page.title,
        accent: page.accent,
        logo_tag: row
            .logo
            .as_ref()
            .map(|logo| blake3::hash(logo.bytes()).to_hex()[..16].to_owned()),
        made_ms: now_ms,
        overall: Overall::of(&states, &severities),
        groups,
        maintenance,
        current,
        earlier,
    })
}

/// The cost of a view, at most: about that of a short list of hits.
const READ: Duration = Duration::from_millis(10);

/// `sums`: by day, in order. `tail`: the time that none of them covers yet.
fn to_days(sums: &[(i64, Millis)], tail: Millis, first_day: i64, now_ms: i64) -> Vec<DayView> {
    let today = now_ms.div_euclid(DAY_MS);
    let days = (first_day..=today).map(|day| {
        let found = sums.binary_search_by_key(&day, |(day, _)| *day);
        let mut millis = found.map_or(Millis::default(), |place| sums[place].1);
        let from_ms = day * DAY_MS;
        let mut length_ms = DAY_MS;
        if day == today {
            millis += tail;
            length_ms = now_ms - from_ms;
        }
        let millis = millis.filled_to(length_ms);
        DayView { from_ms, state: state_of_day(&millis), millis }
    });
    days.collect()
}

/// Published windows that are open, or the next of each that is near.
pub fn maintenance(app: &App, row: &StatusPageRow, now_ms: i64) -> Vec<MaintenanceView> {
    let page = row.page.with_monitors(|monitor| app.meta.monitor(row.project, monitor).is_some());
    let announced_ms = now_ms + limits::STATUS_ANNOUNCED_DAYS as i64 * DAY_MS;
    let rows = app.meta.maintenance(row.project);
    let published = rows.iter().filter(|row| row.settings.published == Some(true));
    let views = published.filter_map(|row| {
        let maintenance = row.settings.clone().read()?;
        let current = maintenance.current(now_ms);
        let next = || maintenance.windows.next(now_ms).filter(|next| next.from_ms < announced_ms);
        let span = current.or_else(next)?;
        let concerned = page.services().filter(|service| maintenance.concerns(service.monitor));
        let services: Vec<String> = concerned.map(|service| service.name.clone()).collect();
        let is_of_all = services.len() == page.services().count();
        Some(MaintenanceView {
            id: app.meta.public_maintenance_id(row.id, span.from_ms),
            title: row.settings.title.clone().unwrap_or_default(),
            text: row.settings.text.clone().unwrap_or_default(),
            from_ms: span.from_ms,
            to_ms: span.to_ms,
            is_current: current.is_some(),
            services: if is_of_all { Vec::new() } else { services },
        })
    });
    let mut views: Vec<MaintenanceView> = views.collect();
    views.sort_by_key(|view| view.from_ms);
    views
}

/// Over when checks succeed again, or when its owner says so. None if it is not published.
fn to_incident(app: &App, row: &KeptIncident, updates: &[IncidentUpdate]) -> Option<IncidentView> {
    let publication = row.publication.as_ref()?;
    let mut updates: Vec<UpdateView> = updates
        .iter()
        .map(|update| UpdateView {
            at_ms: update.at_ms,
            stage: update.stage,
            text: update.text.clone(),
        })
        .collect();
    let resolved_ms =
        updates.last().filter(|last| last.stage == Stage::Resolved).map(|last| last.at_ms);
    let until_ms = match (row.found.until_ms, resolved_ms) {
        (Some(until_ms), Some(resolved_ms)) => Some(until_ms.min(resolved_ms)),
        (until_ms, resolved_ms) => until_ms.or(resolved_ms),
    };
    if let (Some(at_ms), None) = (until_ms, resolved_ms) {
        updates.push(UpdateView { at_ms, stage: Stage::Resolved, text: String::new() });
        updates.sort_by_key(|update| update.at_ms);
    }
    Some(IncidentView {
        id: app.meta.public_incident_id(row.found.source.to_column(), row.found.number),
        title: publication.title.clone(),
        severity: publication.severity,
        since_ms: row.found.since_ms,
        until_ms: until_ms.map(|until_ms| until_ms.max(row.found.since_ms)),
        updates,
    })
}

/// The host whose requests are shown for a monitor. Visitors do not see it.
fn host_of(app: &App, row: &StatusPageRow, monitor: i64) -> Option<String> {
    let monitor = app.meta.monitor(row.project, monitor)?;
    let url = parse_url(monitor.settings.url.as_deref()?).ok()?;
    url.host_str().map(str::to_ascii_lowercase)
}

/// The cached shares while they are fresh, else new ones; the old ones if the answer does not come in time.
async fn request_shares(app: &App, row: &StatusPageRow, now_ms: i64) -> Arc<RequestShares> {
    let remembered = app.status_views.shares(row.project);
    let mut remembered = remembered.lock().await;
    let fresh_ms = limits::STATUS_REQUESTS_FRESH_SECONDS as i64 * 1_000;
    let known = remembered.clone();
    if let Some((_, shares)) =
        known.as_ref().filter(|(at_ms, _)| (0..fresh_ms).contains(&(now_ms - at_ms)))
    {
        return shares.clone();
    }
    let patience = Duration::from_millis(limits::STATUS_REQUESTS_WAIT_MS);
    let answer = tokio::time::timeout(patience, ask_requests(app, row, now_ms)).await;
    let shares = match answer {
        Ok(Ok(shares)) => Arc::new(shares),
        Ok(Err(_)) | Err(_) => {
            tracing::warn!(
                project = row.project.0,
                "a status page is shown without the newest share of requests that succeeded"
            );
            known.map(|(_, shares)| shares).unwrap_or_default()
        }
    };
    // Even on failure, so that the next visitor does not wait for the same again.
    *remembered = Some((now_ms, shares.clone()));
    shares
}

async fn ask_requests(
    app: &App,
    row: &StatusPageRow,
    now_ms: i64,
) -> Result<RequestShares, ApiError> {
    let days = limits::UPTIME_BARS as i64;
    let scope = scope_of_server(row.project);
    let asked = questions(scope, (now_ms - days * DAY_MS) * 1_000, now_ms * 1_000);
    let reader = Reader::new(row.project, IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    let all = app.sums(reader, asked.all).await?;
    let failed = app.sums(reader, asked.failed).await?;
    Ok(shares(&all, &failed))
}
