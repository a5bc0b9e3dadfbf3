//! Changes of other servers: those that were heard of and are not in memory yet, and those that are, for the rest of the
//! program.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use analytics::hit::ProjectId;
use analytics::limits;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::parts::Part;
use super::rows::MonitorRow;

/// Changes that are in memory now.
#[derive(Debug, Default)]
pub struct Changed {
    /// New and changed monitors.
    pub monitors: Vec<Arc<MonitorRow>>,
    /// Monitors were deleted.
    pub monitors_gone: bool,
    /// Projects whose maintenance windows have changed.
    pub maintenance: BTreeSet<ProjectId>,
    /// Projects whose status page has changed.
    pub status_pages: BTreeSet<ProjectId>,
    /// Rules were changed or deleted.
    pub rules: bool,
    /// Routes were learned, which are not in memory here.
    pub routes: Routes,
    /// Heartbeats wait for the server that judges them.
    pub signals: bool,
    /// An erasure waits until this server has passed its barrier.
    pub barrier: bool,
}

/// Projects whose learned routes may have changed.
#[derive(Debug, Default)]
pub enum Routes {
    #[default]
    None,
    Of(BTreeSet<ProjectId>),
    All,
}

impl Routes {
    fn add(&mut self, project: ProjectId) {
        match self {
            Routes::None => *self = Routes::Of([project].into()),
            Routes::Of(projects) => {
                projects.insert(project);
            }
            Routes::All => {}
        }
    }

    fn add_all(&mut self, others: Routes) {
        match others {
            Routes::None => {}
            Routes::Of(projects) => projects.into_iter().for_each(|project| self.add(project)),
            Routes::All => *self = Routes::All,
        }
    }
}

impl Changed {
    pub(super) fn add(&mut self, later: Changed) {
        self.monitors.extend(later.monitors);
        self.monitors_gone |= later.monitors_gone;
        self.maintenance.extend(later.maintenance);
        self.status_pages.extend(later.status_pages);
        self.rules |= later.rules;
        self.routes.add_all(later.routes);
        self.signals |= later.signals;
        self.barrier |= later.barrier;
    }
}

/// To be read, and to be told.
#[derive(Default)]
pub(super) struct News {
    pub(super) parts: BTreeSet<Part>,
    pub(super) changed: Changed,
}

impl News {
    /// Anything may have changed, learned routes too if `with_routes`: they are long, and old ones do no harm.
    pub(super) fn everything(with_routes: bool) -> News {
        let routes = if with_routes { Routes::All } else { Routes::None };
        let changed = Changed { routes, signals: true, barrier: true, ..Changed::default() };
        News { parts: Part::all(), changed }
    }

    /// From the text of a notification; none for a sign of life.
    pub(super) fn parse(text: &str) -> Option<News> {
        let mut news = News::default();
        match text.split_once(' ') {
            Some(("learned_routes", project)) => {
                news.changed.routes.add(ProjectId(project.parse().ok()?));
            }
            Some(_) => return None,
            None if text == "heartbeat_signals" => news.changed.signals = true,
            None if text == "barrier" => news.changed.barrier = true,
            None => {
                news.parts.insert(Part::of_table(text)?);
            }
        }
        Some(news)
    }
}

pub(super) struct Pending {
    state: Mutex<State>,
    arrived: Notify,
}

struct State {
    news: Option<News>,
    /// When memory was the same as the database, as far as known.
    synced: Instant,
    next_whole: Instant,
}

const WHOLE_EVERY: Duration = Duration::from_secs(limits::META_RELOAD_SECONDS);

impl Default for Pending {
    fn default() -> Pending {
        let now = Instant::now();
        let state = State { news: None, synced: now, next_whole: now + WHOLE_EVERY };
        Pending { state: Mutex::new(state), arrived: Notify::new() }
    }
}

impl Pending {
    pub(super) fn put(&self, news: News) {
        let mut state = self.state();
        let waiting = state.news.get_or_insert_default();
        waiting.parts.extend(news.parts);
        waiting.changed.add(news.changed);
        drop(state);
        self.arrived.notify_one();
    }

    /// The database answers on the connection that tells of changes.
    pub(super) fn note_alive(&self) {
        let mut state = self.state();
        if state.news.is_none() {
            state.synced = Instant::now();
        }
    }

    /// Waits for news, or for the time to read everything again.
    pub(super) async fn take(&self) -> News {
        loop {
            let next_whole = {
                let mut state = self.state();
                if Instant::now() >= state.next_whole {
                    state.next_whole = Instant::now() + WHOLE_EVERY;
                    let mut news = News::everything(false);
                    if let Some(waiting) = state.news.take() {
                        news.changed.add(waiting.changed);
                    }
                    return news;
                }
                if let Some(news) = state.news.take() {
                    return news;
                }
                state.next_whole
            };
            let _ = tokio::time::timeout_at(next_whole, self.arrived.notified()).await;
        }
    }

    /// Everything that had been committed by `began` is in memory.
    pub(super) fn note_synced(&self, began: Instant) {
        let mut state = self.state();
        state.synced = state.synced.max(began);
    }

    /// How long memory may have been behind the database.
    pub(super) fn behind(&self) -> Duration {
        self.state().synced.elapsed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
