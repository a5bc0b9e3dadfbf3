//! The rows of `meta.sqlite` in memory, which answer every request.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use analytics::alert::RuleSettings;
use analytics::hit::ProjectId;
use analytics::maintenance::MaintenanceSettings;

use super::rows::{Can, ChannelRow, MonitorRow, Project, Rows, ShareLink, StatusPageRow};
use super::secrets::{DashboardId, SecretHash, ServerSecret, Token};

#[derive(Default)]
pub(super) struct Directory {
    pub(super) keys: HashMap<SecretHash, Arc<KeyEntry>>,
    pub(super) projects: HashMap<ProjectId, Arc<ProjectEntry>>,
    pub(super) dashboards: HashMap<DashboardId, ProjectId>,
    pub(super) imported_user_ids: HashMap<SecretHash, ProjectId>,
    pub(super) sessions: HashMap<SecretHash, Arc<SessionEntry>>,
    pub(super) links: HashMap<SecretHash, Arc<LinkEntry>>,
    pub(super) monitors: BTreeMap<i64, Arc<MonitorRow>>,
    pub(super) heartbeats: HashMap<Token, i64>,
    pub(super) channels: BTreeMap<i64, Arc<ChannelRow>>,
    pub(super) maintenance: Rows<MaintenanceSettings>,
    pub(super) status_pages: HashMap<ProjectId, Arc<StatusPageRow>>,
    pub(super) status_slugs: HashMap<String, ProjectId>,
    pub(super) rules: Rows<RuleSettings>,
}

pub(super) struct SessionEntry {
    pub(super) created_us: i64,
    pub(super) used: Arc<Touched>,
    /// In order of sign-in.
    pub(super) projects: Vec<ProjectGrant>,
}

/// A session's access to a project: by a key (its number), by the dashboard id (its generation), or by both.
#[derive(Clone, Copy)]
pub(super) struct ProjectGrant {
    pub(super) project: ProjectId,
    pub(super) key: Option<i64>,
    pub(super) generation: Option<u32>,
}

pub(super) struct LinkEntry {
    pub(super) link: ShareLink,
    pub(super) used: Touched,
}

pub(super) struct KeyEntry {
    pub(super) id: i64,
    pub(super) project: ProjectId,
    pub(super) can: Can,
    pub(super) used: Touched,
}

pub(super) struct ProjectEntry {
    pub(super) project: Project,
    pub(super) looked: Arc<Touched>,
}

/// A time that changes with every request, so it is written periodically and not each time.
pub(super) struct Touched {
    now: AtomicI64,
    written: AtomicI64,
}

impl Touched {
    pub(super) fn new(time_us: Option<i64>) -> Touched {
        let time_us = time_us.unwrap_or(i64::MIN);
        Touched { now: AtomicI64::new(time_us), written: AtomicI64::new(time_us) }
    }

    pub(super) fn touch(&self, time_us: i64) {
        // Most calls change nothing: whole seconds are fine enough, and a shared cache line that is only read stays
        // cached.
        if self.now.load(Ordering::Relaxed).saturating_add(1_000_000) <= time_us {
            self.now.fetch_max(time_us, Ordering::Relaxed);
        }
    }

    pub(super) fn get(&self) -> Option<i64> {
        Some(self.now.load(Ordering::Relaxed)).filter(|time_us| *time_us != i64::MIN)
    }

    /// The time, if the file does not have it yet.
    pub(super) fn unwritten(&self) -> Option<i64> {
        self.get().filter(|time_us| *time_us != self.written.load(Ordering::Relaxed))
    }

