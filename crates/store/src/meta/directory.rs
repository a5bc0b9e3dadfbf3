//! What is kept in memory of `meta.sqlite`: the answers that every request needs.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError};

use analytics::alert::RuleSettings;
use analytics::hit::ProjectId;
use analytics::maintenance::MaintenanceSettings;
use sqlx::{Row, SqlitePool};

use super::channels::{self, ChannelRow};
use super::keys::{Can, KeyGrant};
use super::monitors::{self, MonitorRow};
use super::projects::{PROJECT_COLUMNS, Project, to_project};
use super::secrets::{DashboardId, Key, SecretHash, ServerSecret, Token};
use super::settings_rows::{self, Rows};
use super::share_links::{NewShareLink, ShareLink};
use super::status_pages::{self, StatusPageRow};
use super::{Meta, MetaError};

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
    /// In order of their sign-ins.
    pub(super) projects: Vec<Held>,
}

/// A project of a session: by a key (its number), by the dashboard id (its generation), or by both.
#[derive(Clone, Copy)]
pub(super) struct Held {
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

/// A time that changes with every request, so it is written now and then and not each time.
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
        // Most calls change nothing: a time in whole seconds is enough, and a shared line that is only read stays cached.
        if self.now.load(Ordering::Relaxed).saturating_add(1_000_000) <= time_us {
            self.now.fetch_max(time_us, Ordering::Relaxed);
        }
    }

    pub(super) fn get(&self) -> Option<i64> {
        Some(self.now.load(Ordering::Relaxed)).filter(|time_us| *time_us != i64::MIN)
    }

    /// The time, where the file does not have it yet.
    pub(super) fn unwritten(&self) -> Option<i64> {
        self.get().filter(|time_us| *time_us != self.written.load(Ordering::Relaxed))
    }

    pub(super) fn set_written(&self, time_us: i64) {
        self.written.store(time_us, Ordering::Relaxed);
    }
}

pub(super) async fn load(pool: &SqlitePool, secret: &ServerSecret) -> Result<Directory, MetaError> {
    let mut directory = Directory::default();
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {PROJECT_COLUMNS} FROM projects")));
    for row in rows.fetch_all(pool).await? {
        directory.put_project(to_project(&row)?, secret);
    }
    let rows = sqlx::query(
        "SELECT id, project, hash, can, last_used_us FROM keys WHERE revoked_us IS NULL",
    );
    for row in rows.fetch_all(pool).await? {
        let entry = KeyEntry {
            id: row.try_get("id")?,
            project: ProjectId(row.try_get("project")?),
            can: Can::parse(row.try_get("can")?),
            used: Touched::new(row.try_get("last_used_us")?),
        };
        directory.keys.insert(to_hash(row.try_get("hash")?)?, Arc::new(entry));
    }
    for row in sqlx::query("SELECT hash, project FROM imported_user_ids").fetch_all(pool).await? {
        directory
            .imported_user_ids
            .insert(to_hash(row.try_get("hash")?)?, ProjectId(row.try_get("project")?));
    }
    load_sessions(pool, &mut directory).await?;
    load_share_links(pool, &mut directory).await?;
    monitors::load(pool, secret, &mut directory).await?;
    channels::load(pool, secret, &mut directory).await?;
    settings_rows::load::<MaintenanceSettings>(pool, &mut directory).await?;
    status_pages::load(pool, &mut directory).await?;
    settings_rows::load::<RuleSettings>(pool, &mut directory).await?;
    Ok(directory)
}

async fn load_sessions(pool: &SqlitePool, directory: &mut Directory) -> Result<(), MetaError> {
    let mut held: HashMap<SecretHash, Vec<Held>> = HashMap::new();
    let rows = sqlx::query("SELECT session, project, key, generation FROM session_projects");
    for row in rows.fetch_all(pool).await? {
        held.entry(to_hash(row.try_get("session")?)?).or_default().push(Held {
            project: ProjectId(row.try_get("project")?),
            key: row.try_get("key")?,
            generation: row.try_get("generation")?,
        });
    }
    for row in
        sqlx::query("SELECT hash, created_us, last_used_us FROM sessions").fetch_all(pool).await?
    {
        let hash = to_hash(row.try_get("hash")?)?;
        let entry = SessionEntry {
            created_us: row.try_get("created_us")?,
            used: Arc::new(Touched::new(row.try_get("last_used_us")?)),
            projects: held.remove(&hash).unwrap_or_default(),
        };
        directory.sessions.insert(hash, Arc::new(entry));
    }
    Ok(())
}

