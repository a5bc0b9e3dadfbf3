//! The learned routes of every project, in memory while the server runs. A new template is on disk before the batch
//! that taught it; counts on the way to one are written each minute and at the end.
//!
//! Of several servers each learns from the requests that it gets. One that finds another's state in the table takes that,
//! and learns on from there: what it counted since its own last write is learned again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use analytics::hit::ProjectId;
use analytics::learned_routes::LearnedRoutes;
use analytics::limits;
use store::RouteRules;
use store::meta::{LearnedRoutesRow, Meta, MetaError};

use crate::random::random_bytes;

#[derive(Default)]
pub struct LearnedRoutesByProject {
    projects: RwLock<HashMap<ProjectId, Arc<ProjectRoutes>>>,
    /// Number of words of all projects, as last counted.
    words: AtomicUsize,
    /// One write at a time, so that an older state never follows a newer one.
    writing: tokio::sync::Mutex<()>,
}

/// The routes of one project.
pub struct ProjectRoutes {
    routes: Mutex<LearnedRoutes>,
    /// Hash of the text in the table, as last read or written here.
    in_table: Mutex<Option<blake3::Hash>>,
    written_version: AtomicU64,
    written_templates: AtomicU64,
}

impl LearnedRoutesByProject {
    pub async fn load(meta: &Meta) -> Result<LearnedRoutesByProject, MetaError> {
        let all = LearnedRoutesByProject::default();
        for LearnedRoutesRow { project, state, restored } in meta.learned_routes().await? {
            match serde_json::from_str::<LearnedRoutes>(&state) {
                Ok(routes) => {
                    let of_project = ProjectRoutes::new(routes);
                    of_project.note_in_table(&state);
                    all.write_map().insert(project, of_project);
                    if restored {
                        all.forget_texts(meta, project).await?;
                    }
                }
                // They can be learned again; the owner's decisions cannot, so it is logged.
                Err(error) => {
                    tracing::error!(project = project.0, %error, "the learned routes of a project cannot be read and begin anew");
                }
            }
        }
        all.count_words();
        Ok(all)
    }

    /// The project's routes, none at first.
    pub fn of(&self, project: ProjectId) -> anyhow::Result<Arc<ProjectRoutes>> {
        if let Some(known) = self.known(project) {
            return Ok(known);
        }
        let random = u128::from_le_bytes(random_bytes::<16>()?);
        let mut routes = LearnedRoutes::new(((random >> 64) as u64, random as u64));
        routes.limit_words(self.room());
        let mut projects = self.write_map();
        Ok(projects.entry(project).or_insert_with(|| ProjectRoutes::new(routes)).clone())
    }

    fn known(&self, project: ProjectId) -> Option<Arc<ProjectRoutes>> {
        let projects = self.projects.read().unwrap_or_else(PoisonError::into_inner);
        projects.get(&project).cloned()
    }

    /// Writes the project's templates if they have changed.
    pub async fn write_templates(&self, meta: &Meta, project: ProjectId) -> Result<(), MetaError> {
        let Some(of_project) = self.known(project) else { return Ok(()) };
        let templates = of_project.lock().templates_version();
        if of_project.written_templates.load(Ordering::Relaxed) == templates {
            return Ok(());
        }
        self.write_project(meta, project, &of_project).await
    }

    /// Takes over what other servers have learned of the project.
    pub async fn catch_up(&self, meta: &Meta, project: ProjectId) -> Result<(), MetaError> {
        if !meta.is_shared() {
            return Ok(());
        }
        let _writing = self.writing.lock().await;
        if let Some(state) = meta.learned_routes_of(project).await? {
            self.take_over(project, &state);
        }
        Ok(())
    }

    /// The same for all projects.
    pub async fn catch_up_all(&self, meta: &Meta) -> Result<(), MetaError> {
        let _writing = self.writing.lock().await;
        for LearnedRoutesRow { project, state, .. } in meta.learned_routes().await? {
            self.take_over(project, &state);
        }
        Ok(())
    }

    /// While `writing` is held.
    fn take_over(&self, project: ProjectId, state: &str) {
        if self.known(project).is_some_and(|of_project| of_project.is_in_table(state)) {
            return;
        }
        let routes = match serde_json::from_str::<LearnedRoutes>(state) {
            Ok(routes) => routes,
            Err(error) => {
                tracing::error!(project = project.0, %error, "the learned routes of a project cannot be read");
                return;
            }
        };
        let Some(of_project) = self.known(project) else {
            let of_project = ProjectRoutes::new(routes);
            of_project.note_in_table(state);
            self.write_map().insert(project, of_project);
            return;
        };
        let mut known = of_project.lock();
        known.become_like(routes);
        of_project.written_version.store(known.version(), Ordering::Relaxed);
        of_project.written_templates.store(known.templates_version(), Ordering::Relaxed);
        of_project.note_in_table(state);
    }