    /// Takes over the times of a copy of it, if they are later.
    pub(super) fn take_over(&self, copy: &Touched) {
        self.now.fetch_max(copy.now.load(Ordering::Relaxed), Ordering::Relaxed);
        self.written.fetch_max(copy.written.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(super) fn set_written(&self, time_us: i64) {
        self.written.store(time_us, Ordering::Relaxed);
    }
}

impl Directory {
    /// Adds the project, or replaces it.
    pub(super) fn put_project(&mut self, project: Project, secret: &ServerSecret) {
        let dashboard = secret.dashboard_id(project.id.0, project.generation);
        let looked = match self.projects.get(&project.id) {
            Some(before) => {
                let old_dashboard = secret.dashboard_id(project.id.0, before.project.generation);
                self.dashboards.remove(&old_dashboard);
                before.looked.clone()
            }
            None => Arc::new(Touched::new(project.last_look_us)),
        };
        if !project.deleting {
            self.dashboards.insert(dashboard, project.id);
        }
        self.projects.insert(project.id, Arc::new(ProjectEntry { project, looked }));
    }

    /// Forgets the secrets of a project: nobody can refer to it from here on.
    pub(super) fn close_project(&mut self, project: ProjectId) {
        self.keys.retain(|_, key| key.project != project);
        self.dashboards.retain(|_, owner| *owner != project);
        self.imported_user_ids.retain(|_, owner| *owner != project);
        self.links.retain(|_, entry| entry.link.project != project);
        self.drop_monitors(|monitor| monitor.project == project);
        self.channels.retain(|_, channel| channel.project != project);
        self.maintenance.retain(|_, row| row.project != project);
        self.drop_status_page(project);
        self.rules.retain(|_, row| row.project != project);
        self.change_sessions(|held| (held.project != project).then_some(*held));
    }

    /// Removes from the session the projects that `keep` rejects.
    pub(super) fn change_session(
        &mut self,
        session: &SecretHash,
        keep: impl Fn(&ProjectGrant) -> bool,
    ) {
        let Some(before) = self.sessions.get(session) else { return };
        let projects = before.projects.iter().filter(|held| keep(held)).copied().collect();
        let (created_us, used) = (before.created_us, before.used.clone());
        let entry = SessionEntry { created_us, used, projects };
        self.sessions.insert(*session, Arc::new(entry));
    }

    /// Replaces each project of each session by the result of `change`; none removes it.
    pub(super) fn change_sessions(
        &mut self,
        change: impl Fn(&ProjectGrant) -> Option<ProjectGrant>,
    ) {
        for entry in self.sessions.values_mut() {
            let projects: Vec<ProjectGrant> = entry.projects.iter().filter_map(&change).collect();
            let (created_us, used) = (entry.created_us, entry.used.clone());
            *entry = Arc::new(SessionEntry { created_us, used, projects });
        }
    }

    pub(super) fn put_monitor(&mut self, monitor: Arc<MonitorRow>, secret: &ServerSecret) {
        self.heartbeats.insert(secret.heartbeat(monitor.id, monitor.created_us), monitor.id);
        self.monitors.insert(monitor.id, monitor);
    }

    pub(super) fn drop_monitors(&mut self, is_gone: impl Fn(&MonitorRow) -> bool) {
        self.monitors.retain(|_, monitor| !is_gone(monitor));
        let monitors = &self.monitors;
        self.heartbeats.retain(|_, id| monitors.contains_key(id));
    }

    pub(super) fn put_status_page(&mut self, row: Arc<StatusPageRow>) {
        self.drop_status_page(row.project);
        self.status_slugs.insert(row.page.slug.clone(), row.project);
        self.status_pages.insert(row.project, row);
    }

    pub(super) fn drop_status_page(&mut self, project: ProjectId) {
        self.status_pages.remove(&project);
        self.status_slugs.retain(|_, holder| *holder != project);
    }
}

impl ProjectEntry {
    pub(super) fn current(&self) -> Project {
        Project { last_look_us: self.looked.get(), ..self.project.clone() }
    }
}

impl LinkEntry {
    pub(super) fn current(&self) -> ShareLink {
        ShareLink { last_used_us: self.used.get(), ..self.link.clone() }
    }
}
