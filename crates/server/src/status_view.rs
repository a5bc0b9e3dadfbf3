//! The visitors' view of a status page, as data, and its cache: a crowd during an outage costs one read of the files.
//! Everything in here may be shown to anyone.
//!
//! `status_page` builds it, `web::status` renders it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use analytics::hit::ProjectId;
use analytics::limits;
use analytics::status_page::Overall;
use analytics::status_page::accent::Accent;
use analytics::status_page::publication::{Severity, Stage};
use analytics::uptime::{Millis, Share, State};

/// A status page at one moment.
#[derive(Clone, Debug)]
pub struct StatusView {
    pub slug: String,
    pub title: String,
    pub accent: Option<Accent>,
    /// Changes with the image. None: the page has no logo of its own.
    pub logo_tag: Option<String>,
    pub made_ms: i64,
    pub overall: Overall,
    /// Visitors can subscribe by e-mail.
    pub takes_subscribers: bool,
    pub groups: Vec<GroupView>,
    /// Windows open now or soon, by their start.
    pub maintenance: Vec<MaintenanceView>,
    /// Open incidents, newest first.
    pub current: Vec<IncidentView>,
    /// Closed incidents of the shown days, newest first.
    pub earlier: Vec<IncidentView>,
}

#[derive(Clone, Debug)]
pub struct GroupView {
    /// "": none.
    pub name: String,
    pub services: Vec<ServiceView>,
}

#[derive(Clone, Debug)]
pub struct ServiceView {
    pub name: String,
    /// Part of its badge's address.
    pub slug: String,
    pub state: State,
    /// For all shown days. None if too little is known.
    pub uptime: Option<Share>,
    /// Share of requests without a server error. None if it is not shown or not known.
    pub requests: Option<Share>,
    /// In order, today last.
    pub days: Vec<DayView>,
}

#[derive(Clone, Copy, Debug)]
pub struct DayView {
    /// Its start (UTC).
    pub from_ms: i64,
    /// The state that colours it.
    pub state: State,
    pub millis: Millis,
}

/// A published maintenance window.
#[derive(Clone, Debug)]
pub struct MaintenanceView {
    /// Identifies a window and reveals nothing else.
    pub id: String,
    pub title: String,
    /// May be empty, and have several lines.
    pub text: String,
    pub from_ms: i64,
    pub to_ms: i64,
    /// It takes place now.
    pub is_current: bool,
    /// The names of the affected services, as visitors know them. Empty: all of them.
    pub services: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct IncidentView {
    /// Identifies an incident and reveals nothing else.
    pub id: String,
    pub title: String,
    pub severity: Severity,
    pub since_ms: i64,
    /// None: it is open.
    pub until_ms: Option<i64>,
    /// In order.
    pub updates: Vec<UpdateView>,
}

#[derive(Clone, Debug)]
pub struct UpdateView {
    pub at_ms: i64,
    pub stage: Stage,
    /// May be empty, and have several lines.
    pub text: String,
}

impl StatusView {
    pub fn services(&self) -> impl Iterator<Item = &ServiceView> {
        self.groups.iter().flat_map(|group| &group.services)
    }

    /// How long it may be shown from `now_ms` on. None: it is outdated.
    pub fn fresh_seconds(&self, now_ms: i64) -> Option<u64> {
        let fresh_ms = limits::STATUS_FRESH_SECONDS as i64 * 1_000;
        let left_ms = self.made_ms + fresh_ms - now_ms;
        // A clock that was set back makes it outdated too.
        (1..=fresh_ms).contains(&left_ms).then_some((left_ms as u64).div_ceil(1_000))
    }
}

/// The share of requests that succeeded, by host.
pub type RequestShares = HashMap<String, Share>;

/// The views of all projects, and the shares of requests, which are cached longer because they take a scan of hits. One
/// caller at a time computes each.
#[derive(Default)]
pub struct StatusViews {
    views: Mutex<HashMap<ProjectId, Remembered<Arc<StatusView>>>>,
    shares: Mutex<HashMap<ProjectId, Remembered<DatedShares>>>,
}

/// Held while its content is computed: others wait for it.
pub type Remembered<T> = Arc<tokio::sync::Mutex<Option<T>>>;

/// With the time of the query, milliseconds since 1970.
pub type DatedShares = (i64, Arc<RequestShares>);

impl StatusViews {
    pub fn view(&self, project: ProjectId) -> Remembered<Arc<StatusView>> {
        lock(&self.views).entry(project).or_default().clone()
    }

    pub fn shares(&self, project: ProjectId) -> Remembered<DatedShares> {
        lock(&self.shares).entry(project).or_default().clone()
    }

    /// Makes the owner's changes visible at once. A view that is being built is discarded.
    pub fn forget(&self, project: ProjectId) {
        lock(&self.views).remove(&project);
    }

    /// The page or its project was deleted.
    pub fn remove(&self, project: ProjectId) {
        self.forget(project);
        lock(&self.shares).remove(&project);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