async fn load_share_links(pool: &SqlitePool, directory: &mut Directory) -> Result<(), MetaError> {
    let rows = sqlx::query(
        "SELECT id, project, hash, name, q, addresses, consumers, hits, created_us, expires_us, last_used_us FROM share_links",
    );
    for row in rows.fetch_all(pool).await? {
        let link = ShareLink {
            id: row.try_get("id")?,
            project: ProjectId(row.try_get("project")?),
            new: NewShareLink {
                name: row.try_get("name")?,
                q: row.try_get("q")?,
                addresses: row.try_get("addresses")?,
                consumers: row.try_get("consumers")?,
                hits: row.try_get("hits")?,
                expires_us: row.try_get("expires_us")?,
            },
            created_us: row.try_get("created_us")?,
            last_used_us: row.try_get("last_used_us")?,
        };
        let used = Touched::new(link.last_used_us);
        directory.links.insert(to_hash(row.try_get("hash")?)?, Arc::new(LinkEntry { link, used }));
    }
    Ok(())
}

fn to_hash(bytes: Vec<u8>) -> Result<SecretHash, MetaError> {
    bytes
        .try_into()
        .map_err(|_| MetaError::Sqlite(sqlx::Error::Protocol("a hash is not 32 bytes long".into())))
}

impl Directory {
    /// Adds the project, or replaces what was known of it.
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

    /// Forgets the secrets of a project: from here on nobody can name it.
    pub(super) fn close_project(&mut self, project: ProjectId) {
        self.keys.retain(|_, key| key.project != project);
        self.dashboards.retain(|_, owner| *owner != project);
        self.imported_user_ids.retain(|_, owner| *owner != project);
        self.links.retain(|_, entry| entry.link.project != project);
        self.drop_monitors(|monitor| monitor.project == project);
        self.drop_channels(project);
        self.drop_settings::<MaintenanceSettings>(project);
        self.drop_status_page(project);
        self.drop_settings::<RuleSettings>(project);
        self.change_sessions(|held| (held.project != project).then_some(*held));
    }

    /// Takes out of the session what `keep` does not keep.
    pub(super) fn change_session(&mut self, session: &SecretHash, keep: impl Fn(&Held) -> bool) {
        let Some(before) = self.sessions.get(session) else { return };
        let projects = before.projects.iter().filter(|held| keep(held)).copied().collect();
        let (created_us, used) = (before.created_us, before.used.clone());
        let entry = SessionEntry { created_us, used, projects };
        self.sessions.insert(*session, Arc::new(entry));
    }

    /// Puts in place of each project of each session what `change` makes of it; none takes it out.
    pub(super) fn change_sessions(&mut self, change: impl Fn(&Held) -> Option<Held>) {
        for entry in self.sessions.values_mut() {
            let projects: Vec<Held> = entry.projects.iter().filter_map(&change).collect();
            let (created_us, used) = (entry.created_us, entry.used.clone());
            *entry = Arc::new(SessionEntry { created_us, used, projects });
        }
    }
}

impl Meta {
    /// What the key may do, in which project; none where it is unknown, revoked, or its project is being deleted.
    pub fn grant(&self, key: &Key) -> Option<KeyGrant> {
        let hash = self.inner.secret.hash_key(key);
        self.read(|directory| {
            let key = directory.keys.get(&hash)?;
            let project = directory.projects.get(&key.project)?;
            Some(KeyGrant { key: key.clone(), project: project.clone() })
        })
    }

    /// The project that this dashboard id (or imported user id) opens.
    pub fn dashboard(&self, id: &DashboardId) -> Option<ProjectId> {
        let imported = self.inner.secret.hash_user_id(id);
        self.read(|directory| {
            directory
                .dashboards
                .get(id)
                .or_else(|| directory.imported_user_ids.get(&imported))
                .copied()
        })
    }

    pub fn project(&self, project: ProjectId) -> Option<Project> {
        self.read(|directory| directory.projects.get(&project).map(|entry| entry.current()))
    }

    /// The demo, where there is one.
    pub fn demo_project(&self) -> Option<Project> {
        self.read(|directory| {
            let mut entries = directory.projects.values();
            let is_demo = |entry: &&Arc<ProjectEntry>| {
                entry.project.demo_until_us.is_some() && !entry.project.deleting
            };
            entries.find(is_demo).map(|entry| entry.current())
        })
    }

    /// The same grant with the project's settings as they are now.
    pub fn refresh(&self, grant: KeyGrant) -> KeyGrant {
        let project = self.read(|directory| directory.projects.get(&grant.key.project).cloned());
        KeyGrant { project: project.unwrap_or(grant.project), key: grant.key }
    }

    /// All projects in order of their numbers, also those that are being deleted.
    pub fn projects(&self) -> Vec<Project> {
        let mut projects: Vec<_> = self
            .read(|directory| directory.projects.values().map(|entry| entry.current()).collect());
        projects.sort_by_key(|project: &Project| project.id);
        projects
    }

    /// Notes an authenticated look at the project's data.
    pub fn touch_look(&self, project: ProjectId, now_us: i64) {
        self.read(|directory| {
            if let Some(entry) = directory.projects.get(&project) {
                entry.looked.touch(now_us);
            }
        });
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Directory) -> T) -> T {
        read(&self.inner.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn write<T>(&self, write: impl FnOnce(&mut Directory) -> T) -> T {
        write(&mut self.inner.directory.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ProjectEntry {
    fn current(&self) -> Project {
        Project { last_look_us: self.looked.get(), ..self.project.clone() }
    }
}
