//! Operations on projects shared by several callers: creation, deletion, registration of a migrating operator's key.

use std::net::IpAddr;
use std::time::Duration;

use analytics::filter::Filter;
use analytics::grid::{DAY_US, Grid};
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::query::{ProjectScope, SumsQuery};
use analytics::tally::{Needs, Top};
use jiff::tz::TimeZone;
use store::Erasure;
use store::meta::{Can, DashboardId, Key, NewProject, Project, ProjectChange};

use crate::app::{App, SharedApp, live_channels, live_monitors};
use crate::error::{ApiError, Code};
use crate::random::random_bytes;
use crate::reads::Reader;
use crate::servers::{erase, wait_for_others};

/// A project's last 24 hours in a few numbers, for a list of projects.
#[derive(Clone, Debug)]
pub struct Headline {
    pub requests: u64,
    /// Those answered with a status of 400 or more.
    pub errors: u64,
    /// Requests of the same time a day earlier: as long as that of `requests`, whose last hour is under way.
    pub previous_requests: u64,
    /// None if no request carries a duration.
    pub p95_ms: Option<f64>,
    /// Requests of each hour, `HEADLINE_HOURS` of them, the oldest first.
    pub series: Vec<u64>,
}

/// Hours that a headline covers.
pub const HEADLINE_HOURS: usize = 24;

/// For a project without requests.
impl Default for Headline {
    fn default() -> Headline {
        let series = vec![0; HEADLINE_HOURS];
        Headline { requests: 0, errors: 0, previous_requests: 0, p95_ms: None, series }
    }
}

/// The project's last 24 hours, in whole hours of UTC; the current hour is the last.
pub async fn headline(
    app: &App,
    reader: Reader,
    scope: &ProjectScope,
) -> Result<Headline, ApiError> {
    let hours = HEADLINE_HOURS as i64;
    let now_us = app.clock.now_us();
    let end_us = (now_us.div_euclid(HOUR_US) + 1) * HOUR_US;
    let sum_up = async |from_us: i64, to_us: i64, needs: Needs| {
        let grid = Grid::over(from_us, to_us, &TimeZone::UTC)?;
        let query = SumsQuery {
            scope: scope.clone(),
            grid,
            filter: Filter::default(),
            needs,
            values: Vec::new(),
            prefix: String::new(),
            top: Top::default(),
        };
        app.sums(reader, query).await
    };
    let from_us = end_us - hours * HOUR_US;
    let total = sum_up(from_us, end_us, Needs::STATUSES | Needs::LATENCY).await?;
    let before =
        sum_up(from_us - hours * HOUR_US, now_us - hours * HOUR_US, Needs::STATUSES).await?;
    // The grid's buckets are finer than an hour.
    let mut series = vec![0; HEADLINE_HOURS];
    for (start_us, classes) in total.grid.edges_us.iter().zip(&total.classes) {
        let hour = ((start_us - from_us) / HOUR_US) as usize;
        series[hour.min(HEADLINE_HOURS - 1)] += classes.iter().sum::<u64>();
    }
    Ok(Headline {
        requests: total.requests(),
        errors: total.statuses.range(400..).map(|(_, requests)| requests).sum(),
        previous_requests: before.requests(),
        p95_ms: total.latency.quantile_us(0.95).map(|us| (us / 10.0).round() / 100.0),
        series,
    })
}

const HOUR_US: i64 = DAY_US / 24;

/// A new project with its secrets, which are shown only once.
pub struct Created {
    pub project: Project,
    pub key: Key,
    pub dashboard_id: DashboardId,
}

/// For callers over HTTP: only if registration is open, and rate-limited.
pub async fn register_project(app: &App, name: &str, client: IpAddr) -> Result<Created, ApiError> {
    if !app.registration_is_open {
        return Err(ApiError::new(
            Code::RegistrationClosed,
            "projects are created by this server's operator, with `api-analytics project create`; \
             the setting `registration = \"open\"` lets everyone",
        ));
    }
    app.project_creations.take(client, app.clock.now_us()).map_err(|seconds| {
        ApiError::new(
            Code::TooManyProjects,
            format!("too many projects were created from this address; wait {seconds} s"),
        )
        .retry_after(seconds)
    })?;
    let new = NewProject { name: check_name(name)?, ..NewProject::default() };
    create_project(app, new, None, Can::Everything).await
}

