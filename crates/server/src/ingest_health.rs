//! Ingest health of every project: counted in memory by the posts, added to `meta.sqlite` now and then and at the end.
//!
//! `analytics::health` defines the counts and their sums. A post never waits for a file here.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use analytics::health::{Arrived, Health};
use analytics::hit::ProjectId;
use analytics::limits;
use store::meta::{Meta, MetaError};

use crate::error::Code;

/// Counts since the last write.
#[derive(Default)]
pub struct IngestHealth {
    counted: RwLock<HashMap<ProjectId, Mutex<Health>>>,
    /// Held while counts are being written: they are in neither place then.
    writing: tokio::sync::Mutex<()>,
}

impl IngestHealth {
    pub fn note(&self, project: ProjectId, batch: &Arrived<'_>, now_us: i64) {
        self.change(project, now_us, |health| health.note(batch, now_us));
    }

    /// A post of a known project that was refused as a whole.
    pub fn note_refused(&self, project: ProjectId, code: Code, now_us: i64) {
        self.change(project, now_us, |health| health.note_refused(code.name(), now_us));
    }

    /// All counts of the project, from the file and since. None: it never had a post.
    pub async fn of(&self, meta: &Meta, project: ProjectId) -> Result<Option<Health>, MetaError> {
        let _writing = self.writing.lock().await;
        let kept = meta.ingest_health(project).await?.and_then(|text| parse(&text));
        let counted = self.read().get(&project).map(|health| lock(health).clone());
        Ok(match (kept, counted) {
            (Some(mut kept), Some(counted)) => {
                kept.add(counted);
                Some(kept)
            }
            (kept, counted) => kept.or(counted),
        })
    }

    /// Adds the counts to the file. On failure they are kept in memory.
    pub async fn write(&self, meta: &Meta) -> Result<(), MetaError> {
        let _writing = self.writing.lock().await;
        let counted =
            std::mem::take(&mut *self.counted.write().unwrap_or_else(PoisonError::into_inner));
        if counted.is_empty() {
            return Ok(());
        }
        let into_health =
            |health: Mutex<Health>| health.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut counted: Vec<(ProjectId, Health)> =
            counted.into_iter().map(|(project, health)| (project, into_health(health))).collect();
        counted.sort_by_key(|(project, _)| *project);
        let written = add_to_file(meta, &counted).await;
        if written.is_err() {
            for (project, health) in counted {
                self.change(project, health.since_us, |later| {
                    let since = std::mem::replace(later, health);
                    later.add(since);
                });
            }
        }
        written
    }

    /// Drops samples that are not written yet, and waits for those that are being written.
    pub async fn forget_new_samples(&self, project: ProjectId) {
        let _writing = self.writing.lock().await;
        if let Some(health) = self.read().get(&project) {
            lock(health).forget_samples();
        }
    }

    /// For a project whose privacy level was raised. Other servers have dropped theirs.
    pub async fn forget_samples(&self, meta: &Meta, project: ProjectId) -> Result<(), MetaError> {
        self.forget_new_samples(project).await;
        let _writing = self.writing.lock().await;
        let forget = |kept: &str, (): &()| match parse(kept) {
            Some(mut kept) => {
                kept.forget_samples();
                serde_json::to_string(&kept).unwrap_or_default()
            }
            None => kept.to_owned(),
        };
        meta.change_ingest_health(&[(project, ())], forget).await
    }

    fn change(&self, project: ProjectId, now_us: i64, change: impl FnOnce(&mut Health)) {
        // Under the lock of the map, so that nothing is counted into a health being written.
        if let Some(health) = self.read().get(&project) {
            return change(&mut lock(health));
        }
        let mut counted = self.counted.write().unwrap_or_else(PoisonError::into_inner);
        if counted.len() as u64 >= limits::HEALTH_PROJECTS {
            return;
        }
        let health = counted.entry(project).or_insert_with(|| Mutex::new(Health::new(now_us)));
        change(&mut lock(health));
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<ProjectId, Mutex<Health>>> {
        self.counted.read().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn add_to_file(meta: &Meta, counted: &[(ProjectId, Health)]) -> Result<(), MetaError> {
    let add = |kept: &str, counted: &Health| {
        let whole = match parse(kept) {
            Some(mut kept) => {
                kept.add(counted.clone());
                kept
            }
            None => counted.clone(),
        };
        serde_json::to_string(&whole).unwrap_or_default()
    };
    meta.change_ingest_health(counted, add).await
}

/// An unreadable health is counted anew: it is only numbers about the past.
fn parse(text: &str) -> Option<Health> {
    serde_json::from_str(text).ok()
}

fn lock(health: &Mutex<Health>) -> MutexGuard<'_, Health> {
    health.lock().unwrap_or_else(PoisonError::into_inner)
}