    /// Called before the erasure of someone whose paths may have supplied words of a template.
    pub async fn forget_texts(&self, meta: &Meta, project: ProjectId) -> Result<(), MetaError> {
        let Some(of_project) = self.known(project) else { return Ok(()) };
        // Another server may write in between, and its texts are forgotten then.
        loop {
            of_project.lock().forget_texts();
            match self.write_project(meta, project, &of_project).await {
                Err(MetaError::ChangedElsewhere) => {}
                written => return written,
            }
        }
    }

    /// Writes everything that has changed, and forgets deleted projects.
    pub async fn write(&self, meta: &Meta) -> Result<(), MetaError> {
        let live = meta.live_projects();
        self.write_map().retain(|project, _| live.contains(project));
        let room = self.count_words();
        let all: Vec<(ProjectId, Arc<ProjectRoutes>)> = {
            let projects = self.projects.read().unwrap_or_else(PoisonError::into_inner);
            projects.iter().map(|(project, routes)| (*project, routes.clone())).collect()
        };
        for (project, of_project) in all {
            let version = {
                let mut routes = of_project.lock();
                routes.limit_words(room);
                routes.version()
            };
            if of_project.written_version.load(Ordering::Relaxed) != version {
                match self.write_project(meta, project, &of_project).await {
                    // It has taken that over.
                    Ok(()) | Err(MetaError::ChangedElsewhere) => {}
                    Err(problem) => return Err(problem),
                }
            }
        }
        Ok(())
    }

    async fn write_project(
        &self,
        meta: &Meta,
        project: ProjectId,
        of_project: &ProjectRoutes,
    ) -> Result<(), MetaError> {
        let _writing = self.writing.lock().await;
        let (version, templates, state) = {
            let routes = of_project.lock();
            let state = serde_json::to_string(&*routes).expect("numbers and texts");
            (routes.version(), routes.templates_version(), state)
        };
        match meta.is_shared() {
            false => meta.write_learned_routes(project, &state).await?,
            true => {
                let known = |found: &str| of_project.is_in_table(found);
                let write = meta.write_learned_routes_after(project, &state, known);
                if let Some(others) = write.await? {
                    self.take_over(project, &others);
                    return Err(MetaError::ChangedElsewhere);
                }
                of_project.note_in_table(&state);
            }
        }
        of_project.written_version.store(version, Ordering::Relaxed);
        of_project.written_templates.store(templates, Ordering::Relaxed);
        Ok(())
    }

    /// The number of words that may be added.
    fn count_words(&self) -> usize {
        let projects = self.projects.read().unwrap_or_else(PoisonError::into_inner);
        let words = projects.values().map(|of_project| of_project.lock().words()).sum();
        drop(projects);
        self.words.store(words, Ordering::Relaxed);
        self.room()
    }

    fn room(&self) -> usize {
        (limits::ROUTE_WORDS_ALL as usize).saturating_sub(self.words.load(Ordering::Relaxed))
    }

    fn write_map(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<ProjectId, Arc<ProjectRoutes>>> {
        self.projects.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RouteRules for LearnedRoutesByProject {
    fn join(&self, project: ProjectId, route: &str) -> Option<String> {
        self.known(project)?.lock().join(route)
    }

    fn version(&self) -> u64 {
        // Of templates loaded from the folder none is known to have been applied to every file.
        let projects = self.projects.read().unwrap_or_else(PoisonError::into_inner);
        projects.values().map(|routes| 1 + routes.lock().templates_version()).sum()
    }

    fn version_of(&self, project: ProjectId) -> u64 {
        let Some(of_project) = self.known(project) else { return 0 };
        let routes = of_project.lock();
        if routes.has_templates() { 1 + routes.templates_version() } else { 0 }
    }
}

impl ProjectRoutes {
    fn new(routes: LearnedRoutes) -> Arc<ProjectRoutes> {
        Arc::new(ProjectRoutes {
            written_version: AtomicU64::new(routes.version()),
            written_templates: AtomicU64::new(routes.templates_version()),
            in_table: Mutex::default(),
            routes: Mutex::new(routes),
        })
    }

    fn note_in_table(&self, state: &str) {
        let mut in_table = self.in_table.lock().unwrap_or_else(PoisonError::into_inner);
        *in_table = Some(blake3::hash(state.as_bytes()));
    }

    fn is_in_table(&self, state: &str) -> bool {
        let in_table = self.in_table.lock().unwrap_or_else(PoisonError::into_inner);
        *in_table == Some(blake3::hash(state.as_bytes()))
    }

    pub fn as_mutex(&self) -> &Mutex<LearnedRoutes> {
        &self.routes
    }

    pub fn lock(&self) -> MutexGuard<'_, LearnedRoutes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