/// For the operator. `key`: none for a new one.
pub async fn create_project(
    app: &App,
    new: NewProject,
    key: Option<Key>,
    can: Can,
) -> Result<Created, ApiError> {
    let key = key.map_or_else(new_key, Ok)?;
    let project = app.meta.create_project(new, &key, can, app.clock.now_us()).await?;
    let dashboard_id = app
        .meta
        .dashboard_id(project.id)
        .ok_or_else(|| ApiError::internal("creating a project", &"it is gone"))?;
    tracing::info!(project = project.id.0, "project created");
    Ok(Created { project, key, dashboard_id })
}

pub fn new_key() -> Result<Key, ApiError> {
    Ok(Key::from_random(
        random_bytes().map_err(|error| ApiError::internal("making a key", &error))?,
    ))
}

/// Trims it and removes invisible characters.
pub fn check_name(name: &str) -> Result<String, ApiError> {
    let name: String = name.chars().filter(|character| !character.is_control()).collect();
    let name = name.trim();
    let most = limits::NAME_CHARACTERS as usize;
    if name.chars().count() > most {
        return Err(ApiError::new(
            Code::InvalidName,
            format!("`name` is longer than {most} characters"),
        ));
    }
    Ok(name.to_owned())
}

/// Changes settings. If that raises the privacy level, returns once everything above the new level is erased from every
/// file, and completes even if the caller disconnects.
pub async fn change_project(
    app: &SharedApp,
    project: ProjectId,
    change: ProjectChange,
) -> Result<Project, ApiError> {
    let gone = || ApiError::new(Code::UnknownKey, "the project of this key is gone");
    let changed = app.meta.change_project(project, change).await?.ok_or_else(gone)?;
    if changed.erased_level < changed.privacy_level {
        let shared = app.clone();
        let erasing = tokio::spawn(async move { erase_above_level(&shared, project).await });
        erasing.await.map_err(|error| ApiError::internal("raising a privacy level", &error))??;
    }
    app.meta.project(project).ok_or_else(gone)
}

/// Erases everything that the project's privacy level would not have stored. Also for a job, after a crash.
pub async fn erase_above_level(app: &App, project: ProjectId) -> Result<(), ApiError> {
    let Some(project) = app.meta.project(project).filter(|project| !project.deleting) else {
        return Ok(());
    };
    let erasure = match project.privacy_level {
        level if level <= project.erased_level => return Ok(()),
        1 => Erasure::Addresses(project.id),
        _ => Erasure::AddressesAndCountries(project.id),
    };
    // Posts read at the old level must be stored before the erasure.
    let patience = Duration::from_secs(limits::BODY_READ_SECONDS);
    if !app.in_flight.wait_for_earlier(patience).await {
        return Err(ApiError::new(
            Code::Overloaded,
            "the level is raised; erasing what was kept before is under way and takes longer, as posts are stuck",
        ));
    }
    let others = wait_for_others(app).await;
    let changed = erase(app, erasure).await?;
    others?;
    app.ingest_health.forget_samples(&app.meta, project.id).await?;
    app.meta.set_erased_level(project.id, project.privacy_level).await?;
    tracing::info!(
        project = project.id.0,
        level = project.privacy_level,
        changed,
        "privacy raised"
    );
    Ok(())
}

/// Returns once no file of the data folder holds anything of the project, with the number of hits erased. Its keys stop
/// working at once. Completes even if the caller disconnects.
pub async fn delete_project(app: &SharedApp, project: ProjectId) -> Result<u64, ApiError> {
    let app = app.clone();
    let deleting = tokio::spawn(async move {
        app.meta.begin_delete(project).await?;
        // Else what another server has just created would be taken for deleted.
        app.meta.catch_up().await?;
        app.monitors.plan_maintenance(project);
        app.status_views.remove(project);
        app.monitors.forget_gone(&app.meta, &app.checks).await;
        app.checks.keep_only(&live_monitors(&app.meta)).await?;
        app.rules.forget_gone(&app.meta, &app.checks).await?;
        app.checks.forget_bulletins(project).await?;
        app.checks.keep_channels(&live_channels(&app.meta)).await?;
        let others = wait_for_others(&app).await;
        let erased = erase(&app, Erasure::Project(project)).await?;
        others?;
        app.meta.finish_delete(project).await?;
        tracing::info!(project = project.0, erased, "project deleted");
        Ok(erased)
    });
    deleting.await.map_err(|error| ApiError::internal("deleting a project", &error))?
}

/// Added to every answer to a deletion, because it is beyond our control.
pub const BACKUPS_REMAIN: &str = "copies in backups made before are the operator's to delete";
